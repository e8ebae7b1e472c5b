import fc from 'fast-check';
import { affixCount, affixesOf, affixHasher } from '../../../src/labeling/data/affixes.js';

fc.configureGlobal({ seed: 13, numRuns: 200 });

test.each([
  ['Running', ['r', 'ru', 'g', 'ng', 'ing', 'Xxxxx', 'running']],
  ['EU', ['e', 'eu', 'u', 'eu', 'eu', 'XX', 'eu']],
  ['I', ['i', 'i', 'i', 'i', 'i', 'X', 'i']],
  ['Caf\u0065\u0301', ['c', 'ca', 'é', 'fé', 'afé', 'Xxxx', 'café']],
  ['😀b', ['😀', '😀b', 'b', '😀b', '😀b', '😀x', '😀b']],
  ['ﬁn', ['ﬁ', 'ﬁn', 'n', 'ﬁn', 'ﬁn', 'xx', 'ﬁn']],
  ['İz', ['i', 'i\u0307', 'z', '\u0307z', 'i\u0307z', 'Xx', 'i\u0307z']],
  ['', ['', '', '', '', '', '', '']],
])('the affixes of %j', (token, affixes) => {
  expect(affixesOf(token, { prefixes: 2, suffixes: 3 })).toEqual(affixes);
});

test('without prefixes and suffixes shape and lower case are left', () => {
  expect(affixesOf('Ab', { prefixes: 0, suffixes: 0 })).toEqual(['Xx', 'ab']);
  expect(affixCount({ prefixes: 0, suffixes: 0 })).toBe(2);
});

/** The hash once more, over arbitrary integers: FNV-1a of the UTF-16 code units, and the finalizer of MurmurHash3. */
function rowOf(text: string, rows: number): number {
  const low = (x: bigint) => x & 0xffffffffn;
  let h = 0x811c9dc5n;
  for (let i = 0; i < text.length; i++) h = low((h ^ BigInt(text.charCodeAt(i))) * 0x01000193n);
  h = low((h ^ (h >> 16n)) * 0x85ebca6bn);
  h = low((h ^ (h >> 13n)) * 0xc2b2ae35n);
  return Number((h ^ (h >> 16n)) % BigInt(rows));
}

test('a value goes to the row of its hash, under the name of its column', () => {
  const token = fc.string({ unit: 'binary', maxLength: 80 });
  const sizes = fc.record({ prefixes: fc.nat(3), suffixes: fc.nat(4), rows: fc.integer({ min: 1, max: 100_000 }) });
  fc.assert(
    fc.property(token, sizes, (text, columns) => {
      const values = affixesOf(text, columns);
      const names = [
        ...Array.from({ length: columns.prefixes }, (_, n) => `prefix ${n + 1}`),
        ...Array.from({ length: columns.suffixes }, (_, n) => `suffix ${n + 1}`),
        'shape',
        'lower case',
      ];
      expect([...affixHasher(columns)(text)]).toEqual(values.map((v, j) => rowOf(`${names[j]}\0${v}`, columns.rows)));
      expect(values).toHaveLength(affixCount(columns));
    }),
  );
});

test('rows of a saved model stay what they are', () => {
  const rows = [...affixHasher({ prefixes: 3, suffixes: 4, rows: 5000 })('Kongehuset')];
  expect(rows).toEqual([4937, 4507, 94, 4618, 1176, 3917, 381, 3380, 2442]);
});

test('values spread evenly over the rows', () => {
  const rows = 64;
  const counts = new Array<number>(rows).fill(0);
  const read = affixHasher({ prefixes: 0, suffixes: 0, rows });
  const count = 20_000;
  for (let i = 0; i < count; i++) counts[read(`word${i}`)[1]]++;
  // χ² with 63 degrees of freedom: mean 63, standard deviation √126 = 11.2; five of them above the mean is 119.
  const mean = count / rows;
  const chi = counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0);
  expect(chi).toBeLessThan(119);
  expect(chi).toBeGreaterThan(20);
});

test('exact rows: first those of new values by column, then one for each known value in order', () => {
  const known = ['suffix 1\0n', 'prefix 1\0o', 'lower case\0on']
    .map((text) => rowOf(text, 2 ** 32))
    .sort((a, b) => a - b);
  const read = affixHasher({ prefixes: 1, suffixes: 1, rows: 7, exact: true }, known);
  const at = (text: string) => 4 + known.indexOf(rowOf(text, 2 ** 32));
  expect([...read('On')]).toEqual([at('prefix 1\0o'), at('suffix 1\0n'), 2, at('lower case\0on')]);
  expect([...read('no')]).toEqual([0, 1, 2, 3]); // n is known as a suffix, not as a prefix
});
