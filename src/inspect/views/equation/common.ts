/** Formulas of measures that apply to any numbers: norms, shares, cosines. */
import type { Trace } from '../../trace.js';
import type { Path } from '../mark.js';
import type { Expression } from './expression.js';
import { apply, over, sum, times } from './expression.js';
import { operand, upTo } from './step.js';
import type { Scope } from './step.js';

export interface Found {
  readonly symbol: string;
  readonly formula: Expression | undefined;
}

/** A share of the gradient that arrives at the loss's own word. */
export function retention(trace: Trace, path: Path, m: number, k: number, own: number): Found {
  const norm = (word: number): Expression => operand(trace, `‖R[${m},${word}]‖`, ...path, 'norms', m, word);
  return { symbol: `retention[${m},${k}]`, formula: over(norm(k), norm(own)) };
}

export function norm(trace: Trace, symbol: string, values: readonly number[], path: Path): Found {
  const squares = values.map((_, i) => {
    const each = operand(trace, `${symbol.replaceAll('‖', '')}[${i}]`, ...path, i);
    return times(each, each);
  });
  return { symbol, formula: apply('sqrt', sum(...squares)) };
}

/** The cosine between the two parts of a gradient. */
export function cosine(s: Scope, path: Path): Expression {
  const part = (name: string, j: number): Expression => operand(s.trace, `${name}[${j}]`, ...path, name, j);
  const norm = (name: string): Expression => operand(s.trace, `‖${name}‖`, ...path, 'norms', name);
  const dot = sum(...upTo(s.H).map((j) => times(part('direct', j), part('recurrent', j))));
  return over(dot, times(norm('direct'), norm('recurrent')));
}
