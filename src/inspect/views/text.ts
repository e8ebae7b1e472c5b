/** Formats words and numbers for pictures: rounded numbers, text widths without a browser, other scripts and directions. */

/** A number in the form used by marks: 17 significant digits, which parse back to the same float64. */
export const exact = (x: number): string => (Number.isFinite(x) ? x.toPrecision(17) : String(x));

const MINUS = '\u2212';

/** Replaces the hyphen by the typographic minus. */
const signed = (text: string): string => text.replace(/-/g, MINUS);

/** A number rounded for display: `0.0763`, `−1.92`, `4.1e−5`, `✕` for NaN, `∞`. */
export function short(x: number, digits = 3): string {
  if (Number.isNaN(x)) return '✕';
  if (!Number.isFinite(x)) return x > 0 ? '∞' : `${MINUS}∞`;
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e-3 && size < 1e5) return signed(trimmed(x.toPrecision(digits)));
  const [digit, exponent] = x.toExponential(Math.max(0, digits - 2)).split('e');
  return signed(`${digit}e${Number(exponent)}`);
}

/** Without the exponent that `toPrecision` writes for large integers. */
const trimmed = (text: string): string => (text.includes('e') ? String(Number(text)) : text);

/** A number with its sign, including `+`: `+0.0763`. */
export const withSign = (x: number, digits = 3): string => (x > 0 ? `+${short(x, digits)}` : short(x, digits));

/** A share as percent: `15.1 %`, `0.13 %`, `1.2e−5 %`. */
export function percent(x: number): string {
  if (!Number.isFinite(x)) return short(x);
  const p = 100 * x;
  const size = Math.abs(p);
  if (size >= 1) return `${signed(p.toFixed(1))} %`;
  return `${short(p, 2)} %`;
}

/** A share for a small cell, at most four characters: `100%`, `48%`, `3.1%`, `0.5%`, and only the exponent below a thousandth, `e−4`. */
export function percentInCell(x: number): string {
  const size = Math.abs(x);
  if (x === 0 || !Number.isFinite(x)) return short(x);
  if (size < 0.001) return `e${exponent(x)}`;
  if (size < 0.0095) return `${short(100 * x, 1)}%`;
  return `${signed((100 * x).toFixed(size < 0.0995 ? 1 : 0))}%`;
}

/** A round share for a legend: `100 %`, `0.01 %`. */
export const roundPercent = (x: number): string => `${short(100 * x, 1)} %`;

/** Only the exponent of ten, for small cells: `−5` for 4.1e−5. */
export function exponent(x: number): string {
  if (x === 0 || !Number.isFinite(x)) return short(x);
  return signed(String(Number(x.toExponential().split('e')[1])));
}

/** Letters written from right to left: Hebrew, Arabic, Syriac, Thaana, N'Ko and the blocks after them. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Isolates the direction of a word from its surroundings. */
export const isolate = (word: string): string => (RIGHT_TO_LEFT.test(word) ? `\u2068${word}\u2069` : word);

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NARROW = /[iljtfrI.,:;'|!()[\] \-]/;
const BROAD = /[mwMW@%—]/;
const NOTHING = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Width of one character relative to the font size; an upper estimate for common sans-serif typefaces. */
function advance(character: string): number {
  if (NOTHING.test(character)) return 0;
  if (WIDE.test(character)) return 1;
  if (NARROW.test(character)) return 0.4;
  if (BROAD.test(character)) return 1;
  return /[A-Z\u0391-\u03a9\u0410-\u042f]/.test(character) ? 0.74 : 0.635;
}

/** Width of a text in pixels at a font size: a generous estimate, since no font is available. */
export function widthOf(text: string, size: number): number {
  let sum = 0;
  for (const character of text) sum += advance(character);
  return sum * size;
}

/** Segments text into graphemes. */
const graphemes = (text: string): string[] =>
  [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].map((each) => each.segment);

/** Truncates a text at a grapheme to fit a width, with `…` if something is missing. */
export function fit(text: string, size: number, width: number): string {
  if (widthOf(text, size) <= width) return text;
  let out = '';
  for (const each of graphemes(text)) {
    if (widthOf(`${out}${each}…`, size) > width) break;
    out += each;
  }
  return `${out}…`;
}

/** Breaks a sentence into lines that fit a width. */
export function wrap(text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer, size) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line === '' ? lines : [...lines, line];
}

/** Makes control characters of a token visible, and an empty token as well. */

export const visible = (token: string): string => (token === '' ? '∅' : token.replace(/[\u0000-\u001f\u007f]/g, '␣'));
