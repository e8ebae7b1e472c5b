/**
 * The cells once more, written on the tape from their equations and unrolled one sequence at a time: no packing, no shared
 * matmul over all steps, no backward by hand. An oracle for `autograd/unroll` and the cells.
 */
import type { Tape, TapeNode } from '../../src/autograd/tape/tape.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import { UnsupportedError } from '../../src/tensor/errors.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, viewOf } from '../../src/tensor/view.js';
import type { Case, CellName, DirectionName, Problem, Solution } from './cases.js';
import { directionsOf, part, rowNumber, sortedLengths, statesOf } from './cases.js';
import { variantStep } from './tape-variants.js';

type Nodes = Readonly<Record<string, TapeNode>>;

/** One step: input `x [1, D]` and states `[1, H]` to states. */
export type TapeStep = (tape: Tape, params: Nodes, x: TapeNode, state: Nodes) => Nodes;

const rnn = (activation: 'tanh' | 'relu'): TapeStep => {
  return (tape, { Wx, Wh, b }, x, { h }) => {
    return { h: tape[activation](tape.add(tape.add(tape.matmul(x, Wx), tape.matmul(h, Wh)), b)) };
  };
};

const lstm: TapeStep = (tape, { Wx, Wh, b }, x, { h, c }) => {
  const H = h.value.shape[1];
  const a = tape.add(tape.add(tape.matmul(x, Wx), tape.matmul(h, Wh)), b);
  const i = tape.sigmoid(tape.sliceColumns(a, 0, H));
  const f = tape.sigmoid(tape.sliceColumns(a, H, H));
  const g = tape.tanh(tape.sliceColumns(a, 2 * H, H));
  const o = tape.sigmoid(tape.sliceColumns(a, 3 * H, H));
  const next = tape.add(tape.mul(f, c), tape.mul(i, g));
  return { h: tape.mul(o, tape.tanh(next)), c: next };
};

const gru: TapeStep = (tape, { Wx, Wh, b, bn }, x, { h }) => {
  const H = h.value.shape[1];
  const a = tape.add(tape.matmul(x, Wx), b);
  const u = tape.matmul(h, Wh);
  const r = tape.sigmoid(tape.add(tape.sliceColumns(a, 0, H), tape.sliceColumns(u, 0, H)));
  const z = tape.sigmoid(tape.add(tape.sliceColumns(a, H, H), tape.sliceColumns(u, H, H)));
  const q = tape.add(tape.sliceColumns(u, 2 * H, H), bn);
  const n = tape.tanh(tape.add(tape.sliceColumns(a, 2 * H, H), tape.mul(r, q)));
  return { h: tape.add(tape.mul(tape.oneMinus(z), n), tape.mul(z, h)) };
};

const gruResetBefore: TapeStep = (tape, { Wx, Wh, b }, x, { h }) => {
  const H = h.value.shape[1];
  const a = tape.add(tape.matmul(x, Wx), b);
  const gate = (k: number): TapeNode =>
    tape.sigmoid(tape.add(tape.sliceColumns(a, k * H, H), tape.matmul(h, tape.sliceColumns(Wh, k * H, H))));
  const [r, z] = [gate(0), gate(1)];
  const reset = tape.matmul(tape.mul(r, h), tape.sliceColumns(Wh, 2 * H, H));
  const n = tape.tanh(tape.add(tape.sliceColumns(a, 2 * H, H), reset));
  return { h: tape.add(tape.mul(tape.oneMinus(z), n), tape.mul(z, h)) };
};

export const tapeSteps: Readonly<Record<CellName, TapeStep>> = {
  rnn: rnn('tanh'),
  'rnn-relu': rnn('relu'),
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};

/** Where a step is: its layer, direction, sequence (longest first), and packed row. */
export interface TapePlace {
  readonly l: number;
  readonly direction: DirectionName;
  readonly b: number;
  readonly row: number;
}

/** A step around the step of a cell, for what stands between steps. */
export type Around = (tape: Tape, step: TapeStep, params: Nodes, x: TapeNode, state: Nodes, place: TapePlace) => Nodes;

/**
 * Outputs and gradients of a problem, by the tape.
 *
 * @param around what each step is done by, default the step alone
 */
export function tapeSolution({ case: c, tensors, cotangents }: Problem, around: Around = alone): Solution {
  const tape = createTape();
  const nodes = Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, tape.variable(x)]));
  const outputs: Record<string, Tensor> = {};
  for (const [name, cotangent] of Object.entries(cotangents)) outputs[name] = allocate(cotangent.shape, 'float64');
  let loss = tape.constant(viewOf(new Float64Array(1), []));
  const deliver = (name: string, row: number, value: TapeNode): void => {
    const N = value.value.shape[1];
    outputs[name].data.set(value.value.data, row * N);
    loss = tape.add(loss, tape.dot(value, viewOf(cotangents[name].data.slice(row * N, (row + 1) * N), [1, N])));
  };

  sortedLengths(c).forEach((length, b) => {
    let sequence = Array.from({ length }, (_, t) => tape.gatherRows(nodes.x, [rowNumber(c, t, b)]));
    c.hidden.forEach((_, l) => {
      const halves = directionsOf(c).map((direction) => {
        const run = runLayer(tape, c, nodes, sequence, { l, direction, b }, around);
        for (const state of statesOf(c.cell)) deliver(`final.${l}.${direction}.${state}`, b, run.final[state]);
        return run.outputs;
      });
      sequence = sequence.map((_, t) => tape.concatColumns(halves.map((half) => half[t])));
    });
    sequence.forEach((y, t) => deliver('y', rowNumber(c, t, b), y));
  });
  tape.backward(loss);
  return { outputs, grads: Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, node.grad])) };
}

const alone: Around = (tape, step, params, x, state) => step(tape, params, x, state);

/** One layer in one direction over one sequence; outputs are in the order of the input. */
function runLayer(
  tape: Tape,
  c: Case,
  nodes: Nodes,
  sequence: readonly TapeNode[],
  { l, direction, b }: { l: number; direction: DirectionName; b: number },
  around: Around,
): { outputs: TapeNode[]; final: Nodes } {
  const params = part(nodes, `layers.${l}.${direction}`);
  const H = c.hidden[l];
  const found = Object.hasOwn(tapeSteps, c.cell) ? tapeSteps[c.cell as CellName] : variantStep(c.cell);
  if (around === alone && found === undefined) throw new UnsupportedError(`the tape has no text of the cell ${c.cell}`);
  const step = found!;
  let state: Nodes = Object.fromEntries(
    statesOf(c.cell).map((name) => {
      if (c.initial === 'given') return [name, tape.gatherRows(nodes[`initial.${l}.${direction}.${name}`], [b])];
      const zero = tape.constant(viewOf(new Float64Array(H), [1, H]));
      return [name, c.initial === 'learned' ? tape.add(zero, params[`${name}0`]) : zero];
    }),
  );
  const outputs: TapeNode[] = new Array(sequence.length);
  for (let k = 0; k < sequence.length; k++) {
    const t = direction === 'forward' ? k : sequence.length - 1 - k;
    state = around(tape, step, params, sequence[t], state, { l, direction, b, row: rowNumber(c, t, b) });
    outputs[t] = state.h;
  }
  return { outputs, final: state };
}
