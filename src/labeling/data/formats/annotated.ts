/**
 * JSON lines exported by annotation tools: a text, and spans given by character offsets.
 *
 *     doccano   {"text": "Ann sang", "label": [[0, 3, "PER"]]}                                  or "labels", or "entities"
 *               {"text": "Ann sang", "entities": [{"start_offset": 0, "end_offset": 3, "label": "PER"}]}, with relations, or "start" and "end"
 *     spans     {"text": "Ann sang", "spans": [{"start": 0, "end": 3, "type": "PER"}]}          as written by `bptt tag --output spans`
 *     prodigy   {"text": "Ann sang", "spans": [{"start": 0, "end": 3, "label": "PER"}]}         perhaps "tokens", "answer"
 *
 * A text is one sentence; it is split into tokens as raw text is, or by Prodigy's `tokens`. The resulting labels are in IOB2.
 *
 * The unit of the offsets differs. The page of doccano gets them from JavaScript, in UTF-16 code units
 * (https://github.com/doccano/doccano/issues/2290). Prodigy gets them from spaCy's tokens, in code points, as Python counts. So each format
 * is read in its own unit. If some span of a text does not begin and end at tokens in that unit, but every span does in the other, the
 * other unit is used and reported. This occurs in texts that a script labeled in advance. `offsetUnit` sets the unit explicitly; then no
 * other is tried.
 *
 * A span beyond the end of its text is bad data. A span that does not fit the tokens is dropped; of overlapping spans only the first is
 * kept (the longer one if two begin together). Both cases are counted and reported. Prodigy examples with an `answer` other than `accept`
 * are dropped and counted.
 */
import type { DataError } from '../../../tensor/errors.js';
import type { OffsetUnit } from '../offsets.js';
import { lengthIn, OFFSET_UNITS, placesToUtf16, UNIT_NAMES } from '../offsets.js';
import { createSegmenter } from '../segment.js';
import type { Sentence } from '../sentence.js';
import type { AnnotatedFormat } from './annotated-format.js';
import type { CharacterSpan, Places, SpanTally } from './character-spans.js';
import { createSpanTally, cuttingOf, labelsOfSpans } from './character-spans.js';
import type { LineParser } from './collect.js';
import { isBlank } from './detect.js';
import { jsonFields, shown } from './jsonl.js';
import { dataErrorAt, type ParseOptions } from './options.js';

const SHAPES: Readonly<Record<AnnotatedFormat, string>> = {
  doccano: 'write {"text": "…", "label": [[start, end, "TYPE"], …]}',
  prodigy: 'write {"text": "…", "spans": [{"start": 0, "end": 3, "label": "TYPE"}, …]}',
  spans: 'write {"text": "…", "spans": [{"start": 0, "end": 3, "type": "TYPE"}, …]}',
};

/** Fields that sentences hold, and those that add no information to them. */
const HELD: Readonly<Record<AnnotatedFormat, readonly string[]>> = {
  doccano: ['text', 'label', 'labels', 'entities'],
  prodigy: ['text', 'spans', 'tokens', 'answer'],
  spans: ['text', 'spans', 'line', 'sentences'],
};

/** The unit of each tool's offsets. */
export const USUAL_UNITS: Readonly<Record<AnnotatedFormat, OffsetUnit>> = {
  doccano: 'utf16',
  prodigy: 'codepoints',
  spans: 'utf16',
};

/** Returns a parser of such lines. */
export function createAnnotatedParser(format: AnnotatedFormat, options: ParseOptions): LineParser {
  const { source, labels: policy, maxTokens, cleaner, offsetUnit, like } = options;
  const cutting = cuttingOf(options);
  const segment = createSegmenter(cutting);
  const lost = { sentences: 0, tokens: 0 };
  const tally = createSpanTally(source);
  const named = offsetUnit ?? (like?.format === format ? like.offsetUnit : undefined);
  const units = named === undefined ? unitsFrom(USUAL_UNITS[format]) : [named];

  function parse(row: string, line: number): Sentence | undefined {
    const fail = (message: string): DataError => dataErrorAt(source, line, message);
    const fields = jsonFields(row, SHAPES[format], fail);
    const answer = fields.get('answer') ?? 'accept';
    if (format === 'prodigy' && answer !== 'accept') return void tally.add('answers', { line, type: String(answer) });
    const text = fields.get('text');
    if (typeof text !== 'string')
      throw fail(`expected "text", a string; got ${shown(fields, 'text')}: ${SHAPES[format]}`);
    for (const each of format === 'doccano' ? relationsIn(fields) : []) tally.add('relations', { line, type: each });
    const spans = policy === 'ignored' ? undefined : spansOf(format, fields, line, fail);
    if (spans === undefined && policy === 'required') throw fail(`expected spans; got none: ${SHAPES[format]}`);
    const own = format === 'prodigy' ? tokensOf(fields, text) : undefined;
    const offsets = own ?? segment(text).flatMap((sentence) => sentence.offsets);
    if (offsets.length === 0) throw fail('expected a text; got only white space: remove the line');
    if (offsets.length > maxTokens)
      throw fail(`the text has ${offsets.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`);
    const tokens = offsets.map(([start, end]) => cleaner.token(text.slice(start, end), line));
    options.onDropped?.('fields', [...fields.keys()].filter((name) => !HELD[format].includes(name)).length);
    const sentence = { tokens, line, ...(options.keepSource && { surface: { text, offsets } }) };
    if (spans === undefined) return sentence;
    const placed = placedSpans({ spans, text, offsets, units, tally, fail });
    return { ...sentence, labels: labelsOfSpans(placed, offsets, tally) };
  }

  return {
    reading: { format, ...(named && { offsetUnit: named }), ...cutting },
    push: (text, line) => (isBlank(text) ? undefined : parse(text, line)),
    end: () => undefined,
    spoil: () => void lost.sentences++,
    lost: () => lost,
    notes: () => tally.notes(),
  };
}

/** Both units, starting with the usual one. */
export function unitsFrom(usual: OffsetUnit): OffsetUnit[] {
  return [usual, ...OFFSET_UNITS.filter((unit) => unit !== usual)];
}

/** The spans of a text in code units: by the first unit in which all of them fit the tokens, else by the first. */
function placedSpans(given: {
  readonly spans: readonly CharacterSpan[];
  readonly text: string;
  readonly offsets: Places;
  readonly units: readonly OffsetUnit[];
  readonly tally: SpanTally;
  readonly fail: (message: string) => DataError;
}): CharacterSpan[] {
  const { spans, text, offsets, units, tally, fail } = given;
  const [starts, ends] = [new Set(offsets.map(([from]) => from)), new Set(offsets.map(([, to]) => to))];
  const misfit = (place: (at: number) => number | undefined) =>
    spans.find(({ start, end }) => start >= end || !starts.has(place(start) ?? -1) || !ends.has(place(end) ?? -1));
  const unit = units.find((each) => misfit(placesToUtf16(text, each)) === undefined) ?? units[0];
  const place = placesToUtf16(text, unit);
  if (unit !== units[0]) tally.addUnit(unit, misfit(placesToUtf16(text, units[0]))!);
  return spans.map((span) => {
    const [start, end] = [place(span.start), place(span.end)];
    if (start !== undefined && end !== undefined) return { ...span, start, end };
    const length = `${lengthIn(text, unit)} ${UNIT_NAMES[unit]}`;
    throw fail(
      `the span [${span.start}, ${span.end}] (${span.type}) ends beyond its text, which has ${length}: correct its offsets, or set their unit (--offset-unit)`,
    );
  });
}

function spansOf(
  format: AnnotatedFormat,
  fields: ReadonlyMap<string, unknown>,
  line: number,
  fail: (message: string) => DataError,
): CharacterSpan[] | undefined {
  const name =
    format === 'doccano' ? (['label', 'labels', 'entities'].find((each) => fields.has(each)) ?? 'labels') : 'spans';
  const value = fields.get(name) ?? undefined;
  if (value === undefined) return undefined;
  const spans = Array.isArray(value) ? value.map((each) => spanOf(format, each, line)) : [undefined];
  if (spans.every((span) => span !== undefined)) return spans;
  throw fail(
    `expected "${name}", a list of spans whose end is not before their start; got ${shown(fields, name)}: ${SHAPES[format]}`,
  );
}

/** The types of the relations that doccano lists along with its entities. */
function relationsIn(fields: ReadonlyMap<string, unknown>): string[] {
  const all = fields.get('relations');
  return Array.isArray(all)
    ? (all as unknown[]).map((each) => String((each as { type?: unknown } | null)?.type ?? '?'))
    : [];
}

function spanOf(format: AnnotatedFormat, value: unknown, line: number): CharacterSpan | undefined {
  const { start, end, label, type: own, start_offset: begin = start, end_offset: behind = end } = (value ?? {}) as Record<string, unknown>; // prettier-ignore
  const places = format === 'doccano' ? [begin, behind] : [start, end];
  const listed = format === 'doccano' && Array.isArray(value) ? (value as unknown[]) : undefined;
  const parts = listed ?? [...places, format === 'spans' ? own : label];
  const isPlace = (at: unknown): at is number => Number.isInteger(at) && Number(at) >= 0;
  const [from, to, type] = parts;
  if (parts.length !== 3 || !isPlace(from) || !isPlace(to) || typeof type !== 'string' || type.trim() === '')
    return undefined;
  return from <= to ? { start: from, end: to, type: type.trim(), line } : undefined;
}

/** The ranges of Prodigy's own tokens, in code units; undefined if there are none, or they do not fit the text. */
function tokensOf(fields: ReadonlyMap<string, unknown>, text: string): Places | undefined {
  const value = fields.get('tokens');
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const ways = unitsFrom(USUAL_UNITS.prodigy).map((unit) => placesToUtf16(text, unit));
  const places = (value as unknown[]).map((token) => {
    const { text: own, start, end } = (token ?? {}) as Record<string, unknown>;
    const found = ways.map((place) => [place(Number(start)), place(Number(end))]);
    return found.find(([from, to]) => from !== undefined && to !== undefined && text.slice(from, to) === own) as [number, number] | undefined; // prettier-ignore
  });
  return places.every((place) => place !== undefined)
    ? places.filter(([a, b]) => text.slice(a, b).trim() !== '')
    : undefined;
}
