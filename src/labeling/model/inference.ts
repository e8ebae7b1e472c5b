/** A labeler that is run and not trained: what `predict` and a `Tagger` keep from one batch to the next. */
import type { Packing } from '../../autograd/packing.js';
import type { Kernels } from '../../kernels/types.js';
import { stackInference } from '../../layers/inference.js';
import { expectPacking } from '../../autograd/entry-checks.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { expectKernels, expectSwitches } from '../checks.js';
import { expectFeatures, expectNetwork, expectParams } from './checks.js';
import type { Features } from './encoders/encoder.js';
import type { HeadPass } from './heads/head.js';
import { decode, encode } from './model.js';
import type { ModelParams, Network } from './network.js';

/** A labeler at work. */
export interface Inference {
  /**
   * The logits of every head for a packed batch: those of `modelForward` without dropout, to the bit.
   *
   * @param features one per encoder, in the order of the rows
   */
  run(features: readonly Features[], packing: Packing): readonly HeadPass[];
  /** Frees what the backend holds for it; not inside a frame. The model stays as it is. */
  release(): void;
}

/** How a labeler is to work. */
export interface InferenceOptions {
  /**
   * Whether a backend may keep what the first layer makes of a word, x·Wx + b, for the next time it comes up: at most 32 MiB per
   * direction, and an eighth of the memory the backend may still take. The bits are the same. Default true.
   */
  readonly keepWords?: boolean;
}

const KEYS = keysOf<InferenceOptions>({ keepWords: true });

/** Prepares a labeler, outside of any frame. Parameters that change later may or may not show: make a new one then. */
export function inferenceOf(
  kernels: Kernels,
  network: Network,
  params: ModelParams,
  options: InferenceOptions = {},
): Inference {
  expectKernels('inferenceOf', kernels);
  expectNetwork('inferenceOf', network);
  expectParams('inferenceOf', 'params', params, network);
  expectKnownKeys('inferenceOf', 'options', options, KEYS);
  expectSwitches('inferenceOf', options, 'keepWords');
  const { keepWords = true } = options;
  // One table in front of the stack: what the first layer makes of its rows may be kept.
  const [first, ...others] = network.encoders;
  const table = keepWords && others.length === 0 ? first.table : undefined;
  const own = params.encoders[first.config.kind];
  const stack = stackInference(kernels, network.layers, params.layers, table?.of(own));
  return {
    run(features, packing) {
      expectPacking('inference', packing);
      expectFeatures('inference', features, network.encoders.length, packing);
      const input = table ? table.rows(features[0]) : encode(kernels, network, params, features).x;
      return decode(kernels, network, params, stack.run(input, packing), packing).heads;
    },
    release: stack.release,
  };
}
