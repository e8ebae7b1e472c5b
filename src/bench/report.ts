/** Formats results for people: a table per suite, with the earlier run if one is given. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { DataError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import { grouped, table } from '../tensor/print.js';
import type { Machine } from './machine.js';
import { EARLIER } from './types.js';
import { compare, describeComparison } from './compare.js';
import type { Row } from './types.js';
import { SUITES } from './types.js';

/** A whole run: the output of `--json`. */
export interface Result {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  /** Present if the run was stopped early: the rows are then those of the finished cases. */
  readonly interrupted?: true;
}

/** What rows are compared with. */
export interface Earlier {
  readonly rows: readonly Row[];
  /** Whether they were measured in turns with the rows. */
  readonly paired: boolean;
}

/** An incremental table: rows are shown as they arrive, all rows of a case together. */
export interface Report {
  /** The lines about the machine. */
  head(): string;
  /** The lines of one case, or of rows that belong together, preceded by name and columns for a new suite. */
  add(rows: readonly Row[]): string;
  /** Remarks below the last table. */
  end(): string;
}

/** Minimum column widths, so that later rows align with those already shown. */
const WIDTHS: Readonly<Record<string, number>> = {
  case: 24,
  system: 15,
  version: 7,
  backend: 14,
  metric: 8,
  p50: 7,
  p95: 7,
  'to bptt': 7,
};

/**
 * Starts a report.
 *
 * @param earlier rows for comparison, if any; its rows may arrive later
 */
export function createReport(machine: Machine, earlier?: Earlier): Report {
  let suite: string | undefined;
  let shown: Row[] = [];
  let widths: number[] = [];
  const close = (): string => placesOf(shown).join('\n');
  return {
    head: () => headOf(machine),
    add(rows) {
      if (rows.length === 0) return '';
      const lines: string[] = [];
      const known = rows[0].suite === suite ? [...shown, ...rows] : rows;
      const cells = rows.map((row) => cellsOf(row, known, machine.peak, earlier));
      if (rows[0].suite !== suite) {
        const places = close();
        if (places !== '') lines.push(places);
        suite = rows[0].suite;
        shown = [];
        const head = columnsOf(rows, machine.peak, earlier);
        widths = head.map((name) => Math.max(name.length, WIDTHS[name] ?? 0));
        lines.push('', suite);
        cells.unshift(head);
      }
      shown.push(...rows);
      widths = widths.map((width, j) => Math.max(width, ...cells.map((line) => line[j].length)));
      return [
        ...lines,
        table([widths.map((n) => ' '.repeat(n)), ...cells])
          .split('\n')
          .slice(1)
          .join('\n'),
      ].join('\n');
    },
    end: close,
  };
}

function headOf({ cpu, cores, memoryGiB, node, v8, bptt, peak, os }: Machine): string {
  const shownPeak =
    peak === null ? 'no WebAssembly SIMD' : `peak of one core in 128-bit lanes ${peak.toFixed(1)} GFLOP/s`;
  return `bptt ${bptt}, Node ${node}, V8 ${v8}, ${os}\n${cpu}, ${cores} cores, ${memoryGiB} GiB, ${shownPeak}`;
}

/** Formats a whole result at once: the lines about the machine, then one paragraph per suite. */
export function describeResult({ machine, rows }: Result, earlier?: Earlier): string {
  const report = createReport(machine, earlier);
  const suites = SUITES.map((suite) => rows.filter((row) => row.suite === suite));
  return [report.head(), ...suites.map((each) => report.add(each)), report.end()].filter(Boolean).join('\n');
}

function columnsOf(rows: readonly Row[], peak: number | null, earlier?: Earlier): string[] {
  const optional = (wanted: boolean, name: string): string[] => (wanted ? [name] : []);
  return [
    ...['case', 'system', 'version', 'backend', 'threads', 'metric', 'p50', 'p95', 'to bptt'],
    ...optional(rows[0].metric === 'GFLOP/s' && peak !== null, 'of peak'),
    ...optional(earlier !== undefined, 'to earlier'),
  ];
}

function cellsOf(row: Row, rows: readonly Row[], peak: number | null, earlier?: Earlier): string[] {
  const optional = (cell: string | undefined): string[] => (cell === undefined ? [] : [cell]);
  return [
    ...[row.case, row.system, row.version, row.backend, threadsOf(row), row.metric],
    ...[figure(row.p50), figure(row.p95), toBptt(row, rows)],
    ...optional(row.metric === 'GFLOP/s' && peak !== null ? `${((100 * row.p50) / peak).toFixed(0)} %` : undefined),
    ...optional(earlier && toEarlier(row, earlier)),
  ];
}

function toEarlier(row: Row, { rows, paired }: Earlier): string {
  if (row.system.startsWith(EARLIER)) return '';
  return describeComparison(row.toEarlier ?? compare(row, rows, paired));
}

/** A line per GPU, browser and BLAS: which system runs where and on what. */
function placesOf(rows: readonly Row[]): string[] {
  const lines = rows.flatMap(({ system, backend, device, software, engine, blas }) => {
    if (device === undefined && engine === undefined && blas === undefined) return [];
    const on = device === undefined ? '' : ` on ${device}${software ? ', a software rasterizer' : ''}`;
    const by = blas === undefined ? '' : ` with ${blas}${isReference(blas) ? `: ${ADVICE}` : ''}`;
    return [`${system}: ${backend}${on}${engine === undefined ? '' : `, in ${engine}`}${by}`];
  });
  return [...new Set(lines)];
}

/** Whether a BLAS is the Netlib reference, whose plain loops say little about the speed of a library. */
export function isReference(blas: string): boolean {
  return blas.startsWith('reference BLAS');
}

/** Advice for that case. */
export const ADVICE =
  'plain loops, not a fair measure of that system; install another BLAS, on Debian: apt-get install -y libopenblas0';

/** Number of threads as set, and the number that ran if it differs. */
function threadsOf({ threads, ran }: Row): string {
  return ran === undefined || ran === threads ? String(threads) : `${threads} (${ran} ran)`;
}

/** Speed of another system relative to `bptt`: below 1, the other system is slower. */
function toBptt(row: Row, rows: readonly Row[]): string {
  const own = rows.find((each) => each.system === 'bptt' && each.case === row.case && each.metric === row.metric);
  return own === undefined || own === row || own.p50 === 0 ? '' : `${figure(row.p50 / own.p50)}×`;
}

/** About three digits; two for small numbers. */
function figure(x: number): string {
  if (Math.abs(x) >= 1000) return `${x < 0 ? '-' : ''}${grouped(Math.round(Math.abs(x)))}`;
  if (Math.abs(x) < 0.1) return x.toPrecision(2);
  return x.toFixed(Math.abs(x) >= 100 ? 0 : Math.abs(x) >= 10 ? 1 : 2);
}

/**
 * Reads the `--json` output of an earlier run.
 *
 * @throws DataError if there is no such file, it cannot be read, or it holds anything else
 */
export function readResult(path: string): Result {
  const wanted = 'it must be the output of bptt bench --json';
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
    throw new DataError(`${path} is not JSON; ${wanted}`);
  }
  if (!isResult(value)) throw new DataError(`${path} has no machine and rows; ${wanted}`);
  return value;
}

/** Whether a value has the fields that tables, and scripts that read them, need. */
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

/** The fields of an object; empty for anything else. */
function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
