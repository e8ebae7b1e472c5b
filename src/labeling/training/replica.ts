/**
 * One copy of a model with everything that an update needs, and the three operations of an update: compute the gradient of some sentences,
 * sum over shards (if there are several), clip and step. Training on one thread has one replica; on several threads each thread has its
 * own, and all receive the same sums, so they stay equal bit for bit.
 */
import type { Places } from '../../autograd/devices.js';
import type { TensorRecord } from '../../autograd/grads.js';
import { flatten, nestLike, zeroGrads, zeroInPlace } from '../../autograd/grads.js';
import { clipByGlobalNorm, globalNorm } from '../../autograd/norms.js';
import type { Keep } from '../../autograd/layout.js';
import type { Truncation } from '../../autograd/truncate.js';
import type { AsyncKernels, Kernels } from '../../kernels/types.js';
import type { Work } from '../../kernels/work.js';
import { later, now } from '../../kernels/work.js';
import type { WeightAverage } from '../../optim/average.js';
import type { Optimizer } from '../../optim/optimizer.js';
import { placesOf } from '../../layers/dropout.js';
import { IGNORED } from '../../layers/softmax-loss.js';
import { createRng } from '../../tensor/random.js';
import { createKey } from '../../tensor/random-key.js';
import type { Tensor } from '../../tensor/types.js';
import type { Batch } from '../data/batches.js';
import { packBatch, packFeatures, packRows } from '../data/batches.js';
import type { Augmented } from './augment.js';
import { featuresRead, readingOf } from './augment.js';
import { badLoss } from './diagnose.js';
import { frozenParams } from './freeze.js';
import { overlay } from './overlay.js';
import { expectForward } from '../model/checks.js';
import type { Features, Noise } from '../model/encoders/encoder.js';
import type { LossSettings } from '../model/heads/head.js';
import type { ModelPass } from '../model/model.js';
import { backwardWork, encodeBackward, forwardWork, readBackwardWork, readWork, zerosFor } from '../model/model.js';
import type { InitialParams, ModelConfig, ModelGrads, ModelParams, Network, OwnParts } from '../model/network.js';
import { initNetwork, networkOf, sparseRows, stepBytes, trainedParams } from '../model/network.js';
import { adversary } from './adversarial.js';
import type { Settings } from './options.js';
import { createOptimizer } from './options.js';

/** The training sentences as integers. */
export interface EncodedSentences {
  /** Tokens of each sentence. */
  readonly lengths: ArrayLike<number>;
  /** `features[e][s]`: sentence s as encoder e reads it. */
  readonly features: readonly (readonly Features[])[];
  /** `targets[h][s]`: ids of the gold labels of head h, one per token of sentence s, or one for the sentence. */
  readonly targets: readonly (readonly Int32Array[])[];
  /** Their variants, if augmentation is enabled. */
  readonly augmented?: Augmented;
}

/** The description of a replica. It is plain data, except for custom parts, so a worker can build its own replica from it. */
export interface ReplicaPlan {
  readonly settings: Settings;
  readonly config: ModelConfig;
  readonly sentences: EncodedSentences;
  /** The loss settings, one per head; by default none. */
  readonly losses?: readonly LossSettings[];
  /** Initial parameters that are given instead of drawn. */
  readonly initial?: InitialParams;
  /** Parameters of a model to start from, flat, by name: they replace the drawn values, row by row from row 0, as far as they extend. */
  readonly start?: TensorRecord;
  /** Custom parts, which cannot be sent to workers. */
  readonly own?: OwnParts;
}

/** A model in training. */
export interface Replica {
  readonly kernels: Kernels;
  readonly settings: Settings;
  readonly sentences: EncodedSentences;
  readonly losses: readonly LossSettings[];
  /** The weight of each head's loss. */
  readonly weights: readonly number[];
  readonly initial: InitialParams;
  readonly start: TensorRecord;
  readonly network: Network;
  /** All parameters, nested, as in the model. */
  readonly modelParams: ModelParams;
  /** The trained parameters, flat. */
  readonly params: TensorRecord;
  readonly grads: ModelGrads;
  readonly flatGrads: TensorRecord;
  /** Gradients of frozen parameters: some parts of a layer compute them whether or not they are used. */
  readonly unusedGrads: TensorRecord;
  readonly optimizer: Optimizer;
  /** The average of the parameters, if there is one; only in the first thread. */
  readonly average?: WeightAverage;
  /** Whether it has computed a gradient. The first time, all inputs are checked; later inputs are built by the same code. */
  readonly tried: { once: boolean };
  /**
   * While a replica exists, its parameters, gradients and moments are in the memory of the backend, if the backend has its own memory and
   * enough room. This moves them back, into newly allocated arrays.
   */
  release(): void;
}

/**
 * The denominators of the mean losses, one number per head: the decisions that have a gold label, or with class weights the sum of the
 * weights of these labels.
 */
export type Totals = readonly number[];

/** A point in training, for error messages. */
export interface Moment {
  readonly epoch: number;
  readonly batch: number;
}

/** What the computation of a gradient returns in addition to the gradient. */
export interface Shard {
  readonly batch: Batch;
  readonly pass: ModelPass;
  /** The totals of the shard. */
  readonly decisions: Totals;
  /** Mean loss per decision of these sentences, in nats, one per head; weighted by class if there are class weights. */
  readonly losses: readonly number[];
  /** The weighted sum of the losses. */
  readonly loss: number;
}

/** Creates a replica in its initial state, which the seed determines: parameters, zero gradients, a new optimizer. */
export function createReplica(kernels: Kernels, plan: ReplicaPlan): Replica {
  const { settings, sentences, losses = [], config, own, initial = {}, start = {} } = plan;
  const network = networkOf(config, own);
  const modelParams = initNetwork(network, createRng(settings.seed).split('init'), initial);
  overlay(flatten(modelParams), start);
  const { trained, params, allGrads, flatGrads, unusedGrads } = trainedParts(network, modelParams, settings.freeze);
  const optimizer = createOptimizer(kernels, params, settings);
  const tensors = [...Object.values(params), ...Object.values(allGrads), ...optimizer.tensors];
  const passes = settings.adversarial > 0 ? 2 : 1;
  const frameBytes = passes * stepBytes(network, Array.from(sentences.lengths), sentences.features, settings.batch);
  return {
    kernels,
    settings,
    sentences,
    losses,
    weights: weightsOf(settings, config),
    initial,
    start,
    network,
    modelParams,
    params,
    grads: nestLike(trained, allGrads),
    flatGrads,
    unusedGrads,
    optimizer,
    tried: { once: false },
    release: kernels.adopt(tensors, frameBytes),
  };
}

/** The trained parameters of a model, and their gradients. For encoders that are frozen as a whole, no gradient is computed. */
function trainedParts(network: Network, modelParams: ModelParams, freeze: Settings['freeze']) {
  const frozen = frozenParams(network, modelParams, freeze);
  const learnable = trainedParams(network, modelParams);
  const encoders = Object.entries(learnable.encoders).filter(([kind, part]) =>
    Object.keys(part).some((name) => !frozen.has(`encoders.${kind}.${name}`)),
  );
  const trained: ModelParams = { ...learnable, encoders: Object.fromEntries(encoders) };
  const all = flatten(trained);
  const sparse = Object.keys(sparseRows(network)).filter((name) => name in all);
  const allGrads = zeroGrads(all, { rowGradients: sparse });
  const part = (tensors: TensorRecord, isFrozen: boolean): TensorRecord =>
    Object.fromEntries(Object.entries(tensors).filter(([name]) => frozen.has(name) === isFrozen));
  const params = part(all, false);
  return { trained, params, allGrads, flatGrads: part(allGrads, false), unusedGrads: part(allGrads, true) };
}

/**
 * Adds the gradient of some sentences to the replica's gradients.
 *
 * @param members the indices of the sentences
 * @param totals of the whole batch: the differentiated loss is the contribution of these sentences to the mean over the batch
 * @returns tensors that stay valid until the next gradient is computed, or the parameters are updated
 * @throws NonFiniteError when the loss is not finite
 */
export function addShardGradient(replica: Replica, members: readonly number[], totals: Totals, moment: Moment): Shard {
  const { kernels } = replica;
  return kernels.frame(() => now(shardWork(replica, { host: kernels }, members, totals, moment)));
}

/** `addShardGradient` with the stack on an asynchronous device. The code is the same. */
export async function addShardGradientAsync(
  replica: Replica,
  device: AsyncKernels,
  members: readonly number[],
  totals: Totals,
  moment: Moment,
): Promise<Shard> {
  return later(shardWork(replica, { device, host: replica.kernels }, members, totals, moment));
}

/** The gradient of some sentences as work: the code shared by both variants. */
function* shardWork(
  replica: Replica,
  devices: Places,
  members: readonly number[],
  totals: Totals,
  moment: Moment,
): Work<Shard> {
  const { settings, network, modelParams, tried } = replica;
  const { truncate } = settings;
  const places: Places = { host: devices.host, device: devices.device, trusted: tried.once };
  const drawn = packShard(replica, members, moment.epoch);
  const { features, batch, noise } = drawn;
  const options = { noise, keep: keepFor(truncate) };
  if (!tried.once) expectForward('train', network, modelParams, features, batch.packing, options);
  const pass = yield* forwardWork(places, network, modelParams, features, batch.packing, options);
  const shard =
    settings.adversarial > 0
      ? yield* adversarialWork(replica, places, drawn, pass, totals, moment)
      : yield* plainWork(replica, places, drawn, pass, totals, moment);
  tried.once = true;
  return shard;
}

/** Computes the loss and its gradient. */
function* plainWork(
  replica: Replica,
  places: Places,
  drawn: PackedShard,
  pass: ModelPass,
  totals: Totals,
  moment: Moment,
): Work<Shard> {
  const { settings, network, modelParams, grads } = replica;
  const { losses, dLogits } = lossesOf(replica, drawn, pass, totals, moment);
  yield* backwardWork(places, network, modelParams, pass, dLogits, grads, settings.truncate);
  return shardOf(replica, drawn.batch, pass, losses);
}

/** Computes the loss of adversarial training and its gradient: equations (1) to (5) of adversarial.ts. */
function* adversarialWork(
  replica: Replica,
  places: Places,
  drawn: PackedShard,
  pass: ModelPass,
  totals: Totals,
  moment: Moment,
): Work<Shard> {
  const { settings, network, modelParams, grads, kernels } = replica;
  const { noise, batch } = drawn;
  const { truncate, adversarial } = settings;
  const options = { noise, keep: keepFor(truncate) };
  const dX = zerosFor(kernels, pass.x);
  const first = lossesOf(replica, drawn, pass, totals, moment, HALF);
  yield* readBackwardWork(places, network, modelParams, pass, first.dLogits, grads, dX, truncate);
  const moved = adversary(kernels, pass.dropped, dX, batch.packing, adversarial); // (1)–(3)
  const above = yield* readWork(places, network, modelParams, moved, batch.packing, options);
  const second = lossesOf(replica, drawn, { ...pass, ...above }, totals, moment, HALF);
  yield* readBackwardWork(places, network, modelParams, above, second.dLogits, grads, dX, truncate);
  encodeBackward(kernels, network, modelParams, pass, dX, grads); // (5)
  const losses = first.losses.map((loss, h) => HALF * (loss + second.losses[h])); // (4)
  return shardOf(replica, batch, pass, losses);
}

/** The share of each of the two losses in the one that is minimized. */
const HALF = 0.5;

/** Truncation needs the steps; without it they are not kept. */
const keepFor = (truncate: Truncation | undefined): Keep => (truncate ? 'steps' : 'gradients');

/** Sentences in the form that the model reads. */
interface PackedShard {
  readonly batch: Batch;
  readonly features: readonly Features[];
  /** One list per head. */
  readonly targets: readonly Int32Array[];
  readonly noise: Noise;
}

function packShard({ sentences, network, settings }: Replica, members: readonly number[], epoch: number): PackedShard {
  const batch = packBatch(sentences.lengths, members);
  return {
    batch,
    features: drawnFeatures(sentences, settings, batch, epoch),
    targets: network.heads.map(({ unit }, h) => {
      const own = sentences.targets[h];
      if (unit === 'token') return packRows(own, members, batch.packing);
      return Int32Array.from(batch.packing.order, (place) => own[members[place]][0]);
    }),
    noise: noiseOf(settings, batch, epoch),
  };
}

/** The features of the sentences of a batch, per encoder, as drawn for an epoch: augmented if augmentation is enabled. */
function drawnFeatures(
  { features, augmented }: EncodedSentences,
  settings: Settings,
  batch: Batch,
  epoch: number,
): readonly Features[] {
  if (!augmented) return features.map((of) => packFeatures(of, batch));
  const { members } = batch;
  const readings = members.map((m) => readingOf(augmented, settings, epoch, m));
  const own = { ...batch, members: members.map((_, i) => i) };
  return features.map((_, e) => {
    const read = members.map((m, i) => featuresRead(augmented, e, m, readings[i]));
    return packFeatures(read, own);
  });
}

/** The noise of some sentences in an epoch: that of a token depends only on seed, epoch, sentence and the position of the token. */
export function noiseOf(
  { seed, wordDropout, affixDropout }: Settings,
  { members, packing }: Batch,
  epoch: number,
): Noise {
  const key = createKey(seed).fold('noise').fold(epoch);
  return { key, places: placesOf(packing, members), wordDropout, ...(affixDropout > 0 && { affixDropout }) };
}

/** The totals of some sentences, the denominators of their losses. */
export function totalsOf(
  { targets }: EncodedSentences,
  members: readonly number[],
  losses: readonly LossSettings[] = [],
): Totals {
  return targets.map((own, h) => members.reduce((sum, m) => sum + given(own[m], losses[h]?.classWeights), 0));
}

function given(targets: Int32Array, classWeights?: readonly number[]): number {
  let total = 0;
  for (const target of targets) if (target !== IGNORED) total += classWeights?.[target] ?? 1;
  return total;
}

/** The weight of each head's loss. */
function weightsOf({ headWeights = {} }: Settings, { heads }: Pick<ModelConfig, 'heads'>): number[] {
  return heads.map(({ name }) => (Object.hasOwn(headWeights, name) ? headWeights[name] : 1));
}

/** The weighted sum of losses. */
export function weighted(losses: readonly number[], weights: readonly number[]): number {
  return losses.reduce((sum, loss, h) => sum + weights[h] * loss, 0);
}

/** The results of a gradient computation, from the losses of its heads. */
function shardOf(replica: Replica, batch: Batch, pass: ModelPass, losses: readonly number[]): Shard {
  const decisions = totalsOf(replica.sentences, batch.members, replica.losses);
  return { batch, pass, decisions, losses, loss: weighted(losses, replica.weights) };
}

/**
 * Computes the losses, and the gradients of `part` times each.
 *
 * @throws NonFiniteError when a loss is not finite
 */
function lossesOf(
  replica: Replica,
  { batch, targets }: PackedShard,
  pass: ModelPass,
  totals: Totals,
  moment: Moment,
  part = 1,
): { readonly losses: readonly number[]; readonly dLogits: readonly Tensor[] } {
  const { kernels, network, modelParams, grads, weights } = replica;
  const decisions = totalsOf(replica.sentences, batch.members, replica.losses); // summed in the order of totals, for the same bits
  const losses: number[] = [];
  const dLogits = network.heads.map((head, h) => {
    const { name } = head.config;
    const { logits } = pass.heads[h];
    const own = head.loss(kernels, modelParams.heads[name], pass.heads[h], targets[h], replica.losses[h]);
    if (!Number.isFinite(own.loss)) {
      throw badLoss({ ...moment, what: 'the loss', value: own.loss }, network, replica.params, pass, batch);
    }
    losses.push(own.loss);
    const d = kernels.zeros(logits.shape, logits);
    const share = decisions[h] === totals[h] ? 1 : decisions[h] / totals[h];
    head.lossBackward(kernels, modelParams.heads[name], own, d, grads.heads[name], weights[h] * share * part);
    return d;
  });
  return { losses, dLogits };
}

/**
 * Clips the gradients, updates the parameters, and zeroes the gradients. If the norm is not finite, nothing is updated: the caller sees it
 * in the return value and decides.
 *
 * @returns the norm before clipping
 */
export function applyGradient(replica: Replica, lr: number): number {
  const { kernels, settings, flatGrads, unusedGrads, optimizer, average } = replica;
  const { clip } = settings;
  const norm = clip < Infinity ? clipByGlobalNorm(kernels, flatGrads, clip) : globalNorm(kernels, flatGrads);
  if (!Number.isFinite(norm)) return norm;
  const step = (): void => optimizer.step(flatGrads, lr);
  if (average) average.update(flatGrads, step);
  else step();
  zeroInPlace(flatGrads);
  zeroInPlace(unusedGrads);
  return norm;
}
