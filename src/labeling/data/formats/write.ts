/** Writers: a tagged sentence as text. What they write, the readers read back (`text` apart, which is for people). */
import { ArgumentError, DataError } from '../../../tensor/errors.js';
import type { TaggedSentence } from '../sentence.js';

/**
 * - `text`: one sentence a line, `word/TAG word/TAG`; with probabilities `word/TAG/0.9876`. For people: a token may
 *   contain spaces and slashes.
 * - `conll`: token, tab, label, with probabilities a third column; a blank line after each sentence.
 * - `jsonl`: `{"tokens": […], "labels": […]}`, perhaps with `"probabilities"` and `"category"`.
 */
export const OUTPUTS = ['text', 'conll', 'jsonl'] as const;

/** Name of an output format. */
export type Output = (typeof OUTPUTS)[number];

/** Reads an output format's name. @throws ArgumentError listing the formats there are */
export function outputOf(name: string): Output {
  const output = OUTPUTS.find((known) => known === name);
  if (!output) throw new ArgumentError(`unknown output ${JSON.stringify(name)}: use one of ${OUTPUTS.join(', ')}`);
  return output;
}

/**
 * A sentence in an output format, with its line end (`conll`: and the blank line after it). Probabilities are rounded to
 * four decimals in `text` and `conll` and kept as they are in `jsonl`.
 *
 * @throws ArgumentError where labels or probabilities are not one per token
 * @throws DataError where `conll` cannot hold a token or label: it has a tab or line end, or nothing but spaces
 */
export function formatSentence(sentence: TaggedSentence, output: Output): string {
  const { tokens, labels, probabilities } = sentence;
  for (const [name, length] of [
    ['labels', labels.length],
    ['probabilities', probabilities?.length ?? tokens.length],
  ] as const) {
    if (length !== tokens.length) {
      throw new ArgumentError(`${name} must be one per token, ${tokens.length}; got ${length}`);
    }
  }
  const rounded = (i: number) => probabilities![i].toFixed(4);
  switch (output) {
    case 'text':
      return `${tokens.map((token, i) => [token, labels[i], ...(probabilities ? [rounded(i)] : [])].join('/')).join(' ')}\n`;
    case 'conll': {
      const rows = tokens.map((token, i) => [cell(token), cell(labels[i]), ...(probabilities ? [rounded(i)] : [])]);
      return `${rows.map((row) => row.join('\t')).join('\n')}\n\n`;
    }
    case 'jsonl':
      return `${JSON.stringify(jsonObject(sentence))}\n`;
  }
}

function cell(text: string): string {
  if (!/[\t\r\n]/.test(text) && /[^ ]/.test(text)) return text;
  throw new DataError(`${JSON.stringify(text)} cannot stand in a column: use the output jsonl`);
}

function jsonObject({ tokens, labels, probabilities, category }: TaggedSentence): Record<string, unknown> {
  return {
    tokens,
    labels,
    ...(probabilities && { probabilities: Array.from(probabilities) }),
    ...(category !== undefined && { category }),
  };
}
