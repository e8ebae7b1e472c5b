/** `bptt bench --history`: the results of earlier releases on each machine, as a table and as a chart over releases. */
import { existsSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { saveFile } from '../../serialize/save.node.js';
import { ArgumentError, BpttError } from '../../tensor/index.js';
import { messageOf } from '../../tensor/errors.js';
import { counted, table } from '../../tensor/print.js';
import type { Point, Trend } from '../../bench/history.js';
import { BUSY, fileNameOf, keep, readHistory, trendsOf } from '../../bench/history.js';
import { describeComparison, speedOf } from '../../bench/compare.js';
import type { Result } from '../../bench/report.js';
import { isRate } from '../../bench/types.js';
import { NOT_FOR_LADDER } from './ladder.js';
import { drawPicture, MOST_LINES } from '../curves/chart-svg.js';
import type { Chart } from '../curves/chart-svg.js';
import { sparkline } from '../curves/sparkline.js';
import { checkOutputs } from '../outputs.js';
import type { Terminal } from '../terminal.js';
import { print, printJson } from '../terminal.js';

/** Options of `bptt bench` that apply to a history. */
export interface HistoryCommand {
  /** A folder of recorded runs; `true` for that of the clone. */
  readonly history: string | true;
  readonly case?: readonly string[];
  readonly svg?: string;
  readonly json?: boolean;
}

/** Options of `bptt bench` that do not apply to a history. */
export const NOT_FOR_HISTORY = [...NOT_FOR_LADDER, 'sizes', 'ladder', 'record', 'quick', 'time'];

/** Creates the folder of `--record`. @throws ArgumentError if a file has its name; BpttError if it cannot be created */
export async function prepareRecord(folder: string): Promise<void> {
  if (folder === '') throw new ArgumentError('--record must name a folder; got an empty name: pass one');
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw new ArgumentError(`--record ${folder} is not a folder; pass a folder to write files in`);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new BpttError(`cannot make the folder ${folder} of --record: ${messageOf(error)}; choose another one`, {
      cause: error,
    });
  }
}

/**
 * Records a run.
 *
 * @param load load average before it
 * @returns a line about what was written
 */
export async function record(folder: string, result: Result, load: number): Promise<string> {
  if (result.rows.length === 0)
    throw new BpttError('--record: no row was measured, so nothing is recorded; choose a case that runs');
  const path = join(folder, fileNameOf(result.machine));
  const there = existsSync(path) ? ', replacing the earlier run' : '';
  const kept = keep(result, new Date().toISOString().slice(0, 10), [load, loadavg()[0]]);
  await saveFile(path, new TextEncoder().encode(`${JSON.stringify(kept)}\n`));
  return `${path}: ${counted(result.rows.length, 'row')} kept${there}`;
}

/** Number of releases that a table shows, most recent ones; the curve next to them shows all. */
const SHOWN = 4;

/** Shows the trends of a folder. */
export async function runHistoryCommand(options: HistoryCommand, terminal: Terminal): Promise<void> {
  const folder = options.history === true ? undefined : options.history;
  await checkOutputs({ '--svg': options.svg }, [folder]);
  const { case: cases } = options;
  const trends = trendsOf(
    readHistory(folder),
    (name) => cases === undefined || cases.some((part) => name.includes(part)),
  );
  if (trends.length === 0) {
    throw new ArgumentError(
      `--case ${cases?.join(', ')}: no recorded run has a case with this in its name; leave --case out`,
    );
  }
  if (options.svg !== undefined) await saveFile(options.svg, new TextEncoder().encode(drawHistory(trends)));
  if (options.json) return printJson(terminal, { trends });
  await print(terminal, describeHistory(trends));
}

/** A table per machine: the last releases, a curve over all of them, and the last one compared with the previous one. */
export function describeHistory(trends: readonly Trend[]): string {
  return groupsOf(trends, ({ machine }) => machine)
    .map(([machine, group]) => {
      const releases = releasesOf(group);
      const shown = releases.slice(-SHOWN);
      const head = ['case', 'system', 'metric', ...shown.map(({ label }) => label), 'all', 'last by the one before'];
      const lines = group.map((trend) => {
        const at = (version: string): Point | undefined => trend.points.find((point) => point.version === version);
        const all = releases.map(({ version }) => at(version)?.p50 ?? null);
        const last = trend.points.at(-1)?.toEarlier;
        return [
          ...[`${trend.suite} ${trend.case}`, systemOf(trend), trend.metric],
          ...shown.map(({ version }) => figure(at(version)?.p50)),
          ...[sparkline(all, 20), last === undefined ? '' : describeComparison(last)],
        ];
      });
      const busy = releases.filter(({ load }) => load >= BUSY);
      const notes = busy.map(({ version, load }) => `* ${version}: other programs ran, load ${load.toFixed(1)}`);
      return [machine, table([head, ...lines]), ...notes].join('\n');
    })
    .join('\n\n');
}

/** A chart per machine and suite: the speed of every case relative to the first release. */
export function drawHistory(trends: readonly Trend[]): string {
  const names = [...new Set(trends.map(nameOf))];
  if (names.length > MOST_LINES) {
    throw new ArgumentError(
      `--history: ${names.length} cases cannot be told apart in one picture; expected at most ${MOST_LINES}: choose some with --case`,
    );
  }
  const charts = groupsOf(trends, ({ machine, suite }) => `${suite}: ${machine}`).map(([title, group]): Chart => {
    const releases = releasesOf(trends.filter(({ machine }) => machine === group[0].machine));
    return {
      title,
      xLabel: axisLabel(releases),
      xScale: 'integers',
      lines: group.map((trend) => ({
        place: names.indexOf(nameOf(trend)),
        points: releases.flatMap(({ version }, i) => {
          const point = trend.points.find((each) => each.version === version);
          return point === undefined ? [] : [{ x: i + 1, y: speedByFirst(trend, point), ring: point.load >= BUSY }];
        }),
      })),
      format: (value) => `${Number(value.toPrecision(3))}×`,
    };
  });
  const last = trends.map(
    (trend) => `${nameOf(trend)} ${speedByFirst(trend, trend.points[trend.points.length - 1]).toFixed(2)}×`,
  );
  return drawPicture({
    title: 'Speed over releases',
    description: `Speed of each case by that of its first release on the same machine; a ring marks runs during which other programs ran. Last: ${last.join(', ')}.`,
    names,
    charts,
  });
}

function axisLabel(releases: readonly Release[]): string {
  const [first, last] = [releases[0], releases[releases.length - 1]];
  return `release: 1 = ${first.label}${releases.length === 1 ? '' : `, ${releases.length} = ${last.label}`}`;
}

/** Above 1 if a release is faster than the first one, whatever the metric. */
function speedByFirst({ points, metric }: Trend, { p50 }: Point): number {
  const ratio = p50 / points[0].p50;
  return isRate(metric) ? ratio : (speedOf({ ratio, verdict: 'unclear', paired: false }, metric).ratio ?? 1);
}

interface Release {
  readonly version: string;
  readonly label: string;
  readonly load: number;
}

/** Releases of some trends, each once; a star marks those timed while other programs were running. */
function releasesOf(trends: readonly Trend[]): Release[] {
  const found = new Map<string, Release>();
  for (const { version, load } of trends.flatMap(({ points }) => points)) {
    const most = Math.max(load, found.get(version)?.load ?? 0);
    found.set(version, { version, label: `${version}${most >= BUSY ? '*' : ''}`, load: most });
  }
  return [...found.values()];
}

function groupsOf(trends: readonly Trend[], keyOf: (trend: Trend) => string): [string, Trend[]][] {
  const groups = new Map<string, Trend[]>();
  for (const trend of trends) groups.set(keyOf(trend), [...(groups.get(keyOf(trend)) ?? []), trend]);
  return [...groups];
}

const systemOf = ({ system, threads }: Trend): string => (threads > 1 ? `${system}, ${threads} threads` : system);
const nameOf = (trend: Trend): string => `${trend.case} ${systemOf(trend)}`;

function figure(x: number | undefined): string {
  if (x === undefined) return '';
  return x >= 1000 ? String(Math.round(x)) : x.toPrecision(3);
}
