/** The check: it passes what is right, by three methods, and each backward line broken on purpose turns it red and is located. */
import fc from 'fast-check';
import type { Cell } from '../../src/cells/index.js';
import { cells } from '../../src/cells/index.js';
import { inspect, numberAt, untrained } from '../../src/inspect/index.js';
import { derivative } from '../../src/inspect/duals.js';
import { readingOf } from '../../src/inspect/reading.js';
import { viewOf } from '../../src/tensor/index.js';
import { brokenLines } from '../support/mutate.js';
import { CELLS, kernels } from './support.js';

const sentence = { tokens: ['the', 'cat', 'sat', 'down'], labels: ['X', 'Y', 'X', 'Z'], category: 'Y' };
const LABELS = ['X', 'Y', 'Z'];

describe('forward mode', () => {
  it('is within 1e-9 of the hand-written gradient: all cells, layers, directions, heads, seeds', () => {
    const shapes = fc.record({
      cell: fc.constantFrom(...CELLS),
      hidden: fc.integer({ min: 1, max: 4 }),
      embedding: fc.integer({ min: 1, max: 3 }),
      layers: fc.integer({ min: 1, max: 2 }),
      bidirectional: fc.boolean(),
      task: fc.constantFrom('tag' as const, 'classify' as const),
      seed: fc.integer({ min: 0, max: 999 }),
    });
    const seeds = fc.constantFrom('loss' as const, 'logit' as const, 'margin' as const);
    fc.assert(
      fc.property(shapes, seeds, (shape, seed) => {
        const model = untrained([sentence], { ...shape, labels: LABELS });
        const { checks } = inspect(kernels, model, sentence, { seed, checks: 16, jacobian: false, ledger: false });
        expect(checks).toMatchObject({ checked: 16, agrees: true, fault: null });
        for (const { analytic, forwardMode, numeric, noise } of checks.elements) {
          expect(Math.abs(analytic - forwardMode!)).toBeLessThan(1e-9 * Math.max(Math.abs(analytic), 1e-4));
          expect(Math.abs(analytic - numeric!)).toBeLessThan(1e-7 * Math.max(1, Math.abs(analytic)) + noise!);
        }
      }),
      { seed: 47, numRuns: 20 },
    );
  });

  it('of a step alone adds up over the steps to that of the weight', () => {
    const reading = readingOf(
      kernels,
      untrained([sentence], { hidden: 2, embedding: 2, labels: LABELS }),
      sentence,
      {},
    );
    const tangent = viewOf(Float64Array.from({ length: 16 }, (_, i) => (i === 5 ? 1 : 0)), [2, 8]); // prettier-ignore
    const param = 'layers.0.forward.Wh';
    const parts = sentence.tokens.map((_, word) =>
      derivative(reading, { param, tangent, at: { layer: 0, direction: 'forward', word } }),
    );
    const whole = derivative(reading, { param, tangent });
    expect(Math.abs(parts.reduce((sum, each) => sum + each, 0) - whole)).toBeLessThan(1e-15);
    expect(parts.filter((each) => each !== 0)).toHaveLength(3); // the first step starts from zero
  });
});

it('a check names its weights by places in the trace', () => {
  const trace = inspect(kernels, untrained([sentence], { hidden: 2, labels: LABELS }), sentence, { checks: 20 });
  for (const { ref, analytic, where } of trace.checks.elements) {
    if (ref !== null) expect(numberAt(trace, ref)).toBe(analytic);
    expect(where).toMatch(/^[\w.]+\[\d+(, \d+)?\](, gate [ifgo])?$/);
  }
  expect(trace.checks.elements.some(({ ref }) => ref === null)).toBe(true); // word vectors
});

it('draws the same weights for the same seed, and every block of columns in turn', () => {
  const model = untrained([sentence], { hidden: 2, labels: LABELS });
  const where = (checkSeed: number, checks: number) =>
    inspect(kernels, model, sentence, { checks, checkSeed, jacobian: false }).checks.elements.map((each) => each.where);
  expect(where(1, 5)).toEqual(where(1, 5));
  expect(where(1, 5)).not.toEqual(where(2, 5));
  const blocks = new Set(where(1, 15).map((each) => each.replace(/\[.*\]/, '')));
  expect(blocks.size).toBe(15); // Wx, Wh, b of four gates; W, b of the head; word vectors
});

it('without equations finite differences alone judge', () => {
  const cell: Cell = { ...cells.lstm, name: 'mine', equations: undefined, original: undefined };
  const { checks } = inspect(kernels, untrained([sentence], { cell, labels: LABELS }), sentence, { checks: 6 });
  expect(checks.agrees).toBe(true);
  expect(checks.elements.every(({ forwardMode, numeric }) => forwardMode === null && numeric !== null)).toBe(true);
});

it('NaN agrees with nothing', () => {
  const model = untrained([sentence], { hidden: 2, labels: LABELS });
  model.params.layers[0].forward.Wh.data[0] = NaN;
  const { checks } = inspect(kernels, model, sentence, { checks: 4 });
  expect(checks.agrees).toBe(false);
  expect(checks.elements.every(({ numeric }) => numeric === null)).toBe(true);
});

const FILES = {
  rnn: 'src/cells/rnn.ts',
  'rnn-relu': 'src/cells/rnn.ts',
  lstm: 'src/cells/lstm.ts',
  gru: 'src/cells/gru.ts',
  'gru-reset-before': 'src/cells/gru-reset-before.ts',
};

describe.each(CELLS)('%s, broken', (name) => {
  const isBackward = (each: string) => /StepBackward$|WeightGradients$|^weightGradients$/.test(each);
  const lines = brokenLines<Readonly<Record<string, Cell>>>(FILES[name], isBackward);

  it.each(lines)('($equations) $mistake: $text', ({ load }) => {
    const broken = Object.values(load()).find((each) => each.name === name && 'stepBackward' in each)!;
    const model = untrained([sentence], { cell: broken, hidden: 3, embedding: 2, labels: LABELS, seed: 4 });
    const { checks } = inspect(kernels, model, sentence, { checks: 40, jacobian: false, ledger: false });
    expect(checks.agrees).toBe(false);
    expect(checks.elements[checks.worst!].verdict).toBe('disagree');
    const { fault } = checks;
    expect(fault).toMatchObject({
      layer: 0,
      direction: 'forward',
      kind: expect.stringMatching(/gate|state|other|weight/),
    });
    // What a step leaves is wrong at the last step already; what it hands back, after the step before.
    expect(fault!.kind === 'state' ? [2, 3] : [3]).toContain(fault!.word);
    expect(fault!.message).toContain(`word ${fault!.word}`);
    expect(fault!.message).toContain(fault!.name === 'h' && fault!.kind === 'gate' ? '∂/∂a' : fault!.name);
  });
});

it('names the gate, the step and the unit of a wrong sign', () => {
  const cell: Cell = {
    ...cells.lstm,
    stepBackward(kernels_, params, prev, saved, next, dNext, dPrev) {
      cells.lstm.stepBackward(kernels_, params, prev, saved, next, dNext, dPrev);
      const { da } = saved;
      const f = da.offset + da.shape[1] / 4;
      da.data[f + 1] = -da.data[f + 1]; // unit 1 of the forget gate
    },
  };
  const model = untrained([sentence], { cell, hidden: 3, labels: LABELS });
  const { fault } = inspect(kernels, model, sentence, { checks: 40 }).checks;
  expect(fault).toMatchObject({ kind: 'gate', name: 'f', unit: 1, word: 3, direction: 'forward', layer: 0 });
  expect(fault!.analytic).toBeCloseTo(-fault!.forwardMode, 14);
  expect(fault!.ref).toBe('/layers/0/forward/steps/3/gradients/preActivations/f/1');
});
