/** The columns of V13: one per method, with a bar for each word. */
import type { SaliencyTrace, Trace } from '../trace.js';
import { largest } from './aggregate.js';
import { dataOf, must, together } from './mark.js';
import type { Mark, Path } from './mark.js';
import { roundLimit } from './paint.js';
import { linear } from './scale.js';
import type { Scale } from './scale.js';
import { say } from './strings/index.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import { fit, isolate, percent, short, visible, withSign, wrap } from './text.js';
import type { Style } from './theme.js';

export type Method = keyof SaliencyTrace['methods'];

/** Reference first: the swap is two real forward passes. */
export const METHODS: readonly Method[] = ['swap', 'gradient', 'inputTimesGradient', 'integrated'];
/** Largest completeness gap of integrated gradients that are shown. */
const COMPLETE = 0.01;

const ROW = 20;
export const COLUMN = 190;
const HEAD = 40;

/** Whether a method may be shown: integrated gradients must be complete. */
export const shows = ({ methods, gap }: SaliencyTrace, method: Method): boolean =>
  methods[method] !== null && (method !== 'integrated' || gap < COMPLETE);

/** The scales: all signed methods are differences of one logit and share a scale; the gradient's norm has another unit. */
function scaleOf(entry: SaliencyTrace, method: Method): { readonly scale: Scale; readonly limit: number } {
  const signed = METHODS.filter((each) => each !== 'gradient' && shows(entry, each));
  const values = method === 'gradient' ? entry.methods.gradient : signed.flatMap((each) => entry.methods[each] ?? []);
  const limit = roundLimit(values);
  const half = (COLUMN - 70) / 2;
  return method === 'gradient'
    ? { scale: linear([0, limit], [0, 2 * half]), limit }
    : { scale: linear([-limit, limit], [0, 2 * half]), limit };
}

/** The word that a method ranks first: the one with the largest absolute value. */
export const topOf = (values: readonly number[]): number =>
  largest(
    values.map((_, k) => k),
    (k) => values[k],
  ) as number;

export function column(trace: Trace, at: number, method: Method, rows: readonly Row[], style: Style): Block {
  const entry = trace.saliency[at];
  const { strings } = style;
  const head = el('text', { y: 12, 'font-weight': 600 }, escape(strings[`saliency.${method}`]));
  if (!shows(entry, method)) {
    const text = say(strings, 'saliency.refused', { gap: percent(entry.gap), points: entry.points });
    const lines = wrap(text, 11, COLUMN - 30).map((line, i) =>
      el('text', { y: HEAD + 12 + i * 15, 'font-size': 11, fill: style.accent }, escape(line)),
    );
    return { width: COLUMN, height: HEAD + rows.length * ROW, body: head + lines.join('') };
  }
  const { scale, limit } = scaleOf(entry, method);
  const path: Path = ['saliency', at, 'methods', method];
  const top = topOf(entry.methods[method] ?? []);
  const zero = scale.at(0);
  const bars = rows.map(({ from, to }, r) => {
    const marks = Array.from({ length: to - from }, (_, i) => must(trace, ...path, from + i));
    const mark = largest(marks, ({ value }) => value) as Mark;
    return barOf(mark, r, from + marks.indexOf(mark) === top, scale, zero, method, style);
  });
  const ends = method === 'gradient' ? `0 … ${short(limit, 1)}` : `−${short(limit, 1)} … +${short(limit, 1)}`;
  const axis = el('path', { d: `M${Math.round(zero)} ${HEAD}v${rows.length * ROW}`, stroke: style.muted });
  const range = el('text', { y: 28, 'font-size': 11, fill: style.muted }, escape(ends));
  return { width: COLUMN, height: HEAD + rows.length * ROW, body: head + range + axis + together(style, bars) };
}

function barOf(mark: Mark, r: number, top: boolean, scale: Scale, zero: number, method: Method, style: Style): string {
  const y = HEAD + r * ROW;
  const { value } = mark;
  const text = method === 'gradient' ? short(value) : withSign(value);
  const x = Number.isFinite(value) ? scale.at(value) : zero;
  const bar = { x: Math.min(zero, x), y: y + 3, width: Math.max(1, Math.abs(x - zero)), height: ROW - 7 };
  const after = {
    x: Math.max(zero, x) + 5,
    y: y + ROW / 2,
    'dominant-baseline': 'central',
    'font-size': 11,
    'font-weight': top ? 700 : undefined,
  };
  return (
    el('rect', {
      ...bar,
      fill: top ? style.accent : style.muted,
      'fill-opacity': value < 0 ? '0.55' : undefined,
      ...dataOf(mark),
    }) + el('text', { ...after, 'aria-hidden': 'true' }, escape(top ? `${text} ◀` : text))
  );
}

export interface Row {
  readonly from: number;
  readonly to: number;
  readonly name: string;
}

/** The words, and the replacement of each. */
export function names(
  rows: readonly Row[],
  entry: SaliencyTrace,
  style: Style,
  selected: number | undefined,
  gutter: number,
): Block {
  const lines = rows.map(({ from, to, name }, r) => {
    const y = HEAD + r * ROW + ROW / 2;
    const at = { y, 'dominant-baseline': 'central' };
    const chosen = selected !== undefined && selected >= from && selected < to;
    const word = el(
      'text',
      { ...at, x: gutter - 6, 'text-anchor': 'end', 'font-weight': chosen ? 700 : undefined },
      escape(isolate(fit(name, 12, gutter - 8))),
    );
    const swapped = to - from === 1 ? `→ ${isolate(visible(entry.replacements[from]))}` : '';
    return (
      word + el('text', { ...at, x: gutter + 4, 'font-size': 11, fill: style.muted }, escape(fit(swapped, 11, 96)))
    );
  });
  return { width: gutter + 104, height: HEAD + rows.length * ROW, body: lines.join('') };
}
