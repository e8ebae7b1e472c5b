/** The argument checks of `unroll` and its backward, run once per sequence and never in a step. */
import type { Cell, CellParams, ForwardCell } from '../cells/cell.js';
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, expectOneOf, keysOf, sameShape } from '../tensor/checks.js';
import { ArgumentError, ShapeError, UnsupportedError } from '../tensor/errors.js';
import type { DType, Tensor } from '../tensor/types.js';
import { expectUnchanged } from '../tensor/versions.js';
import { dtypeOf } from '../tensor/view.js';
import type { Packing } from './packing.js';
import type { BackwardOptions, Direction, Keep, Unrolled, UnrollOptions } from './layout.js';
import { expectCell, expectForwardCell } from '../cells/check.js';
import { expectFunction, expectRecord, expectTensor } from '../tensor/arguments.js';
import { describe } from '../tensor/describe.js';
import { expectEntry, expectGrads } from './entry-checks.js';

const FORWARD_KEYS = keysOf<UnrollOptions>({ direction: true, initial: true, masks: true, keep: true });
const BACKWARD_KEYS = keysOf<BackwardOptions>({ dX: true, dFinal: true, truncate: true, onStep: true });
const DIRECTIONS: readonly Direction[] = ['forward', 'reverse'];
const KEEPS: readonly Keep[] = ['nothing', 'gradients', 'steps'];

/** Checks the arguments of `unroll`. */
export function checkForward<P extends CellParams>(
  kernels: Kernels,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions,
): void {
  checkForwardOnly(kernels, cell, params, x, packing, options);
  expectCell('unroll', cell);
}

/** Checks the arguments of a forward pass without a backward pass, for which the forward half of a cell suffices. */
export function checkForwardOnly<P extends CellParams>(
  kernels: Kernels,
  cell: ForwardCell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions,
): void {
  expectEntry('unroll', { kernels, packing, x });
  expectRecord('unroll', 'params', params, 'the parameters of the cell');
  expectForwardCell('unroll', cell);
  for (const name of ['Wx', 'Wh', 'b']) expectTensor(cell.name, `params.${name}`, params[name]);
  expectKnownKeys(cell.name, 'options of the forward pass', options, FORWARD_KEYS);
  const { direction = 'forward', keep = 'steps', initial } = options;
  expectOneOf(cell.name, 'direction', direction, DIRECTIONS);
  expectOneOf(cell.name, 'keep', keep, KEEPS);
  const dtype = dtypeOf(x.data);
  if (!kernels.dtypes.includes(dtype)) {
    throw new UnsupportedError(
      `${cell.name}: backend ${kernels.backend} computes in ${kernels.dtypes.join(', ')}; got ${dtype}`,
    );
  }
  const expect = shapesLike(cell.name, dtype);
  checkParams(cell, params, expect);
  const [D, GH] = params.Wx.shape;
  expect('x', x, [packing.total, D], () => `N = ${packing.total} rows in the batch, D = ${D} as Wx is [${D}, ${GH}]`);
  checkMasks(cell, options.masks, packing.total, params.Wh.shape[0], expect);
  if (initial === undefined) return;
  expectRecord(cell.name, 'initial', initial, `a record of states, ${cell.states.join(', ')}`);
  expectKnownKeys(cell.name, 'initial', initial, cell.states);
  const H = params.Wh.shape[0];
  for (const name of cell.states) {
    expect(`initial.${name}`, initial[name], [packing.batch, H], () => `B = ${packing.batch}, H = ${H}`);
  }
}

type ExpectShape = (name: string, tensor: Tensor | undefined, shape: readonly number[], because: () => string) => void;

/** Requires tensors of a shape, and of one element type. */
function shapesLike(where: string, dtype: DType): ExpectShape {
  return (name, tensor, shape, because) => {
    if (tensor !== undefined) expectTensor(where, name, tensor);
    if (tensor === undefined || !sameShape(tensor.shape, shape)) {
      const got = tensor ? `[${tensor.shape.join(', ')}]` : 'nothing';
      throw new ShapeError(`${where}: ${name} must be [${shape.join(', ')}] (${because()}); got ${got}`);
    }
    if (dtypeOf(tensor.data) !== dtype) {
      throw new ShapeError(
        `${where}: ${name} must be ${dtype} like x; got ${dtypeOf(tensor.data)}: convert one of them`,
      );
    }
  };
}

/** Requires masks of the cell, in their shapes. */
function checkMasks<P extends CellParams>(
  cell: ForwardCell<P>,
  masks: UnrollOptions['masks'],
  N: number,
  H: number,
  expect: ExpectShape,
): void {
  if (masks === undefined) return;
  expectKnownKeys(cell.name, 'masks', masks, Object.keys(cell.masks ?? {}));
  for (const [name, mask] of Object.entries(masks)) {
    expect(`masks.${name}`, mask, [N, cell.saved[name] * H], () => `N = ${N} rows in the batch, H = ${H}`);
  }
}

/** Requires every parameter of the cell, and either all learned initial states or none. */
function checkParams<P extends CellParams>(cell: ForwardCell<P>, params: P, expect: ExpectShape): void {
  const [D, GH] = params.Wx.shape;
  const H = params.Wh.shape[0];
  expect('Wx', params.Wx, [D, cell.gates * H], () => `G = ${cell.gates}, and Wh is [${params.Wh.shape.join(', ')}]`);
  expect('Wh', params.Wh, [H, GH], () => `Wx is [${D}, ${GH}]`);
  expect('b', params.b, [GH], () => `Wx is [${D}, ${GH}]`);
  for (const [name, shape] of Object.entries(cell.shapes(D, H))) expect(name, params[name], shape, () => `H = ${H}`);
  if (cell.states.every((state) => params[`${state}0`] === undefined)) return;
  for (const state of cell.states)
    expect(`${state}0`, params[`${state}0`], [H], () => 'initial states are learned all or none');
}

/** Checks the arguments of `unrollBackward`. */
export function checkBackward<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions,
): void {
  expectRecord('unrollBackward', 'unrolled', unrolled, 'what unroll returned');
  if (!('cell' in unrolled && 'packing' in unrolled && 'y' in unrolled)) {
    throw new ArgumentError(`unrollBackward: unrolled must be what unroll returned; got ${describe(unrolled)}`);
  }
  expectEntry('unrollBackward', { kernels, options, dY });
  const { dX, dFinal, onStep } = options;
  const { cell, packing, params, y } = unrolled;
  expectKnownKeys(cell.name, 'options of the backward pass', options, BACKWARD_KEYS);
  if (onStep !== undefined) expectFunction(cell.name, 'onStep', onStep);
  expectKept(unrolled);
  expectUnchanged(`${cell.name}: unrollBackward`, unrolled);
  expectGrads(cell.name, 'grads', grads, learnedOnly(unrolled));
  expectLike(cell.name, 'dY', dY, y.shape, y);
  if (dX !== undefined) expectLike(cell.name, 'dX', dX, [packing.total, params.Wx.shape[0]], y);
  if (dFinal === undefined) return;
  expectRecord(cell.name, 'dFinal', dFinal, `a record of states, ${cell.states.join(', ')}`);
  for (const [name, gradient] of Object.entries(dFinal)) {
    if (!cell.states.includes(name)) {
      throw new ArgumentError(
        `${cell.name}: dFinal has ${name}; the states of this cell are ${cell.states.join(', ')}`,
      );
    }
    if (gradient) expectLike(cell.name, `dFinal.${name}`, gradient, [packing.batch, y.shape[1]], y);
  }
}

/** Requires a forward pass that a backward pass may follow. */
function expectKept({ cell, keep }: Unrolled): void {
  if (keep !== 'nothing') return;
  throw new ArgumentError(
    `${cell.name}: unrollBackward: the forward pass kept nothing; a backward pass needs keep 'gradients' or 'steps': ` +
      'run the forward pass again with one of them',
  );
}

/** Requires a tensor of this shape, and of the element type of `y`. */
function expectLike(where: string, name: string, tensor: Tensor, shape: readonly number[], { data }: Tensor): void {
  expectTensor(where, name, tensor);
  if (sameShape(tensor.shape, shape) && dtypeOf(tensor.data) === dtypeOf(data)) return;
  throw new ShapeError(
    `${where}: ${name} must be [${shape.join(', ')}] ${dtypeOf(data)}; got [${tensor.shape.join(', ')}] ${dtypeOf(tensor.data)}`,
  );
}

/** The parameters that get a gradient: a learned initial state only if the sequences started from it. */
function learnedOnly<P extends CellParams>({ cell, params, learnedInitial }: Unrolled<P>): Record<string, Tensor> {
  const initial = new Set(learnedInitial ? [] : cell.states.map((name) => `${name}0`));
  return Object.fromEntries(Object.entries(params).filter(([name]) => !initial.has(name)));
}
