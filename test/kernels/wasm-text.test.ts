/** The text that the modules are embedded as: read against a writer of its own, and free of what a bundler would escape. */
import { BINARY } from '../../src/kernels/wasm/binary';
import { PIECES } from '../../src/kernels/wasm/binary-relaxed';
import { bytesOf } from '../../src/kernels/wasm/module';
import { bytesOfText } from '../../src/kernels/wasm/text';

/** One symbol per value of base 86, by the table in the docstring of text.ts, written out. */
const DIGITS = '$%&()+,-./0123456789:;=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~';

function written(byte: number): string {
  const value = byte > 252 ? byte - 253 : byte + 3;
  if (value < 86) return DIGITS[value];
  return value < 172 ? `!${DIGITS[value - 86]}` : `#${DIGITS[value - 172]}`;
}

it('every byte is read back, wherever it stands', () => {
  expect(DIGITS).toHaveLength(86);
  const bytes = Array.from({ length: 3 * 256 }, (_, i) => (i * 77 + (i >> 8)) & 255);
  expect(new Set(bytes).size).toBe(256);
  expect(Array.from(bytesOfText(bytes.map(written).join('')))).toEqual(bytes);
  expect(bytesOfText('')).toHaveLength(0);
});

it('the text of the module is that of its bytes, and nothing in it can be escaped or begin a comment', async () => {
  const bytes = await bytesOf(false);
  expect(Array.from(bytes.subarray(0, 4))).toEqual([0, 0x61, 0x73, 0x6d]);
  expect(Array.from(bytes, written).join('')).toBe(BINARY);
  for (const text of [BINARY, ...PIECES.filter((piece) => typeof piece === 'string')]) {
    expect(text).not.toMatch(/["'*<\\`]|[^!-~]/);
  }
});
