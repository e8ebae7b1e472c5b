/** What a benchmark is made of: contestants that do the same work, and the rows that come of it. */
import type { Kernels } from '../kernels/types.js';
import type { Comparison } from './compare.js';
import type { Peers } from './peers.js';

/** Names of the suites, in the order in which they run. */
export const SUITES = ['gemm', 'layer', 'crf', 'tagger', 'threads', 'cold', 'memory'] as const;
export type SuiteName = (typeof SUITES)[number];

/** Stands before the system of a row that an earlier build made. */
export const EARLIER = 'earlier:';

/** Where a row was measured, if not on the processor and in this Node alone. */
export interface Place {
  /** The GPU: the name of its renderer. */
  readonly device?: string;
  /** Whether the device is a software rasterizer; there where `device` is. */
  readonly software?: boolean;
  /** The browser, with its version. */
  readonly engine?: string;
  /** What a library multiplies matrices with: `OpenBLAS 0.3.21 (libopenblasp-r0.3.21.so)`, `reference BLAS 3.11.0 (…)`. */
  readonly blas?: string;
  /** Threads that ran in the case, where the system tells; `threads` is how many it was set to. */
  readonly ran?: number;
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
  /** The median of every turn, in the metric and in order: what an interval is made from. */
  readonly turns?: readonly number[];
  /** What the machine itself reached right after each of these turns, in GFLOP/s. */
  readonly pace?: readonly number[];
  /** Beside the same row of an earlier program, if there is one to compare with. */
  readonly toEarlier?: Comparison;
}

/** One measurement. */
export interface Sample {
  /** Milliseconds of one call: the mean over the calls made. */
  readonly ms: number;
  /** Milliseconds that all calls took together. */
  readonly cost: number;
}

/** A system that does the work of a case. */
export interface Contestant extends Place {
  readonly system: string;
  readonly version: string;
  readonly backend: string;
  readonly threads: number;
  /** Does the work, as often as a clock needs to see it. */
  sample(): Sample | Promise<Sample>;
  /**
   * What is wrong with it after its last turn: of code that is untested here. A system that has this must not give up either; its
   * row is not shown then, and the command fails in the end.
   */
  faultAtLast?(): string | undefined;
  /** Gives back what it holds; called once, after the last turn. */
  close?(): void | Promise<void>;
}

/** How long to measure. */
export interface Budget {
  /** How often each contestant has its turn, at most. */
  readonly turns: number;
  /** … and at least: where one call takes longer than a turn, turns are fewer and longer. */
  readonly leastTurns: number;
  /** Milliseconds of a turn if there are `turns` of them; at least one sample is taken. */
  readonly turnMs: number;
  /** Milliseconds before the first turn. */
  readonly warmupMs: number;
  /** A GPU that takes longer for one call than this is skipped. */
  readonly slowestMs: number;
}

/** A backend of this package. */
export interface Backend {
  /** `bptt` for the one that `auto` takes, `bptt-cpu` and the like for the others. */
  readonly system: string;
  /** What rows say that ran. */
  readonly backend: string;
  readonly kernels: Kernels;
  /** The GPU behind it, if there is one. */
  readonly graphics?: Graphics;
  /** The suites in which it takes part; all by default. */
  readonly suites?: readonly SuiteName[];
}

/** A GPU that is timed. */
export interface Graphics {
  readonly place: Place;
  /** GFLOP/s of a product of moderate size: tells beforehand what would take too long. */
  readonly rate: number;
}

/** Products of a user. */
export interface UserKernel {
  /** Name of the file, without folders. */
  readonly system: string;
  readonly kernels: Partial<Pick<Kernels, 'addMatmul' | 'addMatmulTA' | 'addMatmulTB'>>;
  /** Where it wants its operands: matrices of zeros, row by row, in memory of its own. */
  allocate?(shape: readonly number[]): unknown;
  /** Takes back all that `allocate` gave; called after every case. */
  release?(): unknown;
}

/** What a suite may use. */
export interface Context {
  readonly version: string;
  readonly budget: Budget;
  readonly backends: readonly Backend[];
  readonly peers: Peers;
  readonly userKernels?: readonly UserKernel[];
  /** Whether a plot was asked for, which needs more sizes. */
  readonly plotting: boolean;
  readonly quick: boolean;
  /** Sizes M, K, N of products, in the place of the usual ones. */
  readonly sizes?: readonly (readonly [M: number, K: number, N: number])[];
  /** Updates of the memory suite. */
  readonly steps: number;
  /** Whether a case is wanted; the others cost nothing. */
  wants(name: string): boolean;
  /** Says on standard error what is under way. */
  progress(label: string, done: number, total: number): void;
  /** Aborted where no more rows are wanted: what is under way then is given up. */
  readonly signal?: AbortSignal;
  /** Runs code of a user's, which may never return, so that `signal` is aborted all the same; without it, it is called. */
  within?<T>(act: () => T): T;
  /** Samples what runs while a race is timed, and nothing of its checks; without it nothing is sampled. */
  readonly sampler?: { start(): Promise<void>; stop(): Promise<void> };
  /** GFLOP/s of the machine at this moment, of a fixed piece of work; without it rows do not say. */
  pace?(): number;
  /** A line on standard error that stays: who was skipped, and why. */
  note(line: string): void;
  /** The system computed something else: not timed, and the command fails in the end. */
  wrong(line: string): void;
}

/** A case that is ready to be timed. */
export interface Race {
  readonly suite: SuiteName;
  readonly case: string;
  readonly metric: Metric;
  /** Tokens, or floating-point operations, of one call. */
  readonly work: number;
  readonly contestants: readonly Contestant[];
}

/** What a suite yields, in the order in which it is shown: cases to be timed, and rows that it has measured itself. */
export type SuiteParts = AsyncGenerator<Race | readonly Row[], void, void>;
export type Suite = (context: Context) => SuiteParts;

/** Whether more of a metric is better. */
export function isRate(metric: Metric): boolean {
  return metric === 'GFLOP/s' || metric === 'tokens/s';
}

/** The backends that take part in a suite. */
export function backendsOf({ backends }: Pick<Context, 'backends'>, suite: SuiteName): Backend[] {
  return backends.filter(({ suites }) => suites?.includes(suite) ?? true);
}
