/** A CRF, sums of embeddings and characters against PyTorch in float64; the comparison itself finds what is wrong. */
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index.js';
import { viewOf } from '../../src/tensor/view.js';
import { comparedWithGolden, errorsOf } from '../support/golden-labeling.js';

const cpu = createCpuKernels();

describe.each(comparedWithGolden(cpu))('$name', (each) => {
  test.each(Object.entries(errorsOf(each)))('%s is that of PyTorch', (_, error) => {
    expect(error).toBeLessThan(1e-12);
  });
  test('every gradient is compared', () => {
    expect(Object.keys(each.expected).sort()).toEqual(Object.keys(each.found).sort());
  });
});

test('on WebAssembly too', async () => {
  for (const each of comparedWithGolden(await createWasmKernels())) {
    for (const error of Object.values(errorsOf(each))) expect(error).toBeLessThan(1e-12);
  }
});

test('a number that is off is found', () => {
  for (const each of comparedWithGolden(cpu)) {
    for (const [name, x] of Object.entries(each.found)) {
      const off = Float64Array.from(x.data);
      off[off.length - 1] += 1e-6;
      const found = { ...each.found, [name]: viewOf(off, x.shape) };
      expect(errorsOf({ ...each, found })[name]).toBeGreaterThan(1e-9);
    }
  }
});
