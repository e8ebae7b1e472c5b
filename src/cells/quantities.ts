/**
 * What a cell computes in a step, as a list of the quantities in its equations. Each has a name, a range, the place where the
 * forward step leaves its value, and the place where the backward step leaves its gradient. Every view of a cell (a trace, a
 * picture, a table) reads this list and depends on no particular cell.
 */

/** H columns of a tensor with one row per step of a sequence. */
export interface Place {
  /** `saved`: a tensor that the step saves for its backward. `states`: a state, after the step. */
  readonly in: 'saved' | 'states';
  /** Name of the tensor in that record: `a`, `tanhC`, `h`. */
  readonly tensor: string;
  /** Columns `block·H … (block + 1)·H − 1`; 0 for a state. */
  readonly block: number;
}

/** Where the gradient ∂L/∂(…) is stored after the backward pass: H columns, one row per step. */
export interface GradientPlace {
  /** Symbol of the variable of differentiation: `a_i`, the pre-activation of the gate i, or the quantity itself. */
  readonly of: string;
  /** `stepGrads`: a tensor that the backward step leaves. `dStates`: the full gradient of a state. */
  readonly in: 'stepGrads' | 'dStates';
  /** Name of the tensor in that record: `da`, `h`. */
  readonly tensor: string;
  /** Columns `block·H … (block + 1)·H − 1`; 0 for a state. */
  readonly block: number;
}

/** One quantity of a step: H numbers per row. */
export interface Quantity {
  /** As written in the equations: `i`, `c`, `tanh(c)`. Unique in its cell. */
  readonly symbol: string;
  /** The field's term: `input gate`, `cell state`. */
  readonly name: string;
  /** Number of the equation, in the header of the cell, that computes it. */
  readonly equation: number;
  /**
   * Least and greatest value, infinite if there is no bound, provided that the state before the step is in its range too. In
   * exact arithmetic σ and tanh stay strictly inside; rounded, they reach the ends.
   */
  readonly range: readonly [number, number];
  readonly value: Place;
  /** Omitted if the backward step leaves no gradient of it. */
  readonly gradient?: GradientPlace;
}

/** Of σ: (0, 1). */
export const SIGMOID_RANGE: readonly [number, number] = [0, 1];
/** Of tanh: (−1, 1). */
export const TANH_RANGE: readonly [number, number] = [-1, 1];
/** No bound. */
export const UNBOUNDED: readonly [number, number] = [-Infinity, Infinity];

/** A gate: its value is a block of `a`, or of another saved tensor; the gradient of its pre-activation `a_…` is the same block of `da`. */
export function gateQuantity(
  equation: number,
  symbol: string,
  name: string,
  block: number,
  range: Quantity['range'],
  tensor = 'a',
): Quantity {
  const value = { in: 'saved', tensor, block } as const;
  return {
    ...{ symbol, name, equation, range, value },
    gradient: { of: `a_${symbol}`, in: 'stepGrads', tensor: 'da', block },
  };
}

/** A tensor, or a block of one, that the step saves under the name `saved`, with its gradient in `d…`. */
export function savedQuantity(
  equation: number,
  symbol: string,
  name: string,
  saved: string,
  block: number,
  range: Quantity['range'],
): Quantity {
  return {
    ...{ symbol, name, equation, range, value: { in: 'saved', tensor: saved, block } },
    gradient: { of: symbol, in: 'stepGrads', tensor: `d${saved}`, block },
  };
}

/** A state, whose gradient after the backward pass is the full one: from the loss, and through time. */
export function stateQuantity(equation: number, symbol: string, name: string, range: Quantity['range']): Quantity {
  return {
    ...{ symbol, name, equation, range, value: { in: 'states', tensor: symbol, block: 0 } },
    gradient: { of: symbol, in: 'dStates', tensor: symbol, block: 0 },
  };
}
