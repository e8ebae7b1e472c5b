/** How an input of `bptt tag` is read: by chunks if each can be read by itself, or by a reader that needs all of it. */
import { inputName, openClassified, openPairs, openSentences, slotFolder } from '../../labeling/data/files.node.js';
import type { ReadOptions } from '../../labeling/data/formats/index.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import type { Model } from '../../labeling/model/model.js';
import type { SegmentOptions } from '../../labeling/data/segment.js';
import { ArgumentError } from '../../tensor/index.js';
import { classifiedOptionsOf, readOptionsOf, refuseForRawText } from '../reading-options.js';
import type { ChunkReading } from './chunk-jobs.js';
import { labelsSentences } from './heads.js';
import { inPiece, readable } from './input.js';
import type { TagInput } from './input.js';
import type { TagOptions as Options } from './options.js';
import type { RouteContext } from './route.js';
import type { SpanLine } from './spans.js';
import { spanLinesOfFile } from './spans.js';

/** Formats in which each line, or each sentence between blank lines, is independent. */
const APART: readonly (string | undefined)[] = ['conllu', 'slashed', 'jsonl', 'doccano', 'prodigy', 'spans'];

/** How the chunks of an input are read; undefined if its reader is stateful, or if it has several files. */
export async function chunkReading({
  model,
  input,
  options,
  warnings,
}: RouteContext): Promise<ChunkReading | undefined> {
  const source = inputName(input.path);
  const { format, output } = options;
  if (output === 'spans') return spanReading(model, input, options, warnings);
  if (format === undefined) {
    if (output === 'conllu') refuseForRawText(options);
    await noteFolder(input.path, warnings);
    const kind = labelsSentences(model) ? 'lines' : 'text';
    return { kind, source, cutting: cuttingOf(model, options) };
  }
  if (labelsSentences(model) || !APART.includes(format)) return undefined;
  const read = { ...tokenizedOptions(model, input.path, options, warnings), source };
  return { kind: output === 'conllu' && input.conllu ? 'own' : 'sentences', read };
}

/** How the chunks of an input are read for the output spans. */
function spanReading(
  model: Model,
  { path }: TagInput,
  options: Options,
  warnings: NoteCollector,
): ChunkReading | undefined {
  const { format } = options;
  const cutting = rawOptions({ ...options, ...(format === 'jsonl' && { format: undefined }) });
  if (format === undefined) return { kind: 'spans', source: inputName(path), cutting };
  if (!APART.includes(format)) return undefined;
  const source = inputName(path);
  return { kind: 'spans', source, cutting, read: { ...tokenizedOptions(model, path, options, warnings), source } };
}

/** A reading without functions, which can be sent to a worker. */
export function sendable(reading: ChunkReading): ChunkReading {
  if (!('read' in reading) || reading.read === undefined) return reading;
  return { ...reading, read: { ...reading.read, onNote: undefined } } as ChunkReading;
}

/** Formats whose readers are stateful: they learn which lines are comments. */
const LEARNING: readonly (string | undefined)[] = ['conll', 'two-column'];

/** Sentences whose words are to be labeled, in a format with a stateful reader or with several files. */
export async function taggedInput({ model, input, options, warnings }: RouteContext): Promise<AsyncIterable<Sentence>> {
  const { format } = options;
  const read = tokenizedOptions(model, input.path, options, warnings);
  if (input.pairs !== undefined) return inPiece(input, openPairs(input.pairs, read));
  const bytes = input.piece && format !== 'slots' ? await readable(input, LEARNING.includes(format)) : undefined;
  return inPiece(input, openSentences(input.path, read, bytes));
}

/** The same, as lines whose spans are written. */
export async function taggedLines({ model, input, options, warnings }: RouteContext): Promise<AsyncIterable<SpanLine>> {
  const bytes = input.piece && (await readable(input, true));
  return spanLinesOfFile(input.path, tokenizedOptions(model, input.path, options, warnings), bytes);
}

/** How a tokenized input is read. */
function tokenizedOptions(model: Model, file: string, options: Options, warnings: NoteCollector): ReadOptions {
  if (!(options.output === 'spans' && options.format === 'jsonl')) rawOptions(options); // rejects the options of raw text
  const reading = { ...options, column: undefined, tokenizer: undefined, locale: undefined };
  return {
    badLines: file === '-' ? 'stop' : 'list',
    ...readOptionsOf(reading, warnings, model.input),
    labels: 'ignored',
  };
}

/** How raw text is tokenized: as specified, else as stored in the model. */
function cuttingOf(model: Model, options: Options): SegmentOptions {
  const { tokenizer, locale } = model.input ?? {};
  return { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }), ...rawOptions(options) };
}

/** Sentences to be labeled, in a given format. */
export async function classifiedInput({
  model,
  input,
  options,
  warnings,
}: RouteContext): Promise<AsyncIterable<Sentence>> {
  const { path } = input;
  const bytes = input.piece && options.format !== 'slots' ? await readable(input) : undefined;
  const settings = classifiedOptionsOf(options, warnings, model.input);
  const read = { badLines: path === '-' ? 'stop' : 'list', ...settings, labels: 'ignored' } as const;
  return inPiece(input, openClassified(path, read, bytes));
}

async function noteFolder(file: string, warnings: NoteCollector): Promise<void> {
  const folder = await slotFolder(file);
  if (folder === undefined || folder === file) return;
  const message = `${inputName(file)} is read as raw text; with --format slots its words are used as they are`;
  warnings.add({ kind: 'raw-text', message, source: inputName(file) });
}

/** How raw text is tokenized. @throws ArgumentError if the input is already tokenized */
function rawOptions({ format, locale, tokenizer }: Pick<Options, 'format' | 'locale' | 'tokenizer'>): SegmentOptions {
  const options = { ...(locale !== undefined && { locale }), ...(tokenizer !== undefined && { tokenizer }) };
  if (format === undefined || Object.keys(options).length === 0) return options;
  throw new ArgumentError(`--${Object.keys(options)[0]} applies only to raw text: leave it out, or leave out --format`);
}
