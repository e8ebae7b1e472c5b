/**
 * The product that rungs are checked with and timed on. A rung either reproduces rung 1 bit for bit, or states the maximum number
 * n of roundings that a term of its sum undergoes. Its result and that of rung 1, whose terms undergo K + 1 roundings, then
 * differ by at most
 *
 *     (γ_n + γ_{K+1}) · (|out| + Σ|a||b|),   γ_n = n·u / (1 − n·u),   u = 2⁻²⁴
 *
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.1).
 */
import { randomNumbers, UNIT_ROUNDOFF } from '../numbers.js';
import type { LadderRow, Operands, Prepared, ProductRung, Size, WorkItem } from './types.js';

/** Sizes with every kind of remainder: of four rows, of eight columns, of four terms, of a block of k. */
export const CHECKED: readonly Size[] = [
  [1, 1, 1],
  [3, 5, 7],
  [6, 4, 9],
  [13, 37, 21],
  [8, 601, 24],
  [66, 10, 40],
];

/** The timed size: for example, the gradient of weights over a batch of 2,048 tokens. */
export const TIMED: Size = [384, 2048, 384];

/** Operands, and the result of rung 1 for them. */
export interface Problem extends Operands {
  readonly size: Size;
  readonly expected: Float32Array;
}

/** Random operands of a size, the same every time. */
export function operandsOf([M, K, N]: Size): Operands {
  return { out: randomNumbers(M * N, 3), a: randomNumbers(M * K, 1), b: randomNumbers(K * N, 2) };
}

/** The work of one product. Its bytes are those of a and b, and of out read and written. */
export function workOf([M, K, N]: Size): WorkItem {
  const operations = 2 * M * K * N;
  return { sizes: { M, K, N }, operations, intensity: operations / (4 * (M * K + K * N + 2 * M * N)) };
}

/** Returns a kernel's result for operands, and closes the kernel. */
export async function answerFrom<In, Out>(prepared: Prepared<In, Out>, operands: In): Promise<Out> {
  try {
    prepared.set(operands);
    await prepared.run();
    return prepared.get();
  } finally {
    await prepared.close();
  }
}

/** Returns a rung's result for operands. */
export async function answerOf(rung: ProductRung, size: Size, operands: Operands): Promise<Float32Array> {
  return answerFrom(await rung.prepare(size), operands);
}

/** Explains why the first rung is wrong, compared with a sum in float64; undefined if it is right. */
export function faultOfFirst(size: Size, operands: Operands, got: Float32Array): string | undefined {
  const { sums, magnitudes } = exactly(size, operands);
  return outside(size, got, sums, magnitudes, gamma(size[1] + 1), 'the sum in float64');
}

/** Explains why an answer is wrong, or else how it agrees with rung 1. */
export function judge(
  rung: ProductRung,
  { size, expected, ...operands }: Problem,
  got: Float32Array,
): { readonly fault: string } | { readonly checked: LadderRow['checked'] } {
  const differs = got.length !== expected.length ? 0 : got.findIndex((x, i) => !Object.is(x, expected[i]));
  if (differs < 0) return { checked: 'same bits' };
  const [, K, N] = size;
  if (rung.roundings === undefined) {
    const place = `(${Math.floor(differs / N)}, ${differs % N})`;
    return {
      fault: `differs from rung 1 at ${size.join('×')}: element ${place} is ${got[differs]}, not ${expected[differs]}; keep the order of each sum, or export roundings(K)`,
    };
  }
  const bound = gamma(rung.roundings(K)) + gamma(K + 1);
  const fault = outside(size, got, expected, exactly(size, operands).magnitudes, bound, 'rung 1');
  return fault === undefined ? { checked: 'within its bound' } : { fault };
}

/** γ_n. An infinite γ_n would accept everything, so a number of roundings for which it is not finite is rejected. */
function gamma(n: number): number {
  const nu = n * UNIT_ROUNDOFF;
  return n > 0 && nu < 0.5 ? nu / (1 - nu) : 0;
}

function outside(
  [M, K, N]: Size,
  got: Float32Array,
  want: ArrayLike<number>,
  magnitudes: Float64Array,
  bound: number,
  whose: string,
): string | undefined {
  for (let i = 0; i < M * N; i++) {
    const error = Math.abs(got[i] - want[i]);
    if (error <= bound * magnitudes[i]) continue;
    const place = `(${Math.floor(i / N)}, ${i % N})`;
    return `differs from ${whose} at ${M}×${K}×${N}: element ${place} is ${got[i]}, not ${want[i]}, allowed ±${(bound * magnitudes[i]).toExponential(1)}`;
  }
  return undefined;
}

/** `out + a·b` and `|out| + |a|·|b|` in float64. */
function exactly([M, K, N]: Size, { out, a, b }: Operands): { sums: Float64Array; magnitudes: Float64Array } {
  const sums = Float64Array.from(out);
  const magnitudes = Float64Array.from(out, Math.abs);
  for (let i = 0; i < M; i++) {
    for (let k = 0; k < K; k++) {
      for (let j = 0; j < N; j++) {
        const term = a[i * K + k] * b[k * N + j];
        sums[i * N + j] += term;
        magnitudes[i * N + j] += Math.abs(term);
      }
    }
  }
  return { sums, magnitudes };
}
