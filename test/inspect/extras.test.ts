/** Readings of models whose body has more than its cells: zoneout, residual sums, a dense layer. */
import { inspect, saliency, traceToJson } from '../../src/inspect/index.js';
import { payloadOf } from '../../src/inspect/report/payload.js';
import { openNumber } from '../../src/inspect/views/equation/open.js';
import type { TrainOptions } from '../../src/labeling/index.js';
import { generateCorpus, train } from '../../src/labeling/index.js';
import { kernels, schemaFaults } from './support.js';

const corpus = generateCorpus({ sentences: 30, seed: 5 });
const SMALL = { embedding: 5, hidden: 4, layers: 2, epochs: 1, batch: 8, seed: 3 } as const;
const sentence = { tokens: ['the', 'cats', 'near', 'it', 'sat'] };

const BODIES: readonly (readonly [string, TrainOptions, readonly string[] | undefined])[] = [
  ['residual sums', { residual: true }, ['residual']],
  ['a dense layer', { dense: 3 }, ['dense']],
  ['zoneout', { zoneout: 0.2 }, ['zoneout']],
  ['zoneout of a GRU', { cell: 'gru', zoneout: { h: 0.3 } }, ['zoneout']],
  ['everything', { residual: true, dense: 6, zoneout: 0.1, bidirectional: false }, ['zoneout', 'residual', 'dense']],
  ['masks of training alone', { recurrentDropout: 0.3, dropoutKind: 'variational' }, undefined],
];

describe.each(BODIES)('%s', (_, options, extras) => {
  const trained = async () => (await train(kernels, { train: corpus }, { ...SMALL, ...options })).model;

  test('all checks agree, every law holds, the trace says what the body has', async () => {
    const trace = inspect(kernels, await trained(), sentence, { checks: 40 });
    expect(trace.checks).toMatchObject({ checked: 40, agrees: true, fault: null });
    for (const { analytic, forwardMode } of trace.checks.elements)
      expect(Math.abs(analytic - forwardMode!)).toBeLessThan(1e-9 * Math.max(Math.abs(analytic), 1e-4));
    expect(trace.identities.filter(({ holds }) => !holds)).toEqual([]);
    expect(trace.model.extras).toEqual(extras);
    expect(schemaFaults(traceToJson(trace))).toEqual([]);
  });

  test('no number is given a formula that leaves the body out', async () => {
    const trace = inspect(kernels, await trained(), sentence, {});
    for (const ref of [
      '/layers/0/forward/steps/1/states/h/2',
      '/layers/1/forward/steps/2/gradients/states/h/direct/1',
    ]) {
      const { formula, residual } = openNumber(trace, ref);
      expect(formula === undefined).toBe(extras !== undefined);
      expect(residual).toBeLessThan(1e-12);
    }
  });

  test('a page computes its numbers again only where it has the code', async () => {
    const trace = inspect(kernels, await trained(), sentence, {});
    expect(payloadOf(trace) === undefined).toBe(extras !== undefined);
  });

  test('integrated gradients are complete', async () => {
    const [{ gap, methods }] = saliency(kernels, await trained(), sentence, { saliency: [4] });
    expect(gap).toBeLessThan(0.01);
    expect(methods.integrated).not.toBeNull();
  });
});
