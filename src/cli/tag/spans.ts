/** `bptt tag --output spans`: one JSON object per line of text, with the spans of its labels. */
import type { ByteChunks, ReadOptions } from '../../labeling/data/formats/index.js';
import { lineBlocks } from '../../labeling/data/formats/index.js';
import { NoSentencesError } from '../../labeling/data/formats/lines.js';
import { dataErrorAt } from '../../labeling/data/formats/options.js';
import { jsonFields, shown } from '../../labeling/data/formats/jsonl.js';
import { inputName, openBytes, openSentences } from '../../labeling/data/files.node.js';
import { shortToken } from '../../labeling/data/long-tokens.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import type { SegmentOptions } from '../../labeling/data/segment.js';
import { surfaceOf } from '../../labeling/data/surface.js';
import type { OffsetUnit } from '../../labeling/data/offsets.js';
import type { CutSentence } from '../../labeling/model/entities.js';
import { askedForEntities, entitiesOf, textCutter } from '../../labeling/model/entities.js';
import type { Model } from '../../labeling/model/model.js';
import type { Tagger } from '../../labeling/model/tagger.js';
import { watched } from './raw.js';
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

/** How the lines are read. */
export interface SpanInput {
  readonly file: string;
  /** Its bytes, if already open. */
  readonly bytes?: ByteChunks;
  /** For tokenized input; absent for raw text. */
  readonly read?: ReadOptions;
  readonly cutting: SegmentOptions;
  readonly warnings: NoteCollector;
}

/** Names of fields that the output itself uses. */
const OWN = ['line', 'text', 'spans', 'sentences', 'label', 'probability'];

/** The lines of an input: raw text, JSON lines with texts or tokens, or sentences in another format. */
export function spanLines(model: Model, input: SpanInput): AsyncIterable<SpanLine> {
  const { read } = input;
  if (read === undefined) return rawLines(model, input);
  return read.format === 'jsonl' ? jsonLines(model, input, read) : tokenized(input, read);
}

async function* rawLines(model: Model, { file, bytes, cutting, warnings }: SpanInput): AsyncGenerator<SpanLine> {
  const source = inputName(file);
  const cut = textCutter(cutting, model.input);
  let found = false;
  const chunks = watched(bytes ?? (await openBytes(file)), model, source, warnings, 'spans');
  for await (const { first, lines } of lineBlocks(chunks, source)) {
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
  { file, bytes, cutting, warnings }: SpanInput,
  { badLines }: ReadOptions,
): AsyncGenerator<SpanLine> {
  const source = inputName(file);
  const cut = textCutter(cutting, model.input);
  const lost = new Set<string>();
  let [found, bad, dropped] = [false, 0, 0];
  for await (const { first, lines } of lineBlocks(bytes ?? (await openBytes(file)), source)) {
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
        if (++bad <= 10) warnings.add({ kind: 'bad-line', message: error.message, source, line: first + i });
      }
    }
  }
  if (bad > 0) warnings.add({ kind: 'bad-lines-left-out', message: `${source}: ${counted(bad, 'bad line')} left out`, source, count: bad }); // prettier-ignore
  if (dropped > 0) {
    const message = `${source}: fields of the input called ${[...lost].join(', ')} are not copied in ${counted(dropped, 'line')}: the output has fields of these names; rename them to keep them`;
    warnings.add({ kind: 'fields', message, source, count: dropped });
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

async function* tokenized({ file, bytes }: SpanInput, read: ReadOptions): AsyncGenerator<SpanLine> {
  const how = { ...read, ...(read.format === 'conllu' && { keepLines: true }) };
  for await (const sentence of openSentences(file, how, bytes)) {
    const { tokens, line } = sentence;
    const { text, offsets } = surfaceOf(sentence);
    yield { tokens, text, sentences: [{ tokens, offsets }], ...(line !== undefined && { line }) };
  }
}

/** Output lines. @param before number of preceding sentences in the input, since sentences are numbered through the whole input */
export function spanText(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  unit: OffsetUnit,
  group: readonly SpanLine[],
  before: number,
): string {
  const { model } = tagger;
  const sentences = group.flatMap((each) => each.sentences.map(({ tokens }) => tokens));
  const predictions = tagger.tag(sentences, askedForEntities(model));
  const found = entitiesOf(model, group, predictions, unit);
  let [next, number] = [0, before];
  const lines = group.map(({ line, text, sentences: own, fields }, i) => {
    const spans = found[i].map((entity) => ({ ...entity, sentence: number + entity.sentence }));
    const said = own.length === 1 ? predictions[next] : undefined;
    const whole = said?.category === undefined ? {} : { label: said.category };
    next += own.length;
    number += own.length;
    return `${JSON.stringify({ line, text, spans, sentences: own.length, ...whole, ...fields })}\n`;
  });
  return lines.join('');
}
