/** Reports on a training run in progress: lines and a progress bar. */
import type { Corpora } from '../../labeling/training/run.js';
import type { ThreadChoice } from '../../labeling/training/parallel/threads.js';
import type { EpochRecord, Progress as TrainProgress } from '../../labeling/training/record.js';
import { counted } from '../../tensor/print.js';
import type { ProgressState } from '../progress.js';
import { formatDuration, formatRate } from '../progress.js';
import { sparkline } from '../curves/sparkline.js';
import { epochScores } from '../head-report.js';
import { percent } from '../report.js';
import type { Colors } from '../terminal.js';

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
 * The number of training threads, and why, in at most one line; empty if one thread was requested.
 *
 * @param asked the command-line option
 * @param cores number of cores of the machine
 */
export function describeThreads({ threads, reason }: ThreadChoice, asked: number | 'auto', cores: number): string[] {
  if (asked === 1) return [];
  const notes = reason === undefined ? [] : [reason];
  if (threads > cores)
    notes.push(`more than the ${cores === 1 ? '1 available core' : `${cores} available cores`}: they take turns`);
  return [[`${threads} ${threads === 1 ? 'thread' : 'threads'}`, ...notes].join('; ')];
}

/** What the progress bar shows about finished epochs. */
export interface Course {
  /** Dev scores of the epochs; for several heads, or without a development set, their losses. */
  readonly curve: readonly number[];
  /** The best epoch so far and its dev score (null for several heads); null if there is none yet, or no development set. */
  readonly best: { readonly epoch: number; readonly score: string | null } | null;
}

/** Before the first epoch. */
export const NO_COURSE: Course = { curve: [], best: null };

/** The state after one more epoch. */
export function courseAfter({ curve, best }: Course, { epoch, loss, dev, best: isBest }: EpochRecord): Course {
  if (dev === null) return { curve: [...curve, loss], best };
  // Several heads are compared by --best-by, or by all their scores: only the epoch is shown, without a score.
  if (dev.heads) return { curve: [...curve, loss], best: isBest ? { epoch, score: null } : best };
  const [score, name] = scoreOf(dev);
  return { curve: [...curve, score], best: isBest ? { epoch, score: `${name}${percent(score)}` } : best };
}

/** The score that epochs are compared by: span F1 if the labels are spans, else accuracy. */
function scoreOf({ spanF1, accuracy }: NonNullable<EpochRecord['dev']>): [number, string] {
  return spanF1 === null ? [accuracy, ''] : [spanF1, 'F1 '];
}

/** Maximum number of blocks of the curve after a bar. */
const CURVE_WIDTH = 16;

/**
 * The state of a bar over all epochs, and over all seeds if there are several. The remaining time is that of the whole run,
 * assuming that patience does not end it early.
 *
 * @param of index of the seed, from 0, and number of seeds
 * @param drawn whether to show the curve of the epochs (on a terminal)
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
