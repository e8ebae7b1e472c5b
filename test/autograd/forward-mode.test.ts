/**
 * Forward mode: every operation against the tape, the networks against backpropagation, over random shapes; that it has
 * derivatives far below the noise of finite differences; and what it says of a cell that it cannot run.
 */
import fc from 'fast-check';
import { describeElement } from '../../src/autograd/check/gradcheck.js';
import type { Dual, DualRecord, Tape, TapeNode, TensorRecord } from '../../src/autograd/index.js';
import {
  createTape,
  directionalDerivative,
  dual,
  dualOps,
  forwardGradient,
  packingOf,
  quantityGradient,
  reversal,
  stackDual,
  unroll,
  unrollBackward,
  unrollDual,
  zeroGrads,
} from '../../src/autograd/index.js';
import type { Algebra, Cell } from '../../src/cells/index.js';
import { cells } from '../../src/cells/index.js';
import { embeddingBackward, embeddingForward } from '../../src/layers/embedding.js';
import { linearBackward, linearForward } from '../../src/layers/linear.js';
import { softmaxLossBackward, softmaxLossForward } from '../../src/layers/softmax-loss.js';
import { ArgumentError, ShapeError, UnsupportedError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { sizeOf, viewOf } from '../../src/tensor/view.js';
import type { Case } from '../support/cases.js';
import { caseName, cases, CELLS, part, problemOf, relativeError, worstDifference } from '../support/cases.js';
import { differences, engine, kernels, zerosLike } from '../support/engine.js';
import { attempt, dualLoss, forwardModeSolution } from '../support/forward-mode.js';
import { numbers, random as normal, scattered } from '../layers/support.js';

fc.configureGlobal({ seed: 31, numRuns: 60 });

const rng = createRng(20261128);
const random = (...shape: number[]): Tensor => normal(shape, rng);

/** ⟨a, b⟩ over tensors by name, and the sum of the magnitudes of its terms. */
function inner(a: TensorRecord, b: TensorRecord): { sum: number; magnitude: number } {
  let [sum, magnitude] = [0, 0];
  for (const [name, x] of Object.entries(a)) {
    const y = numbers(b[name]);
    numbers(x).forEach((value, i) => {
      sum += value * y[i];
      magnitude += Math.abs(value * y[i]);
    });
  }
  return { sum, magnitude };
}

describe('every operation has the tangent that the tape has as a gradient', () => {
  type Operation = <V>(ops: Omit<typeof dualOps, 'dot'> & Algebra<V>, ...xs: V[]) => V;
  const op = (f: (ops: never, ...xs: never[]) => unknown) => f as unknown as Operation;
  const list: [name: string, operation: Operation, inputs: Tensor[]][] = [
    ['matmul', op((o: Tape, a: TapeNode, b: TapeNode) => o.matmul(a, b)), [random(2, 3), random(3, 5)]],
    ['add', op((o: Tape, a: TapeNode, b: TapeNode) => o.add(a, b)), [random(2, 3), random(2, 3)]],
    ['add, a row right', op((o: Tape, a: TapeNode, b: TapeNode) => o.add(a, b)), [random(4, 3), random(3)]],
    ['add, a row left', op((o: Tape, a: TapeNode, b: TapeNode) => o.add(a, b)), [random(3), random(4, 3)]],
    ['sub, one element', op((o: Tape, a: TapeNode, b: TapeNode) => o.sub(a, b)), [random(4, 3), random(1, 1)]],
    ['sub', op((o: Tape, a: TapeNode, b: TapeNode) => o.sub(a, b)), [random(2, 3), random(2, 3)]],
    ['mul', op((o: Tape, a: TapeNode, b: TapeNode) => o.mul(a, b)), [random(2, 3), random(2, 3)]],
    ['mul, a row', op((o: Tape, a: TapeNode, b: TapeNode) => o.mul(a, b)), [random(3), random(2, 3)]],
    ['scale', op((o: Tape, x: TapeNode) => o.scale(x, -2.5)), [random(2, 3)]],
    ['shift', op((o: Tape, x: TapeNode) => o.mul(x, o.shift(x, -2.5))), [random(2, 3)]],
    ['exp', op((o: Tape, x: TapeNode) => o.exp(x)), [random(2, 3)]],
    ['log', op((o: Tape, x: TapeNode) => o.log(o.exp(x))), [random(2, 3)]],
    ['reciprocal', op((o: Tape, x: TapeNode) => o.reciprocal(o.exp(x))), [random(2, 3)]],
    ['rowMean', op((o: Tape, x: TapeNode) => o.mul(x, o.rowMean(x))), [random(2, 3)]],
    ['step', op((o: Tape, x: TapeNode) => o.mul(x, o.step(x))), [random(2, 3)]],
    ['oneMinus', op((o: Tape, x: TapeNode) => o.oneMinus(x)), [random(2, 3)]],
    ['sigmoid', op((o: Tape, x: TapeNode) => o.sigmoid(x)), [random(2, 3)]],
    ['tanh', op((o: Tape, x: TapeNode) => o.tanh(x)), [random(2, 3)]],
    ['relu', op((o: Tape, x: TapeNode) => o.relu(x)), [random(4, 5)]],
    ['name', op((o: Tape, x: TapeNode) => o.name('i', x)), [random(2, 3)]],
    ['sliceColumns', op((o: Tape, x: TapeNode) => o.sliceColumns(x, 1, 2)), [random(3, 4)]],
    ['sliceRows', op((o: Tape, x: TapeNode) => o.sliceRows(x, 0, 1)), [random(3, 4)]],
    ['concatColumns', op((o: Tape, a: TapeNode, b: TapeNode) => o.concatColumns([a, b])), [random(3, 2), random(3, 4)]],
    ['concatRows', op((o: Tape, a: TapeNode, b: TapeNode) => o.concatRows([a, b])), [random(2, 3), random(4, 3)]],
    ['gatherRows', op((o: Tape, x: TapeNode) => o.gatherRows(x, [2, 0, 2])), [random(4, 3)]],
    ['softmaxCrossEntropy', op((o: Tape, x: TapeNode) => o.softmaxCrossEntropy(x, [3, 0, 1])), [random(3, 4)]],
  ];

  it.each(list)('%s', (_, operation, inputs) => {
    const tape = createTape();
    const nodes = inputs.map((x) => tape.variable(x));
    const y = operation(tape as never, ...nodes);
    const cotangent = random(...y.value.shape);
    tape.backward(y, cotangent);
    const direction = inputs.map((x) => random(...x.shape));
    const found = operation(dualOps as never, ...inputs.map((x, k) => dual(x, direction[k])));
    expect(found.value.shape).toEqual(y.value.shape);
    numbers(found.value).forEach((value, i) => expect(value).toBeCloseTo(y.value.data[i], 14));
    const grads = Object.fromEntries(nodes.map((node, k) => [k, node.grad]));
    const expected = inner(grads, Object.fromEntries(direction.map((x, k) => [k, x])));
    const tangent = dualOps.dot({ value: found.tangent, tangent: found.tangent }, cotangent).value.data[0];
    expect(Math.abs(tangent - expected.sum)).toBeLessThan(1e-14 * expected.magnitude);
  });

  it('is all of them but dot, which is linear', () => {
    const names = new Set(list.map(([name]) => name.split(',')[0]));
    expect(Object.keys(dualOps).filter((name) => !names.has(name))).toEqual(['dot']);
    const [x, dx, w] = [random(2, 3), random(2, 3), random(2, 3)];
    const { value, tangent } = dualOps.dot(dual(x, dx), w);
    expect([value.data[0], tangent.data[0]]).toEqual([inner({ x }, { x: w }).sum, inner({ x: dx }, { x: w }).sum]);
  });

  it('copies any strides and element type, and refuses what does not fit by name', () => {
    const x = random(2, 3);
    const { value, tangent } = dual(scattered(x), x);
    expect([[...value.data], [...tangent.data]]).toEqual([numbers(x), numbers(x)]);
    expect(value.data).not.toBe(x.data);
    const single = viewOf(Float32Array.of(0.1, 0.2), [2]);
    expect([...dual(single).value.data]).toEqual([...single.data]);
    const [a, b] = [dual(random(2, 3)), dual(random(4, 2))];
    expect(() => dual(x, random(3, 2))).toThrow('dual: tangent must be [2, 3]; got [3, 2]');
    expect(() => dualOps.matmul(a, b)).toThrow('matmul: needs [M, K] and [K, N]; got [2, 3] and [4, 2]');
    expect(() => dualOps.matmul(dual(random(3)), b)).toThrow(ShapeError);
    expect(() => dualOps.matmul(dual(random(3)), b)).toThrow('matmul: needs a matrix [M, N]; got [3]');
    expect(() => dualOps.matmul(a, dual(random(3)))).toThrow('matmul: needs a matrix [M, N]; got [3]');
    expect(() => dualOps.add(a, b)).toThrow(/^add: needs equal shapes/);
    const unequal: [Dual, Dual][] = [
      [dual(random(2, 3)), dual(random(2))],
      [dual(random(2, 3, 4)), dual(random(3))],
      [dual(random(3, 4)), dual(random(2, 3))],
    ];
    for (const [large, small] of unequal) {
      expect(() => dualOps.add(large, small)).toThrow(ShapeError);
      expect(() => dualOps.add(small, large)).toThrow(ShapeError);
    }
    expect(() => dualOps.sliceColumns(a, 2, 2)).toThrow(ArgumentError);
    expect(() => dualOps.sliceColumns(a, 2, 2)).toThrow('sliceColumns: columns 2 … 3 must lie in 0 … 2');
    expect(() => dualOps.sliceColumns(a, -1, 2)).toThrow('sliceColumns: columns -1 … 0 must lie in 0 … 2');
    expect(() => dualOps.sliceColumns(a, 2, -1)).toThrow('sliceColumns: columns 2 … 0 must lie in 0 … 2');
    expect(dualOps.sliceColumns(a, 3, 0).value.shape).toEqual([2, 0]);
    expect(() => dualOps.gatherRows(a, [0, -1])).toThrow(/rows\[1\] must be a row, 0 … 1; got -1/);
    expect(() => dualOps.gatherRows(a, [2])).toThrow(/rows\[0\] must be a row, 0 … 1; got 2/);
    expect(() => dualOps.concatColumns([a, b])).toThrow(/the same number of rows; got 2, 4/);
    expect(() => dualOps.concatRows([])).toThrow(/at least one matrix/);
    expect(() => dualOps.dot(a, random(6))).toThrow(ShapeError);
    expect(() => dualOps.softmaxCrossEntropy(a, [0])).toThrow(/one entry per row, 2; got 1/);
    expect(() => dualOps.softmaxCrossEntropy(a, [0, 3])).toThrow(/labels\[1\] must be a label, 0 … 2; got 3/);
    expect(() => dualOps.softmaxCrossEntropy(a, [0, -1])).toThrow(/labels\[1\] must be a label, 0 … 2; got -1/);
  });

  it.each<[number[], number, number]>([
    [[1000, 0], 0, 0],
    [[1000, 0], 1, 1000],
    [[0, 1000], 0, 1000],
    [[0, 1000, 0], 1, 0],
    [[-1000, -3000], 1, 2000],
  ])('the loss of logits %p for label %i is %d: no exponential is too large', (row, label, loss) => {
    const dRow = row.map((_, k) => k + 1);
    const x = dual(viewOf(Float64Array.from(row), [1, row.length]), viewOf(Float64Array.from(dRow), [1, row.length]));
    const { value, tangent } = dualOps.softmaxCrossEntropy(x, [label]);
    expect([...value.data]).toEqual([loss]);
    expect([...tangent.data]).toEqual([dRow[row.indexOf(Math.max(...row))] - dRow[label]]);
  });

  it('the derivative of relu at 0 is taken as 0', () => {
    const { value, tangent } = dualOps.relu(dual(viewOf(Float64Array.of(-1, 0, 2), [3]), random(3)));
    expect([...value.data]).toEqual([0, 0, 2]);
    expect(numbers(tangent).map((v) => v === 0)).toEqual([true, true, false]);
  });
});

/** The largest network of each cell; all of them are in `npm run proof`. */
const largest = cases.filter(({ initial, direction, hidden }) => {
  return initial === 'learned' && direction === 'bidirectional' && hidden.length === 2;
});

describe.each(largest.map((c) => [caseName(c), c] as const))('%s', (_, c) => {
  const problem = problemOf({ ...c, lengths: [2, 3, 1] });

  it('every derivative agrees with backpropagation', () => {
    expect(worstDifference(engine(problem), forwardModeSolution(problem)).error).toBeLessThan(1e-13);
  });
});

it('agrees with backpropagation along random directions, over random networks', () => {
  const network: fc.Arbitrary<Case> = fc.record({
    cell: fc.constantFrom(...CELLS),
    initial: fc.constantFrom('zero' as const, 'given' as const, 'learned' as const),
    direction: fc.constantFrom('forward' as const, 'reverse' as const, 'bidirectional' as const),
    hidden: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
    input: fc.integer({ min: 1, max: 6 }),
    lengths: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(network, fc.nat(1000), (c, seed) => {
      const problem = problemOf(c);
      const { outputs, grads } = engine(problem);
      const draw = createRng(seed);
      const direction = Object.fromEntries(Object.entries(problem.tensors).map(([n, x]) => [n, normal(x.shape, draw)]));
      const found = directionalDerivative(problem.tensors, direction, dualLoss(problem));
      const expected = inner(grads, direction);
      expect(Math.abs(found - expected.sum)).toBeLessThan(1e-13 * expected.magnitude);
      expect(worstDifference({ outputs, grads: {} }, forwardModeSolution(problem, undefined, [])).error).toBeLessThan(
        1e-13,
      );
    }),
  );
});

describe('where finite differences end', () => {
  /** A loss at the last of 40 steps alone, differentiated by the first input. */
  const c: Case = { cell: 'rnn', initial: 'zero', direction: 'forward', hidden: [3], input: 2, lengths: [40] };
  const whole = problemOf(c);
  const last = (x: Tensor) => viewOf(x.data.map((v, i) => (i >= x.data.length - 3 ? v : 0)) as Float64Array, x.shape);
  const problem = {
    ...whole,
    tensors: Object.fromEntries(
      Object.entries(whole.tensors).map(([name, x]) => [name, name.endsWith('Wh') ? scaled(x, 0.4) : x]),
    ),
    cotangents: { y: last(whole.cotangents.y), 'final.0.forward.h': scaled(whole.cotangents['final.0.forward.h'], 0) },
  };
  const first = (x: Tensor): number[] => numbers(x).slice(0, 2);

  it('forward mode has every digit of a derivative that is far below their noise', () => {
    const analytic = first(engine(problem).grads.x);
    const found = first(forwardGradient(problem.tensors, 'x', dualLoss(problem)));
    analytic.forEach((value, i) => {
      expect(Math.abs(value)).toBeGreaterThan(0);
      expect(Math.abs(value)).toBeLessThan(1e-14);
      expect(Math.abs(found[i] / value - 1)).toBeLessThan(1e-12);
    });
  });

  it('finite differences let it pass where it is wrong by half; forward mode does not', () => {
    const { grads } = engine(problem);
    grads.x.data[0] *= 1.5;
    const tiny = (x: Tensor): Tensor => viewOf(numbers(x).slice(0, 2) as never, [2]);
    expect(
      relativeError(tiny(grads.x), tiny(forwardGradient(problem.tensors, 'x', dualLoss(problem)))),
    ).toBeGreaterThan(0.1);
    expect(differences(problem, grads).failures.map(describeElement)).toEqual([]);
  });
});

function scaled(x: Tensor, factor: number): Tensor {
  return viewOf(x.data.map((v) => v * factor) as Float64Array, x.shape);
}

it('goes through a whole tagger: word vectors, layers, logits, loss', () => {
  const [ids, labels] = [Int32Array.from([3, 0, 3, 1, 4, 2]), Int32Array.from([1, 0, 2, 2, 1, 0])];
  const packing = packingOf([3, 1, 2]);
  const [V, E, H, K] = [5, 3, 2, 4];
  const names = { Wx: [E, 4 * H], Wh: [H, 4 * H], b: [4 * H] };
  const lstm = Object.fromEntries(Object.entries(names).map(([name, shape]) => [name, random(...shape)]));
  const tensors: Record<string, Tensor> = { ...lstm, weight: random(V, E), W: random(H, K), bias: random(K) };
  const loss = (t: DualRecord): Dual => {
    const x = dualOps.gatherRows(t.weight, ids);
    const { y } = stackDual([{ cell: cells.lstm, params: { forward: t } }], x, packing);
    return dualOps.softmaxCrossEntropy(dualOps.add(dualOps.matmul(y, t.W), t.bias), labels);
  };
  // Backpropagation, by the layers.
  const grads = zerosLike(tensors);
  const problem = problemOf({
    cell: 'lstm',
    initial: 'zero',
    direction: 'forward',
    hidden: [H],
    input: E,
    lengths: [3, 1, 2],
  });
  const x = embeddingForward(kernels, { weight: tensors.weight }, ids);
  const named = (record: TensorRecord) => ({
    x,
    ...Object.fromEntries(Object.keys(names).map((name) => [`layers.0.forward.${name}`, record[name]])),
  });
  const linear = { W: tensors.W, b: tensors.bias };
  const { y } = engine({ ...problem, tensors: named(tensors) }).outputs;
  const forward = softmaxLossForward(kernels, linearForward(kernels, linear, y), labels, { reduction: 'sum' });
  const [dLogits, dY] = [viewOf(new Float64Array(6 * K), [6, K]), viewOf(new Float64Array(6 * H), [6, H])];
  softmaxLossBackward(kernels, forward, dLogits);
  linearBackward(kernels, linear, y, dLogits, { W: grads.W, b: grads.bias }, dY);
  const none = { 'final.0.forward.h': viewOf(new Float64Array(3 * H), [3, H]) };
  const cotangents = { y: dY, ...none, 'final.0.forward.c': none['final.0.forward.h'] };
  const inside = engine({ ...problem, tensors: named(tensors), cotangents }).grads;
  for (const name of Object.keys(names)) grads[name] = inside[`layers.0.forward.${name}`];
  embeddingBackward(kernels, ids, inside.x, { weight: grads.weight });
  for (const name of Object.keys(tensors)) {
    expect([name, relativeError(grads[name], forwardGradient(tensors, name, loss)) < 1e-13]).toEqual([name, true]);
  }
  const duals = Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, dual(t)]));
  expect(loss(duals).value.data[0]).toBeCloseTo(forward.loss, 13);
});

describe('a cell of one’s own', () => {
  const mine: Cell = { ...cells.gru, name: 'mine', equations: undefined };
  const problem = problemOf({ ...cases.find(({ cell }) => cell === 'gru')!, lengths: [2, 1] });

  it('without equations is not available, by name: never passed over', () => {
    expect(() => forwardModeSolution(problem, mine)).toThrow(UnsupportedError);
    expect(attempt(() => forwardModeSolution(problem, mine))).toBe(
      "forward mode is not available for the cell 'mine': it has no equations. Give the cell its own 'equations'.",
    );
    expect(() => attempt(() => forwardGradient({}, 'x', () => dual(random(1))))).toThrow(ArgumentError);
  });

  it('made of a built-in one is not judged by equations that are no longer its own', () => {
    const changed: Cell = { ...cells.gru, name: 'changed', stepForward: cells.rnn.stepForward };
    expect(attempt(() => forwardModeSolution(problem, changed))).toBe(
      "forward mode is not available for the cell 'changed': its equations are still those of 'gru', but its stepForward is " +
        "not. Give the cell its own 'equations'.",
    );
    const renamed: Cell = { ...cells.gru, name: 'renamed', stepBackward: cells.rnn.stepBackward };
    expect(attempt(() => forwardModeSolution(problem, renamed, []))).not.toEqual(expect.any(String));
    const { stepForward, equations } = cells['gru-reset-before'];
    const rewritten: Cell = { ...cells.gru, name: 'rewritten', stepForward: stepForward as never, equations };
    expect(attempt(() => forwardModeSolution(problem, rewritten, []))).not.toEqual(expect.any(String));
    const alone: Cell = { ...cells.gru, name: 'alone', original: undefined };
    expect(attempt(() => forwardModeSolution(problem, alone, []))).toEqual(forwardModeSolution(problem, undefined, []));
  });

  it('with equations takes part, and one that differs from its steps is found out', () => {
    const { equations } = cells.gru;
    expect(
      worstDifference(engine(problem, mine), forwardModeSolution(problem, { ...mine, equations })).error,
    ).toBeLessThan(1e-13);
    const other: Cell = { ...mine, equations: cells['gru-reset-before'].equations };
    expect(worstDifference(engine(problem, mine), forwardModeSolution(problem, other)).error).toBeGreaterThan(1e-3);
  });

  it('the equations of every cell run on the tape too', () => {
    for (const name of CELLS) {
      const one = problemOf({
        cell: name,
        initial: 'given',
        direction: 'forward',
        hidden: [3],
        input: 5,
        lengths: [1],
      });
      const tape = createTape();
      const node = (key: string) => tape.variable(one.tensors[key]);
      const params = Object.fromEntries(
        Object.keys(one.tensors)
          .filter((key) => key.startsWith('layers.'))
          .map((key) => [key.split('.')[3], node(key)]),
      );
      const prev = Object.fromEntries(cells[name].states.map((state) => [state, node(`initial.0.forward.${state}`)]));
      const next = cells[name].equations!(tape, params, node('x'), prev, 3);
      const { outputs } = engine(one);
      for (const state of cells[name].states) {
        expect(relativeError(next[state].value, outputs[`final.0.forward.${state}`])).toBeLessThan(1e-14);
      }
    }
  });
});

describe.each(CELLS)('the quantities that the equations of %s name', (name) => {
  it.each(['forward', 'reverse'] as const)(
    'are shown with their rows, and take a tangent of their own, %s',
    (direction) => {
      const c: Case = { cell: name, initial: 'given', direction, hidden: [2], input: 3, lengths: [1, 3] };
      const { tensors, cotangents } = problemOf(c);
      const cell = cells[name];
      const packing = packingOf(c.lengths);
      const params = part(tensors, `layers.0.${direction}`);
      const initial = part(tensors, `initial.0.${direction}`);
      const dFinal = part(cotangents, `final.0.${direction}`);
      const pass = unroll(kernels, cell, params as never, tensors.x, packing, { direction, initial: initial as never });
      const grads = zeroGrads(params) as never;
      const back = unrollBackward(kernels, pass, cotangents.y, grads, { dFinal: dFinal as never });
      const duals = (record: Readonly<Record<string, Tensor>>): DualRecord =>
        Object.fromEntries(Object.entries(record).map(([key, x]) => [key, dual(x)]));
      /** The derivative of the loss by component j of a quantity in one packed row. */
      const derivative = (of: string, at: number, j: number): number => {
        const { y, final } = unrollDual(cell, duals(params), dual(tensors.x), packing, {
          ...{ direction, initial: duals(initial) },
          onName(symbol, x, row) {
            if (symbol !== of || row !== at) return x;
            const tangent = viewOf(x.tangent.data.slice() as Float64Array, x.tangent.shape);
            tangent.data[j] += 1;
            return { ...x, tangent };
          },
        });
        const terms = [dualOps.dot(y, cotangents.y), ...cell.states.map((s) => dualOps.dot(final[s], dFinal[s]))];
        return terms.reduce((sum, term) => sum + term.tangent.data[0], 0);
      };
      const place = direction === 'forward' ? Int32Array.from({ length: 4 }, (_, row) => row) : reversal(packing);
      let compared = 0;
      for (const quantity of cell.quantities) {
        const gradient = quantityGradient(pass, back, quantity);
        if (gradient === undefined) continue;
        numbers(gradient).forEach((analytic, i) => {
          const [row, j] = [Math.floor(i / 2), i % 2];
          expect(derivative(quantity.gradient!.of, place[row], j)).toBeCloseTo(analytic, 13);
          compared++;
        });
      }
      expect(compared).toBeGreaterThanOrEqual(16);
    },
  );
});

it('a gradient takes one run of the loss per element', () => {
  let runs = 0;
  const w = random(2, 3);
  const counted = ({ x }: DualRecord): Dual => (runs++, dualOps.dot(x, w));
  expect(numbers(forwardGradient({ x: random(2, 3), other: random(4) }, 'x', counted))).toEqual(numbers(w));
  expect(runs).toBe(6);
});

it('what does not fit is refused by name', () => {
  const x = dual(random(3, 2));
  const params = Object.fromEntries(Object.entries(cells.rnn.shapes(2, 4)).map(([n, s]) => [n, dual(random(...s))]));
  expect(() => unrollDual(cells.rnn, params, x, packingOf([2, 2]))).toThrow(
    'unrollDual: x must be [N, D] with N = 4; got [3, 2]',
  );
  expect(() => stackDual([{ cell: cells.rnn, params: {} }], x, packingOf([3]))).toThrow(
    /layer 0 must have at least one/,
  );
  const tensors = { w: random(2) };
  const loss = ({ w }: DualRecord) => dualOps.dot(w, random(2));
  expect(() => directionalDerivative(tensors, { v: random(2) }, loss)).toThrow(
    /unknown tensor 'v' in direction\. Pass one of w\./,
  );
  expect(() => directionalDerivative(tensors, { w: random(3) }, loss)).toThrow(ShapeError);
  expect(() => directionalDerivative(tensors, {}, ({ w }) => w)).toThrow(/the loss must be one number/);
  expect(() => forwardGradient(tensors, 'v', loss)).toThrow(/name 'v' is not a tensor\. Pass one of w\./);
  expect(directionalDerivative(tensors, {}, loss)).toBe(0);
});

it('an empty batch has empty outputs, and an empty sequence keeps its initial state', () => {
  const params = Object.fromEntries(Object.entries(cells.rnn.shapes(2, 4)).map(([n, s]) => [n, dual(random(...s))]));
  const { y, final } = unrollDual(cells.rnn, params, dual(random(0, 2)), packingOf([]));
  expect([y.value.shape, final.h.value.shape]).toEqual([
    [0, 4],
    [0, 4],
  ]);
  const run = unrollDual(cells.rnn, params, dual(random(2, 2)), packingOf([0, 2]));
  expect(numbers(run.final.h.value).slice(4)).toEqual([0, 0, 0, 0]);
  expect(sizeOf(run.y.value.shape)).toBe(8);
});
