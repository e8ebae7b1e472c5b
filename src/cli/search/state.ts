/**
 * The state of a search: its key and every finished run, in one file that is completely rewritten after each run. A search that
 * was killed resumes from there.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { saveFile } from '../../serialize/save.node.js';
import { parseUniqueJson } from '../../serialize/unique-json.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/index.js';
import { messageOf } from '../../tensor/errors.js';
import { named } from '../model-io.js';
import type { SearchKey } from './key.js';
import { differenceOf } from './key.js';

/** One finished training run of a trial. */
export interface TrialRun {
  /** Number of the trial, from 1. */
  readonly trial: number;
  /** Index of the rung, from 0. */
  readonly rung: number;
  /** Its maximum number of epochs. */
  readonly epochs: number;
  /** Seconds of the whole process. */
  readonly seconds: number;
  /** Score on the development set; null if it failed. */
  readonly score: number | null;
  /** Why it failed; null if it did not. */
  readonly failed: string | null;
  /** Results of a run that did not fail. */
  readonly result: TrialResult | null;
}

/** Results reported by training. */
export interface TrialResult {
  readonly measure: 'span F1' | 'accuracy';
  readonly bestEpoch: number;
  /** Number of epochs started: patience may end training early. */
  readonly trained: number;
  readonly backend: string;
  readonly threads: number;
}

/** The finished runs of a search, on disk. */
export interface SearchState {
  /** Runs, in order of completion. */
  readonly runs: readonly TrialRun[];
  /** The run of a trial on a rung. */
  find(trial: number, rung: number): TrialRun | undefined;
  /** Adds a run, and writes the file. @throws BpttError if it cannot be written */
  add(run: TrialRun): Promise<void>;
}

/** Identification of the file. */
const FORMAT = 'search-state-1';

/**
 * Opens the state of a search: that of the file, or a new one if there is no file.
 *
 * @throws DataError if the file is something else; ArgumentError if it is the state of another search, naming what differs
 */
export async function openState(path: string, key: SearchKey): Promise<SearchState> {
  const text = await readState(path);
  const runs = text === undefined ? [] : runsOf(path, text, key);
  let writing = Promise.resolve();
  return {
    runs,
    find: (trial, rung) => runs.find((run) => run.trial === trial && run.rung === rung),
    add(run) {
      runs.push(run);
      writing = writing.then(() => saveFile(path, new TextEncoder().encode(textOf(key, runs)))); // one after another
      return writing;
    },
  };
}

const hashOf = (key: SearchKey): string => createHash('sha256').update(JSON.stringify(key)).digest('hex');

const textOf = (key: SearchKey, runs: readonly TrialRun[]): string =>
  `${JSON.stringify({ bptt: FORMAT, hash: hashOf(key), key, runs }, null, 1)}\n`;

async function readState(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BpttError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function runsOf(path: string, text: string, key: SearchKey): TrialRun[] {
  const read = named(path, () => parseUniqueJson(text, 'state of a search')) as Partial<{ bptt: unknown; hash: unknown; key: SearchKey; runs: TrialRun[] }> | null; // prettier-ignore
  if (read?.bptt !== FORMAT || !isKey(read.key) || !Array.isArray(read.runs) || !read.runs.every(isRun)) {
    throw new DataError(
      `${path} is not the state of a search ("bptt": "${FORMAT}"): remove it, or choose another file for the state (--state)`,
    );
  }
  if (read.hash === hashOf(key)) return read.runs;
  throw new ArgumentError(
    `${path} is the state of another search, which differs in ${differenceOf(key, read.key) ?? 'its key'}: remove the file to start over, or choose another one (--state)`,
  );
}

const isObject = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);

const isKey = (x: unknown): x is SearchKey => isObject(x) && isObject(x.settings) && Array.isArray(x.space);

function isRun(x: unknown): x is TrialRun {
  if (!isObject(x) || ![x.trial, x.rung, x.epochs, x.seconds].every((n) => typeof n === 'number')) return false;
  if (x.score === null) return typeof x.failed === 'string' && x.result === null;
  return typeof x.score === 'number' && x.failed === null && isObject(x.result);
}
