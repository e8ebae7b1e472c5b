import fc from 'fast-check';
import {
  packingOf,
  unroll,
  unrollAsync,
  unrollBackward,
  unrollBackwardAsync,
  windowsOf,
  zeroGrads,
} from '../../src/autograd/index.js';
import type { OnStep, Unrolled } from '../../src/autograd/index.js';
import { previousStates } from '../../src/autograd/layout.js';
import { cells, lstm } from '../../src/cells/index.js';
import type { Cell, CellParams, State } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { flatCopy, rows, viewOf } from '../../src/tensor/view.js';
import { slowDevice } from '../support/slow-device.js';
import type { AsyncKernels, Kernels, ScanTensors } from '../../src/kernels/index.js';
import { allocate, ArgumentError, createRng, ShapeError, UnsupportedError } from '../../src/tensor/index.js';
import type { Rng, Tensor } from '../../src/tensor/index.js';

const kernels = createCpuKernels();
const D = 3;
const H = 5;

function random(shape: number[], rng: Rng): Tensor {
  const x = allocate(shape, 'float64');
  for (let i = 0; i < x.data.length; i++) x.data[i] = rng.normal();
  return x;
}

/** A cell with random parameters, input and cotangents, for a batch of the given lengths. */
function scene(name: string, lengths: number[], learned = true) {
  const rng = createRng(7);
  const cell: Cell = cells[name];
  const packing = packingOf(lengths);
  const params = cell.initialize(D, H, rng, { dtype: 'float64', learnedInitialState: learned });
  for (const p of Object.values(params)) for (let i = 0; i < p.data.length; i++) p.data[i] += 0.4 * rng.normal();
  const states = () =>
    Object.fromEntries(cell.states.map((s) => [s, random([lengths.length, H], rng)])) as unknown as State;
  return {
    cell,
    packing,
    params,
    x: random([packing.total, D], rng),
    dY: random([packing.total, H], rng),
    dFinal: states(),
    initial: states(),
  };
}

const zerosLike = (params: CellParams) =>
  Object.fromEntries(
    Object.entries(params).map(([n, p]) => [n, allocate(p.shape, 'float64')]),
  ) as unknown as CellParams;

const values = (x: Tensor) => {
  const out: number[] = [];
  for (let i = 0; i < x.shape[0]; i++) {
    for (let j = 0; j < (x.shape[1] ?? 1); j++) out.push(x.data[x.offset + i * x.stride[0] + j * (x.stride[1] ?? 0)]);
  }
  return out;
};

/** What a refused call says. */
function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the call was not refused');
}

describe.each(Object.keys(cells))('truncated BPTT of %s', (name) => {
  const lengths = [7, 4, 1, 10]; // all k·3 + 1: the last window of each has one loss
  const whole = [6, 3, 10, 9, 2]; // the last windows of three of them are whole

  function gradients(
    direction: 'forward' | 'reverse',
    truncate?: { every: number; back: number },
    of: number[] = lengths,
  ) {
    const { cell, packing, params, x, dY, dFinal } = scene(name, of);
    const grads = zerosLike(params);
    const dX = allocate([packing.total, D], 'float64');
    const unrolled = unroll(kernels, cell, params, x, packing, { direction });
    const { dStates } = unrollBackward(kernels, unrolled, dY, grads, { dX, dFinal, truncate });
    const ofStates = Object.entries(dStates).map(([state, d]) => [`∂L/∂${state}`, d]);
    return { ...grads, x: dX, ...Object.fromEntries(ofStates) } as Record<string, Tensor>;
  }

  test.each(['forward', 'reverse'] as const)('back ≥ T is full BPTT bit for bit, %s', (direction) => {
    const full = gradients(direction);
    for (const truncate of [
      { every: 2, back: 10 },
      { every: 10, back: 10 },
      { every: 50, back: 60 },
    ]) {
      const truncated = gradients(direction, truncate);
      for (const key of Object.keys(full)) expect(values(truncated[key])).toEqual(values(full[key]));
    }
  });

  test.each([
    ['forward', lengths],
    ['reverse', lengths],
    ['forward', whole],
    ['reverse', whole],
  ] as const)('equals the sum of independent sweeps over each sequence, %s, lengths %p', (direction, of) => {
    // The definition, taken literally: every loss of a window is propagated through the last `back` steps before its end,
    // with the carried state as a constant. One sequence at a time, no packing, no sweeps over shared buffers.
    const truncate = { every: 3, back: 4 };
    const actual = gradients(direction, truncate, [...of]);
    const { cell, packing, params, x, dY, dFinal } = scene(name, [...of]);
    const expected = zerosLike(params);
    const dX = allocate([packing.total, D], 'float64');
    const dStates = Object.fromEntries(
      cell.states.map((s) => [`∂L/∂${s}`, allocate([packing.batch + packing.total, H], 'float64')]),
    );
    for (let b = 0; b < packing.batch; b++) {
      const own = Array.from({ length: packing.lengths[b] }, (_, s) =>
        direction === 'forward' ? packing.offsets[s] + b : packing.offsets[packing.lengths[b] - 1 - s] + b,
      );
      for (const { from, seedFrom, end } of referenceWindows(own.length, truncate)) {
        const piece = (source: Tensor, a: number, z: number) => {
          const out = allocate([z - a, source.shape[1]], 'float64');
          for (let s = a; s < z; s++)
            out.data.set(
              source.data.subarray(own[s] * source.shape[1], (own[s] + 1) * source.shape[1]),
              (s - a) * source.shape[1],
            );
          return out;
        };
        const lead = from === 0 ? undefined : unroll(kernels, cell, params, piece(x, 0, from), packingOf([from])).final;
        const part = unroll(kernels, cell, params, piece(x, from, end), packingOf([end - from]), { initial: lead });
        const cotangent = piece(dY, from, end);
        cotangent.data.fill(0, 0, (seedFrom - from) * H);
        const dx = allocate([end - from, D], 'float64');
        const last = end === own.length;
        const final = Object.fromEntries(cell.states.map((s) => [s, { ...dFinal[s], shape: [1, H], offset: b * H }]));
        const back = unrollBackward(kernels, part, cotangent, expected, { dX: dx, dFinal: last ? final : undefined });
        // The state that a window starts from is a constant, but for the first window.
        for (const state of cell.states) {
          for (let s = from === 0 ? 0 : from + 1; s <= end; s++) {
            const to = s === 0 ? b : packing.batch + packing.offsets[s - 1] + b;
            const d = back.dStates[state].data.subarray((s - from) * H, (s - from + 1) * H);
            d.forEach((v, j) => (dStates[`∂L/∂${state}`].data[to * H + j] += v));
          }
        }
        for (let s = from; s < end; s++)
          for (let j = 0; j < D; j++) dX.data[own[s] * D + j] += dx.data[(s - from) * D + j];
      }
    }
    for (const [key, want] of Object.entries({ ...expected, ...dStates, x: dX })) {
      const got = values(actual[key]);
      values(want).forEach((v, i) =>
        expect(Math.abs(got[i] - v)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(v))),
      );
    }
    // The test would not notice a truncation that does nothing:
    expect(values(actual.Wx)).not.toEqual(values(gradients(direction, undefined, [...of]).Wx));
  });
});

describe('the work of truncated BPTT', () => {
  /** Steps taken and rows added up in a backward pass over T steps. */
  function work(T: number, truncate: { every: number; back: number }): number {
    const { packing, params, x, dY, dFinal } = scene('lstm', [T, T]);
    let count = 0;
    const addMatrix: typeof kernels.rows.addMatrix = (out, added) => {
      count += added.shape[0];
      kernels.rows.addMatrix(out, added);
    };
    const counting: Kernels = { ...kernels, rows: { ...kernels.rows, addMatrix } };
    const u = unroll(kernels, lstm, params as never, x, packing);
    const onStep = () => void count++;
    unrollBackward(counting, u, dY, zerosLike(params) as never, { dFinal, truncate, onStep });
    return count;
  }

  test('grows with the number of windows, not with its square', () => {
    const truncate = { every: 4, back: 8 };
    const [once, twice, thrice] = [24, 48, 72].map((T) => work(T, truncate));
    expect(thrice - twice).toBe(twice - once);
  });

  test.each<[number[], { every: number; back: number }, string[]]>([
    // A sequence of two steps has no loss in the later windows: they do not reach back to it.
    [[5, 2], { every: 2, back: 2 }, ['1 of 2', '0 of 2', '3 of 4', '2 of 4', '4 of 5', '3 of 5']],
    // One that ends inside of a window is swept from its own end.
    [[5, 3], { every: 2, back: 2 }, ['1 of 2', '0 of 2', '3 of 4', '2 of 4', '1 of 4', '4 of 5', '3 of 5']],
    [[3], { every: 2, back: 3 }, ['2 of 3', '1 of 3', '0 of 3']],
  ])('goes back no further than a loss is to reach: lengths %p, %p', (lengths, truncate, steps) => {
    const { cell, packing, params, x, dY } = scene('rnn', lengths);
    const seen: string[] = [];
    const onStep: OnStep = ({ t, window }) => void seen.push(`${t} of ${window.end}`);
    unrollBackward(kernels, unroll(kernels, cell, params, x, packing), dY, zerosLike(params), { truncate, onStep });
    expect(seen).toEqual(steps);
  });
});

/** Windows of one sequence, by the definition; it does not matter which batch the sequence is in. */
function referenceWindows(length: number, { every, back }: { every: number; back: number }) {
  const out = [];
  for (let seedFrom = 0; seedFrom < length; seedFrom += every) {
    const end = Math.min(seedFrom + every, length);
    out.push({ from: Math.max(0, end - back), seedFrom, end });
  }
  return out;
}

describe('windowsOf', () => {
  test('lays out the example of its own header', () => {
    expect(windowsOf(8, { every: 3, back: 5 })).toEqual([
      { from: 0, seedFrom: 0, end: 3 },
      { from: 1, seedFrom: 3, end: 6 },
      { from: 3, seedFrom: 6, end: 8 },
    ]);
  });

  test('every loss lies in exactly one window, and no window reaches further back than it may', () => {
    const numbersOf = fc.record({
      T: fc.integer({ min: 1, max: 30 }),
      every: fc.integer({ min: 1, max: 9 }),
      more: fc.nat(9),
    });
    fc.assert(
      fc.property(numbersOf, ({ T, every, more }) => {
        const back = every + more;
        const windows = windowsOf(T, { every, back });
        const losses = windows.flatMap(({ seedFrom, end }) =>
          Array.from({ length: end - seedFrom }, (_, i) => seedFrom + i),
        );
        expect(losses).toEqual(Array.from({ length: T }, (_, t) => t));
        for (const { from, end } of windows) expect(from).toBe(back >= T ? 0 : Math.max(0, end - back));
      }),
      { seed: 4, examples: [[{ T: 7, every: 3, more: 1 }], [{ T: 2, every: 1, more: 0 }]] },
    );
  });

  test('a sequence shorter than every is one window; an empty one has none', () => {
    expect(windowsOf(6, { every: 3, back: 4 })).toEqual([
      { from: 0, seedFrom: 0, end: 3 },
      { from: 2, seedFrom: 3, end: 6 },
    ]);
    expect(windowsOf(2, { every: 5, back: 5 })).toEqual([{ from: 0, seedFrom: 0, end: 2 }]);
    expect(windowsOf(0, { every: 5, back: 5 })).toEqual([]);
  });

  test.each([
    [{ every: 0, back: 4 }, /every must be/],
    [{ every: 2.5, back: 4 }, /every must be/],
    [{ every: 3, back: 2 }, /back must be an integer of at least every = 3/],
    [{ every: 3, back: NaN }, /back must be/],
  ])('refuses %p', (truncation, message) => {
    expect(() => windowsOf(9, truncation)).toThrow(ArgumentError);
    expect(() => windowsOf(9, truncation)).toThrow(message);
  });
});

describe('state carried between calls', () => {
  test.each(Object.keys(cells))(
    'two halves of %s, the final state of one being the initial state of the other, are the whole',
    (name) => {
      const { cell, params } = scene(name, [6, 6]);
      const rng = createRng(5);
      const x = random([12, D], rng);
      const dY = random([12, H], rng);
      const half = (source: Tensor, k: number) => ({
        ...source,
        shape: [6, source.shape[1]],
        offset: 6 * k * source.shape[1],
      });
      const whole = zerosLike(params);
      const u = unroll(kernels, cell, params, x, packingOf([6, 6]));
      unrollBackward(kernels, u, dY, whole);

      const chained = zerosLike(params);
      const first = unroll(kernels, cell, params, half(x, 0), packingOf([3, 3]));
      const second = unroll(kernels, cell, params, half(x, 1), packingOf([3, 3]), { initial: first.final });
      const { dInitial } = unrollBackward(kernels, second, half(dY, 1), chained);
      unrollBackward(kernels, first, half(dY, 0), chained, { dFinal: dInitial });

      expect([...values(first.y), ...values(second.y)]).toEqual(values(u.y));
      for (const key of Object.keys(whole)) {
        const got = values(chained[key]);
        values(whole[key]).forEach((v, i) =>
          expect(Math.abs(got[i] - v)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(v))),
        );
      }
    },
  );
});

describe('the asynchronous entry', () => {
  test.each(['forward', 'reverse'] as const)('gives the bits of the synchronous one, %s', async (direction) => {
    const wide = scene('gru', [4, 2, 6], false);
    const narrow = (x: Tensor): Tensor => viewOf(flatCopy(x, 'float32'), x.shape);
    const params = Object.fromEntries(Object.entries(wide.params).map(([n, p]) => [n, narrow(p)])) as never;
    const { cell, packing } = wide;
    const [x, dY] = [narrow(wide.x), narrow(wide.dY)];
    const zeros = () => ({ grads: zeroGrads(params) as CellParams, dX: allocate(x.shape, 'float32') });
    const [sync, asynchronous] = [zeros(), zeros()];
    const u = unroll(kernels, cell, params, x, packing, { direction });
    const want = unrollBackward(kernels, u, dY, sync.grads, { dX: sync.dX });
    const { device, done } = slowDevice(kernels);
    const v = await unrollAsync(device, kernels, cell, params, x, packing, { direction, keep: 'gradients' });
    const got = await unrollBackwardAsync(device, kernels, v, dY, asynchronous.grads, { dX: asynchronous.dX });

    expect(done).toEqual(['gru forward', 'gru backward']);
    expect(values(v.y)).toEqual(values(u.y));
    expect(values(asynchronous.dX)).toEqual(values(sync.dX));
    for (const [key, g] of Object.entries(sync.grads)) expect(values(asynchronous.grads[key])).toEqual(values(g));
    expect(values(got.stepGrads.du)).toEqual(values(want.stepGrads.du));
    expect(values(v.states.h)).toEqual(values(u.states.h));
  });
});

describe('onStep', () => {
  test.each([['lstm', undefined] as const, ['gru', { every: 2, back: 3 }] as const])(
    'sees every backward step of %s, truncated %j, last first, and changes no bit',
    (name, truncate) => {
      const { cell, packing, params, x, dY, dFinal } = scene(name, [4, 2, 5]);
      const run = (onStep?: OnStep) => {
        const grads = zerosLike(params);
        const u = unroll(kernels, cell, params, x, packing);
        const back = unrollBackward(kernels, u, dY, grads, { dFinal, truncate, onStep });
        return { back, bits: [...Object.values(grads), ...Object.values(back.dStates)].map(values) };
      };
      const seen: { t: number; end: number; dh: number[]; da: number[]; cut: number[] }[] = [];
      const looked = run(({ t, window, dNext, dPrev, saved }) =>
        seen.push({ t, end: window.end, dh: values(dNext.h), da: values(saved.da), cut: values(dPrev.h) }),
      );
      const plain = run();
      expect(looked.bits).toEqual(plain.bits);
      const expected = windowsOf(5, truncate).flatMap(({ end, from }) =>
        Array.from({ length: end - from }, (_, k) => ({ t: end - 1 - k, end })),
      );
      // Sequences that end inside of a window are swept from their own end, so it may reach further back.
      expect(seen.map(({ t, end }) => ({ t, end }))).toEqual(expect.arrayContaining(expected));
      if (truncate) return;
      expect(seen).toHaveLength(5);
      for (const { t, dh, da } of seen) {
        const [start, count] = [packing.offsets[t], packing.batchSizes[t]];
        expect(dh).toEqual(values(rows(plain.back.dStates.h, packing.batch + start, count)));
        expect(da).toEqual(values(rows(plain.back.stepGrads.da, start, count)));
      }
    },
  );

  test('sees what truncation has cut already', () => {
    const { cell, packing, params, x, dY } = scene('rnn', [4]);
    const before: number[][] = [];
    unrollBackward(kernels, unroll(kernels, cell, params, x, packing), dY, zerosLike(params), {
      truncate: { every: 2, back: 2 },
      onStep: ({ t, dPrev }) => void (t === 2 && before.push(values(dPrev.h))),
    });
    expect(before).toEqual([new Array(H).fill(0)]);
  });

  test('is refused where it is not a function; a fused scan and a device are not asked where it looks', async () => {
    const { packing, params, x, dY } = scene('lstm', [3, 2]);
    const asked: string[] = [];
    const no = (which: string) => () => (asked.push(which), false);
    const backend: Kernels = { ...kernels, fused: { lstm: { forward: no('forward'), backward: no('backward') } } };
    const u = unroll(backend, lstm, params, x, packing);
    unrollBackward(backend, u, dY, zerosLike(params), { onStep: () => undefined });
    expect(asked).toEqual(['forward']);
    const wrong = () => unrollBackward(backend, u, dY, zerosLike(params), { onStep: 3 as never });
    expect(wrong).toThrow(ArgumentError);
    expect(wrong).toThrow(/^lstm: onStep must be a function; got the number 3/);
  });
});

describe('the asynchronous entry refuses what the synchronous one refuses', () => {
  const idle: AsyncKernels = {
    backend: 'idle',
    dtypes: ['float64'],
    addMatmul: () => Promise.reject(new Error('a product ran before the arguments were checked')),
    addMatmulTA: () => Promise.reject(new Error('a product ran before the arguments were checked')),
    addMatmulTB: () => Promise.reject(new Error('a product ran before the arguments were checked')),
    dispose: async () => {},
  };

  test.each([
    ['x of another width', { x: [6, D + 1] }, {}],
    ['x of another number of rows', { x: [5, D] }, {}],
    ['an initial state without c', {}, { initial: { h: allocate([3, H], 'float64') } as State }],
    ['an unknown direction', {}, { direction: 'backwards' as 'reverse' }],
    ['a bias of another length', { b: [4 * H + 1] }, {}],
  ])('forward: %s', async (_, wrong: { x?: number[]; b?: number[] }, options) => {
    const { cell, packing, params, x } = scene('lstm', [3, 1, 2]);
    const badX = wrong.x ? allocate(wrong.x, 'float64') : x;
    const badParams = wrong.b ? { ...params, b: allocate(wrong.b, 'float64') } : params;
    const message = messageOf(() => unroll(kernels, cell, badParams, badX, packing, options));
    await expect(unrollAsync(idle, kernels, cell, badParams, badX, packing, options)).rejects.toThrow(message);
  });

  test('backward', async () => {
    const { cell, packing, params, x, dY } = scene('lstm', [3, 1, 2]);
    const u = unroll(kernels, cell, params, x, packing);
    const grads = zerosLike(params);
    for (const [cotangent, options] of [
      [allocate([6, H + 1], 'float64'), {}],
      [dY, { dX: allocate([6, D + 1], 'float64') }],
      [dY, { dFinal: { z: dY } as Partial<State> }],
      [dY, { truncate: { every: 2, back: 1 } }],
    ] as const) {
      const message = messageOf(() => unrollBackward(kernels, u, cotangent, grads, options));
      await expect(unrollBackwardAsync(idle, kernels, u, cotangent, grads, options)).rejects.toThrow(message);
    }
    expect(
      Object.values(grads)
        .flatMap(values)
        .every((v) => v === 0),
    ).toBe(true);
  });
});

describe('a fused scan', () => {
  /** A backend whose fused scan only records, and accepts or declines. */
  function recording(accepts: boolean): Kernels & { calls: { which: string; scan: ScanTensors }[] } {
    const calls: { which: string; scan: ScanTensors }[] = [];
    const note = (which: string) => (scan: ScanTensors) => {
      calls.push({ which, scan });
      return accepts;
    };
    return { ...kernels, fused: { lstm: { forward: note('forward'), backward: note('backward') } }, calls };
  }

  test('is called once for the whole time loop, with the tensors the loop would use, and replaces it', () => {
    const { packing, params, x, dY } = scene('lstm', [3, 2]);
    const backend = recording(true);
    const u = unroll(backend, lstm, params, x, packing);
    unrollBackward(backend, u, dY, zerosLike(params));
    expect(backend.calls.map((c) => c.which)).toEqual(['forward', 'backward']);
    const { scan } = backend.calls[1];
    expect([...scan.batchSizes]).toEqual([2, 2, 1]);
    expect(Object.keys(scan.states)).toEqual(['h', 'c']);
    expect(Object.keys(scan.dStates ?? {})).toEqual(['h', 'c']);
    expect(Object.keys(scan.cache).sort()).toEqual(['a', 'da', 'tanhC']);
    expect(values(u.y).every((v) => v === 0)).toBe(true); // nobody computed anything: the recorder only recorded
  });

  test('that declines leaves the work to the TypeScript scan', () => {
    const { packing, params, x, dY } = scene('lstm', [3, 2]);
    const backend = recording(false);
    const run = (k: Kernels): [Unrolled, CellParams] => {
      const grads = zerosLike(params);
      const u = unroll(k, lstm, params, x, packing);
      unrollBackward(k, u, dY, grads);
      return [u as Unrolled, grads];
    };
    const [u, grads] = run(backend);
    const [v, wanted] = run(kernels);
    expect(backend.calls).toHaveLength(2);
    expect(values(u.y)).toEqual(values(v.y));
    expect(values(grads.Wh)).toEqual(values(wanted.Wh));
  });

  test('is not asked for the partial sweeps of truncated BPTT', () => {
    const { packing, params, x, dY } = scene('lstm', [5]);
    const backend = recording(false);
    unrollBackward(backend, unroll(backend, lstm, params, x, packing), dY, zerosLike(params), {
      truncate: { every: 2, back: 3 },
    });
    expect(backend.calls.map((c) => c.which)).toEqual(['forward']);
  });
});

describe('where truncation cuts nothing', () => {
  test.each([5, 7])('a fused scan is asked for the whole sweep: back %p of 5 steps', (back) => {
    const { packing, params, x, dY } = scene('lstm', [5, 3]);
    const asked: string[] = [];
    const no = (which: string) => () => (asked.push(which), false);
    const backend: Kernels = { ...kernels, fused: { lstm: { forward: no('forward'), backward: no('backward') } } };
    const u = unroll(backend, lstm, params, x, packing);
    unrollBackward(backend, u, dY, zerosLike(params), { truncate: { every: 2, back } });
    expect(asked).toEqual(['forward', 'backward']);
  });
});

/** The same numbers as a view whose elements lie apart, from an offset on, with NaN in the gaps. */
function spread({ data, shape, offset }: Tensor): Tensor {
  const gap = 3;
  const count = shape.reduce((product, n) => product * n, 1);
  const wide = allocate([gap * count + 2], 'float64');
  wide.data.fill(NaN);
  const stride = shape.map((_, axis) => gap * shape.slice(axis + 1).reduce((product, n) => product * n, 1));
  for (let i = 0; i < count; i++) wide.data[2 + gap * i] = data[offset + i];
  return { data: wide.data, shape, stride, offset: 2 };
}

describe.each(Object.keys(cells))('views as parameters of %s', (name) => {
  test.each(['forward', 'reverse'] as const)(
    'every one of them may have any strides, biases and learned initial states too, and so may its gradient, %s',
    (direction) => {
      const { cell, packing, params, x, dY, dFinal } = scene(name, [3, 1, 2]);
      const run = (layout: (x: Tensor) => Tensor) => {
        const map = (tensors: CellParams) =>
          Object.fromEntries(Object.entries(tensors).map(([key, p]) => [key, layout(p)])) as unknown as CellParams;
        const grads = map(zerosLike(params));
        const dX = layout(allocate(x.shape, 'float64'));
        const u = unroll(kernels, cell, map(params), layout(x), packing, { direction });
        unrollBackward(kernels, u, layout(dY), grads, { dX, dFinal });
        return { y: u.y, dX, ...grads } as Record<string, Tensor>;
      };
      const [plain, views] = [run((p) => p), run(spread)];
      for (const [key, want] of Object.entries(plain)) expect([key, values(views[key])]).toEqual([key, values(want)]);
    },
  );
});

describe.each(Object.keys(cells))('the steps of %s', (name) => {
  /** The cell, with a list of its steps: how many rows each had. */
  function watched() {
    const base: Cell = cells[name];
    const steps: number[] = [];
    const cell: Cell = {
      ...base,
      stepForward: (...args) => (steps.push(args[2].h.shape[0]), base.stepForward(...args)),
      stepBackward: (...args) => (steps.push(-args[2].h.shape[0]), base.stepBackward(...args)),
    };
    return { cell, steps };
  }

  test('are taken once each way, over the sequences that run', () => {
    const { packing, params, x, dY } = scene(name, [3, 1, 2, 0]);
    const { cell, steps } = watched();
    const u = unroll(kernels, cell, params, x, packing);
    expect(steps).toEqual([3, 2, 1]);
    unrollBackward(kernels, u, dY, zerosLike(params));
    expect(steps).toEqual([3, 2, 1, -1, -2, -3]);
  });

  test('that were not kept are computed once more where they are read, from the parameters as they are then', () => {
    const { packing, params, x, dY } = scene(name, [3, 1]);
    const { cell, steps } = watched();
    const u = unroll(kernels, cell, params, x, packing, { keep: 'nothing' });
    const [first, kept] = [values(u.y), unroll(kernels, cell, params, x, packing)];
    expect(first).toEqual(values(kept.y));
    expect(() => unrollBackward(kernels, u, dY, zerosLike(params))).toThrow(ArgumentError);
    expect(() => unrollBackward(kernels, u, dY, zerosLike(params))).toThrow(
      new RegExp(`^${name}: unrollBackward: the forward pass kept nothing; .* run the forward pass again`),
    );
    params.b.data[0] += 0.5;
    steps.length = 0;
    const now = unroll(kernels, cell, params, x, packing);
    expect(steps).toEqual([2, 1, 1]);
    expect([values(u.states.h), values(u.saved.a)]).toEqual([values(now.states.h), values(now.saved.a)]);
    expect(steps).toEqual([2, 1, 1, 2, 1, 1]);
    expect(values(u.states.h)).not.toEqual(values(kept.states.h));
    expect(values(u.y)).toEqual(first);
  });

  test.each(['forward', 'reverse'] as const)('read nothing of what empty memory held before, %s', (direction) => {
    const { cell, packing, params, x, dY, dFinal } = scene(name, [3, 1, 2]);
    const run = (k: Kernels) => {
      const grads = zerosLike(params);
      const dX = allocate(x.shape, 'float64');
      const u = unroll(k, cell, params, x, packing, { direction });
      const { dInitial, stepGrads } = unrollBackward(k, u, dY, grads, { dX, dFinal });
      const all = { y: u.y, dX, ...u.final, ...grads, ...stepGrads };
      return [...Object.values(all), ...Object.values(dInitial)].map(values);
    };
    const used: Kernels = {
      ...kernels,
      empty(shape, dtype) {
        const left = allocate(shape, dtype);
        left.data.fill(NaN);
        return left;
      },
    };
    expect(run(used)).toEqual(run(kernels));
  });
});

describe('previousStates', () => {
  const previous = (lengths: number[]) => {
    const { cell, packing, params, x } = scene('gru', lengths);
    const u = unroll(kernels, cell, params, x, packing);
    return { u, packing, h: previousStates(kernels, u) };
  };

  test('of equal lengths are there already: nothing is copied', () => {
    const { u, h } = previous([3, 3]);
    expect(h.data).toBe(u.states.h.data);
    expect(values(h)).toEqual(values(rows(u.states.h, 0, 6)));
  });

  test.each([[[3, 1, 2]], [[2, 0]], [[0, 4, 4]]])(
    'of lengths %p are, row by row, what the step before left',
    (lengths) => {
      const { u, packing, h } = previous(lengths);
      const { batch, offsets } = packing;
      const row = (t: number, b: number) => values(rows(u.states.h, t < 0 ? b : batch + offsets[t] + b, 1));
      for (let t = 0; t < packing.steps; t++) {
        for (let b = 0; b < packing.batchSizes[t]; b++) {
          expect(values(rows(h, offsets[t] + b, 1))).toEqual(row(t - 1, b));
        }
      }
    },
  );
});

describe('edges', () => {
  test('sequences of length 0 pass their initial state through, values and gradients', () => {
    const { cell, packing, params, x, dY, dFinal, initial } = scene('lstm', [2, 0, 3]);
    const u = unroll(kernels, cell, params, x, packing, { initial });
    expect(packing.order[2]).toBe(1);
    expect(values(u.final.c).slice(2 * H)).toEqual(values(initial.c).slice(2 * H));
    const { dInitial } = unrollBackward(kernels, u, dY, zerosLike(params), { dFinal });
    expect(values(dInitial.c).slice(2 * H)).toEqual(values(dFinal.c).slice(2 * H));
  });

  test('a batch without any token is legal', () => {
    const { cell, params, x, packing } = scene('gru', [0, 0]);
    const u = unroll(kernels, cell, params, x, packing);
    expect(u.y.shape).toEqual([0, H]);
    const grads = zerosLike(params);
    unrollBackward(kernels, u, allocate([0, H], 'float64'), grads);
    expect(values(grads.Wh).every((v) => v === 0)).toBe(true);
  });

  test('a given initial state replaces the learned one, which then gets no gradient', () => {
    const { cell, packing, params, x, dY, initial } = scene('rnn', [3, 1]);
    const grads = zerosLike(params);
    unrollBackward(kernels, unroll(kernels, cell, params, x, packing, { initial }), dY, grads);
    expect(values(grads.h0).every((v) => v === 0)).toBe(true);
    const without: Record<string, Tensor | undefined> = { ...zerosLike(params) };
    delete without.h0;
    unrollBackward(kernels, unroll(kernels, cell, params, x, packing, { initial }), dY, without as never);
    expect(values(without.Wh!)).toEqual(values(grads.Wh));
    unrollBackward(kernels, unroll(kernels, cell, params, x, packing), dY, grads);
    expect(values(grads.h0).some((v) => v !== 0)).toBe(true);
  });

  test('gradients accumulate over calls', () => {
    const { cell, packing, params, x, dY } = scene('lstm', [3, 1]);
    const [once, twice] = [zerosLike(params), zerosLike(params)];
    const u = unroll(kernels, cell, params, x, packing);
    unrollBackward(kernels, u, dY, once);
    unrollBackward(kernels, u, dY, twice);
    unrollBackward(kernels, u, dY, twice);
    const got = values(twice.b);
    values(once.b).forEach((v, i) =>
      expect(Math.abs(got[i] - 2 * v)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(v))),
    );
  });

  test.each(['Wx', 'Wh', 'b'])('parameters without %s are refused by name', (name) => {
    const { cell, packing, params, x } = scene('lstm', [3, 1]);
    for (const wrong of [undefined, 5, [1]]) {
      const call = () => unroll(kernels, cell, { ...params, [name]: wrong } as never, x, packing);
      expect(call).toThrow(new RegExp(`^lstm: params\\.${name} must be a tensor`));
    }
  });

  test('what is not a tensor is refused by name, wherever it stands', () => {
    const { cell, packing, params, x, dY, initial, dFinal } = scene('gru', [3, 1]);
    const u = unroll(kernels, cell, params, x, packing);
    const grads = zerosLike(params);
    const backward = (options: object) => () => unrollBackward(kernels, u, dY, grads, options);
    expect(() => unroll(kernels, cell, { ...params, bn: 5 as never }, x, packing)).toThrow(/^gru: bn must be a tensor/);
    expect(() => unroll(kernels, cell, params, x, packing, { initial: { ...initial, h: 5 as never } })).toThrow(
      /^gru: initial\.h must be a tensor/,
    );
    expect(() => unrollBackward({} as never, u, dY, grads)).toThrow(/^unrollBackward: expected kernels/);
    expect(() => unrollBackward(kernels, u, 5 as never, grads)).toThrow(/^unrollBackward: dY must be a tensor/);
    expect(() => unrollBackward(kernels, u, dY, grads, 5 as never)).toThrow(/^unrollBackward: options must be/);
    expect(backward({ dX: 5 })).toThrow(/dX must be a tensor/);
    expect(backward({ dFinal: 5 })).toThrow(/dFinal must be a record of states, h/);
    expect(backward({ dFinal: { h: 5 } })).toThrow(/dFinal\.h must be a tensor/);
    expect(backward({ dFinal: { h: undefined } })).not.toThrow();
    expect(backward({ dFinal })).not.toThrow();
  });

  test('gradients of another shape or element type are refused by name', () => {
    const { cell, packing, params, x, dY } = scene('gru', [3, 1]);
    const u = unroll(kernels, cell, params, x, packing);
    const refuse = (cotangent: Tensor, options: object, message: RegExp) =>
      expect(() => unrollBackward(kernels, u, cotangent, zerosLike(params), options)).toThrow(message);
    refuse(allocate(dY.shape, 'float32'), {}, /dY must be \[4, 5\] float64; got \[4, 5\] float32/);
    refuse(dY, { dX: allocate(x.shape, 'float32') }, /dX must be \[4, 3\] float64; got \[4, 3\] float32/);
    refuse(dY, { dFinal: { h: allocate([2, H], 'float32') } }, /dFinal\.h must be \[2, 5\] float64; got .* float32/);
    refuse(dY, { dFinal: { h: allocate([3, H], 'float64') } }, /dFinal\.h must be \[2, 5\] float64; got \[3, 5\]/);
    refuse(dY, { dFinal: { h: allocate([2, H + 1], 'float64') } }, /dFinal\.h must be \[2, 5\]/);
  });

  test('a record that lacks a part of what unroll returns is refused', () => {
    const { cell, packing, params, x, dY } = scene('gru', [3, 1]);
    const u = unroll(kernels, cell, params, x, packing);
    for (const name of ['cell', 'packing', 'y'] as const) {
      const rest = Object.fromEntries(Object.entries(u).filter(([key]) => key !== name));
      expect(() => unrollBackward(kernels, rest as never, dY, zerosLike(params))).toThrow(
        /^unrollBackward: unrolled must be what unroll returned/,
      );
    }
  });

  test.each<[string, object, object]>([
    ['Wx must be [3, 20] (G = 4, and Wh is [5, 20]); got [3, 19]', { Wx: [3, 19] }, {}],
    ['Wh must be [5, 20] (Wx is [3, 20]); got [5, 19]', { Wh: [5, 19] }, {}],
    ['b must be [20] (Wx is [3, 20]); got [19]', { b: [19] }, {}],
    ['c0 must be [5] (initial states are learned all or none); got [4]', { c0: [4] }, {}],
    ['initial.c must be [2, 5] (B = 2, H = 5); got [3, 5]', {}, { h: [2, 5], c: [3, 5] }],
    ['initial.h must be [2, 5] (B = 2, H = 5); got nothing', {}, { c: [2, 5] }],
  ])('a shape that does not fit is refused with its reason: %s', (message, wrong, states) => {
    const { cell, packing, params, x } = scene('lstm', [3, 1]);
    const made = (shapes: object): Record<string, Tensor> =>
      Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, allocate(shape as number[], 'float64')]));
    const options = Object.keys(states).length > 0 ? { initial: made(states) as unknown as State } : {};
    const call = () => unroll(kernels, cell, { ...params, ...made(wrong) } as CellParams, x, packing, options);
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(`lstm: ${message}`);
  });

  test('errors name the tensor, what was expected and what came', () => {
    const { cell, packing, params, x, dY } = scene('lstm', [3, 1]);
    const wrong = allocate([4, D + 1], 'float64');
    expect(() => unroll(kernels, cell, params, wrong, packing)).toThrow(ShapeError);
    expect(() => unroll(kernels, cell, params, wrong, packing)).toThrow(
      'lstm: x must be [4, 3] (N = 4 rows in the batch, D = 3 as Wx is [3, 20]); got [4, 4]',
    );
    expect(() => unroll(kernels, cell, { ...params, b: allocate([19], 'float64') }, x, packing)).toThrow(
      /lstm: b must be \[20\]/,
    );
    expect(() => unroll(kernels, cell, { ...params, Wh: allocate([H, 20], 'float32') }, x, packing)).toThrow(
      /Wh must be float64 like x/,
    );
    expect(() => unroll(kernels, cell, params, x, packing, { initial: { h: allocate([2, H], 'float64') } })).toThrow(
      /initial.c must be \[2, 5\].*got nothing/,
    );
    expect(() => unroll(kernels, cell, params, x, packing, { direction: 'backwards' as 'reverse' })).toThrow(
      ArgumentError,
    );
    const withoutBn = { ...scene('gru', [3, 1]).params, bn: undefined as unknown as Tensor };
    expect(() => unroll(kernels, cells.gru, withoutBn, x, packing)).toThrow(
      `gru: bn must be [${H}] (H = ${H}); got nothing`,
    );
    const half = { ...params, h0: undefined as unknown as Tensor, c0: allocate([H], 'float64') };
    expect(() => unroll(kernels, cells.lstm, half, x, packing)).toThrow(
      `lstm: h0 must be [${H}] (initial states are learned all or none); got nothing`,
    );
    expect(() => unroll({ ...kernels, backend: 'narrow', dtypes: ['float32'] }, cell, params, x, packing)).toThrow(
      UnsupportedError,
    );
    const u = unroll(kernels, cell, params, x, packing);
    expect(() => unrollBackward(kernels, u, allocate([4, H + 1], 'float64'), zerosLike(params))).toThrow(
      /dY must be \[4, 5\] float64; got \[4, 6\]/,
    );
    expect(() => unrollBackward(kernels, u, dY, zerosLike(params), { dX: x && allocate([4, 4], 'float64') })).toThrow(
      /dX must be \[4, 3\]/,
    );
    expect(() => unrollBackward(kernels, u, dY, zerosLike(params), { dFinal: { z: dY } as Partial<State> })).toThrow(
      /states of this cell are h, c/,
    );
  });
});
