/** Problems for the squared error, and the oracles that judge it: its definition over the tape, and over dual numbers. */
import type { Dual } from '../../src/autograd/check/dual.js';
import { dual, dualOps } from '../../src/autograd/check/dual.js';
import { forwardGradient } from '../../src/autograd/check/forward-mode.js';
import { createTape } from '../../src/autograd/tape/tape.js';
import type { MseLossOptions } from '../../src/layers/mse-loss.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { viewOf } from '../../src/tensor/view.js';

/** Predictions, targets, and the options of the loss. */
export interface MseProblem {
  readonly predictions: Tensor;
  readonly targets: Tensor;
  readonly options: MseLossOptions;
}

/** With and without a mask, in sum and in the mean, of one column and of several. */
export const MSE_PROBLEMS: readonly MseProblem[] = [
  mseProblem(1, 5, 3, {}),
  mseProblem(2, 4, 2, { reduction: 'sum' }),
  mseProblem(3, 6, 4, { mask: [1, 0, 1, 1, 0, 1] }),
  mseProblem(4, 7, 1, { reduction: 'sum', mask: Uint8Array.of(0, 1, 1, 0, 1, 1, 0) }),
];

/** A problem of normal numbers. */
export function mseProblem(seed: number, N: number, K: number, options: MseLossOptions): MseProblem {
  const rng = createRng(seed);
  const normal = (): Tensor =>
    viewOf(
      Float64Array.from({ length: N * K }, () => rng.normal()),
      [N, K],
    );
  return { predictions: normal(), targets: normal(), options };
}

/** The factor of every element: 0 in rows that do not count, else 1, divided by how many count for a mean. */
function factors({ predictions, options }: MseProblem): Tensor {
  const [N, K] = predictions.shape;
  const counted = Array.from({ length: N }, (_, n) => options.mask?.[n] ?? 1);
  const elements = options.reduction === 'sum' ? 1 : K * counted.filter((one) => one === 1).length;
  return viewOf(
    Float64Array.from({ length: N * K }, (_, i) => counted[Math.floor(i / K)] / elements),
    [N, K],
  );
}

/** Σ w ∘ (y − t)² on the tape: the gradient of the predictions. */
export function tapeMse(problem: MseProblem): Tensor {
  const tape = createTape();
  const y = tape.variable(problem.predictions);
  const e = tape.sub(y, tape.constant(problem.targets));
  tape.backward(tape.dot(tape.mul(e, e), factors(problem)));
  return y.grad;
}

/** The same over dual numbers, one element of the predictions at a time. */
export function dualMse(problem: MseProblem): Tensor {
  const { predictions, targets } = problem;
  const w = factors(problem);
  const loss = (tensors: Readonly<Record<string, Dual>>): Dual => {
    const e = dualOps.sub(tensors.predictions, dual(targets));
    return dualOps.dot(dualOps.mul(e, e), w);
  };
  return forwardGradient({ predictions }, 'predictions', loss);
}
