/**
 * Probabilities of labels that are returned in a different scheme from the one they were learned in. The returned label depends on the
 * learned one and on its neighbors: whether a span begins or ends here, and whether one of the same type touches it. So its probability is
 * a sum over triples of learned labels, each over all paths (layers/crf-decode, equation 12).
 */
import type { CrfMarginals } from '../../../layers/crf-decode.js';
import { crfSpanProbability } from '../../../layers/crf-decode.js';
import type { LabelVocabulary } from '../../data/labels.js';
import { labelsFromJson } from '../../data/labels.js';
import type { Scheme } from '../../data/schemes.js';
import { convertLabels } from '../../data/schemes.js';
import type { Decoding } from './decoding.js';

type Schemes = NonNullable<Decoding['schemes']>;

/** Triples of learned labels that are returned as one label: one label in the middle, any of a set before it, any of a set after it. */
interface Triple {
  readonly middle: number;
  /** Null at the beginning of a sentence. */
  readonly before: readonly number[] | null;
  /** Null at its end. */
  readonly behind: readonly number[] | null;
  readonly given: string;
}

/** By label set and by schemes: one set may be returned in several schemes. */
const known = new WeakMap<readonly string[], Map<string, readonly Triple[]>>();

function knownTriples(labels: readonly string[], schemes: Schemes): readonly Triple[] {
  const own = known.get(labels) ?? new Map<string, readonly Triple[]>();
  known.set(labels, own);
  const key = `${schemes.learned} ${schemes.data}`;
  const triples = own.get(key) ?? triplesOf(labels, schemes);
  own.set(key, triples);
  return triples;
}

/**
 * Computes the probability of a returned label.
 *
 * @param labels the learned labels, in the order of their ids
 * @param marginals of a model, or of each member of an ensemble, which are averaged
 * @returns the probability, in [0, 1], that token t of a sequence of this length gets the label
 */
export function convertedProbability(
  labels: readonly string[],
  schemes: Schemes,
  marginals: readonly CrfMarginals[],
): (sequence: number, t: number, length: number, label: string) => number {
  const triples = knownTriples(labels, schemes);
  return (sequence, t, length, label) => {
    let sum = 0;
    for (const { middle, before, behind, given } of triples) {
      if (given !== label || (before === null) !== (t === 0) || (behind === null) !== (t === length - 1)) continue;
      const stretch = [...(before ? [before] : []), [middle], ...(behind ? [behind] : [])];
      for (const own of marginals)
        sum += crfSpanProbability(own, { sequence, start: before ? t - 1 : t, labels: stretch });
    }
    return Math.min(1, sum / marginals.length);
  };
}

/** The labels that a model returns: the learned ones, or their equivalents in the scheme of the data. */
export function labelsGivenBack(learned: LabelVocabulary, schemes: Schemes | undefined): LabelVocabulary {
  if (schemes === undefined) return learned;
  return labelsFromJson([...new Set(triplesOf(learned.labels, schemes).map(({ given }) => given))]);
}

/** The label returned for a learned one, depending on its neighbors. */
export interface GivenBack {
  /** `[K + 1]`, the row of `labels` for each previous label; the last is for the beginning of a sentence. */
  readonly before: readonly number[];
  /** `[K + 1]`, the column for each next label; the last is for the end of a sentence. */
  readonly behind: readonly number[];
  readonly labels: readonly (readonly string[])[];
}

/** Tabulates `convertLabels`: for every learned label, the label that is returned. */
export function tablesGivenBack(labels: readonly string[], schemes: Schemes): GivenBack[] {
  const K = labels.length;
  const triples = triplesOf(labels, schemes);
  const placesOf = (groups: readonly (readonly number[] | null)[]): number[] => {
    const places = new Array<number>(K + 1).fill(0);
    groups.forEach((group, g) => (group ?? [K]).forEach((id) => (places[id] = g)));
    return places;
  };
  return labels.map((_, middle) => {
    const own = triples.filter((each) => each.middle === middle);
    const fronts = [...new Set(own.map(({ before }) => before))];
    const backs = [...new Set(own.map(({ behind }) => behind))];
    const cell = (front: unknown, back: unknown): string =>
      own.find(({ before, behind }) => before === front && behind === back)!.given;
    return {
      before: placesOf(fronts),
      behind: placesOf(backs),
      labels: fronts.map((front) => backs.map((back) => cell(front, back))),
    };
  });
}

function triplesOf(labels: readonly string[], { learned, data }: Schemes): Triple[] {
  const written = (path: readonly string[], scheme: Scheme, place: number): string =>
    convertLabels(path, learned, scheme).labels[place];
  return labels.flatMap((label, middle) => {
    // IOBES shows whether a span begins or ends here, IOB1 and IOE1 whether a span of its type touches it.
    const before = grouped(labels, (p) => written([p, label], 'IOBES', 1) + written([p, label], 'IOB1', 1));
    const behind = grouped(labels, (n) => written([label, n], 'IOBES', 0) + written([label, n], 'IOE1', 0));
    return [null, ...before].flatMap((front) =>
      [null, ...behind].map((back) => {
        const path = [...(front ? [labels[front[0]]] : []), label, ...(back ? [labels[back[0]]] : [])];
        return { middle, before: front, behind: back, given: written(path, data, front ? 1 : 0) };
      }),
    );
  });
}

/** Groups the ids of labels by key. */
function grouped(labels: readonly string[], keyOf: (label: string) => string): number[][] {
  const groups = new Map<string, number[]>();
  labels.forEach((label, id) => {
    const key = keyOf(label);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [id]);
    else group.push(id);
  });
  return [...groups.values()];
}
