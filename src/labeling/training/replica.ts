/**
 * One copy of a model with everything an update of it needs, and the three acts of which an update consists: the gradient
 * of some sentences, the sum over shards (where there are several), clip and step. A training on one thread has one replica;
 * on several threads each has its own, fed the same sums, so that all of them stay equal bit for bit.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import { flatten, nestLike, zeroGrads, zeroInPlace } from '../../autograd/grads.js';
import { clipByGlobalNorm, globalNorm } from '../../autograd/norms.js';
import type { Cell } from '../../cells/index.js';
import type { AsyncKernels, Kernels } from '../../kernels/types.js';
import { adopted, allocateOn, inFrame } from '../../kernels/workspace.js';
import { wordDropout } from '../../layers/dropout.js';
import { softmaxLossBackward, softmaxLossForward } from '../../layers/softmax-loss.js';
import type { Optimizer } from '../../optim/optimizer.js';
import type { Rng } from '../../tensor/random.js';
import { createRng } from '../../tensor/random.js';
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf } from '../../tensor/view.js';
import type { Batch } from '../data/batches.js';
import { packBatch, packRows } from '../data/batches.js';
import { badLoss } from './diagnose.js';
import { modelBackwardAsync, modelForwardAsync } from '../model/model-async.js';
import type { ModelConfig, ModelGrads, ModelParams, ModelPass } from '../model/model.js';
import { cellConfig, initModel, modelBackward, modelForward, stepBytes } from '../model/model.js';
import type { Settings } from './options.js';
import { createOptimizer } from './options.js';

/** The training sentences in numbers, one list of each kind per sentence. */
export interface EncodedSentences {
  readonly ids: readonly Int32Array[];
  /** The ids that word dropout puts in place of `ids`. */
  readonly hidden: readonly Int32Array[];
  readonly targets: readonly Int32Array[];
}

/** Of what a replica is made. Plain data: a worker makes its own from the same. */
export interface ReplicaPlan {
  readonly settings: Settings;
  /** Words of the vocabulary, V, and labels, K. */
  readonly words: number;
  readonly labels: number;
  readonly sentences: EncodedSentences;
}

/** A model in training. */
export interface Replica {
  readonly kernels: Kernels;
  readonly settings: Settings;
  readonly sentences: EncodedSentences;
  readonly config: ModelConfig;
  /** The cell, where it is one of your own. */
  readonly cell?: Cell;
  /** Nested, as the model has it, and flat. */
  readonly modelParams: ModelParams;
  readonly params: TensorRecord;
  readonly grads: ModelGrads;
  readonly flatGrads: TensorRecord;
  readonly optimizer: Optimizer;
  readonly streams: { readonly dropout: Rng; readonly words: Rng };
  /**
   * While a replica lives, its parameters, gradients and moments lie in the memory of the backend, where that has one and room
   * for them. This brings them back, into arrays of their own.
   */
  release(): void;
}

/** Where in a training something happened. */
export interface Moment {
  readonly epoch: number;
  readonly batch: number;
}

/** What computing the gradient of some sentences leaves behind beside the gradient. */
export interface Shard {
  readonly batch: Batch;
  readonly pass: ModelPass;
  readonly tokens: number;
  /** Mean loss per token of these sentences, in nats. */
  readonly loss: number;
}

/**
 * A replica in its first state, which the seed determines: parameters, zero gradients, a new optimizer.
 *
 * @param index of the replica, from 0. Parameters do not depend on it; every replica draws its own dropout
 */
export function createReplica(kernels: Kernels, plan: ReplicaPlan, index = 0): Replica {
  const { settings, sentences, words, labels } = plan;
  const rng = createRng(settings.seed);
  const { embedding, hidden, layers, bidirectional, dropout } = settings;
  const config: ModelConfig = {
    ...cellConfig(settings.cell),
    embedding,
    hidden: new Array<number>(layers).fill(hidden),
    bidirectional,
    dropout,
  };
  const own = config.ownCell ? (settings.cell as Cell) : undefined;
  const modelParams = initModel(config, words, labels, rng.split('init'), own);
  const params = flatten(modelParams);
  const flatGrads = zeroGrads(params, { rowGradients: ['embedding.weight'] });
  const stream = (name: string): Rng => {
    const first = rng.split(name);
    return index === 0 ? first : first.split(`replica ${index}`);
  };
  const optimizer = createOptimizer(settings.optimizer, params, settings.lr, kernels);
  const tensors = [...Object.values(params), ...Object.values(flatGrads), ...optimizer.tensors];
  const frameBytes = stepBytes(
    config,
    labels,
    sentences.ids.map((list) => list.length),
    settings.batch,
    own,
  );
  return {
    kernels,
    settings,
    sentences,
    config,
    cell: own,
    modelParams,
    params,
    grads: nestLike(modelParams, flatGrads) as ModelGrads,
    flatGrads,
    optimizer,
    streams: { dropout: stream('dropout'), words: stream('words') },
    release: adopted(kernels, tensors, frameBytes),
  };
}

/**
 * Adds the gradient of some sentences to the replica's gradients.
 *
 * @param members the sentences
 * @param total tokens of the whole batch: the loss that is differentiated is these sentences' part of the mean over them
 * @returns tensors that keep their elements until the next gradient is computed, or the parameters are updated
 * @throws NonFiniteError when the loss is no finite number
 */
export function addShardGradient(replica: Replica, members: readonly number[], total: number, moment: Moment): Shard {
  return inFrame(replica.kernels, () => shardGradient(replica, members, total, moment));
}

function shardGradient(replica: Replica, members: readonly number[], total: number, moment: Moment): Shard {
  const { kernels, settings, streams, config, cell, modelParams } = replica;
  const drawn = drawShard(replica, members);
  const { batch, ids } = drawn;
  const { truncate } = settings;
  const model = { config, cell, params: modelParams };
  const pass = modelForward(kernels, model, ids, batch.packing, streams.dropout, truncate);
  const { shard, dLogits } = lossOf(replica, drawn, pass, total, moment);
  modelBackward(kernels, modelParams, pass, dLogits, replica.grads, truncate);
  return shard;
}

/** `addShardGradient` with the products over whole batches on a device that answers later. */
export async function addShardGradientAsync(
  replica: Replica,
  device: AsyncKernels,
  members: readonly number[],
  total: number,
  moment: Moment,
): Promise<Shard> {
  const { settings, streams, config, cell, modelParams } = replica;
  const seams = { device, host: replica.kernels };
  const drawn = drawShard(replica, members);
  const { batch, ids } = drawn;
  const { truncate } = settings;
  const model = { config, cell, params: modelParams };
  const pass = await modelForwardAsync(seams, model, ids, batch.packing, streams.dropout, truncate);
  const { shard, dLogits } = lossOf(replica, drawn, pass, total, moment);
  await modelBackwardAsync(seams, modelParams, pass, dLogits, replica.grads, truncate);
  return shard;
}

/** Sentences as the model reads them. */
interface DrawnShard {
  readonly batch: Batch;
  readonly ids: Int32Array;
  readonly targets: Int32Array;
}

/** Packs sentences and draws which words are hidden. */
function drawShard({ settings, sentences, streams }: Replica, members: readonly number[]): DrawnShard {
  const batch = packBatch(sentences.ids, members);
  const hidden = packRows(sentences.hidden, members, batch.packing);
  const ids = wordDropout(batch.ids, settings.wordDropout, hidden, streams.words);
  return { batch, ids, targets: packRows(sentences.targets, members, batch.packing) };
}

/** The loss and its gradient. @throws NonFiniteError when the loss is no finite number */
function lossOf(
  replica: Replica,
  { batch, targets }: DrawnShard,
  pass: ModelPass,
  total: number,
  moment: Moment,
): { readonly shard: Shard; readonly dLogits: Tensor } {
  const forward = softmaxLossForward(pass.logits, targets);
  const { loss } = forward;
  if (!Number.isFinite(loss)) {
    throw badLoss({ ...moment, what: 'the loss', value: loss }, replica.params, pass, batch);
  }
  const tokens = targets.length;
  const dLogits = allocateOn(replica.kernels, pass.logits.shape, dtypeOf(pass.logits.data));
  softmaxLossBackward(forward, dLogits, tokens === total ? 1 : tokens / total);
  return { shard: { batch, pass, tokens, loss }, dLogits };
}

/**
 * Clips the gradients, updates the parameters, forgets the gradients. Where the norm is not finite nothing is updated: the
 * caller sees it in the return value and decides.
 *
 * @returns the norm before clipping
 */
export function applyGradient({ kernels, settings, flatGrads, optimizer }: Replica, lr: number): number {
  const { clip } = settings;
  const norm = clip < Infinity ? clipByGlobalNorm(flatGrads, clip, kernels) : globalNorm(flatGrads, kernels);
  if (!Number.isFinite(norm)) return norm;
  optimizer.step(flatGrads, lr);
  zeroInPlace(flatGrads);
  return norm;
}
