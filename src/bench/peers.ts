/**
 * Other systems, each in a separate process that communicates in JSON Lines: one request on its standard input, one answer on its
 * standard output. They are listed in `bench/peers/peers.json` of a checkout and are not part of the published package.
 *
 *     ← {system, version, backend, threads}  or  {absent: why}         once, when it has started; on a GPU with
 *                                                                      {device: its name}, and {software: true} for a rasterizer
 *                                                                      or {unnamed: true} if that is not a name; in a browser
 *                                                                      with {engine: name and version}; a library that
 *                                                                      multiplies by a BLAS with {blas: which, in words}
 *     → {op: 'prepare', …a case}             ← what it computes, or {declined: why}; with {ran: threads that ran}
 *                                           where the system tells
 *     → {op: 'sample', ms}                   ← {ms, cost}: calls for at least `ms`
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isSoftware } from '../kernels/gpu/device/device.js';
import { loadedRenderer } from '../kernels/gpu/device/machine.node.js';
import { ArgumentError, BpttError, DataError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import { OWN_GROUP } from './child.js';
import { readPackageInfo } from './package-info.js';
import type { Contestant, Place, Sample, SuiteName } from './types.js';

/** One line of `peers.json`. */
export interface PeerEntry {
  readonly system: string;
  /** Programs to try, in order; `node` is the running Node. */
  readonly programs: readonly string[];
  /** The adapter and its arguments; the adapter's path is relative to `peers.json`. */
  readonly arguments: readonly string[];
  /** A number, or `all` for every core of the machine. */
  readonly threads: number | 'all';
  readonly suites: readonly SuiteName[];
  /** Whether it is this package in a browser: started only if browsers are requested, or this one by name. */
  readonly browser?: boolean;
}

/** Selects peers. */
export interface PeerChoice {
  /** Systems by name; all but the browsers by default. */
  readonly names?: readonly string[];
  /** Whether to include the browsers. */
  readonly browser?: boolean;
}

/** A running peer. */
export interface Peer extends Omit<Contestant, 'sample' | 'close'> {
  /** Whether it is this package in another engine, whose results must be right. */
  readonly own: boolean;
  /** Whether its process is still running. */
  alive(): boolean;
  /** Returns the answer to a case, or why the peer does not take part in it. */
  prepare(request: object): Promise<Answer>;
  /** Times the prepared case. */
  sample(): Promise<Sample>;
}

/** The message of an adapter: `declined`, or fields that depend on the request. */
export type Answer = Readonly<Record<string, unknown>>;

/** All peers of a run. */
export interface Peers {
  /** Returns the peers of a suite; each is started once. `note` is called for absent peers. */
  of(suite: SuiteName, note: (line: string) => void): Promise<readonly Peer[]>;
  /** Ends their processes without waiting for pending answers: pending calls are rejected with a BpttError. */
  close(): void;
}

/** The modules of this package, for adapters that run them in another engine. */
const MODULES = fileURLToPath(new URL('..', import.meta.url));
/** Timeout for one answer. */
const PATIENCE_MS = 60_000;
/** Time for a process to end by itself. */
const END_MS = 2_000;
/** Minimum total time of the calls in one sample. */
const BATCH_MS = 1;

/** No peers at all. */
export const noPeers: Peers = { of: async () => [], close: () => undefined };

/**
 * Returns the peers of a checkout; none is started yet.
 *
 * @param folder the folder of `peers.json`
 * @throws ArgumentError on an unknown name, or if the folder has no list of peers; DataError if the file is not such a list
 */
export function openPeers(folder: string, { names, browser = false }: PeerChoice = {}): Peers {
  const entries = readEntries(join(folder, 'peers.json'));
  const known = [...new Set(entries.map((entry) => entry.system))];
  const unknown = names?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new ArgumentError(`unknown peer ${unknown.join(', ')}; expected ${known.join(', ')}`);
  const wanted = entries.filter((entry) =>
    entry.browser && browser ? true : (names?.includes(entry.system) ?? !entry.browser),
  );
  const started = new Map<PeerEntry, Promise<Peer | string>>();
  const processes: (() => void)[] = [];
  const start = (entry: PeerEntry): Promise<Peer | string> => startPeer(entry, folder, processes);
  return {
    async of(suite, note) {
      const running: Peer[] = [];
      for (const entry of wanted.filter((each) => each.suites.includes(suite))) {
        const first = !started.has(entry);
        let peer = await (started.get(entry) ?? started.set(entry, start(entry)).get(entry)!);
        if (typeof peer !== 'string' && !peer.alive()) peer = await started.set(entry, start(entry)).get(entry)!;
        if (typeof peer !== 'string') running.push(peer);
        else if (first) note(`skipped ${entry.system} (threads: ${entry.threads}): ${peer}`);
      }
      return running;
    },
    close: () => processes.forEach((close) => close()),
  };
}

function readEntries(file: string): PeerEntry[] {
  if (!existsSync(file)) {
    throw new ArgumentError(
      `peers are part of a checkout, not of the package: there is no ${file}; leave --peers and --browser out`,
    );
  }
  let entries: unknown;
  try {
    entries = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new DataError(`${file} must be a list of peers; it cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!Array.isArray(entries)) throw new DataError(`${file} must be a list of peers; it is not a list`);
  return entries as PeerEntry[];
}

/** Ends a process. A peer with child processes ends once its input is closed, which takes a moment. */
function endProcess(child: ChildProcessWithoutNullStreams): void {
  child.stdin.end();
  setTimeout(() => child.kill('SIGKILL'), END_MS).unref();
}

/** Starts a peer; returns it, or why there is none. */
async function startPeer(entry: PeerEntry, folder: string, processes: (() => void)[]): Promise<Peer | string> {
  const [script, ...rest] = entry.arguments;
  const threads = entry.threads === 'all' ? availableParallelism() : entry.threads;
  if (entry.threads === 'all' && threads === 1) return 'this machine has one core, and one thread is timed already';
  const reasons: string[] = [];
  for (const program of entry.programs) {
    const path = program === 'node' ? process.execPath : program;
    const env = { ...process.env, BPTT_MODULES: MODULES };
    const child = spawn(path, [resolve(folder, script), ...rest, '--threads', String(threads)], {
      cwd: folder,
      env,
      ...OWN_GROUP,
    });
    const link = linkTo(child);
    processes.push(link.close);
    try {
      const hello = await link.next();
      if (typeof hello.absent !== 'string') return peerOf(entry, child.pid, hello, link);
      reasons.push(hello.absent);
    } catch (error) {
      reasons.push(messageOf(error));
    }
    child.kill('SIGKILL');
  }
  return [...new Set(reasons)].join('; ');
}

function peerOf({ system, browser = false }: PeerEntry, pid: number | undefined, hello: Answer, link: Link): Peer {
  return {
    system,
    own: browser,
    ...placeOf(hello, pid),
    version: browser ? readPackageInfo().version : String(hello.version),
    backend: String(hello.backend),
    threads: Number(hello.threads),
    alive: () => !link.ended(),
    prepare: (request) => link.ask({ op: 'prepare', ...request }),
    async sample() {
      const { ms, cost } = await link.ask({ op: 'sample', ms: BATCH_MS });
      return { ms: Number(ms), cost: Number(cost) };
    },
  };
}

/** The device of a peer. headless-gl does not report a device name; if possible, it is derived from the driver loaded by the process. */
function placeOf({ device, software, unnamed, engine, blas }: Answer, pid: number | undefined): Place {
  const where = {
    ...(typeof engine === 'string' ? { engine } : {}),
    ...(typeof blas === 'string' ? { blas } : {}),
  };
  if (typeof device !== 'string') return where;
  const renderer = (unnamed === true && pid !== undefined ? rendererOf(pid) : undefined) ?? device;
  return { device: renderer, software: software === true || isSoftware(renderer), ...where };
}

function rendererOf(pid: number): string | undefined {
  try {
    return loadedRenderer(readFileSync(`/proc/${pid}/maps`, 'utf8'));
  } catch {
    return undefined; // only on Linux
  }
}

/** A request-response channel: every request has one answer, in order. */
interface Link {
  close(): void;
  next(): Promise<Answer>;
  ended(): boolean;
  ask(request: object): Promise<Answer>;
}

function linkTo(child: ChildProcessWithoutNullStreams): Link {
  const answers: string[] = [];
  let complaint = '';
  let ended: string | undefined;
  let wake = (): void => undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) answers.push(line); // libraries print banners to the same stream
    wake();
  });
  child.stderr.on('data', (text: Buffer) => (complaint = `${complaint}${text.toString()}`.slice(-2000)));
  child.stdin.on('error', () => undefined); // its end is reported by the next answer
  const end = (reason: string): void => {
    ended ??= reason;
    wake();
  };
  child.on('error', (error) => end(messageOf(error)));
  child.on('close', (code, signal) => end(`ended with ${signal ?? `status ${code}`}: ${lastLine(complaint)}`));
  const next = async (): Promise<Answer> => {
    const timer = setTimeout(() => {
      end(`gave no answer within ${PATIENCE_MS / 1000} s`);
      child.kill('SIGKILL');
    }, PATIENCE_MS);
    while (answers.length === 0 && ended === undefined) await new Promise<void>((resolve) => (wake = resolve));
    clearTimeout(timer);
    const line = answers.shift();
    if (line === undefined) throw new BpttError(ended ?? 'ended');
    const answer = JSON.parse(line) as Answer;
    if (typeof answer.error === 'string') throw new BpttError(answer.error);
    return answer;
  };
  return {
    next,
    close() {
      end('was stopped');
      endProcess(child);
    },
    ended: () => ended !== undefined,
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return next();
    },
  };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) || 'without output';
}
