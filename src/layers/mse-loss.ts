/**
 * Squared error over packed rows: the loss of a model that predicts numbers, such as the next value of a series.
 *
 *   Forward    (1)  e[n,k] = y[n,k] − t[n,k]                y [N,K] predictions, t [N,K] targets
 *              (2)  ℓ[n] = Σ_k e[n,k]²
 *              (3)  L = s · Σ_n ℓ[n]                        s = 1 (sum), s = 1/(M·K) (mean, M the rows that count)
 *
 *   Backward   (3)  dℓ[n] = s · dL
 *              (2)  de[n,k] = 2 · e[n,k] · dℓ[n]
 *              (1)  dy[n,k] += de[n,k]
 *
 * Sums over n run over the rows that the mask counts; the others are not read, even if they contain NaN. The mean is over all
 * counted elements, as in PyTorch's `MSELoss`. It has no factor ½, so the gradient has the 2 of (2).
 *
 * Errors and sums are computed in float64; e is then rounded once to the element type. A counted row that is not finite makes the
 * loss NaN or Infinity.
 *
 * Kept for backward: e, which is 0 in rows that do not count, and s.
 */
import { expectEntry, expectKernels } from '../autograd/entry-checks.js';
import type { Kernels } from '../kernels/types.js';
import { expectNumber, expectNumbers, expectRecord, expectTensor } from '../tensor/arguments.js';
import { expectKnownKeys, expectOneOf, expectSameDType, expectShape, keysOf } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';

/** How the squared errors are reduced to one number. */
export interface MseLossOptions {
  /** `mean` (default) divides by the number of counted elements; `sum` does not divide. */
  readonly reduction?: 'mean' | 'sum';
  /** `[N]` 1 for a row that counts, 0 for one that does not. Default: every row counts. */
  readonly mask?: ArrayLike<number>;
}

const KEYS = keysOf<MseLossOptions>({ reduction: true, mask: true });

/** The loss, and what its backward needs. */
export interface MseLoss {
  /** L, in squared units of the targets; 0 when no row counts. */
  readonly loss: number;
  /** Rows that count. */
  readonly count: number;
  /** `[N, K]` the errors e of equation (1), 0 in rows that do not count. */
  readonly errors: Tensor;
  /** s, the factor of equation (3). */
  readonly scale: number;
}

/**
 * The loss of a batch of rows. Nothing is written into the arguments.
 *
 * @param predictions `[N, K]`
 * @param targets `[N, K]`, of the element type of the predictions
 * @throws ShapeError when `predictions` is not a matrix, or `targets` has another shape or element type
 * @throws ArgumentError naming the option outside its domain, or the entry of the mask that is neither 0 nor 1
 */
export function mseLossForward(
  kernels: Kernels,
  predictions: Tensor,
  targets: Tensor,
  options: MseLossOptions = {},
): MseLoss {
  expectKernels('mseLoss', kernels);
  expectEntry('mseLoss', { predictions });
  expectTensor('mseLoss', 'targets', targets);
  expectShape('mseLoss', 'predictions', predictions, ['N', 'K']);
  const [N, K] = predictions.shape;
  expectShape('mseLoss', 'targets', targets, [N, K], 'the shape of the predictions');
  expectSameDType('mseLoss', { predictions, targets });
  const { reduction, mask } = checkedOptions(options, N);
  const errors = kernels.zeros([N, K], predictions);
  let total = 0;
  let count = 0;
  for (let n = 0; n < N; n++) {
    if (mask?.[n] === 0) continue;
    total += rowLoss(predictions, targets, errors, n);
    count++;
  }
  const elements = count * K;
  const scale = reduction === 'sum' ? 1 : elements > 0 ? 1 / elements : 0;
  return { loss: scale * total, count, errors, scale }; //                   (3)
}

/**
 * Adds the gradient of the loss to `dPredictions`. The targets are constants: they get none.
 *
 * @param forward what `mseLossForward` returned
 * @param dPredictions `[N, K]`, accumulates
 * @param dLoss gradient arriving at the loss, 1 by default
 * @throws ShapeError when `dPredictions` does not have the shape of the predictions
 */
export function mseLossBackward(kernels: Kernels, forward: MseLoss, dPredictions: Tensor, dLoss = 1): void {
  expectKernels('mseLossBackward', kernels);
  expectEntry('mseLossBackward', { dPredictions });
  expectRecord('mseLossBackward', 'forward', forward, 'what mseLossForward returned');
  expectTensor('mseLossBackward', 'forward.errors', forward.errors);
  expectNumber('mseLossBackward', 'forward.scale', forward.scale);
  expectNumber('mseLossBackward', 'dLoss', dLoss);
  const { errors: e, scale } = forward;
  expectShape('mseLossBackward', 'dPredictions', dPredictions, e.shape);
  const [N, K] = e.shape;
  const dRow = scale * dLoss; //                                             (3)
  for (let n = 0; n < N; n++) {
    const from = e.offset + n * e.stride[0];
    const to = dPredictions.offset + n * dPredictions.stride[0];
    for (let k = 0; k < K; k++) {
      const de = 2 * e.data[from + k * e.stride[1]] * dRow; //               (2)
      dPredictions.data[to + k * dPredictions.stride[1]] += de; //           (1)
    }
  }
}

/** ℓ of row n, in float64; e is written to `errors`. */
function rowLoss(y: Tensor, t: Tensor, errors: Tensor, n: number): number {
  const [py, pt, pe] = [y, t, errors].map((x) => x.offset + n * x.stride[0]);
  let loss = 0;
  for (let k = 0; k < y.shape[1]; k++) {
    const e = y.data[py + k * y.stride[1]] - t.data[pt + k * t.stride[1]]; // (1)
    errors.data[pe + k * errors.stride[1]] = e;
    loss += e * e; //                                                        (2)
  }
  return loss;
}

function checkedOptions(options: MseLossOptions, N: number): MseLossOptions {
  expectKnownKeys('mseLoss', 'options', options, KEYS);
  const { reduction = 'mean', mask } = options;
  expectOneOf('mseLoss', 'reduction', reduction, ['mean', 'sum']);
  if (mask === undefined) return { reduction };
  expectNumbers('mseLoss', 'mask', mask);
  if (mask.length !== N) {
    throw new ArgumentError(`mseLoss: mask must have one entry per row, ${N}; got ${mask.length}`);
  }
  for (let n = 0; n < N; n++) {
    if (mask[n] === 0 || mask[n] === 1) continue;
    throw new ArgumentError(`mseLoss: mask[${n}] must be 1 for a row that counts, or 0; got ${mask[n]}`);
  }
  return { reduction, mask };
}
