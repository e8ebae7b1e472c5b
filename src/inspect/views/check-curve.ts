/**
 * The error of plain central differences of one weight as a function of the step: a V. Wide steps suffer from truncation error,
 * narrow ones from the rounding of the loss. Both are drawn as lines next to the errors, and forward mode, which has no step, as
 * a horizontal line.
 */
import type { CurveTrace, Trace } from '../trace.js';
import { paragraph } from './legend.js';
import { dataOf, dataOfRow, must, named, together } from './mark.js';
import type { Mark } from './mark.js';
import { decades, log10, logarithmic, power10 } from './scale.js';
import type { Scale } from './scale.js';
import { say } from './strings/index.js';
import { below, el, escape, px } from './svg.js';
import type { Block } from './svg.js';
import { short } from './text.js';
import type { Style } from './theme.js';
import { weightName } from './words.js';

const [LEFT, RIGHT, TOP, BOTTOM] = [44, 500, 8, 168];
/** The smallest relative difference that float64 can resolve. */
const LEAST = 1e-17;

/** Ranges of the axes: whole decades around the steps, and from the resolution of float64 to the largest error. */
export function curveScales({ steps, errors }: Pick<CurveTrace, 'steps' | 'errors'>): { x: Scale; y: Scale } {
  const top = Math.ceil(log10(Math.max(1, ...errors)));
  return {
    x: logarithmic([steps[steps.length - 1], steps[0]], [LEFT + 14, RIGHT - 14]),
    y: logarithmic([LEAST, power10(top)], [BOTTOM, TOP]),
  };
}

/** The curve of the selected element; undefined if the trace has none, or that of another element. */
export function curve(trace: Trace, at: number, style: Style): Block[] {
  const found = trace.checks.curve;
  if (found?.element !== at) return [];
  const { x, y } = curveScales(found);
  const within = (value: number): number => Math.min(y.domain[1], Math.max(y.domain[0], value));
  const dots = found.steps.map((step, i) => {
    const mark = must(trace, 'checks', 'curve', 'errors', i);
    const label = say(style.strings, 'check.curve.point', { step: short(step, 1), error: short(mark.value, 2) });
    const place = { cx: x.at(step), cy: y.at(within(mark.value)), r: 4 };
    return el('circle', { ...place, fill: style.accent, ...dataOf(mark) }, named(style, label));
  });
  const lines = (['truncation', 'rounding'] as const).map((side) => {
    const marks = found.steps.map((_, i) => must(trace, 'checks', 'curve', side, i));
    const shown = marks.map((mark) => (mark.value >= y.domain[0] && mark.value <= y.domain[1] ? mark : undefined));
    return line(shown, found, { x, y }, style, side === 'truncation' ? '6 3' : '2 2');
  });
  const body = axes({ x, y }, style) + level(trace, at, y, style) + lines.join('') + together(style, dots);
  const title = say(style.strings, 'check.curve', {
    where: weightName(trace.checks.elements[at].where, style.strings),
  });
  return [below(4, paragraph(title, style, 580), { width: 580, height: BOTTOM + 34, body }, paragraph(style.strings['check.curve.note'], style, 580))]; // prettier-ignore
}

/** One side of the V, clipped to the picture. */
function line(
  marks: readonly (Mark | undefined)[],
  { steps }: CurveTrace,
  { x, y }: { x: Scale; y: Scale },
  style: Style,
  dashes: string,
): string {
  const places = marks.flatMap((mark, i) => (mark ? [`${px(x.at(steps[i]))} ${px(y.at(mark.value))}`] : []));
  if (places.length === 0) return '';
  const data = dataOfRow(marks.map((mark) => mark && dataOf(mark))) ?? {};
  const looks = { fill: 'none', stroke: style.ink, 'stroke-width': 1.5, 'stroke-dasharray': dashes };
  return el('path', { d: `M${places.join('L')}`, ...looks, ...data });
}

/** Distance of forward mode from the hand-written gradient; drawn at the bottom if it is below the range of the picture. */
function level(trace: Trace, at: number, y: Scale, style: Style): string {
  const { forwardMode, relative } = trace.checks.elements[at];
  if (forwardMode === null || !Number.isFinite(relative)) return '';
  const mark = must(trace, 'checks', 'elements', at, 'relative');
  const height = y.at(Math.min(y.domain[1], Math.max(y.domain[0], mark.value)));
  const label = say(style.strings, 'check.curve.forward', { relative: short(mark.value, 2) });
  const name = { x: LEFT + 6, y: height - 4, 'font-size': 11, fill: style.muted }; // truncation is lowest on the left
  return (
    el('path', { d: `M${LEFT} ${px(height)}H${RIGHT}`, stroke: style.muted, 'stroke-width': 1.5, ...dataOf(mark) }) +
    el('text', name, escape(label))
  );
}

function axes({ x, y }: { x: Scale; y: Scale }, style: Style): string {
  const small = { 'font-size': 11, fill: style.muted };
  const power = (value: number): string => (value === 1 ? '1' : `1e${log10(value)}`.replace('-', '−'));
  const rows = decades(y.domain as [number, number], 5).map((value) => {
    const at = { x: LEFT - 6, y: y.at(value), 'text-anchor': 'end', 'dominant-baseline': 'central', ...small };
    return el('path', { d: `M${LEFT} ${px(y.at(value))}H${RIGHT}`, stroke: style.line }) + el('text', at, power(value));
  });
  const columns = decades(x.domain as [number, number], 6).map((value) =>
    el('text', { x: x.at(value), y: BOTTOM + 16, 'text-anchor': 'middle', ...small }, power(value)),
  );
  const middle = { x: (LEFT + RIGHT) / 2, y: BOTTOM + 30, 'text-anchor': 'middle', ...small };
  const frame = el('path', { d: `M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}`, fill: 'none', stroke: style.muted });
  return rows.join('') + columns.join('') + el('text', middle, escape(style.strings['check.curve.step'])) + frame;
}
