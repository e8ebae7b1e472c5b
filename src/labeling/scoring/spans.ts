/**
 * Spans in label sequences by the rule of conlleval, the scorer of the CoNLL shared tasks (Tjong Kim Sang and Buchholz
 * 2000, "Introduction to the CoNLL-2000 shared task: chunking"; Tjong Kim Sang and De Meulder 2003).
 *
 * A label is `O` or a position, a hyphen and a type: `B` begins and `I` is inside (IOB1, IOB2), `E` or `L` ends and `S` or
 * `U` is a span by itself (IOBES, BILOU). A label of another form, such as `PER`, is inside a span of that type. The rule
 * never fails: whatever a model writes has spans. A token without a label (`''`) is outside, and ends a span.
 */

import { expectIterable, expectWords } from '../checks.js';

/** A span of one type over the tokens `start` to `end − 1`. */
export interface Span {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Returns the spans of one sentence, from left to right. */
export function spansOf(labels: readonly string[]): Span[] {
  expectWords('spansOf', 'labels', labels);
  const spans: Span[] = [];
  let open: { type: string; start: number } | undefined;
  let before = OUTSIDE;
  labels.forEach((label, i) => {
    const here = parseLabel(label);
    const starts = startsSpan(before, here);
    if (open && (starts || here.position === 'O')) {
      spans.push({ ...open, end: i });
      open = undefined;
    }
    if (starts) open = { type: here.type, start: i };
    before = here;
  });
  if (open) spans.push({ ...open, end: labels.length });
  return spans;
}

/** Whether a label continues the span of the previous label. */
export function continuesSpan(before: string, label: string): boolean {
  const here = parseLabel(label);
  return here.position !== 'O' && !startsSpan(parseLabel(before), here);
}

/** The form of span labels: `typed` (`B-PER`), or `bare` positions (`B`), as in word segmentation. */
export type SpanKind = 'typed' | 'bare';

/** Whether a label set annotates spans, and which of its labels fit no scheme. */
export interface SpanScheme {
  /** Null if the labels annotate no spans. */
  readonly kind: SpanKind | null;
  /** Labels that are neither `O` nor of that kind, such as `0`, `o` or `b-per`, in the given order. */
  readonly outliers: readonly string[];
}

/**
 * Returns the scheme of a label set. It annotates typed spans if most labels other than `O` have a position and a type (half of them
 * suffice if `O` itself occurs). It annotates bare spans, as in word segmentation with `B` and `I`, if every label other than `O` is a
 * position, and one of them is `B`, `S` or `U`; for every two different positions, one other label is tolerated. The remaining labels are
 * outliers: one slip in a corpus must not turn off span scoring.
 */
export function spanSchemeOf(labels: Iterable<string>): SpanScheme {
  const all = new Set(labels);
  const inside = [...all].filter((label) => label !== 'O' && label !== '');
  const outliersOf = (kind: SpanKind): string[] => inside.filter((label) => insideOf(kind)(label) === 'O');
  const outliers = outliersOf('typed');
  const typed = inside.length - outliers.length;
  if (typed > 0 && (all.has('O') ? 2 * typed >= inside.length : 2 * typed > inside.length)) {
    return { kind: 'typed', outliers };
  }
  const strays = outliersOf('bare');
  const bare = inside.filter((label) => !strays.includes(label));
  if (bare.some((label) => 'BSU'.includes(label)) && 2 * strays.length <= bare.length) {
    return { kind: 'bare', outliers: strays };
  }
  return { kind: null, outliers: [] };
}

/**
 * Whether a label set annotates spans: most labels other than `O` have a position and a type (`B-PER`), or all are positions, as in word
 * segmentation with `B` and `I`. A few other labels do not change the answer.
 *
 * @throws ArgumentError if `labels` are not strings
 */
export function looksLikeSpans(labels: Iterable<string>): boolean {
  expectIterable('looksLikeSpans', 'labels', labels, 'strings');
  const all = [...labels];
  expectWords('looksLikeSpans', 'labels', all);
  return spanSchemeOf(all).kind !== null;
}

/** Returns the label, or `O` if it is neither `O` nor a position and a type. */
export function withoutOutlier(label: string): string {
  return /^[BIESLU]-./su.test(label) ? label : 'O';
}

/** Returns a function that keeps labels of a kind, and replaces all others by `O`. */
export function insideOf(kind: SpanKind): (label: string) => string {
  return kind === 'typed' ? withoutOutlier : (label) => (/^[BIESLU]$/.test(label) ? label : 'O');
}

interface Position {
  readonly position: string;
  readonly type: string;
}

const OUTSIDE: Position = { position: 'O', type: '' };

function parseLabel(label: string): Position {
  if (label === 'O' || label === '') return OUTSIDE; // a token without a label is in no span
  const match = /^([BIESLU])(?:-(.*))?$/su.exec(label);
  return match ? { position: match[1], type: match[2] ?? '' } : { position: 'I', type: label };
}

/** A span starts at B, S or U, and at any other label that cannot continue the previous one: after O, an end, or another type. */
function startsSpan(before: Position, here: Position): boolean {
  if (here.position === 'O') return false;
  return 'BSU'.includes(here.position) || 'OELSU'.includes(before.position) || before.type !== here.type;
}
