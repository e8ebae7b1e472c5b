/** All statistics of `bptt stats`, as the `--json` object. */
import type { InputSpec } from '../../labeling/data/formats/index.js';
import { columnList, columnName, inputSpecOf } from '../../labeling/data/formats/index.js';
import { ArgumentError } from '../../tensor/index.js';
import type { Bin, LabelCounts, LabelKind, Lengths, Unknown } from './counts.js';
import { binEnds, histogramOf, labelCounts, labelKinds, lengthsOf, tokensOf, unknownOf, wordCounts } from './counts.js';
import type { Place, Placed, Repetitions } from './duplicates.js';
import { repetitionsIn } from './duplicates.js';
import type { Input } from './input.js';
import { sentencesOf } from './input.js';
import { blankLines, documentsOf } from './lines.js';
import type { Suspicion } from './suspicious.js';
import { suspicionsOf } from './suspicious.js';

/** The distinguished corpora. */
export type CorpusName = 'train' | 'dev' | 'test';

/** Labels of one kind in one corpus, and those missing from training. */
export interface CorpusLabels extends LabelCounts {
  readonly name: string;
  readonly of: LabelKind['of'];
  /** Absent for the training data. */
  readonly unseen?: readonly (Place & { readonly label: string; readonly count: number })[];
}

/** One corpus. */
export interface CorpusStatistics {
  readonly name: CorpusName;
  readonly file: string;
  readonly input: InputSpec;
  readonly sentences: number;
  readonly tokens: number;
  /** Null if the format has no document markers, or the file contains none. */
  readonly documents: number | null;
  readonly lengths: Lengths;
  readonly histogram: readonly Bin[];
  /** Number of distinct words, and of those that occur once. */
  readonly types: number;
  readonly singletons: number;
  /** Words missing from training; absent for the training data. */
  readonly unknown?: Unknown;
  readonly labels: readonly CorpusLabels[];
  readonly duplicates: Repetitions;
}

/** Sentences of a corpus that also occur in an earlier one. */
export interface Shared extends Repetitions {
  readonly corpus: CorpusName;
  readonly in: CorpusName;
}

/** The complete statistics. */
export interface Statistics {
  readonly corpora: readonly CorpusStatistics[];
  readonly shared: readonly Shared[];
  readonly suspicious: readonly Suspicion[];
}

/** A corpus and its sentences in one list. */
interface Corpus {
  readonly name: CorpusName;
  readonly input: Input;
  readonly placed: readonly Placed[];
}

/**
 * Returns statistics of the training data, or of one file, and of the other corpora.
 *
 * @param most maximum number of suspicious lines and repetitions listed per kind; all are counted
 */
export function statisticsOf(inputs: ReadonlyMap<CorpusName, Input>, most: number, field?: string): Statistics {
  const corpora = [...inputs].map(([name, input]): Corpus => ({ name, input, placed: sentencesOf(input) }));
  const train = corpora[0];
  const all = corpora.flatMap(({ placed }) => placed);
  const kinds = labelKinds(
    all.map(({ sentence }) => sentence),
    labelName(train.input),
  );
  const known = knownOf(train, kinds);
  const statistics = corpora.map((corpus) => corpusOf(corpus, known, corpus === train, most, field));
  const schemes = statistics[0].labels.map(({ scheme }) => scheme);
  const blank = corpora.flatMap(({ input }) =>
    input.pieces.flatMap((piece) => blankLines(piece).map((line) => ({ file: piece.name, line }))),
  );
  return {
    corpora: statistics,
    shared: corpora.flatMap((corpus, c) =>
      corpora.slice(0, c).map((other) => ({
        ...{ corpus: corpus.name, in: other.name },
        ...repetitionsIn(corpus.placed, most, other.placed),
      })),
    ),
    suspicious: suspicionsOf({
      ...{ known: train.placed, all, blank, most },
      kinds: kinds.map((kind, k) => ({ kind, scheme: schemes[k] })),
    }),
  };
}

/** Name of the only label column. */
function labelName({ pieces }: Input): string {
  const { column } = pieces[0].reading;
  return column === undefined ? 'label' : columnName(columnList(column)[0]);
}

/** Contents of the training data. */
interface Known {
  readonly kinds: readonly LabelKind[];
  readonly words: ReadonlyMap<string, number>;
  /** Labels of each kind. */
  readonly labels: readonly ReadonlySet<string>[];
  readonly ends: readonly number[];
}

function knownOf({ placed }: Corpus, kinds: readonly LabelKind[]): Known {
  const sentences = placed.map(({ sentence }) => sentence);
  const labels = kinds.map((kind) => new Set(sentences.flatMap((sentence) => kind.labelsIn(sentence) ?? [])));
  return { kinds, words: wordCounts(sentences), labels, ends: binEnds(sentences) };
}

function corpusOf({ name, input, placed }: Corpus, known: Known, first: boolean, most: number, field?: string) {
  const sentences = placed.map(({ sentence }) => sentence);
  const counts = wordCounts(sentences);
  const documents = input.pieces.map((piece) => documentsOf(piece, field));
  const marked = documents.some((numbers) => numbers !== undefined);
  return {
    ...{ name, file: input.path, input: inputSpecOf(input.pieces[0].reading) },
    ...{ sentences: sentences.length, tokens: tokensOf(sentences) },
    documents: marked ? documents.reduce((sum, numbers) => sum + new Set(numbers ?? [0]).size, 0) : null,
    lengths: lengthsOf(sentences),
    histogram: histogramOf(sentences, known.ends),
    types: counts.size,
    singletons: [...counts.values()].filter((count) => count === 1).length,
    ...(!first && { unknown: unknownOf(counts, known.words) }),
    labels: known.kinds.map((kind, k): CorpusLabels => {
      const own = labelCounts(sentences, kind);
      return {
        ...{ name: kind.name, of: kind.of },
        ...own,
        ...(!first && { unseen: unseenLabels(placed, kind, own, known.labels[k]) }),
      };
    }),
    duplicates: repetitionsIn(placed, most),
  } satisfies CorpusStatistics;
}

/** The labels missing from training, each with its first location. */
function unseenLabels(
  placed: readonly Placed[],
  { labelsIn, of }: LabelKind,
  own: LabelCounts,
  known: ReadonlySet<string>,
) {
  return own.labels
    .filter(({ label }) => !known.has(label))
    .map(({ label, count }) => {
      const { file, sentence } = placed.find(({ sentence: each }) => labelsIn(each)?.includes(label))!;
      const t = of === 'token' ? labelsIn(sentence)!.indexOf(label) : 0;
      return { label, count, file, line: sentence.lines?.[t] ?? sentence.line ?? null };
    });
}

/** @throws ArgumentError if a document field is given that no corpus can have */
export function expectField(field: string | undefined): void {
  if (field === undefined || field.trim() !== '') return;
  throw new ArgumentError('--document-field must be the name of a field; got an empty one: pass one, or leave it out');
}
