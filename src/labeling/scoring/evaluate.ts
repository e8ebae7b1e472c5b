/** Scores of a model on labeled sentences. */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import type { Kernels } from '../../kernels/types.js';
import { expectCorpus, expectKernels, expectTypes } from '../checks.js';
import { expectModel } from '../model/checks.js';
import type { Model } from '../model/model.js';
import type { Prediction } from '../model/predict.js';
import { labelsGivenBack } from '../model/heads/converted.js';
import { decodingOf } from '../model/heads/decoding.js';
import { predict } from '../model/predict.js';
import { decisionsOf } from '../model/heads/head.js';
import { headKindsOf } from '../model/network.js';
import type { Scheme } from '../data/schemes.js';
import type { Scores, SpanMode } from './scorer.js';
import { createScorer } from './scorer.js';
import type { Sentence } from '../data/sentence.js';
import { labelsOf } from '../data/labels.js';
import type { OnNote } from '../data/notes.js';
import { spanReading } from './span-reading.js';
import { notesOfScoring } from './suspect.js';

/** What to call the input, and who hears of each sentence. */
export interface EvaluateOptions {
  /** Name of the input, for messages. */
  readonly source?: string;
  /** Refuse a label the model was never trained on; by default it counts as an error. */
  readonly strictLabels?: boolean;
  /** How spans are read from labels; default `conlleval`. `strict` and `repair` judge labels by their scheme. */
  readonly spanMode?: SpanMode;
  /** That scheme. Default: the one the model gives labels back in, where it knows; else the one the sentences show. */
  readonly scheme?: Scheme;
  /** Hears of labels the model was never trained on, with counts, and of labels that fit no scheme of spans. */
  readonly onNote?: OnNote;
  /** Told of every sentence and its prediction, in order. */
  readonly onSentence?: (sentence: Sentence, prediction: Prediction) => void;
}

const KEYS = keysOf<EvaluateOptions>({
  source: true,
  strictLabels: true,
  spanMode: true,
  scheme: true,
  onNote: true,
  onSentence: true,
});

const TYPES = { source: 'string', strictLabels: 'boolean', onNote: 'function', onSentence: 'function' } as const;

/**
 * Labels sentences and scores the labels against their own. A label the model was never trained on counts as an error: no
 * model predicts it.
 *
 * @throws DataError where a sentence has no labels, or, with `strictLabels`, a label the model was never trained on; where `strict` or
 *   `repair` is asked for and the labels annotate no spans
 */
export function evaluate(
  kernels: Kernels,
  model: Model,
  sentences: readonly Sentence[],
  options: EvaluateOptions = {},
): Scores {
  expectKernels('evaluate', kernels);
  expectModel('evaluate', model);
  expectCorpus('evaluate', 'sentences', sentences);
  expectKnownKeys('evaluate', 'options', options, KEYS);
  expectTypes('evaluate', options, TYPES);
  const { source, strictLabels = false, onNote, onSentence } = options;
  // The first head is the one that is judged: early stopping watches one number.
  const { words, labels } = model;
  const [kind] = headKindsOf(model);
  const gold = sentences.map((sentence) => decisionsOf(kind, sentence, source));
  for (const each of gold) labelsOf(each, source);
  const { schemes } = decodingOf(model.config.heads[0]);
  const given = labelsGivenBack(labels, schemes); // in the scheme of the data: what the file is written in
  if (strictLabels) for (const each of gold) given.encode(each, source);
  if (onNote) notesOfScoring(gold, given, source, kind.unit, schemes?.data).forEach(onNote);
  const isSentences = kind.unit === 'sentence';
  const reading = spanReading(
    { ...options, scheme: options.scheme ?? schemes?.data },
    isSentences ? [] : given.labels,
    gold,
  );
  const predictions = predict(
    kernels,
    model,
    sentences.map((s) => s.tokens),
  );
  // Without a vocabulary nobody can tell what training has seen: no word counts as out of it.
  const known = model.readers.some(({ vocabulary }) => vocabulary) ? words.known : () => true;
  // Whether labels are spans is a property of the task, so all labels of the model decide, not those of this sample.
  const scorer = createScorer(
    isSentences ? { unit: 'sentence', spans: false } : { known, labels: given.labels, ...reading },
  );
  sentences.forEach((sentence, i) => {
    scorer.add(gold[i].tokens, gold[i].labels!, kind.chosenOf(predictions[i]), sentence.tokens.length);
    onSentence?.(sentence, predictions[i]);
  });
  return scorer.scores();
}
