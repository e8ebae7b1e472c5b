/**
 * What the tests run in a browser, bundled with gpu.js: the kernel contract, a training with a tagged sentence, the leak
 * test and the loss of the device, on a mode by name. `chromium.test.ts` calls it check by check.
 */
import * as gpujs from 'gpu.js';
import {
  createCpuKernels,
  createGpuAsyncKernels,
  createGpuKernels,
  createWasmKernels,
  withAsyncFallback,
  withFallback,
} from '../../src/kernels/index';
import type { AsyncKernels, GpuAsyncKernels, GpuKernels, GpuLibrary, Kernels } from '../../src/kernels/index';
import { createAsyncTagger, createTagger } from '../../src/labeling/index';
import type { Model } from '../../src/labeling/index';
import { contractChecks, operands } from '../kernels/contract';
import type { Check } from '../kernels/contract';
import { gateErrors } from '../kernels/gate-errors';
import { DEVICE_CASES, outsideOf, outsideOfAsync, watchedAsyncLayers, watchedLayers } from '../kernels/layers';
import { CORPORA, expectSameLosses, trainOn } from '../support/device-training';

type Mode = 'webgl2' | 'webgl' | 'webgpu';

const library = ((gpujs as { default?: unknown }).default ?? gpujs) as GpuLibrary;
const checks = new Map(contractChecks(['float32']).map((check): [string, Check] => [check.name, check]));
const opened = new Map<Mode, Promise<GpuKernels | GpuAsyncKernels>>();

const open = (mode: Mode): Promise<GpuKernels | GpuAsyncKernels> =>
  mode === 'webgpu' ? createGpuAsyncKernels({ library }) : createGpuKernels({ library, mode });

/** One device per mode for all tests; those that break theirs open another. */
function kernelsOf(mode: Mode): Promise<GpuKernels | GpuAsyncKernels> {
  const kernels = opened.get(mode) ?? open(mode);
  opened.set(mode, kernels);
  return kernels;
}

/** Trains with the products on the device, and throws unless the losses are those of the CPU. */
async function trainBehind(
  device: GpuKernels | GpuAsyncKernels,
  mode: Mode,
  onBatch?: (n: number) => void,
): Promise<{ model: Model; backend: string; warnings: string[] }> {
  const host = await createWasmKernels();
  const warnings: string[] = [];
  const onLost = ({ message }: Error): void => void warnings.push(message);
  if (mode === 'webgpu') {
    const later = withAsyncFallback(device as AsyncKernels, host, onLost);
    const { model, losses } = await trainOn(host, { device: later, onBatch });
    await expectSameLosses(losses);
    return { model, backend: later.backend, warnings };
  }
  const kernels = withFallback(device as Kernels, host, onLost);
  const { model, losses } = await trainOn(kernels, { onBatch });
  await expectSameLosses(losses);
  return { model, backend: kernels.backend, warnings };
}

/** Loses the device of a mode, as the system would. */
async function lose(mode: Mode): Promise<void> {
  if (mode === 'webgpu') {
    const { WebGPUContext } = library as unknown as { WebGPUContext: { destroy(): Promise<void> } };
    return WebGPUContext.destroy();
  }
  contexts.at(-1)?.getExtension('WEBGL_lose_context')?.loseContext();
}

/** What is used of a browser. The project compiles without its types, which would let `src` use them. */
interface Realm {
  readonly HTMLCanvasElement: { readonly prototype: Methods };
  readonly WebGLRenderingContext: { readonly prototype: Methods };
  readonly WebGL2RenderingContext: { readonly prototype: Methods };
  readonly GPUDevice?: { readonly prototype: Methods };
  readonly GPUBuffer?: { readonly prototype: Methods };
}
type Methods = Record<string, (...args: unknown[]) => unknown>;
interface Context {
  getExtension(name: 'WEBGL_lose_context'): { loseContext(): void } | null;
}

/** WebGL contexts in the order in which they were opened, and the textures and buffers that live. */
const contexts: Context[] = [];
const living = new Set<unknown>();

/** Lets `after` see every call of a method: its receiver, its arguments, its result. */
function tap(methods: Methods, name: string, after: (self: unknown, args: unknown[], result: unknown) => void): void {
  const original = methods[name];
  methods[name] = function (this: unknown, ...args) {
    const result = original.apply(this, args);
    after(this, args, result);
    return result;
  };
}

/** Watches contexts, textures and buffers of the page. */
function watch(): void {
  const realm = globalThis as unknown as Realm;
  tap(realm.HTMLCanvasElement.prototype, 'getContext', (_canvas, _args, context) => {
    if (context && !contexts.includes(context as Context)) contexts.push(context as Context);
  });
  for (const { prototype } of [realm.WebGLRenderingContext, realm.WebGL2RenderingContext]) {
    tap(prototype, 'createTexture', (_gl, _args, texture) => living.add(texture));
    tap(prototype, 'deleteTexture', (_gl, [texture]) => living.delete(texture));
  }
  if (!realm.GPUDevice || !realm.GPUBuffer) return;
  tap(realm.GPUDevice.prototype, 'createBuffer', (_device, _args, buffer) => living.add(buffer));
  tap(realm.GPUBuffer.prototype, 'destroy', (buffer) => living.delete(buffer));
}
watch();

/** What the page offers to the test that drives it. */
export const suite = {
  describe: async (mode: Mode) => {
    const { backend, dtypes, device } = await kernelsOf(mode);
    return { backend, dtypes: [...dtypes], device };
  },
  contract: async (mode: Mode, name: string) => checks.get(name)!.run(await kernelsOf(mode)),

  gates: (mode: Mode) => gateErrors(library, mode),

  /** Runs a case of the layers; the tensors outside of their balls, and what the device answered. */
  layer: async (mode: Mode, index: number) => {
    const device = await kernelsOf(mode);
    const lost: string[] = [];
    const onLost = ({ message }: Error): void => void lost.push(message);
    const host = createCpuKernels();
    const c = DEVICE_CASES[index];
    if (mode === 'webgpu') {
      const { device: later, answers } = watchedAsyncLayers(withAsyncFallback(device as AsyncKernels, host, onLost));
      return { outside: await outsideOfAsync(later, host, c), answers: [...new Set(answers)], lost };
    }
    const { kernels, answers } = watchedLayers(withFallback(device as Kernels, host, onLost));
    return { outside: outsideOf(kernels, c), answers: [...new Set(answers)], lost };
  },

  /** Trains, and tags a sentence with the model, on the device and on the CPU. */
  train: async (mode: Mode) => {
    const device = await kernelsOf(mode);
    const { model, backend, warnings } = await trainBehind(device, mode);
    const sentences = [['the', 'cats', 'near', 'the', 'dog', 'sat'], ...CORPORA.dev.map(({ tokens }) => tokens)];
    const onCpu = createTagger(model, createCpuKernels()).tag(sentences);
    const tagger =
      mode === 'webgpu' ? createAsyncTagger(model, device as AsyncKernels) : createTagger(model, device as Kernels);
    return { backend, warnings, onDevice: await tagger.tag(sentences), onCpu };
  },

  /** How many textures and buffers live: after some products, after many more, and after the end. */
  leak: async (mode: Mode, count: number) => {
    const before = living.size;
    const kernels = await open(mode);
    const shapes = [
      operands({ product: 'addMatmul', dtype: 'float32', size: [16, 12, 20] }),
      operands({ product: 'addMatmul', dtype: 'float32', size: [9, 33, 5] }),
    ];
    const run = async (products: number): Promise<number> => {
      for (let i = 0; i < products; i++) {
        const { out, a, b } = shapes[i % 2];
        await kernels.addMatmul(out, a, b);
        if (i % 64 === 0) out.data.fill(0);
      }
      return living.size - before;
    };
    const [some, many] = [await run(100), await run(count)];
    await kernels.dispose();
    return { some, many, end: living.size - before };
  },

  /** How many textures and buffers live: after some layers, after many more, and after the end. */
  leakLayers: async (mode: Mode, count: number) => {
    const before = living.size;
    const device = await open(mode);
    const c = DEVICE_CASES.find(({ cell, lengths }) => cell === 'lstm' && lengths.length === 3)!;
    const run = async (passes: number): Promise<number> => {
      for (let i = 0; i < passes; i++) {
        const host = createCpuKernels();
        const outside =
          mode === 'webgpu' ? await outsideOfAsync(device as AsyncKernels, host, c) : outsideOf(device as Kernels, c);
        if (outside.length > 0) throw new Error(outside.join());
      }
      return living.size - before;
    };
    const [some, many] = [await run(4), await run(count)];
    await device.dispose();
    return { some, many, end: living.size - before };
  },

  /** Loses the device after the third batch of a training. */
  lose: async (mode: Mode) => {
    const device = await open(mode);
    const { backend, warnings } = await trainBehind(device, mode, (n) => {
      if (n === 3) void lose(mode);
    });
    return { backend, warnings };
  },
};

(globalThis as unknown as { suite: typeof suite }).suite = suite;
