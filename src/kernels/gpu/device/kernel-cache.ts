/** An LRU cache of compiled kernels, and the errors of a device that fails. */
import { ArgumentError, DeviceError } from '../../../tensor/errors.js';
import type { Device, GlContext } from './device.js';
import { closeDevice, firstLine } from './device.js';
import type { GpuKernel } from './library.js';
import { modeOf } from './library.js';

/** How many kernels, and how many bytes of textures, are cached. */
export interface CacheOptions {
  /** Default 256. */
  readonly maximumKernels?: number;
  /** Default 512 MiB. */
  readonly maximumBytes?: number;
}

/** A cached kernel. */
export interface CachedKernel {
  readonly kernel: GpuKernel;
  /** Bytes of its textures and of everything else it holds. */
  readonly bytes: number;
}

/** Compiles kernels on request, caches them, and frees them. */
export interface KernelCache {
  readonly device: Device;
  /** The kernel cached under `key`, or a new one. */
  get<K extends CachedKernel>(key: string, create: () => K): K;
  /** Until the returned function is called, no kernel is freed: textures do not outlive the kernel that made them. */
  hold(): () => void;
  /** Frees everything, including the context. */
  close(): void;
  /** Kernels held now. */
  readonly count: number;
}

/** An empty cache on a device. @throws ArgumentError unless both bounds are above 0 */
export function createKernelCache(
  device: Device,
  { maximumKernels = 256, maximumBytes = 2 ** 29 }: CacheOptions = {},
): KernelCache {
  if (!(maximumKernels >= 1) || !(maximumBytes > 0)) {
    throw new ArgumentError(
      `gpu: maximumKernels and maximumBytes must be above 0; got ${maximumKernels}, ${maximumBytes}`,
    );
  }
  const kept: Kept = { entries: new Map(), bytes: 0, holds: 0, maximumKernels, maximumBytes };
  return {
    device,
    get: (key, create) => get(kept, key, create),
    hold: () => hold(kept),
    close() {
      for (const [key, entry] of kept.entries) free(kept, key, entry);
      closeDevice(device);
    },
    get count() {
      return kept.entries.size;
    },
  };
}

/** The contents of a cache. A Map keeps its entries in insertion order, so the first one is the least recently used. */
interface Kept extends Required<CacheOptions> {
  readonly entries: Map<string, CachedKernel>;
  bytes: number;
  /** Number of users that must not lose a kernel now. */
  holds: number;
}

function get<K extends CachedKernel>(kept: Kept, key: string, create: () => K): K {
  const known = kept.entries.get(key) as K | undefined;
  if (known !== undefined) kept.entries.delete(key);
  const entry = known ?? create();
  kept.entries.set(key, entry);
  if (known === undefined) kept.bytes += entry.bytes;
  trim(kept, entry);
  return entry;
}

function free(kept: Kept, key: string, entry: CachedKernel): void {
  kept.entries.delete(key);
  kept.bytes -= entry.bytes;
  entry.kernel.destroy();
}

/** Frees excess kernels, but never the last one used. */
function trim(kept: Kept, last?: CachedKernel): void {
  const { entries, maximumKernels, maximumBytes } = kept;
  for (const [old, least] of entries) {
    if (kept.holds > 0 || least === last || (entries.size <= maximumKernels && kept.bytes <= maximumBytes)) break;
    free(kept, old, least);
  }
}

function hold(kept: Kept): () => void {
  let held = true;
  kept.holds++;
  return () => {
    if (held) kept.holds--;
    held = false;
    trim(kept);
  };
}

const OUT_OF_MEMORY = 0x0505;
const INVALID_FRAMEBUFFER_OPERATION = 0x0506;

/** @throws DeviceError if gpu.js has replaced this kernel by one on the CPU */
export function expectMode({ library, info }: Device, kernel: GpuKernel): void {
  const real = modeOf(library, kernel);
  if (real !== info.mode) throw new DeviceError(`gpu.js:${info.mode}: gpu.js replaced the kernel with one for ${real}`);
}

/**
 * Checks that the draws so far succeeded, since a context that is lost or out of memory fails silently.
 *
 * @throws DeviceError if the context is lost or out of memory
 */
export function expectAlive({ gpu, info }: Device): void {
  if (info.mode === 'webgpu') return;
  const gl = gpu.context as GlContext;
  if (gl.isContextLost()) throw lost(info);
  const error = gl.getError();
  if (error === OUT_OF_MEMORY) throw new DeviceError(`gpu.js:${info.mode}: the device is out of memory`);
  if (error === INVALID_FRAMEBUFFER_OPERATION)
    throw new DeviceError(`gpu.js:${info.mode}: cannot render to the texture`);
}

/** Converts an error thrown by gpu.js to a DeviceError. */
export function deviceError({ gpu, info }: Device, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  // A lost context makes gpu.js fail in misleading ways, such as with an empty compiler log.
  if (info.mode !== 'webgpu' && (gpu.context as GlContext).isContextLost()) return lost(info);
  return new DeviceError(`gpu.js:${info.mode} failed: ${firstLine(error)}`, { cause: error });
}

function lost({ mode }: Device['info']): DeviceError {
  return new DeviceError(`gpu.js:${mode}: the context was lost`);
}
