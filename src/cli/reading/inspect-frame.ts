/** One sentence on a terminal: loss and prediction of each word, and its state's gradient in two parts. */
import type { ElementTrace, LossTrace, Trace } from '../../inspect/index.js';
import { counted } from '../../tensor/print.js';
import { tableOf } from './matrix.js';
import { percent, short, signed } from './numbers.js';
import type { ConventionOptions } from './options.js';
import type { Paper } from './paper.js';
import { right, shortened, widthOf, wrapped } from './paper.js';
import { lossNames, placeOf } from './place.js';

/** Maximum number of words printed one by one. */
const MOST = 60;

/** Cosine below which two parts are reported as canceling. */
const CANCEL = -0.2;

/** A line per word: gold, prediction, loss, direct + recurrent → total. */
export function stepTable(trace: Trace, options: ConventionOptions, paper: Paper): string[] {
  const place = placeOf(trace, options);
  const byWord = new Map(trace.losses.map((loss) => [loss.word, loss]));
  const head = 't|word|gold|pred|p(gold)|loss|‖direct‖|+ ‖recurrent‖|→ ‖total‖'
    .split('|')
    .map((each) => paper.own(each));
  const remarks: string[] = [];
  const rows = trace.words.slice(0, MOST).map(({ text, known }, k) => {
    const { norms, cosine } = place.trace.steps[k].gradients.states.h;
    const word = paper.word(text, 12) + (known ? '' : paper.paint('bad', '?'));
    const cancel =
      cosine < CANCEL ? paper.own(`← they partly cancel (cos ${cosine.toFixed(2).replace('-', '−')})`) : '';
    const numbers = [norms.direct, norms.recurrent, norms.total].map((each) => paper.own(short(each)));
    remarks.push(cancel);
    return [String(k), word, ...lossCells(byWord.get(k), paper), ...numbers];
  });
  const table = tableOf(paper, [head, ...rows], 'rlllrrrrr');
  const lines = table.flatMap((line, n) => remarked(paper, line, (n > 0 && remarks[n - 1]) || ''));
  lines[0] = paper.paint('bold', lines[0]);
  const more = trace.words.length - MOST;
  if (more > 0) lines.push(`${counted(more, 'more word', 'more words')} ${more === 1 ? 'is' : 'are'} in --json`);
  if (trace.words.some(({ known }) => !known)) lines.push('? the model has no vector for this word');
  const where = `h of layer ${place.layer}, ${place.direction}`;
  const last = `loss of the sentence ${short(trace.loss)} nats; gradients of ${where}; vectors add, norms do not`;
  return [...lines, ...wrapped(paper, paper.own(last))];
}

/** A line followed by its remark, or with the remark below if it does not fit. */
function remarked(paper: Paper, line: string, remark: string): string[] {
  if (remark === '') return [line];
  const both = `${line}  ${remark}`;
  return widthOf(both) <= paper.width ? [both] : [line, right(shortened(paper, remark, paper.width), paper.width)];
}

function lossCells(loss: LossTrace | undefined, paper: Paper): string[] {
  if (loss === undefined) return ['', '', '', ''];
  const right = loss.gold === loss.predicted ? 'good' : 'bad';
  const [gold, predicted] = [paper.word(loss.gold, 10), paper.paint(right, paper.word(loss.predicted, 10))];
  return [gold, predicted, paper.own(loss.probability.toFixed(3)), paper.own(short(loss.loss))];
}

/** The loss of a model that labels the sentence, which belongs to no word. */
export function sentenceLoss(trace: Trace, paper: Paper): string[] {
  const [loss] = trace.losses;
  if (loss.word !== null) return [];
  const [gold, predicted] = [paper.word(loss.gold), paper.word(loss.predicted)];
  const text = `label of the sentence: gold ${gold}, predicted ${predicted}, p(gold) ${loss.probability.toFixed(3)}`;
  return wrapped(paper, text);
}

/** The norms of ∂L_t/∂h_k, if they fit. */
export function normTable(trace: Trace, options: ConventionOptions, paper: Paper): string[] | undefined {
  const place = placeOf(trace, options);
  const { norms } = place.trace.reach.h;
  const names = lossNames(trace);
  const head = [paper.own('‖∂L_t/∂h_k‖'), ...trace.words.map(({ text }) => paper.word(text, 10))];
  const rows = names.map((name, m) => [
    `loss ${paper.word(name, 10)}`,
    ...norms[m].map((each) => (each === null ? '' : paper.own(short(each)))),
  ]);
  const lines = tableOf({ ...paper, width: Infinity }, [head, ...rows], 'l');
  return widthOf(lines[0]) <= Math.min(paper.width, 76) && lines.every((line) => widthOf(line) <= paper.width)
    ? lines
    : undefined;
}

/** One weight's gradient as a sum over the words at which it is used. */
export function elementLines(element: ElementTrace, paper: Paper): string[] {
  const { param, index, uses, total } = element;
  const name = `d${shortName(param)}[${index.join('][')}]`;
  const order = uses.map((use, k) => [use, k] as const).filter(([use]) => use !== 0);
  const terms = order.slice(0, 40).map(([use, k], n) => `${sum(use, n === 0)} (k=${k})`);
  const more = order.length > 40 ? ` and ${order.length - 40} more` : '';
  return wrapped(paper, paper.own(`${name} = ${signed(total, 6)} = ${terms.join(' ') || '0'}${more}`), '    ');
}

const sum = (use: number, first: boolean): string =>
  first ? short(use, 6) : use < 0 ? `− ${short(-use, 6)}` : `+ ${short(use, 6)}`;

/** `W_h` of `layers.0.forward.Wh`, in full if there is more than one. */
export const shortName = (param: string): string =>
  param.replace(/^layers\.0\.forward\./, '').replace(/^heads\.[^.]*\./, 'head.');

/** The largest shares of a parameter's gradient: which loss, through which use. */
export function largestShares(trace: Trace, param: string, paper: Paper, most = 3): string[] {
  const entry = trace.ledger.find((each) => each.param === param && each.gate === null);
  if (entry === undefined) return [];
  const names = lossNames(trace);
  if (entry.norm === 0) return wrapped(paper, paper.own(`d${shortName(param)} is 0 here: it has no shares`));
  const all = entry.shares.flatMap((row, m) => row.flatMap((share, k) => (share === null ? [] : [{ share, m, k }])));
  const top = all.sort((a, b) => Math.abs(b.share) - Math.abs(a.share)).slice(0, most);
  const parts = top.map(
    ({ share, m, k }) =>
      `${paper.word(names[m])}${paper.own('→')}${paper.word(trace.words[k].text)} ${paper.own(percent(share))}`,
  );
  const rest = all.length - top.length;
  return wrapped(
    paper,
    `share of d${shortName(param)}: ${parts.join(', ')}${rest > 0 ? `, ${rest} more` : ''}; ${paper.own(`cancellation ${short(entry.cancellation)}`)}`,
    '    ',
  );
}
