/** The matrix of V3 with its marginals, and its scales: `reach` shows one matrix, `compare` several on the same scales. */
import type { Trace } from '../trace.js';
import { blockSize, largest, spanAt, spanLabel, spansOf } from './aggregate.js';
import type { Span } from './aggregate.js';
import { barsUnder } from './bars.js';
import { gutterFor } from './grid.js';
import { heatmap } from './heatmap.js';
import type { Cell } from './grid.js';
import { dataOf, largestOf, must, named, read, together, vector } from './mark.js';
import type { Mark } from './mark.js';
import { decadesAround, magnitudes, roundLimit } from './paint.js';
import type { ColorScale } from './paint.js';
import { linear } from './scale.js';
import type { Scale } from './scale.js';
import { indexIn, reachOf } from './select.js';
import type { Selection } from './select.js';
import { count, say } from './strings/index.js';
import type { Strings } from './strings/index.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import { exponent, percent, percentInCell, roundPercent, short } from './text.js';
import type { Style } from './theme.js';
import { lossesOf, quoted, tokensOf } from './words.js';

/** Distance between a loss and a word. */
export const distance = (trace: Trace, selection: Selection, m: number, k: number): number =>
  Math.abs(reachOf(trace, selection).reach.reference[m] - k);

/** The scales of one picture: one for colors and one for bars, shared by all compared traces. */
export interface ReachScales {
  readonly color: ColorScale;
  readonly bar: Scale;
}

/** Returns scales that cover all compared traces. */
export function reachScales(traces: readonly Trace[], selection: Selection, style: Style): ReachScales {
  const absolute = selection.normalization === 'absolute';
  const values = traces.flatMap((trace) => {
    const { reach } = reachOf(trace, selection);
    return (absolute ? reach.norms : reach.retention).flat().filter((each) => each !== null);
  });
  const label = style.strings[absolute ? 'legend.norm' : 'legend.retention'];
  const domain = absolute ? decadesAround(values) : decadesAround(values, [1e-4, 1]);
  const largestTotal = roundLimit(traces.flatMap((trace) => reachOf(trace, selection).reach.total));
  return {
    color: magnitudes(style, domain, label, absolute ? undefined : roundPercent),
    bar: linear([0, largestTotal]),
  };
}

/** The label of one cell. */
function labelOf(
  trace: Trace,
  selection: Selection,
  strings: Strings,
  names: { readonly losses: readonly string[]; readonly tokens: readonly string[] },
  m: number,
  k: number,
): string {
  const { path, reach } = reachOf(trace, selection);
  const norm = short(must(trace, ...path, 'norms', m, k).value);
  const loss = quoted(names.losses[m]);
  if (reach.reference[m] === k) return say(strings, 'reach.cell.own', { loss, norm });
  const share = percent(must(trace, ...path, 'retention', m, k).value);
  const word = quoted(names.tokens[k]);
  return say(strings, 'reach.cell', {
    loss,
    word,
    distance: count(strings, 'words', distance(trace, selection, m, k)),
    share,
    norm,
  });
}

/** Only the matrix with its marginals; `compare` places several of these side by side. */
export function reachMatrix(trace: Trace, selection: Selection, style: Style, scales: ReachScales): Block {
  const { strings } = style;
  const scale = scales.color;
  const tokens = tokensOf(trace);
  const losses = lossesOf(trace, strings);
  const rows = spansOf(losses.length);
  const columns = spansOf(tokens.length);
  const size = Math.max(9, Math.min(34, Math.floor(640 / columns.length)));
  const matrix = [...reachOf(trace, selection).path, selection.normalization === 'absolute' ? 'norms' : 'retention'];
  const cell = (r: number, c: number): Cell | 'zero' => {
    const [of, at] = [rows[r], columns[c]];
    const found = largestOf(trace, matrix, [of.from, of.to], [at.from, at.to]);
    if (found === undefined) return 'zero';
    const { mark, row: m, column: k } = found;
    const text = selection.normalization === 'absolute' ? exponentOf(mark.value) : percentInCell(mark.value);
    return {
      value: mark.value,
      data: dataOf(mark),
      label: labelOf(trace, selection, strings, { losses, tokens }, m, k),
      text,
    };
  };
  const names = rows.map((span) => spanLabel(span, losses));
  const foot = columns.map((span) => spanLabel(span, tokens));
  const gutter = gutterFor([...names, strings['reach.total']]);
  const picked = [
    indexIn('loss', selection.loss, losses.length, 'last'),
    indexIn('word', selection.word, tokens.length, 'first'),
  ];
  const selected = [spanAt(rows, picked[0]), spanAt(columns, picked[1])] as const;
  const label = strings['reach.title'];
  const grid = heatmap({ label, rows: names, columns: foot, cell, scale, size: [size, size], selected, gutter }, style);
  const lengths = lengthsBeside(trace, selection, style, rows, gutter + columns.length * size, size);
  const totals = totalsUnder(trace, selection, style, columns, gutter, size, scales.bar);
  const body = grid.body + lengths.body + el('g', { transform: `translate(0 ${grid.height + 6})` }, totals.body);
  return { width: grid.width + lengths.width, height: grid.height + 6 + totals.height, body };
}

const exponentOf = (value: number): string =>
  value === 0 || !Number.isFinite(value) ? short(value) : `e${exponent(value)}`;

/** Draws next to each row how far its loss reaches. */
function lengthsBeside(
  trace: Trace,
  selection: Selection,
  style: Style,
  rows: readonly Span[],
  x: number,
  size: number,
): Block {
  const { strings } = style;
  const { path } = reachOf(trace, selection);
  if (blockSize(rows) > 1) return { width: 0, height: 0, body: '' };
  const losses = lossesOf(trace, strings);
  const texts = rows.map(({ from: m }, r) => {
    const mark = read(trace, ...path, 'length', m);
    const loss = quoted(losses[m]);
    const title =
      mark === undefined
        ? say(strings, 'reach.length.title.all', { loss })
        : say(strings, 'reach.length.title', { loss, distance: count(strings, 'words', mark.value) });
    const at = {
      x: x + 26,
      y: (r + 0.5) * size,
      'text-anchor': 'end',
      'dominant-baseline': 'central',
      'font-size': 11,
    };
    const text = mark === undefined ? strings['reach.length.all'] : String(mark.value);
    return el('text', { ...at, ...(mark && dataOf(mark)) }, escape(text), named(style, title));
  });
  const head = el('text', { x: x + 8, y: -5, 'font-size': 11, fill: style.muted }, escape(strings['reach.length']));
  return { width: 44, height: 0, body: head + together(style, texts) };
}

function totalsUnder(
  trace: Trace,
  selection: Selection,
  style: Style,
  columns: readonly Span[],
  gutter: number,
  size: number,
  scale: Scale,
) {
  const { strings } = style;
  const { path } = reachOf(trace, selection);
  const all = vector(trace, ...path, 'total');
  const tokens = tokensOf(trace);
  const bars = columns.map(({ from, to }) => {
    const mark = largest(all.slice(from, to), ({ value }) => value) as Mark;
    const word = quoted(tokens[all.indexOf(mark)]);
    return { mark, label: say(strings, 'reach.total.title', { word, norm: short(mark.value) }) };
  });
  return barsUnder(strings['reach.total'], bars, style, gutter, size, scale);
}
