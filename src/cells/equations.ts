/**
 * The operations in which a cell's equations are written for reading and checking rather than speed: rows, products and functions
 * of any kind of matrix `V`. Over dual numbers they give forward mode (`autograd/check/forward-mode.ts`), over nodes the tape.
 * These equations have no backward pass and share no code with the steps, so the gradients derived from them are an independent
 * check.
 */

/** Operations on matrices `[M, N]`; a vector is a row `[N]`. */
export interface Algebra<V> {
  /** `a [M, K] · b [K, N]` → `[M, N]`. */
  matmul(a: V, b: V): V;
  /** `a + b`; one of them may be a row `[N]`, broadcast to every row. */
  add(a: V, b: V): V;
  /** `a − b`, likewise. */
  sub(a: V, b: V): V;
  /** `a ∘ b`, component by component, likewise. */
  mul(a: V, b: V): V;
  /** `factor · x`. */
  scale(x: V, factor: number): V;
  /** `x + summand`. */
  shift(x: V, summand: number): V;
  /** `e^x`. */
  exp(x: V): V;
  /** The natural logarithm. */
  log(x: V): V;
  /** `1 / x`. */
  reciprocal(x: V): V;
  /** The mean of every row, in all columns of it: `[M, N]` → `[M, N]`. */
  rowMean(x: V): V;
  /** 1 where x ≥ 0, else 0; its derivative is taken as 0 everywhere. */
  step(x: V): V;
  /** `1 − x`. */
  oneMinus(x: V): V;
  /** `1 / (1 + e^−x)`. */
  sigmoid(x: V): V;
  /** `tanh x`. */
  tanh(x: V): V;
  /** `max(x, 0)`; its derivative at 0 is taken as 0. */
  relu(x: V): V;
  /**
   * Returns `x`, and records its symbol in the equations: one of the cell's `quantities`, or one that a gradient is `of`. Tests
   * use it to check the list against the equations.
   */
  name(symbol: string, x: V): V;
  /** Columns `start … start + count − 1`. */
  sliceColumns(x: V, start: number, count: number): V;
  /** Rows `start … start + count − 1`. */
  sliceRows(x: V, start: number, count: number): V;
}

/**
 * One step of a cell by its equations.
 *
 * @param params as the cell names them
 * @param x `[B, D]`
 * @param prev the state before the step, `[B, H]` each
 * @param H hidden size
 * @returns the state after the step, under the same names
 */
export type CellEquations = <V>(
  ops: Algebra<V>,
  params: Readonly<Record<string, V>>,
  x: V,
  prev: Readonly<Record<string, V>>,
  H: number,
) => Readonly<Record<string, V>>;
