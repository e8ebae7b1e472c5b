/** Writers: format a tagged sentence as text. The readers can read the output back (except `text`, which is for people). */
import { CONLLU_COLUMNS } from './conllu.js';
import { isBlank } from './detect.js';
import { escapeWord } from './slashed-words.js';
import { expectNumbers, expectRecord } from '../../../tensor/arguments.js';
import { expectOneOf } from '../../../tensor/checks.js';
import { ArgumentError } from '../../../tensor/errors.js';
import { expectSentence, expectWords } from '../../checks.js';
import type { Tags, TaggedSentence } from '../sentence.js';

/**
 * - `text`: one sentence a line, `word/TAG word/TAG`; with probabilities `word/TAG/0.9876`. For people: a token may
 *   contain spaces and slashes.
 * - `slashed`: the same in a form that can be read back, without probabilities: `slashed-words.ts` says how spaces, slashes and backslashes
 *   are escaped. It has one label for each word.
 * - `conll`: token, tab, label, with probabilities a third column; a blank line after each sentence. Characters that a column cannot hold
 *   are escaped: a tab as `\t`, LF as `\n`, CR as `\r`, and every character of a token that consists only of white space and invisible marks
 *   as `\uXXXX`. The reader does not undo this; `jsonl` loses nothing.
 * - `conllu`: CoNLL-U, each head's labels in the column of its name: in the lines that a reader kept (`keepLines`), or in new lines whose
 *   other columns are `_`. No probabilities.
 * - `jsonl`: `{"tokens": […], "labels": […]}`, optionally with `"probabilities"`, `"spans"` and `"category"`.
 *
 * With several token heads, `text` and `conll` have first all labels, then all probabilities, in the order of the heads; `jsonl` has
 * objects, keyed by head. If there is a label of the whole sentence in addition to those of the tokens, it comes before a tab in `text`, in
 * a comment `# label = …` in `conll` and `conllu`, and in `"label"` and `"probability"` in `jsonl`.
 */
export const OUTPUTS = ['text', 'slashed', 'conll', 'conllu', 'jsonl'] as const;

/** Name of an output format. */
export type Output = (typeof OUTPUTS)[number];

/** Parses the name of an output format. @throws ArgumentError listing the available formats */
export function outputOf(name: string): Output {
  const output = OUTPUTS.find((known) => known === name);
  if (!output) throw new ArgumentError(`unknown output ${JSON.stringify(name)}: use one of ${OUTPUTS.join(', ')}`);
  return output;
}

/**
 * Formats a sentence, including its line end (and in `conll` the blank line after it). Probabilities are rounded to four decimals in `text`
 * and `conll` and kept as they are in `jsonl`.
 *
 * @throws ArgumentError if labels or probabilities are not one per token, labels differ from the first of `columns`, the output cannot hold
 *   them, or CoNLL-U has no column of a head's name
 */
export function formatSentence(sentence: TaggedSentence, output: Output): string {
  expectSentence('formatSentence', 'sentence', sentence);
  expectOneOf('formatSentence', 'output', output, OUTPUTS);
  const said = saidOf(sentence);
  const { tokens } = sentence;
  for (const { tags } of said.words) expectTags(tokens, tags);
  if (tokens.includes('')) throw new ArgumentError('a token or label must not be empty; got ""');
  switch (output) {
    case 'slashed':
      return slashedLine(tokens, said);
    case 'text':
      return textLine(tokens, said);
    case 'conll':
      return `${commentOf(said)}${tokens.map((token, i) => [cell(token), ...cellsOf(said, i, cell)].join('\t')).join('\n')}\n\n`;
    case 'conllu':
      return conlluBlock(sentence, said);
    case 'jsonl':
      return `${JSON.stringify(jsonObject(sentence, said))}\n`;
  }
}

/** The parts of a sentence that are written: the labels of its words, by head, and its own. */
interface Said {
  readonly words: readonly { readonly name: string; readonly tags: Tags }[];
  readonly whole?: { readonly label: string; readonly probability?: number };
}

function saidOf(sentence: TaggedSentence): Said {
  const { heads, columns } = sentence;
  if (heads === undefined) {
    if (columns === undefined) return { words: [{ name: 'labels', tags: sentence }] };
    expectFirstColumn(sentence.labels, columns);
    return { words: Object.entries(columns).map(([name, labels]) => ({ name, tags: { labels } })) };
  }
  expectRecord('formatSentence', 'sentence.heads', heads, 'what each head says, { labels } or { category }');
  const all = Object.entries(heads).map(([name, tags]) => ({ name, tags }));
  const wholes = all.filter(({ tags }) => tags.category !== undefined);
  if (wholes.length > 1) {
    const names = wholes.map(({ name }) => name).join(', ');
    throw new ArgumentError(
      `formatSentence: an output holds one sentence label; got those of ${names}: leave all but one out`,
    );
  }
  const whole = wholes[0]?.tags;
  return {
    words: all.filter(({ tags }) => tags.category === undefined),
    ...(whole && { whole: { label: whole.category!, probability: whole.categoryProbability } }),
  };
}

/** Labels must equal those of the first column. @throws ArgumentError if they differ, because one of the two would be dropped */
function expectFirstColumn(
  labels: readonly string[] | undefined,
  columns: Readonly<Record<string, readonly string[]>>,
): void {
  const [first] = Object.entries(columns);
  if (labels === undefined || first === undefined) return;
  expectWords('formatSentence', 'sentence.labels', labels);
  expectWords('formatSentence', `sentence.columns.${first[0]}`, first[1]);
  if (labels.length === first[1].length && labels.every((label, t) => label === first[1][t])) return;
  throw new ArgumentError(
    `formatSentence: labels and columns are both given, so labels must equal the first column, ${first[0]}; they differ: leave columns out to write the labels, or correct one of them`,
  );
}

function expectTags(tokens: readonly string[], { labels, probabilities }: Tags): void {
  expectWords('formatSentence', 'sentence.labels', labels);
  if (probabilities !== undefined) expectNumbers('formatSentence', 'sentence.probabilities', probabilities);
  for (const [name, length] of [
    ['labels', labels.length],
    ['probabilities', probabilities?.length ?? tokens.length],
  ] as const) {
    if (length === tokens.length) continue;
    throw new ArgumentError(`${name} must have one entry per token, ${tokens.length}; got ${length}`);
  }
  if (labels.includes('')) throw new ArgumentError('a token or label must not be empty; got ""');
}

/** The labels of token i, then their probabilities. */
function cellsOf({ words }: Said, i: number, write: (text: string) => string): string[] {
  const sure = words.flatMap(({ tags }) => (tags.probabilities ? [tags.probabilities[i].toFixed(4)] : []));
  return [...words.map(({ tags }) => write(tags.labels[i])), ...sure];
}

function slashedLine(tokens: readonly string[], { words, whole }: Said): string {
  if (words.length !== 1 || whole !== undefined) {
    throw new ArgumentError(
      'the output slashed holds one label per word, and none for the sentence: choose text, conll or jsonl',
    );
  }
  const { labels, probabilities } = words[0].tags;
  if (!probabilities) return `${tokens.map((t, i) => `${escapeWord(t)}/${escapeWord(labels[i])}`).join(' ')}\n`;
  throw new ArgumentError('the output slashed holds no probabilities: choose text, conll or jsonl');
}

function textLine(tokens: readonly string[], said: Said): string {
  const words = tokens.map((token, i) => [spelled(token), ...cellsOf(said, i, spelled)].join('/')).join(' ');
  if (said.whole === undefined) return `${words}\n`;
  const { label, probability } = said.whole;
  return `${[spelled(label), ...(probability === undefined ? [] : [probability.toFixed(4)]), words].join('\t')}\n`;
}

/** The label of the whole sentence as comment lines. */
function commentOf({ whole }: Said): string {
  if (whole === undefined) return '';
  const sure = whole.probability === undefined ? '' : `# probability = ${whole.probability.toFixed(4)}\n`;
  return `# label = ${spelled(whole.label)}\n${sure}`;
}

/** A CoNLL-U sentence with new labels: in its own lines, or in new ones. */
function conlluBlock({ tokens, conllu }: TaggedSentence, said: Said): string {
  const names: readonly string[] = conllu?.columns ?? CONLLU_COLUMNS;
  if (said.words.some(({ tags }) => tags.probabilities))
    throw new ArgumentError('the output conllu holds no probabilities: choose text, conll or jsonl');
  const places = said.words.map(({ name }) => {
    const at = names.findIndex((each) => each.toLowerCase() === name.toLowerCase());
    if (at >= 0) return at;
    throw new ArgumentError(`the output conllu has no column ${name} (${names.join(', ')}): choose another output`);
  });
  const lines =
    conllu?.lines ??
    tokens.map((token, i) => CONLLU_COLUMNS.map((_, c) => [String(i + 1), cell(token)][c] ?? '_').join('\t'));
  const id = names.indexOf('id');
  let t = 0;
  const written = lines.map((line) => {
    const cells = line.split('\t');
    if (line.startsWith('#') || (id >= 0 && !/^\d+$/.test(cells[id]))) return line;
    said.words.forEach(({ tags }, h) => (cells[places[h]] = cell(tags.labels[t] ?? '_')));
    t++;
    return cells.join('\t');
  });
  if (t !== tokens.length)
    throw new ArgumentError(`the lines of CoNLL-U must have one word per token, ${tokens.length}; got ${t}`);
  return `${commentOf(said)}${written.join('\n')}\n\n`;
}

/** Whether a column cannot hold a token or label as it is, so that `conll` and `text` escape it. */
export function needsSpelling(text: string): boolean {
  return /[\t\r\n]/.test(text) || isBlank(text);
}

/** A token or label as written in a column. */
export function cell(text: string): string {
  return isBlank(text) ? Array.from(text, unit).join('') : spelled(text);
}

function spelled(text: string): string {
  return text.replace(/[\t\r\n]/g, (character) => SPELLED[character]);
}

const SPELLED: Readonly<Record<string, string>> = { '\t': '\\t', '\r': '\\r', '\n': '\\n' };

function unit(character: string): string {
  return SPELLED[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function jsonObject({ tokens, heads, category }: TaggedSentence, { words, whole }: Said): Record<string, unknown> {
  const by = (field: 'probabilities' | 'spans'): Record<string, unknown> => {
    const given = words.flatMap(({ name, tags }) => (tags[field] ? [[name, plain(tags[field])] as const] : []));
    if (given.length === 0) return {};
    return { [field]: words.length === 1 ? given[0][1] : Object.fromEntries(given) };
  };
  return {
    tokens,
    ...(words.length === 1 && { labels: words[0].tags.labels }),
    ...(words.length > 1 && { labels: Object.fromEntries(words.map(({ name, tags }) => [name, tags.labels])) }),
    ...by('probabilities'),
    ...by('spans'),
    ...(whole && { label: whole.label, ...(whole.probability !== undefined && { probability: whole.probability }) }),
    ...(heads === undefined && category !== undefined && { category }),
  };
}

const plain = (values: ArrayLike<unknown>): unknown[] => Array.from(values);
