/** How a product is cut for a device, and the source of its kernels. */
import type { Product } from '../check.js';

/** M, K, N of a product. */
export interface Size {
  readonly M: number;
  readonly K: number;
  readonly N: number;
}

/** A part of a product that one kernel computes: a rectangle of `out` and a stretch of the sum. */
export interface Tile extends Size {
  readonly i: number;
  readonly k: number;
  readonly j: number;
}

/** Elements of a texture that an index still reaches: GLSL ES 1.00 may compute integers in float32, exact up to 2²⁴. */
export const LARGEST_OPERAND = 2 ** 24;

/** Terms of one sum per kernel call, so that no call keeps a device busy for long enough to be taken for hung. */
export const LONGEST_SUM = 8192;

/**
 * Sizes above 16 are rounded up to eight steps per octave, so that batches of all lengths share a bounded number of kernels:
 * at most an eighth of an axis is padding, zeros that add nothing.
 */
export function padded(size: number): number {
  if (size <= 16) return size;
  const step = 2 ** (28 - Math.clz32(size - 1));
  return Math.ceil(size / step) * step;
}

/** The least power of two that is no less. */
export const powerOfTwo = (size: number): number => (size <= 1 ? 1 : 2 ** (32 - Math.clz32(size - 1)));

/**
 * Cuts a product into tiles that fit the device.
 *
 * @param side largest width or height of a texture, a power of two
 */
export function tilesOf({ M, K, N }: Size, side: number): Tile[] {
  const sum = Math.min(LONGEST_SUM, side);
  const [rows, columns] = [Math.min(side, LARGEST_OPERAND / sum), Math.min(side, LARGEST_OPERAND / sum)];
  const tiles: Tile[] = [];
  for (let i = 0; i < M; i += rows) {
    for (let j = 0; j < N; j += columns) {
      for (let k = 0; k < K; k += sum) {
        tiles.push({ i, k, j, M: Math.min(rows, M - i), K: Math.min(sum, K - k), N: Math.min(columns, N - j) });
      }
    }
  }
  return tiles;
}

/** Element `(row, k)` of the left and `(k, column)` of the right factor, whichever way the product stores them. */
const TERMS: Readonly<Record<Product, string>> = {
  addMatmul: 'a[this.thread.y][k] * b[k][this.thread.x]',
  addMatmulTA: 'a[k][this.thread.y] * b[k][this.thread.x]',
  addMatmulTB: 'a[this.thread.y][k] * b[this.thread.x][k]',
};

/**
 * One dot product per element. K is written into the source: gpu.js stops a loop whose bound it does not know after 1000
 * rounds, and says nothing.
 */
export function sourceOf(product: Product, K: number): string {
  return `function (a, b) {
  let sum = 0;
  for (let k = 0; k < ${K}; k++) { sum += ${TERMS[product]}; }
  return sum;
}`;
}
