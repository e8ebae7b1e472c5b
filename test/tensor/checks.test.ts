import {
  expectKnownKeys,
  expectNonNegative,
  expectNonNegativeInteger,
  expectOneOf,
  expectPositive,
  expectPositiveInteger,
  expectProbability,
  expectSameDType,
  expectSameShape,
  expectShape,
  keysOf,
} from '../../src/tensor/checks.js';
import { zeros } from '../../src/tensor/create.js';
import { ArgumentError, BpttError, ShapeError } from '../../src/tensor/errors.js';
import { nearestName } from '../../src/tensor/nearest.js';

describe('expectShape', () => {
  test('says what was expected, why, and what came', () => {
    expect(() => expectShape('lstm', 'x', zeros([20, 4, 7]), ['T', 'B', { D: 8 }], 'Wx is [8, 64]')).toThrow(
      new ShapeError('lstm: x must be [T, B, D] with D = 8 (Wx is [8, 64]); got [20, 4, 7]'),
    );
    expect(() => expectShape('linear', 'dY', zeros([2]), [5, 3])).toThrow('linear: dY must be [5, 3]; got [2]');
    expect(() => expectShape('f', 'x', zeros([1, 2]), [{ A: 2 }, { B: 2 }])).toThrow(
      '[A, B] with A = 2, B = 2; got [1, 2]',
    );
  });

  test('a name is any size, the same wherever it stands', () => {
    expectShape('f', 'x', zeros([2, 3]), ['M', 'N']);
    expectShape('f', 'x', zeros([2, 0, 2]), ['H', 0, 'H']);
    expectShape('f', 'x', zeros([]), []);
    expect(() => expectShape('f', 'x', zeros([2, 3]), ['H', 'H'])).toThrow('f: x must be [H, H]; got [2, 3]');
    expect(() => expectShape('f', 'x', zeros([2, 3]), ['M'])).toThrow(ShapeError);
    expect(() => expectShape('f', 'x', zeros([2, 3]), ['M', 'N', 'K'])).toThrow(ShapeError);
  });
});

test('expectSameShape', () => {
  expectSameShape('add', 'a', zeros([2, 3]), 'b', zeros([2, 3], 'float64'));
  const message = 'add: a and b must have the same shape; got [2, 3] and [3, 2]';
  expect(() => expectSameShape('add', 'a', zeros([2, 3]), 'b', zeros([3, 2]))).toThrow(new ShapeError(message));
  expect(() => expectSameShape('add', 'a', zeros([2]), 'b', zeros([2, 1]))).toThrow(ShapeError);
});

test('expectSameDType', () => {
  expectSameDType('lstm', {});
  expectSameDType('lstm', { x: zeros([1], 'float64'), Wx: zeros([2], 'float64') });
  expect(() => expectSameDType('lstm', { x: zeros([1]), b: zeros([3]), Wx: zeros([2], 'float64') })).toThrow(
    new ShapeError('lstm: all tensors must have one element type; got float32 for x and float64 for Wx'),
  );
});

type Check = (where: string, name: string, value: number) => void;
const numbers: [Check, string, number[], number[]][] = [
  [expectPositiveInteger, 'an integer of at least 1', [1, 100], [0, -1, 1.5, NaN, Infinity]],
  [expectNonNegativeInteger, 'an integer of at least 0', [0, 3], [-1, 0.5, NaN, Infinity]],
  [expectPositive, 'a finite number greater than 0', [0.001, 7], [0, -1, NaN, Infinity]],
  [expectNonNegative, 'a finite number of at least 0', [0, 0.5], [-0.1, NaN, Infinity]],
  [expectProbability, 'at least 0 and below 1', [0, 0.5, 0.99], [1, 1.5, -0.1, NaN]],
];
test.each(numbers)('%p', (check, wanted, good, bad) => {
  for (const value of good) check('train', 'option', value);
  for (const value of bad) {
    const message = `train: option must be ${wanted}; got ${value}`;
    expect(() => check('train', 'option', value)).toThrow(new ArgumentError(message));
  }
  expect(() => check('train', 'option', '3' as unknown as number)).toThrow(BpttError);
});

test('expectOneOf', () => {
  expectOneOf('train', 'cell', 'gru', ['rnn', 'lstm', 'gru']);
  expect(() => expectOneOf('train', 'cell', 'gnu', ['rnn', 'gru'])).toThrow(
    new ArgumentError("train: cell must be one of 'rnn', 'gru'; got 'gnu'"),
  );
});

describe('expectKnownKeys', () => {
  const known = keysOf<{ lr?: number; keepWords?: boolean; onEpoch(): void }>({
    lr: true,
    keepWords: true,
    onEpoch: true,
  });

  test('takes what is known, and nothing at all', () => {
    expectKnownKeys('f', 'options', undefined, known);
    expectKnownKeys('f', 'options', {}, known);
    expectKnownKeys('f', 'options', { lr: 1, keepWords: undefined, onEpoch: null }, known);
  });

  test('refuses another key, names the nearest one, and lists all', () => {
    const of = (key: string) => () => expectKnownKeys('f', 'hooks', { lr: 1, [key]: 1 }, known);
    const message =
      'f: unknown key "keepWord" in hooks, whose keys are lr, keepWords, onEpoch: did you mean keepWords?';
    expect(of('keepWord')).toThrow(new ArgumentError(message));
    expect(of('learningRate')).toThrow(/: did you mean lr\?$/);
    expect(of('onEpochEnd')).toThrow(/: did you mean onEpoch\?$/);
    expect(of('valid')).toThrow(/keys are lr, keepWords, onEpoch: correct it, or leave it out$/);
    expect(of('x'.repeat(10 ** 6))).toThrow(/^f: unknown key "x{40}" in hooks/);
  });

  test('refuses what is not an object', () => {
    for (const [value, got] of [
      [null, 'null'],
      [3, 'a number'],
      [[1], 'a list'],
      [() => 1, 'a function'],
    ] as const) {
      // prettier-ignore
      expect(() => expectKnownKeys('f', 'options', value, known)).toThrow(`f: options must be an object; got ${got}`);
    }
  });
});

test('nearestName: letter case, hyphens, initials, beginnings and slips of the keyboard', () => {
  const known = ['hidden', 'weightDecay', 'minCount', 'p', 'lr', 'onEpoch', 'dropout'];
  const pairs = { hiden: 'hidden', 'weight-decay': 'weightDecay', mincount: 'minCount', learning_rate: 'lr', dropuot: 'dropout' }; // prettier-ignore
  for (const [name, near] of Object.entries(pairs)) expect([name, nearestName(name, known)]).toEqual([name, near]);
  for (const name of ['valid', 'x', '', 'onClick']) expect([name, nearestName(name, known)]).toEqual([name, undefined]);
});
