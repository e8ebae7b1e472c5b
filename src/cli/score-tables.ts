/** Scores as tables for people: they fit the terminal (80 columns elsewhere) and truncate long entries with a mark. */
import type { MacroAverage, PrecisionRecall, Scores, SpanScores } from '../labeling/scoring/scorer.js';
import { counted, grouped } from '../tensor/print.js';
import { visible } from '../tensor/visible.js';
import { tableOf } from './reading/matrix.js';
import type { Paper } from './reading/paper.js';
import { wrapped } from './reading/paper.js';
import { modeOf, percent } from './report.js';

/** A table whose first line is highlighted on a terminal. @param align `l` for text, which is truncated if necessary; else a number */
export function headed(paper: Paper, rows: readonly (readonly string[])[], align: string): string {
  const lines = tableOf(paper, rows, align);
  return lines.map((line, n) => (n === 0 ? paper.paint('bold', line) : line)).join('\n');
}

const scoreCells = ({ precision, recall, f1 }: MacroAverage): string[] => [precision, recall, f1].map(percent);
const row = (name: string, scores: PrecisionRecall): string[] => [
  visible(name),
  ...scoreCells(scores),
  grouped(scores.gold),
];

/** Precision, recall, F1 and support of every label, and their unweighted mean. The micro average of labels is the accuracy. */
export function labelTable(paper: Paper, { labels, macro, tokens }: Scores): string {
  const rows = Object.entries(labels).map(([label, scores]) => row(label, scores));
  return headed(
    paper,
    [
      ['label', 'precision', 'recall', 'F1', 'support'],
      ...rows,
      ['macro average', ...scoreCells(macro), grouped(tokens)],
    ],
    'lrrrr',
  );
}

/** The same for every type of span; then all spans together, and those of known and of unknown words. */
export function spanTable(paper: Paper, spans: SpanScores): string {
  const types = Object.entries(spans.types).map(([type, scores]) => row(`span ${type}`, scores));
  const { known, oov, macro, mistakes, illFormed } = spans;
  const table = headed(
    paper,
    [
      [`spans (${modeOf(spans)})`, 'precision', 'recall', 'F1', 'support'],
      ...types,
      row('all spans (micro)', spans),
      ['macro average', ...scoreCells(macro), grouped(spans.gold)],
      ...(known ? [row('of known words', known)] : []),
      ...(oov ? [row('with an OOV word', oov)] : []),
    ],
    'lrrrr',
  );
  const kinds = Object.entries(mistakes).map(([kind, count]) => `${grouped(count)} ${kind.replaceAll('-', ' ')}`);
  const broken = illFormed === null ? [] : [illFormedLine(spans.mode, illFormed)];
  const lines = [`span mistakes: ${kinds.join(', ')}`, ...broken].flatMap((line) => wrapped(paper, line));
  return [table, ...lines].join('\n');
}

function illFormedLine(mode: SpanScores['mode'], { gold, predicted }: NonNullable<SpanScores['illFormed']>): string {
  const what = mode === 'repair' ? 'repaired' : 'in no well-formed span, and left out';
  return `labels ${what}: ${grouped(gold)} gold, ${grouped(predicted)} predicted`;
}

/** Scores by the length of the sentence, in tokens. */
export function lengthTable(paper: Paper, { lengths, spans, unit }: Scores): string {
  const isTokens = unit === 'token';
  const rows = lengths.map(({ from, to, sentences, tokens, accuracy, spans: own }) => [
    to === null ? `${from} or more` : `${from} to ${to}`,
    grouped(sentences),
    ...(isTokens ? [grouped(tokens)] : []),
    percent(accuracy),
    ...(spans ? [own ? percent(own.f1) : '', own ? grouped(own.gold) : ''] : []),
  ]);
  const head = ['tokens in a sentence', 'sentences', ...(isTokens ? ['tokens'] : []), 'accuracy'];
  return headed(paper, [[...head, ...(spans ? ['span F1', 'spans'] : [])], ...rows], 'lrrrrr');
}

/** Accuracy on words seen in training and on others; undefined if the known words are not recorded. */
export function wordTable(paper: Paper, scores: Scores): string | undefined {
  const { knownAccuracy, knownTokens, oovAccuracy, oovTokens } = scores;
  if (knownAccuracy === null && oovAccuracy === null) return undefined;
  const cell = (accuracy: number | null): string => (accuracy === null ? '-' : percent(accuracy));
  const rows = [
    ['words', 'accuracy', 'tokens'],
    ['seen in training', cell(knownAccuracy), grouped(knownTokens)],
    ['unknown (OOV)', cell(oovAccuracy), grouped(oovTokens)],
  ];
  return headed(paper, rows, 'lrr');
}

/** Column headings of the confusion matrix. */
const LABEL_COLUMNS = 16;

/** Maximum number of labels in the confusion matrix on a terminal; above that, the most confused pairs are shown. */
const MOST_LABELS = 30;
const MOST_PAIRS = 20;

/** Gold labels down, predicted labels across; with many labels, the most common confusions. */
export function confusionTable(paper: Paper, { labels, counts }: Scores['confusion']): string {
  if (labels.length <= MOST_LABELS) {
    const rows = labels.map((label, g) => [visible(label), ...counts[g].map(String)]);
    const names = labels.map((label) => paper.word(label, LABEL_COLUMNS));
    return headed(paper, [['gold \\ predicted', ...names], ...rows], 'l');
  }
  const pairs = labels.flatMap((gold, g) =>
    labels.flatMap((predicted, p) => (g === p || counts[g][p] === 0 ? [] : [{ gold, predicted, count: counts[g][p] }])),
  );
  const shown = pairs.sort((a, b) => b.count - a.count).slice(0, MOST_PAIRS);
  const rows = shown.map(({ gold, predicted, count }) => [visible(gold), visible(predicted), grouped(count)]);
  const note = `${counted(labels.length, 'label')}: the ${shown.length} commonest of ${counted(pairs.length, 'confusion')}; --json has the matrix`;
  return [headed(paper, [['gold', 'predicted', 'count'], ...rows], 'llr'), ...wrapped(paper, note)].join('\n');
}
