/** The ways of `bptt tag` from an input to an output: how each is read, what is asked of a tagger, and what is written of its answers. */
import {
  inputName,
  openClassified,
  openLines,
  openPairs,
  openSentences,
  slotFolder,
} from '../labeling/data/files.node.js';
import type { ReadOptions } from '../labeling/data/formats/index.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { Model } from '../labeling/model/model.js';
import type { Prediction } from '../labeling/model/predict.js';
import { LONGEST_RAW_SENTENCE } from '../labeling/model/entities.js';
import { readText } from '../labeling/data/segment.js';
import type { SegmentOptions } from '../labeling/data/segment.js';
import { ArgumentError } from '../tensor/index.js';
import { counted } from '../tensor/print.js';
import { groupsOf } from './groups.js';
import { classifiedOptionsOf, readOptionsOf, refuseForRawText } from './reading-options.js';
import { conlluFlow } from './tag-conllu.js';
import { labelsSentences, ownColumns, tokenHeads } from './tag-heads.js';
import { inPiece, readable } from './tag-input.js';
import type { TagInput } from './tag-input.js';
import { watched } from './tag-raw.js';
import type { TagJob, TagResult, TagSettings } from './tag-jobs.js';
import type { TagOptions as Options } from './tag-options.js';
import { spanLines } from './tag-spans.js';

/** Sentences are labeled together until they have so many tokens: enough to share matmuls, little enough to hold. */
const TOKENS_AT_ONCE = 8192;

/** The way from the input to the output. */
export interface Route {
  readonly settings: TagSettings;
  readonly jobs: AsyncIterable<TagJob>;
  /** What is written of each result, in the order of the jobs. */
  written(result: TagResult): string | Uint8Array;
  /** What is written after the last one. */
  end(): string | Uint8Array;
}

/** What the ways share. */
export interface RouteContext {
  readonly model: Model;
  readonly input: TagInput;
  readonly options: Options;
  readonly warnings: NoteCollector;
}

/** Says how an input is answered. */
export async function openRoute(context: RouteContext): Promise<Route> {
  const { model, input, options } = context;
  if (options.output === 'spans') return spanRoute(context);
  if (options.output === 'conllu' && input.conllu)
    return conlluRoute({ ...context, options: { ...options, format: 'conllu' } });
  if (options.output === 'conllu' && options.format === undefined) {
    refuseForRawText(options);
    return plainRoute(context, rawText(context));
  }
  return plainRoute(context, labelsSentences(model) ? await classifiedInput(context) : await taggedInput(context));
}

function settingsOf(model: Model, options: Options): TagSettings {
  const { output, probabilities, spans, offsets } = options;
  const columns = output === 'conllu' ? conlluColumns(model, options) : [];
  return { output, probabilities, spans, offsets, columns };
}

/** One JSON object a line of text. Of a piece, what is before it is cut into sentences too, which are numbered through the input. */
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

/** Each sentence by itself, in the format of the output. */
function plainRoute({ model, options, warnings }: RouteContext, sentences: AsyncIterable<Sentence>): Route {
  async function* jobs(): AsyncGenerator<TagJob> {
    for await (const group of groupsOf(sentences, TOKENS_AT_ONCE)) yield { kind: 'write', sentences: group };
  }
  let spelled = 0;
  return {
    settings: settingsOf(model, options),
    jobs: jobs(),
    written(result) {
      spelled += result.spelled!;
      return result.text!;
    },
    end() {
      if (spelled === 0) return '';
      const what = `${counted(spelled, 'token')} that cannot stand in a column ${spelled === 1 ? 'was' : 'were'} spelled`;
      const message = `${what} (\\t, \\n, \\u0020): use the output jsonl to keep them`;
      warnings.add({ kind: 'spelled', message, count: spelled });
      return '';
    },
  };
}

/** CoNLL-U as it stands in its file, with new labels. */
async function conlluRoute({ model, input, options, warnings }: RouteContext): Promise<Route> {
  const settings = settingsOf(model, options);
  const heads = tokenHeads(model).map((name, h) => ({
    column: settings.columns[h]!,
    labels: (said: Prediction) => said.heads?.[name].labels ?? said.labels,
  }));
  const read = { ...tokenizedOptions(model, input.path, options, warnings), source: inputName(input.path) };
  const { before, body } = await input.bytes();
  const flow = conlluFlow(body, read, heads, { chunks: before, firstLine: input.piece?.firstLine ?? 1 });
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

/** The column of each head that labels tokens: as named, else that of the training data. @throws ArgumentError on another number */
export function conlluColumns(model: Model, { column }: Options): (string | undefined)[] {
  const own = ownColumns(model);
  if (column === undefined) return own;
  const named = typeof column === 'string' ? [column] : [...column];
  if (named.length === own.length) return named;
  throw new ArgumentError(
    `--column ${named.join(',')}: the model labels words by ${tokenHeads(model).join(', ')}: name ${counted(own.length, 'column')}, in that order`,
  );
}

/** Formats whose readers learn from one sentence to the next: which lines are comments. */
const LEARNING: readonly (string | undefined)[] = ['conll', 'two-column'];

/** Sentences whose words are to be labeled: of raw text, or as a format has them. */
async function taggedInput(context: RouteContext): Promise<AsyncIterable<Sentence>> {
  const { model, input, options, warnings } = context;
  const { format } = options;
  if (format === undefined) {
    await noteFolder(input.path, warnings);
    return rawText(context);
  }
  const read = tokenizedOptions(model, input.path, options, warnings);
  if (input.pairs !== undefined) return inPiece(input, openPairs(input.pairs, read));
  const bytes = input.piece && format !== 'slots' ? await readable(input, LEARNING.includes(format)) : undefined;
  return inPiece(input, openSentences(input.path, read, bytes));
}

/** Sentences cut out of raw text. */
async function* rawText({ model, input, options, warnings }: RouteContext): AsyncGenerator<Sentence> {
  const how = { source: inputName(input.path), ...cuttingOf(model, options) };
  const chunks = watched(await readable(input), model, how.source, warnings, options.output);
  for await (const { tokens } of inPiece(input, readText(chunks, how))) {
    for (let i = 0; i < tokens.length; i += LONGEST_RAW_SENTENCE) {
      yield { tokens: tokens.slice(i, i + LONGEST_RAW_SENTENCE) };
    }
  }
}

/** How an input is read that is tokenized already. */
function tokenizedOptions(model: Model, file: string, options: Options, warnings: NoteCollector): ReadOptions {
  if (!(options.output === 'spans' && options.format === 'jsonl')) rawOptions(options); // refuses those of raw text
  const reading = { ...options, column: undefined, tokenizer: undefined, locale: undefined };
  return {
    badLines: file === '-' ? 'stop' : 'list',
    ...readOptionsOf(reading, warnings, model.input),
    labels: 'ignored',
  };
}

/** How raw text is cut: as named, else as the model remembers. */
function cuttingOf(model: Model, options: Options): SegmentOptions {
  const { tokenizer, locale } = model.input ?? {};
  return { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }), ...rawOptions(options) };
}

/** Sentences that are to be labeled: one a line, cut into tokens as the training data was, or as a format has them. */
async function classifiedInput({ model, input, options, warnings }: RouteContext): Promise<AsyncIterable<Sentence>> {
  const { format, tokenizer, locale } = options;
  const { path } = input;
  const bytes = input.piece && format !== 'slots' ? await readable(input) : undefined;
  if (format !== undefined) {
    const settings = classifiedOptionsOf(options, warnings, model.input);
    const read = { badLines: path === '-' ? 'stop' : 'list', ...settings, labels: 'ignored' } as const;
    return inPiece(input, openClassified(path, read, bytes));
  }
  await noteFolder(path, warnings);
  const cutting = { tokenizer: tokenizer ?? model.input?.tokenizer, locale: locale ?? model.input?.locale };
  const chunks = watched(bytes ?? (await readable(input)), model, inputName(path), warnings, options.output);
  return inPiece(input, openLines(path, cutting, chunks));
}

async function noteFolder(file: string, warnings: NoteCollector): Promise<void> {
  const folder = await slotFolder(file);
  if (folder === undefined || folder === file) return;
  const message = `${inputName(file)} is read as raw text; with --format slots its words are taken as they stand`;
  warnings.add({ kind: 'raw-text', message, source: inputName(file) });
}

/** How raw text is cut. @throws ArgumentError where the input is tokenized already */
function rawOptions({ format, locale, tokenizer }: Pick<Options, 'format' | 'locale' | 'tokenizer'>): SegmentOptions {
  const options = { ...(locale !== undefined && { locale }), ...(tokenizer !== undefined && { tokenizer }) };
  if (format === undefined || Object.keys(options).length === 0) return options;
  throw new ArgumentError(`--${Object.keys(options)[0]} is for raw text: leave it out, or leave out --format`);
}
