/** `bptt ledger`: which moments built a weight's gradient. */
import type { Command } from 'commander';
import { flatten } from '../../autograd/grads.js';
import type { ElementTrace, LedgerTrace, Trace } from '../../inspect/index.js';
import { copied, mapParams } from '../../inspect/numbers.js';
import type { Model } from '../../labeling/model/model.js';
import { ArgumentError } from '../../tensor/index.js';
import { elementIndex } from '../arguments.js';
import { print, printJson } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { modelLines, seedLines } from './conventions.js';
import { QUICK, read, traceFor } from './inspect.js';
import { elementLines, largestShares, shortName } from './inspect-frame.js';
import { legendOf, matrixOf } from './matrix.js';
import type { Question } from './model.js';
import { percent, short, signed } from './numbers.js';
import { addModelOptions, addPlaceOptions, addPrintOptions, addSeedOptions, addSentenceOptions } from './options.js';
import type { ReadingOptions } from './options.js';
import { paperFor, wrapped } from './paper.js';
import type { Paper } from './paper.js';
import { lossNames } from './place.js';

interface Options extends ReadingOptions {
  readonly param: string;
  readonly gate?: string;
  readonly at?: readonly number[];
}

const HELP = `
A weight is used once per word, and its gradient is a sum over losses and uses. A share is the component of an addend along the
whole gradient: shares add up to 1, and negative ones oppose the sum. The cancellation index is 1 if all addends agree and 0 if
they cancel. With --at one weight's gradient is written out as a sum over the words.

Example:
  bptt ledger "the cat near the dogs sat" --cell lstm --param Wh --gate f
  bptt ledger "the cat sat" --cell rnn --hidden 4 --param Wh --at 0,2`;

/** Adds the command. */
export function addLedger(program: Command, terminal: Terminal): void {
  const command = program
    .command('ledger')
    .description("which losses, through which words, make up a parameter's gradient");
  addPrintOptions(
    addPlaceOptions(addSeedOptions(addSentenceOptions(addModelOptions(command)))),
    'print one JSON object: param, shares, total, cancellation',
  )
    .option(
      '--param <name>',
      'parameter of the layer, such as Wh, Wx, b, or a dotted name, such as heads.labels.W',
      'Wh',
    )
    .option('--gate <name>', 'only the columns of one gate')
    .option('--at <i,j>', 'one weight, counted from 0: its gradient as a sum over the words', elementIndex)
    .addHelpText('after', HELP)
    .action((sentence: string, file: string | undefined, options: Options) =>
      runLedger(sentence, file, options, terminal),
    );
}

async function runLedger(text: string, file: string | undefined, options: Options, terminal: Terminal): Promise<void> {
  const { param, at } = options;
  const { question, trace } = await traceFor(text, file, options, terminal, ({ model }) => {
    const name = parameterOf(model, options);
    return { ...QUICK, ledger: [name], elements: at === undefined ? [] : [{ param: name, index: at }] };
  });
  const name = parameterOf(question.model, options);
  const entry = entryOf(trace, name, options);
  if (options.json) {
    const { norm, total, cancellation, gate } = entry;
    const shares = entry.shares.map((row) => row.map((each) => each ?? 0));
    const element = at === undefined ? {} : { element: elementOf(trace) };
    return printJson(terminal, { param, gate, tensor: name, shares, total, cancellation, norm, ...element });
  }
  const paper = paperFor(terminal, options);
  const lines = [
    ...modelLines(paper, trace, question.notes),
    ...ledgerLines(trace, entry, paper),
    ...(at === undefined
      ? []
      : [...elementLines(trace.elements[0], paper), ...differenceLines(question, options, trace.elements[0], paper)]),
    ...seedLines(paper, trace, question.gold),
  ];
  for (const line of lines) await print(terminal, line);
}

/** One weight in the --json format. */
function elementOf({ elements: [{ index, uses, total }] }: Trace) {
  return { index, uses, total };
}

/** The dotted name of --param. @throws ArgumentError if there is no such parameter, naming the existing ones */
export function parameterOf(model: Model, { param, layer, direction = 'forward' }: NamedParameter): string {
  const prefix = `layers.${layer ?? model.params.layers.length - 1}.${direction}.`;
  const names = Object.keys(flatten(model.params));
  const name = names.find((each) => each === param || each === prefix + param);
  if (name !== undefined) return name;
  const known = names.map((each) => each.replace(prefix, '')).join(', ');
  throw new ArgumentError(`--param ${param}: there is no such parameter: choose one of ${known}`);
}

/** Name of a parameter on the command line. */
interface NamedParameter extends Pick<ReadingOptions, 'layer' | 'direction'> {
  readonly param: string;
}

/** Half a step of a central difference, relative to the weight: approximately the cube root of the unit roundoff of float64. */
const STEP = 1e-5;

/** The same gradient by a central difference: two more forward passes with this weight perturbed. */
function differenceLines(question: Question, options: Options, element: ElementTrace, paper: Paper): string[] {
  const { param, index, total } = element;
  const moved = (by: number): number => {
    const params = mapParams(question.model.params, copied);
    const tensor = flatten(params)[param];
    const at = index.reduce((sum, i, axis) => sum + i * tensor.stride[axis], tensor.offset);
    tensor.data[at] += by;
    const trace = read({ ...question, model: { ...question.model, params } }, options, QUICK);
    return trace.losses.reduce((sum, { seed }) => sum + seed, 0);
  };
  const numeric = (moved(STEP) - moved(-STEP)) / (2 * STEP);
  const gap = Math.abs(numeric - total);
  const ok = gap <= 1e-7 * Math.max(1, Math.abs(total));
  const verdict = ok ? paper.paint('good', 'agrees') : paper.paint('bad', 'DISAGREES');
  return wrapped(paper, `${verdict}  ${paper.own(`central difference ${signed(numeric, 6)}, off by ${short(gap)}`)}`);
}

/** The entry of a parameter and a gate. @throws ArgumentError on a gate that it does not have, naming the existing ones */
function entryOf(trace: Trace, param: string, { gate = null }: { readonly gate?: string | null }): LedgerTrace {
  const found = trace.ledger.find((each) => each.gate === gate);
  if (found !== undefined) return found;
  const gates = trace.ledger.flatMap((each) => (each.gate === null ? [] : [each.gate]));
  throw new ArgumentError(`--gate ${gate}: ${param} has ${gates.join(', ') || 'no gates'}: choose one of them`);
}

/** The matrix of shares, their sum, and the largest of them. */
export function ledgerLines(trace: Trace, entry: LedgerTrace, paper: Paper): string[] {
  const { param, gate, norm, shares, total, cancellation } = entry;
  const columns = trace.words.length;
  if (norm === 0) {
    const whole = `d${shortName(param)}${gate === null ? '' : `, gate ${gate}`}`;
    return wrapped(paper, `the gradient ${whole} is 0 at this sentence: it has no shares`);
  }
  const matrix = matrixOf(paper, { rows: lossNames(trace), columns, at: (m, k) => shares[m][k], signs: true });
  const negative = shares.flat().reduce<number>((sum, each) => sum + Math.min(0, each ?? 0), 0);
  const name = `d${shortName(param)}${gate === null ? '' : `, gate ${gate}`}`;
  const facts = `shares add up to ${Number.isFinite(total) ? `${(100 * total).toFixed(3)} %` : short(total)}, the negative ones to ${percent(negative)}; cancellation ${short(cancellation)}; ‖${name}‖ = ${short(norm)}`;
  return [
    ...wrapped(paper, paper.own(`shares of ${name}: loss down, use across; + along the sum, - against it`)),
    ...matrix.lines,
    ...legendOf(paper),
    ...(matrix.block > 1
      ? wrapped(paper, paper.own(`${matrix.block} words share a cell, which shows the largest of them`))
      : []),
    ...wrapped(paper, paper.own(facts)),
    ...(gate === null ? largestShares(trace, param, paper, 5) : []),
  ];
}
