/** Numbers and bytes as text: base64 (RFC 4648). */

const CODE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Bytes as base64. */
export function base64Of(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += CODE[word >>> 18] + CODE[(word >>> 12) & 63];
    out += left > 1 ? CODE[(word >>> 6) & 63] : '=';
    out += left > 2 ? CODE[word & 63] : '=';
  }
  return out;
}

/** Float64 numbers as base64 of their bytes, little-endian: 11 characters each. */
export function packed(numbers: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(8 * numbers.length));
  numbers.forEach((x, i) => view.setFloat64(8 * i, x, true));
  return base64Of(new Uint8Array(view.buffer));
}
