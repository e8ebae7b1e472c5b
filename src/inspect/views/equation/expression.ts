/** Formulas as trees over numbers of a trace, which can be written in symbols, written with numbers, and evaluated. */
import { exp, log, sigmoid, tanh } from '../../../tensor/math.js';
import type { Mark } from '../mark.js';
import { short } from '../text.js';

/** Functions that a formula can apply to a number. `step` is 1 above zero, else 0. */
export type FunctionName = 'tanh' | 'σ' | 'relu' | 'step' | 'exp' | 'log' | 'sqrt';

/** A formula. An operand is a number of the trace, which may itself have a formula. */
export type Expression =
  | { readonly kind: 'operand'; readonly symbol: string; readonly mark: Mark }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'sum'; readonly terms: readonly Expression[] }
  | { readonly kind: 'product'; readonly factors: readonly Expression[] }
  | { readonly kind: 'difference'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'quotient'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'apply'; readonly fn: FunctionName; readonly to: Expression };

export const constant = (value: number): Expression => ({ kind: 'constant', value });
export const sum = (...terms: readonly Expression[]): Expression =>
  terms.length === 1
    ? terms[0]
    : { kind: 'sum', terms: terms.flatMap((each) => (each.kind === 'sum' ? each.terms : [each])) };
export const times = (...factors: readonly Expression[]): Expression => ({ kind: 'product', factors });
export const minus = (left: Expression, right: Expression): Expression => ({ kind: 'difference', left, right });
export const over = (left: Expression, right: Expression): Expression => ({ kind: 'quotient', left, right });
export const apply = (fn: FunctionName, to: Expression): Expression => ({ kind: 'apply', fn, to });

const FUNCTIONS: Readonly<Record<FunctionName, (x: number) => number>> = {
  tanh,
  σ: sigmoid,
  relu: (x) => (x < 0 ? 0 : x),
  step: (x) => (x > 0 ? 1 : 0),
  exp,
  log,
  sqrt: Math.sqrt,
};

/** Evaluates a formula from the full digits of its operands. */
export function evaluate(expression: Expression): number {
  switch (expression.kind) {
    case 'operand':
      return expression.mark.value;
    case 'constant':
      return expression.value;
    case 'sum':
      return expression.terms.reduce((total, each) => total + evaluate(each), 0);
    case 'product':
      return expression.factors.reduce((total, each) => total * evaluate(each), 1);
    case 'difference':
      return evaluate(expression.left) - evaluate(expression.right);
    case 'quotient':
      return evaluate(expression.left) / evaluate(expression.right);
    case 'apply':
      return FUNCTIONS[expression.fn](evaluate(expression.to));
  }
}

type Leaf = Extract<Expression, { kind: 'operand' | 'constant' }>;

/** Writes a formula; sums inside products and quotients get parentheses. */
function write(expression: Expression, leaf: (each: Leaf) => string): string {
  const inner = (each: Expression): string => {
    const text = write(each, leaf);
    return each.kind === 'sum' || each.kind === 'difference' || text.startsWith('−') ? `(${text})` : text;
  };
  switch (expression.kind) {
    case 'operand':
    case 'constant':
      return leaf(expression);
    case 'sum':
      return expression.terms.map((each, i) => (i === 0 ? write(each, leaf) : inner(each))).join(' + ');
    case 'product':
      return expression.factors.map(inner).join(' · ');
    case 'difference':
      return `${write(expression.left, leaf)} − ${inner(expression.right)}`;
    case 'quotient':
      return `${inner(expression.left)} / ${inner(expression.right)}`;
    case 'apply':
      return `${expression.fn}(${write(expression.to, leaf)})`;
  }
}

/** The formula in symbols: `f_1[0] · c_0[0] + i_1[0] · g_1[0]`. */
export const inSymbols = (expression: Expression): string =>
  write(expression, (each) => (each.kind === 'operand' ? each.symbol : String(each.value)));

/** The same with numbers, rounded for display. */
export const inNumbers = (expression: Expression): string =>
  write(expression, (each) => (each.kind === 'operand' ? short(each.mark.value, 4) : String(each.value)));

/** Every operand once, in the order of the formula. */
export function operandsOf(expression: Expression): Extract<Expression, { kind: 'operand' }>[] {
  const found = new Map<string, Extract<Expression, { kind: 'operand' }>>();
  const walk = (each: Expression): void => {
    if (each.kind === 'operand') found.set(each.mark.ref, found.get(each.mark.ref) ?? each);
    else if (each.kind === 'sum') each.terms.forEach(walk);
    else if (each.kind === 'product') each.factors.forEach(walk);
    else if (each.kind === 'apply') walk(each.to);
    else if (each.kind !== 'constant') [each.left, each.right].forEach(walk);
  };
  walk(expression);
  return [...found.values()];
}
