/** Gold sentences for a model, and the predictions of its heads: the common part of `eval` and `errors`. */
import type { Command } from 'commander';
import type { Kernels } from '../kernels/types.js';
import { inputName } from '../labeling/data/files.node.js';
import type { Reading } from '../labeling/data/formats/index.js';
import { columnList, columnName } from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { Scheme } from '../labeling/data/schemes.js';
import { SCHEMES } from '../labeling/data/schemes.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { HeadKind, PredictedSpan } from '../labeling/model/heads/head.js';
import { decisionsOf, inColumn } from '../labeling/model/heads/head.js';
import type { Model } from '../labeling/model/model.js';
import { headKindsOf } from '../labeling/model/network.js';
import type { Prediction } from '../labeling/model/predict.js';
import type { ModelScores } from '../labeling/scoring/evaluate.js';
import { evaluate } from '../labeling/scoring/evaluate.js';
import type { Scores, SpanMode } from '../labeling/scoring/scorer.js';
import { SPAN_MODES } from '../labeling/scoring/span-counts.js';
import { ArgumentError } from '../tensor/index.js';
import { oneOf, schemeName } from './arguments.js';
import { noteReading, readOne } from './corpora.js';
import type { Judged } from './mistakes.js';
import type { ReadingOptions } from './reading-options.js';
import { addReadingOptions } from './reading-options.js';

/** Command-line options about the gold file and its scores. */
export interface GoldOptions extends ReadingOptions {
  readonly strictLabels?: boolean;
  readonly spanMode: SpanMode;
  readonly scheme?: Scheme;
}

/** Adds the options for reading and scoring a gold file. */
export function addGoldOptions(command: Command): void {
  command
    .option('--strict-labels', 'refuse labels the model was never trained on; by default they count as errors')
    .option('--span-mode <name>', `how spans are read: ${SPAN_MODES.join(', ')}`, oneOf(...SPAN_MODES), 'conlleval')
    .option(
      '--scheme <name>',
      `scheme for strict and repair: ${SCHEMES.join(', ')} (default: the model's, or detected from the labels)`,
      schemeName,
    );
  addReadingOptions(command, 'format of the file (default: by content)', true);
}

/** A sentence with the gold labels for one head, and the predictions of that head. */
export interface JudgedSentence extends Judged {
  /** As it was read: for a sentence head, `sentence` has the whole text as one token. */
  readonly whole: Sentence;
  /** Probability of each predicted label, if requested. */
  readonly confidences?: ArrayLike<number>;
  /** The predicted spans, each with its probability, if requested. */
  readonly spans?: readonly PredictedSpan[];
}

/** Scored data of one head. */
export interface JudgedBy {
  readonly name: string;
  /** Its index in the model. */
  readonly place: number;
  readonly scores: Scores;
  readonly judged: readonly JudgedSentence[];
}

/** Scores of a model on a file, and the predictions of its heads for each sentence. */
export interface JudgedModel {
  readonly scores: ModelScores;
  /** The heads that were scored. */
  readonly heads: readonly JudgedBy[];
}

/**
 * Reads a gold file and scores a model on it.
 *
 * @param probabilities whether to compute confidences
 * @throws ArgumentError on conflicting options; DataError on a file that the model cannot be scored on
 */
export async function judge(
  model: Model,
  file: string,
  options: GoldOptions,
  probabilities: boolean,
  warnings: NoteCollector,
  open: () => Promise<Kernels>,
): Promise<JudgedModel> {
  const { strictLabels, spanMode, scheme } = options;
  const task = model.heads.every((head) => head.kind.unit === 'sentence') ? 'classify' : 'tag';
  expectTokens(options, task);
  const sentences = await readGold(model, file, task, options, warnings);
  const heard: [Sentence, Prediction][] = [];
  const onSentence = (sentence: Sentence, prediction: Prediction) => void heard.push([sentence, prediction]);
  const kernels = await open();
  const asked = { source: inputName(file), strictLabels, spanMode, scheme, probabilities, onNote: warnings.add, onSentence }; // prettier-ignore
  const scores = evaluate(kernels, model, sentences, asked);
  kernels.dispose();
  return { scores, heads: judgedHeads(model, scores, heard) };
}

/** The heads that were scored, each with its decisions. */
function judgedHeads(
  model: Model,
  scores: ModelScores,
  heard: readonly (readonly [Sentence, Prediction])[],
): JudgedBy[] {
  return headKindsOf(model).flatMap((kind, h) => {
    const { name, column } = model.config.heads[h];
    const own = scores.heads === undefined ? scores : scores.heads[name];
    if (own === undefined) return [];
    const judged = heard.map(([sentence, prediction]) =>
      judgedBy(kind, inColumn(column, sentence), prediction.heads?.[name] ?? prediction),
    );
    return [{ name, place: h, scores: own, judged }];
  });
}

/** Labeled sentences, read like the training data; of several columns, those present in the file. */
export async function readGold(
  model: Model,
  file: string,
  task: 'tag' | 'classify',
  options: ReadingOptions,
  warnings: NoteCollector,
): Promise<Sentence[]> {
  const columns = model.config.heads.flatMap(({ column }) => (column === undefined ? [] : [String(column)]));
  let found: Reading | undefined;
  const onReading = (reading: Reading): void => {
    found = reading;
    noteReading(reading, model.input, inputName(file), warnings);
  };
  const optional = columns.length > 1 || model.heads.length > 1;
  const more = { like: model.input, onReading, ...(optional && { labels: 'optional' as const }) };
  const sentences = await readOne(file, task, options, warnings, more);
  return columns.length > 0 ? inColumns(sentences, columns, found, inputName(file)) : sentences;
}

/**
 * Sentences with columns named after the heads. If the columns have other names and there are as many as heads, they are assigned
 * in order.
 *
 * @throws ArgumentError if neither holds for the columns
 */
function inColumns(
  sentences: readonly Sentence[],
  heads: readonly string[],
  reading: Reading | undefined,
  source: string,
): Sentence[] {
  const read = columnList(reading?.column ?? []).map(columnName);
  const named = read.every((column) => heads.includes(column));
  if (!named && read.length !== heads.length) {
    throw new ArgumentError(
      `${source}: the model has a head for each of ${heads.join(', ')}; got the labels of ${read.join(', ')}: set as many columns (--column)`,
    );
  }
  return sentences.map((sentence) => {
    const own = sentence.columns ?? (sentence.labels ? { [read[0]]: sentence.labels } : {});
    const entries = Object.entries(own).map(([name, labels]) => [named ? name : heads[read.indexOf(name)], labels]);
    return { ...sentence, columns: Object.fromEntries(entries) };
  });
}

/** @throws ArgumentError if a scheme would be ignored */
export function expectScheme({ spanMode, scheme }: GoldOptions): void {
  if (scheme === undefined || spanMode !== 'conlleval') return;
  throw new ArgumentError('--scheme has no effect with --span-mode conlleval: leave it out, or add --span-mode strict');
}

/** @throws ArgumentError if a span mode would be ignored */
function expectTokens({ spanMode }: GoldOptions, task: 'tag' | 'classify'): void {
  if (task === 'tag' || spanMode === 'conlleval') return;
  throw new ArgumentError(`--span-mode ${spanMode} does not apply to a model that labels sentences: leave it out`);
}

function judgedBy(kind: HeadKind, whole: Sentence, prediction: Prediction): JudgedSentence {
  const { probabilities, categoryProbability, spans } = prediction;
  const confidences = kind.unit === 'token' ? probabilities : categoryProbability === undefined ? undefined : [categoryProbability]; // prettier-ignore
  return {
    sentence: decisionsOf(kind, whole),
    predicted: kind.chosenOf(prediction),
    whole,
    ...(confidences && { confidences }),
    ...(spans && { spans }),
  };
}
