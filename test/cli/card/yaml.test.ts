/** The YAML of a model card: js-yaml reads back whatever was written, by the rules of YAML 1.2 and of 1.1. */
import * as fc from 'fast-check';
import { CORE_SCHEMA, load, YAML11_SCHEMA } from 'js-yaml';
import { toYaml } from '../../../src/cli/card/yaml';
import type { YamlValue } from '../../../src/cli/card/yaml';

const SCHEMAS = [
  ['1.2', CORE_SCHEMA],
  ['1.1', YAML11_SCHEMA],
] as const;
const readBack = (value: YamlValue) => SCHEMAS.map(([, schema]) => load(toYaml(value), { schema }));

const HOSTILE = [
  ...['', ' ', 'no', 'NO', 'y', 'on', 'true', 'null', '~', '1', '-1', '0x1f', '1e5', '1_000', '1:30', '.inf', '2026-11-29'],
  ...['a: b', 'a:', ': a', '- a', '# a', 'a #b', '"a"', "'a'", "it's", '|', '>', '&a', '*a', '!a', '%a', '@a', '`a`', '{a}', '[a]', '?'],
  ...['a\nb', 'a\r\nb', '\n', '\t', ' a', 'a ', '\\', '\\n', '---', '...', '<<', '=', 'a\0b', '\x1b[31m', '\x7f', '\x85', '\u2028', '\u2029', '\ufeff'],
  ...['\ud800', 'x\udc00', '\ufffe\uffff', 'é', 'e\u0301', '日本語', 'مرحبا', '👩‍👩‍👧', '\u202eabc', 'constructor', 'toString'],
]; // prettier-ignore

test.each(HOSTILE.map((text) => [JSON.stringify(text), text]))('%s as a value, as a key, in a list', (_, text) => {
  const value = { name: text, [text]: [text, { [text]: text }] };
  expect(readBack(value)).toEqual(SCHEMAS.map(() => value));
});

test('whatever it is, it comes back', () => {
  const text = fc.oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('a', ' ', ':', '-', '#', '"', "'", '\n', '\\', 'n', 'o', '1', 'e', '.', '\u0085') }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
  ); // prettier-ignore
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.constantFrom(0, -0, 1e21, -1e21, 1e-7, 5e-324));
  const { value } = fc.letrec<{ value: YamlValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      text,
      number,
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (each) => {
      for (const read of readBack(each)) expect(read).toEqual(each);
    }),
    { numRuns: 500, seed: 13 },
  );
});

test('plain words stay plain; what YAML 1.1 would take for something else does not', () => {
  expect(toYaml({ language: ['no', 'da'], tags: [], more: {}, value: 1e-7, list: [[1], { a: 'b', c: true }] })).toBe(
    'language:\n  - "no"\n  - da\ntags: []\nmore: {}\nvalue: 1.0e-7\nlist:\n  - - 1\n  - a: b\n    c: true\n',
  );
  // The readers do tell such texts apart: written plain they would be others.
  expect(load('no', { schema: YAML11_SCHEMA })).toBe(false);
  expect(load('1e-7', { schema: YAML11_SCHEMA })).toBe('1e-7');
  expect(Object.is((load(toYaml([-0])) as number[])[0], -0)).toBe(true);
  expect([Infinity, -Infinity, NaN].map((x) => load(toYaml(x)))).toEqual([Infinity, -Infinity, NaN]);
});
