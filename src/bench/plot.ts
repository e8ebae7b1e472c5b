/** An SVG with two charts on logarithmic axes: GFLOP/s over the size of a square product, tokens/s over the batch size. */
import { exp, log } from '../tensor/index.js';
import type { Result } from './report.js';
import type { Row } from './types.js';

const WIDTH = 640;
const HEIGHT = 400;
const MARGIN = { left: 80, right: 190, top: 48, bottom: 56 };
/** Of Okabe & Ito's palette, which color-blind people can tell apart; then again with dashes. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'];

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
}

/** The charts of a result; one without data is left out. */
export function plot({ machine, rows }: Result): string {
  const charts: Chart[] = [
    {
      title: 'Product of square matrices, float32',
      xLabel: 'size',
      yLabel: 'GFLOP/s',
      series: seriesOf(rows, /^addMatmul-(\d+)x\1x\1$/),
    },
    ...(['train', 'infer'] as const).map((phase) => ({
      title: phase === 'train' ? 'Updates of a BiLSTM tagger' : 'Inference of a BiLSTM tagger',
      xLabel: 'sentences in a batch',
      yLabel: 'tokens/s',
      series: seriesOf(rows, new RegExp(`^${phase}-b(\\d+)-lstm$`)),
    })),
  ].filter((chart) => chart.series.length > 0);
  const note = escape(`${machine.cpu}, Node ${machine.node}, bptt ${machine.bptt}`);
  const height = charts.length * HEIGHT + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...charts.map((chart, i) => draw(chart, i * HEIGHT)),
    `<text x="${MARGIN.left}" y="${height - 8}" fill="#555">${note}</text>`,
    '</svg>\n',
  ].join('\n');
}

/** Lines of the cases that a pattern finds; its first group is the x of a point. */
function seriesOf(rows: readonly Row[], pattern: RegExp): Series[] {
  const found = new Map<string, Point[]>();
  for (const row of rows) {
    const match = pattern.exec(row.case);
    if (match === null || !(row.p50 > 0)) continue;
    const name = row.threads > 1 ? `${row.system}, ${row.threads} threads` : row.system;
    found.set(name, [...(found.get(name) ?? []), { x: Number(match[1]), y: row.p50 }]);
  }
  return [...found].map(([name, points]) => ({ name, points: points.sort((p, q) => p.x - q.x) }));
}

function draw({ title, xLabel, yLabel, series }: Chart, top: number): string {
  const points = series.flatMap((each) => each.points);
  const x = axis(
    points.map((point) => point.x),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const y = axis(
    points.map((point) => point.y),
    top + HEIGHT - MARGIN.bottom,
    top + MARGIN.top,
  );
  const [left, right, low, high] = [MARGIN.left, WIDTH - MARGIN.right, top + HEIGHT - MARGIN.bottom, top + MARGIN.top];
  const sizes = [...new Set(points.map((point) => point.x))];
  const middle = (low + high) / 2;
  return [
    `<text x="${left}" y="${top + 28}" font-size="15">${escape(title)}</text>`,
    ...ticksOf(points.map((point) => point.y)).map((value) => {
      const at = y(value).toFixed(1);
      return `<path d="M${left} ${at}H${right}" stroke="#ddd"/><text x="${left - 6}" y="${at}" dy="4" text-anchor="end">${value}</text>`;
    }),
    ...sizes.map((value) => `<text x="${x(value).toFixed(1)}" y="${low + 18}" text-anchor="middle">${value}</text>`),
    `<path d="M${left} ${high}V${low}H${right}" fill="none" stroke="#555"/>`,
    `<text x="${(left + right) / 2}" y="${low + 40}" text-anchor="middle">${escape(xLabel)}</text>`,
    `<text transform="translate(18 ${middle}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`,
    ...series.map((each, i) => drawSeries(each, i, x, y, high)),
  ].join('\n');
}

type Scale = (value: number) => number;

function drawSeries({ name, points }: Series, i: number, x: Scale, y: Scale, high: number): string {
  const color = COLORS[i % COLORS.length];
  const dashes = i < COLORS.length ? '' : ' stroke-dasharray="5 3"';
  const path = points
    .map((point, j) => `${j === 0 ? 'M' : 'L'}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`)
    .join('');
  const marks = points.map(
    (point) => `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3" fill="${color}"/>`,
  );
  const [legend, line] = [WIDTH - MARGIN.right + 16, high + 8 + 18 * i];
  return [
    `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"${dashes}/>`,
    ...marks,
    `<path d="M${legend} ${line}h20" stroke="${color}" stroke-width="2"${dashes}/>`,
    `<text x="${legend + 26}" y="${line}" dy="4">${escape(name)}</text>`,
  ].join('\n');
}

/** A logarithmic scale that maps the range of the values to from … to, with a little room at both ends. */
function axis(values: readonly number[], from: number, to: number): Scale {
  const [least, most] = [log(Math.min(...values)), log(Math.max(...values))];
  const room = 0.05 * Math.max(most - least, 0.1);
  return (value) => from + ((log(value) - least + room) / (most - least + 2 * room)) * (to - from);
}

/** Round numbers within the range of the values: 1, 2 and 5 times powers of ten. */
function ticksOf(values: readonly number[]): number[] {
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

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
