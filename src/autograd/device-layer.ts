/**
 * Layers that run on a device from x to y and from dY to dX; intermediate results stay on the device. All of this is optional: if
 * a backend has no such layers, they would not be faster, or the device is lost, `unroll` runs its steps on the host. If the
 * device is lost between the two passes, its steps are lost too, and the host repeats the forward pass from the same input.
 *
 * The same code serves synchronous and asynchronous devices: it yields their promises (`kernels/work.ts`).
 */
import type { Cell, CellParams, ForwardCell, State } from '../cells/cell.js';
import type {
  AsyncLayerKernel,
  AsyncResidentLayer,
  Kernels,
  LayerGradients,
  LayerKernel,
  LayerSize,
  LayerTensors,
  ResidentLayer,
} from '../kernels/types.js';
import type { Work } from '../kernels/work.js';
import { now } from '../kernels/work.js';
import type { Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';
import type { BackwardOptions, BackwardPass, Unrolled, UnrollOptions } from './layout.js';
import { addInitial, deliver, inScanOrder, once, record, startsLearned, withoutSteps } from './layout.js';
import type { Packing } from './packing.js';
import { windowsOf } from './truncate.js';

/** The arguments of `unroll`, and its step-by-step implementation. */
export interface Request<P extends CellParams, C extends ForwardCell<P> = Cell<P>> {
  readonly cell: C;
  readonly params: P;
  readonly x: Tensor;
  readonly packing: Packing;
  readonly options: UnrollOptions;
  readonly steps: () => Unrolled<P, C>;
}

/** The arguments of `unrollBackward`, and its step-by-step implementation, which touches no gradients of weights. */
export interface BackwardRequest<P extends CellParams> {
  readonly unrolled: Unrolled<P>;
  readonly dY: Tensor;
  readonly grads: P;
  readonly options: BackwardOptions;
  readonly steps: () => BackwardPass;
}

/** `unroll` on a synchronous device; undefined if the steps run on the host. */
export function forwardAtOnce<P extends CellParams, C extends ForwardCell<P>>(
  layer: LayerKernel,
  kernels: Kernels,
  request: Request<P, C>,
): Unrolled<P, C> | undefined {
  return now(deviceForward(layer, kernels, request, (onDevice) => ({ onDevice: onDevice as ResidentLayer })));
}

/** `unrollBackward` if the layer resides on such a device; undefined if the steps run on the host. */
export function backwardAtOnce<P extends CellParams>(
  waiting: ResidentLayer,
  kernels: Kernels,
  request: BackwardRequest<P>,
): BackwardPass | undefined {
  return now(deviceBackward(waiting, kernels, request));
}

/**
 * The forward pass of a layer on its device; undefined if the steps run on the host.
 *
 * @param where name of the member of the pass that holds the layer
 */
export function* deviceForward<P extends CellParams, C extends ForwardCell<P>>(
  layer: LayerKernel | AsyncLayerKernel,
  kernels: Kernels,
  request: Request<P, C>,
  where: (waiting: unknown) => Pick<Unrolled, 'onDevice' | 'onDeviceLater'>,
): Work<Unrolled<P, C> | undefined> {
  if (!wanted(request) || !layer.suits(sizeOf(request))) return undefined;
  const tensors = tensorsOf(kernels, request);
  const waiting = yield layer.forward(tensors);
  return waiting === undefined ? undefined : unrolledOf(kernels, request, tensors, where(waiting));
}

/** The backward pass on the device where the layer resides; undefined if the steps run on the host. */
export function* deviceBackward<P extends CellParams>(
  waiting: ResidentLayer | AsyncResidentLayer,
  kernels: Kernels,
  request: BackwardRequest<P>,
): Work<BackwardPass | undefined> {
  if (goesByStep(request)) {
    waiting.release();
    return undefined;
  }
  const gradients = gradientsOf(kernels, request);
  const done = yield waiting.backward(gradients);
  return done === true ? backwardOf(kernels, request, gradients) : undefined;
}

const wanted = ({ x, options }: Pick<Request<CellParams>, 'x' | 'options'>): boolean =>
  options.keep !== undefined && options.keep !== 'steps' && dtypeOf(x.data) === 'float32';

/** A device sweeps back once, over all steps, and exposes none of them. */
const goesByStep = <P extends CellParams>({ unrolled, options }: BackwardRequest<P>): boolean =>
  options.onStep !== undefined || windowsOf(unrolled.packing.steps, options.truncate).length > 1;

function sizeOf({ params, packing }: Pick<Request<CellParams>, 'params' | 'packing'>): LayerSize {
  const { steps, batch, total } = packing;
  return { steps, B: batch, N: total, D: params.Wx.shape[0], H: params.Wh.shape[0] };
}

function tensorsOf<P extends CellParams, C extends ForwardCell<P>>(
  kernels: Kernels,
  request: Request<P, C>,
): LayerTensors {
  const { cell, params, x, packing, options } = request;
  const H = params.Wh.shape[0];
  const initial = record(cell.states, () => kernels.zeros([packing.batch, H], 'float32'));
  addInitial(kernels, initial as unknown as State, params, options.initial);
  return {
    batchSizes: packing.batchSizes,
    params,
    x: inScanOrder(kernels, x, { direction: options.direction ?? 'forward', packing }),
    initial,
    y: kernels.empty([packing.total, H], 'float32'),
    final: record(cell.states, () => kernels.empty([packing.batch, H], 'float32')),
    keep: options.keep === 'gradients',
  };
}

function unrolledOf<P extends CellParams, C extends ForwardCell<P>>(
  kernels: Kernels,
  { cell, params, packing, options, steps }: Request<P, C>,
  { x, y, final }: LayerTensors,
  where: Pick<Unrolled, 'onDevice' | 'onDeviceLater'>,
): Unrolled<P, C> {
  const { direction = 'forward', initial, keep = 'steps' } = options;
  const pass = {
    ...{ cell, params, packing, direction, keep, x, ...where },
    y: inScanOrder(kernels, y, { direction, packing }),
    final: final as unknown as State,
    learnedInitial: startsLearned(params, initial),
  };
  return withoutSteps(pass, steps);
}

function gradientsOf<P extends CellParams>(
  kernels: Kernels,
  { unrolled, dY, grads, options }: BackwardRequest<P>,
): LayerGradients {
  const { cell, packing, params, x } = unrolled;
  const { dX, dFinal = {} } = options;
  const H = params.Wh.shape[0];
  const zeros = () => kernels.zeros([packing.batch, H], 'float32');
  return {
    dY: inScanOrder(kernels, dY, unrolled),
    dFinal: record(cell.states, (name) => dFinal[name] ?? zeros()),
    grads,
    dX: dX && kernels.zeros(x.shape, 'float32'),
    dInitial: record(cell.states, zeros),
  };
}

function backwardOf<P extends CellParams>(
  kernels: Kernels,
  { unrolled, options, steps: compute }: BackwardRequest<P>,
  { dX, dInitial }: LayerGradients,
): BackwardPass {
  if (options.dX && dX) deliver(kernels, options.dX, dX, unrolled);
  const steps = once(compute);
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
