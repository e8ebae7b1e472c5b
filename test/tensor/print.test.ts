import { fromArray, zeros } from '../../src/tensor/create.js';
import { ArgumentError } from '../../src/tensor/errors.js';
import { format } from '../../src/tensor/print.js';
import { transpose } from '../../src/tensor/view.js';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const lines = (...text: string[]) => text.join('\n');

test('a matrix is aligned; NaN and infinities are shown', () => {
  const x = fromArray([[1, -0.5, NaN], [0.25, Infinity, -12]]); // prettier-ignore
  expect(format(x)).toBe(lines('float32 [2, 3]', ' 1.0000   -0.5000       NaN', ' 0.2500  Infinity  -12.0000'));
  expect(format(transpose(x), { precision: 1 })).toBe(
    lines('float32 [3, 2]', '  1.0       0.3', ' -0.5  Infinity', '  NaN     -12.0'),
  );
});

test('scalars, vectors, empty tensors', () => {
  expect(format(fromArray(2.5, null, 'float64'))).toBe(lines('float64 []', ' 2.5000'));
  expect(format(fromArray([1, 2]), { precision: 0 })).toBe(lines('float32 [2]', ' 1  2'));
  expect(format(zeros([0, 3]))).toBe('float32 [0, 3] (empty)');
  expect(format(zeros([2], 'float64'), { precision: 2 })).toBe(lines('float64 [2]', ' 0.00  0.00'));
});

test('a tensor of higher rank is one block per matrix', () => {
  expect(format(fromArray(range(8), [2, 2, 2]), { precision: 0 })).toBe(
    lines('float32 [2, 2, 2]', '[0, ·, ·]', ' 0  1', ' 2  3', '[1, ·, ·]', ' 4  5', ' 6  7'),
  );
  const deep = format(fromArray(range(10), [5, 1, 2, 1]), { precision: 0, maxRows: 2 });
  expect(deep).toBe(lines('float32 [5, 1, 2, 1]', '[0, 0, ·, ·]', ' 0', ' 1', '[…, ·, ·]', '[4, 0, ·, ·]', ' 8', ' 9'));
});

test('the middle of long axes is left out', () => {
  const x = fromArray(range(35), [5, 7]);
  expect(format(x, { precision: 0, maxRows: 3, maxColumns: 4 })).toBe(
    lines('float32 [5, 7]', '  0   1  …   5   6', '  7   8  …  12  13', '  …   …  …   …   …', ' 28  29  …  33  34'),
  );
  expect(format(fromArray(range(3)), { precision: 0, maxColumns: 1 })).toBe(lines('float32 [3]', ' 0  …'));
  expect(format(fromArray(range(9)), { precision: 0, maxColumns: 9 })).toContain('4  5');
});

test('one notation for all: exponential where fixed-point would hide or widen', () => {
  expect(format(fromArray([1e-7, 1], null, 'float64'), { precision: 2 })).toBe(
    lines('float64 [2]', ' 1.00e-7  1.00e+0'),
  );
  expect(format(fromArray([3e9, 0], null, 'float64'), { precision: 1 })).toBe(lines('float64 [2]', ' 3.0e+9  0.0e+0'));
});

test('options out of range are refused', () => {
  const x = zeros([2]);
  for (const precision of [-1, 21, 0.5]) expect(() => format(x, { precision })).toThrow(ArgumentError);
  expect(() => format(x, { maxRows: 0 })).toThrow('format: maxRows must be an integer of at least 1; got 0');
  expect(() => format(x, { maxColumns: 2.5 })).toThrow(ArgumentError);
});
