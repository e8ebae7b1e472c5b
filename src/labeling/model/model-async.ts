/** The labeler on a device that answers later: `model.ts` and `predict.ts`, the stack awaited. */
import type { Packing } from '../../autograd/packing.js';
import { createCpuKernels } from '../../kernels/cpu/index.js';
import type { AsyncKernels, Kernels } from '../../kernels/types.js';
import type { Devices } from '../../layers/async.js';
import { stackBackwardAsync, stackForwardAsync } from '../../layers/async.js';
import type { Truncation } from '../../autograd/truncate.js';
import type { Tensor } from '../../tensor/types.js';
import { expectUnchanged, remember } from '../../tensor/versions.js';
import { expectKernels as expectProducts } from '../../autograd/entry-checks.js';
import { expectKernels } from '../checks.js';
import { expectBackward, expectForward, expectDevices } from './checks.js';
import type { Features } from './encoders/encoder.js';
import { modelOf } from './file.js';
import type { Model, ModelPass, PassOptions } from './model.js';
import { decode, decodeBackward, encode, encodeBackward, ownWeights, stackOptions, zerosFor } from './model.js';
import type { ModelGrads, ModelParams, Network } from './network.js';
import type { PredictOptions, Prediction } from './predict.js';
import { batchesToPredict, emptyPredictions, predictionsOf } from './predict.js';

/** `modelForward`, the stack on a device. */
export async function modelForwardAsync(
  devices: Devices,
  network: Network,
  params: ModelParams,
  features: readonly Features[],
  packing: Packing,
  how: PassOptions = {},
): Promise<ModelPass> {
  expectDevices('modelForwardAsync', devices);
  expectForward('modelForwardAsync', network, params, features, packing, how);
  const { noise, truncate } = how;
  const { host } = devices;
  const input = encode(host, network, params, features, noise);
  const options = stackOptions(network.dropout, noise, truncate);
  const stack = await stackForwardAsync(devices, network.layers, params.layers, input.dropped, packing, options);
  const pass = { ...input, stack, ...decode(host, network, params, stack.y, packing, noise) };
  return remember(pass, ownWeights(params));
}

/** `modelBackward`, the stack on a device. */
export async function modelBackwardAsync(
  devices: Devices,
  network: Network,
  params: ModelParams,
  pass: ModelPass,
  dLogits: readonly Tensor[],
  grads: ModelGrads,
  truncate?: Truncation,
): Promise<void> {
  expectDevices('modelBackwardAsync', devices);
  expectBackward('modelBackwardAsync', network, params, pass, dLogits, grads, truncate);
  expectUnchanged('modelBackwardAsync', pass);
  const { host } = devices;
  const dY = decodeBackward(host, network, params, pass, dLogits, grads);
  const dX = zerosFor(host, pass.x);
  await stackBackwardAsync(devices, pass.stack, dY, grads.layers, { dX, truncate });
  encodeBackward(host, network, params, pass, dX, grads);
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
  expectProducts('createAsyncTagger', device, 'device');
  expectKernels('createAsyncTagger', host, 'host');
  const model = modelOf('createAsyncTagger', source);
  return {
    model,
    get backend() {
      return device.backend;
    },
    async tag(sentences, options = {}) {
      const batches = batchesToPredict(model, sentences, options);
      const { network, params } = model;
      const out = emptyPredictions(sentences.length);
      for (const { batch, features } of batches) {
        const { heads } = await modelForwardAsync({ device, host }, network, params, features, batch.packing);
        predictionsOf(host, model, batch, heads, options, out);
      }
      return out;
    },
  };
}
