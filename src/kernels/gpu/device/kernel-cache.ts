/** Compiled kernels, the least recently used ones freed; and what a device says when it fails. */
import { ArgumentError, DeviceError } from '../../../tensor/errors.js';
import type { Device, GlContext } from './device.js';
import { closeDevice, firstLine } from './device.js';
import type { GpuKernel } from './library.js';
import { modeOf } from './library.js';

/** How many kernels, and how many bytes of textures, are kept. */
export interface CacheOptions {
  /** Default 256. */
  readonly maximumKernels?: number;
  /** Default 512 MiB. */
  readonly maximumBytes?: number;
}

/** A kernel that is kept. */
export interface CachedKernel {
  readonly kernel: GpuKernel;
  /** What its textures, and what else it holds, take. */
  readonly bytes: number;
}

/** Compiles what is asked for, keeps it, and frees it. */
export interface KernelCache {
  readonly device: Device;
  /** The kernel that is kept under `key`, or a new one. */
  get<K extends CachedKernel>(key: string, create: () => K): K;
  /** Until the answer is called, no kernel is freed: textures do not outlive the kernel that made them. */
  hold(): () => void;
  /** Frees all, the context included. */
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

/** What a cache holds. A Map keeps its entries in the order in which they were set: the first one was not used for longest. */
interface Kept extends Required<CacheOptions> {
  readonly entries: Map<string, CachedKernel>;
  bytes: number;
  /** Users that must not lose a kernel now. */
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

/** Frees the kernels that are too many, never the last one used. */
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

/** @throws DeviceError where gpu.js has put another kernel, one on the CPU, in the place of this one */
export function expectMode({ library, info }: Device, kernel: GpuKernel): void {
  const real = modeOf(library, kernel);
  if (real !== info.mode) throw new DeviceError(`gpu.js:${info.mode}: the kernel was replaced by one of ${real}`);
}

/**
 * Looks whether what was drawn so far went well, since a context that is lost or out of memory draws nothing and says nothing.
 *
 * @throws DeviceError where the context is lost or out of memory
 */
export function expectAlive({ gpu, info }: Device): void {
  if (info.mode === 'webgpu') return;
  const gl = gpu.context as GlContext;
  if (gl.isContextLost()) throw lost(info);
  const error = gl.getError();
  if (error === OUT_OF_MEMORY) throw new DeviceError(`gpu.js:${info.mode}: the device is out of memory`);
  if (error === INVALID_FRAMEBUFFER_OPERATION)
    throw new DeviceError(`gpu.js:${info.mode}: it cannot draw to its texture`);
}

/** What gpu.js threw, as an error of the device. */
export function deviceError({ gpu, info }: Device, error: unknown): DeviceError {
  if (error instanceof DeviceError) return error;
  // Whatever a context that is gone makes gpu.js complain of, such as an empty log of a compiler.
  if (info.mode !== 'webgpu' && (gpu.context as GlContext).isContextLost()) return lost(info);
  return new DeviceError(`gpu.js:${info.mode} failed: ${firstLine(error)}`, { cause: error });
}

function lost({ mode }: Device['info']): DeviceError {
  return new DeviceError(`gpu.js:${mode}: the context was lost`);
}
