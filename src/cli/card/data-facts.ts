/** Facts about the data in a model card, counted from the sentences themselves. */
import { detectScheme } from '../../labeling/data/schemes.js';
import type { Scheme } from '../../labeling/data/schemes.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { convertPartial, UNLABELED } from '../../labeling/data/unlabeled.js';
import type { Unit } from '../../labeling/model/heads/head.js';
import { inColumn } from '../../labeling/model/heads/head.js';
import type { Model } from '../../labeling/model/model.js';
import { insideOf, spanSchemeOf, spansOf } from '../../labeling/scoring/spans.js';
import type { Corpora } from '../../labeling/training/run.js';

/** The corpora with scores. */
export const SCORED = ['dev', 'test'] as const;
/** One of them. */
export type Scored = (typeof SCORED)[number];

/** Frequencies by name. */
export type Counts = ReadonlyMap<string, number>;

/** The labels of one head. */
export interface HeadFacts {
  /** Its name in the model. */
  readonly name: string;
  readonly unit: Unit;
  /** Training decisions by label. */
  readonly labels: Counts;
  /** Training spans by type; null if the labels do not annotate spans. */
  readonly spans: Counts | null;
  /** The scheme of these spans; null likewise. */
  readonly scheme: Scheme | null;
  /** Labels of dev and test missing from training, with their counts. */
  readonly unknown: Readonly<Record<Scored, Counts>>;
  /** Labels of dev and test that violate the scheme. */
  readonly repairs: Readonly<Record<Scored, number>>;
}

/** A corpus in numbers. */
export interface CorpusFacts {
  readonly sentences: number;
  readonly tokens: number;
  /** Length of the longest sentence in tokens. */
  readonly longest: number;
  /** Number of sentences that occur verbatim in the training data. */
  readonly repeated: number;
}

/** Labels of a sentence that a head learns; empty if the sentence has none. */
function labelsFor(unit: Unit, column: unknown, sentence: Sentence): readonly string[] {
  if (unit === 'token') return inColumn(column, sentence).labels ?? [];
  return sentence.category === undefined ? [] : [sentence.category];
}

/** The labels of every head of a model. */
export function factsOfHeads(model: Model, corpora: Corpora): HeadFacts[] {
  return model.heads.map(({ kind: { unit } }, h) => {
    const { name, column } = model.config.heads[h];
    const of = (part: 'train' | Scored) => (corpora[part] ?? []).map((each) => labelsFor(unit, column, each));
    const train = of('train');
    const labels = countsOf(train.flat().filter((label) => label !== UNLABELED));
    const kind = unit === 'token' ? spanSchemeOf(labels.keys()).kind : null;
    const scheme = kind === null ? null : detectScheme(train).scheme;
    const inside = kind === null ? null : insideOf(kind);
    const strange = (part: Scored): Counts =>
      countsOf(of(part).flat().filter((label) => label !== UNLABELED && !labels.has(label))); // prettier-ignore
    const repairs = (part: Scored): number =>
      scheme === null ? 0 : of(part).reduce((sum, each) => sum + convertPartial(each, scheme, scheme).repairs, 0);
    return {
      ...{ name, unit, labels, scheme },
      spans: inside && countsOf(train.flatMap((each) => spansOf(each.map(inside)).map(({ type }) => type))),
      unknown: { dev: strange('dev'), test: strange('test') },
      repairs: { dev: repairs('dev'), test: repairs('test') },
    };
  });
}

/** The sizes of a corpus. @param train the training sentences, if this is another corpus */
export function factsOfCorpus(sentences: readonly Sentence[], train: readonly Sentence[] = []): CorpusFacts {
  const key = ({ tokens }: Sentence): string => JSON.stringify(tokens);
  const seen = new Set(train.map(key));
  const lengths = sentences.map(({ tokens }) => tokens.length);
  return {
    sentences: sentences.length,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: lengths.reduce((most, length) => Math.max(most, length), 0),
    repeated: sentences.filter((each) => seen.has(key(each))).length,
  };
}

/** Frequencies by name, most frequent first; ties in order of first occurrence. */
function countsOf(names: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map([...counts].sort(([, a], [, b]) => b - a));
}
