/**
 * Locates the error of a wrong backward pass. From the last step backward, every gradient is compared with forward mode; the
 * first mismatch identifies the step. All units of a quantity are tested at once, along a direction of +1 and −1, with one run of
 * forward mode each.
 */
import { quantityGradient } from '../autograd/quantities.js';
import type { Quantity } from '../cells/quantities.js';
import { UnsupportedError } from '../tensor/errors.js';
import { createRng } from '../tensor/random.js';
import { viewOf } from '../tensor/view.js';
import type { Direction } from './directions.js';
import { prefixOf, stepOf, unwoundOf } from './directions.js';
import { derivative } from './duals.js';
import { agree } from '../autograd/check/verdict.js';
import { dot, norm, rowOf, zeros } from './numbers.js';
import { formedTogether } from './ledger.js';
import type { Reading } from './reading.js';
import { refTo } from './refs.js';
import type { FaultTrace } from './trace.js';

/** Returns the first wrong gradient, from the last step backward; null if none is found or forward mode is not available. */
export function faultOf(reading: Reading): FaultTrace | null {
  try {
    for (const direction of [...reading.directions].reverse()) {
      const fault = faultIn(reading, direction);
      if (fault !== null) return fault;
    }
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
  }
  return null;
}

function faultIn(reading: Reading, direction: Direction): FaultTrace | null {
  const named = [...direction.unrolled.cell.quantities].reverse().filter(({ gradient }) => gradient);
  for (let s = direction.words - 1; s >= 0; s--) {
    for (const quantity of named) {
      const fault = wrongAt(reading, direction, s, quantity);
      if (fault !== null) return fault;
    }
    const weight = weightAt(reading, direction, s);
    if (weight !== null) return weight;
  }
  return null;
}

/** The signs for testing all units at once: fixed, so that checks are reproducible. */
function signs(count: number): number[] {
  const rng = createRng(20261128);
  return Array.from({ length: count }, () => (rng.next() < 0.5 ? -1 : 1));
}

function wrongAt(reading: Reading, direction: Direction, s: number, quantity: Quantity): FaultTrace | null {
  const { layer, name, unrolled, hidden: H } = direction;
  const word = stepOf(direction, s);
  const rows = quantityGradient(unrolled, unwoundOf(direction, reading.full), quantity)!;
  const analytic = rowOf(rows, s);
  const along = (tangent: readonly number[]): number =>
    derivative(reading, {
      symbol: quantity.gradient!.of,
      at: { layer, direction: name, word },
      tangent: viewOf(Float64Array.from(tangent), [1, H]),
    });
  const tried = signs(H);
  if (agree(dot(analytic, tried), along(tried), norm(analytic))) return null;
  const byUnit = analytic.map((each, j) => ({ each, other: along(analytic.map((_, i) => (i === j ? 1 : 0))) }));
  const unit = byUnit.reduce(
    (worst, { each, other }, j) =>
      Math.abs(each - other) > Math.abs(byUnit[worst].each - byUnit[worst].other) ? j : worst,
    0,
  );
  return describe(direction, word, quantity, unit, byUnit[unit]);
}

function describe(
  direction: Direction,
  word: number,
  { symbol, gradient, name: term }: Quantity,
  unit: number,
  { each, other }: { readonly each: number; readonly other: number },
): FaultTrace {
  const { layer, name, unrolled } = direction;
  const { cell } = unrolled;
  const state = cell.states.includes(symbol);
  const isGate = !state && (cell.gateNames.includes(symbol) || gradient!.of === 'a');
  const key = gradient!.of === 'a' ? cell.gateNames[0] : symbol;
  const heading = state ? ['states', symbol, 'total'] : [isGate ? 'preActivations' : 'others', key];
  const what = state ? `∂/∂${symbol} after` : `∂/∂${gradient!.of} (${term}) at`;
  return {
    ...{ layer, direction: name, word, kind: state ? 'state' : isGate ? 'gate' : 'other', name: key, unit },
    ref: refTo('layers', layer, name, 'steps', word, 'gradients', ...heading, unit),
    analytic: each,
    forwardMode: other,
    message: `layer ${layer}, ${name}: ${what} word ${word}, unit ${unit}, is ${each}; forward mode says ${other}`,
  };
}

/** A weight whose use at one step is wrong, although all results of the backward step are right. */
function weightAt(reading: Reading, direction: Direction, s: number): FaultTrace | null {
  const { layer, name, hidden: H } = direction;
  const word = stepOf(direction, s);
  for (const addends of reading.addends.filter(({ param }) => param.startsWith(`${prefixOf(direction)}.`))) {
    const { param, shape, gates } = addends;
    if (param.endsWith('0')) continue; // an initial state belongs to no word
    const analytic = formedTogether(addends, reading.full, word) ?? new Float64Array(zeros(shape).data.length);
    const tried = signs(analytic.length);
    const tangent = viewOf(Float64Array.from(tried), shape);
    const other = derivative(reading, { param, at: { layer, direction: name, word }, tangent });
    const each = dot(analytic, tried);
    if (agree(each, other, norm(analytic))) continue;
    const own = param.slice(prefixOf(direction).length + 1);
    return {
      ...{ layer, direction: name, word, kind: 'weight', name: own, unit: 0 },
      ref: refTo('layers', layer, name, 'dWeights', own),
      analytic: each,
      forwardMode: other,
      message:
        `layer ${layer}, ${name}: the use of ${own} at word ${word} adds ${each} to its gradient, along signs; ` +
        `forward mode says ${other}${gates.length > 0 ? ` (${gates.length} gates of ${H} columns)` : ''}`,
    };
  }
  return null;
}
