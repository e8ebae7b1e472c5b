/** Decodes bytes from printable text, the form in which scripts/compile-wasm.js writes the modules. */

/** Characters that a bundler or a page might escape or mistake for a comment; they encode nothing. */
const HOLES = '"\'*<\\`';
const FIRST = '!'.charCodeAt(0);
const COUNT = 94;

/** Number of byte values that take one character. */
const SHORT = 86;

/**
 * Decodes a text: `!` and `#` are prefixes for the second and the third 86 values; a value is a byte plus 3, modulo 256.
 *
 * @param text of characters `!` … `~` except quotes, backslash, backtick, `<` and `*`
 */
export function bytesOfText(text: string): Uint8Array {
  const codes = Array.from({ length: COUNT }, (_, i) => FIRST + i).filter(
    (code) => !HOLES.includes(String.fromCharCode(code)),
  );
  const values = new Uint8Array(FIRST + COUNT);
  codes.forEach((code, value) => (values[code] = value));
  const bytes = new Uint8Array(text.length);
  let count = 0;
  let ahead = 0;
  for (let i = 0; i < text.length; i++) {
    const value = values[text.charCodeAt(i)];
    if (value < 2) {
      ahead = SHORT * (value + 1);
    } else {
      bytes[count++] = ahead + value - 2 - 3; // modulo 256, as the array stores it
      ahead = 0;
    }
  }
  return bytes.slice(0, count);
}
