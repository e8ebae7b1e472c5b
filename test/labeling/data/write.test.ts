import fc from 'fast-check';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { formatSentence, outputOf, OUTPUTS } from '../../../src/labeling/data/formats/index.js';
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

  test('what cannot be written is refused', () => {
    for (const bad of ['a\tb', 'a\nb', 'a\r', ' ', '']) {
      const rejected = { tokens: [bad], labels: ['X'] };
      expect(() => formatSentence(rejected, 'conll')).toThrow(DataError);
      expect(() => formatSentence(rejected, 'conll')).toThrow(`${JSON.stringify(bad)} cannot stand in a column`);
      expect(() => formatSentence({ tokens: ['a'], labels: [bad] }, 'conll')).toThrow(DataError);
    }
    for (const output of OUTPUTS) {
      expect(() => formatSentence({ tokens, labels: ['X'] }, output)).toThrow('labels must be one per token, 2; got 1');
      const short = { tokens, labels, probabilities: [1] };
      expect(() => formatSentence(short, output)).toThrow('probabilities must be one per token, 2; got 1');
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
  const written = (sentences: [string, string][][], output: 'conll' | 'jsonl') =>
    sentences
      .map((rows) => formatSentence({ tokens: rows.map(([t]) => t), labels: rows.map(([, l]) => l) }, output))
      .join('');
  const expected = (sentences: [string, string][][]) =>
    sentences.map((rows) => [rows.map(([t]) => t), rows.map(([, l]) => l)]);

  test.each(['conll', 'two-column', undefined] as const)('conll, read as %s', async (format) => {
    // A byte order mark at the very start of a file is dropped, and -DOCSTART- is no token.
    const item = text(/^(?!\ufeff|-DOCSTART-$|\{)[^\t\r\n]*[^ \t\r\n][^\t\r\n]*$/u);
    await fc.assert(
      fc.asyncProperty(sentencesOf(item), fc.integer({ min: 1, max: 7 }), async (sentences, size) => {
        const input = chunked(bytes(written(sentences, 'conll')), size);
        expect(pairs(await read(input, { format }))).toEqual(expected(sentences));
      }),
      { seed },
    );
  });

  test('jsonl', async () => {
    await fc.assert(
      fc.asyncProperty(sentencesOf(text(/^/)), fc.integer({ min: 1, max: 7 }), async (sentences, size) => {
        const input = chunked(bytes(written(sentences, 'jsonl')), size);
        expect(pairs(await read(input))).toEqual(expected(sentences));
      }),
      { seed },
    );
  });
});
