/** Finds labels of training sentences that are probably unintended: another column, or one label in two spellings. */
import { counted, grouped } from '../../tensor/print.js';
import { quoted } from '../../tensor/visible.js';
import { codes, type LabelVocabulary } from '../data/labels.js';
import { normalForm } from '../data/nfc.js';
import type { Note } from '../data/notes.js';
import type { Sentence } from '../data/sentence.js';
import type { Unit } from '../model/heads/head.js';
import { noteOf, placesOf, SHOWN, timesAt } from './found-labels.js';
import type { ModelScores } from './evaluate.js';
import type { Scores } from './scorer.js';
import { insideOf, spanSchemeOf } from './spans.js';

/** Label sets smaller than this are never too large. */
const FEW_LABELS = 10;
/** Label sets larger than this are always too large. */
const MANY_LABELS = 1000;
/**
 * Of labels, rarely more than a third occur only once (morphological features of 100 sentences); of lemmas and words, a third to two thirds
 * do.
 */
const ONCE_SHARE = 0.4;

/** How many labels are shown: if sentences are taken for labels, these are long. */
const SHOWN_EXAMPLES = 5;

/**
 * Detects a column of words, lemmas, identifiers or measurements that is taken for labels: more than a thousand labels, more labels than
 * words, or at least ten labels of which 40 % occur only once.
 */
export function manyLabels(
  train: readonly Sentence[],
  vocabulary: LabelVocabulary,
  source: string | undefined,
  unit: Unit,
): Note[] {
  if (vocabulary.size < FEW_LABELS) return [];
  const counts = new Map<string, number>();
  for (const { labels: own = [] } of train) for (const label of own) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labels = vocabulary.labels.filter((label) => counts.has(label)); // others come from a model that training starts from
  const size = labels.length;
  if (size < FEW_LABELS) return [];
  const once = labels.filter((label) => counts.get(label) === 1);
  const words = unit === 'token' ? new Set(train.flatMap(({ tokens }) => tokens)).size : Infinity;
  if (size <= MANY_LABELS && size <= words && once.length < ONCE_SHARE * size) return [];
  const shown = (once.length > 0 ? once : labels).slice(0, SHOWN_EXAMPLES);
  const rare = once.length > 0 ? `, ${grouped(once.length)} of them only once` : '';
  const swapped =
    size > words ? `; there are only ${counted(words, 'different word')}, so the columns may be swapped` : '';
  const message =
    `${grouped(size)} different labels${rare} (${shown.map((label) => quoted(label)).join(', ')}${size > shown.length ? ', …' : ''})${swapped}: ` +
    `if these are not the labels, choose their column (--column)`;
  return [noteOf('many-labels', message, source, undefined, size)];
}

/** Finds labels that differ only in case, Unicode normal form or invisible characters. Those outside a span scheme are reported as such. */
export function caseTwins(train: readonly Sentence[], { labels }: LabelVocabulary, source?: string): Note[] {
  const { kind } = spanSchemeOf(labels);
  const inside = kind === null ? () => 'I' : insideOf(kind);
  const groups = new Map<string, string[]>();
  for (const label of labels) {
    if (label !== 'O' && inside(label) === 'O') continue;
    const key = normalForm(label)
      .replace(/\p{Cf}/gu, '')
      .toLowerCase();
    groups.set(key, [...(groups.get(key) ?? []), label]);
  }
  const twins = [...groups.values()].filter((group) => group.length > 1);
  if (twins.length === 0) return [];
  const rare = new Map(
    placesOf(train, (label) => twins.some((group) => group.indexOf(label) > 0)).map((each) => [each.label, each]),
  );
  const pairs = twins.flatMap(([first, ...others]) =>
    others.flatMap((other) => {
      const found = rare.get(other); // a model that training starts from may have labels that these sentences lack
      return found ? [{ first, found }] : [];
    }),
  );
  if (pairs.length === 0) return [];
  const shown = pairs.slice(0, SHOWN).map(({ first, found }) => {
    const alike = normalForm(found.label) === normalForm(first); // they look the same, so their characters are named
    const [one, other] = [found.label, first].map((label) => quoted(label) + (alike ? ` (${codes(label)})` : ''));
    return `${one} ${timesAt(found)} next to ${other}`;
  });
  const rest = pairs.length > SHOWN ? `, … (${grouped(pairs.length)} in all)` : '';
  const message =
    `labels that differ from others only in case, Unicode normal form or invisible characters: ${shown.join(', ')}${rest}. ` +
    'Each is learned and scored as a separate label: spell them alike';
  const count = pairs.reduce((sum, { found }) => sum + found.count, 0);
  return [noteOf('case-twins', message, source, pairs[0].found.lines[0], count)];
}

/**
 * A model that gives everything the same label has learned only which label is the most common; its accuracy may look high all the same.
 */
export function sameForAll(scores: ModelScores, source?: string): Note[] {
  const heads: readonly (readonly [string | undefined, Scores])[] = scores.heads ? Object.entries(scores.heads) : [[undefined, scores]]; // prettier-ignore
  return heads.flatMap(([name, { labels, unit }]) => {
    const all = Object.entries(labels);
    const given = all.filter(([, { predicted }]) => predicted > 0);
    const gold = all.filter(([, each]) => each.gold > 0).length;
    if (given.length !== 1 || gold < 2) return [];
    const whose = name === undefined ? '' : ` for ${name}`;
    const message =
      `the model gives every ${unit} the label ${quoted(given[0][0])}${whose}, and the data has ${grouped(gold)} labels: ` +
      'train longer (--epochs), try another learning rate (--find-lr), or look at the labels (bptt stats)';
    return [noteOf('one-prediction', message, source)];
  });
}
