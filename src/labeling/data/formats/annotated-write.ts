/**
 * Writers of character spans: `doccano`, `prodigy` and `brat` in the form that these tools import, and `spans` in the form of `bptt tag
 * --output spans`. The readers can read all of them back.
 */
import type { Span } from '../../scoring/spans.js';
import { spansOf } from '../../scoring/spans.js';
import type { OffsetUnit } from '../offsets.js';
import { placesFromUtf16 } from '../offsets.js';
import type { Surface } from '../surface.js';

/** Outputs that hold character spans, and no other labels. */
export const SPAN_OUTPUTS = ['doccano', 'prodigy', 'brat', 'spans'] as const;
export type SpanOutput = (typeof SPAN_OUTPUTS)[number];

/** A text, its tokens, and the spans of tokens. */
export interface SpannedText extends Surface {
  readonly spans: readonly Span[];
}

/** The default unit of each format's offsets: that of its tool. */
export const WRITTEN_UNITS: Readonly<Record<SpanOutput, OffsetUnit>> = {
  doccano: 'utf16',
  prodigy: 'codepoints',
  brat: 'codepoints',
  spans: 'utf16',
};

/** Returns the spans of labels in any scheme; labels of another form are outside all spans. */
export function spansOfLabels(labels: readonly string[]): Span[] {
  return spansOf(labels.map((label) => (isPosition(label) ? label : 'O')));
}

/** Whether a label is a position in a span, in any scheme. */
export function isPosition(label: string): boolean {
  return /^[BIESLU](-|$)/u.test(label);
}

/** Returns one object and a line end. @param line number of the text in its input, from 1 */
export function spannedLine(
  { text, offsets, spans }: SpannedText,
  output: Exclude<SpanOutput, 'brat'>,
  unit: OffsetUnit,
  line: number,
): string {
  const place = placesFromUtf16(text, unit);
  const placed = spans.map(({ type, start, end }) => {
    const [from, to] = [offsets[start][0], offsets[end - 1][1]];
    return { type, start: place(from), end: place(to), text: text.slice(from, to), first: start, last: end - 1 };
  });
  const object = {
    doccano: () => ({ text, label: placed.map(({ start, end, type }) => [start, end, type]) }),
    prodigy: () => ({
      text,
      tokens: offsets.map(([from, to], id) => ({ text: text.slice(from, to), start: place(from), end: place(to), id, ws: text[to] === ' ' })), // prettier-ignore
      spans: placed.map(({ start, end, first, last, type }) => ({ start, end, token_start: first, token_end: last, label: type })), // prettier-ignore
      answer: 'accept',
    }),
    spans: () => ({ line, text, spans: placed.map(({ start, end, type, text: own }) => ({ start, end, type, text: own })), sentences: 1 }), // prettier-ignore
  }[output]();
  return `${JSON.stringify(object)}\n`;
}

/** Returns texts as a brat document, one text a line: the text file, and the annotation file that belongs to it. */
export function bratDocument(texts: readonly SpannedText[], unit: OffsetUnit): { text: string; annotations: string } {
  let [at, number] = [0, 0];
  const annotations: string[] = [];
  for (const { text, offsets, spans } of texts) {
    const place = placesFromUtf16(text, unit);
    for (const { type, start, end } of spans) {
      const [from, to] = [offsets[start][0], offsets[end - 1][1]];
      annotations.push(`T${++number}\t${type} ${at + place(from)} ${at + place(to)}\t${text.slice(from, to)}\n`);
    }
    at += place(text.length) + 1;
  }
  return { text: texts.map(({ text }) => `${text}\n`).join(''), annotations: annotations.join('') };
}
