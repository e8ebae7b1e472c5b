/** Reach on a terminal: which loss reaches how far. */
import type { Trace } from '../../inspect/index.js';
import { legendOf, matrixOf, tableOf } from './matrix.js';
import { percent, short } from './numbers.js';
import type { ConventionOptions } from './options.js';
import { beside, wrapped } from './paper.js';
import type { Paper } from './paper.js';
import { lossNames, reachOf } from './place.js';

/** What is drawn: shares, or norms over the largest of them. */
function valuesOf(trace: Trace, options: ConventionOptions) {
  const { reach } = reachOf(trace, options);
  if (options.normalize !== 'absolute') return { values: reach.retention, largest: 1 };
  const finite = reach.norms.flat().filter((each): each is number => Number.isFinite(each));
  return { values: reach.norms, largest: Math.max(0, ...finite) };
}

/** The matrix. @param scale the norm that counts as 1 if norms are absolute: the same for all compared matrices */
export function reachMatrix(trace: Trace, options: ConventionOptions, paper: Paper, room?: number, scale?: number) {
  const { values, largest } = valuesOf(trace, options);
  const one = scale ?? largest;
  const at = (m: number, k: number): number | null => {
    const value = values[m][k];
    return value === null ? null : one === 0 ? value : value / one;
  };
  return matrixOf(paper, { rows: lossNames(trace), columns: trace.words.length, at }, room);
}

/** The largest norm of a trace, for a shared scale. */
export const largestNorm = (trace: Trace, options: ConventionOptions): number => valuesOf(trace, options).largest;

/** The matrix, its legend, how far each loss reaches and the sentence about the last loss and the first noun. */
export function reachLines(trace: Trace, options: ConventionOptions, paper: Paper): string[] {
  const { reach, name } = reachOf(trace, options);
  const { lines, block } = reachMatrix(trace, options, paper);
  const absolute = options.normalize === 'absolute';
  const broken = reach.norms.flat().some((each) => each !== null && !Number.isFinite(each));
  const title = absolute
    ? `‖R[t,k]‖ at ${name}: loss down, word across`
    : `‖R[t,k]‖ / ‖R[t,t]‖ at ${name}: loss down, word across`;
  const out = [...wrapped(paper, paper.own(title)), ...lines, ...legendOf(paper, { broken })];
  if (absolute) out.push(paper.own(`100 % is the largest norm, ${short(largestNorm(trace, options))}`));
  if (block > 1)
    out.push(
      ...wrapped(paper, paper.own(`${block} × ${block} neighbours share a cell, which shows the largest of them`)),
    );
  return [...out, ...shareLines(trace, options, paper)];
}

/** How much of the last loss arrives at each word, as numbers; for a long sentence, only the two ends. */
function shareLines(trace: Trace, options: ConventionOptions, paper: Paper): string[] {
  const { reach } = reachOf(trace, options);
  const m = trace.losses.length - 1;
  const loss = paper.word(lossNames(trace)[m]);
  const T = trace.words.length;
  const shown =
    T <= 24 ? Array.from({ length: T }, (_, k) => k) : [0, 1, 2, 3, 4, 5, T - 6, T - 5, T - 4, T - 3, T - 2, T - 1];
  const rows = shown.map((k) => {
    const [norm, share] = [reach.norms[m][k], reach.retention[m][k]];
    const word = paper.word(trace.words[k].text, 12);
    if (norm === null || share === null) return [word, 'no path', ''];
    return [word, paper.own(percent(share)), paper.own(short(norm))];
  });
  const length = reach.length[m];
  const far =
    length === null ? 'at least 1 % at every word' : `less than 1 % from ${length} word${length === 1 ? '' : 's'} away`;
  const cells = tableOf(paper, [['', '', ''], ...rows], 'lrr')
    .slice(1)
    .map((line) => `  ${line}`);
  const third = Math.ceil(cells.length / 3);
  const columns = [0, 1, 2].map((n) => cells.slice(n * third, (n + 1) * third)).filter((each) => each.length > 0);
  return [...wrapped(paper, `what arrives of the loss at ${loss}, and its norm; ${far}`), ...beside(paper, columns)];
}
