/**
 * The backend on headless-gl, in Node under an X display: the contract, the balls of float32, a training, 10,000 products,
 * and a context that is destroyed on the way.
 */
import { createCpuKernels, createGpuKernels, createWasmKernels, withFallback } from '../../src/kernels/index';
import type { GpuKernels } from '../../src/kernels/index';
import { loadedRenderer } from '../../src/kernels/gpu/device/machine.node';
import { createTagger } from '../../src/labeling/index';
import { kernelContract, operands } from '../kernels/contract';
import { clone } from '../kernels/oracle';
import { audit } from '../support/ball-audit';
import { ballSolution } from '../support/ball-cells';
import { caseName, cases } from '../support/cases';
import { CORPORA, expectSameLosses, trainOn } from '../support/device-training';
import { float32Engine, roundedProblem } from '../support/float32-engine';
import type { Context } from './contexts';
import { contextsOf, texturesOf } from './contexts';

kernelContract('gpu.js:headlessgl', ['float32'], () => createGpuKernels());

describe('gpu.js:headlessgl', () => {
  let kernels: GpuKernels;
  let context: Context;
  beforeAll(async () => {
    const opened = await contextsOf(() => createGpuKernels({ renderer: loadedRenderer }));
    kernels = opened.result;
    [context] = opened.contexts;
  });
  afterAll(() => kernels.dispose());

  it('names its renderer, and knows a software rasterizer', () => {
    expect(kernels.device).toMatchObject({ mode: 'headlessgl', renderer: expect.stringMatching(/\S/) });
  });

  it.each(cases.filter((_, i) => i % 6 === 0).map((c) => [caseName(c), c] as const))(
    'keeps every result in its ball: %s',
    (_, c) => {
      const problem = roundedProblem(c);
      expect(audit(float32Engine(problem, { kernels }), ballSolution(problem)).outside).toEqual([]);
    },
  );

  it('trains to the losses of the CPU, batch by batch, and tags', async () => {
    const host = await createWasmKernels();
    const { model, losses } = await trainOn({ ...withFallback(kernels, host), dispose: () => undefined });
    await expectSameLosses(losses);
    const sentences = CORPORA.dev.map((sentence) => sentence.tokens);
    const labels = createTagger(model, kernels).tag(sentences);
    expect(labels).toEqual(createTagger(model, createCpuKernels()).tag(sentences));
  });

  it('keeps memory and the number of textures flat over 10,000 products', () => {
    const textures = texturesOf(context);
    const shapes = [operands({ product: 'addMatmul', dtype: 'float32', size: [16, 12, 20] })];
    shapes.push(operands({ product: 'addMatmul', dtype: 'float32', size: [9, 33, 5] }));
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const { out, a, b } = shapes[i % shapes.length];
        kernels.addMatmul(out, a, b);
        if (i % 64 === 0) out.data.fill(0);
      }
    };
    run(500);
    const [before, resident] = [textures.size, process.memoryUsage().rss];
    run(10_000);
    expect(textures.size).toBe(before);
    // The heap of the tests themselves moves by some megabytes; a leak of one 1 kB texture per product would be 10 MB more.
    expect(process.memoryUsage().rss - resident).toBeLessThan(48 * 2 ** 20);
  });

  it('frees the textures of kernels that give way to others', async () => {
    const opened = await contextsOf(() => createGpuKernels({ maximumKernels: 4 }));
    const [narrow] = opened.contexts;
    const living = texturesOf(narrow);
    for (let K = 1; K <= 12; K++) {
      const { out, a, b } = operands({ product: 'addMatmul', dtype: 'float32', size: [3, K, 5] });
      opened.result.addMatmul(out, a, b);
    }
    expect(opened.result.compiled).toBe(4);
    expect(living.size).toBe(4 * 3);
    opened.result.dispose();
    expect(living.size).toBe(0);
  });

  it('goes on without a context that is destroyed, to the losses of the CPU, with one warning', async () => {
    const opened = await contextsOf(() => createGpuKernels());
    const warnings: string[] = [];
    const lossy = withFallback(opened.result, createCpuKernels(), ({ message }) => warnings.push(message));
    const { losses } = await trainOn(lossy, {
      onBatch: (n) => {
        if (n === 3) opened.contexts[0].getExtension('STACKGL_destroy_context').destroy();
      },
    });
    expect(warnings).toEqual([expect.stringMatching(/^gpu\.js:headlessgl failed: Invalid GL context/)]);
    expect(lossy.backend).toBe('cpu');
    await expectSameLosses(losses);
    const { out, a, b } = operands({ product: 'addMatmul', dtype: 'float32', size: [3, 4, 5] });
    const before = clone(out);
    expect(() => opened.result.addMatmul(out, a, b)).toThrow(/Invalid GL context/);
    expect(out.data).toEqual(before.data);
  });
});
