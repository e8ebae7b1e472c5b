/** Going on without a device: from the product it failed at, on another backend. */
import { DeviceError } from '../tensor/errors.js';
import type { Product } from './check.js';
import { checkProduct } from './check.js';
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

/** Told once, when the device is given up. */
export type LossListener = (error: DeviceError) => void;

/** What is worth sending to the device. */
export interface Routing {
  product(product: Product, out: Pick<Tensor, 'shape'>, a: Pick<Tensor, 'shape'>): boolean;
  layer(size: LayerSize): boolean;
}

const ALWAYS: Routing = { product: () => true, layer: () => true };

/**
 * A device with a host behind it. Products and whole layers run on the device, time loops where they are fused: on the device,
 * else on the host. When the device fails it is given up, and everything from that very product or layer on runs on the host: what
 * failed has written nothing, so no step is lost or done twice.
 *
 * @param onLost told once; by default the error is printed as a warning
 * @param routing what goes to the device; by default all
 */
export function withFallback(
  device: Kernels,
  host: Kernels,
  onLost: LossListener = warn,
  routing: Routing = ALWAYS,
): Kernels {
  let open = true;
  const lose = (error: unknown): void => {
    if (!(error instanceof DeviceError)) throw error;
    open = false;
    onLost(error);
  };
  const run = (product: Product): Kernels[Product] => {
    return (out, a, b) => {
      checkProduct(product, out, a, b, nameOf(open, device, host), device.dtypes);
      try {
        if (open && routing.product(product, out, a)) return device[product](out, a, b);
      } catch (error) {
        lose(error);
      }
      host[product](out, a, b);
    };
  };
  const scan = (name: string, way: 'forward' | 'backward', tensors: ScanTensors): boolean => {
    try {
      if (open && device.fused?.[name]?.[way](tensors)) return true;
    } catch (error) {
      lose(error);
    }
    return host.fused?.[name]?.[way](tensors) ?? false;
  };
  const attempt = <T>(act: () => T): T | undefined => {
    try {
      return open ? act() : undefined;
    } catch (error) {
      return void lose(error);
    }
  };
  // The host's, which projects too, as long as the device is not the better place for the layer or its projection.
  const infer = (
    name: string,
    params: Readonly<Record<string, Tensor>>,
    table?: Tensor,
  ): InferenceLayer | undefined => {
    const layer = host.fused?.[name]?.infer?.(params, table);
    const H = params.Wh.shape[0];
    const goesToDevice = ({ batchSizes, x, y }: InferenceTensors): boolean => {
      const [N, D] = [y.shape[0], x.shape[1]];
      const size = { steps: batchSizes.length, B: batchSizes[0] ?? 0, N, D, H };
      const out = { shape: [N, params.Wx.shape[1]] };
      return (
        open && (routing.product('addMatmul', out, { shape: [N, D] }) || (routing.layer(size) && suits(name, size)))
      );
    };
    return layer && { run: (tensors) => !goesToDevice(tensors) && layer.run(tensors), release: layer.release };
  };
  const suits = (name: string, size: LayerSize): boolean => device.fused?.[name]?.layer?.suits(size) ?? false;
  const fused = (name: string): FusedScan => {
    const layer = device.fused?.[name]?.layer;
    return {
      forward: (tensors) => scan(name, 'forward', tensors),
      backward: (tensors) => scan(name, 'backward', tensors),
      infer: (params, table) => infer(name, params, table),
      ...(layer && { layer: guardedLayer(layer, attempt, (size) => open && routing.layer(size)) }),
    };
  };
  const names = [...new Set([device, host].flatMap((kernels) => Object.keys(kernels.fused ?? {})))];
  return {
    get backend() {
      return nameOf(open, device, host);
    },
    dtypes: device.dtypes,
    addMatmul: run('addMatmul'),
    addMatmulTA: run('addMatmulTA'),
    addMatmulTB: run('addMatmulTB'),
    fused: Object.fromEntries(names.map((name) => [name, fused(name)])),
    // Tensors lie where the time loops want them; a device copies its operands from anywhere.
    zeros: host.zeros,
    empty: host.empty,
    frame: host.frame,
    adopt: host.adopt,
    rows: host.rows,
    dispose() {
      device.dispose();
      host.dispose();
    },
  };
}

/** A layer that is gone where its device is: the caller then goes the ordinary way. */
function guardedLayer(
  layer: LayerKernel,
  attempt: <T>(act: () => T) => T | undefined,
  pays: (size: LayerSize) => boolean,
): LayerKernel {
  return {
    suits: (size) => pays(size) && layer.suits(size),
    forward(tensors) {
      const resident = attempt(() => layer.forward(tensors));
      return (
        resident && {
          backward: (gradients) => attempt(() => resident.backward(gradients)) ?? false,
          release: resident.release,
        }
      );
    },
  };
}

/** `withFallback` for a device that answers later. The host is not disposed of with it: it serves the time loops too. */
export function withAsyncFallback(device: AsyncKernels, host: Kernels, onLost: LossListener = warn): AsyncKernels {
  let open = true;
  const attempt = async <T>(act: () => Promise<T>): Promise<T | undefined> => {
    try {
      return open ? await act() : undefined;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (open) onLost(error);
      open = false;
      return undefined;
    }
  };
  const run = (product: Product): AsyncKernels[Product] => {
    return async (out, a, b) => {
      checkProduct(product, out, a, b, nameOf(open, device, host), device.dtypes);
      const done = await attempt(() => device[product](out, a, b).then(() => true));
      if (!done) host[product](out, a, b);
    };
  };
  const layers = Object.entries(device.layers ?? {}).map(([name, layer]): [string, AsyncLayerKernel] => [
    name,
    {
      suits: (size) => open && layer.suits(size),
      async forward(tensors) {
        const resident = await attempt(() => layer.forward(tensors));
        return (
          resident && {
            backward: async (gradients) => (await attempt(() => resident.backward(gradients))) ?? false,
            release: resident.release,
          }
        );
      },
    },
  ]);
  return {
    get backend() {
      return nameOf(open, device, host);
    },
    dtypes: device.dtypes,
    addMatmul: run('addMatmul'),
    addMatmulTA: run('addMatmulTA'),
    addMatmulTB: run('addMatmulTB'),
    layers: Object.fromEntries(layers),
    dispose: () => device.dispose(),
  };
}

/** What runs: products on the first, time loops on the second; or all on the host. */
function nameOf(open: boolean, device: Kernels | AsyncKernels, host: Kernels): string {
  return open ? `${device.backend}+${host.backend}` : host.backend;
}

function warn(error: DeviceError): void {
  // eslint-disable-next-line no-console -- whoever wants to be told in another way passes a listener
  console.warn(lossMessage(error));
}

/** The warning of a device that was given up, in a sentence. */
export function lossMessage(error: DeviceError): string {
  return `the device is given up, and the CPU goes on from there: ${error.message}`;
}
