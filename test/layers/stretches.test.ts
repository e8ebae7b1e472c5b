/** Sequences in stretches, their states carried, against whole ones: to the bit, for every cell, where the backend takes a layer and where not. */
import fc from 'fast-check';
import { packingOf, rowOf } from '../../src/autograd/packing.js';
import { cells } from '../../src/cells/index.js';
import type { Kernels, WasmKernels } from '../../src/kernels/index.js';
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index.js';
import type { StackInference, StackStates } from '../../src/layers/index.js';
import { initStack, stackForward, stackInference } from '../../src/layers/index.js';
import type { LayerSpec } from '../../src/layers/index.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate } from '../../src/tensor/view.js';
import { matrix, numbers, random } from './support.js';

const cpu = createCpuKernels();
let wasm: WasmKernels;
beforeAll(async () => {
  wasm = await createWasmKernels();
  wasm.reserve(2 ** 25); // without room a frame goes the slow way round, whose sums have other bits
});
afterAll(() => wasm.dispose());
const D = 5;

/** Lengths of stretches, longest first in each, so that a row of the states is the same sequence in all of them. */
const lengths = fc
  .array(fc.array(fc.nat(90), { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 4 })
  .map((all) => all.map((each) => each.sort((p, q) => q - p)));

/** Packed rows of the steps `from … from + length` of each sequence. */
function packed(sequences: readonly (readonly number[])[][], from: readonly number[], part: readonly number[]): Tensor {
  const packing = packingOf(part);
  const x = allocate([packing.total, D], 'float32');
  part.forEach((length, b) => {
    for (let t = 0; t < length; t++) x.data.set(sequences[b][from[b] + t], rowOf(packing, t, b) * D);
  });
  return x;
}

/** Outputs of each sequence, stretch by stretch. */
function inStretches(
  kernels: Kernels,
  stack: StackInference,
  sequences: readonly (readonly number[])[][],
  parts: readonly (readonly number[])[],
) {
  const got: number[][][] = sequences.map(() => []);
  const from = sequences.map(() => 0);
  let states: StackStates | undefined;
  for (const part of parts) {
    const packing = packingOf(part);
    kernels.frame(() => {
      const { y, states: after } = stack.advance(packed(sequences, from, part), packing, states);
      const rows = matrix(y);
      part.forEach((length, b) => {
        for (let t = 0; t < length; t++) got[b].push(rows[rowOf(packing, t, b)]);
        from[b] += length;
      });
      states = after;
    });
  }
  return { got, states: states! };
}

describe.each(Object.keys(cells))('a stack of %s', (cell) => {
  test.each([false, true])('in stretches equals the whole; learned initial state: %s', (learnedInitialState) => {
    const layers: LayerSpec[] = [
      { cell: cells[cell], hidden: 6 },
      { cell: cells[cell], hidden: 6, residual: true },
    ];
    const params = initStack(D, layers, createRng(3), { learnedInitialState });
    for (const { forward } of params) {
      for (const name of ['h0', 'c0']) forward[name]?.data.forEach((_, i, data) => (data[i] = 0.1 * i - 0.2));
    }
    const sequences = [0, 1, 2].map((b) => matrix(random([360, D], createRng(b), 'float32')));
    for (const kernels of [cpu, wasm]) {
      const stack = stackInference(kernels, layers, params);
      fc.assert(
        fc.property(lengths, (parts) => {
          const { got, states } = inStretches(kernels, stack, sequences, parts);
          sequences.forEach((rows, b) => {
            const T = got[b].length;
            const whole = packed([rows], [0], [T]);
            kernels.frame(() => {
              const pass = stackForward(kernels, layers, params, whole, packingOf([T]));
              expect(got[b]).toEqual(matrix(pass.y));
              pass.layers.forEach(({ forward }, l) => {
                for (const [name, final] of Object.entries(forward.final)) expect(matrix(states[l][name])[b]).toEqual(matrix(final)[0]); // prettier-ignore
              });
            });
          });
        }),
        { seed: 11, numRuns: 4 },
      );
      stack.release();
    }
  });
});

test.each([false, true])(
  'states some steps before the end are those from which the next stretch begins; bidirectional %s',
  (bidirectional) => {
    // prettier-ignore
    const layers: LayerSpec[] = [{ cell: cells.lstm, hidden: 4, bidirectional }];
    const params = initStack(D, layers, createRng(4));
    const rows = matrix(random([40, D], createRng(5), 'float32'));
    for (const kernels of [cpu, wasm]) {
      const stack = stackInference(kernels, layers, params);
      const run = (from: number, to: number, states?: StackStates, ahead?: number) =>
        kernels.frame(() => {
          const ran = stack.advance(packed([rows], [from], [to - from]), packingOf([to - from]), states, ahead);
          return { ...ran, y: matrix(ran.y).map((row) => row.slice(0, 4)) }; // the forward half
        });
      const whole = run(0, 40).y;
      let states: StackStates | undefined;
      for (const [from, to, ahead] of [
        [0, 5, 3],
        [2, 5, 3],
        [2, 20, 11],
        [9, 40, 0],
      ] as const) {
        // prettier-ignore
        const ran = run(from, to, states, ahead);
        expect(ran.y).toEqual(whole.slice(from, to));
        states = ran.states;
      }
      expect(run(40, 40, states).states.map(({ h, c }) => [numbers(h), numbers(c)])).toEqual(states!.map(({ h, c }) => [numbers(h), numbers(c)])); // prettier-ignore
      stack.release();
    }
  },
);

test('views with gaps serve as states, and what does not fit is refused by name', () => {
  const layers: LayerSpec[] = [{ cell: cells.gru, hidden: 4 }];
  const params = initStack(D, layers, createRng(6));
  const x = random([3, D], createRng(7), 'float32');
  const h = random([1, 8], createRng(8), 'float32');
  const gapped = { ...h, shape: [1, 4], stride: [8, 2] };
  const dense = allocate([1, 4], 'float32');
  dense.data.set(numbers(gapped));
  for (const kernels of [cpu, wasm]) {
    const stack = stackInference(kernels, layers, params);
    const of = (own: Tensor) => kernels.frame(() => numbers(stack.advance(x, packingOf([3]), [{ h: own }]).y));
    expect(of(gapped)).toEqual(of(dense));
    expect(of(gapped)).not.toEqual(kernels.frame(() => numbers(stack.run(x, packingOf([3])))));
    const wrong = (states: unknown, ahead?: unknown) => () => stack.advance(x, packingOf([3]), states as never, ahead as never); // prettier-ignore
    expect(wrong([])).toThrow('stackInference: states must have one entry per layer, 1; got 0');
    expect(wrong([{}])).toThrow('gru: initial.h must be [1, 4]');
    expect(wrong([{ h: x }])).toThrow('gru: initial.h must be [1, 4]');
    expect(wrong(undefined, -1)).toThrow('stackInference: ahead must be an integer of at least 0');
    stack.release();
  }
});
