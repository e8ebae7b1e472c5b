/** Words and numbers: escaping, rounding, widths, other scripts, and the tables of strings. */
import fc from 'fast-check';
import { el, escape } from '../../../src/inspect/views/svg.js';
import { count, de, en, languages, say } from '../../../src/inspect/views/strings/index.js';
import type { StringKey } from '../../../src/inspect/views/strings/index.js';
import { toCsv } from '../../../src/inspect/views/table.js';
import {
  exact,
  exponent,
  fit,
  isolate,
  percent,
  percentInCell,
  short,
  visible,
  widthOf,
  withSign,
  wrap,
} from '../../../src/inspect/views/text.js';
import { elementsOf } from './marks.js';

describe('escaping', () => {
  it('any text comes back from an XML parser as it went in, but for what XML forbids', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const [, inner] = elementsOf(`<svg>${el('text', { 'data-x': text }, escape(text))}</svg>`);
        const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
        const control = new RegExp('[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\ufffe\\uffff]', 'g');
        const allowed = text.replace(lone, '\ufffd').replace(control, '\ufffd');
        expect(inner.attributes['data-x']).toBe(allowed);
        expect(inner.text).toBe(allowed);
      }),
      { seed: 44 },
    );
  });

  it('nothing of a word can end the element it stands in, of XML or HTML', () => {
    expect(escape('</script><img onerror=a> "\'&')).toBe('&lt;/script&gt;&lt;img onerror=a&gt; &quot;&#39;&amp;');
    expect(escape('a\u0000b\ud800')).toBe('a\ufffdb\ufffd');
    expect(el('text', { x: 1.23456, y: undefined, id: 'a"b' })).toBe('<text x="1.23" id="a&quot;b"/>');
  });
});

describe('numbers', () => {
  it('17 digits give the same float64 again', () => {
    fc.assert(
      fc.property(fc.double(), (x) => expect(Number(exact(x))).toBe(x === 0 ? Number(exact(x)) : x)),
      { seed: 45 },
    );
    expect([exact(0.1), exact(NaN), exact(-Infinity)]).toEqual(['0.10000000000000001', 'NaN', '-Infinity']);
  });

  it.each([
    [0.07634, '0.0763'],
    [-1.924, '−1.92'],
    [0.000041, '4.1e−5'],
    [123456789, '1.2e8'],
    [12345, '12300'],
    [0, '0'],
    [NaN, '✕'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
  ])('%d is read as %s', (x, text) => expect(short(x)).toBe(text));

  it.each([
    [1, '100.0 %', '100%'],
    [0.151, '15.1 %', '15%'],
    [0.0314, '3.1 %', '3.1%'],
    [0.0997, '10.0 %', '10%'],
    [0.0048, '0.48 %', '0.5%'],
    [0.0096, '0.96 %', '1.0%'],
    [0.00031, '0.031 %', 'e−4'],
    [0.00098, '0.098 %', 'e−4'],
    [-0.02, '−2.0 %', '−2.0%'],
    [1.2e-8, '1e−6 %', 'e−8'],
    [0, '0 %', '0'],
    [NaN, '✕', '✕'],
  ])('the share %d is %s, in a cell %s', (x, text, cell) =>
    expect([percent(x), percentInCell(x)]).toEqual([text, cell]),
  );

  it('signs and exponents', () => {
    expect([withSign(2), withSign(-2), withSign(0)]).toEqual(['+2.00', '−2.00', '0']);
    expect([exponent(4.1e-5), exponent(2), exponent(0), exponent(NaN)]).toEqual(['−5', '0', '0', '✕']);
  });
});

describe('words', () => {
  it('are cut between what readers take for characters', () => {
    expect(fit('supercalifragilistic', 12, 60)).toBe('superca…');
    expect(fit('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 10, 110).endsWith('👦…')).toBe(true);
    expect(fit('cat', 12, 60)).toBe('cat');
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        (text) => widthOf(fit(text, 12, 80), 12) <= 80 || fit(text, 12, 80) === '…',
      ),
      { seed: 46 },
    );
  });

  it('of right-to-left scripts keep their direction to themselves', () => {
    expect(isolate('שלום')).toBe('\u2068שלום\u2069');
    expect(isolate('cat')).toBe('cat');
  });

  it('that are empty or hold control characters are visible', () => {
    expect([visible(''), visible('a\tb')]).toEqual(['∅', 'a␣b']);
  });

  it('Chinese characters are as wide as the font is high, accents have no width', () => {
    expect(widthOf('猫', 12)).toBe(12);
    expect(widthOf('e\u0301', 12)).toBe(widthOf('e', 12));
  });

  it('sentences are broken at spaces', () => {
    const lines = wrap('one two three four five', 10, 60);
    expect(lines.join(' ')).toBe('one two three four five');
    for (const line of lines) expect(widthOf(line, 10)).toBeLessThanOrEqual(60);
  });
});

describe('strings', () => {
  const keys = Object.keys(en) as StringKey[];
  const slots = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

  it.each(Object.entries(languages))('%s has every key, and the same values in braces', (language, strings) => {
    expect(Object.keys(strings).sort()).toEqual([...keys].sort());
    for (const key of keys) expect([key, slots(strings[key])]).toEqual([key, slots(en[key])]);
    expect(strings.language).toBe(language);
  });

  it('German is not English', () => {
    const same = keys.filter((key) => de[key] === en[key] && !key.startsWith('stepper.total'));
    expect(same).toEqual(['reach.length.all', 'equation.summary']);
  });

  it('a sentence without one of its values is refused', () => {
    expect(say(en, 'ledger.gate', { param: 'Wh', gate: 'f' })).toBe('Wh, gate f');
    expect(() => say(en, 'ledger.gate', { param: 'Wh' } as never)).toThrow('uses {gate}, which is not passed');
    expect([count(en, 'words', 1), count(de, 'words', 3)]).toEqual(['1 word', '3 Wörter']);
  });
});

it('a table as CSV: quotes where RFC 4180 wants them, numbers whole', () => {
  const csv = toCsv({ columns: ['a', 'b,c'], rows: [['x"y', 0.1], ['line\nbreak', -0.30000000000000004]] }); // prettier-ignore
  expect(csv).toBe('a,"b,c"\r\n"x""y",0.1\r\n"line\nbreak",-0.30000000000000004\r\n');
});
