/**
 * Notes: what a reader or a training decided or changed on its own, or found suspicious, without its being an error. They go
 * through one channel, so that the command line prints each once and `--json` lists them as `warnings`.
 */

import { expectFunction, expectRecord, expectString } from '../../tensor/arguments.js';

/** One thing worth knowing. */
export interface Note {
  /** What kind of thing, for scripts; it stays the same when the words change: `comments`, `one-label`, …. */
  readonly kind: string;
  /** One line for people. It names the input it is about, and says what to do where there is anything to do. */
  readonly message: string;
  /** Name of the input, as error messages have it. */
  readonly source?: string;
  /** Line of the first case, counted from 1. */
  readonly line?: number;
  /** How many cases there are. */
  readonly count?: number;
}

/** Hears of notes, each as soon as it is known. */
export type OnNote = (note: Note) => void;

/** A list of notes that grows. */
export interface NoteCollector {
  readonly notes: readonly Note[];
  /** Takes a note; one with the same kind and words as an earlier one is dropped. */
  readonly add: OnNote;
}

/** An empty collector. @param onNew is called with every note that is not a repetition */
export function collectNotes(onNew: OnNote = () => undefined): NoteCollector {
  expectFunction('collectNotes', 'onNew', onNew);
  const notes: Note[] = [];
  const seen = new Set<string>();
  return {
    notes,
    add(note) {
      expectRecord('collectNotes', 'note', note, '{ kind, message }');
      expectString('collectNotes', 'note.kind', note.kind);
      expectString('collectNotes', 'note.message', note.message);
      const key = JSON.stringify([note.kind, note.message]);
      if (seen.has(key)) return;
      seen.add(key);
      notes.push(note);
      onNew(note);
    },
  };
}
