/**
 * An SVG with charts on logarithmic axes: GFLOP/s over the size of a square product, products under the roofline of one core (S.
 * Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model", CACM 52(4), 2009), tokens/s over the
 * batch size. It adapts to the reader's light or dark scheme.
 */
import { exp, log } from '../tensor/index.js';
import type { Result } from './report.js';
import type { Row } from './types.js';

const WIDTH = 640;
const HEIGHT = 400;
const MARGIN = { left: 80, right: 190, top: 48, bottom: 56 };
/** Colors from Okabe & Ito's palette, distinguishable by color-blind people on white and on near-black; then repeated with dashes. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#b87d00', '#000000'];
const COLORS_DARK = ['#4aa8e0', '#f07b2e', '#1cc294', '#e39cc4', '#9ad4f5', '#e69f00', '#ffffff'];
export const STYLE = [
  'text{fill:#222}.note{fill:#555}.page{fill:#fff}.grid{stroke:#ddd}.axis{stroke:#555}.roof{stroke:#222}',
  ...COLORS.map((color, i) => `.c${i}{stroke:${color}}.f${i}{fill:${color}}`),
  '@media(prefers-color-scheme:dark){',
  'text{fill:#e6e6e6}.note{fill:#aaa}.page{fill:#16181c}.grid{stroke:#3a3d44}.axis{stroke:#aaa}.roof{stroke:#e6e6e6}',
  ...COLORS_DARK.map((color, i) => `.c${i}{stroke:${color}}.f${i}{fill:${color}}`),
  '}',
].join('');

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}
interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Whether the points of a series are joined. */
  readonly lines: boolean;
  /** Peak of one core: GFLOP/s, and GB/s of its memory. */
  readonly roof?: { readonly peak: number; readonly bandwidth: number };
}

/** The charts of a result; a chart without data is left out. */
export function plot({ machine, rows }: Result): string {
  const charts: Chart[] = [
    {
      title: 'Product of square matrices, float32',
      xLabel: 'size',
      yLabel: 'GFLOP/s',
      series: seriesOf(rows, /^addMatmul-(\d+)x\1x\1$/),
      lines: true,
    },
    ...roofline(machine, rows),
    ...(['train', 'infer'] as const).map((phase) => ({
      title: phase === 'train' ? 'Updates of a BiLSTM tagger' : 'Inference of a BiLSTM tagger',
      xLabel: 'sentences in a batch',
      yLabel: 'tokens/s',
      series: seriesOf(rows, new RegExp(`^${phase}-b(\\d+)-lstm$`)),
      lines: true,
    })),
  ].filter((chart) => chart.series.length > 0);
  const note = escape(`${machine.cpu}, Node ${machine.node}, bptt ${machine.bptt}`);
  const height = charts.length * HEIGHT + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    ...charts.map((chart, i) => draw(chart, i * HEIGHT)),
    `<text x="${MARGIN.left}" y="${height - 8}" class="note">${note}</text>`,
    '</svg>\n',
  ].join('\n');
}

/** Every product under the roof, if its height is known. Intensity is operations per byte of a, b, and out, read and written once. */
function roofline({ peak, bandwidth }: Result['machine'], rows: readonly Row[]): Chart[] {
  if (peak === null || bandwidth === undefined) return [];
  const found = new Map<string, Point[]>();
  for (const row of rows) {
    const sizes = /^addMatmul(?:TA|TB)?-(\d+)x(\d+)x(\d+)$/.exec(row.case)?.slice(1).map(Number);
    if (row.suite !== 'gemm' || sizes === undefined || !(row.p50 > 0)) continue;
    const [M, K, N] = sizes;
    const x = (2 * M * K * N) / (4 * (M * K + K * N + 2 * M * N));
    found.set(seriesName(row), [...(found.get(seriesName(row)) ?? []), { x, y: row.p50 }]);
  }
  const series = [...found].map(([name, points]) => ({ name, points }));
  const axes = { xLabel: 'operations per byte of the operands', yLabel: 'GFLOP/s' };
  return [{ title: 'Products under the roof of one core', ...axes, series, lines: false, roof: { peak, bandwidth } }];
}

function seriesName({ system, threads }: Row): string {
  return threads > 1 ? `${system}, ${threads} threads` : system;
}

/** Lines for the cases that match a pattern, whose first group is the x coordinate. */
function seriesOf(rows: readonly Row[], pattern: RegExp): Series[] {
  const found = new Map<string, Point[]>();
  for (const row of rows) {
    const match = pattern.exec(row.case);
    if (match === null || !(row.p50 > 0)) continue;
    const name = seriesName(row);
    found.set(name, [...(found.get(name) ?? []), { x: Number(match[1]), y: row.p50 }]);
  }
  return [...found].map(([name, points]) => ({ name, points: points.sort((p, q) => p.x - q.x) }));
}

/** Position of a chart, and its scales. */
interface Frame {
  readonly left: number;
  readonly right: number;
  readonly low: number;
  readonly high: number;
  readonly x: Scale;
  readonly y: Scale;
}

function draw(chart: Chart, top: number): string {
  const { title, xLabel, yLabel, series, roof } = chart;
  const points = series.flatMap((each) => each.points);
  const xs = points.map((point) => point.x);
  const ys = [...points.map((point) => point.y), ...(roof === undefined ? [] : [roof.peak])];
  const [left, right, low, high] = [MARGIN.left, WIDTH - MARGIN.right, top + HEIGHT - MARGIN.bottom, top + MARGIN.top];
  const frame: Frame = { left, right, low, high, x: axis(xs, left, right), y: axis(ys, low, high) };
  const { x, y } = frame;
  const marks = roof === undefined ? [...new Set(xs)] : ticksOf(xs);
  const middle = (low + high) / 2;
  return [
    `<text x="${left}" y="${top + 28}" font-size="15">${escape(title)}</text>`,
    ...ticksOf(ys).map((value) => {
      const at = y(value).toFixed(1);
      return `<path d="M${left} ${at}H${right}" class="grid"/><text x="${left - 6}" y="${at}" dy="4" text-anchor="end">${value}</text>`;
    }),
    ...marks.map((value) => `<text x="${x(value).toFixed(1)}" y="${low + 18}" text-anchor="middle">${value}</text>`),
    `<path d="M${left} ${high}V${low}H${right}" fill="none" class="axis"/>`,
    `<text x="${(left + right) / 2}" y="${low + 40}" text-anchor="middle">${escape(xLabel)}</text>`,
    `<text transform="translate(18 ${middle}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`,
    ...(roof === undefined ? [] : [drawRoof(roof, frame)]),
    ...series.map((each, i) => drawSeries(each, i, frame, chart.lines)),
  ].join('\n');
}

/** The memory slope up to the ridge, then the peak; clipped to the frame. */
function drawRoof(
  { peak, bandwidth }: { peak: number; bandwidth: number },
  { left, right, low, high, x, y }: Frame,
): string {
  const ridge = x(peak / bandwidth);
  // Both axes are logarithmic, so the slope is a straight line; two points define it.
  const [x0, y0, x1, y1] = [x(1), y(bandwidth), x(10), y(10 * bandwidth)];
  const at = (px: number): number => y0 + ((px - x0) * (y1 - y0)) / (x1 - x0);
  const slope = (py: number): number => x0 + ((py - y0) * (x1 - x0)) / (y1 - y0);
  const start = Math.max(left, slope(low));
  const knee = Math.min(Math.max(ridge, left), right);
  const top = y(peak);
  const path =
    start < knee
      ? `M${start.toFixed(1)} ${at(start).toFixed(1)}L${knee.toFixed(1)} ${at(knee).toFixed(1)}H${right}`
      : `M${knee.toFixed(1)} ${top.toFixed(1)}H${right}`;
  const [legend, line] = [right + 16, high + HEIGHT - MARGIN.bottom - MARGIN.top - 70];
  const words = [
    'roof: one core',
    `${peak.toFixed(0)} GFLOP/s in 128-bit lanes`,
    `${bandwidth.toFixed(0)} GB/s of memory`,
    'above: caches, wider lanes,',
    'or more cores',
  ];
  return [
    `<path d="${path}" fill="none" class="roof" stroke-width="1.5"/>`,
    ...words.map((text, i) => `<text x="${legend}" y="${line + 15 * i}" class="note" font-size="11">${text}</text>`),
  ].join('\n');
}

type Scale = (value: number) => number;

function drawSeries({ name, points }: Series, i: number, { x, y, high, right }: Frame, lines: boolean): string {
  const color = i % COLORS.length;
  const dashes = i < COLORS.length ? '' : ' stroke-dasharray="5 3"';
  const path = points
    .map((point, j) => `${j === 0 ? 'M' : 'L'}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`)
    .join('');
  const marks = points.map(
    (point) => `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3" class="f${color}"/>`,
  );
  const [legend, line] = [right + 16, high + 8 + 18 * i];
  return [
    ...(lines ? [`<path d="${path}" fill="none" class="c${color}" stroke-width="2"${dashes}/>`] : []),
    ...marks,
    lines
      ? `<path d="M${legend} ${line}h20" class="c${color}" stroke-width="2"${dashes}/>`
      : `<circle cx="${legend + 10}" cy="${line}" r="3" class="f${color}"/>`,
    `<text x="${legend + 26}" y="${line}" dy="4">${escape(name)}</text>`,
  ].join('\n');
}

/** A logarithmic scale that maps the range of the values to from … to, with a small margin at both ends. */
function axis(values: readonly number[], from: number, to: number): Scale {
  const [least, most] = [log(Math.min(...values)), log(Math.max(...values))];
  const room = 0.05 * Math.max(most - least, 0.1);
  return (value) => from + ((log(value) - least + room) / (most - least + 2 * room)) * (to - from);
}

/** Round numbers within the range of the values: 1, 2 and 5 times powers of ten. */
export function ticksOf(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks: number[] = [];
  for (let k = Math.floor(log(least) / log(10)); exp(k * log(10)) <= most; k++) {
    for (const digit of [1, 2, 5]) {
      const tick = Number(`${digit}e${k}`);
      if (tick >= least && tick <= most) ticks.push(tick);
    }
  }
  return ticks;
}

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
