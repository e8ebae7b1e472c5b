/** UTF-8 as the environment reads and writes it, and as it is read and written where the environment does neither. */
import * as fc from 'fast-check';
import { decodeUtf8, encodeUtf8, firstInvalidByte } from '../../src/serialize/utf8.js';

const seed = 3;

/** Bytes at the borders of the well-formed ranges, so that long sequences occur and nearly occur. */
const border = fc.constantFrom(
  ...[0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1],
  ...[0xf4, 0xf5, 0xff],
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 5 }),
  fc.array(border, { maxLength: 6 }).map((list) => Uint8Array.from(list)),
);
const text = fc.string({ unit: 'binary', maxLength: 20 }); // code points of all planes, surrogates alone included

/** Runs with the two names of the environment taken away. */
function without<T>(run: () => T): T {
  const names = ['TextDecoder', 'TextEncoder'] as const;
  const own = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name)!);
  try {
    for (const name of names) Reflect.deleteProperty(globalThis, name);
    return run();
  } finally {
    names.forEach((name, i) => Object.defineProperty(globalThis, name, own[i]));
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const expected = (input: Uint8Array): string | undefined => {
  try {
    return strict.decode(input);
  } catch {
    return undefined;
  }
};

test('decodeUtf8 reads what TextDecoder reads, and refuses what it refuses, without it too', () => {
  fc.assert(
    fc.property(bytes, (input) => {
      expect([decodeUtf8(input), without(() => decodeUtf8(input))]).toEqual([expected(input), expected(input)]);
    }),
    { seed, numRuns: 600 },
  );
  const long = new TextEncoder().encode('\ufeffé😀'.repeat(3000));
  expect(without(() => decodeUtf8(long))).toBe(strict.decode(long));
});

test('encodeUtf8 writes what TextEncoder writes, without it too', () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(text, (input) => {
      const right = [...encoder.encode(input)];
      expect([[...encodeUtf8(input)], [...without(() => encodeUtf8(input))]]).toEqual([right, right]);
    }),
    {
      seed,
      numRuns: 400,
      examples: [['a\ud800b'], ['\udc00\ud800'], ['\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}']],
    },
  );
});

test('firstInvalidByte and TextDecoder agree on what is valid', () => {
  fc.assert(
    fc.property(bytes, (input) => {
      const place = firstInvalidByte(input);
      expect(place === -1).toBe(expected(input) !== undefined);
      if (place > 0) expect(expected(input.subarray(0, place))).toBeDefined();
    }),
    { seed, numRuns: 3000 },
  );
});
