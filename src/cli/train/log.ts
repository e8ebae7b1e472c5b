/** The log of a training: one JSON object per line, for scripts. */
import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { BpttError } from '../../tensor/index.js';

/** A log file: one JSON object per line, flushed after each line. */
export interface TrainLog {
  /** Adds a line. A log that can no longer be written (a full disk) does not end training: it is reported once and then abandoned. */
  write(entry: object): void;
  /**
   * Starts the log of a resumed run with the entries before the checkpoint, replacing what an earlier run wrote beyond it.
   *
   * @param entries the start entry, every finished epoch, and the point where training resumes
   * @param epochs number of finished epochs
   */
  resume(entries: readonly object[], epochs: number): void;
  /** Why the log ends early; null if it does not. */
  failure(): BpttError | null;
  close(): void;
}

/**
 * Opens a log file for writing; an earlier one is replaced.
 *
 * @param resumes whether replacing waits for `resume`, so that a rejected run leaves the file unchanged
 * @param onFailure called when the log can no longer be written
 * @throws BpttError if it cannot be opened
 */
export function openTrainLog(path: string, onFailure: (error: BpttError) => void, resumes = false): TrainLog {
  const unwritable = (cause: unknown): BpttError =>
    new BpttError(`cannot write the log ${path}: ${(cause as Error).message}`, { cause });
  let file: number;
  let failure: BpttError | null = null;
  try {
    file = openSync(path, resumes ? 'a' : 'w');
  } catch (error) {
    throw unwritable(error);
  }
  const attempt = (act: () => void): void => {
    if (failure) return;
    try {
      act();
    } catch (error) {
      failure = unwritable(error);
      onFailure(failure);
    }
  };
  return {
    write: (entry) => attempt(() => writeFileSync(file, `${JSON.stringify(entry)}\n`)),
    resume(entries) {
      attempt(() => ftruncateSync(file));
      attempt(() => writeFileSync(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));
    },
    failure: () => failure,
    close: () => closeSync(file),
  };
}
