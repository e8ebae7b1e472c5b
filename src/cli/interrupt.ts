/** Ctrl-C as an `AbortSignal`: a command with unsaved work can finish in an orderly way. */
import { createContext, Script } from 'node:vm';
import { EXIT } from './failure.js';

/** A watch for SIGINT, SIGTERM, and the SIGHUP of a closed terminal. */
export interface Interrupt {
  /** Aborted by the first of these signals. A second one, unless it is an echo of the first, ends the process at once. */
  readonly signal: AbortSignal;
  /** The exit status for the received signal; 0 if none was received. */
  exitCode(): number;
  /**
   * Runs code that may never return, such as a user's kernel; listeners are not called while it runs. Ctrl-C stops the code,
   * which throws, and aborts the signal; SIGTERM and SIGHUP end the process, as without a listener.
   */
  run<T>(act: () => T): T;
  /** Restores the default handling of the signals. */
  release(): void;
}

/**
 * Signals closer together than this, in milliseconds, count as one: `timeout` and `npm` forward a signal to a process that
 * already received it.
 */
const ECHO_MS = 300;

/** Calls `act` such that Ctrl-C can end it: Node then uses another thread to terminate execution in V8. */
const CALL = new Script('act()');

/**
 * Starts watching.
 *
 * @param now the clock, in milliseconds
 */
export function watchInterrupt(now: () => number = () => performance.now()): Interrupt {
  const controller = new AbortController();
  let code: number = EXIT.ok;
  let first = 0;
  const stop = (status: number): void => {
    if (controller.signal.aborted) {
      if (now() - first > ECHO_MS) process.exit(status);
      return;
    }
    first = now();
    code = status;
    controller.abort();
  };
  const listeners = [
    ['SIGHUP', () => stop(EXIT.hungUp)],
    ['SIGINT', () => stop(EXIT.interrupted)],
    ['SIGTERM', () => stop(EXIT.terminated)],
  ] as const;
  let room: { act?: () => unknown } | undefined;
  const deadly = listeners.filter(([name]) => name !== 'SIGINT');
  for (const [name, listener] of listeners) process.on(name, listener);
  return {
    signal: controller.signal,
    exitCode: () => code,
    run<T>(act: () => T): T {
      for (const [name, listener] of deadly) process.off(name, listener);
      try {
        room ??= createContext({});
        room.act = act;
        return CALL.runInContext(room, { breakOnSigint: true, displayErrors: false }) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED')
          stop(EXIT.interrupted);
        throw error;
      } finally {
        for (const [name, listener] of deadly) process.on(name, listener);
      }
    },
    release() {
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
}
