/** What is refused as a cell of one's own, member by member, and what is taken. */
import { isBuiltIn } from '../../src/cells/cell.js';
import { expectForwardCell } from '../../src/cells/check.js';
import { cells, expectCell, fusedName } from '../../src/cells/index.js';
import type { Cell } from '../../src/cells/index.js';
import { ArgumentError } from '../../src/tensor/index.js';

const wrong: readonly (readonly [member: keyof Cell, values: readonly unknown[], wanted: string])[] = [
  ['name', [undefined, '', 5, ['rnn']], 'a name'],
  ['gates', [undefined, 0, -1, 1.5, NaN, '1'], 'an integer of at least 1'],
  ['gateNames', [undefined, 'h', { 0: 'h' }, [1], ['h', 1], [undefined, 'h']], 'a list of names'],
  ['states', [undefined, 'h', [], ['c', 'h'], ['h', 2], [2, 'h'], { 0: 'h' }], "a list of names, 'h' first"],
  ['saved', [undefined, null, 3, [1], { b: 1 }, { a: 0 }, { a: 1.5 }, { a: '1' }, { a: 1, b: 0 }], 'a record of widths with a'], // prettier-ignore
  ['stepGrads', [undefined, null, 3, [1], { a: 1 }, { da: 0 }, { da: 1.5 }, { da: 1, db: -1 }], 'a record of widths with da'], // prettier-ignore
  ['shapes', [undefined, {}, 'shapes'], 'a function'],
  ['initialize', [undefined, {}], 'a function'],
  ['stepForward', [undefined, {}], 'a function'],
  ['stepBackward', [undefined, {}], 'a function'],
  ['weightGradients', [undefined, {}], 'a function'],
  ['equations', [null, {}, 'h = tanh(a)'], 'a function'],
];

describe.each(Object.entries(cells))('%s', (_, cell) => {
  test('is taken, also without equations, and with one width more', () => {
    expect(() => expectCell('here', cell)).not.toThrow();
    expect(() => expectCell('here', { ...cell, equations: undefined })).not.toThrow();
    expect(() => expectCell('here', { ...cell, saved: { ...cell.saved, more: 2 } })).not.toThrow();
    expect(() => expectCell('here', { ...cell, gates: 1 })).not.toThrow();
  });

  test.each(wrong)('is refused with another %s, which is named', (member, values, wanted) => {
    for (const value of values) {
      const got = value === undefined ? 'nothing' : typeof value;
      const message = `here: cell.${member} must be ${wanted}; got ${got}: add it to the cell`;
      expect(() => expectCell('here', { ...cell, [member]: value })).toThrow(new ArgumentError(message));
    }
  });
});

test.each([undefined, null, 3, 'lstm', () => cells.lstm, [cells.lstm]])('%p is not a cell', (value) => {
  expect(() => expectCell('here', value)).toThrow(/^here: cell must be a cell, such as \{ \.\.\.lstm, … \}; got /);
});

test('a cell that was made from no built-in one has no loop in a backend', () => {
  const { original, ...alone } = cells.gru;
  expect(original?.name).toBe('gru');
  expect(fusedName(cells.gru)).toBe('gru');
  expect(fusedName(alone)).toBeUndefined();
});

test.each([
  ['a cell', (cell: unknown): void => expectCell('here', cell)],
  ['a forward half', (cell: unknown): void => expectForwardCell('here', cell)],
])('%s that was found sound is not looked at again', (_, expectSound) => {
  let looks = 0;
  const cell = Object.defineProperty({ ...cells.lstm }, 'gates', { get: () => (looks++, 4), enumerable: true });
  expectSound(cell);
  const once = looks;
  expect(once).toBeGreaterThan(0);
  expectSound(cell);
  expect(looks).toBe(once);
});

describe('a built-in cell with another member', () => {
  const { name, original, ...members } = cells['gru-reset-before'];
  const other: Readonly<Record<string, unknown>> = { gates: 2, states: ['h', 'k'], saved: {}, stepGrads: {} };
  const changed = (key: string) => ({ ...cells['gru-reset-before'], [key]: other[key] ?? (() => undefined) }) as Cell;
  const free = ['gateNames', 'initialize', 'equations', 'quantities'];

  test.each(Object.keys(members))('%s is not a built-in one any more', (key) => {
    expect(isBuiltIn(changed(key))).toBe(false);
    expect(fusedName(changed(key))).toBe(free.includes(key) ? name : undefined);
  });

  test('is told from a copy, and from one that was made from nothing', () => {
    expect(isBuiltIn(cells['gru-reset-before'])).toBe(true);
    expect(isBuiltIn({ ...cells['gru-reset-before'] })).toBe(true);
    expect(isBuiltIn({ ...members, name } as Cell)).toBe(false);
    expect(original?.name).toBe(name);
  });
});

describe('an entry of quantities', () => {
  const [first, ...others] = cells.lstm.quantities;
  const withFirst = (change: object) => ({ ...cells.lstm, quantities: [{ ...first, ...change }, ...others] });

  test.each([null, 'ab', {}, [0], [0, 1, 2], ['0', 1], [0, '1'], [1, 1], [1, 0], [NaN, 1], { 0: 0, 1: 1, length: 2 }])(
    'is refused with the range %p',
    (range) => {
      expect(() => expectCell('here', withFirst({ range }))).toThrow(/range must be \[least, greatest\], two numbers/);
    },
  );

  test.each([undefined, -1, 0.5, '0', 4, NaN])('is refused with the block %p', (block) => {
    const value = { ...first.value, block };
    expect(() => expectCell('here', withFirst({ value }))).toThrow(/value\.block must be an integer from 0 to 3; got/);
  });

  test('may lie in any block, and range over any interval', () => {
    expect(() => expectCell('here', withFirst({ range: [-Infinity, Infinity] }))).not.toThrow();
    expect(() => expectCell('here', withFirst({}))).not.toThrow();
  });

  test('is one of a list; what came instead is said', () => {
    expect(() => expectCell('here', { ...cells.lstm, quantities: undefined })).toThrow('; got nothing: add it');
    expect(() => expectCell('here', { ...cells.lstm, quantities: 5 })).toThrow(
      /must be a list.*; got the number 5: add it/,
    );
  });
});
