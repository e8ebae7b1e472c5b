/**
 * The sequence labeler: corpus readers, models (encoders, recurrent body, heads), training, tagging and scoring.
 *
 * @module bptt/labeling
 */
export { createTagger, loadModel } from './model/tagger.js';
export type {
  Entity,
  EntityOptions,
  FindEntities,
  FindEntitiesAsync,
  LoadOptions,
  Model,
  ModelConfig,
  OffsetUnit,
  Prediction,
  StreamedLabels,
  StreamOptions,
  StreamUpdate,
  Tagger,
  TagStream,
} from './model/tagger.js';
export { saveModel } from './model/file.js';
export type { SaveOptions } from './model/file.js';
export { createModel, modelBackward, modelBackwardAsync, modelForward, modelForwardAsync } from './model/model.js';
export { ensembleOf, memberOf } from './model/ensemble.js';
export type { Foreign } from './model/foreign.js';
export type { ModelBackwardPass, ModelHead, ModelPass, ModelPieces, PassOptions } from './model/model.js';
export { initNetwork, layersOf, networkOf } from './model/network.js';
export type {
  BodyConfig,
  DenseShapes,
  InferenceNetwork,
  InitialParams,
  ModelGrads,
  ModelParams,
  Network,
  OwnParts,
} from './model/network.js';
export { encoderKinds, ENCODERS } from './model/encoders/index.js';
export type { EncoderName } from './model/encoders/index.js';
export { affixConfig, affixReader } from './model/encoders/affixes.js';
export type { AffixConfig, KnownAffixes } from './model/encoders/affixes.js';
export { characterConfig, characterReader } from './model/encoders/characters.js';
export type { CharacterConfig } from './model/encoders/characters.js';
export type { CharacterNetworkName } from './model/encoders/character-network.js';
export { vectorConfig, vectorReader } from './model/encoders/vectors.js';
export type { VectorConfig, VectorMode, VectorWords } from './model/encoders/vectors.js';
export type {
  AffixSettings,
  CharacterSettings,
  EncoderConfig,
  EncoderKind,
  EncoderLayer,
  EncoderPass,
  EncoderSettings,
  GrownEncoder,
  GrowSettings,
  Feature,
  Features,
  InferenceEncoderKind,
  InferenceEncoderLayer,
  IntegerLists,
  IntegerRows,
  Noise,
  TokenReader,
  VectorSettings,
  WordSettings,
} from './model/encoders/encoder.js';
export { wordConfig, wordReader } from './model/encoders/words.js';
export type { WordConfig } from './model/encoders/words.js';
export { headKinds } from './model/heads/index.js';
export type {
  BodyShape,
  HeadConfig,
  HeadKind,
  HeadLayer,
  HeadLoss,
  HeadPass,
  HeadPlace,
  HeadSettings,
  InferenceHeadKind,
  InferenceHeadLayer,
  LossSettings,
  PredictedSpan,
  Unit,
  Wanted,
} from './model/heads/head.js';
export { sentenceConfig } from './model/heads/sentence.js';
export type { SentenceConfig } from './model/heads/sentence.js';
export { crfConfig } from './model/heads/crf.js';
export type { DecodingConfig } from './model/heads/decoding.js';
export { softmaxConfig } from './model/heads/softmax.js';
export { createAsyncTagger } from './model/async-tagger.js';
export type { AsyncTagger } from './model/async-tagger.js';
export { inferenceOf } from './model/inference.js';
export type { Inference, InferenceOptions } from './model/inference.js';
export { predict } from './model/predict.js';
export type { PredictOptions } from './model/predict.js';
export { evaluate } from './scoring/evaluate.js';
export type { EvaluateOptions, ModelScores, Together } from './scoring/evaluate.js';
export { metricOf, train } from './training/train.js';
export { trainSteps } from './training/steps.js';
export type { EndStep, EpochStep, TrainStep, UpdateStep } from './training/steps.js';
export { trainEnsemble } from './training/ensemble.js';
export type { EnsembleResult } from './training/ensemble.js';
export { trainSeeds } from './training/seeds.js';
export type { SeedHooks, SeedRun, SeedsResult } from './training/seeds.js';
export { scoreSpread, spreadOf } from './scoring/spread.js';
export type { HeadSpread, ScoreSpread, Spread } from './scoring/spread.js';
export type {
  CheckpointInterval,
  EpochRecord,
  EpochReport,
  Grown,
  Progress,
  ResumePlace,
  TrainHooks,
  TrainPlace,
  TrainResult,
} from './training/record.js';
export type { OutsideBias, OutsideBiasChoice } from './training/outside-bias.js';
export type { SpanPlan } from './training/spans.js';
export { serveTraining } from './training/parallel/serve.js';
export type { WorkerPort } from './training/parallel/serve.js';
export type { ThreadChoice, Threads, WorkerHandle } from './training/parallel/threads.js';
export { webThreads } from './training/parallel/web.js';
export type { WebWorker } from './training/parallel/web.js';
export type { Corpora } from './training/run.js';
export { TRAIN_DEFAULTS } from './training/options.js';
export { PRESETS } from './training/presets.js';
export type { Decided, PresetName } from './training/presets.js';
export type {
  ClassWeights,
  DecodeName,
  DropoutKind,
  OptimizerName,
  TagHead,
  TaskName,
  TrainOptions,
} from './training/options.js';
export { batchesOf, packBatch, packFeatures, packRows } from './data/batches.js';
export type { Batch } from './data/batches.js';
export { collectNotes } from './data/notes.js';
export type { Note, NoteCollector, OnNote } from './data/notes.js';
export type { ConlluLines, SegmentedSentence, Sentence, SentenceText, TaggedSentence, Tags } from './data/sentence.js';
export {
  CONLLU_COLUMNS,
  detectFormat,
  doubtfulLabels,
  FORMATS,
  formatSentence,
  inputSpecOf,
  OUTPUTS,
  readSentences,
  readSlots,
} from './data/formats/index.js';
export type {
  BadLinePolicy,
  ByteChunks,
  CommentRule,
  Format,
  LabelColumns,
  Dropped,
  LabelNames,
  LabelPolicy,
  Output,
} from './data/formats/index.js';
export type { InputSpec, Reading, ReadOptions, SlotChunks } from './data/formats/index.js';
export { createSegmenter, readText, segmentText } from './data/segment.js';
export type { SegmentOptions } from './data/segment.js';
export { buildVocabulary, UNKNOWN, UNKNOWN_ID, vocabularyFromJson } from './data/vocabulary.js';
export type { Vocabulary, VocabularyJson, VocabularyOptions } from './data/vocabulary.js';
export {
  convertLabels,
  detectScheme,
  permittedTransitions,
  permitsEveryLength,
  schemeOf,
  SCHEMES,
} from './data/schemes.js';
export type { ConvertedLabels, DetectedScheme, Scheme } from './data/schemes.js';
export { buildCharacters, charactersFromJson, UNKNOWN_CHARACTER } from './data/characters.js';
export type { CharacterVocabulary } from './data/characters.js';
export type { CharacterUnit } from './data/spelling.js';
export { readVectors } from './data/vectors/read.js';
export type { ReadVectors, VectorFile, VectorFormat, VectorReadOptions } from './data/vectors/options.js';
export type { FoundBy, VectorDigits } from './data/vectors/lookup.js';
export { vectorCoverage } from './data/vectors/word-vectors.js';
export type { CoverageCounts, CoverageOptions, VectorCoverage, WordVectors } from './data/vectors/word-vectors.js';
export { buildLabels, labelsFromJson } from './data/labels.js';
export type { LabelVocabulary } from './data/labels.js';
export { calibrationOf, CALIBRATION_BINS } from './scoring/calibration.js';
export type { Calibration, CalibrationBin } from './scoring/calibration.js';
export { createScorer } from './scoring/scorer.js';
export type {
  Confusion,
  LengthScores,
  MacroAverage,
  PrecisionRecall,
  Scorer,
  ScorerOptions,
  Scores,
  SpanMode,
  SpanScores,
} from './scoring/scorer.js';
export { strictSpansOf } from './scoring/strict.js';
export type { MistakeKind } from './scoring/span-mistakes.js';
export { looksLikeSpans, spansOf } from './scoring/spans.js';
export type { Span, SpanKind } from './scoring/spans.js';
export { mostFrequentTag } from './scoring/baseline.js';
export type { Baseline } from './scoring/baseline.js';
export { AGREEMENT_TAGS, agreementTags, agreementWords, generateAgreement } from './data/agreement.js';
export type { AgreementOptions } from './data/agreement.js';
export { generateCorpus } from './data/corpus.js';
export type { CorpusOptions } from './data/corpus.js';
export { decodeSafetensors, encodeSafetensors, MAX_HEADER_BYTES } from '../serialize/safetensors.js';
export type { RawTensor, Safetensors } from '../serialize/safetensors.js';
export { splitSentences } from './data/split.js';
export type { SplitParts, SplitShares } from './data/split.js';
export { CLASSIFIED_FORMATS, formatClassified, readClassified } from './data/formats/index.js';
export type { ClassifiedFormat, ClassifiedOptions, ClassifiedSentence } from './data/formats/index.js';
