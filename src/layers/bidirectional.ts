/**
 * Bidirectional recurrent layer (Schuster & Paliwal 1997): two independent passes of one kind of cell, one from each end.
 *
 *   Forward    (1)  y→ = unroll(x, forward)            [N,H]
 *              (2)  y← = unroll(x, reverse)            [N,H]
 *              (3)  y = [y→ | y←]                      [N,2H]
 *   Backward   (3)  dy→ = dy[:, 0…H−1]   dy← = dy[:, H…2H−1]
 *              (2)  dx += unrollBackward(dy←)
 *              (1)  dx += unrollBackward(dy→)          both add to the same dx
 *
 * Both halves of a row belong to the same token: row (t, b) of y← has read the sequence from its end to token t.
 */
import type { Cell, CellParams, InitOptions, State } from '../cells/cell.js';
import type { Packing } from '../autograd/packing.js';
import type { Places } from '../autograd/devices.js';
import { unrollBackwardWork, unrollWork } from '../autograd/devices.js';
import type { BackwardOptions, BackwardPass, Direction, Keep, Unrolled, UnrollOptions } from '../autograd/layout.js';
import type { Truncation } from '../autograd/truncate.js';
import type { Kernels } from '../kernels/types.js';
import type { Work } from '../kernels/work.js';
import { now } from '../kernels/work.js';
import { expectKnownKeys, expectPositiveInteger, expectShape, keysOf } from '../tensor/checks.js';
import type { Rng } from '../tensor/random.js';
import type { Tensor } from '../tensor/types.js';
import { columns } from '../tensor/view.js';
import { expectEntry } from '../autograd/entry-checks.js';
import { expectCell } from '../cells/check.js';
import { expectRecord } from '../tensor/arguments.js';

/** Parameters of both directions; gradients mirror them. */
export type BidirectionalParams = { readonly forward: CellParams; readonly reverse: CellParams };

/** Parameters of one layer; `reverse` is present if and only if the layer is bidirectional. Gradients mirror them. */
export type LayerParams = { readonly forward: CellParams } | BidirectionalParams;

/** One state per direction, each `[B, H]` in packed order: the initial state of a layer, or the gradient of its final state. */
export interface DirectionStates<S = State> {
  readonly forward?: S;
  readonly reverse?: S;
}

/** What the forward pass returns, and what its backward needs. */
export interface BidirectionalPass {
  /** `[N, 2H]` the forward half, then the reverse half. */
  readonly y: Tensor;
  /** The pass from the first token; `forward.final`, in packed order, is its state after the last token. */
  readonly forward: Unrolled;
  /** The pass from the last token; `reverse.final`, in packed order, is its state after the first token. */
  readonly reverse: Unrolled;
}

/** The same for a layer with one direction or both. */
export type DirectionsPass = Omit<BidirectionalPass, 'reverse'> & Partial<Pick<BidirectionalPass, 'reverse'>>;

/** The results of a layer's backward pass; ∂L/∂(initial state) is `forward.dInitial`, in packed order. */
export interface LayerBackwardPass {
  readonly forward: BackwardPass;
  readonly reverse?: BackwardPass;
}

/** Inputs and outputs of the backward pass besides dY and the gradients of the parameters; all optional. */
export interface BidirectionalBackwardOptions {
  /** `[N, D]` accumulates ∂L/∂x. */
  readonly dX?: Tensor;
  /** ∂L/∂final of either direction, each `[B, H]` in packed order. */
  readonly dFinal?: DirectionStates<Partial<State>>;
  /** Truncated BPTT, counted from the start of each direction. */
  readonly truncate?: Truncation;
}

const DIRECTIONS = keysOf<DirectionStates>({ forward: true, reverse: true });
const KEYS = keysOf<BidirectionalBackwardOptions>({ dX: true, dFinal: true, truncate: true });

/**
 * New parameters: each direction draws from its own stream, `forward` and `reverse`, of the generator.
 *
 * @throws ArgumentError when D or H is not a positive integer
 */
export function initBidirectional(
  cell: Cell,
  D: number,
  H: number,
  rng: Rng,
  options: InitOptions = {},
): BidirectionalParams {
  expectPositiveInteger('initBidirectional', 'D', D);
  expectPositiveInteger('initBidirectional', 'H', H);
  expectCell('initBidirectional', cell);
  expectEntry('initBidirectional', { rng, options });
  return {
    forward: cell.initialize(D, H, rng.split('forward'), options),
    reverse: cell.initialize(D, H, rng.split('reverse'), options),
  };
}

/**
 * Runs both directions over a packed batch.
 *
 * @param x `[N, D]`
 * @param initial states before the first step of either direction, each `[B, H]` in packed order; default: learned, else zero
 * @param keep what to keep of the pass; see `UnrollOptions`
 * @throws ShapeError when a tensor does not fit; UnsupportedError if the backend lacks the element type
 */
export function bidirectionalForward(
  kernels: Kernels,
  cell: Cell,
  params: BidirectionalParams,
  x: Tensor,
  packing: Packing,
  initial: DirectionStates = {},
  keep?: Keep,
): BidirectionalPass {
  expectCell('bidirectionalForward', cell);
  expectEntry('bidirectionalForward', { kernels, packing });
  expectDirections('bidirectionalForward', 'params', params);
  expectRecord('bidirectionalForward', 'initial', initial, '{ forward, reverse }');
  expectKnownKeys('bidirectionalForward', 'initial', initial, DIRECTIONS);
  const pass = now(directionsWork({ host: kernels }, cell, params, x, packing, initial, keep));
  return pass as BidirectionalPass; // of two records of parameters
}

/** A layer with both directions, or only the forward one, as work. */
export function* directionsWork(
  places: Places,
  cell: Cell,
  params: LayerParams,
  x: Tensor,
  packing: Packing,
  initial: DirectionStates = {},
  keep?: Keep,
  masksOf?: (direction: Direction) => UnrollOptions['masks'],
): Work<DirectionsPass> {
  const way = (direction: Direction): UnrollOptions => {
    return { direction, initial: initial[direction], keep, masks: masksOf?.(direction) };
  };
  const forward = yield* unrollWork(places, cell, params.forward, x, packing, way('forward')); // (1)
  if (!('reverse' in params)) return { y: forward.y, forward };
  const reverse = yield* unrollWork(places, cell, params.reverse, x, packing, way('reverse')); // (2)
  return joinDirections(places.host, forward, reverse); // (3)
}

/** Equation (3). @throws ShapeError when the directions differ in size */
function joinDirections(kernels: Kernels, forward: Unrolled, reverse: Unrolled): BidirectionalPass {
  const [N, H] = forward.y.shape;
  expectShape(
    'bidirectionalForward',
    'the reverse output',
    reverse.y,
    ['N', { H }],
    `the forward direction has H = ${H}`,
  );
  const y = kernels.empty([N, 2 * H], forward.y);
  kernels.rows.copyMatrix(columns(y, 0, H), forward.y); // (3)
  kernels.rows.copyMatrix(columns(y, H, H), reverse.y);
  return { y, forward, reverse };
}

/**
 * The backward pass of `bidirectionalForward`: accumulates into `grads` and `options.dX`.
 *
 * @param dY `[N, 2H]`
 * @returns the results of each direction, including ∂L/∂(initial state)
 * @throws ShapeError when a tensor does not fit; ArgumentError on impossible truncation windows
 */
export function bidirectionalBackward(
  kernels: Kernels,
  pass: BidirectionalPass,
  dY: Tensor,
  grads: BidirectionalParams,
  options: BidirectionalBackwardOptions = {},
): { forward: BackwardPass; reverse: BackwardPass } {
  expectEntry('bidirectionalBackward', { kernels, pass, options, dY });
  expectDirections('bidirectionalBackward', 'pass', pass);
  expectDirections('bidirectionalBackward', 'grads', grads);
  expectKnownKeys('bidirectionalBackward', 'options', options, KEYS);
  const back = now(directionsBackwardWork({ host: kernels }, pass, dY, grads, options));
  return back as Required<LayerBackwardPass>; // of two passes
}

/** `directionsWork` backward. */
export function* directionsBackwardWork(
  places: Places,
  pass: DirectionsPass,
  dY: Tensor,
  grads: LayerParams,
  { dX, truncate, dFinal = {} }: BidirectionalBackwardOptions,
): Work<LayerBackwardPass> {
  const way = (direction: Direction): BackwardOptions => ({ dX, truncate, dFinal: dFinal[direction] });
  if (pass.reverse === undefined || !('reverse' in grads)) {
    return { forward: yield* unrollBackwardWork(places, pass.forward, dY, grads.forward, way('forward')) };
  }
  const { fromForward, fromReverse } = splitDirections(pass, dY); // (3)
  const reverse = yield* unrollBackwardWork(places, pass.reverse, fromReverse, grads.reverse, way('reverse')); // (2)
  const forward = yield* unrollBackwardWork(places, pass.forward, fromForward, grads.forward, way('forward')); // (1)
  return { forward, reverse };
}

/** Equation (3) backward: each direction's half of the gradient, as a view. @throws ShapeError when `dY` has another shape */
function splitDirections(pass: Pick<BidirectionalPass, 'y'>, dY: Tensor) {
  const [N, width] = pass.y.shape;
  expectShape('bidirectionalBackward', 'dY', dY, [{ N }, { '2H': width }]);
  const H = width / 2;
  return { fromForward: columns(dY, 0, H), fromReverse: columns(dY, H, H) };
}

/** Requires one record per direction. @throws ArgumentError */
function expectDirections(where: string, name: string, x: unknown): void {
  expectRecord(where, name, x, '{ forward, reverse }');
  const { forward, reverse } = x as Partial<Record<string, unknown>>;
  expectRecord(where, `${name}.forward`, forward);
  expectRecord(where, `${name}.reverse`, reverse);
}
