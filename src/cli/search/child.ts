/** Training runs as child processes: one trial each, on one core, ended with the search. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { OWN_GROUP } from '../../bench/child.js';
import { messageOf } from '../../tensor/errors.js';
import { EXIT } from '../failure.js';
import type { TrialResult } from './state.js';

/** Start parameters of a training run. */
export interface TrialRequest {
  /** Path of its configuration. */
  readonly config: string;
  readonly epochs: number;
  /** Path of its model, which is discarded. */
  readonly model: string;
  /** The head whose score decides, if there are several. */
  readonly bestBy?: string;
}

/** How it ended. */
export type TrialOutcome =
  | { readonly kind: 'done'; readonly score: number; readonly result: TrialResult }
  | { readonly kind: 'failed'; readonly reason: string }
  /** A signal stopped it, which is not a result of the trial. */
  | { readonly kind: 'interrupted'; readonly exitCode: number };

/** The processes of a search. */
export interface Children {
  run(request: TrialRequest): Promise<TrialOutcome>;
  /** Ends the running ones and starts no more. Safe to call twice. */
  endAll(): void;
}

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: EXIT.hungUp,
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
};

/** Maximum length of a stored reason. */
const REASON = 300;

/** Creates the set of processes; none is started yet. */
export function createChildren(): Children {
  const running = new Set<ChildProcess>();
  let ended = false;
  return {
    async run(request) {
      if (ended) return { kind: 'interrupted', exitCode: EXIT.interrupted };
      const child = start(request);
      running.add(child);
      try {
        return await outcomeOf(child, request);
      } finally {
        running.delete(child);
      }
    },
    endAll() {
      ended = true;
      for (const child of running) child.kill('SIGKILL'); // its model is discarded: there is nothing to save
    },
  };
}

function start({ config, epochs, model }: TrialRequest): ChildProcess {
  const args = ['train', '--config', config, '--epochs', String(epochs), '--out', model];
  return fork(fileURLToPath(new URL('./trial-main.js', import.meta.url)), [...args, '--json', '--quiet', '--no-save-config'], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: process.execArgv.filter((arg) => !arg.startsWith('--inspect')), // two processes cannot share its port
    ...OWN_GROUP,
  }); // prettier-ignore
}

async function outcomeOf(child: ChildProcess, request: TrialRequest): Promise<TrialOutcome> {
  const [out, complaint] = [textOf(child.stdout!), textOf(child.stderr!)];
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) =>
    child.on('error', reject).on('close', (status, signal) => resolve([status, signal])),
  );
  try {
    const [status, signal] = await ended;
    const exitCode = signal === null ? status : SIGNALS[signal];
    if (exitCode === EXIT.interrupted || exitCode === EXIT.hungUp || exitCode === EXIT.terminated) {
      return { kind: 'interrupted', exitCode };
    }
    if (status === 0) return readReport(out(), request);
    const last = complaint().trim().split('\n').filter((line) => line.startsWith('bptt: ')).at(-1)?.slice('bptt: '.length); // prettier-ignore
    const how = signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`;
    return { kind: 'failed', reason: (last ?? how).slice(0, REASON) };
  } catch (error) {
    return { kind: 'failed', reason: `it could not be started: ${messageOf(error)}`.slice(0, REASON) };
  }
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/** The score of a training run: span F1, or accuracy if the labels are not spans, as for selecting its best epoch. */
function readReport(text: string, { bestBy }: TrialRequest): TrialOutcome {
  const report = parsed(text);
  const dev = bestBy === undefined ? report?.dev : report?.dev?.heads?.[bestBy];
  const score = dev?.spanF1 ?? dev?.accuracy;
  if (report === undefined || typeof score !== 'number' || !Number.isFinite(score)) {
    return { kind: 'failed', reason: 'it ended without a score on the development set' };
  }
  const { bestEpoch, epochs: trained, backend, threads } = report;
  const measure = typeof dev?.spanF1 === 'number' ? 'span F1' : 'accuracy';
  return { kind: 'done', score, result: { measure, bestEpoch, trained, backend, threads } };
}

interface DevScores {
  readonly accuracy?: number;
  readonly spanF1?: number | null;
  readonly heads?: Readonly<Record<string, DevScores>>;
}

interface Report extends Omit<TrialResult, 'measure' | 'trained'> {
  readonly dev?: DevScores | null;
  readonly epochs: number;
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}
