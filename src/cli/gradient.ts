/**
 * One derivative, computed in four ways: by backpropagation through time, by forward mode, by finite differences, and as the sum
 * of its T terms.
 *
 * Unrolled in time, a parameter P is used once per step. If every step had a separate copy P_t, the chain rule would give ∂L/∂P =
 * Σ_t ∂L/∂P_t: these are the terms. The engine forms their sum in one product over all rows; here the same product runs over the
 * rows of one step at a time.
 *
 * The loss is L = Σ_t w_t·h_t with random w_t, one cotangent per output: a plain sum could not detect swapped outputs.
 */
import { gradcheck } from '../autograd/check/gradcheck.js';
import type { CheckedElement } from '../autograd/check/gradcheck.js';
import { NUMERIC_TOLERANCE, verdictOf } from '../autograd/check/verdict.js';
import type { Verdict } from '../autograd/check/verdict.js';
import { zeroGrads } from '../autograd/grads.js';
import { directionalDerivative, dualOps, packingOf, unroll, unrollBackward, unrollDual } from '../autograd/index.js';
import type { Unrolled, BackwardPass } from '../autograd/index.js';
import { at, before } from '../autograd/layout.js';
import type { Cell, CellParams } from '../cells/index.js';
import type { Kernels } from '../kernels/index.js';
import {
  addSumRows,
  ArgumentError,
  createRng,
  dot,
  normal,
  rows,
  UnsupportedError,
  viewOf,
  zeros,
} from '../tensor/index.js';
import type { Tensor } from '../tensor/index.js';

/** D, the input size of the checked layer. Odd, and different from the default hidden size, so that no transpose goes unnoticed. */
export const INPUT_SIZE = 5;

/** What to check. */
export interface GradientQuery {
  readonly hidden: number;
  readonly steps: number;
  readonly seed: number;
  /** One parameter; default: all of them. */
  readonly param?: string;
  /** One element of it; default: the one that agrees least. */
  readonly at?: readonly number[];
}

/** One element of one parameter, computed in all four ways. */
export interface ElementGradient {
  readonly param: string;
  readonly at: readonly number[];
  readonly analytic: number;
  /** By dual numbers over the cell's equations; null if the cell has none. */
  readonly forwardMode: number | null;
  /** Why forward mode is not available, if it is not. */
  readonly forwardModeGap?: string;
  readonly numeric: number;
  readonly relativeError: number;
  /** Possible error of `numeric` itself. */
  readonly noise: number;
  /** The contribution of each step, T numbers. */
  readonly terms: readonly number[];
  readonly termSum: number;
  /** Whether both other values confirm the analytic one, and the terms add up to it. */
  readonly agrees: boolean;
  readonly verdict: Verdict;
  /** The one-sided derivatives, if the loss has a kink. */
  readonly kink?: CheckedElement['kink'];
}

/** A layer that was run forward and backward once, for repeated queries. */
interface Experiment {
  readonly kernels: Kernels;
  readonly unrolled: Unrolled;
  readonly unwound: BackwardPass;
  readonly grads: CellParams;
  loss(): number;
  /** One derivative by forward mode. @throws UnsupportedError if the cell does not have its own equations */
  derivative(param: string, index: readonly number[]): number;
}

/**
 * Checks a cell on one random sequence, in float64. Initial states are learned, and every parameter is non-zero.
 *
 * @throws ArgumentError on a parameter that the cell does not have, or an element out of range
 */
export function inspectGradients(kernels: Kernels, cell: Cell, query: GradientQuery): ElementGradient[] {
  const experiment = perform(kernels, cell, query);
  const { params } = experiment.unrolled;
  const known = Object.keys(params).join(', ');
  if (query.param === undefined) {
    if (query.at) throw new ArgumentError(`--at needs a parameter; add --param with one of ${known}`);
    return Object.keys(params).map((param) => inspect(experiment, param));
  }
  if (!Object.hasOwn(params, query.param)) {
    throw new ArgumentError(`--param must be one of ${known} for cell ${cell.name}; got '${query.param}'`);
  }
  return [inspect(experiment, query.param, query.at)];
}

function perform(kernels: Kernels, cell: Cell, { hidden, steps, seed }: GradientQuery): Experiment {
  const rng = createRng(seed);
  const params = cell.initialize(INPUT_SIZE, hidden, rng.split('parameters'), {
    dtype: 'float64',
    learnedInitialState: true,
  });
  const noise = rng.split('offsets');
  for (const tensor of Object.values(params)) {
    // Biases and initial states are initialized to zero, which would hide a wrong factor.
    if (tensor.shape.length === 1) for (let i = 0; i < tensor.data.length; i++) tensor.data[i] += 0.5 * noise.normal();
  }
  const x = normal([steps, INPUT_SIZE], 1, rng.split('inputs'), 'float64');
  const dY = normal([steps, hidden], 1, rng.split('cotangents'), 'float64');
  const packing = packingOf([steps]);
  const forward = (): Unrolled => unroll(kernels, cell, params, x, packing);
  const unrolled = forward();
  const grads = zeroGrads(params);
  const unwound = unrollBackward(kernels, unrolled, dY, grads);
  return {
    kernels,
    unrolled,
    unwound,
    grads,
    loss: () => dot(forward().y, dY),
    derivative: (param, index) => {
      const unit = zeros(params[param].shape, 'float64');
      unit.data[positionOf(unit, index)] = 1;
      return directionalDerivative({ ...params, x }, { [param]: unit }, (tensors) =>
        dualOps.dot(unrollDual(cell, tensors, tensors.x, packing).y, dY),
      );
    },
  };
}

function inspect(experiment: Experiment, param: string, place?: readonly number[]): ElementGradient {
  const { unrolled, grads, loss } = experiment;
  const tensor = unrolled.params[param];
  const tensors = { [param]: place ? only(tensor, param, place) : tensor };
  const analytic = { [param]: place ? only(grads[param], param, place) : grads[param] };
  const { worst } = gradcheck({ tensors, grads: analytic, loss, tolerance: NUMERIC_TOLERANCE });
  const index = place ?? worst.index;
  const terms = termsOf(experiment, param, index);
  const termSum = terms.reduce((sum, term) => sum + term, 0);
  // Both sides sum T products in some order: each is off by at most γ_T Σ|term| (Higham 2002, equation 4.4).
  const gamma = (terms.length * Number.EPSILON) / (1 - terms.length * Number.EPSILON);
  const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
  const slack = 2 * gamma * magnitude;
  const second = secondOpinion(experiment, param, index);
  const sumsUp = Math.abs(termSum - worst.analytic) <= slack;
  const opinions = { analytic: worst.analytic, forwardMode: second.forwardMode, numeric: worst, magnitude };
  const verdict = sumsUp ? verdictOf(opinions) : 'disagrees';
  return {
    param,
    at: index,
    analytic: worst.analytic,
    ...second,
    numeric: worst.numeric,
    relativeError: worst.relativeError,
    noise: worst.noise,
    terms,
    termSum,
    agrees: verdict === 'agrees',
    verdict,
    ...(worst.kink ? { kink: worst.kink } : {}),
  };
}

/** The result of forward mode, or why it is not available. */
function secondOpinion(
  { derivative }: Experiment,
  param: string,
  index: readonly number[],
): Pick<ElementGradient, 'forwardMode' | 'forwardModeGap'> {
  try {
    return { forwardMode: derivative(param, index) };
  } catch (error) {
    if (error instanceof UnsupportedError) return { forwardMode: null, forwardModeGap: error.message };
    throw error;
  }
}

/** A view of a single element. */
function only(tensor: Tensor, param: string, place: readonly number[]): Tensor {
  const { data, shape } = tensor;
  if (place.length !== shape.length || place.some((i, axis) => i >= shape[axis])) {
    throw new ArgumentError(`--at must lie in ${param} [${shape.join(', ')}], counted from 0; got ${place.join(',')}`);
  }
  return viewOf(data, [1], positionOf(tensor, place));
}

function positionOf({ stride, offset }: Tensor, index: readonly number[]): number {
  return index.reduce((sum, i, axis) => sum + i * stride[axis], offset);
}

/** ∂L/∂P_t of one element for every step t: the gradient's final products, each over the rows of one step. */
function termsOf({ kernels, unrolled, unwound }: Experiment, param: string, index: readonly number[]): number[] {
  const { cell, params, packing, x, states, saved } = unrolled;
  return Array.from({ length: packing.steps }, (_, t) => {
    const term = zeroGrads(params);
    const step = at({ ...saved, ...unwound.stepGrads }, packing, t);
    kernels.addMatmulTA(term.Wx, rows(x, packing.offsets[t], packing.batchSizes[t]), step.da);
    addSumRows(term.b, step.da);
    cell.weightGradients(kernels, before(states, packing, t).h, step, term);
    if (t === 0) for (const name of cell.states) addSumRows(term[`${name}0`], unwound.dInitial[name]);
    return term[param].data[positionOf(term[param], index)];
  });
}
