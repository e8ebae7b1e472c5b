/**
 * Tokens and sentences without a gold label. Their label is the empty string, which no reader treats as a label: an unannotated column of
 * CoNLL-U (`_`), a `null` in JSON lines, the mark of `readSentences({ unlabeled })`. They are excluded from every loss and every score.
 */
import type { Scheme } from './schemes.js';
import { convertLabels } from './schemes.js';
import type { ConvertedLabels } from './schemes.js';
import type { Sentence } from './sentence.js';

/** Stands for a missing label. */
export const UNLABELED = '';

/** Whether a list contains any label. */
export function hasLabel(labels: readonly string[] | undefined): boolean {
  return labels?.some((label) => label !== UNLABELED) ?? false;
}

/** Counts the tokens without a label, and the sentences without any label. */
export function countUnlabeled(sentences: readonly Sentence[]): {
  readonly tokens: number;
  readonly sentences: number;
  /** Line of the first such token, if known. */
  readonly line?: number;
} {
  const found = { tokens: 0, sentences: 0 };
  let line: number | undefined;
  for (const sentence of sentences) {
    const { labels = [] } = sentence;
    const missing = labels.filter((label) => label === UNLABELED).length;
    if (missing === 0) continue;
    const first = labels.indexOf(UNLABELED);
    if (found.tokens === 0) line = sentence.lines?.[first] ?? sentence.line;
    found.tokens += missing;
    if (missing === labels.length) found.sentences++;
  }
  return { ...found, ...(line !== undefined && { line }) };
}

/** Returns the sentences with a label: of a token, in any column, or of the whole sentence. Returns the same list if all have one. */
export function withSomeLabel(sentences: readonly Sentence[]): readonly Sentence[] {
  const has = ({ tokens, labels, columns = {}, category }: Sentence): boolean =>
    tokens.length === 0 ||
    hasLabel(labels) ||
    Object.values(columns).some(hasLabel) ||
    (category !== undefined && category !== UNLABELED) ||
    (labels === undefined && category === undefined); // labels that are missing altogether are a different error
  return sentences.every(has) ? sentences : sentences.filter(has);
}

/**
 * `convertLabels` for sentences in which some labels are missing: these stay missing. A label next to a gap is converted if the result is
 * the same for anything in the gap that leaves the label itself unrepaired. If it depends on the gap, it is missing in the result: in
 * IOBES, `B-PER` before a gap is either `B-PER` or `S-PER`.
 */
export function convertPartial(labels: readonly string[], from: Scheme, to: Scheme): ConvertedLabels {
  if (!labels.includes(UNLABELED)) return convertLabels(labels, from, to);
  const filled = fillersOf(labels).map((filler) => {
    const full = labels.map((label) => (label === UNLABELED ? filler : label));
    return { own: convertLabels(full, from, from).labels, made: convertLabels(full, from, to).labels };
  });
  let repairs = 0;
  const made = labels.map((label, t) => {
    if (label === UNLABELED) return label;
    const fitting = filled.filter(({ own }) => own[t] === label);
    if (fitting.length === 0) repairs++;
    const results = new Set((fitting.length > 0 ? fitting : filled).map((each) => each.made[t]));
    return results.size === 1 ? [...results][0] : UNLABELED;
  });
  return { labels: made, repairs };
}

/**
 * The relevant candidates for the gaps: `O`, and every position of the neighboring types. One filler for all gaps suffices, because the
 * effects of the gap before a label and of the gap after it are independent.
 */
function fillersOf(labels: readonly string[]): string[] {
  const types = labels.flatMap((label) => {
    const found = /^[BIESLU](-.*)?$/su.exec(label);
    return found ? [found[1] ?? ''] : [];
  });
  return ['O', ...[...new Set(types)].flatMap((type) => [...'BIESLU'].map((position) => position + type))];
}
