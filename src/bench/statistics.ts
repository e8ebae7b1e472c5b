/** Converts samples to rows. */
import type { Contestant, Metric, Place, Race, Row } from './types.js';
import { isRate } from './types.js';

/** The resident set after some updates. */
export interface MemoryPoint {
  readonly step: number;
  /** MiB */
  readonly rss: number;
}

/** The q-quantile of samples, 0 ≤ q ≤ 1, interpolated between neighbors (definition 7 of Hyndman & Fan, 1996). */
export function quantile(samples: readonly number[], q: number): number {
  return quantileOfSorted(Float64Array.from(samples).sort(), q);
}

/** `quantile` of samples in ascending order. */
export function quantileOfSorted(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)] - below);
}

/** Converts milliseconds to the metric of a race. */
function valueOf(ms: number, metric: Metric, work: number): number {
  if (metric === 'GFLOP/s') return work / ms / 1e6;
  return metric === 'tokens/s' ? (1000 * work) / ms : ms;
}

/** Fields of a place; empty for systems on the processor and in this Node. */
function placeOf({ device, software = false, engine, blas, ran }: Place): Place {
  const given = Object.entries({ engine, blas, ran }).filter(([, value]) => value !== undefined);
  return { ...(device === undefined ? {} : { device, software }), ...Object.fromEntries(given) };
}

/** Results of a contestant in one turn. */
export interface Turn {
  /** Milliseconds per call of each sample. */
  readonly ms: readonly number[];
  /** GFLOP/s of the machine right after the turn, if known. */
  readonly pace?: number;
}

/** The row of a contestant, from its turns. */
export function rowOf(
  { suite, case: name, metric, work }: Omit<Race, 'contestants'>,
  who: Omit<Contestant, 'sample' | 'close'>,
  taken: readonly Turn[],
): Row {
  const { system, version, backend, threads } = who;
  const ms = taken.flatMap((turn) => turn.ms);
  const at = (q: number): number => valueOf(quantile(ms, q), metric, work);
  const paces = taken.flatMap(({ pace }) => (pace === undefined ? [] : [rounded(pace)]));
  return {
    ...{ suite, case: name, system, version, backend, threads, ...placeOf(who), metric, p50: at(0.5), p95: at(0.95) },
    turns: taken.map((turn) => rounded(valueOf(quantile(turn.ms, 0.5), metric, work))),
    ...(paces.length === taken.length ? { pace: paces } : {}),
  };
}

/** Five digits: more precision than a clock on a busy machine provides, in a file that stays small. */
function rounded(x: number): number {
  return Number(x.toPrecision(5));
}

/** A row of plain numbers that are already in the metric. */
export function rowOfValues(row: Omit<Row, 'p50' | 'p95'>, values: readonly number[]): Row {
  return { ...row, p50: quantile(values, 0.5), p95: quantile(values, isRate(row.metric) ? 0.05 : 0.95) };
}

/** KiB per 1,000 steps by least squares; 0 for a single point. */
export function slopeOf(points: readonly MemoryPoint[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  const [step, rss] = [mean(points.map((point) => point.step)), mean(points.map((point) => point.rss))];
  const spread = points.reduce((sum, point) => sum + (point.step - step) * (point.step - step), 0);
  const common = points.reduce((sum, point) => sum + (point.step - step) * (point.rss - rss), 0);
  return spread === 0 ? 0 : (1000 * 1024 * common) / spread;
}
