/** Checks the list of quantities of a cell from outside the package. Each error names the entry. */
import { describe, show } from '../tensor/describe.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Quantity } from './quantities.js';

/** The members of a cell that its quantities refer to. */
interface Described {
  readonly states: readonly string[];
  readonly saved: Readonly<Record<string, number>>;
  readonly stepGrads: Readonly<Record<string, number>>;
}

/** State from the entries before: the last equation number, and the owner of each symbol and each place. */
interface Before {
  equation: number;
  readonly owners: Map<string, string>;
}

type Refuse = (what: string) => never;

/**
 * Rejects a list that does not fit its cell. Entries must be in the order of the equations, symbols and places must be unique,
 * every place must exist, and every state must be described.
 *
 * @param where the function called, for the message
 * @throws ArgumentError that names the entry
 */
export function expectQuantities(where: string, quantities: unknown, cell: Described): void {
  if (!Array.isArray(quantities)) {
    const got = quantities === undefined ? 'nothing' : describe(quantities);
    throw new ArgumentError(
      `${where}: cell.quantities must be a list, one entry for each quantity of the equations; got ${got}: add it to the cell`,
    );
  }
  const before: Before = { equation: 1, owners: new Map() };
  (quantities as readonly unknown[]).forEach((quantity, k) => {
    const name = isRecord(quantity) && isText(quantity.symbol) ? ` ('${quantity.symbol}')` : '';
    expectQuantity(quantity, cell, before, (what) => {
      throw new ArgumentError(`${where}: cell.quantities[${k}]${name}${what}: correct the entry`);
    });
  });
  for (const state of cell.states) {
    if (before.owners.has(`states.${state}[0]`)) continue;
    throw new ArgumentError(
      `${where}: cell.quantities must list every state; '${state}' is missing: add an entry for it`,
    );
  }
}

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === 'object' && x !== null;
const isText = (x: unknown): x is string => typeof x === 'string' && x !== '';

function expectQuantity(quantity: unknown, cell: Described, before: Before, refuse: Refuse): void {
  if (!isRecord(quantity)) return refuse(` must be an object; got ${describe(quantity)}`);
  const { symbol, name, equation, range, value, gradient } = quantity as Partial<Record<keyof Quantity, unknown>>;
  if (!isText(symbol)) return refuse(`.symbol must be a string, such as 'i'; got ${describe(symbol)}`);
  if (!isText(name)) return refuse(`.name must be a string, such as 'input gate'; got ${describe(name)}`);
  const wanted = `.equation must be an integer of at least ${before.equation}, as the list is in the order of the equations`;
  if (!Number.isInteger(equation) || (equation as number) < before.equation) {
    return refuse(`${wanted}; got ${show(equation)}`);
  }
  before.equation = equation as number;
  if (!isRange(range)) return refuse(`.range must be [least, greatest], two numbers; got ${describe(range)}`);
  own(`the symbol ${symbol}`, symbol, before, refuse);
  const states = Object.fromEntries(cell.states.map((state) => [state, 1]));
  expectPlace('.value', value, { saved: cell.saved, states }, symbol, before, refuse);
  if (gradient === undefined) return;
  expectPlace('.gradient', gradient, { stepGrads: cell.stepGrads, dStates: states }, symbol, before, refuse);
  const { of } = gradient as Record<string, unknown>;
  if (!isText(of)) refuse(`.gradient.of must be a symbol, such as 'a_i'; got ${describe(of)}`);
}

function isRange(range: unknown): boolean {
  if (!Array.isArray(range) || range.length !== 2) return false;
  const [least, greatest] = range as unknown[];
  return typeof least === 'number' && typeof greatest === 'number' && least < greatest;
}

/** Requires a place in one of these records of widths that no earlier entry has named. */
function expectPlace(
  what: string,
  place: unknown,
  records: Readonly<Record<string, Readonly<Record<string, number>>>>,
  symbol: string,
  before: Before,
  refuse: Refuse,
): void {
  if (!isRecord(place)) return refuse(`${what} must be a place, { in, tensor, block }; got ${describe(place)}`);
  const { in: record, tensor, block } = place;
  if (!isText(record) || !Object.hasOwn(records, record)) {
    return refuse(`${what}.in must be ${quoted(Object.keys(records))}; got ${describe(record)}`);
  }
  const widths = records[record];
  if (!isText(tensor) || !Object.hasOwn(widths, tensor)) {
    return refuse(`${what}.tensor must be ${quoted(Object.keys(widths))}, one of ${record}; got ${describe(tensor)}`);
  }
  const width = widths[tensor];
  if (!Number.isInteger(block) || (block as number) < 0 || (block as number) >= width) {
    return refuse(`${what}.block must be an integer from 0 to ${width - 1}; got ${show(block)}`);
  }
  own(`${record}.${tensor}[${block as number}]`, symbol, before, refuse);
}

/** Records that this entry owns something, which no other entry may name. */
function own(thing: string, symbol: string, { owners }: Before, refuse: Refuse): void {
  const owner = owners.get(thing);
  if (owner !== undefined) refuse(` names ${thing}, as the entry of '${owner}' does`);
  owners.set(thing, symbol);
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(' or ');
