/**
 * The ladder as a picture: a staircase of GFLOP/s with a step per rung, and next to it, on the same axis, the roofline of one
 * core (S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model", CACM 52(4), 2009) with every
 * rung under it. Both axes are logarithmic. The picture adapts to the reader's light or dark scheme.
 */
import { exp, log } from '../../tensor/index.js';
import { escape, STYLE, ticksOf } from '../plot.js';
import type { LadderResult, LadderRow } from './types.js';

const WIDTH = 900;
const HEIGHT = 520;
const TOP = 52;
const BOTTOM = 372;
const STAIRS = { left: 72, right: 570 };
const ROOFLINE = { left: 646, right: 876 };
/** The minimum vertical distance of two labels. */
const GAP = 12;

/** Kinds of rungs, each with a color of `STYLE`. */
const KINDS = ['JavaScript', 'WebAssembly', 'LSTM layer', 'graphics device'] as const;

interface Scale {
  (value: number): number;
}

/** The picture. */
export function drawLadder(result: LadderResult): string {
  const { machine, rows, date, load } = result;
  const y = scaleOf(result);
  const note = `${machine.cpu}, Node ${machine.node}, bptt ${machine.bptt}, ${date}, load ${load[0].toFixed(1)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(`Ladder of kernels, GFLOP/s: ${rows.map((row) => `${row.title} ${figure(row.gflops)}`).join(', ')}`)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text x="${STAIRS.left}" y="26" font-size="15">GFLOP/s, rung by rung</text>`,
    `<text x="${ROOFLINE.left}" y="26" font-size="15">under the roof of one core</text>`,
    ...[STAIRS, ROOFLINE].map((panel) => axes(panel, y, result)),
    drawStairs(result, y),
    drawRoofline(result, y),
    drawLegend(rows),
    `<text x="${STAIRS.left}" y="${HEIGHT - 10}" class="note" font-size="11">${escape(note)}</text>`,
    '</svg>\n',
  ].join('\n');
}

/** The range of rates, including the roof. */
function rangeOf({ machine, rows }: LadderResult): [least: number, most: number] {
  const rates = [...rows.map(({ gflops }) => gflops), ...(machine.peak === null ? [] : [machine.peak])];
  return [Math.min(...rates) / 1.5, Math.max(...rates) * 1.5];
}

function scaleOf(result: LadderResult): Scale {
  const [least, most] = rangeOf(result);
  return (value) => BOTTOM - ((BOTTOM - TOP) * log(value / least)) / log(most / least);
}

function axes({ left, right }: typeof STAIRS, y: Scale, result: LadderResult): string {
  const lines = ticksOf(rangeOf(result)).map((tick) => {
    const at = y(tick).toFixed(1);
    return `<path d="M${left} ${at}H${right}" class="grid"/><text x="${left - 6}" y="${at}" dy="4" text-anchor="end">${tick}</text>`;
  });
  return [...lines, `<path d="M${left} ${TOP}V${BOTTOM}H${right}" fill="none" class="axis"/>`].join('\n');
}

function kindOf({ rung, work, device }: LadderRow): number {
  if (device !== undefined) return 3;
  if (work === 'lstm') return 2;
  return Number(rung.slice(0, 2)) < 5 ? 0 : 1;
}

/** A step per rung; steps of one kind are joined by risers. */
function drawStairs({ machine, rows }: LadderResult, y: Scale): string {
  const width = (STAIRS.right - STAIRS.left) / Math.max(rows.length, 1);
  const parts = rows.map((row, i) => {
    const [x, at, kind] = [STAIRS.left + i * width, y(row.gflops), kindOf(row)];
    const before = i === 0 || rows[i - 1].work !== row.work ? undefined : y(rows[i - 1].gflops);
    const riser =
      before === undefined
        ? `M${x.toFixed(1)} ${at.toFixed(1)}`
        : `M${x.toFixed(1)} ${before.toFixed(1)}V${at.toFixed(1)}`;
    const middle = (x + width / 2).toFixed(1);
    const name = `${numberOf(row)} ${row.title.replace(/,.*/, '')}`.trim();
    return [
      `<path d="${riser}h${width.toFixed(1)}" fill="none" class="c${kind}" stroke-width="2.5"/>`,
      `<text x="${middle}" y="${(at - 7).toFixed(1)}" text-anchor="middle" font-size="11">${figure(row.gflops)}</text>`,
      `<text transform="translate(${(x + width / 2 + 4).toFixed(1)} ${BOTTOM + 14}) rotate(-42)" text-anchor="end" font-size="11">${escape(name)}</text>`,
    ].join('\n');
  });
  const { peak } = machine;
  if (peak === null) return parts.join('\n');
  const at = y(peak).toFixed(1);
  const text = `peak of one core in 128-bit lanes: ${peak.toFixed(1)}`;
  return [
    ...parts,
    `<path d="M${STAIRS.left} ${at}H${STAIRS.right}" class="roof" stroke-width="1.5" stroke-dasharray="5 3"/>`,
    `<text x="${STAIRS.left + 6}" y="${Number(at) - 6}" class="note" font-size="11">${text}</text>`,
  ].join('\n');
}

/** The memory slope, the peak, and a point per rung at the operations per byte of its work. */
function drawRoofline({ machine, rows, work }: LadderResult, y: Scale): string {
  const { peak, bandwidth } = machine;
  const [low, high] = [0.1, 1000];
  const x: Scale = (value) => ROOFLINE.left + ((ROOFLINE.right - ROOFLINE.left) * log(value / low)) / log(high / low);
  const ticks = [0.1, 1, 10, 100, 1000].map(
    (tick) => `<text x="${x(tick).toFixed(1)}" y="${BOTTOM + 16}" text-anchor="middle" font-size="11">${tick}</text>`,
  );
  const label = `<text x="${(ROOFLINE.left + ROOFLINE.right) / 2}" y="${BOTTOM + 34}" text-anchor="middle">operations per byte of the operands</text>`;
  const points = rows.map((row) => ({ row, x: x(work[row.work].intensity), y: y(row.gflops) }));
  const marks = points.map(
    (point) => `<circle cx="${point.x.toFixed(1)}" cy="${point.y.toFixed(1)}" r="3.5" class="f${kindOf(point.row)}"/>`,
  );
  return [...ticks, label, roofPath(peak, bandwidth, x, y), ...marks, ...numbers(points)].join('\n');
}

function roofPath(peak: number | null, bandwidth: number | undefined, x: Scale, y: Scale): string {
  if (peak === null || bandwidth === undefined) return '';
  const ridge = Math.min(x(peak / bandwidth), ROOFLINE.right);
  // Both axes are logarithmic: the slope is a straight line through the ridge and any point of lower intensity.
  const start = Math.max(0.1, exp(log(peak / bandwidth) - 12));
  const [x0, y0] = [x(start), y(start * bandwidth)];
  const [at, height] = y0 <= BOTTOM ? [x0, y0] : [x0 + ((ridge - x0) * (y0 - BOTTOM)) / (y0 - y(peak)), BOTTOM];
  const text = `${bandwidth.toFixed(0)} GB/s`;
  return [
    `<path d="M${at.toFixed(1)} ${height.toFixed(1)}L${ridge.toFixed(1)} ${y(peak).toFixed(1)}H${ROOFLINE.right}" fill="none" class="roof" stroke-width="1.5"/>`,
    `<text x="${ROOFLINE.right}" y="${(y(peak) - 6).toFixed(1)}" text-anchor="end" class="note" font-size="11">${peak.toFixed(1)} GFLOP/s</text>`,
    `<text x="${(at + 14).toFixed(1)}" y="${(height - 6).toFixed(1)}" class="note" font-size="11">${text}</text>`,
  ].join('\n');
}

/** Rung numbers next to their points, moved up if they would overlap. */
function numbers(points: readonly { readonly row: LadderRow; readonly x: number; readonly y: number }[]): string[] {
  const columns = new Map<number, number>();
  return [...points]
    .sort((p, q) => q.y - p.y)
    .map(({ row, x, y }) => {
      const at = Math.min(y + 4, (columns.get(x) ?? Infinity) - GAP);
      columns.set(x, at);
      return `<text x="${(x + 8).toFixed(1)}" y="${at.toFixed(1)}" font-size="11">${numberOf(row) || 'steps'}</text>`;
    });
}

function drawLegend(rows: readonly LadderRow[]): string {
  const used = KINDS.map((name, i) => ({ name, i })).filter(({ i }) => rows.some((row) => kindOf(row) === i));
  return used
    .map(({ name, i }, at) => {
      const x = ROOFLINE.left + (at % 2) * 118;
      const line = BOTTOM + 66 + 18 * Math.floor(at / 2);
      return `<path d="M${x} ${line}h18" class="c${i}" stroke-width="2.5"/><text x="${x + 24}" y="${line}" dy="4" font-size="11">${name}</text>`;
    })
    .join('\n');
}

const numberOf = ({ rung }: LadderRow): string => /^\d\d[a-z]?/.exec(rung)?.[0] ?? '';
const figure = (x: number): string => (x >= 99.5 ? x.toFixed(0) : x >= 9.95 ? x.toFixed(1) : x.toPrecision(2));
