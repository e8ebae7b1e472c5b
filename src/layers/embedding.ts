/**
 * Embedding: one learned vector per word of a vocabulary.
 *
 *   Forward    (1)  y[n] = W[id_n]                    W [V,E]   y [N,E]
 *   Backward   (1)  dW[id_n] += dy[n]                 dW [V,E]
 *
 * The forward product with a one-hot matrix is a copy of rows; its backward scatters rows back, and a word that occurs twice
 * accumulates both. A batch touches few of the V rows, so the gradient is usually a `RowSparseGradient`: dense storage plus the
 * list of rows that were written. Zeroing, norms and lazy optimizers skip the other rows.
 */
import { touchRows } from '../autograd/grads.js';
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectPositiveInteger, expectShape } from '../tensor/checks.js';
import { uniform } from '../tensor/create.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Rng } from '../tensor/random.js';
import type { DType, Tensor } from '../tensor/types.js';
import { expectEntry, expectKernels } from '../autograd/entry-checks.js';
import { expectTensor } from '../tensor/arguments.js';

/** The word vectors. */
export type EmbeddingParams = {
  /** `[V, E]` one row per word. */
  readonly weight: Tensor;
};

/** Gradients mirror the parameters; `weight` may be a `RowSparseGradient` or dense. */
export type EmbeddingGrads = EmbeddingParams;

/**
 * New embeddings, uniform in ±√(3/E): every component has variance 1/E, so a vector has expected squared length 1 whatever
 * its size (Lample et al., Neural Architectures for Named Entity Recognition, NAACL 2016, after Glorot & Bengio 2010).
 *
 * @throws ArgumentError when V or E is not a positive integer
 */
export function initEmbedding(V: number, E: number, rng: Rng, options: { dtype?: DType } = {}) {
  expectKnownKeys('initEmbedding', 'options', options, ['dtype']);
  const { dtype = 'float32' } = options;
  expectPositiveInteger('initEmbedding', 'V', V);
  expectPositiveInteger('initEmbedding', 'E', E);
  const bound = Math.sqrt(3 / E);
  return { weight: uniform([V, E], -bound, bound, rng, dtype) };
}

/**
 * The vectors of a list of word ids, `[N, E]`.
 *
 * @param ids `[N]` rows of `weight`
 * @param out where to write; a new tensor otherwise
 * @throws ArgumentError naming the position of an id that is not a row of `weight`
 * @throws ShapeError when `out` is not `[N, E]`
 */
export function embeddingForward(kernels: Kernels, params: EmbeddingParams, ids: Int32Array, out?: Tensor): Tensor {
  expectEntry('embeddingForward', { params, ids });
  expectTensor('embeddingForward', 'params.weight', params.weight);
  if (out !== undefined) expectTensor('embeddingForward', 'out', out);
  expectKernels('embeddingForward', kernels);
  const { weight } = params;
  const [V, E] = weight.shape;
  const shape = [ids.length, E];
  const y = out ?? kernels.empty(shape, weight);
  expectShape('embeddingForward', 'out', y, [{ N: ids.length }, { E }]);
  expectIds('embeddingForward', ids, V);
  kernels.rows.gather(y, weight, ids); // (1)
  return y;
}

/** @throws ArgumentError naming the position of an id that is not a row of a table with V rows */
export function expectIds(where: string, ids: Int32Array, V: number): void {
  for (let n = 0; n < ids.length; n++) {
    const id = ids[n];
    if (id < 0 || id >= V) {
      throw new ArgumentError(
        `${where}: ids[${n}] must be a row of weight, 0 … ${V - 1}; got ${id}. ` +
          'Encode the tokens with the vocabulary these embeddings were made for',
      );
    }
  }
}

/**
 * Adds the gradient of the looked-up vectors to `grads.weight`; a `RowSparseGradient` also records the touched rows. Ids have no
 * gradient.
 *
 * @param ids `[N]` the ids of the forward pass
 * @param dY `[N, E]`
 * @throws ShapeError when `dY` is not `[N, E]`
 */
export function embeddingBackward(kernels: Kernels, ids: Int32Array, dY: Tensor, grads: EmbeddingGrads): void {
  expectEntry('embeddingBackward', { ids, dY, grads });
  expectTensor('embeddingBackward', 'grads.weight', grads.weight);
  expectKernels('embeddingBackward', kernels);
  const dW = grads.weight;
  const E = dW.shape[1];
  expectShape('embeddingBackward', 'dY', dY, [{ N: ids.length }, { E }]);
  touchRows(dW, ids);
  kernels.rows.scatterAdd(dW, dY, ids); // (1)
}
