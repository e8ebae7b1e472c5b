/** Runs suites: opens what takes part, collects the rows, closes everything again. */
import { join } from 'node:path';
import { candidates } from '../../kernels/index.js';
import { ArgumentError } from '../../tensor/index.js';
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
  /** Backends beside those that `auto` considers. */
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
    budget: quick ? QUICK : USUAL,
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

/** Every backend that serves here, in the order of preference; those that serve by name alone where they are named. */
async function openBackends(names: readonly string[], { note }: Listener): Promise<Backend[]> {
  const known = candidates.map((candidate) => candidate.name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new ArgumentError(`no backend is named ${unknown.join(', ')}; there are ${known.join(', ')}`);
  }
  const backends: Backend[] = [];
  let chosen = false;
  for (const { name, onlyByName, open } of candidates) {
    if (onlyByName !== undefined && !names.includes(name)) continue;
    const opened = await open('float32');
    if ('declined' in opened) {
      note(`skipped the backend ${name}: ${opened.declined}`);
      continue;
    }
    const first: boolean = onlyByName === undefined && !chosen;
    chosen = chosen || first;
    backends.push({ system: first ? 'bptt' : `bptt-${name}`, kernels: opened.kernels });
  }
  return backends;
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
