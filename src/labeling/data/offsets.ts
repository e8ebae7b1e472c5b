/** Offsets in a text: their units, and conversion between them. */

/** Units of offsets: code units, as in `String.prototype.slice`, or code points, as in `Array.from` and Python. */
export const OFFSET_UNITS = ['utf16', 'codepoints'] as const;
/** The unit of offsets: code units (`utf16`) or code points. @useDeclaredType */
export type OffsetUnit = (typeof OFFSET_UNITS)[number];

/** The names of the units in messages. */
export const UNIT_NAMES: Readonly<Record<OffsetUnit, string>> = {
  utf16: 'UTF-16 code units',
  codepoints: 'code points',
};

/** Returns a function that converts offsets in code units to a unit. A surrogate without its partner counts as a code point. */
export function placesFromUtf16(text: string, unit: OffsetUnit): (at: number) => number {
  if (unit === 'utf16') return (at) => at;
  const places = new Uint32Array(text.length + 1);
  let points = 0;
  for (let at = 0; at < text.length; at++) {
    places[at] = points++;
    if (text.codePointAt(at)! > 0xffff) places[++at] = points;
  }
  places[text.length] = points;
  return (at) => places[at];
}

/** Returns a function that converts offsets in a unit to code units; undefined beyond the end of the text. */
export function placesToUtf16(text: string, unit: OffsetUnit): (at: number) => number | undefined {
  if (unit === 'utf16') return (at) => (at <= text.length ? at : undefined);
  const units = [0];
  for (const character of text) units.push(units.at(-1)! + character.length);
  return (at) => units[at];
}

/** Length of a text in a unit. */
export function lengthIn(text: string, unit: OffsetUnit): number {
  return placesFromUtf16(text, unit)(text.length);
}
