/**
 * The suite `memory`: the resident set of a process over many updates of a small model. After a warm-up of half as many updates,
 * in which the engine compiles and the heap reaches its size, it should be flat.
 */
import { runChild } from './child.js';
import type { MemoryPoint } from './statistics.js';
import { rowOfValues, slopeOf } from './statistics.js';
import type { Context, Row, SuiteParts } from './types.js';

interface Point extends MemoryPoint {
  readonly backend: string;
}

/**
 * The rows of the suite: the value at the start of the steady state, the maximum, the value at the end, and the slope of a fitted
 * line.
 */
export async function* memory(context: Context): SuiteParts {
  if (!['rss-start', 'rss-max', 'rss-end', 'rss-slope'].some((name) => context.wants(name))) return;
  const points: Point[] = [];
  const onPoint = (value: unknown): void => {
    points.push(value as Point);
    context.progress('memory', (value as Point).step, context.steps);
  };
  await runChild('memory-child.js', [String(context.steps)], onPoint, context.signal);
  const tenth = Math.max(1, Math.floor(points.length / 10));
  const rss = points.map((point) => point.rss);
  const common = { suite: 'memory', system: 'bptt', version: context.version, threads: 1 } as const;
  const row = (name: string, values: readonly number[]): Row =>
    rowOfValues({ ...common, case: name, backend: points[0].backend, metric: 'MiB' }, values);
  const slope = { ...common, case: 'rss-slope', backend: points[0].backend, metric: 'KiB/1000 steps' } as const;
  yield [
    row('rss-start', rss.slice(0, tenth)),
    row('rss-max', [Math.max(...rss)]),
    row('rss-end', rss.slice(-tenth)),
    rowOfValues(slope, [slopeOf(points)]),
  ].filter((each) => context.wants(each.case));
}
