import fc from 'fast-check';
import { fromArray, zeros } from '../../src/tensor/create.js';
import { ShapeError } from '../../src/tensor/errors.js';
import * as ops from '../../src/tensor/ops.js';
import {
  addScaled,
  addSumRows,
  addTo,
  allFinite,
  argmaxRows,
  dot,
  fill,
  findNonFinite,
  maxAbs,
} from '../../src/tensor/rows.js';
import type { Tensor } from '../../src/tensor/types.js';
import { viewOf } from '../../src/tensor/view.js';
import { at, elements, indicesOf, shapes, stridedTensor } from '../support/tensors.js';

fc.configureGlobal({ seed: 13, numRuns: 80 });

const clone = (x: Tensor): Tensor => ({ ...x, data: x.data.slice() });
const pairs = shapes().chain((shape) => fc.tuple(stridedTensor(shape), stridedTensor(shape)));

/** Elements of the storage of `x` that are none of its own: nobody may write them. */
function gaps(x: Tensor): number[] {
  const own = new Set(indicesOf(x.shape).map((index) => index.reduce((p, i, k) => p + i * x.stride[k], x.offset)));
  return [...x.data].filter((_, place) => !own.has(place));
}

/** Runs `act` on copies of two strided tensors of one shape and compares element by element with `law`. */
function holds(act: (out: Tensor, x: Tensor) => void, law: (out: number, x: number) => number): void {
  fc.assert(
    fc.property(pairs, ([before, x]) => {
      const out = clone(before);
      act(out, x);
      const xs = elements(x);
      expect(elements(out)).toEqual(elements(before).map((value, i) => law(value, xs[i])));
      expect(gaps(out)).toEqual(gaps(before));
    }),
  );
}

describe('element by element, any strides, nothing else written', () => {
  test('addTo', () => holds(addTo, (y, x) => y + x));
  test('addScaled', () =>
    holds(
      (out, x) => addScaled(out, -2.5, x),
      (y, x) => y + -2.5 * x,
    ));
  test('fill', () =>
    holds(
      (out) => fill(out, 4.25),
      () => 4.25,
    ));
  test('assign', () => holds(ops.assign, (_, x) => x));
  test('addeq', () => holds(ops.addeq, (y, x) => y + x));
  test('subeq', () => holds(ops.subeq, (y, x) => y - x));
  test('muleq', () => holds(ops.muleq, (y, x) => y * x));
  test('mulseq', () =>
    holds(
      (out) => ops.mulseq(out, 0.5),
      (y) => y * 0.5,
    ));
  test('adds', () =>
    holds(
      (out, x) => ops.adds(out, x, 3),
      (_, x) => x + 3,
    ));
  test('sub', () =>
    holds(
      (out, x) => ops.sub(out, x, clone(out)),
      (y, x) => x - y,
    ));
});

describe('dot', () => {
  it('is Σ x · y in row-major order, for any strides, and touches neither', () => {
    fc.assert(
      fc.property(pairs, ([x, y]) => {
        const before = [x.data.slice(), y.data.slice()];
        const ys = elements(y);
        expect(dot(x, y)).toBe(elements(x).reduce((sum, value, i) => sum + value * ys[i], 0));
        expect([x.data, y.data]).toEqual(before);
      }),
    );
  });

  it('sums float32 tensors in float64, and nothing to 0', () => {
    expect(dot(fromArray([2 ** 24, 1]), fromArray([1, 1]))).toBe(2 ** 24 + 1); // the sum is not a float32 number
    expect(dot(zeros([0, 3]), zeros([0, 3]))).toBe(0);
  });

  it('refuses two shapes', () => {
    expect(() => dot(zeros([2, 3]), zeros([3, 2]))).toThrow(ShapeError);
  });
});

test('float32 results are rounded once', () => {
  const out = fromArray([1, 1]);
  addScaled(out, 2 ** -24 / 3, fromArray([3, 4.5]));
  expect([...out.data]).toEqual([Math.fround(1 + 2 ** -24), Math.fround(1 + 1.5 * 2 ** -24)]);
});

describe('reductions', () => {
  const tensors = shapes().chain((shape) => stridedTensor(shape));

  test('maxAbs, sum, sup, inf, norm2', () => {
    fc.assert(
      fc.property(tensors, (x) => {
        const values = elements(x);
        expect(maxAbs(x)).toBe(Math.max(0, ...values.map(Math.abs)));
        expect(ops.sup(x)).toBe(Math.max(...values));
        expect(ops.inf(x)).toBe(Math.min(...values));
        const sum = values.reduce((p, q) => p + q, 0);
        expect(Math.abs(ops.sum(x) - sum)).toBeLessThanOrEqual(1e-12 * values.reduce((p, q) => p + Math.abs(q), 1));
        const norm = Math.sqrt(values.reduce((p, q) => p + q * q, 0));
        expect(Math.abs(ops.norm2(x) - norm)).toBeLessThanOrEqual(1e-12 * (1 + norm));
      }),
    );
    expect(maxAbs(fromArray([1, NaN, 3]))).toBeNaN();
    expect(maxAbs(fromArray([1, -Infinity]))).toBe(Infinity);
  });

  test('addSumRows accumulates the sum over rows', () => {
    fc.assert(
      fc.property(stridedTensor([5, 3]), stridedTensor([3]), (x, before) => {
        const out = clone(before);
        addSumRows(out, x);
        const sums = [0, 1, 2].map((d) => [0, 1, 2, 3, 4].reduce((total, n) => total + at(x, [n, d]), at(before, [d])));
        expect(elements(out)).toEqual(sums);
        expect(gaps(out)).toEqual(gaps(before));
      }),
    );
    const out = fromArray([1, 2]);
    addSumRows(out, zeros([0, 2]));
    expect([...out.data]).toEqual([1, 2]);
  });

  test('argmaxRows', () => {
    fc.assert(
      fc.property(stridedTensor([4, 6]), (x) => {
        const best = [0, 1, 2, 3].map((n) => {
          const row = [0, 1, 2, 3, 4, 5].map((k) => at(x, [n, k]));
          return row.indexOf(Math.max(...row));
        });
        expect([...argmaxRows(x)]).toEqual(best);
      }),
    );
    const x = [[-5, -2, -2], [NaN, 1, 2], [0, NaN, 1], [-Infinity, -Infinity, -Infinity]]; // prettier-ignore
    expect([...argmaxRows(fromArray(x))]).toEqual([1, 0, 2, 0]);
    expect(argmaxRows(zeros([0, 3])).length).toBe(0);
    expect(argmaxRows(zeros([0, 0])).length).toBe(0);
  });

  test('findNonFinite gives the first bad index, null where there is none', () => {
    const nonEmpty = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }).chain((shape) => stridedTensor(shape));
    fc.assert(
      fc.property(nonEmpty, fc.nat(), fc.constantFrom(NaN, Infinity, -Infinity), (before, seed, bad) => {
        const x = clone(before);
        expect(findNonFinite(x)).toBeNull();
        expect(allFinite(x)).toBe(true);
        const indices = indicesOf(x.shape);
        const place = (index: number[]) => index.reduce((p, i, k) => p + i * x.stride[k], x.offset);
        const index = indices[seed % indices.length];
        x.data[place(indices[indices.length - 1])] = NaN;
        x.data[place(index)] = bad;
        expect(findNonFinite(x)).toEqual(index);
        expect(allFinite(x)).toBe(false);
      }),
    );
    expect(findNonFinite(zeros([0, 3]))).toBeNull();
  });

  test('bad numbers in gaps are not seen', () => {
    const x = { ...viewOf(Float32Array.of(1, NaN, 2, NaN), [2]), stride: [2] };
    expect(allFinite(x)).toBe(true);
    expect(maxAbs(x)).toBe(2);
  });
});

test('shapes are checked, and the error names them', () => {
  const message = (name: string) => new ShapeError(`${name}: out and x must have the same shape; got [2] and [3]`);
  expect(() => addTo(zeros([2]), zeros([3]))).toThrow(message('addTo'));
  expect(() => addScaled(zeros([2]), 1, zeros([3]))).toThrow(message('addScaled'));
  for (const name of ['assign', 'addeq', 'subeq', 'muleq'] as const) {
    expect(() => ops[name](zeros([2]), zeros([3]))).toThrow(message(name));
  }
  expect(() => ops.adds(zeros([2]), zeros([3]), 1)).toThrow(message('adds'));
  expect(() => ops.sub(zeros([2]), zeros([2]), zeros([3]))).toThrow(ShapeError);
  expect(() => addSumRows(zeros([2]), zeros([4, 3]))).toThrow(
    'addSumRows: out must be [D] with D = 3 (x is [4, 3]); got [2]',
  );
  expect(() => addSumRows(zeros([2]), zeros([2]))).toThrow('addSumRows: x must be [N, D]; got [2]');
  expect(() => argmaxRows(zeros([2, 0]))).toThrow(ShapeError);
  expect(() => argmaxRows(zeros([2]))).toThrow(ShapeError);
});
