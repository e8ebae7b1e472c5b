/**
 * A cell as kernels of a device. A step is a few passes, each of which computes one matrix of B rows from matrices that stay on
 * the device; equations and names are as in `cells/`.
 *
 * A pass may read these matrices, by name. `W` is the stacked parameters: one row per input, then the bias, one row per hidden
 * unit, and for the GRU the row of bn. `a = x·Wx + b` and `dY` hold all steps. `S` is the state before the step, and `next` the
 * one after it. `carry` is the gradient of `next` that later steps leave. A pass may also read the results of earlier passes of
 * the step. `a` and `dY` have packed rows, those of the step from `offset` on. Rows from `running` on belong to sequences that
 * have ended. Their state and their carry do not change, so that the carry may start as the gradient of all final states; their
 * `left` is 0.
 */

/** One kernel of a step. */
export interface Pass {
  readonly name: string;
  /** Columns of the result, in multiples of H. */
  readonly width: number;
  /** The matrices it reads: at most six, because WebGPU binds eight, including the result and two numbers. */
  readonly reads: readonly string[];
  /** Body of the kernel: the element in column `this.thread.x` of row `this.thread.y`. */
  readonly body: string;
}

/** A cell for inputs of size D and H hidden units. */
export interface DeviceCell {
  /** G. */
  readonly gates: number;
  /** Names of the states, the columns of `carry`. */
  readonly states: readonly string[];
  /** Columns of `next` and of `left`, in multiples of H. */
  readonly stateWidth: number;
  readonly leftWidth: number;
  /** The last pass computes `next`: the states in its first columns, then anything else the backward passes need. */
  readonly forward: readonly Pass[];
  /**
   * One pass computes `left`, from which the weight gradients are made, with da in its first G·H columns; the last one computes
   * `carry`.
   */
  readonly backward: readonly Pass[];
  /**
   * Statements that return ∂L/∂Wh in row `row` and column `this.thread.x`, from `h [N, H]`, the state each row started from, and
   * `left [N, ·]`.
   */
  dWh(N: number): string;
  /** Whether the parameters have a row bn. */
  readonly resetBias: boolean;
}

/** A pass from the lines of its body. */
export function pass(name: string, width: number, reads: readonly string[], lines: readonly string[]): Pass {
  return { name, width, reads, body: lines.join('\n') };
}

export const Y = 'this.thread.y';
export const X = 'this.thread.x';

/** Returns `value` if the sequence of the row has ended. */
export const ended = (value: string): string => `if (${Y} >= running) { return ${value}; }`;

/** Finds the unit `j` of the column, and `g`, its block of H columns. */
export const unitOf = (H: number, blocks: number): string => `let j = ${X};
let g = 0;
for (let i = 0; i < ${blocks - 1}; i++) { if (j >= ${H}) { j = j - ${H}; g = g + 1; } }`;

/** `sum` of K terms in k. K is a literal in the source, because gpu.js stops a loop with an unknown bound after 1000 iterations. */
export const sumOf = (K: number, term: string): string => `let sum = 0.0;
for (let k = 0; k < ${K}; k++) { sum += ${term}; }`;

/** The `sum` h'·Wh in this column. */
export const recurrent = (D: number, H: number): string => sumOf(H, `S[${Y}][k] * W[k + ${D + 1}][${X}]`);

/** The `sum` over the first K columns of da·Whᵀ in column `j`. */
export const recurrentBack = (D: number, K: number): string => sumOf(K, `left[${Y}][k] * W[j + ${D + 1}][k]`);

/** x·Wx + b in column `x`. */
export const projected = (x: string): string => `a[${Y} + offset][${x}]`;

/** `dh`, the full gradient of h in column `j`. */
export const dh = `const dh = carry[${Y}][j] + dY[${Y} + offset][j];`;

/** `v`, x·Wx + b + h'·Wh in this column, where `sum` is h'·Wh. */
export const preActivation = (): string => `const v = ${projected(X)} + sum;`;

/** The gradient of Wh for cells where it is h'ᵀ·da. */
export const dWh = (N: number): string => `${sumOf(N, `h[k][row] * left[k][${X}]`)}
return sum;`;
