/**
 * Inverted dropout: in training, every component is zeroed with probability p and the others are scaled by 1/(1−p), so that
 * expectations are preserved and evaluation needs no scaling (Srivastava et al., JMLR 2014, section 10).
 *
 *   Forward    (1)  y[n,d] = x[n,d] · m[r(n),d]       m is 0 with probability p, else 1/(1−p)
 *   Backward   (1)  dx[n,d] += dy[n,d] · m[r(n),d]
 *
 *   element     r(n) = n: one mask per row, `m [N,D]`
 *   sequence    r(n) = the sequence row n belongs to: one mask for all time steps of it, `m [B,D]` (variational dropout:
 *               Gal & Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural Networks, NIPS 2016)
 *
 * m is counter-based, not drawn in sequence: two integers identify a row, such as its sentence and its token, and m[r,d] depends
 * only on the key, these integers and d. So a sentence gets the same mask in any batch and on any thread.
 *
 * Kept for backward: m.
 */
import type { Packing } from '../autograd/packing.js';
import type { ForwardCell } from '../cells/cell.js';
import { expectForwardCell } from '../cells/check.js';
import {
  expectKnownKeys,
  expectOneOf,
  expectPositiveInteger,
  expectProbability,
  expectShape,
  keysOf,
} from '../tensor/checks.js';
import type { RandomKey } from '../tensor/random-key.js';
import type { Kernels } from '../kernels/types.js';
import { addTo } from '../tensor/rows.js';
import { ShapeError } from '../tensor/errors.js';
import type { DType, Tensor } from '../tensor/types.js';
import { sizeOf } from '../tensor/view.js';
import { expectEntry, expectKernels, expectPacking } from '../autograd/entry-checks.js';
import { expectIds, expectKey, expectNumbers, expectRecord, expectTensor } from '../tensor/arguments.js';

/** The rate, the source of the masks, and whether they are per row or per sequence. */
export interface DropoutOptions {
  /** Probability of dropping a component, 0 ≤ p < 1. */
  readonly p: number;
  /** The key of this dropout only: two dropouts with the same key have the same masks. Fold the epoch and the layer into it. */
  readonly key: RandomKey;
  /**
   * `[N, 2]` two integers per row, row-major: `placesOf`. By default row n is at (n, 0), and with `packing` sequence b is at (its
   * index in the caller's order, 0).
   */
  readonly places?: Int32Array;
  /** `false` makes the layer the identity. Default `true`. */
  readonly training?: boolean;
  /** The packing of the rows: one mask for all time steps of a sequence. Without it every row has its own. */
  readonly packing?: Packing;
}

const KEYS = keysOf<DropoutOptions>({ p: true, key: true, places: true, training: true, packing: true });

/** The factors of one forward pass. */
export interface DropoutMask {
  /** `[N, D]`, or `[B, D]` in packed order when one mask serves all steps of a sequence; every entry is 0 or 1/(1−p). */
  readonly factors: Tensor;
  /** Present for per-sequence masks: row n uses `factors[sequenceOf[n]]`. */
  readonly sequenceOf?: Int32Array;
}

/** The output, and the mask that the backward pass needs. */
export interface DropoutResult {
  /** `[N, D]`; the input itself if dropout is the identity. */
  readonly y: Tensor;
  /** `null` if dropout is the identity. */
  readonly mask: DropoutMask | null;
}

/**
 * Drops components of packed rows.
 *
 * @param x `[N, D]`, not modified
 * @throws ArgumentError unless 0 ≤ p < 1
 * @throws ShapeError when `x` does not have the rows of the packing, or `places` does not have two integers per row
 */
export function dropoutForward(kernels: Kernels, x: Tensor, options: DropoutOptions): DropoutResult {
  expectEntry('dropoutForward', { x, options });
  expectKnownKeys('dropoutForward', 'options', options, KEYS);
  const { p, training = true, packing } = options;
  expectProbability('dropoutForward', 'p', p);
  if (training && p > 0) expectKey('dropoutForward', 'key', options.key);
  if (packing !== undefined) expectPacking('dropoutForward', packing);
  expectKernels('dropoutForward', kernels);
  expectShape('dropoutForward', 'x', x, [packing === undefined ? 'N' : { N: packing.total }, 'D']);
  const [N, D] = x.shape;
  if (options.places !== undefined) expectPlaces('dropoutForward', options.places, N);
  if (!training || p === 0) return { y: x, mask: null };
  const factors = drawFactors(kernels, [packing === undefined ? N : packing.batch, D], x, options);
  const mask = packing === undefined ? { factors } : { factors, sequenceOf: sequenceOfRows(packing) };
  const y = kernels.zeros([N, D], x);
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
 * Replaces word ids by the unknown word with probability p, so that its embedding is trained (Kiperwasser & Goldberg, TACL 2016,
 * use a probability per word; here all words share one p).
 *
 * @param unknown the id that replaces a dropped word, or one such id per word
 * @param key the key of this word dropout only
 * @param places `[N, 2]` two integers per word, row-major: `placesOf`. By default word n is at (n, 0)
 * @returns the ids themselves for p = 0, a new array otherwise
 * @throws ArgumentError unless 0 ≤ p < 1
 * @throws ShapeError when `places` does not have two integers per word
 */
export function wordDropout(
  kernels: Kernels,
  ids: Int32Array,
  p: number,
  unknown: number | Int32Array,
  key: RandomKey,
  places?: Int32Array,
): Int32Array {
  expectEntry('wordDropout', { kernels, ids });
  expectProbability('wordDropout', 'p', p);
  if (typeof unknown !== 'number') expectIds('wordDropout', 'unknown', unknown);
  if (places !== undefined) expectPlaces('wordDropout', places, ids.length);
  if (p === 0) return ids;
  expectEntry('wordDropout', { key });
  const { data, offset } = drawFactors(kernels, [ids.length, 1], 'float32', { p, key, places });
  return ids.map((id, n) => {
    if (data[offset + n] !== 0) return id;
    return typeof unknown === 'number' ? unknown : unknown[n];
  });
}

/**
 * The places of packed rows: the sequence and the step of each.
 *
 * @param sequences `[B]` a number per sequence in the caller's order, such as its index in a corpus; default 0 … B − 1
 * @returns `[N, 2]`, row-major
 * @throws ShapeError unless there is one number per sequence
 */
export function placesOf(packing: Packing, sequences?: ArrayLike<number>): Int32Array {
  expectPacking('placesOf', packing);
  const { total, steps, batch, batchSizes, offsets, order } = packing;
  if (sequences !== undefined) expectNumbers('placesOf', 'sequences', sequences);
  if (sequences !== undefined && sequences.length !== batch) {
    throw new ShapeError(`placesOf: sequences must be one number per sequence, ${batch}; got ${sequences.length}`);
  }
  const places = new Int32Array(2 * total);
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < batchSizes[t]; b++) {
      places[2 * (offsets[t] + b)] = sequences === undefined ? order[b] : sequences[order[b]];
      places[2 * (offsets[t] + b) + 1] = t;
    }
  }
  return places;
}

/** The source of masks. */
export interface MaskOptions {
  /** The key of this pass of this layer only; every mask derives its own key from it. */
  readonly key: RandomKey;
  /** `[N, 2]`, the places of the rows: `placesOf(packing, sequences)`; by default `placesOf(packing)`. */
  readonly places?: Int32Array;
}

const MASK_KEYS = keysOf<MaskOptions>({ key: true, places: true });

/**
 * The masks of a cell for one pass over one direction of a layer, drawn by their places like all dropout, for
 * `UnrollOptions.masks`.
 *
 * @param hidden H
 * @returns by name `[N, width·H]`, zeros and ones; nothing for a cell without masks
 * @throws ArgumentError if there is no key; ShapeError when `places` does not have two integers per row
 */
export function drawMasks(
  kernels: Kernels,
  cell: ForwardCell,
  hidden: number,
  dtype: DType,
  packing: Packing,
  options: MaskOptions,
): Record<string, Tensor> {
  expectForwardCell('drawMasks', cell);
  expectPositiveInteger('drawMasks', 'hidden', hidden);
  expectOneOf('drawMasks', 'dtype', dtype, ['float32', 'float64']);
  expectEntry('drawMasks', { kernels, packing, options });
  expectKnownKeys('drawMasks', 'options', options, MASK_KEYS);
  const { key, places = placesOf(packing) } = options;
  expectKey('drawMasks', 'options.key', key);
  expectPlaces('drawMasks', places, packing.total);
  const { masks = {}, saved } = cell;
  const of = (name: string): Tensor => {
    const { mean, per } = masks[name];
    const own = { p: 1 - mean, key: key.fold(name), places, packing: per === 'sequence' ? packing : undefined };
    const factors = drawFactors(
      kernels,
      [per === 'step' ? packing.total : packing.batch, saved[name] * hidden],
      dtype,
      own,
    );
    for (let i = factors.offset; i < factors.offset + sizeOf(factors.shape); i++)
      if (factors.data[i] > 0) factors.data[i] = 1;
    if (per === 'step') return factors;
    const mask = kernels.empty([packing.total, saved[name] * hidden], dtype);
    kernels.rows.gather(mask, factors, sequenceOfRows(packing));
    return mask;
  };
  return Object.fromEntries(Object.keys(masks).map((name) => [name, of(name)]));
}

function expectPlaces(where: string, places: Int32Array, rows: number): void {
  expectIds(where, 'places', places);
  if (places.length === 2 * rows) return;
  throw new ShapeError(`${where}: places must have two integers per row, ${2 * rows}; got ${places.length}`);
}

function drawFactors(
  kernels: Kernels,
  shape: readonly number[],
  like: DType | Tensor,
  { p, key, packing, places }: DropoutOptions,
): Tensor {
  const factors = kernels.empty(shape, like);
  const own = packing === undefined ? (places ?? numbered(shape[0])) : sequencePlaces(packing, places);
  kernels.rows.drawFactors(factors, key.words, own, p);
  return factors;
}

/** Row n is at (n, 0). */
function numbered(rows: number): Int32Array {
  const places = new Int32Array(2 * rows);
  for (let n = 0; n < rows; n++) places[2 * n] = n;
  return places;
}

/** `[B, 2]`: every sequence has the place of its first row. The mask of a sequence without rows is never read. */
function sequencePlaces(packing: Packing, places = placesOf(packing)): Int32Array {
  const own = new Int32Array(2 * packing.batch);
  own.set(places.subarray(0, 2 * (packing.batchSizes[0] ?? 0)));
  return own;
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
