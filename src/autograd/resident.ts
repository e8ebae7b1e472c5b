/**
 * Layers that run on a device from x to y and from dY to dX, what lies in between staying there. Everything here is optional: where
 * a backend has no such layers, they do not pay, or the device is lost on the way, `unroll` goes the ordinary way on the host. A
 * device that is lost between the two passes has taken the steps with it; the host then runs forward again from the same input.
 */
import type { Cell, CellParams, State } from '../cells/cell.js';
import { fusedName } from '../cells/cell.js';
import type { AsyncKernels, Kernels, LayerGradients, LayerSize, LayerTensors } from '../kernels/types.js';
import type { Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';
import type { Packing } from './packing.js';
import { reversal } from './packing.js';
import type { BackwardOptions, Unrolled, UnrollOptions, BackwardPass } from './storage.js';
import { addInitial, deliver, fusedScan, gatherRows, record, startsLearned } from './storage.js';
import { windowsOf } from './truncate.js';

/** What `unroll` was asked, and the ordinary way to it. */
export interface Request<P extends CellParams> {
  readonly cell: Cell<P>;
  readonly params: P;
  readonly x: Tensor;
  readonly packing: Packing;
  readonly options: UnrollOptions;
  readonly ordinary: () => Unrolled<P>;
}

/** `unroll` on a device; undefined where it goes the ordinary way. */
export function residentForward<P extends CellParams>(kernels: Kernels, request: Request<P>): Unrolled<P> | undefined {
  const layer = fusedScan(kernels, request.cell)?.layer;
  if (layer === undefined || !wanted(request) || !layer.suits(sizeOf(request))) return undefined;
  const tensors = tensorsOf(kernels, request);
  const onDevice = layer.forward(tensors);
  return onDevice && unrolledOf(kernels, request, tensors, { onDevice });
}

/** `residentForward` for devices that answer asynchronously. */
export async function residentForwardAsync<P extends CellParams>(
  device: AsyncKernels,
  kernels: Kernels,
  request: Request<P>,
): Promise<Unrolled<P> | undefined> {
  const name = fusedName(request.cell);
  const layer = name === undefined ? undefined : device.layers?.[name];
  if (layer === undefined || !wanted(request) || !layer.suits(sizeOf(request))) return undefined;
  const tensors = tensorsOf(kernels, request);
  const onDeviceLater = await layer.forward(tensors);
  return onDeviceLater && unrolledOf(kernels, request, tensors, { onDeviceLater });
}

/** `unrollBackward` on the device where the layer waits; undefined where it goes the ordinary way. */
export function residentBackward<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions,
  ordinary: () => BackwardPass,
): BackwardPass | undefined {
  const { onDevice } = unrolled;
  if (onDevice === undefined) return undefined;
  if (isTruncated(unrolled, options)) {
    onDevice.release();
    return undefined;
  }
  const gradients = gradientsOf(kernels, unrolled, dY, grads, options);
  return onDevice.backward(gradients) ? backwardOf(kernels, unrolled, gradients, options, ordinary) : undefined;
}

/** `residentBackward` for devices that answer asynchronously. */
export async function residentBackwardAsync<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  dY: Tensor,
  grads: P,
  options: BackwardOptions,
  ordinary: () => BackwardPass,
): Promise<BackwardPass | undefined> {
  const { onDeviceLater } = unrolled;
  if (onDeviceLater === undefined) return undefined;
  if (isTruncated(unrolled, options)) {
    onDeviceLater.release();
    return undefined;
  }
  const gradients = gradientsOf(kernels, unrolled, dY, grads, options);
  const done = await onDeviceLater.backward(gradients);
  return done ? backwardOf(kernels, unrolled, gradients, options, ordinary) : undefined;
}

const wanted = <P extends CellParams>({ x, options }: Request<P>): boolean =>
  options.resident !== undefined && dtypeOf(x.data) === 'float32';

/** A device walks back once over all steps. */
const isTruncated = ({ packing }: Unrolled, { truncate }: BackwardOptions): boolean =>
  windowsOf(packing.steps, truncate).length > 1;

function sizeOf<P extends CellParams>({ params, packing }: Request<P>): LayerSize {
  const { steps, batch, total } = packing;
  return { steps, B: batch, N: total, D: params.Wx.shape[0], H: params.Wh.shape[0] };
}

function tensorsOf<P extends CellParams>(kernels: Kernels, request: Request<P>): LayerTensors {
  const { cell, params, x, packing, options } = request;
  const H = params.Wh.shape[0];
  const initial = record(cell.states, () => kernels.zeros([packing.batch, H], 'float32'));
  addInitial(kernels, initial as unknown as State, params, options.initial);
  return {
    batchSizes: packing.batchSizes,
    params,
    x: options.direction === 'reverse' ? gatherRows(kernels, x, reversal(packing)) : x,
    initial,
    y: kernels.empty([packing.total, H], 'float32'),
    final: record(cell.states, () => kernels.empty([packing.batch, H], 'float32')),
    keep: options.resident === 'backward',
  };
}

function unrolledOf<P extends CellParams>(
  kernels: Kernels,
  { cell, params, packing, options, ordinary }: Request<P>,
  { x, y, final }: LayerTensors,
  where: Pick<Unrolled, 'onDevice' | 'onDeviceLater'>,
): Unrolled<P> {
  const { direction = 'forward', initial } = options;
  const steps = once(ordinary);
  return {
    ...{ cell, params, packing, direction, x, ...where },
    y: direction === 'forward' ? y : gatherRows(kernels, y, reversal(packing)),
    final: final as unknown as State,
    learnedInitial: startsLearned(params, initial),
    get states() {
      return steps().states;
    },
    get saved() {
      return steps().saved;
    },
  };
}

function gradientsOf<P extends CellParams>(
  kernels: Kernels,
  { cell, packing, direction, params, x }: Unrolled<P>,
  dY: Tensor,
  grads: P,
  { dX, dFinal = {} }: BackwardOptions,
): LayerGradients {
  const H = params.Wh.shape[0];
  const zeros = () => kernels.zeros([packing.batch, H], 'float32');
  return {
    dY: direction === 'forward' ? dY : gatherRows(kernels, dY, reversal(packing)),
    dFinal: record(cell.states, (name) => dFinal[name] ?? zeros()),
    grads,
    dX: dX && kernels.zeros(x.shape, 'float32'),
    dInitial: record(cell.states, zeros),
  };
}

function backwardOf<P extends CellParams>(
  kernels: Kernels,
  unrolled: Unrolled<P>,
  { dX, dInitial }: LayerGradients,
  options: BackwardOptions,
  ordinary: () => BackwardPass,
): BackwardPass {
  if (options.dX && dX) deliver(kernels, options.dX, dX, unrolled);
  const steps = once(ordinary);
  return {
    dInitial: dInitial as unknown as State,
    get dStates() {
      return steps().dStates;
    },
    get stepGrads() {
      return steps().stepGrads;
    },
  };
}

function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}
