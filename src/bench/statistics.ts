/** From samples to rows. */
import type { Contestant, Metric, Place, Row, SuiteName } from './types.js';
import { isRate } from './types.js';

/** A case that is ready to be timed. */
export interface Race {
  readonly suite: SuiteName;
  readonly case: string;
  readonly metric: Metric;
  /** Tokens, or floating-point operations, of one call. */
  readonly work: number;
  readonly contestants: readonly Contestant[];
}

/** The resident set after some updates. */
export interface MemoryPoint {
  readonly step: number;
  /** MiB */
  readonly rss: number;
}

/** The q-quantile of samples, 0 ≤ q ≤ 1, interpolated between neighbours (definition 7 of Hyndman & Fan, 1996). */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((x, y) => x - y);
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)];
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)] - below);
}

/** Milliseconds as the metric of a race wants them. */
function valueOf(ms: number, metric: Metric, work: number): number {
  if (metric === 'GFLOP/s') return work / ms / 1e6;
  return metric === 'tokens/s' ? (1000 * work) / ms : ms;
}

/** Fields of a place; none for who is on the processor and in this Node. */
function placeOf({ device, software = false, engine }: Place): Place {
  return { ...(device === undefined ? {} : { device, software }), ...(engine === undefined ? {} : { engine }) };
}

/** The row of a contestant, from its milliseconds per call. */
export function rowOf(
  { suite, case: name, metric, work }: Race,
  who: Omit<Contestant, 'sample' | 'close'>,
  ms: number[],
): Row {
  const { system, version, backend, threads } = who;
  const at = (q: number): number => valueOf(quantile(ms, q), metric, work);
  return { suite, case: name, system, version, backend, threads, ...placeOf(who), metric, p50: at(0.5), p95: at(0.95) };
}

/** A row of plain numbers, which are the metric already. */
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
