/**
 * Measures from which size a device is faster. Each product is timed on device and host at growing sizes, upload and read-back
 * included. The crossover is the size n from which the device was faster at every size measured. A product goes to the device
 * when M, K and N are all at least n: it then has at least n³ operations per call and at least n/3 operations per element moved,
 * as in the measured cube.
 *
 * A layer, an LSTM forward and backward, is timed at growing B and H. It goes to the device from the B·H at which the device was
 * faster, there and at all larger ones measured, with no fewer hidden units than measured there. The work of a step is then at
 * least as large, B·H², while the cost of launching its kernels does not grow.
 */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { allocate } from '../../tensor/view.js';
import type { Product } from '../check.js';
import { eachProduct } from '../check.js';
import type { Routing } from '../fallback.js';
import type { Kernels } from '../types.js';
import { layerProblem, runLayerOnDevice, runLayerOnHost } from './calibrate-layer.js';
import type { DeviceInfo } from './device/device.js';
import type { GpuKernels } from './index.js';

/** One size of one product. */
export interface CalibrationSample {
  readonly product: Product;
  /** M = K = N. */
  readonly size: number;
  /** Seconds, the best of three; of one if that takes long. */
  readonly device: number;
  readonly host: number;
}

/** One size of a layer. */
export interface LayerSample {
  readonly B: number;
  /** D = H. */
  readonly H: number;
  /** Seconds, the best of three; of one if that takes long. */
  readonly device: number;
  readonly host: number;
}

/** The sizes from which a layer is faster on the device: B·H and H of at least these. */
export interface LayerCrossover {
  readonly BH: number;
  readonly H: number;
}

/** The result of a calibration, as plain data for a cache. */
export interface Calibration {
  readonly device: DeviceInfo;
  /** The CPU backend with which it was compared. */
  readonly host: string;
  readonly samples: readonly CalibrationSample[];
  readonly layers: readonly LayerSample[];
  /** Per product, the least size from which the device is faster, and the same for layers; null if it never was. */
  readonly crossover: Readonly<Record<Product, number | null>> & { readonly layer: LayerCrossover | null };
}

/** What to measure. */
export interface CalibrateOptions {
  /** Ascending; default 64 … 2048, by octaves. */
  readonly sizes?: readonly number[];
  /** B and H of layers, B·H ascending; default [16, 128] … [128, 1024], four times the B·H at each. */
  readonly layers?: readonly (readonly [number, number])[];
  /** Returns seconds; replaced in tests. */
  readonly clock?: () => number;
}

const KEYS = keysOf<CalibrateOptions>({ sizes: true, layers: true, clock: true });

const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'] as const;
const SIZES = [64, 128, 256, 512, 1024, 2048];
const LAYERS = [
  [16, 128],
  [32, 256],
  [64, 512],
  [128, 1024],
] as const;

/** The device must be faster by this factor, because a choice based on noise would cost time. */
const MARGIN = 1.25;

/** If one product or layer takes longer than this many seconds, nothing larger is measured. */
const PATIENCE = 0.5;

/** Times products and layers. On a software rasterizer nothing is timed unless sizes are given, and the crossover is null. */
export function calibrate(device: GpuKernels, host: Kernels, options: CalibrateOptions = {}): Calibration {
  expectKnownKeys('calibrate', 'options', options, KEYS);
  const { sizes, layers, clock = seconds } = options;
  const { software } = device.device;
  const samples: CalibrationSample[] = [];
  for (const product of PRODUCTS) {
    for (const size of sizes ?? (software ? [] : SIZES)) {
      const sample = { product, size, ...timeProduct(device, host, product, size, clock) };
      samples.push(sample);
      if (Math.max(sample.device, sample.host) > PATIENCE) break;
    }
  }
  const layerSamples = timeLayers(device, host, layers ?? (software ? [] : LAYERS), clock);
  const of = (product: Product): number | null =>
    software ? null : (crossoverOf(samples.filter((sample) => sample.product === product))?.size ?? null);
  const layer = software ? null : crossoverOf(layerSamples);
  const crossover = {
    ...eachProduct(of),
    layer: layer === null ? null : { BH: layer.B * layer.H, H: layer.H },
  };
  return { device: device.device, host: host.backend, samples, layers: layerSamples, crossover };
}

const seconds = (): number => performance.now() / 1000;

type Seconds = Pick<CalibrationSample, 'device' | 'host'>;

function timeProduct(device: Kernels, host: Kernels, product: Product, size: number, clock: () => number): Seconds {
  const [out, a, b] = [0, 1, 2].map(() => allocate([size, size], 'float32'));
  a.data.forEach((_, i) => (a.data[i] = ((i * 7919) % 1024) / 1024 - 0.5));
  b.data.set(a.data);
  return inTurns((kernels) => kernels[product](out, a, b), device, host, clock);
}

function timeLayers(
  device: Kernels,
  host: Kernels,
  sizes: readonly (readonly [number, number])[],
  clock: () => number,
): LayerSample[] {
  const samples: LayerSample[] = [];
  for (const [B, H] of sizes) {
    const problem = layerProblem(B, H);
    if (!runLayerOnDevice(device, problem)) break; // too large for its textures, as are all that follow
    const run = (kernels: Kernels): unknown =>
      kernels === device ? runLayerOnDevice(kernels, problem) : runLayerOnHost(kernels, problem);
    const sample = { B, H, ...inTurns(run, device, host, clock) };
    samples.push(sample);
    if (Math.max(sample.device, sample.host) > PATIENCE) break;
  }
  return samples;
}

/** Alternates between device and host, so that other load on the machine affects both. */
function inTurns(run: (kernels: Kernels) => unknown, device: Kernels, host: Kernels, clock: () => number): Seconds {
  const time = (kernels: Kernels): number => {
    const begun = clock();
    run(kernels);
    return clock() - begun;
  };
  // The first call compiles. Slow work is timed once.
  const rounds = Math.max(time(device), time(host)) > PATIENCE ? 1 : 3;
  const best = { device: Infinity, host: Infinity };
  for (let round = 0; round < rounds; round++) {
    best.device = Math.min(best.device, time(device));
    best.host = Math.min(best.host, time(host));
  }
  return best;
}

/** The smallest sample from which the device is faster. */
function crossoverOf<S extends Seconds>(samples: readonly S[]): S | null {
  let from: S | null = null;
  for (const sample of samples) {
    if (sample.device * MARGIN > sample.host) from = null;
    else from ??= sample;
  }
  return from;
}

/** What goes to the device. */
export function routingOf({ crossover }: Calibration): Routing {
  return {
    product(product, out, a) {
      const from = crossover[product];
      const K = a.shape[product === 'addMatmulTA' ? 0 : 1];
      return from !== null && Math.min(out.shape[0], out.shape[1], K) >= from;
    },
    layer({ steps, N, H }) {
      const from = crossover.layer;
      return from !== null && H >= from.H && (N / steps) * H >= from.BH;
    },
  };
}

/** Describes a calibration in one sentence: `addMatmul from 512, …, layers from B·H = 8192 and H = 256`. */
export function describeCalibration({ device, host, crossover }: Calibration): string {
  if (device.software) return `${device.renderer} is a software rasterizer: products and layers stay on ${host}`;
  const list = PRODUCTS.filter((product) => crossover[product] !== null).map((product) => {
    return `${product} from ${crossover[product]}`;
  });
  const { layer } = crossover;
  if (layer !== null) list.push(`layers from B·H = ${layer.BH} and H = ${layer.H}`);
  if (list.length === 0)
    return `${device.renderer} was slower than ${host} at every size: products and layers stay there`;
  return `${device.renderer} is faster than ${host} if M, K and N, or B and H, are all large: ${list.join(', ')}`;
}
