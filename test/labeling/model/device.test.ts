/** Training and tagging with a device: an asynchronous one, and one that fails on the way. */
import {
  createCpuKernels,
  createGpuAsyncKernels,
  createGpuKernels,
  createWasmKernels,
  withAsyncFallback,
  withFallback,
} from '../../../src/kernels/index';
import type { AsyncKernels, Kernels } from '../../../src/kernels/index';
import { createAsyncTagger, createTagger, saveModel } from '../../../src/labeling/index';
import { CORPORA, OPTIONS, expectSameLosses, trainOn } from '../../support/device-training';
import type { FakeDevice } from '../../support/fake-gpu';
import { fakeGpu } from '../../support/fake-gpu';

const cpu = createCpuKernels();

/** The products of the CPU, answered one turn later. */
const later = (kernels: Kernels): AsyncKernels => ({
  backend: 'later',
  dtypes: kernels.dtypes,
  addMatmul: async (out, a, b) => (await undefined, kernels.addMatmul(out, a, b)),
  addMatmulTA: async (out, a, b) => (await undefined, kernels.addMatmulTA(out, a, b)),
  addMatmulTB: async (out, a, b) => (await undefined, kernels.addMatmulTB(out, a, b)),
  dispose: async () => undefined,
});

describe('on an asynchronous device', () => {
  it.each(['lstm', 'gru', 'rnn'])('a training with %s gives the bytes of one that answers at once', async (cell) => {
    for (const more of [{ wordDropout: 0.2 }, { bidirectional: false, truncate: { every: 2, back: 3 } }]) {
      const options = { ...OPTIONS, ...more, cell };
      const atOnce = await trainOn(cpu, { options });
      const { model, losses } = await trainOn(cpu, { options, device: later(cpu) });
      expect(losses).toEqual(atOnce.losses);
      expect(saveModel(model)).toEqual(saveModel(atOnce.model));
    }
  });

  it('a training has the losses of the CPU where the host computes in memory of its own', async () => {
    const host = await createWasmKernels();
    const { losses } = await trainOn(host, { device: later(cpu) });
    await expectSameLosses(losses);
  });

  it('a tagger gives the labels and probabilities of one that answers at once', async () => {
    const { model } = await trainOn(cpu);
    const sentences = [...CORPORA.dev.map((sentence) => sentence.tokens), []];
    const want = createTagger(model, cpu).tag(sentences, { probabilities: true });
    const tagger = createAsyncTagger(saveModel(model), later(cpu));
    expect(tagger.backend).toBe('later');
    expect(await tagger.tag(sentences, { probabilities: true })).toEqual(want);
    expect(await tagger.tag(sentences)).toEqual(createTagger(model, cpu).tag(sentences));
  });
});

describe('a training on a device', () => {
  it('has the losses of the CPU, batch by batch', async () => {
    const { losses } = await trainOn(await createGpuKernels({ library: fakeGpu().library }));
    await expectSameLosses(losses);
  });

  it('has them too where the time loops run in memory of the host, and after the device is lost', async () => {
    for (const after of [Infinity, 3]) {
      const device = fakeGpu();
      const gpu = await createGpuKernels({ library: device.library });
      const kernels = withFallback(gpu, await createWasmKernels(), () => undefined);
      const { losses } = await trainOn(kernels, { onBatch: (n) => void (device.lost ||= n >= after) });
      await expectSameLosses(losses);
      expect(kernels.backend).toBe(after === 3 ? 'wasm-simd' : 'gpu.js:headlessgl+wasm-simd');
    }
  });

  const breaking: readonly (readonly [string, (device: FakeDevice) => void])[] = [
    ['loses its context', (device) => (device.lost = true)],
    ['runs out of memory', (device) => (device.glError = 0x0505)],
    ['compiles no more kernels', (device) => (device.replaced = true)],
  ];

  it.each(breaking)('that %s goes on to the losses of the CPU, with one warning', async (_, breakIt) => {
    const device = fakeGpu();
    const warnings: string[] = [];
    const gpu = await createGpuKernels({ library: device.library, maximumKernels: 4 });
    const kernels = withFallback(gpu, createCpuKernels(), ({ message }) => warnings.push(message));
    const onBatch = (n: number): void => {
      if (n === 3) breakIt(device);
    };
    const { losses } = await trainOn(kernels, { onBatch });
    expect(warnings).toHaveLength(1);
    expect(kernels.backend).toBe('cpu');
    await expectSameLosses(losses);
  });

  it('that answers later and is lost goes on too', async () => {
    const fake = fakeGpu();
    const warnings: string[] = [];
    const gpu = await createGpuAsyncKernels({ library: fake.library });
    const device = withAsyncFallback(gpu, cpu, ({ message }) => warnings.push(message));
    const onBatch = (n: number): void => {
      if (n === 3) fake.fault = new Error('WebGPU device was lost');
    };
    const { losses } = await trainOn(cpu, { device, onBatch });
    expect(warnings).toEqual(['gpu.js:webgpu failed: WebGPU device was lost']);
    expect(device.backend).toBe('cpu');
    await expectSameLosses(losses);
  });
});

describe('the comparison of losses', () => {
  it('rejects results that are off by one part in 2^9', async () => {
    const cut: Kernels = {
      ...cpu,
      addMatmul: (out, a, b) => {
        cpu.addMatmul(out, a, b);
        out.data.forEach((x, i) => (out.data[i] = Math.fround(x * (1 + 2 ** -9))));
      },
    };
    await expect(expectSameLosses((await trainOn(cut)).losses)).rejects.toThrow(/batch \d+: .* allowed/);
  });
});
