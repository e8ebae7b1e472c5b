/**
 * Layers that are run and never walked backward give the outputs of `stackForward`, to the bit: where the backend takes them
 * over, where it declines, and where it never does.
 */
import { packingOf } from '../../src/autograd/packing.js';
import { cells } from '../../src/cells/index.js';
import { createCpuKernels, createWasmKernels, profile, withFallback } from '../../src/kernels/index.js';
import type { InferenceLayer, Kernels, WasmKernels } from '../../src/kernels/index.js';
import { embeddingForward } from '../../src/layers/embedding.js';
import { stackInference } from '../../src/layers/inference.js';
import { initStack, stackForward } from '../../src/layers/stack.js';
import type { LayerParams, LayerSpec } from '../../src/layers/stack.js';
import { flatten } from '../../src/autograd/grads.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, columns } from '../../src/tensor/view.js';
import { numbers, random } from './support.js';

let wasm: WasmKernels;
beforeEach(async () => {
  wasm = await createWasmKernels();
  wasm.reserve(2 ** 25); // Without room a frame goes the slow way round, whose sums have other bits.
});
afterEach(() => wasm.dispose());

/** Batches of one turn, of several with steps of many rows and of few, longer than a turn, and with nothing in them. */
const BATCHES: readonly (readonly number[])[] = [
  [7],
  [3, 1, 4, 0, 2],
  [150, 3],
  Array.from({ length: 70 }, (_, b) => 1 + (b % 5)),
  Array.from({ length: 21 }, (_, b) => 2 + ((b * 7) % 13)),
  [0, 0],
  [],
];

/** Sizes that fill panels and vectors, and sizes that do not. */
const SIZES = [
  [5, 8],
  [13, 6],
  [32, 33],
] as const;

function problem(
  cell: string,
  [D, H]: readonly [number, number],
  bidirectional: boolean,
  learnInitial = false,
): { layers: LayerSpec[]; params: LayerParams[] } {
  const layers = [
    { cell: cells[cell], hidden: H, bidirectional },
    { cell: cells[cell], hidden: H + 3, bidirectional: !bidirectional },
  ];
  const rng = createRng(D * 100 + H);
  const params = initStack(D, layers, rng, { learnedInitialState: learnInitial });
  for (const p of Object.values(flatten(params as never) as Record<string, Tensor>)) {
    for (let i = 0; i < p.data.length; i++) p.data[i] += 0.2 * rng.normal();
  }
  return { layers, params };
}

/** Kernels whose layers say whether they ran, and of which table they were made. */
function watched(kernels: Kernels): { kernels: Kernels; answers: boolean[]; tables: (Tensor | undefined)[] } {
  const answers: boolean[] = [];
  const tables: (Tensor | undefined)[] = [];
  const watch = (layer: InferenceLayer | undefined): InferenceLayer | undefined =>
    layer && {
      run(tensors) {
        answers.push(layer.run(tensors));
        return answers[answers.length - 1];
      },
      release: layer.release,
    };
  const fused = Object.fromEntries(
    Object.entries(kernels.fused ?? {}).map(([name, scan]) => [
      name,
      {
        ...scan,
        infer(...args: Parameters<NonNullable<typeof scan.infer>>) {
          tables.push(args[1]);
          return watch(scan.infer?.(...args));
        },
      },
    ]),
  );
  return { kernels: { ...kernels, fused }, answers, tables };
}

function outputs(
  kernels: Kernels,
  { layers, params }: ReturnType<typeof problem>,
  x: Tensor,
  lengths: readonly number[],
) {
  const packing = packingOf(lengths);
  const stack = stackInference(kernels, layers, params);
  const got = kernels.frame(() => numbers(stack.run(x, packing)));
  stack.release();
  return { got, expected: kernels.frame(() => numbers(stackForward(kernels, layers, params, x, packing).y)) };
}

const input = (lengths: readonly number[], D: number): Tensor =>
  random([lengths.reduce((sum, length) => sum + length, 0), D], createRng(5), 'float32');

describe.each(Object.keys(cells))('a stack of %s', (cell) => {
  it.each(SIZES)('gives the outputs of stackForward, D = %d, H = %d', (D, H) => {
    for (const lengths of BATCHES) {
      for (const bidirectional of [true, false]) {
        const { kernels, answers } = watched(wasm);
        const { got, expected } = outputs(kernels, problem(cell, [D, H], bidirectional), input(lengths, D), lengths);
        expect(got).toEqual(expected);
        expect(answers).toEqual(answers.map(() => lengths.some((length) => length > 0)));
        expect(answers).toHaveLength(3);
      }
    }
  });

  it('starts from a learned initial state', () => {
    const lengths = [9, 80, 2];
    const { kernels, answers } = watched(wasm);
    const { got, expected } = outputs(kernels, problem(cell, [7, 10], true, true), input(lengths, 7), lengths);
    expect(got).toEqual(expected);
    expect(answers).toEqual([true, true, true]);
    const without = problem(cell, [7, 10], true, true);
    for (const layer of without.params) for (const way of Object.values(layer)) delete (way as { h0?: Tensor }).h0;
    for (const layer of without.params) for (const way of Object.values(layer)) delete (way as { c0?: Tensor }).c0;
    expect(outputs(wasm, without, input(lengths, 7), lengths).got).not.toEqual(expected);
  });

  it('runs where no backend takes it over', () => {
    const lengths = [4, 1, 6];
    const { got, expected } = outputs(createCpuKernels(), problem(cell, [4, 5], true), input(lengths, 4), lengths);
    expect(got).toEqual(expected);
  });
});

/** Word ids with repetitions, `from … from + V`. */
function words(lengths: readonly number[], V: number, from = 0, seed = 3): Int32Array {
  const rng = createRng(seed);
  return Int32Array.from({ length: lengths.reduce((sum, length) => sum + length, 0) }, () => from + rng.integer(V));
}

describe.each(Object.keys(cells))('a stack of %s whose inputs are rows of a table', (cell) => {
  const made = (table: Tensor, bidirectional: boolean) => problem(cell, [table.shape[1], 11], bidirectional, true);
  /** Outputs for several batches of ids in a row, and those of the ordinary way. */
  const both = (kernels: Kernels, table: Tensor, batches: readonly (readonly [readonly number[], Int32Array])[]) => {
    const { layers, params } = made(table, true);
    const stack = stackInference(kernels, layers, params, table);
    const got = batches.map(([lengths, ids]) => kernels.frame(() => numbers(stack.run(ids, packingOf(lengths)))));
    stack.release();
    const expected = batches.map(([lengths, ids]) =>
      kernels.frame(() => {
        const x = embeddingForward(kernels, { weight: table }, ids);
        return numbers(stackForward(kernels, layers, params, x, packingOf(lengths)).y);
      }),
    );
    return { got, expected };
  };

  const part = (x: Tensor): Tensor => ({ ...x, shape: [40, 7], offset: 3 * 12 + 2 });
  const filled = (x: Tensor): Tensor => {
    x.data.set(random(x.shape, createRng(11), 'float32').data);
    return x;
  };
  const TABLES: Record<string, () => Tensor> = {
    'outside of the memory': () => random([40, 7], createRng(11), 'float32'),
    'outside, a part of a matrix': () => part(random([50, 12], createRng(11), 'float32')),
    inside: () => filled(wasm.allocate([40, 7], 'float32')),
    'inside, a part of a matrix': () => part(filled(wasm.allocate([50, 12], 'float32'))),
  };

  it.each(Object.keys(TABLES))('gives the same bits, new words or known ones, the table %s', (where) => {
    const table = TABLES[where]();
    const { kernels, answers, tables } = watched(wasm);
    const batches = BATCHES.map((lengths, i) => [lengths, words(lengths, 40, 0, i)] as const);
    const { got, expected } = both(kernels, table, [...batches, ...batches]);
    expect(got).toEqual(expected);
    expect(answers.filter((answer) => answer)).toHaveLength(3 * 10); // three layers; five batches with rows, twice
    expect(tables).toEqual([table, table, undefined]);
  });

  it('keeps nothing of a table that lies along its columns', () => {
    const table = { ...random([7, 40], createRng(11), 'float32'), shape: [40, 7], stride: [1, 40] };
    const lengths = [5, 2, 9];
    const { kernels, answers } = watched(wasm);
    const { got, expected } = both(kernels, table, [[lengths, words(lengths, 40)]]);
    expect(got).toEqual(expected);
    expect(answers).toEqual([false, true, false, true, true]); // not by ids, but by rows
  });

  it('projects rows beyond the kept ones each time', () => {
    const kept = Math.floor(2 ** 25 / (4 * cells[cell].gates * 11));
    const table = random([kept + 30, 2], createRng(12), 'float32');
    const lengths = [70, 3, 41];
    const batches = [0, 1, 2].map((seed) => [lengths, words(lengths, 60, kept - 30, seed)] as const);
    const { got, expected } = both(wasm, table, batches);
    expect(got).toEqual(expected);
  });

  it('looks the rows up where no backend takes it over, or none keeps projections', async () => {
    const table = random([30, 5], createRng(13), 'float32');
    const lengths = [4, 1, 6];
    const batches = [[lengths, words(lengths, 30)]] as const;
    const { got, expected } = both(createCpuKernels(), table, batches);
    expect(got).toEqual(expected);
    const large = random([120_000, 5], createRng(13), 'float32'); // for whose projections there is no memory
    const small = await createWasmKernels({ maximumBytes: 5 * 2 ** 19 });
    const { kernels, answers } = watched(small);
    const { got: without, expected: same } = both(kernels, large, batches);
    expect(without).toEqual(same);
    expect(answers).toEqual([false, true, false, true, true]); // not by ids, but by rows
  });
});

describe('the projections of a table', () => {
  const table = () => random([20, 6], createRng(14), 'float32');
  const { layers, params } = problem('gru', [6, 9], true);
  const lengths = [5, 2];
  const packing = packingOf(lengths);
  const known = words(lengths, 10);
  const fresh = words(lengths, 10, 10);

  it('are made when a row first comes up, and kept', () => {
    const changing = table();
    const stack = stackInference(wasm, layers, params, changing);
    const run = (ids: Int32Array) => wasm.frame(() => numbers(stack.run(ids, packing)));
    const before = run(known);
    const copy = { ...changing, data: changing.data.slice() };
    changing.data.fill(0);
    expect(run(known)).toEqual(before);
    const x = embeddingForward(wasm, { weight: copy }, fresh);
    expect(run(fresh)).not.toEqual(wasm.frame(() => numbers(stackForward(wasm, layers, params, x, packing).y)));
    stack.release();
  });

  it('are kept of every row of a table that is not too large', () => {
    const changing = table();
    const stack = stackInference(wasm, layers, params, changing);
    const all = Int32Array.from({ length: 20 }, (_, id) => id);
    const run = () => wasm.frame(() => numbers(stack.run(all, packingOf([20]))));
    const before = run();
    changing.data.fill(0);
    expect(run()).toEqual(before);
    stack.release();
  });

  it('are forgotten from the row on that is said to change', () => {
    const changing = table();
    const stack = stackInference(wasm, layers, params, changing);
    const all = Int32Array.from({ length: 20 }, (_, id) => id);
    const run = (ids: Int32Array) => wasm.frame(() => numbers(stack.run(ids, packingOf([ids.length]))));
    const before = run(all);
    changing.data.fill(0, 12 * 6); // rows 12 … 19
    expect(run(all)).toEqual(before);
    stack.forget(12);
    const x = embeddingForward(wasm, { weight: changing }, all);
    const wanted = wasm.frame(() => numbers(stackForward(wasm, layers, params, x, packingOf([20])).y));
    expect(run(all)).toEqual(wanted);
    expect(wanted).not.toEqual(before);
    changing.data.fill(0);
    expect(run(all)).toEqual(wanted); // those before were kept
    stack.release();
    const without = stackInference(createCpuKernels(), layers, params, changing);
    expect(() => without.forget(0)).not.toThrow();
    without.release();
  });

  it('take at most an eighth of the memory that is left', async () => {
    const answersOf = async (V: number) => {
      const small = await createWasmKernels({ maximumBytes: 2 ** 23 });
      const { kernels, answers } = watched(small);
      const stack = stackInference(kernels, layers, params, random([V, 6], createRng(1), 'float32'));
      kernels.frame(() => stack.run(known, packing));
      return answers;
    };
    expect(await answersOf(Math.floor(2 ** 19 / (4 * 27)))).toEqual([true, true, true]);
    expect(await answersOf(Math.floor(2 ** 20 / (4 * 27)))).toEqual([false, true, false, true, true]);
  });

  it('are those of one table', () => {
    const layer = wasm.fused!.gru.infer!(params[0].forward, table())!;
    wasm.workspace.frame(() => {
      const y = wasm.workspace.allocate([7, 9], 'float32');
      const { batchSizes } = packing;
      expect(layer.run({ batchSizes, x: table(), ids: known, y })).toBe(false);
      expect(numbers(y).every((value) => value === 0)).toBe(true);
    });
    layer.release();
  });

  it('are kept behind a profile and behind a device too', () => {
    const device = { ...createCpuKernels(), backend: 'device' };
    const pair = withFallback(device, wasm, undefined, { product: () => false, layer: () => false });
    for (const kernels of [profile(wasm).kernels, pair]) {
      const seen = watched(kernels);
      const stack = stackInference(seen.kernels, layers, params, table());
      kernels.frame(() => stack.run(known, packing));
      expect(seen.answers).toEqual([true, true, true]);
      stack.release();
    }
  });

  it('give their memory back, and stay right where the memory moves', () => {
    stackInference(wasm, layers, params, table()).release();
    const bytes = wasm.memory.buffer.byteLength;
    for (let round = 0; round < 200; round++) stackInference(wasm, layers, params, table()).release();
    expect(wasm.memory.buffer.byteLength).toBe(bytes);
    const first = stackInference(wasm, layers, params, table());
    const second = stackInference(wasm, layers, params, table());
    const expected = wasm.frame(() => numbers(second.run(known, packing)));
    first.release();
    expect(wasm.frame(() => numbers(second.run(known, packing)))).toEqual(expected);
    second.release();
    wasm.reserve(2 ** 26); // grows: what is held moves
    const third = stackInference(wasm, layers, params, table());
    expect(wasm.frame(() => numbers(third.run(known, packing)))).toEqual(expected);
    third.release();
  });

  it('are refused ids that are not rows, and ids without a table', () => {
    const stack = stackInference(wasm, layers, params, table());
    expect(() => stack.run(Int32Array.of(0, 1, 2, 3, 4, 5, 20), packing)).toThrow('ids[6] must be a row of weight');
    expect(() => stack.run(Int32Array.of(0, 1), packing)).toThrow(ShapeError);
    stack.release();
    const without = stackInference(wasm, layers, params);
    expect(() => without.run(known, packing)).toThrow(ArgumentError);
    without.release();
    const wide = stackInference(wasm, layers, params, random([20, 5], createRng(1), 'float32'));
    expect(() => wide.run(known, packing)).toThrow(ShapeError);
    wide.release();
  });
});

describe('a layer of the WebAssembly backend', () => {
  const lengths = [11, 4, 17];
  const made = () => problem('lstm', [6, 9], true);
  const first = ({ params }: ReturnType<typeof problem>) => params[0].forward as unknown as Record<string, Tensor>;

  it('is not taken over in float64, inside a frame, or without memory for it', async () => {
    const params = first(made());
    const wide = Object.fromEntries(Object.entries(params).map(([name, x]) => [name, allocate(x.shape, 'float64')]));
    expect(wasm.fused?.lstm.infer?.(wide)).toBeUndefined();
    expect(wasm.workspace.frame(() => wasm.fused?.lstm.infer?.(params))).toBeUndefined();
    const small = await createWasmKernels({ maximumBytes: 2 ** 19 });
    const huge = problem('lstm', [110, 110], false);
    expect(small.fused?.lstm.infer?.(first(huge))).toBeUndefined();
    const { got, expected } = outputs(small, huge, input([2, 1], 110), [2, 1]);
    expect(got).toEqual(expected);
  });

  it('declines what it cannot read or write in place, and has written nothing', () => {
    const layer = wasm.fused!.lstm.infer!(first(made()))!;
    const batchSizes = Int32Array.of(2, 1);
    wasm.workspace.frame(() => {
      const x = random([3, 6], createRng(1), 'float32');
      const y = wasm.workspace.allocate([3, 9], 'float32');
      const outside = allocate([3, 9], 'float32');
      const gapped = columns(random([3, 12], createRng(1), 'float32'), 0, 6);
      const across = { ...gapped, stride: [1, 3] };
      const declined = [
        { x, y: outside },
        { x: across, y },
        { x: random([3, 5], createRng(1), 'float32'), y },
        { x: random([3, 6], createRng(1), 'float64'), y },
        { x, y: wasm.workspace.allocate([3, 8], 'float32') },
      ];
      for (const { x: from, y: to } of declined) expect(layer.run({ batchSizes, x: from, y: to })).toBe(false);
      expect(layer.run({ batchSizes: new Int32Array(0), x, y })).toBe(false);
      expect([...numbers(y), ...numbers(outside)].every((value) => value === 0)).toBe(true);
      expect(layer.run({ batchSizes, x: gapped, y })).toBe(true);
      expect(numbers(y).some((value) => value !== 0)).toBe(true);
    });
    layer.release();
  });

  it('keeps the weights it was made with, and gives its memory back', () => {
    const stack = made();
    const x = input(lengths, 6);
    const packing = packingOf(lengths);
    const before = wasm.frame(() => numbers(stackForward(wasm, stack.layers, stack.params, x, packing).y));
    const inference = stackInference(wasm, stack.layers, stack.params);
    for (const layer of stack.params) layer.forward.Wh.data.fill(0);
    expect(wasm.frame(() => numbers(inference.run(x, packing)))).toEqual(before);
    inference.release();
    const bytes = wasm.memory.buffer.byteLength;
    for (let round = 0; round < 200; round++) stackInference(wasm, stack.layers, stack.params).release();
    expect(wasm.memory.buffer.byteLength).toBe(bytes);
  });

  it('goes on by unroll where a frame has no room for it', async () => {
    const small = await createWasmKernels({ maximumBytes: 3 * 2 ** 20 });
    const long = [4000, 900];
    const { kernels, answers } = watched(small);
    const { got, expected } = outputs(kernels, made(), input(long, 6), long);
    expect(answers).toContain(false);
    expect(got.length).toBe(expected.length);
    const { got: roomy } = outputs(wasm, made(), input(long, 6), long);
    const worst = roomy.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i])), 0);
    expect(worst).toBeLessThan(1e-5);
  });

  it('is checked like unroll', () => {
    const stack = made();
    const inference = stackInference(wasm, stack.layers, stack.params);
    expect(() => inference.run(input([3], 7), packingOf([3]))).toThrow(ShapeError);
    expect(() => inference.run(input([3], 6), packingOf([4]))).toThrow(ShapeError);
    inference.release();
    expect(() => stackInference(wasm, stack.layers.slice(1), stack.params)).toThrow('one entry per layer');
  });

  it('shows in a profile', () => {
    const { kernels, phases } = profile(wasm);
    outputs(kernels, made(), input(lengths, 6), lengths);
    expect(phases().find(({ name }) => name === 'layers')?.calls).toBe(3);
  });

  it('leaves the projection to a device as long as that pays', () => {
    const device = { ...createCpuKernels(), backend: 'device' };
    const asked: (readonly number[])[] = [];
    let pays = true;
    const pair = withFallback(device, wasm, undefined, {
      product(_, out, a) {
        asked.push([...a.shape, out.shape[1]]);
        return pays;
      },
      layer: () => true, // but this device has no layers
    });
    const { kernels, answers } = watched(pair);
    outputs(kernels, made(), input(lengths, 6), lengths);
    expect(answers).toEqual([false, false, false]);
    expect(asked[0]).toEqual([32, 6, 36]);
    pays = false;
    outputs(kernels, made(), input(lengths, 6), lengths);
    expect(answers.slice(3)).toEqual([true, true, true]);
    pays = true;
    const { layers, params } = made();
    const stack = stackInference(kernels, layers, params, random([50, 6], createRng(2), 'float32'));
    asked.length = 0;
    kernels.frame(() => stack.run(words(lengths, 50), packingOf(lengths)));
    expect(answers.slice(6)).toEqual([false, false, false, false, false]); // the first two by ids, then by rows
    expect(asked[0]).toEqual([32, 6, 36]);
    stack.release();
  });
});
