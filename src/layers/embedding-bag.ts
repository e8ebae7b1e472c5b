/**
 * Embedding bag: the sum of k rows of a table for every token, such as those of its affixes.
 *
 *   Forward    (1)  y[n] = Σ_j W[id_{n,j}]            W [R,E]   id [N,k]   y [N,E]
 *   Backward   (1)  dW[id_{n,j}] += dy[n]             dW [R,E]
 *
 * One row of the table may represent several values of a feature (hashing), or occur twice in one bag: it then counts twice, and
 * accumulates its gradient twice. As with word vectors, the gradient is usually a `RowSparseGradient`.
 *
 * The rows of one column are gathered, or scattered, together, so the sum is computed in the order of the columns.
 */
import { touchRows } from '../autograd/grads.js';
import { expectEntry } from '../autograd/entry-checks.js';
import type { Kernels } from '../kernels/types.js';
import { expectIds as expectIntegers, expectTensor } from '../tensor/arguments.js';
import { expectKnownKeys, expectPositiveInteger, expectShape } from '../tensor/checks.js';
import { uniform } from '../tensor/create.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Rng } from '../tensor/random.js';
import type { DType, Tensor } from '../tensor/types.js';
import type { EmbeddingGrads, EmbeddingParams } from './embedding.js';
import { expectIds } from './embedding.js';

/**
 * A new table, uniform in ±√(3/(k·E)): every component of a sum of k rows has variance 1/E, like that of a word vector
 * (`initEmbedding`).
 *
 * @param k rows per bag
 * @throws ArgumentError when R, E or k is not a positive integer
 */
export function initEmbeddingBag(R: number, E: number, k: number, rng: Rng, options: { dtype?: DType } = {}) {
  expectKnownKeys('initEmbeddingBag', 'options', options, ['dtype']);
  const { dtype = 'float32' } = options;
  expectPositiveInteger('initEmbeddingBag', 'R', R);
  expectPositiveInteger('initEmbeddingBag', 'E', E);
  expectPositiveInteger('initEmbeddingBag', 'k', k);
  const bound = Math.sqrt(3 / (k * E));
  return { weight: uniform([R, E], -bound, bound, rng, dtype) };
}

/**
 * The sums of rows, `[N, E]`.
 *
 * @param ids `[N · k]` rows of `weight`, row-major
 * @param k rows per bag
 * @throws ArgumentError naming the position of an id that is not a row of `weight`, or if k does not divide the number of ids
 */
export function embeddingBagForward(kernels: Kernels, params: EmbeddingParams, ids: Int32Array, k: number): Tensor {
  expectEntry('embeddingBagForward', { kernels, params, ids });
  expectTensor('embeddingBagForward', 'params.weight', params.weight);
  const { weight } = params;
  const N = bagsOf('embeddingBagForward', ids, k);
  const [R, E] = weight.shape;
  expectIds('embeddingBagForward', ids, R);
  const y = kernels.empty([N, E], weight);
  const more = k > 1 ? kernels.empty([N, E], weight) : y;
  for (let j = 0; j < k; j++) {
    kernels.rows.gather(j === 0 ? y : more, weight, columnOf(ids, k, j)); //  (1) W[id_{n,j}]
    if (j > 0) kernels.rows.addMatrix(y, more); //                            (1) Σ_j
  }
  return y;
}

/**
 * Adds the gradient of the sums to `grads.weight`; a `RowSparseGradient` also records the touched rows.
 *
 * @param ids `[N · k]` the ids of the forward pass
 * @param dY `[N, E]`
 * @throws ShapeError when `dY` is not `[N, E]`
 */
export function embeddingBagBackward(
  kernels: Kernels,
  ids: Int32Array,
  k: number,
  dY: Tensor,
  grads: EmbeddingGrads,
): void {
  expectEntry('embeddingBagBackward', { kernels, ids, dY, grads });
  expectTensor('embeddingBagBackward', 'grads.weight', grads.weight);
  const dW = grads.weight;
  const N = bagsOf('embeddingBagBackward', ids, k);
  expectShape('embeddingBagBackward', 'dY', dY, [{ N }, { E: dW.shape[1] }]);
  touchRows(dW, ids);
  for (let j = 0; j < k; j++) kernels.rows.scatterAdd(dW, dY, columnOf(ids, k, j)); // (1)
}

/** N. @throws ArgumentError if there are not k ids for each bag */
function bagsOf(where: string, ids: Int32Array, k: number): number {
  expectIntegers(where, 'ids', ids);
  expectPositiveInteger(where, 'k', k);
  if (ids.length % k === 0) return ids.length / k;
  throw new ArgumentError(`${where}: ids must have k = ${k} entries per bag; got ${ids.length}`);
}

/** `[N]` column j of the ids. */
function columnOf(ids: Int32Array, k: number, j: number): Int32Array {
  if (k === 1) return ids;
  const column = new Int32Array(ids.length / k);
  for (let n = 0; n < column.length; n++) column[n] = ids[n * k + j];
  return column;
}
