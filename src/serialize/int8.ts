/**
 * Matrices as 8-bit integers with a scale for every row: a quarter of the bytes of float32.
 *
 *   (1)  s_i = max_j |w_ij| / 127, rounded up to a float32         0 for a row of zeros
 *   (2)  q_ij = the integer nearest w_ij / s_i, −127 … 127          0 for a row of zeros
 *   (3)  ŵ_ij = q_ij·s_i
 *
 * The bound |w_ij − q_ij·s_i| ≤ s_i/2 holds exactly: s_i is rounded up, so that no quotient exceeds 127. Storing ŵ_ij as a
 * float32 adds at most one rounding error, 2⁻²⁴·|ŵ_ij|.
 *
 * Source: the symmetric scheme of Krishnamoorthi, Quantizing deep convolutional networks for efficient inference (2018), section 2.1.2,
 * per row.
 */
import { ArgumentError } from '../tensor/errors.js';
import type { Real, Tensor } from '../tensor/types.js';
import { expectTensor } from '../tensor/arguments.js';

/** A matrix as 8-bit integers. */
export interface Int8Matrix {
  readonly shape: readonly [rows: number, columns: number];
  /** `[rows · columns]`, row-major. */
  readonly q: Int8Array;
  /** `[rows]`, of at least 0. */
  readonly scales: Float32Array;
}

const MOST = 127;

/**
 * Quantizes a matrix, (1) and (2).
 *
 * @param w `[R, C]` of finite float32
 * @throws ArgumentError if it is not a matrix, or not finite
 */
export function quantizeRows(w: Tensor): Int8Matrix {
  expectTensor('quantizeRows', 'w', w);
  if (w.shape.length !== 2) throw new ArgumentError(`quantizeRows: w must be a matrix; got ${w.shape.length} axes`);
  const [R, C] = w.shape;
  const q = new Int8Array(R * C);
  const scales = new Float32Array(R);
  for (let i = 0; i < R; i++) {
    const at = (j: number): number => w.data[w.offset + i * w.stride[0] + j * w.stride[1]];
    let largest = 0;
    for (let j = 0; j < C; j++) largest = Math.max(largest, Math.abs(at(j)));
    if (!Number.isFinite(largest)) throw new ArgumentError(`quantizeRows: w must be finite; row ${i} is not`);
    const s = (scales[i] = scaleFor(largest)); // (1)
    if (s > 0) for (let j = 0; j < C; j++) q[i * C + j] = nearest(at(j), s); // (2)
  }
  return { shape: [R, C], q, scales };
}

/** The least float32 s with 127·s ≥ x. */
function scaleFor(x: number): number {
  const s = Math.fround(x / MOST);
  return MOST * s >= x ? s : Math.fround(s + Math.max(s * 2 ** -23, 2 ** -149)); // the next float32
}

/** The integer q for which |w − q·s| is least: a rounded quotient may fall on the wrong side of a half. */
function nearest(w: number, s: number): number {
  const below = Math.floor(w / s);
  return Math.abs(w - below * s) <= Math.abs(w - (below + 1) * s) ? below : below + 1;
}

/** Dequantizes a matrix in place, (3). @param q `[R, C]` in float32, row-major from the start of its array @param scales `[R]` */
export function scaleRows({ data, shape }: Tensor, scales: Real): void {
  for (let k = 0; k < data.length; k++) data[k] *= scales[Math.floor(k / shape[1])];
}
