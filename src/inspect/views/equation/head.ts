/** The formulas after the layers: logits, probabilities, losses, and the gradients that start there. */
import type { Trace } from '../../trace.js';
import type { Path } from '../mark.js';
import { apply, constant, minus, over, sum, times } from './expression.js';
import type { Expression } from './expression.js';
import type { Found } from './common.js';
import { operand, scopeOf, upTo } from './step.js';

/** The formula of a number from losses, the head or the sum; undefined if there is none. */
export function behind(trace: Trace, path: Path): Found | undefined {
  const [root, a, b, c, d] = path as (string & number)[];
  if (root === 'loss') {
    return { symbol: 'L', formula: sum(...trace.losses.map((_, m) => operand(trace, `L_${m}`, 'losses', m, 'loss'))) };
  }
  if (root === 'head' && a === 'weights') return { symbol: `${b}[${c},${d}]`, formula: undefined };
  if (root === 'head' && a === 'dWeights') return { symbol: `d${b}[${c},${d}]`, formula: headGradient(trace, b, c, d) };
  if (root !== 'losses') return undefined;
  if (b === 'logits') return { symbol: `z_${a}[${c}]`, formula: logit(trace, a, c) };
  if (b === 'probabilities') return { symbol: `p_${a}[${c}]`, formula: softmax(trace, a, c) };
  if (b === 'probability') return { symbol: `p_${a}(gold)`, formula: softmax(trace, a, goldOf(trace, a)) };
  if (b === 'loss') return { symbol: `L_${a}`, formula: loss(trace, a) };
  if (b === 'dLogits') return { symbol: `dz_${a}[${c}]`, formula: seedGradient(trace, a, c) };
  return undefined;
}

const goldOf = (trace: Trace, m: number): number => trace.model.labels.indexOf(trace.losses[m].gold);

const logitAt = (trace: Trace, m: number, y: number): Expression =>
  operand(trace, `z_${m}[${y}]`, 'losses', m, 'logits', y);

/** e^z over their sum. */
const softmax = (trace: Trace, m: number, y: number): Expression =>
  over(
    apply('exp', logitAt(trace, m, y)),
    sum(...trace.model.labels.map((_, each) => apply('exp', logitAt(trace, m, each)))),
  );

const loss = (trace: Trace, m: number): Expression =>
  minus(constant(0), apply('log', operand(trace, `p_${m}(gold)`, 'losses', m, 'probability')));

/** p − 1 at the gold label, p elsewhere; for seeds that are losses. */
function seedGradient(trace: Trace, m: number, y: number): Expression | undefined {
  if (trace.conventions.seed !== 'loss') return undefined;
  const p = operand(trace, `p_${m}[${y}]`, 'losses', m, 'probabilities', y);
  return y === goldOf(trace, m) ? minus(p, constant(1)) : p;
}

/** The states of the last layer at the word of a loss, both directions concatenated. */
function features(trace: Trace, m: number): Expression[] | undefined {
  const { word } = trace.losses[m];
  if (word === null || trace.head.kind !== 'softmax') return undefined;
  const layer = trace.layers.length - 1;
  const names = trace.layers[layer].reverse === undefined ? (['forward'] as const) : (['forward', 'reverse'] as const);
  return names.flatMap((name) => {
    const { H, path } = scopeOf(trace, layer, name);
    const symbol = names.length === 1 ? 'h' : name === 'forward' ? 'h→' : 'h←';
    return upTo(H).map((j) => operand(trace, `${symbol}_${word}[${j}]`, ...path, 'steps', word, 'states', 'h', j));
  });
}

function logit(trace: Trace, m: number, y: number): Expression | undefined {
  const h = features(trace, m);
  const bias = operand(trace, `b[${y}]`, 'head', 'weights', 'b', 0, y);
  return (
    h && sum(...h.map((each, i) => times(each, operand(trace, `W[${i},${y}]`, 'head', 'weights', 'W', i, y))), bias)
  );
}

/** A weight of the head: a sum over the losses. */
function headGradient(trace: Trace, name: string, i: number, y: number): Expression | undefined {
  const each = trace.losses.map((_, m) => operand(trace, `dz_${m}[${y}]`, 'losses', m, 'dLogits', y));
  if (trace.head.kind !== 'softmax') return undefined;
  if (name === 'b') return sum(...each);
  const terms = each.map((dz, m) => {
    const h = features(trace, m);
    return h && times(h[i], dz);
  });
  return name === 'W' && terms.every((term) => term !== undefined) ? sum(...(terms as Expression[])) : undefined;
}
