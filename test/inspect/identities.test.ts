/**
 * Laws of the numbers in a trace, over random shapes, every cell, layers, directions and heads. What is compared is taken from the
 * trace, or from the engine run in another way; the sums are made here.
 */
import fc from 'fast-check';
import { unroll, unrollBackward, zeroGrads } from '../../src/autograd/index.js';
import { inspect, untrained } from '../../src/inspect/index.js';
import type { DirectionTrace, InspectOptions, LossByWord, Trace, Vector } from '../../src/inspect/index.js';
import { maskedGradient } from '../../src/inspect/ledger.js';
import { seedOf } from '../../src/inspect/losses.js';
import { readingOf } from '../../src/inspect/reading.js';
import { seedBatches } from '../../src/inspect/seeds.js';
import { backwardEach } from '../../src/inspect/study.js';
import { networkOf, packBatch, packFeatures } from '../../src/labeling/index.js';
import { viewOf } from '../../src/tensor/index.js';
import { CELLS, flat, gap, kernels } from './support.js';

const WORDS = ['a', 'cat', 'the', 'dogs', 'ran', 'far', 'NaN', '中文', 'שלום'];
const LABELS = ['X', 'Y', 'Z'];

const networks = fc.record({
  cell: fc.constantFrom(...CELLS),
  hidden: fc.integer({ min: 1, max: 4 }),
  embedding: fc.integer({ min: 1, max: 4 }),
  layers: fc.integer({ min: 1, max: 2 }),
  bidirectional: fc.boolean(),
  task: fc.constantFrom('tag' as const, 'classify' as const),
  seed: fc.integer({ min: 0, max: 999 }),
});

const sentences = fc
  .array(fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(...LABELS)), { minLength: 1, maxLength: 7 })
  .map((pairs) => ({
    tokens: pairs.map(([word]) => word),
    labels: pairs.map(([, label]) => label),
    category: pairs[0][1],
  }));

type Shape = typeof networks extends fc.Arbitrary<infer S> ? S : never;

const modelOf = (shape: Shape) => untrained([{ tokens: WORDS }], { ...shape, labels: LABELS });

const read = (shape: Shape, sentence: { tokens: string[] }, options: InspectOptions = {}): Trace =>
  inspect(kernels, modelOf(shape), sentence, { ...options });

const runsOf = ({ layers }: Trace): DirectionTrace[] =>
  layers.flatMap(({ forward, reverse }) => (reverse ? [forward, reverse] : [forward]));

/** Σ over losses, word by word. */
const columnSums = (vectors: LossByWord<Vector>): number[][] =>
  vectors[0].map((_, k) => {
    const column = vectors.map((row) => row[k]).filter((each) => each !== null);
    return Array.from({ length: column[0]?.length ?? 0 }, (__, i) => column.reduce((sum, each) => sum + each[i], 0));
  });

const largest = (x: unknown): number => Math.max(...flat(x).map(Math.abs), Number.MIN_VALUE);

it('Σ over losses of R[m,k] is the gradient, at x, h, c and a', () => {
  fc.assert(
    fc.property(networks, sentences, fc.constantFrom('loss' as const, 'margin' as const), (shape, sentence, seed) => {
      const trace = read(shape, sentence, { vectors: true, ledger: false, jacobian: false, seed });
      const dx = trace.words.map((word) => word.dx);
      expect(gap(columnSums(trace.reach.vectors!), dx) / largest(dx)).toBeLessThan(1e-12);
      for (const { reach, steps } of runsOf(trace)) {
        for (const state of trace.model.states) {
          const total = steps.map(({ gradients }) => gradients.states[state].total);
          expect(gap(columnSums(reach[state].vectors!), total) / largest(total)).toBeLessThan(1e-12);
        }
        const da = steps.map(({ gradients }) => trace.model.gates.flatMap((gate) => gradients.preActivations[gate]));
        expect(gap(columnSums(reach.a.vectors!), da) / largest(da)).toBeLessThan(1e-12);
      }
    }),
    { seed: 37, numRuns: 15 },
  );
});

it('shares sum to 1, addends to the gradient of every weight, direct and recurrent to the total', () => {
  fc.assert(
    fc.property(networks, sentences, (shape, sentence) => {
      const trace = read(shape, sentence);
      for (const { shares, norm } of trace.ledger) {
        if (norm > 0) expect(Math.abs(flat(shares).reduce((sum, each) => sum + each, 0) - 1)).toBeLessThan(1e-12);
      }
      for (const { addends, total, uses } of trace.elements) {
        const scale = flat(addends).reduce((sum, each) => sum + Math.abs(each), Number.MIN_VALUE);
        expect(Math.abs(flat(addends).reduce((sum, each) => sum + each, 0) - total) / scale).toBeLessThan(1e-12);
        expect(Math.abs(uses.reduce((sum, each) => sum + each, 0) - total) / scale).toBeLessThan(1e-12);
      }
      for (const { steps } of runsOf(trace)) {
        for (const { gradients } of steps) {
          for (const { direct, recurrent, total } of Object.values(gradients.states)) {
            const sum = direct.map((each, i) => each + recurrent[i]);
            expect(gap(sum, total) / largest([direct, recurrent])).toBeLessThan(1e-12);
          }
        }
      }
      expect(trace.identities.filter(({ holds }) => !holds)).toEqual([]);
    }),
    { seed: 38, numRuns: 15 },
  );
});

it('what is written as a structural zero is one: the gradient there is exactly 0', () => {
  fc.assert(
    fc.property(networks, sentences, (shape, sentence) => {
      const { study, losses, directions } = readingOf(kernels, modelOf(shape), sentence, {});
      const passes = backwardEach(study, losses.map((_, m) => seedOf(losses, m))); // prettier-ignore
      const trace = read(shape, sentence, { ledger: false, jacobian: false });
      trace.reach.norms.forEach((row, m) =>
        row.forEach((each, k) => {
          if (each === null) expect(rowAt(passes[m].dX, k)).toEqual(rowAt(passes[m].dX, k).map(() => 0));
        }),
      );
      directions.forEach(({ layer, name, words }) => {
        const { norms } = trace.layers[layer][name]!.reach.h;
        norms.forEach((row, m) =>
          row.forEach((each, k) => {
            const { h } = passes[m].layers[layer][name]!.dStates;
            const step = name === 'forward' ? k : words - 1 - k;
            if (each === null) expect(rowAt(h, step + 1).every((value) => value === 0)).toBe(true);
          }),
        );
      });
    }),
    { seed: 39, numRuns: 15 },
  );
});

const rowAt = (
  {
    data,
    shape,
    stride,
    offset,
  }: { data: ArrayLike<number>; shape: readonly number[]; stride: readonly number[]; offset: number },
  n: number,
): number[] => Array.from({ length: shape[1] }, (_, j) => data[offset + n * stride[0] + j * stride[1]] + 0);

it('a masked ledger is the gradient of the real truncated run: blocks for every = back, bands for every = 1', () => {
  const windows = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 }));
  fc.assert(
    fc.property(networks, sentences, windows, (shape, sentence, [every, more]) => {
      const back = every + more;
      const reading = readingOf(kernels, modelOf({ ...shape, layers: 1, task: 'tag' }), sentence, {});
      const T = sentence.tokens.length;
      for (const direction of reading.directions) {
        const { unrolled, name } = direction;
        const { dY } = reading.full.layers[0];
        const at = name === 'forward' ? 0 : direction.hidden;
        const own = { ...dY, shape: [T, direction.hidden], offset: dY.offset + at * dY.stride[1] };
        const grads = zeroGrads(unrolled.params);
        unrollBackward(kernels, unrolled, own, grads, { truncate: { every, back } });
        const step = (k: number) => (name === 'forward' ? k : T - 1 - k);
        /** Loss and use in steps of the direction; the window of the loss ends before a multiple of `every`, or with the text. */
        const kept = (m: number, k: number) => {
          const end = Math.min(every * (Math.floor(step(m) / every) + 1), T);
          return step(k) <= step(m) && (back >= T || step(k) >= end - back);
        };
        for (const addends of reading.addends.filter(({ direction: d }) => d === name)) {
          const masked = maskedGradient(addends, seedBatches(reading.study, reading.losses), T, kept);
          const real = grads[addends.param.split('.')[3]].data;
          expect(gap(Array.from(masked), Array.from(real))).toBeLessThan(
            1e-12 * Math.max(1, largest(Array.from(real))),
          );
        }
      }
    }),
    { seed: 40, numRuns: 40 },
  );
});

it('the gradients of sentences of unequal lengths add up to those of their batch', () => {
  fc.assert(
    fc.property(networks, fc.array(sentences, { minLength: 2, maxLength: 4 }), (shape, batch) => {
      const model = modelOf({ ...shape, task: 'tag' });
      const alone = batch.map((sentence) => inspect(kernels, model, sentence, { ledger: false, jacobian: false }));
      const lengths = batch.map(({ tokens }) => tokens.length);
      const packed = packBatch(lengths, batch.map((_, i) => i)); // prettier-ignore
      const features = packFeatures(batch.map(({ tokens }) => model.readers[0].read(tokens)), packed); // prettier-ignore
      const x = model.params.encoders.words.weight;
      const E = x.shape[1];
      const rows = Array.from(features.ids as Int32Array, (id) =>
        Array.from({ length: E }, (_, e) => x.data[x.offset + id * E + e]),
      );
      // The first layer alone, its outputs' gradients gathered from the sentences.
      const { cell } = networkOf(model.config, model.own).layers[0];
      const params = doubled(model.params.layers[0].forward);
      const N = rows.length;
      const H = shape.hidden;
      const unrolled = unroll(kernels, cell, params, viewOf(Float64Array.from(rows.flat()), [N, E]), packed.packing);
      const dY = viewOf(new Float64Array(N * H), [N, H]);
      const grads = zeroGrads(params);
      const { order, offsets, lengths: sorted } = packed.packing;
      sorted.forEach((length, b) => {
        for (let t = 0; t < length; t++) {
          const { direct } = alone[order[b]].layers[0].forward.steps[t].gradients.states.h;
          dY.data.set(direct, (offsets[t] + b) * H);
        }
      });
      unrollBackward(kernels, unrolled, dY, grads);
      for (const name of Object.keys(params)) {
        const parts = alone.map(({ layers }) => layers[0].forward.dWeights[name].flat());
        const sum = parts[0].map((_, i) => parts.reduce((total, part) => total + part[i], 0));
        expect(gap(sum, Array.from(grads[name].data)) / largest(sum)).toBeLessThan(1e-12);
      }
    }),
    { seed: 41, numRuns: 15 },
  );
});

const doubled = <P extends Record<string, { data: ArrayLike<number>; shape: readonly number[] }>>(params: P) =>
  Object.fromEntries(
    Object.entries(params).map(([name, { data, shape }]) => [name, viewOf(Float64Array.from(data), shape)]),
  ) as never as import('../../src/cells/index.js').CellParams;

describe('extremes', () => {
  it.each(CELLS)('%s: one word, one unit, one label', (cell) => {
    const trace = inspect(kernels, untrained([{ tokens: ['a'] }], { cell, hidden: 1, embedding: 1, labels: ['X'] }), {
      tokens: ['a'],
    });
    expect(trace.losses[0].probabilities).toEqual([1]);
    expect(trace.loss).toBe(0);
    expect(trace.reach.norms).toEqual([[0]]);
    expect(trace.ledger.every(({ norm, total }) => norm === 0 && Number.isNaN(total))).toBe(true);
    expect(trace.identities.filter(({ holds }) => !holds)).toEqual([]);
  });

  it('NaN in a weight reaches what depends on it, and no law is said to hold of it', () => {
    const model = untrained([{ tokens: ['a', 'b'] }], { hidden: 2, embedding: 2, labels: ['X', 'Y'] });
    model.params.layers[0].forward.Wh.data[0] = NaN;
    const trace = inspect(kernels, model, { tokens: ['a', 'b'] });
    expect(trace.layers[0].forward.steps[0].states.h.every(Number.isFinite)).toBe(false);
    expect(trace.loss).toBeNaN();
    expect(trace.identities.find(({ name }) => name === 'reach-sums-to-gradient')).toMatchObject({ holds: false });
  });

  it('500 words, without a ledger', () => {
    const tokens = Array.from({ length: 500 }, (_, k) => `w${k % 7}`);
    const model = untrained([{ tokens }], { cell: 'gru', hidden: 2, embedding: 2, labels: ['X', 'Y'] });
    const trace = inspect(kernels, model, { tokens }, { ledger: false, jacobian: false, elements: [] });
    expect(trace.reach.norms).toHaveLength(500);
    expect(trace.identities.filter(({ holds }) => !holds)).toEqual([]);
  });
});

it('the words of a sentence of 2 bring the same numbers as two steps by hand', () => {
  // RNN by the header of its file, written out: h = tanh(x·Wx + b + h'·Wh), p = softmax(h·W + b).
  const tokens = ['cat', 'sat'];
  const model = untrained([{ tokens }], { cell: 'rnn', hidden: 1, embedding: 1, labels: ['X', 'Y'], seed: 3 });
  const trace = inspect(kernels, model, { tokens, labels: ['X', 'Y'] });
  const { Wx, Wh, b } = trace.layers[0].forward.weights;
  const { W, b: bias } = trace.head.weights;
  const [x0, x1] = trace.words.map(({ x }) => x[0]);
  const h0 = Math.tanh(x0 * Wx[0][0] + b[0][0]);
  const h1 = Math.tanh(x1 * Wx[0][0] + b[0][0] + h0 * Wh[0][0]);
  const p = (h: number) => {
    const e = W[0].map((w, k) => Math.exp(h * w + bias[0][k]));
    return e.map((each) => each / (e[0] + e[1]));
  };
  const dz = [p(h0)[0] - 1, p(h0)[1], p(h1)[0], p(h1)[1] - 1];
  const direct0 = dz[0] * W[0][0] + dz[1] * W[0][1];
  const direct1 = dz[2] * W[0][0] + dz[3] * W[0][1];
  const recurrent0 = direct1 * (1 - h1 * h1) * Wh[0][0];
  const [first] = trace.layers[0].forward.steps;
  expect(first.states.h[0]).toBeCloseTo(h0, 14);
  expect(first.gradients.states.h.direct[0]).toBeCloseTo(direct0, 14);
  expect(first.gradients.states.h.recurrent[0]).toBeCloseTo(recurrent0, 14);
  expect(trace.words[0].dx[0]).toBeCloseTo((direct0 + recurrent0) * (1 - h0 * h0) * Wx[0][0], 14);
  expect(trace.layers[0].forward.dWeights.Wh[0][0]).toBeCloseTo(direct1 * (1 - h1 * h1) * h0, 14);
  expect(trace.reach.norms[1][0]).toBeCloseTo(Math.abs(recurrent0 * (1 - h0 * h0) * Wx[0][0]), 14);
});
