/** Scores a model on labeled sentences. */
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

/** Options for evaluation. */
export interface EvaluateOptions {
  /** Name of the input, for messages. */
  readonly source?: string;
  /** Reject labels that are absent from the model's training data; by default each counts as an error. */
  readonly strictLabels?: boolean;
  /** How spans are read from labels; default `conlleval`. `strict` and `repair` check labels against their scheme. */
  readonly spanMode?: SpanMode;
  /** That scheme. Default: the scheme in which the model returns labels, if known; else the one detected in the sentences. */
  readonly scheme?: Scheme;
  /** Receives notes on labels that are absent from the model's training data, with counts, and on labels that fit no span scheme. */
  readonly onNote?: OnNote;
  /** Whether the predictions passed to `onSentence` include the probability of each label and of each span; default false. */
  readonly probabilities?: boolean;
  /** Called with every sentence and its prediction, in order. */
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

/**
 * The decisions in which all heads of a model are right: whole frames, or tokens whose every label is right. A decision without one of its
 * gold labels does not count.
 */
export interface Together {
  /** Tokens if every head labels tokens; otherwise sentences, which are right if all their labels are. */
  readonly unit: 'token' | 'sentence';
  readonly decisions: number;
  readonly correct: number;
  /** Share of right decisions; 0 without any. */
  readonly accuracy: number;
}

/** Scores of a model: those of the first head that was scored, and of each head if it has several. */
export interface ModelScores extends Scores {
  /** By name of the head, in order, if the model has several. A head whose labels are missing from the sentences is left out. */
  readonly heads?: Readonly<Record<string, Scores>>;
  /** How often all scored heads are right together, if there are several. */
  readonly together?: Together;
}

/**
 * Labels sentences and scores the predictions against their gold labels; tokens without a gold label (`''`) are skipped. A label that is
 * absent from the training data counts as an error, because the model cannot predict it. For a model with several heads, a head whose
 * labels are missing from every sentence is left out, which is noted.
 *
 * @throws DataError if a sentence has no labels, none has any, or, with `strictLabels`, a label is absent from the model's training data;
 *   if `strict` or `repair` is requested and the labels annotate no spans
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

/** Scores existing predictions, with the result that `evaluate` gives for the same ones. */
export function scoresOfPredictions(
  model: Model,
  sentences: readonly Sentence[],
  predictions: readonly Prediction[],
  options: EvaluateOptions = {},
): ModelScores {
  return scoresOf(model, sentences, predictions, judgesOf(model, sentences, options), options);
}

type Judges = readonly (JudgedHead & { readonly scorer: Scorer })[];

/** The heads to score, each with a scorer. @throws DataError as `evaluate` does */
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

/** A head to score, and its gold labels. */
interface JudgedHead {
  readonly kind: HeadKind;
  readonly config: HeadConfig;
  readonly labels: LabelVocabulary;
  /** The decisions of each sentence. */
  readonly gold: readonly Sentence[];
}

/** The heads whose labels the sentences have, with notes on these labels. @throws DataError if there are none */
function goldOfHeads(model: Model, sentences: readonly Sentence[], options: EvaluateOptions): JudgedHead[] {
  const { source, onNote } = options;
  const kinds = headKindsOf(model);
  const views = model.config.heads.map(({ column }) => sentences.map((each) => inColumn(column, each)));
  const has = kinds.map(({ unit }, h) =>
    views[h].some(({ labels, category }) =>
      unit === 'token' ? hasLabel(labels) : hasLabel(category === undefined ? [] : [category]),
    ),
  );
  // If no head has labels, the first one reports what is missing.
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

/** @throws DataError if there are decisions but none has a gold label */
export function expectSomeLabel(gold: readonly Sentence[], unit: Unit, source?: string): void {
  const count = gold.reduce((sum, { labels = [] }) => sum + labels.length, 0);
  if (count === 0 || gold.some(({ labels }) => hasLabel(labels))) return;
  const place = source === undefined ? '' : `${source}: `;
  throw new DataError(
    `${place}none of ${counted(count, unit)} has a label: annotate some, or choose another column (--column)`,
  );
}

/** The name of the input in messages about one of several heads. */
function placeOf({ name, column }: HeadConfig, source?: string): string {
  const place = column === undefined ? `head ${name}` : `column ${String(column)}`;
  return source === undefined ? place : `${source}, ${place}`;
}

/** Whether a span mode applies to a head: with several heads, to those whose labels annotate spans, if any do. */
function judgesSpans(heads: readonly JudgedHead[], head: JudgedHead): boolean {
  const annotates = ({ kind, labels }: JudgedHead) =>
    kind.unit === 'token' && spanSchemeOf(labels.labels).kind !== null;
  return annotates(head) || !heads.some(annotates);
}

/** Returns a scorer of one head, after notes on its gold labels. @throws DataError if `strictLabels` rejects one of them */
function scorerOf(model: Model, head: JudgedHead, options: EvaluateOptions, inMode: boolean): Scorer {
  const { source, strictLabels = false, onNote } = options;
  const { kind, config, labels, gold } = head;
  const named = model.heads.length === 1 ? source : placeOf(config, source);
  const { schemes } = decodingOf(config);
  const given = labelsGivenBack(labels, schemes); // in the scheme of the data, as in the file
  if (strictLabels) for (const each of gold) given.encode(each, named);
  if (onNote) notesOfScoring(gold, given, named, kind.unit, schemes?.data).forEach(onNote);
  const isSentences = kind.unit === 'sentence';
  const asked = { ...options, ...(named !== undefined && { source: named }), scheme: options.scheme ?? schemes?.data };
  const reading = inMode ? spanReading(asked, isSentences ? [] : given.labels, gold) : {};
  if (isSentences) return createScorer({ unit: 'sentence', spans: false });
  // Without a vocabulary, the words of the training data are unknown, so no word counts as OOV.
  const known = model.readers.some(({ vocabulary }) => vocabulary) ? model.words.known : () => true;
  // Whether labels are spans is a property of the task, so all labels of the model decide, not just those of this sample.
  return createScorer({ known, labels: given.labels, ...reading });
}

/** Counts the decisions in which all heads are right. */
function togetherCounter(heads: readonly Pick<JudgedHead, 'kind'>[]) {
  const unit = heads.every(({ kind }) => kind.unit === 'token') ? ('token' as const) : ('sentence' as const);
  let [decisions, correct] = [0, 0];
  return {
    /** @param right for one sentence, per head: whether each decision is right; null if it has no gold label */
    add(right: readonly (readonly (boolean | null)[])[]): void {
      const all = unit === 'token' ? right[0].map((_, t) => right.map((own) => own[t])) : [right.flat()];
      const known = all.filter((decision) => !decision.includes(null));
      decisions += known.length;
      correct += known.filter((decision) => decision.every(Boolean)).length;
    },
    counted: (): Together => ({ unit, decisions, correct, accuracy: decisions === 0 ? 0 : correct / decisions }),
  };
}
