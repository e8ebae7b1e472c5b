import fc from 'fast-check';
import { characterSplitter, LONGEST_WORD, shapeOf, spellingOf } from '../../../src/labeling/data/spelling.js';

fc.configureGlobal({ seed: 12, numRuns: 300 });

/** Words of any Unicode: letters, marks, emoji, lone surrogates. */
const pieces = fc.constantFrom(
  'a',
  'Z',
  'é',
  'e\u0301',
  '\u0301',
  'ß',
  'İ',
  '1',
  '٣',
  '-',
  '学',
  'ภ',
  '𝒜',
  '😀',
  '👩‍👩‍👧',
  '\ud83d',
  '\ude00',
  '\u200d',
);
const word = fc.array(pieces, { maxLength: 100 }).map((list) => list.join(''));

describe('what is read of a word', () => {
  test('is the whole word of at most 64 code points, in normal form NFC', () => {
    fc.assert(
      fc.property(word, (token) => {
        const normal = token.normalize('NFC');
        if (Array.from(normal).length <= LONGEST_WORD) expect(spellingOf(token)).toBe(normal);
      }),
    );
    expect(spellingOf('e\u0301')).toBe('é');
    expect(spellingOf('')).toBe('');
  });

  test('is the first 32 and the last 32 code points of a longer one', () => {
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 60, maxLength: 200 }), (list) => {
        const all = Array.from(list.join('').normalize('NFC'));
        if (all.length <= LONGEST_WORD) return;
        expect(spellingOf(list.join(''))).toBe([...all.slice(0, 32), ...all.slice(-32)].join(''));
      }),
    );
    const long = `${'a'.repeat(40)}${'😀'.repeat(4_000)}${'b'.repeat(40)}`;
    expect(spellingOf(long)).toBe('a'.repeat(32) + 'b'.repeat(32));
    expect(spellingOf('😀'.repeat(64))).toBe('😀'.repeat(64));
    expect(spellingOf('😀'.repeat(65))).toBe('😀'.repeat(64));
    expect(spellingOf('\ude00'.repeat(65))).toBe('\ude00'.repeat(64));
  });

  test('of a token of ten megabytes is a long word', () => {
    expect(spellingOf(`a${'x'.repeat(10_000_000)}z`)).toBe(`a${'x'.repeat(62)}z`);
  });
});

test.each([
  ['e\u0301a', ['é', 'a'], ['é', 'a']],
  ['q\u0301', ['q', '\u0301'], ['q\u0301']],
  ['👩‍👩‍👧!', ['👩', '\u200d', '👩', '\u200d', '👧', '!'], ['👩‍👩‍👧', '!']],
  ['กำ', ['ก', 'ำ'], ['กำ']],
  ['𝒜b', ['𝒜', 'b'], ['𝒜', 'b']],
  ['\ud83d', ['\ud83d'], ['\ud83d']],
  ['', [], []],
])('characters of %j', (token, codePoints, graphemes) => {
  expect(characterSplitter('code-point')(token)).toEqual(codePoints);
  expect(characterSplitter('grapheme')(token)).toEqual(graphemes);
});

test.each([
  ['Kongehuset', 'Xxxxx'],
  ["1980'erne", "dddd'xxxx"],
  ['EU', 'XX'],
  ['U.S.', 'X.X.'],
  ['McDonald', 'XxXxxxx'],
  ['ภาษา', 'xxxx'],
  ['学而時習之', 'xxxx'],
  ['ǅ', 'X'],
  ['e\u0301q\u0301', 'xx'],
  ['٣½', 'dd'],
  ['........', '....'],
  ['😀😀', '😀😀'],
  ['a-b', 'x-x'],
  ['\u0301', ''],
  ['', ''],
])('the shape of %j', (token, shape) => {
  expect(shapeOf(token)).toBe(shape);
});

test('a shape has at most four alike in a row, and does not grow with the word', () => {
  fc.assert(
    fc.property(word, (token) => {
      const shape = Array.from(shapeOf(token));
      expect(shape.length).toBeLessThanOrEqual(LONGEST_WORD);
      for (let i = 4; i < shape.length; i++) expect(new Set(shape.slice(i - 4, i + 1)).size).toBeGreaterThan(1);
    }),
  );
});
