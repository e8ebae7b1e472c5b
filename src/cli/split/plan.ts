/** Plans the parts, and the report about them. */
import type { SplitShares } from '../../labeling/data/split.js';
import { DataError } from '../../tensor/index.js';
import { counted, grouped } from '../../tensor/print.js';
import type { LabelCounts, LabelKind } from '../stats/counts.js';
import { labelCounts, labelKinds, spanTypes, tokensOf } from '../stats/counts.js';
import type { Placed } from '../stats/duplicates.js';
import { repetitionsIn } from '../stats/duplicates.js';
import type { Input } from '../stats/input.js';
import { sentencesOf } from '../stats/input.js';
import { documentsOf } from '../stats/lines.js';
import { foldedKey } from '../stats/same-text.js';
import { allocate, PARTS, unitsOf } from './allocate.js';

/** Options of a split. */
export interface PlanOptions {
  readonly ratio: SplitShares;
  readonly seed: number;
  readonly by: 'sentence' | 'document';
  readonly documentField?: string;
  readonly allowDuplicates?: boolean;
}

/** One part. */
export interface Part {
  readonly name: (typeof PARTS)[number];
  /** Its sentences, by their index in the whole input. */
  readonly places: readonly number[];
  readonly sentences: number;
  readonly tokens: number;
  readonly documents: number | null;
  readonly labels: readonly (LabelCounts & Pick<LabelKind, 'name' | 'of'>)[];
  /** Its sentences that also occur in an earlier part: equal in NFC, ignoring case. */
  readonly shared: number;
}

/** The parts with a nonzero share, and the decisions made. */
export interface Plan {
  readonly parts: readonly Part[];
  /** Units: their number, the number with more than one sentence, and the size of the largest. */
  readonly units: { readonly count: number; readonly several: number; readonly largest: number };
  /** Number of documents divided among several parts; null without document markers. */
  readonly divided: number | null;
}

/**
 * Returns the parts of an input.
 *
 * @throws DataError if there are no documents to go by, or too few units for every requested part
 */
export function planOf(input: Input, options: PlanOptions): Plan {
  const placed = sentencesOf(input);
  const sentences = placed.map(({ sentence }) => sentence);
  const kinds = labelKinds(sentences, 'label');
  const documents = documentNumbers(input, options);
  const texts = sentences.map(({ tokens }) => foldedKey(tokens));
  const labels = strataOf(placed, kinds);
  const units = unitsOf(unitKeys(texts, documents, options), (s) => labels[s]);
  const parts = allocate(units, options.ratio, options.seed);
  const places = PARTS.map((_, p) => units.flatMap((unit, u) => (parts[u] === p ? unit.sentences : [])).sort((a, b) => a - b)); // prettier-ignore
  const used = PARTS.map((name, p) => ({ name, places: places[p] })).filter(({ name }) => options.ratio[name] > 0);
  const empty = used.find((part) => part.places.length === 0);
  if (empty !== undefined) {
    const what = options.by === 'document' ? counted(units.length, 'different document') : `${grouped(units.length)} of them different`; // prettier-ignore
    throw new DataError(
      `${input.path}: ${counted(sentences.length, 'sentence')}, ${what}, leave none for ${empty.name}: add sentences, or choose another --ratio`,
    );
  }
  const told = used.map((part, p) => {
    const own = part.places.map((s) => placed[s]);
    const earlier = used.slice(0, p).flatMap((other) => other.places.map((s) => placed[s]));
    return {
      ...part,
      ...{ sentences: own.length, tokens: tokensOf(own.map(({ sentence }) => sentence)) },
      documents: documents === null ? null : new Set(part.places.map((s) => documents[s])).size,
      labels: kinds.map((kind) => ({
        ...{ name: kind.name, of: kind.of },
        ...labelCounts(own.map(({ sentence }) => sentence), kind),
      })),
      shared: p === 0 ? 0 : repetitionsIn(own, 0, earlier).folded,
    }; // prettier-ignore
  });
  const sizes = units.map((unit) => unit.sentences.length);
  return {
    parts: told,
    units: {
      count: units.length,
      several: sizes.filter((size) => size > 1).length,
      largest: sizes.reduce((most, size) => Math.max(most, size), 0),
    },
    divided: documents === null ? null : told.reduce((sum, part) => sum + part.documents!, 0) - new Set(documents).size,
  };
}

/**
 * The document of each sentence of all pieces; null if they have no document markers.
 *
 * @throws DataError if documents are to be kept together
 */
function documentNumbers(input: Input, { by, documentField }: PlanOptions): number[] | null {
  const lists = input.pieces.map((piece) => documentsOf(piece, documentField));
  if (lists.every((list) => list === undefined)) {
    if (by === 'sentence') return null;
    throw new DataError(
      `${input.path}: expected documents: # newdoc or -DOCSTART- in columns, a field of JSON lines (--document-field); got none: mark them, or leave out --by`,
    );
  }
  let first = 0;
  return lists.flatMap((list, p) => {
    const own = list ?? input.pieces[p].sentences.map(() => 0);
    const numbers = own.map((number) => first + number);
    first += own.reduce((most, number) => Math.max(most, number + 1), 0);
    return numbers;
  });
}

/** Sentences that stay together have the same key: for a sentence its text, for a document the texts of its sentences. */
function unitKeys(texts: readonly string[], documents: number[] | null, options: PlanOptions): string[] {
  if (options.by === 'sentence') return options.allowDuplicates ? texts.map((_, s) => String(s)) : [...texts];
  if (options.allowDuplicates) return documents!.map(String);
  const whole = new Map<number, string[]>();
  texts.forEach((text, s) => {
    const own = whole.get(documents![s]);
    if (own) own.push(text);
    else whole.set(documents![s], [text]);
  });
  const joined = new Map([...whole].map(([document, own]) => [document, own.join('\n\n')]));
  return documents!.map((document) => joined.get(document)!);
}

/** The distinct labels by which each sentence is placed: its span types, or else the labels of its words, and its own label. */
function strataOf(placed: readonly Placed[], kinds: readonly LabelKind[]): string[][] {
  const sentences = placed.map(({ sentence }) => sentence);
  const lists = kinds.map((kind) => {
    const types = spanTypes(sentences, kind);
    return sentences.map((sentence, s) => (types === null ? (kind.labelsIn(sentence) ?? []) : types[s]));
  });
  return placed.map((_, s) => [
    ...new Set(lists.flatMap((list, k) => list[s].filter((label) => label !== '').map((label) => `${k} ${label}`))),
  ]);
}
