/** Scores of a model on labeled sentences. */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { DataError } from '../../tensor/errors.js';
import { counted } from '../../tensor/print.js';
import type { Kernels } from '../../kernels/types.js';
import { expectCorpus, expectKernels, expectTypes } from '../checks.js';
import { expectModel } from '../model/checks.js';
import type { Model } from '../model/model.js';
import type { Prediction } from '../model/predict.js';
import { labelsGivenBack } from '../model/heads/converted.js';
import { decodingOf } from '../model/heads/decoding.js';
import { predict } from '../model/predict.js';
import type { HeadConfig, HeadKind, Unit } from '../model/heads/head.js';
import { decisionsOf, inColumn } from '../model/heads/head.js';
import { headKindsOf } from '../model/network.js';
import type { Scheme } from '../data/schemes.js';
import type { Scorer, Scores, SpanMode } from './scorer.js';
import { createScorer } from './scorer.js';
import type { Sentence } from '../data/sentence.js';
import type { LabelVocabulary } from '../data/labels.js';
import { labelsOf } from '../data/labels.js';
import { hasLabel, UNLABELED } from '../data/unlabeled.js';
import type { OnNote } from '../data/notes.js';
import { spanReading } from './span-reading.js';
import { spanSchemeOf } from './spans.js';
import { notesOfScoring } from './suspect.js';

/** What to call the input, and a callback for each sentence. */
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
  /** Whether the predictions that `onSentence` hears hold the probability of each label, and of each span; default false. */
  readonly probabilities?: boolean;
  /** Told of every sentence and its prediction, in order. */
  readonly onSentence?: (sentence: Sentence, prediction: Prediction) => void;
}

const KEYS = keysOf<EvaluateOptions>({
  source: true,
  strictLabels: true,
  spanMode: true,
  scheme: true,
  onNote: true,
  probabilities: true,
  onSentence: true,
});

const TYPES = {
  source: 'string',
  strictLabels: 'boolean',
  probabilities: 'boolean',
  onNote: 'function',
  onSentence: 'function',
} as const;

/** The decisions of which all heads of a model are right: whole frames, or tokens whose every label is right. Where a gold label is missing they do not count. */
export interface Together {
  /** Tokens where every head is about tokens; otherwise sentences, right where all their labels are. */
  readonly unit: 'token' | 'sentence';
  readonly decisions: number;
  readonly correct: number;
  /** Right ones among all; 0 without any. */
  readonly accuracy: number;
}

/** Scores of a model: those of its first head that was scored, and, where it has several, those of each. */
export interface ModelScores extends Scores {
  /** By name of the head, in their order, where the model has several. A head whose labels the sentences lack is left out. */
  readonly heads?: Readonly<Record<string, Scores>>;
  /** How often all heads that were scored are right together, where there are several. */
  readonly together?: Together;
}

/**
 * Labels sentences and scores the labels against their own; tokens without a gold label (`''`) are left out. A label the model was never trained on counts as an error: no
 * model predicts it. Of a model with several heads, those whose labels no sentence has are left out, which is noted.
 *
 * @throws DataError if a sentence has no labels, none has any, or, with `strictLabels`, a label the model was never trained on; where `strict` or
 *   `repair` is asked for and the labels annotate no spans
 */
export function evaluate(
  kernels: Kernels,
  model: Model,
  sentences: readonly Sentence[],
  options: EvaluateOptions = {},
): ModelScores {
  expectKernels('evaluate', kernels);
  expectModel('evaluate', model);
  expectCorpus('evaluate', 'sentences', sentences);
  expectKnownKeys('evaluate', 'options', options, KEYS);
  expectTypes('evaluate', options, TYPES);
  const judges = judgesOf(model, sentences, options);
  const asked = options.probabilities ? { probabilities: true, spans: true } : {};
  const tokens = sentences.map((s) => s.tokens);
  return scoresOf(model, sentences, predict(kernels, model, tokens, asked), judges, options);
}

/** Scores of predictions that are there: those of `evaluate` where it makes the same ones. */
export function scoresOfPredictions(
  model: Model,
  sentences: readonly Sentence[],
  predictions: readonly Prediction[],
  options: EvaluateOptions = {},
): ModelScores {
  return scoresOf(model, sentences, predictions, judgesOf(model, sentences, options), options);
}

type Judges = readonly (JudgedHead & { readonly scorer: Scorer })[];

/** The heads that are scored, each with a scorer. @throws DataError as `evaluate` does */
function judgesOf(model: Model, sentences: readonly Sentence[], options: EvaluateOptions): Judges {
  const found = goldOfHeads(model, sentences, options);
  return found.map((head) => ({ ...head, scorer: scorerOf(model, head, options, judgesSpans(found, head)) }));
}

function scoresOf(
  model: Model,
  sentences: readonly Sentence[],
  predictions: readonly Prediction[],
  heads: Judges,
  options: EvaluateOptions,
): ModelScores {
  const together = togetherCounter(heads);
  sentences.forEach((sentence, i) => {
    const chosen = heads.map((head) => head.kind.chosenOf(predictions[i].heads?.[head.config.name] ?? predictions[i]));
    heads.forEach(({ gold, scorer }, h) =>
      scorer.add(gold[i].tokens, gold[i].labels!, chosen[h], sentence.tokens.length),
    );
    together.add(
      heads.map(({ gold }, h) =>
        gold[i].labels!.map((label, t) => (label === UNLABELED ? null : label === chosen[h][t])),
      ),
    );
    options.onSentence?.(sentence, predictions[i]);
  });
  const scores = heads.map(({ config, scorer }) => [config.name, scorer.scores()] as const);
  if (model.heads.length === 1) return scores[0][1];
  return {
    ...scores[0][1],
    heads: Object.fromEntries(scores),
    ...(heads.length > 1 && { together: together.counted() }),
  };
}

/** A head that is scored, and its gold labels. */
interface JudgedHead {
  readonly kind: HeadKind;
  readonly config: HeadConfig;
  readonly labels: LabelVocabulary;
  /** Per sentence: its decisions. */
  readonly gold: readonly Sentence[];
}

/** The heads whose labels the sentences have, with what is to be said of these. @throws DataError if there are none */
function goldOfHeads(model: Model, sentences: readonly Sentence[], options: EvaluateOptions): JudgedHead[] {
  const { source, onNote } = options;
  const kinds = headKindsOf(model);
  const views = model.config.heads.map(({ column }) => sentences.map((each) => inColumn(column, each)));
  const has = kinds.map(({ unit }, h) =>
    views[h].some(({ labels, category }) =>
      unit === 'token' ? hasLabel(labels) : hasLabel(category === undefined ? [] : [category]),
    ),
  );
  // Where no head has labels, the first says what is missing.
  const asked = kinds.length === 1 || !has.includes(true) ? has.map(() => true) : has;
  return kinds.flatMap((kind, h) => {
    const config = model.config.heads[h];
    if (!asked[h]) {
      const message = `${source === undefined ? '' : `${source}: `}no labels for the head ${config.name}: it is not scored`;
      onNote?.({ kind: 'head-left-out', message, ...(source !== undefined && { source }) });
      return [];
    }
    const named = kinds.length === 1 ? source : placeOf(config, source);
    const gold = views[h].map((each) => decisionsOf(kind, each, named));
    for (const each of gold) labelsOf(each, named);
    expectSomeLabel(gold, kind.unit, named);
    return [{ kind, config, labels: model.heads[h].labels, gold }];
  });
}

/** @throws DataError if there are decisions, and none of them has a gold label */
export function expectSomeLabel(gold: readonly Sentence[], unit: Unit, source?: string): void {
  const count = gold.reduce((sum, { labels = [] }) => sum + labels.length, 0);
  if (count === 0 || gold.some(({ labels }) => hasLabel(labels))) return;
  const place = source === undefined ? '' : `${source}: `;
  throw new DataError(
    `${place}none of ${counted(count, unit)} has a label: annotate some, or choose another column (--column)`,
  );
}

/** What messages call the input of one of several heads. */
function placeOf({ name, column }: HeadConfig, source?: string): string {
  const place = column === undefined ? `head ${name}` : `column ${String(column)}`;
  return source === undefined ? place : `${source}, ${place}`;
}

/** Whether a mode of reading spans is for a head: of several, for those whose labels annotate spans, where any do. */
function judgesSpans(heads: readonly JudgedHead[], head: JudgedHead): boolean {
  const annotates = ({ kind, labels }: JudgedHead) =>
    kind.unit === 'token' && spanSchemeOf(labels.labels).kind !== null;
  return annotates(head) || !heads.some(annotates);
}

/** A scorer of one head, after notes on its gold labels. @throws DataError if `strictLabels` refuses one of them */
function scorerOf(model: Model, head: JudgedHead, options: EvaluateOptions, inMode: boolean): Scorer {
  const { source, strictLabels = false, onNote } = options;
  const { kind, config, labels, gold } = head;
  const named = model.heads.length === 1 ? source : placeOf(config, source);
  const { schemes } = decodingOf(config);
  const given = labelsGivenBack(labels, schemes); // in the scheme of the data: what the file is written in
  if (strictLabels) for (const each of gold) given.encode(each, named);
  if (onNote) notesOfScoring(gold, given, named, kind.unit, schemes?.data).forEach(onNote);
  const isSentences = kind.unit === 'sentence';
  const asked = { ...options, ...(named !== undefined && { source: named }), scheme: options.scheme ?? schemes?.data };
  const reading = inMode ? spanReading(asked, isSentences ? [] : given.labels, gold) : {};
  if (isSentences) return createScorer({ unit: 'sentence', spans: false });
  // Without a vocabulary it is unknown what training has seen: no word counts as out of it.
  const known = model.readers.some(({ vocabulary }) => vocabulary) ? model.words.known : () => true;
  // Whether labels are spans is a property of the task, so all labels of the model decide, not those of this sample.
  return createScorer({ known, labels: given.labels, ...reading });
}

/** Counts the decisions of which all heads are right. */
function togetherCounter(heads: readonly Pick<JudgedHead, 'kind'>[]) {
  const unit = heads.every(({ kind }) => kind.unit === 'token') ? ('token' as const) : ('sentence' as const);
  let [decisions, correct] = [0, 0];
  return {
    /** @param right of one sentence, per head: whether each decision is; null where it has no gold label */
    add(right: readonly (readonly (boolean | null)[])[]): void {
      const all = unit === 'token' ? right[0].map((_, t) => right.map((own) => own[t])) : [right.flat()];
      const known = all.filter((decision) => !decision.includes(null));
      decisions += known.length;
      correct += known.filter((decision) => decision.every(Boolean)).length;
    },
    counted: (): Together => ({ unit, decisions, correct, accuracy: decisions === 0 ? 0 : correct / decisions }),
  };
}
