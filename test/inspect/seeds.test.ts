/** Every seed by itself, and what is made of it, against the engine run once per seed and sums made here. */
import fc from 'fast-check';
import { at, before } from '../../src/autograd/layout.js';
import { cells } from '../../src/cells/index.js';
import type { Cell } from '../../src/cells/index.js';
import type { InspectOptions, InspectProgress } from '../../src/inspect/index.js';
import { inspect, untrained } from '../../src/inspect/index.js';
import { formed } from '../../src/inspect/ledger.js';
import { seedOf } from '../../src/inspect/losses.js';
import { readingOf } from '../../src/inspect/reading.js';
import { inputsOf, variablesOf } from '../../src/inspect/reach.js';
import { seedBatches } from '../../src/inspect/seeds.js';
import { backwardEach } from '../../src/inspect/study.js';
import { zeroGrads } from '../../src/autograd/index.js';
import { CELLS, flat, gap, kernels } from './support.js';

const WORDS = ['a', 'cat', 'the', 'dogs', 'ran'];
const LABELS = ['X', 'Y', 'Z'];

const questions = fc.record({
  cell: fc.constantFrom(...CELLS),
  hidden: fc.integer({ min: 1, max: 4 }),
  embedding: fc.integer({ min: 1, max: 3 }),
  layers: fc.integer({ min: 1, max: 2 }),
  bidirectional: fc.boolean(),
  task: fc.constantFrom('tag' as const, 'classify' as const),
  seed: fc.integer({ min: 0, max: 999 }),
  tokens: fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 7 }),
  most: fc.integer({ min: 1, max: 4 }),
});

const largest = (x: unknown): number => Math.max(...flat(x).map(Math.abs), Number.MIN_VALUE);

const readingFor = ({ tokens, ...shape }: { tokens: string[]; cell?: string | Cell }) =>
  readingOf(kernels, untrained([{ tokens: WORDS }], { ...shape, labels: LABELS }), { tokens }, {});

it('a batch of seeds leaves what one backward pass of the engine per seed leaves, at every variable', () => {
  fc.assert(
    fc.property(questions, ({ most, ...question }) => {
      const reading = readingFor(question);
      const { study, losses, directions } = reading;
      const each = backwardEach(study, losses.map((_, m) => seedOf(losses, m))); // prettier-ignore
      const variables = [inputsOf(reading), ...directions.flatMap((one) => Object.values(variablesOf(reading, one)))];
      const seen: number[] = [];
      for (const batch of seedBatches(study, losses, most)) {
        expect(batch.count).toBeLessThanOrEqual(most);
        for (let b = 0; b < batch.count; b++) {
          const m = batch.from + b;
          seen.push(m);
          for (const variable of variables) {
            question.tokens.forEach((_, k) => {
              const row = new Float64Array(variable.size);
              variable.read(batch, b, k, row);
              const due = variable.at(each[m], k);
              expect(gap(Array.from(row), due)).toBeLessThanOrEqual(1e-12 * Math.max(1, largest(due)));
            });
          }
        }
      }
      expect(seen).toEqual(losses.map((_, m) => m));
    }),
    { seed: 42, numRuns: 25 },
  );
});

it("an addend of a recurrent weight, two vectors, is what the cell's own product over one row makes", () => {
  fc.assert(
    fc.property(questions, ({ most: _, ...question }) => {
      const reading = readingFor(question);
      const { study, losses, directions } = reading;
      const each = backwardEach(study, losses.map((_, m) => seedOf(losses, m))); // prettier-ignore
      for (const batch of seedBatches(study, losses)) {
        for (const { layer, name, unrolled, words } of directions) {
          const { cell, params, packing, states, saved } = unrolled;
          const recurrent = Object.keys(params).filter((param) => param !== 'Wx' && param !== 'b');
          for (let k = 0; k < words; k++) {
            const s = name === 'forward' ? k : words - 1 - k;
            for (let m = 0; m < losses.length; m++) {
              const grads = zeroGrads(params);
              const { stepGrads } = each[m].layers[layer][name]!;
              const step = at({ ...saved, ...stepGrads }, packing, s);
              cell.weightGradients(kernels, before(states, packing, s).h, step, grads);
              for (const param of recurrent) {
                const addends = reading.addends.find((one) => one.param === `layers.${layer}.${name}.${param}`)!;
                expect(addends.parts.kind).toBe('factors');
                const made = Array.from(formed(addends, batch, m - batch.from, k) ?? []);
                const due = Array.from((grads as unknown as Record<string, { data: ArrayLike<number> }>)[param].data);
                expect(gap(made, due)).toBeLessThanOrEqual(1e-12 * Math.max(1, largest(due)));
              }
            }
          }
        }
      }
    }),
    { seed: 43, numRuns: 15 },
  );
});

it('a weight gradient of your own that is not a product of two vectors is formed, and its shares add up too', () => {
  const bent: Cell = {
    ...cells.rnn,
    name: 'bent',
    equations: undefined,
    original: undefined,
    weightGradients(own, hPrev, saved, grads) {
      cells.rnn.weightGradients(own, hPrev, saved, grads);
      const [rows, H] = hPrev.shape;
      for (let n = 0; n < rows; n++) for (let i = 0; i < H; i++) grads.Wh.data[i * H + i] += 0.5 * saved.da.data[saved.da.offset + n * H + i]; // prettier-ignore
    },
  };
  const tokens = ['a', 'cat', 'ran', 'a'];
  const reading = readingFor({ tokens, cell: bent });
  expect(reading.addends.find(({ param }) => param.endsWith('.Wh'))!.parts.kind).toBe('whole');
  const trace = inspect(kernels, reading.study.model, { tokens }, { checks: 0 });
  const names = ['shares-sum-to-one', 'addends-sum-to-gradient'];
  expect(trace.identities.filter(({ name }) => names.includes(name)).map(({ holds }) => holds)).toEqual([true, true]);
});

describe('what is asked for', () => {
  const tokens = ['a', 'cat', 'ran'];
  const model = untrained([{ tokens: WORDS }], { hidden: 3, embedding: 2, labels: LABELS });
  const read = (options: InspectOptions) => inspect(kernels, model, { tokens }, { checks: 0, ...options });

  it('reach at some variables alone, the same numbers', () => {
    const [all, some, none] = [read({}), read({ reach: ['h', 'a'] }), read({ reach: false })];
    expect(some.layers[0].forward.reach).toEqual({
      h: all.layers[0].forward.reach.h,
      a: all.layers[0].forward.reach.a,
    });
    expect(some.reach).toEqual({ size: 2, norms: [], retention: [], reference: [], total: [], length: [] });
    expect(none.layers[0].forward.reach).toEqual({});
    expect(none.identities.map(({ name }) => name)).not.toContain('reach-sums-to-gradient');
    expect(read({ reach: ['x'] }).reach).toEqual(all.reach);
  });

  it('a ledger of some parameters alone, the same numbers', () => {
    const param = 'layers.0.forward.Wh';
    expect(read({ ledger: [param] }).ledger).toEqual(read({}).ledger.filter((entry) => entry.param === param));
  });

  it.each<[InspectOptions, string]>([
    [{ reach: ['q'] }, 'inspect: reach must name some of x, h, c, state, a; got "q"'],
    [{ ledger: ['Wh'] }, 'inspect: ledger must name parameters, some of layers.0.forward.Wx, '],
    [{ reach: 'x' as never }, 'inspect: reach must be true, false or a list of names; got the string'],
    [{ onProgress: 1 as never }, 'inspect: onProgress must be a function'],
  ])('%j is refused', (options, message) => {
    expect(() => read(options)).toThrow(message);
  });

  it('Jacobians unasked where they cost little: T·S³ up to 2^24', () => {
    const wide = untrained([{ tokens: WORDS }], { cell: 'rnn', hidden: 64, embedding: 1, labels: LABELS });
    const jacobian = (words: number) =>
      inspect(kernels, wide, { tokens: new Array<string>(words).fill('a') }, { checks: 0, reach: false, ledger: false, elements: [] }).layers[0].forward.jacobian; // prettier-ignore
    expect(jacobian(2)).not.toBeNull();
    expect(jacobian(65)).toBeNull();
  });

  it('progress goes from 0 to all of each part, and what it throws ends the reading', () => {
    const told: InspectProgress[] = [];
    read({ onProgress: (progress) => told.push(progress) });
    expect(told[0]).toEqual({ part: 'losses', done: 0, total: 3 });
    expect(told.filter(({ part }) => part === 'losses').at(-1)).toEqual({ part: 'losses', done: 3, total: 3 });
    const stop = () => {
      throw new Error('stop');
    };
    expect(() => read({ onProgress: stop })).toThrow('stop');
  });
});
