/** What threads hand each other: sums of gradients against the gradient of the whole batch, and addition by addition; parts; moments. */
import { flatten, nestLike, zeroGrads } from '../../../../src/autograd/index.js';
import { plainMemory } from '../../../../src/kernels/complete.js';
import { plainRows } from '../../../../src/kernels/cpu/rows.js';
import type { RowSparseGradient, TensorRecord } from '../../../../src/autograd/index.js';
import type { Kernels } from '../../../../src/kernels/index.js';
import { createCpuKernels, createWasmKernels } from '../../../../src/kernels/index.js';
import type { Exchange } from '../../../../src/labeling/training/parallel/exchange.js';
import {
  addToOwnPart,
  createExchange,
  publishPart,
  takeMoments,
  takeParts,
  touchAll,
  writeGradients,
  writeMoments,
} from '../../../../src/labeling/training/parallel/exchange.js';
import { ownersOf, ownPartOf } from '../../../../src/labeling/training/parallel/owners.js';
import type { Owners } from '../../../../src/labeling/training/parallel/owners.js';
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

/** The sum over all parts on every thread, as threads make it: each sums its own part, and hands it to the others. */
function sumOf(
  on: Kernels,
  owners: Owners,
  exchange: Exchange,
  all: readonly TensorRecord[],
  shards = all.length,
): void {
  all.forEach((grads, i) => addToOwnPart(on, exchange, owners, i, grads, shards));
  all.forEach((grads, i) => publishPart(on, exchange, owners, i, ownPartOf(owners, i, grads), grads));
  all.forEach((grads, i) => takeParts(exchange, owners, i, grads));
}

/** What every thread of a team has: the sum over shards, each computed by a replica of its own. */
function summed(lengths: readonly number[], shards: readonly number[][], dtype: DType, layers?: number) {
  const tokens = shards.flat().reduce((sum, m) => sum + lengths[m], 0);
  const replicas = shards.map(() => replicaOf(lengths, dtype, layers));
  const owners = ownersOf(replicas[0].flatGrads, shards.length);
  const exchange = createExchange(owners, replicas[0].flatGrads, [], limits(V));
  const all = replicas.map(({ flatGrads }) => flatGrads);
  shards.forEach((members, i) => {
    addShardGradient(replicas[i], members, [tokens], moment);
    writeGradients(kernels, exchange, owners, i, all[i]);
  });
  sumOf(kernels, owners, exchange, all);
  return all;
}

/** The gradient of the whole batch on one thread. */
function alone(lengths: readonly number[], members: readonly number[], dtype: DType, layers?: number): TensorRecord {
  const replica = replicaOf(lengths, dtype, layers);
  addShardGradient(replica, members, [members.reduce((sum, m) => sum + lengths[m], 0)], moment);
  return replica.flatGrads;
}

const values = (grads: TensorRecord): number[] => Object.values(grads).flatMap((g) => [...g.data]);
const rowsOf = (grads: TensorRecord, name = 'encoders.words.weight'): number[] => {
  const g = grads[name] as RowSparseGradient;
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
      expect(rowsOf(other).sort()).toEqual(rowsOf(first).sort());
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
  /** Gradients with a dense matrix, one by rows and a vector, filled by the test. */
  const grads = (dtype: DType = 'float32') =>
    zeroGrads(
      { 'a.W': allocate([3, 3], dtype), e: allocate([7, 2], dtype), b: allocate([4], dtype) },
      { rowGradients: ['e'] },
    );

  function filled(seed: number, rows: readonly number[]): TensorRecord {
    const rng = createRng(seed);
    const g: TensorRecord = grads();
    for (const name of ['a.W', 'b']) g[name].data.forEach((_, i) => (g[name].data[i] = rng.normal()));
    const e = g.e as RowSparseGradient;
    for (const row of rows) {
      e.used[row] = 1;
      e.touched[e.count++] = row;
      for (let i = 0; i < 2; i++) e.data[row * 2 + i] = rng.normal();
    }
    return g;
  }

  const owners = ownersOf(grads(), 3);
  const exchangeOf = (limit: number, shared?: SharedArrayBuffer): Exchange =>
    createExchange(owners, grads(), [], { e: limit }, shared);
  const write = (exchange: Exchange, parts: readonly TensorRecord[]): void =>
    parts.forEach((part, i) => writeGradients(kernels, exchange, owners, i, part));

  test('an owner adds to its own gradient those of the others, in their order, in the element type', () => {
    const parts = [filled(1, [5, 2]), filled(2, [0, 5, 3]), filled(3, [2, 6, 0])];
    const before = parts.map((part) => Object.fromEntries(Object.entries(part).map(([n, g]) => [n, g.data.slice()])));
    const exchange = exchangeOf(3);
    write(exchange, parts);
    sumOf(kernels, owners, exchange, parts);
    const ownerOf = (name: string, i: number): number =>
      name === 'e' ? (i >> 1) % 3 : name === 'a.W' ? Math.floor(i / 3) : 0;
    for (const name of ['a.W', 'e', 'b']) {
      parts[0][name].data.forEach((_, i) => {
        const owner = ownerOf(name, i);
        const inOrder = [owner, ...[0, 1, 2].filter((k) => k !== owner)];
        const sum = inOrder.reduce((total, k) => Math.fround(total + before[k][name][i]), 0);
        for (const part of parts) expect(part[name].data[i]).toBe(sum);
      });
    }
    for (const { e } of parts) expect([...(e as RowSparseGradient).used]).toEqual([1, 0, 1, 1, 0, 1, 1]);
  });

  test('takes only the shards there are', () => {
    const parts = [filled(1, [5]), filled(2, [0]), filled(3, [1])];
    const exchange = exchangeOf(2);
    write(exchange, parts);
    const all = [filled(1, [5]), grads(), grads()];
    sumOf(kernels, owners, exchange, all, 1);
    for (const sum of all) expect(values(sum)).toEqual(values(filled(1, [5])));
  });

  test('another thread sees it through the same memory', () => {
    const exchange = exchangeOf(3);
    const twin = exchangeOf(3, exchange.buffer);
    const part = filled(1, [6, 0, 3]);
    writeGradients(kernels, exchange, owners, 1, part);
    const all = [grads(), part, grads()];
    writeGradients(kernels, twin, owners, 0, all[0]);
    sumOf(kernels, owners, twin, all, 2);
    expect(values(all[2])).toEqual(values(filled(1, [6, 0, 3])));
  });

  test('every thread learns of all rows that were touched', () => {
    const parts = [filled(1, [5]), filled(2, [0, 4]), filled(3, [1])];
    const exchange = exchangeOf(2);
    write(exchange, parts);
    touchAll(exchange, parts[0], 2);
    expect(rowsOf(parts[0], 'e')).toEqual([5, 0, 4]);
  });

  test('parts of the parameters reach the others, and nothing else of them', () => {
    const params = [1, 2, 3].map((seed) => filled(seed, [0, 1, 2, 3, 4, 5, 6]));
    const plain = ({ data, shape, stride, offset }: Tensor): Tensor => ({ data, shape, stride, offset });
    const of = (i: number): TensorRecord =>
      Object.fromEntries(Object.entries(params[i]).map(([n, p]) => [n, plain(p)]));
    const theirs = params.map((p) => p.e.data.slice());
    const exchange = exchangeOf(5);
    const rows = [[3, 0], [4], [2]].map((list) => ({ rows: { e: Int32Array.from(list) } }));
    rows.forEach((part, i) => publishPart(kernels, exchange, owners, i, part, of(i)));
    for (const i of [0, 1, 2]) takeParts(exchange, owners, i, of(i));
    for (const i of [0, 1, 2]) {
      expect(params[i]['a.W'].data).toEqual(params[0]['a.W'].data);
      const from = (row: number): number => ([0, 2, 3, 4].includes(row) ? row % 3 : i);
      params[i].e.data.forEach((value, k) => expect(value).toBe(theirs[from(k >> 1)][k]));
    }
  });

  test('moments come from their owners', () => {
    const momentsOf = (seed: number): Tensor[] => Object.values(grads()).flatMap((g) => [g, g].map(({ shape }, k) => {
      const m = allocate(shape, 'float32');
      m.data.forEach((_, i) => (m.data[i] = 1000 * seed + 100 * k + i));
      return m;
    })); // prettier-ignore
    const all = [1, 2, 3].map(momentsOf);
    const exchange = createExchange(owners, grads(), all[0], { e: 2 });
    for (const i of [1, 2]) writeMoments(exchange, owners, i, grads(), all[i]);
    takeMoments(exchange, owners, 0, grads(), all[0]);
    const [a, , e, e2, b] = all[0].map(({ data }) => Array.from(data));
    expect(a).toEqual([1000, 1001, 1002, 2003, 2004, 2005, 3006, 3007, 3008]);
    expect(e).toEqual([1000, 1001, 2002, 2003, 3004, 3005, 1006, 1007, 2008, 2009, 3010, 3011, 1012, 1013]);
    expect(e2).toEqual(e.map((value) => value + 100));
    expect(b).toEqual([1000, 1001, 1002, 1003]);
  });

  test('memory that is unavailable is a MemoryError', () => {
    const huge = { data: new Float32Array(0), shape: [2 ** 26, 2 ** 24], stride: [2 ** 24, 1], offset: 0 };
    const create = () => createExchange(ownersOf({ huge }, 64), { huge }, [], {});
    expect(create).toThrow(MemoryError);
    expect(create).toThrow(/gradients of 64 threads need \d+ bytes .* fewer threads/);
  });
});

test('in the memory of a backend the sums have the bits they have outside', async () => {
  const wasm = await createWasmKernels();
  const lengths = [4, 7, 2, 6];
  const settings = withDefaults({ embedding: 6, hidden: 5, layers: 1, batch: 4 });
  const plan = { settings, sentences: sentencesOf(lengths), config: configOf(settings) };
  const totals = [wasm, { ...wasm, ...plainMemory, rows: plainRows }].map((backend) => {
    const replicas = [0, 1].map(() => createReplica(backend, plan));
    const all = replicas.map(({ flatGrads }) => flatGrads);
    const owners = ownersOf(all[0], 2);
    const exchange = createExchange(owners, all[0], [], limits(V));
    [
      [0, 2],
      [1, 3],
    ].forEach((members, i) => {
      addShardGradient(replicas[i], members, [19], moment);
      writeGradients(backend, exchange, owners, i, all[i]);
    });
    sumOf(backend, owners, exchange, all);
    const values = Object.values(all[0]).map((g) => Array.from(g.data));
    const rows = rowsOf(all[0]);
    for (const replica of replicas.reverse()) replica.release();
    return { values, rows };
  });
  expect(totals[0]).toEqual(totals[1]);
  wasm.dispose();
});
