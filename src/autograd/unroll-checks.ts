/** What `unroll` and its backward refuse, checked once per sequence and never in a step. */
import type { Cell, CellParams } from '../cells/cell.js';
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import { ArgumentError, ShapeError, UnsupportedError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { expectUnchanged } from '../tensor/versions.js';
import { dtypeOf } from '../tensor/view.js';
import type { Packing } from './packing.js';
import type { BackwardOptions, Unrolled, UnrollOptions } from './storage.js';

const FORWARD_KEYS = keysOf<UnrollOptions>({ direction: true, initial: true, resident: true });
const BACKWARD_KEYS = keysOf<BackwardOptions>({ dX: true, dFinal: true, truncate: true });

export function checkForward<P extends CellParams>(
  kernels: Kernels,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions,
): void {
  expectKnownKeys(cell.name, 'options of the forward pass', options, FORWARD_KEYS);
  const { direction = 'forward', initial } = options;
  const [D, GH] = params.Wx.shape;
  const H = params.Wh.shape[0];
  const dtype = dtypeOf(x.data);
  const expect = (name: string, tensor: Tensor | undefined, shape: readonly number[], because: string) => {
    if (tensor?.shape.join() !== shape.join()) {
      const got = tensor ? `[${tensor.shape.join(', ')}]` : 'nothing';
      throw new ShapeError(`${cell.name}: ${name} must be [${shape.join(', ')}] (${because}); got ${got}`);
    }
    if (dtypeOf(tensor.data) !== dtype) {
      throw new ShapeError(
        `${cell.name}: ${name} must be ${dtype} like x; got ${dtypeOf(tensor.data)}: convert one of them`,
      );
    }
  };
  if (direction !== 'forward' && direction !== 'reverse') {
    throw new ArgumentError(`${cell.name}: direction must be forward or reverse; got ${String(direction)}`);
  }
  if (!kernels.dtypes.includes(dtype)) {
    throw new UnsupportedError(
      `${cell.name}: backend ${kernels.backend} computes in ${kernels.dtypes.join(', ')}; got ${dtype}`,
    );
  }
  expect('Wx', params.Wx, [D, cell.gates * H], `G = ${cell.gates}, and Wh is [${params.Wh.shape.join(', ')}]`);
  expect('Wh', params.Wh, [H, GH], `Wx is [${D}, ${GH}]`);
  expect('b', params.b, [GH], `Wx is [${D}, ${GH}]`);
  for (const [name, shape] of Object.entries(cell.shapes(D, H))) {
    if (!['Wx', 'Wh', 'b'].includes(name)) expect(name, params[name], shape, `H = ${H}`);
  }
  if (cell.states.some((state) => params[`${state}0`] !== undefined)) {
    for (const state of cell.states)
      expect(`${state}0`, params[`${state}0`], [H], 'the initial state is learned whole');
  }
  expect('x', x, [packing.total, D], `N = ${packing.total} rows in the batch, D = ${D} as Wx is [${D}, ${GH}]`);
  if (!initial) return;
  expectKnownKeys(cell.name, 'initial', initial, cell.states);
  for (const name of cell.states) {
    expect(`initial.${name}`, initial[name], [packing.batch, H], `B = ${packing.batch}, H = ${H}`);
  }
}

export function checkBackward<P extends CellParams>(unrolled: Unrolled<P>, dY: Tensor, options: BackwardOptions): void {
  const { dX, dFinal } = options;
  const { cell, packing, params, y } = unrolled;
  expectKnownKeys(cell.name, 'options of the backward pass', options, BACKWARD_KEYS);
  expectUnchanged(`${cell.name}: unrollBackward`, unrolled);
  const wanted: [string, Tensor | undefined, readonly number[]][] = [
    ['dY', dY, y.shape],
    ['dX', dX, [packing.total, params.Wx.shape[0]]],
  ];
  for (const name of Object.keys(dFinal ?? {})) {
    wanted.push([`dFinal.${name}`, dFinal?.[name], [packing.batch, y.shape[1]]]);
    if (!cell.states.includes(name)) {
      throw new ArgumentError(
        `${cell.name}: dFinal has ${name}; the states of this cell are ${cell.states.join(', ')}`,
      );
    }
  }
  for (const [name, tensor, shape] of wanted) {
    if (tensor && (tensor.shape.join() !== shape.join() || dtypeOf(tensor.data) !== dtypeOf(y.data))) {
      throw new ShapeError(
        `${cell.name}: ${name} must be [${shape.join(', ')}] ${dtypeOf(y.data)}; got [${tensor.shape.join(', ')}] ${dtypeOf(tensor.data)}`,
      );
    }
  }
}
