/**
 * The cells on the tape of balls: for every output and every gradient of a problem in float32, the exact number and the
 * largest error that float32 arithmetic excuses. One sequence, one unit and one number at a time; nothing is taken from src.
 */
import type { Tensor } from '../../src/tensor/types.js';
import type { Ball, BallNode, BallTape, GateUlps } from './balls.js';
import { createBallTape, exact, gradientOf } from './balls.js';
import type { CellName, DirectionName, Problem } from './cases.js';
import { directionsOf, part, rowNumber, sortedLengths, statesOf } from './cases.js';

/** The numbers of a tensor in row-major order, and its last axis: element (i, j) is `nodes[i · width + j]`. */
interface Nodes {
  readonly nodes: readonly BallNode[];
  readonly width: number;
}

type Vector = readonly BallNode[];
type State = Readonly<Record<string, Vector>>;
type Pair = readonly [BallNode, BallNode];

/** Unit j of a step: what its gates see, `gate(g)`, and the state before the step. */
interface Unit {
  readonly j: number;
  readonly params: Readonly<Record<string, Nodes>>;
  readonly state: State;
  /** The pairs of v·W in column j of gate g. */
  pairs(v: Vector, W: 'Wx' | 'Wh', g: number): Pair[];
  readonly x: Vector;
}

/** One unit of one step. A cell whose units need something of all units first finds it in `shared`. */
interface BallCell {
  /** From the reset gates of all units to r ∘ h', for the one cell that has them in its product. */
  readonly shared?: (tape: BallTape, unit: Unit) => BallNode;
  unit(tape: BallTape, unit: Unit, shared: Vector): Readonly<Record<string, BallNode>>;
}

/** The pre-activation of gate g: x·Wx + h'·Wh + b. */
function gate(tape: BallTape, { j, params, state, pairs, x }: Unit, g: number): BallNode {
  const H = state.h.length;
  return tape.dot([...pairs(x, 'Wx', g), ...pairs(state.h, 'Wh', g)], [params.b.nodes[g * H + j]]);
}

const rnn = (activation: 'tanh' | 'relu'): BallCell => ({
  unit: (tape, unit) => ({ h: tape[activation](gate(tape, unit, 0)) }),
});

const lstm: BallCell = {
  unit(tape, unit) {
    const [i, f, o] = [0, 1, 3].map((g) => tape.sigmoid(gate(tape, unit, g)));
    const g = tape.tanh(gate(tape, unit, 2));
    const c = tape.dot([
      [f, unit.state.c[unit.j]],
      [i, g],
    ]);
    return { h: tape.dot([[o, tape.tanh(c)]]), c };
  },
};

/** (1 − z)·n + z·h'. */
function interpolate(tape: BallTape, z: BallNode, n: BallNode, before: BallNode): Record<string, BallNode> {
  const h = tape.dot([
    [tape.oneMinus(z), n],
    [z, before],
  ]);
  return { h };
}

const gru: BallCell = {
  unit(tape, unit) {
    const { j, params, state, pairs, x } = unit;
    const H = state.h.length;
    const [r, z] = [0, 1].map((g) => tape.sigmoid(gate(tape, unit, g)));
    const q = tape.dot(pairs(state.h, 'Wh', 2), [params.bn.nodes[j]]);
    const n = tape.tanh(tape.dot([...pairs(x, 'Wx', 2), [r, q]], [params.b.nodes[2 * H + j]]));
    return interpolate(tape, z, n, state.h[j]);
  },
};

const gruResetBefore: BallCell = {
  shared: (tape, unit) => tape.dot([[tape.sigmoid(gate(tape, unit, 0)), unit.state.h[unit.j]]]),
  unit(tape, unit, reset) {
    const { j, params, state, pairs, x } = unit;
    const z = tape.sigmoid(gate(tape, unit, 1));
    const b = params.b.nodes[2 * state.h.length + j];
    const n = tape.tanh(tape.dot([...pairs(x, 'Wx', 2), ...pairs(reset, 'Wh', 2)], [b]));
    return interpolate(tape, z, n, state.h[j]);
  },
};

const CELLS: Readonly<Record<CellName, BallCell>> = {
  rnn: rnn('tanh'),
  'rnn-relu': rnn('relu'),
  lstm,
  gru,
  'gru-reset-before': gruResetBefore,
};

function stepOf(tape: BallTape, cell: BallCell, params: Unit['params'], x: Vector, state: State): State {
  const H = state.h.length;
  const units = state.h.map((_, j): Unit => ({
    j,
    params,
    state,
    x,
    pairs: (v, W, g) => v.map((factor, i) => [factor, params[W].nodes[i * params[W].width + g * H + j]]),
  }));
  const shared = cell.shared ? units.map((unit) => cell.shared!(tape, unit)) : [];
  const results = units.map((unit) => cell.unit(tape, unit, shared));
  return Object.fromEntries(Object.keys(state).map((name) => [name, results.map((result) => result[name])]));
}

/** Balls of every output and every gradient, in row-major order. */
export interface BallSolution {
  readonly outputs: Readonly<Record<string, readonly Ball[]>>;
  readonly grads: Readonly<Record<string, readonly Ball[]>>;
}

/** A network laid out on a tape. */
export interface BallNetwork {
  readonly tape: BallTape;
  /** The tensors of the problem. */
  readonly inputs: Readonly<Record<string, Nodes>>;
  /** `y [N, ·]` and the final states, by the names of the cotangents. */
  readonly outputs: Readonly<Record<string, Vector>>;
}

/** The forward pass of a problem, whose tensors hold float32 numbers. */
export function ballNetwork({ case: c, tensors, cotangents }: Problem, ulps?: GateUlps): BallNetwork {
  const tape = createBallTape(ulps);
  const inputs = nodesOf(tape, tensors);
  const outputs: Record<string, BallNode[]> = {};
  for (const name of Object.keys(cotangents)) outputs[name] = [];
  sortedLengths(c).forEach((length, b) => {
    let sequence = Array.from({ length }, (_, t) => rowOf(inputs.x, rowNumber(c, t, b)));
    c.hidden.forEach((H, l) => {
      const halves = directionsOf(c).map((direction) => {
        const params = part(inputs, `layers.${l}.${direction}`);
        const given = part(inputs, `initial.${l}.${direction}`);
        const state = statesOf(c.cell).map((name): [string, Vector] => {
          if (given[name]) return [name, rowOf(given[name], b)];
          return [name, params[`${name}0`]?.nodes ?? Array.from({ length: H }, () => tape.variable(0))];
        });
        const run = runLayer(tape, CELLS[c.cell as CellName], params, sequence, Object.fromEntries(state), direction);
        for (const name of statesOf(c.cell)) place(outputs[`final.${l}.${direction}.${name}`], b, run.final[name]);
        return run.outputs;
      });
      sequence = sequence.map((_, t) => halves.flatMap((half) => half[t]));
    });
    sequence.forEach((y, t) => place(outputs.y, rowNumber(c, t, b), y));
  });
  return { tape, inputs, outputs };
}

/** Balls of all outputs and gradients, the loss being every output times its cotangent. */
export function ballSolution(problem: Problem, ulps?: GateUlps): BallSolution {
  const network = ballNetwork(problem, ulps);
  for (const [name, nodes] of Object.entries(network.outputs)) {
    nodes.forEach((node, i) => node.terms.push(exact(problem.cotangents[name].data[i])));
  }
  network.tape.backward();
  return solutionOf(network);
}

/** What a network holds, once its tape has run backward. */
export function solutionOf({ inputs, outputs }: BallNetwork): BallSolution {
  const balls = Object.entries(outputs).map(([name, nodes]) => [name, nodes.map((node) => node.ball)]);
  const grads = Object.entries(inputs).map(([name, { nodes }]) => [name, nodes.map(gradientOf)]);
  return { outputs: Object.fromEntries(balls), grads: Object.fromEntries(grads) };
}

/** Variables for the numbers of row-major tensors. */
export function nodesOf(tape: BallTape, tensors: Readonly<Record<string, Tensor>>): Record<string, Nodes> {
  const entries = Object.entries(tensors).map(([name, { data, shape }]): [string, Nodes] => {
    return [name, { nodes: Array.from(data, tape.variable), width: shape[shape.length - 1] }];
  });
  return Object.fromEntries(entries);
}

function runLayer(
  tape: BallTape,
  cell: BallCell,
  params: Unit['params'],
  sequence: readonly Vector[],
  initial: State,
  direction: DirectionName,
): { outputs: Vector[]; final: State } {
  const outputs: Vector[] = new Array(sequence.length);
  let state = initial;
  for (let k = 0; k < sequence.length; k++) {
    const t = direction === 'forward' ? k : sequence.length - 1 - k;
    state = stepOf(tape, cell, params, sequence[t], state);
    outputs[t] = state.h;
  }
  return { outputs, final: state };
}

const rowOf = ({ nodes, width }: Nodes, r: number): Vector => nodes.slice(r * width, (r + 1) * width);

/** Writes row r of a matrix that is filled row by row in any order. */
function place(matrix: BallNode[], r: number, row: Vector): void {
  row.forEach((node, j) => (matrix[r * row.length + j] = node));
}
