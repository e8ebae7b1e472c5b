/**
 * User code runs in this process and must neither end it nor write into its results: its output goes to standard error, and
 * `process.exit` throws at the call. Calls from this package itself pass through.
 */
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BpttError } from '../tensor/index.js';
import { thrownBy } from './user-kernel-check.js';

/** The modules of this package. */
const MODULES = new URL('..', import.meta.url).href;

/** An active guard. */
export interface Guard {
  /** The real standard output, for results. */
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Removes the guard: for a process that will be used otherwise and in which no user timers are left. */
  release(): void;
  /** Waits until everything written to `stdout` is flushed, for a process that ends while guarded. */
  flush(): Promise<void>;
}

/**
 * Guards the process.
 *
 * @param onStray called with errors thrown outside of any call: by a timer, or a promise that is not awaited
 */
export function guardProcess(onStray: (line: string) => void): Guard {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout) as (...args: unknown[]) => boolean;
  const endings = ['exit', 'reallyExit', 'abort'] as const;
  const owner = process as unknown as Record<string, (...args: unknown[]) => unknown>;
  const real = Object.fromEntries(endings.map((name) => [name, owner[name]]));
  stdout.write = ((...args: Parameters<typeof stderr.write>) => stderr.write(...args)) as typeof stdout.write;
  for (const name of endings) {
    owner[name] = (...args) => {
      if (calledByUs()) return real[name].apply(process, args);
      throw new BpttError(
        `called process.${name}(${args.map(String).join(', ')}), which would end the run; let it return or throw`,
      );
    };
  }
  const stray = (error: unknown): void => onStray(`a --kernel threw ${thrownBy(error)} outside any call`);
  process.on('uncaughtException', stray);
  process.on('unhandledRejection', stray);
  const out = new Writable({
    decodeStrings: false,
    // Immediately, not one event loop iteration later: a kernel may block the thread for long.
    write: (chunk, encoding, done) => void (write(chunk, encoding) ? done() : stdout.once('drain', () => done())),
  });
  return {
    stdout: Object.assign(out, { isTTY: stdout.isTTY, columns: stdout.columns }),
    flush: () => new Promise((resolve) => void out.write('', () => write('', () => resolve()))),
    release() {
      stdout.write = write as typeof stdout.write;
      Object.assign(process, real);
      process.off('uncaughtException', stray);
      process.off('unhandledRejection', stray);
    },
  };
}

/** Whether the caller of the calling function belongs to this package, or is Node's own `process.exit`. */
function calledByUs(): boolean {
  const caller = new Error().stack?.split('\n')[3] ?? '';
  return (
    caller.includes(MODULES) ||
    caller.includes(fileURLToPath(MODULES)) ||
    caller.includes('node:internal/process/per_thread')
  );
}
