/** Nothing that a reader should read is cut off at the edge of a picture. */
import { views } from '../../../src/inspect/views/index.js';
import { sampleTrace } from '../../support/sample-trace.js';
import { textsOutside } from './extents.js';
import { picturesOf, realTrace, TRACES } from './pictures.js';

const LONG_WORDS = ['Donaudampfschifffahrtsgesellschaft', 'pneumonoultramicroscopic', 'e', 'Rechtsschutzversicherung'];

const SENTENCES = {
  ...TRACES,
  'long words': () => sampleTrace({ tokens: LONG_WORDS }),
  'two words': () => sampleTrace({ tokens: LONG_WORDS.slice(0, 2) }),
  'a reading of the engine': () => realTrace('lstm', LONG_WORDS, 16),
  'a short reading of the engine': () => realTrace('lstm', ['the', 'cat']),
  'sixty words': () => sampleTrace({ tokens: Array.from({ length: 60 }, (_, i) => LONG_WORDS[i % 4] + i) }),
};

test.each(Object.keys(SENTENCES))('%s: every text of every view is inside of its picture', (name) => {
  for (const dense of [false, true]) {
    const pictures = picturesOf(SENTENCES[name as keyof typeof SENTENCES](), dense ? { dense } : {});
    for (const [view, svg] of pictures) expect({ view, outside: textsOutside(svg) }).toEqual({ view, outside: [] });
  }
});

test('a text beyond an edge is found, slanted, in the middle or at the end', () => {
  const svg = (body: string): string => `<svg viewBox="0 0 100 100" font-size="10">${body}</svg>`;
  const found = (body: string): string[] => textsOutside(svg(body)).map(({ text }) => text);
  expect(found('<text x="60" y="50">twelve chars</text>')).toEqual(['twelve chars']);
  expect(found('<text x="30" y="50">twelve chars</text>')).toEqual([]);
  expect(found('<g text-anchor="end"><text x="50" y="50">twelve chars</text></g>')).toEqual(['twelve chars']);
  expect(found('<g transform="translate(80 0)"><text y="9" text-anchor="middle">twelve chars</text></g>')).toHaveLength(
    1,
  );
  const slanted = (x: number): string =>
    `<g transform="translate(${x} 10)rotate(-45)" text-anchor="end"><text>twelve chars</text></g>`;
  expect(found(slanted(30))).toHaveLength(1); // 62 long, 44 to the left and down
  expect(found(slanted(55))).toEqual([]);
});

test('without gold labels nothing is called right', () => {
  const trace = sampleTrace({});
  const own = { ...trace, conventions: { ...trace.conventions, gold: 'predicted' as const } };
  expect(views.strip.summary(trace)).toMatch(/^\d+ of \d+ labels are right/);
  expect(views.strip.summary(own)).toMatch(/^No gold labels were given: .* none can be wrong\./);
});
