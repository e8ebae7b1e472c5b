/** Choosing a backend: by name, by preference, and never in silence. */
import { ArgumentError, UnsupportedError } from '../../src/tensor/errors';
import { candidates, createCpuKernels, selectBackend } from '../../src/kernels/index';
import type { Candidate } from '../../src/kernels/index';
import { zeros } from '../../src/tensor/index';
import { fakeGpu } from '../support/fake-gpu';

const broken: Candidate = { name: 'broken', open: async () => ({ declined: 'no device found' }) };
const singles: Candidate = {
  name: 'singles',
  open: async (dtype) =>
    dtype === 'float32'
      ? { kernels: { ...createCpuKernels(), backend: 'singles:here', dtypes: ['float32'] } }
      : { declined: 'computes in float32 only' },
};
const cpu: Candidate = { name: 'cpu', open: async () => ({ kernels: createCpuKernels() }) };

describe('selectBackend', () => {
  it('gives the cpu by name', async () => {
    const { kernels, reason, rejected } = await selectBackend({ backend: 'cpu', dtype: 'float64' });
    expect(kernels.backend).toBe('cpu');
    expect(reason).toBe('selected by name');
    expect(rejected).toEqual([]);
  });

  it('prefers in order, and says what it passed over and why', async () => {
    expect(await selectBackend({}, [broken, singles, cpu])).toMatchObject({
      kernels: { backend: 'singles:here' },
      reason: 'the first available (broken: no device found)',
      rejected: [{ backend: 'broken', reason: 'no device found' }],
    });
    const { kernels, rejected } = await selectBackend({ backend: 'auto', dtype: 'float64' }, [broken, singles, cpu]);
    expect(kernels.backend).toBe('cpu');
    expect(rejected).toEqual([
      { backend: 'broken', reason: 'no device found' },
      { backend: 'singles', reason: 'computes in float32 only' },
    ]);
    expect(await selectBackend({}, [cpu, broken])).toMatchObject({ reason: 'the preferred backend', rejected: [] });
  });

  it('takes by name alone what is for that alone, and auto says why', async () => {
    const varying: Candidate = { ...cpu, name: 'varying', onlyByName: 'its results vary' };
    expect(await selectBackend({}, [varying, cpu])).toMatchObject({
      rejected: [{ backend: 'varying', reason: 'its results vary' }],
    });
    expect((await selectBackend({ backend: 'varying' }, [varying, cpu])).reason).toBe('selected by name');
    await expect(selectBackend({}, [varying])).rejects.toThrow(/varying: its results vary/);
  });

  it('knows its own candidates: wasm serves where SIMD is there', async () => {
    expect(candidates.map((each) => each.name)).toEqual(['wasm', 'wasm-relaxed', 'gpu', 'cpu', 'reference']);
    for (const dtype of ['float32', 'float64'] as const) {
      const { kernels, reason, rejected } = await selectBackend({ dtype });
      expect(kernels.backend).toBe('wasm-simd');
      expect(reason).toBe('the preferred backend');
      expect(rejected).toEqual([]);
    }
    expect((await selectBackend({ backend: 'wasm' })).kernels.backend).toBe('wasm-simd');
  });

  it('takes the cpu where WebAssembly cannot be started, and says so once', async () => {
    const realm = globalThis as unknown as { WebAssembly?: unknown };
    const whole = realm.WebAssembly as object;
    const instantiate = () => Promise.reject(new Error('forbidden here'));
    realm.WebAssembly = Object.create(whole, { instantiate: { value: instantiate } });
    try {
      const { kernels, rejected } = await selectBackend();
      expect(kernels.backend).toBe('cpu');
      expect(rejected[0]).toEqual({
        backend: 'wasm',
        reason: 'WebAssembly cannot be started here: Error: forbidden here',
      });
    } finally {
      realm.WebAssembly = whole;
    }
  });

  it('takes the cpu where there is no WebAssembly, and says so', async () => {
    const realm = globalThis as unknown as { WebAssembly?: unknown };
    const whole = realm.WebAssembly;
    realm.WebAssembly = undefined;
    try {
      const { kernels, reason, rejected } = await selectBackend();
      expect(kernels.backend).toBe('cpu');
      expect(rejected.map((each) => each.backend)).toEqual(['wasm', 'wasm-relaxed', 'gpu']);
      expect(rejected[0].reason).toMatch(/no WebAssembly/);
      expect(rejected[1].reason).toMatch(/may differ between machines; select it by name/);
      expect(rejected[2].reason).toMatch(/select it by name/);
      expect(reason).toMatch(
        /wasm: this JavaScript engine has no WebAssembly; wasm-relaxed: .*; gpu: a device is faster only for large products/,
      );
      await expect(selectBackend({ backend: 'wasm' })).rejects.toThrow(
        /wasm is unavailable for float32: .*no WebAssembly/,
      );
    } finally {
      realm.WebAssembly = whole;
    }
  });

  it('does not fall back when a backend was asked for by name', async () => {
    await expect(selectBackend({ backend: 'gpu' })).rejects.toThrow(UnsupportedError);
    await expect(selectBackend({ backend: 'gpu' })).rejects.toThrow(
      /gpu is unavailable for float32: gpu\.js is not installed/,
    );
    await expect(selectBackend({ backend: 'singles', dtype: 'float64' }, [singles, cpu])).rejects.toThrow(
      /float32 only/,
    );
  });

  it('gives the gpu by name, the best backend of the CPU behind it, and declines float64', async () => {
    const device = fakeGpu();
    const lost: string[] = [];
    const options = {
      backend: 'gpu',
      gpu: { library: device.library },
      onLost: (error: Error) => void lost.push(error.message),
    };
    const { kernels, reason } = await selectBackend(options);
    expect([kernels.backend, reason]).toEqual(['gpu.js:headlessgl+wasm-simd', 'selected by name']);
    device.lost = true;
    kernels.addMatmul(zeros([2, 3]), zeros([2, 4]), zeros([4, 3]));
    expect([kernels.backend, lost]).toEqual(['wasm-simd', ['gpu.js:headlessgl: the context was lost']]);
    await expect(selectBackend({ ...options, dtype: 'float64' })).rejects.toThrow(/float64: computes in float32 only/);
  });

  it('refuses a name nobody has, and lists the known ones', async () => {
    await expect(selectBackend({ backend: 'cuda' })).rejects.toThrow(ArgumentError);
    await expect(selectBackend({ backend: 'cuda' })).rejects.toThrow(
      /auto, wasm, wasm-relaxed, gpu, cpu, reference; got cuda/,
    );
  });

  it('refuses an element type there is not', async () => {
    await expect(selectBackend({ dtype: 'int8' as 'float32' })).rejects.toThrow(ArgumentError);
  });

  it('says so when nobody can serve', async () => {
    await expect(selectBackend({}, [broken])).rejects.toThrow(UnsupportedError);
    await expect(selectBackend({}, [broken])).rejects.toThrow(/no device found/);
    await expect(selectBackend({}, [])).rejects.toThrow(/no candidates/);
  });

  it('lets a candidate that breaks break the selection: only a stated reason is passed over', async () => {
    const buggy: Candidate = {
      name: 'buggy',
      open: async () => {
        throw new TypeError('a bug');
      },
    };
    await expect(selectBackend({}, [buggy, cpu])).rejects.toThrow(TypeError);
  });
});
