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
import { expectCell } from '../cells/check.js';
import { expectRecord, expectTensor } from '../tensor/arguments.js';
import { describe } from '../tensor/describe.js';
import { expectEntry, expectGrads } from './entry-checks.js';

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
  expectEntry('unroll', { kernels, packing, x });
  expectRecord('unroll', 'params', params, 'the parameters of the cell');
  expectCell('unroll', cell);
  for (const name of ['Wx', 'Wh', 'b']) expectTensor(cell.name, `params.${name}`, params[name]);
  expectKnownKeys(cell.name, 'options of the forward pass', options, FORWARD_KEYS);
  const { direction = 'forward', initial } = options;
  const [D, GH] = params.Wx.shape;
  const H = params.Wh.shape[0];
  const dtype = dtypeOf(x.data);
  const expect = (name: string, tensor: Tensor | undefined, shape: readonly number[], because: string) => {
    if (tensor !== undefined) expectTensor(cell.name, name, tensor);
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
    throw new ArgumentError(`${cell.name}: direction must be forward or reverse; got ${describe(direction)}`);
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
  if (initial === undefined) return;
  expectRecord(cell.name, 'initial', initial, `a record of states, ${cell.states.join(', ')}`);
  expectKnownKeys(cell.name, 'initial', initial, cell.states);
  for (const name of cell.states) {
    expect(`initial.${name}`, initial[name], [packing.batch, H], `B = ${packing.batch}, H = ${H}`);
  }
}

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
  const { dX, dFinal } = options;
  const { cell, packing, params, y } = unrolled;
  expectKnownKeys(cell.name, 'options of the backward pass', options, BACKWARD_KEYS);
  expectUnchanged(`${cell.name}: unrollBackward`, unrolled);
  const wanted: [string, Tensor | undefined, readonly number[]][] = [
    ['dY', dY, y.shape],
    ['dX', dX, [packing.total, params.Wx.shape[0]]],
  ];
  expectGrads(cell.name, 'grads', grads, learnedOnly(unrolled));
  if (dX !== undefined) expectTensor(cell.name, 'dX', dX);
  if (dFinal !== undefined) expectRecord(cell.name, 'dFinal', dFinal, `a record of states, ${cell.states.join(', ')}`);
  for (const name of Object.keys(dFinal ?? {})) {
    if (dFinal?.[name] !== undefined) expectTensor(cell.name, `dFinal.${name}`, dFinal[name]);
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

/** The parameters that get a gradient: a learned initial state only where the sequences started from it. */
function learnedOnly<P extends CellParams>({ cell, params, learnedInitial }: Unrolled<P>): Record<string, Tensor> {
  const initial = new Set(learnedInitial ? [] : cell.states.map((name) => `${name}0`));
  return Object.fromEntries(Object.entries(params).filter(([name]) => !initial.has(name)));
}
