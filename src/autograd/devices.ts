/**
 * One layer on a device beside the host: a whole layer goes to the device, or none of it. The text is the same for a device that
 * answers later and for none at all, so `layers/stack` and whatever is built on it need only one.
 */
import type { Cell, CellParams } from '../cells/cell.js';
import { fusedName } from '../cells/cell.js';
import type { AsyncKernels, AsyncResidentLayer, Kernels } from '../kernels/types.js';
import type { Work } from '../kernels/work.js';
import { later } from '../kernels/work.js';
import type { Tensor } from '../tensor/types.js';
import { remember } from '../tensor/versions.js';
import { deviceBackward, deviceForward } from './device-layer.js';
import { expectEntry } from './entry-checks.js';
import type { BackwardOptions, BackwardPass, Unrolled, UnrollOptions } from './layout.js';
import { collectInitial } from './layout.js';
import type { Packing } from './packing.js';
import { checkBackward, checkForward } from './unroll-checks.js';
import { scanBackward, unroll, unrollBackward } from './unroll.js';

/** Where the layers of a network run. */
export interface Devices {
  /** Whole layers, those that its `layers` take; the host runs the others. */
  readonly device: AsyncKernels;
  /** Everything else. */
  readonly host: Kernels;
}

/** The same, where there may be no device that answers later. */
export type Places = Pick<Devices, 'host'> & Partial<Devices>;

/** `unroll` as work: on the device, where it takes this layer. */
export function* unrollWork<P extends CellParams>(
  { device, host }: Places,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions,
): Work<Unrolled<P>> {
  const name = fusedName(cell);
  const layer = name === undefined ? undefined : device?.layers?.[name];
  if (layer === undefined) return unroll(host, cell, params, x, packing, options);
  checkForward(host, cell, params, x, packing, options);
  const steps = () => unroll(host, cell, params, x, packing, { ...options, keep: 'steps' });
  const request = { cell, params, x, packing, options, steps };
  const where = (waiting: unknown) => ({ onDeviceLater: waiting as AsyncResidentLayer });
  const pass = yield* deviceForward(layer, host, request, where);
  return pass ? remember(pass, params) : unroll(host, cell, params, x, packing, options);
}

/** `unrollBackward` as work: on the device where the layer waits. */
export function* unrollBackwardWork<P extends CellParams>(
  { host }: Places,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions,
): Work<BackwardPass> {
  const { onDeviceLater } = unrolled;
  if (onDeviceLater === undefined) return unrollBackward(host, unrolled, dY, grads, options);
  checkBackward(host, unrolled, dY, grads, options);
  const steps = () => scanBackward(host, unrolled, dY, options);
  const back = yield* deviceBackward(onDeviceLater, host, { unrolled, dY, grads, options, steps });
  if (back === undefined) return unrollBackward(host, unrolled, dY, grads, options);
  collectInitial(host, unrolled, back, grads);
  return back;
}

/** `unroll` where a device that answers later may take the whole layer; `kernels` run it otherwise. */
export async function unrollAsync<P extends CellParams>(
  device: AsyncKernels,
  kernels: Kernels,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions = {},
): Promise<Unrolled<P>> {
  expectEntry('unrollAsync', { device, kernels });
  checkForward(kernels, cell, params, x, packing, options);
  return later(unrollWork({ device, host: kernels }, cell, params, x, packing, options));
}

/** `unrollBackward` on the device where the layer waits; `kernels` run it otherwise. */
export async function unrollBackwardAsync<P extends CellParams>(
  device: AsyncKernels,
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions = {},
): Promise<BackwardPass> {
  expectEntry('unrollBackwardAsync', { device, kernels });
  checkBackward(kernels, unrolled, dY, grads, options);
  return later(unrollBackwardWork({ device, host: kernels }, unrolled, dY, grads, options));
}
