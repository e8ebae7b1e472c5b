/**
 * The equations of the built-in cells, forward and backward, unit by unit, as in the headers in src/cells. A custom cell has none
 * here; its numbers have only the formulas that hold for every cell.
 */
import { apply, constant, minus, sum, times } from './expression.js';
import type { Expression } from './expression.js';
import {
  argument,
  dArgument,
  dOther,
  dState,
  gate,
  other,
  previous,
  slope,
  state as stateAt,
  upTo,
  weight,
} from './step.js';
import type { Scope } from './step.js';

/** The formulas that differ from cell to cell. `k` is a word, `j` a unit, `n` the next word read. */
export interface CellFormulas {
  /** What the recurrence adds to the argument of a gate. */
  recurrent(s: Scope, name: string, k: number, j: number): Expression;
  /** The function of a gate. */
  readonly functions: Readonly<Record<string, 'tanh' | 'σ' | 'relu'>>;
  state(s: Scope, name: string, k: number, j: number): Expression | undefined;
  other(s: Scope, name: string, k: number, j: number): Expression | undefined;
  dArgument(s: Scope, name: string, k: number, j: number): Expression;
  dOther(s: Scope, name: string, k: number, j: number): Expression | undefined;
  /** The part of the gradient at `c` that comes from the h of the same step. */
  dDirect(s: Scope, name: string, k: number, j: number): Expression | undefined;
  /** The gradient that the step at n passes back. */
  dRecurrent(s: Scope, name: string, n: number, j: number): Expression;
  /** One addend of dWh: the left factor of the product at word k, row i, and the right factor, by gate and unit. */
  dWh(s: Scope, k: number, i: number, name: string, j: number): Expression;
}

/** h'·Wh, one column. */
const product = (s: Scope, k: number, column: number): Expression =>
  sum(...upTo(s.H).map((i) => times(previous(s, 'h', k, i), weight(s, 'Wh', i, column))));

const columnOf = (s: Scope, name: string, j: number): number => s.trace.model.gates.indexOf(name) * s.H + j;

/** da·Whᵀ over some gates, one row. */
const handedBack = (s: Scope, names: readonly string[], n: number, j: number): Expression =>
  sum(
    ...names.flatMap((name) =>
      upTo(s.H).map((u) => times(dArgument(s, name, n, u), weight(s, 'Wh', j, columnOf(s, name, u)))),
    ),
  );

const rnnOf = (fn: 'tanh' | 'relu'): CellFormulas => ({
  recurrent: (s, name, k, j) => product(s, k, columnOf(s, name, j)),
  functions: { h: fn },
  state: (s, _, k, j) => apply(fn, argument(s, 'h', k, j)),
  other: () => undefined,
  dArgument: (s, _, k, j) => times(dState(s, 'h', k, j), slope(s, 'h', k, j)),
  dOther: () => undefined,
  dDirect: () => undefined,
  dRecurrent: (s, _, n, j) => handedBack(s, ['h'], n, j),
  dWh: (s, k, i, name, j) => times(previous(s, 'h', k, i), dArgument(s, name, k, j)),
});

const lstm: CellFormulas = {
  recurrent: (s, name, k, j) => product(s, k, columnOf(s, name, j)),
  functions: { i: 'σ', f: 'σ', g: 'tanh', o: 'σ' },
  state: (s, name, k, j) =>
    name === 'c'
      ? sum(times(gate(s, 'f', k, j), previous(s, 'c', k, j)), times(gate(s, 'i', k, j), gate(s, 'g', k, j)))
      : times(gate(s, 'o', k, j), other(s, 'tanh(c)', k, j)),
  other: (s, _, k, j) => apply('tanh', stateAt(s, 'c', k, j)),
  dArgument(s, name, k, j) {
    const dc = dState(s, 'c', k, j);
    if (name === 'i') return times(dc, gate(s, 'g', k, j), slope(s, 'i', k, j));
    if (name === 'f') return times(dc, previous(s, 'c', k, j), slope(s, 'f', k, j));
    if (name === 'g') return times(dc, gate(s, 'i', k, j), slope(s, 'g', k, j));
    return times(dState(s, 'h', k, j), other(s, 'tanh(c)', k, j), slope(s, 'o', k, j));
  },
  dOther: () => undefined,
  dDirect(s, name, k, j) {
    const tc = other(s, 'tanh(c)', k, j);
    return name === 'c'
      ? times(dState(s, 'h', k, j), gate(s, 'o', k, j), minus(constant(1), times(tc, tc)))
      : undefined;
  },
  dRecurrent: (s, name, n, j) =>
    name === 'c' ? times(dState(s, 'c', n, j), gate(s, 'f', n, j)) : handedBack(s, ['i', 'f', 'g', 'o'], n, j),
  dWh: (s, k, i, name, j) => times(previous(s, 'h', k, i), dArgument(s, name, k, j)),
};

const blend = (s: Scope, k: number, j: number): Expression => {
  const z = gate(s, 'z', k, j);
  return sum(times(minus(constant(1), z), gate(s, 'n', k, j)), times(z, previous(s, 'h', k, j)));
};

/** da of n and z, which both GRUs share. */
function blendBack(s: Scope, name: string, k: number, j: number): Expression {
  const dh = dState(s, 'h', k, j);
  if (name === 'n') return times(dh, minus(constant(1), gate(s, 'z', k, j)), slope(s, 'n', k, j));
  return times(dh, minus(previous(s, 'h', k, j), gate(s, 'n', k, j)), slope(s, 'z', k, j));
}

const GRU_FUNCTIONS = { r: 'σ', z: 'σ', n: 'tanh' } as const;
/** Names of the columns of the product h'·Wh of the GRU. */
const PARTS: Readonly<Record<string, string>> = { r: 'u_r', z: 'u_z', n: 'q' };

const gru: CellFormulas = {
  recurrent: (s, name, k, j) =>
    name === 'n' ? times(gate(s, 'r', k, j), other(s, 'q', k, j)) : other(s, PARTS[name], k, j),
  functions: GRU_FUNCTIONS,
  state: (s, _, k, j) => blend(s, k, j),
  other: (s, name, k, j) =>
    name === 'q'
      ? sum(product(s, k, columnOf(s, 'n', j)), weight(s, 'bn', 0, j))
      : product(s, k, columnOf(s, name === 'u_r' ? 'r' : 'z', j)),
  dArgument: (s, name, k, j) =>
    name === 'r' ? times(dArgument(s, 'n', k, j), other(s, 'q', k, j), slope(s, 'r', k, j)) : blendBack(s, name, k, j),
  dOther: (s, name, k, j) =>
    name === 'q' ? times(dArgument(s, 'n', k, j), gate(s, 'r', k, j)) : dArgument(s, name === 'u_r' ? 'r' : 'z', k, j),
  dDirect: () => undefined,
  dRecurrent: (s, _, n, j) =>
    sum(
      times(dState(s, 'h', n, j), gate(s, 'z', n, j)),
      ...s.trace.model.gates.flatMap((name) =>
        upTo(s.H).map((u) => times(dOther(s, PARTS[name], n, u), weight(s, 'Wh', j, columnOf(s, name, u)))),
      ),
    ),
  dWh: (s, k, i, name, j) => times(previous(s, 'h', k, i), dOther(s, PARTS[name], k, j)),
};

const gruResetBefore: CellFormulas = {
  recurrent: (s, name, k, j) =>
    name === 'n'
      ? sum(...upTo(s.H).map((i) => times(other(s, 's', k, i), weight(s, 'Wh', i, columnOf(s, 'n', j)))))
      : product(s, k, columnOf(s, name, j)),
  functions: GRU_FUNCTIONS,
  state: (s, _, k, j) => blend(s, k, j),
  other: (s, _, k, j) => times(gate(s, 'r', k, j), previous(s, 'h', k, j)),
  dArgument: (s, name, k, j) =>
    name === 'r' ? times(dOther(s, 's', k, j), previous(s, 'h', k, j), slope(s, 'r', k, j)) : blendBack(s, name, k, j),
  dOther: (s, _, k, j) => handedBack(s, ['n'], k, j),
  dDirect: () => undefined,
  dRecurrent: (s, _, n, j) =>
    sum(
      times(dState(s, 'h', n, j), gate(s, 'z', n, j)),
      times(dOther(s, 's', n, j), gate(s, 'r', n, j)),
      handedBack(s, ['r', 'z'], n, j),
    ),
  dWh: (s, k, i, name, j) =>
    times(name === 'n' ? other(s, 's', k, i) : previous(s, 'h', k, i), dArgument(s, name, k, j)),
};

/** Formulas by cell name. */
export const cellFormulas: Readonly<Record<string, CellFormulas>> = {
  rnn: rnnOf('tanh'),
  'rnn-relu': rnnOf('relu'),
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};
