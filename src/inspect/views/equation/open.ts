/**
 * From a pointer into the trace to the formula of the number there. The operands of a formula are again numbers of the trace, so
 * that any of them can be opened in turn, down to weights and word vectors, which are given.
 */
import { numberAt } from '../../refs.js';
import type { DirectionName, Trace } from '../../trace.js';
import { must } from '../mark.js';
import type { Mark, Path } from '../mark.js';
import { cellFormulas } from './cells.js';
import type { Expression } from './expression.js';
import { apply, constant, evaluate, minus, sum, times } from './expression.js';
import { after, argument, columnsOf, dArgument, dOther, gate, input, operand, scopeOf, upTo, weight } from './step.js';
import type { Scope } from './step.js';
import { behind } from './head.js';
import { cosine, norm, retention } from './common.js';
import type { Found } from './common.js';

/** A number and its origin. */
export interface Opened {
  readonly mark: Mark;
  readonly symbol: string;
  /** Undefined for given numbers (weights, word vectors, the initial state) and for numbers that the trace does not break down. */
  readonly formula: Expression | undefined;
  /** The evaluated formula minus the number, over the larger of 1 and the number; 0 if there is no formula. */
  readonly residual: number;
}

/**
 * Opens a number.
 *
 * @param ref a JSON Pointer to a number of the trace
 * @throws ArgumentError if the pointer is malformed, or leads to no number
 */
export function openNumber(trace: Trace, ref: string): Opened {
  numberAt(trace, ref);
  const parts = ref
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const path: Path = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const mark = must(trace, ...path);
  const { symbol, formula } = formulaAt(trace, path) ?? { symbol: ref, formula: undefined };
  const value = formula === undefined ? mark.value : evaluate(formula);
  const off = Object.is(value, mark.value) ? 0 : Math.abs(value - mark.value) / Math.max(1, Math.abs(mark.value));
  return { mark, symbol, formula, residual: off };
}

/** The equations do not cover what a body has besides its cells: numbers of such a model are not broken down. */
const formulaAt = (trace: Trace, path: Path): Found | undefined =>
  trace.model.extras === undefined ? at(trace, path) : undefined;

/** A formula, labelled with the symbol of its result. */
function at(trace: Trace, path: Path): Found | undefined {
  const [root, a, b, ...rest] = path;
  if (root === 'layers' && (b === 'forward' || b === 'reverse'))
    return inDirection(scopeOf(trace, a as number, b), rest);
  if (root === 'words' && b === 'dx') return inputGradient(trace, a as number, rest[0] as number);
  if (root === 'words' && b === 'x') return { symbol: `x_${a}[${rest[0]}]`, formula: undefined };
  if (root === 'words' && b === 'norm')
    return norm(trace, `‖dx_${a}‖`, trace.words[a as number].dx, ['words', a, 'dx']);
  if (root === 'elements' && b === 'total') {
    const { uses, param, index } = trace.elements[a as number];
    const terms = uses.map((_, k) => operand(trace, `use_${k}`, 'elements', a, 'uses', k));
    return { symbol: `d${param}[${index.join(',')}]`, formula: sum(...terms) };
  }
  if (root === 'reach' && a === 'retention')
    return retention(trace, ['reach'], b as number, rest[0] as number, trace.reach.reference[b as number]);
  return behind(trace, path);
}

/** ∂/∂x of a word: the sum over the directions of the first layer. */
function inputGradient(trace: Trace, k: number, i: number): Found {
  const names: DirectionName[] = trace.layers[0].reverse === undefined ? ['forward'] : ['forward', 'reverse'];
  const terms = names.map((name) =>
    operand(trace, `dx_${k}[${i}] ${name}`, 'layers', 0, name, 'steps', k, 'gradients', 'x', i),
  );
  return { symbol: `dx_${k}[${i}]`, formula: sum(...terms) };
}

function inDirection(s: Scope, path: Path): Found | undefined {
  const [kind, a, b, c, d, e, f] = path as (string & number)[];
  if (kind === 'weights') return { symbol: `${a}[${b},${c}]`, formula: undefined };
  if (kind === 'initial') return { symbol: `${a}_init[${b}]`, formula: undefined };
  if (kind === 'dWeights') return { symbol: `d${a}[${b},${c}]`, formula: weightGradient(s, a, b, c) };
  if (kind === 'reach' && b === 'retention')
    return retention(s.trace, [...s.path, 'reach', a], c, d, s.direction.reach[a].reference[c]);
  if (kind !== 'steps') return undefined;
  if (b !== 'gradients') return { symbol: symbolOf(b, c, a, d), formula: forwardFormula(s, b, c, a, d) };
  if (c === 'x')
    return {
      symbol: `dx_${a}[${d}]`,
      formula: sum(
        ...columnsOf(s).map(({ gate: g, unit, column }) => times(dArgument(s, g, a, unit), weight(s, 'Wx', d, column))),
      ),
    };
  if (c === 'preActivations')
    return { symbol: `da_${d},${a}[${e}]`, formula: cellFormulas[s.trace.model.cell]?.dArgument(s, d, a, e) };
  if (c === 'others')
    return { symbol: `d${d}_${a}[${e}]`, formula: cellFormulas[s.trace.model.cell]?.dOther(s, d, a, e) };
  if (c !== 'states') return undefined;
  const at: Path = [...s.path, 'steps', a, 'gradients', 'states', d];
  if (e === 'cosine') return { symbol: `cos_${a}`, formula: cosine(s, at) };
  if (e === 'norms')
    return norm(s.trace, `‖d${d}_${a} ${f}‖`, s.direction.steps[a].gradients.states[d][f as unknown as 'total'], [
      ...at,
      f,
    ]);
  return {
    symbol: e === 'total' ? `d${d}_${a}[${f}]` : `d${d}_${a}[${f}] ${e}`,
    formula: stateGradient(s, d, e, a, f, at),
  };
}

const symbolOf = (kind: string, name: string, k: number, j: number): string =>
  kind === 'preActivations' ? `a_${name},${k}[${j}]` : `${name}${kind === 'slopes' ? '′' : ''}_${k}[${j}]`;

function forwardFormula(s: Scope, kind: string, name: string, k: number, j: number): Expression | undefined {
  const formulas = cellFormulas[s.trace.model.cell];
  if (formulas === undefined) return undefined;
  if (kind === 'states') return formulas.state(s, name, k, j);
  if (kind === 'others') return formulas.other(s, name, k, j);
  const fn = formulas.functions[name];
  if (kind === 'gates') return apply(fn, argument(s, name, k, j));
  if (kind === 'slopes') {
    const y = gate(s, name, k, j);
    if (fn === 'relu') return apply('step', argument(s, name, k, j));
    return fn === 'σ' ? times(y, minus(constant(1), y)) : minus(constant(1), times(y, y));
  }
  const column = s.trace.model.gates.indexOf(name) * s.H + j;
  const inputs = upTo(s.direction.inputs).map((i) => times(input(s, k, i), weight(s, 'Wx', i, column)));
  return sum(...inputs, weight(s, 'b', 0, column), formulas.recurrent(s, name, k, j));
}

/** A state's gradient: the sum of its parts, or one of them. */
function stateGradient(s: Scope, name: string, part: string, k: number, j: number, path: Path): Expression | undefined {
  const formulas = cellFormulas[s.trace.model.cell];
  if (part === 'total') {
    const parts = ['direct', 'recurrent'].map((each) =>
      operand(s.trace, `d${name}_${k}[${j}] ${each}`, ...path, each, j),
    );
    return sum(...parts);
  }
  if (part === 'recurrent') {
    const next = after(s, k);
    return next === undefined ? constant(0) : formulas?.dRecurrent(s, name, next, j);
  }
  return name === 'h' ? fromAbove(s, k, j) : formulas?.dDirect(s, name, k, j);
}

/** The gradient that reaches h from the layer above, or from the head. */
function fromAbove(s: Scope, k: number, j: number): Expression | undefined {
  const { trace } = s;
  const i = s.name === 'forward' ? j : scopeOf(trace, s.layer, 'forward').H + j;
  if (s.layer + 1 < trace.layers.length) {
    const names: DirectionName[] =
      trace.layers[s.layer + 1].reverse === undefined ? ['forward'] : ['forward', 'reverse'];
    return sum(
      ...names.map((name) =>
        operand(trace, `dx_${k}[${i}] ${name}`, 'layers', s.layer + 1, name, 'steps', k, 'gradients', 'x', i),
      ),
    );
  }
  const m = trace.losses.findIndex(({ word }) => word === k);
  if (trace.head.kind !== 'softmax' || m < 0) return undefined;
  return sum(
    ...trace.model.labels.map((_, y) =>
      times(
        operand(trace, `dz_${m}[${y}]`, 'losses', m, 'dLogits', y),
        operand(trace, `W[${i},${y}]`, 'head', 'weights', 'W', i, y),
      ),
    ),
  );
}

/** The gradient of one weight: a sum over the words at which it is used. */
function weightGradient(s: Scope, name: string, i: number, column: number): Expression | undefined {
  const formulas = cellFormulas[s.trace.model.cell];
  const [g, j] = [s.trace.model.gates[Math.floor(column / s.H)], column % s.H];
  const words = upTo(s.trace.words.length);
  if (name === 'Wx') return sum(...words.map((k) => times(input(s, k, i), dArgument(s, g, k, j))));
  if (name === 'b') return sum(...words.map((k) => dArgument(s, g, k, j)));
  if (name === 'Wh') return formulas && sum(...words.map((k) => formulas.dWh(s, k, i, g, j)));
  return name === 'bn' ? sum(...words.map((k) => dOther(s, 'q', k, column))) : undefined;
}
