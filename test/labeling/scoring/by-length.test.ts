/** Scores by the length of sentences, and whole sentences that are right: counted again, one sentence at a time. */
import fc from 'fast-check';
import type { LengthScores, Scores } from '../../../src/labeling/scoring/scorer';
import { createScorer } from '../../../src/labeling/scoring/scorer';

/** The bounds as the documents have them. */
const BOUNDS = [[1, 5], [6, 10], [11, 20], [21, 40], [41, null]] as const; // prettier-ignore

type Pair = readonly [gold: readonly string[], predicted: readonly string[]];

function scored(pairs: readonly Pair[], length?: (tokens: number) => number): Scores {
  const scorer = createScorer({ labels: ['O', 'B-x', 'B-y'] });
  for (const [gold, predicted] of pairs) {
    const tokens = gold.map((_, t) => `w${t}`);
    scorer.add(tokens, gold, predicted, length?.(tokens.length));
  }
  return scorer.scores();
}

test.each([
  [1, 0], [5, 0], [6, 1], [10, 1], [11, 2], [20, 2], [21, 3], [40, 3], [41, 4], [400, 4],
] as const)('a sentence of %i tokens', (tokens, bucket) => {
  const { lengths } = scored([[new Array<string>(tokens).fill('O'), new Array<string>(tokens).fill('O')]]);
  const [from, to] = BOUNDS[bucket];
  expect(lengths).toMatchObject([{ from, to, sentences: 1, tokens, correct: tokens, accuracy: 1 }]);
}); // prettier-ignore

const label = fc.constantFrom('O', 'B-x', 'B-y'); // every B is a span of one token
const sentence: fc.Arbitrary<Pair> = fc
  .constantFrom(1, 2, 5, 6, 7, 10, 11, 20, 21, 40, 41, 45)
  .chain((n) =>
    fc.tuple(fc.array(label, { minLength: n, maxLength: n }), fc.array(label, { minLength: n, maxLength: n })),
  );

test('each bucket has the scores of its sentences, and the sums are those of all', () => {
  fc.assert(
    fc.property(fc.array(sentence, { maxLength: 12 }), (pairs) => {
      const scores = scored(pairs);
      const expected = BOUNDS.flatMap(([from, to]): object[] => {
        const own = pairs.filter(([gold]) => gold.length >= from && (to === null || gold.length <= to));
        if (own.length === 0) return [];
        const flat = own.flatMap(([gold, predicted]) => gold.map((g, t) => [g, predicted[t]] as const));
        const count = (is: (g: string, p: string) => boolean): number => flat.filter(([g, p]) => is(g, p)).length;
        const correct = count((g, p) => g === p);
        const spans = {
          gold: count((g) => g !== 'O'),
          predicted: count((_, p) => p !== 'O'),
          correct: count((g, p) => g === p && g !== 'O'),
        };
        return [{ from, to, sentences: own.length, tokens: flat.length, correct, accuracy: correct / flat.length, spans }]; // prettier-ignore
      });
      expect(scores.lengths).toHaveLength(expected.length);
      expect(scores.lengths).toMatchObject(expected);
      const whole = pairs.filter(([gold, predicted]) => gold.join(' ') === predicted.join(' ')).length;
      expect([scores.sentences, scores.correctSentences]).toEqual([pairs.length, whole]);
      const sum = (of: (each: LengthScores) => number): number => scores.lengths.reduce((total, each) => total + of(each), 0); // prettier-ignore
      expect([sum(({ tokens }) => tokens), sum(({ correct }) => correct)]).toEqual([scores.tokens, scores.correct]);
    }),
    { seed: 8, numRuns: 200 },
  );
});

test('a decision about a sentence counts by the length that is given with it', () => {
  const { lengths, correctSentences } = scored([[['B-x'], ['B-x']], [['O'], ['B-y']]], () => 30); // prettier-ignore
  expect(lengths).toMatchObject([{ from: 21, to: 40, sentences: 2, tokens: 2, correct: 1, spans: { gold: 1, predicted: 2, correct: 1 } }]); // prettier-ignore
  expect(correctSentences).toBe(1);
});

test('without spans there are none by length', () => {
  const scorer = createScorer({ spans: false });
  scorer.add(['a'], ['B-x'], ['B-x']);
  expect(scorer.scores().lengths).toMatchObject([{ spans: null }]);
});
