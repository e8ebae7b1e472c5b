/**
 * Is it right? Derivatives by three methods: the hand-written backward pass, forward mode, and central differences with their
 * noise floor. The last two share nothing with the first.
 */
import type { CheckedElement } from '../autograd/index.js';
import { gradcheck } from '../autograd/index.js';
import { NonFiniteError, UnsupportedError } from '../tensor/errors.js';
import type { Rng } from '../tensor/random.js';
import { createRng } from '../tensor/random.js';
import type { Tensor } from '../tensor/types.js';
import { viewOf } from '../tensor/view.js';
import type { Verdict } from '../autograd/check/verdict.js';
import { NUMERIC_TOLERANCE, verdictOf } from '../autograd/check/verdict.js';
import { flatten } from '../autograd/grads.js';
import { curveOf } from './curve.js';
import { derivative } from './duals.js';
import { faultOf } from './fault.js';
import type { Place } from './ledger.js';
import { refOf } from './ledger.js';
import { zeros } from './numbers.js';
import type { Reading } from './reading.js';
import { sumOfSeeds } from './losses.js';
import { again, flatGrads } from './study.js';
import type { CheckElement, CheckTrace } from './trace.js';

/** Names of the verdicts in a trace. */
const VERDICTS: Readonly<Record<Verdict, CheckElement['verdict']>> = {
  agrees: 'agree',
  disagrees: 'disagree',
  inconclusive: 'below-noise',
};

/** Checks some weights; if one disagrees, looks for the step that is wrong. */
export function checksOf(reading: Reading): CheckTrace {
  const { checks = 8, checkSeed = 1 } = reading.options;
  const places = placesOf(reading, checks, createRng(checkSeed).split('checks'));
  const elements = compared(reading, places);
  const agrees = elements.every(({ verdict }) => verdict !== 'disagree');
  const rank = (x: CheckElement): number => (x.verdict === 'disagree' ? 2 : x.verdict === 'below-noise' ? 1 : 0);
  const order = elements
    .map((_, i) => i)
    .sort((p, q) => rank(elements[q]) - rank(elements[p]) || less(elements[p], elements[q]));
  return {
    checked: elements.length,
    agrees,
    worst: order.length > 0 ? order[0] : null,
    elements,
    fault: agrees ? null : faultOf(reading),
    ...curveFor(reading, elements, reading.options.curve ?? order[0]),
  };
}

/** The curve of an element, as a field; empty if the element or its curve does not exist. */
function curveFor(
  reading: Reading,
  elements: readonly CheckElement[],
  at: number | undefined,
): Pick<CheckTrace, 'curve'> {
  if (at === undefined || at >= elements.length) return {};
  const { param, index } = elements[at];
  const { shape } = flatten(reading.study.params)[param];
  const found = curveOf(reading, elements[at], flatIndex(shape, index));
  return found === undefined ? {} : { curve: { element: at, ...found } };
}

const less = (p: CheckElement, q: CheckElement): number =>
  p.relative < q.relative ? 1 : p.relative > q.relative ? -1 : 0;

/** A block of columns of a parameter to sample from: those of one gate, or all. */
interface Block extends Pick<Place, 'param'> {
  readonly shape: readonly number[];
  readonly start: number;
  readonly count: number;
  /** Rows to sample from; all if absent. */
  readonly rows?: ArrayLike<number>;
}

/** Random weights: cycles through the blocks in a random order, taking one element of each at a time. */
function placesOf(reading: Reading, count: number, rng: Rng): Place[] {
  const blocks = rng.shuffle(blocksOf(reading));
  return Array.from({ length: blocks.length === 0 ? 0 : count }, (_, n) => {
    const { param, shape, start, count: width, rows } = blocks[n % blocks.length];
    const column = start + rng.integer(width);
    if (shape.length === 1) return { param, index: [column] };
    return { param, index: [rows ? rows[rng.integer(rows.length)] : rng.integer(shape[0]), column] };
  });
}

function blocksOf({ addends, study }: Reading): Block[] {
  return addends.flatMap(({ param, shape, gates }): Block[] => {
    const width = shape[shape.length - 1];
    const count = width / Math.max(gates.length, 1);
    const [, kind] = param.split('.');
    const encoder = study.network.encoders.findIndex(({ config }) => config.kind === kind);
    const rows = param.startsWith('encoders.')
      ? study.network.encoders[encoder].table?.rows(study.features[encoder])
      : undefined;
    return Array.from({ length: Math.max(gates.length, 1) }, (_, g) => ({
      param,
      shape,
      start: g * count,
      count,
      ...(rows && { rows }),
    }));
  });
}

function compared(reading: Reading, places: readonly Place[]): CheckElement[] {
  const grads = flatGrads(reading.full);
  const numeric = differences(reading, places);
  return places.map((place, n): CheckElement => {
    tell(reading, places.length + n, places.length);
    const { param, index } = place;
    const gradient = grads[param];
    const analytic = gradient.data[flatIndex(gradient.shape, index)];
    const scale = Array.from(gradient.data).reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    const forwardMode = secondOpinion(reading, place);
    const verdict = VERDICTS[verdictOf({ analytic, forwardMode, numeric: numeric[n], magnitude: scale })];
    const other = forwardMode ?? numeric[n]?.numeric ?? NaN;
    return {
      ref: refOf(param, index) || null,
      param,
      index,
      where: whereOf(reading, place),
      analytic,
      forwardMode,
      numeric: numeric[n]?.numeric ?? null,
      noise: numeric[n]?.noise ?? null,
      relative: relativeOf(analytic, other),
      verdict,
    };
  });
}

/** Every weight has two derivatives: by differences and by forward mode. */
function tell({ options }: Reading, done: number, weights: number): void {
  options.onProgress?.({ part: 'checks', done, total: 2 * weights });
}

/** |a − b| over the larger of the two; 0 if both are 0. */
export function relativeOf(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));
}

/** Forward mode of one weight; null if the cell or the head has none. */
function secondOpinion({ study, ...rest }: Reading, { param, index }: Place): number | null {
  const { shape } = flatten(study.params)[param];
  const tangent = zeros(shape);
  tangent.data[flatIndex(shape, index)] = 1;
  try {
    return derivative({ study, ...rest }, { param, tangent });
  } catch (error) {
    if (error instanceof UnsupportedError) return null;
    throw error;
  }
}

/** Central differences at every index, in one call so that the noise is measured only once; undefined if the loss is not finite. */
function differences(reading: Reading, places: readonly Place[]): (CheckedElement | undefined)[] {
  if (places.length === 0) return [];
  const { study, losses, full, options } = reading;
  const [params, grads] = [flatten(study.params), flatGrads(full)];
  const only = (from: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(
      places.map(({ param, index }, n) => [
        String(n),
        viewOf(from[param].data, [1], flatIndex(from[param].shape, index)),
      ]),
    );
  const loss = (): number => sumOfSeeds(again(study), losses, options);
  tell(reading, 0, places.length);
  const stepOf = (name: string): undefined => tell(reading, Number(name) + 1, places.length) as undefined; // called after each element
  try {
    const { perTensor } = gradcheck({
      ...{ tensors: only(params), grads: only(grads), loss, stepOf },
      tolerance: NUMERIC_TOLERANCE,
    });
    return places.map((_, n) => perTensor[String(n)]);
  } catch (error) {
    if (error instanceof NonFiniteError) return places.map(() => undefined);
    throw error;
  }
}

const flatIndex = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((at, i, axis) => at * shape[axis] + i, 0);

/** `layers.0.forward.Wh[3, 7], gate f`. */
export function whereOf({ addends }: Pick<Reading, 'addends'>, { param, index }: Place): string {
  const { gates = [], shape } = addends.find((each) => each.param === param)!;
  const width = shape[shape.length - 1] / Math.max(gates.length, 1);
  const gate = gates.length > 0 ? `, gate ${gates[Math.floor(index[index.length - 1] / width)]}` : '';
  return `${param}[${index.join(', ')}]${gate}`;
}
