/** Ctrl-C as an `AbortSignal`: a command that holds unsaved work may finish in its own way. */
import { EXIT } from './failure.js';

/** A running watch for SIGINT and SIGTERM. */
export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM. A second one ends the process at once. */
  readonly signal: AbortSignal;
  /** The exit status that the received signal calls for; 0 while none came. */
  exitCode(): number;
  /** Gives the signals back to the process. */
  release(): void;
}

/** Starts to watch. */
export function watchInterrupt(): Interrupt {
  const controller = new AbortController();
  let code: number = EXIT.ok;
  const stop = (status: number): void => {
    if (controller.signal.aborted) process.exit(status);
    code = status;
    controller.abort();
  };
  const onInt = (): void => stop(EXIT.interrupted);
  const onTerm = (): void => stop(EXIT.terminated);
  process.on('SIGINT', onInt).on('SIGTERM', onTerm);
  return {
    signal: controller.signal,
    exitCode: () => code,
    release: () => void process.off('SIGINT', onInt).off('SIGTERM', onTerm),
  };
}
