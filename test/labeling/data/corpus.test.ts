import { mostFrequentTag } from '../../../src/labeling/scoring/baseline.js';
import { generateCorpus, type CorpusOptions } from '../../../src/labeling/data/corpus.js';
import { readCorpus } from '../../../src/labeling/data/files.node.js';
import { createScorer } from '../../../src/labeling/scoring/scorer.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { buildVocabulary } from '../../../src/labeling/data/vocabulary.js';
import { createRng } from '../../../src/tensor/random.js';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { dataPath, describeWithData } from '../../support/data.js';

const corpus = generateCorpus({ sentences: 3000, seed: 5 });
const text = ({ tokens, labels }: Sentence) => tokens.map((token, i) => `${token}/${labels![i]}`).join(' ');
const has = (sentence: Sentence, pattern: RegExp) => sentence.labels!.some((label) => pattern.test(label));

function accuracy(test: readonly Sentence[], predict: (tokens: readonly string[]) => string[], only = /^/): number {
  const scorer = createScorer();
  for (const { tokens, labels } of test) {
    const kept = labels!.flatMap((label, i) => (only.test(label) ? [i] : []));
    const predicted = predict(tokens);
    scorer.add(kept.map((i) => tokens[i]), kept.map((i) => labels![i]), kept.map((i) => predicted[i])); // prettier-ignore
  }
  return scorer.scores().accuracy;
}

/** A tagger for this grammar written independently: two bits of memory, the first noun's number and the word before. */
function contextual(tokens: readonly string[]): string[] {
  const closed: Record<string, string> = { the: 'DET', they: 'PRON', we: 'PRON', you: 'PRON', and: 'CCONJ' };
  const adverbs = ['often', 'today', 'again', 'quietly'];
  const prepositions = ['near', 'behind', 'beside', 'under', 'above', 'with', 'beyond', 'opposite'];
  const plural = /s$|^children$/.test(tokens[1]);
  return tokens.map((token, i) => {
    if (closed[token]) return closed[token];
    if (adverbs.includes(token)) return 'ADV';
    if (prepositions.includes(token)) return 'ADP';
    if (tokens[i - 1] === 'the') return 'NOUN';
    if (tokens[0] !== 'the') return 'VERB';
    return plural ? 'V.PL' : 'V.SG';
  });
}

describe('the made-up treebank', () => {
  test('the same seed gives the same sentences, another seed or stream others', () => {
    const make = (options: Partial<CorpusOptions>) => generateCorpus({ sentences: 20, ...options }).map(text);
    expect(make({ seed: 5 })).toEqual(corpus.slice(0, 20).map(text));
    expect(make({ rng: createRng(5) })).toEqual(make({ seed: 5 }));
    expect(make({})).toEqual(make({ seed: 1 }));
    expect(make({ seed: 6 })).not.toEqual(make({ seed: 5 }));
  });

  test('reads like this', () => {
    expect(corpus.slice(0, 5).map(text)).toMatchInlineSnapshot(`
     [
       "you/PRON walk/VERB",
       "the/DET horses/NOUN under/ADP the/DET houses/NOUN slept/V.PL and/CCONJ fell/V.PL",
       "the/DET teacher/NOUN beside/ADP the/DET houses/NOUN opposite/ADP the/DET girls/NOUN with/ADP the/DET ship/NOUN stayed/V.SG and/CCONJ arrived/V.SG today/ADV",
       "the/DET boy/NOUN with/ADP the/DET children/NOUN behind/ADP the/DET teacher/NOUN behind/ADP the/DET boys/NOUN sat/V.SG",
       "the/DET house/NOUN beyond/ADP the/DET bird/NOUN behind/ADP the/DET teacher/NOUN above/ADP the/DET car/NOUN vanished/V.SG quietly/ADV",
     ]
    `);
  });

  test('no rule of one word at a time can tag it: even fitted to the very sentences it is scored on, it stays below 90 %', () => {
    const fitted = mostFrequentTag(corpus);
    expect(accuracy(corpus, fitted.predict)).toBeLessThan(0.9);
    // The verbs of agreement are as good as a coin, the words of two classes little better.
    expect(accuracy(corpus, fitted.predict, /^V\./)).toBeLessThan(0.56);
    const test = generateCorpus({ sentences: 2000, seed: 7 });
    expect(accuracy(test, fitted.predict)).toBeLessThan(0.9);
    expect(accuracy(test, fitted.predict, /^V/)).toBeLessThan(0.5);
  });

  test('nor can two neighbours: the words beside an agreeing verb do not tell its number', () => {
    const between = generateCorpus({ sentences: 6000, seed: 8, minPhrases: 1 }).filter((s) => has(s, /^V\./));
    const counts = new Map<string, number[]>();
    for (const { tokens, labels } of between) {
      const verb = labels!.findIndex((label) => label.startsWith('V.'));
      const count = counts.get(tokens[verb - 1]) ?? [0, 0];
      count[labels![verb] === 'V.PL' ? 1 : 0]++;
      counts.set(tokens[verb - 1], count);
    }
    let right = 0;
    for (const [singular, plural] of counts.values()) right += Math.max(singular, plural);
    expect(right / between.length).toBeLessThan(0.6);
  });

  test('but two bits of memory suffice: it is learnable without error', () => {
    expect(accuracy(corpus, contextual)).toBe(1);
  });

  test('every word of two classes occurs in both', () => {
    const vocabulary = buildVocabulary(corpus).words;
    const tagsOf = (word: string) =>
      new Set(corpus.flatMap(({ tokens, labels }) => labels!.filter((_, i) => tokens[i] === word)));
    const both = vocabulary.filter((word) => tagsOf(word).has('NOUN') && tagsOf(word).has('VERB'));
    expect(both).toHaveLength(14);
    const fixed = vocabulary.filter((word) => word !== '<unk>' && tagsOf(word).size === 1);
    expect(fixed).toHaveLength(vocabulary.length - 1 - 14 - 10);
  });

  test.each([
    [0, 0],
    [2, 2],
    [1, 5],
    [6, undefined],
  ])('phrases between noun and verb: %p to %p', (minPhrases, maxPhrases) => {
    const clauses = generateCorpus({ sentences: 600, minPhrases, maxPhrases }).filter((s) => has(s, /^V\./));
    const counts = new Set(clauses.map(({ labels }) => labels!.filter((label) => label === 'ADP').length));
    const most = maxPhrases ?? minPhrases;
    expect([...counts].sort()).toEqual(Array.from({ length: most - minPhrases + 1 }, (_, i) => minPhrases + i));
  });

  test('arguments', () => {
    expect(generateCorpus({ sentences: 0 })).toEqual([]);
    for (const wrong of [
      { sentences: -1 },
      { minPhrases: 0.5 },
      { maxPhrases: -1 },
      { minPhrases: 4, maxPhrases: 3 },
    ]) {
      expect(() => generateCorpus({ sentences: 1, ...wrong })).toThrow(ArgumentError);
    }
    expect(() => generateCorpus({ sentences: 1, seed: 1, rng: createRng(1) })).toThrow('give seed or rng, not both');
  });
});

describe('the most-frequent-tag baseline', () => {
  test('the tag of most, of equals the first met, of strangers the commonest', () => {
    const train = [
      { tokens: ['a', 'a', 'a', 'b', 'b'], labels: ['X', 'Y', 'Y', 'Z', 'X'] },
      { tokens: ['c', 'constructor'], labels: ['Y', 'Z'] },
    ];
    const { predict } = mostFrequentTag(train);
    expect(predict(['a', 'b', 'c', 'constructor', 'new', 'toString'])).toEqual(['Y', 'Z', 'Y', 'Z', 'Y', 'Y']);
  });

  test('needs labels', () => {
    expect(() => mostFrequentTag([])).toThrow(DataError);
    expect(() => mostFrequentTag([{ tokens: ['a'] }])).toThrow('expected one label per token, 1; got none');
  });
});

const CORPORA = [
  ['ud-en-ewt-r2.16', 'en_ewt-ud-$.conllu', [12544, 2001, 2077], 86.2],
  ['ud-da-ddt-r1.3-2col', 'da-ud-$.conllu', [4868, 322, 322], 84.7],
  ['ud-ga-idt-r1.3', 'ga-ud-$.conllu', [720, 150, 150], 85.7],
  ['ud-vi-vtb-r2.16', 'vi_vtb-ud-$.conllu', [1400, 1123, 800], 82.3],
  ['ud-lzh-kyoto-r2.4', 'lzh_kyoto-ud-$.conllu', [7056, 2047, 2073], 87.1],
] as const;

describe.each(CORPORA)('%s', (folder, pattern, sizes, floor) => {
  describeWithData(folder, 'is read whole, and the baseline has its published accuracy', () => {
    test('sentences and floor', async () => {
      const read = (part: string) => readCorpus(dataPath(folder, pattern.replace('$', part)));
      const [train, dev, test] = [await read('train'), await read('dev'), await read('test')];
      expect([train, dev, test].map((part) => part.length)).toEqual(sizes);
      expect((100 * accuracy(test, mostFrequentTag(train).predict)).toFixed(1)).toBe(floor.toFixed(1));
    });
  });
});

describeWithData('slot-snips', 'slot filling: SNIPS', () => {
  test.each([
    ['train', 13084],
    ['valid', 700],
    ['test', 700],
  ])('%s', async (part, size) => {
    const sentences = await readCorpus(dataPath('slot-snips', part));
    expect(sentences).toHaveLength(size);
    expect(new Set(sentences.map(({ category }) => category)).size).toBe(7);
  });
});

describeWithData('ner-uner-da-ddt', 'named entities in column 3 of 5', () => {
  test('sentences, tokens and entities', async () => {
    const sentences = await readCorpus(dataPath('ner-uner-da-ddt', 'da_ddt-ud-test.iob2'), { column: 3 });
    const scorer = createScorer();
    for (const { tokens, labels } of sentences) scorer.add(tokens, labels!, labels!);
    expect(scorer.scores()).toMatchObject({ sentences: 565, tokens: 10023, spans: { gold: 447 } });
  });
});

describeWithData('ner-wnut17', 'named entities in noisy text', () => {
  test.each([
    ['wnut17train.conll', 3394, 62730, 1975],
    ['emerging.dev.conll', 1009, 15733, 836],
    ['emerging.test.annotated', 1287, 23394, 1079],
  ])('%s', async (name, count, tokens, gold) => {
    const sentences = await readCorpus(dataPath('ner-wnut17', name));
    const scorer = createScorer();
    for (const sentence of sentences) scorer.add(sentence.tokens, sentence.labels!, sentence.labels!);
    expect(scorer.scores()).toMatchObject({ sentences: count, tokens, spans: { gold } });
  });
});
