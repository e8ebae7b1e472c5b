/** Readers of pretrained vectors against files of an independent writer, whole and damaged; their lookup; their coverage. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readVectors, vectorCoverage } from '../../../src/labeling/index.js';
import type { VectorReadOptions } from '../../../src/labeling/index.js';
import { spellingsOf, vectorKey, vectorLookup } from '../../../src/labeling/data/vectors/lookup.js';
import { rowKeeper } from '../../../src/labeling/data/vectors/options.js';
import { openVectors } from '../../../src/labeling/data/vectors/files.node.js';
import { ArgumentError, DataError } from '../../../src/tensor/index.js';
import type { VectorRow } from '../../support/vectors.js';
import { gloveText, word2vecBinary, word2vecText } from '../../support/vectors.js';

fc.configureGlobal({ seed: 23, numRuns: 60 });

const ROWS: readonly VectorRow[] = [
  ['the', 0.5, -1.25, 3],
  ['Paris', -0.125, 2, 0],
  ['cafe\u0301', 1e-3, 4, 5],
  ['0000', 6, 7, 8],
  ['猫', -9, 10, 11.5],
];
const WRITERS = {
  glove: gloveText,
  'word2vec-text': word2vecText,
  'word2vec-binary': word2vecBinary,
} as const;
const formats = Object.keys(WRITERS) as (keyof typeof WRITERS)[];

/** A file in chunks of some bytes. */
const chunksOf = (bytes: Uint8Array, size = bytes.length) =>
  Array.from({ length: Math.ceil(bytes.length / Math.max(size, 1)) }, (_, i) => bytes.subarray(i * size, (i + 1) * size)); // prettier-ignore
const read = (bytes: Uint8Array | string, options?: VectorReadOptions, size?: number) =>
  readVectors(chunksOf(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, size), options);

/** Rows as the file has them, in float32, with words as they are compared. */
const expected = (rows: readonly VectorRow[]) => ({
  size: rows[0].length - 1,
  words: rows.map(([word]) => word.normalize('NFC').replaceAll(' ', '_')),
  values: Float32Array.from(rows.flatMap(([, ...numbers]) => numbers)),
});

describe.each(formats)('%s', (format) => {
  const write = WRITERS[format];

  test.each([1, 3, 7, undefined])('is found and read, in chunks of %s bytes', async (size) => {
    const found = await read(write(ROWS), {}, size);
    expect(found).toEqual({ ...expected(ROWS), file: { format, rows: 5, duplicates: 0, spaced: 0 } });
  });

  test('whatever its words, numbers and chunks', async () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).filter((text) => !/[\p{C}\p{Z}]/u.test(text) && !/\p{M}/u.test(text)); // prettier-ignore
    const words = fc.uniqueArray(word, { minLength: 1, maxLength: 8, selector: (each) => each.normalize('NFC') });
    const number = fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }).map((x) => x + 0); // no −0: text of JavaScript has none
    const rows = fc.tuple(words, fc.integer({ min: 2, max: 5 })).chain(
      ([list, D]) =>
      fc.tuple(...list.map((each) => fc.array(number, { minLength: D, maxLength: D }).map((x): VectorRow => [each, ...x]))), // prettier-ignore
    );
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 40 }), async (list, size) => {
        const [first] = list;
        fc.pre(!(format === 'glove' && /^\d+$/.test(first[0]) && first.length === 2));
        const found = await read(write(list), {}, size);
        // A row <unk> is a row like others here; the encoder gives it to tokens without a vector.
        expect({ ...found, file: undefined }).toEqual({ ...expected(list), file: undefined });
      }),
    );
  });

  test('keeps the first rows, and those that words have in the end', async () => {
    const words = ['PARIS', 'The', 'dog'];
    const rows: VectorRow[] = [['of', 1, 1], ['the', 2, 2], ['The', 3, 3], ['cat', 4, 4], ['paris', 5, 5]]; // prettier-ignore
    const kept = async (options: VectorReadOptions) => (await read(write(rows), options)).words;
    expect(await kept({ words, keep: 0 })).toEqual(['The', 'paris']); // `the` was kept until `The` came
    expect(await kept({ words, keep: 1 })).toEqual(['of', 'The', 'paris']);
    expect(await kept({ words, keep: 2 })).toEqual(['of', 'the', 'The', 'paris']);
    expect(await kept({ keep: 3 })).toEqual(['of', 'the', 'The']);
    expect(await kept({ words })).toEqual(['of', 'the', 'The', 'cat', 'paris']);
    const { values } = await read(write(rows), { words, keep: 1 });
    expect([...values]).toEqual([1, 1, 3, 3, 5, 5]);
  });

  test('of two rows with one word the first counts; only those of kept words are counted', async () => {
    const rows: VectorRow[] = [['a', 1, 1], ['b', 2, 2], ['a', 3, 3], ['b', 4, 4], ['a', 5, 5]]; // prettier-ignore
    const all = await read(write(rows));
    expect(all).toMatchObject({ words: ['a', 'b'], file: { rows: 5, duplicates: 3 } });
    expect([...all.values]).toEqual([1, 1, 2, 2]);
    expect((await read(write(rows), { words: ['a'], keep: 0 })).file.duplicates).toBe(2);
    expect((await read(write([['é', 1, 2], ['e\u0301', 3, 4]]))).file.duplicates).toBe(1); // prettier-ignore
  });

  test('packed by gzip it is read from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bptt-vectors-'));
    try {
      const path = join(folder, 'vectors');
      const heard: number[] = [];
      const bytes = write(Array.from({ length: 9000 }, (_, i): VectorRow => [`w${i}`, i, -i, 0.5]));
      for (const compressed of [false, true]) {
        const stored = compressed ? gzipSync(bytes) : bytes;
        writeFileSync(path, stored);
        const found = await openVectors(path, { keep: 2, words: ['W8999'] }, (done, total) => {
          expect(total).toBe(stored.length);
          heard.push(done);
        });
        expect(found).toMatchObject({ compressed, words: ['w0', 'w1', 'w8999'], file: { format, rows: 9000 } });
        expect(heard.at(-1)).toBe(stored.length);
      }
      const packed = gzipSync(bytes);
      for (const damaged of [
        packed.subarray(0, packed.length >> 1),
        packed.subarray(0, 12),
        Buffer.concat([packed.subarray(0, 900), Buffer.alloc(50), packed.subarray(950)]),
      ]) {
        // prettier-ignore
        writeFileSync(path, damaged);
        await expect(openVectors(path)).rejects.toThrow(DataError);
        await expect(openVectors(path)).rejects.toThrow(/vectors: cannot unpack the gzip data/);
      }
      await expect(openVectors(join(folder, 'none'))).rejects.toThrow(/no such file/);
      await expect(openVectors(folder)).rejects.toThrow(/expected a file, got a folder/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('numbers that are not finite are refused where they are kept', async () => {
    for (const [value, shown] of [
      [NaN, 'NaN'],
      [Infinity, 'Infinity'],
      [-Infinity, '-Infinity'],
    ] as const) {
      // prettier-ignore
      const file = write([['a', 1, 2], ['b', 1, value]]); // prettier-ignore
      await expect(read(file)).rejects.toThrow(`expected finite numbers for the word "b"; got ${shown} in column 2`);
      expect((await read(file, { keep: 1 })).words).toEqual(['a']);
    }
  });
});

test('fastText ends lines with a blank, some writers of binary rows write no line feed, Windows writes CRLF', async () => {
  expect(await read(word2vecText(ROWS, '5 3', ' \n'))).toMatchObject(expected(ROWS));
  expect(await read(word2vecText(ROWS, '5 3', '\r\n'))).toMatchObject(expected(ROWS));
  expect(await read(word2vecBinary(ROWS, '5 3', ''))).toMatchObject(expected(ROWS));
  expect(await read('a\t1\t2\nb\t3\t4')).toMatchObject({ words: ['a', 'b'], size: 2 });
  expect(await read('\ufeffa 1 2\n\nb 3 4\n\n')).toMatchObject({ words: ['a', 'b'] });
});

test('a word may have blanks in it, and be a number or a sign', async () => {
  const text = 'the 1 2\n. . . 3 4\nat name@domain.com 5 6\n42 7 8\n- 9 10\nnan 11 12\n<unk> 13 14\n';
  const words = ['the', '._._.', 'at_name@domain.com', '42', '-', 'nan', '<unk>'];
  for (const file of [text, `7 2\n${text}`]) {
    expect(await read(file)).toMatchObject({ words, file: { spaced: 2, rows: 7 } });
  }
  expect(await read('<s> 1 2\n')).toMatchObject({ words: ['<s>'] });
  expect(await read('1 2 3\n')).toMatchObject({ words: ['1'], size: 2 });
  expect(await read('New York 2 3\n')).toMatchObject({ words: ['New_York'], size: 2 });
});

const LONG = 'x'.repeat(10_000_000);
test.each<[string, Uint8Array | string, RegExp]>([
  ['an empty file', '', /^f: expected word vectors; got an empty file/],
  ['prose', 'Once upon a time\nthere was 1\n', /^f: expected word vectors; got the first line "Once upon a time"/],
  ['blank lines alone', '\n\n', /got the first line ""/],
  ['a word without numbers', 'the\n', /got the first line "the"/],
  ['numbers of another width', 'a 1 2 3\nb 1 2\n', /^f: line 2: expected 3 numbers for the word "b"; got 2/],
  ['one number more', 'a 1 2 3\nb 1 2 3 4\n', /^f: line 2: expected 3 numbers for the word "b"; got 4/],
  ['a line without a word', 'a 1 2\n 1 2\n', /^f: line 2: expected a word before its 2 numbers; got none/],
  ['a header too wide', '2 4\na 1 2 3\nb 1 2 3\n', /^f: line 2: expected 4 numbers for the word "a"; got 3/],
  ['a header too narrow', '2 2\na 1 2 3\nb 1 2 3\n', /^f: line 2: expected 2 numbers for the word "a"; got 3/],
  ['fewer rows than declared', '3 2\na 1 2\nb 3 4\n', /^f: expected 3 rows, as the header declares; got 2: the file is truncated/], // prettier-ignore
  ['more rows than declared', '1 2\na 1 2\nb 3 4\n', /^f: line 3: expected no more rows, the header declares 1/],
  ['a header alone', '3 2\n', /^f: expected 3 rows, as the header declares; got 0/],
  ['a header without a line end', '3 2', /^f: expected 3 rows, as the header declares; got 0/],
  ['no rows', '0 2\n', /^f: the header "0 2" declares no rows/],
  ['width 0', '2 0\na\nb\n', /^f: the header "2 0" declares vectors without numbers: expected a width of 1/],
  ['a giant width', '2 99999999\na 1\n', /^f: the header "2 99999999" declares more than is possible/],
  ['what is not a number', 'a 1 2\nb 1 x2\n', /^f: line 2: expected a number for the word "b"; got "x2"/],
  ['a hexadecimal number', 'a 1 2\nb 1 0x2\n', /^f: line 2: expected a number for the word "b"; got "0x2"/],
  ['a decimal comma', 'a 1 2\nb 1 2,5\n', /^f: line 2: expected a number for the word "b"; got "2,5"/],
  ['too large for float32', 'a 1 2\nb 1 1e39\n', /^f: line 2: expected finite numbers for the word "b"; got 1e39/],
  ['not UTF-8', Buffer.from('a 1 2\ncaf\xe9 3 4\n', 'latin1'), /^f:2: expected UTF-8, but byte 4 of the line \(0xe9\)/],
  ['not UTF-8 behind a header', Buffer.from('2 2\na 1 2\ncaf\xe9 3 4\n', 'latin1'), /^f:3: expected UTF-8/],
  ['a NUL', 'a 1 2\nb\0 3 4\n', /^f:2: expected text in UTF-8, but byte 2 of the line is NUL/],
  ['a token of 10 MB', `${LONG} 1 2\n`, /^f: expected word vectors; got a first line of more than 1048576 bytes/],
  ['a later token of 10 MB', `a 1 2\n${LONG} 1 2\n`, /^f:2: the line is longer than 1048576 bytes/],
  ['a token of 10 MB in binary', word2vecBinary([['a', 1, 2], [LONG, 3, 4]]), /^f: row 2: expected a word of at most 65536 bytes/], // prettier-ignore
  [
    'a binary file that is cut',
    word2vecBinary(ROWS).subarray(0, 60),
    /^f: expected 5 rows, as the header declares; got 3/,
  ],
  [
    'binary rows more than declared',
    word2vecBinary(ROWS, '4 3'),
    /^f: row 5: expected no more rows, the header declares 4/,
  ],
  [
    'binary rows fewer than declared',
    word2vecBinary(ROWS, '6 3'),
    /^f: expected 6 rows, as the header declares; got 5/,
  ],
  ['a binary word that is not UTF-8', Buffer.concat([Buffer.from('1 2\n'), Buffer.from([0xff, 0x20, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40])]), /^f: row 1: expected a word in UTF-8/], // prettier-ignore
  ['a binary row without a word', word2vecBinary([['', 1, 2]]), /^f: row 1: expected a word before its numbers/],
  ['gzip', gzipSync('a 1 2\n'), /it is gzip-compressed: unpack it first/],
  ['zip', Buffer.from('PK\x03\x04rest'), /it is a zip archive/],
  ['bzip2', Buffer.from('BZh91AY'), /it is compressed with bzip2/],
  ['a model of fastText', Buffer.from([0xba, 0x16, 0x4f, 0x2f, 12, 0, 0, 0]), /it is a fastText model: pass its .vec/],
  ['a pickle', Buffer.from([0x80, 0x04, 0x95, 0x0a]), /it is a Python pickle/],
  ['a pickle of protocol 2', Buffer.from([0x80, 0x02, 0x7d]), /it is a Python pickle/],
  ['a pickle of protocol 3', Buffer.from([0x80, 0x03, 0x7d]), /it is a Python pickle/],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), /it is compressed with xz: unpack it with unxz/],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x24]), /it is compressed with zstd: unpack it with unzstd/],
  ['an array of NumPy', Buffer.from('\x93NUMPY\x01\x00', 'latin1'), /it is a NumPy array, which has no words/],
  [
    'a pointer of Git LFS',
    'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n',
    /it is a Git LFS pointer/,
  ],
  ['a page', '<!doctype html>\n<p>404', /it is an HTML or XML page/],
  ['a model file', Buffer.from([8, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]), /it is a safetensors file/],
])('%s is refused', async (_what, bytes, message) => {
  for (const size of [undefined, 100_000]) {
    await expect(read(bytes, { source: 'f' }, size)).rejects.toThrow(DataError);
    const error = await read(bytes, { source: 'f' }, size).catch((each: Error) => each.message);
    expect(error).toMatch(message);
    expect((error as string).length).toBeLessThan(300);
  }
});

test('rows beyond what a model file holds are refused while they are read', () => {
  const keeper = rowKeeper(100, { source: 'f' }, 2000);
  for (let i = 0; i < 5; i++) keeper.take(`w${i}`);
  expect(() => keeper.take('w5')).toThrow('f: 5 rows of 100 numbers are kept, more than a model can hold: lower keep (--vectors-keep)'); // prettier-ignore
  const wordy = rowKeeper(1, {}, 2000, 100);
  expect(() => wordy.take('w'.repeat(32))).toThrow(/input: 0 rows of 1 numbers are kept/);
});

test('a stream is closed where its reading ends, early too', async () => {
  for (const text of ['a 1 2\nb 3 4\n', 'a 1 2\nb 3\nc 4 5\n', 'not vectors\n']) {
    let closed = false;
    const stream = (async function* () {
      try {
        for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
      } finally {
        closed = true;
      }
    })();
    await readVectors(stream).catch(() => undefined);
    expect(closed).toBe(true);
  }
});

test.each<[object, RegExp]>([
  [{ keep: -1 }, /^readVectors: keep must be an integer of at least 0, or Infinity; got -1/],
  [{ keep: 1.5 }, /keep must be an integer/],
  [{ keep: 'all' }, /^readVectors: keep must be a number; got/],
  [{ words: 'the' }, /^readVectors: words must be a list or another iterable of words/],
  [{ digits: '9' }, /^readVectors: digits must be one of 'keep', '0', '#'; got '9'/],
  [{ source: 3 }, /^readVectors: source must be a string/],
  [{ top: 3 }, /^readVectors: .*top/],
])('the option %j is refused', async (options, message) => {
  const reading = read('a 1 2\n', options as VectorReadOptions);
  await expect(reading).rejects.toThrow(ArgumentError);
  await expect(reading).rejects.toThrow(message);
});

test('a chunk that is text is refused', async () => {
  await expect(readVectors(['a 1 2\n'] as never)).rejects.toThrow(/chunks of files and streams must be Uint8Array/);
});

describe('lookup', () => {
  const WORDS = ['The', 'the', 'paris', '0000', 'new_york', 'café', '<unk>', 'iphone0', 'Q0'];
  test.each<[string, 'keep' | '0' | '#', string | undefined, string | undefined]>([
    ['The', 'keep', 'The', 'exact'],
    ['THE', 'keep', 'the', 'lowerCase'],
    ['Paris', 'keep', 'paris', 'lowerCase'],
    ['New York', 'keep', 'new_york', 'lowerCase'],
    ['new york', 'keep', 'new_york', 'exact'],
    ['cafe\u0301', 'keep', 'café', 'exact'],
    ['1984', 'keep', undefined, undefined],
    ['1984', '0', '0000', 'digits'],
    ['1984', '#', undefined, undefined],
    ['٣٤٥٦', '0', '0000', 'digits'],
    ['iPhone7', '0', 'iphone0', 'digits'],
    ['Q3', '0', 'Q0', 'digits'],
    ['q3', '0', undefined, undefined],
    ['<unk>', 'keep', undefined, undefined],
    ['', 'keep', undefined, undefined],
  ])('%j with digits %s has the row of %s', (token, digits, word, by) => {
    const row = word === undefined ? 0 : WORDS.indexOf(word) + 1;
    expect(vectorLookup(WORDS, digits)(token)).toEqual(by === undefined ? { row } : { row, by });
  });

  test('no spelling is tried twice', () => {
    const digits = fc.constantFrom('keep' as const, '0' as const, '#' as const);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), digits, (token, rule) => {
        const spellings = spellingsOf(token, rule).map(([spelling]) => spelling);
        expect(spellings[0]).toBe(vectorKey(token));
        if (rule === 'keep') expect(new Set(spellings).size).toBe(spellings.length);
      }),
    );
  });
});

test('coverage counts words and tokens, by how they were found', async () => {
  const vectors = await read('the 1 2\nParis 1 2\n00 3 4\n');
  const sentences = [{ tokens: ['The', 'the', 'the', 'Paris'] }, { tokens: ['42', 'dog', 'dog'] }];
  expect(vectorCoverage(vectors, sentences, { digits: '0' })).toEqual({
    types: { total: 5, exact: 2, lowerCase: 1, digits: 1 },
    tokens: { total: 7, exact: 3, lowerCase: 1, digits: 1 },
  });
  expect(vectorCoverage(vectors, sentences).tokens).toEqual({ total: 7, exact: 3, lowerCase: 1, digits: 0 });
  expect(() => vectorCoverage(vectors, sentences, { digits: '1' as '0' })).toThrow(ArgumentError);
  expect(() => vectorCoverage({ ...vectors, values: [1] as never }, sentences)).toThrow(
    /values must be a Float32Array/,
  );
  expect(() => vectorCoverage({ ...vectors, size: 3 }, sentences)).toThrow(
    /must have 3 numbers for each of 3 words, 9/,
  );
});
