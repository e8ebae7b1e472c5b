import fc from 'fast-check';
import { cells, fillWeights, lstm } from '../../src/cells/index.js';
import { allocate, ArgumentError, createRng, zeros } from '../../src/tensor/index.js';

describe.each(Object.entries(cells))('parameters of %s', (_name, cell) => {
  const D = 3;
  const H = 5;

  test('have the shapes of their documentation, and the same seed gives the same bits', () => {
    const [one, two] = [1, 1].map((seed) => cell.initialize(D, H, createRng(seed), { learnedInitialState: true }));
    expect(one.Wx.shape).toEqual([D, cell.gates * H]);
    expect(one.Wh.shape).toEqual([H, cell.gates * H]);
    expect(one.b.shape).toEqual([cell.gates * H]);
    for (const [name, shape] of Object.entries(cell.shapes(D, H))) expect(one[name].shape).toEqual(shape);
    expect(Object.keys(one)).toHaveLength(Object.keys(cell.shapes(D, H)).length + cell.states.length);
    for (const state of cell.states) expect(one[`${state}0`].shape).toEqual([H]);
    for (const name of Object.keys(one)) expect(one[name].data).toEqual(two[name].data);
    expect(cell.initialize(D, H, createRng(2)).Wx.data).not.toEqual(one.Wx.data);
    expect(cell.gateNames).toHaveLength(cell.gates);
  });

  test('have no initial state unless it is to be learned, and come in both element types', () => {
    const params = cell.initialize(D, H, createRng(1), { dtype: 'float64' });
    expect(params.h0).toBeUndefined();
    for (const p of Object.values(params)) expect(p.data).toBeInstanceOf(Float64Array);
  });

  test('may be of one input and one hidden unit', () => {
    expect(cell.initialize(1, 1, createRng(1)).Wh.shape).toEqual([1, cell.gates]);
  });

  test.each([0, -2, 1.5, NaN])('refuse a size of %p', (bad) => {
    expect(() => cell.initialize(bad, H, createRng(1))).toThrow(ArgumentError);
    expect(() => cell.initialize(D, bad, createRng(1))).toThrow(/hiddenSize must be an integer of at least 1/);
  });
});

describe('schemes', () => {
  test('orthogonal: the shorter side is orthonormal, whatever the shape', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.nat(99), (rows, cols, seed) => {
        const w = zeros([rows, cols], 'float64');
        fillWeights(w, 'orthogonal', createRng(seed), cols);
        const wide = rows <= cols;
        const [n, m] = wide ? [rows, cols] : [cols, rows];
        for (let p = 0; p < n; p++) {
          for (let q = 0; q <= p; q++) {
            let dot = 0;
            for (let k = 0; k < m; k++) dot += wide ? w.get(p, k) * w.get(q, k) : w.get(k, p) * w.get(k, q);
            expect(Math.abs(dot - (p === q ? 1 : 0))).toBeLessThan(1e-14 * m);
          }
        }
      }),
      { seed: 3, numRuns: 40 },
    );
  });

  test.each([
    ['glorot', Math.sqrt(6 / (30 + 50))],
    ['uniform', 1 / Math.sqrt(50)],
  ] as const)('%s fills ± its bound, and nearly reaches it', (scheme, bound) => {
    const w = allocate([30, 50], 'float64');
    fillWeights(w, scheme, createRng(4), 50);
    const largest = Math.max(...w.data);
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.99 * bound);
    expect(Math.min(...w.data)).toBeLessThan(-0.99 * bound);
  });

  test.each(['glorot', 'uniform', 'orthogonal'] as const)('%s fills a matrix that lies anywhere', (scheme) => {
    const plain = zeros([3, 4], 'float64');
    fillWeights(plain, scheme, createRng(8), 4);
    const data = new Float64Array(40).fill(NaN);
    // Every second row of a matrix stored by columns.
    const w = { data, shape: [3, 4], stride: [2, 8], offset: 5 };
    fillWeights(w, scheme, createRng(8), 4);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 4; j++) expect(data[5 + 2 * i + 8 * j]).toBe(plain.get(i, j));
    }
    expect(data.filter((v) => !Number.isNaN(v))).toHaveLength(12);
  });

  test.each([
    [3, 5],
    [5, 3],
    [4, 4],
  ])('orthogonal, %i × %i: orthonormal, from as many draws as it has elements', (rows, cols) => {
    const base = createRng(11);
    let draws = 0;
    const w = zeros([rows, cols], 'float64');
    fillWeights(w, 'orthogonal', { ...base, normal: () => (draws++, base.normal()) }, cols);
    expect(draws).toBe(rows * cols);
    const [count, length] = [Math.min(rows, cols), Math.max(rows, cols)];
    const at = (vector: number, i: number): number => (rows <= cols ? w.get(vector, i) : w.get(i, vector));
    for (let p = 0; p < count; p++) {
      for (let q = 0; q < count; q++) {
        let dot = 0;
        for (let i = 0; i < length; i++) dot += at(p, i) * at(q, i);
        expect(dot).toBeCloseTo(p === q ? 1 : 0, 13);
      }
    }
  });

  test('only uniform asks for the hidden size', () => {
    for (const H of [0, 1.5, NaN]) {
      const fill = (scheme: 'glorot' | 'uniform' | 'orthogonal') => () =>
        fillWeights(zeros([3, 4]), scheme, createRng(8), H);
      expect(fill('uniform')).toThrow(/H must be an integer of at least 1/);
      expect(fill('glorot')).not.toThrow();
      expect(fill('orthogonal')).not.toThrow();
    }
  });

  test('every gate is drawn as the matrix it is: the Glorot bound does not shrink with the number of gates', () => {
    const { Wx } = lstm.initialize(30, 50, createRng(5));
    expect(Math.max(...Wx.data)).toBeGreaterThan(0.99 * Math.sqrt(6 / (30 + 50)));
  });

  test.each(Object.keys(cells))('gate for gate, %s draws a matrix of its own, number for number', (name) => {
    const [D, H] = [3, 5];
    const G = cells[name].gates;
    const { Wx, Wh } = cells[name].initialize(D, H, createRng(7), {
      dtype: 'float64',
      input: 'glorot',
      recurrent: 'uniform',
    });
    const rng = createRng(7);
    const expected = { Wx: new Array<number>(D * G * H), Wh: new Array<number>(H * G * H) };
    const draw = (to: number[], rows: number, gate: number, bound: number): void => {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < H; j++) to[i * G * H + gate * H + j] = (2 * rng.next() - 1) * bound;
      }
    };
    for (let gate = 0; gate < G; gate++) {
      draw(expected.Wx, D, gate, Math.sqrt(6 / (D + H)));
      draw(expected.Wh, H, gate, 1 / Math.sqrt(H));
    }
    expect([...Wx.data]).toEqual(expected.Wx);
    expect([...Wh.data]).toEqual(expected.Wh);
  });

  test('are chosen by the options, unknown ones refused', () => {
    const uniform = lstm.initialize(4, 6, createRng(5), { input: 'uniform', recurrent: 'uniform' });
    expect(Math.max(...uniform.Wh.data)).toBeLessThanOrEqual(1 / Math.sqrt(6));
    expect(() => lstm.initialize(4, 6, createRng(5), { input: 'xavier' as 'glorot' })).toThrow(ArgumentError);
  });

  test('the forget gate of an LSTM starts at its option, default 1; all other biases at 0', () => {
    const bias = (forgetBias?: number) => [...lstm.initialize(2, 3, createRng(6), { forgetBias }).b.data];
    expect(bias()).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect(bias(0)).toEqual(new Array(12).fill(0));
    expect(bias(-2).slice(3, 6)).toEqual([-2, -2, -2]);
  });
});
