/** Counts for a corpus: sizes, lengths, words and labels. */
import { byCount } from '../../labeling/data/lists.js';
import { normalForm } from '../../labeling/data/nfc.js';
import type { Scheme } from '../../labeling/data/schemes.js';
import { detectScheme } from '../../labeling/data/schemes.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { UNLABELED } from '../../labeling/data/unlabeled.js';
import { insideOf, spanSchemeOf, spansOf } from '../../labeling/scoring/spans.js';

/** Lengths of sentences in tokens. A quartile is the smallest length that at least that share of the sentences does not exceed. */
export interface Lengths {
  readonly min: number;
  readonly lowerQuartile: number;
  readonly median: number;
  readonly upperQuartile: number;
  readonly max: number;
  readonly mean: number;
}

/** The lengths of one or more sentences. */
export function lengthsOf(sentences: readonly Sentence[]): Lengths {
  const sorted = Float64Array.from(sentences, ({ tokens }) => tokens.length).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return {
    min: sorted[0],
    lowerQuartile: at(0.25),
    median: at(0.5),
    upperQuartile: at(0.75),
    max: sorted[sorted.length - 1],
    mean: tokensOf(sentences) / sorted.length,
  };
}

/** Number of tokens. */
export const tokensOf = (sentences: readonly Sentence[]): number =>
  sentences.reduce((sum, { tokens }) => sum + tokens.length, 0);

/** Sentences of `from` to `to` tokens; the last bin is open-ended. */
export interface Bin {
  readonly from: number;
  readonly to: number | null;
  readonly count: number;
}

/** Maximum number of bins in a histogram, including the open-ended one. */
const MOST_BINS = 10;

/**
 * Upper ends of the bins of a histogram: 1, 2 or 5 times a power of ten apart, such that at most one sentence in 100 is in the
 * last bin.
 */
export function binEnds(sentences: readonly Sentence[]): number[] {
  const sorted = Float64Array.from(sentences, ({ tokens }) => tokens.length).sort();
  const most = sorted[Math.max(0, Math.ceil(0.99 * sorted.length) - 1)];
  let width = 1;
  for (let n = 0; width * (MOST_BINS - 1) < most; n++) width = [1, 2, 5][n % 3] * 10 ** Math.floor(n / 3);
  return Array.from({ length: Math.ceil(most / width) }, (_, i) => (i + 1) * width);
}

/**
 * Number of sentences in each length bin.
 *
 * @param ends ends of the bins; longer sentences are in an additional bin, which exists if any corpus needs it
 */
export function histogramOf(sentences: readonly Sentence[], ends: readonly number[]): Bin[] {
  const counts = Array.from({ length: ends.length + 1 }, () => 0);
  for (const { tokens } of sentences) {
    const bin = ends.findIndex((end) => tokens.length <= end);
    counts[bin < 0 ? ends.length : bin]++;
  }
  return counts.map((count, i) => ({ from: (ends[i - 1] ?? 0) + 1, to: ends[i] ?? null, count }));
}

/** How often each word occurs. Words are compared as in a vocabulary: in NFC, case-sensitive. */
export function wordCounts(sentences: readonly Sentence[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { tokens } of sentences)
    for (const token of tokens) {
      const word = normalForm(token);
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  return counts;
}

/** Words missing from other counts, as tokens and as types. */
export interface Unknown {
  readonly tokens: number;
  readonly tokenShare: number;
  readonly types: number;
  readonly typeShare: number;
}

/** The words missing from training. */
export function unknownOf(counts: ReadonlyMap<string, number>, known: ReadonlyMap<string, number>): Unknown {
  const [all, unknown] = [[...counts], [...counts].filter(([word]) => !known.has(word))];
  const sum = (entries: readonly (readonly [string, number])[]): number => entries.reduce((total, [, n]) => total + n, 0); // prettier-ignore
  return {
    tokens: sum(unknown),
    tokenShare: sum(unknown) / sum(all),
    types: unknown.length,
    typeShare: unknown.length / all.length,
  };
}

/** One kind of label: a column, or labels of whole sentences. */
export interface LabelKind {
  readonly name: string;
  readonly of: 'token' | 'sentence';
  /** The labels of a sentence: one for each token, or its own; undefined if it has none. */
  labelsIn(sentence: Sentence): readonly string[] | undefined;
}

/** The kinds of labels that sentences have. */
export function labelKinds(sentences: readonly Sentence[], column: string): LabelKind[] {
  const names = new Set(sentences.flatMap(({ columns = {} }) => Object.keys(columns)));
  const kinds: LabelKind[] = [...names].map((name) => ({
    name,
    of: 'token',
    labelsIn: ({ columns }) => columns?.[name],
  }));
  if (names.size === 0 && sentences.some(({ labels }) => labels !== undefined))
    kinds.push({ name: column, of: 'token', labelsIn: ({ labels }) => labels });
  if (sentences.some(({ category }) => category !== undefined))
    kinds.push({ name: 'sentence', of: 'sentence', labelsIn: ({ category }) => (category === undefined ? undefined : [category]) }); // prettier-ignore
  return kinds;
}

/** The spans of one type. */
export interface SpanCount {
  readonly type: string;
  readonly count: number;
  readonly share: number;
  /** Length in tokens. */
  readonly meanLength: number;
}

/** The labels of one kind in one corpus. */
export interface LabelCounts {
  readonly labels: readonly { readonly label: string; readonly count: number; readonly share: number }[];
  /** Number of tokens, or sentences, without a label. */
  readonly unlabeled: number;
  /** Null if the labels do not annotate spans. */
  readonly scheme: Scheme | null;
  readonly evidence: string;
  /** Null likewise. */
  readonly spans: readonly SpanCount[] | null;
}

/** Labels by descending count; for spans, also their types, as in conlleval. */
export function labelCounts(sentences: readonly Sentence[], kind: LabelKind): LabelCounts {
  const lists = sentences.flatMap((sentence) => [kind.labelsIn(sentence) ?? []]);
  const counts = new Map<string, number>();
  let unlabeled = 0;
  for (const label of lists.flat())
    if (label === UNLABELED) unlabeled++;
    else counts.set(label, (counts.get(label) ?? 0) + 1);
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const labels = byCount(counts).map((label) => {
    const count = counts.get(label)!;
    return { label, count, share: count / total };
  });
  const { scheme, evidence } = kind.of === 'token' ? detectScheme(lists) : { scheme: null, evidence: '' };
  return { labels, unlabeled, scheme, evidence, spans: scheme === null ? null : spanCounts(lists) };
}

/** The types of the spans of each sentence, `O` if it has none; null if the labels do not annotate spans. */
export function spanTypes(sentences: readonly Sentence[], kind: LabelKind): string[][] | null {
  const lists = sentences.map((sentence) => kind.labelsIn(sentence) ?? []);
  const { kind: written } = spanSchemeOf(new Set(lists.flat()));
  if (kind.of === 'sentence' || written === null) return null;
  return lists.map((labels) => {
    const types = spansOf(labels.map(insideOf(written))).map(({ type }) => `span ${type}`);
    return types.length > 0 ? types : ['O'];
  });
}

function spanCounts(lists: readonly (readonly string[])[]): SpanCount[] {
  const inside = insideOf(spanSchemeOf(new Set(lists.flat())).kind!);
  const [counts, lengths] = [new Map<string, number>(), new Map<string, number>()];
  for (const labels of lists)
    for (const { type, start, end } of spansOf(labels.map(inside))) {
      counts.set(type, (counts.get(type) ?? 0) + 1);
      lengths.set(type, (lengths.get(type) ?? 0) + end - start);
    }
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  return byCount(counts).map((type) => {
    const count = counts.get(type)!;
    return { type, count, share: count / total, meanLength: lengths.get(type)! / count };
  });
}
