/** The JSON part of a checkpoint: counters, sums, the history of the epochs; and its checks. */
import type { AverageState } from '../../optim/average.js';
import type { ScheduleState } from '../../optim/schedules.js';
import { brief } from '../../serialize/unique-json.js';
import { isRecord } from '../../tensor/arguments.js';
import { DataError } from '../../tensor/errors.js';
import type { ModelScores } from '../scoring/evaluate.js';
import type { Confusion, Scores } from '../scoring/scorer.js';
import type { EpochSums } from './epoch-sums.js';
import { noSums } from './epoch-sums.js';
import type { EpochRecord } from './record.js';
import type { Run } from './run.js';

/** The metadata field `state`. */
export interface SavedState {
  /** Epochs started. */
  readonly begun: number;
  /** The current epoch; null between epochs. */
  readonly epoch: EpochSums | null;
  readonly history: readonly EpochRecord[];
  /** The best epoch. */
  readonly best: number | null;
  readonly clock: Pick<Run['clock'], 'seconds' | 'tokens' | 'updates'>;
  readonly schedule: ScheduleState;
  /** Updates made by the optimizer. */
  readonly steps: number;
  readonly average: Pick<AverageState, 'updates' | 'logs'> | null;
}

/** The error for a checkpoint that cannot be read. */
export function damaged(what: string): DataError {
  return new DataError(`checkpoint: the file is damaged or truncated: ${what}; resume from another one, or start over`);
}

/** Converts the state to text: JSON, with confusion matrices as lists of their nonzero counts. */
export function stateToText(state: SavedState): string {
  return JSON.stringify({ ...state, history: state.history.map((each) => withScores(each, packed)) });
}

/** Parses a state, and checks the type of every field. @throws DataError that names the first field with a wrong type */
export function stateFromText(text: string | undefined): SavedState {
  const json = objectOf(parsed(text, 'state'), 'state');
  const { begun, epoch, history, best, clock, schedule, steps, average } = json;
  expectNumbers({ begun, steps }, 'state', isCount);
  if (best !== null) expectNumbers({ best }, 'state', isCount);
  if (epoch !== null) expectSums(epoch);
  const { seconds, tokens, updates } = objectOf(clock, 'state.clock');
  expectNumbers({ tokens, updates }, 'state.clock', isCount);
  expectNumbers({ seconds }, 'state.clock', isAmount);
  expectNumbers(objectOf(schedule, 'state.schedule'), 'state.schedule', Number.isFinite);
  if (average !== null) {
    const own = objectOf(average, 'state.average');
    expectNumbers({ updates: own.updates }, 'state.average', isCount);
    expectNumbers({ logs: own.logs }, 'state.average', Number.isFinite);
  }
  if (!Array.isArray(history)) throw damaged('its state.history is not a list');
  history.forEach((each, i) => expectRecord(each, i + 1));
  const records = (history as EpochRecord[]).map((each) => withScores(each, unpacked));
  return {
    ...(json as unknown as SavedState),
    clock: { seconds, tokens, updates } as SavedState['clock'],
    history: records,
  };
}

/**
 * Requires that the counters are consistent with each other and with the training run.
 *
 * @param batches number of batches in an epoch
 * @param heads of the model
 * @throws DataError if they are not
 */
export function expectCourse(state: SavedState, batches: number, epochs: number, heads: number): void {
  const { begun, epoch, history, best, clock, steps, average } = state;
  const ended = epoch === null ? begun : begun - 1;
  const counts = [
    [ended >= 0 && begun <= epochs && history.length === ended, 'its epochs'],
    [epoch === null || (epoch.done <= batches && epoch.heads.length === heads), 'its current epoch'],
    [clock.updates === ended * batches + (epoch?.done ?? 0) && steps === clock.updates, 'its updates'],
    [average === null || average.updates === clock.updates, 'its average'],
    [best === null ? ended === 0 : best >= 1 && best <= ended && history[best - 1]?.best, 'its best epoch'],
  ] as const;
  const wrong = counts.find(([holds]) => !holds);
  if (wrong) throw damaged(`the number of ${wrong[1]} is impossible`);
}

const isCount = (x: number): boolean => Number.isSafeInteger(x) && x >= 0;
const isAmount = (x: number): boolean => Number.isFinite(x) && x >= 0;

/** Parses JSON without limits on its cost, because the digest was checked before. @throws DataError */
export function parsed(text: string | undefined, field: string): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    throw damaged(`its ${field} is not JSON`);
  }
}

/** @throws DataError if a value is not an object */
export function objectOf(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  throw damaged(`its ${field} is not an object`);
}

function expectNumbers(values: Readonly<Record<string, unknown>>, field: string, fits: (x: number) => boolean): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'number' || !fits(value)) throw damaged(`its ${field}.${name} is ${brief(value)}`);
  }
}

function expectSums(value: unknown): void {
  const sums = objectOf(value, 'state.epoch');
  const numbers = Object.keys(noSums(0)).filter((name) => name !== 'heads');
  expectNumbers(Object.fromEntries(numbers.map((name) => [name, sums[name]])), 'state.epoch', isAmount);
  expectNumbers({ done: sums.done, tokens: sums.tokens, clipped: sums.clipped }, 'state.epoch', isCount);
  if (!Array.isArray(sums.heads)) throw damaged('its state.epoch.heads is not a list');
  sums.heads.forEach((each, h) => {
    const { loss, decisions } = objectOf(each, `state.epoch.heads[${h}]`);
    expectNumbers({ decisions }, `state.epoch.heads[${h}]`, isAmount);
    expectNumbers({ loss }, `state.epoch.heads[${h}]`, Number.isFinite);
  });
}

const RECORD = ['loss', 'gradientNorm', 'largestGradientNorm', 'clipped', 'lr', 'seconds', 'tokensPerSecond'] as const;

function expectRecord(value: unknown, epoch: number): void {
  const field = `state.history[${epoch - 1}]`;
  const record = objectOf(value, field);
  if (record.epoch !== epoch) throw damaged(`its ${field}.epoch is ${brief(record.epoch)}`);
  if (typeof record.best !== 'boolean') throw damaged(`its ${field}.best is ${brief(record.best)}`);
  expectNumbers(Object.fromEntries(RECORD.map((name) => [name, record[name]])), field, Number.isFinite);
  if (record.losses !== undefined)
    expectNumbers(objectOf(record.losses, `${field}.losses`), `${field}.losses`, Number.isFinite);
  if (record.dev === null) return;
  const dev = objectOf(record.dev, `${field}.dev`);
  const heads = dev.heads === undefined ? {} : objectOf(dev.heads, `${field}.dev.heads`);
  for (const [name, scores] of Object.entries({ ...heads, dev }))
    expectScores(scores, `${field}.dev ${name.slice(0, 40)}`);
}

/** Checks the scores by which epochs are compared, and the fields that are unpacked. */
function expectScores(value: unknown, field: string): void {
  const { accuracy, spanF1, confusion } = objectOf(value, field);
  expectNumbers({ accuracy }, field, isShare);
  if (spanF1 !== null) expectNumbers({ spanF1 }, field, isShare);
  const { labels, counts } = objectOf(confusion, `${field}.confusion`);
  const size = Array.isArray(labels) ? labels.length : -1;
  const fits = (x: unknown, i: number): boolean => isCount(x as number) && (i % 3 === 2 || (x as number) < size);
  if (!Array.isArray(counts) || counts.length % 3 !== 0 || !counts.every(fits))
    throw damaged(`its ${field}.confusion is impossible`);
}

const isShare = (x: number): boolean => x >= 0 && x <= 1;

/**
 * A confusion matrix by its nonzero counts: gold, predicted and count of each, concatenated. A full matrix for many labels would fill the
 * file.
 */
interface PackedConfusion {
  readonly labels: readonly string[];
  readonly counts: readonly number[];
}

function packed({ labels, counts }: Confusion): PackedConfusion {
  return { labels, counts: counts.flatMap((row, g) => row.flatMap((n, p) => (n > 0 ? [g, p, n] : []))) };
}

function unpacked({ labels, counts }: PackedConfusion): Confusion {
  const full = labels.map(() => new Array<number>(labels.length).fill(0));
  for (let i = 0; i < counts.length; i += 3) full[counts[i]][counts[i + 1]] = counts[i + 2];
  return { labels, counts: full };
}

/** Returns a record whose scores have their confusion matrices in another form. */
function withScores(record: EpochRecord, form: (confusion: never) => unknown): EpochRecord {
  const changed = <S extends Scores>(scores: S): S => ({ ...scores, confusion: form(scores.confusion as never) });
  const { dev } = record;
  if (dev === null) return record;
  const heads = dev.heads && Object.fromEntries(Object.entries(dev.heads).map(([name, own]) => [name, changed(own)]));
  return { ...record, dev: { ...changed<ModelScores>(dev), ...(heads && { heads }) } };
}
