/** Everything that needs each seed separately: reach, ledger and single weights, in one pass over the batches of seeds. */
import type { TensorRecord } from '../autograd/grads.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Addends } from './addends.js';
import type { Direction } from './directions.js';
import type { Misfits } from './identities.js';
import { worst } from './identities.js';
import type { Connected, ElementBook, LedgerBook } from './ledger.js';
import { elementOf, largestElements, ledgerOf } from './ledger.js';
import type { ReachBook } from './reach.js';
import { inputsOf, reachOf, variablesAsked, variablesOf } from './reach.js';
import type { Reading } from './reading.js';
import { connectedIn } from './reading.js';
import type { SeedBatch } from './seeds.js';
import { seedBatches } from './seeds.js';
import { flatGrads } from './study.js';
import type { ElementTrace, LedgerTrace, ReachTrace } from './trace.js';

/** The requested parts. */
export interface Sums extends Misfits {
  readonly inputs: ReachTrace;
  readonly states: ReadonlyMap<Direction, Readonly<Record<string, ReachTrace>>>;
  readonly ledger: readonly LedgerTrace[];
  readonly elements: readonly ElementTrace[];
}

/**
 * Processes all seeds once, if any part that needs them is requested.
 *
 * @throws ArgumentError on a variable, parameter or weight that does not exist
 */
export function sumsOf(reading: Reading): Sums {
  const asked = variablesAsked(reading);
  const x = inputsOf(reading);
  const inputs = asked.includes('x') ? reachOf(reading, x) : undefined;
  const states = new Map(reading.directions.map((direction) => [direction, statesOf(reading, direction, asked)]));
  const reaches = [inputs, ...[...states.values()].flatMap((each) => Object.values(each))].filter((book) => book !== undefined); // prettier-ignore
  const ledgers = ledgersOf(reading);
  const elements = elementsOf(reading);
  goThrough(reading, [...reaches, ...ledgers, ...elements]);
  const books = ledgers.map((each) => each.close());
  return {
    inputs: inputs?.close() ?? { size: x.size, norms: [], retention: [], reference: [], total: [], length: [] },
    states: new Map([...states].map(([direction, each]) => [direction, closed(each)])),
    ledger: books.flatMap(({ entries }) => entries),
    elements: elements.map((each) => each.close()),
    ...(reaches.length > 0 && { reach: worst(reaches.map((each) => each.residual())) }),
    ...(books.length > 0 && { addends: worst(books.map(({ residual }) => residual)) }),
  };
}

function goThrough({ study, losses, options }: Reading, books: readonly { enter(batch: SeedBatch): void }[]): void {
  if (books.length === 0) return;
  const { onProgress } = options;
  onProgress?.({ part: 'losses', done: 0, total: losses.length });
  for (const batch of seedBatches(study, losses)) {
    for (const book of books) book.enter(batch);
    onProgress?.({ part: 'losses', done: batch.from + batch.count, total: losses.length });
  }
}

function statesOf(reading: Reading, direction: Direction, asked: readonly string[]): Record<string, ReachBook> {
  const variables = Object.entries(variablesOf(reading, direction)).filter(([name]) => asked.includes(name));
  return Object.fromEntries(variables.map(([name, variable]) => [name, reachOf(reading, variable)]));
}

const closed = (books: Readonly<Record<string, ReachBook>>): Record<string, ReachTrace> =>
  Object.fromEntries(Object.entries(books).map(([name, book]) => [name, book.close()]));

function ledgersOf(reading: Reading): LedgerBook[] {
  const { ledger = true } = reading.options;
  const grads = flatGrads(reading.full);
  return chosen(reading.addends, ledger).map((each) =>
    ledgerOf(each, grads[each.param], sizeOfTable(reading), linked(reading)),
  );
}

function chosen(addends: readonly Addends[], ledger: boolean | readonly string[]): readonly Addends[] {
  if (typeof ledger === 'boolean') return ledger ? addends : [];
  const names = addends.map(({ param }) => param);
  const unknown = ledger.find((name) => !names.includes(name));
  if (unknown === undefined) return addends.filter(({ param }) => ledger.includes(param));
  throw new ArgumentError(
    `inspect: ledger must name parameters, some of ${names.join(', ')}; got ${JSON.stringify(unknown)}`,
  );
}

function elementsOf(reading: Reading): ElementBook[] {
  const { addends, full, options } = reading;
  const grads: TensorRecord = flatGrads(full);
  const places = options.elements ?? largestElements(addends, grads);
  return places.map((place) => elementOf(addends, place, grads, sizeOfTable(reading), linked(reading)));
}

/** M and T. */
const sizeOfTable = ({ losses, study }: Reading): [number, number] => [losses.length, study.tokens.length];

/** A head defines where its weights are used. */
const linked =
  (reading: Reading): Connected =>
  ({ param, layer, direction }, m, k) => {
    if (param.startsWith('heads.')) return true;
    const place = layer === null || direction === null ? undefined : { layer, name: direction };
    return connectedIn(reading, place)(m, k);
  };
