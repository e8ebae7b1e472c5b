/** Schemes of span labels against a table written by hand, and by laws over all label sequences and random spans. */
import fc from 'fast-check';
import {
  convertLabels,
  detectScheme,
  isLabelOf,
  permitsEveryLength,
  permittedTransitions,
  schemeOf,
  SCHEMES,
  type Scheme,
} from '../../../src/labeling/data/schemes.js';
import { spansOf } from '../../../src/labeling/index.js';

fc.configureGlobal({ seed: 8, numRuns: 200 });

/** Ann Lee met Bo Kay Rae in Rome Oslo today: persons 0–1, 3, 4–5; places 7, 8; and a person behind a place. */
const TABLE: Record<Scheme, string> = {
  IOB1: 'I-PER I-PER O I-PER B-PER I-PER O I-LOC B-LOC I-PER',
  IOB2: 'B-PER I-PER O B-PER B-PER I-PER O B-LOC B-LOC B-PER',
  IOE1: 'I-PER I-PER O E-PER I-PER I-PER O E-LOC I-LOC I-PER',
  IOE2: 'I-PER E-PER O E-PER I-PER E-PER O E-LOC E-LOC E-PER',
  IOBES: 'B-PER E-PER O S-PER B-PER E-PER O S-LOC S-LOC S-PER',
  BILOU: 'B-PER L-PER O U-PER B-PER L-PER O U-LOC U-LOC U-PER',
};
const rows = SCHEMES.map((scheme) => [scheme, TABLE[scheme].split(' ')] as const);
const pairs = rows.flatMap(([from, labels]) => rows.map(([to, expected]) => ({ from, to, labels, expected })));

test.each(pairs)('$from → $to', ({ from, to, labels, expected }) => {
  expect(convertLabels(labels, from, to)).toEqual({ labels: expected, repairs: 0 });
});

test.each(rows)('%s is detected', (scheme, labels) => {
  expect(detectScheme([['O', 'O'], labels])).toMatchObject({ scheme, repairs: 0 });
});

test.each<[string, Scheme]>([
  ['IOB1', 'IOB1'],
  ['iob2', 'IOB2'],
  ['bio', 'IOB2'],
  ['BIOES', 'IOBES'],
  ['bilou', 'BILOU'],
  ['Biluo', 'BILOU'],
])('%s is %s', (name, scheme) => {
  expect(schemeOf(name)).toBe(scheme);
});

test.each(['', 'IOB', 'BIO ', 'constructor', '__proto__'])('%j is the name of no scheme', (name) => {
  expect(() => schemeOf(name)).toThrow('schemeOf: name must be one of IOB1, IOB2, IOE1, IOE2, IOBES, BILOU; got');
});

test('labels of a scheme are its positions, with a type or bare, and what stands outside of spans', () => {
  const all = ['O', 'B-X', 'I-X', 'E-X', 'S-X', 'L-X', 'U-X', 'B', 'S', 'NOUN', '0'];
  const of = (scheme: Scheme) => all.filter((label) => isLabelOf(scheme, label)).join(' ');
  expect(of('IOB1')).toBe('O B-X I-X B NOUN 0');
  expect(of('IOB2')).toBe('O B-X I-X B NOUN 0');
  expect(of('IOE1')).toBe('O I-X E-X NOUN 0');
  expect(of('IOE2')).toBe('O I-X E-X NOUN 0');
  expect(of('IOBES')).toBe('O B-X I-X E-X S-X B S NOUN 0');
  expect(of('BILOU')).toBe('O B-X I-X L-X U-X B NOUN 0');
});

test('without types, as in word segmentation', () => {
  const bare = (text: string): string[] => [...text];
  expect(convertLabels(bare('BIIBB'), 'IOB2', 'IOBES').labels.join('')).toBe('BIESS');
  expect(convertLabels(bare('BIESS'), 'IOBES', 'IOB2').labels.join('')).toBe('BIIBB');
  expect(detectScheme([bare('BIIBB')])).toMatchObject({ scheme: 'IOB2', evidence: '1 of 1 spans begin with B' });
});

describe('detection', () => {
  const found = (...sentences: string[]) => detectScheme(sentences.map((each) => each.split(' ')));

  test('says why', () => {
    expect(found('B-X I-X O B-X', 'B-X B-X')).toEqual({ scheme: 'IOB2', evidence: '3 of 3 spans begin with B', repairs: 0 }); // prettier-ignore
    expect(found('I-X I-X B-X O', 'I-Y')).toEqual({
      scheme: 'IOB1',
      evidence: '0 of 2 spans begin with B',
      repairs: 0,
    });
    expect(found('I-X E-X O E-X').evidence).toBe('2 of 2 spans end with E');
    expect(found('I-X O I-X')).toEqual({ scheme: 'IOB1', evidence: 'I 2, no B and no E', repairs: 0 });
    expect(found('B-X E-X O S-X').evidence).toBe('B 1, E 1, S 1');
    expect(found('B-X L-X O U-X').evidence).toBe('B 1, L 1, U 1');
  });

  test('the commoner begin decides; the others are counted, and the first is placed', () => {
    expect(found('B-X O', 'O I-X', 'B-X')).toEqual({ scheme: 'IOB2', evidence: '2 of 3 spans begin with B', repairs: 1, first: 1 }); // prettier-ignore
    expect(found('B-X O', 'O I-X', 'I-X')).toMatchObject({ scheme: 'IOB1', repairs: 1, first: 0 });
    expect(found('B-X E-X U-X S-X')).toMatchObject({ scheme: 'IOBES', repairs: 1 });
    expect(found('B-X L-X U-X S-X')).toMatchObject({ scheme: 'BILOU', repairs: 1 });
  });

  test('where both are as many, B at every begin, E at every end, and L and U win', () => {
    expect(found('B-X O I-X')).toMatchObject({ scheme: 'IOB2', evidence: '1 of 2 spans begin with B', repairs: 1 });
    expect(found('E-X O I-X')).toMatchObject({ scheme: 'IOE2', evidence: '1 of 2 spans end with E', repairs: 1 });
    expect(found('S-X O U-X')).toEqual({ scheme: 'BILOU', evidence: 'U 1, S 1', repairs: 1, first: 0 });
    expect(found('L-X E-X')).toMatchObject({ scheme: 'BILOU', evidence: 'L 1, E 1' });
    expect(found('S-X O')).toMatchObject({ scheme: 'IOBES', evidence: 'S 1', repairs: 0 });
    expect(found('B-X E-X O')).toMatchObject({ scheme: 'IOBES', evidence: 'B 1, E 1', repairs: 0 });
  });

  test('spans that touch another of their type tell nothing: there IOB1 writes B, and IOE1 E', () => {
    expect(found('I-X E-X I-X O I-X')).toEqual({ scheme: 'IOE1', evidence: '0 of 2 spans end with E', repairs: 0 });
    expect(found('I-X E-X I-Y E-Y')).toMatchObject({ scheme: 'IOE2', evidence: '2 of 2 spans end with E', repairs: 0 });
    expect(found('I-X B-Y I-Y')).toMatchObject({ scheme: 'IOB2', evidence: '1 of 2 spans begin with B', repairs: 1 });
  });

  test('one stray label does not switch it off, and is left as it is', () => {
    expect(found('B-X I-X O 0 B-X')).toMatchObject({ scheme: 'IOB2', repairs: 0 });
    expect(convertLabels(['B-X', 'o', 'I-X', 'I-X'], 'IOB2', 'IOBES')).toEqual({
      labels: ['S-X', 'o', 'B-X', 'E-X'],
      repairs: 1,
    });
  });

  test('labels that are not spans have no scheme', () => {
    expect(found('NOUN VERB', 'DET')).toEqual({ scheme: null, evidence: '', repairs: 0 });
    expect(found('O O')).toMatchObject({ scheme: null });
    expect(detectScheme([])).toMatchObject({ scheme: null });
  });
});

test('repairs are those labels that the scheme writes otherwise', () => {
  expect(convertLabels(['I-X', 'E-X', 'O', 'B-X'], 'IOBES', 'IOBES')).toEqual({ labels: ['B-X', 'E-X', 'O', 'S-X'], repairs: 2 }); // prettier-ignore
  expect(convertLabels(['O', 'I-X', 'I-Y'], 'IOB2', 'IOB2')).toEqual({ labels: ['O', 'B-X', 'B-Y'], repairs: 2 });
  expect(convertLabels(['B-X', 'O'], 'IOB1', 'IOB1')).toEqual({ labels: ['I-X', 'O'], repairs: 1 });
});

/** Spans that do not overlap, in sentences of up to 12 tokens. */
const sentence = fc
  .array(fc.record({ gap: fc.nat(2), length: fc.integer({ min: 1, max: 4 }), type: fc.constantFrom('X', 'Y') }), {
    maxLength: 5,
  })
  .map((parts) => parts.flatMap(({ gap, length, type }) => [...new Array<string>(gap).fill('O'), ...Array.from({ length }, (_, i) => `${i === 0 ? 'B' : 'I'}-${type}`)])); // prettier-ignore

test('conversion keeps the spans, and there and back is the identity', () => {
  fc.assert(
    fc.property(sentence, fc.constantFrom(...SCHEMES), fc.constantFrom(...SCHEMES), (labels, a, b) => {
      const [inA, inB] = [a, b].map((to) => convertLabels(labels, 'IOB2', to).labels);
      expect(spansOf(inA)).toEqual(spansOf(labels));
      expect(convertLabels(inA, a, b)).toEqual({ labels: inB, repairs: 0 });
      expect(convertLabels(inB, b, 'IOB2')).toEqual({ labels, repairs: 0 });
    }),
  );
});

test('whatever is written, repaired labels need no repair and have the same spans', () => {
  const label = fc.constantFrom('O', ...[...'BIESLU'].flatMap((p) => [`${p}-X`, `${p}-Y`]));
  fc.assert(
    fc.property(fc.array(label, { maxLength: 8 }), fc.constantFrom(...SCHEMES), (labels, scheme) => {
      const repaired = convertLabels(labels, scheme, scheme).labels;
      expect(convertLabels(repaired, scheme, scheme)).toEqual({ labels: repaired, repairs: 0 });
      expect(spansOf(repaired)).toEqual(spansOf(labels));
    }),
  );
});

describe('permitted transitions', () => {
  const labels = ['O', ...[...'BIESLU'].flatMap((p) => [`${p}-X`, `${p}-Y`])];
  const sequences = (length: number): string[][] =>
    length === 0 ? [[]] : sequences(length - 1).flatMap((path) => labels.map((label) => [...path, label]));

  test.each(SCHEMES)('%s: exactly the sequences that need no repair, of all 2,380 up to three labels', (scheme) => {
    const { start, transitions, end } = permittedTransitions(scheme, labels);
    let permitted = 0;
    for (const path of [1, 2, 3].flatMap(sequences)) {
      const ids = path.map((label) => labels.indexOf(label));
      const allowed =
        start[ids[0]] === 1 &&
        end[ids[ids.length - 1]] === 1 &&
        ids.every((j, t) => t === 0 || transitions[ids[t - 1] * labels.length + j] === 1);
      const clean = convertLabels(path, scheme, scheme).repairs === 0;
      expect([path.join(' '), allowed]).toEqual([path.join(' '), clean]);
      permitted += allowed ? 1 : 0;
    }
    expect(permitted).toBeGreaterThan(20);
  });

  test('an outlier stands where O does', () => {
    const { start, transitions } = permittedTransitions('IOB2', ['B-X', 'I-X', '0']);
    expect(Array.from(start)).toEqual([1, 0, 1]);
    expect(Array.from(transitions)).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 1]);
  });

  test('every length has a path where a label may begin, follow itself and end', () => {
    expect(permitsEveryLength(permittedTransitions('IOBES', ['O', 'B-X', 'E-X']))).toBe(true);
    expect(permitsEveryLength(permittedTransitions('IOBES', ['B-X', 'E-X', 'S-X']))).toBe(true);
    expect(permitsEveryLength(permittedTransitions('IOBES', ['B-X', 'E-X']))).toBe(false);
    expect(permitsEveryLength(permittedTransitions('IOB2', ['B-X', 'I-X']))).toBe(true);
    const masks = (bits: [start: number, itself: number, end: number][]) => ({
      start: bits.map(([start]) => start),
      transitions: bits.flatMap(([, itself], j) => bits.map((_, i) => (i === j ? itself : 1))),
      end: bits.map(([, , end]) => end),
    });
    expect(permitsEveryLength(masks([[1, 1, 0], [1, 0, 1], [0, 1, 1]]))).toBe(false); // prettier-ignore
    expect(permitsEveryLength(masks([[1, 1, 0], [1, 0, 1], [1, 1, 1]]))).toBe(true); // prettier-ignore
  });
});
