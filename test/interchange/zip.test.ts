/** ZIP archives: what is written is read back, and damaged or hostile ones end in one error. */
import { crc32 as nodeCrc, deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { crc32, readZip, writeZip } from '../../src/interchange/zip';
import { DataError } from '../../src/tensor';

const text = (s: string) => new TextEncoder().encode(s);
const sample = () => writeZip({ 'a/one': text('first'), 'b ü': text(''), three: text('3'.repeat(70)) });
const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** Places of the entries of the directory. */
const entries = (bytes: Uint8Array) => [...bytes.keys()].filter((i) => i + 4 <= bytes.length && view(bytes).getUint32(i, true) === 0x02014b50); // prettier-ignore

test('files come back, whatever their names and bytes, at multiples of the alignment', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((s) => s !== '__proto__' && !/[\ud800-\udfff]/.test(s)); // prettier-ignore
  const files = fc.dictionary(name, fc.uint8Array({ maxLength: 90 }), { maxKeys: 6 });
  fc.assert(
    fc.property(files, fc.constantFrom(1, 8, 64), (drawn, align) => {
      const bytes = writeZip(drawn, align);
      const read = readZip(bytes);
      expect([...read.keys()].sort()).toEqual(Object.keys(drawn).sort());
      for (const [own, found] of read) {
        expect(Buffer.from(found).equals(Buffer.from(drawn[own]))).toBe(true);
        expect((found.byteOffset - bytes.byteOffset) % align).toBe(0);
      }
    }),
    { seed: 57 },
  );
});

test('the checksum is the one of ISO 3309', () => {
  expect(crc32(text('123456789'))).toBe(0xcbf43926); // the check value of its catalogue
  if (typeof nodeCrc === 'function') expect(crc32(text('some text'))).toBe(nodeCrc('some text'));
});

const spoil = (change: (bytes: Uint8Array, v: DataView, entry: number[]) => void) => () => {
  const bytes = sample();
  change(bytes, view(bytes), entries(bytes));
  return readZip(bytes);
};

test.each<[string, () => unknown, RegExp]>([
  ['no bytes', () => readZip(new Uint8Array()), /no directory at its end; it may be truncated/],
  ['a wrong byte', spoil((bytes) => (bytes[35] ^= 1)), /the checksum of "a\/one" does not match/],
  ['compression', spoil((_, v, [first]) => v.setUint16(first + 10, 8, true)), /"a\/one" is compressed \(method 8\)/],
  ['encryption', spoil((_, v, [first]) => v.setUint16(first + 8, 1, true)), /"a\/one" is encrypted/],
  ['an entry out of place', spoil((_, v, [first]) => v.setUint32(first + 42, 1, true)), /not where the directory says/],
  ['two entries of one place', spoil((_, v, [first, second]) => v.setUint32(second + 42, v.getUint32(first + 42, true), true)), /overlaps|checksum/], // prettier-ignore
  ['a size of 4 GiB', spoil((_, v, [first]) => { v.setUint32(first + 20, 0xffffffff, true); v.setUint32(first + 24, 0xffffffff, true); }), /ZIP64/], // prettier-ignore
  ['a size beyond the end', spoil((_, v, [, , third]) => { v.setUint32(third + 20, 9999, true); v.setUint32(third + 24, 9999, true); }), /ends at byte \d+ of \d+; it may be truncated/], // prettier-ignore
])('%s is refused', (_, read, message) => {
  expect(read).toThrow(DataError);
  expect(read).toThrow(message);
});

test('checksums that are all 0 were left out, as torch.save can; a single one is wrong', () => {
  const without = (count: number) => {
    const bytes = sample();
    for (const entry of entries(bytes).slice(0, count)) view(bytes).setUint32(entry + 16, 0, true);
    return bytes;
  };
  expect([...readZip(without(3)).keys()]).toEqual(['a/one', 'b ü', 'three']);
  expect(() => readZip(without(1))).toThrow('the checksum of "a/one" does not match');
});

test('two files of one name are refused', () => {
  const bytes = writeZip({ ab: text('1'), ac: text('2') });
  const [, second] = entries(bytes);
  bytes[second + 47] = 0x62; // 'ac' becomes 'ab' in the directory
  expect(() => readZip(bytes)).toThrow('it has "ab" twice');
});

test('a bomb of deflated zeros is refused before anything is unpacked', () => {
  const packed = deflateRawSync(Buffer.alloc(1 << 20));
  const bytes = writeZip({ zeros: packed });
  const [first] = entries(bytes);
  view(bytes).setUint16(first + 10, 8, true);
  view(bytes).setUint32(first + 24, 1 << 30, true);
  expect(() => readZip(bytes)).toThrow(/compressed/);
});

test('every archive cut short is refused, and no changed byte does anything else', () => {
  const whole = sample();
  for (let n = 0; n < whole.length; n++) expect(() => readZip(whole.slice(0, n))).toThrow(DataError);
  for (let i = 0; i < whole.length; i++) {
    const bytes = sample();
    bytes[i] ^= 0xff;
    try {
      readZip(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(DataError);
    }
  }
});
