/** The corpora for training: separate files, or one file that is split. */
import { inputName, labeledFiles, readClassifiedCorpus, readCorpus } from '../labeling/data/files.node.js';
import { createSegmenter } from '../labeling/data/segment.js';
import {
  columnList,
  columnName,
  describeReading,
  doubtfulLabels,
  inputSpecOf,
} from '../labeling/data/formats/index.js';
import type { InputSpec, LabelPolicy, Reading } from '../labeling/data/formats/index.js';
import type { NoteCollector } from '../labeling/data/notes.js';
import type { Sentence } from '../labeling/data/sentence.js';
import type { SplitShares } from '../labeling/data/split.js';
import { splitSentences } from '../labeling/data/split.js';
import { UNLABELED } from '../labeling/data/unlabeled.js';
import type { TaskName } from '../labeling/training/options.js';
import type { Corpora } from '../labeling/training/run.js';
import { ArgumentError } from '../tensor/index.js';
import { quoted } from '../tensor/visible.js';
import type { ReadingOptions } from './reading-options.js';
import { classifiedOptionsOf, readOptionsOf, refuseCutting } from './reading-options.js';

/** Command-line options about the corpora. */
export interface CorporaOptions extends ReadingOptions {
  readonly train: string;
  readonly dev?: string;
  readonly test?: string;
  readonly task: TaskName;
  readonly split?: SplitShares;
  readonly seed: number;
}

/** The paths given by an option: one, or one for each label. */
export function pathsOf(option: string | undefined, task: TaskName): string[] {
  if (option === undefined) return [];
  return (task === 'classify' ? labeledFiles(option)?.map(({ path }) => path) : undefined) ?? [option];
}

/**
 * Reads the corpora. Development and test data are read like the training data if their format is the same.
 *
 * @param like how the training data of the model to continue from was read: these corpora are read likewise if their format is
 *   the same
 * @throws ArgumentError if a corpus is to be split and its parts are also given
 */
export async function readCorpora(
  options: CorporaOptions,
  warnings: NoteCollector,
  like?: InputSpec,
): Promise<Corpora> {
  const { train, dev, test, task, split, seed } = options;
  checkSplit(options);
  let reading: Reading | undefined;
  const onReading = (found: Reading): void => void (reading = found);
  const sentences = await readOne(train, task, options, warnings, { like, onReading, rawTextLater: true });
  const doubt = reading && doubtfulLabels(reading, sentences);
  if (doubt !== undefined) throw new ArgumentError(`${inputName(train)}: ${doubt}`);
  noteMark(options, sentences, inputName(train), warnings);
  const input = reading && { ...inputSpecOf(reading), ...rawTextOf(options) };
  const read = (path: string) => readOne(path, task, options, warnings, { like: input, rawTextLater: true });
  if (split) {
    const parts = splitSentences(sentences, split, seed);
    const name = inputName(train);
    return {
      train: parts.train,
      ...(split.dev > 0 && { dev: parts.dev }),
      ...(split.test > 0 && { test: parts.test }),
      sources: { train: name, dev: name, test: name },
      ...(input && { input }),
    };
  }
  return {
    train: sentences,
    ...(dev === undefined ? {} : { dev: await read(dev) }),
    ...(test === undefined ? {} : { test: await read(test) }),
    sources: { train: inputName(train), dev: dev && inputName(dev), test: test && inputName(test) },
    ...(input && { input }),
  };
}

/** A marker that never occurs is a mistake, or was read as a label of another form. */
export function noteMark(
  { unlabeled }: ReadingOptions,
  sentences: readonly Sentence[],
  source: string,
  warnings: NoteCollector,
): void {
  if (unlabeled === undefined) return;
  const lists = sentences.flatMap(({ labels = [], columns, category }) => [
    labels,
    ...Object.values(columns ?? {}),
    category === undefined ? [] : [category],
  ]);
  if (lists.some((labels) => labels.includes(UNLABELED))) return;
  const message = `${source}: no label is ${quoted(unlabeled)}: check --unlabeled`;
  warnings.add({ kind: 'unused-mark', message, source });
}

/** How a tagger will tokenize raw text. The training data is already tokenized, so this is stored in the model for later use. */
function rawTextOf({ task, tokenizer, locale }: CorporaOptions): Pick<InputSpec, 'tokenizer' | 'locale'> {
  if (task === 'classify') return {};
  createSegmenter({ ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) }); // rejects invalid values
  return { ...(tokenizer && { tokenizer }), ...(locale !== undefined && { locale }) };
}

/** @throws ArgumentError if a corpus is to be split and one of its parts is given */
export function checkSplit({ split, dev, test }: Pick<CorporaOptions, 'split' | 'dev' | 'test'>): void {
  const given = dev !== undefined ? '--dev' : test !== undefined ? '--test' : undefined;
  if (split && given) {
    throw new ArgumentError(`--split makes dev and test from --train: leave out --split, or ${given}`);
  }
}

/** Reads the sentences of one input with the readers of the task. */
export function readOne(
  path: string,
  task: TaskName,
  options: ReadingOptions,
  warnings: NoteCollector,
  more: {
    readonly like?: InputSpec;
    readonly onReading?: (reading: Reading) => void;
    readonly labels?: LabelPolicy;
    /**
     * Tokenization options also apply to raw text that a model will label (`rawTextOf`); otherwise they are rejected if there is
     * no text.
     */
    readonly rawTextLater?: boolean;
  } = {},
): Promise<Sentence[]> {
  const { like, labels, rawTextLater } = more;
  const onReading = (reading: Reading): void => {
    if (task !== 'classify' && !rawTextLater) refuseCutting(options, reading);
    more.onReading?.(reading);
  };
  const hooks = { onReading };
  return task === 'classify'
    ? readClassifiedCorpus(path, { ...classifiedOptionsOf(options, warnings, like), ...hooks })
    : readCorpus(path, {
        ...readOptionsOf(options, warnings, like),
        ...hooks,
        tokenLines: true, // messages give the line of a label
        ...(labels && { labels }),
      });
}

/** Reports how an input is read if the model does not determine it: it has no training data, or they had another format. */
export function noteReading(
  reading: Reading,
  like: InputSpec | undefined,
  source: string,
  warnings: NoteCollector,
): void {
  if (like?.format === reading.format) return;
  const message = `${source}: the model file does not record how such files are read; read as ${describeReading(inputSpecOf(reading))}`;
  warnings.add({ kind: 'read-as', message, source });
}

/** The columns of the corpora, after which heads are named, if there are several. */
export function columnsOf({ input }: Corpora): { columns?: readonly string[] } {
  const columns = columnList(input?.column ?? []).map(columnName);
  return columns.length > 1 ? { columns } : {};
}

/** Describes how the input was read, in one line. */
export function describeInput({ input }: Corpora): string {
  return input ? `read as ${describeReading(input)}` : 'read';
}
