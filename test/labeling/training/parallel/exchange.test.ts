/** Gradients of shards, summed: against the gradient of the whole batch, and addition by addition. */
import { flatten, nestLike, zeroGrads, zeroInPlace } from '../../../../src/autograd/index.js';
import { plainMemory } from '../../../../src/kernels/complete.js';
import { plainRows } from '../../../../src/kernels/cpu/rows.js';
import type { RowSparseGradient, TensorRecord } from '../../../../src/autograd/index.js';
import { createCpuKernels, createWasmKernels } from '../../../../src/kernels/index.js';
import type { Exchange } from '../../../../src/labeling/training/parallel/exchange.js';
import { createExchange, sumGradients, writeGradients } from '../../../../src/labeling/training/parallel/exchange.js';
import type { ModelGrads, ModelParams } from '../../../../src/labeling/model/network.js';
import type { Settings } from '../../../../src/labeling/training/options.js';
import { withDefaults } from '../../../../src/labeling/training/options.js';
import type { Replica } from '../../../../src/labeling/training/replica.js';
import { addShardGradient, createReplica } from '../../../../src/labeling/training/replica.js';
import { createRng, MemoryError } from '../../../../src/tensor/index.js';
import type { DType, Tensor } from '../../../../src/tensor/index.js';
import { allocate } from '../../../../src/tensor/view.js';
import { taggerConfig } from '../../../support/models.js';

const kernels = createCpuKernels();
const V = 23;
const limits = (rows: number) => ({ 'encoders.words.weight': rows });
const K = 5;
const moment = { epoch: 1, batch: 1 };

/** Sentences of the given lengths, the same for every replica. */
function sentencesOf(lengths: readonly number[]) {
  const rng = createRng(8);
  const lists = (n: number) => lengths.map((length) => Int32Array.from({ length }, () => rng.integer(n)));
  const ids = lists(V);
  return { lengths, features: [ids.map((list) => ({ ids: list, hidden: list.map(() => 0) }))], targets: [lists(K)] };
}

/** The configuration that goes with settings: `layers` equal layers. */
const configOf = ({ cell, embedding, hidden, layers, bidirectional, dropout }: Settings) =>
  taggerConfig(
    { cell: cell as string, embedding, hidden: new Array<number>(layers).fill(hidden), bidirectional, dropout },
    V,
    K,
  );

/** A replica in either element type; the float64 numbers are the float32 ones. Its dropout is drawn by place: shards have that of the batch. */
function replicaOf(lengths: readonly number[], dtype: DType, layers = 2): Replica {
  const settings = withDefaults({ embedding: 6, hidden: 4, layers, dropout: 0.4, wordDropout: 0.3, seed: 9 });
  const made = createReplica(kernels, { settings, sentences: sentencesOf(lengths), config: configOf(settings) });
  if (dtype === 'float32') return made;
  const widened = ({ data, shape }: Tensor): Tensor => {
    const wide = allocate(shape, dtype);
    wide.data.set(data);
    return wide;
  };
  const params = Object.fromEntries(Object.entries(made.params).map(([name, p]) => [name, widened(p)]));
  const modelParams = nestLike(made.modelParams, params) as ModelParams;
  const flatGrads = zeroGrads(flatten(modelParams), { rowGradients: ['encoders.words.weight'] });
  return { ...made, params, modelParams, flatGrads, grads: nestLike(modelParams, flatGrads) as ModelGrads };
}

/** What every thread of a team has after the barrier: the sum over shards, each computed by a replica of its own. */
function summed(lengths: readonly number[], shards: readonly number[][], dtype: DType, layers?: number) {
  const tokens = shards.flat().reduce((sum, m) => sum + lengths[m], 0);
  const replicas = shards.map(() => replicaOf(lengths, dtype, layers));
  const exchange = createExchange(shards.length, replicas[0].flatGrads, limits(V));
  shards.forEach((members, i) => {
    addShardGradient(replicas[i], members, [tokens], moment);
    writeGradients(kernels, exchange.places[0][i], replicas[i].flatGrads);
  });
  for (const { flatGrads } of replicas) sumGradients(kernels, exchange.places[0], flatGrads);
  return replicas.map(({ flatGrads }) => flatGrads);
}

/** The gradient of the whole batch on one thread. */
function alone(lengths: readonly number[], members: readonly number[], dtype: DType, layers?: number): TensorRecord {
  const replica = replicaOf(lengths, dtype, layers);
  addShardGradient(replica, members, [members.reduce((sum, m) => sum + lengths[m], 0)], moment);
  return replica.flatGrads;
}

const values = (grads: TensorRecord): number[] => Object.values(grads).flatMap((g) => [...g.data]);
const rowsOf = (grads: TensorRecord): number[] => {
  const g = grads['encoders.words.weight'] as RowSparseGradient;
  return [...g.touched.subarray(0, g.count)];
};

describe('the sum of the shards', () => {
  const lengths = [3, 7, 1, 4, 2, 5, 6];

  test.each([
    [
      [
        [1, 3, 4],
        [0, 2, 5, 6],
      ],
    ],
    [
      [
        [1, 6],
        [0, 5, 2],
        [4, 3],
      ],
    ],
  ])('is the gradient of the batch in float64: %j', (shards) => {
    const expected = alone(lengths, shards.flat(), 'float64');
    const [first, ...others] = summed(lengths, shards, 'float64');
    values(first).forEach((value, i) => expect(Math.abs(value - values(expected)[i])).toBeLessThan(1e-12));
    expect(Math.max(...values(first).map(Math.abs))).toBeGreaterThan(1e-3); // there is something to agree on
    expect(rowsOf(first).sort()).toEqual(rowsOf(expected).sort());
    for (const other of others) {
      expect(values(other)).toEqual(values(first));
      expect(rowsOf(other)).toEqual(rowsOf(first)); // the order of rows is the order of the norm's sum
    }
  });

  test.each([[[8, 8]], [[8, 4, 4]]])(
    'is it in float32 within the bound of two orders of summation: shards of %j',
    (sizes) => {
      // Sixteen sentences of one token. A row of a product has the same bits in any batch, and the factors 1/N and
      // (1/n)·(n/N) are equal because n and N are powers of two. So the terms g_s of a gradient, one per sentence, have the
      // same bits either way, and only the order of their sum differs. Each order is within γ(N)·Σ|g_s| of the exact sum,
      // γ(n) = n·u / (1 − n·u), u = 2⁻²⁴ (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2); the
      // products that become terms round once more where they are not stored in between: N + 1.
      const ones = new Array<number>(16).fill(1);
      const all = [...ones.keys()];
      let start = 0;
      const shards = sizes.map((size) => all.slice(start, (start += size)));
      const expected = values(alone(ones, all, 'float32', 1));
      const terms = all.map((s) => {
        const replica = replicaOf(ones, 'float32', 1);
        addShardGradient(replica, [s], [16], moment);
        return values(replica.flatGrads);
      });
      const [got] = summed(ones, shards, 'float32', 1);
      const gamma = (17 * 2 ** -24) / (1 - 17 * 2 ** -24);
      let differ = 0;
      values(got).forEach((value, i) => {
        const size = terms.reduce((sum, term) => sum + Math.abs(term[i]), 0);
        expect(Math.abs(value - expected[i])).toBeLessThanOrEqual((2 * gamma * size) / (1 - 2 ** -24));
        if (value !== expected[i]) differ++;
      });
      expect(differ).toBeGreaterThan(0); // the orders do differ
    },
  );
});

describe('the exchange', () => {
  /** Gradients with a dense matrix and one by rows, filled by the test. */
  const grads = (dtype: DType = 'float32') =>
    zeroGrads({ 'a.W': allocate([2, 3], dtype), e: allocate([7, 2], dtype) }, { rowGradients: ['e'] });

  function filled(seed: number, rows: readonly number[]): TensorRecord {
    const rng = createRng(seed);
    const g = grads();
    g['a.W'].data.forEach((_, i) => (g['a.W'].data[i] = rng.normal()));
    const e = g.e as RowSparseGradient;
    for (const row of rows) {
      e.used[row] = 1;
      e.touched[e.count++] = row;
      for (let i = 0; i < 2; i++) e.data[row * 2 + i] = rng.normal();
    }
    return g;
  }

  function write(exchange: Exchange, half: number, parts: readonly TensorRecord[]): void {
    parts.forEach((part, i) => writeGradients(kernels, exchange.places[half][i], part));
  }

  test('adds in the order of the places, in the element type, and lists rows in the order they are met', () => {
    const parts = [filled(1, [5, 2]), filled(2, [0, 5]), filled(3, [2, 6, 0])];
    const exchange = createExchange(3, parts[0], { e: 3 });
    write(exchange, 0, parts);
    const sum = filled(9, [1, 3]); // what was there is forgotten
    sumGradients(kernels, exchange.places[0], sum);
    const by32 = (name: string, i: number) => parts.reduce((total, part) => Math.fround(total + part[name].data[i]), 0);
    for (const name of ['a.W', 'e']) sum[name].data.forEach((value, i) => expect(value).toBe(by32(name, i)));
    expect([...(sum.e as RowSparseGradient).touched.subarray(0, 4)]).toEqual([5, 2, 0, 6]);
    expect((sum.e as RowSparseGradient).count).toBe(4);
    expect([...(sum.e as RowSparseGradient).used]).toEqual([1, 0, 1, 0, 0, 1, 1]);
  });

  test('takes only the shards there are', () => {
    const parts = [filled(1, [5]), filled(2, [0]), filled(3, [1])];
    const exchange = createExchange(3, parts[0], { e: 2 });
    write(exchange, 1, parts);
    const sum = grads();
    sumGradients(kernels, exchange.places[1].slice(0, 1), sum);
    expect(values(sum)).toEqual(values(parts[0]));
  });

  test('what is written for one step does not touch what is read of the step before, nor another place', () => {
    const exchange = createExchange(2, grads(), { e: 2 });
    const parts = [filled(1, [5, 4]), filled(2, [0])];
    write(exchange, 0, parts);
    const before = grads();
    sumGradients(kernels, exchange.places[0], before);
    write(exchange, 1, [filled(3, [1, 2]), filled(4, [3, 6])]);
    const after = grads();
    sumGradients(kernels, exchange.places[0], after);
    expect(values(after)).toEqual(values(before));
  });

  test('another thread sees it through the same memory', () => {
    const exchange = createExchange(2, grads(), { e: 3 });
    const twin = createExchange(2, grads(), { e: 3 }, exchange.buffer);
    const part = filled(1, [6, 0, 3]);
    writeGradients(kernels, exchange.places[1][1], part);
    const sum = grads();
    sumGradients(kernels, [twin.places[1][1]], sum);
    expect(values(sum)).toEqual(values(part));
  });

  test('memory that is unavailable is a MemoryError', () => {
    const huge = { data: new Float32Array(0), shape: [2 ** 26, 2 ** 24], stride: [2 ** 24, 1], offset: 0 };
    expect(() => createExchange(64, { huge }, {})).toThrow(MemoryError);
    expect(() => createExchange(64, { huge }, {})).toThrow(/gradients of 64 threads need \d+ bytes .* fewer threads/);
  });
});

test('in the memory of a backend the sums have the bits they have outside', async () => {
  const wasm = await createWasmKernels();
  const lengths = [4, 7, 2, 6];
  const settings = withDefaults({ embedding: 6, hidden: 5, layers: 1, batch: 4 });
  const plan = { settings, sentences: sentencesOf(lengths), config: configOf(settings) };
  const totals = [wasm, { ...wasm, ...plainMemory, rows: plainRows }].map((backend) => {
    const replica = createReplica(backend, plan);
    const exchange = createExchange(2, replica.flatGrads, limits(V));
    [
      [0, 2],
      [1, 3],
    ].forEach((members, i) => {
      addShardGradient(replica, members, [19], moment);
      writeGradients(backend, exchange.places[0][i], replica.flatGrads);
      zeroInPlace(replica.flatGrads);
    });
    sumGradients(backend, exchange.places[0], replica.flatGrads);
    const { touched, count } = replica.flatGrads['encoders.words.weight'] as RowSparseGradient;
    const values = Object.values(replica.flatGrads).map((g) => Array.from(g.data));
    replica.release();
    return { values, rows: Array.from(touched.subarray(0, count)) };
  });
  expect(totals[0]).toEqual(totals[1]);
  wasm.dispose();
});
