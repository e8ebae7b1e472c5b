#!/usr/bin/env node
import { EXIT } from './failure.js';
import { messageOf } from '../tensor/errors.js';
import { run } from './program.js';
import { commandOf } from './terminal.js';
import { writeWhole } from './whole-writes.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok); // the reader, such as `head`, has closed the pipe
  process.stderr.write(`bptt: cannot write to standard output: ${messageOf(error)}\n`);
  process.exit(EXIT.failure);
});
process.stderr.on('error', () => undefined); // progress has no reader left; results still matter
writeWhole(process.stdout);

const { stdout, stderr, env } = process;
const command = commandOf(process.argv[1], env);
let endsHere = false;
const endHere = (): void => void (endsHere = true);
const status = await run(process.argv.slice(2), { stdout, stderr, env, command, endHere });
process.exitCode = status;
if (endsHere) {
  for (const stream of [stdout, stderr]) await new Promise((resolve) => void stream.write('', resolve));
  try {
    process.exit(status);
  } catch {
    process.exit(status); // a listener of `exit` threw; listeners are not called twice
  }
}
