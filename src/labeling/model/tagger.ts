/**
 * Labels text with a trained model. This module contains all that an application needs, and complies with a strict Content-Security-Policy:
 * neither this module nor its imports construct an ndarray or call `new Function`.
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
  /** The backend that the products run on. */
  readonly backend: string;
  /**
   * Returns the labels of sentences, in the order of the sentences.
   *
   * @param sentences tokens of each sentence
   * @param options.probabilities whether to return the probability of each label too; default false
   * @param options.spans whether to return the spans of the labels too, each with its probability; default false
   * @throws ArgumentError if `sentences` is not a list of lists of strings, naming the sentence and the token
   */
  tag(sentences: readonly (readonly string[])[], options?: PredictOptions): Prediction[];
  /**
   * Begins a sentence whose tokens arrive one after another; see `TagStream`. Any number of them may be open at once.
   *
   * @throws ArgumentError if an option is outside its domain, or if the model is bidirectional and `lookAhead` is missing; UnsupportedError
   *   if a part of the model, or an option, needs the whole sentence
   */
  open(options?: StreamOptions): TagStream;
  /** Finds whole entities in raw text, with their offsets. */
  readonly entities: FindEntities;
  /** Frees the backend's memory, if the parameters were stored there. Both the model and the backend remain usable. */
  dispose(): void;
}

/**
 * Returns a tagger for a model, or for the bytes of a model file. If the backend has its own memory, the parameters move into it until
 * `dispose`, so that they are not copied for every sentence; meanwhile, hold on to a parameter's tensor, not to its `data`. The tagger may
 * also keep a copy of the parameters: make a new tagger after changing the model.
 *
 * @param kernels where products run; the CPU by default
 * @param options whether to cache words, see `InferenceOptions`; for bytes also the cell, if it is a custom one
 * @throws DataError if the bytes are not a model that this version can read; ArgumentError if `source` is neither, `kernels` are invalid,
 *   or an option is outside its domain
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
