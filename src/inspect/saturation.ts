/** Which gates stand open, and which are shut (Karpathy, Johnson, Fei-Fei 2015, figure 3). */
import type { Cell } from '../cells/cell.js';
import type { SaturationTrace, StepTrace } from './trace.js';

/** Per gate, the share of its values near either end. A gate that goes below zero counts by absolute value. */
export function saturationOf({ gateNames }: Cell, steps: readonly StepTrace[]): Record<string, SaturationTrace> {
  const shares = gateNames.map((gate) => {
    const sizes = steps.flatMap(({ gates }) => gates[gate].map(Math.abs));
    const share = (near: (size: number) => boolean): number => sizes.filter(near).length / sizes.length;
    return [gate, { open: share((size) => size > 0.9), closed: share((size) => size < 0.1) }] as const;
  });
  return Object.fromEntries(shares);
}
