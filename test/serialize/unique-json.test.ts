/** The cost of a stranger's JSON is bounded before it is parsed, and messages about it walk none of it. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { brief, jsonExcess, MAX_JSON_DEPTH, parseUniqueJson } from '../../src/serialize/unique-json';
import { mainFile } from '../support/cli';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

test('depth is bounded, and brackets in strings are not depth', () => {
  expect(parseUniqueJson(nested(MAX_JSON_DEPTH), 'it')).toBeInstanceOf(Array);
  expect(() => parseUniqueJson(nested(MAX_JSON_DEPTH + 1), 'it')).toThrow(
    'it has brackets nested deeper than 32 levels',
  );
  expect(parseUniqueJson(JSON.stringify(nested(99)), 'it')).toBe(nested(99));
  expect(parseUniqueJson(`["\\"${'['.repeat(99)}"]`, 'it')).toEqual([`"${'['.repeat(99)}`]);
});

test('lists, objects and fields are bounded in number, and elements', () => {
  expect(jsonExcess('{}'.repeat(1 << 20))).toBeUndefined();
  expect(jsonExcess('{}'.repeat((1 << 20) + 1))).toBe('more than 1048576 lists, objects and fields');
  expect(jsonExcess('{":":":"'.repeat(2) + ':'.repeat(1 << 20))).toMatch(/lists, objects and fields/);
  expect(jsonExcess(','.repeat(1 << 24))).toBeUndefined();
  expect(jsonExcess(','.repeat((1 << 24) + 1))).toBe('more than 16777216 elements');
});

test('a text that ends in a string is looked through to its end', () => {
  for (const text of ['"', '["', '"\\', '["a\\"']) {
    expect(jsonExcess(text)).toBeUndefined();
    expect(() => parseUniqueJson(text, 'it')).toThrow(/^it is not JSON/);
  }
});

test('what JSON.parse reads, and no key twice, is read the same', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      expect(parseUniqueJson(text, 'it')).toEqual(JSON.parse(text));
    }),
    { seed: 4, numRuns: 300 },
  );
});

test('a header that would take gigabytes is refused in a process of 200 MB', () => {
  const module = join(dirname(mainFile()), '../serialize/safetensors.js');
  const script = `const { decodeSafetensors } = await import(${JSON.stringify(pathToFileURL(module).href)});
    for (const part of ['[', '[],', '{},', '{"a":', '[1],']) {
      const text = '{"a":[' + part.repeat(16e6 / part.length);
      const bytes = Buffer.alloc(8 + text.length, text.padStart(8 + text.length));
      bytes.writeBigUInt64LE(BigInt(text.length));
      try { decodeSafetensors(bytes); } catch ({ name, message }) { console.log(name, message.slice(0, 40)); }
    }`;
  const flags = ['--max-old-space-size=200', '--input-type=module', '-e', script];
  const { status, stdout } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  const refused = expect.stringMatching(/^DataError safetensors: the header has/) as unknown;
  expect({ status, lines: stdout.trim().split('\n') }).toEqual({ status: 0, lines: Array(5).fill(refused) });
});

test('brief is the JSON of a value, cut, and ends for a value that never does', () => {
  for (const value of [3, null, true, 'a"b', [1, 'x', null], { a: 1, b: [{}] }])
    expect(brief(value)).toBe(JSON.stringify(value));
  expect(brief(undefined)).toBe('undefined');
  expect(brief('x'.repeat(99))).toBe(`"${'x'.repeat(59)}…`);
  const circle: unknown[] = [];
  circle.push(circle);
  expect(brief(circle)).toBe('[[[[…]]]]');
  const touched: number[] = [];
  const wide = new Proxy(
    Array.from({ length: 1000 }, () => 7),
    {
      get: (list, key) => {
        if (/^\d+$/.test(String(key))) touched.push(Number(key));
        return Reflect.get(list, key) as unknown;
      },
    },
  );
  expect(brief(wide)).toMatch(/^\[7,7,.*…$/);
  expect(touched.length).toBeLessThan(40);
});
