/** Handles lines that cannot be read: the first stops the reader, or all are listed, or they are skipped. */
import { DataError } from '../../../tensor/errors.js';
import type { OnNote } from '../notes.js';
import type { ParseOptions } from './options.js';

/** How many bad lines are reported individually; the others are counted. */
const TOLD = 10;

/** Receives bad lines one by one. */
export interface BadLines {
  /** Whether sentences are no longer returned: reading continues only to list the bad lines. */
  readonly listing: boolean;
  /** @param fatal whether the rest of the input cannot be read either. @throws the error, if reading stops there */
  take(error: DataError, line: number, fatal?: boolean): void;
  /** @param lost sentences and tokens that were dropped with the lines. @throws DataError if bad lines were listed */
  finish(lost: { readonly sentences: number; readonly tokens: number }): void;
}

/** Implements the option `badLines`. */
export function createBadLines({ badLines = 'stop', source, onNote = () => undefined }: ParseOptions): BadLines {
  const told: { error: DataError; line: number }[] = [];
  let count = 0;
  const tell = (hear: OnNote, { error, line }: { error: DataError; line: number }) =>
    hear({ kind: 'bad-line', message: error.message, source, line });
  return {
    get listing() {
      return badLines === 'list' && count > 0;
    },
    take(error, line, fatal = false) {
      if (badLines === 'stop') throw error;
      if (++count <= TOLD) {
        told.push({ error, line });
        if (badLines === 'skip') tell(onNote, { error, line });
      }
      if (fatal) throw badLines === 'list' && count > 1 ? summary(error) : error;
    },
    finish({ sentences, tokens }) {
      if (count === 0) return;
      if (badLines === 'list') throw count === 1 ? told[0].error : summary(told[0].error);
      const lines = `${count} bad ${count === 1 ? 'line was' : 'lines were'} left out`;
      const more = `with ${sentences} ${sentences === 1 ? 'sentence' : 'sentences'} and ${tokens} readable tokens`;
      onNote({ kind: 'bad-lines-left-out', message: `${source}: ${lines}, ${more}`, source, count });
    },
  };

  /** Reports the first ten as notes. */
  function summary(last: DataError): DataError {
    for (const bad of told) tell(onNote, bad);
    const shown = count > told.length ? `, the first ${told.length} of them reported` : '';
    const advice = 'correct them, or leave them out (--skip-bad)';
    const first = told[0].error.message;
    return new DataError(`${first}. That is the first of ${count} bad lines${shown}: ${advice}`, { cause: last });
  }
}
