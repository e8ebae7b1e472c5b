/** Weights too large to compute with: an error of the model, and where the backends part. */
import { flatten } from '../../../src/autograd/index';
import { createCpuKernels, createWasmKernels } from '../../../src/kernels/index';
import { generateCorpus } from '../../../src/labeling/data/corpus';
import { loadModel, saveModel } from '../../../src/labeling/model/file';
import { predict } from '../../../src/labeling/model/predict';
import { train } from '../../../src/labeling/training/train';
import { NonFiniteError } from '../../../src/tensor/errors';
import { fromArray, zeros } from '../../../src/tensor/index';

test('weights near the end of float32 load, and a logit that is not finite names the model and the parameter', async () => {
  const cpu = createCpuKernels();
  const corpora = { train: generateCorpus({ sentences: 20, seed: 1 }) };
  const { model } = await train(cpu, corpora, { cell: 'rnn', embedding: 4, hidden: 3, epochs: 1 });
  for (const [name, { data }] of Object.entries(flatten(model.params))) data.fill(name.endsWith('.W') ? 3e38 : 2e38);
  const loaded = loadModel(saveModel(model));
  for (const kernels of [cpu, await createWasmKernels()]) {
    for (const probabilities of [false, true]) {
      const run = () => predict(kernels, loaded, [['the', 'cats', 'sat']], { probabilities });
      expect(run).toThrow(NonFiniteError);
      expect(run).toThrow(
        /^model: a logit became (NaN|-?Infinity); .* largest weight is -?3.*e\+?38, in \S+\.W: .*train again$/,
      );
    }
  }
});

test('products agree while every partial sum is a float32; above, wasm overflows where cpu still holds the sum', async () => {
  const wasm = await createWasmKernels();
  const product = (kernels: ReturnType<typeof createCpuKernels>, x: number): number => {
    const out = zeros([1, 1], 'float32');
    const a = fromArray([[x, x, 1]], undefined, 'float32');
    kernels.addMatmul(out, a, fromArray([[x], [-x], [2]], undefined, 'float32'));
    return out.data[0];
  };
  for (const x of [1, 1e3]) expect([product(createCpuKernels(), x), product(wasm, x)]).toEqual([2, 2]);
  const large = [product(createCpuKernels(), 2e19), product(wasm, 2e19)]; // x² = 4e38 is more than 3.4e38, the largest float32
  expect(large[0]).toBe(2); // one float64 holds the sum
  expect(large[1]).toBeNaN(); // Infinity − Infinity
});
