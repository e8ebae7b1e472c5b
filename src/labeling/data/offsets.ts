/** Places in a text: what they count, and from one count to the other. */

/** What places count: code units, as `String.prototype.slice` does, or code points, as `Array.from` and Python do. */
export const OFFSET_UNITS = ['utf16', 'codepoints'] as const;
/** What offsets count: code units (`utf16`) or code points. @useDeclaredType */
export type OffsetUnit = (typeof OFFSET_UNITS)[number];

/** What messages call them. */
export const UNIT_NAMES: Readonly<Record<OffsetUnit, string>> = {
  utf16: 'UTF-16 code units',
  codepoints: 'code points',
};

/** A function from places in code units to places in a unit. A surrogate without its partner is a code point of its own. */
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

/** A function from places in a unit to places in code units; undefined beyond the end of the text. */
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
