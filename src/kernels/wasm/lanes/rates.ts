/** Measures which tiles are faster in this process: a product of one block, alternating between both. */
import { PANEL, panelBytes } from '../product.js';
import { roomIn } from './room.js';
import type { Started } from './trial.js';

/** GFLOP/s of the tiles of one panel, 4 × 8, and of two, 4 × 16. */
export interface TileRates {
  readonly narrow: number;
  readonly wide: number;
}

/** Rows, columns and terms: whole tiles, and operands that fit the first-level cache. */
const [M, N, K] = [32, 64, 64];
const OPERATIONS = 2 * M * N * K;
/** Products of a turn, and the milliseconds of all turns. */
const CALLS = 8;
const BUDGET = 8;

/** The rate of the fastest turn of each: other load on the machine lengthens some turns, but shortens none. */
export function tileRates({ wasm, memory }: Started): TileRates {
  const room = roomIn(memory);
  const [c, a, panels] = [room.f32(M * N), room.f32(M * K), room.f32(panelBytes(K, N, true) / 4)];
  const turn = (wide: 0 | 1): number => {
    wasm.useWideTiles(wide);
    const from = performance.now();
    for (let i = 0; i < CALLS; i++)
      wasm.multiply32(M, N, K, c, 4 * N, a, 4 * K, 4, panels, PANEL, K * PANEL, room.scratch);
    return performance.now() - from;
  };
  let [narrow, wide] = [Infinity, Infinity];
  const end = performance.now() + BUDGET;
  do {
    narrow = Math.min(narrow, turn(0));
    wide = Math.min(wide, turn(1));
  } while (performance.now() < end);
  const rate = (ms: number): number => (CALLS * OPERATIONS) / ms / 1e6;
  return { narrow: rate(narrow), wide: rate(wide) };
}
