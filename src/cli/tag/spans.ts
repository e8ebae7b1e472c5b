/** `bptt tag --output spans`: one JSON object per line of text, with the spans of its labels. */
import type { ByteChunks, ReadOptions } from '../../labeling/data/formats/index.js';
import { lineBlocks } from '../../labeling/data/formats/index.js';
import { NoSentencesError } from '../../labeling/data/formats/lines.js';
import { dataErrorAt, parseOptions } from '../../labeling/data/formats/options.js';
import { readParsed } from '../../labeling/data/formats/read.js';
import type { Cleaner } from '../../labeling/data/formats/clean.js';
import { jsonFields, shown } from '../../labeling/data/formats/jsonl.js';
import { openSentences } from '../../labeling/data/files.node.js';
import { shortToken } from '../../labeling/data/long-tokens.js';
import type { SegmentOptions } from '../../labeling/data/segment.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { surfaceOf } from '../../labeling/data/surface.js';
import type { OffsetUnit } from '../../labeling/data/offsets.js';
import type { CutSentence } from '../../labeling/model/entities.js';
import { askedForEntities, entitiesOf, textCutter } from '../../labeling/model/entities.js';
import type { Model } from '../../labeling/model/model.js';
import type { Tagger } from '../../labeling/model/tagger.js';
import { DataError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';

/** A line of text, or a tokenized sentence, with the output fields in addition to its spans. */
export interface SpanLine {
  /** All tokens, which determine the size of the line. */
  readonly tokens: readonly string[];
  readonly line?: number;
  readonly text: string;
  readonly sentences: readonly CutSentence[];
  /** Fields of the input that are passed through. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** How the lines are read. Plain data, except for the listener for notes. */
export interface SpanReading {
  readonly source: string;
  /** For tokenized input; absent for raw text. */
  readonly read?: ReadOptions;
  readonly cutting: SegmentOptions;
}

/** Names of fields that the output itself uses. */
const OWN = ['line', 'text', 'spans', 'sentences', 'label', 'probability'];

/**
 * The lines of an input: raw text, JSON lines with texts or tokens, or sentences in another format.
 *
 * @param cleaner that of the input, if part of it has already been read
 */
export function spanLines(
  model: Model,
  reading: SpanReading,
  bytes: ByteChunks,
  cleaner?: Cleaner,
): AsyncIterable<SpanLine> {
  const { read } = reading;
  if (read === undefined) return rawLines(model, reading, bytes);
  if (read.format === 'jsonl') return jsonLines(model, reading, read, bytes);
  return surfacesOf(readParsed(bytes, { ...parseOptions(linesKept(read)), ...(cleaner && { cleaner }) }));
}

/** The lines of a file or folder of tokenized sentences, in any format. @param bytes the file, if it is already open */
export function spanLinesOfFile(path: string, read: ReadOptions, bytes?: ByteChunks): AsyncIterable<SpanLine> {
  return surfacesOf(openSentences(path, linesKept(read), bytes));
}

async function* rawLines(model: Model, { source, cutting }: SpanReading, bytes: ByteChunks): AsyncGenerator<SpanLine> {
  const cut = textCutter(cutting, model.input);
  let found = false;
  for await (const { first, lines } of lineBlocks(bytes, source)) {
    for (const [i, text] of lines.entries()) {
      const line = lineOf(cut(text), source, first + i);
      found ||= line.tokens.length > 0;
      yield line;
    }
  }
  if (!found) throw new NoSentencesError(`${source}: no sentences: the input is empty or white space only`);
}

function lineOf(cut: Pick<SpanLine, 'text' | 'sentences'>, source: string, line: number): SpanLine {
  const tokens = cut.sentences.flatMap((sentence) => sentence.tokens);
  for (const token of tokens) shortToken(token, source, line);
  return { ...cut, tokens, line };
}

/** JSON lines: `{"text": …}`, or `{"tokens": […]}`, with fields that are passed through. */
async function* jsonLines(
  model: Model,
  { source, cutting }: SpanReading,
  { badLines, onNote }: ReadOptions,
  bytes: ByteChunks,
): AsyncGenerator<SpanLine> {
  const cut = textCutter(cutting, model.input);
  const lost = new Set<string>();
  let [found, bad, dropped] = [false, 0, 0];
  for await (const { first, lines } of lineBlocks(bytes, source)) {
    for (const [i, row] of lines.entries()) {
      if (row.trim() === '') continue;
      try {
        const { line, clashes } = objectOf(row, source, first + i, cut);
        if (clashes.length > 0) dropped++;
        for (const name of clashes) lost.add(name);
        found = true;
        yield line;
      } catch (error) {
        if (!(error instanceof DataError) || badLines !== 'skip') throw error;
        if (++bad <= 10) onNote?.({ kind: 'bad-line', message: error.message, source, line: first + i });
      }
    }
  }
  if (bad > 0) onNote?.({ kind: 'bad-lines-left-out', message: `${source}: ${counted(bad, 'bad line')} left out`, source, count: bad }); // prettier-ignore
  if (dropped > 0) {
    const message = `${source}: fields of the input called ${[...lost].join(', ')} are not copied in ${counted(dropped, 'line')}: the output has fields of these names; rename them to keep them`;
    onNote?.({ kind: 'fields', message, source, count: dropped });
  }
  if (!found) throw new NoSentencesError(`${source}: no sentences: the input is empty or white space only`);
}

function objectOf(row: string, source: string, line: number, cut: ReturnType<typeof textCutter>) {
  const fail = (message: string): DataError => dataErrorAt(source, line, message);
  const fields = jsonFields(row, 'write {"text": "…"} or {"tokens": […]}', fail);
  const [text, tokens] = [fields.get('text'), fields.get('tokens')];
  const isList = Array.isArray(tokens) && tokens.every((token) => typeof token === 'string' && token !== '');
  if (typeof text !== 'string' && !isList) {
    const name = fields.has('tokens') ? 'tokens' : 'text';
    throw fail(`expected "text", a string, or "tokens", an array of strings that are not empty; got ${shown(fields, name)}`); // prettier-ignore
  }
  const made = typeof text === 'string' ? lineOf(cut(text), source, line) : lineOf(joined(tokens as string[]), source, line); // prettier-ignore
  const others = [...fields].filter(([name]) => !['text', ...(typeof text === 'string' ? [] : ['tokens'])].includes(name)); // prettier-ignore
  const clashes = others.map(([name]) => name).filter((name) => OWN.includes(name));
  const kept = Object.fromEntries(others.filter(([name]) => !OWN.includes(name)));
  return { line: { ...made, fields: kept }, clashes };
}

function joined(tokens: readonly string[]): Pick<SpanLine, 'text' | 'sentences'> {
  const { text, offsets } = surfaceOf({ tokens });
  return { text, sentences: [{ tokens, offsets }] };
}

async function* surfacesOf(sentences: AsyncIterable<Sentence>): AsyncGenerator<SpanLine> {
  for await (const sentence of sentences) {
    const { tokens, line } = sentence;
    const { text, offsets } = surfaceOf(sentence);
    yield { tokens, text, sentences: [{ tokens, offsets }], ...(line !== undefined && { line }) };
  }
}

/** CoNLL-U has the text of a sentence in its comments. */
function linesKept(read: ReadOptions): ReadOptions {
  return { ...read, ...(read.format === 'conllu' && { keepLines: true }) };
}

/** Precedes the numbers of sentences that count from a chunk: a byte that JSON never contains. */
const MARK = 1;

/**
 * Output lines.
 *
 * @param before number of preceding sentences in the input, since sentences are numbered through the whole input
 * @param marked whether these are only those of a chunk: `numberedFrom` corrects the numbers
 */
export function spanText(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  unit: OffsetUnit,
  group: readonly SpanLine[],
  before: number,
  marked = false,
): string {
  const { model } = tagger;
  const sentences = group.flatMap((each) => each.sentences.map(({ tokens }) => tokens));
  const predictions = tagger.tag(sentences, askedForEntities(model));
  const found = entitiesOf(model, group, predictions, unit);
  let [next, number] = [0, before];
  const lines = group.map(({ line, text, sentences: own, fields }, i) => {
    const spans = JSON.stringify(found[i].map((entity) => ({ ...entity, sentence: number + entity.sentence })));
    const said = own.length === 1 ? predictions[next] : undefined;
    const whole = said?.category === undefined ? {} : { label: said.category };
    next += own.length;
    number += own.length;
    // Quotes inside strings are escaped, so that only keys match.
    const numbered = marked ? spans.replaceAll('"sentence":', `"sentence":${String.fromCharCode(MARK)}`) : spans;
    const [start, end] = [{ line, text }, { sentences: own.length, ...whole, ...fields }].map((part) => JSON.stringify(part)); // prettier-ignore
    return `${start.slice(0, -1)},"spans":${numbered},${end.slice(1)}\n`;
  });
  return lines.join('');
}

/** The output of a chunk, whose sentences follow `before` others. */
export function numberedFrom(bytes: Uint8Array, before: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let mark = bytes.indexOf(MARK); mark >= 0; mark = bytes.indexOf(MARK, start)) {
    let [end, number] = [mark + 1, 0];
    for (; bytes[end] >= ZERO && bytes[end] <= ZERO + 9; end++) number = 10 * number + bytes[end] - ZERO;
    parts.push(bytes.subarray(start, mark), Buffer.from(String(before + number)));
    start = end;
  }
  return Buffer.concat([...parts, bytes.subarray(start)]);
}

const ZERO = 0x30;
