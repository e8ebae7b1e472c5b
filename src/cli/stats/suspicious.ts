/** Lines worth a look: what is often, not always, a slip of annotation or a broken text. Each kind has its rule, which is printed. */
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

/** A line and what is strange about it. */
export interface Suspect extends Place {
  readonly detail: string;
  /** The other line that it is about. */
  readonly same?: Place;
}

/** All lines of one kind. */
export interface Suspicion {
  readonly kind: string;
  /** What makes a line one of the kind. */
  readonly rule: string;
  readonly count: number;
  readonly shown: readonly Suspect[];
}

/** A word is judged by its label from so many occurrences on, and where so many of them have one label. */
const LEAST_SEEN = 20;
const USUAL = 0.95;
/** Code points of a token from which it is very long. */
const LONG_TOKEN = 50;
/** A sentence is very long with more tokens than this, and more than so many times the median. */
const LONG_SENTENCE = 100;
const LONG_TIMES = 5;

/** Controls, invisible marks, private characters, halves of surrogate pairs and U+FFFD; the joiners U+200C and U+200D shape letters. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u;

/** What is judged. */
export interface Judged {
  /** The corpus by which words and lengths are judged: that of training. */
  readonly known: readonly Placed[];
  /** All corpora. */
  readonly all: readonly Placed[];
  /** The kinds of labels, and the scheme of each, null if they annotate no spans. */
  readonly kinds: readonly { readonly kind: LabelKind; readonly scheme: Scheme | null }[];
  readonly blank: readonly Place[];
  /** Most lines that are listed of a kind. */
  readonly most: number;
}

/** The kinds of which there are lines, the likeliest slips first. */
export function suspicionsOf(judged: Judged): Suspicion[] {
  const { all, kinds, blank } = judged;
  const ofTokens = kinds.filter(({ kind }) => kind.of === 'token');
  const lists: [kind: string, rule: string, found: readonly Suspect[]][] = [
    ['transition', 'labels that their scheme does not permit side by side, or at the begin or end of a sentence', ofTokens.flatMap(({ kind, scheme }) => transitionsIn(judged, kind, scheme))],
    ['contradiction', 'the same sentence, token by token, with other labels than where it stands first', contradictionsIn(all, kinds.map(({ kind }) => kind))],
    ['rare-label', `a word that training has ${LEAST_SEEN} times or more, at least ${100 * USUAL} % of them with one label, and here with another`, ofTokens.flatMap(({ kind }) => rareLabels(judged, kind))],
    ['invisible', 'a token or label with a control, invisible, private or replacement character (not U+200C, U+200D)', invisibleIn(all, kinds.map(({ kind }) => kind))],
    ['blank-token', 'a token of nothing but white space and invisible marks', tokensWhere(all, isBlank, 'the token is blank')],
    ['white-space', 'a token with white space inside', tokensWhere(all, (token) => /\S\s+\S/u.test(token))],
    ['long-token', `a token of more than ${LONG_TOKEN} characters`, tokensWhere(all, (token) => token.length > LONG_TOKEN && [...token].length > LONG_TOKEN)],
    ['long-sentence', `a sentence of more than ${LONG_SENTENCE} tokens, and more than ${LONG_TIMES} times the median of training`, longSentences(judged)],
    ['blank-line', 'a line without a text, which is passed over', blank.map((place) => ({ ...place, detail: 'nothing but white space' }))],
  ]; // prettier-ignore
  return lists
    .filter(([, , found]) => found.length > 0)
    .map(([kind, rule, found]) => ({ kind, rule, count: found.length, shown: found.slice(0, judged.most) }));
}

/** ` in xpos`, if there are several columns. */
const columnOf = ({ name }: LabelKind, kinds: Judged['kinds']): string =>
  kinds.filter(({ kind }) => kind.of === 'token').length > 1 ? ` in ${name}` : '';

/** The place of a token. */
const tokenPlace = ({ file, sentence }: Placed, t: number): Place => ({
  file,
  line: sentence.lines?.[t] ?? sentence.line ?? null,
});

/** The tokens that pass a test. */
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

/** Words whose label is not the usual one, the surest first. */
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
  /** Occurrences of the word with it, and with any label. */
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

/** Labels side by side that the scheme forbids. A token without a label permits everything beside it. */
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
      if (t === 0 && start[here] === 0) wrong.push(found(`${label} at the begin`));
      if (before !== undefined && transitions[before * labels.length + here] === 0)
        wrong.push(found(`${label} after ${own[t - 1]}`));
      if (t === own.length - 1 && end[here] === 0) wrong.push(found(`${label} at the end`));
      return wrong;
    });
  });
}

/** Sentences whose labels differ from those of the same sentence where it stands first. */
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

/** Where the labels of two sentences part: `"that" SCONJ, but PRON`. */
function differenceOf({ of, labelsIn }: LabelKind, sentence: Sentence, other: Sentence): string | undefined {
  const [own, others] = [labelsIn(sentence) ?? [], labelsIn(other) ?? []];
  const t = own.findIndex((label, i) => label !== others[i] && label !== UNLABELED && others[i] !== UNLABELED);
  if (t < 0 || others[t] === undefined) return undefined;
  return `${quoted(of === 'token' ? sentence.tokens[t] : sentence.tokens.join(' '))} ${own[t]}, but ${others[t]}`;
}
