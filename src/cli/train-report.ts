/** What is told of a training while it runs: lines and a bar for people, a log of JSON lines for scripts. */
import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import type { Corpora } from '../labeling/training/run.js';
import type { ThreadChoice } from '../labeling/training/parallel/threads.js';
import type { EpochRecord, Progress as TrainProgress } from '../labeling/training/record.js';
import { BpttError } from '../tensor/index.js';
import type { ProgressState } from './progress.js';
import { formatDuration, formatRate } from './progress.js';
import { sparkline } from './curves/sparkline.js';
import { epochScores } from './head-report.js';
import { percent } from './report.js';
import { counted } from '../tensor/print.js';
import type { Colors } from './terminal.js';

/** A log file: one JSON object per line, each handed to the system as soon as it is written. */
export interface TrainLog {
  /** Adds a line. A log that can no longer be written (a full disk) ends no training: it is reported once, and then left alone. */
  write(entry: object): void;
  /**
   * Begins with what a resumed training has behind it, in place of what an earlier run wrote beyond that.
   *
   * @param entries of the start, every epoch that is finished, and the place where the training goes on
   * @param epochs that are finished
   */
  resume(entries: readonly object[], epochs: number): void;
  /** Why the log ends early; null while it does not. */
  failure(): BpttError | null;
  close(): void;
}

/**
 * Opens a log file for writing; an earlier one is replaced.
 *
 * @param resumes whether that waits for `resume`: a training that is refused leaves the file as it was
 * @param onFailure told when the log can no longer be written
 * @throws BpttError if it cannot be opened
 */
export function openTrainLog(path: string, onFailure: (error: BpttError) => void, resumes = false): TrainLog {
  const unwritable = (cause: unknown): BpttError =>
    new BpttError(`cannot write the log ${path}: ${(cause as Error).message}`, { cause });
  let file: number;
  let failure: BpttError | null = null;
  try {
    file = openSync(path, resumes ? 'a' : 'w');
  } catch (error) {
    throw unwritable(error);
  }
  const attempt = (act: () => void): void => {
    if (failure) return;
    try {
      act();
    } catch (error) {
      failure = unwritable(error);
      onFailure(failure);
    }
  };
  return {
    write: (entry) => attempt(() => writeFileSync(file, `${JSON.stringify(entry)}\n`)),
    resume(entries) {
      attempt(() => ftruncateSync(file));
      attempt(() => writeFileSync(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));
    },
    failure: () => failure,
    close: () => closeSync(file),
  };
}

/** The sizes of the corpora: `train 12,544 sentences, 204,577 tokens; dev 2,001 sentences, …`. */
export function describeCorpora(corpora: Corpora): string {
  return (['train', 'dev', 'test'] as const)
    .flatMap((part) => {
      const sentences = corpora[part];
      if (!sentences) return [];
      const tokens = sentences.reduce((sum, sentence) => sum + sentence.tokens.length, 0);
      return [`${part} ${counted(sentences.length, 'sentence')}, ${counted(tokens, 'token')}`];
    })
    .join('; ');
}

/**
 * How many threads train, and why, in at most one line; none where one thread was asked for.
 *
 * @param asked the option of the command line
 * @param cores of the machine
 */
export function describeThreads({ threads, reason }: ThreadChoice, asked: number | 'auto', cores: number): string[] {
  if (asked === 1) return [];
  const notes = reason === undefined ? [] : [reason];
  if (threads > cores)
    notes.push(`more than the ${cores === 1 ? '1 core there is' : `${cores} cores there are`}: they take turns`);
  return [[`${threads} ${threads === 1 ? 'thread' : 'threads'}`, ...notes].join('; ')];
}

/** What finished epochs have left for the state of a bar. */
export interface Course {
  /** Dev scores of the epochs, or, of several heads and without a development set, their losses. */
  readonly curve: readonly number[];
  /** The best epoch so far, and its dev score, null of several heads; null before there is one, and without a development set. */
  readonly best: { readonly epoch: number; readonly score: string | null } | null;
}

/** Before the first epoch. */
export const NO_COURSE: Course = { curve: [], best: null };

/** The course after one more epoch. */
export function courseAfter({ curve, best }: Course, { epoch, loss, dev, best: isBest }: EpochRecord): Course {
  if (dev === null) return { curve: [...curve, loss], best };
  // Several heads are compared by --best-by, or by all their scores: the epoch is named, and no score in its place.
  if (dev.heads) return { curve: [...curve, loss], best: isBest ? { epoch, score: null } : best };
  const [score, name] = scoreOf(dev);
  return { curve: [...curve, score], best: isBest ? { epoch, score: `${name}${percent(score)}` } : best };
}

/** The score that epochs are compared by: span F1 where the labels are spans, else accuracy. */
function scoreOf({ spanF1, accuracy }: NonNullable<EpochRecord['dev']>): [number, string] {
  return spanF1 === null ? [accuracy, ''] : [spanF1, 'F1 '];
}

/** Most blocks of the curve behind a bar. */
const CURVE_WIDTH = 16;

/**
 * The state of a bar over all epochs, and of several seeds over all of theirs: the time left is that of the whole, where no patience
 * ends it early.
 *
 * @param of which of how many seeds it is, counted from 0
 * @param drawn whether the curve of the epochs is shown: on a terminal
 */
export function progressOf(
  { epoch, epochs, tokens, totalTokens, loss, tokensPerSecond }: TrainProgress,
  { curve, best }: Course = NO_COURSE,
  { place, count }: { readonly place: number; readonly count: number } = { place: 0, count: 1 },
  drawn = false,
): ProgressState {
  const parts = [`epoch ${epoch}/${epochs}`, `loss ${loss.toFixed(3)}`];
  if (count > 1) parts.unshift(`run ${place + 1}/${count}`);
  const more = best ? [`best ${best.score === null ? '' : `${best.score}, `}epoch ${best.epoch}`] : [];
  if (drawn && curve.length > 1) more.push(sparkline(curve, CURVE_WIDTH));
  const done = (place * epochs + epoch - 1) * totalTokens + tokens;
  const state = { done, total: count * epochs * totalTokens, rate: tokensPerSecond, unit: 'tokens' };
  return { label: parts.join('  '), ...state, more: more.join('  ') };
}

/** The line of a finished epoch. */
export function epochLine(record: EpochRecord, epochs: number, colors: Colors): string {
  const { epoch, loss, dev, seconds, tokensPerSecond, best } = record;
  const parts = [`epoch ${epoch}/${epochs}`, `loss ${loss.toFixed(4)}`];
  if (dev?.heads) parts.push(...epochScores(dev));
  else if (dev) {
    parts.push(`dev ${percent(dev.accuracy)}`);
    if (dev.unit === 'sentence') parts.push(`macro F1 ${percent(dev.macroF1)}`);
    const mode = dev.spans && dev.spans.mode !== 'conlleval' ? ` (${dev.spans.mode})` : '';
    if (dev.spanF1 !== null) parts.push(`F1 ${percent(dev.spanF1)}${mode}`);
  }
  parts.push(`${formatRate(tokensPerSecond)} tokens/s`, formatDuration(seconds));
  if (dev && best) parts.push(colors.green('best'));
  return parts.join('  ');
}
