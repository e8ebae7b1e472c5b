/** A tagger on an asynchronous device. */
import { expectKernels as expectProducts } from '../../autograd/entry-checks.js';
import { createCpuKernels } from '../../kernels/cpu/index.js';
import type { AsyncKernels, Kernels } from '../../kernels/types.js';
import { expectKernels } from '../checks.js';
import type { FindEntitiesAsync } from './entities.js';
import { asyncEntityFinder } from './entities.js';
import { modelOf } from './file.js';
import type { HeadPass } from './heads/head.js';
import { together } from './inference.js';
import type { Model } from './model.js';
import { modelForwardAsync } from './model.js';
import { networkOf } from './network.js';
import type { PredictOptions, Prediction } from './predict.js';
import { batchesToPredict, emptyPredictions, predictionsOf } from './predict.js';

/** A tagger on an asynchronous device. */
export interface AsyncTagger {
  readonly model: Model;
  /** The device; once that is lost, the host. */
  readonly backend: string;
  /** As `Tagger.tag`. */
  tag(sentences: readonly (readonly string[])[], options?: PredictOptions): Promise<Prediction[]>;
  /** As `Tagger.entities`. */
  readonly entities: FindEntitiesAsync;
}

/**
 * `createTagger` for an asynchronous device.
 *
 * @param device where whole layers run, if its `layers` support them
 * @param host where everything else runs; the CPU by default
 * @throws DataError if the bytes are not a model that this version can read; ArgumentError if `device` or `host` are not kernels
 */
export function createAsyncTagger(
  source: Model | Uint8Array,
  device: AsyncKernels,
  host: Kernels = createCpuKernels(),
): AsyncTagger {
  expectProducts('createAsyncTagger', device, 'device');
  expectKernels('createAsyncTagger', host, 'host');
  const model = modelOf('createAsyncTagger', source);
  const devices = { device, host };
  const network = networkOf(model.config, model.own);
  const { members = [model.params] } = model;
  const tag: AsyncTagger['tag'] = async (sentences, options = {}) => {
    const batches = batchesToPredict(model, sentences, options);
    const out = emptyPredictions(model, sentences.length);
    for (const { batch, features } of batches) {
      const passes: (readonly HeadPass[])[] = [];
      for (const params of members) {
        const { heads } = await modelForwardAsync(devices, network, params, features, batch.packing, {
          keep: 'nothing',
        });
        passes.push(heads);
      }
      predictionsOf(host, model, batch, together(passes), options, out);
    }
    return out;
  };
  return {
    model,
    get backend() {
      return device.backend;
    },
    tag,
    entities: asyncEntityFinder(model, tag),
  };
}
