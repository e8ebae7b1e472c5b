/** Runs suites: opens the systems, collects the rows, and closes everything again. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ArgumentError } from '../tensor/index.js';
import { folderOfPackage } from './package-info.js';
import { openBackends } from './backends.js';
import type { Opponent } from './against.js';
import { noOpponent, openOpponent } from './against.js';
import type { CpuProfile } from './flame.js';
import { openFlame } from './flame.js';
import type { Machine } from './machine.js';
import { describeMachine } from './machine.js';
import { openPace } from './peak.js';
import type { Peers } from './peers.js';
import { noPeers, openPeers } from './peers.js';
import type { Earlier, Result } from './report.js';
import { RUNNERS } from './suites.js';
import { run } from './timing.js';
import type { Budget, Context, Race, Row, Suite, SuiteName, UserKernel } from './types.js';
import { loadUserKernel } from './user-kernel.js';

const USUAL: Budget = { turns: 21, leastTurns: 7, turnMs: 50, warmupMs: 300, slowestMs: 5000 };
const QUICK: Budget = { turns: 2, leastTurns: 2, turnMs: 10, warmupMs: 10, slowestMs: 1000 };

/** Options of a run. */
export interface RunOptions {
  readonly version: string;
  readonly suites: readonly SuiteName[];
  /** Substrings of case names to run; all cases if empty. */
  readonly cases: readonly string[];
  /** Whether to profile one case, given by its full name, while it is timed; only its first system is profiled. */
  readonly flame?: boolean;
  readonly quick: boolean;
  readonly plotting: boolean;
  /** Number of updates of the memory suite. */
  readonly steps: number;
  /** Milliseconds for each system in each case; default: the standard budget. */
  readonly time?: number;
  /** Backends by name, as for `openBackends`. */
  readonly backends: readonly string[];
  /** Argument of `openOpponent`: the JSON of an earlier run, or the folder of an earlier build. */
  readonly against?: string;
  /** Sizes of products that replace the standard ones. */
  readonly sizes?: Context['sizes'];
  /** The user's products, as loaded by `loadUserKernels`. */
  readonly userKernels: readonly UserKernel[];
  /** Names of peers; `true` for all, `false` for none; undefined for all that are available, if any. */
  readonly peers?: readonly string[] | boolean;
  /** Whether to run this package in a browser as well. */
  readonly browser?: boolean;
  /** The folder of `peers.json`; default: that of the checkout. */
  readonly peersFolder?: string;
}

/** Callbacks of a run. */
export interface Listener extends Pick<Context, 'progress' | 'note'> {
  /** Called once, before timing starts. */
  started?(machine: Machine, earlier?: Earlier): void | Promise<void>;
  /** Called with finished rows, all rows of a case at once. */
  rows?(rows: readonly Row[]): void | Promise<void>;
}

/** Ends a run early: `Interrupt` of the command line. */
export interface Stop {
  readonly signal?: AbortSignal;
  run?<T>(act: () => T): T;
}

/** A result, and the faults found during the run. */
export interface Outcome {
  readonly result: Result;
  /** One line per system and case with a wrong result. */
  readonly wrong: readonly string[];
  /** The profile, if requested. */
  readonly profile?: CpuProfile;
}

/**
 * Runs the suites one after another. If `signal` stops the run, the result contains the rows of the finished cases.
 *
 * @param stop its signal ends the run, even while its `run` executes user code
 * @throws whatever `openPeers`, `openBackends` and `openOpponent` throw, before timing starts
 */
export async function runSuites(options: RunOptions, listener: Listener, stop: Stop = {}): Promise<Outcome> {
  const { signal, run: within } = stop;
  const stopped = (): boolean => signal?.aborted ?? false;
  // After a stop, the reasons that interrupted calls report are meaningless.
  const note = (line: string): void => (stopped() ? undefined : listener.note(line));
  const { version, plotting, quick, steps, cases, sizes, userKernels } = options;
  const shared = { plotting, quick, steps, sizes, note, progress: listener.progress, budget: budgetOf(options) };
  const flame = options.flame ? await openFlame() : undefined;
  const opponent: Omit<Opponent, 'earlier'> & Partial<Opponent> =
    options.against === undefined
      ? { ...noOpponent, ...flame }
      : await openOpponent(options.against, { ...shared, backends: options.backends });
  const peers = peersOf(options, { note });
  const backends = await openBackends(options.backends, { note });
  const wrong: string[] = [];
  const context: Context = {
    ...shared,
    ...{ version, backends, peers, userKernels, signal, within, pace: openPace(), sampler: flame?.sampler },
    wants: (name) => cases.length === 0 || cases.some((part) => (options.flame ? name === part : name.includes(part))),
    wrong: (line) => void wrong.push(line),
  };
  const machine = describeMachine(version, plotting);
  const rows: Row[] = [];
  signal?.addEventListener('abort', () => peers.close());
  try {
    await listener.started?.(machine, opponent.earlier);
    for (const suite of options.suites) {
      for await (const finished of rowsOf(context, RUNNERS[suite], opponent)) {
        rows.push(...finished);
        await listener.rows?.(finished);
      }
    }
  } catch (error) {
    if (!stopped()) throw error;
  } finally {
    peers.close();
    opponent.close();
    for (const { kernels } of backends) kernels.dispose();
  }
  return { result: { machine, rows, ...(stopped() ? { interrupted: true } : {}) }, wrong, profile: flame?.profile() };
}

/**
 * Loads the kernels of several files, each file once, under distinct names. A signal listener cannot interrupt a module that is
 * being loaded, so load modules before installing one.
 *
 * @throws whatever `loadUserKernel` throws
 */
export async function loadUserKernels(paths: readonly string[]): Promise<UserKernel[]> {
  const kernels: UserKernel[] = [];
  for (const [i, path] of paths.entries()) {
    if (paths.slice(0, i).some((other) => resolve(other) === resolve(path)))
      throw new ArgumentError(`--kernel ${path} is given twice; give it once`);
    const names = kernels.map(({ system }) => system);
    kernels.push(await loadUserKernel(path, names));
  }
  return kernels;
}

/** Yields the rows of a suite as they are finished; ends silently if it is stopped. */
export async function* rowsOf(
  context: Context,
  suite: Suite,
  opponent: Pick<Opponent, 'joined' | 'compared'> = noOpponent,
): AsyncGenerator<Row[], void, void> {
  const stopped = (): boolean => context.signal?.aborted ?? false;
  for await (const part of suite(context)) {
    if (stopped()) return;
    const rows = 'contestants' in part ? await timed(context, await opponent.joined(part)) : part;
    if (stopped()) return;
    if (rows.length > 0) yield opponent.compared(rows);
  }
}

async function timed(context: Context, race: Race): Promise<Row[]> {
  await context.sampler?.start();
  try {
    return await run(context, race);
  } finally {
    await context.sampler?.stop();
  }
}

function budgetOf({ quick, time }: RunOptions): Budget {
  if (time === undefined) return quick ? QUICK : USUAL;
  const { turns, leastTurns, slowestMs } = quick ? QUICK : USUAL;
  return { turns, leastTurns, slowestMs, turnMs: (0.8 * time) / turns, warmupMs: 0.2 * time };
}

function peersOf({ peers, peersFolder, browser }: RunOptions, { note }: Pick<Listener, 'note'>): Peers {
  if (peers === false && !browser) return noPeers;
  // A folder given by name must exist; that of the checkout may be absent.
  if (peersFolder !== undefined && !existsSync(join(peersFolder, 'peers.json'))) {
    throw new ArgumentError(
      `--peers-folder ${peersFolder || "''"} has no peers.json; pass the folder that contains it`,
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
