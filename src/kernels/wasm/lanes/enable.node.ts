/** Wider lanes on Node: the flag of V8, whether it is known and worth it, the check, and how threads share what was checked. */
import { setFlagsFromString } from 'node:v8';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { ArgumentError } from '../../../tensor/errors.js';
import type { Ahead } from '../module.js';
import { bytesOf, obstacle, relaxedObstacle, startWith } from '../module.js';
import type { TileRates } from './rates.js';
import { tileRates } from './rates.js';
import { tryModule } from './trial.js';

/** What runs, and why. */
export interface WideLanes {
  /** Whether lanes of 256 bits were switched on. On a processor without AVX2, V8 then goes on with 128. */
  readonly on: boolean;
  /** Why, in a sentence without a full stop. */
  readonly reason: string;
  /** How many calls of products, scans and row work were compared, where they were. */
  readonly calls?: number;
  /** GFLOP/s of a small product by the tiles of 4 × 8, `narrow`, and of 4 × 16, `wide`: the faster ones are used. */
  readonly gflops?: TileRates;
  /** Milliseconds that compiling and comparing took, where it was done in this thread. */
  readonly ms?: number;
}

/** The environment variable that keeps lanes at 128 bits: `off`. */
export const LANES_VARIABLE = 'BPTT_WIDE_LANES';

const FLAG = '--experimental-wasm-revectorize';

/** The first V8 that gains by the flag, that of Node 24. 12.4 (Node 22) has it, takes a quarter of a second longer to compile, and gains nothing. */
const LEAST_V8 = 13;

/** What the threads of this process find their modules by. */
const SHARED = 'bptt/wide-lanes';
interface Shared extends Ahead {
  readonly calls: number;
  readonly gflops: TileRates;
}
const keyOf = (relaxed: boolean): string => (relaxed ? `${SHARED}/relaxed` : SHARED);

/** Where it is done: the process and its engine, and in tests something else. */
export interface Host {
  readonly v8: string;
  /** Whether this build of the engine knows the flag. */
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

/** Switches wider lanes on, or says why not; see `enableWideLanes`. */
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
    const reason = `with V8's flag ${FLAG} this engine computes other bits (${difference})`;
    host.warn(`${reason}; continuing with lanes of 128 bits. Set ${LANES_VARIABLE}=off to skip the check.`);
    return { on: false, reason, calls, ms: performance.now() - from };
  }
  const gflops = tileRates(started);
  const shared = { compiled, wideTiles: gflops.wide > gflops.narrow, calls, gflops };
  startWith(shared, relaxed);
  host.share(keyOf(relaxed), shared);
  return { on: true, reason: reasonFor(calls), calls, gflops, ms: performance.now() - from };
}

const reasonFor = (calls: number): string => `V8's flag ${FLAG}, the same bits in ${calls} calls`;

/** Why lanes stay as they are. */
async function reasonAgainst({ variable, known, v8 }: Host, relaxed: boolean): Promise<string | undefined> {
  if (variable === 'off') return `${LANES_VARIABLE}=off`;
  if (variable !== undefined && variable !== '' && variable !== 'on') {
    throw new ArgumentError(`${LANES_VARIABLE} must be on or off; got ${variable}`);
  }
  if (!known) return 'V8 is older, or built without re-vectorization; Node 24 or newer on x64 has it';
  if (Number.parseInt(v8) < LEAST_V8) return `V8 ${v8} gains nothing by ${FLAG}; Node 24 or newer does`;
  return relaxed ? relaxedObstacle() : obstacle();
}

/** What the main thread shares, where it did before this thread started. */
function adopt(host: Pick<Host, 'shared'>, relaxed: boolean): WideLanes {
  const shared = host.shared(keyOf(relaxed));
  if (shared === undefined) {
    return { on: false, reason: 'the main thread did not call enableWideLanes before it started this one' };
  }
  startWith(shared, relaxed);
  const { calls, gflops } = shared;
  return { on: true, reason: reasonFor(calls), calls, gflops };
}

/** In a worker thread, takes what the main thread shares; nothing where that is nothing. */
export function adoptWideLanes(): void {
  const host = thisProcess();
  if (host.mainThread) return;
  for (const relaxed of [false, true]) adopt(host, relaxed);
}

/**
 * V8 compiles a function quickly first, and for speed once it has executed a number of bytes, on another thread. Here: at once, and
 * after few, so that what is compared is what runs later. Only modules that are compiled meanwhile are affected.
 */
function compileEarly({ setFlag }: Host): () => void {
  setFlag('--wasm-sync-tier-up');
  setFlag('--wasm-tiering-budget=1000');
  return () => {
    setFlag('--no-wasm-sync-tier-up');
    setFlag('--wasm-tiering-budget=13000000'); // as in V8 12.4 to 14.6
  };
}
