import fc from 'fast-check';
import { createRowSparseGradient, touch, zeroGrads } from '../../src/autograd/grads.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { createAdam, createAverage, createSgd } from '../../src/optim/index.js';
import { ArgumentError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate } from '../../src/tensor/view.js';
import { distance, numbers, random, scattered } from '../layers/support.js';

fc.configureGlobal({ seed: 15, numRuns: 40 });

const kernels = createCpuKernels();

function tensor(values: readonly number[], dtype: DType = 'float64'): Tensor {
  const x = allocate([values.length], dtype);
  x.data.set(values);
  return x;
}

/** What the average shows in place of the weights. */
function averaged(average: ReturnType<typeof createAverage>, x: Tensor): number[] {
  average.swap();
  const values = numbers(x);
  average.swap();
  return values;
}

test('by hand: the first updates weigh more, d is the limit', () => {
  const x = tensor([1]);
  const average = createAverage({ x }, { decay: 0.3 });
  const set = (value: number) => average.update({ x }, () => void (x.data[0] = value));
  let expected = 1;
  [2, -1, 4, 4].forEach((value, i) => {
    const n = i + 1;
    const d = Math.min(0.3, (1 + n) / (10 + n)); // 2/11, 3/12, 4/13 = 0.308 and on: 0.3
    expected = d * expected + (1 - d) * value;
    set(value);
    expect(averaged(average, x)[0]).toBeCloseTo(expected, 14);
    expect(x.data[0]).toBe(value);
  });
  expect(average.updates).toBe(4);
});

test('weights that stand still become their average; a decay near 1 follows slowly', () => {
  const x = tensor([0, 0]);
  const average = createAverage({ x }, { decay: 0.999 });
  for (let n = 0; n < 20000; n++) average.update({ x }, () => x.data.set([1, -2]));
  expect(distance(averaged(average, x), [1, -2])).toBeLessThan(1e-4);
  for (let n = 0; n < 100; n++) average.update({ x }, () => x.data.set([0, 0]));
  expect(averaged(average, x)[0]).toBeCloseTo(0.999 ** 100, 4);
});

test('the optimizer updates as it does alone, and the average goes back to the weights bit for bit', () => {
  const run = (averages: boolean) => {
    const params = { W: random([3, 4], createRng(1), 'float32'), b: random([4], createRng(2), 'float32') };
    const optimizer = createAdam(kernels, params, { lr: 0.1 });
    const average = createAverage(params, { decay: 0.9 });
    for (let i = 0; i < 5; i++) {
      const grads = { W: random([3, 4], createRng(10 + i), 'float32'), b: random([4], createRng(20 + i), 'float32') };
      if (!averages) optimizer.step(grads);
      else average.update(grads, () => optimizer.step(grads));
      if (averages) averaged(average, params.W);
    }
    return [numbers(params.W), numbers(params.b)];
  };
  expect(run(true)).toEqual(run(false));
});

test('lazy is dense, but for rounding, whatever rows are touched and however long others stand still', () => {
  const lists = fc.array(fc.uniqueArray(fc.nat(4), { maxLength: 5 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(
      lists,
      fc.double({ min: 0.05, max: 0.9995, noNaN: true }),
      fc.array(fc.nat(29)),
      (touched, decay, looks) => {
        const make = (lazy: boolean) => {
          const params = { W: random([5, 3], createRng(1)), b: random([3], createRng(2)) };
          const grads = zeroGrads(params, { rowGradients: ['W'] });
          const optimizer = createSgd(kernels, params, { lr: 0.5, lazy: true });
          return { params, grads, optimizer, average: createAverage(params, { decay, lazy }) };
        };
        const both = [make(true), make(false)];
        touched.forEach((rows, n) => {
          for (const { params, optimizer, average } of both) {
            const g = createRowSparseGradient(5, 3, 'float64');
            const rng = createRng(100 + n);
            for (const row of rows) {
              touch(g, row);
              for (let e = 0; e < 3; e++) g.data[3 * row + e] = rng.normal();
            }
            const grads = { W: g, b: random([3], rng) };
            average.update(grads, () => optimizer.step(grads));
            if (looks.includes(n)) averaged(average, params.W); // a look in between changes nothing
          }
        });
        const [lazy, dense] = both.map(({ params, average }) => [
          averaged(average, params.W),
          averaged(average, params.b),
        ]);
        expect(distance(lazy[0], dense[0])).toBeLessThan(1e-13);
        expect(lazy[1]).toEqual(dense[1]);
      },
    ),
  );
});

test('lazy visits the rows that a gradient touches and no other; dense is the default', () => {
  // An optimizer that moves an untouched row breaks what `lazy` asks for, and so shows which rows are visited.
  const run = (options: { lazy?: boolean }) => {
    const params = { W: tensor([0, 0]) };
    params.W = { ...params.W, shape: [2, 1], stride: [1, 1] };
    const average = createAverage(params, { decay: 0.9, ...options });
    const grads = { W: createRowSparseGradient(2, 1, 'float64') };
    touch(grads.W, 1);
    for (const value of [1, 5]) average.update(grads, () => params.W.data.fill(value));
    return averaged(average, params.W);
  };
  const [d1, d2] = [2 / 11, 3 / 12];
  const followed = d2 * (1 - d1) * 1 + (1 - d2) * 5;
  for (const options of [{}, { lazy: false }]) expect(distance(run(options), [followed, followed])).toBeLessThan(1e-14);
  expect(distance(run({ lazy: true }), [(1 - d1 * d2) * 5, followed])).toBeLessThan(1e-14);
});

test('after many updates, an untouched row still is caught up', () => {
  const params = { W: random([2, 1], createRng(3)) };
  const average = createAverage(params, { decay: 0.99, lazy: true });
  const grads = { W: createRowSparseGradient(2, 1, 'float64') };
  touch(grads.W, 0);
  for (let n = 0; n < 1e5; n++) average.update(grads, () => undefined);
  expect(distance(averaged(average, params.W), numbers(params.W))).toBeLessThan(1e-12);
});

test('views with any strides and any rank are averaged like plain tensors', () => {
  const start = random([4, 3], createRng(3));
  const cube = { ...random([2, 3, 2], createRng(3)), data: start.data.slice(), stride: [1, 2, 6] };
  const scalar = allocate([], 'float64');
  const params = { plain: { ...start, data: start.data.slice() }, view: scattered(start), cube, scalar };
  const average = createAverage(params, { decay: 0.5 });
  const grads = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, { ...p, data: p.data.slice() }]));
  const optimizer = createSgd(kernels, params, { lr: 0.3 });
  scalar.data[0] = 8;
  for (let i = 0; i < 3; i++) average.update(grads, () => optimizer.step(grads));
  average.swap();
  expect(numbers(params.view)).toEqual(numbers(params.plain));
  expect([...cube.data]).toEqual(numbers(params.plain));
  expect(numbers(params.plain)).not.toEqual(numbers(start));
  expect(scalar.data[0]).toBeGreaterThan(0);
});

test.each([0, 1, -0.1, 1.5, NaN, '0.9', undefined])('a decay of %p is refused', (decay) => {
  const create = () => createAverage({ x: tensor([1]) }, { decay: decay as number });
  expect(create).toThrow(ArgumentError);
  expect(create).toThrow('average: decay must be greater than 0 and less than 1; got');
});

test('no update while the average stands in place of the weights', () => {
  const x = tensor([1]);
  const average = createAverage({ x }, { decay: 0.5 });
  average.swap();
  expect(() => average.update({ x }, () => void x.data.fill(3))).toThrow(/average is swapped in/);
  expect(numbers(x)).toEqual([1]);
});

describe('a state that is saved and restored', () => {
  /** Weights whose embedding is touched in single rows, and an average of them. */
  function made() {
    const params = { E: random([6, 3], createRng(1), 'float32'), b: random([3], createRng(2), 'float32') };
    return { params, average: createAverage(params, { decay: 0.9, lazy: true }) };
  }
  function update({ params, average }: ReturnType<typeof made>, i: number): void {
    const E = createRowSparseGradient(6, 3, 'float32');
    touch(E, (5 * i) % 6);
    const rows = [...E.touched.subarray(0, E.count)];
    average.update({ E, b: params.b }, () => {
      for (const row of rows) for (let j = 0; j < 3; j++) params.E.data[3 * row + j] += Math.fround(0.1 * (i + j + 1));
      params.b.data[i % 3] -= 0.3;
    });
  }

  test('goes on to the same bits, rows that lag behind included', () => {
    const one = made();
    const other = made();
    for (let i = 0; i < 4; i++) update(one, i);
    const state = one.average.state();
    expect(new Set(state.tensors['settled.E'].data).size).toBeGreaterThan(2); // else no row lags behind
    for (const [name, p] of Object.entries(other.params)) p.data.set(one.params[name as 'E'].data);
    other.average.restore(state);
    for (let i = 4; i < 9; i++) [one, other].forEach((each) => update(each, i));
    [one, other].forEach(({ average }) => average.swap());
    expect(other.params).toEqual(one.params);
    expect(other.average.updates).toBe(9);
  });

  test('is a copy', () => {
    const one = made();
    const state = one.average.state();
    const before = JSON.stringify(state);
    update(one, 0);
    expect(JSON.stringify(state)).toBe(before);
  });

  test('what does not fit is refused, and nothing changes', () => {
    const one = made();
    update(one, 0);
    const state = one.average.state();
    const missing = Object.fromEntries(Object.entries(state.tensors).filter(([name]) => name !== 'mean.b'));
    const wrong = [
      { ...state, updates: -1 },
      { ...state, logs: 1 },
      { ...state, logs: NaN },
      { ...state, tensors: missing },
      { ...state, tensors: { ...state.tensors, more: tensor([1]) } },
      { ...state, tensors: { ...state.tensors, 'mean.b': tensor([1, 2, 3]) } },
      { ...state, tensors: { ...state.tensors, 'settled.E': tensor([1, 2]) } },
    ];
    for (const each of wrong) expect(() => one.average.restore(each)).toThrow(/average restore/);
    expect(one.average.state()).toEqual(state);
    one.average.swap();
    expect(() => one.average.state()).toThrow(ArgumentError);
    expect(() => one.average.restore(state)).toThrow('call swap first');
  });
});
