/** The kinds of wrong spans: by hand, and by laws that hold whatever the spans are. */
import fc from 'fast-check';
import { MISTAKE_KINDS, spanMistakes } from '../../../src/labeling/scoring/span-mistakes';
import type { Span } from '../../../src/labeling/scoring/spans';

/** `x0-2` is a span of x over the tokens 0 and 1. */
const parsed = (text: string): Span[] =>
  text.split(' ').filter(Boolean).map((each) => {
    const [, type, start, end] = /^(\w)(\d+)-(\d+)$/.exec(each)!;
    return { type, start: Number(start), end: Number(end) };
  }); // prettier-ignore
const written = (span: Span | null): string => (span ? `${span.type}${span.start}-${span.end}` : '-');
const mistakes = (gold: string, predicted: string): string =>
  spanMistakes(parsed(gold), parsed(predicted)).map((each) => `${each.kind} ${written(each.gold)} ${written(each.predicted)}`).join(', '); // prettier-ignore

test.each([
  ['x0-2 y3-4', 'x0-2 y3-4', ''],
  ['x0-2', 'y0-2', 'type x0-2 y0-2'],
  ['x0-2', 'x0-3', 'boundary x0-2 x0-3'],
  ['x1-3', 'x0-2', 'boundary x1-3 x0-2'],
  ['x0-2', 'y1-3', 'type-and-boundary x0-2 y1-3'],
  ['x0-2', '', 'missed x0-2 -'],
  ['', 'x0-2', 'spurious - x0-2'],
  ['x0-2', 'x2-3', 'missed x0-2 -, spurious - x2-3'], // they touch and do not overlap
  ['x2-3', 'x0-2', 'spurious - x0-2, missed x2-3 -'],
  // The same tokens win over the same type, and that over mere overlap; each span is in one pair.
  ['x0-4', 'y0-2 x2-4', 'boundary x0-4 x2-4, spurious - y0-2'],
  ['x0-2 x2-4', 'x0-4', 'boundary x0-2 x0-4, missed x2-4 -'],
  ['x0-3 y3-5', 'y0-3 x3-5', 'type x0-3 y0-3, type y3-5 x3-5'],
  ['x0-4', 'y0-1 z1-2', 'type-and-boundary x0-4 y0-1, spurious - z1-2'],
  ['x0-4 y4-6', 'y1-5', 'boundary y4-6 y1-5, missed x0-4 -'],
  ['x0-2 y4-5', 'x0-2 y4-6', 'boundary y4-5 y4-6'], // what is right takes no part
  ['x0-1 x1-4', 'x0-1 y1-2', 'type-and-boundary x1-4 y1-2'],
])('gold %j, predicted %j', (gold, predicted, expected) => {
  const sorted = (text: string) => text.split(', ').sort().join(', ');
  expect(sorted(mistakes(gold, predicted))).toBe(sorted(expected));
});

test('are in the order in which they begin', () => {
  expect(mistakes('x1-3 y6-8', 'x0-2 z4-5 y7-9')).toBe('boundary x1-3 x0-2, spurious - z4-5, boundary y6-8 y7-9');
  expect(mistakes('x0-1 y5-6', 'z3-4')).toBe('missed x0-1 -, spurious - z3-4, missed y5-6 -');
});

/** Spans from left to right without overlaps. */
const spans: fc.Arbitrary<Span[]> = fc
  .array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 }), fc.constantFrom('x', 'y')), { maxLength: 5 })
  .map((list) => {
    let at = 0;
    return list.map(([gap, length, type]) => {
      const start = at + gap;
      at = start + length;
      return { type, start, end: at };
    });
  });

test('every wrong span is in one mistake, none that is right, and what pairs are fits their kind', () => {
  fc.assert(
    fc.property(spans, spans, (gold, predicted) => {
      const found = spanMistakes(gold, predicted);
      const [g, p] = [gold, predicted].map((list) => list.map(written));
      const names = (side: 'gold' | 'predicted') => found.flatMap((each) => each[side] ?? []).map(written);
      expect(names('gold').sort()).toEqual(g.filter((each) => !p.includes(each)).sort());
      expect(names('predicted').sort()).toEqual(p.filter((each) => !g.includes(each)).sort());
      for (const { kind, gold: a, predicted: b } of found) {
        expect(MISTAKE_KINDS).toContain(kind);
        if (a === null || b === null) {
          expect(kind).toBe(a === null ? 'spurious' : 'missed');
          continue;
        }
        expect(a.start < b.end && b.start < a.end).toBe(true);
        const [sameTokens, sameType] = [a.start === b.start && a.end === b.end, a.type === b.type];
        expect(kind).toBe(sameTokens ? 'type' : sameType ? 'boundary' : 'type-and-boundary');
      }
      // Nothing is left over that could have been a pair.
      const left = (kind: string, side: 'gold' | 'predicted') => found.filter((each) => each.kind === kind).map((each) => each[side]!); // prettier-ignore
      for (const a of left('missed', 'gold'))
        for (const b of left('spurious', 'predicted')) expect(a.start < b.end && b.start < a.end).toBe(false);
    }),
    { seed: 4, numRuns: 500 },
  );
});
