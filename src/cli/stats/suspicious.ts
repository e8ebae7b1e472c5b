/** Suspicious lines, which are often, but not always, annotation errors or broken text. Each kind has a rule, which is printed. */
import { isBlank } from '../../labeling/data/formats/detect.js';
import { normalForm } from '../../labeling/data/nfc.js';
import type { Scheme } from '../../labeling/data/schemes.js';
import { permittedTransitions } from '../../labeling/data/schemes.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { UNLABELED } from '../../labeling/data/unlabeled.js';
import { counted, grouped } from '../../tensor/print.js';
import { quoted } from '../../tensor/visible.js';
import type { LabelKind } from './counts.js';
import { lengthsOf } from './counts.js';
import type { Place, Placed } from './duplicates.js';
import { placeOf } from './duplicates.js';
import { exactKey } from './same-text.js';

/** A line and why it is suspicious. */
export interface Suspect extends Place {
  readonly detail: string;
  /** The other line that it refers to. */
  readonly same?: Place;
}

/** All lines of one kind. */
export interface Suspicion {
  readonly kind: string;
  /** The rule of this kind. */
  readonly rule: string;
  readonly count: number;
  readonly shown: readonly Suspect[];
}

/** A word's label is checked from this number of occurrences, if this share of them has one label. */
const LEAST_SEEN = 20;
const USUAL = 0.95;
/** Length in code points from which a token is very long. */
const LONG_TOKEN = 50;
/** A sentence is very long if it has more tokens than this, and more than this multiple of the median. */
const LONG_SENTENCE = 100;
const LONG_TIMES = 5;

/**
 * Controls, invisible marks, private-use characters, lone surrogates and U+FFFD; the joiners U+200C and U+200D are excluded
 * because they shape letters.
 */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u;

/** Input of the checks. */
export interface Judged {
  /** The reference corpus for words and lengths: the training corpus. */
  readonly known: readonly Placed[];
  /** All corpora. */
  readonly all: readonly Placed[];
  /** The kinds of labels, and the scheme of each; null if they do not annotate spans. */
  readonly kinds: readonly { readonly kind: LabelKind; readonly scheme: Scheme | null }[];
  readonly blank: readonly Place[];
  /** Maximum number of lines listed per kind. */
  readonly most: number;
}

/** The nonempty kinds, most likely errors first. */
export function suspicionsOf(judged: Judged): Suspicion[] {
  const { all, kinds, blank } = judged;
  const ofTokens = kinds.filter(({ kind }) => kind.of === 'token');
  const lists: [kind: string, rule: string, found: readonly Suspect[]][] = [
    ['transition', 'labels that their scheme does not permit side by side, or at the beginning or end of a sentence', ofTokens.flatMap(({ kind, scheme }) => transitionsIn(judged, kind, scheme))],
    ['contradiction', 'the same sentence, token by token, with other labels than where it stands first', contradictionsIn(all, kinds.map(({ kind }) => kind))],
    ['rare-label', `a word that training has ${LEAST_SEEN} times or more, at least ${100 * USUAL} % of them with one label, and here with another`, ofTokens.flatMap(({ kind }) => rareLabels(judged, kind))],
    ['invisible', 'a token or label with a control, invisible, private or replacement character (not U+200C, U+200D)', invisibleIn(all, kinds.map(({ kind }) => kind))],
    ['blank-token', 'a token of only white space and invisible marks', tokensWhere(all, isBlank, 'the token is blank')],
    ['white-space', 'a token with white space inside', tokensWhere(all, (token) => /\S\s+\S/u.test(token))],
    ['long-token', `a token of more than ${LONG_TOKEN} characters`, tokensWhere(all, (token) => token.length > LONG_TOKEN && [...token].length > LONG_TOKEN)],
    ['long-sentence', `a sentence of more than ${LONG_SENTENCE} tokens, and more than ${LONG_TIMES} times the median of training`, longSentences(judged)],
    ['blank-line', 'a line without a text, which is passed over', blank.map((place) => ({ ...place, detail: 'only white space' }))],
  ]; // prettier-ignore
  return lists
    .filter(([, , found]) => found.length > 0)
    .map(([kind, rule, found]) => ({ kind, rule, count: found.length, shown: found.slice(0, judged.most) }));
}

/** ` in xpos`, if there are several columns. */
const columnOf = ({ name }: LabelKind, kinds: Judged['kinds']): string =>
  kinds.filter(({ kind }) => kind.of === 'token').length > 1 ? ` in ${name}` : '';

/** The location of a token. */
const tokenPlace = ({ file, sentence }: Placed, t: number): Place => ({
  file,
  line: sentence.lines?.[t] ?? sentence.line ?? null,
});

/** The tokens that satisfy a test. */
function tokensWhere(all: readonly Placed[], test: (token: string) => boolean, said?: string): Suspect[] {
  return all.flatMap((placed) =>
    placed.sentence.tokens.flatMap((token, t) =>
      test(token) ? [{ ...tokenPlace(placed, t), detail: said ?? quoted(token) }] : [],
    ),
  );
}

function invisibleIn(all: readonly Placed[], kinds: readonly LabelKind[]): Suspect[] {
  const tokens = tokensWhere(all, (token) => UNSEEN.test(token));
  const labels = all.flatMap((placed) =>
    kinds.flatMap(({ labelsIn, of }) =>
      (labelsIn(placed.sentence) ?? []).flatMap((label, t) =>
        UNSEEN.test(label) ? [{ ...tokenPlace(placed, of === 'token' ? t : 0), detail: `label ${quoted(label)}` }] : [],
      ),
    ),
  );
  return [...tokens, ...labels];
}

function longSentences({ known, all }: Judged): Suspect[] {
  const { median } = lengthsOf(known.map(({ sentence }) => sentence));
  const most = Math.max(LONG_SENTENCE, LONG_TIMES * median);
  const long = all.filter(({ sentence }) => sentence.tokens.length > most);
  long.sort((a, b) => b.sentence.tokens.length - a.sentence.tokens.length);
  return long.map((placed) => ({
    ...placeOf(placed),
    detail: `${counted(placed.sentence.tokens.length, 'token')}; the median is ${median}`,
  }));
}

/** Words whose label is not the usual one, clearest cases first. */
function rareLabels({ known, all, kinds }: Judged, kind: LabelKind): Suspect[] {
  const { labelsIn } = kind;
  const usual = usualLabels(known, labelsIn);
  const found = all.flatMap((placed) =>
    placed.sentence.tokens.flatMap((token, t) => {
      const [label, most] = [labelsIn(placed.sentence)?.[t] ?? UNLABELED, usual.get(normalForm(token))];
      if (most === undefined || label === UNLABELED || label === most.label) return [];
      return [{ placed, t, token, label, most }];
    }),
  );
  found.sort((a, b) => b.most.times / b.most.count - a.most.times / a.most.count || b.most.count - a.most.count);
  return found.map(({ placed, t, token, label, most }) => ({
    ...tokenPlace(placed, t),
    detail: `${quoted(token)} ${label}${columnOf(kind, kinds)}; ${grouped(most.times)} of ${grouped(most.count)} are ${most.label}`,
  }));
}

interface Usual {
  readonly label: string;
  /** Occurrences of the word with this label, and with any label. */
  readonly times: number;
  readonly count: number;
}

function usualLabels(known: readonly Placed[], labelsIn: LabelKind['labelsIn']): Map<string, Usual> {
  const words = new Map<string, Map<string, number>>();
  for (const { sentence } of known)
    labelsIn(sentence)?.forEach((label, t) => {
      if (label === UNLABELED) return;
      const word = normalForm(sentence.tokens[t]);
      const labels = words.get(word) ?? new Map<string, number>();
      words.set(word, labels.set(label, (labels.get(label) ?? 0) + 1));
    });
  const usual = new Map<string, Usual>();
  for (const [word, labels] of words) {
    const count = [...labels.values()].reduce((sum, n) => sum + n, 0);
    if (count < LEAST_SEEN) continue;
    const [label, times] = [...labels].reduce((best, each) => (each[1] > best[1] ? each : best));
    if (times / count >= USUAL) usual.set(word, { label, times, count });
  }
  return usual;
}

/** Adjacent labels that the scheme forbids. A token without a label permits any neighbor. */
function transitionsIn({ all, kinds }: Judged, kind: LabelKind, scheme: Scheme | null): Suspect[] {
  const { labelsIn } = kind;
  if (scheme === null) return [];
  const labels = [...new Set(all.flatMap(({ sentence }) => labelsIn(sentence) ?? []))].filter((l) => l !== UNLABELED);
  const ids = new Map(labels.map((label, id) => [label, id]));
  const { start, transitions, end } = permittedTransitions(scheme, labels);
  const said = (what: string): string => `${what} is not ${scheme}${columnOf(kind, kinds)}`;
  return all.flatMap((placed) => {
    const own = labelsIn(placed.sentence) ?? [];
    const at = own.map((label) => ids.get(label));
    return own.flatMap((label, t): Suspect[] => {
      const [here, before] = [at[t], at[t - 1]];
      if (here === undefined) return [];
      const found = (what: string): Suspect => ({ ...tokenPlace(placed, t), detail: said(what) });
      const wrong: Suspect[] = [];
      if (t === 0 && start[here] === 0) wrong.push(found(`${label} at the beginning`));
      if (before !== undefined && transitions[before * labels.length + here] === 0)
        wrong.push(found(`${label} after ${own[t - 1]}`));
      if (t === own.length - 1 && end[here] === 0) wrong.push(found(`${label} at the end`));
      return wrong;
    });
  });
}

/** Sentences whose labels differ from those at the first occurrence of the same sentence. */
function contradictionsIn(all: readonly Placed[], kinds: readonly LabelKind[]): Suspect[] {
  const first = new Map<string, Placed>();
  return all.flatMap((placed) => {
    const key = exactKey(placed.sentence.tokens);
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, placed);
      return [];
    }
    const difference = kinds.map((kind) => differenceOf(kind, placed.sentence, other.sentence)).find((d) => d !== undefined); // prettier-ignore
    if (difference === undefined) return [];
    return [{ ...placeOf(placed), detail: difference, same: placeOf(other) }];
  });
}

/** First difference between the labels of two sentences: `"that" SCONJ, but PRON`. */
function differenceOf({ of, labelsIn }: LabelKind, sentence: Sentence, other: Sentence): string | undefined {
  const [own, others] = [labelsIn(sentence) ?? [], labelsIn(other) ?? []];
  const t = own.findIndex((label, i) => label !== others[i] && label !== UNLABELED && others[i] !== UNLABELED);
  if (t < 0 || others[t] === undefined) return undefined;
  return `${quoted(of === 'token' ? sentence.tokens[t] : sentence.tokens.join(' '))} ${own[t]}, but ${others[t]}`;
}
