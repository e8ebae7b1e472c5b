/** What a backend is asked of a stack that is run forward only, in which order, and what happens where it declines. */
import { packingOf, reversal } from '../../src/autograd/packing.js';
import { cells } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import type { Kernels } from '../../src/kernels/index.js';
import type { InferenceTensors } from '../../src/kernels/types.js';
import { embeddingForward } from '../../src/layers/embedding.js';
import { stackInference } from '../../src/layers/inference.js';
import { initStack, stackForward } from '../../src/layers/stack.js';
import type { LayerSpec } from '../../src/layers/stack.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { numbers, random } from './support.js';

const cpu = createCpuKernels();
const [V, D] = [9, 3];
const layers: LayerSpec[] = [
  { cell: cells.gru, hidden: 4, bidirectional: true },
  { cell: cells.gru, hidden: 2 },
];
const params = initStack(D, layers, createRng(1), { dtype: 'float64', learnedInitialState: true });
const table = random([V, D], createRng(2));
const packing = packingOf([3, 1, 4]);
const ids = Int32Array.of(5, 0, 8, 8, 1, 5, 2, 0);
const x = embeddingForward(cpu, { weight: table }, ids);
const wanted = numbers(stackForward(cpu, layers, params, x, packing).y);

/** A backend whose layers note what they are asked, and decline what `takes` does not take. */
function noting(takes: (asked: InferenceTensors) => boolean) {
  const made: { params: unknown; table: Tensor | undefined }[] = [];
  const asked: { layer: number; tensors: InferenceTensors }[] = [];
  const released: number[] = [];
  const no = (): boolean => false;
  const lookups: number[] = [];
  const kernels: Kernels = {
    ...cpu,
    rows: {
      ...cpu.rows,
      gather(out, from, map) {
        if (from === table) lookups.push(map.length);
        cpu.rows.gather(out, from, map);
      },
    },
    fused: {
      gru: {
        ...{ forward: no, backward: no },
        infer(own, of) {
          const layer = made.push({ params: own, table: of }) - 1;
          return {
            run: (tensors) => (asked.push({ layer, tensors }), takes(tensors)),
            release: () => void released.push(layer),
          };
        },
      },
    },
  };
  return { kernels, made, asked, released, lookups };
}

const none = (): boolean => false;
const both = params[0] as { forward: unknown; reverse: unknown };

test('a backend is given each direction once, and the table with the first layer alone', () => {
  const { kernels, made } = noting(none);
  stackInference(kernels, layers, params, table);
  expect(made.map((own) => own.params)).toEqual([both.forward, both.reverse, params[1].forward]);
  expect(made.map((own) => own.table === table)).toEqual([true, true, false]);
  expect(made[2].table).toBeUndefined();
});

test('is asked by ids, then by rows that are looked up once; the steps run where it declines both', () => {
  const { kernels, asked, lookups } = noting(none);
  const stack = stackInference(kernels, layers, params, table);
  expect(numbers(stack.run(ids, packing))).toEqual(wanted);
  expect(asked.map(({ layer, tensors }) => [layer, tensors.ids === ids, tensors.x === table])).toEqual([
    [0, true, true],
    [0, false, false],
    [1, true, true],
    [1, false, false],
    [2, false, false],
  ]);
  expect(lookups).toEqual([8]);
  expect(asked.map(({ tensors }) => tensors.map && [...tensors.map])).toEqual([
    undefined,
    undefined,
    [...reversal(packing)],
    [...reversal(packing)],
    undefined,
  ]);
  expect(asked.every(({ tensors }) => tensors.batchSizes === packing.batchSizes)).toBe(true);
});

test('what it takes by ids is not asked for by rows, and its outputs are the columns of the layer', () => {
  const { kernels, asked, lookups } = noting(({ y }) => {
    for (let n = 0; n < y.shape[0]; n++) {
      for (let j = 0; j < y.shape[1]; j++) y.data[y.offset + n * y.stride[0] + j * y.stride[1]] = 10 * n + j;
    }
    return true;
  });
  const stack = stackInference(kernels, layers, params, table);
  expect(numbers(stack.run(ids, packing))).toEqual([0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 61, 70, 71]);
  expect(asked.map(({ layer }) => layer)).toEqual([0, 1, 2]);
  expect(lookups).toEqual([]);
  const { shape, data } = asked[2].tensors.x;
  expect([shape, [...data].slice(8, 16)]).toEqual([
    [8, 8],
    [10, 11, 12, 13, 10, 11, 12, 13],
  ]);
});

test('rows are asked for once, where there are no ids', () => {
  const { kernels, asked } = noting(none);
  expect(numbers(stackInference(kernels, layers, params).run(x, packing))).toEqual(wanted);
  expect(asked.map(({ layer, tensors }) => [layer, tensors.ids])).toEqual([
    [0, undefined],
    [1, undefined],
    [2, undefined],
  ]);
});

test('what it holds is let go last in, first out', () => {
  const { kernels, released } = noting(none);
  const stack = stackInference(kernels, layers, params, table);
  expect(released).toEqual([]);
  stack.release();
  expect(released).toEqual([2, 1, 0]);
});

test.each<[string, Kernels]>([
  ['has no layers of its own', cpu],
  ['has time loops, and no layers that are only run', { ...cpu, fused: { gru: { forward: none, backward: none } } }],
  ['takes none of these', { ...cpu, fused: { gru: { forward: none, backward: none, infer: () => undefined } } }],
])('a backend that %s leaves the steps to unroll', (_, kernels) => {
  const stack = stackInference(kernels, layers, params, table);
  expect(numbers(stack.run(ids, packing))).toEqual(wanted);
  expect(numbers(stack.run(x, packing))).toEqual(wanted);
  expect(stack.run(new Int32Array(0), packingOf([])).shape).toEqual([0, 2]);
  expect(() => stack.release()).not.toThrow();
});

test('what is not a backend, and what is not a table, is refused in the name of the function called', () => {
  expect(() => stackInference({} as never, layers, params)).toThrow(/^stackInference: expected kernels/);
  expect(() => stackInference(cpu, layers, params, 5 as never)).toThrow(/^stackInference: table must be a tensor/);
  expect(() => stackInference(cpu, layers, params).run(ids, packing)).toThrow(
    'stackInference: ids were given without an embedding table: prepare it with one',
  );
  const stack = stackInference(cpu, layers, params, table);
  expect(() => stack.run(Int32Array.of(0, 1, 9), packingOf([3]))).toThrow(/^stackInference: ids\[2\] must be a row/);
  expect(() => stack.run(ids.subarray(1), packing)).toThrow(/x must be \[8, 3\]/);
});
