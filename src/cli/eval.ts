/** `bptt eval`: scores of a model on labeled sentences. */
import type { Command } from 'commander';
import type { Scores } from '../labeling/scoring/scorer.js';
import { countOrAll } from './arguments.js';
import { addBackendOption, openBackend } from './backend.js';
import { calibrationsOf, calibrationTable } from './calibration-report.js';
import type { GoldOptions, JudgedBy } from './gold.js';
import { addGoldOptions, expectScheme, judge } from './gold.js';
import { describeTogether } from './head-report.js';
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
import { collectWarnings } from './warnings.js';

interface Options extends GoldOptions {
  readonly cell?: string;
  readonly json?: boolean;
  readonly confusion?: boolean;
  readonly calibration?: boolean;
  readonly errors?: number;
  readonly backend: string;
}

const HELP = `
Spans are read from labels by one of three rules (--span-mode), which is printed with their F1:
  conlleval  a span starts at B, S or U, and at any label that cannot continue the previous one (I after O or another type)
  strict     only spans that are well-formed in their scheme count, as in the strict mode of seqeval
  repair     gold and predicted labels are first repaired in their scheme, as by bptt convert: the spans are those of conlleval,
             accuracies and label scores those of the repaired labels

With --json, the object has accuracy, oovAccuracy, spanF1, spanMode, tokens, precision, recall, F1 and support of every label
and span type, scores by length, and warnings; docs/command-line/score.md lists the fields. --confusion, --calibration and
--errors add fields of their names.

With several heads, each is scored, and how often all are right; heads whose labels the file lacks are left out with a warning.
--column names the columns of the heads, in their order, if the file names them differently.

A file in the format of the model's training data is read in the same way, unless options say otherwise.

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
    .option('--json', 'print one JSON object')
    .option('--confusion', 'add the confusion matrix: gold labels down, predicted labels across')
    .option('--calibration', 'add accuracy by confidence, and the expected calibration error (Guo et al. 2017)')
    .option('--errors <n>', 'add the n most common mistakes, or all, with their lines', countOrAll)
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .addHelpText('after', HELP);
  addGoldOptions(command);
  addBackendOption(command).action((model: string, file: string, options: Options) =>
    runEval(model, file, options, terminal),
  );
}

async function runEval(modelFile: string, file: string, options: Options, terminal: Terminal): Promise<void> {
  expectScheme(options);
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const model = await readModel(modelFile, await openOwnCell(options.cell, terminal));
  const open = async () => (await openBackend(options.backend, terminal)).kernels;
  const { scores, heads } = await judge(model, file, options, options.calibration ?? false, warnings, open);
  if (options.json) {
    const byHead = Object.fromEntries(heads.map((head) => [head.name, fieldsOf(head, options)]));
    const { together } = scores;
    await printJson(terminal, {
      ...fieldsOf(heads[0], options),
      ...(scores.heads && { heads: byHead, ...(together && { together }) }),
      warnings: warnings.notes,
    });
    return;
  }
  const paper = paperFor(terminal, {});
  const parts = heads.flatMap((head) => [
    ...(scores.heads ? [`head ${head.name}`] : []),
    ...partsOf(head, options, paper),
  ]);
  if (scores.together) parts.push(describeTogether(scores.together));
  await print(terminal, parts.join('\n\n'));
}

/** The `--json` fields of one head. */
function fieldsOf(head: JudgedBy, { confusion, errors, calibration }: Options): object {
  const { scores, judged } = head;
  const measured = calibration ? calibrationsOf(head) : undefined;
  return {
    ...detailsOf(scores),
    ...((confusion || scores.unit === 'sentence') && { confusion: scores.confusion }),
    ...(errors !== undefined && mistakesOf(judged, scores, errors)),
    ...(measured && {
      calibration: measured.labels,
      ...(measured.spans && { spanCalibration: measured.spans }),
    }),
  };
}

/** The fields of the most frequent mistakes. */
function mistakesOf(judged: readonly Judged[], { spans }: Scores, most: number): object {
  return {
    errors: labelMistakes(judged, spans).slice(0, most),
    ...(spans && { spanErrors: wrongSpans(judged, spans).slice(0, most) }),
  };
}

/** Maximum number of sentence labels for which the confusion matrix is shown by default. */
const FEW_LABELS = 12;

/** The printed output, part by part. */
function partsOf(head: JudgedBy, options: Options, paper: Paper): string[] {
  const { scores, judged } = head;
  const { spans, unit, lengths, confusion } = scores;
  const parts = [describeScores(scores), labelTable(paper, scores)];
  if (spans) parts.push(spanTable(paper, spans));
  const words = unit === 'token' ? wordTable(paper, scores) : undefined;
  if (words !== undefined) parts.push(words);
  if (lengths.length > 1) parts.push(lengthTable(paper, scores));
  if (options.confusion || (unit === 'sentence' && confusion.labels.length <= FEW_LABELS))
    parts.push(confusionTable(paper, confusion));
  if (options.calibration) {
    const measured = calibrationsOf(head);
    parts.push(calibrationTable(paper, 'labels', measured.labels));
    if (measured.spans) parts.push(calibrationTable(paper, 'spans', measured.spans));
  }
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
