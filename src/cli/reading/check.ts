/** `bptt check`: checks the gradients of random weights of a model on one sentence, by three methods. */
import type { Command } from 'commander';
import type { CheckElement, Trace } from '../../inspect/index.js';
import { BpttError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { count, positiveInteger } from '../arguments.js';
import { print, printJson } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { curveLines } from './check-curve.js';
import { modelLines } from './conventions.js';
import { QUICK, traceFor } from './inspect.js';
import { tableOf } from './matrix.js';
import { short } from './numbers.js';
import {
  addModelOptions,
  addPrintOptions,
  addSeedOptions,
  addSentenceOptions,
  atMost,
  MOST_CHECKS,
} from './options.js';
import type { ReadingOptions } from './options.js';
import { paperFor, wrapped } from './paper.js';
import type { Paper } from './paper.js';

interface Options extends ReadingOptions {
  readonly random: number;
  readonly checkSeed: number;
}

const HELP = `
Each weight's gradient by the hand-written backward pass, by dual numbers (forward mode) and by central differences with their
noise: finite differences below their noise prove nothing, and the verdict says so. If something disagrees, the first wrong gate,
unit and word are named. Below is the error of plain differences of one weight by step size: too wide a step truncates, too narrow
a one only rounds.

Exit status: 0 if everything agrees, 1 if anything disagrees.

Example:
  bptt check "the cat near the dogs sat" --cell lstm --random 200
  bptt check "they run" tagger.safetensors --json`;

/** Adds the command. */
export function addCheck(program: Command, terminal: Terminal): void {
  const command = program
    .command('check')
    .description('check gradients of a sentence against forward mode and finite differences');
  addPrintOptions(
    addSeedOptions(addSentenceOptions(addModelOptions(command))),
    'print one JSON object: checked, agrees, worst, fault, curve',
  )
    .option('--random <n>', 'how many random weights', atMost(positiveInteger, MOST_CHECKS), 50)
    .option('--check-seed <n>', 'draws these weights', count, 1)
    .addHelpText('after', HELP)
    .action((sentence: string, file: string | undefined, options: Options) =>
      runCheck(sentence, file, options, terminal),
    );
}

/** The curve, with the name of its weight. */
function curveOf({ checks: { curve, elements } }: Trace): object | null {
  if (!curve) return null;
  const { element, ...sides } = curve;
  return { where: elements[element].where, ...sides };
}

async function runCheck(text: string, file: string | undefined, options: Options, terminal: Terminal): Promise<void> {
  const { random: checks, checkSeed } = options;
  const { question, trace } = await traceFor(text, file, options, terminal, () => ({ ...QUICK, checks, checkSeed }));
  const { checked, agrees, fault } = trace.checks;
  if (options.json) await printJson(terminal, { checked, agrees, worst: worstOf(trace), fault, curve: curveOf(trace) });
  else {
    const paper = paperFor(terminal, options);
    const lines = [...modelLines(paper, trace, question.notes), ...checkLines(trace, paper)];
    for (const line of lines) await print(terminal, line);
  }
  if (!agrees) throw new BpttError(fault?.message ?? `check: ${worstOf(trace)?.where ?? 'a gradient'} disagrees`);
}

function worstOf({ checks: { worst, elements } }: Trace) {
  if (worst === null) return null;
  const { where, analytic, forwardMode, numeric, noise, relative, verdict } = elements[worst];
  return { where, analytic, forwardMode, numeric, noise, relative, verdict };
}

/** The weights that agree least, the verdict, and the curve of one of them. */
export function checkLines(trace: Trace, paper: Paper): string[] {
  const { checks } = trace;
  const { checked, agrees, elements, fault } = checks;
  const head = ['weight', 'by hand', 'forward mode', 'differences', '± noise', 'relative', ''];
  const least = [...elements].sort((a, b) => size(b) - size(a)).slice(0, 12);
  const lines = tableOf(
    paper,
    [head.map((each) => paper.own(each)), ...least.map((each) => rowOf(each, paper))],
    'lrrrrrl',
  );
  const shown = least.length < checked ? ` (the ${least.length} that agree least are shown)` : '';
  const below = elements.filter(({ verdict }) => verdict === 'below-noise').length;
  const verdict = agrees ? paper.paint('good', 'agree') : paper.paint('bad', 'DO NOT AGREE');
  return [
    ...lines,
    ...wrapped(paper, `${counted(checked, 'weight')} ${verdict}${shown}`),
    ...(below > 0
      ? wrapped(
          paper,
          `${below} ${below === 1 ? 'is' : 'are'} below the noise of finite differences, and forward mode is not available: not judged`,
        )
      : []),
    ...(fault ? wrapped(paper, paper.paint('bad', paper.own(fault.message))) : []),
    '',
    ...curveLines(trace, paper),
  ];
}

const size = ({ relative, verdict }: CheckElement): number =>
  verdict === 'disagree' ? Infinity : Number.isFinite(relative) ? relative : -1;

function rowOf(element: CheckElement, paper: Paper): string[] {
  const number = (x: number | null): string => (x === null ? '–' : paper.own(short(x)));
  const { where, analytic, forwardMode, numeric, noise, relative, verdict } = element;
  const words = {
    agree: paper.paint('good', paper.own('✓')),
    disagree: paper.paint('bad', 'NO'),
    'below-noise': '?',
  };
  return [shortName(where), ...[analytic, forwardMode, numeric, noise, relative].map(number), words[verdict]];
}

/** `Wx[1,45] g` of `layers.0.forward.Wx[1, 45], gate g`. */
const shortName = (where: string): string =>
  where
    .replace(/^layers\.0\.forward\./, '')
    .replace(/^(encoders|heads)\./, '')
    .replace(/, gate /, ' ')
    .replace(/, /g, ',');
