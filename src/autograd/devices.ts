/**
 * One layer on a device or on the host: a whole layer goes to the device, or none of it. The code is the same with and without an
 * asynchronous device, so `layers/stack` and everything built on it need only one version.
 */
import type { Cell, CellParams } from '../cells/cell.js';
import { fusedName } from '../cells/cell.js';
import type { AsyncKernels, AsyncLayerKernel, AsyncResidentLayer, Kernels } from '../kernels/types.js';
import type { Work } from '../kernels/work.js';
import { later } from '../kernels/work.js';
import type { Tensor } from '../tensor/types.js';
import { remember } from '../tensor/versions.js';
import type { Request } from './device-layer.js';
import { deviceBackward, deviceForward } from './device-layer.js';
import { expectEntry } from './entry-checks.js';
import type { BackwardOptions, BackwardPass, Unrolled, UnrollOptions } from './layout.js';
import type { Packing } from './packing.js';
import { checkBackward, checkForward } from './unroll-checks.js';
import { collectInitial, runBackward, runForward, scanBackward } from './unroll.js';

/** Where the layers of a network run. */
export interface Devices {
  /** Runs the layers that its `layers` accept, whole; the host runs the others. */
  readonly device: AsyncKernels;
  /** Everything else. */
  readonly host: Kernels;
}

/** The same, but the asynchronous device is optional. */
export type Places = Pick<Devices, 'host'> &
  Partial<Devices> & {
    /**
     * Whether the arguments were checked before: a training run checks those of its first batch, and the same code makes the
     * others. Passes then record no weights either, so an update between forward and backward goes unnoticed.
     */
    readonly trusted?: boolean;
  };

/** `unroll` as work: on the device, if it accepts this layer. */
export function* unrollWork<P extends CellParams>(
  { device, host, trusted = false }: Places,
  cell: Cell<P>,
  params: P,
  x: Tensor,
  packing: Packing,
  options: UnrollOptions,
): Work<Unrolled<P>> {
  if (!trusted) checkForward(host, cell, params, x, packing, options);
  const name = device?.layers && fusedName(cell);
  const layer = name === undefined ? undefined : device?.layers?.[name];
  const pass = layer && (yield* onDevice(layer, host, { cell, params, x, packing, options }));
  const done = pass ?? runForward(host, cell, params, x, packing, options);
  return trusted ? done : remember(done, params);
}

function onDevice<P extends CellParams>(
  layer: AsyncLayerKernel,
  host: Kernels,
  asked: Omit<Request<P>, 'steps'>,
): Work<Unrolled<P> | undefined> {
  const { cell, params, x, packing, options } = asked;
  const steps = () => runForward(host, cell, params, x, packing, { ...options, keep: 'steps' });
  const where = (waiting: unknown) => ({ onDeviceLater: waiting as AsyncResidentLayer });
  return deviceForward(layer, host, { ...asked, steps }, where);
}

/** `unrollBackward` as work: on the device where the layer resides. */
export function* unrollBackwardWork<P extends CellParams>(
  { host, trusted = false }: Places,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions,
): Work<BackwardPass> {
  if (!trusted) checkBackward(host, unrolled, dY, grads, options);
  const { onDeviceLater } = unrolled;
  if (onDeviceLater !== undefined) {
    const steps = () => scanBackward(host, unrolled, dY, options);
    const back = yield* deviceBackward(onDeviceLater, host, { unrolled, dY, grads, options, steps });
    if (back !== undefined) {
      collectInitial(host, unrolled, back, grads);
      return back;
    }
  }
  return runBackward(host, unrolled, dY, grads, options);
}

/** `unroll` if an asynchronous device may take the whole layer; otherwise `kernels` run it. */
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

/** `unrollBackward` on the device where the layer resides; otherwise `kernels` run it. */
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
