/**
 * The problems on which every gradient is proved: a recurrent network, an input of unequal lengths, and a loss with random
 * cotangents. The tests and `npm run proof` share this list. Nothing here is taken from the cells, the packing or the
 * unrolling: shapes and row numbers are worked out anew.
 *
 * Sizes differ wherever they can, so that no transposition and no mixed-up axis goes unnoticed: T = 4, B = 7, N = 17,
 * D = 5, H = 3 in the first layer and 2 in the second.
 */
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { sizeOf, viewOf } from '../../src/tensor/view.js';

export type CellName = 'rnn' | 'rnn-relu' | 'lstm' | 'gru' | 'gru-reset-before';
export type DirectionName = 'forward' | 'reverse';

/** A network and the lengths of its batch. */
export interface Case {
  /** One of `CELLS`, or a cell of somebody's own that `describeCell` has named. */
  readonly cell: string;
  /** Where the first step starts: at zero, at states given for each sequence, or at learned states. */
  readonly initial: 'zero' | 'given' | 'learned';
  readonly direction: DirectionName | 'bidirectional';
  /** H of each layer. */
  readonly hidden: readonly number[];
  /** D. */
  readonly input: number;
  /** In the caller's order, not sorted. */
  readonly lengths: readonly number[];
}

/** A case with numbers. Names: `x`, `layers.0.forward.Wx`, `initial.0.forward.h`; outputs `y`, `final.0.forward.h`. */
export interface Problem {
  readonly case: Case;
  /** Everything to differentiate by. `x [N, D]` in packed rows; `initial.… [B, H]` with the longest sequence first. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** For every output a cotangent of its shape: the loss is the sum of all products. */
  readonly cotangents: Readonly<Record<string, Tensor>>;
}

/** What an implementation makes of a problem: its outputs, and the gradients of the loss by every tensor. */
export interface Solution {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly grads: Readonly<Record<string, Tensor>>;
}

export const CELLS: readonly CellName[] = ['rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'];
const GATES: Readonly<Record<string, number>> = { rnn: 1, 'rnn-relu': 1, lstm: 4, gru: 3, 'gru-reset-before': 3 };

/** What the problems need to know of a cell of somebody's own. It is the cell that says so: nobody else can know. */
export interface Description {
  readonly name: string;
  readonly states: readonly string[];
  shapes(inputSize: number, hiddenSize: number): Readonly<Record<string, readonly number[]>>;
}

const described = new Map<string, Description>();

/** From now on there are problems for this cell, under its name. */
export function describeCell(cell: Description): void {
  if (Object.hasOwn(GATES, cell.name)) throw new Error(`${cell.name} is the name of a built-in cell: give it another`);
  described.set(cell.name, cell);
}

/** Names of a cell's states. */
export const statesOf = (cell: string): readonly string[] =>
  described.get(cell)?.states ?? (cell === 'lstm' ? ['h', 'c'] : ['h']);

/** Directions that a layer runs in, as its parameters list them. */
export function directionsOf({ direction }: Case): readonly DirectionName[] {
  return direction === 'bidirectional' ? ['forward', 'reverse'] : [direction];
}

/** A cell in every initial state × direction × number of layers. */
export const casesOf = (cell: string): readonly Case[] =>
  (['zero', 'given', 'learned'] as const).flatMap((initial) =>
    (['forward', 'reverse', 'bidirectional'] as const).flatMap((direction) =>
      [[3], [3, 2]].map((hidden) => ({ cell, initial, direction, hidden, input: 5, lengths: [2, 4, 1, 3, 1, 4, 2] })),
    ),
  );

/** The cases of every built-in cell. */
export const cases: readonly Case[] = CELLS.flatMap(casesOf);

/** `lstm, given initial state, reverse, 2 layers`. */
export function caseName({ cell, initial, direction, hidden }: Case): string {
  return `${cell}, ${initial} initial state, ${direction}, ${hidden.length} layer${hidden.length === 1 ? '' : 's'}`;
}

/** Lengths as the packed batch has them: longest first. */
export const sortedLengths = ({ lengths }: Case): number[] => [...lengths].sort((p, q) => q - p);

/** Row of step t of sequence b (longest first): all rows of earlier steps, then the sequences before b. */
export function rowNumber(c: Case, t: number, b: number): number {
  let row = b;
  for (const length of c.lengths) row += Math.min(length, t);
  return row;
}

/** Shapes of the parameters of one layer. */
function parameterShapes(cell: string, D: number, H: number, learned: boolean): Record<string, readonly number[]> {
  const G = GATES[cell];
  const shapes: Record<string, readonly number[]> = {
    ...(described.get(cell)?.shapes(D, H) ?? { Wx: [D, G * H], Wh: [H, G * H], b: [G * H] }),
  };
  if (cell === 'gru') shapes.bn = [H];
  if (learned) for (const state of statesOf(cell)) shapes[`${state}0`] = [H];
  return shapes;
}

/** The case with random numbers; the same case gives the same numbers. */
export function problemOf(c: Case): Problem {
  const rng = createRng(20260803).split(JSON.stringify(c));
  const normal = (shape: readonly number[], scale: number): Tensor =>
    viewOf(
      Float64Array.from({ length: sizeOf(shape) }, () => scale * rng.normal()),
      shape,
    );
  const N = c.lengths.reduce((sum, length) => sum + length, 0);
  const B = c.lengths.length;
  const directions = directionsOf(c);
  const tensors: Record<string, Tensor> = { x: normal([N, c.input], 1) };
  const cotangents: Record<string, Tensor> = {};
  let D = c.input;
  c.hidden.forEach((H, l) => {
    for (const direction of directions) {
      for (const [name, shape] of Object.entries(parameterShapes(c.cell, D, H, c.initial === 'learned'))) {
        tensors[`layers.${l}.${direction}.${name}`] = normal(shape, 0.6);
      }
      for (const state of statesOf(c.cell)) {
        if (c.initial === 'given') tensors[`initial.${l}.${direction}.${state}`] = normal([B, H], 0.8);
        cotangents[`final.${l}.${direction}.${state}`] = normal([B, H], 1);
      }
    }
    D = H * directions.length;
  });
  cotangents.y = normal([N, D], 1);
  return { case: c, tensors, cotangents };
}

/** The tensors of one layer and direction under their own names: `part(tensors, 'layers.0.forward')` → `{ Wx, Wh, … }`. */
export function part<T>(tensors: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(`${prefix}.`));
  return Object.fromEntries(found.map(([name, tensor]) => [name.slice(prefix.length + 1), tensor]));
}

/**
 * max|a − b| / max|b| over the elements: the relative error of a whole tensor; `Infinity` where there is a NaN. Both are
 * row-major from offset 0.
 */
export function relativeError(a: Tensor, b: Tensor): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`shapes [${a.shape}] and [${b.shape}] cannot be compared`);
  let difference = 0;
  let scale = 0;
  for (let i = 0; i < sizeOf(b.shape); i++) {
    difference = Math.max(difference, Math.abs(a.data[i] - b.data[i]));
    scale = Math.max(scale, Math.abs(b.data[i]));
  }
  if (difference === 0) return 0;
  return difference < Infinity && scale < Infinity ? difference / scale : Infinity;
}

/** The tensor on which two solutions differ most, among outputs and gradients. */
export function worstDifference(found: Solution, expected: Solution): { name: string; error: number } {
  let worst = { name: 'none', error: 0 };
  for (const kind of ['outputs', 'grads'] as const) {
    const names = Object.keys(expected[kind]);
    if (names.sort().join() !== Object.keys(found[kind]).sort().join()) throw new Error(`other ${kind} than expected`);
    for (const name of names) {
      const error = relativeError(found[kind][name], expected[kind][name]);
      if (error > worst.error) worst = { name: kind === 'grads' ? `gradient of ${name}` : name, error };
    }
  }
  return worst;
}
