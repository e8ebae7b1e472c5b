/** Runs suites: opens what takes part, collects the rows, closes everything again. */
import { join } from 'node:path';
import { candidates } from '../../kernels/index.js';
import { UnsupportedError } from '../../tensor/index.js';
import { selectBackend } from '../backend.js';
import { folderOfPackage } from '../package-info.js';
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
import type { Backend, Budget, Context, Row, Suite, SuiteName } from './types.js';
import { loadUserKernel } from './user-kernel.js';

const RUNNERS: Readonly<Record<SuiteName, Suite>> = { gemm, layer, tagger, threads, cold, memory };

const USUAL: Budget = { turns: 7, turnMs: 150, warmupMs: 300 };
const QUICK: Budget = { turns: 2, turnMs: 10, warmupMs: 10 };

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
  /** Backends by name, `auto` for the one that `auto` takes; all that `auto` considers where there are none. */
  readonly backends: readonly string[];
  /** A file with products of the user's. */
  readonly kernel?: string;
  /** Names of peers; `true` for all, `false` for none; undefined for all where there are any. */
  readonly peers?: readonly string[] | boolean;
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
 * @throws what `openPeers` and `loadUserKernel` throw, before anything is timed
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
  const { turns } = quick ? QUICK : USUAL;
  return { turns, turnMs: (0.8 * time) / turns, warmupMs: 0.2 * time };
}

/** The backends asked for. The one that `auto` takes is `bptt`, also where it was asked for by its name. */
async function openBackends(names: readonly string[], { note }: Listener): Promise<Backend[]> {
  const considered = candidates.filter((candidate) => candidate.onlyByName === undefined).map(({ name }) => name);
  const auto = (await selectBackend('auto')).kernels;
  const backends = new Map<string, Backend>();
  for (const name of names.length > 0 ? names : ['auto', ...considered]) {
    try {
      const kernels = name === 'auto' ? auto : (await selectBackend(name)).kernels;
      const system = kernels.backend === auto.backend ? 'bptt' : `bptt-${name}`;
      if (backends.has(system)) kernels.dispose();
      else backends.set(system, { system, kernels });
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      note(`skipped the backend ${name}: ${error.message}`);
    }
  }
  const opened = [...backends.values()];
  if (opened.every(({ kernels }) => kernels !== auto)) auto.dispose();
  return opened;
}

function peersOf({ peers, peersFolder }: RunOptions, { note }: Listener): Peers {
  if (peers === false) return noPeers;
  const folder = peersFolder ?? join(folderOfPackage(), 'bench/peers');
  if (peers !== undefined) return openPeers(folder, peers === true ? undefined : peers);
  try {
    return openPeers(folder);
  } catch {
    note('no peers: they are part of a checkout, not of the package');
    return noPeers;
  }
}
