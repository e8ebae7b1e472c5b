/** Warnings of a command: each on one line of standard error, and all of them in the `--json` object. */
import { collectNotes } from '../labeling/data/notes.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import { visible } from '../tensor/visible.js';

/** A collector that prints every new note. @param line writes one line to standard error */
export function collectWarnings(line: (text: string) => void): NoteCollector {
  return collectNotes(({ message }) => line(`warning: ${visible(message)}`));
}
