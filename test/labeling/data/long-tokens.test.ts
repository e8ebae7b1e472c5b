/** The longest token that is read, and the message about a longer one, which is short. */
import { shortToken } from '../../../src/labeling/data/long-tokens.js';
import { DataError } from '../../../src/tensor/errors.js';

test('a token of 100,000 code units is read as it is; one more is refused, with its line', () => {
  const longest = 'x'.repeat(100_000);
  expect(shortToken(longest, 'f', 7)).toBe(longest);
  expect(shortToken('', 'f', 7)).toBe('');
  const refused = () => shortToken(`${longest}x`, 'f', 7);
  expect(refused).toThrow(DataError);
  expect(refused).toThrow(
    /^f:7: the token "x{20,30}…" has 100001 characters: expected at most 100000; separate the words/,
  );
});
