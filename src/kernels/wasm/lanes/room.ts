/** Memory for trial calls of the module: consecutive operands, with the same elements every time. */
import type { Memory } from '../module.js';

/** Allocates operands. Two rooms with the same allocations have the same bytes at the same addresses. */
export interface Room {
  /** Address of `count` float32 between −2 and 2; above 0 if `positive`. */
  f32(count: number, positive?: boolean): number;
  /** The same for float64. */
  f64(count: number): number;
  /** Address of these int32. */
  i32(values: readonly number[]): number;
  /** Address of the scratch of a product, which is overwritten and not compared. */
  readonly scratch: number;
  /** Discards all operands. */
  clear(): void;
  /** The contents of everything allocated since. */
  bytes(): Int32Array;
}

/** After the data of the module and the scratch of a product. */
const SCRATCH = 65536;
const FIRST = 4 * 65536;

/** A room in a memory of `BYTES` bytes. */
export function roomIn({ buffer }: Memory): Room {
  const [singles, doubles, integers] = [new Float32Array(buffer), new Float64Array(buffer), new Int32Array(buffer)];
  const { abs, imul } = Math;
  let top = FIRST;
  let state = 1;
  const take = (bytes: number): number => {
    const at = top;
    top += (bytes + 63) & ~63; // the rows of a panel are read to their end, so the bytes after an operand are fixed too
    integers.fill(0, at / 4, top / 4);
    return at;
  };
  /** Between −2 and 2: a linear congruential generator (Numerical Recipes). */
  const number = (): number => {
    state = (imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 30;
  };
  return {
    scratch: SCRATCH,
    f32(count, positive = false) {
      const at = take(4 * count);
      for (let i = 0; i < count; i++) singles[at / 4 + i] = positive ? abs(number()) + 0.01 : number();
      return at;
    },
    f64(count) {
      const at = take(8 * count);
      for (let i = 0; i < count; i++) doubles[at / 8 + i] = number();
      return at;
    },
    i32(values) {
      const at = take(4 * values.length);
      integers.set(values, at / 4);
      return at;
    },
    clear() {
      top = FIRST;
      state = 1;
    },
    bytes: () => integers.subarray(FIRST / 4, top / 4),
  };
}

/** Upper bound of the pages for the operands of one call and everything before them. */
export const PAGES = 32;
