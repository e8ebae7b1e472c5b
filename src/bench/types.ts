/** Types of the benchmarks: contestants that do the same work, and the resulting rows. */
import type { Kernels } from '../kernels/types.js';
import type { Comparison } from './compare.js';
import type { Peers } from './peers.js';

/** Names of the suites, in the order in which they run. */
export const SUITES = ['gemm', 'layer', 'crf', 'tagger', 'threads', 'cold', 'memory'] as const;
export type SuiteName = (typeof SUITES)[number];

/** Prefix of the system name in rows from an earlier build. */
export const EARLIER = 'earlier:';

/** Where a row was measured, if not only on the processor and in this Node. */
export interface Place {
  /** The GPU: the name of its renderer. */
  readonly device?: string;
  /** Whether the device is a software rasterizer; present if `device` is. */
  readonly software?: boolean;
  /** The browser, with its version. */
  readonly engine?: string;
  /** The BLAS that a library multiplies matrices with: `OpenBLAS 0.3.21 (libopenblasp-r0.3.21.so)`, `reference BLAS 3.11.0 (…)`. */
  readonly blas?: string;
  /** Number of threads that ran in the case, if the system reports it; `threads` is the configured number. */
  readonly ran?: number;
}

/** What is measured. For the first two, higher is better; for the others, lower. */
export type Metric = 'GFLOP/s' | 'tokens/s' | 'ms' | 'MiB' | 'KiB/1000 steps';

/** One row of the result. This format is a contract: scripts read it. */
export interface Row extends Place {
  readonly suite: SuiteName;
  /** `train-b32-lstm`, `addMatmul-512x512x512` (M×K×N), … */
  readonly case: string;
  /** The system: `bptt`, `pytorch`, … */
  readonly system: string;
  readonly version: string;
  /** What actually ran: `wasm-simd`, `cpu`, the device of a peer. */
  readonly backend: string;
  readonly threads: number;
  readonly metric: Metric;
  /** The median. */
  readonly p50: number;
  /** The value that 95 % of the samples match or beat: the 5th percentile of a rate, the 95th of a duration. */
  readonly p95: number;
  /** The median of every turn, in the metric and in order, from which intervals are computed. */
  readonly turns?: readonly number[];
  /** The speed of the machine itself right after each of these turns, in GFLOP/s. */
  readonly pace?: readonly number[];
  /** Comparison with the same row of an earlier program, if there is one. */
  readonly toEarlier?: Comparison;
}

/** One measurement. */
export interface Sample {
  /** Milliseconds of one call: the mean over the calls made. */
  readonly ms: number;
  /** Milliseconds that all calls took together. */
  readonly cost: number;
}

/** A system that performs the work of a case. */
export interface Contestant extends Place {
  readonly system: string;
  readonly version: string;
  readonly backend: string;
  readonly threads: number;
  /** Performs the work, repeated until the clock can resolve it. */
  sample(): Sample | Promise<Sample>;
  /**
   * Returns what is wrong after its last turn, for untested code. A system with this method must not fail during the race either;
   * otherwise its row is not shown and the command fails at the end.
   */
  faultAtLast?(): string | undefined;
  /** Releases its resources; called once, after the last turn. */
  close?(): void | Promise<void>;
}

/** How long to measure. */
export interface Budget {
  /** Maximum number of turns of each contestant. */
  readonly turns: number;
  /** Minimum number of turns: if one call takes longer than a turn, there are fewer, longer turns. */
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
  /** The backend named in rows. */
  readonly backend: string;
  readonly kernels: Kernels;
  /** The GPU that it uses, if any. */
  readonly graphics?: Graphics;
  /** The suites in which it takes part; all by default. */
  readonly suites?: readonly SuiteName[];
}

/** A GPU under measurement. */
export interface Graphics {
  readonly place: Place;
  /** GFLOP/s of a product of moderate size, to predict what would take too long. */
  readonly rate: number;
}

/** A user's products. */
export interface UserKernel {
  /** Name of the file, without folders. */
  readonly system: string;
  readonly kernels: Partial<Pick<Kernels, 'addMatmul' | 'addMatmulTA' | 'addMatmulTB'>>;
  /** Allocates its operands: row-major matrices of zeros, in its own memory. */
  allocate?(shape: readonly number[]): unknown;
  /** Frees everything that `allocate` returned; called after every case. */
  release?(): unknown;
}

/** Context available to a suite. */
export interface Context {
  readonly version: string;
  readonly budget: Budget;
  readonly backends: readonly Backend[];
  readonly peers: Peers;
  readonly userKernels?: readonly UserKernel[];
  /** Whether a plot was requested, which needs more sizes. */
  readonly plotting: boolean;
  readonly quick: boolean;
  /** Sizes M, K, N of products that replace the standard ones. */
  readonly sizes?: readonly (readonly [M: number, K: number, N: number])[];
  /** Number of updates of the memory suite. */
  readonly steps: number;
  /** Whether a case is included; the others cost nothing. */
  wants(name: string): boolean;
  /** Reports on standard error what is currently running. */
  progress(label: string, done: number, total: number): void;
  /** Aborted when no more rows are needed: work in progress is then abandoned. */
  readonly signal?: AbortSignal;
  /** Runs user code, which may never return, such that `signal` can still be aborted; without it, user code is called directly. */
  within?<T>(act: () => T): T;
  /** Profiles a race while it is timed, excluding its checks; without it nothing is profiled. */
  readonly sampler?: { start(): Promise<void>; stop(): Promise<void> };
  /** Current GFLOP/s of the machine on a fixed piece of work; without it, rows do not contain the pace. */
  pace?(): number;
  /** Prints a permanent line on standard error: which system was skipped, and why. */
  note(line: string): void;
  /** Reports that a system computed a wrong result: it is not timed, and the command fails at the end. */
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

/** What a suite yields, in display order: cases to be timed, and rows that it has measured itself. */
export type SuiteParts = AsyncGenerator<Race | readonly Row[], void, void>;
export type Suite = (context: Context) => SuiteParts;

/** Whether higher values of a metric are better. */
export function isRate(metric: Metric): boolean {
  return metric === 'GFLOP/s' || metric === 'tokens/s';
}

/** The backends that take part in a suite. */
export function backendsOf({ backends }: Pick<Context, 'backends'>, suite: SuiteName): Backend[] {
  return backends.filter(({ suites }) => suites?.includes(suite) ?? true);
}
