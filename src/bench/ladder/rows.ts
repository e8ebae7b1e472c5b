/** Converts turns to rows: rates, gains over the previous rung, shares of the roof. */
import type { LadderRow, Work, WorkItem } from './types.js';

/** Results of a rung after the race. */
export type Measured = Omit<LadderRow, 'ms' | 'gflops' | 'gain' | 'over' | 'share'>;

/** Peak of one core: GFLOP/s in 128-bit lanes, GB/s of its memory. */
export interface Roof {
  readonly peak: number | null;
  readonly bandwidth?: number;
}

/** GFLOP/s that a number of cores can reach on a workload (the roofline); undefined if the peak is unknown. */
export function roofOf({ peak, bandwidth = Infinity }: Roof, { intensity }: WorkItem, threads = 1): number | undefined {
  return peak === null ? undefined : Math.min(threads * peak, bandwidth * intensity);
}

/** Rows in the order of the rungs; a rung without a turn is left out. */
export function rowsOf(measured: readonly Measured[], work: Readonly<Record<Work, WorkItem>>, roof: Roof): LadderRow[] {
  const rows: LadderRow[] = [];
  for (const each of measured.filter(({ turns }) => turns.length > 0)) {
    const ms = Math.min(...each.turns);
    const gflops = work[each.work].operations / ms / 1e6;
    const before = rows.filter((row) => row.work === each.work).at(-1);
    const top = each.device === undefined ? roofOf(roof, work[each.work], each.threads) : undefined;
    rows.push({
      ...each,
      ...{ ms, gflops, turns: each.turns.map((x) => Number(x.toPrecision(5))) },
      ...(before === undefined ? {} : { gain: gflops / before.gflops, over: before.rung }),
      ...(top === undefined ? {} : { share: gflops / top }),
    });
  }
  return rows;
}
