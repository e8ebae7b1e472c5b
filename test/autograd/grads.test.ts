import { createCpuKernels } from '../../src/kernels/index.js';
import fc from 'fast-check';
import {
  addGrads,
  createRowSparseGradient,
  flatten,
  isRowSparseGradient,
  nestLike,
  scaleGrads,
  touch,
  zeroGrads,
  zeroInPlace,
} from '../../src/autograd/grads.js';
import { clipByGlobalNorm, clipByValue, globalNorm } from '../../src/autograd/norms.js';
import type { RowSparseGradient } from '../../src/autograd/grads.js';
import { lstm } from '../../src/cells/index.js';
import type { CellParams } from '../../src/cells/index.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { viewOf } from '../../src/tensor/view.js';

const kernels = createCpuKernels();

const f64 = (shape: number[], values: number[]): Tensor => viewOf(Float64Array.from(values), shape);

/** A row gradient whose rows hold the given values, touched in the given order. */
function rowGradient(V: number, E: number, filled: [row: number, values: number[]][]): RowSparseGradient {
  const g = createRowSparseGradient(V, E, 'float64');
  for (const [row, values] of filled) {
    touch(g, row);
    values.forEach((v, e) => (g.data[row * E + e] += v));
  }
  return g;
}

test('nestLike undoes flatten, and misses nothing', () => {
  const [Wx, weight, other] = [f64([1, 2], [1, 2]), f64([1], [3]), f64([1], [4])];
  const nest = { layers: [{ forward: { Wx } }], embedding: { weight } };
  expect(nestLike(nest, flatten(nest))).toEqual(nest);
  expect(nestLike(nest, { ...flatten(nest), 'embedding.weight': other }).embedding.weight).toBe(other);
  expect(() => nestLike(nest, { 'embedding.weight': weight })).toThrow("no tensor 'layers.0.forward.Wx'");
});

describe('flatten', () => {
  it('names leaves by dotted paths in the order of the nest, without copying', () => {
    const Wx = f64([2], [1, 2]);
    const weight = f64([1, 3], [3, 4, 5]);
    const flat = flatten({ layers: [{ forward: { Wx } }, { reverse: {} }], embedding: { weight } });
    expect(Object.keys(flat)).toEqual(['layers.0.forward.Wx', 'embedding.weight']);
    expect(flat['layers.0.forward.Wx']).toBe(Wx);
    expect(flat['embedding.weight']).toBe(weight);
  });

  it('takes a record for a record, whatever its names', () => {
    const nest = { data: f64([1], [1]), shape: { stride: f64([1], [2]) }, stride: { shape: f64([1], [3]) } };
    expect(Object.keys(flatten(nest))).toEqual(['data', 'shape.stride', 'stride.shape']);
    expect(nestLike(nest, flatten(nest))).toEqual(nest);
    expect(Object.keys(flatten({ a: { data: f64([1], [1]), stride: f64([1], [2]) } }))).toEqual(['a.data', 'a.stride']);
  });

  it('refuses a tensor reached twice, and a leaf that is not a tensor', () => {
    const shared = f64([1], [1]);
    expect(() => flatten({ a: { W: shared }, b: shared })).toThrow(ArgumentError);
    expect(() => flatten({ a: { W: shared }, b: shared })).toThrow('b is the same object as a.W');
    expect(() => flatten({ a: 3 as unknown as Tensor })).toThrow('a must be a tensor');
  });
});

describe('zeroGrads', () => {
  it('mirrors names, shapes and element types', () => {
    const params = { W: f64([3, 2], [1, 2, 3, 4, 5, 6]), b: viewOf(new Float32Array([7]), [1]) };
    const grads = zeroGrads(params, { rowGradients: ['W'] });
    expect(Object.keys(grads)).toEqual(['W', 'b']);
    expect(grads.W.shape).toEqual([3, 2]);
    expect(grads.W.data).toEqual(new Float64Array(6));
    expect(grads.b.data).toEqual(new Float32Array(1));
    expect(isRowSparseGradient(grads.W)).toBe(true);
    expect(isRowSparseGradient(grads.b)).toBe(false);
  });

  it('has the type of the record, so that a backward pass takes it', () => {
    const params: CellParams = lstm.initialize(2, 3, createRng(1));
    const grads: CellParams = zeroGrads(params);
    expect(Object.keys(grads)).toEqual(Object.keys(params));
    expect(grads.Wx.shape).toEqual([2, 12]);
  });

  it('refuses row gradients of what is not a matrix of the record', () => {
    expect(() => zeroGrads({ b: f64([1], [1]) }, { rowGradients: ['c'] })).toThrow(ArgumentError);
    expect(() => zeroGrads({ b: f64([1], [1]) }, { rowGradients: ['b'] })).toThrow(ShapeError);
  });
});

describe('views', () => {
  it('leave the elements around them alone', () => {
    const data = Float64Array.from({ length: 12 }, (_, i) => i + 1);
    // The middle two columns of a 3 × 4 matrix, transposed: [2, 3] with strides 1 and 4.
    const g: Tensor = { data, shape: [2, 3], stride: [1, 4], offset: 1 };
    scaleGrads(kernels, { g }, 10);
    expect([...data]).toEqual([1, 20, 30, 4, 5, 60, 70, 8, 9, 100, 110, 12]);
    addGrads({ g }, { g: f64([2, 3], [1, 2, 3, 4, 5, 6]) });
    expect([...data]).toEqual([1, 21, 34, 4, 5, 62, 75, 8, 9, 103, 116, 12]);
    zeroInPlace({ g });
    expect([...data]).toEqual([1, 0, 0, 4, 5, 0, 0, 8, 9, 0, 0, 12]);
  });

  it('leave what follows them alone', () => {
    const data = Float64Array.from({ length: 12 }, (_, i) => i + 1);
    // Two rows of the middle two columns of a 3 × 4 matrix, transposed: another row follows.
    const g: Tensor = { data, shape: [2, 2], stride: [1, 4], offset: 1 };
    clipByValue({ g }, 4);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 4, 4, 8, 9, 10, 11, 12]);
    scaleGrads(kernels, { g }, 2);
    addGrads({ g }, { g: f64([2, 2], [1, 1, 1, 1]) });
    expect([...data]).toEqual([1, 5, 7, 4, 5, 9, 9, 8, 9, 10, 11, 12]);
    const scaled: Tensor = { data: data.map((v) => v * 1e200), shape: [2, 2], stride: [1, 4], offset: 1 };
    expect(globalNorm(kernels, { g: scaled }) / (Math.sqrt(25 + 49 + 81 + 81) * 1e200)).toBeCloseTo(1, 14);
    zeroInPlace({ g });
    expect([...data]).toEqual([1, 0, 0, 4, 5, 0, 0, 8, 9, 10, 11, 12]);
    expect(Object.keys(g)).toEqual(['data', 'shape', 'stride', 'offset']);
  });

  it('may be scalars or empty', () => {
    const scalar = f64([], [3]);
    const empty = f64([0, 4], []);
    expect(globalNorm(kernels, { scalar, empty })).toBe(3);
    zeroInPlace({ scalar, empty });
    expect(scalar.data[0]).toBe(0);
  });
});

describe('zeroInPlace', () => {
  it('clears NaN and infinities', () => {
    const g = f64([3], [NaN, Infinity, 1]);
    zeroInPlace({ g });
    expect([...g.data]).toEqual([0, 0, 0]);
  });
});

describe('addGrads', () => {
  it('refuses unknown names, other shapes, and a dense gradient into a row gradient', () => {
    const g = f64([2, 3], [1, 2, 3, 4, 5, 6]);
    expect(() => addGrads({ g }, { h: g })).toThrow("no gradient 'h'");
    expect(() => addGrads({ g }, { g: f64([3, 2], [1, 2, 3, 4, 5, 6]) })).toThrow(ShapeError);
    expect(() => addGrads({ g: createRowSparseGradient(2, 3, 'float64') }, { g })).toThrow(ArgumentError);
  });

  it('adds a row gradient into a dense one', () => {
    const g = f64([3, 2], [1, 2, 3, 4, 5, 6]);
    addGrads({ g }, { g: rowGradient(3, 2, [[2, [10, 20]]]) });
    expect([...g.data]).toEqual([1, 2, 3, 4, 15, 26]);
  });
});

describe('globalNorm', () => {
  it('neither overflows nor vanishes', () => {
    expect(globalNorm(kernels, { a: f64([2], [3e200, 4e200]) }) / 5e200).toBeCloseTo(1, 14);
    expect(globalNorm(kernels, { a: f64([2], [3e-200, 4e-200]) }) / 5e-200).toBeCloseTo(1, 14);
    expect(globalNorm(kernels, { a: f64([2], [5e-324, 0]) })).toBe(5e-324);
    expect(globalNorm(kernels, { a: f64([2], [0, 0]) })).toBe(0);
    expect(globalNorm(kernels, {})).toBe(0);
  });

  it('is the plain sum of squares, bit for bit, where that neither overflows nor vanishes', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rng = createRng(seed);
      const [a, b] = [f64([3], [rng.normal(), rng.normal(), rng.normal()]), f64([1], [rng.normal()])];
      const sum = Array.from(a.data).reduce((total, v) => total + v * v, 0) + b.data[0] ** 2;
      expect(globalNorm(kernels, { a, b })).toBe(Math.sqrt(sum));
    }
  });

  it('accumulates float32 gradients in float64', () => {
    const n = 1 << 16;
    const g = viewOf(new Float32Array(n + 1).fill(2 ** -12), [n + 1]);
    g.data[0] = 1;
    // 1 + 2^16 · 2^-24 = 1 + 2^-8; in float32 every one of the small terms would be lost.
    expect(globalNorm(kernels, { g })).toBe(Math.sqrt(1 + 2 ** -8));
  });

  it('shows NaN and infinities', () => {
    expect(globalNorm(kernels, { a: f64([2], [1, NaN]) })).toBeNaN();
    expect(globalNorm(kernels, { a: f64([2], [NaN, Infinity]) })).toBeNaN();
    expect(globalNorm(kernels, { a: f64([2], [1, -Infinity]) })).toBe(Infinity);
  });
});

describe('clipByGlobalNorm', () => {
  it('scales all gradients by one factor and returns the norm before', () => {
    const a = f64([2], [3, 0]);
    const b = f64([1], [-4]);
    expect(clipByGlobalNorm(kernels, { a, b }, 2.5)).toBe(5);
    expect([...a.data, ...b.data]).toEqual([1.5, 0, -2]);
    expect(clipByGlobalNorm(kernels, { a, b }, 2.5)).toBe(2.5);
    expect([...a.data, ...b.data]).toEqual([1.5, 0, -2]);
  });

  it('leaves gradients of a smaller norm as they are', () => {
    const a = f64([2], [3, -4]);
    for (const maxNorm of [5.1, 100, Infinity]) {
      expect(clipByGlobalNorm(kernels, { a }, maxNorm)).toBe(5);
      expect([...a.data]).toEqual([3, -4]);
    }
  });

  it('leaves gradients of a norm that is not finite as they are', () => {
    const a = f64([2], [1, Infinity]);
    expect(clipByGlobalNorm(kernels, { a }, 1)).toBe(Infinity);
    expect([...a.data]).toEqual([1, Infinity]);
  });

  it('measures without clipping at Infinity, and refuses what is not a positive number', () => {
    expect(clipByGlobalNorm(kernels, { a: f64([1], [9]) }, Infinity)).toBe(9);
    for (const bad of [0, -1, NaN]) expect(() => clipByGlobalNorm(kernels, {}, bad)).toThrow(ArgumentError);
  });
});

describe('clipByValue', () => {
  it('limits each element on its own and keeps NaN', () => {
    const a = f64([4], [-3, 0.25, 7, NaN]);
    clipByValue({ a }, 0.5);
    expect([...a.data]).toEqual([-0.5, 0.25, 0.5, NaN]);
    for (const bad of [0, -1, NaN]) expect(() => clipByValue({ a }, bad)).toThrow(ArgumentError);
  });
});

describe('row gradients', () => {
  it('are told by both of their lists', () => {
    const { touched, used, ...dense } = createRowSparseGradient(2, 2);
    expect(isRowSparseGradient({ ...dense, touched, used } as Tensor)).toBe(true);
    expect(isRowSparseGradient({ ...dense, touched } as Tensor)).toBe(false);
    expect(isRowSparseGradient({ ...dense, used } as Tensor)).toBe(false);
  });

  it('list every touched row once and refuse rows that do not exist', () => {
    const g = createRowSparseGradient(4, 2);
    for (const row of [2, 0, 2]) touch(g, row);
    expect([...g.touched.subarray(0, g.count)]).toEqual([2, 0]);
    for (const bad of [-1, 4, 0.5, NaN]) expect(() => touch(g, bad)).toThrow(ArgumentError);
  });

  it('visit only touched rows', () => {
    const g = rowGradient(3, 2, [[1, [3, 4]]]);
    g.data[0] = 99; // a row nobody touched: writing to it breaks the contract, and shows that it is not visited
    expect(globalNorm(kernels, { g })).toBe(5);
    scaleGrads(kernels, { g }, 2);
    zeroInPlace({ g });
    expect([...g.data]).toEqual([99, 0, 0, 0, 0, 0]);
    expect(g.count).toBe(0);
    touch(g, 1);
    expect(g.count).toBe(1);
  });

  const element = fc.double({ min: -10, max: 10, noNaN: true });
  const filled = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.array(element, { minLength: 3, maxLength: 3 })));

  it('equal their dense twin under every operation', () => {
    fc.assert(
      fc.property(filled, filled, element, fc.double({ min: 0.1, max: 5, noNaN: true }), (one, two, factor, limit) => {
        const sparse = { g: rowGradient(5, 3, one) };
        const dense = { g: f64([5, 3], [...sparse.g.data]) };
        const more = rowGradient(5, 3, two);
        addGrads(sparse, { g: more });
        addGrads(dense, { g: f64([5, 3], [...more.data]) });
        expect([...sparse.g.data]).toEqual([...dense.g.data]);
        const norm = globalNorm(kernels, dense);
        expect(Math.abs(globalNorm(kernels, sparse) - norm)).toBeLessThanOrEqual(1e-14 * norm);
        scaleGrads(kernels, sparse, factor);
        scaleGrads(kernels, dense, factor);
        clipByValue(sparse, limit);
        clipByValue(dense, limit);
        expect([...sparse.g.data].map((v) => v + 0)).toEqual([...dense.g.data].map((v) => v + 0));
        zeroInPlace(sparse);
        expect([...sparse.g.data]).toEqual(new Array(15).fill(0));
      }),
      { seed: 20260801, numRuns: 100 },
    );
  });
});
