/**
 * An SVG of several charts with one legend, whose lines are distinguishable in color, to the color-blind and in grayscale: each
 * has a distinct color, dash and marker. The picture adapts to the reader's light or dark scheme, and contains a text
 * description.
 */
import { axisOf, tickText } from './axis.js';
import type { Axis } from './axis.js';

/** One point; y is null if there is no value: the line has a gap there. */
export interface Point {
  readonly x: number;
  readonly y: number | null;
  /** Whether the point gets a ring. */
  readonly ring?: boolean;
}

/** One line of a chart. */
export interface Line {
  /** Index of its name in the legend. */
  readonly place: number;
  readonly points: readonly Point[];
}

/** One chart. */
export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  /** Whether x has a logarithmic axis, with all values above 0; integers, such as epochs, have ticks only at integers. */
  readonly xScale?: 'logarithmic' | 'linear' | 'integers';
  /** The same for y. */
  readonly yScale?: 'logarithmic' | 'linear';
  readonly lines: readonly Line[];
  /** Formats a value at the axis. */
  readonly format?: (value: number) => string;
}

/** The whole picture. */
export interface Picture {
  readonly title: string;
  /** Description in words. */
  readonly description: string;
  /** Names in the legend. */
  readonly names: readonly string[];
  readonly charts: readonly Chart[];
}

/** Colors from Okabe & Ito's palette, distinguishable by color-blind people on white and on near-black. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#222222', '#a87800', '#3a9bd0'];
const COLORS_DARK = ['#4aa8e0', '#f07b2e', '#1cc294', '#e39cc4', '#ffffff', '#e69f00', '#9ad4f5'];
const DASHES = ['', '7 4', '2 3', '10 3 2 3', '14 4', '5 2 1 2 1 2'];
/** Markers around (0, 0), with a radius of about 4. */
const MARKERS = [
  'M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z',
  'M-3.2 -3.2h6.4v6.4h-6.4z',
  'M0 -4.4L4 3H-4z',
  'M0 -4.6L4.6 0L0 4.6L-4.6 0z',
  'M0 4.4L4 -3H-4z',
  'M-1.3 -4h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7v-2.6h2.7z',
  'M-4 -1.5h8v3h-8z',
];

/** Number of lines that can differ in color, dash and marker. */
export const MOST_LINES = DASHES.length * MARKERS.length;

const PANEL = { width: 460, height: 260 };
const MARGIN = { left: 66, right: 18, top: 40, bottom: 46 };
/** Consecutive points closer than this number of pixels share a marker. */
const MARKER_DISTANCE = 14;

const STYLE = [
  'text{fill:#222;font:12px sans-serif}.note{fill:#555}.h{font-size:14px;font-weight:600}.page{fill:#fff}',
  '.grid{stroke:#ddd}.axis{stroke:#555;fill:none}.ring{stroke:#222;fill:none}',
  '.l{fill:none;stroke-width:1.8;stroke-linejoin:round}',
  ...COLORS.map((color, i) => `.c${i}{stroke:${color}}.f${i}{fill:${color}}`),
  '@media(prefers-color-scheme:dark){',
  'text{fill:#e6e6e6}.note{fill:#aaa}.page{fill:#16181c}.grid{stroke:#3a3d44}.axis{stroke:#aaa}.ring{stroke:#e6e6e6}',
  ...COLORS_DARK.map((color, i) => `.c${i}{stroke:${color}}.f${i}{fill:${color}}`),
  '}',
].join('');

/** Draws a picture, two charts to a row. */
export function drawPicture({ title, description, names, charts }: Picture): string {
  const columns = Math.min(2, charts.length);
  const width = Math.max(columns, 1) * PANEL.width;
  const legend = legendOf(names, width);
  const top = 40 + legend.height;
  const height = top + Math.ceil(charts.length / 2) * PANEL.height + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escape(title)}</title>`,
    `<desc id="desc">${escape(description)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text x="16" y="26" class="h">${escape(title)}</text>`,
    ...legend.parts,
    ...charts.map((chart, i) => drawChart(chart, names, (i % 2) * PANEL.width, top + Math.floor(i / 2) * PANEL.height)),
    '</svg>\n',
  ].join('\n');
}

/** The names in rows, each with its line and marker; a single name needs no legend. */
function legendOf(names: readonly string[], width: number): { readonly parts: string[]; readonly height: number } {
  if (names.length < 2) return { parts: [], height: 0 };
  const parts: string[] = [];
  let [x, y] = [16, 48];
  names.forEach((name, place) => {
    const shown = name.length > 48 ? `…${name.slice(-47)}` : name;
    const wide = 62 + 7 * shown.length; // approximately the width of the text; a wider script merely comes closer to the next name
    if (x > 16 && x + wide > width) [x, y] = [16, y + 20];
    parts.push(
      `<path d="M${x} ${y}h32" class="l c${place % COLORS.length}"${dashOf(place)}/>${markerAt(place, x + 16, y)}`,
      `<text x="${x + 40}" y="${y}" dy="4">${escape(shown)}</text>`,
    );
    x += wide;
  });
  return { parts, height: y - 48 + 24 };
}

/** Position of a chart, and its axes. */
interface Frame {
  readonly left: number;
  readonly right: number;
  readonly low: number;
  readonly high: number;
  readonly x: Axis;
  readonly y: Axis;
}

function drawChart(chart: Chart, names: readonly string[], x0: number, y0: number): string {
  const points = chart.lines.flatMap((line) => line.points);
  const frame: Frame = {
    left: x0 + MARGIN.left,
    right: x0 + PANEL.width - MARGIN.right,
    low: y0 + PANEL.height - MARGIN.bottom,
    high: y0 + MARGIN.top,
    x: axisOf(points.map(({ x }) => x), chart.xScale ?? 'linear', PANEL.width - MARGIN.left - MARGIN.right), // prettier-ignore
    y: axisOf(points.flatMap(({ y }) => (y === null ? [] : [y])), chart.yScale ?? 'linear', PANEL.height - MARGIN.top - MARGIN.bottom), // prettier-ignore
  };
  const { left, right, low, high } = frame;
  const format = chart.format ?? tickText;
  return [
    '<g>',
    `<text x="${left}" y="${high - 14}" class="h">${escape(chart.title)}</text>`,
    ...frame.y.ticks.map((value) => {
      const at = (low - frame.y.at(value)).toFixed(1);
      return `<path d="M${left} ${at}H${right}" class="grid"/><text x="${left - 8}" y="${at}" dy="4" text-anchor="end">${escape(format(value))}</text>`;
    }),
    ...frame.x.ticks.map((value) => {
      const at = (left + frame.x.at(value)).toFixed(1);
      return `<path d="M${at} ${low}v4" class="axis"/><text x="${at}" y="${low + 18}" text-anchor="middle">${escape(tickText(value))}</text>`;
    }),
    `<path d="M${left} ${high}V${low}H${right}" class="axis"/>`,
    `<text x="${(left + right) / 2}" y="${low + 36}" text-anchor="middle" class="note">${escape(chart.xLabel)}</text>`,
    // The shortest last, so that longer lines do not cover it.
    ...[...chart.lines]
      .sort((p, q) => q.points.length - p.points.length)
      .map((line) => drawLine(line, names[line.place], frame)),
    '</g>',
  ].join('\n');
}

function drawLine({ place, points }: Line, name: string, { left, low, x, y }: Frame): string {
  let [path, joined, last] = ['', false, -Infinity];
  const marks: string[] = [];
  points.forEach((point, i) => {
    if (point.y === null) return void (joined = false);
    const [px, py] = [left + x.at(point.x), low - y.at(point.y)];
    path += `${joined ? 'L' : 'M'}${px.toFixed(1)} ${py.toFixed(1)}`;
    const alone = !joined && (points[i + 1]?.y ?? null) === null;
    joined = true;
    if (alone || px - last >= MARKER_DISTANCE) {
      marks.push(markerAt(place, px, py));
      last = px;
    }
    if (point.ring) marks.push(`<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="7" class="ring"/>`);
  });
  return [
    `<g><title>${escape(name)}</title>`,
    `<path d="${path}" class="l c${place % COLORS.length}"${dashOf(place)}/>`,
    ...marks,
    '</g>',
  ].join('');
}

function dashOf(place: number): string {
  const dash = DASHES[place % DASHES.length];
  return dash === '' ? '' : ` stroke-dasharray="${dash}"`;
}

function markerAt(place: number, x: number, y: number): string {
  const shape = MARKERS[place % MARKERS.length];
  return `<path d="${shape}" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})" class="f${place % COLORS.length}"/>`;
}

/** Escapes text for XML; characters that XML does not allow become a box. */
function escape(text: string): string {
  const legal = text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '□');
  return legal.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
