/** Types of the ladder: files of kernels, each opened, checked, timed and placed under the roof. */
import type { Machine } from '../machine.js';

/** What a rung computes: a product, or the forward pass of an LSTM layer. */
export type Work = 'product' | 'lstm';

/** Sizes of a product: `out [M, N] += a [M, K] · b [K, N]`. */
export type Size = readonly [M: number, K: number, N: number];

/** Sizes of the layer: steps, sequences, units. */
export interface LayerSizes {
  readonly T: number;
  readonly B: number;
  readonly H: number;
}

/** The file of a rung, and the statements in its header. */
export interface RungFile {
  /** `07-outer-product-tile`. */
  readonly name: string;
  readonly path: string;
  /** `outer product tile`. */
  readonly title: string;
  /** The gain over the previous rung that its header predicts; undefined if it gives none. */
  readonly predicted?: number;
}

/** Row-major operands of a product. */
export interface Operands {
  readonly out: Float32Array;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Operands of the layer: `a [T·B, 4H]`, `wh [H, 4H]`, `h` and `c` `[(T + 1)·B, H]`. */
export interface LayerOperands {
  readonly a: Float32Array;
  readonly wh: Float32Array;
  readonly h: Float32Array;
  readonly c: Float32Array;
}

/** A kernel with space for operands of one size. */
export interface Prepared<In, Out> {
  /** Copies operands in. */
  set(operands: In): void;
  /** Computes; on a device, waits until the result is back. */
  run(): void | Promise<void>;
  /** Copies the result out. */
  get(): Out;
  close(): void | Promise<void>;
}

/** A rung that multiplies. */
export interface ProductRung {
  readonly work: 'product';
  readonly file: RungFile;
  /** Maximum number of roundings of a term, if the order of summation differs from that of rung 1. */
  readonly roundings?: (K: number) => number;
  /** The GPU, if it runs on one. */
  readonly device?: string;
  /** In WebAssembly: the product on addresses in a given memory, from which the twin of the layer is built. */
  readonly inMemory?: InMemory;
  prepare(size: Size): Promise<Prepared<Operands, Float32Array>>;
}

/** A rung that runs the layer. */
export interface LayerRung {
  readonly work: 'lstm';
  readonly file: RungFile;
  /** Number of cores it uses. */
  readonly threads: number;
  prepare(sizes: LayerSizes): Promise<Prepared<LayerOperands, Pick<LayerOperands, 'h' | 'c'>>>;
}

export type Rung = ProductRung | LayerRung;

/** A product in WebAssembly. */
export interface InMemory {
  /** Scratch memory in bytes. */
  scratchBytes(size: Size): number;
  /** The product of operands at byte offsets in `memory`. */
  open(memory: object): (M: number, N: number, K: number, a: number, b: number, out: number, scratch: number) => void;
}

/** The measurement of a rung. */
export interface LadderRow {
  /** Name of its file, without the extension; `stepwise` for the twin of the layer. */
  readonly rung: string;
  readonly title: string;
  readonly work: Work;
  readonly threads: number;
  readonly device?: string;
  /** How it agrees with rung 1, or with the twin. */
  readonly checked: 'reference' | 'same bits' | 'within its bound';
  /** Milliseconds of one call in the fastest turn. */
  readonly ms: number;
  readonly gflops: number;
  /** Speedup over the previous rung, and the name of that rung. */
  readonly gain?: number;
  readonly over?: string;
  /** The prediction of `gain` in the header. */
  readonly predicted?: number;
  /** Fraction of the roof, of one core or of all threads; undefined without WebAssembly SIMD and on a GPU. */
  readonly share?: number;
  /** Milliseconds per call in every turn. */
  readonly turns: readonly number[];
}

/** A rung without a row, and why. */
export interface Left {
  readonly rung: string;
  readonly reason: string;
}

/** The work of one call. */
export interface WorkItem {
  readonly sizes: Readonly<Record<string, number>>;
  readonly operations: number;
  /** Operations per byte of the operands. */
  readonly intensity: number;
}

/** The output of `bptt bench --ladder --json`. */
export interface LadderResult {
  readonly machine: Machine;
  /** Day of the run, `2026-11-29`. */
  readonly date: string;
  /** Load average of the machine over a minute, before and after. */
  readonly load: readonly [before: number, after: number];
  readonly work: Readonly<Record<Work, WorkItem>>;
  readonly rows: readonly LadderRow[];
  /** Rungs that compute a wrong result or cannot be loaded. */
  readonly refused: readonly Left[];
  /** Rungs that this machine cannot run. */
  readonly skipped: readonly Left[];
}
