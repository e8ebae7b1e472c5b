/**
 * The tagger that is timed: 10,000 words × 100 → one bidirectional layer of 100 per direction → 17 labels, sentences of 32
 * tokens, new random words in every step. One update is forward pass, mean cross-entropy, backward pass, clipping by the
 * global norm 5, Adam with η = 0.001: what `bptt train` does in an update.
 */
import { clipByGlobalNorm, flatten, nestLike, packingOf, zeroGrads, zeroInPlace } from '../../autograd/index.js';
import type { Packing, TensorRecord } from '../../autograd/index.js';
import type { Kernels } from '../../kernels/index.js';
import { initModel, modelBackward, modelForward } from '../../labeling/index.js';
import type { ModelConfig, ModelGrads, ModelParams } from '../../labeling/index.js';
import { softmaxLossBackward, softmaxLossForward } from '../../layers/index.js';
import { createAdam } from '../../optim/index.js';
import { allocate, copy, createRng, dtypeOf } from '../../tensor/index.js';
import type { DType, Tensor } from '../../tensor/index.js';

/** Sizes of a tagger. */
export interface Sizes {
  /** Words. */
  readonly V: number;
  /** Size of a word vector. */
  readonly E: number;
  /** Hidden size per direction. */
  readonly H: number;
  /** Labels. */
  readonly K: number;
  /** Tokens of every sentence. */
  readonly T: number;
}

/** The model of the suites `tagger` and `threads`. */
export const TAGGER_SIZES: Sizes = { V: 10_000, E: 100, H: 100, K: 17, T: 32 };
export const LEARNING_RATE = 0.001;
export const CLIP = 5;
/** Updates on the first batch whose losses are compared before anything is timed. */
export const CHECKED_STEPS = 3;

/** Words and labels of one batch. */
export interface ProblemBatch {
  /** `[T·B]`, one row per token, step by step. */
  readonly ids: Int32Array;
  readonly targets: Int32Array;
}

/** A tagger and the batches it sees, the same for every system. */
export interface Problem {
  readonly config: ModelConfig;
  readonly sizes: Sizes;
  readonly B: number;
  readonly params: ModelParams;
  readonly packing: Packing;
  readonly batches: readonly ProblemBatch[];
}

/** A problem with so many batches that words hardly repeat from one to the next. */
export function createProblem(cell: string, B: number, sizes: Sizes = TAGGER_SIZES): Problem {
  const { V, E, H, K, T } = sizes;
  const config = { cell, embedding: E, hidden: [H], bidirectional: true, dropout: 0 };
  const rng = createRng(5);
  const words = rng.split('words');
  const count = Math.max(8, Math.ceil(2048 / B / T) * 16);
  const draw = (n: number) => Int32Array.from({ length: T * B }, () => words.integer(n));
  return {
    config,
    sizes,
    B,
    params: initModel(config, V, K, rng.split('model')),
    packing: packingOf(new Int32Array(B).fill(T)),
    batches: Array.from({ length: count }, () => ({ ids: draw(V), targets: draw(K) })),
  };
}

/** A copy of parameters, for a model that is trained. */
export function copyParams(params: ModelParams, dtype: DType): ModelParams {
  const record = Object.entries(flatten(params)).map(([name, p]) => [name, copy(p, dtype)]);
  return nestLike(params, Object.fromEntries(record) as TensorRecord);
}

/** A model in training. */
export interface Trainer {
  /** One update on a batch; returns the loss before it. */
  step(batch: ProblemBatch): number;
  /** The gradients of the last step, as they were before clipping, are lost; this gives those of a batch anew. */
  gradients(batch: ProblemBatch): Readonly<Record<string, Tensor>>;
}

/**
 * Starts a training from the parameters of the problem.
 *
 * @param lazy whether Adam updates the embedding rows of the batch alone, as `bptt train` does, or all of them
 */
export function createTrainer(
  kernels: Kernels,
  problem: Problem,
  { lazy = true, dtype = 'float32' as DType } = {},
): Trainer {
  const { config, packing } = problem;
  const params = copyParams(problem.params, dtype);
  const weights = flatten(params);
  const flatGrads = zeroGrads(weights, { rowGradients: ['embedding.weight'] });
  const grads = nestLike(params, flatGrads) as ModelGrads;
  const optimizer = createAdam(weights, { lr: LEARNING_RATE, lazy });
  const backward = ({ ids, targets }: ProblemBatch): number => {
    const pass = modelForward(kernels, { config, params }, ids, packing);
    const loss = softmaxLossForward(pass.logits, targets);
    const dLogits = allocate(pass.logits.shape, dtypeOf(pass.logits.data));
    softmaxLossBackward(loss, dLogits);
    modelBackward(kernels, params, pass, dLogits, grads);
    return loss.loss;
  };
  return {
    step(batch) {
      const loss = backward(batch);
      clipByGlobalNorm(flatGrads, CLIP);
      optimizer.step(flatGrads);
      zeroInPlace(flatGrads);
      return loss;
    },
    gradients(batch) {
      backward(batch);
      const record = Object.fromEntries(Object.entries(flatGrads).map(([name, g]) => [name, copy(g)]));
      zeroInPlace(flatGrads);
      return record;
    },
  };
}

/** Logits of a batch, `[T·B, K]`. */
export function infer(kernels: Kernels, problem: Problem, params: ModelParams, ids: Int32Array): Tensor {
  return modelForward(kernels, { config: problem.config, params }, ids, problem.packing).logits;
}
