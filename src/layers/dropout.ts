/**
 * Dropout, inverted: while training every component is zeroed with probability p and the survivors are scaled by 1/(1−p),
 * so that expectations stay as they are and evaluation needs no scaling (Srivastava et al., JMLR 2014, section 10).
 *
 *   Forward    (1)  y[n,d] = x[n,d] · m[r(n),d]       m is 0 with probability p, else 1/(1−p)
 *   Backward   (1)  dx[n,d] += dy[n,d] · m[r(n),d]
 *
 *   element     r(n) = n: one mask per row, `m [N,D]`
 *   sequence    r(n) = the sequence row n belongs to: one mask for all time steps of it, `m [B,D]` (variational dropout:
 *               Gal & Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural Networks, NIPS 2016)
 *
 * Kept for backward: m.
 */
import type { Packing } from '../autograd/packing.js';
import { expectKnownKeys, expectProbability, expectShape, keysOf } from '../tensor/checks.js';
import type { Rng } from '../tensor/random.js';
import type { Kernels } from '../kernels/types.js';
import { addTo } from '../tensor/rows.js';
import type { DType, Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';
import { expectEntry, expectKernels, expectPacking } from '../autograd/entry-checks.js';
import { expectIds, expectRecord, expectRng, expectTensor } from '../tensor/arguments.js';

/** How much to drop, by whose dice, and by row or by sequence. */
export interface DropoutOptions {
  /** Probability of dropping a component, 0 ≤ p < 1. */
  readonly p: number;
  /** Drawn from only while training and with p > 0. */
  readonly rng: Rng;
  /** `false` makes the layer the identity. Default `true`. */
  readonly training?: boolean;
  /** The rows' packing: one mask for all time steps of a sequence. Without it every row has its own. */
  readonly packing?: Packing;
}

const KEYS = keysOf<DropoutOptions>({ p: true, rng: true, training: true, packing: true });

/** The factors of one forward pass. */
export interface DropoutMask {
  /** `[N, D]`, or `[B, D]` in packed order when one mask serves all steps of a sequence; every entry is 0 or 1/(1−p). */
  readonly factors: Tensor;
  /** Present for per-sequence masks: row n uses `factors[sequenceOf[n]]`. */
  readonly sequenceOf?: Int32Array;
}

/** What is left, and what the backward pass needs to know of what is not. */
export interface DropoutResult {
  /** `[N, D]`; the input itself where dropout is the identity. */
  readonly y: Tensor;
  /** `null` where dropout is the identity. */
  readonly mask: DropoutMask | null;
}

/**
 * Drops components of packed rows.
 *
 * @param x `[N, D]`, left as it is
 * @throws ArgumentError unless 0 ≤ p < 1
 * @throws ShapeError when `x` has not the rows of the packing
 */
export function dropoutForward(kernels: Kernels, x: Tensor, options: DropoutOptions): DropoutResult {
  expectEntry('dropoutForward', { x, options });
  expectKnownKeys('dropoutForward', 'options', options, KEYS);
  const { p, training = true, packing } = options;
  expectProbability('dropoutForward', 'p', p);
  if (training && p > 0) expectRng('dropoutForward', 'rng', options.rng);
  if (packing !== undefined) expectPacking('dropoutForward', packing);
  expectKernels('dropoutForward', kernels);
  expectShape('dropoutForward', 'x', x, [packing === undefined ? 'N' : { N: packing.total }, 'D']);
  if (!training || p === 0) return { y: x, mask: null };
  const [N, D] = x.shape;
  const factors = drawFactors(kernels, [packing === undefined ? N : packing.batch, D], dtypeOf(x.data), options);
  const mask = packing === undefined ? { factors } : { factors, sequenceOf: sequenceOfRows(packing) };
  const dtype = dtypeOf(x.data);
  const y = kernels.zeros([N, D], dtype);
  addMasked(kernels, y, x, mask); // (1)
  return { y, mask };
}

/**
 * Adds the gradient of the input to `dX`.
 *
 * @param mask what the forward pass returned; `null` is the identity
 * @param dY `[N, D]`
 * @param dX `[N, D]`
 * @throws ShapeError when `dY` and `dX` differ in shape
 */
export function dropoutBackward(kernels: Kernels, mask: DropoutMask | null, dY: Tensor, dX: Tensor): void {
  expectEntry('dropoutBackward', { dY, dX });
  if (mask !== null) {
    expectRecord('dropoutBackward', 'mask', mask, 'the mask of the forward pass, or null');
    expectTensor('dropoutBackward', 'mask.factors', mask.factors);
  }
  expectKernels('dropoutBackward', kernels);
  expectShape('dropoutBackward', 'dX', dX, dY.shape);
  if (mask === null) addTo(dX, dY);
  else addMasked(kernels, dX, dY, mask); // (1)
}

/**
 * Replaces word ids by the unknown word with probability p, so that its embedding is trained (Kiperwasser & Goldberg,
 * TACL 2016, use a probability per word; here it is one p for all).
 *
 * @param unknown the id that stands for a hidden word, or one such id per word
 * @returns the ids themselves for p = 0, a new array otherwise
 * @throws ArgumentError unless 0 ≤ p < 1
 */
export function wordDropout(ids: Int32Array, p: number, unknown: number | Int32Array, rng: Rng): Int32Array {
  expectEntry('wordDropout', { ids });
  expectProbability('wordDropout', 'p', p);
  if (typeof unknown !== 'number') expectIds('wordDropout', 'unknown', unknown);
  if (p === 0) return ids;
  expectEntry('wordDropout', { rng });
  return ids.map((id, n) => (rng.next() >= p ? id : typeof unknown === 'number' ? unknown : unknown[n]));
}

function drawFactors(kernels: Kernels, shape: readonly number[], dtype: DType, { p, rng }: DropoutOptions): Tensor {
  const factors = kernels.empty(shape, dtype);
  kernels.rows.drawFactors(factors, rng, p);
  return factors;
}

function sequenceOfRows(packing: Packing): Int32Array {
  const sequenceOf = new Int32Array(packing.total);
  for (let t = 0; t < packing.steps; t++) {
    for (let b = 0; b < packing.batchSizes[t]; b++) sequenceOf[packing.offsets[t] + b] = b;
  }
  return sequenceOf;
}

/** `out[n] += x[n] ⊙ factors[r(n)]`: forward into zeros, backward into a gradient. */
function addMasked(kernels: Kernels, out: Tensor, x: Tensor, { factors, sequenceOf }: DropoutMask): void {
  kernels.rows.addMasked(out, x, factors, sequenceOf);
}
