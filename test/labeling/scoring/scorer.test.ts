import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readCorpus } from '../../../src/labeling/data/files.node.js';
import { createScorer, type Scores } from '../../../src/labeling/scoring/scorer.js';
import { looksLikeSpans, spanSchemeOf, spansOf } from '../../../src/labeling/scoring/spans.js';
import { ArgumentError } from '../../../src/tensor/errors.js';
import { dataPath, describeWithData } from '../../support/data.js';

const seed = 15;
type Rule = (labels: readonly string[]) => { type: string; start: number; end: number }[];

/**
 * The original conlleval.pl, transcribed: it walks both sequences at once and asks of every pair of neighbours whether a
 * chunk ends and whether one starts. E, S, L and U as in its later versions.
 */
const conlleval: Rule = (labels) => {
  const split = (label: string) => {
    const match = /^([^-]*)-(.*)$/.exec(label);
    return match ? [match[1], match[2]] : [label, ''];
  };
  const ends = (prevTag: string, tag: string, prevType: string, type: string) => {
    let chunkEnd = false;
    if (['E', 'S', 'L', 'U'].includes(prevTag)) chunkEnd = true;
    if (prevTag === 'B' && ['B', 'S', 'U', 'O'].includes(tag)) chunkEnd = true;
    if (prevTag === 'I' && ['B', 'S', 'U', 'O'].includes(tag)) chunkEnd = true;
    if (prevTag !== 'O' && prevTag !== '.' && prevType !== type) chunkEnd = true;
    return chunkEnd;
  };
  const starts = (prevTag: string, tag: string, prevType: string, type: string) => {
    let chunkStart = false;
    if (['B', 'S', 'U'].includes(tag)) chunkStart = true;
    if (['E', 'S', 'L', 'U', 'O'].includes(prevTag) && ['E', 'L', 'I'].includes(tag)) chunkStart = true;
    if (tag !== 'O' && tag !== '.' && prevType !== type) chunkStart = true;
    return chunkStart;
  };
  const spans: ReturnType<Rule> = [];
  let [prevTag, prevType] = ['O', ''];
  let begin = -1;
  [...labels, 'O'].forEach((label, i) => {
    const [tag, type] = split(label);
    if (begin >= 0 && ends(prevTag, tag, prevType, type)) {
      spans.push({ type: prevType, start: begin, end: i });
      begin = -1;
    }
    if (starts(prevTag, tag, prevType, type)) begin = i;
    [prevTag, prevType] = [tag, type];
  });
  return spans;
};

const label = fc.constantFrom('O', ...[...'BIESLU'].flatMap((position) => [`${position}-x`, `${position}-y-z`]));
const labels = fc.array(label, { maxLength: 9 });

describe('spans', () => {
  test('are those of conlleval, in any mixture of schemes', () => {
    fc.assert(
      fc.property(labels, (sequence) => {
        expect(spansOf(sequence)).toEqual(conlleval(sequence));
      }),
      { seed, numRuns: 2000 },
    );
  });

  test.each([
    ['IOB2', 'B-a I-a B-a O B-b'],
    ['IOB1', 'I-a I-a B-a O I-b'],
    ['IOBES', 'B-a E-a S-a O S-b'],
    ['BILOU', 'B-a L-a U-a O U-b'],
    ['no scheme', 'a a B-a O b'],
  ])('%s', (_, text) => {
    expect(spansOf(text.split(' '))).toEqual([
      { type: 'a', start: 0, end: 2 },
      { type: 'a', start: 2, end: 3 },
      { type: 'b', start: 4, end: 5 },
    ]);
  });

  test('I after another type starts a span; a type may have hyphens', () => {
    expect(spansOf(['B-a-b', 'I-a-b', 'I-a'])).toEqual([
      { type: 'a-b', start: 0, end: 2 },
      { type: 'a', start: 2, end: 3 },
    ]);
  });

  test('bare positions segment, as in word segmentation', () => {
    expect(spansOf([...'BIIBIO'])).toEqual([
      { type: '', start: 0, end: 3 },
      { type: '', start: 3, end: 5 },
    ]);
  });

  test('a label without a hyphen is a type, also where it begins or ends like a position', () => {
    for (const type of ['LOC', 'LABEL', 'PLACE', 'EU', 'NB']) {
      expect(spansOf(['O', type, type, 'B-x'])).toEqual([
        { type, start: 1, end: 3 },
        { type: 'x', start: 3, end: 4 },
      ]);
    }
  });

  test('which label sets look like spans', () => {
    for (const yes of ['O B-x I-x', 'B-x', 'O S-x', 'I-x O', 'B I', 'B I O', 'U O']) {
      expect([yes, looksLikeSpans(yes.split(' '))]).toEqual([yes, true]);
    }
    for (const no of [
      'NOUN VERB',
      'O',
      '',
      'B-x NOUN',
      'I O',
      'X-x',
      'B-',
      'B-x I',
      '-LRB- NN',
      'O XB-x',
      'B NOUN',
      'B NB',
      'B IN',
    ]) {
      expect([no, looksLikeSpans(no.split(' '))]).toEqual([no, false]);
    }
  });

  test('where nothing is a span, nothing is an outlier', () => {
    for (const none of ['NOUN VERB', 'O', 'B-x NOUN']) {
      expect(spanSchemeOf(none.split(' '))).toEqual({ kind: null, outliers: [] });
    }
  });
});

const score = (gold: string[][], predicted: string[][], options = {}): Scores => {
  const scorer = createScorer(options);
  gold.forEach((sentence, i) =>
    scorer.add(
      sentence.map((_, t) => `w${t % 3}`),
      sentence,
      predicted[i],
    ),
  );
  return scorer.scores();
};

test('types of spans are in code-point order, whatever came first', () => {
  const { spans } = score([['B-z', 'B-a', 'B-Z']], [['B-z', 'B-b', 'B-Z']]);
  expect(Object.keys(spans?.types ?? {})).toEqual(['Z', 'a', 'b', 'z']);
});

describe('scores', () => {
  test('by hand', () => {
    const gold = [
      ['B-x', 'I-x', 'O', 'B-y'],
      ['O', 'B-x'],
    ];
    const predicted = [
      ['B-x', 'I-x', 'O', 'B-x'],
      ['B-y', 'B-x'],
    ];
    const scores = score(gold, predicted, { known: (token: string) => token !== 'w0' });
    expect(scores).toMatchObject({ sentences: 2, tokens: 6, correct: 4, accuracy: 4 / 6 });
    expect(scores).toMatchObject({ knownTokens: 3, knownAccuracy: 1, oovTokens: 3, oovAccuracy: 1 / 3 });
    expect(scores.confusion).toEqual({
      labels: ['B-x', 'B-y', 'I-x', 'O'],
      counts: [
        [2, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 1, 0, 1],
      ],
    });
    expect(scores.labels['B-x']).toEqual({ precision: 2 / 3, recall: 1, f1: 0.8, correct: 2, predicted: 3, gold: 2 });
    expect(scores.labels.O).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, correct: 1, predicted: 1, gold: 2 });
    expect(scores.spans).toEqual({
      ...{ precision: 0.5, recall: 2 / 3, f1: 4 / 7, correct: 2, predicted: 4, gold: 3, outside: [] },
      ...{ mode: 'conlleval', scheme: null, kind: 'typed', illFormed: null },
      macro: { precision: 1 / 3, recall: 0.5, f1: 0.4 },
      // w0 is unknown: it begins both sentences, and is the fourth word of the first.
      known: { precision: 1, recall: 1, f1: 1, correct: 1, predicted: 1, gold: 1 },
      oov: { precision: 1 / 3, recall: 0.5, f1: 0.4, correct: 1, predicted: 3, gold: 2 },
      mistakes: { type: 1, boundary: 0, 'type-and-boundary': 0, missed: 0, spurious: 1 },
      types: {
        x: { precision: 2 / 3, recall: 1, f1: 0.8, correct: 2, predicted: 3, gold: 2 },
        y: { precision: 0, recall: 0, f1: 0, correct: 0, predicted: 1, gold: 1 },
      },
    });
    expect(scores.spanF1).toBe(4 / 7);
  });

  test('nothing counted, nothing divided by zero', () => {
    expect(createScorer({ known: () => true }).scores()).toEqual({
      unit: 'token',
      macroF1: 0,
      ...{ correctSentences: 0, lengths: [], macro: { precision: 0, recall: 0, f1: 0 } },
      ...{ sentences: 0, tokens: 0, unlabeled: 0, correct: 0, accuracy: 0 },
      ...{ knownTokens: 0, knownAccuracy: null, oovTokens: 0, oovAccuracy: null },
      ...{ labels: {}, confusion: { labels: [], counts: [] }, spans: null, spanF1: null },
    });
    expect(score([['O']], [['B-x']], { spans: true }).spans).toMatchObject({
      precision: 0,
      recall: 0,
      f1: 0,
      predicted: 1,
    });
    const unsplit = score([['X']], [['X']]);
    expect(unsplit).toMatchObject({ knownTokens: 0, knownAccuracy: null, oovTokens: 0, oovAccuracy: null });
  });

  test('spans are scored where the gold labels have them, or where that is asked for', () => {
    expect(score([['NOUN', 'O']], [['NOUN', 'B-x']]).spans).toBeNull();
    expect(score([['B-x', 'O']], [['NOUN', 'O']]).spanF1).toBe(0);
    expect(score([['B-x']], [['B-x']], { spans: false }).spanF1).toBeNull();
    expect(score([['x', 'O']], [['x', 'O']], { spans: true }).spanF1).toBe(1);
  });

  test('bare positions are spans without a type', () => {
    const { spans } = score([[...'BIOB']], [[...'BIOI']]);
    const whole = { precision: 1, recall: 1, f1: 1, correct: 2, predicted: 2, gold: 2 };
    expect(spans).toMatchObject({ ...whole, kind: 'bare', outside: [], types: { '': whole } });
  });

  test('that are asked for take a label such as PER as inside of a span', () => {
    const { spans } = score([['B-x', 'PER', 'O']], [['B-x', 'PER', 'O']], { spans: true });
    expect(spans).toMatchObject({ correct: 2, predicted: 2, gold: 2, outside: [] });
    expect(Object.keys(spans!.types)).toEqual(['PER', 'x']);
  });

  test('macro F1 is the mean over the labels, each as heavy as the next', () => {
    // By hand: X has F1 2/3 (one of one right, two guessed), Y has 4/5 (two of three right, two guessed).
    expect(score([['X', 'Y', 'Y', 'Y']], [['X', 'X', 'Y', 'Y']]).macroF1).toBeCloseTo((2 / 3 + 4 / 5) / 2, 12);
  });

  test('options of the wrong type are refused', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ known: ['a'] }, /known/],
      [{ spans: 'yes' }, /spans/],
      [{ labels: 5 }, /labels/],
    ];
    for (const [options, message] of wrong) expect(() => createScorer(options)).toThrow(message);
  });

  test('a label may be called __proto__', () => {
    const scores = score([['__proto__', 'B-__proto__']], [['__proto__', 'B-__proto__']], { spans: true });
    expect(Object.keys(scores.labels)).toEqual(['B-__proto__', '__proto__']);
    expect(Object.keys(scores.spans!.types)).toEqual(['__proto__']);
  });

  test('lengths must agree', () => {
    const message = 'there must be one label per token, 2; got 2 gold and 1 predicted';
    expect(() => createScorer().add(['a', 'b'], ['X', 'Y'], ['X'])).toThrow(new ArgumentError(message));
    expect(() => createScorer().add(['a', 'b'], ['X'], ['X', 'Y'])).toThrow(ArgumentError);
  });

  const pair = fc.integer({ min: 1, max: 8 }).chain((n) => {
    const sequence = fc.array(label, { minLength: n, maxLength: n });
    return fc.tuple(sequence, sequence);
  });
  const corpus = fc.array(pair, { minLength: 1, maxLength: 5 });

  test('agree with counting one by one', () => {
    fc.assert(
      fc.property(corpus, (sentences) => {
        const [gold, predicted] = [sentences.map(([g]) => g), sentences.map(([, p]) => p)];
        const scores = score(gold, predicted, { spans: true, known: (token: string) => token === 'w0' });
        const tokens = sentences.flatMap(([g, p]) => g.map((_, t) => ({ g: g[t], p: p[t], known: t % 3 === 0 })));
        const right = tokens.filter(({ g, p }) => g === p);
        expect(scores.accuracy).toBeCloseTo(right.length / tokens.length, 12);
        expect(scores.knownTokens + scores.oovTokens).toBe(tokens.length);
        expect(scores.oovTokens).toBe(tokens.filter(({ known }) => !known).length);
        expect((scores.oovAccuracy ?? 0) * scores.oovTokens).toBeCloseTo(right.filter(({ known }) => !known).length, 9);
        scores.confusion.labels.forEach((g, i) => {
          scores.confusion.labels.forEach((p, j) => {
            expect(scores.confusion.counts[i][j]).toBe(tokens.filter((token) => token.g === g && token.p === p).length);
          });
          const [tp, fp, fn] = [(t: (typeof tokens)[0]) => t.g === g && t.p === g, (t: (typeof tokens)[0]) => t.g !== g && t.p === g, (t: (typeof tokens)[0]) => t.g === g && t.p !== g].map((is) => tokens.filter(is).length); // prettier-ignore
          expect(scores.labels[g]).toMatchObject({ correct: tp, predicted: tp + fp, gold: tp + fn });
          expect(scores.labels[g].f1).toBeCloseTo((2 * tp) / (2 * tp + fp + fn), 12);
        });
        const keys = (rows: string[][]) =>
          rows.flatMap((row, i) => conlleval(row).map((span) => `${i} ${JSON.stringify(span)}`));
        const [expected, found] = [keys(gold), keys(predicted)];
        const correct = found.filter((span) => expected.includes(span)).length;
        expect(scores.spans).toMatchObject({ correct, predicted: found.length, gold: expected.length });
      }),
      { seed },
    );
  });

  test('perfect predictions score 1; swapping gold and predicted swaps precision and recall', () => {
    fc.assert(
      fc.property(corpus, (sentences) => {
        const [gold, predicted] = [sentences.map(([g]) => g), sentences.map(([, p]) => p)];
        const perfect = score(gold, gold, { spans: true });
        expect(perfect.accuracy).toBe(1);
        expect(perfect.spanF1).toBe(gold.flat().every((each) => each === 'O') ? 0 : 1);
        const [there, back] = [score(gold, predicted, { spans: true }), score(predicted, gold, { spans: true })];
        expect(back.spans).toMatchObject({
          precision: there.spans!.recall,
          recall: there.spans!.precision,
          f1: there.spanF1,
        });
        expect(back.accuracy).toBe(there.accuracy);
      }),
      { seed },
    );
  });
});

/** What the organizers found: accuracy, precision, recall, F1, correct and guessed spans. */
const published = {
  uh_ritual: '94.18 57.54 32.90 41.86 355 617',
  'spinningbytes.txt': '94.10 47.09 35.96 40.78 388 824',
  'sjtu_adapt.txt': '93.71 50.21 33.83 40.42 365 727',
  arcada: '94.03 47.40 34.57 39.98 373 787',
  flytxt: '93.77 47.92 31.97 38.35 345 720',
  'mic-cis.txt': '93.20 40.97 33.83 37.06 365 891',
  drexel_cci: '93.37 50.39 17.79 26.30 192 381',
};

test('docs/results.md shows these numbers', () => {
  const document = readFileSync(join(__dirname, '../../../docs/results.md'), 'utf8');
  for (const [name, line] of Object.entries(published)) {
    const row = new RegExp(`^\\| ${name.replace('.txt', '')} .*`, 'm').exec(document)?.[0].split(/[ |]+/);
    expect(row?.slice(2, -1)).toEqual(line.split(' ').slice(0, 4));
  }
});

describeWithData('parity-wnut17-submissions', 'the seven submissions of the WNUT-17 shared task', () => {
  const percent = (fraction: number) => (100 * fraction).toFixed(2);
  type Rows = string[][];
  let tokens: Rows;
  let gold: Rows;
  const predicted: Record<string, Rows> = {};
  beforeAll(async () => {
    const test = await readCorpus(dataPath('ner-wnut17/emerging.test.annotated'));
    tokens = test.map((sentence) => [...sentence.tokens]);
    gold = test.map((sentence) => [...sentence.labels!]);
    for (const name of Object.keys(published)) {
      const rows = await readCorpus(dataPath('parity-wnut17-submissions', name));
      predicted[name] = rows.map((sentence) => [...sentence.labels!]);
    }
  });

  test.each(Object.entries(published))('%s', (name, line) => {
    expect(predicted[name]).toHaveLength(gold.length);
    const scorer = createScorer();
    gold.forEach((labels, i) => scorer.add(tokens[i], labels, predicted[name][i]));
    const { accuracy, spans } = scorer.scores();
    const { precision, recall, f1, correct, predicted: guessed } = spans!;
    expect([...[accuracy, precision, recall, f1].map(percent), correct, guessed].join(' ')).toBe(line);
  });

  const isLoose = (labels: readonly string[], i: number) =>
    labels[i][0] === 'I' && (i === 0 || labels[i - 1].slice(2) !== labels[i].slice(2));
  const keepType = (labels: readonly string[]) => {
    let type = '';
    return labels.map((each) => {
      if (each[0] === 'I' && type) return `I-${type}`;
      type = each.slice(2);
      return each;
    });
  };
  const broken: Record<string, Rule> = {
    'I never starts a span': (labels) => conlleval(labels.map((each, i) => (isLoose(labels, i) ? 'O' : each))),
    'a change of type does not start one': (labels) => conlleval(keepType(labels)),
    'B is read as I': (labels) => conlleval(labels.map((each) => each.replace(/^B/, 'I'))),
    'the type does not matter': (labels) => conlleval(labels.map((each) => each.replace(/-.*/, '-x'))),
  };
  const f1 = (rule: Rule, name: string) => {
    const keys = (rows: Rows) =>
      new Set(rows.flatMap((labels, i) => rule(labels).map((span) => `${i} ${JSON.stringify(span)}`)));
    const [expected, found] = [keys(gold), keys(predicted[name])];
    return percent((2 * [...found].filter((span) => expected.has(span)).length) / (expected.size + found.size));
  };

  test.each(Object.keys(broken))('a wrong rule is told by them: %s', (rule) => {
    const names = Object.keys(published) as (keyof typeof published)[];
    const differing = (spans: Rule) => names.filter((name) => f1(spans, name) !== published[name].split(' ')[3]);
    expect(differing(conlleval)).toEqual([]);
    expect(differing(broken[rule])).not.toEqual([]);
  });
});
