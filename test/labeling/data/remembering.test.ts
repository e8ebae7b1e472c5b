import { remembering } from '../../../src/labeling/data/remembering.js';

test('a token is looked at once, until there are too many; a long one every time', () => {
  const seen: string[] = [];
  const size = remembering((token) => {
    seen.push(token);
    return [token.length];
  });
  expect([size('ab'), size('c'), size('ab')]).toEqual([[2], [1], [2]]);
  expect(size('ab')).toBe(size('ab'));
  expect(seen).toEqual(['ab', 'c']);
  const long = 'x'.repeat(65);
  expect([size(long), size(long)]).toEqual([[65], [65]]);
  expect(seen).toEqual(['ab', 'c', long, long]);
  for (let i = 0; i < 2 ** 15; i++) size(`w${i}`);
  const before = seen.length;
  expect(size('ab')).toEqual([2]);
  expect(seen.length).toBe(before + 1);
});
