/** What the ladder is made of: files of kernels, each opened, checked, timed and placed under the roof. */
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

/** The file of a rung, and what its header states. */
export interface RungFile {
  /** `07-outer-product-tile`. */
  readonly name: string;
  readonly path: string;
  /** `outer product tile`. */
  readonly title: string;
  /** The gain over the rung before that its header predicts; undefined if it names none. */
  readonly predicted?: number;
}

/** Operands of a product, row by row. */
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

/** A kernel with room for operands of one size. */
export interface Prepared<In, Out> {
  /** Copies operands in. */
  set(operands: In): void;
  /** Computes; of a device, until the result is back. */
  run(): void | Promise<void>;
  /** Copies the result out. */
  get(): Out;
  close(): void | Promise<void>;
}

/** A rung that multiplies. */
export interface ProductRung {
  readonly work: 'product';
  readonly file: RungFile;
  /** Roundings that a term passes at most, where the order of the sum is not that of rung 1. */
  readonly roundings?: (K: number) => number;
  /** The GPU, where it runs on one. */
  readonly device?: string;
  /** In WebAssembly: the product over places in a given memory, of which the twin of the layer is made. */
  readonly inMemory?: InMemory;
  prepare(size: Size): Promise<Prepared<Operands, Float32Array>>;
}

/** A rung that runs the layer. */
export interface LayerRung {
  readonly work: 'lstm';
  readonly file: RungFile;
  /** Cores it uses. */
  readonly threads: number;
  prepare(sizes: LayerSizes): Promise<Prepared<LayerOperands, Pick<LayerOperands, 'h' | 'c'>>>;
}

export type Rung = ProductRung | LayerRung;

/** A product in WebAssembly. */
export interface InMemory {
  /** Bytes of scratch memory. */
  scratchBytes(size: Size): number;
  /** The product of places, all in bytes, in `memory`. */
  open(memory: object): (M: number, N: number, K: number, a: number, b: number, out: number, scratch: number) => void;
}

/** A rung as it was measured. */
export interface LadderRow {
  /** Name of its file, without the ending; `stepwise` for the twin of the layer. */
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
  /** Times the rung before, and which one that is. */
  readonly gain?: number;
  readonly over?: string;
  /** What the header predicts of `gain`. */
  readonly predicted?: number;
  /** Part of the roof, of one core or of all threads; undefined without WebAssembly SIMD and on a GPU. */
  readonly share?: number;
  /** Milliseconds per call in every turn. */
  readonly turns: readonly number[];
}

/** A rung that has no row, and why. */
export interface Left {
  readonly rung: string;
  readonly reason: string;
}

/** What one call of a work does. */
export interface WorkItem {
  readonly sizes: Readonly<Record<string, number>>;
  readonly operations: number;
  /** Operations per byte of the operands. */
  readonly intensity: number;
}

/** What `bptt bench --ladder --json` prints. */
export interface LadderResult {
  readonly machine: Machine;
  /** Day of the run, `2026-11-29`. */
  readonly date: string;
  /** Load average of the machine over a minute, before and after. */
  readonly load: readonly [before: number, after: number];
  readonly work: Readonly<Record<Work, WorkItem>>;
  readonly rows: readonly LadderRow[];
  /** Rungs that compute something else, or cannot be loaded. */
  readonly refused: readonly Left[];
  /** Rungs that this machine cannot run. */
  readonly skipped: readonly Left[];
}
