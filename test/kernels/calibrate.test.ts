/** Where a device pays: by a clock of the test's own, so that nothing here depends on the machine. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calibrate, createCpuKernels, createGpuKernels, selectBackend } from '../../src/kernels/index';
import type { Calibration, Kernels, LayerKernel } from '../../src/kernels/index';
import { describeCalibration } from '../../src/kernels/gpu/calibrate';
import { calibrationPath, keepCalibration, readCalibration } from '../../src/kernels/gpu/calibration.node';
import { allocate } from '../../src/tensor/view';
import type { FakeDevice } from '../support/fake-gpu';
import { fakeGpu } from '../support/fake-gpu';

const SIZES = [2, 4, 8, 16];

/** A calibration whose times follow from the size: `device` and `host` give the seconds of a product. */
async function measured(
  fake: FakeDevice,
  { device, host }: { device: (size: number) => number; host: (size: number) => number },
): Promise<Calibration> {
  let now = 0;
  const taking = <K extends Kernels>(kernels: K, seconds: (size: number) => number): K => {
    const wrap = (act: Kernels['addMatmul']): Kernels['addMatmul'] => {
      return (out, a, b) => {
        act(out, a, b);
        now += seconds(out.shape[0]);
      };
    };
    const { addMatmul, addMatmulTA, addMatmulTB } = kernels;
    return { ...kernels, addMatmul: wrap(addMatmul), addMatmulTA: wrap(addMatmulTA), addMatmulTB: wrap(addMatmulTB) };
  };
  const gpu = await createGpuKernels({ library: fake.library });
  const cpu = { ...createCpuKernels(), backend: 'wasm-simd' };
  return calibrate(taking(gpu, device), taking(cpu, host), { sizes: SIZES, layers: [], clock: () => now });
}

const cube = (n: number): number => 1e-6 * n ** 3;

describe('calibrate', () => {
  it('finds the size from which the device is faster at all larger ones, by a margin', async () => {
    const found = await measured(fakeGpu(), { device: (n) => 1e-4 + 0.1 * cube(n), host: cube });
    expect(found.crossover).toEqual({ addMatmul: 8, addMatmulTA: 8, addMatmulTB: 8, layer: null });
    expect(found.samples).toHaveLength(12);
    expect(found.samples[2]).toMatchObject({ product: 'addMatmul', size: 8 });
    expect(found.samples[2].device).toBeCloseTo(1e-4 + 0.1 * cube(8), 12);
  });

  it('finds none where the device is not faster by the margin, or not at the largest size', async () => {
    const close = await measured(fakeGpu(), { device: (n) => 0.9 * cube(n), host: cube });
    expect(close.crossover.addMatmul).toBeNull();
    const middle = await measured(fakeGpu(), { device: (n) => (n === 8 ? 0 : 2 * cube(n)), host: cube });
    expect(middle.crossover.addMatmul).toBeNull();
    expect(describeCalibration(middle)).toMatch(/slower than wasm-simd at every size/);
  });

  it('gives a software rasterizer nothing, however fast it was', async () => {
    const found = await measured(fakeGpu({ renderer: 'llvmpipe' }), { device: () => 0, host: cube });
    expect(found.crossover).toEqual({ addMatmul: null, addMatmulTA: null, addMatmulTB: null, layer: null });
    expect(describeCalibration(found)).toBe('llvmpipe is a software rasterizer: products and layers stay on wasm-simd');
    const gpu = await createGpuKernels({ library: fakeGpu({ renderer: 'llvmpipe' }).library });
    expect(calibrate(gpu, createCpuKernels()).samples).toEqual([]);
  });

  it('measures nothing larger than what took half a second', async () => {
    const found = await measured(fakeGpu(), { device: (n) => n / 10, host: cube });
    expect(found.samples.map(({ size }) => size)).toEqual([2, 4, 8, 2, 4, 8, 2, 4, 8]);
  });
});

describe('calibrate, of layers', () => {
  /** Times that follow from the size: the device takes `device(B, H)`, the host one second for 2²⁰ units of B·H². */
  async function measuredLayers(fake: FakeDevice, device: (B: number, H: number) => number): Promise<Calibration> {
    let now = 0;
    const gpu = await createGpuKernels({ library: fake.library });
    const lstm = gpu.fused!.lstm;
    const forward: LayerKernel['forward'] = (tensors) => {
      const [B, H] = tensors.initial.h.shape;
      now += device(B, H);
      return lstm.layer!.forward(tensors);
    };
    const timed = { ...gpu, fused: { lstm: { ...lstm, layer: { ...lstm.layer!, forward } } } };
    const cpu = createCpuKernels();
    const host: Kernels = {
      ...cpu,
      addMatmulTA(out, a, b) {
        now += (b.shape[0] * out.shape[0] ** 2) / 2 ** 20 / 20; // ten steps, two such products
        cpu.addMatmulTA(out, a, b);
      },
    };
    const layers = [[1, 4], [2, 8], [4, 16]] as const; // prettier-ignore
    return calibrate(timed, host, { sizes: [], layers, clock: () => now });
  }

  it('finds the B·H from which the device is faster, and the least H', async () => {
    const found = await measuredLayers(fakeGpu(), (B, H) => 5e-5 + (0.1 * B * H ** 2) / 2 ** 20);
    expect(found.layers.map(({ B, H }) => [B, H])).toEqual([[1, 4], [2, 8], [4, 16]]); // prettier-ignore
    expect(found.layers[1].host).toBeCloseTo((2 * 64) / 2 ** 20, 12);
    expect(found.layers[1].device).toBeCloseTo(5e-5 + (0.1 * 2 * 64) / 2 ** 20, 12);
    expect(found.crossover.layer).toEqual({ BH: 16, H: 8 });
    expect(describeCalibration(found)).toMatch(/faster than cpu .*: layers from B·H = 16 and H = 8$/);
  });

  it('finds none on a software rasterizer, nor where the device is slower', async () => {
    expect((await measuredLayers(fakeGpu({ renderer: 'llvmpipe' }), () => 0)).crossover.layer).toBeNull();
    expect((await measuredLayers(fakeGpu(), () => 1)).crossover.layer).toBeNull();
  });

  it('measures nothing larger than what took half a second, or does not fit', async () => {
    expect((await measuredLayers(fakeGpu(), () => 0.6)).layers).toHaveLength(1);
    expect((await measuredLayers(fakeGpu({ maxTextureSize: 40 }), () => 0)).layers).toHaveLength(2);
  });
});

describe('selectBackend with a calibration', () => {
  const crossover = { addMatmul: 8, addMatmulTA: null, addMatmulTB: 4, layer: { BH: 12, H: 3 } };

  it('sends the device the products that pay, and no others', async () => {
    const fake = fakeGpu();
    const calibration = { ...(await measured(fake, { device: cube, host: cube })), crossover };
    const { kernels, reason } = await selectBackend({ calibration, gpu: { library: fake.library } });
    expect(kernels.backend).toBe('gpu.js:headlessgl+wasm-simd');
    expect(reason).toMatch(
      /^the preferred backend; Fake Graphics 1 is faster .*: addMatmul from 8, addMatmulTB from 4, layers from B·H = 12 and H = 3$/,
    );
    const calls = (product: 'addMatmul' | 'addMatmulTA' | 'addMatmulTB', M: number, K: number, N: number): number => {
      const before = fake.calls;
      const [a, b] = product === 'addMatmulTA' ? [[K, M], [K, N]] : product === 'addMatmulTB' ? [[M, K], [N, K]] : [[M, K], [K, N]]; // prettier-ignore
      kernels[product](allocate([M, N], 'float32'), allocate(a, 'float32'), allocate(b, 'float32'));
      return fake.calls - before;
    };
    expect(calls('addMatmul', 8, 9, 10)).toBe(1);
    expect([calls('addMatmul', 7, 9, 10), calls('addMatmul', 9, 7, 10), calls('addMatmul', 9, 10, 7)]).toEqual([
      0, 0, 0,
    ]);
    expect([calls('addMatmulTA', 20, 30, 40), calls('addMatmulTB', 4, 5, 6), calls('addMatmulTB', 4, 3, 6)]).toEqual([0, 1, 0]); // prettier-ignore
  });

  it('sends the device the layers that pay, and no others', async () => {
    const fake = fakeGpu();
    const calibration = { ...(await measured(fake, { device: cube, host: cube })), crossover };
    const { kernels } = await selectBackend({ calibration, gpu: { library: fake.library } });
    const { suits } = kernels.fused!.gru.layer!;
    const size = { steps: 5, B: 4, N: 20, D: 2, H: 3 };
    expect(suits(size)).toBe(true);
    // Fewer rows a step on the average, and as much B·H with fewer units.
    expect([suits({ ...size, N: 19 }), suits({ ...size, B: 8, N: 40, H: 2 })]).toEqual([false, false]);
  });

  it('says why none go there', async () => {
    const fake = fakeGpu({ renderer: 'llvmpipe' });
    const software = await measured(fake, { device: () => 0, host: cube });
    const plain = await selectBackend({ calibration: software, gpu: { library: fake.library } });
    expect(plain.kernels.backend).toBe('wasm-simd');
    expect(plain.rejected).toEqual([{ backend: 'gpu', reason: expect.stringMatching(/software rasterizer/) }]);
    const other = { ...software, host: 'cpu', crossover };
    expect((await selectBackend({ calibration: other })).rejected[0].reason).toMatch(/against cpu, and wasm-simd runs/);
    const gone = { ...software, crossover };
    const none = await selectBackend({ calibration: gone, gpu: { library: fakeGpu({ modes: [] }).library } });
    expect(none.rejected[0].reason).toMatch(/cannot use headlessgl/);
    expect((await selectBackend({ calibration: gone, dtype: 'float64' })).kernels.backend).toBe('wasm-simd');
  });
});

describe('the calibration of a machine', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-cache-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is kept in the cache folder, for this machine and display', async () => {
    const env = { XDG_CACHE_HOME: folder, DISPLAY: ':7' };
    expect(calibrationPath(env)).toBe(join(folder, 'bptt/gpu.json'));
    expect(calibrationPath({})).toMatch(/\.cache.bptt.gpu\.json$/);
    expect(readCalibration(env)).toBeUndefined();
    const calibration = await measured(fakeGpu(), { device: cube, host: cube });
    keepCalibration(calibration, env);
    expect(readCalibration(env)).toEqual(calibration);
    expect(readCalibration({ ...env, DISPLAY: ':8' })).toBeUndefined();
    const kept = JSON.parse(readFileSync(calibrationPath(env), 'utf8')) as object;
    writeFileSync(calibrationPath(env), JSON.stringify({ ...kept, form: undefined })); // of an older version
    expect(readCalibration(env)).toBeUndefined();
    writeFileSync(calibrationPath(env), 'spoiled');
    expect(readCalibration(env)).toBeUndefined();
  });

  it('is measured anew where it cannot be kept', async () => {
    const env = { XDG_CACHE_HOME: join(folder, 'file') };
    writeFileSync(env.XDG_CACHE_HOME, '');
    keepCalibration(await measured(fakeGpu(), { device: cube, host: cube }), env);
    expect(readCalibration(env)).toBeUndefined();
  });
});
