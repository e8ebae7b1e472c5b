/**
 * Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's momentum (Sutskever et al., ICML 2013), in
 * PyTorch's form, where the learning rate multiplies the buffer when it is applied, not when it is filled:
 *
 *   (1)  g ← g + λ·θ                                  weight decay, L2
 *   (2)  u ← μ·u + g                                  u starts at zero
 *   (3)  θ ← θ − η·u          or, Nesterov,           θ ← θ − η·(g + μ·u)
 *
 * Lazy: if the gradient lists its touched rows (an embedding), only those rows are updated. An untouched row keeps its momentum u
 * and its weights; a dense update would continue to move the row along a decaying u and would shrink its weights by λ. Without
 * momentum and weight decay, lazy and dense are the same, bit for bit.
 */
import type { TensorRecord } from '../autograd/grads.js';
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectNonNegative, expectProbability, keysOf } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import {
  byRuns,
  createSlots,
  restoreSlots,
  snapshot,
  type Optimizer,
  type RunUpdate,
  updateSlots,
} from './optimizer.js';
import { expectKernels } from '../autograd/entry-checks.js';
import { expectRecord, expectTensors } from '../tensor/arguments.js';

/** Hyperparameters, and the treatment of embedding gradients. */
export interface SgdOptions {
  /** Learning rate η. Default 0.1. */
  readonly lr?: number;
  /** μ, 0 ≤ μ < 1. Default 0. */
  readonly momentum?: number;
  /** Nesterov's form of (3); needs a momentum. Default false. */
  readonly nesterov?: boolean;
  /** λ. Default 0. */
  readonly weightDecay?: number;
  /** Update only the touched rows of embedding gradients. Default false. */
  readonly lazy?: boolean;
}

const KEYS = keysOf<SgdOptions>({ lr: true, momentum: true, nesterov: true, weightDecay: true, lazy: true });

/**
 * SGD over a flat record of parameters, which it updates in place. Moment: `velocity`, only with a momentum.
 *
 * @throws ArgumentError on an option outside its domain
 */
export function createSgd(kernels: Kernels, params: TensorRecord, options: SgdOptions = {}): Optimizer {
  expectKernels('sgd', kernels);
  expectTensors('sgd', 'params', params, ': pass kernels, the parameters, then the options');
  expectRecord('sgd', 'options', options);
  expectKnownKeys('sgd', 'options', options, KEYS);
  const { lr: ownLr = 0.1, momentum = 0, nesterov = false, weightDecay = 0, lazy = false } = options;
  expectNonNegative('sgd', 'lr', ownLr);
  expectProbability('sgd', 'momentum', momentum);
  expectNonNegative('sgd', 'weightDecay', weightDecay);
  if (nesterov && momentum === 0) throw new ArgumentError('sgd: nesterov needs a momentum greater than 0; got 0');
  const names = momentum > 0 ? ['velocity'] : [];
  const slots = createSlots(params, names);
  let steps = 0;
  return {
    name: 'sgd',
    step(grads, lr = ownLr, only) {
      expectNonNegative('sgd', 'lr', lr);
      const update = momentum > 0 ? withMomentum(lr, momentum, nesterov, weightDecay) : plain(lr, weightDecay);
      updateSlots(slots, grads, lazy, byRuns(update), only);
      steps++;
    },
    tensors: Object.values(slots).flatMap(({ moments }) => moments),
    state: () => snapshot(steps, slots, names),
    restore(state) {
      steps = restoreSlots(state, slots, names);
    },
  };
}

function plain(lr: number, weightDecay: number): RunUpdate {
  return (count, p, g) => {
    for (let i = 0; i < count; i++) {
      const at = p.start + i * p.step;
      const theta = p.data[at];
      p.data[at] = theta - lr * (g.data[g.start + i * g.step] + weightDecay * theta); // (1, 3)
    }
  };
}

function withMomentum(lr: number, momentum: number, nesterov: boolean, weightDecay: number): RunUpdate {
  return (count, p, g, [velocity]) => {
    for (let i = 0; i < count; i++) {
      const at = p.start + i * p.step;
      const atU = velocity.start + i * velocity.step;
      const theta = p.data[at];
      const gradient = g.data[g.start + i * g.step] + weightDecay * theta; // (1)
      const u = momentum * velocity.data[atU] + gradient; // (2)
      velocity.data[atU] = u;
      p.data[at] = theta - lr * (nesterov ? gradient + momentum * u : u); // (3)
    }
  };
}
