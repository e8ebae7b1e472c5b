/** Cells of the GRU's variants: the steps of `gru-variant.ts` and `gru-reset-before-variant.ts` with the options of `gru-plan.ts`. */
import { zeros } from '../tensor/create.js';
import type { Cell, State } from './cell.js';
import type { GruPlan, GruVariantOptions } from './gru-plan.js';
import { gruNameOf, gruPlanOf } from './gru-plan.js';
import type { GruResetBeforeVariantSaved } from './gru-reset-before-variant.js';
import {
  gruResetBeforeVariantEquations,
  gruResetBeforeVariantQuantities,
  gruResetBeforeVariantStepBackward,
  gruResetBeforeVariantStepForward,
} from './gru-reset-before-variant.js';
import { gruResetBeforeWeightGradients } from './gru-reset-before.js';
import type { GruVariantSaved } from './gru-variant.js';
import {
  gruVariantEquations,
  gruVariantQuantities,
  gruVariantStepBackward,
  gruVariantStepForward,
} from './gru-variant.js';
import type { GruParams } from './gru.js';
import { gruWeightGradients } from './gru.js';
import { commonShapes, initCommon, initStates } from './init.js';

/** Cells already made, by name: the same options give the same cell. */
const known = new Map<string, Cell>();

/**
 * A GRU with some of ONNX's options. Its name lists them: `gru:activations=HardSigmoid/Tanh,clip=3`, or `gru-reset-before:…`. It
 * runs step by step on every backend. Parameters are those of `gru`, or of `gruResetBefore`.
 *
 * @throws ArgumentError on an option outside its domain
 */
export function createGru(options: GruVariantOptions = {}): Cell {
  const plan = gruPlanOf(options);
  const name = gruNameOf(plan);
  const made = known.get(name) ?? ((plan.resetBefore ? before(plan, name) : after(plan, name)) as unknown as Cell);
  known.set(name, made);
  return made;
}

const COMMON = { gates: 3, gateNames: ['r', 'z', 'n'], states: ['h'] } as const;

function after(plan: GruPlan, name: string): Cell<GruParams, State, GruVariantSaved> {
  return {
    ...{ ...COMMON, name, saved: { a: 3, u: 3, gates: 3 }, stepGrads: { da: 3, du: 3 } },
    shapes: (D, H) => ({ ...commonShapes(D, H, 3), bn: [H] }),
    quantities: gruVariantQuantities(plan),
    initialize: (D, H, rng, options) => ({
      ...initCommon(D, H, 3, rng, options),
      bn: zeros([H], options?.dtype ?? 'float32'),
      ...initStates(['h'], H, options),
    }),
    stepForward: (kernels, params, prev, saved, next) =>
      gruVariantStepForward(plan, kernels, params, prev, saved, next),
    stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
      gruVariantStepBackward(plan, kernels, params, prev, saved, dNext, dPrev),
    weightGradients: gruWeightGradients,
    equations: gruVariantEquations(plan),
  };
}

function before(plan: GruPlan, name: string): Cell {
  return {
    ...{ ...COMMON, name, saved: { a: 3, s: 1, gates: 3 }, stepGrads: { da: 3, ds: 1 } },
    shapes: (D, H) => commonShapes(D, H, 3),
    quantities: gruResetBeforeVariantQuantities(plan),
    initialize: (D, H, rng, options) => ({ ...initCommon(D, H, 3, rng, options), ...initStates(['h'], H, options) }),
    stepForward: (kernels, params, prev, saved, next) =>
      gruResetBeforeVariantStepForward(plan, kernels, params, prev, saved as GruResetBeforeVariantSaved, next),
    stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
      gruResetBeforeVariantStepBackward(plan, kernels, params, prev, saved as GruResetBeforeVariantSaved, dNext, dPrev),
    weightGradients: (kernels, hPrev, saved, grads) =>
      gruResetBeforeWeightGradients(kernels, hPrev, saved as GruResetBeforeVariantSaved, grads),
    equations: gruResetBeforeVariantEquations(plan),
  };
}
