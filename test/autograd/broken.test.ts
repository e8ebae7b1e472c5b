/**
 * Does the proof prove anything? Backward passes broken on purpose, each in one place: finite differences must reject every
 * one of them and name the tensors that are wrong, and no others; so must forward mode. Where a single gate is broken, the
 * columns of the bias gradient that fail are those of that gate.
 *
 * Most mistakes are planted in a batch of single steps, T = 1: there nothing is carried on through time, so a mistake stays
 * where it was made. Those that only show in time have their own lengths.
 */
import { describeElement } from '../../src/autograd/check/gradcheck.js';
import { cells } from '../../src/cells/index.js';
import type { Saved, Cell, CellParams, State } from '../../src/cells/index.js';
import type { Kernels } from '../../src/kernels/types.js';
import { transpose } from '../../src/tensor/index.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, columns, rows } from '../../src/tensor/view.js';
import type { Case, CellName, Problem, Solution } from '../support/cases.js';
import { problemOf, relativeError, rowNumber, sortedLengths, worstDifference } from '../support/cases.js';
import { differences, engine } from '../support/engine.js';
import { forwardModeSolution } from '../support/forward-mode.js';
import { tapeSolution } from '../support/tape-cells.js';

/** The arguments of a step backward, by name. */
interface Step {
  kernels: Kernels;
  params: CellParams;
  prev: State;
  saved: Saved;
  next: State;
  dNext: State;
  dPrev: State;
}

interface Mistake {
  readonly what: string;
  readonly cell: CellName;
  readonly initial?: Case['initial'];
  readonly direction?: Case['direction'];
  /** Default: a batch of single steps. */
  readonly lengths?: readonly number[];
  /** The broken cell; `undo` is the right step backward. */
  readonly cellOf?: (cell: Cell) => Cell;
  /** Spoils the gradients of the right cell instead. */
  readonly spoil?: (solution: Solution, problem: Problem) => void;
  /** The forward pass is what is broken. */
  readonly inForward?: boolean;
  /** Exactly the tensors that must be rejected; layer and direction left out. */
  readonly wrong: readonly string[];
  /** The gates whose columns of `b` must be rejected, in gate order; default: not looked at. */
  readonly gates?: readonly number[];
}

const H = 3;

/** A cell whose step backward is replaced; `undo` runs the right one, on arguments of choice. */
function withStep(change: (step: Step, undo: (step: Step) => void) => void): (cell: Cell) => Cell {
  return (cell) => {
    const undo = (s: Step): void => cell.stepBackward(s.kernels, s.params, s.prev, s.saved, s.next, s.dNext, s.dPrev);
    return {
      ...cell,
      stepBackward: (kernels, params, prev, saved, next, dNext, dPrev) =>
        change({ kernels, params, prev, saved, next, dNext, dPrev }, undo),
    };
  };
}

function forEach(x: Tensor, f: (value: number, i: number, j: number) => number): void {
  for (let i = 0; i < x.shape[0]; i++) {
    for (let j = 0; j < x.shape[1]; j++) {
      const at = x.offset + i * x.stride[0] + j * x.stride[1];
      x.data[at] = f(x.data[at], i, j);
    }
  }
}

const element = (x: Tensor, i: number, j: number): number => x.data[x.offset + i * x.stride[0] + j * x.stride[1]];
const like = (x: Tensor): Tensor => allocate(x.shape, 'float64');

function copyOf(x: Tensor): Tensor {
  const out = like(x);
  forEach(out, (_, i, j) => element(x, i, j));
  return out;
}

/** Runs the right step backward, changes `da` of one gate, and takes the product with Wh again. */
function withGate(gate: number, change: (da: Tensor, step: Step) => void): (cell: Cell) => Cell {
  return withStep((step, undo) => {
    const scratch = { ...step, dPrev: Object.fromEntries(Object.entries(step.dPrev).map(([n, x]) => [n, like(x)])) };
    undo(scratch as Step);
    const before = copyOf(step.saved.da);
    change(columns(step.saved.da, gate * H, H), step);
    const difference = copyOf(step.saved.da);
    forEach(difference, (value, i, j) => value - element(before, i, j));
    for (const name of Object.keys(step.dPrev)) {
      forEach(step.dPrev[name], (value, i, j) => value + element(scratch.dPrev[name], i, j));
    }
    step.kernels.addMatmulTB(step.dPrev.h, difference, step.params.Wh);
  });
}

const everything = ['x', 'Wx', 'Wh', 'b', 'initial.h'];

const mistakes: readonly Mistake[] = [
  {
    what: 'a missing term: the LSTM forgets dc′ += dc ∘ f',
    cell: 'lstm',
    cellOf: withStep((step, undo) => undo({ ...step, dPrev: { ...step.dPrev, c: like(step.dPrev.h) } as State })),
    wrong: ['initial.c'],
  },
  {
    what: 'a missing term: dWh is never collected',
    cell: 'rnn',
    cellOf: (cell) => ({ ...cell, weightGradients: () => undefined }),
    wrong: ['Wh'],
  },
  {
    what: 'a sign: da_g of the LSTM is negative',
    cell: 'lstm',
    cellOf: withGate(2, (da) => forEach(da, (value) => -value)),
    wrong: everything,
    gates: [2],
  },
  {
    what: 'a sign: dWh is subtracted',
    cell: 'gru',
    cellOf: (cell) => ({
      ...cell,
      weightGradients(kernels, hPrev, saved, grads) {
        const negative = { ...grads, Wh: like(grads.Wh) };
        cell.weightGradients(kernels, hPrev, saved, negative);
        forEach(grads.Wh, (value, i, j) => value - element(negative.Wh, i, j));
      },
    }),
    wrong: ['Wh'],
  },
  {
    what: 'a transposed Wh: dh′ += da·Wh',
    cell: 'rnn',
    cellOf: withStep((step, undo) => undo({ ...step, params: { ...step.params, Wh: transpose(step.params.Wh) } })),
    wrong: ['initial.h'],
  },
  {
    what: 'an off-by-one c: df = dc ∘ c in place of dc ∘ c′',
    cell: 'lstm',
    cellOf: withStep((step, undo) => undo({ ...step, prev: { ...step.prev, c: step.next.c } as State })),
    wrong: everything,
    gates: [1],
  },
  {
    what: 'a forgotten mask: the gradient of relu passes where the unit is off',
    cell: 'rnn-relu',
    cellOf: withStep((step, undo) => {
      const on = copyOf(step.next.h);
      forEach(on, () => 1);
      undo({ ...step, next: { ...step.next, h: on } });
    }),
    wrong: everything,
  },
  {
    what: 'a forgotten mask: sequences that have ended take part until the longest one ends',
    cell: 'gru',
    lengths: [3, 1, 2],
    spoil: forgetLengths,
    wrong: ['x', 'Wx', 'Wh', 'b', 'bn', 'initial.h'],
  },
  {
    what: 'clipping in the forward that the backward does not know',
    cell: 'gru-reset-before',
    inForward: true,
    cellOf: (cell) => ({
      ...cell,
      stepForward(kernels, params, prev, saved, next) {
        cell.stepForward(kernels, params, prev, saved, next);
        forEach(next.h, (value) => Math.max(-0.3, Math.min(0.3, value)));
      },
    }),
    wrong: everything,
  },
  {
    what: 'clipping in the backward: da within ±0.1',
    cell: 'lstm',
    cellOf: withGate(3, (da) => forEach(da, (value) => Math.max(-0.1, Math.min(0.1, value)))),
    wrong: everything,
    gates: [3],
  },
  {
    what: 'gates in another order: i and f exchanged',
    cell: 'lstm',
    cellOf: withStep((step, undo) => {
      undo(step);
      const i = columns(step.saved.da, 0, H);
      const f = columns(step.saved.da, H, H);
      const kept = copyOf(i);
      forEach(i, (_, b, j) => element(f, b, j));
      forEach(f, (_, b, j) => element(kept, b, j));
    }),
    wrong: ['x', 'Wx', 'Wh', 'b'],
    gates: [0, 1],
  },
  {
    what: 'a bias forgotten: dbn of the GRU',
    cell: 'gru',
    cellOf: (cell) => ({
      ...cell,
      weightGradients: (kernels, hPrev, saved, grads) =>
        cell.weightGradients(kernels, hPrev, saved, { ...grads, bn: like(grads.bn) }),
    }),
    wrong: ['bn'],
  },
  {
    what: 'a path missing: nothing reaches the reset gate before the product',
    cell: 'gru-reset-before',
    cellOf: withGate(0, (da) => forEach(da, () => 0)),
    wrong: everything,
    gates: [0],
  },
  {
    what: 'a path missing: dh′ += dh ∘ z, straight through the GRU',
    cell: 'gru',
    cellOf: withStep((step, undo) => {
      undo(step);
      const z = columns(step.saved.a, H, H);
      forEach(step.dPrev.h, (value, b, j) => value - element(step.dNext.h, b, j) * element(z, b, j));
    }),
    wrong: ['initial.h'],
  },
  {
    what: 'a derivative at the wrong place: 1 − a² in place of 1 − tanh²(a)',
    cell: 'rnn',
    cellOf: withStep((step, undo) => undo({ ...step, next: { ...step.next, h: step.saved.a } })),
    wrong: everything,
  },
  {
    what: 'the wrong factor: dWh of the n gate from h′ in place of r ∘ h′',
    cell: 'gru-reset-before',
    cellOf: (cell) => ({
      ...cell,
      weightGradients: (kernels, hPrev, saved, grads) =>
        cell.weightGradients(kernels, hPrev, { ...saved, s: hPrev }, grads),
    }),
    wrong: ['Wh'],
  },
  {
    what: 'the wrong factor: dWh of the GRU from da in place of du',
    cell: 'gru',
    cellOf: (cell) => ({
      ...cell,
      weightGradients: (kernels, hPrev, saved, grads) =>
        cell.weightGradients(kernels, hPrev, { ...saved, du: saved.da }, grads),
    }),
    wrong: ['Wh', 'bn'],
  },
  {
    what: 'assignment in place of accumulation: the loss at earlier steps is overwritten',
    cell: 'rnn',
    lengths: [3, 2],
    cellOf: withStep((step, undo) => {
      forEach(step.dPrev.h, () => 0);
      undo(step);
    }),
    wrong: everything,
  },
  {
    what: 'no gradient for the learned initial state',
    cell: 'lstm',
    initial: 'learned',
    spoil: ({ grads }) => grads['layers.0.forward.h0'].data.fill(0),
    wrong: ['h0'],
  },
  {
    what: 'one gradient of the learned initial state not summed over the batch',
    cell: 'lstm',
    initial: 'learned',
    spoil: (solution, problem) => {
      const alone = { ...problem, cotangents: { ...problem.cotangents } };
      for (const name of ['y', 'final.0.forward.h', 'final.0.forward.c']) {
        alone.cotangents[name] = like(problem.cotangents[name]);
        rows(alone.cotangents[name], 0, 1).data.set(problem.cotangents[name].data.slice(0, H));
      }
      solution.grads['layers.0.forward.c0'].data.set(engine(alone).grads['layers.0.forward.c0'].data);
    },
    wrong: ['c0'],
  },
  {
    what: 'a reversed sequence whose dX is not turned back',
    cell: 'rnn',
    direction: 'reverse',
    lengths: [4, 2],
    spoil({ grads }, { case: c }) {
      const turned = copyOf(grads.x);
      sortedLengths(c).forEach((length, b) => {
        for (let t = 0; t < length; t++) {
          const to = rows(turned, rowNumber(c, t, b), 1);
          forEach(to, (_, __, j) => element(grads.x, rowNumber(c, length - 1 - t, b), j));
        }
      });
      grads.x.data.set(turned.data);
    },
    wrong: ['x'],
  },
];

/** Runs every sequence on to the longest length, over inputs of zero and without losses, and takes those gradients. */
function forgetLengths({ grads }: Solution, { case: c, tensors, cotangents }: Problem): void {
  const T = Math.max(...c.lengths);
  const padded = { ...c, lengths: c.lengths.map(() => T) };
  const pad = (x: Tensor): Tensor => {
    const out = allocate([T * c.lengths.length, x.shape[1]], 'float64');
    eachToken(c, (t, b) =>
      forEach(rows(out, rowNumber(padded, t, b), 1), (_, __, j) => element(x, rowNumber(c, t, b), j)),
    );
    return out;
  };
  const solution = engine({
    case: padded,
    tensors: { ...tensors, x: pad(tensors.x) },
    cotangents: { ...cotangents, y: pad(cotangents.y) },
  });
  for (const [name, g] of Object.entries(grads)) if (name !== 'x') g.data.set(solution.grads[name].data);
  eachToken(c, (t, b) => {
    forEach(rows(grads.x, rowNumber(c, t, b), 1), (_, __, j) => element(solution.grads.x, rowNumber(padded, t, b), j));
  });
}

function eachToken(c: Case, f: (t: number, b: number) => void): void {
  sortedLengths(c).forEach((length, b) => {
    for (let t = 0; t < length; t++) f(t, b);
  });
}

/** The problem of a mistake, and what the broken backward makes of it. */
function planted({ cell, initial = 'given', direction = 'forward', lengths = [1, 1, 1, 1], cellOf, spoil }: Mistake) {
  const problem = problemOf({ cell, initial, direction, hidden: [H], input: 5, lengths });
  const broken = cellOf?.(cells[cell]) ?? cells[cell];
  const solution = engine(problem, broken);
  spoil?.(solution, problem);
  return { problem, broken, solution };
}

const shortName = (name: string): string =>
  name.replace(/^(layers|initial)\.0\.(forward|reverse)\./, (_, kind) => (kind === 'initial' ? 'initial.' : ''));

describe('finite differences', () => {
  it.each(mistakes)('reject $cell: $what', (mistake) => {
    const { problem, broken, solution } = planted(mistake);
    const report = differences(problem, solution.grads, { cell: broken });
    expect(report.passed).toBe(false);
    expect(mistake.wrong).toContain(shortName(report.worst.name));
    expect(describeElement(report.worst)).toContain(report.worst.name);
    const rejected = Object.entries(report.perTensor).filter(([, worst]) => !worst.passed);
    expect(rejected.map(([name]) => shortName(name)).sort()).toEqual([...mistake.wrong].sort());
    if (mistake.gates) {
      const bias = report.failures.filter(({ name }) => shortName(name) === 'b');
      expect([...new Set(bias.map(({ index }) => Math.floor(index[0] / H)))].sort()).toEqual(mistake.gates);
    }
  });

  it.each(mistakes)('accept the same problem unbroken: $cell: $what', (mistake) => {
    const { problem } = planted(mistake);
    expect(differences(problem, engine(problem).grads).passed).toBe(true);
  });
});

describe('forward mode', () => {
  it.each(mistakes)('rejects $cell: $what', (mistake) => {
    const { problem, solution } = planted(mistake);
    const expected = forwardModeSolution(problem);
    const differing = (kind: 'outputs' | 'grads'): string[] =>
      Object.entries(expected[kind])
        .filter(([name, x]) => relativeError(solution[kind][name], x) > 1e-9)
        .map(([name]) => shortName(name));
    // It runs the equations, not the broken forward: there the values differ, and the gradients are those of the equations.
    expect(differing('grads').sort()).toEqual(mistake.inForward ? [] : [...mistake.wrong].sort());
    expect(differing('outputs').length > 0).toBe(mistake.inForward === true);
  });
});

describe('the tape', () => {
  it.each(mistakes)('rejects $cell: $what', (mistake) => {
    const { problem, solution } = planted(mistake);
    const { name, error } = worstDifference(solution, tapeSolution(problem));
    expect(error).toBeGreaterThan(1e-3);
    expect(name).not.toBe('none');
  });
});

it('the step of a wrong input gradient is named', () => {
  const problem = problemOf({
    cell: 'gru',
    initial: 'given',
    direction: 'forward',
    hidden: [H],
    input: 5,
    lengths: [4, 2, 3],
  });
  const { grads } = engine(problem);
  grads.x.data[rowNumber(problem.case, 2, 1) * 5 + 4] += 1;
  const { worst, failures } = differences(problem, grads);
  expect(failures).toHaveLength(1);
  expect([worst.name, worst.index, worst.step]).toEqual(['x', [rowNumber(problem.case, 2, 1), 4], 2]);
});
