/** Checks of a cell from outside the package, made once, on entry. */
import { isRecord } from '../tensor/arguments.js';
import { describe } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Cell, ForwardCell } from './cell.js';
import { expectQuantities } from './quantity-checks.js';

const isFunction = (x: unknown): boolean => typeof x === 'function';
const isNames = (x: unknown): x is string[] => Array.isArray(x) && x.every((each) => typeof each === 'string');
const isWidths = (x: unknown, name: string): boolean =>
  isRecord(x) && name in x && Object.values(x).every((width) => Number.isInteger(width) && (width as number) > 0);

const isMasks = (x: unknown): boolean =>
  x === undefined ||
  (isRecord(x) && Object.values(x).every((mask) => isRecord(mask) && isMean(mask.mean) && isPer(mask.per)));
const isMean = (x: unknown): boolean => typeof x === 'number' && x > 0 && x < 1;
const isPer = (x: unknown): boolean => x === 'step' || x === 'sequence';

type Member<C> = readonly [keyof C & string, (x: unknown) => boolean, string];

/** What each member of the forward half must be. */
const FORWARD: readonly Member<ForwardCell>[] = [
  ['name', (x) => typeof x === 'string' && x !== '', 'a name'],
  ['gates', (x) => Number.isInteger(x) && (x as number) > 0, 'an integer of at least 1'],
  ['states', (x) => isNames(x) && x[0] === 'h', "a list of names, 'h' first"],
  ['saved', (x) => isWidths(x, 'a'), 'a record of widths with a'],
  ['masks', isMasks, "a record of masks, each { mean, per }, mean in (0, 1), per 'step' or 'sequence'"],
  ['shapes', isFunction, 'a function'],
  ['stepForward', isFunction, 'a function'],
];

/** What each other member of a cell must be. */
const BACKWARD: readonly Member<Cell>[] = [
  ['gateNames', isNames, 'a list of names'],
  ['stepGrads', (x) => isWidths(x, 'da'), 'a record of widths with da'],
  ['initialize', isFunction, 'a function'],
  ['stepBackward', isFunction, 'a function'],
  ['weightGradients', isFunction, 'a function'],
  ['equations', (x) => x === undefined || isFunction(x), 'a function'],
];

/** Cells already checked: a layer that is called often is checked once. */
const sound = new WeakSet<object>();
const soundForward = new WeakSet<object>();

/**
 * Rejects a value that is not a cell. A cell is checked when it is first used; a member removed later goes unnoticed.
 *
 * @param where the function called, for the message
 * @throws ArgumentError that names the member
 */
export function expectCell(where: string, cell: unknown): asserts cell is Cell {
  if (sound.has(cell as object)) return; // a set has no primitive values
  expectForwardCell(where, cell);
  expectMembers(where, cell as object, BACKWARD);
  const { quantities, ...members } = cell as unknown as Cell;
  expectQuantities(where, quantities, members);
  sound.add(cell);
}

/**
 * Rejects a value that is not even the forward half of a cell.
 *
 * @param where the function called, for the message
 * @throws ArgumentError that names the member
 */
export function expectForwardCell(where: string, cell: unknown): asserts cell is ForwardCell {
  if (soundForward.has(cell as object)) return;
  if (!isRecord(cell)) {
    throw new ArgumentError(`${where}: cell must be a cell, such as { ...lstm, … }; got ${describe(cell)}`);
  }
  expectMembers(where, cell, FORWARD);
  const { saved, masks = {} } = cell as unknown as ForwardCell;
  for (const name of Object.keys(masks)) {
    if (Object.hasOwn(saved, name) && name !== 'a') continue;
    throw new ArgumentError(
      `${where}: cell.masks.${name} must be a saved tensor other than a; those of the cell are ${Object.keys(saved).join(', ')}: correct the name`,
    );
  }
  soundForward.add(cell);
}

function expectMembers(where: string, cell: object, members: readonly Member<never>[]): void {
  for (const [member, holds, wanted] of members) {
    const value = (cell as Readonly<Record<string, unknown>>)[member];
    if (holds(value)) continue;
    const got = value === undefined ? 'nothing' : typeof value;
    throw new ArgumentError(`${where}: cell.${member} must be ${wanted}; got ${got}: add it to the cell`);
  }
}
