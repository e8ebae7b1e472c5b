/** Exact matrix products in integer arithmetic, and the error bound a floating-point product owes to them. */
import type { DType, Real, Tensor } from '../../src/tensor/types';

/** Unit roundoff, half the distance from 1 to the next larger number. */
export const UNIT: Readonly<Record<DType, number>> = { float32: 2 ** -24, float64: 2 ** -53 };

/** γ_n = n·u / (1 − n·u): the relative error of n roundings (Higham, Accuracy and Stability, 2nd ed., lemma 3.1). */
export function gamma(n: number, dtype: DType): number {
  return (n * UNIT[dtype]) / (1 - n * UNIT[dtype]);
}

/** Element `(i, j)` of a matrix view. */
export function at(x: Tensor, i: number, j: number): number {
  return x.data[x.offset + i * x.stride[0] + j * x.stride[1]];
}

/** Numbers are held as integers times 2⁻¹⁶⁰, products as integers times 2⁻³²⁰. */
const SCALE = 160n;

const word = new Float64Array(1);
const wordBits = new BigUint64Array(word.buffer);

/** `x · 2¹⁶⁰` as an integer; throws when `x` has bits below 2⁻¹⁶⁰ or is not finite. */
export function exact(x: number): bigint {
  word[0] = x;
  const bits = wordBits[0];
  const biased = (bits >> 52n) & 0x7ffn;
  if (biased === 0x7ffn) throw new Error(`${x} is not finite`);
  const mantissa = (bits & 0xfffffffffffffn) | (biased === 0n ? 0n : 1n << 52n);
  if (mantissa === 0n) return 0n;
  const shift = (biased === 0n ? 1n : biased) - 1075n + SCALE;
  const magnitude = shift >= 0n ? mantissa << shift : mantissa >> -shift;
  if (shift < 0n && magnitude << -shift !== mantissa) throw new Error(`${x} has bits below 2^-${SCALE}`);
  return bits >> 63n ? -magnitude : magnitude;
}

/** How `Kernels` names its three products. */
export type ProductName = 'addMatmul' | 'addMatmulTA' | 'addMatmulTB';

/** `(i, k)` of the left and `(k, j)` of the right factor, whichever way they are stored. */
export function factors(product: ProductName, a: Tensor, b: Tensor) {
  return {
    left: (i: number, k: number) => (product === 'addMatmulTA' ? at(a, k, i) : at(a, i, k)),
    right: (k: number, j: number) => (product === 'addMatmulTB' ? at(b, j, k) : at(b, k, j)),
    inner: product === 'addMatmulTA' ? a.shape[0] : a.shape[1],
  };
}

/** A product in exact arithmetic. */
export interface ExactProduct {
  /** `Σ_k left · right` per element, row by row, as integers times 2⁻³²⁰. */
  readonly sums: readonly bigint[];
  /** `Σ_k |left · right|` per element. */
  readonly magnitudes: readonly number[];
  /** K, the number of terms. */
  readonly inner: number;
}

/** `left · right` of one of the three products, exactly. */
export function exactProduct(product: ProductName, a: Tensor, b: Tensor): ExactProduct {
  const { left, right, inner } = factors(product, a, b);
  const M = product === 'addMatmulTA' ? a.shape[1] : a.shape[0];
  const N = product === 'addMatmulTB' ? b.shape[0] : b.shape[1];
  const list = (count: number, value: (k: number) => number) => Array.from({ length: count }, (_, k) => value(k));
  const columns = list(N, (j) => j).map((j) => list(inner, (k) => right(k, j)));
  const exactColumns = columns.map((column) => column.map(exact));
  const sums: bigint[] = [];
  const magnitudes: number[] = [];
  for (let i = 0; i < M; i++) {
    const row = list(inner, (k) => left(i, k));
    const exactRow = row.map(exact);
    for (let j = 0; j < N; j++) {
      sums.push(exactColumns[j].reduce((sum, y, k) => sum + exactRow[k] * y, 0n));
      magnitudes.push(columns[j].reduce((sum, y, k) => sum + Math.abs(row[k] * y), 0));
    }
  }
  return { sums, magnitudes, inner };
}

/** One element of a computed product: how far it is off, and what that is measured by. */
export interface Deviation {
  readonly i: number;
  readonly j: number;
  readonly error: number;
  /** Σ|a||b|. */
  readonly magnitude: number;
  /** The exact value, start included. */
  readonly value: number;
  /** What `out` held before. */
  readonly start: number;
}

/** Compares `got` with `start + product` in exact arithmetic, element by element. */
export function deviations(got: Tensor, start: Tensor, product: ExactProduct): Deviation[] {
  const [M, N] = got.shape;
  const result: Deviation[] = [];
  for (let i = 0; i < M; i++) {
    for (let j = 0; j < N; j++) {
      const from = at(start, i, j);
      const value = at(got, i, j);
      const want = (exact(from) << SCALE) + product.sums[i * N + j];
      const error = Number.isFinite(value) ? Math.abs(Number((exact(value) << SCALE) - want)) / 2 ** 320 : Infinity;
      const magnitude = product.magnitudes[i * N + j];
      result.push({ i, j, error, magnitude, value: Number(want) / 2 ** 320, start: from });
    }
  }
  return result;
}

/** Uniform numbers in (-1, 1), all 53 bits drawn from a xorshift (Marsaglia 2003), none so small that a product underflows. */
export function numbers(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) | 1;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
  for (let i = 0; i < 16; i++) draw();
  return () => {
    const x = (draw() + draw() / 2 ** 22) * 0.999;
    return Math.abs(x) < 2 ** -12 ? 2 ** -12 : x;
  };
}

/** The ways a matrix may lie in memory. */
export const LAYOUTS = ['row-major', 'transposed', 'strided with an offset', 'reversed'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** A matrix of the given layout, its elements and everything around it filled from `draw`. */
export function place(rows: number, columns: number, dtype: DType, layout: Layout, draw: () => number): Tensor {
  const make = (length: number): Real => {
    const data = dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
    return data.map(() => draw());
  };
  const shape = [rows, columns];
  switch (layout) {
    case 'row-major':
      return { data: make(rows * columns), shape, stride: [columns, 1], offset: 0 };
    case 'transposed':
      return { data: make(rows * columns + 5), shape, stride: [1, rows], offset: 2 };
    case 'strided with an offset':
      return { data: make(rows * (2 * columns + 3) + 11), shape, stride: [2 * columns + 3, 2], offset: 7 };
    case 'reversed':
      return {
        data: make(rows * columns + 3),
        shape,
        stride: [-columns, -1],
        offset: Math.max(0, rows * columns) + 1,
      };
  }
}

/** A copy that shares nothing. */
export function clone(x: Tensor): Tensor {
  return { ...x, data: x.data.slice() };
}
