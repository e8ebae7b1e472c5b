import fc from 'fast-check';
import { buildCharacters, charactersFromJson, UNKNOWN_CHARACTER } from '../../../src/labeling/data/characters.js';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';

const sentences = [{ tokens: ['banana', 'cab'] }, { tokens: ['e\u0301t\u00e9', '👩‍👩‍👧👩‍👩‍👧', 'q\u0301q\u0301'] }];

test('ids by falling count, ties in code-point order; what occurs once is unknown', () => {
  const points = buildCharacters(sentences);
  expect(points.characters).toEqual(['a', '\u200d', '👩', 'b', 'n', 'q', 'é', '\u0301', '👧']);
  expect(points.size).toBe(10);
  expect([...points.encode('cabé')]).toEqual([UNKNOWN_CHARACTER, 1, 4, 7]);
  const graphemes = buildCharacters(sentences, 'grapheme');
  expect(graphemes.characters).toEqual(['a', 'b', 'n', 'q\u0301', 'é', '👩‍👩‍👧']);
  expect([...graphemes.encode('q\u0301👩‍👩‍👧q')]).toEqual([4, 6, UNKNOWN_CHARACTER]);
});

test('a token has at least one id and at most 64, and the same every time', () => {
  const characters = buildCharacters(sentences);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (token) => {
      const ids = characters.encode(token);
      expect(ids.length).toBeGreaterThanOrEqual(1);
      expect(ids.length).toBeLessThanOrEqual(64);
      expect(characters.encode(token)).toEqual(ids);
      for (const id of ids) expect(id).toBeLessThan(characters.size);
    }),
    { seed: 17, numRuns: 200 },
  );
  expect([...characters.encode('')]).toEqual([UNKNOWN_CHARACTER]);
  expect(characters.encode(`${'a'.repeat(10_000)}b`)).toEqual(characters.encode(`${'a'.repeat(63)}b`));
});

test.each(['code-point', 'grapheme'] as const)('survives JSON: %s', (unit) => {
  const characters = buildCharacters(sentences, unit);
  const copy = charactersFromJson(JSON.parse(JSON.stringify(characters)));
  expect(copy.toJSON()).toEqual(characters.toJSON());
  expect(copy.encode('banana é')).toEqual(characters.encode('banana é'));
});

test.each([
  [null, /expected characters, an object/],
  [['a'], /expected characters, an object/],
  [{ unit: 'byte', characters: [] }, /expected unit to be one of code-point, grapheme; got "byte"/],
  [{ unit: 'grapheme' }, /expected characters to be an array of strings/],
  [{ unit: 'grapheme', characters: ['a', ''] }, /strings that are not empty/],
  [{ unit: 'grapheme', characters: ['a', 'b', 'a'] }, /"a" occurs twice/],
  [{ unit: 'code-point', characters: ['a', 'abc'] }, /single characters in Unicode NFC, by code-point; got "abc"/],
  [{ unit: 'code-point', characters: ['q\u0301'] }, /by code-point; got "q\u0301"/],
  [{ unit: 'code-point', characters: ['e\u0301'] }, /by code-point/],
  [{ unit: 'code-point', characters: ['\u212b'] }, /Unicode NFC/],
  [{ unit: 'grapheme', characters: ['e\u0301'] }, /by grapheme/],
  [{ unit: 'grapheme', characters: ['abc'] }, /by grapheme; got "abc"/],
  [{ unit: 'grapheme', characters: ['x'.repeat(1e5)] }, /by grapheme; got "x{1,80}…: the file is damaged$/],
])('%j are not characters', (json, message) => {
  expect(() => charactersFromJson(json)).toThrow(DataError);
  expect(() => charactersFromJson(json)).toThrow(message);
});

test('what cannot be is refused', () => {
  expect(() => buildCharacters(sentences, 'byte' as never)).toThrow(ArgumentError);
  expect(() => buildCharacters([{ tokens: 'ab' as never }])).toThrow(
    /sentences\[0\]\.tokens must be a list of strings/,
  );
  expect(() => buildCharacters([...sentences, null as never])).toThrow(/sentences\[2\]\.tokens must be a list/);
  for (const value of ['code-point', null, []])
    expect(() => charactersFromJson(value)).toThrow(/^expected characters, an object; got/);
});

test.each(['code-point', 'grapheme'] as const)('what is built of any tokens can be read back: %s', (unit) => {
  const piece = fc.constantFrom(
    'a',
    'é',
    'e\u0301',
    '\u212b',
    '\u0344',
    'क्त',
    '👩‍👧',
    '\u0301'.repeat(70),
    '\ud800',
    '\r\n',
  );
  const tokens = fc
    .array(fc.oneof(piece, fc.string({ unit: 'binary' })), { maxLength: 6 })
    .map((each) => each.join(''));
  fc.assert(
    fc.property(fc.array(tokens, { maxLength: 5 }), (words) => {
      const built = buildCharacters([{ tokens: words }, { tokens: words }], unit);
      expect(charactersFromJson(JSON.parse(JSON.stringify(built))).characters).toEqual(built.characters);
    }),
    { seed: 3, numRuns: 300 },
  );
});
