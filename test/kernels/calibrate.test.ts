/** Where a device pays: by a clock of the test's own, so that nothing here depends on the machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calibrate, createCpuKernels, createGpuKernels, select } from '../../src/kernels/index';
import type { Calibration, Kernels } from '../../src/kernels/index';
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
  return calibrate(taking(gpu, device), taking(cpu, host), { sizes: SIZES, clock: () => now });
}

const cube = (n: number): number => 1e-6 * n ** 3;

describe('calibrate', () => {
  it('finds the size from which the device is faster at all larger ones, by a margin', async () => {
    const found = await measured(fakeGpu(), { device: (n) => 1e-4 + 0.1 * cube(n), host: cube });
    expect(found.crossover).toEqual({ addMatmul: 8, addMatmulTA: 8, addMatmulTB: 8 });
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
    expect(found.crossover).toEqual({ addMatmul: null, addMatmulTA: null, addMatmulTB: null });
    expect(describeCalibration(found)).toBe('llvmpipe is a software rasterizer: products stay on wasm-simd');
    const gpu = await createGpuKernels({ library: fakeGpu({ renderer: 'llvmpipe' }).library });
    expect(calibrate(gpu, createCpuKernels()).samples).toEqual([]);
  });

  it('measures nothing larger than what took half a second', async () => {
    const found = await measured(fakeGpu(), { device: (n) => n / 10, host: cube });
    expect(found.samples.map(({ size }) => size)).toEqual([2, 4, 8, 2, 4, 8, 2, 4, 8]);
  });
});

describe('select with a calibration', () => {
  const crossover = { addMatmul: 8, addMatmulTA: null, addMatmulTB: 4 };

  it('sends the device the products that pay, and no others', async () => {
    const fake = fakeGpu();
    const calibration = { ...(await measured(fake, { device: cube, host: cube })), crossover };
    const { kernels, reason } = await select({ calibration, gpu: { library: fake.library } });
    expect(kernels.backend).toBe('gpu.js:headlessgl+wasm-simd');
    expect(reason).toMatch(
      /^the preferred backend; Fake Graphics 1 is faster .*: addMatmul from 8, addMatmulTB from 4$/,
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

  it('says why none go there', async () => {
    const fake = fakeGpu({ renderer: 'llvmpipe' });
    const software = await measured(fake, { device: () => 0, host: cube });
    const plain = await select({ calibration: software, gpu: { library: fake.library } });
    expect(plain.kernels.backend).toBe('wasm-simd');
    expect(plain.rejected).toEqual([{ backend: 'gpu', reason: expect.stringMatching(/software rasterizer/) }]);
    const other = { ...software, host: 'cpu', crossover };
    expect((await select({ calibration: other })).rejected[0].reason).toMatch(/against cpu, and wasm-simd runs/);
    const gone = { ...software, crossover };
    const none = await select({ calibration: gone, gpu: { library: fakeGpu({ modes: [] }).library } });
    expect(none.rejected[0].reason).toMatch(/no headlessgl here/);
    expect((await select({ calibration: gone, dtype: 'float64' })).kernels.backend).toBe('wasm-simd');
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
