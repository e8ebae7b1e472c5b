/** Which gates are open and which are closed (Karpathy, Johnson, Fei-Fei 2015, figure 3). */
import type { Cell } from '../cells/cell.js';
import type { SaturationTrace, StepTrace } from './trace.js';

/**
 * Per gate, the share of its values near either end of the range, overall and per unit. For a gate with negative values, absolute
 * values are used.
 */
export function saturationOf({ gateNames }: Cell, steps: readonly StepTrace[]): Record<string, SaturationTrace> {
  const shares = gateNames.map((gate) => {
    const sizes = steps.flatMap(({ gates }) => gates[gate].map(Math.abs));
    const share = (near: (size: number) => boolean): number => sizes.filter(near).length / sizes.length;
    const units = steps[0].gates[gate].map((_, j) => steps.map((step) => Math.abs(step.gates[gate][j])));
    const each = (near: (size: number) => boolean) => units.map((own) => own.filter(near).length / own.length);
    const both = { open: each(isOpen), closed: each(isClosed) };
    return [gate, { open: share(isOpen), closed: share(isClosed), units: both }] as const;
  });
  return Object.fromEntries(shares);
}

const isOpen = (size: number): boolean => size > 0.9;
const isClosed = (size: number): boolean => size < 0.1;
