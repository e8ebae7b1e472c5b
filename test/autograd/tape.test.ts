import { gradcheck } from '../../src/autograd/check/gradcheck.js';
import type { Tape, TapeNode } from '../../src/autograd/tape/tape.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { transcendentals } from '../../src/tensor/math.js';
import type { Tensor } from '../../src/tensor/types.js';
import { sizeOf, viewOf } from '../../src/tensor/view.js';

const rng = createRng(20260802);
/** Values in ±[0.1, 1.1): away from the kink of relu. */
const random = (...shape: number[]): Tensor => {
  const draw = (): number => (rng.next() < 0.5 ? -1 : 1) * (0.1 + rng.next());
  return viewOf(Float64Array.from({ length: sizeOf(shape) }, draw), shape);
};
const values = (node: TapeNode): number[] => [...node.value.data];

/** Logits whose exponentials are infinite or 0: row, label, loss. */
const LARGE_LOGITS: [row: number[], label: number, loss: number][] = [
  [[1000, 0], 0, 0],
  [[1000, 0], 1, 1000],
  [[0, 1000], 0, 1000],
  [[0, 1000, 0], 1, 0],
  [[-1000, -3000], 1, 2000],
];

type Operation = (tape: Tape, ...xs: TapeNode[]) => TapeNode;

/** Checks one operation against finite differences under a random cotangent; false if any element disagrees. */
function agrees(operation: Operation, inputs: Tensor[]): boolean {
  const run = (): { tape: Tape; xs: TapeNode[]; y: TapeNode } => {
    const tape = createTape();
    const xs = inputs.map((x) => tape.variable(x));
    return { tape, xs, y: operation(tape, ...xs) };
  };
  const { tape, xs, y } = run();
  const cotangent = random(...y.value.shape);
  tape.backward(y, cotangent);
  const loss = (): number => values(run().y).reduce((sum, v, i) => sum + v * cotangent.data[i], 0);
  const named = <T>(items: T[]): Record<string, T> => Object.fromEntries(items.map((item, k) => [`x${k}`, item]));
  return gradcheck({ tensors: named(inputs), grads: named(xs.map((x) => x.grad)), loss, tolerance: 1e-9 }).passed;
}

describe('every operation agrees with finite differences', () => {
  const cases: [name: string, operation: Operation, inputs: Tensor[]][] = [
    ['matmul', (t, a, b) => t.matmul(a, b), [random(2, 3), random(3, 5)]],
    ['add', (t, a, b) => t.add(a, b), [random(2, 3), random(2, 3)]],
    ['add, a row right', (t, a, b) => t.add(a, b), [random(4, 3), random(3)]],
    ['add, a row left', (t, a, b) => t.add(a, b), [random(3), random(4, 3)]],
    ['sub', (t, a, b) => t.sub(a, b), [random(3, 2), random(3, 2)]],
    ['sub, a row left', (t, a, b) => t.sub(a, b), [random(2), random(3, 2)]],
    ['mul', (t, a, b) => t.mul(a, b), [random(3, 4), random(3, 4)]],
    ['mul, a row right', (t, a, b) => t.mul(a, b), [random(3, 4), random(4)]],
    ['mul, a scalar left', (t, a, b) => t.mul(a, b), [random(), random(2, 3)]],
    ['mul, one element right', (t, a, b) => t.mul(a, b), [random(2, 3), random(1)]],
    ['scale', (t, x) => t.scale(x, -2.5), [random(2, 3)]],
    ['shift', (t, x) => t.mul(x, t.shift(x, -2.5)), [random(2, 3)]],
    ['reciprocal', (t, x) => t.reciprocal(t.exp(x)), [random(2, 3)]],
    ['rowMean', (t, x) => t.mul(x, t.rowMean(x)), [random(2, 3)]],
    ['step', (t, x) => t.mul(x, t.step(x)), [random(2, 3)]],
    ['oneMinus', (t, x) => t.oneMinus(x), [random(2, 3)]],
    ['exp', (t, x) => t.exp(x), [random(2, 3)]],
    ['log', (t, x) => t.log(t.exp(x)), [random(2, 3)]],
    ['log of a sum', (t, a, b) => t.log(t.add(t.exp(a), t.exp(b))), [random(2, 3), random(2, 3)]],
    ['sigmoid', (t, x) => t.sigmoid(x), [random(2, 3)]],
    ['tanh', (t, x) => t.tanh(x), [random(2, 3)]],
    ['relu', (t, x) => t.relu(x), [random(4, 5)]],
    ['sliceColumns', (t, x) => t.sliceColumns(x, 1, 3), [random(2, 5)]],
    ['sliceRows', (t, x) => t.sliceRows(x, 2, 1), [random(4, 3)]],
    ['concatColumns', (t, a, b, c) => t.concatColumns([a, b, c, a]), [random(2, 3), random(2, 1), random(2, 4)]],
    ['concatRows', (t, a, b) => t.concatRows([a, b, a]), [random(3, 2), random(1, 2)]],
    ['gatherRows', (t, x) => t.gatherRows(x, [3, 0, 3, 2]), [random(4, 3)]],
    ['sum', (t, x) => t.sum(x), [random(2, 3)]],
    ['dot', (t, x) => t.dot(x, viewOf(Float64Array.of(1, -2, 3, 0.5, 4, -1), [2, 3])), [random(2, 3)]],
    ['softmaxCrossEntropy', (t, x) => t.softmaxCrossEntropy(x, [2, 0, 4]), [random(3, 5)]],
    ['a value used twice', (t, x) => t.mul(t.add(x, x), t.tanh(x)), [random(2, 3)]],
    ['a product with itself', (t, x) => t.matmul(x, x), [random(3, 3)]],
  ];

  it.each(cases)('%s', (_, operation, inputs) => {
    expect(agrees(operation, inputs)).toBe(true);
  });

  it('and one with a wrong backward does not', () => {
    const square = (slope: number): Operation => {
      return (tape, x) => {
        const y = viewOf(
          Float64Array.from(x.value.data, (v) => v * v),
          x.value.shape,
        );
        return tape.record(y, [x], (dy) => {
          for (let i = 0; i < dy.length; i++) x.grad.data[i] += slope * dy[i] * x.value.data[i];
        });
      };
    };
    expect(agrees(square(2), [random(2, 3)])).toBe(true);
    expect(agrees(square(-2), [random(2, 3)])).toBe(false);
    expect(agrees(square(1), [random(2, 3)])).toBe(false);
  });
});

describe('values', () => {
  const m23 = viewOf(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]);

  it('are what the operations say', () => {
    const tape = createTape();
    const x = tape.constant(m23);
    const row = tape.constant(viewOf(Float64Array.of(10, 20, 30), [3]));
    expect(values(tape.matmul(x, tape.constant(viewOf(Float64Array.of(1, 2, 0, 1, 3, 0), [3, 2]))))).toEqual([
      10, 4, 22, 13,
    ]);
    expect(values(tape.add(x, row))).toEqual([11, 22, 33, 14, 25, 36]);
    expect(values(tape.sub(row, x))).toEqual([9, 18, 27, 6, 15, 24]);
    expect(values(tape.sliceColumns(x, 1, 2))).toEqual([2, 3, 5, 6]);
    expect(values(tape.sliceRows(x, 1, 1))).toEqual([4, 5, 6]);
    expect(values(tape.sliceRows(tape.constant(viewOf(Float64Array.of(1, 2, 3, 4), [4, 1])), 1, 3))).toEqual([2, 3, 4]);
    expect([tape.sliceRows(x, 1, 0), tape.sliceColumns(x, 3, 0)].map((none) => none.value.shape)).toEqual([
      [0, 3],
      [2, 0],
    ]);
    expect(values(tape.gatherRows(x, [1, 1, 0]))).toEqual([4, 5, 6, 4, 5, 6, 1, 2, 3]);
    expect(values(tape.concatColumns([tape.sliceColumns(x, 2, 1), x]))).toEqual([3, 1, 2, 3, 6, 4, 5, 6]);
    expect(values(tape.concatRows([tape.sliceRows(x, 1, 1), x]))).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect(values(tape.relu(tape.oneMinus(x)))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(tape.sum(x).value.shape).toEqual([]);
    expect(values(tape.sum(x))).toEqual([21]);
    const uniform = tape.constant(viewOf(new Float64Array(8), [2, 4]));
    expect(values(tape.softmaxCrossEntropy(uniform, [1, 3]))[0]).toBeCloseTo(2 * Math.log(4), 14);
  });

  it.each(LARGE_LOGITS)(
    'of the loss of logits %p for label %i is %d: no exponential is too large',
    (row, label, loss) => {
      const tape = createTape();
      const x = tape.variable(viewOf(Float64Array.from(row), [1, row.length]));
      const y = tape.softmaxCrossEntropy(x, [label]);
      expect(values(y)).toEqual([loss]);
      tape.backward(y);
      const most = row.indexOf(Math.max(...row));
      expect([...x.grad.data]).toEqual(row.map((_, k) => Number(k === most) - Number(k === label)));
    },
  );

  it.each<[string, readonly number[], readonly number[]]>([
    ['a number and a matrix of one element', [], [1, 1]],
    ['a row and a matrix of one element', [1], [1, 1]],
    ['a matrix and one element', [2, 3], [1]],
    ['a matrix and a row', [2, 3], [3]],
  ])('have the shape of the operand with more axes, on either side: %s', (_, p, q) => {
    const tape = createTape();
    const [a, b] = [tape.constant(random(...p)), tape.constant(random(...q))];
    const larger = p.length > q.length ? p : q;
    expect([tape.add(a, b).value.shape, tape.add(b, a).value.shape]).toEqual([larger, larger]);
  });

  it('of a strided view are read row by row, and later changes do not reach the tape', () => {
    const tape = createTape();
    const data = Float64Array.from(m23.data);
    const x = tape.variable({ data, shape: [3, 2], stride: [1, 3], offset: 0 });
    data.fill(0);
    expect(values(x)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('keep their element type, and float32 takes the float32 functions', () => {
    const tape = createTape();
    const y = tape.tanh(tape.variable(viewOf(Float32Array.of(0.3), [1])));
    expect(y.value.data).toBeInstanceOf(Float32Array);
    expect(y.grad.data).toBeInstanceOf(Float32Array);
    expect(y.value.data[0]).toBe(transcendentals('float32').tanh(Math.fround(0.3)));
  });

  it('come from the functions a tape is given', () => {
    const { exp, tanh, sigmoid, log } = Math as unknown as Record<string, (x: number) => number>;
    const calls: string[] = [];
    const tape = createTape({ math: (dtype) => (calls.push(dtype), { exp, log, sigmoid, tanh: (x) => tanh(x) + 1 }) });
    expect(values(tape.tanh(tape.constant(viewOf(Float64Array.of(0), [1]))))).toEqual([1]);
    expect(calls).toEqual(['float64']);
  });
});

describe('backward', () => {
  it('leaves constants, and what depends on constants alone, without a gradient', () => {
    const tape = createTape();
    const x = tape.variable(random(2, 3));
    const c = tape.constant(random(2, 3));
    const y = tape.tanh(c);
    tape.backward(tape.sum(tape.mul(x, y)));
    expect([c.tracked, y.tracked, x.tracked]).toEqual([false, false, true]);
    expect([...c.grad.data]).toEqual(new Array(6).fill(0));
    expect([...x.grad.data]).toEqual(values(y));
  });

  it.each<[string, Operation]>([
    ['matmul', (t, a, b) => t.matmul(a, b)],
    ['add', (t, a, b) => t.add(a, b)],
    ['sub', (t, a, b) => t.sub(a, b)],
    ['mul', (t, a, b) => t.mul(a, b)],
    ['concatRows', (t, a, b) => t.concatRows([a, b])],
  ])('%s leaves a constant without a gradient on either side, and gives the variable its own', (_, operation) => {
    for (const side of [0, 1]) {
      const tape = createTape();
      const xs = [random(3, 3), random(3, 3)].map((x, k) => (k === side ? tape.variable(x) : tape.constant(x)));
      const y = operation(tape, ...xs);
      tape.backward(y, random(...y.value.shape));
      expect([...xs[1 - side].grad.data]).toEqual(new Array(9).fill(0));
      expect(xs[side].grad.data.every((g) => g !== 0)).toBe(true);
    }
  });

  it('takes the derivative of relu at 0 as 0', () => {
    const tape = createTape();
    const x = tape.variable(viewOf(Float64Array.of(-1, 0, 2), [3]));
    tape.backward(tape.sum(tape.relu(x)));
    expect([...x.grad.data]).toEqual([0, 0, 1]);
  });

  it('starts anywhere: what was recorded later does not matter', () => {
    const tape = createTape();
    const x = tape.variable(viewOf(Float64Array.of(3), [1]));
    const y = tape.mul(x, x);
    tape.mul(y, x);
    tape.backward(y);
    expect([...x.grad.data]).toEqual([6]);
  });

  it('is refused twice, without a cotangent where one is needed, with another shape, or on another tape', () => {
    const tape = createTape();
    const x = tape.variable(random(2, 3));
    expect(() => tape.backward(x)).toThrow(ArgumentError);
    expect(() => tape.backward(x, random(3, 2))).toThrow(ShapeError);
    expect(() => createTape().backward(x, random(2, 3))).toThrow('a value of this tape');
    expect(() => createTape().tanh(x)).toThrow('belongs to another tape');
    tape.backward(x, random(2, 3));
    expect(() => tape.backward(x, random(2, 3))).toThrow('make a new tape');
  });
});

describe('arguments', () => {
  const tape = createTape();
  const [m23, m24, m34, v2, none] = [random(2, 3), random(2, 4), random(3, 4), random(2), random(0, 3)].map(
    tape.constant,
  );
  const cube = tape.constant(random(2, 3, 4));

  it.each<[string, () => TapeNode]>([
    ['matmul needs [M, K] and [K, N]; got [2, 3] and [2, 4]', () => tape.matmul(m23, m24)],
    ['matmul needs a matrix; got [2]', () => tape.matmul(v2, m24)],
    ['add needs equal shapes', () => tape.add(m23, m24)],
    ['mul needs equal shapes', () => tape.mul(m23, v2)],
    ['add needs equal shapes, [M, N] and [N], or a single element; got [3, 4] and [2, 3]', () => tape.add(m34, m23)],
    ['got [2, 3] and [3, 4]', () => tape.add(m23, m34)],
    ['got [2, 3, 4] and [3]', () => tape.add(cube, tape.constant(random(3)))],
    ['got [4] and [2, 3, 4]', () => tape.sub(tape.constant(random(4)), cube)],
    ['got [1, 1] and [3]', () => tape.mul(tape.constant(random(1, 1)), tape.constant(random(3)))],
    ['concatColumns needs the same number of rows; got [2, 3] and [3, 4]', () => tape.concatColumns([m23, m34])],
    ['concatRows needs the same number of columns; got [2, 3] and [2, 4]', () => tape.concatRows([m23, m24])],
    ['dot needs weights of the shape of x', () => tape.dot(m23, random(3, 2))],
    ['one label per row; got 1 for 2 rows', () => tape.softmaxCrossEntropy(m23, [0])],
    ['share one element type', () => tape.add(m23, tape.constant(viewOf(new Float32Array(6), [2, 3])))],
  ])('of unfitting shapes: %s', (message, run) => {
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(message);
  });

  it.each<[string, () => TapeNode]>([
    ['sliceColumns needs columns within [0, 3); got 2 from 2', () => tape.sliceColumns(m23, 2, 2)],
    ['sliceRows needs rows within [0, 2); got 1 from -1', () => tape.sliceRows(m23, -1, 1)],
    ['sliceRows needs rows within [0, 2); got -1 from 1', () => tape.sliceRows(m23, 1, -1)],
    ['sliceRows needs rows within [0, 2); got 1 from 0.5', () => tape.sliceRows(m23, 0.5, 1)],
    ['sliceColumns needs columns within [0, 3); got 1.5 from 0', () => tape.sliceColumns(m23, 0, 1.5)],
    ['gatherRows needs rows within [0, 2)', () => tape.gatherRows(m23, [0, 2])],
    ['softmaxCrossEntropy needs labels within [0, 3)', () => tape.softmaxCrossEntropy(m23, [0, 3])],
    ['concatRows needs at least one matrix', () => tape.concatRows([])],
  ])('of places that do not exist: %s', (message, run) => {
    expect(run).toThrow(ArgumentError);
    expect(run).toThrow(message);
  });

  it('of no rows at all are fine', () => {
    expect(tape.matmul(none, m34).value.shape).toEqual([0, 4]);
    expect(values(tape.softmaxCrossEntropy(none, []))).toEqual([0]);
  });
});
