/** Typed arrays of another realm (a frame of a page, a `vm` context), and arrays that are not a tensor's data in any realm. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import { packingOf } from '../../src/autograd/packing.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { lstm } from '../../src/cells/index.js';
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index.js';
import { createTagger, createAsyncTagger, loadModel, saveModel, train } from '../../src/labeling/index.js';
import { stackInference } from '../../src/layers/index.js';
import { fromArray, normal, zeros } from '../../src/tensor/create.js';
import { ArgumentError } from '../../src/tensor/errors.js';
import { format } from '../../src/tensor/print.js';
import { createRng } from '../../src/tensor/random.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { dtypeOf, viewOf } from '../../src/tensor/view.js';

type Maker = (values: ArrayLike<number>) => never;
const there = runInNewContext('({ Float32Array, Float64Array, Int32Array, Uint8Array, ArrayBuffer })') as Record<
  'Float32Array' | 'Float64Array' | 'Int32Array' | 'Uint8Array' | 'ArrayBuffer',
  new (values: ArrayLike<number> | number) => never
>;

/** The tensor with its data in another realm. */
const abroad = (x: Tensor): Tensor => {
  const make: Maker = (values) => new there[dtypeOf(x.data) === 'float32' ? 'Float32Array' : 'Float64Array'](values);
  return { ...x, shape: x.shape, stride: x.stride, offset: x.offset, data: make(x.data) };
};

it('their element type is that of their name', () => {
  const data = new there.Float32Array([1.5, 2]);
  expect((data as unknown) instanceof Float32Array).toBe(false);
  expect(dtypeOf(data)).toBe('float32');
  expect(dtypeOf(new there.Float64Array([1]))).toBe('float64');
  expect(fromArray(data).data).toEqual(Float32Array.of(1.5, 2));
  expect(fromArray(new there.Float64Array([0.1])).data).toEqual(Float64Array.of(0.1));
  expect(format(viewOf(data, [2]))).toContain('float32 [2]');
});

const backends = { cpu: () => createCpuKernels(), wasm: () => createWasmKernels() };
const dtypes: DType[] = ['float32', 'float64'];
const cases = Object.keys(backends).flatMap((name) =>
  dtypes.map((dtype) => [name as keyof typeof backends, dtype] as const),
);

it.each(cases)('%s in %s computes the same bits from them', async (name, dtype) => {
  const kernels = await backends[name]();
  const rng = createRng(4);
  const params = lstm.initialize(3, 5, rng, { dtype });
  const x = normal([4, 3], 1, rng, dtype);
  const run = (move: (x: Tensor) => Tensor): number[][] => {
    const own = Object.fromEntries(Object.entries(params).map(([key, p]) => [key, move(p)])) as typeof params;
    const pass = unroll(kernels, lstm, own, move(x), packingOf([1, 3]));
    const grads = Object.fromEntries(Object.entries(params).map(([key, p]) => [key, move(zeros(p.shape, dtype))]));
    unrollBackward(kernels, pass, move(normal([4, 5], 1, createRng(9), dtype)), grads as typeof params);
    return [...Object.values(grads), pass.final.h].map((g) => Array.from(g.data));
  };
  expect(run(abroad)).toEqual(run((tensor) => tensor));
  kernels.dispose();
});

it('word ids and the bytes of a model serve, too', async () => {
  const train1 = [{ tokens: ['a', 'b'], labels: ['X', 'Y'] }];
  const { model } = await train(
    createCpuKernels(),
    { train: train1 },
    { epochs: 1, hidden: 2, embedding: 2, minCount: 1 },
  );
  const bytes = saveModel(model);
  const foreign: Uint8Array = new there.Uint8Array(bytes);
  expect(saveModel(loadModel(foreign))).toEqual(bytes);
  expect(saveModel(loadModel((foreign as { buffer: ArrayBuffer }).buffer))).toEqual(bytes);
  expect(saveModel(createTagger(foreign).model)).toEqual(bytes);
  const device = createCpuKernels() as never;
  expect(saveModel(createAsyncTagger(foreign, device).model)).toEqual(bytes);
  for (const wrong of [{}, 'bytes', [1, 2], null, 7]) {
    expect(() => loadModel(wrong as never)).toThrow(ArgumentError);
    expect(() => createAsyncTagger(wrong as never, device)).toThrow(ArgumentError);
  }

  const kernels = createCpuKernels();
  const table = normal([4, 3], 1, createRng(1));
  const layers = [{ cell: lstm, hidden: 2 }];
  const inference = stackInference(kernels, layers, [{ forward: lstm.initialize(3, 2, createRng(2)) }], table);
  const ids = [3, 1, 0];
  const here = inference.run(Int32Array.from(ids), packingOf([3]));
  expect(inference.run(new there.Int32Array(ids), packingOf([3])).data).toEqual(here.data);
});

it('other arrays are told for what they are', () => {
  const cases: [unknown, string][] = [
    [new Uint8Array(2), 'a Uint8Array'],
    [new Int32Array(2), 'an Int32Array'],
    [new there.Uint8Array(2), 'a Uint8Array'],
    [[1, 2], 'a list'],
    [undefined, 'undefined'],
    [{ length: 2 }, 'an object with length'],
  ];
  for (const [data, words] of cases) {
    const message = `the data of a tensor must be a Float32Array or a Float64Array; got ${words}`;
    expect(() => dtypeOf(data as never)).toThrow(ArgumentError);
    expect(() => dtypeOf(data as never)).toThrow(message);
    expect(() => format(viewOf(data as never, [2]))).toThrow(`its data is ${words}: copy it with fromArray(…)`);
  }
  // Their numbers are numbers, all the same.
  expect(fromArray(Uint8Array.of(1, 255) as never).data).toEqual(Float32Array.of(1, 255));
  expect(fromArray(Int32Array.of(7) as never, null, 'float64').data).toEqual(Float64Array.of(7));
  expect(() => fromArray(BigInt64Array.of(7n) as never)).toThrow(
    'fromArray: values must be numbers, nested or flat; got a BigInt64Array',
  );
  expect(() => fromArray([1], 'float64' as never)).toThrow(
    'fromArray: shape must be a list of sizes; got the string "float64": the element type is the third argument, fromArray(values, null, dtype)',
  );
});

it('no other source asks a typed array for its class: the answer would be another in another realm', () => {
  const root = resolve(__dirname, '../../src');
  const known = ['tensor/view.ts', 'inspect/report/scripts.ts']; // which holds the first one, bundled
  const guilty = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !known.includes(path))
    .filter((path) =>
      /instanceof (?:(?:Float|Int|Uint)\d|ArrayBuffer)/.test(readFileSync(resolve(root, path), 'utf8')),
    );
  expect(guilty).toEqual([]);
});
