/**
 * Where a device pays: each product is timed on device and host at growing sizes, upload and read-back included. The
 * crossover is a size n from which the device was faster at every size measured. A product goes to the device when M, K and N
 * are all at least n: it then has at least the work of n³ per call and at least n/3 operations per element moved, as much of
 * both as the cube that was measured.
 */
import { allocate } from '../../tensor/view.js';
import type { Product } from '../check.js';
import type { Pays } from '../fallback.js';
import type { Kernels } from '../types.js';
import type { DeviceInfo } from './device.js';
import type { GpuKernels } from './index.js';

/** One size of one product. */
export interface CalibrationSample {
  readonly product: Product;
  /** M = K = N. */
  readonly size: number;
  /** Seconds, the best of three. */
  readonly device: number;
  readonly host: number;
}

/** What a calibration found. Plain data, to be kept. */
export interface Calibration {
  readonly device: DeviceInfo;
  /** The backend of the CPU it was compared with. */
  readonly host: string;
  readonly samples: readonly CalibrationSample[];
  /** Per product, the least size at which the device pays; null where it never did. */
  readonly crossover: Readonly<Record<Product, number | null>>;
}

/** What to measure. */
export interface CalibrateOptions {
  /** Ascending; default 64 … 2048, by octaves. */
  readonly sizes?: readonly number[];
  /** Reads seconds; given by tests. */
  readonly clock?: () => number;
}

const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'] as const;
const SIZES = [64, 128, 256, 512, 1024, 2048];

/** The device must be faster by this factor: a choice that rests on noise would cost time. */
const MARGIN = 1.25;

/** Past this many seconds for one product nothing larger is measured. */
const PATIENCE = 0.5;

/** Times the products. On a software rasterizer nothing is timed unless `sizes` are given, and the crossover is null. */
export function calibrate(
  device: GpuKernels,
  host: Kernels,
  { sizes, clock = seconds }: CalibrateOptions = {},
): Calibration {
  const { software } = device.device;
  const samples: CalibrationSample[] = [];
  for (const product of PRODUCTS) {
    for (const size of sizes ?? (software ? [] : SIZES)) {
      const sample = { product, size, ...timeBoth(device, host, product, size, clock) };
      samples.push(sample);
      if (Math.max(sample.device, sample.host) > PATIENCE) break;
    }
  }
  const of = (product: Product): number | null =>
    software ? null : crossoverOf(samples.filter((sample) => sample.product === product));
  const crossover = { addMatmul: of('addMatmul'), addMatmulTA: of('addMatmulTA'), addMatmulTB: of('addMatmulTB') };
  return { device: device.device, host: host.backend, samples, crossover };
}

const seconds = (): number => performance.now() / 1000;

function timeBoth(device: Kernels, host: Kernels, product: Product, size: number, clock: () => number) {
  const [out, a, b] = [0, 1, 2].map(() => allocate([size, size], 'float32'));
  a.data.forEach((_, i) => (a.data[i] = ((i * 7919) % 1024) / 1024 - 0.5));
  b.data.set(a.data);
  const time = (kernels: Kernels): number => {
    const begun = clock();
    kernels[product](out, a, b);
    return clock() - begun;
  };
  time(device); // compiles
  time(host);
  const best = { device: Infinity, host: Infinity };
  for (let round = 0; round < 3; round++) {
    best.device = Math.min(best.device, time(device));
    best.host = Math.min(best.host, time(host));
  }
  return best;
}

function crossoverOf(samples: readonly CalibrationSample[]): number | null {
  let from: number | null = null;
  for (const { size, device, host } of samples) {
    if (device * MARGIN > host) from = null;
    else from ??= size;
  }
  return from;
}

/** What goes to the device. */
export function paysOff({ crossover }: Calibration): Pays {
  return {
    product(product, out, a) {
      const from = crossover[product];
      const K = a.shape[product === 'addMatmulTA' ? 0 : 1];
      return from !== null && Math.min(out.shape[0], out.shape[1], K) >= from;
    },
    layer: () => false,
  };
}

/** What a calibration says, in a sentence: `addMatmul from 512, …`. */
export function describeCalibration({ device, host, crossover }: Calibration): string {
  if (device.software) return `${device.renderer} is a software rasterizer: products stay on ${host}`;
  const paying = PRODUCTS.filter((product) => crossover[product] !== null);
  if (paying.length === 0) return `${device.renderer} was slower than ${host} at every size: products stay there`;
  const list = paying.map((product) => `${product} from ${crossover[product]}`).join(', ');
  return `${device.renderer} is faster than ${host} where M, K and N are all large: ${list}`;
}
