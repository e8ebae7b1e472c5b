/** The machine that the figures come from. */
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { measureBandwidth, measurePeak } from './peak.js';

/** The machine and the versions behind a result. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  readonly v8: string;
  readonly bptt: string;
  /** GFLOP/s of one core in 128-bit lanes, with separate multiplication and addition; null without WebAssembly SIMD. */
  readonly peak: number | null;
  /** GB/s of one core to and from memory, for a copy larger than any cache; only measured for a plot. */
  readonly bandwidth?: number;
}

/** Describes this machine; measuring its peak takes a few milliseconds, and measuring its memory (if `plotting`) some more. */
export function describeMachine(version: string, plotting = false): Machine {
  return {
    cpu: cpus().at(0)?.model.trim() || 'unknown processor',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${process.platform} ${process.arch} ${release()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    bptt: version,
    peak: measurePeak(),
    ...(plotting ? { bandwidth: measureBandwidth() } : {}),
  };
}
