/** Cells of the LSTM with a projection: the steps of `lstm-projection.ts`, for every k. */
import { expectPositiveInteger } from '../tensor/checks.js';
import { zeros } from '../tensor/create.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Cell, State } from './cell.js';
import { commonShapes, fillWeights, initCommon, initStates } from './init.js';
import type { LstmProjectionParams, LstmProjectionSaved } from './lstm-projection.js';
import {
  cellStates,
  lstmProjectionEquations,
  lstmProjectionStepBackward,
  lstmProjectionStepForward,
  lstmProjectionWeightGradients,
} from './lstm-projection.js';
import type { Quantity } from './quantities.js';
import { gateQuantity, SIGMOID_RANGE, stateQuantity, TANH_RANGE, UNBOUNDED } from './quantities.js';

const NAMES = { i: 'input gate', f: 'forget gate', g: 'candidate', o: 'output gate' } as const;

function quantitiesOf(k: number): Quantity[] {
  const parts = Array.from({ length: k }, (_, s) => s + 1);
  return [
    ...Object.entries(NAMES).flatMap(([symbol, name], gate) =>
      parts.map((s) => {
        const range = symbol === 'g' ? TANH_RANGE : SIGMOID_RANGE;
        return gateQuantity(2, `${symbol}${s}`, `${name}, part ${s}`, gate * k + s - 1, range);
      }),
    ),
    ...parts.map((s) => stateQuantity(3, `c${s}`, `cell state, part ${s}`, UNBOUNDED)),
    ...parts.map((s): Quantity => ({
      ...{ symbol: `tanh(c${s})`, name: `squashed cell state, part ${s}`, equation: 4, range: TANH_RANGE },
      value: { in: 'saved', tensor: 'q', block: s - 1 },
    })),
    ...parts.map((s): Quantity => ({
      ...{ symbol: `m${s}`, name: `output before the projection, part ${s}`, equation: 4, range: TANH_RANGE },
      value: { in: 'saved', tensor: 'm', block: s - 1 },
      gradient: { of: `m${s}`, in: 'stepGrads', tensor: 'dm', block: s - 1 },
    })),
    stateQuantity(5, 'h', 'hidden state', UNBOUNDED),
  ];
}

/** Cells already made, by k: the same k gives the same cell. */
const known = new Map<number, Cell<LstmProjectionParams, State, LstmProjectionSaved>>();

/**
 * The LSTM with a projection: `lstm:projection=k`. Its hidden size is the projected one; it corresponds to PyTorch's
 * `LSTM(D, k·H, proj_size=H)`. It runs step by step on every backend.
 *
 * @param k width of the cell state as a multiple of the hidden state's, at least 2
 * @throws ArgumentError on another k
 */
export function createLstmProjection(k: number): Cell<LstmProjectionParams, State, LstmProjectionSaved> {
  expectPositiveInteger('createLstmProjection', 'k', k);
  if (k === 1) {
    throw new ArgumentError('createLstmProjection: k must be at least 2; got 1: use lstm, which has no projection');
  }
  const made = known.get(k) ?? projectionOf(k);
  known.set(k, made);
  return made;
}

function projectionOf(k: number): Cell<LstmProjectionParams, State, LstmProjectionSaved> {
  const states = ['h', ...cellStates(k)];
  return {
    name: `lstm:projection=${k}`,
    gates: 4 * k,
    gateNames: Object.keys(NAMES).flatMap((gate) => cellStates(k).map((_, s) => `${gate}${s + 1}`)),
    states,
    saved: { a: 4 * k, q: k, m: k },
    stepGrads: { da: 4 * k, dm: k, dout: 1 },
    shapes: (D, H) => ({ ...commonShapes(D, H, 4 * k), Wr: [k * H, H] }),
    quantities: quantitiesOf(k),
    initialize(D, H, rng, options = {}) {
      const params = initCommon(D, H, 4 * k, rng, options);
      params.b.data.fill(options.forgetBias ?? 1, k * H, 2 * k * H);
      const Wr = zeros([k * H, H], options.dtype ?? 'float32');
      fillWeights(Wr, options.recurrent ?? 'orthogonal', rng, H);
      return { ...params, Wr, ...initStates(states, H, options) } as LstmProjectionParams;
    },
    stepForward: (kernels, params, prev, saved, next) =>
      lstmProjectionStepForward(k, kernels, params, prev, saved, next),
    stepBackward: (kernels, params, prev, saved, _next, dNext, dPrev) =>
      lstmProjectionStepBackward(k, kernels, params, prev, saved, dNext, dPrev),
    weightGradients: lstmProjectionWeightGradients,
    equations: lstmProjectionEquations(k),
  };
}
