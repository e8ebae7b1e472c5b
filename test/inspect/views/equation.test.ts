/** Every number of a trace opens into a formula of other numbers of it, and the formula gives the number. */
import { inspect, untrained } from '../../../src/inspect/index.js';
import type { Trace } from '../../../src/inspect/index.js';
import { evaluate, inNumbers, inSymbols, operandsOf } from '../../../src/inspect/views/equation/expression.js';
import { openNumber } from '../../../src/inspect/views/equation/open.js';
import { CELLS, kernels } from '../support.js';

const SENTENCE = { tokens: ['the', 'cat', 'sat'], labels: ['A', 'B', 'C'] };
const read = (options: object): Trace =>
  inspect(kernels, untrained([SENTENCE], { hidden: 3, embedding: 2, ...options }), SENTENCE, { checks: 0 });

/** Pointers to all numbers under a value. */
function refsOf(value: unknown, ref = ''): string[] {
  if (typeof value === 'number') return [ref];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, each]) =>
    refsOf(each, `${ref}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}

/** What has a formula in a built-in cell, whatever its layer and direction; the rest is given, or counted. */
const OPENS = [
  /^\/loss$/,
  /^\/losses\/\d+\/(loss|probability|(logits|probabilities|dLogits)\/\d+)$/,
  /^\/layers\/\d+\/\w+\/(dWeights\/|steps\/)/,
  /^\/head\/dWeights\//,
  /^\/words\/\d+\/(dx\/\d+|norm)$/,
  /^\/elements\/\d+\/total$/,
  /\/retention\/\d+\/\d+$/,
];

describe.each([
  ...CELLS.map((cell) => ({ cell })),
  { cell: 'lstm', layers: 2, bidirectional: true },
  { cell: 'gru', layers: 2, bidirectional: true },
])('of %j', (options) => {
  const trace = read(options);
  const refs = refsOf(trace);

  it('every formula gives its number to 1e-12, from numbers that are in the trace', () => {
    let opened = 0;
    for (const ref of refs) {
      const { formula, residual, mark } = openNumber(trace, ref);
      expect(mark.ref).toBe(ref);
      if (formula === undefined) continue;
      opened++;
      expect([ref, residual <= 1e-12]).toEqual([ref, true]);
      for (const { mark: factor } of operandsOf(formula))
        expect(factor.value).toBe(openNumber(trace, factor.ref).mark.value);
    }
    expect(opened).toBeGreaterThan(150);
  });

  it('everything the cell computes has a formula', () => {
    const closed = refs.filter((ref) => OPENS.some((each) => each.test(ref)));
    expect(closed.filter((ref) => openNumber(trace, ref).formula === undefined)).toEqual([]);
  });

  it('opening goes down to what is given, and never in a circle', () => {
    const depth = new Map<string, number>();
    const open = (ref: string, above: readonly string[]): number => {
      expect(above).not.toContain(ref);
      const known = depth.get(ref);
      if (known !== undefined) return known;
      const { formula } = openNumber(trace, ref);
      const factors = formula === undefined ? [] : operandsOf(formula).map(({ mark }) => mark.ref);
      const deep = 1 + Math.max(0, ...factors.map((each) => open(each, [...above, ref])));
      depth.set(ref, deep);
      return deep;
    };
    expect(open('/layers/0/forward/dWeights/Wh/0/1', [])).toBeGreaterThan(8);
    const given = [...depth].filter(([, deep]) => deep === 1).map(([ref]) => ref);
    for (const ref of given) expect(ref).toMatch(/\/weights\/|\/initial\/|^\/words\/\d+\/x\/|\/(recurrent)\//);
  });
});

it('a formula that is not the number’s is noticed', () => {
  const trace = read({ cell: 'lstm' });
  const broken = structuredClone(trace) as unknown as {
    layers: { forward: { steps: { states: { c: number[] } }[] } }[];
  };
  broken.layers[0].forward.steps[1].states.c[0] += 1e-9;
  expect(openNumber(broken as unknown as Trace, '/layers/0/forward/steps/1/states/c/0').residual).toBeGreaterThan(
    1e-10,
  );
});

it('is written in symbols and in numbers', () => {
  const trace = read({ cell: 'lstm' });
  const { formula, mark, symbol } = openNumber(trace, '/layers/0/forward/steps/1/states/c/0');
  expect(symbol).toBe('c_1[0]');
  expect(inSymbols(formula!)).toBe('f_1[0] · c_0[0] + i_1[0] · g_1[0]');
  expect(inNumbers(formula!)).toMatch(/^0\.\d+ · \(?−?[\d.e−]+\)? \+ 0\.\d+ · \(?−?[\d.e−]+\)?$/);
  expect(evaluate(formula!)).toBeCloseTo(mark.value, 14);
  const slope = openNumber(trace, '/layers/0/forward/steps/1/slopes/f/2');
  expect(inSymbols(slope.formula!)).toBe('f_1[2] · (1 − f_1[2])');
  expect(inSymbols(openNumber(trace, '/losses/0/probability').formula!)).toMatch(
    /^exp\(z_0\[0\]\) \/ \(exp\(z_0\[0\]\) \+ /,
  );
  expect(() => openNumber(trace, '/layers/9')).toThrow();
  expect(() => openNumber(trace, '/model/cell')).toThrow('must point to a number');
});

it('numbers of a cell of your own keep the formulas that hold for every cell', () => {
  const own = { ...read({ cell: 'rnn' }) } as { model: object } & Trace;
  const trace = { ...own, model: { ...own.model, cell: 'mine' } } as Trace;
  const at = '/layers/0/forward/steps/1';
  expect(openNumber(trace, `${at}/states/h/0`).formula).toBeUndefined();
  expect(openNumber(trace, `${at}/gradients/states/h/total/0`).residual).toBeLessThan(1e-12);
  expect(openNumber(trace, '/layers/0/forward/dWeights/Wx/0/1').residual).toBeLessThan(1e-12);
});
