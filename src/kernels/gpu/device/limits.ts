/** The limits of a device: sizes of matrices and of sums. */

/** Largest number of addressable elements of a texture: GLSL ES 1.00 may compute integers in float32, exact up to 2²⁴. */
export const LARGEST_OPERAND = 2 ** 24;

/** Largest number of terms of one sum per kernel call, so that no call takes long enough to look like a hang. */
export const LONGEST_SUM = 8192;

/**
 * Sizes above 16 are rounded up to eight steps per octave, so that batches of all lengths share a bounded number of kernels. At
 * most an eighth of an axis is padding: zeros that add nothing.
 */
export function padded(size: number): number {
  if (size <= 16) return size;
  const step = 2 ** (28 - Math.clz32(size - 1));
  return Math.ceil(size / step) * step;
}

/** The least power of two that is at least `size`. */
export const powerOfTwo = (size: number): number => (size <= 1 ? 1 : 2 ** (32 - Math.clz32(size - 1)));
