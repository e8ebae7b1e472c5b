/**
 * The list of quantities of every cell: each entry's value against an oracle that computes number by number, each gradient against
 * the finite difference of that oracle's loss, names and numbers against the header of the cell and the table of docs/notation.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  packingOf,
  quantityGradient,
  quantityValue,
  unroll,
  unrollBackward,
  zeroGrads,
} from '../../src/autograd/index';
import { cells, expectCell } from '../../src/cells/index';
import type { Cell, CellParams, Quantity, State } from '../../src/cells/index';
import { createCpuKernels } from '../../src/kernels/index';
import { ArgumentError } from '../../src/tensor/index';
import type { CellName } from '../support/cases';
import { CELLS, part, problemOf } from '../support/cases';
import { scalarCase, scalarLoss } from '../support/quantity-oracle';

const kernels = createCpuKernels();
const DIRECTIONS = ['forward', 'reverse'] as const;
type DirectionName = (typeof DIRECTIONS)[number];

/** Central differences with this width are off by its square, and by 10⁻¹⁶ / width: some 10⁻¹⁰ here. */
const WIDTH = 1e-5;
const TOLERANCE = 1e-8;

/** What is wrong with the list of a cell: one line per entry, none where it is right. */
function faults(name: CellName, direction: DirectionName, cell: Cell): string[] {
  const problem = problemOf(scalarCase(name, direction));
  const { tensors, cotangents } = problem;
  // States in (−1, 1), from which the ranges say what they say; not negative, as a rectifier's are.
  for (const [key, x] of Object.entries(tensors)) {
    if (key.startsWith('initial')) x.data.forEach((v, i) => (x.data[i] = Math.abs(Math.tanh(v))));
  }
  const params = part(tensors, `layers.0.${direction}`) as unknown as CellParams;
  const initial = part(tensors, `initial.0.${direction}`) as unknown as State;
  const dFinal = part(cotangents, `final.0.${direction}`) as unknown as State;
  const pass = unroll(kernels, cell, params, tensors.x, packingOf(problem.case.lengths), { direction, initial });
  const back = unrollBackward(kernels, pass, cotangents.y, zeroGrads(params), { dFinal });
  const seen = new Map<string, number>();
  scalarLoss(problem, (symbol, row, j, v) => (seen.set(`${symbol} ${row} ${j}`, v), v));
  const derivative = (place: string): number => {
    const at = (width: number) => scalarLoss(problem, (s, row, j, v) => (`${s} ${row} ${j}` === place ? v + width : v));
    return (at(WIDTH) - at(-WIDTH)) / (2 * WIDTH);
  };
  const found = new Set<string>();
  for (const q of cell.quantities) {
    const value = quantityValue(pass, q);
    const gradient = quantityGradient(pass, back, q);
    for (let n = 0; n < value.shape[0]; n++) {
      for (let j = 0; j < value.shape[1]; j++) {
        const v = value.data[value.offset + n * value.stride[0] + j];
        if (!(Math.abs(v - seen.get(`${q.symbol} ${n} ${j}`)!) < 1e-14)) found.add(`${q.symbol}: value`);
        if (!(v >= q.range[0] && v <= q.range[1])) found.add(`${q.symbol}: range`);
        if (gradient === undefined) continue;
        const d = gradient.data[gradient.offset + n * gradient.stride[0] + j];
        if (!(Math.abs(d - derivative(`${q.gradient!.of} ${n} ${j}`)) < TOLERANCE)) found.add(`${q.symbol}: gradient`);
      }
    }
  }
  return [...found];
}

/** The list of a cell with some entries replaced. */
function listed(cell: Cell, change: Readonly<Record<string, (q: Quantity) => Partial<Quantity>>>): Cell {
  const quantities = cell.quantities.map((q) => ({ ...q, ...change[q.symbol]?.(q) }));
  return { ...cell, quantities };
}

describe.each(CELLS)('the quantities of %s', (name) => {
  const cell = cells[name];

  it.each(DIRECTIONS)('have the values of the oracle and the gradients of finite differences, %s', (direction) => {
    expect(faults(name, direction, cell)).toEqual([]);
  });

  it('name every block of what a step saves and leaves, once', () => {
    const blocks = (widths: Readonly<Record<string, number>>): string[] =>
      Object.entries(widths).flatMap(([tensor, width]) => Array.from({ length: width }, (_, k) => `${tensor}[${k}]`));
    const named = (record: string): string[] =>
      cell.quantities
        .flatMap(({ value, gradient }) => [value, gradient])
        .flatMap((place) => (place?.in === record ? [`${place.tensor}[${place.block}]`] : []));
    expect(named('saved').sort()).toEqual(blocks(cell.saved).sort());
    expect(named('stepGrads').sort()).toEqual(blocks(cell.stepGrads).sort());
    expect(named('states').sort()).toEqual(cell.states.map((state) => `${state}[0]`).sort());
    expect(named('dStates').sort()).toEqual(cell.states.map((state) => `${state}[0]`).sort());
  });

  it('stand in the equations of the header under their numbers', () => {
    const file = name === 'rnn-relu' ? 'rnn' : name;
    const header = readFileSync(join(__dirname, `../../src/cells/${file}.ts`), 'utf8').split('*/')[0];
    const [forward, backward] = header.split('Forward')[1].split('Backward');
    const equation = (text: string, number: number): string => text.split(`(${number})`)[1].split(/\(\d\) /)[0];
    for (const { symbol, equation: number, gradient } of cell.quantities) {
      const written = symbol.includes('(') ? symbol : ` ${symbol.split('_')[0]} = `;
      expect(equation(forward, number)).toContain(written);
      if (gradient) expect(backward).toMatch(new RegExp(`d${gradient.of.split('_')[0]}\\w*('| |\\))`));
    }
  });

  it('are all named by the equations, and no symbol of theirs is unknown to them', () => {
    const symbols = new Set<string>();
    scalarLoss(problemOf(scalarCase(name, 'forward')), (symbol, _row, _j, v) => (symbols.add(symbol), v));
    const known = cell.quantities.flatMap(({ symbol, gradient }) => [symbol, ...(gradient ? [gradient.of] : [])]);
    expect([...symbols].sort()).toEqual([...new Set(known)].sort());
  });
});

describe('a wrong entry goes red', () => {
  it('two values exchanged', () => {
    const at = (block: number) => (q: Quantity) => ({ value: { ...q.value, block } });
    const wrong = listed(cells.lstm, { i: at(1), f: at(0) });
    expectCell('here', wrong);
    expect(faults('lstm', 'forward', wrong)).toEqual(['i: value', 'f: value']);
  });

  it('two gradients exchanged', () => {
    const at = (block: number) => (q: Quantity) => ({ gradient: { ...q.gradient!, block } });
    expect(faults('gru', 'forward', listed(cells.gru, { r: at(1), z: at(0) }))).toEqual(['r: gradient', 'z: gradient']);
  });

  it('the gradient of a value called that of its pre-activation, and the other way round', () => {
    const of = (symbol: string) => (q: Quantity) => ({ gradient: { ...q.gradient!, of: symbol } });
    expect(faults('lstm', 'reverse', listed(cells.lstm, { o: of('o') }))).toEqual(['o: gradient']);
    expect(faults('gru', 'reverse', listed(cells.gru, { q: of('a_n') }))).toEqual(['q: gradient']);
  });

  it('a range too narrow', () => {
    expect(faults('lstm', 'forward', listed(cells.lstm, { g: () => ({ range: [0, 1] }) }))).toEqual(['g: range']);
  });
});

describe('quantityValue and quantityGradient', () => {
  const problem = problemOf(scalarCase('lstm', 'forward'));
  const params = part(problem.tensors, 'layers.0.forward') as unknown as CellParams;
  const pass = unroll(kernels, cells.lstm as Cell, params, problem.tensors.x, packingOf(problem.case.lengths));
  const back = unrollBackward(kernels, pass, problem.cotangents.y, zeroGrads(params));
  const [gate, state] = [cells.lstm.quantities[0], cells.lstm.quantities[4]];

  it('give nothing where the steps leave no gradient', () => {
    expect(quantityGradient(pass, back, { ...gate, gradient: undefined })).toBeUndefined();
  });

  it.each<[string, () => unknown, string]>([
    ['a pass without saved', () => quantityValue({ ...pass, saved: undefined } as never, gate), 'pass.saved must be'],
    ['a pass without states', () => quantityValue({ ...pass, states: 5 } as never, state), 'pass.states must be what'],
    [
      'a quantity of another cell',
      () => quantityValue(pass, { ...gate, value: { ...gate.value, tensor: 'u' } }),
      "quantity must be an entry of the quantities of 'lstm'; there is no 'u'",
    ],
    [
      'a backward pass without steps',
      () => quantityGradient(pass, { ...back, stepGrads: undefined } as never, gate),
      'back.stepGrads must be what unrollBackward returned; got undefined',
    ],
    [
      'a gradient of another cell',
      () => quantityGradient(pass, back, { ...gate, gradient: { ...gate.gradient!, tensor: 'du' } }),
      "quantity must be an entry of the quantities of 'lstm'; there is no 'du'",
    ],
  ])('refuse %s by name', (_, act, message) => {
    expect(act).toThrow(ArgumentError);
    expect(act).toThrow(message);
  });
});

describe('expectCell', () => {
  const c = cells.lstm.quantities[4];
  const change = (k: number, entry: unknown) => ({
    ...cells.lstm,
    quantities: cells.lstm.quantities.map((q, n) => (n === k ? entry : q)),
  });

  it.each([
    [{ ...cells.lstm, quantities: undefined }, /cell\.quantities must be a list.*got nothing: add it to the cell/],
    [{ ...cells.lstm, quantities: {} }, /cell\.quantities must be a list/],
    [{ ...cells.lstm, quantities: [] }, /must list every state; 'h' is missing/],
    [{ ...cells.lstm, quantities: cells.lstm.quantities.filter((q) => q !== c) }, /'c' is missing/],
    [
      { ...cells.lstm, quantities: [...cells.lstm.quantities].reverse() },
      /quantities\[2\] \('c'\)\.equation.*at least 4/,
    ],
    [change(4, null), /quantities\[4\] must be an object; got null/],
    [change(4, { ...c, symbol: '' }), /quantities\[4\]\.symbol must be a string/],
    [change(4, { ...c, symbol: 'i' }), /quantities\[4\] \('i'\) names the symbol i, as the entry of 'i' does/],
    [change(4, { ...c, name: 3 }), /quantities\[4\] \('c'\)\.name must be a string/],
    [change(4, { ...c, equation: 2.5 }), /\('c'\)\.equation must be an integer.*got 2\.5/],
    [change(4, { ...c, range: [1, -1] }), /\('c'\)\.range must be \[least, greatest\]/],
    [change(4, { ...c, range: [0, NaN] }), /\('c'\)\.range/],
    [change(4, { ...c, value: 'a' }), /\('c'\)\.value must be a place/],
    [change(4, { ...c, value: { ...c.value, in: 'stepGrads' } }), /\('c'\)\.value\.in must be 'saved' or 'states'/],
    [
      change(4, { ...c, value: { ...c.value, tensor: 'd' } }),
      /\('c'\)\.value\.tensor must be 'h' or 'c', one of states/,
    ],
    [change(4, { ...c, value: { in: 'saved', tensor: 'a', block: 4 } }), /\('c'\)\.value\.block.*from 0 to 3; got 4/],
    [change(4, { ...c, value: { in: 'saved', tensor: 'a', block: 3 } }), /\('c'\) names saved\.a\[3\], as.*'o' does/],
    [change(4, { ...c, gradient: { ...c.gradient, in: 'states' } }), /\('c'\)\.gradient\.in must be 'stepGrads' or/],
    [change(4, { ...c, gradient: { ...c.gradient, of: '' } }), /\('c'\)\.gradient\.of must be a symbol/],
  ])('refuses a list that does not fit its cell, by name: %#', (cell, message) => {
    expect(() => expectCell('here', cell)).toThrow(ArgumentError);
    expect(() => expectCell('here', cell)).toThrow(message);
  });

  it('never throws anything else, whatever an entry is', () => {
    const entry = fc.oneof(
      fc.anything(),
      fc.record({
        symbol: fc.string(),
        name: fc.string(),
        equation: fc.anything(),
        range: fc.anything(),
        value: fc.anything(),
        gradient: fc.anything(),
      }),
    );
    fc.assert(
      fc.property(entry, fc.nat(6), (value, k) => {
        expect(() => expectCell('here', change(k, value))).toThrow(ArgumentError);
      }),
      { seed: 34 },
    );
  });
});

it('docs/notation.md has the table of every cell', () => {
  const end = (x: number): string => (Number.isFinite(x) ? `${x}` : x < 0 ? '−∞' : '∞').replace('-', '−');
  const place = ({ in: record, tensor, block }: { in: string; tensor: string; block: number }): string =>
    `\`${record}.${tensor}\`${record === 'saved' || record === 'stepGrads' ? ` ${block}` : ''}`;
  const rows = CELLS.flatMap((name) =>
    cells[name].quantities.map(({ equation, symbol, name: term, range, value, gradient }) => {
      const interval = `(${end(range[0])}, ${end(range[1])})`;
      const left = gradient ? [`∂L/∂${gradient.of}`, place(gradient)] : ['', ''];
      return [name, `(${equation})`, symbol, term, interval, place(value), ...left];
    }),
  );
  const written = readFileSync(join(__dirname, '../../docs/notation.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| (rnn|lstm|gru)/.test(line))
    .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim())); // prettier-ignore
  expect(written).toEqual(rows);
});
