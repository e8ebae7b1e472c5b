/**
 * A model and its forward and backward pass: encoders → dropout → stack of (bidirectional) RNN, LSTM or GRU → dropout → heads.
 *
 *     features  →  x [N, E]  →  y [N, H] or [N, 2H]  →  logits, one row per decision      one row per token (autograd/packing)
 *
 * network.ts is one of the two places where concrete choices meet: which cell, encoders, heads. (The other is kernels/select:
 * which backend.)
 *
 * Reading order: from labeling/training/train.ts; next stop layers/softmax-loss.ts.
 */
import type { Devices, Places } from '../../autograd/devices.js';
import type { TensorRecord } from '../../autograd/grads.js';
import { flatten } from '../../autograd/grads.js';
import type { Keep } from '../../autograd/layout.js';
import type { Packing } from '../../autograd/packing.js';
import type { Truncation } from '../../autograd/truncate.js';
import type { Kernels } from '../../kernels/types.js';
import type { Work } from '../../kernels/work.js';
import { later, now } from '../../kernels/work.js';
import type { DropoutMask } from '../../layers/dropout.js';
import { denseBackward, denseForward } from '../../layers/dense.js';
import { dropoutBackward, dropoutForward } from '../../layers/dropout.js';
import type { LayerBackwardPass, StackPass } from '../../layers/stack.js';
import { stackBackwardWork, stackWork } from '../../layers/stack.js';
import { expectRecord } from '../../tensor/arguments.js';
import type { Tensor } from '../../tensor/types.js';
import { expectUnchanged, remember } from '../../tensor/versions.js';
import { columns } from '../../tensor/view.js';
import type { InputSpec } from '../data/formats/reading.js';
import type { LabelVocabulary } from '../data/labels.js';
import type { Vocabulary } from '../data/vocabulary.js';
import { emptyVocabulary } from '../data/vocabulary.js';
import { expectKernels } from '../checks.js';
import { expectOneOf } from '../../tensor/checks.js';
import type { Foreign } from './foreign.js';
import { expectBackward, expectDevices, expectEach, expectForward, expectModel, expectParams } from './checks.js';
import type { EncoderPass, Features, Noise, TokenReader } from './encoders/encoder.js';
import type { HeadPass, InferenceHeadKind } from './heads/head.js';
import { inferenceHeadKinds } from './heads/inference.js';
import type { InferenceNetwork, ModelConfig, ModelGrads, ModelParams, Network, OwnParts } from './network.js';
import { inferenceNetworkOf, kindOf } from './network.js';

/** A head of a model, and the labels that it chooses from. */
export interface ModelHead {
  readonly kind: InferenceHeadKind;
  readonly labels: LabelVocabulary;
}

/** A labeler: configuration, readers, labels, parameters. */
export interface Model {
  readonly config: ModelConfig;
  /** The words of the training data: those of the first encoder with a vocabulary. */
  readonly words: Vocabulary;
  /** The labels of the first head. */
  readonly labels: LabelVocabulary;
  readonly params: ModelParams;
  /** Parameters of every member of an ensemble, starting with `params`; absent for a single model. */
  readonly members?: readonly ModelParams[];
  /** One per encoder. */
  readonly readers: readonly TokenReader[];
  /** The heads and the labels that they choose from. */
  readonly heads: readonly ModelHead[];
  /** The inference half. The full network, with losses and backward passes, is `networkOf(model.config, model.own)`. */
  readonly network: InferenceNetwork;
  /** Custom parts, which are not saved in the file. */
  readonly own: OwnParts;
  /** How the training data was read, so that later inputs are read the same way; absent if unknown. */
  readonly input?: InputSpec;
  /** The other contents of its file, which `saveModel` writes back; absent if there were none. */
  readonly foreign?: Foreign;
  /** Set if its weights were rounded to 8-bit integers; the parameters are then the rounded values in float32. */
  readonly quantized?: 'int8';
}

/** The pieces of a model. */
export interface ModelPieces {
  readonly config: ModelConfig;
  readonly params: ModelParams;
  /** Parameters of every member of an ensemble, starting with `params`; see `ensembleOf`. */
  readonly members?: readonly ModelParams[];
  /** One per encoder. */
  readonly readers: readonly TokenReader[];
  /** One per head. */
  readonly labels: readonly LabelVocabulary[];
  readonly input?: InputSpec;
  readonly foreign?: Foreign;
  readonly quantized?: 'int8';
}

/**
 * Creates a model from its pieces.
 *
 * @throws ArgumentError if the configuration needs a part that is unknown or missing, or has an impossible size
 */
export function createModel(pieces: ModelPieces, own: OwnParts = {}): Model {
  expectRecord('createModel', 'pieces', pieces, '{ config, params, readers, labels }');
  const { config, params, members, readers, labels, input, foreign, quantized } = pieces;
  const network = inferenceNetworkOf(config, own);
  expectParams('createModel', 'params', params, network);
  expectEach('createModel', 'readers', readers, config.encoders.length, 'read', 'readers, one per encoder');
  expectEach('createModel', 'labels', labels, config.heads.length, 'encode', 'labels, one list per head');
  const words = readers.find(({ vocabulary }) => vocabulary !== undefined)?.vocabulary ?? emptyVocabulary();
  const heads = config.heads.map((head, i) => ({
    kind: kindOf('head', head.kind, inferenceHeadKinds, own.heads),
    labels: labels[i],
  }));
  const kept = { ...(input && { input }), ...(foreign && { foreign }), ...(quantized && { quantized }) };
  const rest = { network, own, ...(members && { members }), ...kept };
  return { config, params, readers, words, labels: labels[0], heads, ...rest };
}

/**
 * Returns the model with only one of its heads: the same encoders, body and tensors.
 *
 * @throws ArgumentError if there is no head of that name
 */
export function withHead(model: Model, name: string): Model {
  expectModel('withHead', model);
  const { config, params, members, readers, heads, input, foreign, quantized, own } = model;
  const names = config.heads.map((head) => head.name);
  expectOneOf('model', 'head', name, names);
  const h = names.indexOf(name);
  const alone = (all: ModelParams): ModelParams => ({ ...all, heads: { [name]: all.heads[name] } });
  const one = { config: { ...config, heads: [config.heads[h]] }, readers, labels: [heads[h].labels] };
  const pieces = { ...one, params: alone(params), ...(members && { members: members.map(alone) }) };
  return createModel({ ...pieces, input, foreign, quantized }, own);
}

/** What the forward pass returns, including what its backward pass needs. */
export interface ModelPass {
  readonly encoded: readonly EncoderPass[];
  /** `[N, E]`, the concatenated vectors of the encoders. */
  readonly x: Tensor;
  readonly xMask: DropoutMask | null;
  /** `[N, E]`, `x` after dropout: what the stack reads. */
  readonly dropped: Tensor;
  readonly stack: StackPass;
  /** `[N, H]`, the output of the stack after dropout. */
  readonly y: Tensor;
  readonly yMask: DropoutMask | null;
  /** The input of the heads: `y`, or the output `[N, n]` of the dense layer after it. */
  readonly top: Tensor;
  /** One per head. */
  readonly heads: readonly HeadPass[];
}

/** Options of a pass. */
export interface PassOptions {
  /** The source of dropout masks; omit it for evaluation. */
  readonly noise?: Noise;
  /**
   * What a pass keeps afterwards: `nothing` for evaluation, `gradients` for training without truncation, `steps` for inspecting individual
   * steps. Default `steps`.
   */
  readonly keep?: Keep;
}

/**
 * Computes the logits of every head for a packed batch.
 *
 * @param features one per encoder, in the order of the rows
 */
export function modelForward(
  kernels: Kernels,
  network: Network,
  params: ModelParams,
  features: readonly Features[],
  packing: Packing,
  options: PassOptions = {},
): ModelPass {
  expectKernels('modelForward', kernels);
  expectForward('modelForward', network, params, features, packing, options);
  return remember(now(forwardWork({ host: kernels }, network, params, features, packing, options)), ownWeights(params));
}

/** `modelForward` with an asynchronous device that may run whole layers; the host does the rest. The code is the same. */
export async function modelForwardAsync(
  devices: Devices,
  network: Network,
  params: ModelParams,
  features: readonly Features[],
  packing: Packing,
  options: PassOptions = {},
): Promise<ModelPass> {
  expectDevices('modelForwardAsync', devices);
  expectForward('modelForwardAsync', network, params, features, packing, options);
  return remember(await later(forwardWork(devices, network, params, features, packing, options)), ownWeights(params));
}

/** The forward pass as work: the code shared by both variants and by training. */
export function* forwardWork(
  places: Places,
  network: Network,
  params: ModelParams,
  features: readonly Features[],
  packing: Packing,
  options: PassOptions,
): Work<ModelPass> {
  const input = encode(places.host, network, params, features, options.noise, packing);
  return { ...input, ...(yield* readWork(places, network, params, input.dropped, packing, options)) };
}

/** The part of a pass after the encoders. */
export type Reading = Omit<ModelPass, keyof Encoding>;

/** The stack and the heads, applied to the encoders' vectors `dropped` `[N, E]`, which are not modified. */
export function* readWork(
  places: Places,
  network: Network,
  params: ModelParams,
  dropped: Tensor,
  packing: Packing,
  { noise, keep }: PassOptions,
): Work<Reading> {
  const layers = noise ? network.trainedLayers : network.layers;
  const { dropout: p, variational: perSequence } = network;
  const dropout = noise && { p, key: noise.key.fold('layers'), places: noise.places, perSequence };
  const stack = yield* stackWork(places, layers, params.layers, dropped, packing, { dropout, keep });
  return { stack, ...decode(places.host, network, params, stack.y, packing, noise) };
}

/** The weights whose versions no layer of the stack records: those of encoders and heads. */
function ownWeights({ encoders, dense, heads }: ModelParams): TensorRecord {
  return flatten({ encoders, ...(dense && { dense }), heads });
}

/** The results of the backward pass, besides the gradients that it accumulates. */
export interface ModelBackwardPass {
  /** `[N, E]`, the gradient at the encoders' vectors, after dropout. */
  readonly dX: Tensor;
  /** Per layer: the gradients of every state and step; read them if the forward pass kept its steps. */
  readonly layers: readonly LayerBackwardPass[];
}

/**
 * Runs the backward pass of `modelForward`, part by part in reverse: accumulates into `grads`.
 *
 * @param dLogits one per head, of the shape of its logits
 * @throws ArgumentError if an optimizer has updated the weights since the forward pass
 */
export function modelBackward(
  kernels: Kernels,
  network: Network,
  params: ModelParams,
  pass: ModelPass,
  dLogits: readonly Tensor[],
  grads: ModelGrads,
  truncate?: Truncation,
): ModelBackwardPass {
  expectKernels('modelBackward', kernels);
  expectBackward('modelBackward', network, params, pass, dLogits, grads, truncate);
  expectUnchanged('modelBackward', pass);
  return now(backwardWork({ host: kernels }, network, params, pass, dLogits, grads, truncate));
}

/** `modelBackward` with each layer on the device that ran its forward pass. The code is the same. */
export async function modelBackwardAsync(
  devices: Devices,
  network: Network,
  params: ModelParams,
  pass: ModelPass,
  dLogits: readonly Tensor[],
  grads: ModelGrads,
  truncate?: Truncation,
): Promise<ModelBackwardPass> {
  expectDevices('modelBackwardAsync', devices);
  expectBackward('modelBackwardAsync', network, params, pass, dLogits, grads, truncate);
  expectUnchanged('modelBackwardAsync', pass);
  return later(backwardWork(devices, network, params, pass, dLogits, grads, truncate));
}

/** The backward pass as work: the code shared by both variants and by training. */
export function* backwardWork(
  places: Places,
  network: Network,
  params: ModelParams,
  pass: ModelPass,
  dLogits: readonly Tensor[],
  grads: ModelGrads,
  truncate?: Truncation,
): Work<ModelBackwardPass> {
  const { host } = places;
  const dX = zerosFor(host, pass.x);
  const layers = yield* readBackwardWork(places, network, params, pass, dLogits, grads, dX, truncate);
  encodeBackward(host, network, params, pass, dX, grads);
  return { dX, layers };
}

/** The backward pass of `readWork`: accumulates into `grads`, and into `dX` `[N, E]`, the gradient at the input of the stack. */
export function* readBackwardWork(
  places: Places,
  network: Network,
  params: ModelParams,
  pass: Reading,
  dLogits: readonly Tensor[],
  grads: ModelGrads,
  dX: Tensor,
  truncate?: Truncation,
): Work<readonly LayerBackwardPass[]> {
  const dY = decodeBackward(places.host, network, params, pass, dLogits, grads);
  return yield* stackBackwardWork(places, pass.stack, dY, grads.layers, { dX, truncate });
}

/** The part of a pass before the stack. */
export type Encoding = Pick<ModelPass, 'encoded' | 'x' | 'xMask' | 'dropped'>;

/** Before the stack: concatenates the vectors of all encoders and applies dropout. */
export function encode(
  kernels: Kernels,
  { encoders, width, dropout: p, variational }: Network,
  params: ModelParams,
  features: readonly Features[],
  noise?: Noise,
  packing?: Packing,
): Encoding {
  const encoded = encoders.map((each, i) =>
    each.forward(kernels, params.encoders[each.config.kind], features[i], noise && noiseOf(noise, each.config.kind)),
  );
  const x = joined(kernels, encoded, width);
  const dropped = dropAt(kernels, x, p, 'input', noise, variational ? packing : undefined);
  return { encoded, x, xMask: dropped.mask, dropped: dropped.y };
}

/** `[N, E]`: the concatenated vectors of all encoders; those of a single encoder are passed through. */
export function joined(kernels: Kernels, encoded: readonly EncoderPass[], width: number): Tensor {
  if (encoded.length === 1) return encoded[0].y;
  const x = kernels.empty([encoded[0].y.shape[0], width], encoded[0].y);
  let at = 0;
  for (const { y } of encoded) {
    kernels.rows.copyMatrix(columns(x, at, y.shape[1]), y);
    at += y.shape[1];
  }
  return x;
}

/** After the stack: dropout, the dense layer if there is one, and the logits of every head. */
export function decode(
  kernels: Kernels,
  { heads, dropout: p, variational }: Network,
  params: ModelParams,
  output: Tensor,
  packing: Packing,
  noise?: Noise,
): Pick<ModelPass, 'y' | 'yMask' | 'top' | 'heads'> {
  const { y, mask } = dropAt(kernels, output, p, 'output', noise, variational ? packing : undefined);
  const top = params.dense ? denseForward(kernels, params.dense, y) : y;
  const passes = heads.map((head) => head.forward(kernels, params.heads[head.config.name], top, packing));
  return { y, yMask: mask, top, heads: passes };
}

/** Computes the gradient at the output of the stack. */
export function decodeBackward(
  kernels: Kernels,
  { heads }: Network,
  params: ModelParams,
  pass: Reading,
  dLogits: readonly Tensor[],
  grads: ModelGrads,
): Tensor {
  const dTop = zerosFor(kernels, pass.top);
  heads.forEach((head, i) => {
    const { name } = head.config;
    head.backward(kernels, params.heads[name], pass.heads[i], dLogits[i], grads.heads[name], dTop);
  });
  if (!params.dense) return undoDropout(kernels, pass.yMask, dTop);
  const dY = zerosFor(kernels, pass.y);
  denseBackward(kernels, params.dense, pass.y, pass.top, dTop, grads.dense!, dY);
  return undoDropout(kernels, pass.yMask, dY);
}

/** Propagates the gradient at the input of the stack to the encoders. */
export function encodeBackward(
  kernels: Kernels,
  { encoders }: Network,
  params: ModelParams,
  pass: ModelPass,
  dX: Tensor,
  grads: ModelGrads,
): void {
  const dx = undoDropout(kernels, pass.xMask, dX);
  let at = 0;
  encoders.forEach((each, i) => {
    const { kind, width } = each.config;
    const from = at;
    at += width;
    if (!Object.hasOwn(grads.encoders, kind)) return; // frozen as a whole
    const own = encoders.length === 1 ? dx : copied(kernels, columns(dx, from, width));
    each.backward(kernels, params.encoders[kind], pass.encoded[i], own, grads.encoders[kind]);
  });
}

/** Contiguous rows, which products and scatters handle best. */
function copied(kernels: Kernels, view: Tensor): Tensor {
  const copy = kernels.empty(view.shape, view);
  kernels.rows.copyMatrix(copy, view);
  return copy;
}

/**
 * Applies dropout at one place of the model if there is noise; returns the same rows otherwise.
 *
 * @param packing given if a mask covers a whole sentence
 */
function dropAt(
  kernels: Kernels,
  x: Tensor,
  p: number,
  where: 'input' | 'output',
  noise?: Noise,
  packing?: Packing,
): { readonly y: Tensor; readonly mask: DropoutMask | null } {
  if (noise === undefined || p === 0) return { y: x, mask: null };
  return dropoutForward(kernels, x, { p, key: noise.key.fold(where), places: noise.places, packing });
}

/** The noise of one encoder. */
function noiseOf(noise: Noise, kind: string): Noise {
  return { ...noise, key: noise.key.fold('encoders').fold(kind) };
}

/** The gradient before dropout; a new tensor if dropout was applied. */
function undoDropout(kernels: Kernels, mask: DropoutMask | null, dY: Tensor): Tensor {
  if (mask === null) return dY;
  const dX = zerosFor(kernels, dY);
  dropoutBackward(kernels, mask, dY, dX);
  return dX;
}

/** Zeros with the shape and element type of `x`. */
export function zerosFor(kernels: Kernels, x: Tensor): Tensor {
  return kernels.zeros(x.shape, x);
}
