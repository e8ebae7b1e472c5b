/** Predicts what would take too long to be timed: a software rasterizer would hold up everything else. Runs in a browser too. */
import type { Kernels } from '../kernels/types.js';
import { matrix } from './numbers.js';

/** Duration of an update, at least, as a multiple of an inference: the backward pass has two products for each forward product. */
const UPDATE = 3;

/** Explains why a call with this duration in milliseconds is not timed; undefined if it is timed. */
export function tooSlow(ms: number, limit: number): string | undefined {
  if (ms <= limit) return undefined;
  return `slower than ${limit / 1000} s a call: about ${(ms / 1000).toPrecision(2)} s`;
}

/** Explains why an M × K × N product is not timed on a device with the given GFLOP/s. */
export function slowProduct([M, K, N]: readonly [number, number, number], rate: number, limit: number) {
  return tooSlow((2 * M * K * N) / rate / 1e6, limit);
}

/** Explains why inference, or an update, is not timed, given the milliseconds of one inference. */
export function slowTagger(phase: string, ms: number, limit: number): string | undefined {
  return tooSlow(phase === 'train' ? UPDATE * ms : ms, limit);
}

/** Milliseconds of the second of two calls: the first one compiles. */
export async function secondCall(act: () => unknown): Promise<number> {
  await act();
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** GFLOP/s of a product of 128 × 128 matrices; waits for asynchronous kernels. */
export async function rateOf({ addMatmul }: { addMatmul(...operands: Parameters<Kernels['addMatmul']>): unknown }) {
  const n = 128;
  const [out, a, b] = [0, 1, 2].map(() => matrix(new Float32Array(n * n), n, n));
  return (2 * n * n * n) / (await secondCall(() => addMatmul(out, a, b))) / 1e6;
}
