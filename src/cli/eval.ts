/** `bptt eval`: scores of a model on labeled sentences. */
import type { Command } from 'commander';
import { evaluate } from '../labeling/scoring/evaluate.js';
import { inputName } from '../labeling/data/files.node.js';
import type { HeadKind } from '../labeling/model/heads/head.js';
import { decisionsOf } from '../labeling/model/heads/head.js';
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
and type of span, scores by length, and warnings; docs/command-line.md lists the fields. --confusion and --errors add fields
of their names.

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
  const [kind] = headKindsOf(model);
  const task = kind.unit === 'sentence' ? 'classify' : 'tag';
  expectTokens(options, task);
  const onReading = (reading: Reading): void => noteReading(reading, model.input, inputName(file), warnings);
  const sentences = await readOne(file, task, options, warnings, { like: model.input, onReading });
  const judged: Judged[] = [];
  const onSentence = (sentence: Sentence, prediction: Prediction) =>
    void judged.push(judgedBy(kind, sentence, prediction));
  const { kernels } = await openBackend(backend, terminal);
  const source = inputName(file);
  const asked = { source, strictLabels, spanMode, scheme, onNote: warnings.add, onSentence };
  const scores = evaluate(kernels, model, sentences, asked);
  kernels.dispose();
  if (json) {
    await printJson(terminal, {
      ...detailsOf(scores),
      warnings: warnings.notes,
      ...((options.confusion || task === 'classify') && { confusion: scores.confusion }),
      ...(errors !== undefined && mistakesOf(judged, scores, errors)),
    });
    return;
  }
  await print(terminal, partsOf(scores, judged, options, paperFor(terminal, {})).join('\n\n'));
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
