/**
 * The sequence labeler: embedding → dropout → stack of (bidirectional) RNN, LSTM or GRU → dropout → linear → logits.
 *
 *     ids [N]  →  x [N, E]  →  y [N, H] or [N, 2H]  →  logits [N, K]          one row per token (autograd/packing)
 *
 * This file is one of the two places where concrete choices meet: which cell. (The other is kernels/select: which backend.)
 *
 * Reading order: from labeling/training/train.ts; next stop layers/softmax-loss.ts.
 */
import type { Packing } from '../../autograd/packing.js';
import type { Truncation } from '../../autograd/truncate.js';
import type { Cell } from '../../cells/index.js';
import { cells, expectCell } from '../../cells/index.js';
import type { Kernels } from '../../kernels/types.js';
import { allocateOn } from '../../kernels/workspace.js';
import type { DropoutMask } from '../../layers/dropout.js';
import { dropoutBackward, dropoutForward } from '../../layers/dropout.js';
import type { EmbeddingGrads, EmbeddingParams } from '../../layers/embedding.js';
import { embeddingBackward, embeddingForward, initEmbedding } from '../../layers/embedding.js';
import type { LinearParams } from '../../layers/linear.js';
import { initLinear, linearBackward, linearForward } from '../../layers/linear.js';
import type { LayerParams, LayerSpec, StackOptions, StackPass } from '../../layers/stack.js';
import { initStack, outputSize, stackBackward, stackForward } from '../../layers/stack.js';
import { expectOneOf, expectPositiveInteger, expectProbability } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { Rng } from '../../tensor/random.js';
import type { Tensor } from '../../tensor/types.js';
import { expectUnchanged, remember } from '../../tensor/versions.js';
import { dtypeOf } from '../../tensor/view.js';
import type { LabelVocabulary } from '../data/labels.js';
import type { Vocabulary } from '../data/vocabulary.js';

/** What a model is made of; saved with it. */
export interface ModelConfig {
  /** Name of the cell: `lstm`, `gru`, `rnn`, …, a key of `cells`, unless `ownCell` is set. */
  readonly cell: string;
  /** Set where the cell is one of your own, whatever its name: the model then needs the cell itself, `Model.cell`. */
  readonly ownCell?: true;
  /** E, the size of a word vector. */
  readonly embedding: number;
  /** H of each recurrent layer, per direction, first layer first. */
  readonly hidden: readonly number[];
  /** Whether every layer reads the sentence in both directions. */
  readonly bidirectional: boolean;
  /** Probability of dropping a component of the word vectors, between layers, and before the linear layer. */
  readonly dropout: number;
}

/** Everything that is learned. Gradients mirror it; `flatten` names its tensors `layers.0.forward.Wx` and so on. */
export type ModelParams = {
  readonly embedding: EmbeddingParams;
  readonly layers: readonly LayerParams[];
  readonly output: LinearParams;
};

/** A labeler: configuration, vocabularies, parameters. Plain data; nothing in it runs. */
export interface Model {
  readonly config: ModelConfig;
  readonly words: Vocabulary;
  readonly labels: LabelVocabulary;
  readonly params: ModelParams;
  /** The cell, where it is one of your own; a built-in one goes by its name. */
  readonly cell?: Cell;
}

/** What of a model the passes need. */
export type ModelBody = Pick<Model, 'config' | 'params' | 'cell'>;

/** Gradients of a model: like its parameters, with the list of touched rows for the embedding. */
export type ModelGrads = ModelParams & { readonly embedding: EmbeddingGrads };

/** What the forward pass returns, and what its backward needs. */
export interface ModelPass {
  readonly ids: Int32Array;
  readonly embedded: Tensor;
  readonly embeddedMask: DropoutMask | null;
  readonly stack: StackPass;
  readonly hidden: Tensor;
  readonly hiddenMask: DropoutMask | null;
  /** `[N, K]` */
  readonly logits: Tensor;
}

/** The part of a configuration that names a cell. */
export function cellConfig(cell: string | Cell): Pick<ModelConfig, 'cell' | 'ownCell'> {
  if (typeof cell === 'string') return { cell };
  expectCell('model', cell);
  return cells[cell.name] === cell ? { cell: cell.name } : { cell: cell.name, ownCell: true };
}

/** The cell a configuration names. @throws ArgumentError on an unknown cell, or where one of your own is missing */
function cellOf(config: ModelConfig, own?: Cell): Cell {
  if (!config.ownCell) {
    expectOneOf('model', 'cell', config.cell, Object.keys(cells));
    return cells[config.cell];
  }
  if (own === undefined) {
    throw new ArgumentError(
      `model: its cell '${config.cell}' is not built in, and a model file holds no functions: pass the cell that it was trained with`,
    );
  }
  if (own.name === config.cell) return own;
  throw new ArgumentError(
    `model: expected the cell '${config.cell}', which it was trained with; got '${own.name}': pass that cell`,
  );
}

/**
 * The layers a configuration asks for.
 *
 * @param own the cell, where it is one of your own
 * @throws ArgumentError on an unknown cell, one of your own that is missing, or an impossible size
 */
export function layersOf(config: ModelConfig, own?: Cell): LayerSpec[] {
  const cell = cellOf(config, own);
  expectPositiveInteger('model', 'embedding', config.embedding);
  expectProbability('model', 'dropout', config.dropout);
  if (config.hidden.length === 0) throw new ArgumentError('model: hidden must list at least one layer size; got none');
  return config.hidden.map((hidden) => {
    expectPositiveInteger('model', 'hidden', hidden);
    return { cell, hidden, bidirectional: config.bidirectional };
  });
}

/**
 * About as many bytes as the tensors of one training step take at most.
 *
 * @param lengths of the sentences; a step takes `batch` of them
 */
export function stepBytes(
  config: ModelConfig,
  K: number,
  lengths: readonly number[],
  batch: number,
  own?: Cell,
): number {
  const longest = [...lengths].sort((p, q) => q - p).slice(0, batch);
  const tokens = longest.reduce((sum, length) => sum + length, 0);
  let perToken = 6 * config.embedding + 4 * K;
  let perSentence = 0;
  let D = config.embedding;
  for (const layer of layersOf(config, own)) {
    const { states, kept, left } = layer.cell;
    const widths = [...Object.values(kept), ...Object.values(left)].reduce((sum, width) => sum + width, 0);
    const directions = layer.bidirectional ? 2 : 1;
    perToken += directions * (3 * D + (2 * states.length + widths + 8) * layer.hidden);
    perSentence += directions * 4 * states.length * layer.hidden;
    D = outputSize(layer);
  }
  return 4 * (tokens * perToken + longest.length * perSentence);
}

/** New parameters for a configuration, a vocabulary of V words and K labels. Each part has its own random stream. */
export function initModel(config: ModelConfig, V: number, K: number, rng: Rng, own?: Cell): ModelParams {
  const layers = layersOf(config, own);
  return {
    embedding: initEmbedding(V, config.embedding, rng.split('embedding')),
    layers: initStack(config.embedding, layers, rng.split('layers')),
    output: initLinear(outputSize(layers[layers.length - 1]), K, rng.split('output')),
  };
}

/**
 * Logits for every token of a packed batch.
 *
 * @param ids `[N]` word ids, one per row
 * @param dropout where the masks of this pass come from; leave it out to evaluate
 * @param truncate how the backward pass will be truncated
 */
export function modelForward(
  kernels: Kernels,
  { config, params, cell }: ModelBody,
  ids: Int32Array,
  packing: Packing,
  dropout?: Rng,
  truncate?: Truncation,
): ModelPass {
  const p = config.dropout;
  const embedded = embeddingForward(params.embedding, ids, undefined, kernels);
  const input = dropWith(kernels, embedded, p, dropout);
  const stack = stackForward(
    kernels,
    layersOf(config, cell),
    params.layers,
    input.y,
    packing,
    stackOptions(p, dropout, truncate),
  );
  const output = dropWith(kernels, stack.y, p, dropout);
  const logits = linearForward(kernels, params.output, output.y);
  const pass = { ids, embedded, embeddedMask: input.mask, stack, hidden: output.y, hiddenMask: output.mask, logits };
  return remember(pass, ownWeights(params));
}

/** The weights that no layer of the stack remembers: of the word vectors and of the output. */
export function ownWeights({ embedding, output }: ModelParams): Record<string, Tensor> {
  return { 'embedding.weight': embedding.weight, 'output.W': output.W, 'output.b': output.b };
}

/**
 * The backward pass of `modelForward`, the same layers in reverse: accumulates into `grads`.
 *
 * @param dLogits `[N, K]`
 * @throws ArgumentError where an optimizer has updated the weights since the forward pass
 */
export function modelBackward(
  kernels: Kernels,
  params: ModelParams,
  pass: ModelPass,
  dLogits: Tensor,
  grads: ModelGrads,
  truncate?: Truncation,
): void {
  expectUnchanged('modelBackward', pass);
  const dHidden = zerosFor(kernels, pass.hidden);
  linearBackward(kernels, params.output, pass.hidden, dLogits, grads.output, dHidden);
  const dY = undoDropout(kernels, pass.hiddenMask, dHidden);
  const dX = zerosFor(kernels, pass.embedded);
  stackBackward(kernels, pass.stack, dY, grads.layers, { dX, truncate });
  embeddingBackward(pass.ids, undoDropout(kernels, pass.embeddedMask, dX), grads.embedding, kernels);
}

/**
 * Nobody looks into the steps of a layer, but truncation cuts between them. Without a generator for dropout it is an evaluation,
 * and no backward pass follows.
 */
export function stackOptions(p: number, dropout?: Rng, truncate?: Truncation): StackOptions {
  if (dropout === undefined) return { resident: 'forward' };
  return { dropout: { p, rng: dropout }, resident: truncate ? undefined : 'backward' };
}

/** Dropout where there is a generator; the same rows without. */
export function dropWith(
  kernels: Kernels,
  x: Tensor,
  p: number,
  rng?: Rng,
): { readonly y: Tensor; readonly mask: DropoutMask | null } {
  return rng ? dropoutForward(x, { p, rng, kernels }) : { y: x, mask: null };
}

/** The gradient before dropout, a new tensor where there was any. */
export function undoDropout(kernels: Kernels, mask: DropoutMask | null, dY: Tensor): Tensor {
  if (mask === null) return dY;
  const dX = zerosFor(kernels, dY);
  dropoutBackward(mask, dY, dX, kernels);
  return dX;
}

/** Zeros of the shape and element type of `x`. */
export function zerosFor(kernels: Kernels, x: Tensor): Tensor {
  return allocateOn(kernels, x.shape, dtypeOf(x.data));
}
