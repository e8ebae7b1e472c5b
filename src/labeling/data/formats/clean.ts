/**
 * The rule for characters around tokens and labels, the same in every format.
 *
 * White space and invisible marks are removed from both ends of tokens and labels; inside they stay, so a token may contain spaces. White
 * space is as defined by Unicode (tab, no-break and ideographic space, CR, …). Invisible marks are the byte order mark U+FEFF, the
 * zero-width space U+200B, the word joiner U+2060, and the marks of writing direction. The joiners U+200C and U+200D affect the shape of
 * letters and stay. A token that consists only of such characters stays as it is; a label is then missing.
 *
 * Before all else, a mark U+FEFF at the beginning of a line (from concatenated files) and every CR at its end are removed.
 */
import { shortToken } from '../long-tokens.js';
import type { Note } from '../notes.js';
import { quoted } from '../../../tensor/visible.js';

/** Applies the rule, and counts what it changed. */
export interface Cleaner {
  line(text: string, line: number): string;
  /** @throws DataError on a token that is too long (`long-tokens.ts`) */
  token(text: string, line: number): string;
  label(text: string, line: number): string;
  /** The note on what was changed; undefined if nothing was. */
  note(source: string): Note | undefined;
  /** The changes as counts, for adding up. */
  changed(): Changed;
  /** Adds the changes that another cleaner made further down in the same input. */
  add(changed: Changed): void;
}

/** The changes that a cleaner made. Plain data. */
export interface Changed {
  readonly tokens: number;
  readonly labels: number;
  readonly lines: number;
  readonly first?: { readonly line: number; readonly text: string };
}

/** Whether a code unit is removed from the ends. All of these characters are in the basic plane, so each is one unit. */
export function isOuter(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  if (unit < 0x85) return false;
  return (
    unit === 0x85 ||
    unit === 0xa0 ||
    unit === 0x61c ||
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200b) ||
    unit === 0x200e ||
    unit === 0x200f ||
    (unit >= 0x2028 && unit <= 0x202f) ||
    unit === 0x205f ||
    unit === 0x2060 ||
    (unit >= 0x2066 && unit <= 0x2069) ||
    unit === 0x3000 ||
    unit === 0xfeff
  );
}

/** Removes the outer characters at the ends of a text, in time linear in its length. */
export function trimOuter(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOuter(text.charCodeAt(start))) start++;
  while (end > start && isOuter(text.charCodeAt(end - 1))) end--;
  return end - start === text.length ? text : text.slice(start, end);
}

/** Returns a new cleaner. @param source name of the input in messages */
export function createCleaner(source = 'input'): Cleaner {
  const counts = { tokens: 0, labels: 0, lines: 0 };
  let first: Changed['first'];
  const count = (what: keyof typeof counts, line: number, text: string): void => {
    counts[what]++;
    first ??= { line, text };
  };
  return {
    line(text, line) {
      let start = 0;
      let end = text.length;
      while (start < end && text.charCodeAt(start) === 0xfeff) start++;
      while (end > start && text.charCodeAt(end - 1) === 0x0d) end--;
      if (end - start === text.length) return text;
      count('lines', line, text);
      return text.slice(start, end);
    },
    token(text, line) {
      const trimmed = trimOuter(text);
      shortToken(trimmed === '' ? text : trimmed, source, line);
      if (trimmed === text || trimmed === '') return text;
      count('tokens', line, text);
      return trimmed;
    },
    label(text, line) {
      const trimmed = trimOuter(text);
      if (trimmed !== text) count('labels', line, text);
      return trimmed;
    },
    note(name) {
      return first && noteOf(name, counts, first);
    },
    changed: () => ({ ...counts, ...(first && { first }) }),
    add(changed) {
      for (const what of ['tokens', 'labels', 'lines'] as const) counts[what] += changed[what];
      first ??= changed.first;
    },
  };
}

function noteOf(source: string, counts: Changed, first: NonNullable<Changed['first']>): Note {
  const { tokens, labels, lines } = counts;
  const parts = Object.entries({ tokens, labels, lines }).flatMap(([what, n]) =>
    n > 0 ? [`${n} ${n === 1 ? what.slice(0, -1) : what}`] : [],
  );
  const message = `${source}: white space or invisible marks were removed around ${parts.join(' and ')}`;
  return {
    kind: 'white-space',
    message: `${message}, first in line ${first.line}, ${quoted(first.text)}`,
    source,
    line: first.line,
    count: tokens + labels + lines,
  };
}
