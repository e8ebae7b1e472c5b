/** The commands put together, and the one place where errors become a line on standard error and an exit status. */
import { Command, CommanderError } from 'commander';
import { addBench } from './bench.js';
import { addConvert } from './convert.js';
import { addDemo } from './demo.js';
import { addDoctor } from './doctor.js';
import { addEval } from './eval.js';
import { EXIT, exitCodeOf } from './failure.js';
import { messageOf, oneLine } from '../tensor/errors.js';
import { visible } from '../tensor/visible.js';
import { addGradcheck } from './gradcheck.js';
import { readPackageInfo } from '../bench/package-info.js';
import { addReading } from './reading/index.js';
import { addTag } from './tag.js';
import type { Terminal } from './terminal.js';
import { addTrain } from './train.js';

/** The program with all its commands. It throws instead of exiting; see {@link run}. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('bptt')
    .description('train and run sequence labelers on hand-written backpropagation through time')
    .version(readPackageInfo().version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: () => undefined, // `run` prints every error, in one form
    })
    .addHelpText('after', '\nExample:\n  bptt demo\n  bptt train --help');
  addTrain(program, terminal);
  addEval(program, terminal);
  addTag(program, terminal);
  addConvert(program, terminal);
  addReading(program, terminal);
  addGradcheck(program, terminal);
  addBench(program, terminal);
  addDoctor(program, terminal);
  addDemo(program, terminal);
  return program;
}

/**
 * Runs one command line.
 *
 * @param args what follows the name of the program
 * @returns the exit status: 0, 1 failure, 2 usage, 65 bad data, 128 + the signal that interrupted
 */
export async function run(args: readonly string[], terminal: Terminal, create = createProgram): Promise<number> {
  try {
    await create(terminal).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (!isHelp(error)) terminal.stderr.write(`bptt: ${lineOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** Help and version were printed already, on whichever stream they belong. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && /^commander\.(help|helpDisplayed|version)$/.test(error.code);
}

function lineOf(error: unknown): string {
  if (!(error instanceof CommanderError)) return messageOf(error);
  return visible(`${oneLine(error.message.replace(/^error: /, ''))} (see --help)`);
}
