import fc from 'fast-check';
import { ArgumentError } from '../../../src/tensor/errors.js';
import { formatSentence, outputOf, OUTPUTS, type Output } from '../../../src/labeling/data/formats/index.js';
import { needsSpelling } from '../../../src/labeling/data/formats/write.js';
import type { TaggedSentence } from '../../../src/labeling/data/sentence.js';
import { bytes, chunked, pairs, read } from '../support.js';

const seed = 12;

const sentence: TaggedSentence = {
  tokens: ['chủ tịch', '1/2'],
  labels: ['NOUN', 'NUM'],
  probabilities: Float64Array.of(0.98765, 0.5),
  category: 'q',
  line: 7,
};
const { tokens, labels } = sentence;

describe('formatSentence', () => {
  test('text', () => {
    expect(formatSentence({ tokens, labels }, 'text')).toBe('chủ tịch/NOUN 1/2/NUM\n');
    expect(formatSentence(sentence, 'text')).toBe('chủ tịch/NOUN/0.9877 1/2/NUM/0.5000\n');
  });

  test('conll', () => {
    expect(formatSentence({ tokens, labels }, 'conll')).toBe('chủ tịch\tNOUN\n1/2\tNUM\n\n');
    expect(formatSentence(sentence, 'conll')).toBe('chủ tịch\tNOUN\t0.9877\n1/2\tNUM\t0.5000\n\n');
  });

  test('jsonl', () => {
    expect(formatSentence({ tokens, labels }, 'jsonl')).toBe('{"tokens":["chủ tịch","1/2"],"labels":["NOUN","NUM"]}\n');
    expect(JSON.parse(formatSentence(sentence, 'jsonl'))).toEqual({
      tokens,
      labels,
      probabilities: [0.98765, 0.5],
      category: 'q',
    });
  });

  test('slashed', () => {
    expect(formatSentence({ tokens, labels }, 'slashed')).toBe('chủ\\ tịch/NOUN 1\\/2/NUM\n');
    const odd = { tokens: ['\\o/', '\n', 'a\u00a0', '\ud83d'], labels: ['N/A', 'X', 'Y', 'Z'] };
    expect(formatSentence(odd, 'slashed')).toBe('\\\\o\\//N\\/A \\u000a/X a\\u00a0/Y \\ud83d/Z\n');
    expect(() => formatSentence(sentence, 'slashed')).toThrow('slashed holds no probabilities: choose text, conll');
  });

  test('what a column cannot hold is spelled', () => {
    const odd = { tokens: ['a\tb', 'a\r\nb', ' ', '\t\u00a0', 'a b'], labels: ['X', 'X\tY', 'X', 'X', ' '] };
    expect(formatSentence(odd, 'conll')).toBe('a\\tb\tX\na\\r\\nb\tX\\tY\n\\u0020\tX\n\\t\\u00a0\tX\na b\t\\u0020\n\n');
    expect(formatSentence({ tokens: ['a\tb\n'], labels: ['X'] }, 'text')).toBe('a\\tb\\n/X\n');
    expect(odd.tokens.map(needsSpelling)).toEqual([true, true, true, true, false]);
  });

  test('what cannot be written is refused', () => {
    for (const output of OUTPUTS) {
      expect(() => formatSentence({ tokens, labels: ['X'] }, output)).toThrow(
        'labels must have one entry per token, 2; got 1',
      );
      const short = { tokens, labels, probabilities: [1] };
      expect(() => formatSentence(short, output)).toThrow('probabilities must have one entry per token, 2; got 1');
      expect(() => formatSentence({ tokens: [''], labels: ['X'] }, output)).toThrow('must not be empty');
      expect(() => formatSentence({ tokens: ['a'], labels: [''] }, output)).toThrow('must not be empty');
    }
    expect(outputOf('jsonl')).toBe('jsonl');
    expect(() => outputOf('xml')).toThrow(ArgumentError);
  });
});

describe('what is written is read back', () => {
  const text = (pattern: RegExp) =>
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).filter((s) => pattern.test(s));
  const sentencesOf = (item: fc.Arbitrary<string>) => {
    const pair = fc.tuple(item, item);
    return fc.array(fc.array(pair, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
  };
  const written = (sentences: [string, string][][], output: Output) =>
    sentences
      .map((rows) => formatSentence({ tokens: rows.map(([t]) => t), labels: rows.map(([, l]) => l) }, output))
      .join('');
  // The rule of clean.ts, in terms of Unicode.
  const OUTER = '[\\p{White_Space}\\ufeff\\u061c\\u200b\\u200e\\u200f\\u2060\\u202a-\\u202e\\u2066-\\u2069]+';
  const trimmed = (s: string) => s.replace(new RegExp(`^${OUTER}|${OUTER}$`, 'gu'), '');
  const expected = (sentences: [string, string][][]) =>
    sentences.map((rows) => [rows.map(([t]) => trimmed(t) || t), rows.map(([, l]) => trimmed(l))]);
  const notBlank = (item: fc.Arbitrary<string>) => item.filter((s) => trimmed(s) !== '');

  test.each(['conll', 'two-column', undefined] as const)('conll, read as %s', async (format) => {
    // A byte order mark at the very start of a file is dropped, and -DOCSTART- is not a token.
    const item = notBlank(text(/^(?!\ufeff|-DOCSTART-$|\{)[^\t\r\n]*$/u));
    await fc.assert(
      fc.asyncProperty(sentencesOf(item), fc.integer({ min: 1, max: 7 }), async (sentences, size) => {
        const input = chunked(bytes(written(sentences, 'conll')), size);
        expect(pairs(await read(input, { format }))).toEqual(expected(sentences));
      }),
      { seed },
    );
  });

  test('slashed, whatever the tokens and labels are', async () => {
    await fc.assert(
      fc.asyncProperty(sentencesOf(text(/^/)), fc.integer({ min: 1, max: 7 }), async (sentences, size) => {
        const input = chunked(bytes(written(sentences, 'slashed')), size);
        const exact = sentences.map((rows) => [rows.map(([t]) => t), rows.map(([, l]) => l)]);
        expect(pairs(await read(input, { format: 'slashed' }))).toEqual(exact);
      }),
      { seed },
    );
  });

  test('jsonl', async () => {
    await fc.assert(
      fc.asyncProperty(sentencesOf(notBlank(text(/^/))), fc.integer({ min: 1, max: 7 }), async (sentences, size) => {
        const input = chunked(bytes(written(sentences, 'jsonl')), size);
        expect(pairs(await read(input))).toEqual(expected(sentences));
      }),
      { seed },
    );
  });
});

test('labels beside columns are those of the first, or refused', () => {
  const columns = { upos: ['DET', 'NOUN'], xpos: ['DT', 'NN'] };
  const tokens = ['the', 'cat'];
  const line = 'the\tDET\tDT\ncat\tNOUN\tNN\n\n';
  expect(formatSentence({ tokens, labels: ['DET', 'NOUN'], columns }, 'conll')).toBe(line);
  for (const labels of [['DT', 'NN'], ['DET']])
    expect(() => formatSentence({ tokens, labels, columns }, 'conll')).toThrow(
      /labels must equal the first column, upos; they differ/,
    );
});
