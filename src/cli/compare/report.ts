/** Formats a comparison of two systems for people. */
import type { Significance } from '../../labeling/scoring/bootstrap.js';
import type { Change, ChangeKind } from '../../labeling/scoring/changes.js';
import { counted, grouped } from '../../tensor/print.js';
import { cutShort, visible } from '../../tensor/visible.js';
import type { ScoreComparison } from './scores.js';
import { lineOf } from '../mistakes.js';
import type { Paper } from '../reading/paper.js';
import { wrapped } from '../reading/paper.js';
import { modeOf, percent } from '../report.js';
import { headed } from '../score-tables.js';

/** The whole report. @param most maximum number of changed sentences to list */
export function compareReport(comparison: ScoreComparison, most: number, paper: Paper): string {
  const { a, b, goldName, gold, unit, reader, samples, seed, changes } = comparison;
  const tokens = gold.reduce((sum, each) => sum + each.tokens.length, 0);
  const size = `${counted(gold.length, 'sentence')}${unit === 'token' ? `, ${counted(tokens, 'token')}` : ''}`;
  const judged = reader && { mode: reader.mode, scheme: reader.mode === 'conlleval' ? null : reader.scheme };
  const spans = judged ? `; spans by ${modeOf(judged)}` : '';
  const head = [`A     ${a.name} (${a.readAs})`, `B     ${b.name} (${b.readAs})`, `gold  ${goldName}, ${size}${spans}`];
  const rule =
    `${counted(samples, 'sample')} of the sentences, seed ${seed}. p is one-sided, the share of samples whose difference is at least ` +
    'twice the one that was found, for the system that is better here; the interval holds 95 % of the differences';
  return [
    head.flatMap((line) => wrapped(paper, line, '      ')).join('\n'),
    measureTable(comparison, paper),
    wrapped(paper, rule, '').join('\n'),
    kindTable(comparison, paper),
    ...(changes.length === 0 ? [] : [changeTable(comparison, most, paper)]),
  ].join('\n\n');
}

/** A difference of fractions in percentage points, with its sign. */
function points(difference: number): string {
  const text = (100 * difference).toFixed(2);
  return Number(text) === 0 ? '0.00' : difference > 0 ? `+${text}` : text;
}

function measureTable({ measures, samples }: ScoreComparison, paper: Paper): string {
  const rows = Object.entries(measures).map(([measure, { a, b, difference, interval, p, shares }]) => [
    measure === 'spanF1' ? 'span F1' : measure,
    percent(a),
    percent(b),
    points(difference),
    `${points(interval[0])} to ${points(interval[1])}`,
    chanceOf(p, samples),
    percent(shares.b),
  ]);
  return headed(paper, [['', 'A', 'B', 'B - A', '95 % of B - A', 'p', 'B better'], ...rows], 'lrrrrrr');
}

/** `0.0123`, or `< 0.0001` if no sample was as extreme. */
function chanceOf(p: Significance['p'], samples: number): string {
  return p > 0 ? p.toFixed(Math.max(2, String(samples - 1).length)) : `< ${1 / samples}`;
}

const NAMES: Readonly<Record<ChangeKind, string>> = {
  better: 'B is better',
  worse: 'B is worse',
  'both-wrong': 'both wrong, in different ways',
};

function kindTable({ gold, changes, reader, unit }: ScoreComparison, paper: Paper): string {
  const row = (name: string, found: readonly Change[]): string[] => [
    name,
    grouped(found.length),
    percent(found.length / gold.length),
    grouped(found.reduce((sum, each) => sum + each.mistakes.a, 0)),
    grouped(found.reduce((sum, each) => sum + each.mistakes.b, 0)),
  ];
  const kinds = (Object.keys(NAMES) as ChangeKind[]).map((kind) => row(NAMES[kind], changes.filter((each) => each.kind === kind))); // prettier-ignore
  const same = gold.length - changes.length;
  const what = reader ? 'span mistakes' : unit === 'token' ? 'wrong labels' : 'wrong';
  const head = ['sentences', 'count', 'share', `${what} of A`, 'of B'];
  return headed(
    paper,
    [head, ...kinds, ['the same labels', grouped(same), percent(same / gold.length), '', '']],
    'lrrrr',
  );
}

/** The first changed sentences, each with the first word that is labeled differently. */
function changeTable({ a, b, gold, changes }: ScoreComparison, most: number, paper: Paper): string {
  const shown = changes.slice(0, most);
  const rows = shown.map(({ place, kind, mistakes, tokens }) => {
    const [t] = tokens;
    const sentence = gold[place];
    const cells = [sentence.tokens[t], sentence.labels![t], a.labels[place][t], b.labels[place][t]];
    return [
      String(lineOf(sentence, t) ?? place + 1),
      kind.replace('-', ' '),
      `${mistakes.a} → ${mistakes.b}`,
      grouped(tokens.length),
      ...cells.map((cell) => visible(cutShort(cell))),
    ];
  });
  const head = ['line', 'B is', 'mistakes', 'labels', 'first', 'gold', 'A', 'B'];
  const rest = changes.length - shown.length;
  const more = rest > 0 ? [`… and ${counted(rest, 'more sentence')}: --list ${changes.length}, or --json`] : [];
  return [headed(paper, [head, ...rows], 'rlrrllll'), ...more].join('\n');
}
