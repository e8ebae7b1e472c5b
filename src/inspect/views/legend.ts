/** The legend of a color scale, and the lines of text above and below a picture. */
import { hexOf, rgbOf, stepOf } from './colors/index.js';
import type { ColorMap } from './colors/index.js';
import { hatchId, hatching } from './grid.js';
import type { ColorScale } from './paint.js';
import { el, escape } from './svg.js';
import type { Block } from './svg.js';
import { widthOf, wrap } from './text.js';
import { styleOf } from './theme.js';
import type { Look, Style } from './theme.js';

const BAR = 12;
const SIZE = 11;

/** What a legend explains in addition to the colors. */
export interface Extras {
  /** Structural zeros occur. */
  readonly zero?: boolean;
  /** Numbers that are not finite occur. */
  readonly broken?: boolean;
}

/** Id of a legend's bar: dense pictures of a page share one for each map. */
const barId = (style: Style, map: ColorMap, name: string): string =>
  style.dense ? `${style.shared}-${map.name}` : `${style.id}-${name}`;

/** The definition of a legend's bar; empty in a dense picture, whose page defines them. */
export const gradient = (style: Style, { map }: ColorScale, name = 'bar'): string =>
  style.dense ? '' : barOf(map, barId(style, map, name));

/**
 * The definitions that the dense pictures of a page share, for `<defs>`: hatching, and the bars of both maps. Their `Look.shared`
 * is this `id`.
 */
export function definitionsFor(look: Look): string {
  const style = styleOf({ ...look, dense: true }, 'shared');
  return hatching(style) + [style.magnitude, style.sign].map((map) => barOf(map, barId(style, map, ''), 16)).join('');
}

/** The colors of a map at equal distances. */
function barOf(map: ColorMap, id: string, parts = 32): string {
  const stops = Array.from({ length: parts + 1 }, (_, i) => {
    const place = i / parts;
    return el('stop', { offset: String(place), 'stop-color': hexOf(rgbOf(map, stepOf(place))) });
  });
  return el('linearGradient', { id }, ...stops);
}

/** A bar with numbers below, the name of the numbers above, and the meaning of other marks. */
export function legend(scale: ColorScale, style: Style, extras: Extras = {}, name = 'bar', width = 320): Block {
  const { label } = scale;
  const top = SIZE + 5;
  const heading = el('text', { y: SIZE, 'font-size': SIZE, fill: style.ink }, escape(label));
  const bar = {
    y: top,
    width,
    height: BAR,
    fill: `url(#${barId(style, scale.map, name)})`,
    stroke: style.line,
    'stroke-width': 0.5,
  };
  const rest = ticksOf(scale, style, top + BAR, width);
  const others = keys(style, extras, width + 28, top);
  const long = Math.max(width + 20, widthOf(label, SIZE), others.width);
  return { width: long, height: top + BAR + SIZE + 8, body: heading + el('rect', bar) + rest + others.body };
}

/** Numbers under a bar: first the ends, then the round numbers that do not touch their neighbors. */
function ticksOf({ scale, format }: ColorScale, style: Style, y: number, width: number): string {
  const taken: [number, number][] = [];
  return [...new Set([...scale.domain, ...scale.ticks(7)])]
    .map((value) => {
      const text = format(value);
      const x = scale.at(value) * width;
      const half = widthOf(text, SIZE) / 2;
      const middle = Math.max(half, x);
      if (taken.some(([from, to]) => middle - half < to + 5 && middle + half > from - 5)) return '';
      taken.push([middle - half, middle + half]);
      const at = { x: middle, y: y + 4 + SIZE, 'text-anchor': 'middle', 'font-size': SIZE, fill: style.muted };
      return el('path', { d: `M${Math.round(x)} ${y}v4`, stroke: style.muted }) + el('text', at, escape(text));
    })
    .join('');
}

/** Swatches for structural zeros and numbers that are not finite. */
function keys(
  style: Style,
  { zero, broken }: Extras,
  x: number,
  y: number,
): { readonly width: number; readonly body: string } {
  let body = '';
  const add = (swatch: string, text: string): void => {
    body += el(
      'g',
      { transform: `translate(${x} ${y})` },
      swatch,
      el('text', { x: 22, y: SIZE - 1, 'font-size': SIZE }, escape(text)),
    );
    x += 22 + widthOf(text, SIZE) + 16;
  };
  const frame = { width: 16, height: BAR, stroke: style.line, 'stroke-width': 0.5 };
  if (zero) add(el('rect', { ...frame, fill: `url(#${hatchId(style)})` }), style.strings['legend.zero']);
  if (broken) {
    const sign = el('text', { x: 8, y: SIZE - 1, 'text-anchor': 'middle', 'font-size': SIZE }, '✕');
    add(el('rect', { ...frame, fill: style.empty }) + sign, style.strings['legend.broken']);
  }
  return { width: body === '' ? 0 : x, body };
}

/** The heading of a picture: its question, and a line about the model. */
export function heading(title: string, line: string, style: Style, width: number): Block {
  const lines = wrap(title, 16, Math.max(width, 320));
  const large = lines.map((text, i) =>
    el('text', { y: 15 + 20 * i, 'font-size': 16, 'font-weight': 600 }, escape(text)),
  );
  const rest = paragraph(line, style, Math.max(width, 320));
  const y = lines.length * 20 + 4;
  const long = Math.max(rest.width, ...lines.map((text) => widthOf(text, 16)));
  return {
    width: long,
    height: y + rest.height,
    body: large.join('') + el('g', { transform: `translate(0 ${y})` }, rest.body),
  };
}

/** Lines of small text. */
export function paragraph(text: string, style: Style, width: number, fill = style.muted): Block {
  const lines = wrap(text, SIZE, width);
  const body = lines.map((line, i) => el('text', { y: SIZE + i * 15, 'font-size': SIZE, fill }, escape(line))).join('');
  return { width: Math.max(0, ...lines.map((line) => widthOf(line, SIZE))), height: lines.length * 15, body };
}
