/** The bench history: one file per release and machine, read back as trends over releases. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError, DataError } from '../tensor/index.js';
import type { Comparison } from './compare.js';
import { compare } from './compare.js';
import type { Machine } from './machine.js';
import { folderOfPackage } from './package-info.js';
import type { Result } from './report.js';
import { readResult } from './report.js';
import type { Row } from './types.js';

/** A recorded run: the output of `--json`, plus its date and the load on the machine. `--against` reads it like any other run. */
export interface Kept extends Result {
  readonly format: 1;
  readonly recorded: {
    /** Day of the run, `2026-11-29`. */
    readonly date: string;
    /** Load average over a minute, before and after. */
    readonly load: readonly [before: number, after: number];
  };
}

/** A case over the releases timed on one machine. */
export interface Trend extends Pick<Row, 'suite' | 'case' | 'system' | 'threads' | 'metric'> {
  readonly machine: string;
  readonly points: readonly Point[];
}

/** A release in a trend. */
export interface Point {
  readonly version: string;
  readonly date: string;
  readonly load: number;
  readonly p50: number;
  /** Comparison with the previous release; undefined for the first one. */
  readonly toEarlier?: Comparison;
}

/** The load average above which another program must have been running. */
export const BUSY = 1.5;

/** The recorded form of a result. */
export function keep({ machine, rows }: Result, date: string, load: readonly [number, number]): Kept {
  const rounded = load.map((x) => Number(x.toFixed(2))) as [number, number];
  return { format: 1, recorded: { date, load: rounded }, machine, rows };
}

/** Description of a machine: processor, cores, and the major version of Node, whose compiler affects the figures. */
export function machineName({ cpu, cores, node }: Machine): string {
  return `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}, Node ${node.split('.')[0]}`;
}

/** `0.1.0-amd-epyc-2-cores-node-20.json`: one file per release and machine. */
export function fileNameOf(machine: Machine): string {
  const slug = machineName(machine)
    .toLowerCase()
    .replace(/\((r|tm)\)/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${machine.bptt}-${slug}.json`;
}

/**
 * Reads a folder of recorded runs, in order of release and day.
 *
 * @param folder default: that of the clone
 * @throws ArgumentError if there is none; DataError if a file holds anything else
 */
export function readHistory(folder?: string, home = folderOfPackage()): Kept[] {
  const path = folder ?? join(home, 'bench/history');
  if (!existsSync(path) || !statSync(path).isDirectory()) {
    throw new ArgumentError(
      folder === undefined
        ? '--history: the runs of earlier releases are part of a clone, not of the package; clone the repository, or pass a folder that --record has written'
        : `--history ${folder}: there is no such folder; pass one that --record has written`,
    );
  }
  const names = readdirSync(path).filter((name) => name.endsWith('.json'));
  if (names.length === 0)
    throw new ArgumentError(`--history ${path} has no runs; write one: bptt bench --record ${path}`);
  return names.map((name) => readKept(join(path, name))).sort(inOrder);
}

/** Reads one recorded run. @throws DataError if the file holds anything else */
export function readKept(path: string): Kept {
  const result = readResult(path) as Partial<Kept> & Result;
  const { format, recorded, machine } = result;
  const load = recorded?.load;
  const right =
    format === 1 &&
    /^\d{4}-\d\d-\d\d$/.test(recorded?.date ?? '') &&
    load?.length === 2 &&
    load.every((x) => Number.isFinite(x) && x >= 0) &&
    ['bptt', 'node'].every((key) => typeof (machine as unknown as Record<string, unknown>)[key] === 'string') &&
    Number.isInteger(machine.cores);
  if (right) return result as Kept;
  throw new DataError(`${path} is not a recorded run; it must be a file that bptt bench --record wrote (format 1)`);
}

function inOrder(x: Kept, y: Kept): number {
  return compareVersions(x.machine.bptt, y.machine.bptt) || (x.recorded.date < y.recorded.date ? -1 : 1);
}

/** Compares versions; negative if x precedes y: numbers by value, a pre-release before its release. */
export function compareVersions(x: string, y: string): number {
  const [[a, preA = ''], [b, preB = '']] = [x, y].map((version) => version.split(/-(.*)/));
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  const at = left.findIndex((n, i) => n !== right[i]);
  if (at >= 0) return left[at] - (right[at] ?? 0);
  if (preA === preB) return 0;
  if (preA === '' || preB === '') return preA === '' ? 1 : -1;
  return preA.localeCompare(preB, 'en', { numeric: true });
}

/**
 * Trends of this package's own rows, by machine and case. Each release is compared with the previous one as `--against` compares
 * files.
 *
 * @param wants whether to include a case
 */
export function trendsOf(files: readonly Kept[], wants: (name: string) => boolean = () => true): Trend[] {
  const trends = new Map<string, Trend & { points: Point[] }>();
  const before = new Map<string, Kept>();
  for (const file of files) {
    const machine = machineName(file.machine);
    const earlier = before.get(machine)?.rows ?? [];
    for (const row of file.rows.filter((each) => /^bptt(-|$)/.test(each.system) && wants(each.case))) {
      const { suite, case: name, system, threads, metric, p50 } = row;
      const key = JSON.stringify([machine, suite, name, system, threads, metric]);
      const trend = trends.get(key) ?? { machine, suite, case: name, system, threads, metric, points: [] };
      const toEarlier = compare(row, earlier) ?? undefined;
      const { date, load } = file.recorded;
      trend.points.push({ version: file.machine.bptt, date, load: Math.max(...load), p50, toEarlier });
      trends.set(key, trend);
    }
    before.set(machine, file);
  }
  return [...trends.values()];
}
