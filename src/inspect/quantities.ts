/** What the steps of a cell hold, by name: gates, their arguments, states. */
import type { Unrolled } from '../autograd/storage.js';
import type { Cell } from '../cells/cell.js';
import type { Algebra } from '../cells/equations.js';
import { sigmoid, tanh } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { rowOf } from './numbers.js';
import type { QuantityTrace } from './trace.js';

/** A gate's values at one row of the scan. The RNN's gate is its state; other cells keep theirs in `a`, one block each. */
export function gateAt({ cell, saved, states, packing }: Unrolled, gate: string, row: number): number[] {
  const H = states.h.shape[1];
  if (cell.gates === 1) return rowOf(states.h, packing.batch + row);
  return rowOf(saved.a, row, cell.gateNames.indexOf(gate) * H, H);
}

/** What a cell's steps hold, as a trace lists it. */
export function quantitiesOf({ gateNames, states }: Cell): QuantityTrace[] {
  const each = (kind: QuantityTrace['kind'], key: string, symbol = key, name = symbol): QuantityTrace => ({
    ...{ symbol, name, kind, key, equation: null },
    range: [null, null],
  });
  return [
    ...gateNames.map((gate) => each('preActivations', gate, `a_${gate}`)),
    ...gateNames.map((gate) => each('gates', gate)),
    ...states.map((state) => each('states', state)),
  ];
}

/** A function a cell takes of a row: its argument, its value, and its slope there. */
export interface Activation {
  readonly argument: readonly number[];
  readonly value: readonly number[];
  readonly slope: readonly number[];
}

/** Activations of one step in the order of the equations; nothing for a cell without them. */
export function activationsAt(
  { equations }: Cell,
  params: Readonly<Record<string, Tensor>>,
  x: Tensor,
  prev: Readonly<Record<string, Tensor>>,
  H: number,
): Activation[] {
  const found: Activation[] = [];
  if (equations === undefined) return found;
  const rows = (record: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.entries(record).map(([name, tensor]) => [name, matrix(tensor)]));
  equations(recorder(found), rows(params), matrix(x), rows(prev), H);
  return found;
}

type Rows = readonly (readonly number[])[];

const matrix = (x: Tensor): Rows =>
  x.shape.length === 1
    ? [Array.from({ length: x.shape[0] }, (_, j) => x.data[x.offset + j * x.stride[0]])]
    : Array.from({ length: x.shape[0] }, (_, n) => rowOf(x, n));

/** Plain arithmetic over rows that writes down what is taken of each function. */
function recorder(found: Activation[]): Algebra<Rows> {
  const pairwise = (a: Rows, b: Rows, f: (u: number, v: number) => number): Rows => {
    const [M, N] = [Math.max(a.length, b.length), a[0].length];
    const at = (x: Rows, m: number) => x[x.length === 1 ? 0 : m];
    return Array.from({ length: M }, (_, m) => Array.from({ length: N }, (_, n) => f(at(a, m)[n], at(b, m)[n])));
  };
  const activation = (x: Rows, f: (v: number) => number, slope: (y: number) => number): Rows => {
    const value = x[0].map(f);
    found.push({ argument: x[0], value, slope: value.map(slope) });
    return [value];
  };
  return {
    matmul: (a, b) => a.map((row) => b[0].map((_, n) => row.reduce((sum, u, k) => sum + u * b[k][n], 0))),
    add: (a, b) => pairwise(a, b, (u, v) => u + v),
    sub: (a, b) => pairwise(a, b, (u, v) => u - v),
    mul: (a, b) => pairwise(a, b, (u, v) => u * v),
    oneMinus: (x) => x.map((row) => row.map((v) => 1 - v)),
    sigmoid: (x) => activation(x, sigmoid, (y) => y * (1 - y)),
    tanh: (x) => activation(x, tanh, (y) => 1 - y * y),
    relu: (x) => activation(x, (v) => (v < 0 ? 0 : v), (y) => (y > 0 ? 1 : 0)), // prettier-ignore
    name: (_symbol, x) => x,
    sliceColumns: (x, start, count) => x.map((row) => row.slice(start, start + count)),
  };
}
