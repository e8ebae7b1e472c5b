/** Writers of sentences with one label each: the label and its probability, one line a sentence. */
import { expectNumber } from '../../../tensor/arguments.js';
import { expectOneOf } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { expectSentence } from '../../checks.js';
import type { Output } from './write.js';
import { OUTPUTS } from './write.js';

/** A sentence and a model's output for it; a blank line has neither label nor tokens. */
export interface ClassifiedSentence {
  readonly tokens: readonly string[];
  readonly category?: string;
  /** In [0, 1]. */
  readonly categoryProbability?: number;
}

/**
 * Formats one line, including its line end. `text`: label, tab, probability, so that line n of the output belongs to line n of the input; a
 * blank line stays blank. `jsonl`: `{"tokens": […], "label": "…", "probability": …}`, which the JSON lines reader accepts.
 *
 * @throws ArgumentError on an output that needs a label for each word
 */
export function formatClassified(sentence: ClassifiedSentence, output: Output): string {
  expectSentence('formatClassified', 'sentence', sentence);
  const { tokens, category, categoryProbability: probability } = sentence;
  if (probability !== undefined) expectNumber('formatClassified', 'sentence.categoryProbability', probability);
  expectOneOf('formatClassified', 'output', output, OUTPUTS);
  if (output === 'jsonl') {
    return `${JSON.stringify({ tokens, label: category ?? null, ...(probability !== undefined && { probability }) })}\n`;
  }
  if (output !== 'text') {
    throw new ArgumentError(`the output ${output} has one label per word, not per sentence: choose text or jsonl`);
  }
  if (category === undefined) return '\n';
  return `${[category.replace(/[\t\r\n]/g, ' '), ...(probability === undefined ? [] : [probability.toFixed(4)])].join('\t')}\n`;
}
