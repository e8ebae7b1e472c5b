/**
 * The GPU backend, through gpu.js: WebGL in the browser and, with headless-gl, in Node; WebGPU if results may be asynchronous. It
 * computes in float32. A product uploads its operands and reads its result back; a layer keeps its intermediate results on the
 * device. So both pay off only if they are large; `docs/gpu.md` gives the sizes.
 */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { ArgumentError, UnsupportedError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import type { Product } from '../check.js';
import { checkProduct, eachProduct } from '../check.js';
import { plainMemory } from '../complete.js';
import { plainRows } from '../cpu/rows.js';
import type { AsyncKernels, Kernels } from '../types.js';
import type { CacheOptions, KernelCache } from './device/kernel-cache.js';
import { createKernelCache } from './device/kernel-cache.js';
import type { DeviceInfo } from './device/device.js';
import { openDevice } from './device/device.js';
import type { GpuLibrary, GpuMode } from './device/library.js';
import { exportsOf, GPU_MODES, loadGpuLibrary } from './device/library.js';
import { multiply, multiplyAsync } from './product/product.js';
import { asyncLayerKernels, layerKernels } from './layer/kernels.js';
import type { PendingLayers } from './layer/pending.js';
import { createPendingLayers } from './layer/pending.js';

export type { CacheOptions } from './device/kernel-cache.js';

/** The device to use, and the limits of its kernel cache. */
export interface GpuOptions extends CacheOptions {
  /** A mode by name; by default `headlessgl` in Node, and `webgl2`, else `webgl`, in a browser. */
  readonly mode?: GpuMode;
  /** The module gpu.js; by default it is imported at run time, which a bundle cannot do. */
  readonly library?: GpuLibrary;
  /** Returns the name of the renderer if the context does not report it, as with headless-gl; called once the device is open. */
  readonly renderer?: () => string | undefined;
}

const KEYS = keysOf<GpuOptions>({
  mode: true,
  library: true,
  renderer: true,
  maximumKernels: true,
  maximumBytes: true,
});

/** Kernels on a synchronous device: `headlessgl`, `webgl2`, `webgl`. */
export interface GpuKernels extends Kernels {
  readonly device: DeviceInfo;
  /** Compiled kernels held now. */
  readonly compiled: number;
  /** Layers on the device that wait for their backward pass. */
  readonly pending: number;
}

/** Kernels on an asynchronous device: `webgpu`. */
export interface GpuAsyncKernels extends AsyncKernels {
  readonly device: DeviceInfo;
  /** Compiled kernels held now. */
  readonly compiled: number;
  /** Layers on the device that wait for their backward pass. */
  readonly pending: number;
}

const dtypes = ['float32'] as const;

/** A scan without the rest of the layer would read every cache back. */
const NO_SCAN = { forward: () => false, backward: () => false };

/**
 * Opens a synchronous device.
 *
 * @throws ArgumentError on an unknown mode, including `webgpu`, which only `createGpuAsyncKernels` supports
 * @throws UnsupportedError without gpu.js, or if the device is unavailable; the message says in one sentence what is missing
 */
export async function createGpuKernels(options: GpuOptions = {}): Promise<GpuKernels> {
  expectKnownKeys('createGpuKernels', 'options', options, KEYS);
  const modes = options.mode === undefined ? defaultModes() : [options.mode];
  if (modes.includes('webgpu')) {
    throw new ArgumentError('gpu: webgpu is asynchronous; use createGpuAsyncKernels');
  }
  const cache = await openFirst(modes, options);
  const { info } = cache.device;
  const backend = `gpu.js:${info.mode}`;
  const pending = createPendingLayers(options.maximumBytes);
  const life = lifeOf(cache, backend, pending);
  const layers = Object.entries(layerKernels(life.get, pending));
  const run =
    (product: Product) =>
    (out: Tensor, a: Tensor, b: Tensor): void => {
      checkProduct(product, out, a, b, backend, dtypes);
      if (!isEmpty(product, out, a)) multiply(life.get(), product, out, a, b);
    };
  return {
    ...plainMemory,
    rows: plainRows,
    backend,
    dtypes,
    device: info,
    get compiled() {
      return cache.count;
    },
    get pending() {
      return pending.count;
    },
    ...eachProduct(run),
    fused: Object.fromEntries(layers.map(([name, layer]) => [name, { ...NO_SCAN, layer }])),
    dispose: life.end,
  };
}

/**
 * Opens an asynchronous device in any mode, `webgpu` by default. Products run one after another, in the order of the calls;
 * operands must not change before the promise settles.
 *
 * @throws ArgumentError on an unknown mode
 * @throws UnsupportedError without gpu.js, or if the device is unavailable
 */
export async function createGpuAsyncKernels(options: GpuOptions = {}): Promise<GpuAsyncKernels> {
  expectKnownKeys('createGpuAsyncKernels', 'options', options, KEYS);
  const cache = await openFirst([options.mode ?? 'webgpu'], options);
  const { info } = cache.device;
  const backend = `gpu.js:${info.mode}`;
  const pending = createPendingLayers(options.maximumBytes);
  const life = lifeOf(cache, backend, pending);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const mine = last.then(act);
    last = mine.catch(() => undefined); // the caller gets the failure; the next call runs anyway
    return mine;
  };
  const run =
    (product: Product) =>
    async (out: Tensor, a: Tensor, b: Tensor): Promise<void> => {
      checkProduct(product, out, a, b, backend, dtypes);
      if (!isEmpty(product, out, a)) await inTurn(() => multiplyAsync(life.get(), product, out, a, b));
    };
  return {
    backend,
    dtypes,
    device: info,
    get compiled() {
      return cache.count;
    },
    get pending() {
      return pending.count;
    },
    ...eachProduct(run),
    layers: asyncLayerKernels(life.get, pending, inTurn),
    dispose: async () => life.end(),
  };
}

function defaultModes(): GpuMode[] {
  return typeof (globalThis as { window?: unknown }).window === 'undefined' &&
    typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === 'undefined'
    ? ['headlessgl']
    : ['webgl2', 'webgl'];
}

/** The first of these modes that is available. */
async function openFirst(modes: readonly GpuMode[], options: GpuOptions): Promise<KernelCache> {
  const unknown = modes.find((mode) => !GPU_MODES.includes(mode));
  if (unknown !== undefined) {
    throw new ArgumentError(`gpu: mode must be one of ${GPU_MODES.join(', ')}; got ${String(unknown)}`);
  }
  const library = options.library === undefined ? await loadGpuLibrary() : exportsOf(options.library);
  const reasons: string[] = [];
  for (const mode of modes) {
    try {
      const device = await openDevice({ mode, library, renderer: options.renderer });
      return createKernelCache(device, options);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      reasons.push(error.message);
    }
  }
  throw new UnsupportedError(reasons.join('; '));
}

function isEmpty(product: Product, out: Tensor, a: Tensor): boolean {
  return out.shape[0] === 0 || out.shape[1] === 0 || a.shape[product === 'addMatmulTA' ? 0 : 1] === 0;
}

function lifeOf(cache: KernelCache, backend: string, pending: PendingLayers) {
  let open = true;
  return {
    get(): KernelCache {
      if (!open) throw new ArgumentError(`${backend}: these kernels were disposed of; create new ones`);
      return cache;
    },
    end(): void {
      if (!open) return;
      open = false;
      pending.clear();
      cache.close();
    },
  };
}
