export { createTagger, loadModel } from './tagger.js';
export type { Model, ModelConfig, Prediction, Tagger } from './tagger.js';
export { saveModel } from './model-file.js';
export { initModel, layersOf, modelBackward, modelForward } from './model.js';
export type { ModelGrads, ModelParams, ModelPass } from './model.js';
export { createAsyncTagger, modelBackwardAsync, modelForwardAsync } from './model-async.js';
export type { AsyncTagger } from './model-async.js';
export { inferenceOf } from './inference.js';
export type { Inference, InferenceOptions } from './inference.js';
export { predict } from './predict.js';
export type { PredictOptions } from './predict.js';
export { evaluate } from './evaluate.js';
export type { EvaluateOptions } from './evaluate.js';
export { metricOf, train } from './train.js';
export type { EpochRecord, Progress, TrainHooks, TrainResult } from './record.js';
export { serveTraining } from './parallel/serve.js';
export type { WorkerPort } from './parallel/serve.js';
export type { ThreadChoice, Threads, WorkerHandle } from './parallel/threads.js';
export { webThreads } from './parallel/web.js';
export type { WebWorker } from './parallel/web.js';
export type { Corpora } from './run.js';
export { TRAIN_DEFAULTS } from './options.js';
export type { OptimizerName, TrainOptions } from './options.js';
export { batchesOf, packBatch, packRows } from './batches.js';
export type { Batch } from './batches.js';
export type { SegmentedSentence, Sentence, TaggedSentence } from './sentence.js';
export {
  CONLLU_COLUMNS,
  detectFormat,
  FORMATS,
  formatSentence,
  OUTPUTS,
  readSentences,
  readSlots,
} from './formats/index.js';
export type { ByteChunks, Format, LabelPolicy, Output, ReadOptions, SlotChunks } from './formats/index.js';
export { createSegmenter, readText, segmentText } from './segment.js';
export type { SegmentOptions } from './segment.js';
export { buildVocabulary, UNKNOWN, UNKNOWN_ID, vocabularyFromJson } from './vocabulary.js';
export type { Vocabulary, VocabularyJson, VocabularyOptions } from './vocabulary.js';
export { buildLabels, labelsFromJson } from './labels.js';
export type { LabelVocabulary } from './labels.js';
export { createScorer } from './scorer.js';
export type { Confusion, PrecisionRecall, Scorer, ScorerOptions, Scores, SpanScores } from './scorer.js';
export { looksLikeSpans, spansOf } from './spans.js';
export type { Span } from './spans.js';
export { mostFrequentTag } from './baseline.js';
export type { Baseline } from './baseline.js';
export { generateCorpus } from './corpus.js';
export type { CorpusOptions } from './corpus.js';
export { decodeSafetensors, encodeSafetensors, MAX_HEADER_BYTES } from './safetensors.js';
export type { Safetensors } from './safetensors.js';
