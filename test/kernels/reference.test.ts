/** The backend to read: the bits of `cpu`, no loop of its own, no memory of its own; and what a product alone is completed to. */
import { completeKernels, createCpuKernels, createReferenceKernels, selectBackend } from '../../src/kernels/index';
import { generateCorpus, saveModel, train } from '../../src/labeling/index';
import { completeRows } from '../../src/kernels/complete';
import { plainRows } from '../../src/kernels/cpu/rows';
import type { OwnRows } from '../../src/kernels/types';
import { allocate } from '../../src/tensor/view';

const corpus = generateCorpus({ sentences: 40, seed: 5, maxPhrases: 1 });
const CORPORA = { train: corpus.slice(0, 30), dev: corpus.slice(30) };

it.each(['rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'])('trains a %s to the bytes of cpu', async (cell) => {
  const options = { cell, embedding: 6, hidden: 5, epochs: 2, batch: 8, seed: 2 };
  const [reference, cpu] = [createReferenceKernels(), createCpuKernels()].map((kernels) =>
    train(kernels, CORPORA, options),
  );
  expect(saveModel((await reference).model)).toEqual(saveModel((await cpu).model));
});

it('is chosen by its name alone', async () => {
  const { kernels } = await selectBackend({ backend: 'reference', dtype: 'float64' });
  expect(kernels.backend).toBe('reference');
  expect(kernels.fused).toBeUndefined();
  expect((await selectBackend({ backend: 'auto' })).kernels.backend).not.toBe('reference');
});

it('is what three products are completed with: rows, memory, dispose', () => {
  const { backend, dtypes, addMatmul, addMatmulTA, addMatmulTB } = createCpuKernels();
  const own = completeKernels({ backend, dtypes, addMatmul, addMatmulTA, addMatmulTB });
  expect(own.rows).toBe(plainRows);
  expect(own.zeros([2, 3], 'float64')).toEqual(allocate([2, 3], 'float64'));
  expect(own.frame(() => 7)).toBe(7);
  expect(own.adopt([own.empty([2], 'float32')])()).toBeUndefined();
  expect(own.dispose()).toBeUndefined();
});

it('declines nothing: a row of work that a backend does not take is done by the plain loop, once', () => {
  const names = Object.keys(plainRows) as (keyof OwnRows)[];
  const refusing = Object.fromEntries(names.map((name) => [name, () => (name === 'addSquares' ? undefined : false)]));
  const rows = completeRows(refusing as unknown as OwnRows);
  expect(Object.keys(rows).sort()).toEqual([...names].sort());
  const [out, x] = [allocate([2, 2], 'float32'), allocate([2, 2], 'float32')];
  x.data.set([1, 2, 3, 4]);
  rows.addMatrix(out, x);
  expect(Array.from(out.data)).toEqual([1, 2, 3, 4]);
  expect(rows.addSquares(1, x)).toBe(31);
  // And one that takes everything leaves the plain loop nothing to do.
  const taking = completeRows(Object.fromEntries(names.map((name) => [name, () => true])) as unknown as OwnRows);
  taking.addMatrix(out, x);
  expect(Array.from(out.data)).toEqual([1, 2, 3, 4]);
});
