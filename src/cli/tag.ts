/** `bptt tag`: labels for sentences that have none, in bounded memory. */
import type { Command } from 'commander';
import {
  inputName,
  openBytes,
  openClassified,
  openLines,
  openSentences,
  openText,
  slotFolder,
} from '../labeling/data/files.node.js';
import { CONLLU_COLUMNS, OUTPUTS } from '../labeling/data/formats/index.js';
import type { ByteChunks, Output, ReadOptions } from '../labeling/data/formats/index.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { Model } from '../labeling/model/model.js';
import type { Prediction } from '../labeling/model/predict.js';
import type { OffsetUnit } from '../labeling/data/offsets.js';
import { OFFSET_UNITS } from '../labeling/data/offsets.js';
import { LONGEST_RAW_SENTENCE } from '../labeling/model/entities.js';
import { loadModel } from '../labeling/model/file.js';
import { readText } from '../labeling/data/segment.js';
import type { SegmentOptions } from '../labeling/data/segment.js';
import { ArgumentError } from '../tensor/index.js';
import { labelColumns, oneOf, threadCount } from './arguments.js';
import { addBackendOption } from './backend.js';
import { groupsOf } from './groups.js';
import { named, readBytes } from './model-io.js';
import { openOwnCell } from './own-cell.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions, classifiedOptionsOf, readOptionsOf, refuseForRawText } from './reading-options.js';
import { counted } from '../tensor/print.js';
import type { Terminal } from './terminal.js';
import { write } from './terminal.js';
import { conlluFlow, peekConllu } from './tag-conllu.js';
import { labelsSentences, ownColumns, spanHeads, tokenHeads } from './tag-heads.js';
import type { TagJob, TagResult, TagSettings } from './tag-jobs.js';
import { spanLines } from './tag-spans.js';
import { openTagWorkers } from './tag-workers.js';
import { collectWarnings } from './warnings.js';

interface Options extends ReadingOptions {
  readonly cell?: string;
  readonly output: Output | 'spans';
  readonly offsets?: OffsetUnit;
  readonly column?: string | readonly string[];
  readonly probabilities?: boolean;
  readonly spans?: boolean;
  readonly backend: string;
  readonly threads: number | 'auto';
}

/** Sentences are labeled together until they have so many tokens: enough to share matmuls, little enough to hold. */
const TOKENS_AT_ONCE = 8192;

const HELP = `
Without --format the input is raw text: each line is split into sentences and tokens by the rules of Unicode
(Intl.Segmenter). With --format it is tokenized already, and labels in it are ignored. Sentences are answered as soon as
they are complete: a raw line at its end, also while the input goes on. (conll judges its columns by the first 200 lines.)

The columns are those of the model's training data, where the format is the same and no option says otherwise.

A model that labels sentences (bptt train --task classify) answers each line with its label and the probability of it; the
line is cut into tokens as the training data was. Its outputs are text (label, tab, probability) and jsonl
({"tokens": …, "label": …, "probability": …}); a blank line stays blank.

Outputs: text (word/TAG, one sentence a line), slashed (the same, to be read back), conll (word, tab, tag), conllu (the input's own
lines, or new ones, with labels in their columns), jsonl ({"tokens": …, "labels": …}).

--output spans prints one JSON object a line of text: {"line", "text", "spans": [{"start", "end", "type", "text", "score", "sentence"}]}.
start and end count UTF-16 code units within the text, from 0, so that text.slice(start, end) is the span; --offsets codepoints counts
as Python does. Of labels that annotate no spans, such as parts of speech, every token is a span. With --format jsonl the input has
{"text": …} or {"tokens": …} a line, and its other fields are kept.

Of a model with several heads, text and conll have the labels of all, then their probabilities; jsonl has objects keyed by head.
An intent stands before a tab in text, in a comment "# label = …" in conll, and in "label" in jsonl.

Example:
  echo "They run. The run was long." | bptt tag tagger.safetensors
  bptt tag ner.safetensors notes.txt --output spans
  bptt tag ner.safetensors corpus.conll --format conll --output jsonl --spans
  bptt tag tagger.safetensors corpus.conllu --format conllu --output conllu
  bptt tag tagger.safetensors corpus.conllu --format conllu --output jsonl --probabilities
  bptt tag tagger.safetensors corpus.txt --threads auto`;

/** Adds the command. */
export function addTag(program: Command, terminal: Terminal): void {
  const command = program
    .command('tag')
    .description('label raw text, or sentences that are tokenized already')
    .argument('<model>', 'model file')
    .argument('[file]', 'input, or - for standard input', '-')
    .option('--output <name>', `format of the output: ${OUTPUTS.join(', ')}, spans`, oneOf(...OUTPUTS, 'spans'), 'text')
    .option('--probabilities', 'add the probability of each label')
    .option('--spans', 'with --output jsonl: add the spans of the labels, each with its probability')
    .option(
      '--offsets <unit>',
      'with --output spans: what start and end count, utf16 (default) or codepoints',
      oneOf(...OFFSET_UNITS),
    )
    .option(
      '--column <columns>',
      "with --output conllu: the column to write, or several, one for each head (default: the model's)",
      labelColumns,
    )
    .option('--threads <n>', 'worker threads that label, or auto: one per core. The output is the same', threadCount, 1)
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addReadingOptions(command, 'the input is tokenized, in this format', false);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runTag(model, file, options, terminal),
  );
}

async function runTag(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  checkOptions(options);
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const bytes = await readBytes(modelFile);
  const cell = await openOwnCell(options.cell, terminal);
  const model = named(modelFile, () => loadModel(bytes, cell));
  checkOutput(model, options);
  if (options.spans && spanHeads(model).length === 0) {
    throw new ArgumentError('--spans: the labels of this model annotate no spans, such as B-PER: leave it out');
  }
  const route = await routeOf(model, file, options, warnings);
  const workers = await openTagWorkers(model, { bytes, path: modelFile, settings: route.settings, ...options }, terminal); // prettier-ignore
  try {
    for await (const result of workers.answers(route.jobs)) await write(terminal.stdout, route.written(result));
    await write(terminal.stdout, route.end());
  } finally {
    await workers.close();
    if (file === '-') process.stdin.destroy(); // an error ends the program, also while the writer keeps the pipe open
  }
}

/** The way from the input to the output. */
interface Route {
  readonly settings: TagSettings;
  readonly jobs: AsyncIterable<TagJob>;
  /** What is written of each result, in the order of the jobs. */
  written(result: TagResult): string | Uint8Array;
  /** What is written after the last one. */
  end(): string | Uint8Array;
}

/** Opens the input, and says how it is answered. */
async function routeOf(model: Model, file: string, options: Options, warnings: NoteCollector): Promise<Route> {
  const { output, format } = options;
  if (output === 'spans') return spanRoute(model, file, options, warnings);
  if (output === 'conllu' && (format === undefined || format === 'conllu')) {
    const { conllu, chunks } = format === undefined ? await peekConllu(await openBytes(file)) : { conllu: true, chunks: await openBytes(file) }; // prettier-ignore
    if (conllu) return conlluRoute(model, chunks, file, { ...options, format: 'conllu' }, warnings);
    refuseForRawText(options);
    const text = readText(chunks, { source: inputName(file), ...cuttingOf(model, options) });
    return plainRoute(model, rawSentences(text), options, warnings);
  }
  const read = labelsSentences(model) ? classifiedInput : taggedInput;
  return plainRoute(model, await read(model, file, options, warnings), options, warnings);
}

function settingsOf(model: Model, options: Options): TagSettings {
  const { output, probabilities, spans, offsets } = options;
  const columns = output === 'conllu' ? conlluColumns(model, options) : [];
  return { output, probabilities, spans, offsets, columns };
}

/** One JSON object a line of text. */
function spanRoute(model: Model, file: string, options: Options, warnings: NoteCollector): Route {
  const { format } = options;
  const cutting = rawOptions({ ...options, ...(format === 'jsonl' && { format: undefined }) });
  const lines = spanLines(model, { file, cutting, warnings, ...(format !== undefined && { read: tokenizedOptions(model, file, options, warnings) }) }); // prettier-ignore
  async function* jobs(): AsyncGenerator<TagJob> {
    let before = 0;
    for await (const group of groupsOf(lines, TOKENS_AT_ONCE)) {
      yield { kind: 'spans', lines: group, before };
      for (const { sentences } of group) before += sentences.length;
    }
  }
  return { settings: settingsOf(model, options), jobs: jobs(), written: ({ text }) => text!, end: () => '' };
}

/** Each sentence by itself, in the format of the output. */
function plainRoute(
  model: Model,
  sentences: AsyncIterable<Sentence>,
  options: Options,
  warnings: NoteCollector,
): Route {
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
function conlluRoute(model: Model, chunks: ByteChunks, file: string, options: Options, warnings: NoteCollector): Route {
  const settings = settingsOf(model, options);
  const heads = tokenHeads(model).map((name, h) => ({
    column: settings.columns[h]!,
    labels: (said: Prediction) => said.heads?.[name].labels ?? said.labels,
  }));
  const read = { ...tokenizedOptions(model, file, options, warnings), source: inputName(file) };
  const flow = conlluFlow(chunks, read, heads);
  const groups: Sentence[][] = [];
  async function* jobs(): AsyncGenerator<TagJob> {
    for await (const group of groupsOf(flow.sentences, TOKENS_AT_ONCE)) {
      groups.push(group);
      yield { kind: 'label', tokens: group.map(({ tokens }) => tokens) };
    }
  }
  const written = ({ predictions }: TagResult): Uint8Array => flow.write(groups.shift()!, predictions!);
  return { settings, jobs: jobs(), written, end: () => flow.end() };
}

/** @throws ArgumentError on options that do not go together */
function checkOptions(options: Options): void {
  const { format, output, probabilities, spans, offsets, column } = options;
  if (format === undefined && output !== 'conllu') refuseForRawText(options);
  if (['slashed', 'conllu', 'spans'].includes(output) && probabilities) {
    const why = output === 'spans' ? 'has a score for each span, and no --probabilities' : 'holds no --probabilities';
    throw new ArgumentError(`--output ${output} ${why}: leave one out`);
  }
  if (spans && output !== 'jsonl')
    throw new ArgumentError('--spans needs --output jsonl: add it, or leave out --spans');
  if (offsets !== undefined && output !== 'spans')
    throw new ArgumentError('--offsets needs --output spans: add it, or leave out --offsets');
  if (column !== undefined && output !== 'conllu')
    throw new ArgumentError('--column names the column that --output conllu writes: add it, or leave out --column');
}

/** @throws ArgumentError where the output cannot hold what the model says */
function checkOutput(model: Model, options: Options): void {
  const { output, column } = options;
  if (labelsSentences(model) && output !== 'text' && output !== 'jsonl') {
    throw new ArgumentError(`--output ${output} has a label for each word; this model labels sentences: text or jsonl`);
  }
  const names = model.config.heads.map(({ name }) => name);
  if (output === 'slashed' && names.length > 1) {
    throw new ArgumentError(
      `--output slashed has one label for each word; this model has ${names.join(', ')}: choose text, conll or jsonl`,
    );
  }
  if (output !== 'conllu') return;
  const columns = conlluColumns(model, options);
  if (column !== undefined || model.input?.format === 'conllu') return;
  if (columns.length > 0 && columns.every((each) => each !== undefined && CONLLU.includes(each.toLowerCase()))) return;
  throw new ArgumentError(
    '--output conllu is for models that were trained on columns of CoNLL-U, such as upos: name the column to write (--column), or choose another output',
  );
}

const CONLLU: readonly string[] = CONLLU_COLUMNS;

/** The column of each head that labels tokens: as named, else that of the training data. @throws ArgumentError on another number */
function conlluColumns(model: Model, { column }: Options): (string | undefined)[] {
  const own = ownColumns(model);
  if (column === undefined) return own;
  const named = typeof column === 'string' ? [column] : [...column];
  if (named.length === own.length) return named;
  throw new ArgumentError(
    `--column ${named.join(',')}: the model labels words by ${tokenHeads(model).join(', ')}: name ${counted(own.length, 'column')}, in that order`,
  );
}

/** Sentences whose words are to be labeled: of raw text, or as a format has them. */
async function taggedInput(
  model: Model,
  file: string,
  options: Options,
  warnings: NoteCollector,
): Promise<AsyncIterable<Sentence>> {
  if (options.format !== undefined) return openSentences(file, tokenizedOptions(model, file, options, warnings));
  await noteFolder(file, warnings);
  return rawSentences(openText(file, cuttingOf(model, options)));
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
async function classifiedInput(
  model: Model,
  file: string,
  options: Options,
  warnings: NoteCollector,
): Promise<AsyncIterable<Sentence>> {
  const { format, tokenizer, locale } = options;
  const { input } = model;
  if (format !== undefined) {
    const settings = classifiedOptionsOf(options, warnings, input);
    return openClassified(file, { badLines: file === '-' ? 'stop' : 'list', ...settings, labels: 'ignored' });
  }
  await noteFolder(file, warnings);
  return openLines(file, { tokenizer: tokenizer ?? input?.tokenizer, locale: locale ?? input?.locale });
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

async function* rawSentences(sentences: AsyncIterable<Sentence>): AsyncGenerator<Sentence> {
  for await (const { tokens } of sentences) {
    for (let i = 0; i < tokens.length; i += LONGEST_RAW_SENTENCE) {
      yield { tokens: tokens.slice(i, i + LONGEST_RAW_SENTENCE) };
    }
  }
}
