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
  stackForward,
  type LayerParams,
  type LayerSpec,
  type StackOptions,
  type StackPass,
} from '../../src/layers/stack.js';
import { flatten } from '../../src/autograd/grads.js';
import { ArgumentError, ShapeError } from '../../src/tensor/errors.js';
import { createRng } from '../../src/tensor/random.js';
import { createKey } from '../../src/tensor/random-key.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, dtypeOf, rows } from '../../src/tensor/view.js';
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
      'layer 1 is unidirectional; its parameters must have forward alone',
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
