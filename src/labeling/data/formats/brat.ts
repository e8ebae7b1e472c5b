/**
 * brat standoff (https://brat.nlplab.org/standoff.html): a text file, and an annotation file with one annotation a line.
 *
 *     T1   PER 0 3        Ann           a span: type, character offsets, the text there; tabs between the columns
 *     T2   PER 0 3;8 11   Ann Lee       a span of several parts
 *     R, *, E, A, M, N, #               relations, events, attributes, normalizations, notes: counted, and dropped
 *
 * Every line of the text is a sentence, split into tokens as raw text is. The resulting labels are in IOB2.
 *
 * Offsets count code points, including line ends, as in Python. An annotation quotes its text, which reveals how a file counts: a line end
 * CR LF as two or as one, with or without a byte order mark, and, unless `offsetUnit` names a unit, in UTF-16 code units if only these fit
 * (which is noted). An offset beyond the text, or an annotation that quotes a different text, is bad data. Spans that do not fit the
 * tokens, overlap, continue in another line, or have tokens between their parts are dropped, counted and noted.
 */
import { DataError } from '../../../tensor/errors.js';
import type { OffsetUnit } from '../offsets.js';
import { lengthIn, placesToUtf16, UNIT_NAMES } from '../offsets.js';
import { createSegmenter } from '../segment.js';
import type { Sentence } from '../sentence.js';
import { unitsFrom } from './annotated.js';
import type { BadLines } from './bad-lines.js';
import { createBadLines } from './bad-lines.js';
import type { BratSpan } from './brat-lines.js';
import { bratLine } from './brat-lines.js';
import type { CharacterSpan, SpanTally } from './character-spans.js';
import { createSpanTally, cuttingOf, labelsOfSpans } from './character-spans.js';
import { isBlank } from './detect.js';
import { checkedBlocks } from './lines.js';
import { dataErrorAt, parseOptions, quote, rejectUnused, type ParseOptions, type ReadOptions } from './options.js';
import { normalizer, withMark } from './read.js';

/** A file: its name in messages, and its bytes. */
export interface BratFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A text and its annotations; these may be absent if labels are not required. */
export interface BratDocument {
  readonly text: BratFile;
  readonly annotations?: BratFile;
}

/** Reads the sentences of documents, one document after another. @throws DataError on bad data (handled according to `badLines`) */
export async function* readBrat(
  documents: AsyncIterable<BratDocument>,
  options: ReadOptions = {},
): AsyncGenerator<Sentence> {
  const settings = parseOptions(options);
  rejectUnused('brat', options);
  const { source, cleaner, onNote, like, offsetUnit } = settings;
  const cutting = cuttingOf(settings);
  const named = offsetUnit ?? (like?.format === 'brat' ? like.offsetUnit : undefined);
  settings.onReading?.(withMark({ format: 'brat', ...(named && { offsetUnit: named }), ...cutting }, settings));
  const tally = createSpanTally(source);
  const bad = createBadLines(settings);
  const lost = { sentences: 0, tokens: 0 };
  const normalize = normalizer(settings);
  const reader = createDocumentReader(settings, named, tally, bad);
  let count = 0;
  try {
    for await (const document of documents) {
      const { sentences, spoiled } = await reader(document);
      count += sentences.length;
      if (spoiled) {
        lost.sentences += sentences.length;
        lost.tokens += sentences.reduce((sum, { tokens }) => sum + tokens.length, 0);
      } else if (!bad.listing) yield* sentences.map(normalize);
    }
  } finally {
    for (const note of [cleaner.note(source), ...tally.notes()]) if (note) onNote?.(note);
  }
  bad.finish(lost);
  if (count === lost.sentences) {
    const what = count > 0 ? 'documents with bad lines' : 'blank texts';
    throw new DataError(`${source}: no sentences: the input has only ${what}`);
  }
}

/**
 * Reads one document after another. A bad annotation line spoils the whole document, because the meaning of its annotations is then
 * unknown.
 */
function createDocumentReader(settings: ParseOptions, named: OffsetUnit | undefined, tally: SpanTally, bad: BadLines) {
  const segment = createSegmenter(cuttingOf(settings));
  const { labels, cleaner, maxTokens, maxLineBytes, keepSource } = settings;
  const units = named === undefined ? unitsFrom('codepoints') : [named];
  return async ({ text: textFile, annotations }: BratDocument) => {
    let spoiled = false;
    const spoil = (error: DataError, line: number, fatal?: boolean): void => {
      spoiled = true;
      bad.take(error, line, fatal);
    };
    await checkedLines(textFile, maxLineBytes, spoil);
    const raw = spoiled ? '' : new TextDecoder('utf-8', { ignoreBOM: true }).decode(textFile.bytes);
    const file = labels === 'ignored' ? undefined : annotations;
    const spans = file && (await spansOf(file, maxLineBytes, tally, spoil));
    const { text, found } = placed(spans ?? [], raw, units, { text: textFile.name, annotations: file?.name ?? '', tally, spoil }); // prettier-ignore
    const own = { add: (...[kind, at]: Parameters<SpanTally['add']>) => tally.add(kind, at, file?.name) };
    const sentences = linesIn(text).flatMap(({ start, content }, i): Sentence[] => {
      const offsets = segment(content).flatMap((part) => part.offsets);
      const tokens = offsets.map(([from, to]) => cleaner.token(content.slice(from, to), i + 1));
      if (tokens.length === 0) return [];
      if (tokens.length > maxTokens) {
        const message = `the line has ${tokens.length} tokens, more than ${maxTokens}: split it, or raise maxTokens`;
        spoil(dataErrorAt(textFile.name, i + 1, message), i + 1);
      }
      const sentence = { tokens, line: i + 1, ...(keepSource && { surface: { text: content, offsets } }) };
      if (spans === undefined) return [sentence];
      const here = inLine(found, start, content, own);
      return [{ ...sentence, labels: labelsOfSpans(here, offsets, own) }];
    });
    return { sentences, spoiled };
  };
}

type Spoil = (error: DataError, line: number, fatal?: boolean) => void;

/** The lines of a file that are valid text. */
async function checkedLines({ name, bytes }: BratFile, maxLineBytes: number | undefined, spoil: Spoil) {
  const found: { row: string; line: number }[] = [];
  for await (const { first, lines, faults } of checkedBlocks([bytes], name, maxLineBytes)) {
    lines.forEach((row, i) => {
      const fault = faults.get(i);
      if (fault) spoil(fault.error, first + i, fault.fatal);
      else found.push({ row, line: first + i });
    });
  }
  return found;
}

/** The spans of an annotation file; other annotations are counted. */
async function spansOf(
  file: BratFile,
  maxLineBytes: number | undefined,
  tally: SpanTally,
  spoil: Spoil,
): Promise<BratSpan[]> {
  const spans: BratSpan[] = [];
  for (const { row, line } of await checkedLines(file, maxLineBytes, spoil)) {
    if (isBlank(row)) continue;
    try {
      const said = bratLine(row, file.name, line);
      if (typeof said === 'string') tally.add(said, { line, type: row.split('\t')[0] }, file.name);
      else spans.push(said);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      spoil(error, line);
    }
  }
  return spans;
}

/** A span whose parts are offsets in code units. */
interface PlacedSpan extends BratSpan {
  readonly parts: readonly (readonly [start: number, end: number])[];
}

/** The spans by the first interpretation of the offsets for which all of them match the text that they quote. */
function placed(
  spans: readonly BratSpan[],
  raw: string,
  units: readonly OffsetUnit[],
  at: { readonly text: string; readonly annotations: string; readonly tally: SpanTally; readonly spoil: Spoil },
): { text: string; found: PlacedSpan[] } {
  const ways = units.flatMap((unit) => layoutsOf(raw).map((text) => ({ unit, text })));
  const tried = ways.map(({ unit, text }) => ({ unit, text, ...inUnits(spans, text, unit, at.text) }));
  const { unit, text, found, faults } = tried.find((way) => way.faults.length === 0) ?? tried[0];
  for (const { message, line } of faults) at.spoil(dataErrorAt(at.annotations, line, message), line);
  if (unit !== units[0]) at.tally.addUnit(unit, tried[0].faults[0], at.annotations);
  return { text, found };
}

/** The texts that offsets may refer to: as it is, with a line feed for each CR LF, and without a byte order mark. */
function layoutsOf(raw: string): string[] {
  const bare = raw.replace(/^\ufeff/, '');
  return [...new Set([raw, bare, raw.replaceAll('\r\n', '\n'), bare.replaceAll('\r\n', '\n')])];
}

interface Fault {
  readonly message: string;
  readonly line: number;
  readonly type: string;
}

function inUnits(spans: readonly BratSpan[], text: string, unit: OffsetUnit, name: string) {
  const place = placesToUtf16(text, unit);
  const faults: Fault[] = [];
  const found = spans.flatMap((span): PlacedSpan[] => {
    const { type, line } = span;
    const places = span.parts.map((part) => part.join(' ')).join(';');
    const parts = span.parts.map(([start, end]) => [place(start), place(end)] as const);
    const inside = parts.filter((part): part is readonly [number, number] => part[1] !== undefined);
    if (inside.length < parts.length) {
      const length = `${lengthIn(text, unit)} ${UNIT_NAMES[unit]}`;
      const message = `the span ${places} (${type}) ends beyond ${name}, which has ${length}: correct its offsets, or set their unit (--offset-unit)`;
      faults.push({ message, line, type });
      return [];
    }
    const there = inside.map(([start, end]) => text.slice(start, end)).join(' ');
    if (span.text !== undefined && squeezed(span.text) !== squeezed(there)) {
      const message = `the text at ${places} of ${name} is ${quote(there)}, not ${quote(span.text)}: correct the offsets, or set their unit (--offset-unit)`;
      faults.push({ message, line, type });
    }
    return [{ ...span, parts: inside }];
  });
  return { found, faults };
}

const squeezed = (text: string): string => text.replace(/\s+/gu, ' ').trim();

/** The lines of a text, without their ends, and the offset of each. */
function linesIn(text: string): { start: number; content: string }[] {
  let start = 0;
  return text.split('\n').map((line) => {
    const found = { start, content: line.replace(/\r$/, '') };
    start += line.length + 1;
    return found;
  });
}

/** The spans that begin in a line, with offsets relative to it; those that labels cannot represent are counted. */
function inLine(
  spans: readonly PlacedSpan[],
  start: number,
  content: string,
  tally: Pick<SpanTally, 'add'>,
): CharacterSpan[] {
  const end = start + content.length;
  return spans.flatMap(({ parts, type, line }): CharacterSpan[] => {
    const [from, to] = [parts[0][0], parts.at(-1)![1]];
    if (from < start || from > end) return [];
    const apart = parts.some(
      ([begin], i) => i > 0 && content.slice(parts[i - 1][1] - start, begin - start).trim() !== '',
    );
    if (to > end) tally.add('crossing', { line, type });
    else if (apart) tally.add('discontinuous', { line, type });
    else return [{ start: from - start, end: to - start, type, line }];
    return [];
  });
}
