import { packingOf, type Packing } from '../../src/autograd/packing.js';
import { cells, type Cell, type CellParams, type State } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import {
  bidirectionalBackward,
  bidirectionalForward,
  initBidirectional,
  type DirectionStates,
} from '../../src/layers/bidirectional.js';
import {
  initStack,
  outputSize,
  stackBackward,
  stackBackwardAsync,
  stackForward,
  stackForwardAsync,
  type LayerParams,
  type LayerSpec,
  type StackOptions,
  type StackPass,
} from '../../src/layers/stack.js';
import { flatten } from '../../src/autograd/grads.js';
import { dropoutForward, placesOf } from '../../src/layers/dropout.js';
import { ArgumentError, BpttError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { createKey } from '../../src/tensor/random-key.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf, rows } from '../../src/tensor/view.js';
import { stackInference } from '../../src/layers/inference.js';
import { mutated } from '../support/mutate.js';
import { slowDevice } from '../support/slow-device.js';
import { distance, dot, expectGradients, matrix, numbers, random } from './support.js';

const kernels = createCpuKernels();
const packing = packingOf([3, 1, 4]);
const N = packing.total;
const B = packing.batch;
const D = 3;
const float64 = { dtype: 'float64' } as const;

/** Zero gradients with the structure of the parameters. */
function mirror<P>(params: P): P {
  if (Array.isArray(params)) return params.map(mirror) as P;
  const record = params as Record<string, unknown>;
  const isTensor = (x: unknown): x is Tensor => typeof x === 'object' && x !== null && 'stride' in x;
  const entries = Object.entries(record).map(([name, x]) => [
    name,
    isTensor(x) ? allocate(x.shape, dtypeOf(x.data)) : mirror(x),
  ]);
  return Object.fromEntries(entries) as P;
}

/** Weights away from their initial values, so that no bias is zero. */
function shaken<P>(params: P): P {
  const rng = createRng(99);
  for (const x of Object.values(flatten(params as never))) {
    for (let i = 0; i < x.data.length; i++) x.data[i] += 0.3 * rng.normal();
  }
  return params;
}

function randomState(cell: Cell, H: number, seed: number): State {
  const rng = createRng(seed);
  return Object.fromEntries(cell.states.map((name) => [name, random([B, H], rng)])) as unknown as State;
}

/** Rows of one sequence of the batch, first token first. */
function sequence(x: Tensor, { offsets, lengths }: Packing, b: number): number[][] {
  return Array.from({ length: lengths[b] }, (_, t) => matrix(x)[offsets[t] + b]);
}

/** A tanh RNN over one sequence, written from its equation, from either end. */
function naiveRnn(params: CellParams, tokens: number[][], fromTheEnd: boolean): number[][] {
  const [Wx, Wh, b] = [matrix(params.Wx), matrix(params.Wh), numbers(params.b)];
  let h = b.map(() => 0);
  const step = (x: number[]) => {
    const a = b.map((bias, j) => x.reduce((s, v, d) => s + v * Wx[d][j], bias));
    h = a.map((value, j) => Math.tanh(h.reduce((s, v, i) => s + v * Wh[i][j], value)));
    return h;
  };
  return fromTheEnd ? [...tokens].reverse().map(step).reverse() : tokens.map(step);
}

function naiveLayer(params: LayerParams, tokens: number[][]): number[][] {
  const forward = naiveRnn(params.forward, tokens, false);
  if (!('reverse' in params)) return forward;
  const reverse = naiveRnn(params.reverse, tokens, true);
  return forward.map((h, t) => [...h, ...reverse[t]]);
}

describe('bidirectional', () => {
  const H = 4;

  test('each token gets what was read before it and what was read after it', () => {
    const params = shaken(initBidirectional(cells.rnn, D, H, createRng(1), float64));
    const x = random([N, D], createRng(2));
    const { y } = bidirectionalForward(kernels, cells.rnn, params, x, packing);
    expect(y.shape).toEqual([N, 2 * H]);
    for (let b = 0; b < B; b++) {
      const expected = naiveLayer(params, sequence(x, packing, b));
      expect(distance(sequence(y, packing, b).flat(), expected.flat())).toBeLessThan(1e-14);
    }
  });

  test.each(Object.keys(cells))('%s: gradients of x, states and every parameter', (name) => {
    const cell = cells[name];
    const params = shaken(initBidirectional(cell, D, H, createRng(3), float64));
    const x = random([N, D], createRng(4));
    const initial = { forward: randomState(cell, H, 5), reverse: randomState(cell, H, 6) };
    const dFinal = { forward: randomState(cell, H, 7), reverse: randomState(cell, H, 8) };
    const cotangent = random([N, 2 * H], createRng(9));
    const run = () => bidirectionalForward(kernels, cell, params, x, packing, initial);
    const loss = () => {
      const pass = run();
      let sum = dot(cotangent, pass.y);
      for (const state of cell.states) {
        sum += dot(dFinal.forward[state], pass.forward.final[state]);
        sum += dot(dFinal.reverse[state], pass.reverse.final[state]);
      }
      return sum;
    };
    const grads = mirror(params);
    const dX = allocate([N, D], 'float64');
    const unwound = bidirectionalBackward(kernels, run(), cotangent, grads, { dX, dFinal });
    const dInitial = { forward: unwound.forward.dInitial, reverse: unwound.reverse.dInitial };
    const tensors = flatten({ params, x, initial } as never);
    expectGradients(tensors, flatten({ params: grads, x: dX, initial: dInitial } as never), loss, 6);
  });

  test('truncation is counted from the start of each direction', () => {
    const params = shaken(initBidirectional(cells.lstm, D, H, createRng(3), float64));
    const x = random([N, D], createRng(4));
    const cotangent = random([N, 2 * H], createRng(9));
    const pass = bidirectionalForward(kernels, cells.lstm, params, x, packing);
    const flat = (truncate?: { every: number; back: number }) => {
      const grads = mirror(params);
      bidirectionalBackward(kernels, pass, cotangent, grads, { truncate });
      return Object.values(flatten(grads as never)).flatMap(numbers);
    };
    expect(flat({ every: 2, back: 4 })).toEqual(flat());
    expect(distance(flat({ every: 1, back: 1 }), flat())).toBeGreaterThan(1e-3);
  });

  test('directions start from different weights, each determined by the seed', () => {
    const { forward, reverse } = initBidirectional(cells.gru, D, H, createRng(1));
    expect(numbers(forward.Wx)).not.toEqual(numbers(reverse.Wx));
    expect(numbers(initBidirectional(cells.gru, D, H, createRng(1)).reverse.Wx)).toEqual(numbers(reverse.Wx));
    expect(dtypeOf(forward.Wx.data)).toBe('float32');
  });

  test('directions of different sizes and gradients of another shape are refused', () => {
    const params = initBidirectional(cells.rnn, D, H, createRng(1), float64);
    const other = initBidirectional(cells.rnn, D, H + 1, createRng(1), float64);
    const x = random([N, D], createRng(2));
    const mixed = { forward: params.forward, reverse: other.reverse };
    expect(() => bidirectionalForward(kernels, cells.rnn, mixed, x, packing)).toThrow(ShapeError);
    const pass = bidirectionalForward(kernels, cells.rnn, params, x, packing);
    expect(() => bidirectionalBackward(kernels, pass, random([N, H], createRng(1)), mirror(params))).toThrow(
      'dY must be [N, 2H] with N = 8, 2H = 8; got [8, 4]',
    );
  });
});

const layers: LayerSpec[] = [
  { cell: cells.rnn, hidden: 4, bidirectional: true },
  { cell: cells.rnn, hidden: 5 },
  { cell: cells.rnn, hidden: 2, bidirectional: true },
];

function stack(specs: readonly LayerSpec[], seed = 1) {
  return { params: shaken(initStack(D, specs, createRng(seed), float64)), x: random([N, D], createRng(seed + 1)) };
}

function finalOf(pass: StackPass, l: number, direction: 'forward' | 'reverse'): State {
  return (pass.layers[l][direction] as { final: State }).final;
}

describe('stack', () => {
  test('each layer reads the one below', () => {
    const { params, x } = stack(layers);
    const pass = stackForward(kernels, layers, params, x, packing);
    expect(pass.layers.map((layer) => layer.y.shape)).toEqual([
      [N, 8],
      [N, 5],
      [N, 4],
    ]);
    for (let b = 0; b < B; b++) {
      let expected = sequence(x, packing, b);
      for (const layer of params) expected = naiveLayer(layer, expected);
      expect(distance(sequence(pass.y, packing, b).flat(), expected.flat())).toBeLessThan(1e-14);
    }
  });

  test.each([
    ['no dropout', undefined],
    ['element-wise dropout', { p: 0.4, perSequence: false }],
    ['one mask per sequence', { p: 0.4, perSequence: true }],
  ])('gradients of x, states and every parameter: %s, a cell and size per layer', (_, dropout) => {
    const specs: LayerSpec[] = [
      { cell: cells.lstm, hidden: 4, bidirectional: true },
      { cell: cells['gru-reset-before'], hidden: 3 },
      { cell: cells.gru, hidden: 2, bidirectional: true },
    ];
    const { params, x } = stack(specs, 3);
    const states = (seed: number): DirectionStates[] =>
      specs.map(({ cell, hidden, bidirectional }, l) => ({
        forward: randomState(cell, hidden, seed + 2 * l),
        ...(bidirectional ? { reverse: randomState(cell, hidden, seed + 2 * l + 1) } : {}),
      }));
    const [initial, dFinal] = [states(20), states(30)];
    const cotangent = random([N, 4], createRng(40));
    const run = () =>
      stackForward(kernels, specs, params, x, packing, {
        initial,
        dropout: dropout && { ...dropout, key: createKey(41) },
      });
    const loss = () => {
      const pass = run();
      let sum = dot(cotangent, pass.y);
      dFinal.forEach((both, l) => {
        for (const [direction, state] of Object.entries(both) as ['forward' | 'reverse', State][]) {
          for (const name of Object.keys(state)) sum += dot(state[name], finalOf(pass, l, direction)[name]);
        }
      });
      return sum;
    };
    const grads = mirror(params);
    const dX = allocate([N, D], 'float64');
    const unwound = stackBackward(kernels, run(), cotangent, grads, { dX, dFinal });
    const dInitial = unwound.map(({ forward, reverse }) => ({
      forward: forward.dInitial,
      ...(reverse ? { reverse: reverse.dInitial } : {}),
    }));
    const tensors = flatten({ params, x, initial } as never);
    expectGradients(tensors, flatten({ params: grads, x: dX, initial: dInitial } as never), loss, 4);
  });

  describe('residual layers', () => {
    const specs: LayerSpec[] = [
      { cell: cells.rnn, hidden: 2, bidirectional: true },
      { cell: cells.rnn, hidden: 4, residual: true },
      { cell: cells.rnn, hidden: 2, bidirectional: true, residual: true },
    ];
    const { params, x } = stack(specs, 7);
    const cotangent = random([N, 4], createRng(40));
    const dropout = { p: 0.3, key: createKey(41) };

    test('add their input to their output', () => {
      const { y } = stackForward(kernels, specs, params, x, packing);
      for (let b = 0; b < B; b++) {
        let expected = sequence(x, packing, b);
        params.forEach((layer, l) => {
          const own = naiveLayer(layer, expected);
          expected = l === 0 ? own : own.map((row, t) => row.map((v, j) => v + expected[t][j]));
        });
        expect(distance(sequence(y, packing, b).flat(), expected.flat())).toBeLessThan(1e-14);
      }
    });

    test('have the gradients of finite differences, also behind dropout, and with the first layer residual', () => {
      const wide = random([N, 4], createRng(8));
      const all = specs.map((spec) => ({ ...spec, residual: true }));
      const own = shaken(initStack(4, all, createRng(9), float64));
      const loss = () => dot(cotangent, stackForward(kernels, all, own, wide, packing, { dropout }).y);
      const grads = mirror(own);
      const dX = allocate([N, 4], 'float64');
      stackBackward(kernels, stackForward(kernels, all, own, wide, packing, { dropout }), cotangent, grads, { dX });
      expectGradients(flatten({ own, wide } as never), flatten({ own: grads, wide: dX } as never), loss, 4);
    });

    test('without the line that undoes (2) the gradients are wrong', () => {
      type Module = { stackBackward: typeof stackBackward };
      const line = 'if (pass.layers[l].residual && dInput) places.host.rows.addMatrix(dInput, dOutput);';
      const broken = mutated<Module>('src/layers/stack.ts', line, '');
      const pass = stackForward(kernels, specs, params, x, packing, { dropout });
      const [right, wrong] = [stackBackward, broken.stackBackward].map((backward) => {
        const dX = allocate([N, D], 'float64');
        backward(kernels, pass, cotangent, mirror(params), { dX });
        return dX;
      });
      expect(distance(right, wrong)).toBeGreaterThan(1e-3);
    });

    test('run for inference to the same bits', () => {
      const inference = stackInference(kernels, specs, params);
      expect(numbers(inference.run(x, packing))).toEqual(numbers(stackForward(kernels, specs, params, x, packing).y));
      inference.release();
    });

    test('of another width than their input are refused', () => {
      const narrow = [specs[0], { ...specs[1], hidden: 5 }];
      expect(() => initStack(D, narrow, createRng(1))).toThrow(/layer 1 is residual.*as wide as its output, 5; got 4/);
      const first = [{ ...specs[0], residual: true }];
      const own = initStack(D, first, createRng(1), float64);
      expect(() => stackForward(kernels, first, own, x, packing)).toThrow(/layer 0 is residual/);
    });
  });

  test('a batch equals each sequence alone, bit for bit', () => {
    const { params, x } = stack(layers);
    const { y } = stackForward(kernels, layers, params, x, packing);
    for (let b = 0; b < B; b++) {
      const tokens = sequence(x, packing, b);
      const alone = allocate([tokens.length, D], 'float64');
      alone.data.set(tokens.flat());
      const single = stackForward(kernels, layers, params, alone, packingOf([tokens.length]));
      expect(matrix(single.y)).toEqual(sequence(y, packing, b));
    }
  });

  test('dropout lies between layers only, and per sequence when asked', () => {
    const { params, x } = stack(layers);
    const run = (options: StackOptions) => stackForward(kernels, layers, params, x, packing, options);
    const plain = run({});
    const dropped = run({ dropout: { p: 0.5, key: createKey(7) } });
    expect(dropped.layers.map(({ mask }) => mask?.factors.shape ?? null)).toEqual([[N, 8], [N, 5], null]);
    expect(numbers(dropped.layers[0].y)).toEqual(numbers(plain.layers[0].y));
    expect(dropped.y).toBe(dropped.layers[2].y);
    const perSequence = run({ dropout: { p: 0.5, key: createKey(7), perSequence: true } });
    expect(perSequence.layers.map(({ mask }) => mask?.factors.shape ?? null)).toEqual([[B, 8], [B, 5], null]);
    const none = run({ dropout: { p: 0, key: createKey(7) } });
    expect(numbers(none.y)).toEqual(numbers(plain.y));
  });

  test('gradients accumulate, and dX may be left out', () => {
    const { params, x } = stack(layers);
    const pass = stackForward(kernels, layers, params, x, packing);
    const cotangent = random([N, 4], createRng(8));
    const [once, twice] = [mirror(params), mirror(params)];
    stackBackward(kernels, pass, cotangent, once, { dX: allocate([N, D], 'float64') });
    stackBackward(kernels, pass, cotangent, twice);
    stackBackward(kernels, pass, cotangent, twice);
    const all = (grads: LayerParams[]) => Object.values(flatten(grads as never)).flatMap(numbers);
    expect(
      distance(
        all(twice),
        all(once).map((g) => 2 * g),
      ),
    ).toBeLessThan(1e-13);
  });

  test('truncation reaches every layer; windows over everything are full BPTT', () => {
    const { params, x } = stack(layers);
    const pass = stackForward(kernels, layers, params, x, packing);
    const cotangent = random([N, 4], createRng(8));
    const perLayer = (truncate?: { every: number; back: number }) => {
      const grads = mirror(params);
      stackBackward(kernels, pass, cotangent, grads, { truncate });
      return grads.map((layer) => numbers(layer.forward.Wh));
    };
    expect(perLayer({ every: 3, back: 4 })).toEqual(perLayer());
    perLayer({ every: 1, back: 1 }).forEach((dWh, l) => expect(distance(dWh, perLayer()[l])).toBeGreaterThan(1e-4));
  });

  test('learned initial states are trained', () => {
    const specs: LayerSpec[] = [
      { cell: cells.lstm, hidden: 2 },
      { cell: cells.gru, hidden: 3, bidirectional: true },
    ];
    const params = shaken(initStack(D, specs, createRng(5), { ...float64, learnedInitialState: true }));
    const x = random([N, D], createRng(6));
    const cotangent = random([N, 6], createRng(7));
    const grads = mirror(params);
    stackBackward(kernels, stackForward(kernels, specs, params, x, packing), cotangent, grads);
    const [tensors, analytic] = [flatten(params as never), flatten(grads as never)];
    const learned = (record: Record<string, Tensor>) =>
      Object.fromEntries(Object.entries(record).filter(([name]) => /[hc]0$/.test(name)));
    expect(Object.keys(learned(tensors))).toEqual(['0.forward.h0', '0.forward.c0', '1.forward.h0', '1.reverse.h0']);
    expectGradients(learned(tensors), learned(analytic), () =>
      dot(cotangent, stackForward(kernels, specs, params, x, packing).y),
    );
  });

  test('initialization: sizes chain, and a deeper stack starts with the same lower layers', () => {
    const deep = initStack(D, layers, createRng(1));
    expect(deep.map(({ forward }) => forward.Wx.shape)).toEqual([
      [3, 4],
      [8, 5],
      [5, 2],
    ]);
    expect(deep.map((layer) => 'reverse' in layer)).toEqual([true, false, true]);
    expect(layers.map(outputSize)).toEqual([8, 5, 4]);
    const shallow = initStack(D, layers.slice(0, 1), createRng(1));
    expect(numbers(shallow[0].forward.Wh)).toEqual(numbers(deep[0].forward.Wh));
    expect(dtypeOf(deep[0].forward.Wx.data)).toBe('float32');
  });

  test('float32 stays float32', () => {
    const params = initStack(D, layers, createRng(1));
    const x = random([N, D], createRng(2), 'float32');
    const { y } = stackForward(kernels, layers, params, x, packing, { dropout: { p: 0.5, key: createKey(3) } });
    expect(dtypeOf(y.data)).toBe('float32');
  });

  test('what does not fit is refused by name', () => {
    const { params, x } = stack(layers);
    const rng = createRng(1);
    expect(() => initStack(D, [], rng)).toThrow(ArgumentError);
    expect(() => initStack(0, layers, rng)).toThrow(/D must be an integer/);
    expect(() => initStack(D, [{ cell: cells.rnn, hidden: 0 }], rng)).toThrow(ArgumentError);
    expect(() => stackForward(kernels, layers, params.slice(1), x, packing)).toThrow(/one entry per layer, 3; got 2/);
    const twisted = [params[0], params[2], params[1]];
    expect(() => stackForward(kernels, layers, twisted, x, packing)).toThrow(
      'layer 1 is unidirectional; its parameters must have forward only',
    );
    const wide = [layers[0], { ...layers[1], hidden: 6 }, layers[2]];
    expect(() => stackForward(kernels, wide, params, x, packing)).toThrow(/Wh of layer 1 .*H = 6.*got \[5, 5\]/);
    expect(() => stackForward(kernels, layers, params, rows(x, 0, 4), packing)).toThrow(ShapeError);
    const dropout = { p: 1, key: createKey(1) };
    expect(() => stackForward(kernels, layers, params, x, packing, { dropout })).toThrow(ArgumentError);
    const pass = stackForward(kernels, layers, params, x, packing);
    const dY = random([N, 4], rng);
    expect(() => stackBackward(kernels, pass, dY, mirror(params).slice(1))).toThrow(/gradients must have one entry/);
    expect(() => stackBackward(kernels, pass, dY, mirror(twisted))).toThrow(ArgumentError);
  });
});

describe('dropout between layers', () => {
  test.each([false, true])(
    'behind layer l draws at key.fold(l), at the places given; per sequence: %p',
    (perSequence) => {
      const { params, x } = stack(layers);
      const key = createKey(7);
      for (const places of [undefined, placesOf(packing, [11, 5, 8])]) {
        const dropout = { p: 0.5, key, places, perSequence };
        const pass = stackForward(kernels, layers, params, x, packing, { dropout });
        pass.layers.slice(0, 2).forEach(({ y, mask }, l) => {
          const own = { p: 0.5, key: key.fold(l), places: places ?? placesOf(packing), packing };
          const want = dropoutForward(kernels, y, perSequence ? own : { ...own, packing: undefined });
          expect(numbers(mask!.factors)).toEqual(numbers(want.mask!.factors));
        });
        expect(pass.layers[2].mask).toBeNull();
      }
    },
  );
});

describe('a stack says what it refuses', () => {
  const { params, x } = stack(layers);
  const pass = stackForward(kernels, layers, params, x, packing);
  const dY = random([N, 4], createRng(1));
  const key = createKey(1);
  const [first, second, third] = params;
  const both = (record: LayerParams): LayerParams => ({ ...record, reverse: record.forward });
  const alone = ({ forward }: LayerParams): LayerParams => ({ forward });
  const odd = (l: number, change: object) => layers.map((layer, k) => (k === l ? { ...layer, ...change } : layer));

  test.each<[string, unknown, unknown, unknown]>([
    ['options must be an object; got the number 5', layers, params, 5],
    ['unknown key "drop" in options', layers, params, { drop: 1 }],
    ['unknown key "perSequences" in dropout', layers, params, { dropout: { p: 0.5, key, perSequences: true } }],
    ['dropout.key must be a key of random numbers', layers, params, { dropout: { p: 0.5, key: 5 } }],
    ['initial must be a list of states, one entry per layer; got the number 5', layers, params, { initial: 5 }],
    ['initial[1] must be { forward, reverse }; got the number 5', layers, params, { initial: [undefined, 5] }],
    ['unknown key "forwards" in initial[0]', layers, params, { initial: [{ forwards: {} }] }],
    ['layers must be a list of layers, { cell, hidden }; got the number 5', 5, params, {}],
    ['layers must list at least one layer; got none', [], params, {}],
    ['layers[0] must be { cell, hidden, bidirectional }; got the number 5', [5], params, {}],
    ['unknown key "size" in layer 1', odd(1, { size: 3 }), params, {}],
    ['layers[2]: cell must be', odd(2, { cell: 'rnn' }), params, {}],
    ['layers[1].hidden must be an integer of at least 1; got 2.5', odd(1, { hidden: 2.5 }), params, {}],
    ['params must be a list of parameters, one entry per layer; got the number 5', layers, 5, {}],
    ['parameters must have one entry per layer, 3; got 2 in params', layers, [first, second], {}],
    ['params[1] must be { forward }, or { forward, reverse }; got the number 5', layers, [first, 5, third], {}],
    ['params[1].forward must be the record of a cell; got the number 5', layers, [first, { forward: 5 }, third], {}],
    ['layer 1 is unidirectional; its parameters must have forward only', layers, [first, both(second), third], {}],
    [
      'layer 0 is bidirectional; its parameters must have forward and reverse',
      layers,
      [alone(first), second, third],
      {},
    ],
    [
      "Wh of layer 1 must be [H, G·H] with H = 6 (the layer's hidden size is 6); got [5, 5]",
      odd(1, { hidden: 6 }),
      params,
      {},
    ],
  ])('forward: %s', (message, specs, given, options) => {
    const call = () => stackForward(kernels, specs as never, given as never, x, packing, options as never);
    expect(call).toThrow(BpttError);
    expect(call).toThrow(`stackForward: ${message}`);
  });

  const grads = mirror(params);

  test.each<[string, unknown, unknown, unknown]>([
    ['options must be an object; got the number 5', pass, grads, 5],
    ['unknown key "keep" in options', pass, grads, { keep: 'steps' }],
    ['dFinal must be a list of states, one entry per layer; got the number 5', pass, grads, { dFinal: 5 }],
    ['dFinal[2] must be { forward, reverse }; got null', pass, grads, { dFinal: [{}, undefined, null] }],
    ['unknown key "h" in dFinal[0]', pass, grads, { dFinal: [{ h: dY }] }],
    ['pass must be what the forward pass returned; got null', null, grads, {}],
    ['pass.layers must be a list of layers; got the number 5', { layers: 5 }, grads, {}],
    ['grads must be a list of gradients, one entry per layer; got the number 5', pass, 5, {}],
    ['gradients must have one entry per layer, 3; got 4 in grads', pass, [...grads, grads[0]], {}],
    ['grads[0] must be { forward }, or { forward, reverse }; got null', pass, [null, ...grads.slice(1)], {}],
    ['grads[2].forward must be the record of a cell; got undefined', pass, [...grads.slice(0, 2), {}], {}],
    ['layer 1 is unidirectional; its gradients must have forward only', pass, grads.map(both), {}],
    ['layer 0 is bidirectional; its gradients must have forward and reverse', pass, grads.map(alone), {}],
  ])('backward: %s', (message, given, own, options) => {
    const call = () => stackBackward(kernels, given as never, dY, own as never, options as never);
    expect(call).toThrow(BpttError);
    expect(call).toThrow(`stackBackward: ${message}`);
  });

  test.each<[string, () => unknown]>([
    ['initStack: D must be an integer', () => initStack(0, layers, createRng(1))],
    ['initStack: layers must list at least one layer', () => initStack(3, [], createRng(1))],
    ['initStack: rng must be a generator', () => initStack(3, layers, 5 as never)],
    ['initStack: options must be an object of options', () => initStack(3, layers, createRng(1), 5 as never)],
    ['outputSize: layer must be { cell, hidden, bidirectional }; got null', () => outputSize(null as never)],
    ['stackForward: expected kernels', () => stackForward({} as never, layers, params, x, packing)],
    ['stackForward: x must be a tensor', () => stackForward(kernels, layers, params, 5 as never, packing)],
    ['stackForward: packing must be', () => stackForward(kernels, layers, params, x, [3, 1, 4] as never)],
    ['stackBackward: expected kernels', () => stackBackward({} as never, pass, dY, grads)],
    ['stackBackward: dY must be a tensor', () => stackBackward(kernels, pass, 5 as never, grads)],
  ])('in the name of the function called: %s', (message, call) => {
    expect(call).toThrow(BpttError);
    expect(call).toThrow(message);
  });

  test('in the names of the asynchronous functions', async () => {
    const devices = slowDevice(kernels);
    const forward = (...args: unknown[]) => (stackForwardAsync as (...args: unknown[]) => Promise<unknown>)(...args);
    const backward = (...args: unknown[]) => (stackBackwardAsync as (...args: unknown[]) => Promise<unknown>)(...args);
    await expect(forward(kernels, layers, params, x, packing)).rejects.toThrow(
      /^stackForwardAsync: devices\.device must be kernels/,
    );
    await expect(forward(devices, layers, params, 5, packing)).rejects.toThrow(
      /^stackForwardAsync: x must be a tensor/,
    );
    await expect(forward(devices, layers, params, x, [3])).rejects.toThrow(/^stackForwardAsync: packing must be/);
    await expect(backward(kernels, pass, dY, grads)).rejects.toThrow(
      /^stackBackwardAsync: devices\.device must be kernels/,
    );
    await expect(backward(devices, null, dY, grads)).rejects.toThrow(/^stackBackwardAsync: pass must be what/);
    await expect(backward(devices, pass, 5, grads)).rejects.toThrow(/^stackBackwardAsync: dY must be a tensor/);
    expect(devices.done).toEqual([]);
  });

  test('states of some layers alone are taken', () => {
    const state = { forward: randomState(cells.rnn, 5, 3) };
    const from = (initial: never) => numbers(stackForward(kernels, layers, params, x, packing, { initial }).y);
    expect(from([undefined, state] as never)).toEqual(from([{}, state, {}] as never));
    expect(from([undefined, state] as never)).not.toEqual(numbers(pass.y));
  });
});
