/** `bptt verify`: redraws a figure from its own metadata, and compares every mark. */
import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { openBytes } from '../../labeling/data/files.node.js';
import { BpttError, DataError } from '../../tensor/index.js';
import { counted } from '../../tensor/print.js';
import { visible } from '../../tensor/visible.js';
import { print, printJson } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { drawFigure } from './figure-draw.js';
import type { FigureQuestion } from './figure-draw.js';
import { figureCommand } from './figure.js';
import { compareMarks, metadataIn } from './marks.js';

interface Options {
  readonly cell?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const HELP = `
The command in the figure's metadata runs again; nothing is written. Each mark is compared: its number, its source, and how it is
drawn. A figure can name a model file to read, but never code to run: if it was made with your own cell, pass --cell.

Exit status: 0 if every mark is the same, 1 if one differs, 65 if the file is not such a figure.

Example:
  bptt verify reach.svg`;

/** Maximum size of a figure. */
const LARGEST = 64 << 20;

/** Limits on the work that a figure can request. */
const MOST = { hidden: 512, embedding: 512, layers: 8, train: 5000, seeds: 50 } as const;

/** Adds the command. */
export function addVerify(program: Command, terminal: Terminal): void {
  program
    .command('verify')
    .description('redraw a figure from its own metadata, and compare every mark')
    .argument('<figure>', 'an SVG file of bptt figure')
    .argument('[model]', 'its model file, if it has moved')
    .option('--cell <file>', 'the JavaScript file of the cell, if it is not built in')
    .option('--json', 'print one JSON object: marks, differing')
    .option('--quiet', 'show no progress')
    .addHelpText('after', HELP)
    .action((figure: string, model: string | undefined, options: Options) =>
      runVerify(figure, model, options, terminal),
    );
}

async function runVerify(path: string, model: string | undefined, options: Options, terminal: Terminal): Promise<void> {
  const text = await textOf(path);
  const { args, sha256, version } = metadataIn(text, path);
  const asked = await questionOf(args, model, options, path);
  const question = { ...asked, options: { ...asked.options, quiet: options.quiet } };
  const figure = await drawFigure(question, terminal).catch((error: unknown) => {
    throw error instanceof BpttError
      ? new DataError(`${path}: its command fails: ${error.message}`, { cause: error })
      : error;
  });
  const again = metadataIn(figure.svg, path);
  const { marks, differing, first } = compareMarks(text, figure.svg);
  const others = marks > 0 && differing === 0 && again.sha256 !== sha256 ? marks : differing;
  if (options.json) await printJson(terminal, { marks, differing: others });
  else
    await print(
      terminal,
      others === 0
        ? `${counted(marks, 'mark')}, all the same`
        : `${counted(marks, 'mark')}, ${others} ${others === 1 ? 'differs' : 'differ'}`,
    );
  if (others === 0) return;
  const weights =
    again.sha256 === sha256
      ? ''
      : `, and the model has other weights (expected the SHA-256 ${hash(sha256)}; got ${hash(again.sha256)}): pass the model that made the figure`;
  const made = version === again.version ? '' : `; it was made by bptt ${visible(version)}, this is ${again.version}`;
  throw new BpttError(
    `verify: ${path}: ${others} of ${marks} marks differ${weights}${first ? `; the first is ${first}` : ''}${made}`,
  );
}

/** Enough of a hash to identify a file. */
const hash = (sha256: string): string => visible(sha256.slice(0, 16));

async function textOf(path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of await openBytes(path)) {
    size += chunk.length;
    if (size > LARGEST) throw new DataError(`${path}: expected a figure of at most 64 MiB; it is larger`);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new DataError(`${path}: expected an SVG file in UTF-8; it is not`, { cause });
  }
}

/** Parses the arguments of a figure. @throws DataError if they are invalid, or request too much work */
async function questionOf(
  args: readonly string[],
  model: string | undefined,
  own: Options,
  path: string,
): Promise<FigureQuestion> {
  let found: FigureQuestion | undefined;
  const command = figureCommand((question) => {
    found = question;
    return Promise.resolve();
  })
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  try {
    await command.parseAsync(args, { from: 'user' });
  } catch (cause) {
    if (!(cause instanceof CommanderError) && !(cause instanceof BpttError)) throw cause;
    throw refused(path, `its command is not one of bptt figure: ${cause.message.replace(/^error: /, '')}`, cause);
  }
  if (found === undefined) throw refused(path, 'its command is not one of bptt figure');
  const { options } = found;
  for (const [name, most] of Object.entries(MOST)) {
    const value = options[name as keyof typeof MOST];
    if (value !== undefined && value > most)
      throw refused(path, `its command has --${name} ${value}; verify accepts at most ${most}`);
  }
  if (options.cell !== undefined && /[/\\]|\.[cm]?js$/.test(options.cell)) {
    if (own.cell === undefined)
      throw refused(path, `its command runs ${options.cell}: pass --cell with a file that you trust`);
    return { ...found, file: model ?? found.file, options: { ...options, cell: own.cell } };
  }
  return { ...found, file: model ?? found.file };
}

const refused = (path: string, why: string, cause?: unknown): DataError =>
  new DataError(visible(`${path}: ${why}`), { cause });
