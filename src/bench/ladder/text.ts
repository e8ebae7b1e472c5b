/** The ladder as text: a table with bars for a terminal, or a Markdown table for a document. */
import { log } from '../../tensor/index.js';
import { table } from '../../tensor/print.js';
import { TWIN } from './layer.js';
import type { LadderResult, LadderRow, WorkItem } from './types.js';

/** Length of a bar in cells from the slowest rung to the peak, on a logarithmic scale. */
const BAR = 24;

const HEAD = ['rung', 'what', 'GFLOP/s', 'gain', 'predicted', 'of roof', 'checked'];

/** Lines about the machine and the work, the table, and the rungs left out. */
export function describeLadder(result: LadderResult): string {
  const { machine, load, work, rows, refused, skipped } = result;
  const { bptt, node, v8, os, cpu, cores, peak, bandwidth } = machine;
  const roof = peak === null ? 'no WebAssembly SIMD' : `peak of one core in 128-bit lanes ${peak.toFixed(1)} GFLOP/s`;
  const cells = rows.map(cellsOf).map(([number, title, ...others]) => [`${number.padEnd(2)} ${title}`, ...others]);
  const lines = table([['rung', ...HEAD.slice(2)], ...cells]).split('\n');
  const bars = ['', ...barsOf(result)];
  return [
    `bptt ${bptt}, Node ${node}, V8 ${v8}, ${os}`,
    `${cpu}, ${cores} cores, ${roof}, ${(bandwidth ?? 0).toFixed(0)} GB/s of memory, load ${load.map((x) => x.toFixed(1)).join(' and ')}`,
    `product ${describeWork(work.product)}; LSTM layer ${describeWork(work.lstm)}; the fastest of ${turnsOf(rows)} turns`,
    '',
    ...lines.map((line, i) => `${line}  ${bars[i]}`.trimEnd()),
    ...refused.map(({ rung, reason }) => `refused ${rung}: ${reason}`),
    ...skipped.map(({ rung, reason }) => `skipped ${rung}: ${reason}`),
  ].join('\n');
}

/** The table for a document, and a sentence on the origin of its figures. */
export function markdownLadder({ machine, date, load, work, rows, skipped }: LadderResult): string {
  const { cpu, cores, node, v8, peak, bandwidth } = machine;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const peakText =
    peak === null ? 'No WebAssembly SIMD.' : `Peak of one core in 128-bit lanes ${peak.toFixed(1)} GFLOP/s,`;
  const busy = Math.max(...load) < 1.5 ? '' : ': other programs ran meanwhile, and the fastest turn counts';
  return [
    line(HEAD),
    line(['---', '---', '---:', '---:', '---:', '---:', '---']),
    ...rows.map((row) => line(cellsOf(row))),
    '',
    `${cpu}, ${cores} cores; Node ${node}, V8 ${v8}; ${date}. ${peakText} ${(bandwidth ?? 0).toFixed(0)} GB/s of memory.`,
    `Product ${describeWork(work.product)}. LSTM layer ${describeWork(work.lstm)}.`,
    `Load average ${load[0].toFixed(1)} before and ${load[1].toFixed(1)} after${busy}.`,
    ...skipped.map(({ rung, reason }) => `Not measured here: ${rung} (${reason}).`),
  ].join('\n');
}

/** The text of a header under `Measured`. */
export function measuredLine({ machine, date, load }: LadderResult, row: LadderRow): string {
  const gain = row.gain === undefined ? '' : `${factor(row.gain)}: `;
  const share = row.share === undefined ? '' : `, ${percent(row.share)} of the roof`;
  const where = row.device === undefined ? machine.cpu : `${row.device}, ${machine.cpu}`;
  return `${gain}${rate(row.gflops)} GFLOP/s${share} (\`bptt bench --ladder\`, ${where}, Node ${machine.node}, ${date}, load ${load[0].toFixed(0)}).`;
}

function cellsOf({ rung, title, gflops, gain, predicted, share, checked, threads, device }: LadderRow): string[] {
  const [, number = '', name] = /^(?:(\d\d[a-z]?)-)?(.*)$/.exec(rung) ?? [];
  const on = device !== undefined ? `, ${device}` : threads > 1 ? `, ${threads} threads` : '';
  return [
    number || (name === TWIN ? '' : name),
    `${title}${on}`,
    rate(gflops),
    gain === undefined ? '' : factor(gain),
    predicted === undefined ? '' : factor(predicted),
    share === undefined ? '' : percent(share),
    checked !== 'reference' ? checked : rung === TWIN ? 'the twin' : 'against float64',
  ];
}

function describeWork({ sizes, operations }: WorkItem): string {
  const text = Object.entries(sizes).map(([name, n]) => `${name}=${n}`);
  return `${text.join(' ')} (${(operations / 1e6).toFixed(0)} million operations)`;
}

/** Bars from the slowest row, which has one cell, to the highest roof. */
function barsOf({ machine, rows }: LadderResult): string[] {
  const least = Math.min(...rows.map(({ gflops }) => gflops));
  const most = Math.max(machine.peak ?? 0, ...rows.map(({ gflops }) => gflops));
  const span = Math.max(log(most / least), 1e-9);
  return rows.map(({ gflops }) => '█'.repeat(1 + Math.round(((BAR - 1) * log(gflops / least)) / span)));
}

const turnsOf = (rows: readonly LadderRow[]): string => {
  const counts = rows.map(({ turns }) => turns.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(most) : `${least} to ${most}`;
};

const rate = (x: number): string => (x >= 0.995 ? x.toFixed(x >= 9.95 ? 1 : 2) : x.toPrecision(2));
const factor = (x: number): string => `${x >= 9.95 ? x.toFixed(0) : x >= 0.095 ? x.toFixed(1) : x.toPrecision(1)}×`;
const percent = (x: number): string => `${(100 * x).toFixed(x < 0.0995 ? 1 : 0)} %`;
