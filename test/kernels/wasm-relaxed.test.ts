/** The WebAssembly backend with relaxed SIMD: the contract, rows that do not depend on their batch, and its refusal. */
import { setFlagsFromString } from 'node:v8';
import { UnsupportedError } from '../../src/tensor/errors';
import type { Tensor } from '../../src/tensor/types';
import { candidates, createWasmKernels, selectBackend } from '../../src/kernels/index';
import { relaxedMissing } from '../support/relaxed';
import { kernelContract, operands } from './contract';
import { at, clone } from './oracle';

const missing = relaxedMissing();
const create = () => createWasmKernels({ relaxedSimd: true });

kernelContract('wasm-relaxed-simd', ['float32', 'float64'], create, { skip: missing });

const rowsOf = (x: Tensor, first: number, count: number): Tensor => ({
  ...x,
  shape: [count, x.shape[1]],
  offset: x.offset + first * x.stride[0],
});

/** Elements whose bits differ. */
function differences(got: Tensor, want: Tensor): number {
  let count = 0;
  for (let i = 0; i < want.shape[0]; i++) {
    for (let j = 0; j < want.shape[1]; j++) if (!Object.is(at(got, i, j), at(want, i, j))) count++;
  }
  return count;
}

(missing === undefined ? describe : describe.skip)(`wasm-relaxed-simd${missing ? `: skipped, ${missing}` : ''}`, () => {
  it('says what it is', async () => {
    expect((await create()).backend).toBe('wasm-relaxed-simd');
    expect((await selectBackend({ backend: 'wasm-relaxed' })).kernels.backend).toBe('wasm-relaxed-simd');
  });

  it('is never chosen by auto, even where it is the only one', async () => {
    expect((await selectBackend()).kernels.backend).toBe('wasm-simd');
    const alone = candidates.filter(({ name }) => name === 'wasm-relaxed');
    expect(alone).toHaveLength(1);
    await expect(selectBackend({}, alone)).rejects.toThrow(/may differ between machines/);
  });

  it('gives a row the same bits in any batch, and the same bits twice', async () => {
    const kernels = await create();
    for (const product of ['addMatmul', 'addMatmulTB'] as const) {
      const { out, a, b } = operands({ product, dtype: 'float32', size: [71, 600, 54] });
      const start = clone(out);
      const again = clone(out);
      kernels[product](out, a, b);
      kernels[product](again, a, b);
      expect(differences(again, out)).toBe(0);
      for (const [first, count] of [
        [0, 1],
        [5, 2],
        [17, 3],
        [9, 4],
        [11, 60],
      ]) {
        const part = rowsOf(clone(start), first, count);
        kernels[product](part, rowsOf(a, first, count), b);
        expect(differences(part, rowsOf(out, first, count))).toBe(0);
      }
      kernels[product](again, a, b);
      expect(differences(again, out)).toBeGreaterThan(0);
    }
  });
});

describe('without relaxed SIMD', () => {
  const realm = globalThis as unknown as { WebAssembly?: unknown };
  const whole = realm.WebAssembly as object;
  afterEach(() => {
    realm.WebAssembly = whole;
  });

  it.each([
    [
      'no relaxed SIMD',
      { validate: () => false },
      /no WebAssembly relaxed SIMD.*Node 22.*Node 20 with --exp.*Choose the wasm/,
    ],
    ['no WebAssembly', undefined, /has no WebAssembly\. Choose/],
  ])('the library says what to do: %s', async (_, engine, message) => {
    realm.WebAssembly = engine;
    const failure = await create().catch((error: unknown) => error);
    const refusal = await selectBackend({ backend: 'wasm-relaxed' }).catch((error: unknown) => error);
    realm.WebAssembly = whole;
    expect(failure).toBeInstanceOf(UnsupportedError);
    expect((failure as Error).message).toMatch(message);
    expect(refusal).toBeInstanceOf(UnsupportedError);
    expect((refusal as Error).message).toMatch(/wasm-relaxed is unavailable for float32: .*no WebAssembly/);
  });
});

// Other tests of this process ask what a plain Node has.
afterAll(() => {
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--no-experimental-wasm-relaxed-simd');
});
