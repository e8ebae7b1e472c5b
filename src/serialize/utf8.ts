/**
 * UTF-8 in both directions, wherever JavaScript runs: `TextDecoder` and `TextEncoder` belong to the environment, not to the
 * language, and some environments have neither (Jest's jsdom). Nothing here runs when the module is loaded.
 */

let decoder: InstanceType<typeof TextDecoder> | undefined;

/** Decodes UTF-8 bytes and keeps a leading byte order mark; `undefined` if they are not valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (typeof TextDecoder === 'undefined') return firstInvalidByte(bytes) < 0 ? decodeValid(bytes) : undefined;
  decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The UTF-8 bytes of a text; an unpaired surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  if (typeof TextEncoder !== 'undefined') return new TextEncoder().encode(text);
  const bytes = new Uint8Array(3 * text.length); // a code unit takes at most three, a pair of surrogates four
  let size = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    size = writeCharacter(bytes, size, code >= 0xd800 && code <= 0xdfff ? 0xfffd : code);
  }
  return bytes.slice(0, size);
}

/** Writes a code point at an offset and returns the offset after it. */
function writeCharacter(bytes: Uint8Array, at: number, code: number): number {
  if (code < 0x80) {
    bytes[at] = code;
    return at + 1;
  }
  const length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (let k = length - 1, rest = code; k > 0; k--, rest >>= 6) bytes[at + k] = 0x80 | (rest & 0x3f);
  const mark = [0, 0, 0xc0, 0xe0, 0xf0][length];
  bytes[at] = mark | (code >> (6 * (length - 1)));
  return at + length;
}

/** Characters converted to a string at once, to bound the length of an argument list. */
const CHUNK = 4096;

/** The text of bytes that are known to be valid. */
function decodeValid(bytes: Uint8Array): string {
  let text = '';
  let codes: number[] = [];
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i++];
    const following = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let code = following === 0 ? lead : lead & (0x3f >> following);
    for (let k = 0; k < following; k++) code = (code << 6) | (bytes[i++] & 0x3f);
    codes.push(code);
    if (codes.length < CHUNK) continue;
    text += String.fromCodePoint(...codes);
    codes = [];
  }
  return text + String.fromCodePoint(...codes);
}

/** Offset of the first byte that does not begin a well-formed UTF-8 sequence (Unicode 15, table 3-7), or −1. */
export function firstInvalidByte(bytes: Uint8Array): number {
  const within = (i: number, low: number, high: number) => i < bytes.length && bytes[i] >= low && bytes[i] <= high;
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i];
    let length = 0;
    if (lead < 0x80) length = 1;
    else if (lead >= 0xc2 && lead <= 0xdf) length = 2;
    else if (lead >= 0xe0 && lead <= 0xef) length = 3;
    else if (lead >= 0xf0 && lead <= 0xf4) length = 4;
    if (length === 0) return i;
    // The second byte excludes overlong forms (E0, F0), surrogates (ED) and code points past U+10FFFF (F4).
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (length > 1 && !within(i + 1, low, high)) return i;
    for (let k = 2; k < length; k++) if (!within(i + k, 0x80, 0xbf)) return i;
    i += length;
  }
  return -1;
}
