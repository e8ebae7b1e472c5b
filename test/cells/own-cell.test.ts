/**
 * A cell of one's own runs as written, whatever it is called: on every backend, in both element types, on every way through a
 * layer. Each variant counts its steps; a step that a backend's own loop took would not be counted.
 */
import {
  packingOf,
  unroll,
  unrollAsync,
  unrollBackward,
  unrollBackwardAsync,
  zeroGrads,
} from '../../src/autograd/index';
import { cells, expectCell, fusedName } from '../../src/cells/index';
import type { Cell, CellParams } from '../../src/cells/index';
import {
  createCpuKernels,
  createGpuAsyncKernels,
  createGpuKernels,
  createWasmKernels,
  profile,
  withAsyncFallback,
  withFallback,
} from '../../src/kernels/index';
import type { Kernels } from '../../src/kernels/index';
import { initStack, stackBackward, stackForward, stackInference } from '../../src/layers/index';
import { createAsyncTagger, createTagger, generateCorpus, loadModel, saveModel, train } from '../../src/labeling/index';
import type { TrainOptions } from '../../src/labeling/index';
import { withDefaults } from '../../src/labeling/training/options';
import { ArgumentError, createRng, DataError, normal } from '../../src/tensor/index';
import type { DType } from '../../src/tensor/index';
import { fakeGpu } from '../support/fake-gpu';

interface Counts {
  forward: number;
  backward: number;
  weights: number;
}

/** A variant of a cell, called the same, that counts what is called of it. */
function counting(name: string): { cell: Cell; counts: Counts } {
  const counts = { forward: 0, backward: 0, weights: 0 };
  const base = cells[name];
  const cell: Cell = {
    ...base,
    stepForward: (...args) => (counts.forward++, base.stepForward(...args)),
    stepBackward: (...args) => (counts.backward++, base.stepBackward(...args)),
    weightGradients: (...args) => (counts.weights++, base.weightGradients(...args)),
  };
  return { cell, counts };
}

const NAMES = Object.keys(cells);
const LENGTHS = [4, 2, 3];
const [T, D, H] = [4, 3, 5];

const BACKENDS: readonly (readonly [string, readonly DType[], () => Promise<Kernels>])[] = [
  ['cpu', ['float32', 'float64'], async () => createCpuKernels()],
  ['wasm', ['float32', 'float64'], () => createWasmKernels()],
  ['gpu', ['float32'], () => createGpuKernels({ library: fakeGpu().library })],
  [
    'gpu+wasm',
    ['float32'],
    async () => withFallback(await createGpuKernels({ library: fakeGpu().library }), await createWasmKernels()),
  ],
  ['wasm, profiled', ['float32'], async () => profile(await createWasmKernels()).kernels],
];

const PATHS = BACKENDS.flatMap(([backend, dtypes, open]) =>
  NAMES.flatMap((name) => dtypes.map((dtype) => [name, backend, dtype, open] as const)),
);

function layer(cell: Cell, dtype: DType) {
  const rng = createRng(3);
  const packing = packingOf(LENGTHS);
  const params = cell.initialize(D, H, rng, { dtype, learnedInitialState: true });
  const x = normal([packing.total, D], 1, rng, dtype);
  const dY = normal([packing.total, H], 1, rng, dtype);
  const grads = zeroGrads(params);
  return { packing, params, x, dY, grads };
}

describe.each(PATHS)('a %s of one’s own on %s in %s', (name, _, dtype, open) => {
  it.each(['steps', 'gradients'] as const)('takes every step in unroll, keep %s', async (keep) => {
    const kernels = await open();
    const { cell, counts } = counting(name);
    const { packing, params, x, dY, grads } = layer(cell, dtype);
    const pass = unroll(kernels, cell, params, x, packing, { keep });
    expect(counts).toEqual({ forward: T, backward: 0, weights: 0 });
    unrollBackward(kernels, pass, dY, grads);
    expect(counts).toEqual({ forward: T, backward: T, weights: 1 });
  });

  it('takes every step under truncation, in a stack, and in inference', async () => {
    const kernels = await open();
    const { cell, counts } = counting(name);
    const { packing, params, x, dY, grads } = layer(cell, dtype);
    unrollBackward(kernels, unroll(kernels, cell, params, x, packing), dY, grads, { truncate: { every: 2, back: 2 } });
    const swept = counts.backward;
    expect(swept).toBeGreaterThan(T); // one step belongs to two windows

    const layers = [{ cell, hidden: H, bidirectional: true }];
    const stack = initStack(D, layers, createRng(4), { dtype });
    const pass = stackForward(kernels, layers, stack, x, packing, { keep: 'gradients' });
    expect(counts.forward).toBe(3 * T);
    const dStack = normal([packing.total, 2 * H], 1, createRng(5), dtype);
    const both = {
      forward: zeroGrads(stack[0].forward),
      reverse: zeroGrads((stack[0] as { reverse: CellParams }).reverse),
    };
    stackBackward(kernels, pass, dStack, [both]);
    expect(counts).toEqual({ forward: 3 * T, backward: swept + 2 * T, weights: 3 });

    for (const table of [undefined, x]) {
      const inference = stackInference(kernels, layers, stack, table);
      inference.run(table ? Int32Array.from({ length: packing.total }, (_, i) => i) : x, packing);
      inference.release();
    }
    expect(counts.forward).toBe(7 * T);
  });
});

describe('on an asynchronous device', () => {
  it.each(NAMES)('a %s of one’s own takes every step', async (name) => {
    const host = createCpuKernels();
    const device = withAsyncFallback(await createGpuAsyncKernels({ library: fakeGpu().library }), host);
    const { cell, counts } = counting(name);
    const { packing, params, x, dY, grads } = layer(cell, 'float32');
    const pass = await unrollAsync(device, host, cell, params, x, packing, { keep: 'gradients' });
    await unrollBackwardAsync(device, host, pass, dY, grads);
    expect(counts).toEqual({ forward: T, backward: T, weights: 1 });
  });
});

describe('a variant', () => {
  it('gives its own result where the built-in cell is fused', async () => {
    const kernels = await createWasmKernels();
    const idle: Cell = { ...cells.rnn, stepForward: (_k, _p, _prev, _cache, next) => void next.h.data.fill(7) };
    const { packing, params, x } = layer(cells.rnn, 'float32');
    expect(unroll(kernels, idle, params, x, packing).y.data.every((value) => value === 7)).toBe(true);
    expect(unroll(kernels, cells.rnn, params, x, packing).y.data.every((value) => value === 7)).toBe(false);
  });

  it('keeps the loops of a backend where it has the functions of the built-in cell', () => {
    for (const name of NAMES) {
      expect(fusedName(cells[name])).toBe(name);
      expect(fusedName({ ...cells[name], name: 'renamed', initialize: cells.lstm.initialize })).toBe(name);
    }
  });

  it.each([
    'gates',
    'states',
    'saved',
    'stepGrads',
    'shapes',
    'stepForward',
    'stepBackward',
    'weightGradients',
  ] as const)('loses them with another %s', (member) => {
    const other = { ...cells.lstm, [member]: cells['gru'][member] } as Cell;
    expect(fusedName(other)).toBeUndefined();
  });
});

describe('a built-in cell', () => {
  // The counter itself would see nothing if the backend did take the loop: this shows that it does.
  it('is taken by the loop of the backend, all of its steps', async () => {
    const wasm = await createWasmKernels();
    const taken: string[] = [];
    const fused = Object.fromEntries(
      Object.entries(wasm.fused ?? {}).map(([name, scan]) => [
        name,
        { ...scan, forward: (tensors: never) => (taken.push(name), scan.forward(tensors)) },
      ]),
    );
    for (const name of NAMES) {
      const { packing, params, x } = layer(cells[name], 'float32');
      unroll({ ...wasm, fused } as Kernels, cells[name], params, x, packing);
    }
    expect(taken).toEqual(NAMES);
  });
});

const corpus = generateCorpus({ sentences: 40, seed: 5, maxPhrases: 1 });
const CORPORA = { train: corpus.slice(0, 30), dev: corpus.slice(30) };
const OPTIONS: TrainOptions = { embedding: 6, hidden: 5, epochs: 1, batch: 8, seed: 2 };
const sentences = CORPORA.dev.map(({ tokens }) => tokens);

describe('train({ cell })', () => {
  it('gives the bytes of the name for a built-in cell', async () => {
    const kernels = createCpuKernels();
    const byName = await train(kernels, CORPORA, { ...OPTIONS, cell: 'gru' });
    const byCell = await train(kernels, CORPORA, { ...OPTIONS, cell: cells.gru });
    expect(saveModel(byCell.model)).toEqual(saveModel(byName.model));
    expect(byCell.model.own.cell).toBeUndefined();
    expect(() => structuredClone(withDefaults({ cell: cells.gru }))).not.toThrow(); // workers are told of it
    expect(() => structuredClone(withDefaults({ cell: counting('gru').cell }))).toThrow();
  });

  it('runs a variant as written, and its model needs it', async () => {
    for (const kernels of [createCpuKernels(), await createWasmKernels()]) {
      const { cell, counts } = counting('lstm');
      const { model } = await train(kernels, CORPORA, { ...OPTIONS, cell });
      const { forward, backward } = counts;
      expect(backward).toBeGreaterThan(0);
      expect(forward).toBeGreaterThan(backward); // the development set runs forward alone
      expect(model.config.body).toMatchObject({ cell: 'lstm', ownCell: true });

      const bytes = saveModel(model);
      expect(() => loadModel(bytes)).toThrow(DataError);
      expect(() => loadModel(bytes)).toThrow(/'lstm'.*pass that cell/);
      expect(() => createTagger(bytes, kernels)).toThrow(/pass that cell/);
      expect(() => loadModel(bytes, { cell: { ...cell, name: 'other' } })).toThrow(/'lstm'.*got 'other'/);
      expect(() => loadModel(bytes, { cell: {} as Cell })).toThrow(ArgumentError);

      const loaded = loadModel(bytes, { cell });
      expect(saveModel(loaded)).toEqual(bytes);
      const answers = createTagger(loaded, kernels).tag(sentences);
      expect(counts.forward).toBeGreaterThan(forward);
      expect(createTagger(bytes, kernels, { cell }).tag(sentences)).toEqual(answers);
      expect(await createAsyncTagger(loaded, await laterOn(kernels), kernels).tag(sentences)).toEqual(answers);
    }
  });

  it('refuses the cell of somebody’s own for a model with a built-in one', async () => {
    const { model } = await train(createCpuKernels(), CORPORA, { ...OPTIONS, cell: 'rnn' });
    const bytes = saveModel(model);
    expect(loadModel(bytes, { cell: cells.rnn }).config.body.cell).toBe('rnn');
    expect(() => loadModel(bytes, { cell: counting('rnn').cell })).toThrow(/built-in cell 'rnn'/);
  });

  it('trains on one thread, and says why', async () => {
    const reasons: (string | undefined)[] = [];
    const threads = { count: 2, start: jest.fn() };
    const { cell } = counting('rnn');
    await train(
      createCpuKernels(),
      CORPORA,
      { ...OPTIONS, cell, threads },
      { onThreads: (c) => reasons.push(c.reason) },
    );
    expect(threads.start).not.toHaveBeenCalled();
    expect(reasons).toEqual([expect.stringContaining('a custom cell runs on one thread only')]);
  });

  it.each([
    [3, /cell/],
    [{}, /cell\.name/],
    [{ ...cells.lstm, states: ['c', 'h'] }, /cell\.states.*'h' first/],
    [{ ...cells.lstm, saved: { tanhC: 1 } }, /cell\.saved/],
    [{ ...cells.lstm, stepBackward: undefined }, /cell\.stepBackward must be a function; got nothing/],
  ])('refuses %p', async (cell, message) => {
    await expect(train(createCpuKernels(), CORPORA, { ...OPTIONS, cell: cell as Cell })).rejects.toThrow(message);
    expect(() => expectCell('here', cell)).toThrow(ArgumentError);
  });
});

async function laterOn(kernels: Kernels) {
  return {
    backend: 'later',
    dtypes: kernels.dtypes,
    addMatmul: async (...[out, a, b]: Parameters<Kernels['addMatmul']>) => kernels.addMatmul(out, a, b),
    addMatmulTA: async (...[out, a, b]: Parameters<Kernels['addMatmul']>) => kernels.addMatmulTA(out, a, b),
    addMatmulTB: async (...[out, a, b]: Parameters<Kernels['addMatmul']>) => kernels.addMatmulTB(out, a, b),
    dispose: async () => undefined,
  };
}
