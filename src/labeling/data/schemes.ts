/**
 * Schemes of span labels: ways to write a span of tokens as one label per token. A label is `O`; or a position, a hyphen and a type
 * (`B-PER`); or a bare position (`B`), as in word segmentation.
 *
 *     tokens   Ann   Lee   met   Bo   Kay   Rae        three persons: Ann Lee, Bo, Kay Rae
 *     IOB1     I     I     O     I    B     I          B only where a span begins right after another of its type
 *     IOB2     B     I     O     B    B     I          B at every begin
 *     IOE1     I     I     O     E    I     I          E only where a span ends right before another of its type
 *     IOE2     I     E     O     E    I     E          E at every end
 *     IOBES    B     E     O     S    B     E          B begins, I inside, E ends, S is a span of one token
 *     BILOU    B     L     O     U    B     L          the same in other letters
 *
 * In every scheme, spans are read by the rule of conlleval (`spansOf`), which never fails; repairing labels means reading the spans and
 * rewriting them. A label that is neither `O` nor a position and a type is left as it is, and counts as `O` for its neighbors.
 *
 * Sources: Ramshaw & Marcus, Text Chunking using Transformation-Based Learning (1995), for IOB1; Tjong Kim Sang & Veenstra, Representing
 * Text Chunks (EACL 1999), for IOB2, IOE1 and IOE2; Ratinov & Roth, Design Challenges and Misconceptions in Named Entity Recognition
 * (CoNLL 2009), for BILOU.
 */
import type { CrfMask } from '../../layers/crf-lattice.js';
import { expectOneOf } from '../../tensor/checks.js';
import { expectNumbers, expectRecord, expectString } from '../../tensor/arguments.js';
import { ArgumentError } from '../../tensor/errors.js';
import { quoted } from '../../tensor/visible.js';
import { grouped } from '../../tensor/print.js';
import { expectIterable, expectWords } from '../checks.js';
import type { Span } from '../scoring/spans.js';
import { spanSchemeOf, spansOf, withoutOutlier } from '../scoring/spans.js';

/** Names of the schemes. */
export const SCHEMES = ['IOB1', 'IOB2', 'IOE1', 'IOE2', 'IOBES', 'BILOU'] as const;
/** Name of a scheme. */
export type Scheme = (typeof SCHEMES)[number];

/** Alternative names of schemes. */
const ALIASES: Readonly<Record<string, Scheme>> = { BIO: 'IOB2', BIOES: 'IOBES', BILUO: 'BILOU' };

/** Returns the scheme of a name, in upper or lower case; `BIO` is IOB2, `BIOES` IOBES and `BILUO` BILOU. @throws ArgumentError */
export function schemeOf(name: string): Scheme {
  expectString('schemeOf', 'name', name);
  const upper = name.toUpperCase();
  const scheme = SCHEMES.find((each) => each === upper) ?? (Object.hasOwn(ALIASES, upper) ? ALIASES[upper] : undefined);
  if (scheme !== undefined) return scheme;
  throw new ArgumentError(`schemeOf: name must be one of ${SCHEMES.join(', ')}; got ${quoted(name)}`);
}

/** The scheme detected in labeled sentences. */
export interface DetectedScheme {
  /** Null if the labels annotate no spans. */
  readonly scheme: Scheme | null;
  /** The evidence in numbers, for a message: `14 of 15 spans begin with B`. Empty without a scheme. */
  readonly evidence: string;
  /** Number of labels that violate the scheme, as counted by `convertLabels`. */
  readonly repairs: number;
  /** Index of the first sentence with one, counted from 0. */
  readonly first?: number;
}

/** A position and a type; `O` for tokens outside spans. */
interface Part {
  readonly position: string;
  readonly type: string;
}

function partOf(label: string): Part {
  const match = /^([BIESLU])(?:-(.*))?$/su.exec(label);
  return match ? { position: match[1], type: match[2] ?? '' } : { position: 'O', type: '' };
}

/** Counts that distinguish the schemes. */
interface Counts {
  /** Labels by position. */
  readonly positions: Record<string, number>;
  /** Spans with no adjacent span of their type before them that begin with B, or with I. */
  readonly begin: Record<string, number>;
  /** Spans with no adjacent span of their type after them that end with E, or with I. */
  readonly end: Record<string, number>;
}

/**
 * Detects the scheme of labeled sentences, with the evidence.
 *
 * L and U occur only in BILOU, S only in IOBES, as do B and E together; if two of these occur, the more common letters decide. With only B
 * and I, considering spans that could begin with either (not after another of their type), it is IOB2 if at least as many begin with B as
 * with I, otherwise IOB1. With only E and I, it is likewise IOE2 or IOE1. With only I it is IOB1, which then cannot be distinguished from
 * IOE1.
 *
 * A token without a label (`''`) gives no evidence, nor do its neighboring spans about how they begin or end there.
 *
 * @param sentences the labels of each
 */
export function detectScheme(sentences: Iterable<readonly string[]>): DetectedScheme {
  expectIterable('detectScheme', 'sentences', sentences, 'lists of labels');
  const all = [...sentences];
  all.forEach((labels, i) => expectWords('detectScheme', `sentences[${i}]`, labels));
  if (spanSchemeOf(new Set(all.flat())).kind === null) return { scheme: null, evidence: '', repairs: 0 };
  const counts: Counts = { positions: {}, begin: {}, end: {} };
  for (const labels of all) countLabels(labels, counts);
  const { scheme, evidence } = verdictOf(counts);
  const repairs = all.map((labels) => repairsOf(labels, scheme));
  const first = repairs.findIndex((count) => count > 0);
  return { scheme, evidence, repairs: repairs.reduce((sum, n) => sum + n, 0), ...(first >= 0 && { first }) };
}

function countLabels(labels: readonly string[], { positions, begin, end }: Counts): void {
  const add = (to: Record<string, number>, key: string): void => void (to[key] = (to[key] ?? 0) + 1);
  for (const label of labels) if (label !== '') add(positions, partOf(label).position);
  const spans = spansOf(labels.map(withoutOther));
  spans.forEach((span, i) => {
    if (!touches(spans[i - 1], span) && labels[span.start - 1] !== '') add(begin, partOf(labels[span.start]).position);
    if (!touches(span, spans[i + 1]) && labels[span.end] !== '') add(end, partOf(labels[span.end - 1]).position);
  });
}

/** Whether two spans of one type are adjacent. */
function touches(left: Span | undefined, right: Span | undefined): boolean {
  return left !== undefined && right !== undefined && left.end === right.start && left.type === right.type;
}

function verdictOf({ positions, begin, end }: Counts): { scheme: Scheme; evidence: string } {
  const { B = 0, I = 0, E = 0, S = 0, L = 0, U = 0 } = positions;
  const letters = (text: string): string =>
    [...text].filter((p) => positions[p] > 0).map((p) => `${p} ${grouped(positions[p])}`).join(', '); // prettier-ignore
  if (L + U > 0 && L + U >= E + S) return { scheme: 'BILOU', evidence: letters('BILUES') };
  if (S > 0 || (B > 0 && E > 0)) return { scheme: 'IOBES', evidence: letters('BIESLU') };
  const share = (counts: Record<string, number>, letter: string, verb: string): string => {
    const [own, other] = [counts[letter] ?? 0, counts.I ?? 0];
    return `${grouped(own)} of ${grouped(own + other)} spans ${verb} with ${letter}`;
  };
  if (E > 0) return { scheme: (end.E ?? 0) >= (end.I ?? 0) ? 'IOE2' : 'IOE1', evidence: share(end, 'E', 'end') };
  if (B > 0)
    return { scheme: (begin.B ?? 0) >= (begin.I ?? 0) ? 'IOB2' : 'IOB1', evidence: share(begin, 'B', 'begin') };
  return { scheme: 'IOB1', evidence: `I ${grouped(I)}, no B and no E` };
}

/** Returns the label, or `O` if it has no position: no span extends across it. */
const withoutOther = (label: string): string => (/^[BIESLU]$/.test(label) ? label : withoutOutlier(label));

/** Converted labels, and the number that had to be repaired first. */
export interface ConvertedLabels {
  readonly labels: string[];
  /** Number of labels that violate the original scheme: 0 if they follow it. */
  readonly repairs: number;
}

/**
 * Converts the labels of one sentence to another scheme, or repairs them in their own.
 *
 * @param labels `''` for a token without one, which stays so, and counts as `O` for its neighbors
 * @param from the scheme that they are written in: it only determines what counts as a repair
 * @throws ArgumentError on an unknown scheme
 */
export function convertLabels(labels: readonly string[], from: Scheme, to: Scheme): ConvertedLabels {
  expectWords('convertLabels', 'labels', labels);
  expectOneOf('convertLabels', 'from', from, SCHEMES);
  expectOneOf('convertLabels', 'to', to, SCHEMES);
  return { labels: written(labels, to), repairs: repairsOf(labels, from) };
}

function repairsOf(labels: readonly string[], scheme: Scheme): number {
  const should = written(labels, scheme);
  const besideGap = (i: number): boolean => labels[i - 1] === '' || labels[i + 1] === '';
  return labels.reduce((sum, label, i) => sum + (label === should[i] || besideGap(i) ? 0 : 1), 0);
}

/** Writes the spans of the labels in a scheme. */
function written(labels: readonly string[], scheme: Scheme): string[] {
  const spans = spansOf(labels.map(withoutOther));
  const out = labels.map((label) => (withoutOther(label) === 'O' ? label : 'O'));
  spans.forEach((span, i) => {
    const place = { before: touches(spans[i - 1], span), behind: touches(span, spans[i + 1]) };
    for (let t = span.start; t < span.end; t++) {
      const position = WRITERS[scheme](t === span.start, t === span.end - 1, place);
      out[t] = span.type === '' ? position : `${position}-${span.type}`;
    }
  });
  return out;
}

/** Whether another span of the same type ends right before, or begins right after. */
interface Neighbors {
  readonly before: boolean;
  readonly behind: boolean;
}

/** The position letter of a token in a span, by whether it is the first and the last of the span. */
const WRITERS: Readonly<Record<Scheme, (first: boolean, last: boolean, beside: Neighbors) => string>> = {
  IOB1: (first, _last, { before }) => (first && before ? 'B' : 'I'),
  IOB2: (first) => (first ? 'B' : 'I'),
  IOE1: (_first, last, { behind }) => (last && behind ? 'E' : 'I'),
  IOE2: (_first, last) => (last ? 'E' : 'I'),
  IOBES: (first, last) => (first ? (last ? 'S' : 'B') : last ? 'E' : 'I'),
  BILOU: (first, last) => (first ? (last ? 'U' : 'B') : last ? 'L' : 'I'),
};

/** The rules of a scheme for pairs of neighbors, for a first label and for a last label. */
interface Rules {
  readonly start: (label: Part) => boolean;
  readonly pair: (before: Part, label: Part) => boolean;
  readonly end: (label: Part) => boolean;
}

const any = (): boolean => true;
const isNot =
  (positions: string) =>
  ({ position }: Part): boolean =>
    !positions.includes(position);
const sameSpanType = (p: Part, q: Part): boolean => p.position !== 'O' && q.position !== 'O' && p.type === q.type;

/** B and I are followed only by I or the end of their type; after anything else a span begins. */
const whole = (end: string, single: string): Rules => ({
  start: isNot(`I${end}`),
  pair: (before, label) =>
    'BI'.includes(before.position)
      ? `I${end}`.includes(label.position) && before.type === label.type
      : `OB${single}`.includes(label.position),
  end: isNot('BI'),
});

const RULES: Readonly<Record<Scheme, Rules>> = {
  IOB1: { start: isNot('B'), pair: (p, q) => q.position !== 'B' || sameSpanType(p, q), end: any },
  IOB2: { start: isNot('I'), pair: (p, q) => q.position !== 'I' || sameSpanType(p, q), end: any },
  IOE1: { start: any, pair: (p, q) => p.position !== 'E' || sameSpanType(p, q), end: isNot('E') },
  IOE2: { start: any, pair: (p, q) => p.position !== 'I' || sameSpanType(p, q), end: isNot('I') },
  IOBES: whole('E', 'S'),
  BILOU: whole('L', 'U'),
};

/** The positions of a scheme. */
const POSITIONS: Readonly<Record<Scheme, string>> = {
  IOB1: 'BIO',
  IOB2: 'BIO',
  IOE1: 'EIO',
  IOE2: 'EIO',
  IOBES: 'BIESO',
  BILOU: 'BILUO',
};

/**
 * Returns which labels may begin a sentence, follow each other and end it in a scheme: it permits the paths that `convertLabels` leaves
 * unchanged. Labels with a position that the scheme lacks are never permitted; labels without a position, such as an outlier, may stand
 * wherever `O` does.
 *
 * @param labels in the order of their ids
 */
export function permittedTransitions(scheme: Scheme, labels: readonly string[]): CrfMask {
  expectOneOf('permittedTransitions', 'scheme', scheme, SCHEMES);
  expectWords('permittedTransitions', 'labels', labels);
  const parts = labels.map((label) => partOf(withoutOther(label)));
  const { start, pair, end } = RULES[scheme];
  const known = ({ position }: Part): boolean => POSITIONS[scheme].includes(position);
  const bits = (list: readonly boolean[]): Uint8Array => Uint8Array.from(list, Number);
  return {
    start: bits(parts.map((part) => known(part) && start(part))),
    transitions: bits(parts.flatMap((p) => parts.map((q) => known(p) && known(q) && pair(p, q)))),
    end: bits(parts.map((part) => known(part) && end(part))),
  };
}

/** Whether a label is valid in a scheme: one of its positions, or a label outside spans. */
export function isLabelOf(scheme: Scheme, label: string): boolean {
  expectOneOf('isLabelOf', 'scheme', scheme, SCHEMES);
  expectString('isLabelOf', 'label', label);
  return POSITIONS[scheme].includes(partOf(withoutOther(label)).position);
}

/**
 * Whether a mask is certain to permit a path of every length: a label that may begin, follow itself and end, as `O` may, or `S-PER`. IOBES
 * labels without either have no path of one token.
 */
export function permitsEveryLength(mask: CrfMask): boolean {
  expectRecord('permitsEveryLength', 'mask', mask, '{ start, transitions, end }');
  for (const name of ['start', 'transitions', 'end'] as const)
    expectNumbers('permitsEveryLength', `mask.${name}`, mask[name]);
  const { start, transitions, end } = mask;
  const K = start.length;
  return Array.from(start).some((bit, j) => bit !== 0 && end[j] !== 0 && transitions[j * K + j] !== 0);
}
