/**
 * `--config F` reads training settings from a file, and `--save-config` writes a file with the settings of a run, from which it
 * can be repeated. Paths in it are relative to its own folder, with `/` as the separator.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { statSync } from 'node:fs';
import type { Command, Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import { labeledFiles } from '../labeling/data/files.node.js';
import { saveFile } from '../serialize/save.node.js';
import { parseUniqueJson } from '../serialize/unique-json.js';
import { nearestName } from '../tensor/nearest.js';
import { ArgumentError, BpttError, DataError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import { counted } from '../tensor/print.js';
import { quoted, visible } from '../tensor/visible.js';
import { FORMAT, fits, kindOf, settingsOf } from './config-values.js';
import { named, readBytes } from './model-io.js';
import { listsNames } from './label-names.js';
import { fileOfCell } from './own-cell.js';
import type { Terminal } from './terminal.js';

/** Command-line options about configuration files. */
export interface ConfigOptions {
  readonly config?: string;
  /** A path; false for none; true, the default, for a file next to the model. */
  readonly saveConfig?: string | boolean;
}

/** The source of an option value, as recorded by commander. */
export const FROM_CONFIG = 'config';

/** Whether an option was given, on the command line or in a configuration file. */
export function isGiven(command: Command, name: string): boolean {
  return ['cli', FROM_CONFIG].includes(command.getOptionValueSource(name) ?? '');
}

/**
 * Adds `--config`, which fills in options missing on the command line, and `--save-config`. Call it before required options are
 * added.
 */
export function addConfigOptions(command: Command, terminal: Terminal): void {
  addConfigReader(command, terminal, { settings: () => settingsOf(command) })
    .option('--save-config <file>', 'write the settings to this file (default: next to the model, MODEL.config.json)')
    .option('--no-save-config', 'do not write a settings file');
}

/** The use that a command makes of a configuration file. */
export interface ConfigReader {
  /** The settings that the file may name. */
  readonly settings: () => readonly Option[];
  /** Those that the command ignores, which is reported. */
  readonly leftOut?: readonly string[];
}

/** Adds `--config`. Call it before required options are added. */
export function addConfigReader(command: Command, terminal: Terminal, reader: ConfigReader): Command {
  return command
    .option(
      '--config <file>',
      'read settings from a file, as training writes it next to its model; other options override it',
    )
    .hook('preAction', async () => {
      const path = command.getOptionValue('config') as string | undefined;
      if (path === undefined) return;
      const line = await applyConfig(path, command, reader);
      if (!command.getOptionValue('quiet')) terminal.stderr.write(`${visible(line)}\n`);
    });
}

/** Fills in options from a file. @returns what to report @throws DataError on a file of another kind */
async function applyConfig(path: string, command: Command, { settings, leftOut = [] }: ConfigReader): Promise<string> {
  if (path === '-')
    throw new ArgumentError('--config - : expected a file, as paths in it are relative to it: pass one');
  const text = new TextDecoder().decode(await readBytes(path));
  const all = named(path, () => parseConfig(text, settings()));
  const values = Object.fromEntries(Object.entries(all).filter(([name]) => !leftOut.includes(name)));
  const options = new Map(settings().map((option) => [option.attributeName(), option]));
  const isClassify = (command.getOptionValueSource('task') === 'cli' ? command.getOptionValue('task') : values.task) === 'classify'; // prettier-ignore
  const overridden: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const option = options.get(name)!;
    if (command.getOptionValueSource(name) === 'cli') {
      overridden.push(option.long!);
      continue;
    }
    const placed = mapPaths(name, value, isClassify, (file) => fromFolder(dirname(path), file));
    command.setOptionValueWithSource(name, placed, FROM_CONFIG);
  }
  const instead = overridden.length === 0 ? '' : `; overridden on the command line: ${overridden.join(', ')}`;
  const without = leftOut.filter((name) => Object.hasOwn(all, name));
  const left = without.length === 0 ? '' : `; not used here: ${without.join(', ')}`;
  return `config ${path}: ${counted(Object.keys(values).length, 'setting')}${instead}${left}`;
}

/**
 * Returns the checked settings of a configuration file.
 *
 * @param options the options that it may contain
 * @throws DataError naming the first key that is unknown or has an invalid value
 */
export function parseConfig(text: string, options: readonly Option[]): Record<string, unknown> {
  const read = parseUniqueJson(text, 'configuration');
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw new DataError(`expected an object of settings, {"bptt": "${FORMAT}", …}; got another value`);
  const { bptt, ...values } = read as Record<string, unknown>;
  if (typeof values.$schema === 'string') delete values.$schema; // for editors
  if (bptt !== FORMAT) {
    const got = bptt === undefined ? 'nothing' : shown(bptt);
    throw new DataError(`expected "bptt": "${FORMAT}", which says what the file is; got ${got}: add it`);
  }
  const known = options.map((option) => option.attributeName());
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const option = options.find((one) => one.attributeName() === key);
      if (option) return [key, valueOf(option, value)];
      const near = nearestName(key, known);
      const hint = near === undefined ? 'bptt train --help lists them' : `did you mean "${near}"?`;
      throw new DataError(`unknown key ${quoted(key)}: expected a setting of bptt train; ${hint}`);
    }),
  );
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return visible(text.length > 60 ? `${text.slice(0, 60)}…` : text);
};

/** The value of an option as its parser would return it. @throws DataError if it is not valid for the option */
export function valueOf(option: Option, value: unknown): unknown {
  const { schema, expected, text } = kindOf(option);
  const name = option.attributeName();
  if (!fits(schema, value)) throw new DataError(`"${name}" must be ${expected}; got ${shown(value)}`);
  const said = typeof value === 'string' ? value : text?.(value as never);
  if (said === undefined || option.parseArg === undefined) return value;
  try {
    return option.parseArg(said, undefined as never) as unknown;
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new DataError(`"${name}": ${error.message} Got ${shown(value)}`, { cause: error });
  }
}

/** Applies a function to the paths in the value of a setting. */
export function mapPaths(name: string, value: unknown, isClassify: boolean, map: (path: string) => string): unknown {
  if (typeof value !== 'string' || value === '-') return value;
  if (['train', 'dev', 'test'].includes(name)) {
    const files = isClassify ? labeledFiles(value) : undefined;
    return files ? files.map(({ category, path }) => `${category}=${map(path)}`).join(',') : map(value);
  }
  if (name === 'labelNames') return listsNames(value) ? value : map(value);
  if (name === 'vectors' || name === 'init' || (name === 'classWeights' && value !== 'balanced')) return map(value);
  if (name === 'cell' && fileOfCell(value) !== undefined) return map(value);
  return value;
}

const fromFolder = (folder: string, path: string): string => {
  if (isAbsolute(path)) return path;
  const placed = join(folder, path);
  return path.startsWith('./') && !/[/\\]/.test(placed) ? `./${placed}` : placed; // `--cell ./a.mjs` stays a path
};

/** A path relative to a folder, with `/` as the separator. */
export function toFolder(folder: string, path: string): string {
  const way = relative(resolve(folder), resolve(path)).split(sep).join('/');
  return isAbsolute(way) || way.startsWith('../') ? way : `./${way}`;
}

/** Settings that only one encoder reads: left out of a file if that encoder is not used. */
export type EncoderSettings = Readonly<Record<string, readonly string[]>>;

/** The settings that these options make unused: those of absent encoders, or of an absent character network. */
export function idleSettings(options: Readonly<Record<string, unknown>>, ofEncoders: EncoderSettings): string[] {
  const encoders = options.encoders as readonly string[];
  const idle = Object.entries(ofEncoders).flatMap(([name, own]) => (encoders.includes(name) ? [] : own));
  return options.characters === 'lstm' ? [...idle, 'characterWindow'] : idle;
}

/**
 * Returns the text of a configuration file: every setting with the value used in training, in the order of `--help`.
 *
 * @param path its future location, to which its paths are relative
 * @param options the resolved settings
 * @param ofEncoders settings that only one encoder reads
 */
export function configText(
  path: string,
  command: Command,
  options: Readonly<Record<string, unknown>>,
  ofEncoders: EncoderSettings,
): string {
  const idle = idleSettings(options, ofEncoders);
  const names = settingsOf(command).map((option) => option.attributeName());
  const values = [...new Set(names)].flatMap((name): [string, unknown][] => {
    const value = options[name];
    if (value === undefined || idle.includes(name)) return [];
    if (value === Infinity) return [[name, 'none']]; // --clip none
    return [[name, mapPaths(name, value, options.task === 'classify', (file) => toFolder(dirname(path), file))]];
  });
  const file = { bptt: FORMAT, ...Object.fromEntries(values) };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Whether a path is a folder, a device or a pipe; a path that does not exist is rejected elsewhere, with a reason. */
function isOtherThanFile(path: string): boolean {
  try {
    return !statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Path for the settings of a training run; undefined if they are not written, for example next to a device. */
export function configPlace({ saveConfig }: ConfigOptions, out: string): string | undefined {
  if (saveConfig === false) return undefined;
  if (typeof saveConfig === 'string') return saveConfig;
  if (isOtherThanFile(out)) return undefined;
  return join(dirname(out), `${basename(out).replace(/(?<=.)\.safetensors$/, '')}.config.json`);
}

/**
 * Writes the settings of a training run next to a model that is already saved.
 *
 * An existing file of that name is left unchanged if it is the one that `--config` read, or is not a configuration.
 *
 * @returns what to report if it was not written
 * @throws BpttError if it cannot be written
 */
export async function saveConfig(
  path: string,
  text: string,
  { config, saveConfig: asked }: ConfigOptions,
  out: string,
): Promise<string | undefined> {
  if (typeof asked !== 'string') {
    if (config !== undefined && resolve(config) === resolve(path)) return undefined;
    const before = await readFile(path, 'utf8').catch(() => undefined);
    if (before !== undefined && !isConfig(before))
      return `${path} is not a configuration of bptt and was left as it is; choose another file for the settings (--save-config)`;
  }
  try {
    await saveFile(path, new TextEncoder().encode(text));
    return undefined;
  } catch (error) {
    throw new BpttError(`${messageOf(error)}; the model was saved to ${out}`, { cause: error });
  }
}

/** Whether a text identifies itself as a training configuration. */
export function isConfig(text: string): boolean {
  try {
    return (JSON.parse(text) as { bptt?: unknown } | null)?.bptt === FORMAT;
  } catch {
    return false;
  }
}
