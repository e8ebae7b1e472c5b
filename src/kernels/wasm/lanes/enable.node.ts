/**
 * Wider lanes on Node: the flag of V8, whether it is supported and worthwhile, the check, and how threads share the checked
 * module.
 */
import { setFlagsFromString } from 'node:v8';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { ArgumentError } from '../../../tensor/errors.js';
import type { Ahead } from '../module.js';
import { bytesOf, obstacle, relaxedObstacle, startWith } from '../module.js';
import type { TileRates } from './rates.js';
import { tileRates } from './rates.js';
import { tryModule } from './trial.js';

/** The outcome, and its reason. */
export interface WideLanes {
  /** Whether 256-bit lanes were enabled. On a processor without AVX2, V8 then still uses 128 bits. */
  readonly on: boolean;
  /** The reason, as a sentence without a full stop. */
  readonly reason: string;
  /** How many calls of products, scans and row operations were compared, if any were. */
  readonly calls?: number;
  /** GFLOP/s of a small product by the tiles of 4 × 8, `narrow`, and of 4 × 16, `wide`: the faster tiles are used. */
  readonly gflops?: TileRates;
  /** Milliseconds taken to compile and compare, if done in this thread. */
  readonly ms?: number;
}

/** The environment variable that keeps lanes at 128 bits when set to `off`. */
export const LANES_VARIABLE = 'BPTT_WIDE_LANES';

const FLAG = '--experimental-wasm-revectorize';

/**
 * The first V8 that gains from the flag, that of Node 24. V8 12.4 (Node 22) has the flag, but takes a quarter of a second longer
 * to compile and gains nothing.
 */
const LEAST_V8 = 13;

/** The key under which the threads of this process find their modules. */
const SHARED = 'bptt/wide-lanes';
interface Shared extends Ahead {
  readonly calls: number;
  readonly gflops: TileRates;
}
const keyOf = (relaxed: boolean): string => (relaxed ? `${SHARED}/relaxed` : SHARED);

/** The environment: the process and its engine, or a substitute in tests. */
export interface Host {
  readonly v8: string;
  /** Whether this build of the engine supports the flag. */
  readonly known: boolean;
  readonly mainThread: boolean;
  readonly variable: string | undefined;
  setFlag(flag: string): void;
  warn(message: string): void;
  share(key: string, value: Shared): void;
  shared(key: string): Shared | undefined;
}

/** This process. */
export function thisProcess(): Omit<Host, 'warn'> {
  const { variables } = process.config as { readonly variables: Readonly<Record<string, unknown>> };
  return {
    v8: process.versions.v8,
    known: Number(variables.v8_enable_wasm_simd256_revec ?? 0) === 1,
    mainThread: isMainThread,
    variable: process.env[LANES_VARIABLE],
    setFlag: setFlagsFromString,
    share: setEnvironmentData,
    shared: (key) => getEnvironmentData(key) as Shared | undefined,
  };
}

/** Enables wider lanes, or returns why not; see `enableWideLanes`. */
export async function enableOn(host: Host, relaxed: boolean): Promise<WideLanes> {
  const against = await reasonAgainst(host, relaxed);
  if (against !== undefined) return { on: false, reason: against };
  if (!host.mainThread) return adopt(host, relaxed);
  const from = performance.now();
  const { compiled, started, calls, difference } = tryModule(await bytesOf(relaxed), {
    enable: () => host.setFlag(FLAG),
    compileEarly: () => compileEarly(host),
  });
  if (difference !== undefined) {
    host.setFlag(FLAG.replace('--', '--no-'));
    const reason = `V8's flag ${FLAG} changes results on this engine (${difference})`;
    host.warn(`${reason}; continuing with lanes of 128 bits. Set ${LANES_VARIABLE}=off to skip the check.`);
    return { on: false, reason, calls, ms: performance.now() - from };
  }
  const gflops = tileRates(started);
  const shared = { compiled, wideTiles: gflops.wide > gflops.narrow, calls, gflops };
  startWith(shared, relaxed);
  host.share(keyOf(relaxed), shared);
  return { on: true, reason: reasonFor(calls), calls, gflops, ms: performance.now() - from };
}

const reasonFor = (calls: number): string => `V8's flag ${FLAG}, identical bits in ${calls} calls`;

/** Why lanes stay at 128 bits. */
async function reasonAgainst({ variable, known, v8 }: Host, relaxed: boolean): Promise<string | undefined> {
  if (variable === 'off') return `${LANES_VARIABLE}=off`;
  if (variable !== undefined && variable !== '' && variable !== 'on') {
    throw new ArgumentError(`${LANES_VARIABLE} must be on or off; got ${variable}`);
  }
  if (!known) return 'this V8 has no re-vectorization; use Node 24 or newer on x64';
  if (Number.parseInt(v8) < LEAST_V8) return `V8 ${v8} gains nothing from ${FLAG}; use Node 24 or newer`;
  return relaxed ? relaxedObstacle() : obstacle();
}

/** The result of the main thread, if it was shared before this thread started. */
function adopt(host: Pick<Host, 'shared'>, relaxed: boolean): WideLanes {
  const shared = host.shared(keyOf(relaxed));
  if (shared === undefined) {
    return { on: false, reason: 'the main thread did not call enableWideLanes before it started this one' };
  }
  startWith(shared, relaxed);
  const { calls, gflops } = shared;
  return { on: true, reason: reasonFor(calls), calls, gflops };
}

/** In a worker thread, adopts the modules that the main thread shares, if any. */
export function adoptWideLanes(): void {
  const host = thisProcess();
  if (host.mainThread) return;
  for (const relaxed of [false, true]) adopt(host, relaxed);
}

/**
 * V8 first compiles a function quickly, and optimizes it on another thread once it has executed a number of bytes. This makes it
 * optimize synchronously and after few bytes, so that the compared code is the code that runs later. Only modules compiled in the
 * meantime are affected.
 */
function compileEarly({ setFlag }: Host): () => void {
  setFlag('--wasm-sync-tier-up');
  setFlag('--wasm-tiering-budget=1000');
  return () => {
    setFlag('--no-wasm-sync-tier-up');
    setFlag('--wasm-tiering-budget=13000000'); // as in V8 12.4 to 14.6
  };
}
