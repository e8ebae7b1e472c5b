/**
 * Zoneout and recurrent dropout around every cell: their gradients against finite differences, against forward mode where the mean
 * has equations, and against the tape, which masks rows of Wh in place of states; their backward lines, broken on purpose; masks of
 * zeros alone and of ones alone, whose results are known.
 */
import { packingOf, quantityGradient, quantityValue, unrollBackward } from '../../src/autograd/index';
import { gradcheck } from '../../src/autograd/check/gradcheck';
import { reversal } from '../../src/autograd/packing';
import { cells, expectCell, fusedName, recurrentDropout, zoneout } from '../../src/cells/index';
import type { Cell, CellParams } from '../../src/cells/index';
import { expectForwardCell } from '../../src/cells/check';
import { zoneoutForward } from '../../src/cells/zoneout';
import { createWasmKernels } from '../../src/kernels/index';
import { drawMasks } from '../../src/layers/index';
import { ArgumentError, createKey, createRng, ShapeError } from '../../src/tensor/index';
import type { Tensor } from '../../src/tensor/index';
import { allocate, flatCopy, viewOf } from '../../src/tensor/view';
import { CELLS, part, relativeError, statesOf, worstDifference } from '../support/cases';
import { engine, zerosLike } from '../support/engine';
import { forwardModeSolution } from '../support/forward-mode';
import { brokenLines } from '../support/mutate';
import {
  aroundOf,
  DIRECTIONS,
  drawn,
  H,
  kernels,
  lossOf,
  outputsOf,
  P,
  packing,
  problemFor,
  ratesOf,
  solve,
  unrolled,
  WRAPPED,
} from '../support/noise';
import { tapeSolution } from '../support/tape-cells';

describe.each(WRAPPED)('%s', (_what, wrap) => {
  describe.each(CELLS)('around %s', (name) => {
    const cell = wrap(name);

    test('is a cell, of which no backend has a loop of its own', () => {
      expect(() => expectCell('here', cell)).not.toThrow();
      expect(fusedName(cell)).toBeUndefined();
    });

    test.each(DIRECTIONS)('drawn masks: the tape agrees, %s', (direction) => {
      const problem = problemFor(name, direction);
      const masks = drawn(cell, 3);
      const worst = worstDifference(solve(problem, cell, direction, masks), tapeSolution(problem, aroundOf(masks, P)));
      expect(worst.error).toBeLessThan(1e-12);
    });

    test.each(DIRECTIONS)('drawn masks: finite differences agree, %s', (direction) => {
      const problem = problemFor(name, direction);
      const masks = drawn(cell, 4);
      const { grads } = solve(problem, cell, direction, masks);
      const loss = () => lossOf(outputsOf(unrolled(problem, cell, direction, masks), direction), problem);
      const { passed } = gradcheck({ tensors: problem.tensors, grads, loss, tolerance: 1e-9, elements: 6, rng: createRng(5) }); // prettier-ignore
      expect(passed).toBe(true);
    });

    test('on WebAssembly it does what it does on the CPU', async () => {
      const wasm = await createWasmKernels();
      const problem = problemFor(name, 'reverse');
      const masks = drawn(cell, 6);
      const worst = worstDifference(
        solve(problem, cell, 'reverse', masks, wasm),
        solve(problem, cell, 'reverse', masks),
      );
      expect(worst.error).toBeLessThan(1e-13);
      wasm.dispose();
    });
  });
});

describe.each(CELLS)('the mean of zoneout around %s', (name) => {
  const cell = { ...zoneout(cells[name], ratesOf(name)), name: `${name} with zoneout` };
  const problem = problemFor(name, 'forward');

  test('forward mode agrees with its backward pass', () => {
    const worst = worstDifference(engine(problem, cell), forwardModeSolution(problem, cell));
    expect(worst.error).toBeLessThan(1e-12);
  });

  test('both halves run forward to the same bits', () => {
    const half = zoneoutForward(cells[name], ratesOf(name)) as Cell;
    expect(() => expectForwardCell('here', half)).not.toThrow();
    expect(half.masks).toEqual(cell.masks);
    expect(half.saved).toEqual(cell.saved);
    expect(outputsOf(unrolled(problem, { ...cell, ...half }, 'forward'), 'forward')).toEqual(
      outputsOf(unrolled(problem, cell, 'forward'), 'forward'),
    );
  });

  test('its equations name its quantities, and each is where its list says', () => {
    const pass = unrolled(problem, cell, 'forward');
    const grads = zerosLike(part(problem.tensors, 'layers.0.forward')) as unknown as CellParams;
    const back = unrollBackward(kernels, pass, problem.cotangents.y, grads);
    const symbols = cell.quantities.map(({ symbol }) => symbol);
    expect(symbols).toContain('h~');
    expect(symbols[symbols.length - statesOf(name).length]).toBe(statesOf(name).length > 1 ? 'c' : 'h');
    const of = (symbol: string) => cell.quantities.find((each) => each.symbol === symbol)!;
    const [before, after] = ['h~', 'h'].map((symbol) => quantityValue(pass, of(symbol)));
    const [dBefore, dAfter] = ['h~', 'h'].map((symbol) => quantityGradient(pass, back, of(symbol))!);
    const p = ratesOf(name).h;
    for (let n = 0; n < packing.total; n++) {
      for (let j = 0; j < H; j++) {
        const at = (x: Tensor) => x.data[x.offset + n * x.stride[0] + j * x.stride[1]];
        expect(at(dBefore)).toBeCloseTo((1 - p) * at(dAfter), 14);
        if (n >= packing.batchSizes[0]) continue;
        const first = problem.tensors['initial.0.forward.h'].data[n * H + j];
        expect(at(after)).toBeCloseTo(p * first + (1 - p) * at(before), 14);
      }
    }
  });
});

describe('the list of quantities behind zoneout', () => {
  const listOf = (cell: Cell) =>
    cell.quantities.map(({ symbol, name, equation, value, gradient }) => {
      const place = `${value.in}.${value.tensor}.${value.block}`;
      return [symbol, name, equation, place, gradient && `${gradient.of} ${gradient.in}.${gradient.tensor}.${gradient.block}`]; // prettier-ignore
    });

  test('of an LSTM whose cell state alone is zoned', () => {
    expect(listOf(zoneout(cells.lstm, { c: 0.2 }))).toEqual([
      ['i', 'input gate', 2, 'saved.a.0', 'a_i stepGrads.da.0'],
      ['f', 'forget gate', 2, 'saved.a.1', 'a_f stepGrads.da.1'],
      ['g', 'candidate', 2, 'saved.a.2', 'a_g stepGrads.da.2'],
      ['o', 'output gate', 2, 'saved.a.3', 'a_o stepGrads.da.3'],
      ['c~', 'cell state before zoneout', 3, 'saved.new_c.0', 'c~ stepGrads.dnew_c.0'],
      ['tanh(c~)', 'squashed cell state', 4, 'saved.tanhC.0', undefined],
      ['h', 'hidden state', 4, 'states.h.0', 'h dStates.h.0'],
      ['c', 'cell state', 5, 'states.c.0', 'c dStates.c.0'],
    ]);
    expect(zoneout(cells.lstm, { c: 0.2 }).quantities.every((each) => !('gradient' in each) || each.gradient)).toBe(
      true,
    );
  });

  test('of a cell that saves a tensor under the name of a state', () => {
    const [first, ...others] = cells.rnn.quantities;
    const tensor = 'h';
    const own: Cell = {
      ...cells.rnn,
      saved: { ...cells.rnn.saved, [tensor]: 1 },
      quantities: [
        { ...first, symbol: 'q', name: 'copy', value: { in: 'saved', tensor, block: 0 }, gradient: undefined },
        first,
        ...others,
      ],
    };
    expect(listOf(zoneout(own, { h: 0.2 })).map(([symbol, name, , place]) => [symbol, name, place])).toEqual([
      ['q', 'copy', 'saved.h.0'],
      ['a', 'pre-activation', 'saved.a.0'],
      ['h~', 'hidden state before zoneout', 'saved.new_h.0'],
      ['h', 'hidden state', 'states.h.0'],
    ]);
  });
});

describe('masks whose result is known', () => {
  const filled = (cell: Cell, value: number) => {
    const ones = Object.keys(cell.masks!).map((name) => [name, allocate([packing.total, H], 'float64')] as const);
    for (const [, x] of ones) x.data.fill(value);
    return Object.fromEntries(ones);
  };

  test.each(CELLS)('%s: zoneout that keeps nothing is the cell; that keeps all stays where it started', (name) => {
    const cell = zoneout(cells[name], ratesOf(name));
    for (const direction of DIRECTIONS) {
      const problem = problemFor(name, direction);
      expect(
        worstDifference(solve(problem, cell, direction, filled(cell, 0)), engine(problem, cells[name])).error,
      ).toBe(0);
      const { final } = unrolled(problem, cell, direction, filled(cell, 1));
      for (const state of statesOf(name)) {
        const start = problem.tensors[`initial.0.${direction}.${state}`];
        expect(relativeError(viewOf(flatCopy(final[state]), start.shape), start)).toBe(0);
      }
    }
  });

  test.each(CELLS)('%s: recurrent dropout that drops all reads no state', (name) => {
    const cell = recurrentDropout(cells[name], P);
    const problem = problemFor(name, 'forward');
    const { grads } = solve(problem, cell, 'forward', filled(cell, 0));
    expect(Math.max(...grads['layers.0.forward.Wh'].data.map(Math.abs))).toBe(0);
  });
});

describe.each([
  ['src/cells/zoneout.ts', /StepBackward$|^stepBackward$/, [1, 2], 'zoneout'],
  ['src/cells/recurrent-dropout.ts', /^addMatmulT[AB]$/, [1, 2], 'recurrent dropout'],
] as const)('a broken line of %s is rejected', (path, isBackward, equations, what) => {
  type Module = { zoneout: typeof zoneout; recurrentDropout: typeof recurrentDropout };
  const lines = brokenLines<Module>(path, (name) => isBackward.test(name));
  // Two products in a step, with two left factors: what a product leaves behind does not serve the next one.
  const base = what === 'zoneout' ? 'lstm' : 'gru-reset-before';
  const right = what === 'zoneout' ? zoneout(cells[base], ratesOf(base)) : recurrentDropout(cells[base], P);
  const problem = problemFor(base, 'forward');
  const masks = drawn(right, 8);
  const expected = tapeSolution(problem, aroundOf(masks, P));

  test('there is one for every equation', () => {
    expect([...new Set(lines.flatMap((line) => line.equations))].sort()).toEqual(equations);
    expect(worstDifference(solve(problem, right, 'forward', masks), expected).error).toBeLessThan(1e-12);
  });

  test.each(lines)('($equations) $mistake: $text', ({ load }) => {
    const broken = load();
    const cell =
      what === 'zoneout' ? broken.zoneout(cells[base], ratesOf(base)) : broken.recurrentDropout(cells[base], P);
    expect(worstDifference(solve(problem, cell, 'forward', masks), expected).error).toBeGreaterThan(1e-9);
  });
});

describe('drawMasks', () => {
  const cell = recurrentDropout(zoneout(cells.lstm, { c: 0.2 }), 0.4);

  test('gives zeros and ones, as often as asked for; one mask per sequence for recurrent dropout', () => {
    const many = packingOf(new Array<number>(60).fill(5));
    const masks = drawMasks(kernels, cell, 40, 'float32', many, { key: createKey(2) });
    expect(Object.keys(masks).sort()).toEqual(['keep_c', 'mask_h']);
    const share = (x: Tensor) => Array.from(x.data).reduce((sum, v) => sum + v, 0) / x.data.length;
    for (const x of Object.values(masks)) expect(x.data.every((v) => v === 0 || v === 1)).toBe(true);
    expect(share(masks.keep_c)).toBeCloseTo(0.2, 1);
    expect(share(masks.mask_h)).toBeCloseTo(0.6, 1);
    const rowsOf = (x: Tensor, b: number) => [0, 1, 2, 3, 4].map((t) => x.data.slice((t * 60 + b) * 40, (t * 60 + b + 1) * 40).join()); // prettier-ignore
    expect(new Set(rowsOf(masks.mask_h, 7)).size).toBe(1);
    expect(new Set(rowsOf(masks.keep_c, 7)).size).toBe(5);
  });

  test('of a reversed direction, a step sees the mask of its token', () => {
    const problem = problemFor('lstm', 'reverse');
    const masks = drawn(cell, 9);
    const { saved } = unrolled(problem, cell, 'reverse', masks);
    reversal(packing).forEach((from, n) => {
      expect(saved.keep_c.data.slice(n * H, (n + 1) * H)).toEqual(masks.keep_c.data.slice(from * H, (from + 1) * H));
    });
  });

  test('refuses places of other rows, and no key', () => {
    const key = createKey(1);
    expect(() => drawMasks(kernels, cell, H, 'float32', packing, { key, places: new Int32Array(4) })).toThrow(
      ShapeError,
    );
    expect(() => drawMasks(kernels, cell, H, 'float32', packing, {} as never)).toThrow(/key/);
  });
});

describe('what is refused, by name', () => {
  test.each([
    [() => zoneout(cells.gru, { c: 0.1 }), /rates/],
    [() => zoneout(cells.lstm, { h: 1 }), /rates\.h/],
    [() => zoneoutForward(cells.lstm, { h: -0.1 }), /rates\.h/],
    [() => recurrentDropout(cells.lstm, 1), /p must/],
    [() => zoneout(zoneout(cells.gru, { h: 0.1 }), { h: 0.1 }), /already saves new_h/],
    [() => recurrentDropout(recurrentDropout(cells.gru, 0.1), 0.1), /already has recurrent dropout/],
    [() => expectCell('here', { ...cells.gru, masks: { q: { mean: 0.5, per: 'step' } } }), /cell\.masks\.q/],
    [() => expectCell('here', { ...cells.gru, masks: { u: { mean: 1, per: 'step' } } }), /cell\.masks must be/],
    [() => expectCell('here', { ...cells.gru, masks: { u: { mean: 0.5, per: 'word' } } }), /cell\.masks must be/],
  ])('%p', (call, message) => {
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(message);
  });

  test('masks that the cell does not have, or of another shape', () => {
    const problem = problemFor('gru', 'forward');
    const cell = zoneout(cells.gru, { h: 0.1 });
    const mask = allocate([packing.total, H], 'float64');
    expect(() => unrolled(problem, cell, 'forward', { keep_c: mask })).toThrow(/keep_c/);
    expect(() => unrolled(problem, cell, 'forward', { keep_h: allocate([2, H], 'float64') })).toThrow(/masks\.keep_h/);
  });

  test('nothing to do: the cell itself', () => {
    expect(zoneout(cells.gru, { h: 0 })).toBe(cells.gru);
    expect(zoneoutForward(cells.gru, {})).toBe(cells.gru);
    expect(recurrentDropout(cells.gru, 0)).toBe(cells.gru);
  });
});
