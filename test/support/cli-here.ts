/** Runs a command line inside the test's own process: as `bptt` of `cli.ts` does, without the cost of starting Node. */
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { run } from '../../src/cli/program';
import type { Outcome } from './cli';

// Not `process.cwd()`: a test before, cut off by its time limit, may have left the process in a folder that is gone.
const HOME = resolve(__dirname, '../..');

/** What standard output is: a terminal so wide, and the environment. By default no terminal, and an empty environment. */
export interface Surroundings {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `bptt` to its end, in the folder `cwd`, on a clock that stands still, so that no progress is shown however slow the machine is.
 *  Standard input is not replaced: commands that read it need a process. */
export async function bpttHere(
  args: readonly string[],
  cwd = HOME,
  { columns, env = {} }: Surroundings = {},
): Promise<Outcome> {
  const stdout = collector();
  if (columns !== undefined) Object.assign(stdout.stream, { isTTY: true, columns });
  const stderr = collector();
  process.chdir(cwd);
  try {
    const status = await run(args, { stdout: stdout.stream, stderr: stderr.stream, env, now: () => 0 });
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    process.chdir(HOME);
  }
}

function collector(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
