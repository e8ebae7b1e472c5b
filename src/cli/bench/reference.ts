/**
 * What the answers of a tagger are compared with: the cpu backend in float64. How far a right answer in float32 may be
 * from it is measured, by the cpu backend in float32: another order of summation gives another error of the same size, and
 * `SLACK` times that size is allowed, per tensor. A wrong formula is off by orders of magnitude more.
 */
import { createCpuKernels } from '../../kernels/index.js';
import type { Kernels } from '../../kernels/index.js';
import { maxAbs } from '../../tensor/index.js';
import type { DType } from '../../tensor/index.js';
import { deviation, elements, UNIT_ROUNDOFF } from './numbers.js';
import type { Problem } from './problem.js';
import { CHECKED_STEPS, copyParams, createTrainer, infer } from './problem.js';

/** Numbers, and how far from them a right answer may be. */
export interface Expected {
  readonly values: ArrayLike<number>;
  readonly allowed: number;
}

/** Times the error of the cpu backend in float32. */
const SLACK = 16;
/** Rounding errors a number may have anyway, in units of its largest magnitude: `SLACK` times none would be none. */
const FEW_ROUNDINGS = 64 * UNIT_ROUNDOFF;

/** Right answers to a problem: its logits, and what training on its first batch gives. */
export interface Reference {
  readonly logits: () => Expected;
  /** Losses before each of the first updates, and the gradients of the first, by name. */
  readonly training: () => { readonly losses: Expected; readonly gradients: Readonly<Record<string, Expected>> };
}

/** The reference of a problem; either part is computed when it is first asked for. */
export function referenceOf(problem: Problem): Reference {
  const kernels = createCpuKernels();
  const [batch] = problem.batches;
  const logits = (dtype: DType) => elements(infer(kernels, problem, copyParams(problem.params, dtype), batch.ids));
  const training = (dtype: DType) => {
    const trainer = createTrainer(kernels, problem, { dtype });
    const gradients = trainer.gradients(batch);
    return { gradients, losses: Array.from({ length: CHECKED_STEPS }, () => trainer.step(batch)) };
  };
  return {
    logits: once(() => expected(logits('float64'), logits('float32'))),
    training: once(() => {
      const [exact, rounded] = [training('float64'), training('float32')];
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

/** Numbers computed in float64, and what is allowed according to those in float32. */
export function expected(values: ArrayLike<number>, rounded: ArrayLike<number>, magnitude = largest(values)): Expected {
  return { values, allowed: SLACK * deviation(values, rounded) + FEW_ROUNDINGS * magnitude };
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** Why an answer is wrong; undefined where it is right. */
export function faultIn(what: string, got: ArrayLike<number>, { values, allowed }: Expected): string | undefined {
  const error = deviation(got, values);
  if (error <= allowed) return undefined;
  return `${what} differ from the cpu backend in float64 by ${error.toExponential(1)}, allowed ${allowed.toExponential(1)}`;
}

/** Why the logits of a backend are wrong; undefined where they are right. */
export function inferenceFault(kernels: Kernels, problem: Problem, reference: Reference): string | undefined {
  const logits = infer(kernels, problem, problem.params, problem.batches[0].ids);
  return faultIn('logits', elements(logits), reference.logits());
}

/** Why the gradients of a backend, or its losses over some updates, are wrong; undefined where they are right. */
export function trainingFault(kernels: Kernels, problem: Problem, reference: Reference): string | undefined {
  const { gradients, losses } = reference.training();
  const [batch] = problem.batches;
  for (const lazy of [true, false]) {
    const trainer = createTrainer(kernels, problem, { lazy });
    for (const [name, gradient] of Object.entries(trainer.gradients(batch))) {
      const fault = faultIn(`gradients of ${name}`, elements(gradient), gradients[name]);
      if (fault !== undefined) return fault;
    }
    const got = Array.from({ length: CHECKED_STEPS }, () => trainer.step(batch));
    const fault = faultIn('losses', got, losses);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function once<A>(compute: () => A): () => A {
  let known: { readonly value: A } | undefined;
  return () => (known ??= { value: compute() }).value;
}
