/** Splits a product into tiles for a device, and generates the source of its kernels. */
import type { Product } from '../../check.js';
import { LARGEST_OPERAND, LONGEST_SUM } from '../device/limits.js';

/** M, K, N of a product. */
export interface Size {
  readonly M: number;
  readonly K: number;
  readonly N: number;
}

/** A part of a product that one kernel computes: a rectangle of `out` and a range of the sum. */
export interface Tile extends Size {
  readonly i: number;
  readonly k: number;
  readonly j: number;
}

/**
 * Splits a product into tiles that fit the device.
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
 * One dot product per element. K is a literal in the source: gpu.js silently stops a loop with an unknown bound after 1000
 * iterations.
 */
export function sourceOf(product: Product, K: number): string {
  return `function (a, b) {
  let sum = 0;
  for (let k = 0; k < ${K}; k++) { sum += ${TERMS[product]}; }
  return sum;
}`;
}
