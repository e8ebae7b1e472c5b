/**
 * Finds whole entities in text: the spans of a model's labels, with their offsets in the text.
 *
 * Spans are read from labels by the rule of conlleval, as in scoring: a span begins at B, S or U, and at any label that cannot continue the
 * previous one, so a stray I begins a span. The score of a span is the probability that the heads give it (heads/decoding): for a CRF and
 * constrained decoding the exact probability over all paths, for a softmax the product over its tokens. If no head annotates spans, as in
 * part-of-speech tagging, every token is a span of its label and the score is the probability of that label.
 */
import { expectString } from '../../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, keysOf } from '../../tensor/checks.js';
import { ArgumentError } from '../../tensor/errors.js';
import { expectWords } from '../checks.js';
import type { InputSpec } from '../data/formats/reading.js';
import type { OffsetUnit } from '../data/offsets.js';
import { OFFSET_UNITS, placesFromUtf16 } from '../data/offsets.js';
import type { SegmentOptions } from '../data/segment.js';
import { createSegmenter } from '../data/segment.js';
import { looksLikeSpans } from '../scoring/spans.js';
import type { Prediction } from './heads/head.js';
import type { Model } from './model.js';
import type { PredictOptions } from './predict.js';

/** Options for finding entities. */
export interface EntityOptions extends SegmentOptions {
  /** The unit of `start` and `end`; default `utf16`. */
  readonly offsets?: OffsetUnit;
}

/** A span of a text. */
export interface Entity {
  /** Offset of its first character in the text, from 0. */
  readonly start: number;
  /** Offset just past its last character. */
  readonly end: number;
  /** The type in the labels (`PER` of `B-PER`); `''` if the labels are bare positions, as in word segmentation. */
  readonly type: string;
  /** `text.slice(start, end)`, in UTF-16 code units. */
  readonly text: string;
  /** The model's confidence, in [0, 1]. */
  readonly score: number;
  /** Number of its sentence in the text, from 1. */
  readonly sentence: number;
  /** The head that found it, if several heads give spans. */
  readonly head?: string;
}

/** A text and its sentences. */
export interface CutText {
  readonly text: string;
  readonly sentences: readonly CutSentence[];
}

/** Tokens and their offsets in the text: `[start, end)` in UTF-16 code units. */
export interface CutSentence {
  readonly tokens: readonly string[];
  readonly offsets: readonly (readonly [start: number, end: number])[];
}

/** Sentences of raw text are cut after this many tokens, so that a text without sentence boundaries cannot exhaust memory. */
export const LONGEST_RAW_SENTENCE = 2048;

const KEYS = keysOf<EntityOptions>({ offsets: true, locale: true, tokenizer: true });

/** Returns a function that segments texts as the model's training data was segmented, unless the options say otherwise. */
export function textCutter({ tokenizer, locale }: SegmentOptions, like?: InputSpec): (text: string) => CutText {
  const how = { tokenizer: tokenizer ?? like?.tokenizer, locale: locale ?? like?.locale };
  const segment = createSegmenter({ ...(how.tokenizer && { tokenizer: how.tokenizer }), ...(how.locale !== undefined && { locale: how.locale }) }); // prettier-ignore
  return (text) => ({ text, sentences: segment(text).flatMap(shortened) });
}

function shortened({ tokens, offsets }: CutSentence): CutSentence[] {
  const count = Math.ceil(tokens.length / LONGEST_RAW_SENTENCE);
  return Array.from({ length: count }, (_, i) => {
    const part = [i * LONGEST_RAW_SENTENCE, (i + 1) * LONGEST_RAW_SENTENCE] as const;
    return { tokens: tokens.slice(...part), offsets: offsets.slice(...part) };
  });
}

/** The heads whose labels become spans: those that annotate spans, or, if there are none, all that label tokens. */
interface SpanHeads {
  readonly names: readonly string[];
  /** Whether their labels annotate spans; otherwise every token is a span. */
  readonly whole: boolean;
}

/** @throws ArgumentError if the model labels only sentences */
function spanHeadsOf({ heads, config }: Model): SpanHeads {
  const tokens = heads.flatMap(({ kind, labels }, h) =>
    kind.unit === 'token' ? [{ name: config.heads[h].name, whole: looksLikeSpans(labels.labels) }] : [],
  );
  if (tokens.length === 0)
    throw new ArgumentError('entities: expected a model that labels words; this one labels sentences: use tag()');
  const whole = tokens.some((head) => head.whole);
  return { whole, names: tokens.filter((head) => head.whole === whole).map(({ name }) => name) };
}

/** Returns the options to pass to `tag`. @throws ArgumentError if the model labels only sentences */
export function askedForEntities(model: Model): PredictOptions {
  return spanHeadsOf(model).whole ? { spans: true } : { probabilities: true };
}

/**
 * Returns the entities of texts.
 *
 * @param predictions for the sentences of all texts in order, made with the options of `askedForEntities`
 */
export function entitiesOf(
  model: Model,
  texts: readonly CutText[],
  predictions: readonly Prediction[],
  unit: OffsetUnit = 'utf16',
): Entity[][] {
  const { names } = spanHeadsOf(model);
  let next = 0;
  return texts.map(({ text, sentences }) => {
    const place = placesFromUtf16(text, unit);
    return sentences.flatMap(({ offsets }, s) => {
      const said = predictions[next++];
      const found = names.flatMap((name) =>
        spansIn(said.heads?.[name] ?? said).map((span) => {
          const [start, end] = [offsets[span.start][0], offsets[span.end - 1][1]];
          const entity = { start: place(start), end: place(end), type: span.type, text: text.slice(start, end), score: span.probability, sentence: s + 1 }; // prettier-ignore
          return names.length > 1 ? { ...entity, head: name } : entity;
        }),
      );
      return names.length > 1 ? found.sort((a, b) => a.start - b.start || b.end - a.end) : found;
    });
  });
}

function spansIn({ labels, spans, probabilities }: Prediction): NonNullable<Prediction['spans']> {
  return spans ?? labels.map((type, t) => ({ type, start: t, end: t + 1, probability: probabilities![t] }));
}

/** `Tagger.entities`: finds the entities of one text, or of each of several texts. */
export interface FindEntities {
  /**
   * Returns the entities of a text from left to right, with `text.slice(start, end) === entity.text`. The text is split into sentences and
   * tokens as `bptt tag` splits raw text. If no head of the model annotates spans, every token is an entity.
   *
   * @param options the unit of the offsets, and how to segment the text; by default as the training data was segmented
   * @throws ArgumentError if the model labels only sentences, the text is not a string, or an option is outside its domain
   */
  (text: string, options?: EntityOptions): Entity[];
  (texts: readonly string[], options?: EntityOptions): Entity[][];
}

/** `AsyncTagger.entities`: like `FindEntities`, on an asynchronous device. */
export interface FindEntitiesAsync {
  (text: string, options?: EntityOptions): Promise<Entity[]>;
  (texts: readonly string[], options?: EntityOptions): Promise<Entity[][]>;
}

/** The texts of a call. */
interface Question {
  readonly sentences: readonly (readonly string[])[];
  /** The options to label them with. */
  readonly asked: PredictOptions;
  /** Returns the entities, given the labels of the sentences. */
  answer(predictions: readonly Prediction[]): Entity[] | Entity[][];
}

type Ask = (texts: string | readonly string[], options?: EntityOptions) => Question;

/** Makes a `FindEntities` from a function that labels sentences. */
export function entityFinder(
  model: Model,
  tag: (sentences: Question['sentences'], options: PredictOptions) => Prediction[],
): FindEntities {
  const ask = questionsTo(model);
  const find = (...question: Parameters<Ask>): Entity[] | Entity[][] => {
    const { sentences, asked, answer } = ask(...question);
    return answer(tag(sentences, asked));
  };
  return find as FindEntities;
}

/** `entityFinder` for labels that arrive asynchronously. */
export function asyncEntityFinder(
  model: Model,
  tag: (sentences: Question['sentences'], options: PredictOptions) => Promise<Prediction[]>,
): FindEntitiesAsync {
  const ask = questionsTo(model);
  const find = async (...question: Parameters<Ask>): Promise<Entity[] | Entity[][]> => {
    const { sentences, asked, answer } = ask(...question);
    return answer(await tag(sentences, asked));
  };
  return find as FindEntitiesAsync;
}

/** Checks and segments texts. The segmenter is reused as long as the options stay the same. */
function questionsTo(model: Model): Ask {
  let known: { readonly key: string; readonly cut: (text: string) => CutText } | undefined;
  return (texts, options = {}) => {
    expectKnownKeys('entities', 'options', options, KEYS);
    const { offsets = 'utf16', ...how } = options;
    expectOneOf('entities', 'offsets', offsets, OFFSET_UNITS);
    if (Array.isArray(texts)) expectWords('entities', 'texts', texts);
    else expectString('entities', 'texts', texts);
    const key = `${how.tokenizer} ${how.locale}`;
    if (known?.key !== key) known = { key, cut: textCutter(how, model.input) };
    const cut = (typeof texts === 'string' ? [texts] : texts).map(known.cut);
    return {
      sentences: cut.flatMap(({ sentences }) => sentences.map(({ tokens }) => tokens)),
      asked: askedForEntities(model),
      answer(predictions) {
        const found = entitiesOf(model, cut, predictions, offsets);
        return typeof texts === 'string' ? found[0] : found;
      },
    };
  };
}
