/** Identities that the numbers of a trace must satisfy for every model. Each is measured on the same numbers that are shown. */
import type { Direction } from './directions.js';
import { difference, plus } from './numbers.js';
import { activationsOf, gateAt } from './quantities.js';
import type { Reading } from './reading.js';
import type { DirectionTrace, IdentityName, IdentityTrace, LayerTrace, LedgerTrace } from './trace.js';

const ROUNDING = 1e-12;

/** What is measured, and its tolerance. */
const LAWS: Readonly<Record<IdentityName, readonly [says: string, tolerance: number]>> = {
  probabilities: ['Σ p = 1 for every loss', ROUNDING],
  'reach-sums-to-gradient': ['Σ over losses of R[m,k] = the gradient at word k, for x and every h, c, a', ROUNDING],
  'direct-plus-recurrent': ['direct + recurrent = total, for every state of every step', ROUNDING],
  'shares-sum-to-one': ['Σ of the shares of every gradient = 1', ROUNDING],
  'addends-sum-to-gradient': ['Σ of the addends of every gradient = the gradient', ROUNDING],
  'gates-by-equations': ["every gate = its equation, evaluated on this trace's inputs", ROUNDING],
  'jacobian-bounds': ['‖v·∂s/∂s′‖/‖v‖ ≤ σ_max(∂s/∂s′) ≤ Π σ_max(J)', 1e-9],
};

/** The largest residuals of the sums; undefined for parts that were not requested. */
export interface Misfits {
  /** Residual of the reach. */
  readonly reach?: number;
  /** Residual of the ledger. */
  readonly addends?: number;
}

/** Measures every identity for one sentence. */
export function identitiesOf(
  reading: Reading,
  layers: readonly LayerTrace[],
  ledger: readonly LedgerTrace[],
  { reach, addends }: Misfits,
): IdentityTrace[] {
  const runs = layers.flatMap(({ forward, reverse }) => (reverse ? [forward, reverse] : [forward]));
  const residuals: Partial<Record<IdentityName, number>> = {
    probabilities: worst(reading.losses.map(({ probabilities }) => Math.abs(sum(probabilities) - 1))),
    ...(reach !== undefined && { 'reach-sums-to-gradient': reach }),
    'direct-plus-recurrent': worst(runs.map(splitResidual)),
    ...(addends !== undefined && {
      'shares-sum-to-one': worst(ledger.filter(({ norm }) => norm !== 0).map(({ total }) => Math.abs(total - 1))),
      'addends-sum-to-gradient': addends,
    }),
    ...(reading.directions.every(({ unrolled }) => unrolled.cell.equations) && {
      'gates-by-equations': worst(reading.directions.map(gateResidual)),
    }),
    ...(runs.every(({ jacobian }) => jacobian) && { 'jacobian-bounds': worst(runs.map(boundResidual)) }),
  };
  return (Object.keys(LAWS) as IdentityName[]).flatMap((name) => {
    const residual = residuals[name];
    if (residual === undefined) return [];
    const [says, tolerance] = LAWS[name];
    return [{ name, says, residual, tolerance, holds: residual <= tolerance }];
  });
}

const sum = (x: readonly number[]): number => x.reduce((total, each) => total + each, 0);

/** The largest number; NaN if any is NaN. */
export const worst = (x: readonly number[]): number => x.reduce((most, each) => (each <= most ? most : each), 0);

function splitResidual({ steps }: DirectionTrace): number {
  const splits = steps.flatMap(({ gradients }) => Object.values(gradients.states));
  const size = worst(splits.flatMap(({ total }) => total.map(Math.abs)));
  return worst(splits.map(({ direct, recurrent, total }) => difference(plus(direct, recurrent), total, size)));
}

function gateResidual(direction: Direction): number {
  const { unrolled } = direction;
  const found = activationsOf(unrolled);
  const gates = Object.keys(found).filter((gate) => unrolled.cell.gateNames.includes(gate));
  return worst(
    gates.flatMap((gate) => found[gate].value.map((row, s) => difference(row, gateAt(unrolled, gate, s), 1))),
  );
}

/** By how much a number exceeds its upper bound. Numbers too small to divide prove nothing. */
function boundResidual({ jacobian }: DirectionTrace): number {
  const over = (small: number, large: number): number => (small <= large || small < 1e-280 ? 0 : small / large - 1);
  const { steps, products } = jacobian!;
  return worst([
    ...steps.flatMap(({ gain, sigmaMax, spectralRadius }) => [
      Number.isNaN(gain) ? 0 : over(gain, sigmaMax),
      over(spectralRadius, sigmaMax),
    ]),
    ...products.steps.flatMap((each) =>
      each === null
        ? []
        : [Number.isNaN(each.gain) ? 0 : over(each.gain, each.sigmaMax), over(each.sigmaMax, each.bound)],
    ),
  ]);
}
