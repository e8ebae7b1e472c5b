import fc from 'fast-check';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { buildLabels, labelsFromJson } from '../../../src/labeling/data/labels.js';
import { compareCodePoints } from '../../../src/labeling/data/lists.js';
import { buildVocabulary, UNKNOWN_ID, vocabularyFromJson } from '../../../src/labeling/data/vocabulary.js';

const seed = 14;
const sentences = (...texts: string[]) => texts.map((text) => ({ tokens: text.split(' ') }));
const train = sentences('b a c', 'The the a b', 'a the THE z');

describe('word vocabulary', () => {
  test('ids by falling count, ties in code-point order, the unknown word first', () => {
    expect(buildVocabulary(train).words).toEqual(['<unk>', 'a', 'b', 'the', 'THE', 'The', 'c', 'z']);
    expect(buildVocabulary(train).size).toBe(8);
    expect(buildVocabulary([]).words).toEqual(['<unk>']);
  });

  test('minimum count takes ids away, not knowledge', () => {
    const vocabulary = buildVocabulary(train, { minCount: 2 });
    expect(vocabulary.words).toEqual(['<unk>', 'a', 'b', 'the']);
    expect(Array.from(vocabulary.encode(['the', 'z', 'new', 'a']))).toEqual([3, 0, 0, 1]);
    const text = 'the a' as unknown as string[]; // as JavaScript may pass it: five tokens of one letter each
    for (const encode of [vocabulary.encode, vocabulary.encodeUnknown]) {
      expect(() => encode(text)).toThrow(
        new ArgumentError('vocabulary: tokens must be a list of strings; got the string "the a": split it first'),
      );
    }
    expect(['the', 'z', 'new'].map(vocabulary.known)).toEqual([true, true, false]);
  });

  test('lower case', () => {
    const vocabulary = buildVocabulary(train, { lowerCase: true, minCount: 3 });
    expect(vocabulary.words).toEqual(['<unk>', 'the', 'a']);
    expect(['THE', 'tHe', 'B', 'Q'].map(vocabulary.lookup)).toEqual([1, 1, 0, 0]);
    expect(['tHe', 'B', 'Q'].map(vocabulary.known)).toEqual([true, true, false]);
    expect(buildVocabulary(train).lookup('tHe')).toBe(UNKNOWN_ID);
  });

  test('words are compared in NFC', () => {
    const vocabulary = buildVocabulary(sentences('e\u0301t\u00e9'));
    expect(vocabulary.lookup('\u00e9te\u0301')).toBe(1);
    expect(vocabulary.known('\u00e9te\u0301')).toBe(true);
  });

  test('a token spelled <unk> is the unknown word; names of object members are ordinary words', () => {
    const vocabulary = buildVocabulary(sentences('<unk> __proto__ constructor'));
    expect(vocabulary.words).toEqual(['<unk>', '__proto__', 'constructor']);
    expect(vocabulary.lookup('<unk>')).toBe(0);
    expect(vocabulary.lookup('toString')).toBe(0);
  });

  test('does not depend on the order of the sentences, and JSON keeps everything', () => {
    const word = fc.string({
      unit: fc.constantFrom(...'abAB', 'e\u0301', '\u00e9', '漢', '😀'),
      minLength: 1,
      maxLength: 2,
    });
    const corpus = fc.array(fc.array(word, { minLength: 1, maxLength: 5 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        corpus,
        corpus,
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (lists, others, minCount, lowerCase) => {
          const options = { minCount, lowerCase };
          const items = lists.map((tokens) => ({ tokens }));
          const vocabulary = buildVocabulary(items, options);
          expect(buildVocabulary(items.reverse(), options).words).toEqual(vocabulary.words);
          const copy = vocabularyFromJson(JSON.parse(JSON.stringify(vocabulary)));
          expect(copy.words).toEqual(vocabulary.words);
          expect(copy.toJSON()).toEqual(vocabulary.toJSON());
          for (const token of [...lists, ...others].flat()) {
            expect(copy.lookup(token)).toBe(vocabulary.lookup(token));
            expect(copy.known(token)).toBe(vocabulary.known(token));
          }
          for (const token of lists.flat()) expect(vocabulary.known(token)).toBe(true);
        },
      ),
      { seed },
    );
  });

  test('arguments', () => {
    for (const minCount of [0, 1.5, NaN]) expect(() => buildVocabulary(train, { minCount })).toThrow(ArgumentError);
  });

  test.each([
    [null, 'expected a vocabulary, an object; got null'],
    [[], 'expected a vocabulary, an object; got []'],
    [{}, 'expected lowerCase to be a boolean; got undefined'],
    [{ lowerCase: false, minCount: 0 }, 'expected minCount to be an integer of at least 1; got 0'],
    [
      { lowerCase: false, minCount: 1, words: 'a', rare: [], signatures: null },
      'expected words to be an array of strings',
    ],
    [
      { lowerCase: false, minCount: 1, words: ['a', ''], rare: [], signatures: null },
      'expected words to be an array of strings',
    ],
    [
      { lowerCase: false, minCount: 1, words: ['a'], rare: [1], signatures: null },
      'expected rare to be an array of strings',
    ],
    [{ lowerCase: false, minCount: 1, words: ['a', 'b'], rare: ['a'], signatures: null }, '"a" occurs twice'],
    [{ lowerCase: false, minCount: 1, words: ['<unk>'], rare: [], signatures: null }, '"<unk>" occurs twice'],
    [{ lowerCase: false, minCount: 1, words: ['a'], rare: [], signatures: 'a' }, 'expected signatures to be an array'],
    [{ lowerCase: false, minCount: 1, words: ['a'], rare: [], signatures: ['C', 'C'] }, '"C" occurs twice'],
    [{ lowerCase: false, minCount: 1, words: ['a'], rare: [] }, 'expected signatures to be an array'],
  ])('a damaged file is refused: %j', (json, message) => {
    expect(() => vocabularyFromJson(json)).toThrow(message);
    expect(() => vocabularyFromJson(json)).toThrow(DataError);
  });
});

describe('label vocabulary', () => {
  const labels = buildLabels([
    { tokens: ['a', 'b', 'c'], labels: ['X', 'Y', 'Y'] },
    { tokens: ['d'], labels: ['A'] },
  ]);

  test('ids by falling count, there and back', () => {
    expect(labels.labels).toEqual(['Y', 'A', 'X']);
    expect(labels.size).toBe(3);
    const ids = labels.encode({ tokens: ['q', 'r'], labels: ['X', 'Y'] });
    expect(Array.from(ids)).toEqual([2, 0]);
    expect(labels.decode(ids)).toEqual(['X', 'Y']);
    expect(labels.lookup('A')).toBe(1);
    expect(labelsFromJson(JSON.parse(JSON.stringify(labels))).labels).toEqual(labels.labels);
    for (const id of [-1, 3, 0.5, NaN]) expect(() => labels.decode([id])).toThrow(ArgumentError);
  });

  test('a label never seen in training is named, with its place and the known ones', () => {
    const sentence = { tokens: ['q', 'r'], labels: ['X', 'Z'], line: 7 };
    const tail = 'label "Z" was never seen in training; the known labels are Y A X: correct it, or retrain with it';
    expect(() => labels.lookup('Z')).toThrow(new DataError(tail));
    expect(() => labels.encode(sentence, 'f')).toThrow(new DataError(`f: sentence at line 7, token 2, "r": ${tail}`));
    expect(() => labels.encode({ ...sentence, line: undefined })).toThrow(new DataError(`token 2, "r": ${tail}`));
    const many = (length: number) => labelsFromJson(Array.from({ length }, (_, i) => `L${i}`));
    expect(() => many(10).lookup('Z')).toThrow('the known labels are L0 L1 L2 L3 L4 L5 L6 L7 L8 L9: correct it');
    for (const length of [11, 60]) {
      const shown = `the known labels are L0 L1 L2 L3 L4 L5 L6 L7 L8 L9 … (${length} in all): correct it`;
      expect(() => many(length).lookup('Z')).toThrow(shown);
      expect(() => many(length).encode(sentence, 'f')).toThrow(shown);
    }
  });

  test('sentences without labels, or with too few', () => {
    const message = 'f: sentence at line 3, expected one label per token, 2; got none: add them';
    expect(() => labels.encode({ tokens: ['q', 'r'], line: 3 }, 'f')).toThrow(new DataError(message));
    expect(() => labels.encode({ tokens: ['q', 'r'], labels: ['X'] })).toThrow(
      'expected one label per token, 2; got 1',
    );
    expect(() => buildLabels([{ tokens: ['q'] }])).toThrow(DataError);
    expect(() => buildLabels([])).toThrow('expected training sentences with labels; got none');
  });

  test.each([[{}], [[]], [['X', 3]], [['X', 'X']], [['']], [null]])('a damaged file is refused: %j', (json) => {
    expect(() => labelsFromJson(json)).toThrow(DataError);
  });
});

test('compareCodePoints orders as code points do, also where UTF-16 does not', () => {
  expect('\u{1f600}' < '\uffff').toBe(true);
  expect(compareCodePoints('\u{1f600}', '\uffff')).toBeGreaterThan(0);
  const text = fc.string({
    unit: fc.constantFrom('a', 'b', '\uffff', '\ue000', '\u{1f600}', '\u{1f601}', '\u{2f600}'),
  });
  const naive = (v: string, w: string) => {
    const [p, q] = [v, w].map((s) => Array.from(s, (c) => String(c.codePointAt(0)!).padStart(8, '0')).join());
    return p < q ? -1 : p > q ? 1 : 0;
  };
  fc.assert(
    fc.property(text, text, (v, w) => {
      expect(Math.sign(compareCodePoints(v, w))).toBe(naive(v, w));
    }),
    { seed, numRuns: 500 },
  );
});
