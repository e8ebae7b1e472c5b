/**
 * The timed tagger: 10,000 words × 100 → one bidirectional layer of 100 per direction → 17 labels, sentences of 32 tokens, new
 * random words in every step. One update is forward pass, mean cross-entropy, backward pass, clipping by the global norm 5, Adam
 * with η = 0.001, as in an update of `bptt train`.
 *
 * A second one reads characters in addition to words: every word has 1 to 10 of 80 characters × 32, from which a bidirectional
 * layer of 64 per direction computes 128 more components. A word is spelled once per batch.
 */
import { flatten, nestLike, packingOf, zeroInPlace } from '../autograd/index.js';
import type { Packing, TensorRecord } from '../autograd/index.js';
import type { AsyncKernels, Kernels } from '../kernels/index.js';
import {
  characterConfig,
  inferenceOf,
  initNetwork,
  modelForwardAsync,
  networkOf,
  softmaxConfig,
  wordConfig,
} from '../labeling/index.js';
import type { Features, InferenceOptions, ModelParams, Network } from '../labeling/index.js';
import { listsOf } from '../labeling/data/features.js';
import { withDefaults } from '../labeling/training/options.js';
import type { ReplicaPlan, Shard } from '../labeling/training/replica.js';
import { addShardGradient, addShardGradientAsync, applyGradient, createReplica } from '../labeling/training/replica.js';
import { createAdam } from '../optim/index.js';
import { copy, createRng } from '../tensor/index.js';
import type { Tensor } from '../tensor/index.js';

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
const SEED = 5;
/** The characters of the second model: their number, the sizes of their vectors and of a word's vector, the longest word. */
const CHARACTERS = { size: 80, embedding: 32, width: 128, longest: 10 };
export const LEARNING_RATE = 0.001;
export const CLIP = 5;
/** Updates on the first batch whose losses are compared before anything is timed. */
export const CHECKED_STEPS = 3;

/** Words and labels of one batch. */
export interface ProblemBatch {
  /** `[T·B]`, one row per token, ordered by step. */
  readonly ids: Int32Array;
  readonly targets: Int32Array;
}

/** A tagger and its batches, the same for every system. */
export interface Problem {
  readonly network: Network;
  readonly sizes: Sizes;
  readonly B: number;
  readonly params: ModelParams;
  readonly packing: Packing;
  readonly batches: readonly ProblemBatch[];
  /** The characters of every word, if the tagger reads them. */
  readonly spellings?: readonly Int32Array[];
}

/**
 * Creates a problem with enough batches that few words repeat from one to the next.
 *
 * @param spelled whether the tagger also reads the characters of words
 */
export function createProblem(cell: string, B: number, sizes: Sizes = TAGGER_SIZES, spelled = false): Problem {
  const { V, E, H, K, T } = sizes;
  const { size, embedding, width, longest } = CHARACTERS;
  const body = { cell, hidden: [H], bidirectional: true, dropout: 0 };
  const characters = characterConfig({ network: 'lstm', size, embedding, width, window: 1 });
  const encoders = [wordConfig(V, E), ...(spelled ? [characters] : [])];
  const network = networkOf({ encoders, body, heads: [softmaxConfig(K)] });
  const rng = createRng(SEED);
  const words = rng.split('words');
  const spelling = rng.split('spelling');
  const count = Math.max(8, Math.ceil(2048 / B / T) * 16);
  const draw = (n: number) => Int32Array.from({ length: T * B }, () => words.integer(n));
  const spell = () => Int32Array.from({ length: 1 + spelling.integer(longest) }, () => spelling.integer(size));
  return {
    network,
    sizes,
    B,
    params: initNetwork(network, rng.split('init')), // as a replica does
    packing: packingOf(new Int32Array(B).fill(T)),
    batches: Array.from({ length: count }, () => ({ ids: draw(V), targets: draw(K) })),
    ...(spelled && { spellings: Array.from({ length: V }, spell) }),
  };
}

/** A model in training. */
export interface Trainer {
  /** Runs one update on the batch with this index; returns the loss before it. */
  step(batch: number): number;
  /** Returns the gradients of a batch, by name, without an update. */
  gradients(batch: number): Readonly<Record<string, Tensor>>;
  /** Frees the backend memory held by the training. */
  close(): void;
}

/**
 * Starts training from the parameters of the problem, with the operations that make up an update of `bptt train`.
 *
 * @param lazy whether Adam updates only the embedding rows of the batch, as `bptt train` does, or all of them
 */
export function createTrainer(kernels: Kernels, problem: Problem, { lazy = true } = {}): Trainer {
  const first = createReplica(kernels, planOf(problem));
  const dense = lazy ? undefined : createAdam(kernels, first.params, { lr: LEARNING_RATE });
  const releaseDense = dense && kernels.adopt(dense.tensors);
  const replica = dense ? { ...first, optimizer: dense } : first;
  const { B } = problem;
  const gradient = (batch: number): Shard => {
    const members = Array.from({ length: B }, (_, b) => batch * B + b);
    return addShardGradient(replica, members, totalsOf(problem), { epoch: 1, batch });
  };
  return {
    step(batch) {
      const shard = gradient(batch);
      applyGradient(replica, LEARNING_RATE);
      return shard.loss;
    },
    gradients(batch) {
      gradient(batch);
      const record = Object.fromEntries(Object.entries(replica.flatGrads).map(([name, g]) => [name, copy(g)]));
      zeroInPlace(replica.flatGrads);
      return record;
    },
    close() {
      releaseDense?.();
      first.release();
    },
  };
}

/**
 * `createTrainer` with the products over whole batches on an asynchronous device, as in an update of `train(…, { device })`.
 */
export function createAsyncTrainer(device: AsyncKernels, host: Kernels, problem: Problem) {
  const replica = createReplica(host, planOf(problem));
  const { B } = problem;
  return {
    /** Runs one update on the batch with this index; returns the loss before it. */
    async step(batch: number): Promise<number> {
      const members = Array.from({ length: B }, (_, b) => batch * B + b);
      const shard = await addShardGradientAsync(replica, device, members, totalsOf(problem), { epoch: 1, batch });
      applyGradient(replica, LEARNING_RATE);
      return shard.loss;
    },
    /** As of a `Trainer`. */
    close: replica.release,
  };
}

const totalsOf = ({ B, sizes }: Problem) => [B * sizes.T];

/** The model that `bptt train` would create from the sentences of a problem, without dropout. */
export function planOf(problem: Problem): ReplicaPlan {
  const { network, sizes, B, batches } = problem;
  const { E, H, T } = sizes;
  const options = { cell: network.config.body.cell, embedding: E, hidden: H, batch: B, lr: LEARNING_RATE, clip: CLIP };
  const settings = withDefaults({ ...options, dropout: 0, wordDropout: 0, seed: SEED });
  const sentence = (rows: Int32Array, b: number) => Int32Array.from({ length: T }, (_, t) => rows[t * B + b]);
  const split = (kind: keyof ProblemBatch) =>
    batches.flatMap((batch) => Array.from({ length: B }, (_, b) => sentence(batch[kind], b)));
  const ids = split('ids');
  const sentences = {
    lengths: Int32Array.from(ids, (list) => list.length),
    features: network.encoders.map((_, e) => ids.map((list) => featuresOf(problem, list)[e])),
    targets: [split('targets')],
  };
  return { settings, config: network.config, sentences };
}

/** Words in the form that the encoders of the tagger read. */
export function featuresOf({ spellings }: Pick<Problem, 'spellings'>, ids: Int32Array): readonly Features[] {
  const words = { ids, hidden: ids };
  return spellings ? [words, { characters: listsOf(Array.from(ids, (id) => spellings[id])) }] : [words];
}

/** A model for inference. */
export interface Inference {
  /** Logits of a batch, `[T·B, K]`, valid until the next call. */
  logits(batch: number): Tensor;
  /** Frees the backend memory held by the parameters. */
  close(): void;
}

/** Starts inference as a `Tagger` does: with parameters in the backend's own memory, if it has one. */
export function createInference(kernels: Kernels, problem: Problem, options: InferenceOptions = {}): Inference {
  const { network, params, packing } = problem;
  const batches = problem.batches.map(({ ids }) => featuresOf(problem, ids));
  const record = Object.entries(flatten(params)).map(([name, p]) => [name, copy(p)]);
  const own = nestLike(params, Object.fromEntries(record) as TensorRecord);
  const moveOut = kernels.adopt(Object.values(flatten(own)));
  const inference = inferenceOf(kernels, network, own, options);
  return {
    logits: (batch) => kernels.frame(() => inference.run(batches[batch], packing)[0].logits),
    close() {
      inference.release();
      moveOut();
    },
  };
}

/** The logits of a batch, with the products on an asynchronous device. */
export function createAsyncInference(device: AsyncKernels, host: Kernels, problem: Problem) {
  const { network, params, packing, batches } = problem;
  return async (batch: number): Promise<Tensor> =>
    (await modelForwardAsync({ device, host }, network, params, featuresOf(problem, batches[batch].ids), packing))
      .heads[0].logits;
}
