/** `bptt quantize`: writes a model file with 8-bit integer weights, and measures the loss of accuracy. */
import type { Command } from 'commander';
import { flatten } from '../autograd/grads.js';
import type { TensorRecord } from '../autograd/grads.js';
import { inputName } from '../labeling/data/files.node.js';
import { isForInt8, loadModel, saveModel } from '../labeling/model/file.js';
import type { Model } from '../labeling/model/model.js';
import type { Scores } from '../labeling/scoring/scorer.js';
import { saveFile } from '../serialize/save.node.js';
import { DataError } from '../tensor/index.js';
import { counted, grouped } from '../tensor/print.js';
import { elementAt } from '../tensor/view.js';
import { visible } from '../tensor/visible.js';
import { addBackendOption, openBackend } from './backend.js';
import type { GoldOptions, JudgedModel } from './gold.js';
import { addGoldOptions, expectScheme, judge } from './gold.js';
import { headSummary } from './head-report.js';
import { foreignLines } from './train/init.js';
import { named, readBytes } from './model-io.js';
import { checkOutputs } from './outputs.js';
import { openOwnCell } from './own-cell.js';
import { percent } from './report.js';
import { addRequired } from './required.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';
import { collectWarnings } from './warnings.js';

interface Options extends GoldOptions {
  readonly out: string;
  readonly gold?: string;
  readonly cell?: string;
  readonly backend: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const HELP = `
Every matrix gets integers from -127 to 127 and a scale for each row; vectors stay in float32. A weight is off by at most half a
step of its row. bptt tag, eval and the API read the file like any other; older versions refuse it, and training cannot continue
from it. With --gold, both models label the file, and the difference of their scores is printed.

Example:
  bptt quantize tagger.safetensors --out small.safetensors --gold dev.conllu`;

/** Adds the command. */
export function addQuantize(program: Command, terminal: Terminal): void {
  const command = program
    .command('quantize')
    .description('write a model with 8-bit integer weights, a quarter of the size')
    .argument('<model>', 'model file');
  addRequired(command, '--out <file>', 'model file to write')
    .option('--gold <file>', 'labeled sentences: score the model before and after')
    .option('--cell <file>', 'the JavaScript file of the cell the model was trained with, if it is not built in')
    .option('--quiet', 'print nothing but warnings')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP);
  addGoldOptions(command);
  addBackendOption(command).action((model: string, options: Options) => runQuantize(model, options, terminal));
}

async function runQuantize(path: string, options: Options, terminal: Terminal): Promise<void> {
  const { out, gold, quiet } = options;
  expectScheme(options);
  await checkOutputs({ '--out': out }, [path, ...(gold === undefined ? [] : [gold])]);
  const own = await openOwnCell(options.cell, terminal);
  const read = await readBytes(path);
  const model = named(path, () => loadModel(read, own));
  if (model.quantized) throw new DataError(`${path}: its weights are already integers: quantize the original model`);
  const bytes = saveModel(model, { weights: 'int8' });
  const rounded = loadModel(bytes, own);
  const scores = gold === undefined ? undefined : await scored(model, rounded, gold, options, terminal);
  await saveFile(out, bytes);
  const report = { model: path, out, bytes: { before: read.length, after: bytes.length }, weights: errorsOf(model, rounded) }; // prettier-ignore
  if (options.json) return printJson(terminal, { ...report, ...(scores && fieldsOf(scores)) });
  if (quiet) return;
  const lines = [...sizeLines(report), ...foreignLines(model), ...(scores ? scoreLines(scores) : [])];
  await print(terminal, lines.map(visible).join('\n'));
}

/** Both models on the same sentences. */
interface Compared {
  readonly source: string;
  readonly before: JudgedModel;
  readonly after: JudgedModel;
  readonly warnings: readonly object[];
}

async function scored(
  model: Model,
  rounded: Model,
  file: string,
  options: Options,
  terminal: Terminal,
): Promise<Compared> {
  const warnings = collectWarnings((text) => void terminal.stderr.write(`${text}\n`));
  const again = collectWarnings(() => undefined); // the same notes
  const open = async () => (await openBackend(options.backend, terminal)).kernels;
  const before = await judge(model, file, options, false, warnings, open);
  const after = await judge(rounded, file, options, false, again, open);
  return { source: inputName(file), before, after, warnings: warnings.notes };
}

/** Measures how far the weights of two models differ. */
interface WeightErrors {
  /** Number of int8 matrices, and of numbers in them. */
  readonly matrices: number;
  readonly integers: number;
  /** Count of numbers that stay in float32. */
  readonly floats: number;
  /** Largest and root mean square of |w − ŵ| over the matrices. */
  readonly largest: number;
  readonly rms: number;
}

function errorsOf(model: Model, rounded: Model): WeightErrors {
  const parts = ({ params, members = [params] }: Model): TensorRecord[] => members.map(flatten);
  const after = parts(rounded);
  const found = { matrices: 0, integers: 0, floats: 0, largest: 0 };
  const seen = new Set<object>(); // members may share a tensor
  let squares = 0;
  parts(model).forEach((record, m) => {
    for (const [name, tensor] of Object.entries(record)) {
      const other = after[m][name];
      if (seen.has(other)) continue;
      seen.add(other);
      if (!isForInt8(tensor)) {
        found.floats += other.data.length;
        continue;
      }
      found.matrices++;
      found.integers += other.data.length;
      const [rows, columns] = tensor.shape;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const w = elementAt(tensor, i, j);
          const error = Math.abs(w - other.data[i * columns + j]);
          found.largest = Math.max(found.largest, error);
          squares += error * error;
        }
      }
    }
  });
  return { ...found, rms: found.integers > 0 ? Math.sqrt(squares / found.integers) : 0 };
}

/** Number of labels on which the two models differ, for one head. */
function differing({ before, after }: Compared, h: number): { readonly labels: number; readonly differing: number } {
  const [own, other] = [before, after].map(({ heads }) => heads[h].judged.flatMap(({ predicted }) => predicted));
  return { labels: own.length, differing: own.filter((label, i) => label !== other[i]).length };
}

const changed = (before: Scores, after: Scores) => ({
  accuracy: after.accuracy - before.accuracy,
  ...(typeof before.spanF1 === 'number' &&
    typeof after.spanF1 === 'number' && { spanF1: after.spanF1 - before.spanF1 }),
});

/** The fields of `--json` about scores. */
function fieldsOf(compared: Compared): object {
  const { source, before, after, warnings } = compared;
  const heads = before.heads.map(({ name, scores }, h) => {
    return [name, { ...changed(scores, after.heads[h].scores), ...differing(compared, h) }];
  });
  return {
    gold: source,
    scores: { before: headSummary(before.scores), after: headSummary(after.scores) },
    difference: Object.fromEntries(heads) as object,
    warnings,
  };
}

function sizeLines({
  model,
  out,
  bytes,
  weights,
}: {
  readonly model: string;
  readonly out: string;
  readonly bytes: { readonly before: number; readonly after: number };
  readonly weights: WeightErrors;
}): string[] {
  const { matrices, integers, floats, largest, rms } = weights;
  return [
    `before  ${model}, ${grouped(bytes.before)} bytes`,
    `after   ${out}, ${grouped(bytes.after)} bytes, ${percent(bytes.after / bytes.before)} of it`,
    `weights ${counted(matrices, 'matrix', 'matrices')} of ${counted(integers, 'number')} in int8, ${counted(floats, 'number')} in float32`,
    `error   at most ${largest.toPrecision(3)}, root mean square ${rms.toPrecision(3)}`,
  ];
}

/** Both scores and their difference in percentage points, a line for each head and score. */
function scoreLines(compared: Compared): string[] {
  const { source, before, after } = compared;
  const several = before.heads.length > 1;
  return before.heads.flatMap(({ name, scores: own }, h) => {
    const other = after.heads[h].scores;
    const line = (what: string, x: number, y: number): string =>
      `${source}${several ? `, ${name}` : ''}  ${what} ${percent(x)} → ${percent(y)} (${points(y - x)})`;
    const { labels, differing: count } = differing(compared, h);
    return [
      line('accuracy', own.accuracy, other.accuracy),
      ...(typeof own.spanF1 === 'number' && typeof other.spanF1 === 'number'
        ? [line('span F1', own.spanF1, other.spanF1)]
        : []),
      `${source}${several ? `, ${name}` : ''}  ${counted(count, 'label')} of ${grouped(labels)} differ`,
    ];
  });
}

const points = (difference: number): string =>
  `${difference > 0 ? '+' : difference < 0 ? '−' : '±'}${Math.abs(100 * difference).toFixed(2)}`;
