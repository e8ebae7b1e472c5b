/** `bptt export`: exports a model to the files of another engine. */
import { existsSync } from 'node:fs';
import type { Command, Option } from 'commander';
import type { Model } from '../labeling/model/model.js';
import { memberOf } from '../labeling/model/ensemble.js';
import { ArgumentError } from '../tensor/index.js';
import { counted, grouped } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { integer } from './arguments.js';
import type { ExportFormat, Exported, Values } from './interchange/formats.js';
import { EXPORTS } from './interchange/formats.js';
import { readModel } from './model-io.js';
import { saveAll } from './save-all.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';

const HELP = `
Pass one target. Existing files are replaced only with --force. A part of the model that the other engine lacks is refused by
name; docs/interchange.md lists what survives. Of an ensemble, one member is exported.
`;

/** Adds the command. */
export function addExport(program: Command, terminal: Terminal, formats: readonly ExportFormat[] = EXPORTS): void {
  const command = program
    .command('export')
    .description('write a model for another engine')
    .argument('<model>', 'model file');
  for (const { target, options } of formats) for (const option of [target, ...options]) command.addOption(option);
  const examples = formats.flatMap((format) => format.examples).map((line) => `  ${line}`);
  command
    .option('--member <k>', 'of an ensemble, export this member, counted from 0', integer)
    .option('--force', 'replace existing files')
    .option('--json', 'print one JSON object')
    .addHelpText('after', [HELP.trimEnd(), ...formats.map(({ help }) => help), '\nExample:', ...examples].join('\n'))
    .action((model: string, values: Values) => runExport(model, values, formats, terminal));
}

async function runExport(
  path: string,
  values: Values,
  formats: readonly ExportFormat[],
  terminal: Terminal,
): Promise<void> {
  const format = chosen(values, formats);
  const target = values[format.target.attributeName()] as string;
  if (target === '' || target === '-') {
    throw new ArgumentError(`${format.target.long} must name a file or folder; got ${target === '' ? 'an empty name' : '-'}: pass one`); // prettier-ignore
  }
  const model = memberIn(await readModel(path), values.member as number | undefined);
  warnOfForeign(model, terminal);
  const exported = await format.write(model, target, values, terminal);
  await writeAll(exported, [path, ...(format.inputs?.(values) ?? [])], values.force === true);
  const files = exported.files.map((file) => ({ path: file.path, bytes: file.bytes.length }));
  if (values.json) return printJson(terminal, { model: path, format: format.target.attributeName(), files, notes: exported.lines ?? [] }); // prettier-ignore
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const line of exported.lines ?? []) await print(terminal, visible(line));
  await print(terminal, visible(`${target}: ${counted(files.length, 'file')}, ${grouped(bytes)} bytes`));
}

/** The format whose target is given. @throws ArgumentError on no format, on two, or on options of another format */
function chosen(values: Values, formats: readonly ExportFormat[]): ExportFormat {
  const isGiven = (option: Option): boolean => values[option.attributeName()] !== undefined;
  const given = formats.filter(({ target }) => isGiven(target));
  const names = formats.map(({ target }) => target.flags);
  if (given.length !== 1) {
    const got = given.length === 0 ? 'none' : given.map(({ target }) => target.long).join(' and ');
    throw new ArgumentError(`export: expected one target, ${names.join(', ')}; got ${got}: pass one`);
  }
  const foreign = formats.filter((format) => format !== given[0]).flatMap(({ options }) => options.filter(isGiven))[0];
  if (foreign === undefined || given[0].options.some(({ long }) => long === foreign.long)) return given[0];
  throw new ArgumentError(`${foreign.long} cannot be combined with ${given[0].target.long}: leave it out`);
}

/** Reports the parts of a model file that are not exported. */
function warnOfForeign({ foreign }: Model, terminal: Terminal): void {
  const names = Object.keys({ ...foreign?.tensors, ...foreign?.metadata });
  if (names.length === 0) return;
  const message = `${counted(names.length, 'tensor or field', 'tensors and fields')} of other programs left out: ${names.slice(0, 5).join(', ')}`;
  terminal.stderr.write(`warning: ${visible(message)}\n`);
}

function memberIn(model: Model, member: number | undefined): Model {
  if (member === undefined) return model;
  if (!model.members) throw new ArgumentError(`--member ${member}: the model is not an ensemble: leave it out`);
  if (member >= 0 && member < model.members.length) return memberOf(model, member);
  throw new ArgumentError(`--member must be from 0 to ${model.members.length - 1}; got ${member}: choose one of these`);
}

/** Writes all files or none. @throws ArgumentError, before anything is written, if a file exists and must not be replaced */
async function writeAll({ files }: Exported, inputs: readonly string[], force: boolean): Promise<void> {
  const there = files.filter(({ path }) => existsSync(path));
  if (there.length > 0 && !force) {
    const more = there.length > 1 ? ` and ${there.length - 1} more` : '';
    throw new ArgumentError(`${there[0].path}${more} would be replaced: pass --force, or choose another target`);
  }
  await saveAll(files, inputs);
}
