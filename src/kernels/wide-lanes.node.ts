/**
 * Lanes twice as wide, on V8: with `--experimental-wasm-revectorize` it joins two adjacent operations of 128 bits into one of 256. The
 * arithmetic of every lane stays as it is, so results have the same bits.
 *
 * @module bptt/wide-lanes
 */
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import type { WideLanes } from './wasm/lanes/enable.node.js';
import { enableOn, thisProcess } from './wasm/lanes/enable.node.js';

export type { TileRates } from './wasm/lanes/rates.js';
export type { WideLanes };

/** For which backend. */
export interface WideLanesOptions {
  /** The backend `wasm-relaxed` instead of `wasm`; false by default. */
  readonly relaxedSimd?: boolean;
  /** Told where the check fails; by default a warning of the process, on standard error. */
  readonly warn?: (message: string) => void;
}

const KEYS = keysOf<WideLanesOptions>({ relaxedSimd: true, warn: true });

const done = new Map<boolean, Promise<WideLanes>>();

/**
 * Has V8 compile the WebAssembly backend with lanes of 256 bits, in Node 24 or newer on x64, for the whole process. Call it before the
 * backend is first used:
 *
 *     import { enableWideLanes } from 'bptt/wide-lanes';
 *     await enableWideLanes();
 *
 * The faster of two kinds of tiles is found by timing, in 8 milliseconds; results do not depend on it.
 *
 * The backend is compiled with and without, and what a thousand calls compute is compared bit by bit; where one differs, lanes stay as they are,
 * and a warning is printed. Worker threads that are started later run the same code: those of `bptt/threads` by themselves, others where
 * they call this function too. Where the engine is older, or the environment variable `BPTT_WIDE_LANES` is `off`, nothing changes.
 * The command line calls it by itself.
 *
 * @returns what runs, and why; the same for every call
 * @throws ArgumentError on an unknown option, or where `BPTT_WIDE_LANES` is neither `on` nor `off`
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
