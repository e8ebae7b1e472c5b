/** What a benchmark is made of: contestants that do the same work, and the rows that come of it. */
import type { Kernels } from '../kernels/types.js';
import type { Peers } from './peers.js';

/** Names of the suites, in the order in which they run. */
export const SUITES = ['gemm', 'layer', 'tagger', 'threads', 'cold', 'memory'] as const;
export type SuiteName = (typeof SUITES)[number];

/** Where a row was measured, if not on the processor and in this Node alone. */
export interface Place {
  /** The graphics device: the name of its renderer. */
  readonly device?: string;
  /** Whether the device is a software rasterizer; there where `device` is. */
  readonly software?: boolean;
  /** The browser, with its version. */
  readonly engine?: string;
}

/** What is measured. Of the first two more is better, of the others less. */
export type Metric = 'GFLOP/s' | 'tokens/s' | 'ms' | 'MiB' | 'KiB/1000 steps';

/** One line of the result. This form is a contract: scripts read it. */
export interface Row extends Place {
  readonly suite: SuiteName;
  /** `train-b32-lstm`, `addMatmul-512x512x512` (M×K×N), … */
  readonly case: string;
  /** Who: `bptt`, `pytorch`, … */
  readonly system: string;
  readonly version: string;
  /** What really ran: `wasm-simd`, `cpu`, the device of a peer. */
  readonly backend: string;
  readonly threads: number;
  readonly metric: Metric;
  /** The median. */
  readonly p50: number;
  /** What 95 % of the samples reach or exceed in quality: of a rate the 5th percentile, of a duration the 95th. */
  readonly p95: number;
}

/** One measurement. */
export interface Sample {
  /** Milliseconds of one call: the mean over the calls made. */
  readonly ms: number;
  /** Milliseconds that all calls took together. */
  readonly cost: number;
}

/** Somebody who does the work of a case. */
export interface Contestant extends Place {
  readonly system: string;
  readonly version: string;
  readonly backend: string;
  readonly threads: number;
  /** Does the work, as often as a clock needs to see it. */
  sample(): Sample | Promise<Sample>;
  /**
   * What is wrong with it after its last turn: of code that nobody here has tested. Who has this must not give up either; its
   * row is not shown then, and the command fails in the end.
   */
  faultAtLast?(): string | undefined;
  /** Gives back what it holds; called once, after the last turn. */
  close?(): void | Promise<void>;
}

/** How long to measure. */
export interface Budget {
  /** How often each contestant has its turn. */
  readonly turns: number;
  /** Milliseconds of a turn; at least one sample is taken. */
  readonly turnMs: number;
  /** Milliseconds before the first turn. */
  readonly warmupMs: number;
  /** A graphics device that takes longer for one call than this is skipped. */
  readonly slowestMs: number;
}

/** A backend of this package. */
export interface Backend {
  /** `bptt` for the one that `auto` takes, `bptt-cpu` and the like for the others. */
  readonly system: string;
  /** What rows say that ran. */
  readonly backend: string;
  readonly kernels: Kernels;
  /** The graphics device behind it, where there is one. */
  readonly graphics?: Graphics;
  /** The suites in which it takes part; all by default. */
  readonly suites?: readonly SuiteName[];
}

/** A graphics device that is timed. */
export interface Graphics {
  readonly place: Place;
  /** GFLOP/s of a product of moderate size: tells beforehand what would take too long. */
  readonly rate: number;
}

/** Products somebody brought. */
export interface UserKernel {
  /** Name of the file, without folders. */
  readonly system: string;
  readonly kernels: Partial<Pick<Kernels, 'addMatmul' | 'addMatmulTA' | 'addMatmulTB'>>;
}

/** What a suite may use. */
export interface Context {
  readonly version: string;
  readonly budget: Budget;
  readonly backends: readonly Backend[];
  readonly peers: Peers;
  readonly userKernel?: UserKernel;
  /** Whether a plot was asked for, which needs more sizes. */
  readonly plotting: boolean;
  readonly quick: boolean;
  /** Updates of the memory suite. */
  readonly steps: number;
  /** Whether a case is wanted; the others cost nothing. */
  wants(name: string): boolean;
  /** Says on standard error what is under way. */
  progress(label: string, done: number, total: number): void;
  /** A line on standard error that stays: who was skipped, and why. */
  note(line: string): void;
  /** Somebody computed something else: not timed, and the command fails in the end. */
  wrong(line: string): void;
}

/** A suite: its rows, in the order in which they are shown. */
export type Suite = (context: Context) => Promise<Row[]>;

/** Whether more of a metric is better. */
export function isRate(metric: Metric): boolean {
  return metric === 'GFLOP/s' || metric === 'tokens/s';
}

/** The backends that take part in a suite. */
export function backendsOf({ backends }: Pick<Context, 'backends'>, suite: SuiteName): Backend[] {
  return backends.filter(({ suites }) => suites?.includes(suite) ?? true);
}
