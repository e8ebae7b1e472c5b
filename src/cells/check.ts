/** Checks of a cell that somebody else wrote, once, where it comes in. */
import { ArgumentError } from '../tensor/errors.js';
import type { Cell } from './cell.js';
import { describe } from '../tensor/describe.js';
import { expectQuantities } from './quantity-checks.js';

const isFunction = (x: unknown): boolean => typeof x === 'function';
const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === 'object' && x !== null && !Array.isArray(x);
const isNames = (x: unknown): x is string[] => Array.isArray(x) && x.every((each) => typeof each === 'string');
const isWidths = (name: string) => (x: unknown) =>
  isRecord(x) && name in x && Object.values(x).every((width) => Number.isInteger(width) && (width as number) > 0);

/** What each member of a cell must be. */
const MEMBERS: readonly (readonly [keyof Cell, (x: unknown) => boolean, string])[] = [
  ['name', (x) => typeof x === 'string' && x !== '', 'a name'],
  ['gates', (x) => Number.isInteger(x) && (x as number) > 0, 'an integer of at least 1'],
  ['gateNames', isNames, 'a list of names'],
  ['states', (x) => isNames(x) && x[0] === 'h', "a list of names, 'h' first"],
  ['saved', isWidths('a'), 'a record of widths with a'],
  ['stepGrads', isWidths('da'), 'a record of widths with da'],
  ['shapes', isFunction, 'a function'],
  ['initialize', isFunction, 'a function'],
  ['stepForward', isFunction, 'a function'],
  ['stepBackward', isFunction, 'a function'],
  ['weightGradients', isFunction, 'a function'],
  ['equations', (x) => x === undefined || isFunction(x), 'a function'],
];

/** Cells that were looked at: a layer that is called often is checked once. */
const sound = new WeakSet<object>();

/**
 * Refuses what is no cell. A cell is looked at when it first comes in; a member that is taken away later is not missed.
 *
 * @param where the function called, for the message
 * @throws ArgumentError that names the member
 */
export function expectCell(where: string, cell: unknown): asserts cell is Cell {
  if (isRecord(cell) && sound.has(cell)) return;
  if (!isRecord(cell)) {
    throw new ArgumentError(`${where}: cell must be a cell, such as { ...lstm, … }; got ${describe(cell)}`);
  }
  for (const [member, holds, wanted] of MEMBERS) {
    if (holds(cell[member])) continue;
    const got = cell[member] === undefined ? 'nothing' : typeof cell[member];
    throw new ArgumentError(`${where}: cell.${member} must be ${wanted}; got ${got}: add it to the cell`);
  }
  const { quantities, ...members } = cell as unknown as Cell;
  expectQuantities(where, quantities, members);
  sound.add(cell);
}
