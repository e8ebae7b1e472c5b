/** The ends of what a sentence and its numbers can be, in every view, theme and language. */
import { compare, languages, toCsv, views } from '../../../src/inspect/views/index.js';
import type { ViewName } from '../../../src/inspect/views/index.js';
import { sampleTrace, SENTENCE } from '../../support/sample-trace.js';
import { elementsOf } from './marks.js';
import {
  COMPARISON,
  drawable,
  drawnComparison,
  HOSTILE,
  longTrace,
  picturesOf,
  realTrace,
  TRACES,
} from './pictures.js';

describe.each(Object.keys(TRACES))('%s', (name) => {
  const trace = TRACES[name]();

  it.each(['light', 'dark', 'print'] as const)(
    'in the theme %s: well-formed, with title, sentence and role',
    (theme) => {
      for (const [view, svg] of picturesOf(trace, { theme, strings: languages.de })) {
        const [root, title, desc] = elementsOf(svg);
        expect([view, root.name, title.name, desc.name]).toEqual([view, 'svg', 'title', 'desc']);
        expect(root.attributes).toMatchObject({ role: 'group', lang: 'de', 'aria-labelledby': `${view}-title` });
        expect([view, title.text.length > 5, desc.text.length > 5]).toEqual([view, true, true]);
        expect(svg.replace(/ data-v="[^"]*"/g, '')).not.toMatch(/NaN|undefined|\[object/);
      }
    },
  );

  it('coordinates are finite and inside of the picture', () => {
    for (const [view, svg] of picturesOf(trace)) {
      for (const { attributes } of elementsOf(svg)) {
        for (const key of ['x', 'y', 'cx', 'cy', 'width', 'height']) {
          const value = attributes[key];
          if (value !== undefined)
            expect([view, key, value]).toEqual([view, key, expect.stringMatching(/^-?\d+(\.\d+)?$/)]);
          if (value !== undefined && /width|height/.test(key)) expect([view, Number(value) >= 0]).toEqual([view, true]);
        }
      }
    }
  });

  it('has a sentence without holes and a table of whole rows for every view', () => {
    for (const view of drawable(trace)) {
      for (const strings of Object.values(languages)) {
        const sentence = views[view].summary(trace, {}, { strings });
        expect(sentence.replace(HOSTILE[0], '')).not.toMatch(/[{}]|undefined|NaN/);
      }
      const { columns, rows } = views[view].table(trace);
      // The recurrent weights of one word are used on the initial state alone.
      if (view !== 'ledger') expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row.length).toBe(columns.length);
      expect(toCsv({ columns, rows }).split('\r\n').length).toBeGreaterThanOrEqual(rows.length + 2);
    }
  });
});

it('a hostile word can leave neither its element nor the picture', () => {
  for (const [, svg] of picturesOf(sampleTrace({ tokens: HOSTILE }))) {
    expect(svg).not.toContain('<img');
    expect(svg).not.toContain('</script');
    expect(elementsOf(svg).map(({ name }) => name)).not.toContain('img');
  }
});

it('words of right-to-left scripts stand in isolates, and a control character is visible', () => {
  const svg = views.reach.svg(sampleTrace({ tokens: HOSTILE }));
  expect(svg).toContain('\u2068שלום\u2069');
  expect(svg).toContain('猫が');
  expect(svg).toContain('a␣b');
  expect(svg).toContain('∅');
});

it('NaN is ✕, infinity ∞, a structural zero hatched, a computed zero 0', () => {
  const svg = views.reach.svg(sampleTrace({ broken: { '3,1': NaN, '4,2': Infinity, '7,0': 0 } }));
  const cells = elementsOf(svg);
  expect(cells.some(({ name, text }) => name === 'text' && text === '✕')).toBe(true);
  expect(cells.some(({ name, text }) => name === 'text' && text === '∞')).toBe(true);
  expect(cells.some(({ name, text }) => name === 'text' && text === '0')).toBe(true);
  expect(cells.filter(({ attributes }) => attributes.fill === 'url(#reach-hatch)').length).toBeGreaterThan(10);
  expect(svg).toContain('not a number');
});

it('a sentence of 500 words says how many share a row or a column, in every view that joins words', () => {
  const trace = longTrace();
  for (const view of ['reach', 'ledger', 'norms', 'gates', 'saliency'] as const) {
    expect([view, /\b11 (words|units or words) share/.test(views[view].svg(trace))]).toEqual([view, true]);
  }
});

it('integrated gradients are refused until they are complete, and the banner stands where methods differ', () => {
  const open = views.saliency.svg(sampleTrace({ seed: 1 }));
  const closed = views.saliency.svg(sampleTrace({ seed: 2 }));
  expect(open).toContain('/methods/integrated/0');
  expect(closed).not.toContain('/methods/integrated/');
  expect(closed).toContain('The gap is 31.0 %');
  expect(open).toContain('Caution:');
  const table = views.saliency.table(sampleTrace({ seed: 2 }));
  expect(table.rows.map((row) => row[7])).toEqual(SENTENCE.map(() => ''));
});

it('a comparison says how many seeds, and is refused where sentences differ', () => {
  expect(compare.summary(COMPARISON, { word: 1 })).toContain('median of 5 seeds');
  expect(compare.summary({ cells: [{ traces: [sampleTrace()] }] })).toContain('one seed');
  expect(drawnComparison()).toContain('LSTM');
  expect(() => compare.svg({ cells: [] })).toThrow('at least one cell');
  const other = sampleTrace({ tokens: ['a', 'b'] });
  expect(() => compare.svg({ cells: [{ traces: [sampleTrace(), other] }] })).toThrow('one sentence');
});

it.each([
  ['reach', { loss: 12 }, 'selection.loss must be an integer from 0 to 11; got 12'],
  ['reach', { word: 1.5 }, 'selection.word must be an integer'],
  ['reach', { variable: 'q' as never }, 'selection.variable must be one of x, h, c, state, a; got "q"'],
  ['gates', { gate: 'q' }, 'selection.gate must be one of i, f, g, o'],
  ['gates', { layer: 1 }, 'selection.layer must be an integer from 0 to 0'],
  ['stepper', { direction: 'reverse' as const }, 'selection.direction must be one of forward'],
  ['ledger', { param: 'Wq' }, 'the ledger has no Wq'],
  ['check', { check: 3 }, 'selection.check must be an integer from 0 to 2'],
  ['equation', { ref: '/nowhere' }, 'points nowhere'],
] as const)('%s of %j is refused', (view, selection, message) => {
  expect(() => views[view as ViewName].svg(sampleTrace(), selection)).toThrow(message);
});

it('what a trace was not asked for is named', () => {
  const trace = { ...realTrace('rnn'), ledger: [], saliency: [] };
  expect(() => views.norms.svg(trace)).toThrow('no ledger: request it from inspect');
  expect(() => views.saliency.svg(trace)).toThrow('request a target from inspect');
});

it('metadata says how to make the picture again', () => {
  const metadata = {
    command: 'bptt figure reach "a < b" --svg f.svg',
    version: '0.1.0',
    model: 'ab',
    conventions: { seed: 'loss' },
  };
  const [found] = elementsOf(views.reach.svg(sampleTrace(), {}, { metadata })).filter(
    ({ name }) => name === 'metadata',
  );
  expect(JSON.parse(found.text)).toEqual(metadata);
});
