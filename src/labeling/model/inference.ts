/** A labeler for inference only: the state that `predict` and a `Tagger` keep from one batch to the next. */
import type { Packing } from '../../autograd/packing.js';
import type { Kernels } from '../../kernels/types.js';
import { denseForward } from '../../layers/dense.js';
import type { StackStates } from '../../layers/inference.js';
import { stackInference } from '../../layers/inference.js';
import { expectPacking } from '../../autograd/entry-checks.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import type { Tensor } from '../../tensor/types.js';
import { expectKernels, expectSwitches } from '../checks.js';
import { expectFeatures, expectInferenceNetwork, expectParams } from './checks.js';
import type { Features } from './encoders/encoder.js';
import type { HeadPass } from './heads/head.js';
import { keptWords } from './kept-words.js';
import type { Model } from './model.js';
import { joined } from './model.js';
import type { InferenceNetwork, ModelParams } from './network.js';

/** A labeler for inference. */
export interface Inference {
  /**
   * Returns the logits of every head for a packed batch, bit for bit those of `modelForward` without dropout.
   *
   * @param features one per encoder, in the order of the rows
   */
  run(features: readonly Features[], packing: Packing): readonly HeadPass[];
  /**
   * Returns the rows that the heads read for a stretch of every sentence, `[N, H]`, and the state of the body: see `StackInference.advance`.
   *
   * @param states those returned for the previous stretch
   * @param ahead how many steps of each sentence the next stretch repeats
   */
  advance(
    features: readonly Features[],
    packing: Packing,
    states?: StackStates,
    ahead?: number,
  ): { readonly top: Tensor; readonly states: StackStates };
  /** The output of head h for the rows that `advance` returned, or for some of them. */
  decide(h: number, top: Tensor, packing: Packing): HeadPass;
  /** Frees the memory that it holds on the backend; do not call it inside a frame. The model is unchanged. */
  release(): void;
}

/** Options of a labeler. */
export interface InferenceOptions {
  /**
   * Whether to cache what was computed for a word until it occurs again. A backend caches the first layer's projection, x·Wx + b: at most
   * 32 MiB per direction, and at most an eighth of the memory it may still allocate. With encoders other than that of words, the vectors of
   * at most 16,384 words are cached too, in at most 32 MiB. The bits are the same. Default true.
   */
  readonly keepWords?: boolean;
}

const KEYS = keysOf<InferenceOptions>({ keepWords: true });

/**
 * Prepares a labeler; call it outside any frame. Later changes to parameters may or may not take effect: make a new labeler after a change.
 */
export function inferenceOf(
  kernels: Kernels,
  network: InferenceNetwork,
  params: ModelParams,
  options: InferenceOptions = {},
): Inference {
  expectKernels('inferenceOf', kernels);
  expectInferenceNetwork('inferenceOf', network);
  expectParams('inferenceOf', 'params', params, network);
  expectKnownKeys('inferenceOf', 'options', options, KEYS);
  expectSwitches('inferenceOf', options, 'keepWords');
  const { keepWords = true } = options;
  // Word vectors by themselves are already a table. The joined vectors of several encoders become one.
  const [first, ...others] = network.encoders;
  const words = keepWords && others.length === 0 ? first.table : undefined;
  const kept = keepWords && !words ? keptWords(kernels, network, params) : undefined;
  const table = words?.of(params.encoders[first.config.kind]) ?? kept?.table;
  const stack = stackInference(kernels, network.layers, params.layers, table);
  const read = (features: readonly Features[], packing: Packing): Tensor | Int32Array => {
    expectPacking('inference', packing);
    expectFeatures('inference', features, network.encoders.length, packing);
    const rows = words ? words.rows(features[0]) : kept?.find(features, packing.total, stack.forget);
    return rows ?? vectorsOf(kernels, network, params, features);
  };
  const topOf = (y: Tensor): Tensor => (params.dense ? denseForward(kernels, params.dense, y) : y);
  const decide: Inference['decide'] = (h, top, packing) =>
    network.heads[h].forward(kernels, params.heads[network.heads[h].config.name], top, packing);
  return {
    run(features, packing) {
      const top = topOf(stack.run(read(features, packing), packing));
      return network.heads.map((_, h) => decide(h, top, packing));
    },
    advance(features, packing, from, ahead) {
      const { y, states } = stack.advance(read(features, packing), packing, from, ahead);
      return { top: topOf(y), states };
    },
    decide,
    release: stack.release,
  };
}

/** `inferenceOf` for a model. For an ensemble it runs every member, each with its own word cache and memory. */
export function inferenceOfModel(
  kernels: Kernels,
  { network, params, members = [params] }: Pick<Model, 'network' | 'params' | 'members'>,
  options: InferenceOptions = {},
): Pick<Inference, 'run' | 'release'> & { readonly members: readonly Inference[] } {
  const all = members.map((own) => inferenceOf(kernels, network, own, options));
  return {
    run: (features, packing) => together(all.map((each) => each.run(features, packing))),
    release: () => all.forEach((each) => each.release()),
    members: all,
  };
}

/** Combines the members' passes into one pass per head. */
export function together(passes: readonly (readonly HeadPass[])[]): readonly HeadPass[] {
  const [first, ...others] = passes;
  if (others.length === 0) return first;
  return first.map((pass, h) => ({ ...pass, members: passes.map((own) => own[h]) }));
}

/** The encoders' vectors for the features. */
function vectorsOf(
  kernels: Kernels,
  { encoders, width }: InferenceNetwork,
  params: ModelParams,
  features: readonly Features[],
): Tensor {
  const encoded = encoders.map((each, i) => each.forward(kernels, params.encoders[each.config.kind], features[i]));
  return joined(kernels, encoded, width);
}
