/** Between the caller's order and packed order: a batch read in chunks is its sequences read alone, whatever their lengths. */
import fc from 'fast-check';
import { finalOf, initialFor, packFloats, toCallerOrder, unpackFloats } from '../../src/autograd/order.js';
import { packingOf } from '../../src/autograd/packing.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { lstm } from '../../src/cells/index.js';
import type { LstmState } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { copy, normal, zeros } from '../../src/tensor/create.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { columns, rows } from '../../src/tensor/view.js';
import { scattered } from '../layers/support.js';

const [D, H] = [3, 4];
const kernels = createCpuKernels();
const params = lstm.initialize(D, H, createRng(2), { dtype: 'float64' });

/** Elements in row-major order, read through the strides. */
const values = (x: Tensor): number[] =>
  Array.from({ length: x.shape[0] * x.shape[1] }, (_, i) => {
    const [r, j] = [Math.floor(i / x.shape[1]), i % x.shape[1]];
    return x.data[x.offset + r * x.stride[0] + j * x.stride[1]];
  });

const lengths = (B: number) => fc.array(fc.integer({ min: 0, max: 5 }), { minLength: B, maxLength: B });
const twoChunks = fc.integer({ min: 1, max: 5 }).chain((B) => fc.tuple(lengths(B), lengths(B), fc.integer()));

describe('a batch read in two chunks', () => {
  it('is each of its sequences read alone, through finalOf and initialFor', () => {
    fc.assert(
      fc.property(twoChunks, ([one, two, seed]) => {
        const rng = createRng(seed);
        const texts = one.map((length, b) => normal([length + two[b], D], 1, rng, 'float64'));
        const [first, second] = [packingOf(one), packingOf(two)];
        const a = packFloats(first, texts.map((x, b) => rows(x, 0, one[b]))); // prettier-ignore
        const c = packFloats(second, texts.map((x, b) => rows(x, one[b], two[b]))); // prettier-ignore
        const state = finalOf(unroll(kernels, lstm, params, a, first)) as LstmState;
        const pass = unroll(kernels, lstm, params, c, second, { initial: initialFor(second, state) });
        const [end, outputs] = [finalOf(pass) as LstmState, unpackFloats(second, pass.y)];
        texts.forEach((x, b) => {
          const alone = unroll(kernels, lstm, params, x, packingOf([one[b] + two[b]]));
          expect(values(rows(end.h, b, 1))).toEqual(values(alone.final.h));
          expect(values(rows(end.c, b, 1))).toEqual(values((alone.final as LstmState).c));
          expect(values(outputs[b])).toEqual(values(rows(alone.y, one[b], two[b])));
        });
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it('swaps sequences where the states are handed on as they are', () => {
    const [first, second] = [packingOf([1, 3]), packingOf([4, 2])];
    const pass = unroll(kernels, lstm, params, normal([4, D], 1, createRng(5), 'float64'), first);
    expect(values(finalOf(pass).h)).toEqual([...values(rows(pass.final.h, 1, 1)), ...values(rows(pass.final.h, 0, 1))]);
    expect(values(initialFor(second, finalOf(pass)).h)).not.toEqual(values(pass.final.h));
  });
});

it('the gradients of the initial states, in the order of the caller, are those of the sequences alone', () => {
  const rng = createRng(8);
  const T = [2, 0, 4, 1];
  const packing = packingOf(T);
  const texts = T.map((length) => normal([length, D], 1, rng, 'float64'));
  const initial = { h: normal([4, H], 1, rng, 'float64'), c: normal([4, H], 1, rng, 'float64') };
  const dFinal = { h: normal([4, H], 1, rng, 'float64'), c: normal([4, H], 1, rng, 'float64') };
  const backward = (x: Tensor, lengths: number[], start: LstmState, end: Partial<LstmState>) => {
    const pass = unroll(kernels, lstm, params, x, packingOf(lengths), { initial: start });
    const grads = Object.fromEntries(Object.entries(params).map(([name, p]) => [name, zeros(p.shape, 'float64')]));
    const dY = zeros(pass.y.shape, 'float64');
    return unrollBackward(kernels, pass, dY, grads as unknown as typeof params, { dFinal: end }).dInitial as LstmState;
  };
  const all = backward(packFloats(packing, texts), T, initialFor(packing, initial), initialFor(packing, dFinal));
  const { h, c } = toCallerOrder(packing, all);
  texts.forEach((x, b) => {
    const own = (s: LstmState) => ({ h: copy(rows(s.h, b, 1)), c: copy(rows(s.c, b, 1)) });
    const alone = backward(x, [T[b]], own(initial), own(dFinal));
    expect(values(rows(h, b, 1))).toEqual(values(alone.h));
    expect(values(rows(c, b, 1))).toEqual(values(alone.c));
  });
});

describe('packing floats', () => {
  it('reads strided matrices, keeps their element type, and unpacking undoes it', () => {
    const wide = normal([3, 5], 1, createRng(1), 'float32');
    const sequences = [columns(rows(wide, 0, 1), 1, 2), columns(wide, 2, 2)];
    const packing = packingOf([1, 3]);
    const packed = packFloats(packing, sequences);
    expect([packed.shape, packed.data.constructor.name]).toEqual([[4, 2], 'Float32Array']);
    expect(unpackFloats(packing, packed).map(values)).toEqual(sequences.map(values));
  });

  it('reads views with any strides', () => {
    const packing = packingOf([2, 3, 1]);
    const sequences = [2, 3, 1].map((T, b) => normal([T, 2], 1, createRng(b), 'float64'));
    const packed = packFloats(packing, sequences);
    expect(values(packFloats(packing, sequences.map(scattered)))).toEqual(values(packed));
    expect(unpackFloats(packing, scattered(packed)).map(values)).toEqual(sequences.map(values));
    const states = { h: normal([3, H], 1, createRng(4), 'float64') };
    expect(values(initialFor(packing, { h: scattered(states.h) }).h)).toEqual(values(initialFor(packing, states).h));
  });

  it('leaves partial states partial', () => {
    const { h } = initialFor(packingOf([1, 2]), { h: zeros([2, H]) });
    expect(h.shape).toEqual([2, H]);
    expect(Object.keys(toCallerOrder(packingOf([1, 2]), { c: h, h: undefined }))).toEqual(['c']);
  });

  it('refuses what does not fit, by name', () => {
    const packing = packingOf([1, 3]);
    const two = [zeros([1, 2]), zeros([3, 2])];
    const cases: [() => unknown, typeof ShapeError | typeof ArgumentError, string][] = [
      [() => packFloats(packing, two.slice(1)), ArgumentError, 'must list 2 matrices, one per sequence; got 1'],
      [() => packFloats(packing, zeros([2, 2]) as never), ArgumentError, 'must list 2 matrices'],
      [() => packFloats(packingOf([]), []), ArgumentError, 'at least one matrix'],
      [() => packFloats(packing, [two[1], two[0]]), ShapeError, 'sequences[1] must be [3, 2] float32 (its length'],
      [() => packFloats(packing, [two[0], zeros([3, 2], 'float64')]), ShapeError, 'got [3, 2] float64'],
      [() => packFloats(packing, [two[0], zeros([3, 1])]), ShapeError, 'got [3, 1] float32'],
      [() => unpackFloats(packing, zeros([5, 2])), ShapeError, 'N = 4 rows in the batch; got [5, 2]'],
      [() => unpackFloats(packing, zeros([4])), ShapeError, 'N = 4 rows in the batch; got [4]'],
      [() => unpackFloats(packing, zeros([4, 2, 1])), ShapeError, 'N = 4 rows in the batch; got [4, 2, 1]'],
      [
        () => initialFor(packing, { h: zeros([3, H]) }),
        ShapeError,
        'initialFor: h must be [B, H] with B = 2; got [3, 4]',
      ],
      [() => toCallerOrder(packing, { h: zeros([2]) }), ShapeError, 'toCallerOrder: h must be [B, H]'],
    ];
    for (const [act, error, message] of cases) {
      expect(act).toThrow(error);
      expect(act).toThrow(message);
    }
  });
});
