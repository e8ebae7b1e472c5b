import fc from 'fast-check';
import { normalForm } from '../../../src/labeling/data/nfc.js';
import { buildVocabulary } from '../../../src/labeling/data/vocabulary.js';

test('a token is in the normal form that was asked for', () => {
  const unit = fc.constantFrom('a', 'e', 'é', '\u0301', '\u0323', 'ﬁ', '\u1100', '\u1161', '\u11a8', '한', '😀');
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 40 }), fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD'), (units, form) => {
      expect(normalForm(units.join(''), form as 'NFC')).toBe(units.join('').normalize(form));
    }),
    { seed: 54 },
  );
  expect(normalForm('e\u0301')).toBe('é');
});

/** Sorting a run of n marks costs an engine n² steps, so what reaches it must have no long run, however long the token is. */
test.each([1000, 2000, 4000])('a run of %i marks does not reach the engine', (n) => {
  const token = `a${'\u0301\u0323'.repeat(n / 2)}`;
  const normalize = jest.spyOn(String.prototype, 'normalize');
  const words = buildVocabulary([{ tokens: [token, 'e\u0301'] }], { signatures: true, lowerCase: true });
  expect(words.encode([token, 'é'])).toEqual(Int32Array.of(words.lookup(token), words.lookup('e\u0301')));
  const longest = Math.max(...normalize.mock.contexts.map((text) => String(text).match(/\p{M}*/gu)!.reduce((m, run) => Math.max(m, run.length), 0))); // prettier-ignore
  normalize.mockRestore();
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThan(64);
  expect(words.lookup(token)).toBeGreaterThan(0);
});
