/** `bptt tag`: labels for sentences that have none, in bounded memory. */
import type { Command } from 'commander';
import {
  inputName,
  openClassified,
  openLines,
  openSentences,
  openText,
  slotFolder,
} from '../labeling/data/files.node.js';
import {
  CONLLU_COLUMNS,
  formatClassified,
  formatSentence,
  needsSpelling,
  OUTPUTS,
} from '../labeling/data/formats/index.js';
import type { Output } from '../labeling/data/formats/index.js';
import type { Sentence, TaggedSentence } from '../labeling/data/sentence.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { Model } from '../labeling/model/model.js';
import type { Prediction, PredictOptions } from '../labeling/model/predict.js';
import { looksLikeSpans } from '../labeling/scoring/spans.js';
import { createTagger } from '../labeling/model/tagger.js';
import type { Tagger } from '../labeling/model/tagger.js';
import type { SegmentOptions } from '../labeling/data/segment.js';
import { ArgumentError } from '../tensor/index.js';
import { oneOf } from './arguments.js';
import { addBackendOption, openBackend } from './backend.js';
import { groupsOf } from './groups.js';
import { readModel } from './model-io.js';
import { openOwnCell } from './own-cell.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions, classifiedOptionsOf, readOptionsOf, refuseForRawText } from './reading-options.js';
import { counted } from '../tensor/print.js';
import type { Terminal } from './terminal.js';
import { write } from './terminal.js';
import { collectWarnings } from './warnings.js';

interface Options extends ReadingOptions {
  readonly cell?: string;
  readonly output: Output;
  readonly probabilities?: boolean;
  readonly spans?: boolean;
  readonly backend: string;
}

/** Sentences are labeled together until they have so many tokens: enough to share matmuls, little enough to hold. */
const TOKENS_AT_ONCE = 8192;

/** Raw text without any end of sentence is cut after so many tokens; no sentence is as long. */
const LONGEST_RAW_SENTENCE = 2048;

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

Of a model with several heads, text and conll have the labels of all, then their probabilities; jsonl has objects keyed by head.
An intent stands before a tab in text, in a comment "# label = …" in conll, and in "label" in jsonl.

Example:
  echo "They run. The run was long." | bptt tag tagger.safetensors
  bptt tag ner.safetensors corpus.conll --format conll --output jsonl --spans
  bptt tag tagger.safetensors corpus.conllu --format conllu --output conllu
  bptt tag tagger.safetensors corpus.conllu --format conllu --output jsonl --probabilities`;

/** Adds the command. */
export function addTag(program: Command, terminal: Terminal): void {
  const command = program
    .command('tag')
    .description('label raw text, or sentences that are tokenized already')
    .argument('<model>', 'model file')
    .argument('[file]', 'input, or - for standard input', '-')
    .option('--output <name>', `format of the output: ${OUTPUTS.join(', ')}`, oneOf(...OUTPUTS), 'text')
    .option('--probabilities', 'add the probability of each label')
    .option('--spans', 'with --output jsonl: add the spans of the labels, each with its probability')
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addReadingOptions(command, 'the input is tokenized, in this format', false);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runTag(model, file, options, terminal),
  );
}

async function runTag(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  const { format, output, probabilities, spans, backend } = options;
  if (format === undefined) refuseForRawText(options);
  if (output === 'slashed' && probabilities)
    throw new ArgumentError('--output slashed holds no --probabilities: leave one out');
  if (output === 'conllu' && probabilities)
    throw new ArgumentError('--output conllu holds no --probabilities: leave one out');
  if (spans && output !== 'jsonl')
    throw new ArgumentError('--spans needs --output jsonl: add it, or leave out --spans');
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const model = await readModel(modelFile, await openOwnCell(options.cell, terminal));
  const sentenceModel = model.heads.length === 1 && model.heads[0].kind.unit === 'sentence';
  checkOutput(model, output, sentenceModel);
  if (spans && spanHeads(model).length === 0) {
    throw new ArgumentError('--spans: the labels of this model annotate no spans, such as B-PER: leave it out');
  }
  const sentences = sentenceModel
    ? await classifiedInput(model, file, options, warnings)
    : await taggedInput(model, file, options, warnings);
  const { kernels } = await openBackend(backend, terminal);
  const tagger = createTagger(model, kernels);
  let spelled = 0;
  try {
    for await (const group of groupsOf(sentences, TOKENS_AT_ONCE)) {
      if (output === 'conll') spelled += group.reduce((n, { tokens }) => n + tokens.filter(needsSpelling).length, 0);
      const lines = sentenceModel
        ? classifyGroup(tagger, group, output)
        : tagGroup(tagger, group, output, { probabilities, spans });
      await write(terminal.stdout, lines);
    }
    if (spelled > 0) {
      const what = `${counted(spelled, 'token')} that cannot stand in a column ${spelled === 1 ? 'was' : 'were'} spelled`;
      const message = `${what} (\\t, \\n, \\u0020): use the output jsonl to keep them`;
      warnings.add({ kind: 'spelled', message, count: spelled });
    }
  } finally {
    tagger.dispose();
    kernels.dispose();
    if (file === '-') process.stdin.destroy(); // an error ends the program, also while the writer keeps the pipe open
  }
}

/** @throws ArgumentError where the output cannot hold what the model says */
function checkOutput(model: Model, output: Output, sentenceModel: boolean): void {
  if (sentenceModel && output !== 'text' && output !== 'jsonl') {
    throw new ArgumentError(`--output ${output} has a label for each word; this model labels sentences: text or jsonl`);
  }
  const names = model.config.heads.map(({ name }) => name);
  if (output === 'slashed' && names.length > 1) {
    throw new ArgumentError(
      `--output slashed has one label for each word; this model has ${names.join(', ')}: choose text, conll or jsonl`,
    );
  }
  if (output !== 'conllu') return;
  const columns = model.heads.flatMap(({ kind }, h) => (kind.unit === 'token' ? [columnOfHead(model, h)] : []));
  const foreign = columns.find((column) => column === undefined || !CONLLU.includes(column.toLowerCase()));
  if (columns.length > 0 && (model.input?.format === 'conllu' || !columns.includes(foreign))) return;
  throw new ArgumentError(
    '--output conllu is for models that were trained on columns of CoNLL-U, such as upos: choose another output',
  );
}

const CONLLU: readonly string[] = CONLLU_COLUMNS;

/** The column of the training data that a head learned, by its name. */
function columnOfHead({ config, input }: Model, h: number): string | undefined {
  const { column } = config.heads[h];
  if (column !== undefined) return String(column);
  return input?.format === 'conllu' && typeof input.column === 'string' ? input.column : undefined;
}

/** Names of the heads whose labels annotate spans. */
function spanHeads({ heads, config }: Model): string[] {
  return heads.flatMap(({ kind, labels }, h) =>
    kind.unit === 'token' && looksLikeSpans(labels.labels) ? [config.heads[h].name] : [],
  );
}

/** Sentences whose words are to be labeled: of raw text, or as a format has them. */
async function taggedInput(
  model: Model,
  file: string,
  options: Options,
  warnings: NoteCollector,
): Promise<AsyncIterable<Sentence>> {
  const raw = rawOptions(options);
  if (options.format !== undefined) {
    return openSentences(file, {
      badLines: file === '-' ? 'stop' : 'list',
      ...readOptionsOf(options, warnings, model.input),
      labels: 'ignored',
      ...(options.output === 'conllu' && options.format === 'conllu' && { keepLines: true }),
    });
  }
  await noteFolder(file, warnings);
  const { tokenizer, locale } = model.input ?? {};
  return cut(openText(file, { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }), ...raw }));
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
function rawOptions({ format, locale, tokenizer }: Options): SegmentOptions {
  const options = { ...(locale !== undefined && { locale }), ...(tokenizer !== undefined && { tokenizer }) };
  if (format === undefined || Object.keys(options).length === 0) return options;
  throw new ArgumentError(`--${Object.keys(options)[0]} is for raw text: leave it out, or leave out --format`);
}

function tagGroup(tagger: Tagger, group: readonly Sentence[], output: Output, wanted: PredictOptions): string {
  const predictions = tagger.tag(
    group.map((sentence) => sentence.tokens),
    wanted,
  );
  const { model } = tagger;
  return group.map((sentence, i) => formatSentence(taggedBy(model, sentence, predictions[i], output), output)).join('');
}

/** A sentence with what is to be written of it. */
function taggedBy(model: Model, sentence: Sentence, prediction: Prediction, output: Output): TaggedSentence {
  const tagged = { ...sentence, ...prediction };
  if (prediction.heads === undefined) {
    return output === 'conllu' ? { ...tagged, heads: { [columnOfHead(model, 0)!]: prediction } } : tagged;
  }
  const withSpans = spanHeads(model);
  const heads = Object.entries(prediction.heads).map(([name, { spans, ...said }]) => [
    name,
    { ...said, ...(spans && withSpans.includes(name) && { spans }) },
  ]);
  return { ...tagged, heads: Object.fromEntries(heads) };
}

function classifyGroup(tagger: Tagger, group: readonly Sentence[], output: Output): string {
  const predictions = tagger.tag(
    group.map((sentence) => sentence.tokens),
    { probabilities: true },
  );
  return group.map(({ tokens }, i) => formatClassified({ ...predictions[i], tokens }, output)).join('');
}

async function* cut(sentences: AsyncIterable<Sentence>): AsyncGenerator<Sentence> {
  for await (const { tokens } of sentences) {
    for (let i = 0; i < tokens.length; i += LONGEST_RAW_SENTENCE) {
      yield { tokens: tokens.slice(i, i + LONGEST_RAW_SENTENCE) };
    }
  }
}
