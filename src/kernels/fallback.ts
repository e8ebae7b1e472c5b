/** Going on without a device: from the product it failed at, on another backend. */
import { DeviceError } from '../tensor/errors.js';
import type { Product } from './check.js';
import { checkProduct } from './check.js';
import type { Tensor } from '../tensor/types.js';
import type { AsyncKernels, FusedScan, Kernels, ScanTensors } from './types.js';

/** Told once, when the device is given up. */
export type LossListener = (error: DeviceError) => void;

/** Whether a product is worth sending to the device. */
export type Pays = (product: Product, out: Tensor, a: Tensor) => boolean;

/**
 * A device with a host behind it. Products run on the device, time loops where they are fused: on the device, else on the
 * host. When the device fails it is given up, and everything from that very product on runs on the host: a failed product has
 * written nothing, so no step is lost or done twice.
 *
 * @param onLost told once; by default the error is printed as a warning
 * @param pays which products go to the device; by default all
 */
export function withFallback(
  device: Kernels,
  host: Kernels,
  onLost: LossListener = warn,
  pays: Pays = () => true,
): Kernels {
  let living = true;
  const lose = (error: unknown): void => {
    if (!(error instanceof DeviceError)) throw error;
    living = false;
    onLost(error);
  };
  const run = (product: Product): Kernels[Product] => {
    return (out, a, b) => {
      checkProduct(product, out, a, b, nameOf(living, device, host), device.dtypes);
      try {
        if (living && pays(product, out, a)) return device[product](out, a, b);
      } catch (error) {
        lose(error);
      }
      host[product](out, a, b);
    };
  };
  const scan = (name: string, way: keyof FusedScan, tensors: ScanTensors): boolean => {
    try {
      if (living && device.fused?.[name]?.[way](tensors)) return true;
    } catch (error) {
      lose(error);
    }
    return host.fused?.[name]?.[way](tensors) ?? false;
  };
  const names = [...new Set([device, host].flatMap(({ fused }) => Object.keys(fused ?? {})))];
  return {
    get backend() {
      return nameOf(living, device, host);
    },
    dtypes: device.dtypes,
    addMatmul: run('addMatmul'),
    addMatmulTA: run('addMatmulTA'),
    addMatmulTB: run('addMatmulTB'),
    fused: Object.fromEntries(
      names.map((name): [string, FusedScan] => [
        name,
        {
          forward: (tensors) => scan(name, 'forward', tensors),
          backward: (tensors) => scan(name, 'backward', tensors),
        },
      ]),
    ),
    // Tensors lie where the time loops want them; a device copies its operands from anywhere.
    workspace: host.workspace,
    rows: host.rows,
    dispose() {
      device.dispose();
      host.dispose();
    },
  };
}

/** `withFallback` for a device that answers later. The host is not disposed of with it: it serves the time loops too. */
export function withAsyncFallback(device: AsyncKernels, host: Kernels, onLost: LossListener = warn): AsyncKernels {
  let living = true;
  const run = (product: Product): AsyncKernels[Product] => {
    return async (out, a, b) => {
      checkProduct(product, out, a, b, nameOf(living, device, host), device.dtypes);
      try {
        if (living) return await device[product](out, a, b);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        if (living) onLost(error);
        living = false;
      }
      host[product](out, a, b);
    };
  };
  return {
    get backend() {
      return nameOf(living, device, host);
    },
    dtypes: device.dtypes,
    addMatmul: run('addMatmul'),
    addMatmulTA: run('addMatmulTA'),
    addMatmulTB: run('addMatmulTB'),
    dispose: () => device.dispose(),
  };
}

/** What runs: products on the first, time loops on the second; or all on the host. */
function nameOf(living: boolean, device: Kernels | AsyncKernels, host: Kernels): string {
  return living ? `${device.backend}+${host.backend}` : host.backend;
}

function warn(error: DeviceError): void {
  // eslint-disable-next-line no-console -- whoever wants to be told in another way passes a listener
  console.warn(lossMessage(error));
}

/** The warning of a device that was given up, in a sentence. */
export function lossMessage(error: DeviceError): string {
  return `the device is given up, and the CPU goes on from there: ${error.message}`;
}
