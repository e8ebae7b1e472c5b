/**
 * Tokens, and sentences, without a gold label. Their label is the empty string, which no reader takes for a label: a column of
 * CoNLL-U that is not annotated (`_`), a `null` in JSON lines, the mark of `readSentences({ unlabeled })`. They take no part in a loss
 * and in no score.
 */
import type { Scheme } from './schemes.js';
import { convertLabels } from './schemes.js';
import type { ConvertedLabels } from './schemes.js';
import type { Sentence } from './sentence.js';

/** What stands in place of a label where there is none. */
export const UNLABELED = '';

/** Whether a list of labels has any. */
export function hasLabel(labels: readonly string[] | undefined): boolean {
  return labels?.some((label) => label !== UNLABELED) ?? false;
}

/** How many tokens of the sentences have no label, and how many sentences have none at all. */
export function countUnlabeled(sentences: readonly Sentence[]): {
  readonly tokens: number;
  readonly sentences: number;
  /** Line of the first such token, where it has one. */
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

/** The sentences that have a label: of a token, in any column, or of the whole. The same list where all have one. */
export function withSomeLabel(sentences: readonly Sentence[]): readonly Sentence[] {
  const has = ({ tokens, labels, columns = {}, category }: Sentence): boolean =>
    tokens.length === 0 ||
    hasLabel(labels) ||
    Object.values(columns).some(hasLabel) ||
    (category !== undefined && category !== UNLABELED) ||
    (labels === undefined && category === undefined); // labels that are missing altogether are another fault
  return sentences.every(has) ? sentences : sentences.filter(has);
}

/**
 * `convertLabels` for sentences in which some labels are missing: they stay missing. A label beside one is converted where the result
 * is the same whatever stands in the gaps, as long as that leaves the label itself unrepaired. Where it depends on the gap, it is
 * missing in the result: `B-PER` in front of a gap is in IOBES either `B-PER` or `S-PER`.
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
 * What may stand in the gaps, as far as it matters to the labels beside them: `O`, and every position of their types. One filler for all
 * gaps will do, since what a label becomes in front of it and behind it does not hang together.
 */
function fillersOf(labels: readonly string[]): string[] {
  const types = labels.flatMap((label) => {
    const found = /^[BIESLU](-.*)?$/su.exec(label);
    return found ? [found[1] ?? ''] : [];
  });
  return ['O', ...[...new Set(types)].flatMap((type) => [...'BIESLU'].map((position) => position + type))];
}
