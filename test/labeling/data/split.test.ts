import fc from 'fast-check';
import type { Sentence } from '../../../src/labeling/data/sentence';
import { splitSentences } from '../../../src/labeling/data/split';
import { ArgumentError, DataError } from '../../../src/tensor';

const SHARES = { train: 80, dev: 10, test: 10 };
const sentencesOf = (categories: readonly (string | undefined)[]): Sentence[] =>
  categories.map((category, i) => ({ tokens: [`w${i}`], ...(category !== undefined && { category }) }));

describe('a split', () => {
  const corpus = sentencesOf([...new Array(300).fill('a'), ...new Array(100).fill('b')]);

  test('keeps the shares of each label, and the order of the input', () => {
    const parts = splitSentences(corpus, SHARES, 3);
    const count = (part: readonly Sentence[], label: string) =>
      part.filter(({ category }) => category === label).length;
    expect((['train', 'dev', 'test'] as const).map((p) => [count(parts[p], 'a'), count(parts[p], 'b')])).toEqual([
      [240, 80],
      [30, 10],
      [30, 10],
    ]);
    const places = parts.train.map((sentence) => corpus.indexOf(sentence));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('is that of the seed', () => {
    expect(splitSentences(corpus, SHARES, 3)).toEqual(splitSentences(corpus, SHARES, 3));
    expect(splitSentences(corpus, SHARES, 3)).not.toEqual(splitSentences(corpus, SHARES, 4));
  });

  test('gives every sentence to one part, with labels or without', () => {
    const label = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
    fc.assert(
      fc.property(fc.array(label, { minLength: 40, maxLength: 80 }), fc.integer(), (labels, seed) => {
        const all = sentencesOf(labels);
        const { train, dev, test } = splitSentences(all, { train: 60, dev: 20, test: 20 }, seed);
        expect(new Set([...train, ...dev, ...test])).toEqual(new Set(all));
        expect(train.length + dev.length + test.length).toBe(all.length);
        expect(Math.abs(dev.length - 0.2 * all.length)).toBeLessThanOrEqual(4); // one for each stratum
      }),
      { seed: 51 },
    );
  });

  test('a part of 0 % is empty; a part that would be empty is an error', () => {
    expect(splitSentences(corpus, { train: 90, dev: 10, test: 0 }).test).toEqual([]);
    expect(() => splitSentences(corpus.slice(0, 3), SHARES)).toThrow(DataError);
    expect(() => splitSentences(corpus.slice(0, 3), SHARES)).toThrow('split: 3 sentences leave none for');
  });

  test.each([
    [80, 10, 20],
    [0, 50, 50],
    [110, -10, 0],
    [NaN, 10, 10],
  ])('refuses the shares %p/%p/%p', (train, dev, test) => {
    expect(() => splitSentences(corpus, { train, dev, test })).toThrow(ArgumentError);
  });
});
