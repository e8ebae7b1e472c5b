/** A labeler that is run and not trained: what `predict` and a `Tagger` keep from one batch to the next. */
import type { Packing } from '../../autograd/packing.js';
import type { Kernels } from '../../kernels/types.js';
import { embeddingForward } from '../../layers/embedding.js';
import { stackInference } from '../../layers/inference.js';
import { linearForward } from '../../layers/linear.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import type { Tensor } from '../../tensor/types.js';
import type { ModelBody } from './model.js';
import { layersOf } from './model.js';

/** A labeler at work. */
export interface Inference {
  /**
   * `[N, K]` logits for every token of a packed batch: those of `modelForward` without dropout, to the bit.
   *
   * @param ids `[N]` word ids, one per row
   */
  logits(ids: Int32Array, packing: Packing): Tensor;
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
  { config, params, cell }: ModelBody,
  options: InferenceOptions = {},
): Inference {
  expectKnownKeys('inferenceOf', 'options', options, KEYS);
  const { keepWords = true } = options;
  const { weight } = params.embedding;
  const stack = stackInference(kernels, layersOf(config, cell), params.layers, keepWords ? weight : undefined);
  return {
    logits(ids, packing) {
      const input = keepWords ? ids : embeddingForward(params.embedding, ids, undefined, kernels);
      return linearForward(kernels, params.output, stack.run(input, packing));
    },
    release: stack.release,
  };
}
