/** One small training, for every engine: in a page it runs on the built package, in the tests of it on the sources. */
import { createWasmKernels } from '../../src/kernels/index';
import { generateCorpus, saveModel, train } from '../../src/labeling/index';
import type { Threads, TrainHooks } from '../../src/labeling/index';

const corpus = generateCorpus({ sentences: 130, seed: 12, maxPhrases: 1 });
const corpora = { train: corpus.slice(0, 101), dev: corpus.slice(101) };

/** The bytes of the model that a training on these threads gives. */
export async function trainedBytes(threads: Threads, hooks: TrainHooks = {}, epochs = 2): Promise<Uint8Array> {
  const kernels = await createWasmKernels({ relaxedSimd: false });
  const options = { embedding: 6, hidden: 7, epochs, patience: epochs, lr: 0.02, dropout: 0.2, batch: 16, threads };
  try {
    return saveModel((await train(kernels, corpora, options, hooks)).model);
  } finally {
    kernels.dispose();
  }
}
