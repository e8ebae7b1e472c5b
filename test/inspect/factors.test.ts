/** Which factor shrinks a gradient on its way back: against Jacobians by finite differences of loops that know nothing of the engine. */
import fc from 'fast-check';
import type { FactorTrace, Trace } from '../../src/inspect/index.js';
import { inspect, untrained } from '../../src/inspect/index.js';
import { CELLS, kernels } from './support.js';

const sentence = { tokens: ['the', 'cat', 'sat', 'down'], labels: ['X', 'Y', 'X', 'Z'] };
const quick = { checks: 0, ledger: false, reach: false, elements: [] } as const;
const norm = (v: readonly number[]) => Math.hypot(...v);

const readings = (more: object): Trace =>
  inspect(kernels, untrained([sentence], { hidden: 3, embedding: 2, labels: ['X', 'Y', 'Z'], ...more }), sentence, quick); // prettier-ignore

/** The drop that the factors and the angle between both ways give. */
function product({ slopes, values, weights, carried, cosine }: FactorTrace): number {
  const through = (slopes ?? 1) * values * weights;
  return Math.sqrt(through ** 2 + carried ** 2 + 2 * through * carried * cosine);
}

test('the product of the factors is what is left of the gradient: all cells, layers, directions, shapes', () => {
  const shapes = fc.record({
    cell: fc.constantFrom(...CELLS),
    hidden: fc.integer({ min: 1, max: 4 }),
    layers: fc.integer({ min: 1, max: 2 }),
    bidirectional: fc.boolean(),
    seed: fc.integer({ min: 0, max: 999 }),
  });
  fc.assert(
    fc.property(shapes, (shape) => {
      for (const { forward, reverse } of readings(shape).layers) {
        for (const { factors, jacobian } of reverse ? [forward, reverse] : [forward]) {
          factors!.forEach((each, k) => {
            const { gain } = jacobian!.steps[k];
            if (Number.isNaN(gain)) return expect(each).toMatchObject({ drop: NaN, top: null }); // no gradient at all, as behind a dead ReLU
            expect(Math.abs(each.drop - gain)).toBeLessThanOrEqual(1e-12 * Math.max(1, each.drop));
            expect(Math.abs(product(each) - each.drop)).toBeLessThanOrEqual(1e-12 * Math.max(1, each.drop));
          });
        }
      }
    }),
    {
      seed: 66,
      numRuns: 25,
      examples: [[{ cell: 'rnn-relu', hidden: 1, layers: 2, bidirectional: false, seed: 652 }]],
    },
  );
});

test('top is the smallest factor of the way that lets more through, where the gradient shrinks', () => {
  const named = new Set<string | null>();
  for (const cell of CELLS) {
    for (const [seed, forgetBias] of [
      [1, 1],
      [2, -1],
      [3, 4],
    ] as const) {
      for (const each of readings({ cell, seed, ...(cell === 'lstm' && { forgetBias }) }).layers[0].forward.factors!) {
        const { top, drop, slopes, values, weights, carried } = each;
        named.add(top);
        expect(top === null).toBe(!(drop < 1));
        if (top === null) continue;
        const through = (slopes ?? 1) * values * weights;
        expect(top === 'carried').toBe(carried >= through);
        if (top !== 'carried') expect(each[top]).toBe(Math.min(slopes ?? Infinity, values, weights));
      }
    }
  }
  for (const name of ['carried', 'slopes', 'values', 'weights']) expect([...named]).toContain(name);
});

test('of an RNN: slopes and Wh, by loops over the numbers of the trace', () => {
  const { forward } = readings({ cell: 'rnn' }).layers[0];
  forward.steps.forEach(({ gradients, states }, k) => {
    const dh = gradients.states.h.total;
    const da = dh.map((each, j) => each * (1 - states.h[j] ** 2));
    const back = forward.weights.Wh.map((row) => row.reduce((sum, w, j) => sum + w * da[j], 0));
    const { slopes, values, weights, carried, top, drop } = forward.factors![k];
    expect(slopes).toBeCloseTo(norm(da) / norm(dh), 12);
    expect(weights).toBeCloseTo(norm(back) / norm(da), 12);
    expect([values, carried]).toEqual([1, 0]);
    expect(top).toBe(drop >= 1 ? null : slopes! < weights ? (slopes! < 1 ? 'slopes' : 'values') : weights < 1 ? 'weights' : 'values'); // prettier-ignore
    if (k > 0) expect(drop).toBeCloseTo(norm(forward.steps[k - 1].gradients.states.h.recurrent) / norm(dh), 12);
  });
});

test('of an LSTM: c goes past the weights by f, all else through four gates', () => {
  const { forward } = readings({ cell: 'lstm' }).layers[0];
  forward.steps.forEach(({ gradients, states, gates }, k) => {
    const { h, c } = gradients.states;
    const v = norm([...h.total, ...c.recurrent]);
    const before = k === 0 ? forward.initial.c : forward.steps[k - 1].states.c;
    const dc = c.recurrent.map((each, j) => each + h.total[j] * gates.o[j] * (1 - Math.tanh(states.c[j]) ** 2));
    const open = {
      i: dc.map((each, j) => each * gates.g[j]),
      f: dc.map((each, j) => each * before[j]),
      g: dc.map((each, j) => each * gates.i[j]),
      o: h.total.map((each, j) => each * Math.tanh(states.c[j])),
    };
    const slope = { i: 1, f: 1, g: 0, o: 1 };
    const da = (['i', 'f', 'g', 'o'] as const).flatMap((name) =>
      open[name].map((each, j) => each * (slope[name] ? gates[name][j] * (1 - gates[name][j]) : 1 - gates[name][j] ** 2)),
    ); // prettier-ignore
    const found = forward.factors![k];
    expect(found.carried).toBeCloseTo(norm(dc.map((each, j) => each * gates.f[j])) / v, 12);
    // Where c was 0 the gradient of f is 0 whatever its slope, so the mean slope is of what is left.
    expect(found.slopes).toBeCloseTo(norm(da) / norm(Object.values(open).flat()), 12);
    expect(found.values).toBeCloseTo(norm(Object.values(open).flat()) / v, 12);
    const back = forward.weights.Wh.map((row) => row.reduce((sum, w, j) => sum + w * da[j], 0));
    expect(found.weights).toBeCloseTo(norm(back) / norm(da), 12);
    expect(found.cosine).toBe(0); // h one way, c the other
  });
});

test('the forget bias moves what goes past the weights: open, c keeps it', () => {
  const [open, shut] = [4, -4].map((forgetBias) => readings({ cell: 'lstm', forgetBias }).layers[0].forward.factors!);
  open.forEach((each, k) => expect(each.carried).toBeGreaterThan(10 * shut[k].carried));
  expect(open.slice(0, -1).every(({ carried, slopes, values, weights }) => carried > slopes! * values * weights)).toBe(true); // prettier-ignore
});

test('a slope that is exactly 0, and a gradient that is 0', () => {
  const relu = readings({ cell: 'rnn-relu', hidden: 6 }).layers[0].forward;
  expect(relu.steps.some(({ slopes }) => slopes.h.includes(0))).toBe(true);
  relu.factors!.forEach((each) => expect(Math.abs(product(each) - each.drop)).toBeLessThanOrEqual(1e-12));
  const shut = readings({ cell: 'lstm', forgetBias: -2000 }).layers[0].forward; // σ(−2000) = 0, and its slope
  expect(shut.factors!.some(({ slopes }) => slopes === null)).toBe(true);
  shut.factors!.forEach((each) => expect(Math.abs(product(each) - each.drop)).toBeLessThanOrEqual(1e-12));
});

test.each(CELLS)('%s: how often each unit is nearly open or closed, counted again', (cell) => {
  const { forward } = readings({ cell }).layers[0];
  for (const [gate, { open, closed, units }] of Object.entries(forward.saturation)) {
    const sizes = forward.steps.map((step) => step.gates[gate].map(Math.abs));
    for (let j = 0; j < 3; j++) {
      expect(units!.open[j]).toBe(sizes.filter((all) => all[j] > 0.9).length / 4);
      expect(units!.closed[j]).toBe(sizes.filter((all) => all[j] < 0.1).length / 4);
    }
    const mean = (all: readonly number[]) => all.reduce((sum, each) => sum + each, 0) / all.length;
    expect(mean(units!.open)).toBeCloseTo(open, 14);
    expect(mean(units!.closed)).toBeCloseTo(closed, 14);
  }
});
