/**
 * 256-bit lanes on V8: with `--experimental-wasm-revectorize` it joins two adjacent 128-bit operations into one of 256 bits. The
 * arithmetic of every lane is unchanged, so results have the same bits.
 *
 * @module bptt/wide-lanes
 */
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import type { WideLanes } from './wasm/lanes/enable.node.js';
import { enableOn, thisProcess } from './wasm/lanes/enable.node.js';

export type { TileRates } from './wasm/lanes/rates.js';
export type { WideLanes };

/** Options of `enableWideLanes`. */
export interface WideLanesOptions {
  /** For the backend `wasm-relaxed` instead of `wasm`; false by default. */
  readonly relaxedSimd?: boolean;
  /** Called if the check fails; by default the process prints a warning on standard error. */
  readonly warn?: (message: string) => void;
}

const KEYS = keysOf<WideLanesOptions>({ relaxedSimd: true, warn: true });

const done = new Map<boolean, Promise<WideLanes>>();

/**
 * Makes V8 compile the WebAssembly backend with 256-bit lanes, in Node 24 or newer on x64, for the whole process. Call it before
 * the backend is first used:
 *
 *     import { enableWideLanes } from 'bptt/wide-lanes';
 *     await enableWideLanes();
 *
 * The faster of two kinds of tiles is found by timing, in 8 milliseconds; results do not depend on it.
 *
 * The backend is compiled with and without wide lanes, and the results of a thousand calls are compared bit by bit. If one
 * differs, lanes stay at 128 bits and a warning is printed. Worker threads started later run the same code: those of
 * `bptt/threads` automatically, others if they call this function too. If the engine is older, or the environment variable
 * `BPTT_WIDE_LANES` is `off`, nothing changes. The command line calls it automatically.
 *
 * @returns what runs, and why; the same for every call
 * @throws ArgumentError on an unknown option, or if `BPTT_WIDE_LANES` is neither `on` nor `off`
 */
export async function enableWideLanes(options: WideLanesOptions = {}): Promise<WideLanes> {
  expectKnownKeys('enableWideLanes', 'options', options, KEYS);
  const { relaxedSimd = false, warn = (message) => process.emitWarning(`bptt: ${message}`) } = options;
  const known = done.get(relaxedSimd);
  if (known) return known;
  const lanes = enableOn({ ...thisProcess(), warn }, relaxedSimd);
  done.set(relaxedSimd, lanes);
  return lanes;
}
