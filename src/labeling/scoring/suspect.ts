/** Notes on labeled sentences that are suspicious but valid, reported before training or evaluation. */
import { counted, grouped } from '../../tensor/print.js';
import { quoted } from '../../tensor/visible.js';
import { twinNote, type LabelVocabulary } from '../data/labels.js';
import type { Note } from '../data/notes.js';
import type { Sentence } from '../data/sentence.js';
import type { Scheme } from '../data/schemes.js';
import { detectScheme } from '../data/schemes.js';
import { countUnlabeled } from '../data/unlabeled.js';
import type { Unit } from '../model/heads/head.js';
import { noteOf, placesOf, SHOWN, timesAt } from './found-labels.js';
import { caseTwins, manyLabels } from './suspect-labels.js';
import { insideOf, spanSchemeOf, withoutOutlier } from './spans.js';

/** A sentence of this many tokens is probably a document without blank lines. */
const LONG_SENTENCE = 1000;

/**
 * Returns notes on training sentences, in this order: tokens without a label, the label `_`, a single label, implausibly many labels,
 * labels that differ in case, a single word, a very long sentence, labels outside the span scheme, spans in an unsupported notation.
 *
 * @param labels the labels of the training sentences
 * @param source name of the input, for the messages
 * @param unit the unit that has a label; a labeled sentence is represented here as one token
 */
export function notesOfTraining(
  train: readonly Sentence[],
  labels: LabelVocabulary,
  source?: string,
  unit: Unit = 'token',
): Note[] {
  const gaps = [...unlabeledNote(train, 'loss', source, unit), ...underscoreNote(train, labels, source, unit)];
  const many = manyLabels(train, labels, source, unit);
  const named = [
    ...oneLabel(labels, source, unit),
    ...many,
    ...(many.length > 0 ? [] : caseTwins(train, labels, source)),
  ];
  if (unit === 'sentence') return [...gaps, ...named, ...oneWord(train, source, unit)];
  return [
    ...gaps,
    ...named,
    ...oneWord(train, source, unit),
    ...longSentence(train, source),
    ...outlierLabels(train, labels, source),
    ...foreignNotation(labels, source),
    ...mixedSpans(train, labels, source),
  ];
}

/**
 * Returns notes on sentences to be scored: tokens without a label, another span scheme, a very long sentence, labels unknown to the model,
 * labels outside the scheme.
 *
 * @param labels the labels that the model returns
 * @param scheme the scheme in which it returns them, if known
 */
export function notesOfScoring(
  sentences: readonly Sentence[],
  labels: LabelVocabulary,
  source?: string,
  unit: Unit = 'token',
  scheme?: Scheme,
): Note[] {
  const gaps = unlabeledNote(sentences, 'scores', source, unit);
  if (unit === 'sentence') return [...gaps, ...unknownLabels(sentences, labels, source, unit)];
  return [
    ...gaps,
    ...otherScheme(sentences, scheme, source),
    ...longSentence(sentences, source),
    ...unknownLabels(sentences, labels, source, unit),
    ...outlierLabels(sentences, labels, source),
  ];
}

/** The number of tokens, or sentences, without a label. */
export function unlabeledNote(
  sentences: readonly Sentence[],
  what: 'loss' | 'scores',
  source: string | undefined,
  unit: Unit,
): Note[] {
  const found = countUnlabeled(sentences);
  if (found.tokens === 0) return [];
  const whole =
    unit === 'sentence' || found.sentences === 0 ? '' : ` (${counted(found.sentences, 'sentence')} without any)`;
  const verb = found.tokens === 1 ? 'is' : 'are';
  const message = `${counted(found.tokens, unit)} without label ${verb} left out of the ${what}${whole}`;
  return [noteOf('unlabeled', message, source, found.line, found.tokens)];
}

/** `_` is learned like any other label if it is a value, as in FEATS. */
function underscoreNote(
  train: readonly Sentence[],
  labels: LabelVocabulary,
  source: string | undefined,
  unit: Unit,
): Note[] {
  if (!labels.has('_')) return [];
  const [{ count, lines }] = placesOf(train, (label) => label === '_');
  const message =
    `${counted(count, unit)} ${count === 1 ? 'has' : 'have'} the label "_", which is learned and scored like any other, as in FEATS, where it means ` +
    `no features: if it stands for no label here, leave ${count === 1 ? 'it' : 'them'} out (--unlabeled _)`;
  return [noteOf('underscore-label', message, source, lines[0], count)];
}

function otherScheme(sentences: readonly Sentence[], expected: Scheme | undefined, source?: string): Note[] {
  if (expected === undefined) return [];
  const { scheme, evidence } = detectScheme(sentences.map(({ labels = [] }) => labels));
  if (scheme === null || scheme === expected) return [];
  const message =
    `the labels look like ${scheme} (${evidence}), those of the training data like ${expected}: ` +
    `labels are given back in ${expected}; convert one of the files (bptt convert)`;
  return [noteOf('other-scheme', message, source)];
}

function oneLabel({ labels, size }: LabelVocabulary, source: string | undefined, unit: Unit): Note[] {
  if (size > 1) return [];
  const message = `every ${unit} has the label ${quoted(labels[0])}, so there is nothing to learn: check the column of the labels (--column)`;
  return [noteOf('one-label', message, source)];
}

/** Reports labels that annotate spans in another notation: `PER-B`, `B_PER`, `b-per`. They are scored as plain labels. */
function foreignNotation({ labels }: LabelVocabulary, source?: string): Note[] {
  if (spanSchemeOf(labels).kind !== null) return [];
  const inside = labels.filter((label) => !/^(o|0|OTHER|OUT|NONE|_)$/i.test(label));
  const foreign = inside.filter((label) => FOREIGN.some((form) => form.test(label)));
  if (foreign.length === 0 || foreign.length < inside.length) return [];
  const message =
    `the labels look like spans, but are not written as B-PER: ${foreign
      .slice(0, SHOWN)
      .map((label) => quoted(label))
      .join(', ')}. ` +
    'They are scored token by token, without span F1: write a position (B, I, E, S), a hyphen and a type, and O outside';
  return [noteOf('foreign-spans', message, source)];
}

/** Reports that spans are not scored because some labels annotate spans and most do not. */
function mixedSpans(train: readonly Sentence[], { labels }: LabelVocabulary, source?: string): Note[] {
  if (spanSchemeOf(labels).kind !== null) return [];
  const found = placesOf(train, (label) => withoutOutlier(label) !== 'O');
  if (found.length === 0) return [];
  const shown = found.slice(0, SHOWN).map((each) => `${quoted(each.label)} ${timesAt(each)}`);
  const others = labels.filter((label) => label !== 'O' && withoutOutlier(label) === 'O');
  const message =
    `${counted(found.length, 'label')} ${found.length === 1 ? 'looks' : 'look'} like spans: ${shown.join(', ')}; ` +
    `most others do not: ${others
      .slice(0, SHOWN)
      .map((label) => quoted(label))
      .join(', ')}${others.length > SHOWN ? ', …' : ''}. ` +
    'They are scored token by token, without span F1: if they are spans, write O or a position and a type (B-PER) everywhere';
  const count = found.reduce((sum, each) => sum + each.count, 0);
  return [noteOf('mixed-spans', message, source, found[0].lines[0], count)];
}

/** A position after the type, after another separator, or in lower case. */
const FOREIGN = [/^.+[-_|.:/][BIESLU]$/su, /^[BIESLU][_|.:/].+$/su, /^[biesl]-.+$/su];

function oneWord(train: readonly Sentence[], source: string | undefined, unit: Unit): Note[] {
  const word = train[0].tokens[0];
  const tokens = countTokens(train);
  if (tokens < 2 || train.some((sentence) => sentence.tokens.some((token) => token !== word))) return [];
  const message = `all ${grouped(tokens)} ${unit}s are ${quoted(word)}: check the column of the ${unit === 'token' ? 'words' : 'text'}, and the format (--format)`;
  return [noteOf('one-word', message, source)];
}

function longSentence(sentences: readonly Sentence[], source?: string): Note[] {
  const long = sentences.filter(({ tokens }) => tokens.length >= LONG_SENTENCE);
  if (long.length === 0) return [];
  const longest = long.reduce((a, b) => (b.tokens.length > a.tokens.length ? b : a));
  const more = long.length === 1 ? '' : `, and ${grouped(long.length - 1)} more of ${grouped(LONG_SENTENCE)} or longer`;
  const message =
    `a sentence has ${grouped(longest.tokens.length)} tokens${placeOf(longest)}${more}: ` +
    'if the blank lines between sentences are missing, add them';
  return [noteOf('long-sentence', message, source, longest.line, long.length)];
}

function unknownLabels(
  sentences: readonly Sentence[],
  labels: LabelVocabulary,
  source: string | undefined,
  unit: Unit,
): Note[] {
  const found = placesOf(sentences, (label) => !labels.has(label));
  if (found.length === 0) return [];
  const tokens = found.reduce((sum, { count }) => sum + count, 0);
  const shown = found.slice(0, SHOWN).map(({ label, count }) => `${quoted(label)} ${grouped(count)}`);
  const rest = found.length > SHOWN ? `, … (${grouped(found.length)} in all)` : '';
  const alike = found.map(({ label }) => twinNote(label, labels.labels)).find((note) => note !== '');
  const twins = alike === undefined ? '' : `. ${alike}`;
  const message =
    `${grouped(tokens)} ${tokens === 1 ? `${unit} has a label` : `${unit}s have labels`} that never ` +
    `${tokens === 1 ? 'occurs' : 'occur'} in training and ${tokens === 1 ? 'counts as an error' : 'count as errors'}: ${shown.join(', ')}${rest}${twins}: ` +
    'correct them, train with them, or refuse them (--strict-labels)';
  return [noteOf('unknown-labels', message, source, found[0].lines[0], tokens)];
}

function outlierLabels(sentences: readonly Sentence[], labels: LabelVocabulary, source?: string): Note[] {
  const { kind } = spanSchemeOf(labels.labels);
  if (kind === null) return [];
  const inside = insideOf(kind);
  const found = placesOf(sentences, (label) => label !== 'O' && inside(label) === 'O');
  if (found.length === 0) return [];
  const shown = found.slice(0, SHOWN).map((each) => `${quoted(each.label)} ${timesAt(each)}`);
  const rest = found.length > SHOWN ? `, … (${grouped(found.length)} in all)` : '';
  const message =
    `labels that are neither O nor a position${kind === 'typed' ? ' and a type (B-PER)' : ' (B, I)'}: ${shown.join(', ')}${rest}. ` +
    'Spans are scored with these tokens outside every span: correct the labels';
  const count = found.reduce((sum, each) => sum + each.count, 0);
  return [noteOf('outlier-labels', message, source, found[0].lines[0], count)];
}

const placeOf = ({ line }: Sentence): string => (line === undefined ? '' : ` at line ${line}`);

const countTokens = (sentences: readonly Sentence[]): number =>
  sentences.reduce((sum, { tokens }) => sum + tokens.length, 0);
