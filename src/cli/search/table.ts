/** Formats a search for people: a line for each run, and a final table. */
import { visible } from '../../tensor/visible.js';
import { formatDuration } from '../progress.js';
import { percent } from '../report.js';
import type { Drawn } from './draw.js';
import type { Ranked } from './run.js';
import type { TrialRun } from './state.js';

/** Name of the first trial of a random search. */
export const DEFAULTS = 'defaults';

/** A value as a single word. */
export function valueText(value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return '-';
  if (Array.isArray(value)) return value.map(String).join(',');
  return visible(typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean));
}

/** The sampled values of a trial, in one line: `lr 0.0121 dropout 0.31`. */
export function drawnText(drawn: Drawn): string {
  const parts = Object.entries(drawn).map(([name, value]) => `${name} ${valueText(value)}`);
  return parts.length === 0 ? DEFAULTS : parts.join('  ');
}

/** A run that has just ended: `rung 1 of 3  trial 7  6 epochs  dev span F1 41.20 %  12 s  lr 0.0121 …`. */
export function runLine(run: TrialRun, rungs: number, drawn: Drawn): string {
  const said = run.result === null ? `failed: ${visible(run.failed ?? '')}` : `dev ${run.result.measure} ${percent(run.score!)}`; // prettier-ignore
  const parts = [
    `rung ${run.rung + 1} of ${rungs}`,
    `trial ${String(run.trial).padStart(2)}`,
    `${epochsText(run)} epochs`,
    said,
  ];
  return [...parts, formatDuration(run.seconds), drawnText(drawn)].join('  ');
}

/** Epochs of a run: `12 of 54` if patience ended it early. */
const epochsText = ({ epochs, result }: TrialRun): string =>
  result === null || result.trained === epochs ? `${epochs}` : `${result.trained} of ${epochs}`;

/**
 * All trials, best first: rank, number, epochs, score, seconds, and sampled values.
 *
 * @param idle whether a trial leaves a sampled setting unused
 */
export function tableOf(
  ranked: readonly Ranked[],
  trials: readonly Drawn[],
  idle: (trial: number, name: string) => boolean,
): string[] {
  const names = [...new Set(trials.flatMap((drawn) => Object.keys(drawn)))];
  const measure = ranked.find(({ result }) => result !== null)?.result?.measure ?? 'score';
  const head = ['rank', 'trial', 'epochs', 'best', `dev ${measure}`, 'time', ...names];
  const rows = ranked.map((run) => {
    const drawn = trials[run.trial - 1];
    const isDefault = Object.keys(drawn).length === 0;
    const values = names.map((name, place) => {
      if (isDefault) return place === 0 ? DEFAULTS : '';
      return idle(run.trial, name) ? '-' : valueText(drawn[name]);
    });
    const { rank, trial, result, score, seconds } = run;
    const scored = score === null ? 'failed' : percent(score);
    return [
      `${rank}`,
      `${trial}`,
      epochsText(run),
      `${result?.bestEpoch ?? ''}`,
      scored,
      formatDuration(seconds),
      ...values,
    ];
  });
  return [...aligned([head, ...rows]), ...ranked.flatMap(({ trial, failed }) => (failed === null ? [] : [`trial ${trial} failed: ${visible(failed)}`]))]; // prettier-ignore
}

/** Rows in columns: numbers right-aligned, sampled values left-aligned. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((text, column) => (column < 6 ? text.padStart(widths[column]) : text.padEnd(widths[column]))).join('  ').trimEnd(),
  ); // prettier-ignore
}
