import fc from 'fast-check';
import { asNdarray, copy, fromArray, zeros } from '../../src/tensor/create.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import {
  allocate,
  columns,
  dtypeOf,
  flatCopy,
  flattenTime,
  gate,
  isContiguous,
  rows,
  sizeOf,
  step,
  stridesOf,
  transpose,
  viewOf,
} from '../../src/tensor/view.js';
import { at, elements, indicesOf, shapes, stridedTensor } from '../support/tensors.js';

fc.configureGlobal({ seed: 11, numRuns: 80 });

/** `[T, B, D]` with a row count per axis, any strides. */
const sequences = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }))
  .chain(([T, B, D]) => stridedTensor([T, B, D]));

describe('a view shows what a copy would hold', () => {
  test('step', () => {
    fc.assert(
      fc.property(sequences, fc.nat(), (x, seed) => {
        const t = seed % x.shape[0];
        const view = step(x, t);
        expect(view.shape).toEqual(x.shape.slice(1));
        expect(elements(view)).toEqual(indicesOf(x.shape.slice(1)).map((index) => at(x, [t, ...index])));
        expect(view.data).toBe(x.data);
      }),
    );
  });

  test('gate', () => {
    const cases = fc
      .integer({ min: 1, max: 4 })
      .chain((G) =>
        fc
          .integer({ min: 1, max: 3 })
          .chain((H) =>
            fc.record({ G: fc.constant(G), H: fc.constant(H), g: fc.nat(G - 1), a: stridedTensor([2, 3, G * H]) }),
          ),
      );
    fc.assert(
      fc.property(cases, ({ H, g, a }) => {
        const view = gate(a, g, H);
        expect(view.shape).toEqual([2, 3, H]);
        expect(elements(view)).toEqual(indicesOf([2, 3, H]).map(([t, b, j]) => at(a, [t, b, g * H + j])));
      }),
    );
  });

  test('transpose', () => {
    fc.assert(
      fc.property(sequences, (x) => {
        const view = transpose(x);
        const [T, B, D] = x.shape;
        expect(view.shape).toEqual([T, D, B]);
        expect(elements(view)).toEqual(indicesOf([T, D, B]).map(([t, d, b]) => at(x, [t, b, d])));
      }),
    );
  });

  test('rows and columns', () => {
    fc.assert(
      fc.property(stridedTensor([5, 2, 4]), fc.nat(5), fc.nat(5), (x, p, q) => {
        const [start, count] = [Math.min(p, q), Math.abs(p - q)];
        expect(elements(rows(x, start, count))).toEqual(
          indicesOf([count, 2, 4]).map(([i, j, k]) => at(x, [start + i, j, k])),
        );
        const [from, width] = [Math.min(start, 4), Math.min(count, 4 - Math.min(start, 4))];
        expect(elements(columns(x, from, width))).toEqual(
          indicesOf([5, 2, width]).map(([i, j, k]) => at(x, [i, j, from + k])),
        );
      }),
    );
  });

  test('flattenTime, or it throws', () => {
    fc.assert(
      fc.property(sequences, (x) => {
        const [T, B, D] = x.shape;
        const fits = T === 1 || B === 1 || x.stride[0] === B * x.stride[1];
        if (!fits) return expect(() => flattenTime(x)).toThrow(ShapeError);
        expect(flattenTime(x).shape).toEqual([T * B, D]);
        expect(elements(flattenTime(x))).toEqual(elements(x));
      }),
    );
  });

  test('flattenTime of a fresh tensor and of a column block works, of batch-major data does not', () => {
    const x = viewOf(
      Float64Array.from({ length: 24 }, (_, i) => i),
      [3, 2, 4],
    );
    expect(elements(flattenTime(x))).toEqual(elements(x));
    expect(elements(flattenTime(columns(x, 1, 2)))).toEqual(elements(columns(x, 1, 2)));
    const batchMajor = { ...x, shape: [2, 3, 4], stride: [4, 8, 1] };
    expect(() => flattenTime(batchMajor)).toThrow(
      'flattenTime: the steps of x must follow each other in memory, stride[0] = B * stride[1] = 24; ' +
        'got strides [4, 8, 1]: copy the tensor first',
    );
  });

  test('flatCopy, copy and asNdarray keep the elements, whatever strides', () => {
    const tensors = shapes().chain((shape) => stridedTensor(shape));
    fc.assert(
      fc.property(tensors, (x) => {
        expect([...flatCopy(x)]).toEqual(elements(x));
        expect(elements(copy(x))).toEqual(elements(x));
        expect(elements(asNdarray(x))).toEqual(elements(x));
        expect(asNdarray(x).data).toBe(x.data);
      }),
    );
  });

  test('views of an ndarray are tensors, and asNdarray makes ndarrays of them', () => {
    const x = fromArray([[[1, 2, 3, 4]], [[5, 6, 7, 8]]], null, 'float64');
    const half = asNdarray(gate(step(x, 1), 1, 2));
    expect([half.get(0, 0), half.get(0, 1)]).toEqual([7, 8]);
    half.set(0, 1, -1);
    expect(x.get(1, 0, 3)).toBe(-1);
    expect(asNdarray(x)).toBe(x);
  });
});

describe('shapes and strides', () => {
  test('strides of a shape walk it in order; such a tensor is contiguous', () => {
    fc.assert(
      fc.property(shapes(), (shape) => {
        const x = viewOf(
          Float32Array.from({ length: sizeOf(shape) + 2 }, (_, i) => i),
          shape,
          2,
        );
        expect(x.stride).toEqual(stridesOf(shape));
        expect(elements(x)).toEqual(Array.from({ length: sizeOf(shape) }, (_, i) => i + 2));
        expect(isContiguous(x)).toBe(true);
      }),
    );
  });

  test('isContiguous sees a gap and an exchange of axes, and passes over axes of size 1', () => {
    const x = viewOf(new Float32Array(12), [3, 4]);
    expect(isContiguous(columns(x, 0, 3))).toBe(false);
    expect(isContiguous(transpose(x))).toBe(false);
    expect(isContiguous(columns(rows(x, 1, 1), 1, 2))).toBe(true);
    expect(isContiguous(rows(x, 1, 2))).toBe(true);
  });

  test('allocate and dtypeOf', () => {
    expect(dtypeOf(allocate([2, 3], 'float32').data)).toBe('float32');
    expect(dtypeOf(allocate([2, 3], 'float64').data)).toBe('float64');
    expect(allocate([2, 3], 'float64').data).toEqual(new Float64Array(6));
  });
});

test('bad indices and shapes are named', () => {
  const x = zeros([3, 2, 8]);
  expect(() => step(x, 3)).toThrow(new ArgumentError('step: t must be an integer in 0 ... T - 1 with T = 3; got 3'));
  expect(() => step(x, -1)).toThrow(ArgumentError);
  expect(() => step(x, 0.5)).toThrow(ArgumentError);
  expect(() => step(zeros([]), 0)).toThrow(ShapeError);
  expect(() => gate(x, 4, 2)).toThrow('gate: g must be an integer in 0 ... G - 1 with G = 4; got 4');
  expect(() => gate(x, 0, 3)).toThrow(new ShapeError('gate: a must be [..., G*H] with H = 3; got [3, 2, 8]'));
  expect(() => gate(zeros([]), 0, 1)).toThrow(ShapeError);
  expect(() => gate(x, 0, 0)).toThrow(ArgumentError);
  expect(() => flattenTime(zeros([3, 2]))).toThrow('flattenTime: x must be [T, B, D]; got [3, 2]');
  expect(() => transpose(zeros([3]))).toThrow('transpose: x must have at least two axes; got [3]');
});
