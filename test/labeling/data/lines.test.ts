import fc from 'fast-check';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { lineBlocks } from '../../../src/labeling/data/formats/lines.js';
import { all, bytes, chunked } from '../support.js';

const seed = 11;

async function linesOf(chunks: Uint8Array[], limit?: number): Promise<string[]> {
  const blocks = await all(lineBlocks(chunks, 'f', limit));
  let expected = 1;
  for (const { first, lines } of blocks) {
    expect(first).toBe(expected);
    expected += lines.length;
  }
  return blocks.flatMap((block) => block.lines);
}

describe('lines of a byte stream', () => {
  test('do not depend on where the chunks are cut', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\ufeff]/g, ' '));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), fc.boolean(), async (lines, size, crlf) => {
        const text = lines.map((each) => each + (crlf ? '\r\n' : '\n')).join('');
        expect(await linesOf(chunked(bytes(text), size))).toEqual(lines);
      }),
      { seed },
    );
  });

  test('are the same in a block that is decoded in several texts', async () => {
    const lines = Array.from({ length: 9_001 }, (_, i) => (i % 5 === 0 ? '' : `${i} ${'aé€𝄞'.repeat(i % 7)}`));
    const text = lines.join('\n');
    expect(await linesOf([bytes(`\ufeff${text}\n`)])).toEqual(lines);
    expect(await linesOf([bytes(`${text}\r\n\r\n`)])).toEqual([...lines, '']);
    const broken = [...bytes(`${text}\n`), 0xff, 0x0a];
    await expect(linesOf([Uint8Array.from(broken)])).rejects.toThrow(/line 9002|:9002/);
  });

  test.each([
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\n\nb', ['a', '', 'b']],
    ['\n', ['']],
    ['\ufeffa\r\nb\r', ['a', 'b']],
    ['a\n\ufeffb', ['a', '\ufeffb']],
    ['a\rb\n', ['a\rb']],
  ])('%j', async (text, lines) => {
    for (const size of [1, 2, 100]) expect(await linesOf(chunked(bytes(text), size))).toEqual(lines);
  });

  test.each(['a\rb', 'a\tX\r\rb\tY\r', '\ufeffa\r\r', '\r\r'])('%j ends its lines in CR alone', async (text) => {
    const message = 'f:1: expected lines that end in LF or CRLF; got lines that end in CR only: convert them';
    for (const size of [1, 2, 100]) {
      await expect(linesOf(chunked(bytes(text), size))).rejects.toThrow(message);
      await expect(linesOf(chunked(bytes(text), size))).rejects.toThrow(DataError);
    }
  });

  test('which is what is said of such a file, too, where it is longer than a line may be', async () => {
    await expect(linesOf(chunked(bytes('ab\rcd\ref'), 3), 6)).rejects.toThrow('end in CR only');
    await expect(linesOf(chunked(bytes('ab\rcdefgh\n'), 3), 6)).rejects.toThrow('end in CR only');
    await expect(linesOf(chunked(bytes('x\nab\rcd\ref'), 3), 6)).rejects.toThrow(
      'f:2: the line is longer than 6 bytes',
    );
  });

  test('a producer may reuse its buffer', async () => {
    async function* reusing() {
      const buffer = new Uint8Array(1);
      for (const byte of bytes('ab\ncd')) {
        buffer[0] = byte;
        yield buffer;
      }
    }
    expect((await all(lineBlocks(reusing()))).flatMap((block) => block.lines)).toEqual(['ab', 'cd']);
  });

  test('a line may have exactly the limit, and not one byte more', async () => {
    for (const size of [1, 3, 100]) {
      expect(await linesOf(chunked(bytes('x\nabcd\nef'), size), 4)).toEqual(['x', 'abcd', 'ef']);
      const tooLong = linesOf(chunked(bytes('x\nabcde\nef'), size), 4);
      await expect(tooLong).rejects.toThrow(
        new DataError('f:2: the line is longer than 4 bytes: is this a text file?'),
      );
    }
    await expect(linesOf([], 0)).rejects.toThrow(ArgumentError);
  });

  test('memory stays bounded: a line that never ends is refused at the limit, not at the end', async () => {
    let produced = 0;
    async function* endless() {
      for (;;) {
        produced += 1 << 16;
        yield new Uint8Array(1 << 16).fill(0x61);
      }
    }
    await expect(all(lineBlocks(endless()))).rejects.toThrow('input:1: the line is longer than 16777216 bytes');
    expect(produced).toBe((16 << 20) + (1 << 16));
  });
});

describe('NUL bytes', () => {
  const utf16 = (text: string) => [...Buffer.from(text, 'utf16le')];
  const swapped = (text: string) => [...Buffer.from(text, 'utf16le').swap16()];
  test.each([
    ['ASCII as UTF-16LE', utf16('a\tX\n'), 'f:1:', 2, 'LE'],
    ['ASCII as UTF-16BE', swapped('a\tX\n'), 'f:1:', 1, 'BE'],
    ['Latin-1 as UTF-16LE, which is not UTF-8 either', utf16('\u00e9t\u00e9\n'), 'f:1:', 2, 'LE'],
    ['one in a later line', [...bytes('one\ntwo\nth\0ree\n')], 'f:3:', 3, 'LE'],
    ['one in a last line without its end', [...bytes('one\r\n\0')], 'f:2:', 1, 'LE'],
  ])('%s: named by line and byte', async (_, input, place, byte, order) => {
    const message = `${place} expected text in UTF-8, but byte ${byte} of the line is NUL: the file is probably UTF-16 or binary`;
    const whole = linesOf([Uint8Array.from(input)]);
    await expect(whole).rejects.toThrow(DataError);
    await expect(whole).rejects.toThrow(`${message}; convert it, for example with iconv -f UTF-16${order} -t UTF-8`);
    for (const size of [1, 2]) {
      await expect(linesOf(chunked(Uint8Array.from(input), size))).rejects.toThrow(message);
    }
  });
});

describe('invalid UTF-8', () => {
  test.each([
    [[0x61, 0x0a, 0x62, 0xc3, 0x28], 'f:2: expected UTF-8, but byte 2 of the line (0xc3)'],
    [[0x61, 0x80, 0x0a], 'f:1: expected UTF-8, but byte 2 of the line (0x80)'],
    [[0x0a, 0x0a, 0xe2, 0x82], 'f:3: expected UTF-8, but byte 1 of the line (0xe2)'],
    [[0xed, 0xa0, 0x80], 'f:1: expected UTF-8, but byte 1 of the line (0xed)'],
    [[0xff, 0xfe, 0x61, 0x00], 'it looks like UTF-16; convert it, for example with iconv -f UTF-16 -t UTF-8'],
  ])('%j is named by line and byte', async (input, message) => {
    for (const size of [1, 2, 100]) {
      await expect(linesOf(chunked(Uint8Array.from(input), size))).rejects.toThrow(message);
    }
  });
});
