/** The quantities that the steps of a cell contain, by name: gates, their arguments, states. */
import type { Unrolled } from '../autograd/layout.js';
import type { Cell } from '../cells/cell.js';
import type { Algebra } from '../cells/equations.js';
import type { Quantity } from '../cells/quantities.js';
import { exp, log, sigmoid, tanh } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { matrixOf, rowOf } from './numbers.js';
import type { QuantityTrace } from './trace.js';

/** Location of the values of a quantity, at one row of the scan. */
export function valueAt({ states, saved, packing }: Unrolled, { value }: Quantity, row: number): number[] {
  const H = states.h.shape[1];
  const tensors = (value.in === 'states' ? states : saved) as Readonly<Record<string, Tensor>>;
  return rowOf(tensors[value.tensor], value.in === 'states' ? packing.batch + row : row, value.block * H, H);
}

/** A gate's values at one row of the scan: those of the quantity with its name. */
export function gateAt(unrolled: Unrolled, gate: string, row: number): number[] {
  const { quantities, gateNames } = unrolled.cell;
  const found = quantities.find(({ symbol }) => symbol === gate);
  if (found) return valueAt(unrolled, found, row);
  const H = unrolled.states.h.shape[1];
  return rowOf(unrolled.saved.a, row, gateNames.indexOf(gate) * H, H);
}

/** The record of a step that a quantity belongs to; a state that is also a gate, such as the RNN's h, belongs to both. */
export function kindOf({ gateNames, states }: Cell, { symbol }: Quantity): QuantityTrace['kind'] {
  if (states.includes(symbol)) return 'states';
  if (gateNames.includes(symbol)) return 'gates';
  return symbol === 'a' ? 'preActivations' : 'others';
}

/** The quantities of a cell's steps, as listed in a trace: in the order of the equations, each gate after its argument. */
export function quantitiesOf(cell: Cell): QuantityTrace[] {
  const bound = (x: number): number | null => (Number.isFinite(x) ? x : null);
  return cell.quantities.flatMap((quantity): QuantityTrace[] => {
    const { symbol, name, equation, range } = quantity;
    const kind = kindOf(cell, quantity);
    const own = { symbol, name, kind, key: symbol, equation, range: [bound(range[0]), bound(range[1])] as const };
    if (kind === 'preActivations') return [{ ...own, key: cell.gateNames[0] }];
    if (kind !== 'gates') return [own];
    const argument = { symbol: `a_${symbol}`, name: `pre-activation of the ${name}`, kind: 'preActivations' as const };
    return [{ ...argument, key: symbol, equation, range: [null, null] }, own];
  });
}

/** An activation function of a cell, row by row of the scan: its argument, its value, and its slope there. */
export interface Activation {
  readonly argument: readonly (readonly number[])[];
  readonly value: readonly (readonly number[])[];
  readonly slope: readonly (readonly number[])[];
}

type Activations = Readonly<Record<string, Activation>>;

/** A cache: activations are requested more than once. */
const known = new WeakMap<Unrolled, Activations>();

/**
 * Returns the activations of all steps by the symbol of their value, each step computed from its initial state; empty for a cell
 * whose equations are missing or unnamed.
 */
export function activationsOf(unrolled: Unrolled): Activations {
  const found = known.get(unrolled) ?? evaluated(unrolled);
  known.set(unrolled, found);
  return found;
}

function evaluated({ cell, params, x, states }: Unrolled): Activations {
  const found: Record<string, Activation> = {};
  if (cell.equations === undefined) return found;
  const [N, H] = [x.shape[0], params.Wh.shape[0]];
  const matrices = (record: object, rows: (m: number[][]) => number[][] = (m) => m) =>
    Object.fromEntries(Object.entries(record).map(([name, tensor]) => [name, rows(matrixOf(tensor as Tensor))]));
  const previous = matrices(states, (m) => m.slice(0, N)); // one sequence: the state before row s is row s of all states
  cell.equations(recorder(found), matrices(params), matrixOf(x), previous, H);
  return found;
}

type Rows = readonly (readonly number[])[];

/** Plain arithmetic over rows that records each function application. */
function recorder(found: Record<string, Activation>): Algebra<Rows> {
  const taken = new Map<Rows, Activation>();
  const pairwise = (a: Rows, b: Rows, f: (u: number, v: number) => number): Rows => {
    const [M, N] = [Math.max(a.length, b.length), a[0].length];
    const at = (x: Rows, m: number) => x[x.length === 1 ? 0 : m];
    return Array.from({ length: M }, (_, m) => Array.from({ length: N }, (_, n) => f(at(a, m)[n], at(b, m)[n])));
  };
  const activation = (x: Rows, f: (v: number) => number, slope: (y: number) => number): Rows => {
    const value = x.map((row) => row.map(f));
    taken.set(value, { argument: x, value, slope: value.map((row) => row.map(slope)) });
    return value;
  };
  return {
    matmul: (a, b) => a.map((row) => rowTimes(row, b)),
    add: (a, b) => pairwise(a, b, (u, v) => u + v),
    sub: (a, b) => pairwise(a, b, (u, v) => u - v),
    mul: (a, b) => pairwise(a, b, (u, v) => u * v),
    scale: (x, factor) => x.map((row) => row.map((v) => factor * v)),
    shift: (x, summand) => x.map((row) => row.map((v) => v + summand)),
    exp: (x) => x.map((row) => row.map(exp)),
    log: (x) => x.map((row) => row.map(log)),
    reciprocal: (x) => x.map((row) => row.map((v) => 1 / v)),
    rowMean: (x) => x.map((row) => row.map(() => row.reduce((sum, v) => sum + v, 0) / row.length)),
    step: (x) => x.map((row) => row.map((v) => (v >= 0 ? 1 : 0))),
    oneMinus: (x) => x.map((row) => row.map((v) => 1 - v)),
    sigmoid: (x) => activation(x, sigmoid, (y) => y * (1 - y)),
    tanh: (x) => activation(x, tanh, (y) => 1 - y * y),
    relu: (x) => activation(x, (v) => (v < 0 ? 0 : v), (y) => (y > 0 ? 1 : 0)), // prettier-ignore
    name(symbol, x) {
      const activation = taken.get(x);
      if (activation) found[symbol] = activation;
      return x;
    },
    sliceColumns: (x, start, count) => x.map((row) => row.slice(start, start + count)),
    sliceRows: (x, start, count) => x.slice(start, start + count),
  };
}

function rowTimes(row: readonly number[], b: Rows): number[] {
  const out = new Array<number>(b[0].length).fill(0);
  row.forEach((u, k) => {
    const weights = b[k];
    for (let n = 0; n < out.length; n++) out[n] += u * weights[n];
  });
  return out;
}
