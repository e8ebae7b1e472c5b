/**
 * The factor that shut the door: the share of the gradient that one step back leaves at each word, and the factors whose product
 * it is. The factor that shrinks most is framed. All of them share one scale.
 */
import type { FactorName, FactorTrace, Trace } from '../trace.js';
import { largest, spanLabel, spansOf } from './aggregate.js';
import type { Span } from './aggregate.js';
import type { Cell } from './grid.js';
import { gutterFor } from './grid.js';
import { heatmap } from './heatmap.js';
import { gradient, legend, paragraph } from './legend.js';
import { dataOf, read } from './mark.js';
import { decadesAround, magnitudes } from './paint.js';
import type { ColorScale } from './paint.js';
import type { Place } from './select.js';
import { say } from './strings/index.js';
import type { Strings } from './strings/index.js';
import { below, el } from './svg.js';
import type { Block } from './svg.js';
import { short } from './text.js';
import type { Style } from './theme.js';
import { quoted, tokensOf } from './words.js';

/** Rows of the grid. */
const ROWS = ['drop', 'slopes', 'values', 'weights', 'carried'] as const;

/** Name of a factor. */
export const factorName = (strings: Strings, name: FactorName | 'drop'): string => strings[`gates.factor.${name}`];

/** The scale of all factors of a direction: decades, at least 0.01 … 10. */
export function factorScale({ trace }: Place, style: Style): ColorScale {
  const sizes = (trace.factors ?? []).flatMap((each) => ROWS.map((name) => each[name] ?? 0));
  return magnitudes(style, decadesAround(sizes, [0.01, 10]), style.strings['gates.factor.legend']);
}

/** The grid and its legend; empty for a trace without factors. */
export function factors(
  trace: Trace,
  place: Place,
  style: Style,
  selected: number,
): { content: Block[]; definitions: string } {
  const all = place.trace.factors;
  if (all === undefined) return { content: [], definitions: '' };
  const { strings } = style;
  const tokens = tokensOf(trace);
  const columns = spansOf(tokens.length);
  const names = ROWS.map((name) => factorName(strings, name));
  const scale = factorScale(place, style);
  const size = [Math.max(26, Math.min(34, Math.floor(480 / columns.length))), 16] as const;
  const gutter = gutterFor(names);
  const cell = (r: number, c: number): Cell | undefined => cellOf(trace, place, ROWS[r], columns[c], style);
  const labels = columns.map((span) => spanLabel(span, tokens));
  const label = strings['gates.factors'];
  const grid = heatmap({ label, rows: names, columns: labels, cell, scale, size, gutter, selected: undefined }, style);
  const frames = columns.map(({ from, to }, c) => (to - from > 1 ? '' : frame(all[from], c, gutter, size, style)));
  const framed = { ...grid, body: grid.body + frames.join('') };
  const heading = paragraph(
    say(strings, 'gates.factors.at', sentence(all[selected], quoted(tokens[selected]), strings)),
    style,
    620,
    style.ink,
  );
  return {
    content: [below(6, paragraph(label, style, 620), framed, heading, legend(scale, style, {}, 'factors', 220))],
    definitions: gradient(style, scale, 'factors'),
  };
}

/** The largest value of a factor among some words; undefined if it is unknown. */
function cellOf(
  trace: Trace,
  place: Place,
  row: (typeof ROWS)[number],
  { from, to }: Span,
  style: Style,
): Cell | undefined {
  const marks = Array.from({ length: to - from }, (_, i) => from + i).flatMap((word) => {
    const mark = read(trace, ...place.path, 'factors', word, row);
    return mark === undefined ? [] : [{ mark, word }];
  });
  const found = largest(marks, ({ mark }) => mark.value);
  if (found === undefined) return undefined;
  const { mark, word } = found;
  const value = short(mark.value, 2);
  const values = { factor: factorName(style.strings, row), word: quoted(tokensOf(trace)[word]), value };
  return { value: mark.value, data: dataOf(mark), label: say(style.strings, 'gates.factor.cell', values), text: value };
}

/** Frames the factor that shrinks most. */
function frame(
  { top }: FactorTrace,
  c: number,
  gutter: number,
  [w, h]: readonly [number, number],
  style: Style,
): string {
  if (top === null) return '';
  const at = { x: gutter + c * w + 1, y: ROWS.indexOf(top) * h + 1, width: w - 2, height: h - 2, fill: 'none' };
  return el('rect', { ...at, stroke: style.background, 'stroke-width': 3 }) + el('rect', { ...at, stroke: style.accent, 'stroke-width': 1.5 }); // prettier-ignore
}

/** Values for the sentence that describes one word. */
function sentence({ drop, slopes, values, weights, carried, top }: FactorTrace, word: string, strings: Strings) {
  const number = (x: number): string => short(x, 2);
  return {
    word,
    drop: number(drop),
    product: [...(slopes === null ? [] : [slopes]), values, weights].map(number).join(' × '),
    carried: number(carried),
    top: top === null ? strings['gates.factor.none'] : factorName(strings, top),
  };
}
