/** `bptt gradcheck`: the gradient of one weight, and the evidence that it is right. */
import type { Command } from 'commander';
import { cells as allCells } from '../cells/index.js';
import type { Cell } from '../cells/index.js';
import { createCpuKernels } from '../kernels/index.js';
import { BpttError } from '../tensor/index.js';
import { elementIndex, integer, positiveInteger } from './arguments.js';
import { addRequired } from './required.js';
import type { ElementGradient } from './gradient.js';
import { NUMERIC_TOLERANCE } from '../autograd/check/verdict.js';
import { INPUT_SIZE, inspectGradients } from './gradient.js';
import { cellChoices, cellName, openCell } from './own-cell.js';
import type { Colors, Terminal } from './terminal.js';
import { colorsFor, print, printJson } from './terminal.js';

interface Options {
  readonly cell: string;
  readonly param?: string;
  readonly at?: number[];
  readonly hidden: number;
  readonly steps: number;
  readonly seed: number;
  readonly json?: boolean;
}

const HELP = `
One layer of the cell runs over one random sequence in float64, with the loss L = Σ_t w_t·h_t, w random. For each
parameter, one element is shown: the one given with --at, or the one that agrees least. The terms are the
gradients of the T uses of that weight, one per step; they sum to the analytic value. Forward mode runs the cell's
equations over dual numbers: its value is exact to rounding, even below the noise of finite differences. Your own cell needs
'equations' for it; without them, forward mode is unavailable.

An element agrees if forward mode has the same value and finite differences do not refute it. At a kink of the loss, such as
max(0, x) at 0, and without forward mode, finite differences decide: at a kink any value between the derivatives on either side
agrees, and what they can neither confirm nor refute is inconclusive. bptt check uses the same rule.

Exit status: 0 if everything agrees, 1 if anything disagrees or is inconclusive.

Example:
  bptt gradcheck --cell lstm --param Wh --at 3,7
  bptt gradcheck --cell ./my-cell.mjs`;

/**
 * Adds the command.
 *
 * @param cells cells by name; passed by tests, which show that a wrong cell is detected
 */
export function addGradcheck(
  program: Command,
  terminal: Terminal,
  cells: Readonly<Record<string, Cell>> = allCells,
): void {
  const command = program
    .command('gradcheck')
    .description('compare gradients of a cell with forward mode and finite differences, and show their terms');
  addRequired(command, '--cell <cell>', `cell: ${cellChoices(cells)}`, cellName(cells))
    .option('--param <name>', 'parameter, such as Wx, Wh, b; default: all of them')
    .option('--at <i,j>', 'element of the parameter, counted from 0; default: the one that agrees least', elementIndex)
    .option('--hidden <n>', 'hidden size H', positiveInteger, 8)
    .option('--steps <n>', 'number of time steps T', positiveInteger, 6)
    .option('--seed <n>', 'seed of parameters, inputs and cotangents', integer, 1)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const elements = inspectGradients(createCpuKernels(), await openCell(options.cell, terminal, cells), options);
      const agrees = elements.every((element) => element.agrees);
      if (options.json) await printJson(terminal, jsonOf(options, elements, agrees));
      else await print(terminal, textOf(options, elements, colorsFor(terminal.stdout, terminal.env)));
      if (!agrees) throw new BpttError(failureOf(elements));
    });
}

/** The line on stderr: what is wrong, or what cannot be decided. */
function failureOf(elements: readonly ElementGradient[]): string {
  const named = (verdict: ElementGradient['verdict']): string =>
    elements
      .filter((element) => element.verdict === verdict)
      .map(({ param }) => param)
      .join(', ');
  const wrong = named('disagrees');
  if (wrong !== '') return `gradcheck: the gradient of ${wrong} is not confirmed`;
  return (
    `gradcheck: the gradient of ${named('inconclusive')} is inconclusive: the loss is not smooth enough there. ` +
    'Try another --seed.'
  );
}

function jsonOf({ cell, hidden, steps, seed }: Options, elements: ElementGradient[], agrees: boolean): object {
  return {
    cell,
    inputSize: INPUT_SIZE,
    hidden,
    steps,
    seed,
    dtype: 'float64',
    tolerance: NUMERIC_TOLERANCE,
    agrees,
    elements,
  };
}

function textOf({ cell, hidden, steps, seed }: Options, elements: ElementGradient[], colors: Colors): string {
  const head = `${colors.bold(cell)}  D = ${INPUT_SIZE}, H = ${hidden}, T = ${steps}, seed ${seed}, float64`;
  return [head, ...elements.map((element) => describe(element, colors))].join('\n\n');
}

function describe(element: ElementGradient, colors: Colors): string {
  const verdict = {
    agrees: colors.green('agrees'),
    disagrees: colors.red('DISAGREES'),
    inconclusive: colors.red('INCONCLUSIVE'),
  }[element.verdict];
  const { kink } = element;
  const lines = [
    colors.bold(`${element.param}[${element.at.join(', ')}]`),
    `  analytic        ${signed(element.analytic)}`,
    `  forward mode    ${element.forwardMode === null ? ' not available' : signed(element.forwardMode)}`,
    `  numeric         ${signed(element.numeric)}  (± ${element.noise.toExponential(1)})`,
    `  relative error   ${element.relativeError.toExponential(1)}  ${verdict} (tolerance ${NUMERIC_TOLERANCE.toExponential(0)})`,
    ...(kink ? [`  at a kink       ${signed(kink.left)} from the left, ${signed(kink.right)} from the right`] : []),
    ...element.terms.map((term, t) => `  step ${String(t).padEnd(4)}       ${signed(term)}`),
    `  sum of steps    ${signed(element.termSum)}`,
  ];
  return lines.join('\n');
}

/** A number in a column: sign or space, then 15 digits. */
function signed(x: number): string {
  return `${x < 0 ? '' : ' '}${x.toExponential(14)}`;
}
