/** Writes labeled tokens for `bptt convert`, and rejects what the output format cannot hold. */
import { bratDocument, isPosition, SPAN_OUTPUTS, spannedLine, spansOfLabels, WRITTEN_UNITS } from '../../labeling/data/formats/annotated-write.js'; // prettier-ignore
import type { SpannedText, SpanOutput } from '../../labeling/data/formats/annotated-write.js';
import { trimOuter } from '../../labeling/data/formats/clean.js';
import { formatSentence } from '../../labeling/data/formats/index.js';
import { dataErrorAt } from '../../labeling/data/formats/options.js';
import type { OffsetUnit } from '../../labeling/data/offsets.js';
import type { Sentence } from '../../labeling/data/sentence.js';
import { createSegmenter } from '../../labeling/data/segment.js';
import type { SegmentOptions } from '../../labeling/data/segment.js';
import { surfaceOf } from '../../labeling/data/surface.js';
import { UNLABELED } from '../../labeling/data/unlabeled.js';
import { quoted } from '../../tensor/visible.js';
import type { Losses } from './losses.js';

/** Output formats for labeled tokens. */
export const TOKEN_OUTPUTS = ['conll', 'conllu', 'slashed', 'jsonl', ...SPAN_OUTPUTS] as const;
export type TokenOutput = (typeof TOKEN_OUTPUTS)[number];

/** Whether an output format holds only spans. */
export function holdsSpans(output: TokenOutput): output is SpanOutput {
  return SPAN_OUTPUTS.some((each) => each === output);
}

/** Options for writing sentences. */
export interface Writing {
  readonly output: TokenOutput;
  /** Name of the input, for error messages. */
  readonly source: string;
  /** Representation of a missing label; default: `null` in JSON Lines, `_` elsewhere. */
  readonly mark?: string;
  /** Column of the labels in CoNLL-U. */
  readonly column: string;
  readonly unit?: OffsetUnit;
  /** How the texts of the input were tokenized. */
  readonly cutting: SegmentOptions;
  readonly losses: Losses;
}

/**
 * The files of a conversion: for brat the text and the annotations; otherwise one file.
 *
 * @throws DataError on content that cannot be written
 */
export function writtenTexts(sentences: readonly Sentence[], writing: Writing): { text: string; annotations?: string } {
  const { output, losses } = writing;
  for (const { category } of sentences) if (category !== undefined && output !== 'jsonl') losses.add('categories');
  if (!holdsSpans(output)) return { text: sentences.map((sentence) => tokenText(sentence, output, writing)).join('') };
  const unit = writing.unit ?? WRITTEN_UNITS[output];
  const spanned = spannedTexts(sentences, output, writing);
  if (output === 'brat') return bratDocument(spanned, unit);
  return { text: spanned.map((each, i) => spannedLine(each, output, unit, i + 1)).join('') };
}

type Fail = (t: number, message: string) => Error;

const failing = ({ line = 0, lines }: Sentence, source: string): Fail => (t, message) => dataErrorAt(source, lines?.[t] ?? line, message); // prettier-ignore

function tokenText(sentence: Sentence, output: Exclude<TokenOutput, SpanOutput>, writing: Writing): string {
  const { source, losses, column, mark = output === 'jsonl' ? undefined : '_' } = writing;
  const { tokens, labels = [], surface, conllu } = sentence;
  if (surface && surface.text !== tokens.join(' ')) losses.add('spaces');
  if (conllu && output !== 'conllu' && surfaceOf(sentence).text !== tokens.join(' ')) losses.add('spaces');
  if (output === 'conll' || output === 'conllu') expectCells(sentence, output, failing(sentence, source), writing);
  if (output === 'jsonl') {
    const written = labels.map((label) => (label === UNLABELED ? (mark ?? null) : label));
    const { category } = sentence;
    return `${JSON.stringify({ tokens, labels: written, ...(category !== undefined && { category }) })}\n`;
  }
  const marked = labels.map((label) => (label === UNLABELED ? mark! : label));
  if (output !== 'conllu') return formatSentence({ tokens, labels: marked }, output);
  return formatSentence({ tokens, labels: marked, columns: { [column]: marked }, conllu }, output);
}

/** Rejects tokens that a column reader would misread. */
function expectCells({ tokens, labels = [] }: Sentence, output: 'conll' | 'conllu', fail: Fail, { mark = '_', column }: Writing): void {
  const advice = 'choose another output (jsonl, slashed), or correct it';
  const cellOf = (text: string, what: string, t: number): void => {
    if (/[\t\r\n]/.test(text)) throw fail(t, `the ${what} ${quoted(text)} cannot be in a column of ${output}, because it contains a tab or a line end: ${advice}`); // prettier-ignore
    if (trimOuter(text) !== text || text === '') throw fail(t, `the ${what} ${quoted(text)} cannot be in a column of ${output}, because white space or invisible marks at its ends would be lost: ${advice}`); // prettier-ignore
  };
  tokens.forEach((token, t) => {
    cellOf(token, 'word', t);
    if (output === 'conll' && token === '-DOCSTART-') throw fail(t, `the word -DOCSTART- would be read as the start of a document: ${advice}`); // prettier-ignore
  });
  labels.forEach((label, t) => {
    if (label === UNLABELED) return;
    cellOf(label, 'label', t);
    if (label !== '_' || (output === 'conll' && mark !== '_') || (output === 'conllu' && VALUES.has(column))) return;
    if (output === 'conllu') throw fail(t, `the label _ means no label in the column ${column} of conllu: ${advice}`); // prettier-ignore
  });
} // prettier-ignore

/** CoNLL-U columns in which `_` is a value. */
const VALUES = new Set(['form', 'lemma', 'feats', 'deps', 'misc']);

function spannedTexts(sentences: readonly Sentence[], output: SpanOutput, { source, losses, cutting }: Writing): SpannedText[] {
  const cut = createSegmenter(cutting);
  const cutAtSpaces = createSegmenter({ tokenizer: 'whitespace' });
  return sentences.map((sentence) => {
    const { tokens, labels = [], surface } = sentence;
    const fail = failing(sentence, source);
    const { text, offsets } = surface ?? (output === 'prodigy' ? surfaceOf(sentence) : surfaceOf({ tokens }));
    const spans = spansOfLabels(labels);
    for (const { type, start } of spans) expectType(type, output, (message) => fail(start, message));
    if (output === 'brat' && /[\r\n]/.test(text)) throw fail(0, `the text ${quoted(text)} cannot be a line of brat, because it contains a line end: choose another output`); // prettier-ignore
    losses.add('unlabeled', labels.filter((label) => label === UNLABELED).length);
    losses.add('spanless', labels.filter((label) => label !== UNLABELED && label !== 'O' && !isPosition(label)).length);
    const fits = (cutter: typeof cut): boolean => JSON.stringify(cutter(text).flatMap((part) => part.offsets)) === JSON.stringify(offsets); // prettier-ignore
    if (output !== 'prodigy' && !fits(cutAtSpaces) && !(surface && fits(cut))) losses.add('cuts');
    return { text, offsets, spans };
  });
} // prettier-ignore

function expectType(type: string, output: SpanOutput, fail: (message: string) => Error): void {
  if (type === '' || type.trim() !== type)
    throw fail(`spans of ${output} need a type, and the label has none, or one with white space (${quoted(type)}): choose another output`); // prettier-ignore
  if (output === 'brat' && /[\s;]/u.test(type))
    throw fail(`the type ${quoted(type)} cannot be in brat, because it contains white space or a semicolon: choose another output, or rename it`); // prettier-ignore
}
