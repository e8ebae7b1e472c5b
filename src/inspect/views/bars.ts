/** Bars under the columns of a grid, all on one linear scale from zero, which is written next to them. */
import { dataOf, named, together } from './mark.js';
import type { Mark } from './mark.js';
import type { Scale } from './scale.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import { fit, short } from './text.js';
import type { Style } from './theme.js';

/** One bar. */
export interface Bar {
  readonly mark: Mark;
  /** Read by screen readers, and shown on hover. */
  readonly label: string;
}

const HEIGHT = 40;
const SMALL = 11;

/**
 * Draws a bar for each column.
 *
 * @param title name of the sizes, written in the gutter
 * @param scale from 0 … the largest of all compared sizes to 0 … 1
 */
export function barsUnder(
  title: string,
  bars: readonly Bar[],
  style: Style,
  gutter: number,
  size: number,
  scale: Scale,
): Block {
  const right = { x: gutter - 6, 'text-anchor': 'end', 'font-size': SMALL };
  const names =
    el('text', { ...right, y: HEIGHT - 14 }, escape(fit(title, SMALL, gutter - 8))) +
    el('text', { ...right, y: HEIGHT, fill: style.muted }, escape(`0 … ${short(scale.domain[1], 2)}`));
  const shapes = bars.map(({ mark, label }, c) => {
    const x = gutter + c * size;
    const name = named(style, label);
    if (!Number.isFinite(mark.value)) {
      const at = { x: x + size / 2, y: HEIGHT, 'text-anchor': 'middle', 'font-size': SMALL };
      return el('text', { ...at, ...dataOf(mark) }, Number.isNaN(mark.value) ? '✕' : '∞', name);
    }
    const height = Math.max(0.5, scale.at(mark.value) * HEIGHT);
    const width = Math.max(1, size - Math.min(8, size / 4));
    const at = { x: x + (size - width) / 2, y: HEIGHT - height, width, height };
    return el('rect', { ...at, fill: style.muted, ...dataOf(mark) }, name);
  });
  const width = gutter + bars.length * size;
  const base = el('path', { d: `M${Math.round(gutter)} ${HEIGHT + 0.5}H${Math.round(width)}`, stroke: style.line });
  return { width, height: HEIGHT + 2, body: names + together(style, shapes) + base };
}
