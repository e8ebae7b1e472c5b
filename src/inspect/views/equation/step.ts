/** The numbers of one step of one direction, by name, as operands of formulas. `h_3[2]` is unit 2 of h at word 3. */
import type { DirectionName, DirectionTrace, Trace } from '../../trace.js';
import { must } from '../mark.js';
import type { Path } from '../mark.js';
import { wordBefore } from '../select.js';
import type { Expression } from './expression.js';

/** A number of the trace with a symbol. */
export const operand = (trace: Trace, symbol: string, ...path: Path): Expression => ({
  kind: 'operand',
  symbol,
  mark: must(trace, ...path),
});

/** One direction of one layer, and the paths to its numbers. */
export interface Scope {
  readonly trace: Trace;
  readonly layer: number;
  readonly name: DirectionName;
  readonly direction: DirectionTrace;
  readonly path: Path;
  readonly H: number;
}

/** The scope of a layer and direction. */
export const scopeOf = (trace: Trace, layer: number, name: DirectionName): Scope => {
  const direction = trace.layers[layer][name] as DirectionTrace;
  return { trace, layer, name, direction, path: ['layers', layer, name], H: direction.hidden };
};

/** The words read before and after `k`; undefined at the ends. */
export const before = ({ trace, name }: Scope, k: number): number | undefined => wordBefore(trace, name, k);
export const after = ({ trace, name }: Scope, k: number): number | undefined =>
  wordBefore(trace, name === 'forward' ? 'reverse' : 'forward', k);

/** 0 … n − 1. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const inStep = (scope: Scope, k: number, ...path: Path): Path => [...scope.path, 'steps', k, ...path];

export const argument = (s: Scope, gate: string, k: number, j: number): Expression =>
  operand(s.trace, `a_${gate},${k}[${j}]`, ...inStep(s, k, 'preActivations', gate, j));
export const gate = (s: Scope, name: string, k: number, j: number): Expression =>
  operand(s.trace, `${name}_${k}[${j}]`, ...inStep(s, k, 'gates', name, j));
export const slope = (s: Scope, name: string, k: number, j: number): Expression =>
  operand(s.trace, `${name}′_${k}[${j}]`, ...inStep(s, k, 'slopes', name, j));
export const other = (s: Scope, name: string, k: number, j: number): Expression =>
  operand(s.trace, `${name}_${k}[${j}]`, ...inStep(s, k, 'others', name, j));
export const state = (s: Scope, name: string, k: number, j: number): Expression =>
  operand(s.trace, `${name}_${k}[${j}]`, ...inStep(s, k, 'states', name, j));

/** A state before the step: that of the previously read word, or the initial one. */
export function previous(s: Scope, name: string, k: number, j: number): Expression {
  const earlier = before(s, k);
  return earlier === undefined
    ? operand(s.trace, `${name}_init[${j}]`, ...s.path, 'initial', name, j)
    : state(s, name, earlier, j);
}

/** The input of the step: the word vector, or the concatenated states of the layer below. */
export function input(s: Scope, k: number, i: number): Expression {
  if (s.layer === 0) return operand(s.trace, `x_${k}[${i}]`, 'words', k, 'x', i);
  const below = scopeOf(s.trace, s.layer - 1, 'forward');
  const name: DirectionName = i < below.H ? 'forward' : 'reverse';
  return operand(
    s.trace,
    `x_${k}[${i}]`,
    'layers',
    s.layer - 1,
    name,
    'steps',
    k,
    'states',
    'h',
    i < below.H ? i : i - below.H,
  );
}

export const weight = (s: Scope, name: string, i: number, j: number): Expression =>
  operand(
    s.trace,
    s.direction.weights[name].length === 1 && name !== 'Wh' && name !== 'Wx' ? `${name}[${j}]` : `${name}[${i},${j}]`,
    ...s.path,
    'weights',
    name,
    i,
    j,
  );

/** Gradients: at a pre-activation, at a state in full, and at other quantities of the backward step. */
export const dArgument = (s: Scope, name: string, k: number, j: number): Expression =>
  operand(s.trace, `da_${name},${k}[${j}]`, ...inStep(s, k, 'gradients', 'preActivations', name, j));
export const dState = (s: Scope, name: string, k: number, j: number): Expression =>
  operand(s.trace, `d${name}_${k}[${j}]`, ...inStep(s, k, 'gradients', 'states', name, 'total', j));
export const dOther = (s: Scope, name: string, k: number, j: number): Expression =>
  operand(s.trace, `d${name}_${k}[${j}]`, ...inStep(s, k, 'gradients', 'others', name, j));

/** Gates and units of the columns of Wx and Wh. */
export const columnsOf = ({
  trace,
  H,
}: Scope): { readonly gate: string; readonly unit: number; readonly column: number }[] =>
  trace.model.gates.flatMap((name, g) => upTo(H).map((unit) => ({ gate: name, unit, column: g * H + unit })));
