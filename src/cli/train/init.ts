/** `bptt train --init MODEL` and `--freeze`: training that continues from a model, and its report. */
import type { Command } from 'commander';
import type { Model } from '../../labeling/model/model.js';
import { ARCHITECTURE, architectureOf, expectArchitecture, REMEMBERED } from '../../labeling/training/architecture.js';
import type { Grown, TrainHooks } from '../../labeling/training/record.js';
import { counted } from '../../tensor/print.js';
import { quoted, visible } from '../../tensor/visible.js';
import { partNames } from '../arguments.js';
import { isGiven } from '../config.js';
import { readModel } from '../model-io.js';
import { fileOfCell, openOwnCell } from '../own-cell.js';
import type { Terminal } from '../terminal.js';

/** Command-line options. */
export interface InitOptions {
  /** The model file. */
  readonly init?: string;
  readonly freeze?: readonly string[];
}

/** Adds the options. */
export function addInitOptions(command: Command): void {
  command
    .option('--init <model>', 'continue from a model: its weights, words, labels and architecture; new words and labels are added')
    .option('--freeze <parts>', 'keep these parts unchanged: encoders, encoders.words, layers.0, heads.slots', partNames); // prettier-ignore
}

/** The model given by `--init`. @throws DataError if the file is not a model */
export async function readInit(
  { init, cell }: InitOptions & { readonly cell: string },
  command: Command,
  terminal: Terminal,
): Promise<Model | undefined> {
  if (init === undefined) return undefined;
  const file = isGiven(command, 'cell') ? fileOfCell(cell) : undefined;
  return readModel(init, await openOwnCell(file, terminal));
}

/**
 * Returns the options; architecture options that are not given take the values of the model.
 *
 * @throws ArgumentError if a given option contradicts the model
 */
export function withInit<O extends object>(options: O, command: Command, init: Model | undefined): O {
  if (init === undefined || init.members) return options; // training rejects an ensemble
  const known = architectureOf(init);
  const given = ARCHITECTURE.filter((name) => isGiven(command, name) && !(name === 'cell' && init.own.cell));
  expectArchitecture(Object.fromEntries(given.map((name) => [name, options[name as keyof O]])), known);
  const names = [...ARCHITECTURE, ...REMEMBERED].filter((name) => !isGiven(command, name) && name in options);
  const valueOf = (name: string): unknown => {
    const value: unknown = known[name as keyof typeof known];
    const isUnset = value === 0 || value === false || (name === 'hidden' && typeof value !== 'number');
    return isUnset && !['bidirectional', 'signatures', 'dropout'].includes(name) ? undefined : value;
  };
  return { ...options, ...Object.fromEntries(names.map((name) => [name, valueOf(name)])), task: known.task };
}

/** Maximum number of names in a line. */
const SHOWN = 10;

const listed = (names: readonly string[]): string =>
  names.slice(0, SHOWN).map((name) => quoted(name)).join(', ') + (names.length > SHOWN ? ', …' : ''); // prettier-ignore

const KINDS: Readonly<Record<string, string>> = { characters: 'new character', vectors: 'new word with a vector' };

/** What was added to a model, one line each. */
export function grownLines(path: string, { encoders, labels }: Grown): string[] {
  const words = Object.entries(encoders).map(([kind, added]) => counted(added.length, KINDS[kind] ?? 'new word'));
  const heads = Object.entries(labels).map(
    ([name, added]) => `${name}: ${counted(added.length, 'new label')}: ${listed(added)}`,
  );
  return [`init ${path}: ${words.length === 0 ? 'no new words' : words.join(', ')}`, ...heads].map(visible);
}

/** The data kept from the model's file in addition to the model; empty if there is none. */
export function foreignLines({ foreign }: Model): string[] {
  if (foreign === undefined) return [];
  const [tensors, fields] = [foreign.tensors, foreign.metadata].map((each) => Object.keys(each));
  const parts = [
    ...(tensors.length > 0 ? [`${counted(tensors.length, 'tensor')} (${listed(tensors)})`] : []),
    ...(fields.length > 0 ? [`${counted(fields.length, 'field')} (${listed(fields)})`] : []),
  ];
  return [`kept with the model: ${parts.join(', ')}`];
}

/** Reports how training continues from a model, and which parts are frozen. */
export function tellInit(
  init: Model | undefined,
  { init: path, freeze }: InitOptions,
  line: (text: string) => void,
): { readonly hooks: Pick<TrainHooks, 'onGrown'>; report(): object } {
  let told: Grown | undefined;
  const onGrown = (grown: Grown): void => {
    told = grown;
    grownLines(path!, grown).forEach(line);
    if (init) foreignLines(init).forEach(line);
  };
  if (freeze !== undefined) line(visible(`to freeze: ${freeze.join(', ')}`)); // not checked yet
  return {
    hooks: init === undefined ? {} : { onGrown },
    report: () => ({ ...(told && { init: path, grown: told }), ...(freeze && { freeze }) }),
  };
}
