/** The modes of reading spans: strict against a second implementation and values by hand, repair against conlleval. */
import fc from 'fast-check';
import type { Scheme } from '../../../src/labeling/data/schemes';
import { convertLabels, SCHEMES } from '../../../src/labeling/data/schemes';
import type { Scores, ScorerOptions } from '../../../src/labeling/scoring/scorer';
import { createScorer } from '../../../src/labeling/scoring/scorer';
import type { Span } from '../../../src/labeling/scoring/spans';
import { spanReading } from '../../../src/labeling/scoring/span-reading';
import { spansOf } from '../../../src/labeling/scoring/spans';
import { strictSpansOf } from '../../../src/labeling/scoring/strict';
import { DataError } from '../../../src/tensor/errors';

const seed = 21;

/**
 * A second implementation of seqeval's strict mode, as a statement about every stretch of tokens: is it a span? (The first one walks
 * from left to right.) p and n are the labels before and behind the stretch; a label is a letter and a type.
 */
type Label = readonly [letter: string, type: string];
type Test = (stretch: readonly Label[], p: Label, n: Label, all: readonly Label[], start: number) => boolean;

const letters = (stretch: readonly Label[]): string => stretch.map(([letter]) => letter).join('');
const same = ([a, s]: Label, [b, t]: Label): boolean => a !== 'O' && b !== 'O' && s === t;
const isI = (label: Label, type: string): boolean => label[0] === 'I' && label[1] === type;

const whole: (pattern: RegExp) => Test = (pattern) => (stretch) => pattern.test(letters(stretch));
const ORACLE: Readonly<Record<Scheme, Test>> = {
  // B, then every I of its type there is.
  IOB2: (stretch, _p, n) => /^BI*$/.test(letters(stretch)) && !isI(n, stretch[0][1]),
  // Every I of the type there is, then E.
  IOE2: (stretch, p) => /^I*E$/.test(letters(stretch)) && !isI(p, stretch[0][1]),
  IOBES: whole(/^(BI*E|S)$/),
  BILOU: whole(/^(BI*L|U)$/),
  // I's that nothing of the type precedes, or B behind I or B of its type. A B that starts nothing is not gone on with.
  IOB1: (stretch, p, n, all, start) => {
    const [[first, type]] = stretch;
    if (!/^[BI]I*$/.test(letters(stretch)) || isI(n, type)) return false;
    const begins = (t: number): boolean => t > 0 && all[t][0] === 'B' && same(all[t - 1], all[t]);
    const free = first === 'I' ? !isI(p, type) && !(p[0] === 'B' && p[1] === type && begins(start - 1)) : begins(start);
    const last = stretch.at(-1)!;
    return free && !(last[0] === 'B' && n[0] === 'B' && n[1] !== type);
  },
  // I's up to E with another of the type behind it, or up to what is neither I nor E of the type. (seqeval itself starts no span at E
  // behind O or another type, and so loses a span of one token in front of another.)
  IOE1: (stretch, p, n) => {
    const text = letters(stretch);
    if (isI(p, stretch[0][1]) || !/^(I*E|I+)$/.test(text)) return false;
    return text.endsWith('E') ? same(n, stretch[0]) : !same(n, stretch[0]);
  },
};

function oracle(labels: readonly string[], scheme: Scheme): Span[] {
  const allowed = { IOB1: 'IB', IOB2: 'IB', IOE1: 'IE', IOE2: 'IE', IOBES: 'IBES', BILOU: 'IBLU' }[scheme];
  const all = labels.map((label): Label => (allowed.includes(label[0]) ? [label[0], label.slice(2)] : ['O', '']));
  const at = (t: number): Label => all[t] ?? ['O', ''];
  const found: Span[] = [];
  for (let start = 0; start < all.length; start++) {
    for (let end = start + 1; end <= all.length; end++) {
      const stretch = all.slice(start, end);
      if (stretch.some(([letter, type]) => letter === 'O' || type !== stretch[0][1])) break;
      if (ORACLE[scheme](stretch, at(start - 1), at(end), all, start)) found.push({ type: stretch[0][1], start, end });
    }
  }
  return found;
}

const label = fc.constantFrom('O', ...[...'BIESLU'].flatMap((position) => [`${position}-x`, `${position}-y`]));
const own: Readonly<Record<Scheme, string>> = { IOB1: 'BI', IOB2: 'BI', IOE1: 'EI', IOE2: 'EI', IOBES: 'BIES', BILOU: 'BILU' }; // prettier-ignore

describe('strict spans', () => {
  test.each(SCHEMES)('of %s are those of a second implementation, all sequences up to five labels', (scheme) => {
    const labels = ['O', ...[...own[scheme]].flatMap((position) => [`${position}-x`, `${position}-y`])];
    const sequences: string[][] = [[]];
    for (let from = 0, length = 1; length <= (labels.length > 5 ? 4 : 5); length++) {
      const last = sequences.slice(from);
      from = sequences.length;
      for (const each of last) for (const next of labels) sequences.push([...each, next]);
    }
    expect(sequences.length).toBeGreaterThan(3900);
    const wrong = sequences.filter(
      (each) => JSON.stringify(strictSpansOf(each, scheme)) !== JSON.stringify(oracle(each, scheme)),
    );
    expect(wrong.slice(0, 3)).toEqual([]);
  });

  test('are those of a second implementation in longer sequences of any labels', () => {
    fc.assert(
      fc.property(fc.array(label, { maxLength: 14 }), fc.constantFrom(...SCHEMES), (sequence, scheme) => {
        expect(strictSpansOf(sequence, scheme)).toEqual(oracle(sequence, scheme));
      }),
      { seed, numRuns: 3000 },
    );
  });

  /** By hand from the published definition: what starts, goes on and ends. `x0-2` is a span of x over the tokens 0 and 1. */
  test.each([
    ['IOB2', 'B-x I-x O B-y', 'x0-2 y3-4'],
    ['IOB2', 'I-x I-x O B-y', 'y3-4'], // nothing begins without B
    ['IOB2', 'B-x I-y I-y B-y', 'x0-1 y3-4'],
    ['IOB1', 'I-x I-x B-x I-y', 'x0-2 x2-3 y3-4'],
    ['IOB1', 'B-x I-x O B-y', 'x1-2'], // B only behind a span of its type
    ['IOE2', 'I-x E-x E-x O I-y', 'x0-2 x2-3'], // nothing ends without E
    ['IOE2', 'I-x E-y', 'y1-2'],
    ['IOE1', 'I-x E-x I-x O I-y', 'x0-2 x2-3 y4-5'],
    ['IOE1', 'E-x I-x O E-y E-y I-y', 'x0-1 x1-2 y3-4 y4-5 y5-6'],
    ['IOE1', 'I-x E-x O', ''], // E only in front of a span of its type
    ['IOBES', 'B-x I-x E-x S-y', 'x0-3 y3-4'],
    ['IOBES', 'B-x I-x O S-y E-y', 'y3-4'],
    ['IOBES', 'B-x E-y', ''],
    ['BILOU', 'B-x L-x U-y B-y', 'x0-2 y2-3'],
    ['BILOU', 'B-x E-x S-y', ''], // letters of another scheme
  ] as [Scheme, string, string][])('%s: %s', (scheme, text, expected) => {
    const found = strictSpansOf(text.split(' '), scheme).map(({ type, start, end }) => `${type}${start}-${end}`);
    expect(found.join(' ')).toBe(expected);
  });

  test('of well-formed labels are those of conlleval, in every scheme', () => {
    fc.assert(
      fc.property(fc.array(label, { maxLength: 12 }), fc.constantFrom(...SCHEMES), (sequence, scheme) => {
        const { labels } = convertLabels(sequence, 'IOB2', scheme);
        expect(strictSpansOf(labels, scheme)).toEqual(spansOf(sequence));
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('labels that only look like positions are outside', () => {
    for (const scheme of SCHEMES)
      expect(strictSpansOf(['XB-x', 'S', 'XS-x', 'Sx', 'S-', 'B_x', 'BB-x', 'Ux'], scheme)).toEqual(
        scheme === 'IOBES' ? [{ type: '', start: 1, end: 2 }, { type: '', start: 4, end: 5 }] : [], // prettier-ignore
      );
  });

  test('bare positions, and a scheme that is none', () => {
    expect(strictSpansOf([...'IBIO'], 'IOB2')).toEqual([{ type: '', start: 1, end: 3 }]);
    expect(() => strictSpansOf(['O'], 'BIO' as Scheme)).toThrow("scheme must be one of 'IOB1', 'IOB2'");
  });
});

const score = (gold: string[], predicted: string[], options: ScorerOptions): Scores => {
  const scorer = createScorer(options);
  scorer.add(gold.map((_, t) => `w${t}`), gold, predicted); // prettier-ignore
  return scorer.scores();
};

describe('the modes of a scorer', () => {
  const gold = 'B-x I-x O B-y O'.split(' ');
  const predicted = 'I-x I-x O I-y I-y'.split(' ');

  test('conlleval takes any label, strict no ill-formed span, repair writes labels anew', () => {
    const [conlleval, strict, repair] = (['conlleval', 'strict', 'repair'] as const).map((spanMode) =>
      score(gold, predicted, { spanMode, scheme: 'IOB2' }),
    );
    expect(conlleval.spans).toMatchObject({ mode: 'conlleval', scheme: null, correct: 1, predicted: 2, gold: 2, illFormed: null }); // prettier-ignore
    expect(strict.spans).toMatchObject({ mode: 'strict', scheme: 'IOB2', correct: 0, predicted: 0, gold: 2, illFormed: { gold: 0, predicted: 4 } }); // prettier-ignore
    expect(repair.spans).toMatchObject({ mode: 'repair', scheme: 'IOB2', correct: 1, predicted: 2, gold: 2, illFormed: { gold: 0, predicted: 2 } }); // prettier-ignore
    expect([conlleval.correct, strict.correct, repair.correct]).toEqual([2, 2, 4]);
  });

  test('repair has the spans of conlleval, and the accuracy of the repaired labels', () => {
    const pair = fc
      .integer({ min: 1, max: 9 })
      .chain((n) =>
        fc.tuple(fc.array(label, { minLength: n, maxLength: n }), fc.array(label, { minLength: n, maxLength: n })),
      );
    fc.assert(
      fc.property(pair, fc.constantFrom(...SCHEMES), ([a, b], scheme) => {
        const [plain, repair] = [
          score(a, b, { spans: true }),
          score(a, b, { spans: true, spanMode: 'repair', scheme }),
        ];
        const counts = ({ spans }: Scores) => [spans!.correct, spans!.predicted, spans!.gold, spans!.mistakes];
        expect(counts(repair)).toEqual(counts(plain));
        const [gold, predicted] = [a, b].map((labels) => convertLabels(labels, scheme, scheme));
        expect(repair.correct).toBe(gold.labels.filter((each, t) => each === predicted.labels[t]).length);
        expect(repair.spans!.illFormed).toEqual({ gold: gold.repairs, predicted: predicted.repairs });
      }),
      { seed, numRuns: 500 },
    );
  });

  test('strict: a label that is not a position breaks the scheme where every label counts, and elsewhere is outside', () => {
    const strict = { spanMode: 'strict', scheme: 'IOB2' } as const;
    const [labels, wrong] = ['B-x I-x FOO O', 'B-x I-x O I-x'].map((text) => text.split(' '));
    const of = (options: ScorerOptions) => score(labels, wrong, { ...strict, ...options }).spans;
    expect(of({ spans: true })).toMatchObject({ kind: 'plain', correct: 1, illFormed: { gold: 1, predicted: 1 } });
    expect(of({ labels })).toMatchObject({ kind: 'typed', correct: 1, illFormed: { gold: 0, predicted: 1 }, outside: ['FOO'] }); // prettier-ignore
  });

  test('known and unknown words are told apart where somebody says which they are', () => {
    expect(score(gold, predicted, {}).spans).toMatchObject({ known: null, oov: null });
    expect(score(gold, predicted, { known: () => true }).spans).toMatchObject({ known: { gold: 2 }, oov: { gold: 0 } });
    expect(score(gold, predicted, { known: () => false }).spans).toMatchObject({ known: { gold: 0 }, oov: { gold: 2 } }); // prettier-ignore
  });

  test('are judged by the scheme given, else that of the sentences, else that of the labels', () => {
    const labels = ['B-PER', 'E-PER', 'S-PER', 'I-PER', 'O'];
    const told = [{ tokens: ['a', 'b'], labels: ['B-PER', 'I-PER'] }];
    const silent = [{ tokens: ['a'], labels: ['O'] }];
    expect(spanReading({ spanMode: 'strict', scheme: 'IOB1' }, labels, told).scheme).toBe('IOB1');
    expect(spanReading({ spanMode: 'strict' }, labels, told).scheme).toBe('IOB2');
    expect(spanReading({ spanMode: 'strict' }, labels, silent).scheme).toBe('IOBES');
  });

  test('conlleval needs no scheme, whatever the labels are; the others need labels of spans', () => {
    const none = [{ tokens: ['a'], labels: ['NOUN'] }];
    expect(spanReading({}, ['NOUN'], none)).toEqual({ spanMode: 'conlleval' });
    expect(spanReading({ scheme: 'IOB2' }, ['NOUN'], none)).toEqual({ spanMode: 'conlleval' });
    const message =
      'the span mode repair needs span labels, such as B-PER and O; these labels are not spans: leave it out (--span-mode)';
    expect(() => spanReading({ spanMode: 'repair' }, ['NOUN'], none)).toThrow(new DataError(message));
    expect(() => spanReading({ spanMode: 'repair', source: 'f' }, ['NOUN'], none)).toThrow(
      new DataError(`f: ${message}`),
    );
    expect(() => spanReading({ scheme: 'BIO' as Scheme }, ['NOUN'], none)).toThrow("scheme must be one of 'IOB1'");
    const unlabeled = [{ tokens: ['a'] }];
    expect(spanReading({ spanMode: 'strict' }, ['O', 'I-x', 'E-x'], unlabeled)).toEqual({ spanMode: 'strict', scheme: 'IOE2' }); // prettier-ignore
  });

  test('a mode without its scheme, and what is not a mode, are refused', () => {
    expect(() => createScorer({ spanMode: 'strict' })).toThrow(
      'createScorer: spanMode strict needs a scheme: add one of IOB1',
    );
    expect(() => createScorer({ spanMode: 'loose' as 'strict' })).toThrow(
      "spanMode must be one of 'conlleval', 'strict', 'repair'",
    );
    expect(() => createScorer({ spanMode: 'strict', scheme: 'BIO' as Scheme })).toThrow("scheme must be one of 'IOB1'");
  });
});

describe('one stray label', () => {
  test.each([
    ['O B-PER I-PER X', 'typed', ['X']],
    ['O B-PER I-PER B_PER', 'typed', ['B_PER']],
    ['O B-PER I-PER o 0', 'typed', ['0', 'o']],
    ['O B I X', 'bare', ['X']],
    ['B I B-PER', 'bare', ['B-PER']],
    ['O B I E S x y', 'bare', ['x', 'y']],
  ])('%s: spans are scored, and it counts as outside', (text, kind, strays) => {
    const labels = text.split(' ');
    const predicted = labels.map((each) => (strays.includes(each) ? 'O' : each));
    const { spans } = score(labels, predicted, { labels });
    expect(spans).toMatchObject({ kind, outside: strays, precision: 1, recall: 1 });
    const strict = score(labels, labels, { labels, spanMode: 'strict', scheme: 'IOB2' });
    expect(strict.spans?.f1).toBe(1);
  });
});
