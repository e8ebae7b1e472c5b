/**
 * A stack of recurrent layers, each with its own cell, size and number of directions, and dropout between them.
 *
 *   Forward    x₁ = x
 *              (1)  y_l = layer_l(x_l)                 [N, H_l], or [N, 2H_l] for both directions
 *              (2)  y_l += x_l                         in a residual layer (He et al. 2016), whose input is as wide as its output
 *              (3)  x_{l+1} = dropout(y_l)             between layers only: neither before the first nor after the last
 *   Backward   for l = L … 1
 *              (3)  dy_l += dx_{l+1} ∘ mask_l
 *              (2)  dx_l += dy_l
 *              (1)  dx_l += layer_lᵀ(dy_l)
 */
import type { Packing } from '../autograd/packing.js';
import type { Devices, Places } from '../autograd/devices.js';
import type { Direction, Keep, UnrollOptions } from '../autograd/layout.js';
import type { Truncation } from '../autograd/truncate.js';
import type { Cell, ForwardCell, InitOptions, State } from '../cells/cell.js';
import type { Kernels } from '../kernels/types.js';
import type { Work } from '../kernels/work.js';
import { later, now } from '../kernels/work.js';
import { expectKnownKeys, expectPositiveInteger, expectShape, keysOf } from '../tensor/checks.js';
import { ArgumentError, ShapeError } from '../tensor/errors.js';
import type { Rng } from '../tensor/random.js';
import type { RandomKey } from '../tensor/random-key.js';
import type { Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';
import type { DirectionsPass, DirectionStates, LayerBackwardPass, LayerParams } from './bidirectional.js';
import { directionsBackwardWork, directionsWork, initBidirectional } from './bidirectional.js';
import { drawMasks, dropoutBackward, dropoutForward, placesOf, type DropoutMask } from './dropout.js';
import { expectEntry } from '../autograd/entry-checks.js';
import { expectCell } from '../cells/check.js';
import { expectKey, expectList, expectRecord } from '../tensor/arguments.js';

/** One layer of a stack; for a forward-only stack, with the forward half of its cell. */
export interface LayerSpec<C extends ForwardCell = Cell> {
  readonly cell: C;
  /** H, per direction. */
  readonly hidden: number;
  /** Both directions, `[N, 2H]`; default false. */
  readonly bidirectional?: boolean;
  /** Adds the layer's input to its output; both must have the same width. Default false. */
  readonly residual?: boolean;
}

const LAYER_KEYS = keysOf<LayerSpec>({ cell: true, hidden: true, bidirectional: true, residual: true });

/** Dropout between layers; and, with the same key, the masks of the cells (zoneout, recurrent dropout). */
export interface StackDropout {
  /** Probability of dropping a component between layers, 0 ≤ p < 1. */
  readonly p: number;
  /** The key of this stack; the dropout after layer l uses `key.fold(l)`, the masks of its cell `key.fold(l).fold(direction)`. */
  readonly key: RandomKey;
  /** `[N, 2]`, the places of the rows: `placesOf(packing, sequences)`; by default `placesOf(packing)`. */
  readonly places?: Int32Array;
  /** One mask for all time steps of a sequence instead of one per row; default false. */
  readonly perSequence?: boolean;
}

const DROPOUT_KEYS = keysOf<StackDropout>({ p: true, key: true, places: true, perSequence: true });

/** Inputs of the forward pass besides the input and the parameters; all optional. */
export interface StackOptions {
  /** Omit it in evaluation: nothing is dropped then, and masks of cells are their means. */
  readonly dropout?: StackDropout;
  /**
   * Per layer, the states before the first step, each `[B, H]` in packed order (`initialFor` makes them from the caller's order);
   * default: learned, else zero.
   */
  readonly initial?: readonly DirectionStates[];
  /** What to keep of the pass, default `steps`; see `UnrollOptions`. */
  readonly keep?: Keep;
}

const DIRECTION_KEYS = keysOf<DirectionStates>({ forward: true, reverse: true });
const FORWARD_KEYS = keysOf<StackOptions>({ dropout: true, initial: true, keep: true });

export type { LayerBackwardPass, LayerParams } from './bidirectional.js';

/** The pass of one layer; `y` is `[N, H]` or `[N, 2H]`, before dropout; in a residual layer it is the sum. */
export interface LayerPass extends DirectionsPass {
  /** Mask of the dropout after this layer; null if there was none. */
  readonly mask: DropoutMask | null;
  /** Whether the input was added to the output. */
  readonly residual?: boolean;
}

/** What the forward pass returns, and what its backward needs. */
export interface StackPass {
  /** Output of the last layer. */
  readonly y: Tensor;
  /**
   * First layer first; the final states are in `layers[l].forward.final` and `layers[l].reverse.final`, in packed order:
   * `finalOf(layers[l].forward)` gives the caller's.
   */
  readonly layers: readonly LayerPass[];
}

/** Inputs and outputs of the backward pass besides dY and the gradients of the parameters; all optional. */
export interface StackBackwardOptions {
  /** `[N, D]` accumulates ∂L/∂x. */
  readonly dX?: Tensor;
  /** Per layer, ∂L/∂final, each `[B, H]` in packed order. */
  readonly dFinal?: readonly DirectionStates<Partial<State>>[];
  /** Truncated BPTT, the same windows in every layer. */
  readonly truncate?: Truncation;
}

const BACKWARD_KEYS = keysOf<StackBackwardOptions>({ dX: true, dFinal: true, truncate: true });

/** Columns of a layer's output: H, or 2H for both directions. */
export function outputSize(layer: Pick<LayerSpec, 'hidden' | 'bidirectional'>): number {
  expectRecord('outputSize', 'layer', layer, '{ cell, hidden, bidirectional }');
  const { hidden, bidirectional = false } = layer;
  return bidirectional ? 2 * hidden : hidden;
}

/**
 * New parameters, first layer first. Layer l draws from its own stream, named `l`, of the generator, so that a deeper
 * stack starts with the same lower layers.
 *
 * @param D width of the input
 * @throws ArgumentError on an empty list of layers, or a size that is not a positive integer
 */
export function initStack(D: number, layers: readonly LayerSpec[], rng: Rng, options: InitOptions = {}): LayerParams[] {
  expectEntry('initStack', { rng, options });
  expectLayers('initStack', layers, expectCell);
  expectPositiveInteger('initStack', 'D', D);
  return layers.map(({ cell, hidden, bidirectional }, l) => {
    const width = l === 0 ? D : outputSize(layers[l - 1]);
    const stream = rng.split(String(l));
    return bidirectional
      ? initBidirectional(cell, width, hidden, stream, options)
      : { forward: cell.initialize(width, hidden, stream.split('forward'), options) };
  });
}

/**
 * Runs all layers over a packed batch.
 *
 * @param layers the specification of each layer
 * @param params one entry per layer
 * @param x `[N, D]`
 * @throws ArgumentError when layers and parameters do not pair up, or the dropout is not in 0 ≤ p < 1
 * @throws ShapeError when a tensor does not fit
 */
export function stackForward(
  kernels: Kernels,
  layers: readonly LayerSpec[],
  params: readonly LayerParams[],
  x: Tensor,
  packing: Packing,
  options: StackOptions = {},
): StackPass {
  expectEntry('stackForward', { kernels, x, packing });
  return now(stackWork({ host: kernels }, layers, params, x, packing, options));
}

/**
 * `stackForward` with an asynchronous device that may take whole layers; the host runs the others. It shares the code of
 * `stackForward`.
 */
export async function stackForwardAsync(
  devices: Devices,
  layers: readonly LayerSpec[],
  params: readonly LayerParams[],
  x: Tensor,
  packing: Packing,
  options: StackOptions = {},
): Promise<StackPass> {
  expectEntry('stackForwardAsync', { devices, x, packing });
  return later(stackWork(devices, layers, params, x, packing, options));
}

/** The forward pass as work, shared by both. */
export function* stackWork(
  places: Places,
  layers: readonly LayerSpec[],
  params: readonly LayerParams[],
  x: Tensor,
  packing: Packing,
  options: StackOptions,
): Work<StackPass> {
  if (!places.trusted) checkStack(layers, params, options);
  const { dropout, initial = [], keep } = options;
  const passes: LayerPass[] = [];
  let input = x;
  for (let l = 0; l < layers.length; l++) {
    const masksOf = dropout && masksWith(places.host, layers[l], input, packing, dropout, l);
    const ran = yield* directionsWork(places, layers[l].cell, params[l], input, packing, initial[l], keep, masksOf); // (1)
    const pass = layers[l].residual ? { ...ran, y: addInput(places.host, ran.y, input), residual: true } : ran; // (2)
    const dropped = dropBehind(places.host, pass.y, packing, l, l === layers.length - 1 ? undefined : dropout); // (3)
    passes.push({ ...pass, mask: dropped.mask });
    input = dropped.y;
  }
  return { y: input, layers: passes };
}

/**
 * The backward pass of `stackForward`: accumulates into `grads` and `options.dX`.
 *
 * @param dY gradient of the last layer's output
 * @param grads mirrors the parameters, one entry per layer
 * @returns the results of each layer's backward pass
 * @throws ArgumentError when the gradients do not pair up with the layers
 * @throws ShapeError when a tensor does not fit
 */
export function stackBackward(
  kernels: Kernels,
  pass: StackPass,
  dY: Tensor,
  grads: readonly LayerParams[],
  backward: StackBackwardOptions = {},
): LayerBackwardPass[] {
  expectEntry('stackBackward', { kernels, pass, dY });
  return now(stackBackwardWork({ host: kernels }, pass, dY, grads, backward));
}

/** `stackBackward`, with each layer on the device where it resides. It shares the code of `stackBackward`. */
export async function stackBackwardAsync(
  devices: Devices,
  pass: StackPass,
  dY: Tensor,
  grads: readonly LayerParams[],
  backward: StackBackwardOptions = {},
): Promise<LayerBackwardPass[]> {
  expectEntry('stackBackwardAsync', { devices, pass, dY });
  return later(stackBackwardWork(devices, pass, dY, grads, backward));
}

/** The backward pass as work, shared by both. */
export function* stackBackwardWork(
  places: Places,
  pass: StackPass,
  dY: Tensor,
  grads: readonly LayerParams[],
  backward: StackBackwardOptions,
): Work<LayerBackwardPass[]> {
  if (!places.trusted) checkBackward(pass, grads, backward);
  const { dX, dFinal = [], truncate } = backward;
  const left: LayerBackwardPass[] = [];
  let dOutput = dY;
  for (let l = pass.layers.length - 1; l >= 0; l--) {
    const below: LayerPass | undefined = pass.layers[l - 1];
    const dInput = below === undefined ? dX : zeroView(places.host, below.y);
    const options = { dX: dInput, truncate, dFinal: dFinal[l] };
    if (pass.layers[l].residual && dInput) places.host.rows.addMatrix(dInput, dOutput); // (2)
    left[l] = yield* directionsBackwardWork(places, pass.layers[l], dOutput, grads[l], options); // (1)
    if (below === undefined || dInput === undefined) break;
    dOutput = below.mask === null ? dInput : zeroView(places.host, below.y);
    if (below.mask !== null) dropoutBackward(places.host, below.mask, dInput, dOutput); // (3)
  }
  return left;
}

type MasksOf = (direction: Direction) => UnrollOptions['masks'];

/** The masks of the cell of layer l, by direction; undefined for a cell without masks. */
function masksWith(
  kernels: Kernels,
  { cell, hidden }: LayerSpec,
  x: Tensor,
  packing: Packing,
  { key, places }: StackDropout,
  l: number,
): MasksOf | undefined {
  if (cell.masks === undefined) return undefined;
  return (direction) => {
    const own = { key: key.fold(l).fold(direction), places };
    return drawMasks(kernels, cell, hidden, dtypeOf(x.data), packing, own);
  };
}

/** Equation (2): the sum of a layer's output and input, a new tensor: the output may be a view of states. */
export function addInput(kernels: Kernels, y: Tensor, x: Tensor): Tensor {
  const sum = kernels.empty(y.shape, y);
  kernels.rows.copyMatrix(sum, y);
  kernels.rows.addMatrix(sum, x);
  return sum;
}

/** Equation (3) after layer l; without dropout, the same rows. */
function dropBehind(kernels: Kernels, y: Tensor, packing: Packing, l: number, dropout?: StackDropout) {
  if (dropout === undefined || dropout.p === 0) return { y, mask: null };
  const { p, key, places = placesOf(packing), perSequence = false } = dropout;
  return dropoutForward(kernels, y, { p, key: key.fold(l), places, packing: perSequence ? packing : undefined });
}

/** The checks of `stackForward`. */
function checkStack(layers: readonly LayerSpec[], params: readonly LayerParams[], options: StackOptions): void {
  expectRecord('stackForward', 'options', options);
  expectKnownKeys('stackForward', 'options', options, FORWARD_KEYS);
  expectKnownKeys('stackForward', 'dropout', options.dropout, DROPOUT_KEYS);
  expectStates('stackForward', 'initial', options.initial);
  checkLayers('stackForward', layers, params, expectCell);
  const draws = layers.length > 1 || layers.some(({ cell }) => cell.masks !== undefined);
  if (options.dropout && draws) expectKey('stackForward', 'dropout.key', options.dropout.key);
}

/**
 * Requires layers, each with its parameters.
 *
 * @param check checks a cell
 * @throws ArgumentError or ShapeError naming the layer
 */
export function checkLayers(
  where: string,
  layers: readonly LayerSpec<ForwardCell>[],
  params: readonly LayerParams[],
  check: (where: string, cell: unknown) => void,
): void {
  expectLayers(where, layers, check);
  expectPairs(where, 'parameters', layers, params);
  layers.forEach(({ hidden }, l) => {
    const { Wh } = params[l].forward;
    expectShape(where, `Wh of layer ${l}`, Wh, [{ H: hidden }, 'G·H'], `the layer's hidden size is ${hidden}`);
    if (l > 0 || !layers[l].residual) return;
    const [D] = params[l].forward.Wx.shape;
    const width = outputSize(layers[l]);
    if (D === width) return;
    throw new ShapeError(
      `${where}: layer ${l} is residual, so its input must be as wide as its output, ${width}; got ${D}: give both one size`,
    );
  });
}

/** The checks of `stackBackward`. */
function checkBackward(pass: StackPass, grads: readonly LayerParams[], options: StackBackwardOptions): void {
  expectRecord('stackBackward', 'options', options);
  expectKnownKeys('stackBackward', 'options', options, BACKWARD_KEYS);
  expectStates('stackBackward', 'dFinal', options.dFinal);
  expectList('stackBackward', 'pass.layers', pass.layers, 'layers');
  expectPairs('stackBackward', 'gradients', pass.layers, grads);
}

/** Requires states by direction, one entry per layer, if any are given. @throws ArgumentError */
function expectStates(where: string, name: string, states: readonly DirectionStates<unknown>[] | undefined): void {
  if (states === undefined) return;
  expectList(where, name, states, 'states, one entry per layer');
  states.forEach((each, l) => {
    if (each === undefined) return;
    expectRecord(where, `${name}[${l}]`, each, '{ forward, reverse }');
    expectKnownKeys(where, `${name}[${l}]`, each, DIRECTION_KEYS);
  });
}

/** Zeros of the shape and element type of `x`. */
function zeroView(kernels: Kernels, x: Tensor): Tensor {
  return kernels.zeros(x.shape, x);
}

function expectLayers(
  where: string,
  layers: readonly LayerSpec<ForwardCell>[],
  check: (where: string, cell: unknown) => void,
): void {
  expectList(where, 'layers', layers, 'layers, { cell, hidden }');
  if (layers.length === 0) throw new ArgumentError(`${where}: layers must list at least one layer; got none`);
  layers.forEach((layer, l) => {
    expectRecord(where, `layers[${l}]`, layer, '{ cell, hidden, bidirectional }');
    expectKnownKeys(where, `layer ${l}`, layer, LAYER_KEYS);
    check(`${where}: layers[${l}]`, layer.cell);
    expectPositiveInteger(where, `layers[${l}].hidden`, layer.hidden);
    const [below, above] = [l === 0 ? undefined : outputSize(layers[l - 1]), outputSize(layer)];
    if (!layer.residual || below === undefined || below === above) return;
    throw new ArgumentError(
      `${where}: layer ${l} is residual, so its input must be as wide as its output, ${above}; got ${below}: give both layers one size`,
    );
  });
}

/** Requires one record of parameters or gradients per layer, with the same directions. */
function expectPairs(
  where: string,
  what: string,
  layers: readonly (LayerSpec<ForwardCell> | LayerPass)[],
  params: readonly LayerParams[],
): void {
  const name = what === 'gradients' ? 'grads' : 'params';
  expectList(where, name, params, `${what}, one entry per layer`);
  if (layers.length !== params.length) {
    throw new ArgumentError(
      `${where}: ${what} must have one entry per layer, ${layers.length}; got ${params.length} in ${name}`,
    );
  }
  layers.forEach((layer, l) => {
    expectRecord(where, `${name}[${l}]`, params[l], '{ forward }, or { forward, reverse }');
    expectRecord(where, `${name}[${l}].forward`, params[l].forward, 'the record of a cell');
    const both = 'cell' in layer ? layer.bidirectional === true : layer.reverse !== undefined;
    if (both !== 'reverse' in params[l]) {
      throw new ArgumentError(
        `${where}: layer ${l} is ${both ? 'bidirectional' : 'unidirectional'}; ` +
          `its ${what} must have ${both ? 'forward and reverse' : 'forward only'}`,
      );
    }
  });
}
