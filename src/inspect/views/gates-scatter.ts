/**
 * Units by how often they are saturated (Karpathy, Johnson, Fei-Fei 2015, figure 3): the horizontal axis is the share of words at
 * which a unit of a gate is nearly closed, the vertical axis the share at which it is nearly open. Units at the same position
 * share a dot, whose size grows with their number, which is written inside if it fits. A dot in the lower left corner is never
 * saturated, a dot on the diagonal always.
 */
import type { Trace } from '../trace.js';
import { paragraph } from './legend.js';
import { dataOf, dataOfRow, named, packedRow, vector } from './mark.js';
import type { Mark } from './mark.js';
import type { Place } from './select.js';
import { say } from './strings/index.js';
import { below, beside, el, escape } from './svg.js';
import type { Block } from './svg.js';
import { percent } from './text.js';
import type { Style } from './theme.js';

const [SIDE, LEFT, TOP] = [100, 34, 20];

/** Position of a unit. */
export const scatterPlace = (closed: number, open: number): { cx: number; cy: number } => ({
  cx: LEFT + closed * SIDE,
  cy: TOP + (1 - open) * SIDE,
});

/** A square for each gate; empty for a trace without shares per unit. */
export function scatter(trace: Trace, place: Place, gates: readonly string[], style: Style): Block[] {
  const known = gates.filter((gate) => place.trace.saturation[gate].units !== undefined);
  if (known.length === 0) return [];
  const squares = known.map((gate) => square(trace, place, gate, style));
  const heading = paragraph(style.strings['gates.scatter'], style, Math.max(480, squares.length * 150));
  return [below(4, heading, beside(12, ...squares))];
}

function square(trace: Trace, { path }: Place, gate: string, style: Style): Block {
  const { strings } = style;
  const [open, closed] = ['open', 'closed'].map((end) => vector(trace, ...path, 'saturation', gate, 'units', end));
  const places = new Map<string, number[]>();
  open.forEach(({ value }, unit) => {
    const key = `${closed[unit].value},${value}`;
    places.set(key, [...(places.get(key) ?? []), unit]);
  });
  const dots = [...places.values()].map((units) => {
    const [unit] = units;
    const { cx, cy } = scatterPlace(closed[unit].value, open[unit].value);
    const values = { units: units.join(', '), open: percent(open[unit].value), closed: percent(closed[unit].value) };
    const name = named(style, say(strings, 'gates.scatter.units', values));
    const r = Math.min(14, 2 + 2 * Math.sqrt(units.length));
    const dot = el('circle', { cx, cy, r, fill: style.accent, 'fill-opacity': '0.4', stroke: style.ink }, name);
    const inside = { x: cx, y: cy, 'text-anchor': 'middle', 'dominant-baseline': 'central', 'font-size': 9 };
    return r < 6 ? dot : dot + el('text', inside, String(units.length));
  });
  const small = { 'font-size': 11, fill: style.muted };
  const end = LEFT + SIDE;
  const frame =
    el('path', { d: `M${LEFT} ${TOP}V${TOP + SIDE}H${end}`, fill: 'none', stroke: style.muted }) +
    el('path', { d: `M${LEFT} ${TOP}L${end} ${TOP + SIDE}`, fill: 'none', stroke: style.line });
  const words =
    el('text', { x: LEFT, y: 12, 'font-weight': 600, 'font-size': 12 }, escape(gate)) +
    el('text', { x: LEFT - 4, y: TOP + 8, 'text-anchor': 'end', ...small }, '100%') +
    el('text', { x: LEFT - 10, y: TOP + SIDE + 14, 'text-anchor': 'end', ...small }, '0') +
    el('text', { x: end, y: TOP + SIDE + 14, 'text-anchor': 'end', ...small }, '100%');
  const data = (marks: readonly Mark[]) => {
    const row = dataOfRow(marks.map(dataOf));
    return (style.dense ? packedRow(row) : row) ?? {};
  };
  const body = words + frame + el('g', data(open), el('g', data(closed), ...dots));
  return { width: end + 24, height: TOP + SIDE + 16, body };
}
