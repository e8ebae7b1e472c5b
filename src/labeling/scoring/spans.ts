/**
 * Spans in label sequences by the rule of conlleval, the scorer of the CoNLL shared tasks (Tjong Kim Sang and Buchholz
 * 2000, "Introduction to the CoNLL-2000 shared task: chunking"; Tjong Kim Sang and De Meulder 2003).
 *
 * A label is `O` or a position, a hyphen and a type: `B` begins and `I` is inside (IOB1, IOB2), `E` or `L` ends and `S` or
 * `U` is a span by itself (IOBES, BILOU). A label of another form, such as `PER`, is inside a span of that type. The rule
 * never fails: whatever a model writes has spans.
 */

import { expectIterable, expectWords } from '../checks.js';

/** A span of one type over the tokens `start` to `end − 1`. */
export interface Span {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** The spans of one sentence, from left to right. */
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

/** Whether a label goes on with the span that the label before it is in. */
export function continuesSpan(before: string, label: string): boolean {
  const here = parseLabel(label);
  return here.position !== 'O' && !startsSpan(parseLabel(before), here);
}

/** Whether a label set annotates spans, and which of its labels fit no scheme. */
export interface SpanScheme {
  /** `typed` (B-PER), `bare` (B), or null where the labels annotate no spans. */
  readonly kind: 'typed' | 'bare' | null;
  /** Labels that are neither `O` nor a position and a type, such as `0`, `o` or `b-per`, in the order they were given. */
  readonly outliers: readonly string[];
}

/**
 * The scheme of a label set. It annotates spans where most labels beside `O` have a position and a type (half of them are
 * enough where `O` itself occurs), or where every label is a bare position, as in word segmentation by `B` and `I`, and at
 * least one is not `O`. The labels left over are outliers: one slip in a corpus must not switch the scores of spans off.
 */
export function spanSchemeOf(labels: Iterable<string>): SpanScheme {
  const all = new Set(labels);
  const inside = [...all].filter((label) => label !== 'O');
  const outliers = inside.filter(isOutlier);
  const typed = inside.length - outliers.length;
  if (typed > 0 && (all.has('O') ? 2 * typed >= inside.length : 2 * typed > inside.length)) {
    return { kind: 'typed', outliers };
  }
  return { kind: inside.length > 0 && isBareScheme(inside) ? 'bare' : null, outliers: [] };
}

/** Whether a label set annotates spans; see {@link spanSchemeOf}. */
export function looksLikeSpans(labels: Iterable<string>): boolean {
  expectIterable('looksLikeSpans', 'labels', labels, 'strings');
  const all = [...labels];
  expectWords('looksLikeSpans', 'labels', all);
  return spanSchemeOf(all).kind !== null;
}

/** The label, or `O` where it is neither `O` nor a position and a type. */
export function withoutOutlier(label: string): string {
  return isOutlier(label) ? 'O' : label;
}

const isOutlier = (label: string): boolean => label !== 'O' && !/^[BIESLU]-./su.test(label);

function isBareScheme(labels: readonly string[]): boolean {
  return labels.every((label) => /^[BIESLU]$/.test(label)) && labels.some((label) => 'BSU'.includes(label));
}

interface Position {
  readonly position: string;
  readonly type: string;
}

const OUTSIDE: Position = { position: 'O', type: '' };

function parseLabel(label: string): Position {
  if (label === 'O') return OUTSIDE;
  const match = /^([BIESLU])(?:-(.*))?$/su.exec(label);
  return match ? { position: match[1], type: match[2] ?? '' } : { position: 'I', type: label };
}

/** A span starts at B, S or U, and at any other label that cannot continue the one before: after O, an end, another type. */
function startsSpan(before: Position, here: Position): boolean {
  if (here.position === 'O') return false;
  return 'BSU'.includes(here.position) || 'OELSU'.includes(before.position) || before.type !== here.type;
}
