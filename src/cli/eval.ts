/** `bptt eval`: scores of a model on labeled sentences. */
import type { Command } from 'commander';
import { evaluate } from '../labeling/scoring/evaluate.js';
import { inputName } from '../labeling/data/files.node.js';
import type { HeadKind } from '../labeling/model/heads/head.js';
import { decisionsOf } from '../labeling/model/heads/head.js';
import { headKindsOf } from '../labeling/model/network.js';
import type { Prediction } from '../labeling/model/predict.js';
import type { Confusion, PrecisionRecall, Scores } from '../labeling/scoring/scorer.js';
import type { Sentence } from '../labeling/data/sentence.js';
import { positiveInteger } from './arguments.js';
import { addBackendOption, openBackend } from './backend.js';
import { readModel } from './model-io.js';
import { openOwnCell } from './own-cell.js';
import { describeScores, percent, summaryOf } from './report.js';
import { table } from '../tensor/print.js';
import { cutShort } from '../tensor/visible.js';
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
  readonly json?: boolean;
  readonly confusion?: boolean;
  readonly errors?: number;
  readonly backend: string;
}

/** One kind of mistake, and how often it was made. */
interface Mistake {
  readonly token: string;
  readonly gold: string;
  readonly predicted: string;
  count: number;
  /** Line of the sentence it was first made in. */
  readonly line?: number;
}

const HELP = `
With --json, the object has accuracy, oovAccuracy, spanF1, tokens and warnings; of a model that labels sentences accuracy,
macroF1, sentences, labels, confusion and warnings. --confusion and --errors add fields of their names.

The file is read as the training data of the model was, where it has the same format and no option says otherwise.

Example:
  bptt eval tagger.safetensors test.conllu --errors 20`;

/** Adds the command. */
export function addEval(program: Command, terminal: Terminal): void {
  const command = program
    .command('eval')
    .description('score a model on labeled sentences')
    .argument('<model>', 'model file')
    .argument('<file>', 'labeled sentences, - for standard input, or one file per label: pos=FILE,neg=FILE')
    .option('--strict-labels', 'refuse labels the model was never trained on; by default they count as errors')
    .option('--json', 'print one JSON object')
    .option('--confusion', 'add the confusion matrix: gold labels down, predicted labels across')
    .option('--errors <n>', 'add the n commonest mistakes', positiveInteger)
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addReadingOptions(command, 'format of the file (default: by content)', true);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runEval(model, file, options, terminal),
  );
}

async function runEval(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  const { strictLabels, json, confusion, errors, backend } = options;
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const model = await readModel(modelFile, await openOwnCell(options.cell, terminal));
  const [kind] = headKindsOf(model);
  const task = kind.unit === 'sentence' ? 'classify' : 'tag';
  const onReading = (reading: Reading): void => noteReading(reading, model.input, inputName(file), warnings);
  const sentences = await readOne(file, task, options, warnings, { like: model.input, onReading });
  const mistakes = mistakeCounter(kind);
  const { kernels } = await openBackend(backend, terminal);
  const source = inputName(file);
  const hooks = { onNote: warnings.add, onSentence: mistakes.add };
  const scores = evaluate(kernels, model, sentences, { source, strictLabels, ...hooks });
  kernels.dispose();
  if (json) {
    await printJson(terminal, {
      ...summaryOf(scores),
      warnings: warnings.notes,
      ...(task === 'classify' && { labels: scores.labels }),
      ...((confusion || task === 'classify') && { confusion: scores.confusion }),
      ...(errors !== undefined && { errors: mistakes.commonest(errors) }),
    });
    return;
  }
  const parts = [describeScores(scores), labelTable(scores)];
  if (confusion || (task === 'classify' && scores.confusion.labels.length <= FEW_LABELS))
    parts.push(confusionTable(scores.confusion));
  if (errors !== undefined) parts.push(mistakeTable(mistakes.commonest(errors), kind.unit));
  await print(terminal, parts.join('\n\n'));
}

/** The confusion matrix of so many labels fits on a terminal. */
const FEW_LABELS = 12;

function mistakeCounter(kind: HeadKind) {
  const found = new Map<string, Mistake>();
  return {
    add(sentence: Sentence, prediction: Prediction): void {
      const { tokens, labels, line } = decisionsOf(kind, sentence);
      const chosen = kind.chosenOf(prediction);
      labels?.forEach((gold, i) => {
        const predicted = chosen[i];
        if (predicted === gold) return;
        const key = JSON.stringify([tokens[i], gold, predicted]);
        const mistake = found.get(key) ?? { token: tokens[i], gold, predicted, count: 0, line };
        mistake.count++;
        found.set(key, mistake);
      });
    },
    /** The n commonest, the first one met first among equals. */
    commonest: (n: number): Mistake[] => [...found.values()].sort((a, b) => b.count - a.count).slice(0, n),
  };
}

function labelTable({ labels, spans }: Scores): string {
  const row = (name: string, { precision, recall, f1, gold }: PrecisionRecall): string[] => [
    name,
    ...[precision, recall, f1].map(percent),
    String(gold),
  ];
  const rows = Object.entries(labels).map(([label, score]) => row(label, score));
  const types = Object.entries(spans?.types ?? {}).map(([type, score]) => row(`span ${type}`, score));
  return table([['label', 'precision', 'recall', 'F1', 'gold'], ...rows, ...types]);
}

function confusionTable({ labels, counts }: Confusion): string {
  return table([['gold \\ predicted', ...labels], ...labels.map((label, g) => [label, ...counts[g].map(String)])]);
}

function mistakeTable(mistakes: readonly Mistake[], unit: 'token' | 'sentence'): string {
  if (mistakes.length === 0) return 'no mistakes';
  const rows = mistakes.map(({ token, gold, predicted, count, line }) => [
    cutShort(token),
    gold,
    predicted,
    String(count),
    line === undefined ? '' : String(line),
  ]);
  return table([[unit, 'gold', 'predicted', 'count', 'first in line'], ...rows]);
}
