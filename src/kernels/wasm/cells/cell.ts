/**
 * A cell on WebAssembly: the tensors of its scan, and its forward and backward time loops as calls of the module. The loops
 * themselves are in assembly/, one file per cell.
 */
import type { Exports } from '../module.js';

/** A cell. To add one, add a file in this folder and a line in `index.ts`. Widths are in units of H. */
export interface WasmCell {
  readonly states: readonly string[];
  /** Gates of each product of the step: the columns of Wh that it uses. */
  readonly parts: readonly number[];
  /** Caches that are overwritten. */
  readonly filled?: Readonly<Record<string, number>>;
  /** Step gradients, which the backward loop overwrites. */
  readonly left: readonly string[];
  /** Caches that are added to. */
  readonly summed?: Readonly<Record<string, number>>;
  /** Parameters `[H]` that the forward loop reads. */
  readonly vectors?: readonly string[];
  /** The time loop, for a training scan or a forward-only layer. */
  forward(wasm: Exports, call: ForwardCall): void;
  backward(wasm: Exports, call: BackwardCall): void;
}

/** The sizes of a scan, and the addresses of what all cells need. */
export interface Call {
  readonly T: number;
  readonly H: number;
  /** B, sequences of length 0 included. */
  readonly batch: number;
  /** Address of the rows per step. */
  readonly sizes: number;
  /** Address of the scratch of the products. */
  readonly edge: number;
}

/** What a forward scan needs: addresses by the cell's names of its tensors. */
export interface ForwardCall extends Call {
  /** A state: B initial rows, and after them the rows to fill. */
  state(name: string): number;
  /** A cache that is read and written. */
  updated(name: string): number;
  /** A cache that is overwritten. */
  filled(name: string): number;
  /** A parameter `[H]`. */
  vector(name: string): number;
  /** Columns `from … from + count` of Wh in panels. */
  panels(from: number, count: number): number;
}

/** What a backward scan needs. */
export interface BackwardCall extends Call {
  /** Rows of all steps. */
  readonly N: number;
  /** A state, as the forward pass left it. */
  state(name: string): number;
  /** A cache, as the forward pass left it. */
  saved(name: string): number;
  /** The gradient of a state, read and written. */
  gradient(name: string): number;
  /** A cache that is overwritten. */
  filled(name: string): number;
  /** Columns `from … from + count` of Wh, transposed, in panels. */
  panelsT(from: number, count: number): number;
}
