/** The labeler on a device that answers later: `model.ts` and `predict.ts`, their products awaited. */
import type { Packing } from '../../autograd/packing.js';
import type { Truncation } from '../../autograd/truncate.js';
import { createCpuKernels } from '../../kernels/cpu/index.js';
import type { AsyncKernels, Kernels } from '../../kernels/types.js';
import type { Seams } from '../../layers/async.js';
import { linearBackwardAsync, linearForwardAsync, stackBackwardAsync, stackForwardAsync } from '../../layers/async.js';
import { embeddingBackward, embeddingForward } from '../../layers/embedding.js';
import type { Rng } from '../../tensor/random.js';
import type { Tensor } from '../../tensor/types.js';
import { expectUnchanged, remember } from '../../tensor/versions.js';
import { expectKernels } from '../checks.js';
import { modelOf } from './file.js';
import type { Model, ModelBody, ModelGrads, ModelParams, ModelPass } from './model.js';
import { dropWith, layersOf, stackOptions, undoDropout, zerosFor, ownWeights } from './model.js';
import type { PredictOptions, Prediction } from './predict.js';
import { batchesToPredict, predictionsOf } from './predict.js';

/** `modelForward` on a device. */
export async function modelForwardAsync(
  seams: Seams,
  { config, params, cell }: ModelBody,
  ids: Int32Array,
  packing: Packing,
  dropout?: Rng,
  truncate?: Truncation,
): Promise<ModelPass> {
  const p = config.dropout;
  const embedded = embeddingForward(params.embedding, ids, undefined, seams.host);
  const input = dropWith(seams.host, embedded, p, dropout);
  const options = stackOptions(p, dropout, truncate);
  const stack = await stackForwardAsync(seams, layersOf(config, cell), params.layers, input.y, packing, options);
  const output = dropWith(seams.host, stack.y, p, dropout);
  const logits = await linearForwardAsync(seams, params.output, output.y);
  const pass = { ids, embedded, embeddedMask: input.mask, stack, hidden: output.y, hiddenMask: output.mask, logits };
  return remember(pass, ownWeights(params));
}

/** `modelBackward` on a device. */
export async function modelBackwardAsync(
  seams: Seams,
  params: ModelParams,
  pass: ModelPass,
  dLogits: Tensor,
  grads: ModelGrads,
  truncate?: Truncation,
): Promise<void> {
  expectUnchanged('modelBackwardAsync', pass);
  const { host } = seams;
  const dHidden = zerosFor(host, pass.hidden);
  await linearBackwardAsync(seams, params.output, pass.hidden, dLogits, grads.output, dHidden);
  const dY = undoDropout(host, pass.hiddenMask, dHidden);
  const dX = zerosFor(host, pass.embedded);
  await stackBackwardAsync(seams, pass.stack, dY, grads.layers, { dX, truncate });
  embeddingBackward(pass.ids, undoDropout(host, pass.embeddedMask, dX), grads.embedding, host);
}

/** A tagger on a device that answers later. */
export interface AsyncTagger {
  readonly model: Model;
  /** What the products run on. */
  readonly backend: string;
  /** As `Tagger.tag`. */
  tag(sentences: readonly (readonly string[])[], options?: PredictOptions): Promise<Prediction[]>;
}

/**
 * `createTagger` for a device that answers later.
 *
 * @param device where the products over whole batches run
 * @param host where the time loops run; the CPU by default
 * @throws DataError where the bytes are no model this version reads; ArgumentError where `device` or `host` are no kernels
 */
export function createAsyncTagger(
  source: Model | Uint8Array,
  device: AsyncKernels,
  host: Kernels = createCpuKernels(),
): AsyncTagger {
  expectKernels('createAsyncTagger', device);
  expectKernels('createAsyncTagger', host);
  const model = modelOf('createAsyncTagger', source);
  return {
    model,
    get backend() {
      return device.backend;
    },
    async tag(sentences, options = {}) {
      const batches = batchesToPredict(model, sentences, options);
      const out = new Array<Prediction>(sentences.length);
      for (const batch of batches) {
        const { logits } = await modelForwardAsync({ device, host }, model, batch.ids, batch.packing);
        predictionsOf(model, batch, logits, options, out);
      }
      return out;
    },
  };
}
