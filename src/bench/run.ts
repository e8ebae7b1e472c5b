/** Runs suites: opens what takes part, collects the rows, closes everything again. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError } from '../tensor/index.js';
import { folderOfPackage } from './package-info.js';
import { openBackends } from './backends.js';
import { cold } from './cold.js';
import { gemm } from './gemm.js';
import { layer } from './layer.js';
import { describeMachine } from './machine.js';
import { memory } from './memory.js';
import type { Peers } from './peers.js';
import { noPeers, openPeers } from './peers.js';
import type { Result } from './report.js';
import { tagger } from './tagger.js';
import { threads } from './threads.js';
import type { Budget, Context, Row, Suite, SuiteName } from './types.js';
import { loadUserKernel } from './user-kernel.js';

const RUNNERS: Readonly<Record<SuiteName, Suite>> = { gemm, layer, tagger, threads, cold, memory };

const USUAL: Budget = { turns: 7, turnMs: 150, warmupMs: 300, slowestMs: 5000 };
const QUICK: Budget = { turns: 2, turnMs: 10, warmupMs: 10, slowestMs: 1000 };

/** What to run. */
export interface RunOptions {
  readonly version: string;
  readonly suites: readonly SuiteName[];
  /** Parts of the names of cases; all cases where there are none. */
  readonly cases: readonly string[];
  readonly quick: boolean;
  readonly plotting: boolean;
  /** Updates of the memory suite. */
  readonly steps: number;
  /** Milliseconds for each system in each case; the usual ones where it is not given. */
  readonly time?: number;
  /** Backends by name, as `openBackends` takes them. */
  readonly backends: readonly string[];
  /** A file with products of the user's. */
  readonly kernel?: string;
  /** Names of peers; `true` for all, `false` for none; undefined for all where there are any. */
  readonly peers?: readonly string[] | boolean;
  /** Whether this package runs in a browser too. */
  readonly browser?: boolean;
  /** The folder of `peers.json`; that of the checkout by default. */
  readonly peersFolder?: string;
}

/** Who hears of what goes on. */
export type Listener = Pick<Context, 'progress' | 'note'>;

/** A result, and what was found wrong on the way. */
export interface Outcome {
  readonly result: Result;
  /** One line per system and case that computed something else. */
  readonly wrong: readonly string[];
}

/**
 * Runs the suites, one after the other.
 *
 * @throws what `openPeers`, `openBackends` and `loadUserKernel` throw, before anything is timed
 */
export async function runSuites(options: RunOptions, listener: Listener): Promise<Outcome> {
  const userKernel = options.kernel === undefined ? undefined : await loadUserKernel(options.kernel);
  const peers = peersOf(options, listener);
  const backends = await openBackends(options.backends, listener);
  const wrong: string[] = [];
  const { version, plotting, quick, steps, cases } = options;
  const context: Context = {
    ...listener,
    ...{ version, backends, peers, userKernel, plotting, quick, steps },
    budget: budgetOf(options),
    wants: (name) => cases.length === 0 || cases.some((part) => name.includes(part)),
    wrong: (line) => void wrong.push(line),
  };
  try {
    const rows: Row[] = [];
    for (const suite of options.suites) rows.push(...(await RUNNERS[suite](context)));
    return { result: { machine: describeMachine(version), rows }, wrong };
  } finally {
    peers.close();
    for (const { kernels } of backends) kernels.dispose();
  }
}

function budgetOf({ quick, time }: RunOptions): Budget {
  if (time === undefined) return quick ? QUICK : USUAL;
  const { turns, slowestMs } = quick ? QUICK : USUAL;
  return { turns, slowestMs, turnMs: (0.8 * time) / turns, warmupMs: 0.2 * time };
}

function peersOf({ peers, peersFolder, browser }: RunOptions, { note }: Listener): Peers {
  if (peers === false && !browser) return noPeers;
  // A folder that somebody names must be there; that of the checkout may be absent.
  if (peersFolder !== undefined && !existsSync(join(peersFolder, 'peers.json'))) {
    throw new ArgumentError(
      `--peers-folder ${peersFolder || "''"} has no peers.json; give the folder in which it lies`,
    );
  }
  const folder = peersFolder ?? join(folderOfPackage(), 'bench/peers');
  if (peers === false) return openPeers(folder, { names: [], browser });
  if (peers !== undefined || browser || peersFolder !== undefined)
    return openPeers(folder, { names: Array.isArray(peers) ? peers : undefined, browser });
  try {
    return openPeers(folder);
  } catch {
    note('no peers: they are part of a checkout, not of the package');
    return noPeers;
  }
}
