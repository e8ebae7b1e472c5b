/** Labels that a note is about: their positions and counts, and the note itself. */
import { grouped } from '../../tensor/print.js';
import type { Note } from '../data/notes.js';
import type { Sentence } from '../data/sentence.js';
import { UNLABELED } from '../data/unlabeled.js';

/** How many labels a note lists, and how many positions of each. */
export const SHOWN = 10;
const PLACES = 5;

/** `3 times (lines 1, 7, 12)`; if the lines of tokens are unknown, `3 times (sentences at lines 1, 7, 12)`. */
export function timesAt({ count, lines, exact }: FoundLabel): string {
  const times = count === 1 ? 'once' : `${grouped(count)} times`;
  if (lines.length === 0) return times;
  const shown = lines.slice(0, PLACES).join(', ') + (lines.length > PLACES ? ', …' : '');
  const what = exact ? '' : lines.length === 1 ? 'sentence at ' : 'sentences at ';
  return `${times} (${what}${lines.length === 1 ? 'line' : 'lines'} ${shown})`;
}

/** A label and its positions. */
export interface FoundLabel {
  readonly label: string;
  /** Number of tokens. */
  readonly count: number;
  /** Lines of the tokens, or of their sentences, if known. */
  readonly lines: readonly number[];
  /** Whether the lines are those of the tokens. */
  readonly exact: boolean;
}

/** Finds the labels that match, the most common first, ties in order of first occurrence. */
export function placesOf(sentences: readonly Sentence[], wanted: (label: string) => boolean): FoundLabel[] {
  const found = new Map<string, { label: string; count: number; lines: number[]; exact: boolean }>();
  for (const { labels = [], line, lines } of sentences) {
    labels.forEach((label, t) => {
      if (label === UNLABELED || !wanted(label)) return;
      const entry = found.get(label) ?? { label, count: 0, lines: [], exact: true };
      found.set(label, entry);
      entry.count++;
      entry.exact &&= lines !== undefined;
      const at = lines?.[t] ?? line;
      if (at !== undefined && entry.lines.at(-1) !== at) entry.lines.push(at);
    });
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

/** A note about an input, or about sentences without a name. */
export function noteOf(kind: string, message: string, source?: string, line?: number, count?: number): Note {
  return {
    kind,
    message: source === undefined ? message : `${source}: ${message}`,
    ...(source !== undefined && { source }),
    ...(line !== undefined && { line }),
    ...(count !== undefined && { count }),
  };
}
