/**
 * Adam (Kingma & Ba, ICLR 2015, algorithm 1) and AdamW (Loshchilov & Hutter, ICLR 2019, algorithm 2).
 *
 *   (1)  g ← g + λ·θ            Adam: L2 weight decay, it passes through the moments
 *        θ ← θ − η·λ·θ          AdamW: decoupled weight decay, it does not
 *   (2)  m ← β₁·m + (1−β₁)·g
 *   (3)  v ← β₂·v + (1−β₂)·g²
 *   (4)  m̂ = m / (1−β₁ᵗ)   v̂ = v / (1−β₂ᵗ)            t counts updates from 1
 *   (5)  θ ← θ − η·m̂ / (√v̂ + ε)
 *
 * Dense (default): every update covers every element. A row of an embedding whose word is not in the batch has g = 0, but its
 * moments still decay and, while m is not zero, (5) still moves it.
 *
 * Lazy: if the gradient lists its touched rows, (1) to (5) run on those rows only. The moments of an untouched row do not decay,
 * its weights do not move, and weight decay does not reach it; t in (4) is the count of all updates, not that of the row. (This
 * is TensorFlow's LazyAdam and PyTorch's SparseAdam.) The cost of an update then grows with the words of the batch, not the
 * vocabulary. When every row is touched in every update, lazy and dense agree bit for bit.
 *
 * The loop of (1) to (5) is a row operation of the backend. The plain JavaScript version is `kernels/cpu/adam`; every other one
 * gives the same bits. Moments have the element type of their parameter; the arithmetic of one element is float64 between load
 * and store.
 */
import type { TensorRecord } from '../autograd/grads.js';
import type { AdamFactors, Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectNonNegative, expectPositive, expectProbability, keysOf } from '../tensor/checks.js';
import { createSlots, restoreSlots, snapshot, type Optimizer, type SlotUpdate, updateSlots } from './optimizer.js';
import { expectKernels } from '../autograd/entry-checks.js';
import { expectRecord, expectTensors } from '../tensor/arguments.js';

/** Hyperparameters, in the paper's notation, and the treatment of embedding gradients. */
export interface AdamOptions {
  /** Learning rate η. Default 0.001. */
  readonly lr?: number;
  /** β₁, 0 ≤ β₁ < 1. Default 0.9. */
  readonly beta1?: number;
  /** β₂, 0 ≤ β₂ < 1. Default 0.999. */
  readonly beta2?: number;
  /** ε, greater than 0. Default 1e-8. */
  readonly epsilon?: number;
  /** λ. Default 0 for Adam, 0.01 for AdamW. */
  readonly weightDecay?: number;
  /** Update only the touched rows of embedding gradients. Default false. */
  readonly lazy?: boolean;
}

const KEYS = keysOf<AdamOptions>({
  lr: true,
  beta1: true,
  beta2: true,
  epsilon: true,
  weightDecay: true,
  lazy: true,
});

const MOMENTS = ['m', 'v'];

/**
 * Adam over a flat record of parameters, which it updates in place. Moments: `m`, `v`.
 *
 * @throws ArgumentError on an option outside its domain
 */
export function createAdam(kernels: Kernels, params: TensorRecord, options: AdamOptions = {}): Optimizer {
  return create('adam', kernels, params, options, decayOf('adam', options, 0), 0);
}

/**
 * AdamW: Adam with decoupled weight decay, applied to every parameter it is given. Moments: `m`, `v`.
 *
 * @throws ArgumentError on an option outside its domain
 */
export function createAdamW(kernels: Kernels, params: TensorRecord, options: AdamOptions = {}): Optimizer {
  return create('adamw', kernels, params, options, 0, decayOf('adamw', options, 0.01));
}

/** λ. @throws ArgumentError */
function decayOf(name: string, options: AdamOptions, ownDefault: number): number {
  expectRecord(name, 'options', options);
  const { weightDecay = ownDefault } = options;
  expectNonNegative(name, 'weightDecay', weightDecay);
  return weightDecay;
}

function create(
  name: string,
  kernels: Kernels,
  params: TensorRecord,
  options: AdamOptions,
  l2: number,
  decoupled: number,
): Optimizer {
  expectKernels(name, kernels);
  expectTensors(name, 'params', params, ': pass kernels, the parameters, then the options');
  expectRecord(name, 'options', options);
  expectKnownKeys(name, 'options', options, KEYS);
  const { lr: ownLr = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, lazy = false } = options;
  expectNonNegative(name, 'lr', ownLr);
  expectProbability(name, 'beta1', beta1);
  expectProbability(name, 'beta2', beta2);
  expectPositive(name, 'epsilon', epsilon);
  const slots = createSlots(params, MOMENTS);
  let steps = 0;
  return {
    name,
    step(grads, lr = ownLr, only) {
      expectNonNegative(name, 'lr', lr);
      const t = steps + 1;
      const factors: AdamFactors = {
        beta1,
        beta2,
        epsilon,
        l2,
        keep: 1 - lr * decoupled,
        rate: lr / (1 - power(beta1, t)),
        rootCorrection: 1 / Math.sqrt(1 - power(beta2, t)),
      };
      const update: SlotUpdate = ({ param, moments: [m, v] }, grad, rows) =>
        kernels.rows.adam(param, grad, m, v, factors, rows);
      updateSlots(slots, grads, lazy, update, only);
      steps = t;
    },
    tensors: Object.values(slots).flatMap(({ moments }) => moments),
    state: () => snapshot(steps, slots, MOMENTS),
    restore(state) {
      steps = restoreSlots(state, slots, MOMENTS);
    },
  };
}

/** base^n for an integer n of at least 0, by squaring: the order of operations is fixed, however step n was reached. */
function power(base: number, n: number): number {
  let result = 1;
  for (let square = base, rest = n; rest > 0; rest = Math.floor(rest / 2), square *= square) {
    if (rest % 2 === 1) result *= square;
  }
  return result;
}
