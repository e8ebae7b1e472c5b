/** A device opened through gpu.js, and its properties. */
import { UnsupportedError } from '../../../tensor/errors.js';
import { DEVICE_FUNCTIONS } from './gate-functions.js';
import type { Gpu, GpuKernel, GpuLibrary, GpuMode } from './library.js';
import { modeOf } from './library.js';

/** The properties of a device. */
export interface DeviceInfo {
  /** The mode that actually runs. */
  readonly mode: GpuMode;
  /** Name of the renderer, as reported by the driver. */
  readonly renderer: string;
  /** Whether it is a software rasterizer: correct, and slower than any CPU backend. */
  readonly software: boolean;
  /** Largest width and height of a texture. */
  readonly maxTextureSize: number;
}

/** An open device. */
export interface Device {
  readonly library: GpuLibrary;
  readonly gpu: Gpu;
  readonly info: DeviceInfo;
}

/** Options for opening a device. */
export interface DeviceOptions {
  readonly mode: GpuMode;
  readonly library: GpuLibrary;
  /** Returns the name of the renderer if the context does not report it, as with headless-gl; called once the device is open. */
  readonly renderer?: () => string | undefined;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|swrast|software|basic render/i;

/** Whether a renderer of this name is a software rasterizer. */
export const isSoftware = (renderer: string): boolean => SOFTWARE.test(renderer);

/** The members of a WebGL context that are used. */
export interface GlContext {
  readonly RENDERER: number;
  readonly MAX_TEXTURE_SIZE: number;
  getParameter(name: number): unknown;
  getExtension(name: string): unknown;
  getError(): number;
  isContextLost(): boolean;
}

interface WebGpuContext {
  readonly adapter?: { readonly info?: Readonly<Record<string, unknown>> };
  readonly device?: { readonly limits: { readonly maxBufferSize: number } };
}

const ONE_NUMBER = { argumentTypes: { v: 'Number' }, returnType: 'Number' };

/** A kernel of one element with a known result: it opens the context, and shows what runs. */
const PROBE = 'function (a) { return a[this.thread.y][this.thread.x] + 1; }';

/**
 * Opens a device, and runs a kernel on it to check that it works.
 *
 * @throws UnsupportedError if the mode is unavailable: no such context, no adapter, no single precision
 */
export async function openDevice({ mode, library, renderer }: DeviceOptions): Promise<Device> {
  let gpu: Gpu;
  let kernel: GpuKernel;
  let result: unknown;
  try {
    gpu = new library.GPU({ mode });
    for (const source of DEVICE_FUNCTIONS) gpu.addFunction(source, ONE_NUMBER);
    kernel = gpu.createKernel(PROBE, { output: [1, 1], precision: 'single', tactic: 'precision' });
    result = await kernel(library.input(Float32Array.of(41), [1, 1]));
  } catch (error) {
    throw new UnsupportedError(absent(mode, error), { cause: error });
  }
  const real = modeOf(library, kernel);
  const value = (result as Float32Array[])[0][0];
  if (real !== mode || value !== 42) {
    kernel.destroy(true);
    throw new UnsupportedError(`${mode} was requested, but gpu.js runs ${real} and returns ${value} instead of 42`);
  }
  const info = describe(mode, kernel.kernel.context ?? gpu.context, renderer?.());
  kernel.destroy();
  return { library, gpu, info };
}

function describe(mode: GpuMode, context: unknown, known?: string): DeviceInfo {
  if (mode === 'webgpu') return describeWebGpu(context as WebGpuContext, known);
  const gl = context as GlContext;
  const debug = gl.getExtension('WEBGL_debug_renderer_info') as { UNMASKED_RENDERER_WEBGL: number } | null;
  const renderer = known ?? String(gl.getParameter(debug?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  const maxTextureSize = Number(gl.getParameter(gl.MAX_TEXTURE_SIZE));
  return { mode, renderer, software: isSoftware(renderer), maxTextureSize };
}

function describeWebGpu({ adapter }: WebGpuContext, known?: string): DeviceInfo {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter?.info ?? {};
  const names = [vendor, architecture, device, description].filter((name) => typeof name === 'string' && name !== '');
  const renderer = known ?? (names.join(' ') || 'unnamed adapter');
  // Buffers have no width limit; the limit of a texture is used to split products into parts of a sensible size.
  return {
    mode: 'webgpu',
    renderer,
    software: isFallbackAdapter === true || isSoftware(renderer),
    maxTextureSize: 8192,
  };
}

const NEEDS: Readonly<Record<GpuMode, string>> = {
  headlessgl: 'it needs the native module gl, and an X display (without one: xvfb-run -a)',
  webgl2: 'it needs a browser with WebGL 2 that renders to float textures',
  webgl: 'it needs a browser with WebGL that renders to float textures',
  webgpu: 'it needs a browser with WebGPU and an adapter, and a page served by https or localhost',
};

function absent(mode: GpuMode, error: unknown): string {
  return `gpu.js cannot use ${mode}: ${NEEDS[mode]} (${firstLine(error)})`;
}

/** Frees the context of a device; its kernels must have been destroyed before. The device of WebGPU belongs to the page. */
export function closeDevice({ gpu, info }: Device): void {
  if (info.mode === 'webgpu') return;
  const gl = gpu.context as GlContext;
  if (gl.isContextLost()) return;
  const stack = gl.getExtension('STACKGL_destroy_context') as { destroy(): void } | null;
  const lose = gl.getExtension('WEBGL_lose_context') as { loseContext(): void } | null;
  if (stack) stack.destroy();
  else lose?.loseContext();
}

/** The first line of an error message: gpu.js appends whole shaders. */
export function firstLine(error: unknown): string {
  const { message = String(error) } = error as { message?: string };
  return message.split('\n')[0];
}
