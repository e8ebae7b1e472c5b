/**
 * The backend on a device, here without one: the contract, tiles, the cache of kernels, and every way a device can fail.
 * `test/gpu` runs the contract on real contexts.
 */
import { ArgumentError, DeviceError, UnsupportedError } from '../../src/tensor/errors';
import { createCpuKernels, createGpuAsyncKernels, createGpuKernels } from '../../src/kernels/index';
import type { GpuMode, GpuOptions } from '../../src/kernels/index';
import { withAsyncFallback, withFallback } from '../../src/kernels/fallback';
import { isSoftware } from '../../src/kernels/gpu/device/device';
import { padded } from '../../src/kernels/gpu/device/limits';
import { tilesOf } from '../../src/kernels/gpu/product/tiles';
import { fakeGpu } from '../support/fake-gpu';
import { kernelContract, operands } from './contract';
import { clone, deviations, exactProduct, gamma } from './oracle';
import type { ProductName } from './oracle';

const PRODUCTS: readonly ProductName[] = ['addMatmul', 'addMatmulTA', 'addMatmulTB'];

const open = (options: GpuOptions = {}) => createGpuKernels({ library: fakeGpu().library, mode: 'webgl2', ...options });

kernelContract('gpu.js, synchronous', ['float32'], () => open());
kernelContract('gpu.js, synchronous, behind a fallback', ['float32'], async () =>
  withFallback(await open(), createCpuKernels()),
);
kernelContract('gpu.js, asynchronous', ['float32'], () => createGpuAsyncKernels({ library: fakeGpu().library }));
kernelContract('gpu.js with textures of 8 by 8', ['float32'], () =>
  open({ library: fakeGpu({ maxTextureSize: 8 }).library }),
);

const product = (size: readonly [number, number, number], name: ProductName = 'addMatmul') =>
  operands({ product: name, dtype: 'float32', size });

describe('padded', () => {
  it('is exact up to 16 and adds at most an eighth above', () => {
    for (let n = 1; n <= 5000; n++) {
      const size = padded(n);
      expect(size).toBeGreaterThanOrEqual(n);
      if (n <= 16) expect(size).toBe(n);
      expect(size).toBeLessThanOrEqual(n + Math.max(0, n / 8));
      expect(padded(size)).toBe(size);
    }
    expect(new Set(Array.from({ length: 4096 }, (_, i) => padded(i + 1))).size).toBe(16 + 8 * 8);
  });
});

describe('tilesOf', () => {
  it('covers every term of every element once, within the limits', () => {
    const [M, K, N, side] = [21, 37, 9, 8];
    const seen = new Map<string, number>();
    for (const tile of tilesOf({ M, K, N }, side)) {
      expect(Math.max(padded(tile.M), padded(tile.K), padded(tile.N))).toBeLessThanOrEqual(side);
      for (let i = 0; i < tile.M; i++) {
        for (let j = 0; j < tile.N; j++) {
          for (let k = 0; k < tile.K; k++) {
            const key = `${tile.i + i} ${tile.j + j} ${tile.k + k}`;
            seen.set(key, (seen.get(key) ?? 0) + 1);
          }
        }
      }
    }
    expect(seen.size).toBe(M * K * N);
    expect(new Set(seen.values())).toEqual(new Set([1]));
  });

  it('keeps every operand within 2^24 elements', () => {
    const size = { M: 1 << 16, K: 1 << 16, N: 1 << 16 };
    for (const tile of tilesOf(size, 16384)) {
      expect(tile.M * tile.K).toBeLessThanOrEqual(2 ** 24);
      expect(tile.K * tile.N).toBeLessThanOrEqual(2 ** 24);
    }
    expect(tilesOf({ M: 100, K: 8192, N: 100 }, 16384)).toHaveLength(1);
  });
});

describe('the kernels of a device', () => {
  it('are compiled once per padded size', async () => {
    const device = fakeGpu();
    const kernels = await open({ library: device.library });
    const before = device.created;
    for (const M of [17, 18, 17, 18]) {
      const { out, a, b } = product([M, 33, 5]);
      kernels.addMatmul(out, a, b);
    }
    expect(device.created - before).toBe(1);
    expect(kernels.compiled).toBe(1);
  });

  it('leave no trace of a larger product in a smaller one of the same kernel', async () => {
    const kernels = await open();
    for (const size of [
      [36, 36, 36],
      [33, 34, 35],
    ] as const) {
      for (const name of PRODUCTS) {
        const { out, a, b } = product(size, name);
        const start = clone(out);
        kernels[name](out, a, b);
        const want = exactProduct(name, a, b);
        for (const { error, magnitude, start: from } of deviations(out, start, want)) {
          expect(error).toBeLessThanOrEqual(gamma(want.inner + 2, 'float32') * (Math.abs(from) + magnitude));
        }
      }
    }
    expect(kernels.compiled).toBe(3);
  });

  it.each([
    ['their number', { maximumKernels: 3 }],
    ['their bytes', { maximumBytes: 3 * (16 * 4 + 16 * 3) }],
  ])('are freed past %s, the least recently used first', async (_, bound) => {
    const device = fakeGpu();
    const kernels = await open({ library: device.library, ...bound });
    const [created, destroyed] = [device.created, device.destroyed];
    const run = (K: number) => {
      const { out, a, b } = product([2, K, 2]);
      kernels.addMatmul(out, a, b);
    };
    for (const K of [1, 2, 3, 1, 4]) run(K);
    expect(kernels.compiled).toBe(3);
    expect(device.destroyed - destroyed).toBe(1);
    run(1);
    expect(device.created - created).toBe(4); // 1 was used again, so 2 went
    run(2);
    expect(device.created - created).toBe(5);
  });

  it('are all freed by dispose, with the context, and refuse to work afterwards', async () => {
    const device = fakeGpu();
    const kernels = await open({ library: device.library });
    for (const K of [1, 2, 3]) {
      const { out, a, b } = product([2, K, 2]);
      kernels.addMatmul(out, a, b);
    }
    kernels.dispose();
    kernels.dispose();
    expect([device.destroyed, device.contextsClosed]).toEqual([device.created, 1]);
    const { out, a, b } = product([2, 2, 2]);
    expect(() => kernels.addMatmul(out, a, b)).toThrow(/disposed/);
  });

  it('refuse bounds that hold nothing', async () => {
    await expect(open({ maximumKernels: 0 })).rejects.toThrow(ArgumentError);
    await expect(open({ maximumBytes: NaN })).rejects.toThrow(ArgumentError);
  });

  it('stay within the textures of the device', async () => {
    const device = fakeGpu({ maxTextureSize: 8 });
    const kernels = await open({ library: device.library });
    const { out, a, b } = product([20, 30, 19]);
    kernels.addMatmul(out, a, b);
    expect(device.largest).toBeLessThanOrEqual(8);
  });
});

describe('opening a device', () => {
  it.each(['headlessgl', 'webgl2', 'webgl'] as const)('reports what runs: %s', async (mode) => {
    const kernels = await open({ mode });
    expect(kernels.backend).toBe(`gpu.js:${mode}`);
    expect(kernels.device).toEqual({ mode, renderer: 'Fake Graphics 1', software: false, maxTextureSize: 8192 });
  });

  it('takes headlessgl in Node, and webgl2 before webgl in a browser', async () => {
    expect((await open({ mode: undefined })).backend).toBe('gpu.js:headlessgl');
    const realm = globalThis as { window?: unknown };
    realm.window = {};
    try {
      expect((await open({ mode: undefined })).backend).toBe('gpu.js:webgl2');
      const old = fakeGpu({ modes: ['webgl'] }).library;
      expect((await open({ mode: undefined, library: old })).backend).toBe('gpu.js:webgl');
    } finally {
      delete realm.window;
    }
  });

  it('names a software rasterizer', async () => {
    for (const renderer of ['ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device))', 'llvmpipe (LLVM 15.0.6, 256 bits)']) {
      const { device } = await open({ library: fakeGpu({ renderer }).library });
      expect(device).toMatchObject({ renderer, software: true });
      const later = await createGpuAsyncKernels({ library: fakeGpu({ renderer }).library });
      expect(later.device).toMatchObject({ mode: 'webgpu', renderer, software: true });
    }
    expect((await open({ renderer: () => 'swrast' })).device).toMatchObject({ renderer: 'swrast', software: true });
    expect(isSoftware('NVIDIA H200')).toBe(false);
  });

  it.each<GpuMode>(['headlessgl', 'webgl2', 'webgl'])('says what %s needs where it is unavailable', async (mode) => {
    const none = fakeGpu({ modes: [] }).library;
    await expect(open({ library: none, mode })).rejects.toThrow(UnsupportedError);
    await expect(open({ library: none, mode })).rejects.toThrow(new RegExp(`cannot use ${mode}: it needs`));
  });

  it('does not take a kernel on the CPU for one on the device', async () => {
    const device = fakeGpu();
    device.replaced = true;
    await expect(open({ library: device.library })).rejects.toThrow(/webgl2 was requested, but gpu\.js runs CPUKernel/);
  });

  it('refuses an unknown mode, and webgpu where an answer must come at once', async () => {
    await expect(open({ mode: 'cuda' as GpuMode })).rejects.toThrow(/mode must be one of headlessgl, webgl2/);
    await expect(open({ mode: 'webgpu' })).rejects.toThrow(/createGpuAsyncKernels/);
  });

  it('says how to get gpu.js where it is not installed', async () => {
    await expect(createGpuKernels()).rejects.toThrow(UnsupportedError);
    await expect(createGpuKernels()).rejects.toThrow(/npm i gpu\.js/);
  });
});

const FAULTS: readonly (readonly [string, (device: ReturnType<typeof fakeGpu>) => void, RegExp])[] = [
  ['throws', (device) => (device.fault = new Error('Invalid GL context')), /failed: Invalid GL context/],
  ['is lost', (device) => (device.lost = true), /context was lost/],
  ['is out of memory', (device) => (device.glError = 0x0505), /out of memory/],
  ['cannot draw', (device) => (device.glError = 0x0506), /cannot render/],
  ['compiles no kernel', (device) => (device.replaced = true), /replaced the kernel with one for CPUKernel/],
];

describe.each(FAULTS)('a device that %s', (_, breakIt, message) => {
  it('is an error that leaves out as it was, parts of a product included', async () => {
    const device = fakeGpu({ maxTextureSize: 8 });
    const kernels = await open({ library: device.library });
    const { out, a, b } = product([20, 9, 5]);
    const before = clone(out);
    breakIt(device);
    expect(() => kernels.addMatmul(out, a, b)).toThrow(DeviceError);
    expect(out.data).toEqual(before.data);
    breakIt(device);
    expect(() => kernels.addMatmul(out, a, b)).toThrow(message);
  });

  it('is given up with one warning, and the host goes on from that product', async () => {
    const device = fakeGpu();
    const host = createCpuKernels();
    const warnings: string[] = [];
    const kernels = withFallback(await open({ library: device.library }), host, (error) =>
      warnings.push(error.message),
    );
    expect(kernels.backend).toBe('gpu.js:webgl2+cpu');
    breakIt(device);
    for (const name of PRODUCTS) {
      const { out, a, b } = product([5, 6, 7], name);
      const want = clone(out);
      host[name](want, a, b);
      kernels[name](out, a, b);
      expect(out.data).toEqual(want.data);
    }
    expect(warnings).toEqual([expect.stringMatching(message)]);
    expect(kernels.backend).toBe('cpu');
  });
});

describe('an asynchronous device', () => {
  it('is given up with one warning too', async () => {
    const device = fakeGpu();
    const host = createCpuKernels();
    const warnings: string[] = [];
    const later = await createGpuAsyncKernels({ library: device.library });
    const kernels = withAsyncFallback(later, host, (error) => warnings.push(error.message));
    device.fault = new Error('device lost');
    const { out, a, b } = product([5, 6, 7]);
    const [want, again] = [clone(out), clone(out)];
    host.addMatmul(want, a, b);
    await Promise.all([kernels.addMatmul(out, a, b), kernels.addMatmul(again, a, b)]);
    expect([out.data, again.data]).toEqual([want.data, want.data]);
    expect(warnings).toEqual(['gpu.js:webgpu failed: device lost']);
    expect(kernels.backend).toBe('cpu');
  });

  it('goes on after a product that failed, where nobody gives it up', async () => {
    const device = fakeGpu();
    const kernels = await createGpuAsyncKernels({ library: device.library });
    const { out, a, b } = product([5, 6, 7]);
    device.fault = new Error('busy');
    await expect(kernels.addMatmul(out, a, b)).rejects.toThrow(DeviceError);
    device.fault = null;
    await kernels.addMatmul(out, a, b);
  });
});

describe('a fallback', () => {
  it('warns on the console by default', async () => {
    const device = fakeGpu();
    const kernels = withFallback(await open({ library: device.library }), createCpuKernels());
    const spy = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    device.lost = true;
    const { out, a, b } = product([2, 2, 2]);
    kernels.addMatmul(out, a, b);
    kernels.addMatmul(out, a, b);
    expect(spy.mock.calls).toEqual([[expect.stringMatching(/^GPU disabled, continuing on the CPU/)]]);
    spy.mockRestore();
  });

  it('passes on errors that are not the fault of the device', async () => {
    const kernels = withFallback(await open(), createCpuKernels(), () => {
      throw new Error('told of a loss');
    });
    const { out, a, b } = product([2, 3, 2]);
    expect(() => kernels.addMatmul(out, b, a)).toThrow(/expected out \[M, N\]/);
    expect(kernels.backend).toBe('gpu.js:webgl2+cpu');
  });

  it('disposes of both', async () => {
    const device = fakeGpu();
    const host = { ...createCpuKernels(), dispose: jest.fn() };
    withFallback(await open({ library: device.library }), host).dispose();
    expect(host.dispose).toHaveBeenCalledTimes(1);
    expect(device.contextsClosed).toBe(1);
  });
});
