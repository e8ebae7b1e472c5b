/** The profile counts every call of a backend and changes none. */
import { profileTable, sharesOf } from '../../src/cli/train/profile-report';
import { createCpuKernels, createWasmKernels, profile } from '../../src/kernels/index';
import { train } from '../../src/labeling/training/train';
import { allocate } from '../../src/tensor/view';

const sentences = Array.from({ length: 9 }, (_, i) => {
  const tokens = Array.from({ length: 2 + (i % 4) }, (__, t) => `w${(i + t) % 7}`);
  return { tokens, labels: tokens.map((token) => (token > 'w3' ? 'A' : 'B')) };
});
const options = { epochs: 1, batch: 4, hidden: 5, embedding: 6, minCount: 1 };

test('a training under the clock gives the same weights, and has all its phases', async () => {
  const wasm = await createWasmKernels();
  const clocked = profile(wasm);
  const { model } = await train(clocked.kernels, { train: sentences }, options);
  const { model: plain } = await train(wasm, { train: sentences }, options);
  expect(Array.from(model.params.heads.labels.W.data)).toEqual(Array.from(plain.params.heads.labels.W.data));
  const phases = Object.fromEntries(clocked.phases().map(({ name, calls }) => [name, calls]));
  // Three batches; two directions; 2 projections, 2 dX, 2 dWx, 2 dWh and the three of the linear layer.
  expect(phases).toMatchObject({ products: 3 * 11, 'scan forward': 3 * 2, 'scan backward': 3 * 2, clip: 9 * 3 });
  expect(Object.keys(phases).sort()).toEqual([
    'clip',
    'dropout',
    'products',
    'rows',
    'scan backward',
    'scan forward',
    'softmax',
    'update',
  ]);
  wasm.dispose();
});

test('a backend without fused scans has products and rows; errors pass through and count', () => {
  const { kernels, phases } = profile(createCpuKernels());
  expect(kernels.fused).toBeUndefined();
  const x = allocate([2, 3], 'float32');
  expect(phases()).toEqual([]);
  expect(() => kernels.addMatmul(x, x, x)).toThrow();
  expect(phases()).toEqual([{ name: 'products', calls: 1, seconds: expect.any(Number) }]);
});

test('shares are of the whole; what no phase accounts for is other', () => {
  const phases = [
    { name: 'products', calls: 1200, seconds: 6 },
    { name: 'clip', calls: 3, seconds: 1 },
  ];
  expect(sharesOf(phases, 8).map(({ name, share }) => [name, share])).toEqual([
    ['products', 0.75],
    ['clip', 0.125],
    ['other', 0.125],
  ]);
  expect(sharesOf([], 0)).toEqual([{ name: 'other', calls: 0, seconds: 0, share: 0 }]);
  const lines = profileTable(phases, 8).split('\n');
  expect(lines[0]).toMatch(/of 8\.00 s$/);
  expect(lines[1]).toMatch(/^products +75\.0 % +6\.00 s +1,200 {2}matmuls/);
  expect(lines[3]).toMatch(/^other +12\.5 % +1\.00 s +all else/);
});
