/**
 * Gradient checking: every analytic derivative a is compared with a numeric one n, in float64. `finite-differences.ts` computes n
 * and its noise, an estimate of its error. Then
 *
 *   (1)  relative error = |a − n| / max(|a|, |n|, noise / tolerance)
 *
 * so a difference as small as the noise never counts as an error, and the lower bound of the denominator is derived, not chosen.
 * If the noise is too large to decide, the element is inconclusive, and an inconclusive element does not pass.
 *
 * Before an element is rejected, the derivatives on either side of it are compared. If they disagree, the loss has a kink, as
 * max(0, x) has at 0, and no single number is its derivative. There n is the value nearest to a between the two, so any a between
 * them passes (it is a subgradient in the sense of Clarke, Optimization and Nonsmooth Analysis, 1983, section 2.1). An a outside
 * them is inconclusive. If one element moves several kinks at once, the chain rule may take a different side at each, and its sum
 * need not be between the two.
 */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { ArgumentError, ShapeError } from '../../tensor/errors.js';
import type { Rng } from '../../tensor/random.js';
import type { Tensor } from '../../tensor/types.js';
import { dtypeOf, sizeOf } from '../../tensor/view.js';
import type { Derivative, OneSided } from './finite-differences.js';
import { differentiate, lossNoise, oneSided } from './finite-differences.js';
import type { TensorRecord } from '../grads.js';
import {
  expectFunction,
  expectList,
  expectNumber,
  expectRecord,
  expectRng,
  expectTensors,
} from '../../tensor/arguments.js';
import { show } from '../../tensor/describe.js';
import { expectEntry } from '../entry-checks.js';

/** What to check, and how strictly. */
export interface GradcheckOptions {
  /** Tensors to differentiate with respect to, float64. They are perturbed in place, one element at a time, and restored. */
  readonly tensors: TensorRecord;
  /** The analytic gradient of each of them, under the same name. */
  readonly grads: TensorRecord;
  /** The loss at the current values of `tensors`; it must be deterministic and computed in float64. */
  readonly loss: () => number;
  /** Largest relative error that passes; default 1e-7. */
  readonly tolerance?: number;
  /** Checks at most this many elements of each tensor, drawn without replacement from `rng`; default all. */
  readonly elements?: number;
  /** Generator that draws the elements; required with `elements`. */
  readonly rng?: Rng;
  /** Time step an element belongs to, if any: for packed inputs, the step of the row. */
  readonly stepOf?: (name: string, index: readonly number[]) => number | undefined;
}

/** The one-sided derivatives at a kink. */
export interface Kink {
  readonly left: number;
  readonly right: number;
}

const KEYS = keysOf<GradcheckOptions>({
  tensors: true,
  grads: true,
  loss: true,
  tolerance: true,
  elements: true,
  rng: true,
  stepOf: true,
});

/** One derivative, analytic and numeric. */
export interface CheckedElement {
  readonly name: string;
  readonly index: readonly number[];
  /** Time step of the element, if `stepOf` returns one. */
  readonly step?: number;
  readonly analytic: number;
  readonly numeric: number;
  /** Estimated error of `numeric`. */
  readonly noise: number;
  /** Equation (1); `Infinity` if `analytic` is not finite. */
  readonly relativeError: number;
  /** The derivatives on either side, if they disagree; `numeric` is then the value nearest to `analytic` between them. */
  readonly kink?: Kink;
  /**
   * False if the loss cannot decide: the noise is too large, or the loss has a kink here and the analytic value does not lie
   * between its one-sided derivatives.
   */
  readonly conclusive: boolean;
  readonly passed: boolean;
}

/** The outcome of `gradcheck`. */
export interface GradcheckReport {
  readonly passed: boolean;
  readonly tolerance: number;
  /** Number of elements checked. */
  readonly checked: number;
  /** Largest noise of a checked element. */
  readonly noiseFloor: number;
  /** The element with the worst agreement. Conclusive failures come first, then inconclusive ones, then elements that pass. */
  readonly worst: CheckedElement;
  /** The same for each tensor. A tensor without elements is omitted. */
  readonly perTensor: Readonly<Record<string, CheckedElement>>;
  /** Every element that did not pass, in the order of the tensors; `conclusive` separates wrong from undecided ones. */
  readonly failures: readonly CheckedElement[];
}

/**
 * Checks analytic gradients against finite differences. Costs 6 losses per element, up to 24 if a step has to shrink; for an
 * element that would fail, 7 to 25 more.
 *
 * @throws ArgumentError if a tensor is not float64, has no gradient, or there is no element to check; if the tolerance or
 * the number of elements is not positive; if `elements` is given without `rng`; if the loss is not deterministic
 * @throws ShapeError if the shape of a gradient differs from that of its tensor
 * @throws NonFiniteError if the loss becomes NaN or infinite; the message names the element
 */
export function gradcheck(options: GradcheckOptions): GradcheckReport {
  expectKnownKeys('gradcheck', 'options', options, KEYS);
  expectEntry('gradcheck', { options });
  const { tensors, grads, tolerance = 1e-7 } = options;
  checkOptions(options, tolerance);
  const sigma = lossNoise(tensors, options.loss);
  const perTensor: Record<string, CheckedElement> = {};
  const failures: CheckedElement[] = [];
  let worst: CheckedElement | undefined;
  let checked = 0;
  let noiseFloor = 0;
  for (const [name, x] of Object.entries(tensors)) {
    for (const flatIndex of elementsToCheck(sizeOf(x.shape), options)) {
      const element = checkElement(name, x, grads[name], flatIndex, { ...options, tolerance, sigma });
      checked++;
      noiseFloor = Math.max(noiseFloor, element.noise);
      if (!element.passed) failures.push(element);
      if (perTensor[name] === undefined || isWorse(element, perTensor[name])) perTensor[name] = element;
      if (worst === undefined || isWorse(element, worst)) worst = element;
    }
  }
  if (worst === undefined) throw new ArgumentError('gradcheck: tensors must have at least one element; got none');
  return { passed: failures.length === 0, tolerance, checked, noiseFloor, worst, perTensor, failures };
}

/** One line about one element: `Wh[3, 7]: analytic 0.25, numeric 0.5, relative error 5.0e-1 (noise 1.2e-13)`. */
export function describeElement(element: CheckedElement): string {
  expectRecord('describeElement', 'element', element, 'an element of a report of gradcheck');
  expectList('describeElement', 'element.index', element.index, 'integers');
  for (const name of ['analytic', 'numeric', 'noise', 'relativeError'] as const) {
    expectNumber('describeElement', `element.${name}`, element[name]);
  }
  const { name, index, step, analytic, numeric, relativeError, noise, kink, conclusive } = element;
  const place = step === undefined ? '' : ` (step ${step})`;
  const corner = kink ? `, at a kink: ${kink.left} from the left, ${kink.right} from the right` : '';
  const reason = kink ? 'the analytic value is outside both' : 'the loss is not smooth enough here';
  const doubt = conclusive ? '' : `, inconclusive: ${reason}`;
  return (
    `${name}[${index.join(', ')}]${place}: analytic ${analytic}, numeric ${numeric}, ` +
    `relative error ${relativeError.toExponential(1)} (noise ${noise.toExponential(1)})${corner}${doubt}`
  );
}

function checkOptions({ tensors, grads, loss, elements, rng }: GradcheckOptions, tolerance: number): void {
  expectTensors('gradcheck', 'tensors', tensors);
  expectTensors('gradcheck', 'grads', grads);
  expectFunction('gradcheck', 'loss', loss);
  if (rng !== undefined) expectRng('gradcheck', 'rng', rng);
  if (!(typeof tolerance === 'number' && tolerance > 0))
    throw new ArgumentError(`gradcheck: tolerance must be greater than 0; got ${show(tolerance)}`);
  if (elements !== undefined && !(Number.isInteger(elements) && elements > 0)) {
    throw new ArgumentError(`gradcheck: elements must be an integer of at least 1; got ${show(elements)}`);
  }
  if (elements !== undefined && rng === undefined) {
    throw new ArgumentError('gradcheck: elements draws at random and needs rng; pass createRng(seed)');
  }
  for (const [name, x] of Object.entries(tensors)) {
    const g = grads[name];
    if (g === undefined)
      throw new ArgumentError(`gradcheck: '${name}' needs a gradient; grads has no entry of that name`);
    if (dtypeOf(x.data) !== 'float64') {
      throw new ArgumentError(`gradcheck: '${name}' must be float64, float32 is too coarse; got ${dtypeOf(x.data)}`);
    }
    if (g.shape.join() !== x.shape.join()) {
      throw new ShapeError(
        `gradcheck: the gradient of '${name}' must be [${x.shape.join(', ')}]; got [${g.shape.join(', ')}]`,
      );
    }
  }
  const first = loss();
  const second = loss();
  if (first !== second && (first === first || second === second)) {
    throw new ArgumentError(
      `gradcheck: the loss must be the same at the same values; got ${first}, then ${second}. Fix its random numbers.`,
    );
  }
}

/** Flat row-major indices to check, ascending. */
function elementsToCheck(size: number, { elements, rng }: GradcheckOptions): ArrayLike<number> & Iterable<number> {
  const all = Int32Array.from({ length: size }, (_, i) => i);
  if (elements === undefined || rng === undefined || elements >= size) return all;
  return rng.shuffle(all).slice(0, elements).sort();
}

function checkElement(
  name: string,
  x: Tensor,
  g: Tensor,
  flatIndex: number,
  { loss, stepOf, tolerance, sigma }: GradcheckOptions & { tolerance: number; sigma: number },
): CheckedElement {
  const index = indexOf(x.shape, flatIndex);
  const at = (t: Tensor): number => index.reduce((sum, i, axis) => sum + i * t.stride[axis], t.offset);
  const analytic = g.data[at(g)];
  const label = `${name}[${index.join(', ')}]`;
  const derivative = differentiate(x, at(x), loss, sigma, label);
  // The natural scale of a derivative is that of the loss divided by that of its argument.
  const natural = derivative.magnitude / Math.max(1, Math.abs(x.data[at(x)]));
  let verdict = judge(analytic, derivative, natural, tolerance);
  if (!verdict.passed && Number.isFinite(analytic)) {
    verdict = judgeSides(analytic, verdict, oneSided(x, at(x), loss, sigma, label), natural, tolerance);
  }
  const step = stepOf?.(name, index);
  return { name, index, ...(step === undefined ? {} : { step }), analytic, ...verdict };
}

type Verdict = Pick<CheckedElement, 'numeric' | 'noise' | 'relativeError' | 'kink' | 'conclusive' | 'passed'>;

/** Compares analytic with numeric by equation (1). */
function judge(analytic: number, { numeric, noise }: Derivative, natural: number, tolerance: number): Verdict {
  const relativeError = errorOf(analytic, numeric, noise, tolerance);
  const conclusive = noise <= tolerance * Math.max(Math.abs(numeric), natural);
  return { numeric, noise, relativeError, conclusive, passed: conclusive && relativeError <= tolerance };
}

/** Re-examines a failure from both sides: it may be a kink; without one, the rejection stands. */
function judgeSides(
  analytic: number,
  central: Verdict,
  { left, right }: { left: OneSided; right: OneSided },
  natural: number,
  tolerance: number,
): Verdict {
  const jump = Math.abs(right.slope - left.slope);
  const truncation = left.truncation + right.truncation;
  const noise = truncation + left.rounding + right.rounding;
  // A side that has not converged (√x at 0) is not evidence of a kink, however far it is from the other one.
  if (!(jump > noise && truncation < jump / 100)) {
    // A difference that both sides together cannot distinguish from a kink does not count against the gradient.
    const conclusive = central.conclusive && !(Math.abs(analytic - central.numeric) <= noise);
    return { ...central, conclusive };
  }
  const [low, high] = [Math.min(left.slope, right.slope), Math.max(left.slope, right.slope)];
  const numeric = Math.max(low, Math.min(high, analytic));
  const relativeError = errorOf(analytic, numeric, noise, tolerance);
  const passed = relativeError <= tolerance && noise <= tolerance * Math.max(-low, high, natural);
  return { numeric, noise, relativeError, kink: { left: left.slope, right: right.slope }, conclusive: passed, passed };
}

/** Equation (1). */
function errorOf(analytic: number, numeric: number, noise: number, tolerance: number): number {
  const difference = Math.abs(analytic - numeric);
  if (!Number.isFinite(difference)) return Infinity;
  return difference / Math.max(Math.abs(analytic), Math.abs(numeric), noise / tolerance, Number.MIN_VALUE);
}

function indexOf(shape: readonly number[], flatIndex: number): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = flatIndex % shape[axis];
    flatIndex = Math.floor(flatIndex / shape[axis]);
  }
  return index;
}

function isWorse(a: CheckedElement, b: CheckedElement): boolean {
  const rank = ({ passed, conclusive }: CheckedElement): number => (passed ? 0 : conclusive ? 2 : 1);
  return rank(a) === rank(b) ? a.relativeError > b.relativeError : rank(a) > rank(b);
}
