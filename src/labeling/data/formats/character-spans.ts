/** Converts character spans, as stored by annotation tools, to token labels in IOB2. */
import { counted } from '../../../tensor/print.js';
import type { Note } from '../notes.js';
import type { OffsetUnit } from '../offsets.js';
import { UNIT_NAMES } from '../offsets.js';
import type { SegmentOptions } from '../segment.js';
import type { ParseOptions } from './options.js';

/** A span of characters. */
export interface CharacterSpan {
  readonly start: number;
  readonly end: number;
  readonly type: string;
  /** Its line in the file. */
  readonly line: number;
}

/** The range `[start, end)` of each token in the text, in UTF-16 code units. */
export type Places = readonly (readonly [start: number, end: number])[];

/** How texts are split into tokens: by the options, else as recorded in a model. */
export function cuttingOf({ cutting, like }: Pick<ParseOptions, 'cutting' | 'like'>): SegmentOptions {
  const tokenizer = cutting?.tokenizer ?? like?.tokenizer;
  const locale = cutting?.locale ?? like?.locale;
  return { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) };
}

/**
 * Returns the labels of the tokens. A span that does not begin and end at tokens is dropped, and so are all but the first of overlapping
 * spans (the longer one is kept if two begin together).
 *
 * @param spans in UTF-16 code units
 */
export function labelsOfSpans(
  spans: readonly CharacterSpan[],
  offsets: Places,
  tally: Pick<SpanTally, 'add'>,
): string[] {
  const starts = new Map(offsets.map(([from], t) => [from, t]));
  const ends = new Map(offsets.map(([, to], t) => [to, t]));
  const labels = offsets.map(() => 'O');
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const [first, last] = [starts.get(span.start), ends.get(span.end)];
    if (span.start === span.end) tally.add('empty', span);
    else if (first === undefined || last === undefined || last < first) tally.add('misaligned', span);
    else if (labels.slice(first, last + 1).some((label) => label !== 'O')) tally.add('overlapping', span);
    else for (let t = first; t <= last; t++) labels[t] = `${t === first ? 'B' : 'I'}-${span.type}`;
  }
  return labels;
}

const TOLD = {
  answers: ['example', 'left out: the answer is not accept'],
  empty: ['span', 'left out: no characters'],
  misaligned: ['span', 'left out: a boundary inside a token, or in the space next to one'],
  overlapping: ['span', 'left out: overlap with another span'],
  discontinuous: ['span', 'left out: tokens between the parts'],
  crossing: ['span', 'left out: continued on another line'],
  relations: ['relation', 'left out: token labels hold only spans'],
  events: ['event', 'left out: only the triggers are read, as spans'],
  attributes: ['attribute', 'left out: token labels hold only spans'],
  normalizations: ['normalization', 'left out: token labels hold only spans'],
  notes: ['note', 'left out: token labels hold only spans'],
} as const;

/** The kinds of events that are counted. */
export type Told = keyof typeof TOLD;

/** Counts automatic decisions, and keeps the first case of each. */
export interface SpanTally {
  /** @param source the file of the case, if it differs from the name of the input */
  add(kind: Told, at: { readonly line: number; readonly type: string }, source?: string): void;
  /** Records that offsets of a text were read in another unit than usual. */
  addUnit(unit: OffsetUnit, at: { readonly line: number; readonly type: string }, source?: string): void;
  notes(): Note[];
}

/** Returns an empty tally. */
export function createSpanTally(input: string): SpanTally {
  const found = new Map<string, { thing: string; said: string; count: number; where: string; line: number }>();
  const add = (kind: string, [thing, said]: readonly [string, string], { line, type }: { line: number; type: string }, source: string) => {
    const known = found.get(kind);
    if (known) known.count++;
    else found.set(kind, { thing, said, count: 1, line, where: `${source === input ? `line ${line}` : `${source}:${line}`} (${type})` });
  }; // prettier-ignore
  return {
    add: (kind, at, source = input) => add(kind, TOLD[kind], at, source),
    addUnit(unit, at, source = input) {
      const said = `with offsets that fit the tokens only as ${UNIT_NAMES[unit]}, read that way (set the unit with --offset-unit)`;
      add('units', ['text', said], at, source);
    },
    notes: () =>
      [...found].map(([kind, { thing, said, count, line, where }]) => {
        const message = `${input}: ${counted(count, thing)} ${said}, the first in ${where}`;
        return { kind: `annotated-${kind}`, message, source: input, line, count };
      }),
  };
}
