/** Continues without a device that failed, on another backend, from the product at which it failed. */
import { DeviceError } from '../tensor/errors.js';
import type { Product } from './check.js';
import type { OwnAsyncKernels } from './complete.js';
import { completeAsyncKernels } from './complete.js';
import { checkProduct, eachProduct } from './check.js';
import type { Tensor } from '../tensor/types.js';
import type {
  AsyncKernels,
  AsyncLayerKernel,
  FusedScan,
  InferenceLayer,
  InferenceTensors,
  Kernels,
  LayerKernel,
  LayerSize,
  ScanTensors,
} from './types.js';

/** Called once, when the device is given up. */
export type LossListener = (error: DeviceError) => void;

/** Which work is worth sending to the device. */
export interface Routing {
  /** Whether a product of these shapes goes to the device. */
  product(product: Product, out: Pick<Tensor, 'shape'>, a: Pick<Tensor, 'shape'>): boolean;
  /** Whether a whole layer of this size does. */
  layer(size: LayerSize): boolean;
}

const ALWAYS: Routing = { product: () => true, layer: () => true };

/** A device, used until it fails. */
interface Guard {
  /** Whether it is still in use. */
  readonly open: boolean;
  /** Returns the result of `act`; undefined if the device is lost, before or during the call. */
  attempt<T>(act: () => T): T | undefined;
  /** `attempt` on an asynchronous device. */
  attemptLater<T>(act: () => Promise<T>): Promise<T | undefined>;
}

function guardOf(onLost: LossListener): Guard {
  let open = true;
  const lose = (error: unknown): undefined => {
    if (!(error instanceof DeviceError)) throw error;
    const first = open; // several results may be pending when the device is lost
    open = false;
    if (first) onLost(error);
  };
  return {
    get open() {
      return open;
    },
    attempt(act) {
      try {
        return open ? act() : undefined;
      } catch (error) {
        return lose(error);
      }
    },
    async attemptLater(act) {
      try {
        return open ? await act() : undefined;
      } catch (error) {
        return lose(error);
      }
    },
  };
}

/**
 * A device with a host as its fallback. Products and whole layers run on the device; fused time loops run on the device if it has
 * them, else on the host. When the device fails, it is given up, and everything from that product or layer on runs on the host. A
 * failed call has written nothing, so no step is lost or done twice.
 *
 * @param onLost called once; by default the error is printed as a warning
 * @param routing what goes to the device; by default everything
 */
export function withFallback(
  device: Kernels,
  host: Kernels,
  onLost: LossListener = warn,
  routing: Routing = ALWAYS,
): Kernels {
  const guard = guardOf(onLost);
  const run = (product: Product): Kernels[Product] => {
    return (out, a, b) => {
      checkProduct(product, out, a, b, nameOf(guard, device, host), device.dtypes);
      const act = (): true => (device[product](out, a, b), true);
      const done = routing.product(product, out, a) && guard.attempt(act);
      if (!done) host[product](out, a, b);
    };
  };
  const names = [...new Set([device, host].flatMap((kernels) => Object.keys(kernels.fused ?? {})))];
  return {
    get backend() {
      return nameOf(guard, device, host);
    },
    dtypes: device.dtypes,
    ...eachProduct(run),
    fused: Object.fromEntries(names.map((name) => [name, fusedOn(name, device, host, guard, routing)])),
    // Tensors are placed where the time loops need them; a device copies its operands from anywhere.
    zeros: host.zeros,
    empty: host.empty,
    frame: host.frame,
    adopt: host.adopt,
    rows: host.rows,
    ...(host.crf && { crf: host.crf }),
    ...(host.softmax && { softmax: host.softmax }),
    dispose() {
      device.dispose();
      host.dispose();
    },
  };
}

/** One cell on both: its time loop, its whole layer, and its forward-only layer. */
function fusedOn(name: string, device: Kernels, host: Kernels, guard: Guard, routing: Routing): FusedScan {
  const layer = device.fused?.[name]?.layer;
  const scan = (way: 'forward' | 'backward', tensors: ScanTensors): boolean =>
    guard.attempt(() => device.fused?.[name]?.[way](tensors)) || (host.fused?.[name]?.[way](tensors) ?? false);
  // The host's version, which includes the projection, unless the device is the better place for the layer or its projection.
  const goesToDevice = (
    { batchSizes, x, y }: InferenceTensors,
    { Wx, Wh }: Readonly<Record<string, Tensor>>,
  ): boolean => {
    const [N, D] = [y.shape[0], x.shape[1]];
    const size = { steps: batchSizes.length, B: batchSizes[0] ?? 0, N, D, H: Wh.shape[0] };
    const projects = routing.product('addMatmul', { shape: [N, Wx.shape[1]] }, { shape: [N, D] });
    return guard.open && (projects || (routing.layer(size) && (layer?.suits(size) ?? false)));
  };
  return {
    forward: (tensors) => scan('forward', tensors),
    backward: (tensors) => scan('backward', tensors),
    infer(params, table): InferenceLayer | undefined {
      const own = host.fused?.[name]?.infer?.(params, table);
      return own && { ...own, run: (tensors) => !goesToDevice(tensors, params) && own.run(tensors) };
    },
    ...(layer && { layer: guardedLayer(layer, guard, routing) }),
  };
}

/** A layer that is lost with its device; the caller then takes the ordinary path. */
function guardedLayer(layer: LayerKernel, guard: Guard, routing: Routing): LayerKernel {
  return {
    suits: (size) => guard.open && routing.layer(size) && layer.suits(size),
    forward(tensors) {
      const resident = guard.attempt(() => layer.forward(tensors));
      return (
        resident && {
          backward: (gradients) => guard.attempt(() => resident.backward(gradients)) ?? false,
          release: resident.release,
        }
      );
    },
  };
}

/**
 * `withFallback` for an asynchronous device; of its products, `addMatmul` is enough. The host is not disposed of with it, because
 * it also runs the time loops.
 */
export function withAsyncFallback(own: OwnAsyncKernels, host: Kernels, onLost: LossListener = warn): AsyncKernels {
  const guard = guardOf(onLost);
  const device = completeAsyncKernels(own);
  const run = (product: Product): AsyncKernels[Product] => {
    return async (out, a, b) => {
      checkProduct(product, out, a, b, nameOf(guard, device, host), device.dtypes);
      const done = await guard.attemptLater(() => device[product](out, a, b).then(() => true));
      if (!done) host[product](out, a, b);
    };
  };
  const layers = Object.entries(device.layers ?? {}).map(([name, layer]) => [name, guardedAsyncLayer(layer, guard)]);
  return {
    get backend() {
      return nameOf(guard, device, host);
    },
    dtypes: device.dtypes,
    ...eachProduct(run),
    layers: Object.fromEntries(layers) as Record<string, AsyncLayerKernel>,
    dispose: () => device.dispose(),
  };
}

function guardedAsyncLayer(layer: AsyncLayerKernel, guard: Guard): AsyncLayerKernel {
  return {
    suits: (size) => guard.open && layer.suits(size),
    async forward(tensors) {
      const resident = await guard.attemptLater(() => layer.forward(tensors));
      return (
        resident && {
          backward: async (gradients) => (await guard.attemptLater(() => resident.backward(gradients))) ?? false,
          release: resident.release,
        }
      );
    },
  };
}

/** The name of what runs: products on the first, time loops on the second; or everything on the host. */
function nameOf({ open }: Guard, device: Kernels | AsyncKernels, host: Kernels): string {
  return open ? `${device.backend}+${host.backend}` : host.backend;
}

function warn(error: DeviceError): void {
  // eslint-disable-next-line no-console -- whoever wants to be told in another way passes a listener
  console.warn(lossMessage(error));
}

/** The warning about a device that was given up, in one sentence. */
export function lossMessage(error: DeviceError): string {
  return `GPU disabled, continuing on the CPU: ${error.message}`;
}
