/** Keys of random numbers: every part of a training has its own, and the same one always. */
import fc from 'fast-check';
import { createKey } from '../../src/tensor/random-key.js';
import type { RandomKey } from '../../src/tensor/random-key.js';
import { ArgumentError } from '../../src/tensor/errors.js';
import { threefryOracle } from '../support/threefry.js';

fc.configureGlobal({ seed: 99 });

const text = (key: RandomKey) => [...new Uint32Array(key.words)].join();
const part = fc.oneof(fc.string({ maxLength: 6 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const at = (key: RandomKey, ...counter: number[]) =>
  threefryOracle([...new Uint32Array(key.words)].map(BigInt), counter.map(BigInt))
    .map(Number)
    .join();

test('the words of a seed are its two halves', () => {
  expect([...createKey(1).words]).toEqual([1, 0, 0, 0]);
  expect([...createKey(-1).words]).toEqual([-1, -1, 0, 0]);
  expect([...createKey(2 ** 40 + 7).words]).toEqual([7, 256, 0, 0]);
  expect([...createKey(-(2 ** 40) - 7).words]).toEqual([-7, -257, 0, 0]);
});

test('an integer is folded in at the counter that is its two halves, a name unit by unit', () => {
  const key = createKey(5).fold(3);
  expect(text(key.fold(2 ** 40 + 7))).toBe(at(key, 7, 256, 0, 1));
  expect(text(key.fold('a'))).toBe(at(key, 97, 0, 1, 2));
  expect(text(key.fold(''))).toBe(at(key, 0, 0, 0, 2));
  const first = { words: Int32Array.from(at(key, 97, 0, 2, 2).split(','), Number) } as RandomKey;
  expect(text(key.fold('ab'))).toBe(at(first, 98, 1, 2, 2));
});

test('the same parts give the same key, and folding changes no key', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(part, { maxLength: 4 }), (seed, parts) => {
      const root = createKey(seed);
      const before = text(root);
      const folded = () => parts.reduce<RandomKey>((key, each) => key.fold(each), root);
      expect(text(folded())).toBe(text(folded()));
      expect(text(root)).toBe(before);
    }),
  );
});

test('other seeds, parts and orders of parts give other keys', () => {
  const keys = new Set<string>();
  let count = 0;
  const add = (key: RandomKey) => {
    keys.add(text(key));
    count++;
  };
  for (let seed = -20; seed < 20; seed++) {
    const root = createKey(seed);
    add(root);
    for (let n = 0; n < 50; n++) add(root.fold(n));
    for (const name of ['', 'a', 'b', 'ab', 'ba', 'a\u0000', '0', '1', 'input', 'output', 'layers'])
      add(root.fold(name));
    add(root.fold('a').fold('b'));
    add(root.fold('b').fold('a'));
    add(root.fold(1).fold(0));
    add(root.fold(0).fold(1));
  }
  expect(keys.size).toBe(count);
});

test.each([0.5, NaN, Infinity, 2 ** 53, '1'])('a seed of %p is refused', (seed) => {
  expect(() => createKey(seed as number)).toThrow(ArgumentError);
});

test.each([-1, 0.5, NaN, 2 ** 53, null, undefined])('a part of %p is refused', (wrong) => {
  expect(() => createKey(1).fold(wrong as never)).toThrow(/part must be a name or an integer of at least 0; got/);
});
