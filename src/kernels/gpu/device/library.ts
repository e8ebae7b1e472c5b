/**
 * The parts of gpu.js 2.24 that this backend uses, as a structural type: gpu.js is an optional peer dependency, so neither its
 * code nor its types may be required if it is not installed.
 */
import { loadPeer } from '../../../tensor/peer.js';

/** How gpu.js reaches the device. `headlessgl` is for Node, the others are for browsers, and `webgpu` is asynchronous. */
export type GpuMode = 'headlessgl' | 'webgl2' | 'webgl' | 'webgpu';

/** A compiled kernel in its callable wrapper. */
export interface GpuKernel {
  (...inputs: unknown[]): unknown;
  /** The wrapped kernel; gpu.js may have replaced it by another one. */
  readonly kernel: { readonly constructor: { readonly name: string }; readonly context?: unknown };
  destroy(removeCanvas?: boolean): void;
}

/** A result that stays on the device: a texture, or a buffer of WebGPU. */
export interface GpuTexture {
  /** Width and height. */
  readonly output: readonly number[];
  /** Reads it back, row by row; asynchronous with WebGPU. */
  toArray(): unknown;
  /** Frees it. Call it before the kernel that made it is destroyed. */
  delete(): void;
}

/** Settings of one kernel. */
export interface GpuKernelSettings {
  /** Width and height of the result. */
  readonly output: readonly [number, number];
  readonly precision: 'single';
  readonly tactic: 'precision';
  /** Leaves the result on the device. */
  readonly pipeline?: boolean;
  /** A new texture for every result. */
  readonly immutable?: boolean;
}

/** A device of gpu.js: one context, many kernels. */
export interface Gpu {
  readonly context?: unknown;
  createKernel(source: string, settings: GpuKernelSettings): GpuKernel;
  /** A function that kernels created afterwards may call. */
  addFunction(
    source: string,
    types: { readonly argumentTypes: Record<string, string>; readonly returnType: string },
  ): void;
}

/** The module `gpu.js`. */
export interface GpuLibrary {
  readonly GPU: new (settings: { readonly mode: GpuMode }) => Gpu;
  /** Flat values with their `[width, height]`. */
  readonly input: (values: Float32Array, size: number[]) => unknown;
}

/** Class of a kernel in each mode, as gpu.js exports it. */
const CLASSES: Readonly<Record<GpuMode, string>> = {
  headlessgl: 'HeadlessGLKernel',
  webgl2: 'WebGL2Kernel',
  webgl: 'WebGLKernel',
  webgpu: 'WebGPUKernel',
};

/** The four modes. */
export const GPU_MODES = Object.keys(CLASSES) as GpuMode[];

/** Loads gpu.js. @throws UnsupportedError if it is not installed, or cannot be loaded */
export async function loadGpuLibrary(): Promise<GpuLibrary> {
  return exportsOf(await loadPeer('gpu.js'));
}

/** The exports of the module gpu.js, which is CommonJS: imported as an ES module, they may all be under `default`. */
export function exportsOf(loaded: unknown): GpuLibrary {
  const { GPU, default: whole } = loaded as { GPU?: unknown; default?: unknown };
  return (GPU === undefined ? whole : loaded) as GpuLibrary;
}

/**
 * The mode in which a kernel actually runs, derived from its class, not from the request: gpu.js replaces a kernel that cannot be
 * built by one on the CPU. The classes themselves are compared too, because a minified bundle renames them.
 *
 * @returns one of the modes, or the name of another class
 */
export function modeOf(library: GpuLibrary, { kernel }: GpuKernel): string {
  const exported = library as unknown as Readonly<Record<string, unknown>>;
  const { constructor } = kernel;
  const known = GPU_MODES.find((mode) => exported[CLASSES[mode]] === constructor || CLASSES[mode] === constructor.name);
  return known ?? constructor.name;
}
