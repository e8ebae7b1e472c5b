/**
 * Reference results for a tagger: the cpu backend in float64. The tolerance for a correct float32 result is measured with the cpu
 * backend in float32: a different order of summation gives a different error of the same size, and `SLACK` times that size is
 * allowed, per tensor. A wrong formula is off by orders of magnitude more.
 */
import { clipByGlobalNorm, flatten, nestLike, zeroGrads, zeroInPlace } from '../autograd/index.js';
import type { TensorRecord } from '../autograd/index.js';
import { createCpuKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/index.js';
import { modelBackward, modelForward } from '../labeling/index.js';
import type { ModelGrads, ModelParams } from '../labeling/index.js';
import { softmaxLossBackward, softmaxLossForward } from '../layers/index.js';
import { createAdam } from '../optim/index.js';
import { allocate, copy, maxAbs } from '../tensor/index.js';
import type { DType, Tensor } from '../tensor/index.js';
import { deviation, elements, UNIT_ROUNDOFF } from './numbers.js';
import { featuresOf } from './problem.js';
import type { Problem } from './problem.js';
import { CHECKED_STEPS, CLIP, createInference, createTrainer, LEARNING_RATE } from './problem.js';

/** Expected numbers and their tolerance. */
export interface Expected {
  readonly values: ArrayLike<number>;
  readonly allowed: number;
}

/** Allowed multiple of the error of the cpu backend in float32. */
const SLACK = 16;
/** Rounding errors that are always allowed, in units of the largest magnitude: `SLACK` times a zero error would be zero. */
const FEW_ROUNDINGS = 64 * UNIT_ROUNDOFF;

/** Correct results for a problem: its logits, and the results of training on its first batch. */
export interface Reference {
  readonly logits: () => Expected;
  /** Losses before each of the first updates, and the gradients of the first, by name. */
  readonly training: () => { readonly losses: Expected; readonly gradients: Readonly<Record<string, Expected>> };
}

/** A copy of parameters in an element type. */
function copyParams(params: ModelParams, dtype: DType): ModelParams {
  const record = Object.entries(flatten(params)).map(([name, p]) => [name, copy(p, dtype)]);
  return nestLike(params, Object.fromEntries(record) as TensorRecord);
}

/** Explicit updates on the first batch: this code shares the layers with the tested systems, but not the training loop. */
function train(kernels: Kernels, problem: Problem, dtype: DType) {
  const { network, packing, batches, params: initial } = problem;
  const params = copyParams(initial, dtype);
  const weights = flatten(params);
  const flatGrads = zeroGrads(weights);
  const grads = nestLike(params, flatGrads) as ModelGrads;
  const optimizer = createAdam(kernels, weights, { lr: LEARNING_RATE });
  const losses: number[] = [];
  let gradients: Record<string, Tensor> = {};
  for (let step = 0; step < CHECKED_STEPS; step++) {
    const pass = modelForward(kernels, network, params, featuresOf(problem, batches[0].ids), packing);
    const { logits } = pass.heads[0];
    const loss = softmaxLossForward(kernels, logits, batches[0].targets);
    const dLogits = allocate(logits.shape, dtype);
    softmaxLossBackward(kernels, loss, dLogits);
    modelBackward(kernels, network, params, pass, [dLogits], grads);
    if (step === 0) gradients = Object.fromEntries(Object.entries(flatGrads).map(([name, g]) => [name, copy(g)]));
    clipByGlobalNorm(kernels, flatGrads, CLIP);
    optimizer.step(flatGrads);
    zeroInPlace(flatGrads);
    losses.push(loss.loss);
  }
  return { gradients, losses };
}

/** The reference of a problem; each part is computed on first use. */
export function referenceOf(problem: Problem): Reference {
  const kernels = createCpuKernels();
  const { network, params, batches, packing } = problem;
  const logits = (dtype: DType) =>
    elements(
      modelForward(kernels, network, copyParams(params, dtype), featuresOf(problem, batches[0].ids), packing).heads[0]
        .logits,
    );
  return {
    logits: once(() => expected(logits('float64'), logits('float32'))),
    training: once(() => {
      const [exact, rounded] = [train(kernels, problem, 'float64'), train(kernels, problem, 'float32')];
      const names = Object.keys(exact.gradients);
      const gradient = (name: string) =>
        expected(elements(exact.gradients[name]), elements(rounded.gradients[name]), maxAbs(exact.gradients[name]));
      return {
        losses: expected(exact.losses, rounded.losses),
        gradients: Object.fromEntries(names.map((name) => [name, gradient(name)])),
      };
    }),
  };
}

/** Numbers computed in float64, with the tolerance derived from those in float32. */
export function expected(values: ArrayLike<number>, rounded: ArrayLike<number>, magnitude = largest(values)): Expected {
  return { values, allowed: SLACK * deviation(values, rounded) + FEW_ROUNDINGS * magnitude };
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** Explains why an answer is wrong; undefined if it is right. */
export function faultIn(what: string, got: ArrayLike<number>, { values, allowed }: Expected): string | undefined {
  const error = deviation(got, values);
  if (error <= allowed) return undefined;
  return `${what} differ from the cpu backend in float64 by ${error.toExponential(1)}, allowed ${allowed.toExponential(1)}`;
}

/** Explains why the logits of a backend are wrong; undefined if they are right. */
export function inferenceFault(kernels: Kernels, problem: Problem, reference: Reference): string | undefined {
  const inference = createInference(kernels, problem);
  const fault = faultIn('logits', elements(inference.logits(0)), reference.logits());
  inference.close();
  return fault;
}

/** Explains why the gradients of a backend, or its losses over some updates, are wrong; undefined if they are right. */
export function trainingFault(kernels: Kernels, problem: Problem, reference: Reference): string | undefined {
  const expectation = reference.training();
  for (const lazy of [true, false]) {
    const trainer = createTrainer(kernels, problem, { lazy });
    try {
      for (const [name, gradient] of Object.entries(trainer.gradients(0))) {
        const fault = faultIn(`gradients of ${name}`, elements(gradient), expectation.gradients[name]);
        if (fault !== undefined) return fault;
      }
      const losses = Array.from({ length: CHECKED_STEPS }, () => trainer.step(0));
      const fault = faultIn('losses', losses, expectation.losses);
      if (fault !== undefined) return fault;
    } finally {
      trainer.close();
    }
  }
  return undefined;
}

function once<A>(compute: () => A): () => A {
  let known: { readonly value: A } | undefined;
  return () => (known ??= { value: compute() }).value;
}
