import fc from 'fast-check';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { readText, segmentText } from '../../../src/labeling/data/segment.js';
import { all, bytes, chunked } from '../support.js';

const seed = 13;

describe('segmentText', () => {
  test('sentences, words and punctuation, without white space', () => {
    const text = 'Don\'t go! "It costs 3.50," she said.\n\nA third\u200b line';
    expect(segmentText(text).map(({ tokens, line }) => [line, tokens.join(' ')])).toEqual([
      [1, "Don't go !"],
      [1, '" It costs 3.50 , " she said .'],
      [3, 'A third line'],
    ]);
  });

  test('the locale matters for scripts without spaces', () => {
    const [thai] = segmentText('ฉันรักภาษาไทย', { locale: 'th' });
    expect(thai.tokens.length).toBeGreaterThan(2);
    expect(thai.tokens.join('')).toBe('ฉันรักภาษาไทย');
    expect(() => segmentText('a', { locale: 'not a locale' })).toThrow(ArgumentError);
    expect(() => segmentText('a', { locale: 'not a locale' })).toThrow(
      'locale must be a BCP 47 tag such as en or pt-BR',
    );
  });

  test('a hashtag keeps its hyphens, a URL the brackets it opens itself', () => {
    const tokensOf = (text: string) => segmentText(text).flatMap((sentence) => sentence.tokens);
    expect(tokensOf('we #never-give-up today')).toEqual(['we', '#never-give-up', 'today']);
    expect(tokensOf('#a- b')).toEqual(['#a', '-', 'b']);
    expect(tokensOf('see http://a.b/c_(d) now')).toEqual(['see', 'http://a.b/c_(d)', 'now']);
    expect(tokensOf('(see http://a.b/c)')).toEqual(['(', 'see', 'http://a.b/c', ')']);
    expect(tokensOf('(see http://a.b/c_(d).)')).toEqual(['(', 'see', 'http://a.b/c_(d)', '.', ')']);
  });

  test('offsets cut every token out of the text, and only the invisible lies between them', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab .,\n\t\'"é漢😀\u0301\u00a0\u200b1!?') }), (text) => {
        let between = '';
        let end = 0;
        for (const { tokens, offsets } of segmentText(text)) {
          expect(tokens.length).toBeGreaterThan(0);
          tokens.forEach((token, i) => {
            expect(text.slice(...offsets[i])).toBe(token);
            between += text.slice(end, offsets[i][0]);
            end = offsets[i][1];
          });
        }
        expect(between + text.slice(end)).toMatch(/^[\p{White_Space}\p{Cc}\p{Cf}\u0301]*$/u);
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('long texts are segmented piece by piece', () => {
  /** What Intl.Segmenter makes of the whole text at once. */
  function wholly(text: string): string[][] {
    const of = (granularity: 'sentence' | 'word', part: string) =>
      Array.from(new Intl.Segmenter('en', { granularity }).segment(part), ({ segment }) => segment);
    const visible = (token: string) => !/^[\p{White_Space}\p{Cc}\p{Cf}]+$/u.test(token);
    return of('sentence', text)
      .map((sentence) => of('word', sentence).filter(visible))
      .filter((tokens) => tokens.length > 0);
  }
  const units = [
    'word',
    'Mr. X',
    'a.b',
    '3.5',
    '? ',
    '! ',
    '. ',
    '.',
    ' ',
    ' ',
    ' ',
    '\u0301',
    '\u00a0',
    '\u202f',
    '…',
    '🇩🇰',
    '"',
    ')',
    '漢字。',
    '\r\n',
    'ไทย',
  ];

  test('and no differently: sentences of any length, whatever stands where the pieces meet', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...units), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 120 }),
        (parts, n) => {
          const text = `${parts.join('')}${'ab '.repeat(n)}`.repeat(Math.ceil(9000 / (parts.join('').length + 3 * n)));
          expect(segmentText(text).map(({ tokens }) => tokens)).toEqual(wholly(text));
        },
      ),
      { seed, numRuns: 40 },
    );
  });

  test('a break that depends on what follows far behind it', () => {
    for (const end of ['. then', '. Then', '']) {
      for (const digits of [2030, 2040, 2048, 4100]) {
        const text = `One. Two. Three. ${'1 '.repeat(digits / 2)}${end} x. y`;
        expect(segmentText(text).map(({ tokens }) => tokens)).toEqual(wholly(text));
      }
    }
  });

  test('offsets and lines go on', () => {
    const text = 'Some words here.\nMore of them\n'.repeat(500);
    const found = segmentText(text);
    expect(found.map(({ line }) => line)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    for (const { tokens, offsets } of found) expect(offsets.map(([a, b]) => text.slice(a, b))).toEqual(tokens);
  });
});

describe('readText', () => {
  const text = 'One. Two three.\r\n\r\n  Four';

  test('line by line, offsets within the line, wherever the chunks are cut', async () => {
    for (const size of [1, 5, 100]) {
      expect(await all(readText(chunked(bytes(text), size)))).toEqual([
        { tokens: ['One', '.'], offsets: [[0, 3], [3, 4]], line: 1 }, // prettier-ignore
        { tokens: ['Two', 'three', '.'], offsets: [[5, 8], [9, 14], [14, 15]], line: 1 }, // prettier-ignore
        { tokens: ['Four'], offsets: [[2, 6]], line: 3 },
      ]);
    }
  });

  test('gives the sentences of segmentText, which ends sentences at line ends too', async () => {
    const whole = segmentText(text).map(({ tokens, line }) => ({ tokens, line }));
    expect((await all(readText([bytes(text)]))).map(({ tokens, line }) => ({ tokens, line }))).toEqual(whole);
  });

  test('no sentence, or no UTF-8', async () => {
    await expect(all(readText([bytes(' \n\n')], { source: 'f' }))).rejects.toThrow(DataError);
    await expect(all(readText([], { source: 'f' }))).rejects.toThrow('f: no sentences');
    await expect(all(readText([Uint8Array.of(0x61, 0xff)], { source: 'f' }))).rejects.toThrow('f:1: expected UTF-8');
  });
});
