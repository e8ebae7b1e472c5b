/** Compiled kernels, one per product and padded size, the least recently used ones freed. */
import { ArgumentError, DeviceError } from '../../tensor/errors.js';
import type { Product } from '../check.js';
import type { Device, GlContext } from './device.js';
import { closeDevice, firstLine } from './device.js';
import type { GpuKernel, GpuKernelSettings } from './library.js';
import { modeOf } from './library.js';
import type { Size } from './tiles.js';
import { sourceOf } from './tiles.js';

/** How many kernels, and how many bytes of textures, are kept. */
export interface CacheOptions {
  /** Default 256. */
  readonly maximumKernels?: number;
  /** Default 512 MiB. */
  readonly maximumBytes?: number;
}

/** A kernel, and where its operands are put together. */
export interface Compiled {
  readonly kernel: GpuKernel;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Compiles what is asked for, keeps it, and frees it. */
export interface KernelCache {
  readonly device: Device;
  /** The kernel of one product; sizes are padded ones. */
  product(product: Product, size: Size): Compiled;
  /** A kernel from any source, kept under `key`. `bytes` is what its textures take. */
  kernel(key: string, source: string, settings: GpuKernelSettings, bytes: number): GpuKernel;
  /** Until the answer is called, no kernel is freed: textures do not outlive the kernel that made them. */
  hold(): () => void;
  /** Frees all, the context included. */
  close(): void;
  /** Kernels held now. */
  readonly count: number;
}

interface Entry {
  readonly kernel: GpuKernel;
  readonly bytes: number;
  readonly operands?: readonly [Float32Array, Float32Array];
}

const FLOAT = 4;
/** An element of a result takes a whole texel of four channels. */
const TEXEL = 16;

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
  // A Map keeps its entries in the order in which they were set: the first one was not used for longest.
  const entries = new Map<string, Entry>();
  let bytes = 0;
  let holds = 0;
  const free = (key: string, entry: Entry): void => {
    entries.delete(key);
    bytes -= entry.bytes;
    entry.kernel.destroy();
  };
  const get = (key: string, create: () => Entry): Entry => {
    const known = entries.get(key);
    if (known !== undefined) entries.delete(key);
    const entry = known ?? create();
    entries.set(key, entry);
    if (known === undefined) bytes += entry.bytes;
    trim(entry);
    return entry;
  };
  /** Frees the kernels that are too many, never the last one used. */
  const trim = (last?: Entry): void => {
    for (const [old, least] of entries) {
      if (holds > 0 || least === last || (entries.size <= maximumKernels && bytes <= maximumBytes)) break;
      free(old, least);
    }
  };
  return {
    device,
    product(product, size) {
      const key = `${product} ${size.M} ${size.K} ${size.N}`;
      const { kernel, operands } = get(key, () => compileProduct(device, product, size));
      const [a, b] = operands as readonly [Float32Array, Float32Array];
      return { kernel, a, b };
    },
    kernel: (key, source, settings, size) =>
      get(key, () => ({ kernel: device.gpu.createKernel(source, settings), bytes: size })).kernel,
    hold() {
      let held = true;
      holds++;
      return () => {
        if (held) holds--;
        held = false;
        trim();
      };
    },
    close() {
      for (const [key, entry] of entries) free(key, entry);
      closeDevice(device);
    },
    get count() {
      return entries.size;
    },
  };
}

function compileProduct({ gpu }: Device, product: Product, { M, K, N }: Size): Entry {
  const settings = { output: [N, M], precision: 'single', tactic: 'precision' } as const;
  const operands = [new Float32Array(M * K), new Float32Array(K * N)] as const;
  const bytes = FLOAT * (M * K + K * N) + TEXEL * M * N;
  return { kernel: gpu.createKernel(sourceOf(product, K), settings), operands, bytes };
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
