/**
 * Notes: what a reader or a training run decided or changed by itself, or found suspicious, without its being an error. They share one
 * channel, so that the command line prints each note once and `--json` lists them as `warnings`.
 */

import { expectFunction, expectRecord, expectString } from '../../tensor/arguments.js';

/** A note for the user. */
export interface Note {
  /** Its kind, for scripts; stable even if the wording changes: `comments`, `one-label`, …. */
  readonly kind: string;
  /** One line for people. It names the input, and says what to do if an action is needed. */
  readonly message: string;
  /** Name of the input, as in error messages. */
  readonly source?: string;
  /** Line of the first case, counted from 1. */
  readonly line?: number;
  /** How many cases there are. */
  readonly count?: number;
}

/** Receives each note as soon as it arises. */
export type OnNote = (note: Note) => void;

/** A growing list of notes. */
export interface NoteCollector {
  readonly notes: readonly Note[];
  /** Adds a note; a note with the same kind and wording as an earlier one is dropped. */
  readonly add: OnNote;
}

/** Returns an empty collector. @param onNew called with every note that is not a repetition */
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
