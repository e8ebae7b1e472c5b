/** `bptt eval`: scores of a model on labeled sentences. */
import type { Command } from 'commander';
import { evaluate } from '../labeling/scoring/evaluate.js';
import { inputName } from '../labeling/data/files.node.js';
import type { HeadKind } from '../labeling/model/heads/head.js';
import { decisionsOf, inColumn } from '../labeling/model/heads/head.js';
import type { Model } from '../labeling/model/model.js';
import type { ModelScores } from '../labeling/scoring/evaluate.js';
import { columnList, columnName } from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import { describeTogether } from './head-report.js';
import { headKindsOf } from '../labeling/model/network.js';
import type { Prediction } from '../labeling/model/predict.js';
import type { Scores, SpanMode } from '../labeling/scoring/scorer.js';
import { SPAN_MODES } from '../labeling/scoring/span-counts.js';
import type { Scheme } from '../labeling/data/schemes.js';
import { SCHEMES } from '../labeling/data/schemes.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { ArgumentError } from '../tensor/index.js';
import { countOrAll, oneOf, schemeName } from './arguments.js';
import { addBackendOption, openBackend } from './backend.js';
import type { Judged } from './mistakes.js';
import { labelMistakes, labelMistakeTable, wrongSpans, wrongSpanTable } from './mistakes.js';
import { readModel } from './model-io.js';
import { openOwnCell } from './own-cell.js';
import type { Paper } from './reading/paper.js';
import { paperFor } from './reading/paper.js';
import { describeScores, detailsOf } from './report.js';
import { confusionTable, labelTable, lengthTable, spanTable, wordTable } from './score-tables.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions } from './reading-options.js';
import { noteReading, readOne } from './corpora.js';
import type { Reading } from '../labeling/data/formats/index.js';
import { collectWarnings } from './warnings.js';

interface Options extends ReadingOptions {
  readonly cell?: string;
  readonly strictLabels?: boolean;
  readonly spanMode: SpanMode;
  readonly scheme?: Scheme;
  readonly json?: boolean;
  readonly confusion?: boolean;
  readonly errors?: number;
  readonly backend: string;
}

const HELP = `
Spans are read from labels by one of three rules (--span-mode), which is printed with their F1:
  conlleval  a span starts at B, S or U, and at any label that cannot continue the one before (I after O or another type)
  strict     only spans that are well-formed in their scheme count, as in the strict mode of seqeval
  repair     labels, gold and predicted, are first written anew in their scheme, as bptt convert repairs them: the spans are
             those of conlleval, accuracies and the scores of labels are those of the repaired labels

With --json, the object has accuracy, oovAccuracy, spanF1, spanMode, tokens, precision, recall, F1 and support of every label
and type of span, scores by length, and warnings; docs/command-line/score.md lists the fields. --confusion and --errors add fields
of their names.

Of a model with several heads each is scored, and how often all are right; heads whose labels the file lacks are left out, which is
said. --column names the columns of the heads where the file calls them otherwise, in the order of the heads.

The file is read as the training data of the model was, where it has the same format and no option says otherwise.

Example:
  bptt eval tagger.safetensors test.conllu --errors 20
  bptt eval ner.safetensors test.conll --span-mode strict --json`;

/** Adds the command. */
export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command('eval')
    .description('score a model on labeled sentences')
    .argument('<model>', 'model file')
    .argument('<file>', 'labeled sentences, - for standard input, or one file per label: pos=FILE,neg=FILE')
    .option('--strict-labels', 'refuse labels the model was never trained on; by default they count as errors')
    .option('--span-mode <name>', `how spans are read: ${SPAN_MODES.join(', ')}`, oneOf(...SPAN_MODES), 'conlleval')
    .option(
      '--scheme <name>',
      `scheme that strict and repair judge by: ${SCHEMES.join(', ')} (default: the model's, or as the labels show)`,
      schemeName,
    )
    .option('--json', 'print one JSON object')
    .option('--confusion', 'add the confusion matrix: gold labels down, predicted labels across')
    .option('--errors <n>', 'add the n commonest mistakes, or all, with their lines', countOrAll)
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addReadingOptions(command, 'format of the file (default: by content)', true);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runEval(model, file, options, terminal),
  );
}

async function runEval(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  const { strictLabels, json, errors, backend, spanMode, scheme } = options;
  expectScheme(options);
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const model = await readModel(modelFile, await openOwnCell(options.cell, terminal));
  const task = model.heads.every((head) => head.kind.unit === 'sentence') ? 'classify' : 'tag';
  expectTokens(options, task);
  const sentences = await readGold(model, file, task, options, warnings);
  const heard: [Sentence, Prediction][] = [];
  const onSentence = (sentence: Sentence, prediction: Prediction) => void heard.push([sentence, prediction]);
  const { kernels } = await openBackend(backend, terminal);
  const source = inputName(file);
  const asked = { source, strictLabels, spanMode, scheme, onNote: warnings.add, onSentence };
  const scores = evaluate(kernels, model, sentences, asked);
  kernels.dispose();
  const heads = judgedHeads(model, scores, heard);
  if (json) {
    const whole = ({ scores: own, judged }: JudgedBy): object => ({
      ...detailsOf(own),
      ...((options.confusion || own.unit === 'sentence') && { confusion: own.confusion }),
      ...(errors !== undefined && mistakesOf(judged, own, errors)),
    });
    const byHead = Object.fromEntries(heads.map((head) => [head.name, whole(head)]));
    const { together } = scores;
    await printJson(terminal, {
      ...whole(heads[0]),
      ...(scores.heads && { heads: byHead, ...(together && { together }) }),
      warnings: warnings.notes,
    });
    return;
  }
  const paper = paperFor(terminal, {});
  const parts = heads.flatMap(({ name, scores: own, judged }) => [
    ...(scores.heads ? [`head ${name}`] : []),
    ...partsOf(own, judged, options, paper),
  ]);
  if (scores.together) parts.push(describeTogether(scores.together));
  await print(terminal, parts.join('\n\n'));
}

/** What is scored of one head. */
interface JudgedBy {
  readonly name: string;
  readonly scores: Scores;
  readonly judged: readonly Judged[];
}

/** The heads that were scored, each with its decisions. */
function judgedHeads(
  model: Model,
  scores: ModelScores,
  heard: readonly (readonly [Sentence, Prediction])[],
): JudgedBy[] {
  return headKindsOf(model).flatMap((kind, h) => {
    const { name, column } = model.config.heads[h];
    const own = scores.heads === undefined ? scores : scores.heads[name];
    if (own === undefined) return [];
    const judged = heard.map(([sentence, prediction]) =>
      judgedBy(kind, inColumn(column, sentence), prediction.heads?.[name] ?? prediction),
    );
    return [{ name, scores: own, judged }];
  });
}

/** Labeled sentences, read as the training data was; of several columns, those that the file has. */
async function readGold(
  model: Model,
  file: string,
  task: 'tag' | 'classify',
  options: Options,
  warnings: NoteCollector,
): Promise<Sentence[]> {
  const columns = model.config.heads.flatMap(({ column }) => (column === undefined ? [] : [String(column)]));
  let found: Reading | undefined;
  const onReading = (reading: Reading): void => {
    found = reading;
    noteReading(reading, model.input, inputName(file), warnings);
  };
  const optional = columns.length > 1 || model.heads.length > 1;
  const more = { like: model.input, onReading, ...(optional && { labels: 'optional' as const }) };
  const sentences = await readOne(file, task, options, warnings, more);
  return columns.length > 0 ? inColumns(sentences, columns, found, inputName(file)) : sentences;
}

/**
 * Sentences with the columns that the heads are called by. Columns of other names, as many as heads, are theirs in their order.
 *
 * @throws ArgumentError where the columns that were read are neither
 */
function inColumns(
  sentences: readonly Sentence[],
  heads: readonly string[],
  reading: Reading | undefined,
  source: string,
): Sentence[] {
  const read = columnList(reading?.column ?? []).map(columnName);
  const named = read.every((column) => heads.includes(column));
  if (!named && read.length !== heads.length) {
    throw new ArgumentError(
      `${source}: the model has a head for each of ${heads.join(', ')}; got the labels of ${read.join(', ')}: name as many columns (--column)`,
    );
  }
  return sentences.map((sentence) => {
    const own = sentence.columns ?? (sentence.labels ? { [read[0]]: sentence.labels } : {});
    const entries = Object.entries(own).map(([name, labels]) => [named ? name : heads[read.indexOf(name)], labels]);
    return { ...sentence, columns: Object.fromEntries(entries) };
  });
}

/** @throws ArgumentError where a scheme would be ignored */
function expectScheme({ spanMode, scheme }: Options): void {
  if (scheme === undefined || spanMode !== 'conlleval') return;
  throw new ArgumentError('--scheme means nothing to --span-mode conlleval: leave it out, or add --span-mode strict');
}

/** @throws ArgumentError where a span mode would be ignored */
function expectTokens({ spanMode }: Options, task: 'tag' | 'classify'): void {
  if (task === 'tag' || spanMode === 'conlleval') return;
  throw new ArgumentError(`--span-mode ${spanMode} means nothing to a model that labels sentences: leave it out`);
}

function judgedBy(kind: HeadKind, sentence: Sentence, prediction: Prediction): Judged {
  return { sentence: decisionsOf(kind, sentence), predicted: kind.chosenOf(prediction) };
}

/** The fields of the commonest mistakes. */
function mistakesOf(judged: readonly Judged[], { spans }: Scores, most: number): object {
  return {
    errors: labelMistakes(judged, spans).slice(0, most),
    ...(spans && { spanErrors: wrongSpans(judged, spans).slice(0, most) }),
  };
}

/** The confusion matrix of so many labels of sentences is shown unasked. */
const FEW_LABELS = 12;

/** What is printed, part by part. */
function partsOf(scores: Scores, judged: readonly Judged[], options: Options, paper: Paper): string[] {
  const { spans, unit, lengths, confusion } = scores;
  const parts = [describeScores(scores), labelTable(paper, scores)];
  if (spans) parts.push(spanTable(paper, spans));
  const words = unit === 'token' ? wordTable(paper, scores) : undefined;
  if (words !== undefined) parts.push(words);
  if (lengths.length > 1) parts.push(lengthTable(paper, scores));
  if (options.confusion || (unit === 'sentence' && confusion.labels.length <= FEW_LABELS))
    parts.push(confusionTable(paper, confusion));
  if (options.errors === undefined) return parts;
  const wrong = labelMistakes(judged, spans).slice(0, options.errors);
  if (wrong.length === 0) return [...parts, 'no mistakes'];
  const wrongOnes = spans ? wrongSpans(judged, spans).slice(0, options.errors) : [];
  return [
    ...parts,
    labelMistakeTable(paper, wrong, unit),
    ...(wrongOnes.length > 0 ? [wrongSpanTable(paper, wrongOnes)] : []),
  ];
}
