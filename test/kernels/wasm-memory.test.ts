/** Frames and adopted tensors of the WebAssembly backend, its row work, and its updates: the same bits, without copies. */
import { createRowSparseGradient, flatten, touch } from '../../src/autograd/grads';
import { clipByGlobalNorm } from '../../src/autograd/norms';
import { gatherRows } from '../../src/autograd/layout';
import { completeRows, plainMemory } from '../../src/kernels/complete';
import { plainRows } from '../../src/kernels/cpu/rows';
import type { OwnRows } from '../../src/kernels/types';
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index';
import type { Kernels, WasmKernels } from '../../src/kernels/index';
import { saveModel } from '../../src/labeling/model/file';
import { createTagger } from '../../src/labeling/model/tagger';
import { train } from '../../src/labeling/training/train';
import { createAdam, createAdamW } from '../../src/optim/index';
import { dropoutBackward, dropoutForward } from '../../src/layers/index';
import { ArgumentError, createKey, createRng, MemoryError } from '../../src/tensor/index';
import type { Tensor } from '../../src/tensor/index';
import { allocate, columns } from '../../src/tensor/view';

const cpu = createCpuKernels();
let wasm: WasmKernels;
beforeEach(async () => {
  wasm = await createWasmKernels();
});
afterEach(() => wasm.dispose());

function random(shape: number[], seed: number): Tensor {
  const rng = createRng(seed);
  const x = allocate(shape, 'float32');
  x.data.forEach((_, i) => (x.data[i] = rng.normal()));
  return x;
}

/** The same numbers in the memory of the backend. */
function placed(x: Tensor): Tensor {
  const y = { ...x, data: x.data.slice() };
  wasm.workspace.adopt([y]);
  return y;
}

const inside = (x: Tensor) => x.data.buffer === wasm.memory.buffer;

describe('frames', () => {
  it('give zeros in the memory of the backend, and their place to the next frame', () => {
    const step = () => {
      const x = wasm.zeros([3, 5], 'float32');
      const before = [...x.data];
      x.data.fill(7);
      return { x, before };
    };
    const first = wasm.frame(step);
    const second = wasm.frame(step);
    if (!inside(first.x)) expect(wasm.workspace.misses).toBeGreaterThan(0); // the first frame had nothing yet
    expect(inside(second.x)).toBe(true);
    expect(wasm.frame(step).x.data.byteOffset).toBe(second.x.data.byteOffset);
    expect([first.before, second.before]).toEqual([new Array(15).fill(0), new Array(15).fill(0)]);
  });

  it('are the outermost of those that are open', () => {
    wasm.workspace.adopt([], 1 << 16);
    wasm.frame(() => {
      const outer = wasm.zeros([4], 'float32');
      const inner = wasm.frame(() => wasm.zeros([4], 'float32'));
      const last = wasm.zeros([2], 'float64');
      const places = [outer, inner, last].map((x) => x.data.byteOffset);
      expect(new Set(places).size).toBe(3);
    });
  });

  it('leave their tensors as they are until the next one, whatever scratch calls take in between', () => {
    wasm.workspace.adopt([], 1 << 16);
    const [a, b, table] = [random([9, 30], 61), random([30, 40], 62), wasm.allocate([50, 8], 'float32')];
    const x = wasm.frame(() => {
      const made = wasm.zeros([100], 'float32');
      made.data.fill(3);
      return made;
    });
    wasm.addMatmul(allocate([9, 40], 'float32'), a, b);
    wasm.rows.scatterAdd(
      table,
      random([20, 8], 63),
      Int32Array.from({ length: 20 }, (_, i) => i * 2),
    );
    expect(inside(x)).toBe(true);
    expect(Array.from(x.data)).toEqual(new Array(100).fill(3));
  });

  it('end with an error too', () => {
    expect(() =>
      wasm.frame(() => {
        throw new RangeError('mine');
      }),
    ).toThrow('mine');
    expect(inside(wasm.zeros([2], 'float32'))).toBe(false);
  });

  it('do not grow memory: what finds no room goes elsewhere once, and has its room the next time', () => {
    const N = 300_000;
    const step = () => {
      const size = wasm.memory.buffer.byteLength;
      const tensors = [1, 2, 3].map(() => wasm.zeros([N], 'float32'));
      expect(wasm.memory.buffer.byteLength).toBe(size);
      return tensors.map(inside);
    };
    expect(wasm.frame(step)).toEqual([false, false, false]);
    const { misses } = wasm.workspace;
    expect(misses).toBe(3);
    expect(wasm.frame(step)).toEqual([true, true, true]);
    expect(wasm.workspace.misses).toBe(misses);
  });

  it('forbid what would move their tensors', () => {
    const x = random([3], 1);
    const release = wasm.workspace.adopt([x]);
    wasm.frame(() => {
      for (const act of [release, () => wasm.workspace.adopt([random([2], 2)]), () => wasm.allocate([2], 'float32')]) {
        expect(act).toThrow(ArgumentError);
      }
    });
    release();
  });

  it('without room for scratch multiply on the other backend, and decline the rest', async () => {
    const small = await createWasmKernels({ maximumBytes: 3 * 65536 });
    const [M, K, N] = [40, 130, 150];
    const [a, b] = [random([M, K], 3), random([K, N], 4)];
    const [got, want] = [allocate([M, N], 'float32'), allocate([M, N], 'float32')];
    small.frame(() => small.addMatmul(got, a, b));
    expect(small.workspace.misses).toBeGreaterThan(0);
    cpu.addMatmul(want, a, b);
    expect(got.data).toEqual(want.data);
    small.dispose();
  });
});

describe('adopted tensors', () => {
  it('keep their elements on the way in, while memory grows, and on the way out', () => {
    const [x, y] = [random([7, 3], 5), random([40], 6)];
    const want = [Array.from(x.data), Array.from(y.data)];
    const release = wasm.workspace.adopt([x, y]);
    expect([x, y].every(inside)).toBe(true);
    const before = x.data;
    wasm.reserve(2_000_000);
    expect(before.length).toBe(0); // detached: only who holds the tensor goes along
    expect([x, y].every(inside)).toBe(true);
    expect([Array.from(x.data), Array.from(y.data)]).toEqual(want);
    release();
    expect([x, y].some(inside)).toBe(false);
    expect([Array.from(x.data), Array.from(y.data)]).toEqual(want);
  });

  it('leave their room to others, in whatever order they go', () => {
    const release = [11, 12, 13].map((seed) => wasm.workspace.adopt([random([50_000], seed)]));
    const size = wasm.memory.buffer.byteLength;
    release[1]();
    release[0]();
    release[2]();
    release[2](); // twice is once
    for (let i = 0; i < 20; i++) wasm.workspace.adopt([random([50_000], i)])();
    expect(wasm.memory.buffer.byteLength).toBe(size);
  });

  it('are whole: a view, which would not go along, is refused', () => {
    const x = random([4, 6], 7);
    expect(() => wasm.workspace.adopt([columns(x, 2, 3)])).toThrow(/row-major and fill its array/);
  });

  it('stay where they are when there is no room for them', async () => {
    const small = await createWasmKernels({ maximumBytes: 65536 });
    const x = random([20_000], 8);
    const { data } = x;
    expect(() => small.workspace.adopt([random([8], 9), x])).toThrow(MemoryError);
    expect(x.data).toBe(data);
    small.dispose();
  });
});

describe('row work', () => {
  const map = Int32Array.from([4, 0, 0, 6, 2, 4]);
  const [R, W] = [7, 21];

  /** Runs `act` on heap tensors by the loops in TypeScript, and on tensors in memory by the backend. */
  function twice(act: (kernels: Kernels, place: (x: Tensor) => Tensor) => Tensor): [Tensor['data'], Tensor['data']] {
    const spy = { ran: 0 };
    const own = Object.fromEntries(
      Object.entries(wasm.ownRows).map(([name, f]) => [
        name,
        (...args: unknown[]) => {
          const done = (f as (...args: unknown[]) => unknown)(...args);
          if (done !== false && done !== undefined) spy.ran++;
          return done;
        },
      ]),
    ) as unknown as OwnRows;
    const plain = act(cpu, (x) => x).data;
    const fast = wasm.frame(() => act({ ...wasm, rows: completeRows(own) }, placedBefore));
    expect(spy.ran).toBeGreaterThan(0);
    return [fast.data.slice(), plain];
  }
  const allocatedLike = ({ shape }: Tensor) => random([...shape], 25);
  const kept = new Map<Tensor, Tensor>();
  const placedBefore = (x: Tensor) => kept.get(x) ?? x;
  const sources = [random([R, W], 21), random([W], 22), random([map.length, W], 23), random([R, 2 * W], 24)];
  beforeEach(() => {
    for (const x of sources) kept.set(x, placed(x));
    wasm.workspace.adopt([], 1 << 20);
  });

  const [x, row, short, wide] = sources;
  it.each<[string, (kernels: Kernels, place: (x: Tensor) => Tensor) => Tensor]>([
    ['setEveryRow', (k, at) => (k.rows.setEveryRow(at(x), at(row)), at(x))],
    ['setEveryRow to a vector elsewhere', (k, at) => (k.rows.setEveryRow(at(x), row), at(x))],
    ['copyMatrix', (k, at) => (k.rows.copyMatrix(columns(at(wide), 2, W), at(x)), at(wide))],
    ['addToEveryRow', (k, at) => (k.rows.addToEveryRow(at(x), at(row)), at(x))],
    ['addToEveryRow of a vector elsewhere', (k, at) => (k.rows.addToEveryRow(at(x), row), at(x))],
    ['addRowSum', (k, at) => (k.rows.addSumRows(at(row), at(x)), at(row))],
    ['addRowSum of columns', (k, at) => (k.rows.addSumRows(at(row), columns(at(wide), 5, W)), at(row))],
    ['addMatrix', (k, at) => (k.rows.addMatrix(columns(at(wide), 3, W), at(x)), at(wide))],
    ['addMatrix of one elsewhere', (k, at) => (k.rows.addMatrix(at(x), allocatedLike(x)), at(x))],
    ['scatterAddRows of rows elsewhere', (k, at) => (k.rows.scatterAdd(at(x), short, map), at(x))],
    [
      'gatherInto a matrix elsewhere',
      (k, at) => {
        const out = { data: new Float32Array(3 + map.length * W), shape: [map.length, W], stride: [W, 1], offset: 3 };
        k.rows.gather(out, at(x), map);
        return out;
      },
    ],
    ['gatherRows', (k, at) => gatherRows(k, at(x), map)],
    ['dropoutForward', (k, at) => dropoutForward(k, at(x), { p: 0.3, key: createKey(5) }).y],
    [
      'dropoutBackward',
      (k, at) => {
        const { mask } = dropoutForward(k, at(x), { p: 0.7, key: createKey(6) });
        dropoutBackward(k, mask, at(x), columns(at(wide), 4, W));
        return at(wide);
      },
    ],
    ['scatterAddRows', (k, at) => (k.rows.scatterAdd(at(x), at(short), map), at(x))],
  ])('%s gives the bits of its loop in TypeScript', (_, act) => {
    const before = sources.map((source) => source.data.slice());
    const [fast, plain] = twice(act);
    expect(fast).toEqual(plain);
    sources.forEach((source, i) => source.data.set(before[i]));
  });

  const someKey = createKey(-77).fold('dropout');
  /** Places of any sign and size. */
  const somePlaces = (R: number) => Int32Array.from({ length: 2 * R }, (_, i) => i ^ Math.imul(i, 0x9e3779b1));

  it.each([0, 2 ** -53, 0.1, 0.5, 1 - 2 ** -53])('draws the factors of dropout at p = %s as TypeScript does', (p) => {
    const factors = wasm.allocate([19, 53], 'float32');
    const want = allocate([19, 53], 'float32');
    plainRows.drawFactors(want, someKey.words, somePlaces(19), p);
    expect(wasm.ownRows.drawFactors(factors, someKey.words, somePlaces(19), p)).toBe(true);
    expect(factors.data.slice()).toEqual(want.data);
  });

  it('draws rows of any number and width, and writes nothing beside them', () => {
    for (const R of [0, 1, 2, 5, 64]) {
      for (const D of [1, 3, 4, 15, 16, 17, 32, 100]) {
        const [fast, plain] = [wasm.allocate([R, D + 7], 'float32'), allocate([R, D + 7], 'float32')];
        for (const x of [fast, plain]) x.data.fill(-1);
        plainRows.drawFactors(columns(plain, 2, D), someKey.words, somePlaces(R), 0.4);
        expect(wasm.ownRows.drawFactors(columns(fast, 2, D), someKey.words, somePlaces(R), 0.4)).toBe(true);
        expect(fast.data.slice()).toEqual(plain.data);
      }
    }
  });

  it('declines what is not float32 lines in its memory', () => {
    const y = wasm.allocate([4, 5], 'float32');
    const z = wasm.allocate([4, 5], 'float64');
    const turned = { ...y, shape: [5, 4], stride: [1, 5] };
    const square = wasm.allocate([5, 5], 'float32');
    expect(wasm.ownRows.addMatrix(square, columns(random([5, 6], 2), 0, 5))).toBe(false);
    expect(wasm.ownRows.gather(columns(random([2, 6], 2), 0, 5), square, Int32Array.of(1, 0))).toBe(false);
    expect(wasm.ownRows.addMatrix(square, allocate([5, 5], 'float64'))).toBe(false);
    expect(wasm.ownRows.addMatrix(random([4, 5], 1), y)).toBe(false);
    expect(wasm.ownRows.addMatrix(z, z)).toBe(false);
    expect(wasm.ownRows.addSumRows(wasm.allocate([4], 'float32'), turned)).toBe(false);
    expect(wasm.ownRows.addSquares(1, columns(y, 1, 3))).toBeUndefined();
  });
});

describe('updates', () => {
  // of more and of less than two blocks of 16, with and without a rest
  const shapes = { dense: [9, 7], vector: [3], even: [4, 8], large: [3, 39], table: [11, 5], wide: [11, 53] };
  const touched = [8, 2, 5];
  const table = (width: number) => {
    const grads = createRowSparseGradient(11, width);
    for (const r of touched) {
      touch(grads, r);
      grads.data.set(random([width], r).data, r * width);
    }
    return grads;
  };

  /** Parameters after three updates. */
  function updated(kernels: Kernels, make: typeof createAdam): number[][] {
    const params = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, random(shape, 31 + i)]));
    const optimizer = make(kernels, params, { lr: 0.01, weightDecay: 0.1, lazy: true });
    const grads: Record<string, Tensor> = {
      ...Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, random(shape, 41 + i)])),
      table: table(5),
      wide: table(53),
    };
    const all = [...Object.values(params), ...Object.values(grads), ...optimizer.tensors];
    const release = kernels.adopt(all);
    for (let t = 0; t < 3; t++) optimizer.step(grads);
    release();
    return all.map((tensor) => Array.from(tensor.data));
  }

  it.each([
    ['Adam', createAdam],
    ['AdamW', createAdamW],
  ])('of %s have the bits of the update in TypeScript, moments and untouched rows included', (_, make) => {
    let calls = 0;
    const adam: OwnRows['adam'] = (...args) => {
      const done = wasm.ownRows.adam(...args);
      calls += done ? 1 : 0;
      return done;
    };
    expect(updated({ ...wasm, rows: completeRows({ ...wasm.ownRows, adam }) }, make)).toEqual(updated(cpu, make));
    expect(calls).toBe(18);
  });

  it('are clipped by the same norm, up to the order of the sum, and by the same factor to the bit', () => {
    const grads = () => ({ a: random([70, 3], 51), b: random([41], 52) });
    const [plain, fast] = [grads(), grads()];
    wasm.workspace.adopt(Object.values(fast));
    const [want, got] = [clipByGlobalNorm(cpu, plain, 2), clipByGlobalNorm(wasm, fast, 2)];
    expect(Math.abs(got - want)).toBeLessThanOrEqual(251 * 2 ** -52 * want);
    expect(got).toBeGreaterThan(2);
    const [again, scaled] = [grads(), grads()];
    wasm.workspace.adopt(Object.values(scaled));
    for (const name of ['a', 'b'] as const) {
      again[name].data.forEach((g, i) => (again[name].data[i] = g * (2 / 3)));
      expect(wasm.ownRows.scale(scaled[name], 2 / 3)).toBe(true);
      expect(scaled[name].data.slice()).toEqual(again[name].data);
    }
  });
});

describe('a training', () => {
  const sentences = Array.from({ length: 23 }, (_, i) => {
    const tokens = Array.from({ length: 1 + ((i * 5) % 9) }, (__, t) => `w${(i * 7 + t * 3) % 19}`);
    return { tokens, labels: tokens.map((token, t) => `L${(token.length + t) % 3}`) };
  });

  it.each(['lstm', 'gru', 'gru-reset-before', 'rnn'])(
    'of a %s in the memory of the backend gives the weights of one outside, bit for bit, and misses nothing',
    async (cell) => {
      const options = { cell, epochs: 2, batch: 5, hidden: 6, embedding: 5, layers: 2, clip: Infinity, minCount: 1 };
      const weights = async (kernels: Kernels) => {
        const { model } = await train(kernels, { train: sentences, dev: sentences }, options);
        expect(inside(model.params.heads.labels.W)).toBe(false);
        return [model.params.encoders.words.weight, model.params.heads.labels.W].map((x) => Array.from(x.data));
      };
      const resident = await weights(wasm);
      expect(wasm.workspace.misses).toBe(0);
      expect(resident).toEqual(await weights({ ...wasm, ...plainMemory, rows: plainRows }));
    },
  );

  it('of a model for which there is no memory runs outside', async () => {
    const small = await createWasmKernels({ maximumBytes: 4 * 65536 });
    const options = { epochs: 1, hidden: 40, embedding: 60, clip: Infinity, minCount: 1 };
    const { model } = await train(small, { train: sentences }, options);
    const { model: same } = await train({ ...wasm, ...plainMemory }, { train: sentences }, options);
    expect(Array.from(model.params.heads.labels.W.data)).toEqual(Array.from(same.params.heads.labels.W.data));
    small.dispose();
  });
});

describe('a tensor that is given back', () => {
  it('stays, with its elements, where there is no memory for a copy, and goes when there is', () => {
    const [x, other] = [
      [1, 2, 3],
      [4, 5],
    ].map((numbers) => ({ ...allocate([numbers.length], 'float32'), data: Float32Array.from(numbers) }));
    const release = wasm.workspace.adopt([x, other]);
    const copies = jest.spyOn(Float32Array.prototype, 'slice').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    release();
    copies.mockRestore();
    expect([inside(x), inside(other)]).toEqual([true, false]);
    expect([...x.data, ...other.data]).toEqual([1, 2, 3, 4, 5]);
    release();
    expect([inside(x), ...x.data]).toEqual([false, 1, 2, 3]);
  });
});

describe('a tagger', () => {
  it.each([8, 30, 90, 150])(
    'gives the same bits the first time, when memory is small, as later: %d units',
    async (hidden) => {
      const labeled = [{ tokens: ['a', 'b'], labels: ['X', 'Y'] }];
      const { model } = await train(cpu, { train: labeled }, { epochs: 1, hidden, embedding: 20, minCount: 1 });
      const bytes = saveModel(model);
      const lengths = [[12], [3, 40, 1, 60], Array.from({ length: 60 }, (_, i) => 1 + (i % 30)), [900, 200]];
      for (const some of lengths) {
        const small = await createWasmKernels();
        const tagger = createTagger(bytes, small);
        const sentences = some.map((length) => Array.from({ length }, (_, i) => (i % 3 ? 'a' : 'b')));
        const first = tagger.tag(sentences, { probabilities: true });
        const { misses } = small.workspace;
        expect(tagger.tag(sentences, { probabilities: true })).toEqual(first);
        expect(small.workspace.misses).toBe(misses);
        small.dispose();
      }
    },
  );

  it('keeps the parameters in the memory of the backend until it is disposed of, and labels as one outside does', async () => {
    const sentences = [['a', 'b', 'c'], ['d'], [], ['b', 'a']];
    const labeled = sentences.slice(0, 2).map((tokens) => ({ tokens, labels: tokens.map((_, i) => `L${i}`) }));
    const { model } = await train(cpu, { train: labeled }, { epochs: 1, hidden: 5, embedding: 7, minCount: 1 });
    const bytes = saveModel(model);
    const outside = createTagger(bytes, { ...wasm, ...plainMemory }).tag(sentences, { probabilities: true });
    const tagger = createTagger(bytes, wasm);
    const other = createTagger(tagger.model, wasm);
    const weight = () => inside(tagger.model.params.encoders.words.weight);
    expect(weight()).toBe(true);
    expect(tagger.tag(sentences, { probabilities: true })).toEqual(outside);
    tagger.dispose();
    expect(weight()).toBe(false);
    expect(other.tag(sentences, { probabilities: true })).toEqual(outside);
    expect(tagger.tag(sentences, { probabilities: true })).toEqual(outside);
    other.dispose();
  });

  it('labels the same without keeping words, in less memory', async () => {
    const tokens = Array.from({ length: 2000 }, (_, i) => `w${i}`);
    const labeled = [{ tokens, labels: tokens.map((_, i) => `L${i % 3}`) }];
    const { model } = await train(cpu, { train: labeled }, { epochs: 1, hidden: 50, embedding: 7, minCount: 1 });
    const bytes = saveModel(model);
    const sentences = [tokens.slice(0, 30), tokens.slice(20, 25), ['unknown', ...tokens.slice(0, 10)]];
    const runs = await Promise.all(
      [true, false].map(async (keepWords) => {
        const own = await createWasmKernels();
        const tagger = createTagger(bytes, own, { keepWords });
        const rounds = [0, 1].map(() => tagger.tag(sentences, { probabilities: true }));
        return { rounds, bytes: own.memory.buffer.byteLength };
      }),
    );
    const [keeping, anew] = runs;
    expect(keeping.rounds).toEqual(anew.rounds);
    expect(keeping.rounds[1]).toEqual(keeping.rounds[0]);
    const held = 2 * 4 * tokens.length * 4 * 50; // directions, bytes, words, gates
    expect(keeping.bytes - anew.bytes).toBeGreaterThan(0.9 * held);
    expect(keeping.bytes - anew.bytes).toBeLessThan(2.5 * held); // memory grows by halves
  });

  /** A model of many words, as a file. */
  async function manyWords(): Promise<{ tokens: string[]; bytes: Uint8Array }> {
    const tokens = Array.from({ length: 3000 }, (_, i) => `w${i}`);
    const labeled = [{ tokens, labels: tokens.map((_, i) => `L${i % 3}`) }];
    const { model } = await train(cpu, { train: labeled }, { epochs: 1, hidden: 20, embedding: 7, minCount: 1 });
    return { tokens, bytes: saveModel(model) };
  }

  it('labels the same without keeping words, however little memory there is', async () => {
    const { tokens, bytes } = await manyWords();
    const sentences = [tokens.slice(0, 50), tokens.slice(2000, 2030)];
    for (let maximumBytes = 2 ** 20; maximumBytes <= 2 ** 25; maximumBytes *= 1.25) {
      const [keeping, anew] = await Promise.all(
        [true, false].map(async (keepWords) => {
          const tagger = createTagger(bytes, await createWasmKernels({ maximumBytes }), { keepWords });
          return [0, 1].map(() => tagger.tag(sentences, { probabilities: true }));
        }),
      );
      expect(keeping).toEqual(anew);
    }
  });

  it('gives a model back for good, in whatever order taggers are disposed of', async () => {
    const { tokens, bytes } = await manyWords();
    const sentences = [tokens.slice(0, 50)];
    const own = await createWasmKernels();
    const [a, b] = [createTagger(bytes, own), createTagger(bytes, own)];
    const expected = a.tag(sentences, { probabilities: true });
    a.dispose();
    const c = createTagger(bytes, own);
    own.reserve(2 * own.memory.buffer.byteLength); // a growing memory moves what is in it
    c.tag(sentences);
    for (const tagger of [c, b]) tagger.dispose();
    const mine = Object.values(flatten(a.model.params));
    expect(mine.map((x) => x.data.buffer === own.memory.buffer)).toEqual(mine.map(() => false));
    createTagger(bytes, own, { keepWords: false }).model.params.encoders.words.weight.data.fill(0);
    expect(createTagger(a.model, own).tag(sentences, { probabilities: true })).toEqual(expected);
  });
});
