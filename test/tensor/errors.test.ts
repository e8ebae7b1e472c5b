/** Messages of errors: one line that is safe to print, whatever the names in it. */
import fc from 'fast-check';
import * as errors from '../../src/tensor/errors';
import { messageOf } from '../../src/tensor/errors';

const classes = [
  errors.BpttError,
  errors.ShapeError,
  errors.ArgumentError,
  errors.UnsupportedError,
  errors.MemoryError,
  errors.DeviceError,
  errors.DataError,
  errors.NonFiniteError,
  errors.WorkerError,
];

test.each(classes.map((kind) => [kind.name, kind] as const))('%s: one line, nothing unseen', (name, Kind) => {
  const cause = new Error('why');
  const error = new Kind('node a\n  b\u001b[31m: got \u202ex', { cause });
  expect(error.message).toBe('node a b<U+001B>[31m: got <U+202E>x');
  expect(error).toMatchObject({ name, cause });
  expect(error).toBeInstanceOf(errors.BpttError);
  expect(error.stack).toContain(`${name}: node a b`);
  expect(new Kind().message).toBe('');
});

test('any text: no line break, no control; a second time it stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { message } = new errors.DataError(text);
      expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(new errors.DataError(message).message).toBe(message);
      expect(messageOf(new errors.DataError(text))).toBe(message);
    }),
    { seed: 36 },
  );
});

test('errors of others are named, in one line', () => {
  expect(messageOf(new RangeError('a\r\nb'))).toBe('unexpected RangeError: a b');
  expect(messageOf('a\tb')).toBe('unexpected: a<U+0009>b');
  expect(messageOf(Object.assign(new Error('ENOENT: a\nb'), { code: 'ENOENT' }))).toBe('ENOENT: a b');
});
