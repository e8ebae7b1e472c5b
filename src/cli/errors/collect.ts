/** The errors of one head, each in its sentence, and their counts: by kind, by pair of labels, by length, by known and unknown words. */
import type { Model } from '../../labeling/model/model.js';
import { decodingOf } from '../../labeling/model/heads/decoding.js';
import { labelsGivenBack } from '../../labeling/model/heads/converted.js';
import { compareCodePoints } from '../../labeling/data/lists.js';
import { UNLABELED } from '../../labeling/data/unlabeled.js';
import { bucketOf, LENGTH_BUCKETS } from '../../labeling/scoring/lengths.js';
import type { Scores } from '../../labeling/scoring/scorer.js';
import { spanPair } from '../../labeling/scoring/span-counts.js';
import type { MistakeKind } from '../../labeling/scoring/span-mistakes.js';
import { MISTAKE_KINDS, spanMistakes } from '../../labeling/scoring/span-mistakes.js';
import type { Span } from '../../labeling/scoring/spans.js';
import { calibrationsOf, scoredLabels, spanConfidences } from '../calibration-report.js';
import type { HeadCalibration } from '../calibration-report.js';
import type { JudgedBy, JudgedSentence } from '../gold.js';
import { lineOf } from '../mistakes.js';

/**
 * Kinds of errors: those of spans, and wrong labels that belong to none of these; if labels do not annotate spans, every error is
 * of the latter kind.
 */
export const ERROR_KINDS = [...MISTAKE_KINDS, 'label'] as const;
export type ErrorKind = MistakeKind | 'label';

/** Tokens `start` to `end − 1`, and their text. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** One error. */
export interface OneError {
  readonly kind: ErrorKind;
  /** Gold label, or type of the gold span; null if there is no gold span. */
  readonly gold: string | null;
  /** Predicted label or type; null if there is no predicted span. */
  readonly predicted: string | null;
  /** The gold span, the predicted span, or the token; null if `gold` or `predicted` is. */
  readonly goldAt: Stretch | null;
  readonly predictedAt: Stretch | null;
  /** Probability of what was predicted; null if nothing was. */
  readonly confidence: number | null;
  /** Whether one of its words never occurred in training; null if unknown. */
  readonly unseen: boolean | null;
  /** Line of its first token. */
  readonly line?: number;
}

/** A sentence with errors. */
export interface WrongSentence {
  /** Its number in the file, from 1. */
  readonly sentence: number;
  readonly line?: number;
  readonly tokens: readonly string[];
  /** Labels in scored form: one for each token, `''` for none; for a sentence head, one. */
  readonly gold: readonly string[];
  readonly predicted: readonly string[];
  readonly errors: readonly OneError[];
}

/** A count of errors and its category. */
export interface LengthErrors {
  readonly from: number;
  readonly to: number | null;
  readonly sentences: number;
  readonly wrongSentences: number;
  readonly errors: number;
}

/** How often one label, or type, was confused with another; null for no span. */
export interface Pair {
  readonly gold: string | null;
  readonly predicted: string | null;
  readonly count: number;
}

/** Gold spans of a type by outcome, and spurious predicted ones. */
export interface TypeErrors {
  readonly name: string;
  readonly right: number;
  readonly kinds: Readonly<Record<MistakeKind, number>>;
}

/** Everything about one head. */
export interface HeadErrors {
  readonly name: string;
  readonly scores: Scores;
  readonly calibration: HeadCalibration;
  /** Number of sentences in the file. */
  readonly sentences: number;
  /** All sentences with errors, in file order. */
  readonly wrong: readonly WrongSentence[];
  readonly errors: number;
  readonly byKind: Readonly<Record<ErrorKind, number>>;
  /** Most frequent first. For spans: wrong type, missed or spurious; otherwise for labels. */
  readonly pairs: readonly Pair[];
  /** By type; empty if labels do not annotate spans. */
  readonly types: readonly TypeErrors[];
  readonly lengths: readonly LengthErrors[];
  /** Errors by whether one of their words is unknown; null if this is not recorded. */
  readonly words: { readonly known: number; readonly unseen: number } | null;
  /** Gold labels that the model does not have and cannot predict, by count. */
  readonly unknownLabels: readonly { readonly label: string; readonly count: number }[];
}

type Known = ((token: string) => boolean) | undefined;

/** Collects the errors of a head. */
export function collectErrors(model: Model, head: JudgedBy): HeadErrors {
  const known: Known = model.readers.some(({ vocabulary }) => vocabulary) ? model.words.known : undefined;
  const all = head.judged.map((judged, i) => wrongSentence(head, judged, i + 1, known));
  const wrong = all.filter(({ errors }) => errors.length > 0);
  const errors = wrong.flatMap((each) => each.errors);
  const unseen = errors.filter((each) => each.unseen).length;
  return {
    name: head.name,
    scores: head.scores,
    calibration: calibrationsOf(head),
    sentences: all.length,
    wrong,
    errors: errors.length,
    byKind: Object.fromEntries(ERROR_KINDS.map((kind) => [kind, errors.filter((each) => each.kind === kind).length])) as Record<ErrorKind, number>, // prettier-ignore
    pairs: pairsOf(errors.filter(({ kind }) => !head.scores.spans || (kind !== 'label' && kind !== 'boundary'))),
    types: typesOf(head.scores, errors),
    lengths: lengthsOf(head.scores, wrong),
    words: known ? { known: errors.length - unseen, unseen } : null,
    unknownLabels: unknownLabels(model, head),
  };
}

function wrongSentence(head: JudgedBy, judged: JudgedSentence, number: number, known: Known): WrongSentence {
  const { whole } = judged;
  const { gold, predicted } = scoredLabels(head, judged);
  const unseen = (start: number, end: number): boolean | null =>
    known ? whole.tokens.slice(start, end).some((token) => !known(token)) : null;
  const spans = head.scores.spans ? spanErrors(head, judged, gold, predicted, unseen) : [];
  const covered = new Set(spans.flatMap(({ goldAt, predictedAt }) => [...tokensOf(goldAt), ...tokensOf(predictedAt)]));
  const labels = gold.flatMap((label, t): OneError[] => {
    if (label === UNLABELED || label === predicted[t] || covered.has(t)) return [];
    const [start, end] = head.scores.unit === 'token' ? [t, t + 1] : [0, whole.tokens.length];
    const at = stretchOf(whole.tokens, { start, end });
    const line = lineOf(whole, start);
    return [
      {
        ...{ kind: 'label', gold: label, predicted: predicted[t], goldAt: at, predictedAt: at },
        ...{ confidence: judged.confidences?.[t] ?? null, unseen: unseen(start, end) },
        ...(line !== undefined && { line }),
      },
    ];
  });
  const errors = [...spans, ...labels].sort((a, b) => startOf(a) - startOf(b));
  const { tokens, line } = whole;
  return { sentence: number, ...(line !== undefined && { line }), tokens, gold, predicted, errors };
}

/** The wrong spans of a sentence. */
function spanErrors(
  head: JudgedBy,
  judged: JudgedSentence,
  gold: readonly string[],
  predicted: readonly string[],
  unseen: (start: number, end: number) => boolean | null,
): OneError[] {
  const { whole } = judged;
  const pair = spanPair(head.scores.spans!, gold, predicted);
  const confidenceOf = spanConfidences(judged);
  return spanMistakes(pair.gold, pair.predicted).map(({ kind, gold: a, predicted: b }) => {
    const both = [a, b].filter((span) => span !== null);
    const line = lineOf(whole, Math.min(...both.map(({ start }) => start)));
    const strange = both.map(({ start, end }) => unseen(start, end));
    return {
      ...{ kind, gold: a && a.type, predicted: b && b.type },
      ...{ goldAt: a && stretchOf(whole.tokens, a), predictedAt: b && stretchOf(whole.tokens, b) },
      confidence: (b && confidenceOf(b)) ?? null,
      unseen: strange.includes(null) ? null : strange.includes(true),
      ...(line !== undefined && { line }),
    };
  });
}

function stretchOf(tokens: readonly string[], { start, end }: Pick<Span, 'start' | 'end'>): Stretch {
  return { start, end, text: tokens.slice(start, end).join(' ') };
}

/** The first token of an error. */
export function startOf({ goldAt, predictedAt }: OneError): number {
  return Math.min(goldAt?.start ?? Infinity, predictedAt?.start ?? Infinity);
}

/** Indices of the tokens in a range. */
export function tokensOf(at: Stretch | null): number[] {
  return at === null ? [] : Array.from({ length: at.end - at.start }, (_, i) => at.start + i);
}

function pairsOf(errors: readonly OneError[]): Pair[] {
  const counts = new Map<string, number>();
  for (const { gold, predicted } of errors) {
    const key = JSON.stringify([gold, predicted]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .map(([key, count]) => {
      const [gold, predicted] = JSON.parse(key) as [string | null, string | null];
      return { gold, predicted, count };
    })
    .sort((a, b) => b.count - a.count);
}

function typesOf({ spans }: Scores, errors: readonly OneError[]): TypeErrors[] {
  if (spans === null) return [];
  return Object.entries(spans.types).map(([name, { correct }]) => {
    const own = errors.filter((each) => (each.kind === 'spurious' ? each.predicted : each.gold) === name);
    const count = (kind: MistakeKind): number => own.filter((each) => each.kind === kind).length;
    const kinds = Object.fromEntries(MISTAKE_KINDS.map((kind) => [kind, count(kind)])) as Record<MistakeKind, number>;
    return { name, right: correct, kinds };
  });
}

function lengthsOf({ lengths }: Scores, wrong: readonly WrongSentence[]): LengthErrors[] {
  return lengths.map(({ from, to, sentences }) => {
    const own = wrong.filter(({ tokens }) => LENGTH_BUCKETS[bucketOf(tokens.length)][0] === from);
    const errors = own.reduce((sum, each) => sum + each.errors.length, 0);
    return { from, to, sentences, wrongSentences: own.length, errors };
  });
}

function unknownLabels(model: Model, { place, judged }: JudgedBy): { label: string; count: number }[] {
  const given = labelsGivenBack(model.heads[place].labels, decodingOf(model.config.heads[place]).schemes);
  const counts = new Map<string, number>();
  for (const label of judged.flatMap(({ sentence }) => sentence.labels ?? [])) {
    if (label !== UNLABELED && !given.has(label)) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const byCount = ([a, m]: readonly [string, number], [b, n]: readonly [string, number]): number =>
    n - m || compareCodePoints(a, b);
  return [...counts].sort(byCount).map(([label, count]) => ({ label, count }));
}
