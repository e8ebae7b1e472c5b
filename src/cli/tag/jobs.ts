/**
 * The work of `bptt tag`, divided into jobs: some sentences, and what to do with them. A job and its result are plain data, so
 * that a worker thread can run it like the command itself. The output for a sentence does not depend on its neighbors.
 */
import { formatClassified, formatSentence, needsSpelling } from '../../labeling/data/formats/index.js';
import type { Output } from '../../labeling/data/formats/index.js';
import type { Sentence, TaggedSentence } from '../../labeling/data/sentence.js';
import type { OffsetUnit } from '../../labeling/data/offsets.js';
import type { Prediction } from '../../labeling/model/predict.js';
import type { Model } from '../../labeling/model/model.js';
import type { Tagger } from '../../labeling/model/tagger.js';
import { labelsSentences, spanHeads, tokenHeads } from './heads.js';
import type { SpanLine } from './spans.js';
import { spanText } from './spans.js';
import type { ChunkJob, ChunkReading } from './chunk-jobs.js';
import type { Changed } from '../../labeling/data/formats/clean.js';

/** Sentences are labeled together up to this number of tokens: enough to share matmuls, few enough to hold in memory. */
export const TOKENS_AT_ONCE = 8192;

/** How answers are written. */
export interface TagSettings {
  readonly output: Output | 'spans';
  readonly probabilities?: boolean;
  readonly spans?: boolean;
  readonly offsets?: OffsetUnit;
  /** For the output conllu: the column of each token head. */
  readonly columns: readonly (string | undefined)[];
  /** How chunks are read, if the input is divided into chunks. */
  readonly reading?: ChunkReading;
}

/** Some sentences. */
export type TagJob =
  /** Sentences to be written, each separately. */
  | { readonly kind: 'write'; readonly sentences: readonly Sentence[] }
  /** Lines whose spans are to be written, and the number of sentences before them; `marked` if only in their chunk. */
  | { readonly kind: 'spans'; readonly lines: readonly SpanLine[]; readonly before: number; readonly marked?: true }
  /** Sentences to be labeled only; the caller writes them. */
  | { readonly kind: 'label'; readonly tokens: readonly (readonly string[])[] }
  | ChunkJob;

/** Number of items. */
export interface Counts {
  readonly sentences: number;
  readonly tokens: number;
}

/** The result of a job: text or bytes, with the number of tokens that had to be spelled; or labels. */
export interface TagResult {
  /** For a chunk, the changes made around its tokens. */
  readonly changed?: Changed;
  readonly bytes?: Uint8Array;
  /** For a chunk of spans, how many sentences have numbers. */
  readonly numbered?: number;
  /** Whether a chunk must be read as one stream with the following input. */
  readonly refused?: boolean;
  readonly counts: Counts;
  readonly text?: string;
  readonly spelled?: number;
  readonly predictions?: readonly Prediction[];
}

/** Number of sentences that have tokens, and number of tokens. */
export function countsOf(sentences: readonly (readonly string[])[]): Counts {
  const counts = { sentences: 0, tokens: 0 };
  for (const { length } of sentences) {
    if (length > 0) counts.sentences++;
    counts.tokens += length;
  }
  return counts;
}

/** Runs a job. */
export function answer(
  tagger: Pick<Tagger, 'tag' | 'model'>,
  settings: TagSettings,
  job: Exclude<TagJob, ChunkJob>,
): TagResult {
  if (job.kind === 'label') return { predictions: tagger.tag(job.tokens), counts: countsOf(job.tokens) };
  if (job.kind === 'spans') {
    const counts = countsOf(job.lines.flatMap(({ sentences }) => sentences.map(({ tokens }) => tokens)));
    return { text: spanText(tagger, settings.offsets ?? 'utf16', job.lines, job.before, job.marked), counts };
  }
  const { sentences } = job;
  const { probabilities, spans } = settings;
  const output = settings.output as Output;
  const whole = labelsSentences(tagger.model);
  const said = tagger.tag(sentences.map(({ tokens }) => tokens), whole ? { probabilities: true } : { probabilities, spans }); // prettier-ignore
  const written = sentences.map((sentence, i) =>
    whole
      ? formatClassified({ ...said[i], tokens: sentence.tokens }, output)
      : formatSentence(taggedBy(tagger.model, sentence, said[i], settings.columns), output),
  );
  const spelled = output === 'conll' ? sentences.reduce((n, { tokens }) => n + tokens.filter(needsSpelling).length, 0) : 0; // prettier-ignore
  return { text: written.join(''), spelled, counts: countsOf(sentences.map(({ tokens }) => tokens)) };
}

/** A sentence in the form to be written. */
function taggedBy(
  model: Model,
  sentence: Sentence,
  prediction: Prediction,
  columns: readonly (string | undefined)[],
): TaggedSentence {
  const tagged = { ...sentence, ...prediction };
  if (prediction.heads === undefined) {
    return columns.length > 0 ? { ...tagged, heads: { [columns[0]!]: prediction } } : tagged;
  }
  const withSpans = spanHeads(model);
  const named = tokenHeads(model);
  const heads = Object.entries(prediction.heads).map(([name, { spans, ...said }]) => [
    columns[named.indexOf(name)] ?? name,
    { ...said, ...(spans && withSpans.includes(name) && { spans }) },
  ]);
  return { ...tagged, heads: Object.fromEntries(heads) };
}
