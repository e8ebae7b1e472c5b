/**
 * How a state depends on earlier ones: J_k = ∂s_k/∂s_{k−1}, s all states side by side, by the cell's own backward step, which
 * multiplies a row vector by J_k:
 *
 *   (1)  e_i · J_k = row i of J_k
 *   (2)  σ_max(J)² = ρ(Jᵀ·J)
 *   (3)  ρ(A) = lim ‖A^m‖^(1/m)                       m = 1, 2, 4, 8, …: squarings (Gelfand 1941)
 */
import { after, at, before } from '../autograd/layout.js';
import type { Kernels } from '../kernels/types.js';
import { exp, log } from '../tensor/math.js';
import type { Tensor } from '../tensor/types.js';
import { columns, viewOf } from '../tensor/view.js';
import type { Direction } from './directions.js';
import { stepOf } from './directions.js';
import { norm, rowOf, zeros } from './numbers.js';
import { byName } from './recurrence.js';
import type { JacobianProduct, JacobianStep, JacobianTrace } from './trace.js';

/** `[S, S]` J_k of the step at row s of the scan, equation (1). */
export function jacobianAt(kernels: Kernels, { unrolled, hidden: H }: Direction, s: number): Tensor {
  const { cell, params, packing, states } = unrolled;
  const S = cell.states.length * H;
  const many = (record: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(record).map(([name, x]) => [name, repeated(x, S)]));
  const left = Object.fromEntries(Object.entries(cell.stepGrads).map(([name, width]) => [name, zeros([S, width * H])]));
  const dNext = byName(cell.states, () => zeros([S, H]));
  cell.states.forEach((name, i) => {
    for (let j = 0; j < H; j++) dNext[name].data[(i * H + j) * H + j] = 1;
  });
  const J = zeros([S, S]);
  const dPrev = byName(cell.states, () => zeros([S, H]));
  const [prev, next] = [before(states, packing, s), after(states, packing, s)];
  const saved = { ...many(at(unrolled.saved, packing, s)), ...left };
  cell.stepBackward(kernels, params, many(prev) as never, saved, many(next) as never, dNext as never, dPrev as never);
  cell.states.forEach((name, i) => kernels.rows.copyMatrix(columns(J, i * H, H), dPrev[name]));
  return J;
}

/** Row 0 of a matrix, S times. */
function repeated(x: Tensor, S: number): Tensor {
  const row = rowOf(x, 0);
  return viewOf(Float64Array.from({ length: S * row.length }, (_, i) => row[i % row.length]), [S, row.length]); // prettier-ignore
}

/**
 * The Jacobians of a direction.
 *
 * @param gradients per row of the scan, the gradient of all seeds at all states side by side
 * @param last the same at the last row, for the seed at that word only
 */
export function jacobianOf(
  kernels: Kernels,
  direction: Direction,
  gradients: readonly (readonly number[])[],
  last: readonly number[],
): JacobianTrace {
  const T = direction.words;
  const J = Array.from({ length: T }, (_, s) => jacobianAt(kernels, direction, s));
  const steps = J.map((each, s): JacobianStep => ({
    sigmaMax: largestSingularValue(kernels, each),
    spectralRadius: spectralRadius(kernels, each),
    gain: gainOf(kernels, gradients[s], each),
  }));
  const products = new Array<JacobianProduct>(T);
  let product: Tensor = identity(J[0].shape[0]);
  let bound = 1;
  for (let s = T - 1; s >= 0; s--) {
    products[s] = {
      sigmaMax: largestSingularValue(kernels, product),
      spectralRadius: spectralRadius(kernels, product),
      bound,
      gain: gainOf(kernels, last, product),
    };
    product = multiplied(kernels, product, J[s]);
    bound *= steps[s].sigmaMax;
  }
  const byWord = <V>(of: readonly V[]): V[] => of.map((_, k) => of[stepOf(direction, k)]);
  const from = stepOf(direction, T - 1);
  return { size: J[0].shape[0], steps: byWord(steps), products: { from, steps: byWord(products) } };
}

/** ‖v·A‖ / ‖v‖. */
function gainOf(kernels: Kernels, v: readonly number[], A: Tensor): number {
  const row = viewOf(Float64Array.from(v), [1, v.length]);
  return norm(rowOf(multiplied(kernels, row, A), 0)) / norm(v);
}

function multiplied(kernels: Kernels, a: Tensor, b: Tensor): Tensor {
  const out = zeros([a.shape[0], b.shape[1]]);
  kernels.addMatmul(out, a, b);
  return out;
}

function identity(S: number): Tensor {
  const I = zeros([S, S]);
  for (let i = 0; i < S; i++) I.data[i * S + i] = 1;
  return I;
}

/** Equation (2). */
export function largestSingularValue(kernels: Kernels, A: Tensor): number {
  const square = zeros([A.shape[1], A.shape[1]]);
  const scale = norm(A.data);
  if (scale === 0 || !Number.isFinite(scale)) return scale;
  const scaled = overNorm(A);
  kernels.addMatmulTA(square, scaled, scaled);
  return scale * Math.sqrt(spectralRadius(kernels, square));
}

/** After this many squarings the contribution of a complex pair of eigenvalues is below rounding: its logarithm over 2^40. */
const SQUARINGS = 40;

/**
 * Equation (3), with each power divided by its norm. If the largest eigenvalues are real, the power converges to a fixed point: P
 * = P²/‖P²‖. Then log‖A^2m‖ − log‖A^m‖ = m·log ρ up to rounding; at a fixed point within ε, all of these eigenvalues are within
 * ε/m of the largest. A complex pair keeps rotating and is measured by the limit.
 */
export function spectralRadius(kernels: Kernels, A: Tensor): number {
  let total = log(norm(A.data)); // log‖A^m‖
  let power = overNorm(A);
  if (!Number.isFinite(total)) return norm(A.data);
  for (let k = 0; k < SQUARINGS; k++) {
    const square = multiplied(kernels, power, power);
    const size = norm(square.data);
    if (size === 0 || !Number.isFinite(size)) return size;
    const next = overNorm(square);
    if (next.data.every((each, i) => Math.abs(each - power.data[i]) < 1e-15)) return exp((total + log(size)) / 2 ** k);
    [power, total] = [next, 2 * total + log(size)];
  }
  return exp(total / 2 ** SQUARINGS);
}

function overNorm(A: Tensor): Tensor {
  const size = norm(A.data);
  return viewOf(
    Float64Array.from(A.data, (each) => each / size),
    A.shape,
  );
}
