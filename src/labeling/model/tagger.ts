/**
 * Labeling with a trained model: everything an application needs, and nothing that a strict Content-Security-Policy
 * forbids. This module and what it imports construct no ndarray and call no `new Function`.
 *
 * @module bptt/tagger
 */
import { flatten } from '../../autograd/grads.js';
import { createCpuKernels } from '../../kernels/cpu/index.js';
import type { Kernels } from '../../kernels/types.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { expectKernels, expectSwitches } from '../checks.js';
import type { FindEntities } from './entities.js';
import { entityFinder } from './entities.js';
import type { InferenceOptions } from './inference.js';
import { inferenceOfModel } from './inference.js';
import type { LoadOptions } from './file.js';
import { modelOf } from './file.js';
import type { Model } from './model.js';
import type { Prediction, PredictOptions } from './predict.js';
import { predictWith } from './predict.js';
import type { StreamOptions, TagStream } from './stream.js';
import { openStream } from './stream.js';

export type { Entity, EntityOptions, FindEntities, FindEntitiesAsync } from './entities.js';
export type { OffsetUnit } from '../data/offsets.js';
export type { InferenceOptions } from './inference.js';
export type { LoadOptions } from './file.js';
export { loadModel } from './file.js';
export type { Model } from './model.js';
export type { ModelConfig } from './network.js';
export type { Prediction } from './predict.js';
export type { StreamedLabels } from './heads/head.js';
export type { StreamOptions, StreamUpdate, TagStream } from './stream.js';

const KEYS = keysOf<InferenceOptions & LoadOptions>({ keepWords: true, cell: true, encoders: true, heads: true });

/** A model ready to label sentences. */
export interface Tagger {
  readonly model: Model;
  /** What the products run on. */
  readonly backend: string;
  /**
   * Labels of sentences, in their order.
   *
   * @param sentences tokens of each sentence
   * @param options.probabilities whether to return the probability of each label too; default false
   * @param options.spans whether to return the spans of the labels too, each with its probability; default false
   * @throws ArgumentError where `sentences` is not a list of lists of strings, naming sentence and token
   */
  tag(sentences: readonly (readonly string[])[], options?: PredictOptions): Prediction[];
  /**
   * Begins a sentence whose tokens arrive one after another; see `TagStream`. Any number may be open at once.
   *
   * @throws ArgumentError where an option is outside its domain, or the model reads both ways and `lookAhead` is missing;
   *   UnsupportedError where a part of the model, or what is asked for, needs the whole sentence
   */
  open(options?: StreamOptions): TagStream;
  /** Whole entities of raw text, with their places in it. */
  readonly entities: FindEntities;
  /** Gives the memory of the backend back, where the parameters lay in it. The model stays usable, and so does the backend. */
  dispose(): void;
}

/**
 * A tagger from a model, or from the bytes of a model file. Where the backend has a memory of its own, the parameters move into
 * it until `dispose`, so that no sentence has to bring them along: hold a parameter's tensor then, not its `data`. It may also
 * keep a copy of them: after the model has changed, make a new tagger.
 *
 * @param kernels where products run; the CPU by default
 * @param options whether words are kept; see `InferenceOptions`. With bytes, the cell too, where it is one of your own
 * @throws DataError where the bytes are not a model this version reads; ArgumentError where `source` is something else,
 *   `kernels` are none, or an option is outside its domain
 */
export function createTagger(
  source: Model | Uint8Array | ArrayBuffer,
  kernels: Kernels = createCpuKernels(),
  options: InferenceOptions & LoadOptions = {},
): Tagger {
  expectKernels('createTagger', kernels);
  expectSwitches('createTagger', options, 'keepWords');
  expectKnownKeys('createTagger', 'options', options, KEYS);
  const { keepWords, ...own } = options;
  const model = modelOf('createTagger', source, own);
  const { params, members = [params] } = model;
  const moveOut = kernels.adopt([...new Set(members.flatMap((each) => Object.values(flatten(each))))]);
  const inference = inferenceOfModel(kernels, model, { keepWords });
  const tag: Tagger['tag'] = (sentences, wanted) => predictWith(kernels, inference, model, sentences, wanted);
  return {
    model,
    backend: kernels.backend,
    tag,
    open: (own) => openStream(kernels, model, inference.members, own),
    entities: entityFinder(model, tag),
    dispose() {
      inference.release();
      moveOut();
    },
  };
}
