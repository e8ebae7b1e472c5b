/** Random operands, their comparison, and their encoding for another process. */
import type { Kernels } from '../kernels/index.js';
import type { WasmKernels } from '../kernels/index.js';
import { allocate, createRng, viewOf } from '../tensor/index.js';
import type { Real, Tensor } from '../tensor/index.js';

/** Half the distance from 1 to the next float32: the largest relative error of one rounding. */
export const UNIT_ROUNDOFF = 2 ** -24;

/** Uniform numbers in ±1/2, the same for the same seed. */
export function randomNumbers(count: number, seed: number): Float32Array {
  const rng = createRng(seed);
  return Float32Array.from({ length: count }, () => rng.next() - 0.5);
}

/**
 * Copies float32 matrices to where the backend can use them without copying: its own memory, if it has one.
 *
 * @param spare additional bytes that calls with these operands may need
 */
export function placeAll(kernels: object, matrices: readonly Tensor[], spare: number): Tensor[] {
  if (hasMemory(kernels)) kernels.reserve(spare + matrices.reduce((sum, { data }) => sum + 4 * data.length + 128, 0));
  const give = hasMemory(kernels)
    ? (shape: readonly number[]) => kernels.allocate(shape, 'float32')
    : (shape: readonly number[]) => allocate(shape, 'float32');
  return matrices.map(({ data, shape }) => {
    const x = give(shape);
    for (let i = 0; i < data.length; i++) x.data[x.offset + i] = data[i];
    return x;
  });
}

function hasMemory(kernels: object): kernels is Pick<WasmKernels, 'reserve' | 'allocate'> {
  return 'reserve' in kernels && 'allocate' in kernels;
}

/** A row-major float32 matrix over numbers. */
export function matrix(data: Real, M: number, N: number): Tensor {
  return viewOf(data, [M, N]);
}

/** Elements of a contiguous tensor. */
export function elements({ data, offset, shape }: Tensor): Real {
  return data.subarray(offset, offset + shape.reduce((n, size) => n * size, 1));
}

/** max |x − y|; Infinity if the lengths differ or a difference is NaN. */
export function deviation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  if (x.length !== y.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < x.length; i++) {
    const distance = Math.abs(x[i] - y[i]);
    if (!(distance <= worst)) worst = Number.isNaN(distance) ? Infinity : distance;
  }
  return worst;
}

/** Numbers as text for JSON: their little-endian bytes in base64. */
export function encode(x: Float32Array | Int32Array): string {
  return Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('base64');
}

/** Decodes float32 numbers from the answer of a peer; undefined if it sent something else. */
export function decode(text: unknown): Float32Array {
  if (typeof text !== 'string') return new Float32Array(0);
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The three products, by name. */
export type ProductName = keyof Pick<Kernels, 'addMatmul' | 'addMatmulTA' | 'addMatmulTB'>;
