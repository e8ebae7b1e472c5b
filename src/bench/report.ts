/** Results as people read them: a table per suite, beside an earlier run where one is given. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { DataError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import { grouped, table } from '../tensor/print.js';
import type { Machine } from './machine.js';
import type { Row } from './types.js';
import { isRate, SUITES } from './types.js';

/** A whole run: what `--json` prints. */
export interface Result {
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

/** Changes smaller than this are noise, however steady both runs were. */
const LEAST_CHANGE = 0.02;

/** One paragraph per suite, under a line about the machine. */
export function describeResult({ machine, rows }: Result, earlier?: Result): string {
  const { cpu, cores, memoryGiB, node, v8, bptt, peak, os } = machine;
  const shownPeak =
    peak === null ? 'no WebAssembly SIMD' : `peak of one core in 128-bit lanes ${peak.toFixed(1)} GFLOP/s`;
  const head = `bptt ${bptt}, Node ${node}, V8 ${v8}, ${os}\n${cpu}, ${cores} cores, ${memoryGiB} GiB, ${shownPeak}`;
  const paragraphs = SUITES.flatMap((suite) => {
    const own = rows.filter((row) => row.suite === suite);
    return own.length === 0 ? [] : [[suite, tableOf(own, peak, earlier), ...placesOf(own)].join('\n')];
  });
  return [head, ...paragraphs].join('\n\n');
}

function tableOf(rows: readonly Row[], peak: number | null, earlier?: Result): string {
  const withPeak = rows.some((row) => row.metric === 'GFLOP/s') && peak !== null;
  const optional = <T>(wanted: boolean, cell: T): T[] => (wanted ? [cell] : []);
  const head = [
    ...['case', 'system', 'version', 'backend', 'threads', 'metric', 'p50', 'p95', 'to bptt'],
    ...optional(withPeak, 'of peak'),
    ...optional(earlier !== undefined, 'to earlier'),
  ];
  const lines = rows.map((row) => [
    ...[row.case, row.system, row.version, row.backend, String(row.threads), row.metric],
    ...[figure(row.p50), figure(row.p95), toBptt(row, rows)],
    ...optional(withPeak, peak === null ? '' : `${((100 * row.p50) / peak).toFixed(0)} %`),
    ...optional(earlier !== undefined, earlier === undefined ? '' : toEarlier(row, earlier.rows)),
  ]);
  return table([head, ...lines]);
}

/** A line per graphics device and browser: who runs where. */
function placesOf(rows: readonly Row[]): string[] {
  const lines = rows.flatMap(({ system, backend, device, software, engine }) => {
    if (device === undefined && engine === undefined) return [];
    const on = device === undefined ? '' : ` on ${device}${software ? ', a software rasterizer' : ''}`;
    return [`${system}: ${backend}${on}${engine === undefined ? '' : `, in ${engine}`}`];
  });
  return [...new Set(lines)];
}

/** How often `bptt` fits into somebody else: below 1, that system is the slower one. */
function toBptt(row: Row, rows: readonly Row[]): string {
  const own = rows.find((each) => each.system === 'bptt' && each.case === row.case && each.metric === row.metric);
  return own === undefined || own === row || own.p50 === 0 ? '' : `${figure(row.p50 / own.p50)}×`;
}

/** Three digits or so; two of what is small. */
function figure(x: number): string {
  if (Math.abs(x) >= 1000) return `${x < 0 ? '-' : ''}${grouped(Math.round(Math.abs(x)))}`;
  if (Math.abs(x) < 0.1) return x.toPrecision(2);
  return x.toFixed(Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? 1 : 2);
}

/** One row beside the same row of an earlier run. */
export interface Comparison {
  /** p50 now by p50 then. */
  readonly ratio: number;
  /** Whether the change exceeds the spread of both runs. */
  readonly real: boolean;
  readonly better: boolean;
}

/**
 * Compares a row with the row of the same suite, case, system, threads and metric; null where there is none. On a graphics
 * device its backend tells who it is: the system may be `bptt` or `bptt-gpu`, as the others of its run want it. A change is
 * real when it is larger than the larger of both runs' spreads, |p95 − p50| / p50, and than 2 %.
 */
export function compare(row: Row, earlier: readonly Row[]): Comparison | null {
  const who = (each: Row): string => (each.device === undefined ? each.system : each.backend);
  const keys = ['suite', 'case', 'threads', 'metric'] as const;
  const before = earlier.find((each) => who(each) === who(row) && keys.every((key) => each[key] === row[key]));
  if (before === undefined) return null;
  const ratio = row.p50 / before.p50;
  const spread = ({ p50, p95 }: Row): number => Math.abs(p95 - p50) / Math.abs(p50);
  const change = Math.abs(ratio - 1);
  const real = change > Math.max(LEAST_CHANGE, spread(row), spread(before));
  return { ratio, real, better: isRate(row.metric) === ratio > 1 };
}

function toEarlier(row: Row, earlier: readonly Row[]): string {
  const comparison = compare(row, earlier);
  if (comparison === null) return 'new';
  const { ratio, real, better } = comparison;
  return `${ratio.toFixed(2)}×${real ? (better ? ' better' : ' worse') : ''}`;
}

/**
 * Reads what an earlier run printed with `--json`.
 *
 * @throws DataError where there is no such file, it cannot be read, or it holds anything else
 */
export function readResult(path: string): Result {
  const wanted = 'it must hold what bptt bench --json printed';
  if (path === '' || !existsSync(path)) throw new DataError(`${path || "''"}: there is no such file; ${wanted}`);
  if (statSync(path).isDirectory()) throw new DataError(`${path} is a folder; give the file: ${wanted}`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${messageOf(error)}; ${wanted}`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DataError(`${path} is no JSON; ${wanted}`);
  }
  if (!isResult(value)) throw new DataError(`${path} has no machine and rows; ${wanted}`);
  return value;
}

/** Whether a value has the fields that a table, and scripts over tables, read. */
function isResult(value: unknown): value is Result {
  const { machine, rows } = fieldsOf(value);
  const { cpu, peak } = fieldsOf(machine);
  const isMachine = typeof cpu === 'string' && (peak === null || Number.isFinite(peak));
  return isMachine && Array.isArray(rows) && rows.every(isRow);
}

function isRow(value: unknown): value is Row {
  const row = fieldsOf(value);
  const texts = ['suite', 'case', 'system', 'version', 'backend', 'metric'];
  return (
    texts.every((key) => typeof row[key] === 'string') &&
    ['threads', 'p50', 'p95'].every((key) => Number.isFinite(row[key]))
  );
}

/** The fields of an object; of anything else, none. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
