/** Assembles the commands; the only place where errors become a line on standard error and an exit status. */
import { Command, CommanderError } from 'commander';
import { EXIT, exitCodeOf } from './failure.js';
import { messageOf, oneLine } from '../tensor/errors.js';
import { visible } from '../tensor/visible.js';
import { readPackageInfo } from '../bench/package-info.js';
import { refuseRepeats } from './repeats.js';
import type { Terminal } from './terminal.js';

type Add = (program: Command, terminal: Terminal) => void;

/**
 * Loaders of the commands, in the order of the help. A file is loaded only when its command is called, or for the help of all
 * commands.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  train: async () => (await import('./train.js')).addTrain,
  eval: async () => (await import('./eval.js')).addEval,
  errors: async () => (await import('./errors/errors.js')).addErrors,
  tag: async () => (await import('./tag.js')).addTag,
  join: async () => (await import('./join.js')).addJoin,
  serve: async () => (await import('./serve/serve.js')).addServe,
  convert: async () => (await import('./convert.js')).addConvert,
  split: async () => (await import('./split.js')).addSplit,
  stats: async () => (await import('./stats.js')).addStats,
  plot: async () => (await import('./plot.js')).addPlot,
  search: async () => (await import('./search.js')).addSearch,
  export: async () => (await import('./export.js')).addExport,
  import: async () => (await import('./import.js')).addImport,
  inspect: async () => (await import('./reading/inspect.js')).addInspect,
  reach: async () => (await import('./reading/reach.js')).addReach,
  compare: async () => (await import('./reading/compare.js')).addCompare,
  ledger: async () => (await import('./reading/ledger.js')).addLedger,
  check: async () => (await import('./reading/check.js')).addCheck,
  gates: async () => (await import('./reading/gates.js')).addGates,
  salience: async () => (await import('./reading/salience.js')).addSalience,
  figure: async () => (await import('./reading/figure.js')).addFigure,
  verify: async () => (await import('./reading/verify.js')).addVerify,
  report: async () => (await import('./reading/report.js')).addReport,
  quantize: async () => (await import('./quantize.js')).addQuantize,
  gradcheck: async () => (await import('./gradcheck.js')).addGradcheck,
  bench: async () => (await import('./bench.js')).addBench,
  doctor: async () => (await import('./doctor.js')).addDoctor,
  demo: async () => (await import('./demo.js')).addDemo,
};

/**
 * Creates the program with the called command, or with all commands. It throws instead of exiting; see {@link run}.
 *
 * @param args the arguments after the program name; by default every command is added
 */
export async function createProgram(terminal: Terminal, args: readonly string[] = []): Promise<Command> {
  const program = new Command('bptt')
    .description('train and run sequence labelers on hand-written backpropagation through time')
    .version(readPackageInfo().version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: () => undefined, // `run` prints every error in the same form
    })
    .addHelpText('after', '\nExample:\n  bptt demo\n  bptt train --help');
  for (const name of commandsFor(args)) (await COMMANDS[name]())(program, terminal);
  refuseRepeats(program);
  return program;
}

/** Names of the commands needed: the called one; none for the version; all for help and mistakes. */
function commandsFor([first = '']: readonly string[]): string[] {
  if (Object.hasOwn(COMMANDS, first)) return [first];
  return first === '--version' || first === '-V' ? [] : Object.keys(COMMANDS);
}

/**
 * Runs one command line.
 *
 * @param args the arguments after the program name
 * @returns the exit status: 0, 1 failure, 2 usage, 65 bad data, 128 + the signal that interrupted
 */
export async function run(args: readonly string[], terminal: Terminal, create = createProgram): Promise<number> {
  try {
    const program = await create(terminal, args);
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (!isHelp(error)) terminal.stderr.write(`bptt: ${lineOf(error)}\n`);
    return exitCodeOf(error);
  }
}

/** Help and version have already been printed, on the appropriate stream. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && /^commander\.(help|helpDisplayed|version)$/.test(error.code);
}

function lineOf(error: unknown): string {
  if (!(error instanceof CommanderError)) return messageOf(error);
  return visible(`${oneLine(error.message.replace(/^error: /, ''))} (see --help)`);
}
