/** `bptt import`: imports a model from the files of another engine. */
import { openSync, closeSync, readSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { systemError } from '../labeling/data/files.node.js';
import type { Model } from '../labeling/model/model.js';
import { saveModel } from '../labeling/model/file.js';
import { saveFile } from '../serialize/save.node.js';
import { ArgumentError, DataError } from '../tensor/index.js';
import { counted, grouped } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import type { ImportFormat, Values } from './interchange/formats.js';
import { IMPORTS } from './interchange/formats.js';
import { checkOutputs } from './outputs.js';
import { addRequired } from './required.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';

const HELP = `
The path decides what is imported: a folder, or a file by its first bytes. Nothing is left out silently: a tensor without a place
in the model is refused by name. docs/interchange.md lists what survives.
`;

/** Adds the command. */
export function addImport(program: Command, terminal: Terminal, formats: readonly ImportFormat[] = IMPORTS): void {
  const command = program
    .command('import')
    .description('convert a model of another engine to a model file')
    .argument('<path>', 'file or folder of the other engine');
  addRequired(command, '-o, --out <file>', 'the model file');
  for (const option of new Set(formats.flatMap(({ options }) => options))) command.addOption(option);
  const examples = formats.flatMap((format) => format.examples).map((line) => `  ${line}`);
  command
    .option('--json', 'print one JSON object')
    .addHelpText('after', [HELP.trimEnd(), ...formats.map(({ help }) => help), '\nExample:', ...examples].join('\n'))
    .action((path: string, values: Values) => runImport(path, values, formats, terminal));
}

async function runImport(
  path: string,
  values: Values,
  formats: readonly ImportFormat[],
  terminal: Terminal,
): Promise<void> {
  const out = values.out as string;
  const format = formatOf(path, formats);
  expectOwnOptions(values, format, formats);
  const files = format.options.map((option) => values[option.attributeName()]).filter((value) => typeof value === 'string'); // prettier-ignore
  await checkOutputs({ '--out': out }, [path, ...files]);
  const { model, lines = [] } = await format.read(path, values, terminal);
  const bytes = saveModel(model);
  await saveFile(out, bytes);
  const facts = factsOf(model);
  if (values.json) return printJson(terminal, { input: path, format: format.name, out, bytes: bytes.length, ...facts, notes: lines }); // prettier-ignore
  for (const line of lines) await print(terminal, visible(line));
  await print(terminal, visible(`${out}: ${described(facts)}; ${grouped(bytes.length)} bytes`));
}

/** Returns the format of a path. @throws DataError if it cannot be read, or its format is unknown */
function formatOf(path: string, formats: readonly ImportFormat[]): ImportFormat {
  const begin = beginningOf(path);
  const found = formats.find((format) => format.recognizes(path, begin));
  if (found !== undefined) return found;
  const names = formats.map(({ name }) => name).join(', ');
  throw new DataError(`${path}: it is not a model that can be imported; expected one of ${names}: check the path`);
}

/** The first bytes of a file; empty for a folder. */
function beginningOf(path: string): Uint8Array | undefined {
  try {
    if (statSync(path).isDirectory()) return undefined;
    const bytes = new Uint8Array(64);
    const file = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw systemError(path, cause);
  }
}

/** @throws ArgumentError on an option of another format */
function expectOwnOptions(values: Values, format: ImportFormat, formats: readonly ImportFormat[]): void {
  const own = new Set(format.options.map(({ long }) => long));
  const foreign = formats
    .flatMap(({ options }) => options)
    .find((option) => values[option.attributeName()] !== undefined && !own.has(option.long));
  if (foreign !== undefined) throw new ArgumentError(`${foreign.long} does not apply to ${format.name}: leave it out`);
}

function factsOf({ config, heads }: Model) {
  const { cell, hidden, bidirectional } = config.body;
  return {
    encoders: config.encoders.map(({ kind, width, size }) => ({ kind, width, ...(size !== undefined && { size }) })),
    body: { cell, hidden, bidirectional },
    heads: config.heads.map(({ kind, name }, h) => ({ kind, name, labels: heads[h].labels.size })),
  };
}

function described({ encoders, body, heads }: ReturnType<typeof factsOf>): string {
  const read = encoders.map(({ kind, width, size }) => `${kind} ${size === undefined ? '' : `${grouped(Number(size))} × `}${width}`); // prettier-ignore
  const run = `${body.cell} ${body.hidden.join(', ')}${body.bidirectional ? ', both directions' : ''}`;
  const said = heads.map(({ kind, name, labels }) => `${name} (${kind}, ${counted(labels, 'label')})`);
  return [...read, run, ...said].join('; ');
}
