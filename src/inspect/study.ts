/**
 * Runs one sentence through one model in float64, forward once and backward as often as requested, by the engine's own passes.
 * All contents of a trace come from here.
 */
import type { TensorRecord } from '../autograd/grads.js';
import { flatten } from '../autograd/grads.js';
import type { Packing } from '../autograd/packing.js';
import { packingOf } from '../autograd/packing.js';
import type { Truncation } from '../autograd/truncate.js';
import type { Kernels } from '../kernels/types.js';
import { softmaxRows } from '../layers/softmax-loss.js';
import type { LayerBackwardPass } from '../layers/stack.js';
import { stackBackward, stackForward } from '../layers/stack.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { Features } from '../labeling/model/encoders/encoder.js';
import type { Encoding, Model, ModelPass } from '../labeling/model/model.js';
import { decode, decodeBackward, encode, encodeBackward } from '../labeling/model/model.js';
import type { ModelGrads, ModelParams, Network } from '../labeling/model/network.js';
import { networkOf } from '../labeling/model/network.js';
import { expectOneOf } from '../tensor/checks.js';
import type { Tensor } from '../tensor/types.js';
import { copied, mapParams, rowOf, zeros } from './numbers.js';

/** A sentence and its forward pass. */
export interface Study {
  readonly kernels: Kernels;
  /** The model as passed by the caller. */
  readonly model: Model;
  /** The complete network of the model. */
  readonly network: Network;
  /** The model's parameters in float64. */
  readonly params: ModelParams;
  readonly tokens: readonly string[];
  /** One sequence: row k is word k. */
  readonly packing: Packing;
  readonly features: readonly Features[];
  readonly pass: ModelPass;
  /** Index of the inspected head in `model.heads`. */
  readonly head: number;
  /** `[M, K]` logits and probabilities of that head. */
  readonly logits: Tensor;
  readonly probabilities: readonly number[][];
}

/** Runs the model on one sentence. @throws ArgumentError on a head that does not exist */
export function studyOf(kernels: Kernels, model: Model, { tokens }: Pick<Sentence, 'tokens'>, head?: string): Study {
  const names = model.config.heads.map(({ name }) => name);
  if (head !== undefined) expectOneOf('inspect', 'head', head, names);
  const params = mapParams(model.params, copied);
  const packing = packingOf([tokens.length]);
  const features = model.readers.map((reader) => reader.read(tokens));
  const place = head === undefined ? 0 : names.indexOf(head);
  const network = networkOf(model.config, model.own);
  const pass = forward(kernels, network, params, packing, features);
  const answers = answersOf(kernels, pass, place);
  return { kernels, model, network, params, tokens, packing, features, head: place, ...answers, pass };
}

function forward(
  kernels: Kernels,
  network: Network,
  params: ModelParams,
  packing: Packing,
  features: readonly Features[],
): ModelPass {
  return through(kernels, network, params, packing, encode(kernels, network, params, features));
}

/** The forward pass, starting at the word vectors. */
function through(
  kernels: Kernels,
  network: Network,
  params: ModelParams,
  packing: Packing,
  input: Encoding,
): ModelPass {
  const stack = stackForward(kernels, network.layers, params.layers, input.dropped, packing); // keeps every step
  return { ...input, stack, ...decode(kernels, network, params, stack.y, packing) };
}

function answersOf(kernels: Kernels, pass: ModelPass, head: number): Pick<Study, 'logits' | 'probabilities'> {
  const { logits } = pass.heads[head];
  const p = softmaxRows(kernels, logits);
  return { logits, probabilities: Array.from({ length: p.shape[0] }, (_, m) => rowOf(p, m)) };
}

/** The same study with the word vectors replaced by `x`, `[T, D]`. */
export function withVectors(study: Study, x: Tensor): Study {
  const { kernels, network, params, packing, pass, head } = study;
  const next = through(kernels, network, params, packing, { ...pass, x, dropped: x });
  return { ...study, pass: next, ...answersOf(kernels, next, head) };
}

/** Repeats the forward pass with the current parameters. */
export function again(study: Study): Study {
  const { kernels, network, params, packing, features, head } = study;
  const pass = forward(kernels, network, params, packing, features);
  return { ...study, pass, ...answersOf(kernels, pass, head) };
}

/** The result of a backward pass. */
export interface Returned {
  /** `[T, D]` ∂/∂x, at the word vectors. */
  readonly dX: Tensor;
  /** Per layer, its backward pass and the gradient that arrived at its output from above, `[T, H]` or `[T, 2H]`. */
  readonly layers: readonly (LayerBackwardPass & { readonly dY: Tensor })[];
}

/** A backward pass with the gradients of all weights. */
export interface Whole extends Returned {
  readonly grads: ModelGrads;
}

/**
 * Runs the engine's backward pass layer by layer, so that intermediate gradients are accessible.
 *
 * @param dLogits `[M, K]` the gradient at the logits of the inspected head
 */
export function backward(study: Study, dLogits: Tensor, truncate?: Truncation): Whole {
  const { kernels, network, params, pass } = study;
  const grads = mapParams(params, (x) => zeros(x.shape));
  const returned = backwardInto(study, dLogits, grads, truncate);
  encodeBackward(kernels, network, params, pass, returned.dX, grads);
  return { ...returned, grads };
}

/** Runs one backward pass per seed and discards the gradients of weights. */
export function backwardEach(study: Study, seeds: Iterable<Tensor>): Returned[] {
  const { heads, layers, dense } = study.params;
  const forgotten = mapParams({ encoders: {}, layers, ...(dense && { dense }), heads }, (x) => zeros(x.shape));
  return Array.from(seeds, (dLogits) => backwardInto(study, dLogits, forgotten));
}

/** Backward from the head to the word vectors. */
function backwardInto(study: Study, dLogits: Tensor, grads: ModelGrads, truncate?: Truncation): Returned {
  const { kernels, network, params, pass } = study;
  let dY = decodeBackward(kernels, network, params, pass, onlyAsked(study, dLogits), grads);
  const layers: (LayerBackwardPass & { readonly dY: Tensor })[] = [];
  for (let l = pass.stack.layers.length - 1; l >= 0; l--) {
    const layer = pass.stack.layers[l];
    const dX = zeros(l === 0 ? pass.x.shape : pass.stack.layers[l - 1].y.shape);
    const alone = { y: layer.y, layers: [layer] };
    const [left] = stackBackward(kernels, alone, dY, [grads.layers[l]], { dX, truncate });
    layers[l] = { ...left, dY };
    dY = dX;
  }
  return { dX: dY, layers };
}

/** Gradients at the logits of all heads: zero except at the inspected head. */
function onlyAsked({ pass, head }: Study, dLogits: Tensor): Tensor[] {
  return pass.heads.map(({ logits }, h) => (h === head ? dLogits : zeros(logits.shape)));
}

/** `[T, W]` gradient that one seed sends to the output of the stack. */
export function headBackward(study: Study, dLogits: Tensor): Tensor {
  const { kernels, network, params, pass } = study;
  return decodeBackward(kernels, network, params, pass, onlyAsked(study, dLogits), aboveGrads(params));
}

/** Zero gradients for the parameters above the stack. */
function aboveGrads({ dense, heads }: ModelParams): ModelGrads {
  return mapParams({ encoders: {}, layers: [], ...(dense && { dense }), heads }, (x) => zeros(x.shape));
}

/** Gradients of the head's own weights, from one seed. */
export function headGradients(study: Study, dLogits: Tensor): TensorRecord {
  const { kernels, model, network, params, pass, head } = study;
  const grads = aboveGrads(params);
  decodeBackward(kernels, network, params, pass, onlyAsked(study, dLogits), grads);
  return grads.heads[model.config.heads[head].name];
}

/** Gradients by dotted name. */
export const flatGrads = ({ grads }: Whole): Record<string, Tensor> => flatten(grads);
