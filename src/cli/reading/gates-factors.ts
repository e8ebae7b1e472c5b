/** Terminal forms of saturation by unit, and of the factors that shrink a gradient on its way back. */
import type { FactorName, Trace } from '../../inspect/index.js';
import { counted } from '../../tensor/print.js';
import { tableOf } from './matrix.js';
import { short } from './numbers.js';
import type { ReadingOptions } from './options.js';
import { beside, left, right, wrapped } from './paper.js';
import type { Paper } from './paper.js';
import { placeOf } from './place.js';

/** Steps of both axes of a square. */
const SIDE = 5;

/** A square for each gate: the number of units by the share of words at which they are nearly closed (across) and nearly open (up). */
export function saturationLines(trace: Trace, options: ReadingOptions, paper: Paper): string[] {
  const { saturation } = placeOf(trace, options).trace;
  const squares = trace.model.gates.flatMap((gate) => {
    const { units } = saturation[gate];
    if (units === undefined) return [];
    const step = (share: number): number => Math.round(share * SIDE);
    const rows = Array.from({ length: SIDE + 1 }, (_, i) => {
      const cells = Array.from({ length: SIDE + 1 }, (__, x) => {
        const n = units.open.filter((open, j) => step(open) === SIDE - i && step(units.closed[j]) === x).length;
        return n === 0 ? paper.paint('dim', paper.own(right('·', 3))) : paper.paint('bold', right(String(n), 3));
      });
      return `${right(i === 0 ? '100 %' : i === SIDE ? '0 %' : '', 5)}${cells.join('')}`;
    });
    const foot = `${' '.repeat(5)}${left('  0', 3 * SIDE - 2)}100 %`;
    return [[paper.paint('bold', `gate ${gate}`), ...rows, foot]];
  });
  if (squares.length === 0) return [];
  const title =
    'units by how often they are saturated: across, the share of words at which a unit is nearly closed; up, nearly open';
  return [...wrapped(paper, title), ...beside(paper, squares)];
}

const NAMES: Readonly<Record<FactorName, string>> = {
  slopes: 'slopes',
  values: 'gates',
  weights: 'Wh',
  carried: 'past Wh',
};

/** Per word, the share of the gradient that one step back leaves, its factors, and the factor that shrinks most. */
export function factorLines(trace: Trace, options: ReadingOptions, paper: Paper): string[] {
  const { factors } = placeOf(trace, options).trace;
  if (factors === undefined) return [];
  const most = 40;
  const number = (x: number | null): string => paper.own(x === null ? '–' : Number.isFinite(x) ? short(x) : '✕');
  const head = ['word', 'left', '= slopes', '× gates', '× Wh', 'past Wh', 'shrinks most'].map((each) =>
    paper.own(each),
  );
  const rows = factors
    .slice(0, most)
    .map(({ drop, slopes, values, weights, carried, top }, k) => [
      paper.word(trace.words[k].text, 12),
      ...[drop, slopes, values, weights, carried].map(number),
      top === null ? paper.own('–') : NAMES[top],
    ]);
  const counts = (Object.keys(NAMES) as FactorName[])
    .map((name) => ({ name, n: factors.filter(({ top }) => top === name).length }))
    .filter(({ n }) => n > 0)
    .map(({ name, n }) => `${NAMES[name]} at ${counted(n, 'word')}`);
  const title =
    'what one step back leaves of the gradient of all losses: a way through the gates and Wh, and one past Wh (f of an LSTM, z of a GRU)';
  const said = counts.length === 0 ? 'nothing shrinks' : `shrinks most: ${counts.join(', ')}`;
  const more = factors.length > most ? `; the first ${most} of ${factors.length} words are shown` : '';
  return [...wrapped(paper, title), ...tableOf(paper, [head, ...rows], 'lrrrrrl'), ...wrapped(paper, `${said}${more}`)];
}
