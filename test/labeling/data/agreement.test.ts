import fc from 'fast-check';
import {
  AGREEMENT_TAGS,
  agreementTags,
  agreementWords,
  generateAgreement,
} from '../../../src/labeling/data/agreement.js';
import { buildLabels } from '../../../src/labeling/data/labels.js';
import { ArgumentError } from '../../../src/tensor/errors.js';

const corpus = generateAgreement({ sentences: 400, seed: 3 });

test('the tag of the verb is the number of the first noun, whatever stands between', () => {
  for (const { labels = [] } of corpus) {
    const first = labels.find((label) => label.startsWith('N.'))!;
    expect(labels.at(-1)).toBe(`V.${first.slice(2)}`);
    expect(labels.join(' ')).toMatch(/^DET (ADJ )?N\.\w+( PREP DET (ADJ )?N\.\w+){0,6} V\.\w+$/);
  }
  const distracted = corpus.filter(
    ({ labels = [] }) => new Set(labels.filter((each) => each.startsWith('N.'))).size > 1,
  );
  expect(distracted.length).toBeGreaterThan(200);
});

test('sentences come in pairs that differ in the first noun alone', () => {
  for (let n = 0; n < corpus.length; n += 2) {
    const [a, b] = [corpus[n], corpus[n + 1]];
    const different = a.tokens.flatMap((token, k) => (token === b.tokens[k] ? [] : [k]));
    expect(different).toEqual([a.labels!.findIndex((label) => label.startsWith('N.'))]);
    expect([a.labels!.at(-1), b.labels!.at(-1)]).toEqual(['V.SG', 'V.PL']);
  }
});

test('the labels of a training are in the order of AGREEMENT_TAGS', () => {
  for (const seed of [1, 2, 3]) {
    expect(buildLabels(generateAgreement({ sentences: 800, seed })).labels).toEqual(AGREEMENT_TAGS);
  }
});

test('the grammar tags its own sentences, of any length, and no others', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(20), (seed, phrases) => {
      for (const { tokens, labels } of generateAgreement({
        sentences: 2,
        seed,
        minPhrases: phrases,
        maxPhrases: phrases,
      })) {
        expect(agreementTags(tokens)).toEqual(labels);
        expect(tokens.every((token) => agreementWords().includes(token))).toBe(true);
        expect(agreementTags(tokens.slice(1))).toBeUndefined();
        expect(agreementTags([...tokens, 'the'])).toBeUndefined();
      }
    }),
    { seed: 53, numRuns: 30 },
  );
  for (const other of ['', 'they run', 'the cat', 'the sat', 'the cat sat sat']) {
    expect(agreementTags(other.split(' '))).toBeUndefined();
  }
});

test('the same options give the same sentences, another seed others', () => {
  const of = (seed: number) => JSON.stringify(generateAgreement({ sentences: 20, seed }));
  expect(of(4)).toBe(of(4));
  expect(of(4)).not.toBe(of(5));
  expect(generateAgreement({ sentences: 7 })).toHaveLength(7);
});

test('impossible options are refused by name', () => {
  expect(() => generateAgreement({ sentences: 1, minPhrases: 3, maxPhrases: 2 })).toThrow(ArgumentError);
  expect(() => generateAgreement({ sentences: -1 })).toThrow('sentences');
  expect(() => generateAgreement({ sentences: 1, phrases: 2 } as never)).toThrow('phrases');
});
