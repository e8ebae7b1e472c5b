/** A training whose model is not lost when a thread ends in the middle. */
import { availableParallelism } from 'node:os';
import type { Kernels } from '../kernels/index.js';
import { saveModel } from '../labeling/model-file.js';
import type { TrainOptions } from '../labeling/options.js';
import { nodeThreads } from '../labeling/parallel/threads.node.js';
import type { TrainHooks, TrainResult } from '../labeling/record.js';
import type { Corpora } from '../labeling/run.js';
import { saveFile } from '../labeling/save.node.js';
import { train } from '../labeling/train.js';
import { WorkerError } from '../tensor/index.js';

/** Options of a training as the command line has them. */
export interface ThreadedOptions extends Omit<TrainOptions, 'threads'> {
  readonly threads: number | 'auto';
  /** The model file. */
  readonly out: string;
}

/** Trains. When a thread ends in the middle, saves the best model so far. @throws WorkerError then; as `train` otherwise */
export async function trainOrRescue(
  kernels: Kernels,
  corpora: Corpora,
  options: ThreadedOptions,
  hooks: TrainHooks,
): Promise<TrainResult> {
  const threads = nodeThreads(options.threads === 'auto' ? availableParallelism() : options.threads);
  const rescued: TrainResult[] = [];
  try {
    const onRescue = (result: TrainResult) => void rescued.push(result);
    return await train(kernels, corpora, { ...options, threads }, { ...hooks, onRescue });
  } catch (error) {
    if (!(error instanceof WorkerError) || rescued.length === 0) throw error;
    await saveFile(options.out, saveModel(rescued[0].model));
    throw new WorkerError(`${error.message}; ${whatWasSaved(rescued[0], options.out)}`, { cause: error });
  }
}

/** What became of the model of a training that did not come to its end. */
export function whatWasSaved({ bestEpoch }: TrainResult, out: string): string {
  return `${bestEpoch > 0 ? `the best model so far, of epoch ${bestEpoch},` : 'the model as it stood'} was saved to ${out}`;
}
