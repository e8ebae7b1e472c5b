/** Errors that end a command early, as one line for people and one number for scripts. */
import { CommanderError } from 'commander';
import { ArgumentError, BpttError, DataError } from '../tensor/errors.js';

/** Exit statuses. Data errors follow `EX_DATAERR` of sysexits(3), signals the shell's 128 + number: SIGHUP, SIGINT, SIGTERM. */
export const EXIT = { ok: 0, failure: 1, usage: 2, data: 65, hungUp: 129, interrupted: 130, terminated: 143 } as const;

/** Thrown by a command that was stopped, by Ctrl-C or otherwise, after it saved its work. */
export class InterruptedError extends BpttError {
  override name = 'InterruptedError';

  /** @param exitCode 128 + the number of the signal */
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/** Returns the exit status for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof InterruptedError) return error.exitCode;
  if (error instanceof ArgumentError) return EXIT.usage;
  if (error instanceof DataError) return EXIT.data;
  return EXIT.failure;
}
