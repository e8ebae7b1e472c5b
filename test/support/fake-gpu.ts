/**
 * A gpu.js that runs on no device: kernels are run as JavaScript, element by element, with the arithmetic of float32. It has
 * the faults of a device on demand, and counts what lives, so that the backend can be tested where there is no device.
 */
import type { GpuKernel, GpuKernelSettings, GpuLibrary, GpuMode } from '../../src/kernels/gpu/library';

/** What can go wrong, and what is alive. */
export interface FakeDevice {
  readonly library: GpuLibrary;
  /** Thrown by the next call of a kernel. */
  fault: Error | null;
  /** Returned by `getError` once. */
  glError: number;
  lost: boolean;
  /** Kernels are built on the CPU, as gpu.js does where a shader does not compile. */
  replaced: boolean;
  /** Kernels created, destroyed, and called. */
  created: number;
  destroyed: number;
  calls: number;
  contextsClosed: number;
  /** Largest width or height of a result. */
  largest: number;
}

interface Flat {
  readonly values: Float32Array;
  readonly size: readonly number[];
}

type Element = (this: { thread: { x: number; y: number } }, ...inputs: Float32Array[][]) => number;

class HeadlessGLKernel {}
class WebGL2Kernel {}
class WebGLKernel {}
class WebGPUKernel {}
class CPUKernel {}
const CLASSES = { headlessgl: HeadlessGLKernel, webgl2: WebGL2Kernel, webgl: WebGLKernel, webgpu: WebGPUKernel };

/** A library whose device answers in the given modes, and textures of `maxTextureSize`. */
export function fakeGpu({
  modes = Object.keys(CLASSES) as GpuMode[],
  maxTextureSize = 8192,
  renderer = 'Fake Graphics 1',
}: { modes?: readonly GpuMode[]; maxTextureSize?: number; renderer?: string } = {}): FakeDevice {
  const device: FakeDevice = {
    library: { GPU: undefined as unknown as GpuLibrary['GPU'], input: (values, size) => ({ values, size }) as Flat },
    fault: null,
    glError: 0,
    lost: false,
    replaced: false,
    created: 0,
    destroyed: 0,
    calls: 0,
    contextsClosed: 0,
    largest: 0,
  };
  class GPU {
    readonly context: unknown;
    constructor(readonly settings: { readonly mode: GpuMode }) {
      if (!modes.includes(settings.mode))
        throw new Error(`A requested mode of "${settings.mode}" and is not supported`);
      this.context = settings.mode === 'webgpu' ? undefined : contextOf(device, maxTextureSize, renderer);
    }
    createKernel(source: string, settings: GpuKernelSettings): GpuKernel {
      return kernelOf(device, this.settings.mode, source, settings, renderer);
    }
  }
  Object.assign(device.library, { GPU, HeadlessGLKernel, WebGL2Kernel, WebGLKernel, WebGPUKernel });
  return device;
}

function contextOf(device: FakeDevice, maxTextureSize: number, renderer: string): unknown {
  const parameters: Readonly<Record<number, unknown>> = { 1: renderer, 2: maxTextureSize };
  return {
    RENDERER: 1,
    MAX_TEXTURE_SIZE: 2,
    getParameter: (name: number) => parameters[name],
    getExtension: (name: string) =>
      name === 'WEBGL_lose_context' ? { loseContext: () => device.contextsClosed++ } : null,
    getError: () => {
      const error = device.glError;
      device.glError = 0;
      return error;
    },
    isContextLost: () => device.lost,
  };
}

function kernelOf(
  device: FakeDevice,
  mode: GpuMode,
  source: string,
  { output }: GpuKernelSettings,
  renderer: string,
): GpuKernel {
  device.created++;
  // Every sum is rounded to float32, and so is every product: what a device that rounds correctly gives.
  const rounded = source.replace(/sum \+= (.*?);/g, 'sum = fround(sum + fround($1));');
  const element = new Function('fround', `return ${rounded}`)(Math.fround) as Element;
  const [width, height] = output;
  const compute = (inputs: readonly unknown[]): Float32Array[] => {
    device.calls++;
    device.largest = Math.max(device.largest, width, height);
    if (device.fault) throw device.fault;
    const matrices = (inputs as Flat[]).map(({ values, size: [w, h] }) =>
      Array.from({ length: h }, (_, y) => values.slice(y * w, (y + 1) * w)),
    );
    return Array.from({ length: height }, (_, y) =>
      Float32Array.from({ length: width }, (_, x) => element.call({ thread: { x, y } }, ...matrices)),
    );
  };
  const Class = device.replaced ? CPUKernel : CLASSES[mode];
  const behind = Object.assign(
    new Class(),
    mode === 'webgpu' && { context: { adapter: { info: { vendor: renderer } } } },
  );
  const call =
    mode === 'webgpu' ? async (...inputs: unknown[]) => compute(inputs) : (...inputs: unknown[]) => compute(inputs);
  return Object.assign(call, { kernel: behind, destroy: () => void device.destroyed++ }) as unknown as GpuKernel;
}
