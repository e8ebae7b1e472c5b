/** Predicted labels from a file of any form: columns, CoNLL-U, JSON lines, or labels alone. */
import type { Sentence } from '../../labeling/data/sentence.js';
import { readClassified, readSentences } from '../../labeling/data/formats/index.js';
import type { Reading } from '../../labeling/data/formats/index.js';
import { describeReading, inputSpecOf } from '../../labeling/data/formats/index.js';
import type { NoteCollector } from '../../labeling/data/notes.js';
import { DataError } from '../../tensor/index.js';
import { counted, grouped } from '../../tensor/print.js';
import { quoted } from '../../tensor/visible.js';

/** A file of predictions. */
export interface PredictionFile {
  /** Its name in messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The label column, if not the default of the format. */
  readonly column?: string;
}

/** Labels, one list for each sentence of the gold file, and how they were read. */
export interface Predictions {
  readonly labels: readonly (readonly string[])[];
  readonly readAs: string;
}

/** Maximum share of words that may differ from the gold file: above it, the file is a different one. */
const MOST_OTHER_WORDS = 0.1;

/**
 * The predicted labels of tokens. A file with only labels has one sentence per line, its labels separated by spaces, or one label
 * per line and a blank line after each sentence. All other files also contain the words, and their format is detected from the
 * contents.
 *
 * @throws DataError if sentences or words are not those of the gold file
 */
export async function tokenPredictions(
  file: PredictionFile,
  gold: readonly Sentence[],
  warnings: NoteCollector,
): Promise<Predictions> {
  const alone = file.column === undefined ? labelsAlone(file.bytes, gold) : undefined;
  if (alone) return alone;
  let reading: Reading | undefined;
  const sentences: Sentence[] = [];
  const options = {
    ...(file.column !== undefined && { column: file.column }),
    badLines: 'list',
    tokenLines: true,
  } as const;
  const onReading = (found: Reading): void => void (reading = found);
  for await (const sentence of readSentences([file.bytes], {
    ...options,
    source: file.name,
    onNote: warnings.add,
    onReading,
  }))
    sentences.push(sentence);
  expectSameSentences(file, sentences, gold);
  noteOtherWords(file, sentences, gold, warnings);
  return { labels: sentences.map(({ labels = [] }) => labels), readAs: describeReading(inputSpecOf(reading!)) };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Labels without words, if the file has as many as the gold sentences have tokens; undefined otherwise. */
function labelsAlone(bytes: Uint8Array, gold: readonly Sentence[]): Predictions | undefined {
  const lines = textOf(bytes).split(/\r?\n/);
  const whole = lines.filter((line) => line.trim() !== '').map((line) => line.trim().split(/[ \t]+/));
  const fits = (lists: readonly (readonly string[])[]): boolean =>
    lists.length === gold.length && lists.every((list, i) => list.length === gold[i].tokens.length);
  if (fits(whole)) return { labels: whole, readAs: 'labels, one sentence a line' };
  if (!whole.every(({ length }) => length === 1)) return undefined;
  const lists: string[][] = [[]];
  for (const line of lines) {
    if (line.trim() === '') lists.push([]);
    else lists.at(-1)!.push(line.trim());
  }
  const sentences = lists.filter(({ length }) => length > 0);
  return fits(sentences) ? { labels: sentences, readAs: 'labels, one a line' } : undefined;
}

/** @throws DataError naming the first difference, with line numbers */
function expectSameSentences({ name }: PredictionFile, own: readonly Sentence[], gold: readonly Sentence[]): void {
  const first = gold.findIndex(({ tokens }, i) => tokens.length !== own[i]?.tokens.length);
  if (first < 0 && own.length === gold.length) return;
  const place = first < 0 ? gold.length : first;
  const at = (sentence: Sentence | undefined): string =>
    sentence === undefined
      ? 'nothing'
      : `${counted(sentence.tokens.length, 'token')}${sentence.line === undefined ? '' : ` at line ${sentence.line}`}`;
  throw new DataError(
    `${name}: sentence ${grouped(place + 1)} has ${at(own[place])}, and in the gold file ${at(gold[place])}: predict labels for the sentences of the gold file`,
  );
}

/** @throws DataError if too many words differ */
function noteOtherWords(
  { name }: PredictionFile,
  own: readonly Sentence[],
  gold: readonly Sentence[],
  warnings: NoteCollector,
): void {
  const other = gold.flatMap((sentence, i) =>
    sentence.tokens.flatMap((token, t) => (token === own[i].tokens[t] ? [] : [{ i, t, token }])),
  );
  if (other.length === 0) return;
  const [{ i, t, token }] = other;
  const total = gold.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const line = own[i].lines?.[t] ?? own[i].line;
  const first = `the first ${line === undefined ? '' : `at line ${grouped(line)} `}has ${quoted(own[i].tokens[t])} for ${quoted(token)}`;
  const message = `${name}: ${counted(other.length, 'word')} of ${grouped(total)} ${other.length === 1 ? 'differs' : 'differ'} from the gold file, ${first}`;
  if (other.length > MOST_OTHER_WORDS * total)
    throw new DataError(`${message}: predict labels for the sentences of the gold file`);
  warnings.add({
    kind: 'other-words',
    message,
    source: name,
    ...(line !== undefined && { line }),
    count: other.length,
  });
}

/**
 * The predicted labels of sentences. A file with only labels has one label per line, optionally with a tab and its probability,
 * as written by `bptt tag`; all other files also contain the texts.
 *
 * @throws DataError if their number differs from that of the gold sentences
 */
export async function sentencePredictions(
  file: PredictionFile,
  gold: readonly Sentence[],
  warnings: NoteCollector,
): Promise<Predictions> {
  const lines = textOf(file.bytes).split(/\r?\n/).filter((line) => line.trim() !== ''); // prettier-ignore
  const alone = lines.map((line) => /^([^\t{]+)(\t[\d.eE+-]+)?$/.exec(line)?.[1].trim());
  if (file.column === undefined && alone.every((label) => label !== undefined)) {
    expectAsMany(file, alone.length, gold);
    return { labels: alone.map((label) => [label]), readAs: 'labels, one a line' };
  }
  let reading: Reading | undefined;
  const found: Sentence[] = [];
  const options = {
    ...(file.column !== undefined && { column: file.column }),
    badLines: 'list',
    source: file.name,
  } as const;
  const onReading = (each: Reading): void => void (reading = each);
  for await (const sentence of readClassified([file.bytes], { ...options, onNote: warnings.add, onReading }))
    found.push(sentence);
  expectAsMany(file, found.length, gold);
  return { labels: found.map(({ category = '' }) => [category]), readAs: describeReading(inputSpecOf(reading!)) };
}

function expectAsMany({ name }: PredictionFile, own: number, gold: readonly Sentence[]): void {
  if (own === gold.length) return;
  throw new DataError(
    `${name}: expected a label for each of the ${counted(gold.length, 'sentence')} of the gold file; got ${grouped(own)}: predict labels for those sentences`,
  );
}

/** Whether the bytes start like a model file: the length of a header, in eight bytes, and the header in braces. */
export function isModelFile(bytes: Uint8Array): boolean {
  return bytes.length > 9 && bytes[8] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0);
}
