/** `--cell FILE`: a user-defined cell instead of a name. */
import { existsSync, statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidArgumentError } from 'commander';
import { cellNamed, cells as builtInCells, expectCell } from '../cells/index.js';
import { familyOf } from '../cells/variant-names.js';
import type { Cell } from '../cells/index.js';
import { ArgumentError, BpttError } from '../tensor/index.js';
import type { Terminal } from './terminal.js';

/** The values that `--cell` accepts, for its help. */
export const cellChoices = (cells: Readonly<Record<string, Cell>> = builtInCells): string =>
  `${Object.keys(cells).join(', ')}, NAME:OPTIONS, or a JavaScript file that exports one`;

const looksLikeFile = (text: string): boolean => /[/\\]|\.[cm]?js$/.test(text);

/** A parser that accepts the name of a cell, or a path. */
export function cellName(cells: Readonly<Record<string, Cell>> = builtInCells): (text: string) => string {
  return (text) => {
    if (Object.hasOwn(cells, text)) return text;
    if (familyOf(text) !== undefined) return variantName(text);
    if (looksLikeFile(text)) return text;
    throw new InvalidArgumentError(
      `It must be one of ${Object.keys(cells).join(', ')}, a variant, such as lstm:peepholes, or the path of a JavaScript file, such as ./my-cell.mjs.`,
    );
  };
}

/** The normalized name of a cell variant, with its options in a fixed order. */
function variantName(text: string): string {
  try {
    return cellNamed(text)!.name;
  } catch (error) {
    if (error instanceof ArgumentError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}

/** The file given by `--cell`; undefined for a built-in cell. */
export function fileOfCell(text: string): string | undefined {
  return Object.hasOwn(builtInCells, text) || familyOf(text) !== undefined ? undefined : text;
}

/**
 * Returns the cell given by `--cell`: a built-in one, or the one that a module exports, as its default export or as `cell`.
 *
 * @throws ArgumentError if there is no such file, or it exports no cell; BpttError if it cannot be loaded
 */
export async function openCell(
  text: string,
  terminal: Pick<Terminal, 'endHere'> = {},
  cells: Readonly<Record<string, Cell>> = builtInCells,
): Promise<Cell> {
  if (Object.hasOwn(cells, text)) return cells[text];
  if (familyOf(text) !== undefined) return cellNamed(text)!;
  terminal.endHere?.(); // a timer in the module would keep the command alive
  const loaded = await load(text);
  const inner = loaded.default as Readonly<Record<string, unknown>> | undefined;
  const cell = loaded.cell ?? inner?.cell ?? inner;
  if (cell === undefined) {
    const exported = Object.keys(loaded).join(', ') || 'nothing';
    throw new ArgumentError(
      `--cell ${text}: expected a cell as its default export, or as cell; it exports ${exported}`,
    );
  }
  expectCell(`--cell ${text}`, cell);
  return cell;
}

/** The user-defined cell that a model was trained with; undefined if `--cell` is omitted. */
export async function openOwnCell(
  text: string | undefined,
  terminal: Pick<Terminal, 'endHere'> = {},
): Promise<{ cell?: Cell }> {
  return text === undefined ? {} : { cell: await openCell(text, terminal) };
}

async function load(path: string): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(path)) throw new ArgumentError(`--cell ${path}: there is no such file`);
  if (statSync(path).isDirectory()) {
    throw new ArgumentError(`--cell ${path} is a folder; give the file of a JavaScript module`);
  }
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const { code, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
    const foreign = code === 'ERR_UNKNOWN_FILE_EXTENSION' && message?.includes(`"${extname(path)}"`);
    const why = foreign
      ? `Node cannot load ${extname(path)}; pass a JavaScript module, .mjs, .cjs or .js`
      : `loading it throws ${String(message ?? error).split('\n')[0]}`;
    throw new BpttError(`--cell ${path}: ${why}`, { cause: error });
  }
}
