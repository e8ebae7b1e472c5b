/** How wrong plain differences are by their step: against loops of this file alone, which know the equations and nothing of the engine. */
import type { Cell } from '../../src/cells/index.js';
import { cells } from '../../src/cells/index.js';
import type { Trace } from '../../src/inspect/index.js';
import { inspect, numberAt, traceFromJson, traceToJson, untrained } from '../../src/inspect/index.js';
import { views } from '../../src/inspect/views/index.js';
import { elementsOf, faults } from './views/marks.js';
import { kernels, schemaFaults } from './support.js';

const sentence = { tokens: ['the', 'cat', 'sat', 'down'], labels: ['X', 'Y', 'X', 'Z'] };
const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));

/** The loss of a trace's own weights, one of them moved: plain loops over lists of numbers. */
function lossOf(trace: Trace, param: string, [row, column]: readonly number[], by: number): number {
  const { weights, hidden: H } = trace.layers[0].forward;
  const moved = (name: string, matrix: readonly (readonly number[])[]) =>
    matrix.map((list, i) =>
      list.map((each, j) => (param.endsWith(`.${name}`) && i === row && j === column ? each + by : each)),
    );
  const [Wx, Wh, [b]] = ['Wx', 'Wh', 'b'].map((name) => moved(name, weights[name]));
  const { W, b: bOut } = trace.head.weights;
  let [h, c, loss] = [new Array<number>(H).fill(0), new Array<number>(H).fill(0), 0];
  trace.words.forEach(({ x }, t) => {
    const a = b.map((bias, j) => {
      let sum = bias;
      x.forEach((each, i) => (sum += each * Wx[i][j]));
      h.forEach((each, i) => (sum += each * Wh[i][j]));
      return sum;
    });
    if (trace.model.cell === 'rnn') h = a.map(Math.tanh);
    else {
      const at = (gate: number, j: number) => a[gate * H + j]; // i f g o
      c = c.map((each, j) => sigmoid(at(1, j)) * each + sigmoid(at(0, j)) * Math.tanh(at(2, j)));
      h = c.map((each, j) => sigmoid(at(3, j)) * Math.tanh(each));
    }
    const z = bOut[0].map((bias, k) => h.reduce((sum, each, j) => sum + each * W[j][k], bias));
    const gold = trace.model.labels.indexOf(trace.losses[t].gold);
    loss += Math.log(z.reduce((sum, each) => sum + Math.exp(each), 0)) - z[gold];
  });
  return loss;
}

const readings = (['rnn', 'lstm'] as const).flatMap((cell) =>
  [3, 5].map((seed) => {
    const model = untrained([sentence], { cell, hidden: 5, embedding: 3, labels: ['X', 'Y', 'Z'], seed });
    const all = inspect(kernels, model, sentence, { checks: 20, jacobian: false, ledger: false }).checks.elements;
    const curve = all.findIndex(({ param, analytic }) => param === 'layers.0.forward.Wh' && Math.abs(analytic) > 1e-3);
    return [`${cell}, seed ${seed}`, inspect(kernels, model, sentence, { checks: 20, curve })] as const;
  }),
);

describe.each(readings)('the curve of %s', (_, trace) => {
  const curve = trace.checks.curve!;
  const { param, index, analytic } = trace.checks.elements[curve.element];
  const own = curve.steps.map((step) => {
    const difference = (lossOf(trace, param, index, step) - lossOf(trace, param, index, -step)) / (2 * step);
    return Math.abs(difference - analytic) / Math.abs(analytic);
  });

  it('goes over twelve decades', () => {
    expect(curve.steps).toEqual(Array.from({ length: 12 }, (__, i) => Number(`1e-${i + 1}`)));
    for (const name of ['errors', 'truncation', 'rounding'] as const) expect(curve[name]).toHaveLength(12);
  });

  it('wide steps: the errors are those of the loops, and truncation is what they are made of', () => {
    for (const i of [0, 1, 2]) {
      expect(Math.abs(curve.errors[i] - own[i])).toBeLessThan(1e-4 * own[i] + 42 * curve.rounding[i]);
      expect(Math.abs(curve.truncation[i] - own[i])).toBeLessThan(0.05 * own[i] + 42 * curve.rounding[i]);
    }
    expect(Math.abs(curve.errors[0] / curve.errors[1] / 100 - 1)).toBeLessThan(0.05); // ∝ ε²
    expect(curve.truncation[4] / curve.truncation[5]).toBeCloseTo(100, 6);
  });

  it('narrow steps: errors are as large as rounding, in both', () => {
    for (let i = 6; i < 12; i++) {
      expect(curve.errors[i]).toBeLessThan(12 * curve.rounding[i]);
      expect(own[i]).toBeLessThan(30 * curve.rounding[i]); // its sums are rounded otherwise
    }
    const ratios = [6, 7, 8, 9, 10, 11].map((i) => Math.log10(curve.errors[i] / curve.rounding[i]));
    expect(ratios.reduce((sum, each) => sum + each, 0) / 6).toBeGreaterThan(-1.5);
    expect(curve.rounding[11] / curve.rounding[6]).toBeCloseTo(1e5, 0); // ∝ 1/ε
  });

  it('has its best step between both', () => {
    const best = curve.errors.indexOf(Math.min(...curve.errors));
    expect(best).toBeGreaterThanOrEqual(2);
    expect(best).toBeLessThanOrEqual(6);
  });

  it('is drawn where its numbers say, each mark with its value and its place in the trace', () => {
    const svg = views.check.svg(trace, { check: curve.element });
    expect(faults(svg, trace)).toEqual([]);
    const dots = elementsOf(svg).filter(({ attributes }) => /^\/checks\/curve\/errors/.test(attributes['data-ref'] ?? '')); // prettier-ignore
    expect(dots).toHaveLength(12);
    const [xs, ys] = ['cx', 'cy'].map((name) => dots.map(({ attributes }) => Number(attributes[name])));
    const perDecade = (xs[0] - xs[11]) / 11;
    xs.forEach((x, i) => expect(x).toBeCloseTo(xs[0] - i * perDecade, 1));
    const up = (ys[2] - ys[0]) / Math.log10(curve.errors[2] / curve.errors[0]); // pixels of a decade
    ys.forEach((y, i) => expect(y - ys[0]).toBeCloseTo(up * Math.log10(curve.errors[i] / curve.errors[0]), 0));
  });

  it('fits the schema, survives JSON, and can be asked by its places', () => {
    const json = traceToJson(trace);
    expect(schemaFaults(json)).toEqual([]);
    expect(traceFromJson(json).checks.curve).toEqual(curve);
    expect(numberAt(trace, '/checks/curve/errors/4')).toBe(curve.errors[4]);
  });
});

it('a wrong gradient is a floor that no step goes below', () => {
  const wrong: Cell = {
    ...cells.rnn,
    stepBackward(kernels_, params, prev, saved, next, dNext, dPrev) {
      cells.rnn.stepBackward(kernels_, params, prev, saved, next, dNext, dPrev);
      for (let i = 0; i < saved.da.data.length; i++) saved.da.data[i] *= 1.25;
    },
  };
  const model = untrained([sentence], { cell: wrong, hidden: 3, labels: ['X', 'Y', 'Z'] });
  const { checks } = inspect(kernels, model, sentence, { checks: 20, jacobian: false, ledger: false });
  expect(checks.agrees).toBe(false);
  expect(Math.min(...checks.curve!.errors)).toBeGreaterThan(0.1);
});

it('there is none of a gradient that is 0, of a loss that is not finite, and where nothing is checked', () => {
  const model = untrained([sentence], { cell: 'rnn', hidden: 2, labels: ['X', 'Y', 'Z'] });
  expect(inspect(kernels, model, sentence, { checks: 0 }).checks).not.toHaveProperty('curve');
  const one = { tokens: ['the'], labels: ['X'] };
  const { checks } = inspect(kernels, model, one, { checks: 30 });
  const zero = checks.elements.findIndex(({ analytic }) => analytic === 0); // Wh of a sentence of one word
  expect(inspect(kernels, model, one, { checks: 30, curve: zero }).checks).not.toHaveProperty('curve');
  expect(inspect(kernels, model, one, { checks: 30, curve: 30 }).checks).not.toHaveProperty('curve');
  model.params.layers[0].forward.Wx.data[0] = NaN;
  expect(inspect(kernels, model, sentence, { checks: 4 }).checks).not.toHaveProperty('curve');
  expect(() => inspect(kernels, model, sentence, { curve: -1 })).toThrow('curve');
});
