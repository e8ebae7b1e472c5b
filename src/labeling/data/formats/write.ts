/** Writers: a tagged sentence as text. What they write, the readers read back (`text` apart, which is for people). */
import { isBlank } from './detect.js';
import { escapeWord } from './slashed-words.js';
import { expectNumbers } from '../../../tensor/arguments.js';
import { expectOneOf } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { expectSentence, expectWords } from '../../checks.js';
import type { TaggedSentence } from '../sentence.js';

/**
 * - `text`: one sentence a line, `word/TAG word/TAG`; with probabilities `word/TAG/0.9876`. For people: a token may
 *   contain spaces and slashes.
 * - `slashed`: the same in a form that is read back, without probabilities: `slashed-words.ts` says how a space, a slash or a
 *   backslash stands in it.
 * - `conll`: token, tab, label, with probabilities a third column; a blank line after each sentence. What cannot stand in a
 *   column is spelled: a tab `\t`, LF `\n`, CR `\r`, and every character of a token that is nothing but white space and
 *   invisible marks `\uXXXX`. The reader takes that as it stands; `jsonl` loses nothing.
 * - `jsonl`: `{"tokens": […], "labels": […]}`, perhaps with `"probabilities"`, `"spans"` and `"category"`.
 */
export const OUTPUTS = ['text', 'slashed', 'conll', 'jsonl'] as const;

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
 * @throws ArgumentError where labels or probabilities are not one per token, or `slashed` should hold probabilities
 */
export function formatSentence(sentence: TaggedSentence, output: Output): string {
  expectSentence('formatSentence', 'sentence', sentence);
  const { tokens, labels, probabilities } = sentence;
  expectWords('formatSentence', 'sentence.labels', labels);
  if (probabilities !== undefined) expectNumbers('formatSentence', 'sentence.probabilities', probabilities);
  expectOneOf('formatSentence', 'output', output, OUTPUTS);
  for (const [name, length] of [
    ['labels', labels.length],
    ['probabilities', probabilities?.length ?? tokens.length],
  ] as const) {
    if (length !== tokens.length) {
      throw new ArgumentError(`${name} must be one per token, ${tokens.length}; got ${length}`);
    }
  }
  if (tokens.includes('') || labels.includes('')) throw new ArgumentError('a token or label must not be empty; got ""');
  const rounded = (i: number) => probabilities![i].toFixed(4);
  switch (output) {
    case 'slashed':
      if (!probabilities) return `${tokens.map((t, i) => `${escapeWord(t)}/${escapeWord(labels[i])}`).join(' ')}\n`;
      throw new ArgumentError('the output slashed holds no probabilities: choose text, conll or jsonl');
    case 'text':
      return `${tokens.map((token, i) => [spelled(token), spelled(labels[i]), ...(probabilities ? [rounded(i)] : [])].join('/')).join(' ')}\n`;
    case 'conll': {
      const rows = tokens.map((token, i) => [cell(token), cell(labels[i]), ...(probabilities ? [rounded(i)] : [])]);
      return `${rows.map((row) => row.join('\t')).join('\n')}\n\n`;
    }
    case 'jsonl':
      return `${JSON.stringify(jsonObject(sentence))}\n`;
  }
}

/** Whether a column cannot hold a token or label as it is, so that `conll` and `text` spell it. */
export function needsSpelling(text: string): boolean {
  return /[\t\r\n]/.test(text) || isBlank(text);
}

function cell(text: string): string {
  return isBlank(text) ? Array.from(text, unit).join('') : spelled(text);
}

function spelled(text: string): string {
  return text.replace(/[\t\r\n]/g, (character) => SPELLED[character]);
}

const SPELLED: Readonly<Record<string, string>> = { '\t': '\\t', '\r': '\\r', '\n': '\\n' };

function unit(character: string): string {
  return SPELLED[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function jsonObject({ tokens, labels, probabilities, spans, category }: TaggedSentence): Record<string, unknown> {
  return {
    tokens,
    labels,
    ...(probabilities && { probabilities: Array.from(probabilities) }),
    ...(spans && { spans }),
    ...(category !== undefined && { category }),
  };
}
