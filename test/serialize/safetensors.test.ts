import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { decodeSafetensors, encodeSafetensors, MAX_HEADER_BYTES } from '../../src/serialize/safetensors';
import { ArgumentError, DataError } from '../../src/tensor/errors';
import halves from '../golden/halves.json';
import type { Tensor } from '../../src/tensor/types';
import { columns, viewOf } from '../../src/tensor/view';

/** A file put together by hand: header text, then data, with the length the header really has unless told otherwise. */
function file(header: string | Uint8Array, data: readonly number[] = [], claimed?: bigint): Uint8Array {
  const json = typeof header === 'string' ? Buffer.from(header) : header;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(json.length));
  return Uint8Array.from(Buffer.concat([length, json, Buffer.from(data)]));
}

function refusal(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
  throw new Error('the file was accepted');
}

const f32 = (values: number[], shape: number[]): Tensor => viewOf(Float32Array.from(values), shape);
const f64 = (values: number[], shape: number[]): Tensor => viewOf(Float64Array.from(values), shape);

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('the bytes of the format', () => {
  // F32 [1, 2] = 1, −2 at 0; F64 [] = 0.5 at 8: little-endian IEEE 754, written out.
  const byHand = file(
    '{"__metadata__":{"k":"ä"},"a.b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"s":{"dtype":"F64","shape":[],"data_offsets":[8,16]}}  ',
    [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f],
  );

  test('a file written by hand is read', () => {
    const { tensors, metadata } = decodeSafetensors(byHand);
    expect(Object.keys(tensors)).toEqual(['a.b', 's']);
    expect(tensors['a.b']).toEqual(f32([1, -2], [1, 2]));
    expect(tensors.s).toEqual(f64([0.5], []));
    expect({ ...metadata }).toEqual({ k: 'ä' });
  });

  test('the file need not begin at the start of its buffer, nor on an even byte', () => {
    const shifted = new Uint8Array(byHand.length + 5).fill(255);
    shifted.set(byHand, 3);
    expect(decodeSafetensors(shifted.subarray(3, 3 + byHand.length))).toEqual(decodeSafetensors(byHand));
  });

  test('the writer gives exactly these bytes: wide types first, names sorted, header padded to 8', () => {
    const header =
      '{"__metadata__":{"a":"1","b":"2"},"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},' +
      '"x":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, ' ');
    const bytes = encodeSafetensors({ x: f32([1], [1]), w: f64([0.5], [1]) }, { b: '2', a: '1' });
    expect(bytes).toEqual(file(padded, [0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0x80, 0x3f]));
    expect(encodeSafetensors({ w: f64([0.5], [1]), x: f32([1], [1]) }, { a: '1', b: '2' })).toEqual(bytes);
  });

  test('an empty file of no tensors is the shortest one', () => {
    expect(encodeSafetensors({})).toEqual(file('{}      '));
    expect(decodeSafetensors(file('{}'))).toEqual({ tensors: {}, metadata: {} });
  });

  test('strided tensors are written row-major, and only their own elements', () => {
    const whole = f32([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4]);
    const turned = { ...whole, shape: [4, 3], stride: [1, 4] };
    const { tensors } = decodeSafetensors(encodeSafetensors({ part: columns(whole, 1, 2), turned }));
    expect(tensors.part).toEqual(f32([1, 2, 5, 6, 9, 10], [3, 2]));
    expect(tensors.turned).toEqual(f32([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], [4, 3]));
  });

  test('the reserved name is refused', () => {
    expect(() => encodeSafetensors({ __metadata__: f32([1], [1]) })).toThrow(ArgumentError);
  });

  test('nothing read shares memory with the file', () => {
    const bytes = byHand.slice();
    const { tensors } = decodeSafetensors(bytes);
    bytes.fill(0);
    expect(tensors['a.b'].data[0]).toBe(1);
  });
});

describe('hostile, foreign and truncated files', () => {
  const one = '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
  const entry = (dtype: string, shape: string, offsets: string, data: number[] = [0, 0, 0, 0]): Uint8Array =>
    file(`{"a":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`, data);

  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /0 bytes, and the header length alone takes 8/],
    ['seven bytes', new Uint8Array(7), /7 bytes/],
    ['a header longer than the file', file('{}', [], 3n), /claims 3 bytes and 2 follow/],
    ['a header longer than the limit', file('{}', [], BigInt(MAX_HEADER_BYTES) + 1n), /claims 100000001 bytes/],
    ['a header length of 2⁶⁴ − 1', file('{}', [], 2n ** 64n - 1n), /18446744073709551615/],
    ['an empty header', file(''), /does not begin with {/],
    ['a list', file('[1]'), /does not begin with {/],
    ['a byte order mark', file('\ufeff{}'), /does not begin with {/],
    ['half a JSON text', file('{"a":'), /is not JSON/],
    [
      'JSON nested without end',
      file('{"a":'.repeat(200_000)),
      /nested deeper than 32 levels: the file is damaged or malicious/,
    ],
    ['lists nested in a type', entry('['.repeat(90_000) + ']'.repeat(90_000), '[1]', '[0,4]'), /nested deeper than 32/],
    [
      'a type that is a long list',
      entry(`[${'[1],'.repeat(9000)}1]`, '[1]', '[0,4]'),
      /dtype \[\[1\],\[1\],.{50,60}…; the format/,
    ],
    [
      'a pointer of Git LFS',
      ascii('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n'),
      /Git LFS pointer.*git lfs pull/,
    ],
    ['an error page', ascii('<!DOCTYPE html><title>404</title>'), /HTML or XML page.*download it again/],
    ['a zip archive', ascii('PK\u0003\u0004 and more'), /zip archive/],
    ['a compressed file', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3), /gzip-compressed/],
    ['an HDF5 file', Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0), /HDF5.*convert it with bptt import/],
    [
      'a file of old PyTorch',
      Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9),
      /saved by PyTorch before 1\.6/,
    ],
    ['invalid UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /not valid UTF-8/],
    ['a repeated tensor', file(`{${one},${one}}`, [0, 0, 0, 0]), /the key "a" twice/],
    ['a repeated tensor, spelled twice', file(`{${one},"\\u0061":{}}`, [0, 0, 0, 0]), /the key "\\u0061" twice/],
    ['a repeated field', file('{"a":{"dtype":"F32","dtype" : "F64"}}'), /the key "dtype" twice/],
    ['a repeated metadata key', file('{"__metadata__":{"":"x","":"y"}}'), /the key "" twice/],
    ['metadata that is a list', file('{"__metadata__":["x"]}'), /must be an object of strings/],
    ['metadata that is a number', file('{"__metadata__":{"n":3}}'), /"n" must be a string; got 3/],
    ['an entry that is null', file('{"a":null}'), /tensor "a" must be described by an object/],
    ['an unknown field', file('{"a":{"extra":1}}'), /unknown field "extra"/],
    ['no type', file('{"a":{}}'), /dtype undefined/],
    ['another type', entry('"F8"', '[4]', '[0,4]'), /dtype "F8"; the format has no such type/],
    [
      'halves for another shape',
      entry('"BF16"', '[3]', '[0,4]'),
      /BF16 of shape \[\[3\]\] takes 6 bytes; data_offsets span 4/,
    ],
    ['elements that end within a byte', entry('"F6_E2M3"', '[5]', '[0,4]'), /takes 3.75 bytes; data_offsets span 4/],
    ['a type from the prototype', entry('"toString"', '[1]', '[0,4]'), /dtype "toString"/],
    ['a negative size', entry('"F32"', '[-1,-1]', '[0,4]'), /integers of at least 0; got \[-1,-1\]/],
    ['half a size', entry('"F32"', '[0.5,2]', '[0,4]'), /integers of at least 0/],
    ['a size of text', entry('"F32"', '["1"]', '[0,4]'), /integers of at least 0/],
    ['a shape of text', entry('"F32"', '"1"', '[0,4]'), /shape must be a list/],
    ['a size beyond 2⁵³', entry('"F32"', '[9007199254740993]', '[0,4]'), /integers of at least 0/],
    ['a product that overflows', entry('"F32"', '[4294967296,4294967296,1024]', '[0,4]'), /takes Infinity bytes/],
    ['a huge tensor', entry('"F64"', '[1000000000000]', '[0,8000000000000]'), /ends at byte 8000000000000 of 4/],
    ['offsets for another shape', entry('"F32"', '[2]', '[0,4]'), /takes 8 bytes; data_offsets span 4/],
    ['offsets backwards', entry('"F32"', '[1]', '[4,0]'), /must be \[begin, end\]/],
    ['three offsets', entry('"F32"', '[1]', '[0,4,8]'), /must be \[begin, end\]/],
    ['no offsets', file('{"a":{"dtype":"F32","shape":[]}}'), /must be \[begin, end\]; got undefined/],
    ['a gap at the start', entry('"F32"', '[1]', '[4,8]', [0, 0, 0, 0, 0, 0, 0, 0]), /leaves a gap/],
    ['bytes left over', entry('"F32"', '[1]', '[0,4]', [0, 0, 0, 0, 0]), /1 bytes after the last tensor/],
    ['data cut off', entry('"F32"', '[1]', '[0,4]', [0, 0, 0]), /ends at byte 4 of 3/],
    [
      'two tensors over one piece of data',
      file(`{${one},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, [0, 0, 0, 0]),
      /tensor "b" overlaps/,
    ],
  ])('%s', (_, bytes, message) => {
    const said = refusal(bytes);
    expect(said).toMatch(message);
    expect(said.length).toBeLessThan(400);
  });

  test('a message stays short however long the name', () => {
    expect(refusal(file(`{"${'x'.repeat(100_000)}":{}}`)).length).toBeLessThan(200);
  });

  test('names that reach for a prototype are names', () => {
    const { tensors, metadata } = decodeSafetensors(
      file(
        '{"__metadata__":{"__proto__":"p"},"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
          '"constructor":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]}}',
        [0, 0, 0x80, 0x3f],
      ),
    );
    expect(Object.keys(tensors)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(tensors)).toBeNull();
    expect(tensors['__proto__'].data[0]).toBe(1);
    expect(Object.keys(metadata)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).data).toBeUndefined();
    expect(decodeSafetensors(encodeSafetensors(tensors, metadata))).toEqual({ tensors, metadata });
  });
});

describe('every pattern of 16 bits', () => {
  const patterns = Array.from({ length: 65536 }, (_, p) => p);
  const read = (dtype: string): Float32Array => {
    const header = `{"a":{"dtype":"${dtype}","shape":[256,256],"data_offsets":[0,131072]}}`;
    const { a } = decodeSafetensors(file(header, patterns.flatMap((p) => [p & 255, p >> 8]))).tensors; // prettier-ignore
    expect(a.shape).toEqual([256, 256]);
    return a.data as Float32Array;
  };
  /** IEEE 754 in words: sign, so many bits of exponent, the rest of fraction. Products by 2, so that every step is exact. */
  const valueOf = (p: number, exponentBits: number): number => {
    const fractionBits = 15 - exponentBits;
    const sign = p >= 32768 ? -1 : 1;
    const exponent = Math.floor((p % 32768) / 2 ** fractionBits);
    const fraction = (p % 2 ** fractionBits) / 2 ** fractionBits;
    const bias = 2 ** (exponentBits - 1) - 1;
    if (exponent === 2 * bias + 1) return fraction === 0 ? sign * Infinity : NaN;
    let value = exponent === 0 ? fraction : 1 + fraction;
    for (let e = Math.max(exponent, 1); e < bias; e++) value /= 2;
    for (let e = exponent; e > bias; e--) value *= 2;
    return sign * value;
  };

  test.each([
    ['F16', 5],
    ['BF16', 8],
  ] as const)('%s: the float32 that arithmetic and another library give', (dtype, exponentBits) => {
    const data = read(dtype);
    const wrong = patterns.filter((p) => !Object.is(data[p], valueOf(p, exponentBits)));
    expect(wrong).toEqual([]);
    for (const [p, value] of halves.samples[dtype]) expect(data[p]).toBe(value);
    const bits = new Uint32Array(data.buffer.slice(0)).map((b, p) => (Number.isNaN(data[p]) ? 0x7fc00000 : b));
    expect(createHash('sha256').update(new Uint8Array(bits.buffer)).digest('hex')).toBe(halves.sha256[dtype]);
    expect(valueOf(0x0001, 5)).toBe(5.960464477539063e-8); // the oracle, at the smallest half: 2⁻²⁴
  });

  test('a pattern that is read wrongly would be found: the two types differ in all but a few', () => {
    const [half, brain] = [read('F16'), read('BF16')];
    expect(patterns.filter((p) => !Object.is(half[p], brain[p])).length).toBeGreaterThan(65000);
    expect(halves.sha256.F16).not.toBe(halves.sha256.BF16);
  });
});

describe('tensors of other types', () => {
  const ids = { dtype: 'I64', shape: [2], bytes: Uint8Array.from({ length: 16 }, (_, i) => 17 * i) };
  const flags = { dtype: 'BOOL', shape: [3], bytes: Uint8Array.of(1, 0, 1) };
  const half = { dtype: 'F16', shape: [1], bytes: Uint8Array.of(0, 0x3c) };
  const packed = { dtype: 'F4', shape: [3, 2], bytes: Uint8Array.of(7, 8, 9) };

  test('are written and read as they are, wide ones first', () => {
    const bytes = encodeSafetensors({ x: f32([2], [1]) }, {}, { flags, half, ids, packed });
    const { tensors, raw } = decodeSafetensors(bytes);
    expect(Object.keys({ ...tensors, ...raw }).sort()).toEqual(['flags', 'half', 'ids', 'packed', 'x']);
    expect(tensors).toEqual({ x: f32([2], [1]), half: f32([1], [1]) }); // a half is a number like others
    expect(raw).toEqual({ flags, ids, packed });
    const header = Buffer.from(bytes).toString('latin1');
    const order = ['"ids"', '"x"', '"half"', '"flags"', '"packed"'].map((name) => header.indexOf(name));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(encodeSafetensors({ x: f32([2], [1]) }, {}, { ...raw, half })).toEqual(bytes);
    bytes.fill(0);
    expect(raw!.ids.bytes).toEqual(ids.bytes); // a copy
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a name of tensors', { x: flags }, /raw\["x"\] has the name of one of tensors/],
    ['another type', { y: { ...flags, dtype: 'I7' } }, /must have a dtype of the format; got "I7"/],
    ['a shape that is none', { y: { ...flags, shape: [-1] } }, /must have a shape of integers/],
    ['bytes that are none', { y: { ...flags, bytes: [1, 0, 1] } }, /must have bytes in a Uint8Array; got/],
    ['bytes of another shape', { y: { ...flags, shape: [4] } }, /must have 4 bytes for BOOL of shape \[4\]; got 3/],
    ['half a byte', { y: { ...packed, shape: [5] } }, /must have 2.5 bytes for F4 of shape \[5\]; got 3/],
    ['something else', { y: 7 }, /raw\["y"\] must be/],
  ])('are refused with %s', (_, raw, message) => {
    const write = () => encodeSafetensors({ x: f32([2], [1]) }, {}, raw as never);
    expect(write).toThrow(ArgumentError);
    expect(write).toThrow(message);
  });
});

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
const tensor = fc.tuple(shapes, fc.boolean(), fc.integer()).chain(([shape, single]) => {
  const size = shape.reduce((p, n) => p * n, 1);
  const values = fc.array(single ? fc.float({ noNaN: true }) : fc.double({ noNaN: true }), {
    minLength: size,
    maxLength: size,
  });
  return values.map((v) => (single ? f32(v, shape) : f64(v, shape)));
});
const names = fc
  .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', '7', 'a.b'))
  .filter((n) => n !== '__metadata__');
const contents = fc.record({
  tensors: fc.dictionary(names, tensor, { maxKeys: 5 }),
  metadata: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 3 }),
});

describe('laws', () => {
  test('what is written is read, bit for bit', () => {
    fc.assert(
      fc.property(contents, ({ tensors, metadata }) => {
        const bytes = encodeSafetensors(tensors, metadata);
        const read = decodeSafetensors(bytes);
        expect({ ...read.metadata }).toEqual({ ...metadata });
        expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(tensors).sort());
        for (const name of Object.keys(tensors)) {
          expect(read.tensors[name].shape).toEqual(tensors[name].shape);
          expect(read.tensors[name].data).toEqual(tensors[name].data); // toEqual tells 0 from −0
        }
        expect(encodeSafetensors(read.tensors, read.metadata)).toEqual(bytes);
      }),
      { seed: 21, numRuns: 200 },
    );
  });

  /** Any result of the reader holds exactly the elements its shapes promise, none of them from outside the file. */
  function survives(bytes: Uint8Array): void {
    const outside = new Uint8Array(bytes.length + 64).fill(0x41);
    outside.set(bytes, 32);
    try {
      const { tensors, raw = {} } = decodeSafetensors(outside.subarray(32, 32 + bytes.length));
      let held = 0;
      for (const { data, shape, offset } of Object.values(tensors)) {
        expect(offset).toBe(0);
        expect(data.length).toBe(shape.reduce((p, n) => p * n, 1));
        held += data.byteLength;
      }
      for (const { bytes: own } of Object.values(raw)) held += own.byteLength;
      expect(held).toBeLessThanOrEqual(2 * bytes.length); // a half takes two bytes and becomes four
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
    }
  }

  test('bytes changed anywhere are read or refused, never worse', () => {
    const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(contents, flips, ({ tensors, metadata }, changes) => {
        const bytes = encodeSafetensors(tensors, metadata);
        for (const [place, value] of changes) bytes[Math.floor(place * bytes.length)] = value;
        survives(bytes);
      }),
      { seed: 22, numRuns: 400 },
    );
  });

  test('a digit changed in the header is read or refused, never worse', () => {
    const bytes = encodeSafetensors({ a: f32([1, 2, 3, 4, 5, 6], [2, 3]), b: f64([1, 2], [2]), c: f32([], [0, 3]) });
    for (let i = 8; i < bytes.length; i++) {
      for (const c of '0123456789-.e,[]{}" ') {
        const changed = bytes.slice();
        changed[i] = c.charCodeAt(0);
        survives(changed);
      }
    }
  });

  test('every proper beginning of a file is refused', () => {
    const bytes = encodeSafetensors({ a: f32([1, 2, 3], [3]), b: f64([1], [1]) }, { note: 'n' });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow(DataError);
    }
  });

  test('bytes of no format at all are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) =>
        expect(() => decodeSafetensors(bytes)).toThrow(DataError),
      ),
      { seed: 23 },
    );
  });
});

/** Reads the file as the format's specification says, with nothing but the standard library. */
const PYTHON_READER = `
import json, struct, sys
raw = open(sys.argv[1], 'rb').read()
n = struct.unpack('<Q', raw[:8])[0]
head = json.loads(raw[8:8 + n].decode('utf-8'))
assert n % 8 == 0 and raw[8:9] == b'{'
out = {'metadata': head.pop('__metadata__', {})}
for name, e in head.items():
    begin, end = e['data_offsets']
    size = {'F32': 4, 'F64': 8}[e['dtype']]
    assert begin % size == 0
    values = struct.unpack('<%d%s' % ((end - begin) // size, {'F32': 'f', 'F64': 'd'}[e['dtype']]), raw[8 + n + begin:8 + n + end])
    out[name] = [e['shape'], list(values)]
print(json.dumps(out))
`;

const python = spawnSync('python3', ['--version']).status === 0;
(python ? test : test.skip)(`an independent reader reads it${python ? '' : ' (skipped: no python3)'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-'));
  try {
    const path = join(folder, 'x.safetensors');
    const bytes = encodeSafetensors(
      { 'odd.f32': f32([0.5, -1.25, 3], [3, 1]), wide: f64([1 / 3, 1e300], [1, 2]), none: f32([], [0, 5]) },
      { vocabulary: '["ä","😀"]' },
    );
    writeFileSync(path, bytes);
    const { stdout, stderr } = spawnSync('python3', ['-c', PYTHON_READER, path], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      metadata: { vocabulary: '["ä","😀"]' },
      'odd.f32': [
        [3, 1],
        [0.5, -1.25, 3],
      ],
      wide: [
        [1, 2],
        [1 / 3, 1e300],
      ],
      none: [[0, 5], []],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
