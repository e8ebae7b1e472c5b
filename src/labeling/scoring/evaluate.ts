/** Scores of a model on labeled sentences. */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import type { Kernels } from '../../kernels/types.js';
import type { Model } from '../model/model.js';
import type { Prediction } from '../model/predict.js';
import { predict } from '../model/predict.js';
import type { Scores } from './scorer.js';
import { createScorer } from './scorer.js';
import type { Sentence } from '../data/sentence.js';
import { looksLikeSpans } from './spans.js';

/** What to call the input, and who hears of each sentence. */
export interface EvaluateOptions {
  /** Name of the input, for messages. */
  readonly source?: string;
  /** Told of every sentence and its prediction, in order. */
  readonly onSentence?: (sentence: Sentence, prediction: Prediction) => void;
}

const KEYS = keysOf<EvaluateOptions>({ source: true, onSentence: true });

/**
 * Labels sentences and scores the labels against their own.
 *
 * @throws DataError where a sentence has no labels, or a label the model was never trained on
 */
export function evaluate(
  kernels: Kernels,
  model: Model,
  sentences: readonly Sentence[],
  options: EvaluateOptions = {},
): Scores {
  expectKnownKeys('evaluate', 'options', options, KEYS);
  const { source, onSentence } = options;
  const { words, labels } = model;
  for (const sentence of sentences) labels.encode(sentence, source);
  const predictions = predict(
    kernels,
    model,
    sentences.map((s) => s.tokens),
  );
  // Whether labels are spans is a property of the task, so all labels of the model decide, not those of this sample.
  const scorer = createScorer({ known: words.known, spans: looksLikeSpans(labels.labels) });
  sentences.forEach((sentence, i) => {
    scorer.add(sentence.tokens, sentence.labels!, predictions[i].labels);
    onSentence?.(sentence, predictions[i]);
  });
  return scorer.scores();
}
