/** Reads the logs of `bptt train --log` as runs: the measurements of each epoch of each seed. Drawing is done elsewhere. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemError } from '../../labeling/data/files.node.js';
import { DataError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { show } from '../../tensor/describe.js';

/** Quantities drawn over the epochs of a run. */
export const QUANTITIES = ['loss', 'dev', 'lr', 'gradientNorm'] as const;

/** One such quantity. */
export type Quantity = (typeof QUANTITIES)[number];

/** The development score of a run, by which its epochs are compared. */
export type Measure = 'span F1' | 'accuracy';

/** One epoch; null if there is no such number: no development set, or a number that was not finite. */
export type Epoch = { readonly epoch: number; readonly best: boolean } & Readonly<Record<Quantity, number | null>>;

/** One training run. */
export interface Run {
  /** Name of the file, and of the seed if a log has several. */
  readonly name: string;
  readonly epochs: readonly Epoch[];
  /** Null if the run has no development set. */
  readonly measure: Measure | null;
}

/** Contents of a log. */
export interface RunLog {
  readonly runs: readonly Run[];
  /** Notes about it, one line each. */
  readonly notes: readonly string[];
}

type Entry = Readonly<Record<string, unknown>>;

/**
 * Reads a log.
 *
 * @param name name of its runs
 * @throws DataError if it is not a training log, or contains no finished epoch, or cannot be read
 */
export async function readRunLog(path: string, name = basename(path)): Promise<RunLog> {
  const text = await readText(path);
  const { entries, cut } = entriesOf(path, text);
  const notes: string[] = [];
  if (cut) notes.push(`${path}: the last line is cut short and was left out`);
  const ended = entries.some(({ entry }) => entry.event === 'end');
  const bySeed = new Map<unknown, Epoch[]>();
  const measured = new Map<unknown, Entry>();
  for (const { entry, line } of entries) {
    if (entry.event !== 'epoch') continue;
    const where = `${path}, line ${line}`;
    const own = bySeed.get(entry.seed) ?? [];
    const epoch = epochOf(where, entry);
    const last = own.at(-1);
    if (last !== undefined && epoch.epoch <= last.epoch) {
      throw new DataError(
        `${where}: epoch ${epoch.epoch} follows epoch ${last.epoch}; expected epochs in ascending order: use a separate log for each run`,
      );
    }
    own.push(epoch);
    bySeed.set(entry.seed, own);
    if (isRecord(entry.dev)) measured.set(entry.seed, entry.dev);
  }
  if (bySeed.size === 0) {
    throw new DataError(`${path}: no epoch is finished; expected at least one: plot it later`);
  }
  if (!ended) notes.push(`${path}: the run has not ended: it is still running, or it was stopped`);
  const runs = [...bySeed].map(([seed, epochs]): Run => {
    const dev = measured.get(seed);
    return {
      name: bySeed.size === 1 ? name : `${name}, seed ${show(seed)}`,
      epochs,
      measure: dev === undefined ? null : measureOf(dev),
    };
  });
  const gaps = runs.reduce((sum, run) => sum + gapsOf(run), 0);
  if (gaps > 0) notes.push(`${path}: ${counted(gaps, 'value')} not finite: gaps in the curves`);
  return { runs, notes };
}

async function readText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw systemError(path, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw notALog(path, 'bytes that are not UTF-8');
  }
}

function notALog(path: string, got: string): DataError {
  return new DataError(
    `${path} is not a training log: expected the JSON lines of bptt train --log, the first with "event": "start"; got ${got}`,
  );
}

/** The lines as objects. The last one may be truncated by a crash or a full disk. */
function entriesOf(path: string, text: string) {
  const lines = text.split('\n');
  const entries: { readonly entry: Entry; readonly line: number }[] = [];
  let cut = false;
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    const entry = parsed(line);
    if (isRecord(entry)) return void entries.push({ entry, line: i + 1 });
    if (entries.length === 0) throw notALog(path, show(line.slice(0, 40)));
    if (entry === undefined && i === lines.length - 1) return void (cut = true);
    throw new DataError(
      `${path}, line ${i + 1}: expected a JSON object; got ${show(line.slice(0, 40))}: correct the line, or remove it`,
    );
  });
  if (entries.length === 0) throw notALog(path, 'nothing');
  if (entries[0].entry.event !== 'start') throw notALog(path, `"event": ${show(entries[0].entry.event)}`);
  return { entries, cut };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isRecord(x: unknown): x is Entry {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

function epochOf(where: string, entry: Entry): Epoch {
  const { epoch, dev } = entry;
  if (!Number.isInteger(epoch) || (epoch as number) < 1)
    throw new DataError(`${where}: epoch must be an integer of at least 1; got ${show(epoch)}: correct the log`);
  if (dev !== null && !isRecord(dev))
    throw new DataError(`${where}: dev must be an object with scores, or null; got ${show(dev)}: correct the log`);
  return {
    epoch: epoch as number,
    best: entry.best === true,
    loss: numberOf(where, 'loss', entry.loss),
    gradientNorm: numberOf(where, 'gradientNorm', entry.gradientNorm),
    lr: numberOf(where, 'lr', entry.lr),
    dev: dev === null ? null : numberOf(where, 'dev', dev[FIELDS[measureOf(dev)]]),
  };
}

/** JSON has no NaN and no infinity: they are written as null. */
function numberOf(where: string, name: string, x: unknown): number | null {
  if (x === null || typeof x === 'number') return x;
  throw new DataError(`${where}: ${name} must be a number or null; got ${show(x)}: correct the log`);
}

const FIELDS = { 'span F1': 'spanF1', accuracy: 'accuracy' } as const;

/** Span F1 if the labels are spans, else accuracy: the score by which training selects its best epoch. */
function measureOf({ spanF1 }: Entry): Measure {
  return spanF1 === undefined || spanF1 === null ? 'accuracy' : 'span F1';
}

/** Values of a run that were not finite. */
function gapsOf({ epochs, measure }: Run): number {
  const names = QUANTITIES.filter((name) => name !== 'dev' || measure !== null);
  return epochs.reduce((sum, epoch) => sum + names.filter((name) => epoch[name] === null).length, 0);
}
