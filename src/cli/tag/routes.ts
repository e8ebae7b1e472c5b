/**
 * The routes of `bptt tag` from an input to an output: how each input is read, which jobs the tagger gets, and what is written
 * for its answers.
 */
import { inputName, openClassified, openPairs, openSentences, slotFolder } from '../../labeling/data/files.node.js';
import { createCleaner } from '../../labeling/data/formats/clean.js';
import type { ByteChunks, ReadOptions } from '../../labeling/data/formats/index.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import type { Model } from '../../labeling/model/model.js';
import type { SegmentOptions } from '../../labeling/data/segment.js';
import { ArgumentError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { groupsOf } from '../groups.js';
import { classifiedOptionsOf, readOptionsOf, refuseForRawText } from '../reading-options.js';
import type { ChunkReading } from './chunk-jobs.js';
import { sentencesFrom } from './chunk-jobs.js';
import { openChunks } from './chunk-route.js';
import { conlluFlow } from './conllu.js';
import { conlluHeads, labelsSentences, ownColumns, tokenHeads } from './heads.js';
import { inPiece, readable } from './input.js';
import type { TagInput } from './input.js';
import { TOKENS_AT_ONCE } from './jobs.js';
import type { TagJob, TagResult, TagSettings } from './jobs.js';
import type { TagOptions as Options } from './options.js';
import type { Route, RouteContext } from './route.js';
import { noteSpelled } from './route.js';
import { watched } from './raw.js';
import { spanLines } from './spans.js';

/**
 * Chooses the route for an input.
 *
 * @param chunkBytes minimum size of a chunk, if the input can be cut; 0 reads it as one stream
 */
export async function openRoute(given: Omit<RouteContext, 'seen'>, chunkBytes?: number): Promise<Route> {
  const { model, input } = given;
  const asOwn = given.options.output === 'conllu' && input.conllu;
  const options = asOwn ? ({ ...given.options, format: 'conllu' } as const) : given.options;
  const context = { ...given, options, seen: { spelled: 0, cleaner: createCleaner(inputName(input.path)) } };
  if (options.output === 'spans') return spanRoute(context);
  if (options.format === undefined) context.input = watchedInput(context);
  const reading = await chunkReading(context);
  if (reading === undefined) {
    return plainRoute(context, labelsSentences(model) ? await classifiedInput(context) : await taggedInput(context));
  }
  if (chunkBytes === 0) return streamRoute(context, reading);
  const settings = { ...settingsOf(model, options), reading: plain(reading) };
  return openChunks(context, {
    settings,
    reading,
    size: chunkBytes,
    stream: (rest) => streamRoute({ ...context, input: rest }, reading),
  });
}

/** The input, with a warning if its start looks like a different format. */
function watchedInput({ model, input, options, warnings }: RouteContext): TagInput {
  const look = (chunks: ByteChunks) => watched(chunks, model, inputName(input.path), warnings, options.output);
  return {
    ...input,
    async bytes(whole) {
      const { before, body, firstLine } = await input.bytes(whole);
      return firstLine === 1 ? { before, body: look(body), firstLine } : { before: look(before), body, firstLine };
    },
  };
}

/** Formats in which each line, or each sentence between blank lines, is independent. */
const APART: readonly (string | undefined)[] = ['conllu', 'slashed', 'jsonl', 'doccano', 'prodigy', 'spans'];

/** How the chunks of an input are read; undefined if its reader is stateful, or if it has several files. */
async function chunkReading({ model, input, options, warnings }: RouteContext): Promise<ChunkReading | undefined> {
  const source = inputName(input.path);
  const { format, output } = options;
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

/** Without functions, so that it can be sent to a worker. */
function plain(reading: ChunkReading): ChunkReading {
  if (!('read' in reading)) return reading;
  return { ...reading, read: { ...reading.read, onNote: undefined } };
}

/** The route for an input, or the rest of one, that is read as one stream. */
async function streamRoute(context: RouteContext, reading: ChunkReading): Promise<Route> {
  if (reading.kind === 'own') return conlluRoute(context, reading.read);
  const { input, seen } = context;
  return plainRoute(context, inPiece(input, sentencesFrom(reading, await readable(input), seen.cleaner)));
}

function settingsOf(model: Model, options: Options): TagSettings {
  const { output, probabilities, spans, offsets } = options;
  const columns = output === 'conllu' ? conlluColumns(model, options) : [];
  return { output, probabilities, spans, offsets, columns };
}

/**
 * One JSON object per line of text. For a piece, the text before it is also split into sentences, since sentences are numbered
 * through the whole input.
 */
async function spanRoute({ model, input, options, warnings }: RouteContext): Promise<Route> {
  const { format } = options;
  const cutting = rawOptions({ ...options, ...(format === 'jsonl' && { format: undefined }) });
  const read = format === undefined ? undefined : tokenizedOptions(model, input.path, options, warnings);
  const bytes = input.piece && (await readable(input, true));
  const lines = spanLines(model, { file: input.path, bytes, cutting, warnings, ...(read && { read }) });
  async function* jobs(): AsyncGenerator<TagJob> {
    let before = 0;
    const own = inPiece(input, lines, ({ sentences }) => (before += sentences.length));
    for await (const group of groupsOf(own, TOKENS_AT_ONCE)) {
      yield { kind: 'spans', lines: group, before };
      for (const { sentences } of group) before += sentences.length;
    }
  }
  return { settings: settingsOf(model, options), jobs: jobs(), written: ({ text }) => text!, end: () => '' };
}

/** Each sentence separately, in the output format. */
function plainRoute({ model, options, warnings, seen }: RouteContext, sentences: AsyncIterable<Sentence>): Route {
  async function* jobs(): AsyncGenerator<TagJob> {
    for await (const group of groupsOf(sentences, TOKENS_AT_ONCE)) yield { kind: 'write', sentences: group };
  }
  return {
    settings: settingsOf(model, options),
    jobs: jobs(),
    written(result) {
      seen.spelled += result.spelled!;
      return result.text!;
    },
    end() {
      noteSpelled(seen, warnings);
      return '';
    },
  };
}

/** CoNLL-U exactly as in its file, with new labels. */
async function conlluRoute({ model, input, options, seen }: RouteContext, read: ReadOptions): Promise<Route> {
  const settings = settingsOf(model, options);
  const { before, body, firstLine } = await input.bytes();
  const flow = conlluFlow(
    body,
    read,
    conlluHeads(model, settings.columns),
    { chunks: before, firstLine },
    seen.cleaner,
  );
  const groups: Sentence[][] = [];
  async function* jobs(): AsyncGenerator<TagJob> {
    for await (const group of groupsOf(inPiece(input, flow.sentences), TOKENS_AT_ONCE)) {
      groups.push(group);
      yield { kind: 'label', tokens: group.map(({ tokens }) => tokens) };
    }
  }
  const written = ({ predictions }: TagResult): Uint8Array => flow.write(groups.shift()!, predictions!);
  return { settings, jobs: jobs(), written, end: () => flow.end() };
}

/**
 * The column of each head that labels tokens: the named one, else that of the training data.
 *
 * @throws ArgumentError if the number of columns differs
 */
export function conlluColumns(model: Model, { column }: Options): (string | undefined)[] {
  const own = ownColumns(model);
  if (column === undefined) return own;
  const named = typeof column === 'string' ? [column] : [...column];
  if (named.length === own.length) return named;
  throw new ArgumentError(
    `--column ${named.join(',')}: the model labels words by ${tokenHeads(model).join(', ')}: set ${counted(own.length, 'column')}, in that order`,
  );
}

/** Formats whose readers are stateful: they learn which lines are comments. */
const LEARNING: readonly (string | undefined)[] = ['conll', 'two-column'];

/** Sentences whose words are to be labeled, in a format with a stateful reader or with several files. */
async function taggedInput({ model, input, options, warnings }: RouteContext): Promise<AsyncIterable<Sentence>> {
  const { format } = options;
  const read = tokenizedOptions(model, input.path, options, warnings);
  if (input.pairs !== undefined) return inPiece(input, openPairs(input.pairs, read));
  const bytes = input.piece && format !== 'slots' ? await readable(input, LEARNING.includes(format)) : undefined;
  return inPiece(input, openSentences(input.path, read, bytes));
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
async function classifiedInput({ model, input, options, warnings }: RouteContext): Promise<AsyncIterable<Sentence>> {
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
