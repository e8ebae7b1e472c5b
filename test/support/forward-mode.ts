/** The solution of a problem by forward mode: every derivative by a run of its own, over dual numbers. */
import type { Dual, DualRecord } from '../../src/autograd/index.js';
import { dual, dualOps, forwardGradient, packingOf, stackDual } from '../../src/autograd/index.js';
import type { Cell } from '../../src/cells/index.js';
import { UnsupportedError } from '../../src/tensor/errors.js';
import type { Tensor } from '../../src/tensor/types.js';
import type { Case, Problem, Solution } from './cases.js';
import { directionsOf, part } from './cases.js';
import { cellNamed } from './engine.js';

/** Every output of a problem, over dual numbers. */
function outputsOf(c: Case, tensors: DualRecord, cell: Cell): Record<string, Dual> {
  const of = (kind: string, l: number) =>
    Object.fromEntries(directionsOf(c).map((direction) => [direction, part(tensors, `${kind}.${l}.${direction}`)]));
  const layers = c.hidden.map((_, l) => {
    return { cell, params: of('layers', l), initial: c.initial === 'given' ? of('initial', l) : undefined };
  });
  const { y, final } = stackDual(layers, tensors.x, packingOf(c.lengths));
  const outputs: Record<string, Dual> = { y };
  final.forEach((layer, l) => {
    for (const [direction, states] of Object.entries(layer)) {
      for (const [state, x] of Object.entries(states)) outputs[`final.${l}.${direction}.${state}`] = x;
    }
  });
  return outputs;
}

/** The loss of a problem: every output times its cotangent. */
export function dualLoss(problem: Problem, cell: Cell = cellNamed(problem.case.cell)): (tensors: DualRecord) => Dual {
  return (tensors) => {
    const outputs = outputsOf(problem.case, tensors, cell);
    return Object.entries(problem.cotangents)
      .map(([name, cotangent]) => dualOps.dot(outputs[name], cotangent))
      .reduce((sum, term) => dualOps.add(sum, term));
  };
}

/** Outputs and gradients of a problem, by the tensors named. */
export function forwardModeSolution(
  problem: Problem,
  cell: Cell = cellNamed(problem.case.cell),
  names: readonly string[] = Object.keys(problem.tensors),
): Solution {
  const { tensors } = problem;
  const constants = Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, dual(x)]));
  const values = Object.entries(outputsOf(problem.case, constants, cell)).map(([name, x]) => [name, x.value]);
  const grads: Record<string, Tensor> = {};
  for (const name of names) grads[name] = forwardGradient(tensors, name, dualLoss(problem, cell));
  return { outputs: Object.fromEntries(values), grads };
}

/** What an oracle finds, or the sentence with which it says that it cannot judge. */
export function attempt<T>(solve: () => T): T | string {
  try {
    return solve();
  } catch (error) {
    if (error instanceof UnsupportedError) return error.message;
    throw error;
  }
}
