/**
 * A gpu.js that runs on no device: kernels are run as JavaScript, element by element, with the arithmetic of float32. It has
 * the faults of a device on demand, and counts what lives, so that the backend can be tested where there is no device.
 */
import type {
  GpuKernel,
  GpuKernelSettings,
  GpuLibrary,
  GpuMode,
  GpuTexture,
} from '../../src/kernels/gpu/device/library';

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
  /** Results left on the device and not deleted, and how many were read back. */
  readonly textures: Set<GpuTexture>;
  reads: number;
  /** Largest width or height of a result. */
  largest: number;
}

interface Flat {
  readonly values: Float32Array;
  readonly size: readonly number[];
}

/** A result on the device: the matrix itself, out of sight. */
interface Resident extends GpuTexture {
  readonly rows: Float32Array[];
}

type Element = (this: { thread: { x: number; y: number } }, ...inputs: (Float32Array[] | number)[]) => number;

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
    textures: new Set(),
    reads: 0,
    largest: 0,
  };
  class GPU {
    readonly context: unknown;
    readonly functions: string[] = [];
    constructor(readonly settings: { readonly mode: GpuMode }) {
      if (!modes.includes(settings.mode))
        throw new Error(`A requested mode of "${settings.mode}" and is not supported`);
      this.context = settings.mode === 'webgpu' ? undefined : contextOf(device, maxTextureSize, renderer);
    }
    createKernel(source: string, settings: GpuKernelSettings): GpuKernel {
      return kernelOf(device, this.settings.mode, [...this.functions, `return ${source}`], settings, renderer);
    }
    addFunction(source: string): void {
      this.functions.push(source);
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
  statements: readonly string[],
  { output, pipeline = false }: GpuKernelSettings,
  renderer: string,
): GpuKernel {
  device.created++;
  // Every sum is rounded to float32, and so is every product: what a device that rounds correctly gives.
  const rounded = statements.join('\n').replace(/sum \+= (.*?);/g, 'sum = fround(sum + fround($1));');
  const element = new Function('fround', rounded)(Math.fround) as Element;
  const [width, height] = output;
  const compute = (inputs: readonly unknown[]): Float32Array[] => {
    device.calls++;
    device.largest = Math.max(device.largest, width, height);
    if (device.fault) throw device.fault;
    const matrices = (inputs as (Flat | Resident | number)[]).map((input) => {
      if (typeof input === 'number') return input;
      if ('rows' in input) return expectLiving(device, input).rows;
      const [w, h] = input.size;
      return Array.from({ length: h }, (_, y) => input.values.slice(y * w, (y + 1) * w));
    });
    return Array.from({ length: height }, (_, y) =>
      Float32Array.from({ length: width }, (_, x) => element.call({ thread: { x, y } }, ...matrices)),
    );
  };
  const Class = device.replaced ? CPUKernel : CLASSES[mode];
  const behind = Object.assign(
    new Class(),
    mode === 'webgpu' && { context: { adapter: { info: { vendor: renderer } } } },
  );
  const later = mode === 'webgpu';
  const answer = (inputs: readonly unknown[]) =>
    pipeline ? residentOf(device, output, compute(inputs), later) : compute(inputs);
  const call = later ? async (...inputs: unknown[]) => answer(inputs) : (...inputs: unknown[]) => answer(inputs);
  return Object.assign(call, { kernel: behind, destroy: () => void device.destroyed++ }) as unknown as GpuKernel;
}

function residentOf(device: FakeDevice, output: readonly number[], rows: Float32Array[], later: boolean): Resident {
  const read = (): Float32Array[] => {
    device.reads++;
    if (device.fault) throw device.fault;
    return expectLiving(device, texture).rows;
  };
  const texture: Resident = {
    output,
    rows,
    toArray: later ? async () => read() : read,
    delete: () => void device.textures.delete(texture),
  };
  device.textures.add(texture);
  return texture;
}

function expectLiving(device: FakeDevice, texture: Resident): Resident {
  if (!device.textures.has(texture)) throw new Error('the texture has been deleted');
  return texture;
}
