/** Ctrl-C as an `AbortSignal`: a command that holds unsaved work may finish in its own way. */
import { createContext, Script } from 'node:vm';
import { EXIT } from './failure.js';

/** A running watch for SIGINT, SIGTERM, and the SIGHUP of a terminal that is closed. */
export interface Interrupt {
  /** Aborted by the first of these signals. A second one, later than an echo of the first, ends the process at once. */
  readonly signal: AbortSignal;
  /** The exit status that the received signal calls for; 0 while none came. */
  exitCode(): number;
  /**
   * Runs code that may never return, such as a kernel of the user's: no listener is called before it does. Ctrl-C ends the
   * code, which throws, and aborts the signal; SIGTERM and SIGHUP end the process, as they do if nothing listens.
   */
  run<T>(act: () => T): T;
  /** Gives the signals back to the process. */
  release(): void;
}

/** Signals so close together, in milliseconds, are one: `timeout` and `npm` hand a signal on to a process that got it already. */
const ECHO_MS = 300;

/** Calls `act` where Ctrl-C can end it: Node then has another thread that tells V8 to stop. */
const CALL = new Script('act()');

/**
 * Starts to watch.
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
