/**
 * Output of commands: results go to standard output, everything else to standard error, so that `--json` and pipes stay clean.
 */
import { once } from 'node:events';
import { basename, relative } from 'node:path';
import type { Writable } from 'node:stream';
import pc from 'picocolors';

/** An output stream, which may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** The environment of a command; `main` passes that of the process. */
export interface Terminal {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How the program was called, for commands to paste; default `bptt`. */
  readonly command?: string;
  /**
   * Called by a command that runs user code: the process then ends with the command, whatever timers that code has left.
   * Otherwise the process ends by itself.
   */
  readonly endHere?: () => void;
  /** Clock for progress, in milliseconds; default that of the process. */
  readonly now?: () => number;
}

/** Functions that color text, or leave it unchanged. */
export type Colors = ReturnType<typeof pc.createColors>;

/**
 * How to call the program again from the current folder: `bptt` if it was found by that name, `npx bptt` under npx, else `node`
 * with the path of the script, as in a checkout that is not installed.
 *
 * @param script the script as Node was given it, `process.argv[1]`
 */
export function commandOf(script: string | undefined, env: Terminal['env']): string {
  if (script === undefined || basename(script) === 'bptt') return env.npm_command === 'exec' ? 'npx bptt' : 'bptt';
  const path = relative('', script);
  return `node ${/[^\w./\\:@-]/.test(path) ? JSON.stringify(path) : path}`;
}

/**
 * Colors for one stream: only on a terminal, and not if `NO_COLOR` is set to anything (https://no-color.org) or `TERM` is `dumb`.
 */
export function colorsFor(stream: OutputStream, env: Terminal['env']): Colors {
  return pc.createColors(Boolean(stream.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb');
}

/** Writes text and waits for a slower reader, so that a long result is never buffered in memory. */
export async function write(stream: OutputStream, text: string | Uint8Array): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}

/** Writes one line of result. */
export async function print(terminal: Terminal, line: string): Promise<void> {
  await write(terminal.stdout, `${line}\n`);
}

/** Writes one JSON object on a single line: the entire standard output of a command run with `--json`. */
export async function printJson(terminal: Terminal, value: object): Promise<void> {
  await print(terminal, JSON.stringify(value));
}
