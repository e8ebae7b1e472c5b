/** For code of one's own: gates and states of a pass by name. */
import { flatten, nestLike, packingOf, packFloats, unroll, zeroGrads } from '../../src/autograd/index.js';
import { cells } from '../../src/cells/index.js';
import { gatesOf, inspect, statesOf, untrained } from '../../src/inspect/index.js';
import { modelBackward, modelForward, networkOf, train } from '../../src/labeling/index.js';
import { createRng, normal, viewOf } from '../../src/tensor/index.js';
import { CELLS, kernels } from './support.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

it.each(CELLS)('%s: the gates of each sequence are those of the sequence alone, in both directions', (name) => {
  const cell = cells[name];
  const params = cell.initialize(3, 4, createRng(5), { dtype: 'float64' });
  const lengths = [2, 5, 1];
  const inputs = lengths.map((T) => normal([T, 3], 1, createRng(T), 'float64'));
  const packing = packingOf(lengths);
  for (const direction of ['forward', 'reverse'] as const) {
    const together = unroll(kernels, cell, params, packFloats(packing, inputs), packing, { direction });
    inputs.forEach((x, i) => {
      const alone = unroll(kernels, cell, params, x, packingOf([lengths[i]]), { direction });
      expect(gatesOf(together, i)).toEqual(gatesOf(alone));
      expect(statesOf(together, i)).toEqual(statesOf(alone));
      expect(statesOf(alone).h.flat()).toEqual(
        Array.from({ length: lengths[i] * 4 }, (_, n) => alone.y.data[alone.y.offset + n]),
      );
    });
  }
});

it('an LSTM of one unit has the gates of its equations', () => {
  const params = cells.lstm.initialize(1, 1, createRng(1), { dtype: 'float64' });
  const pass = unroll(kernels, cells.lstm, params, viewOf(Float64Array.from([0.5, -1]), [2, 1]), packingOf([2]));
  const { i, f, g, o } = gatesOf(pass);
  const { h, c } = statesOf(pass);
  const a = [0, 1, 2, 3].map((n) => -1 * params.Wx.data[n] + params.b.data[n] + h[0][0] * params.Wh.data[n]);
  expect(i[1][0]).toBeCloseTo(sigmoid(a[0]), 14);
  expect(f[1][0]).toBeCloseTo(sigmoid(a[1]), 14);
  expect(g[1][0]).toBeCloseTo(Math.tanh(a[2]), 14);
  expect(o[1][0]).toBeCloseTo(sigmoid(a[3]), 14);
  expect(c[1][0]).toBeCloseTo(f[1][0] * c[0][0] + i[1][0] * g[1][0], 14);
  expect(h[1][0]).toBeCloseTo(o[1][0] * Math.tanh(c[1][0]), 14);
});

it('are those of the trace', () => {
  const sentence = { tokens: ['a', 'b', 'c'] };
  const trace = inspect(kernels, untrained([sentence], { cell: 'gru', hidden: 2 }), sentence);
  const { steps, weights } = trace.layers[0].forward;
  const tensors = Object.fromEntries(
    Object.entries(weights).map(([name, rows]) => [
      name,
      viewOf(Float64Array.from(rows.flat()), name.startsWith('W') ? [rows.length, rows[0].length] : [rows[0].length]),
    ]),
  );
  const x = viewOf(Float64Array.from(trace.words.flatMap((word) => word.x)), [3, 16]);
  const pass = unroll(kernels, cells.gru, tensors as never, x, packingOf([3]));
  for (const gate of ['r', 'z', 'n']) expect(gatesOf(pass)[gate]).toEqual(steps.map(({ gates }) => gates[gate]));
});

it('refuses a sequence that there is not, and what is not a pass', () => {
  const params = cells.rnn.initialize(1, 1, createRng(1));
  const pass = unroll(kernels, cells.rnn, params, normal([2, 1], 1, createRng(1)), packingOf([2]));
  expect(() => gatesOf(pass, 1)).toThrow('sequence must be one of 1, counted from 0; got 1');
  expect(() => statesOf({} as never)).toThrow('statesOf: unrolled.cell');
});

it('a training hands over its model after every epoch, and a backward pass what it leaves behind', async () => {
  const corpus = [{ tokens: ['a', 'b'], labels: ['X', 'Y'] }];
  const losses: number[] = [];
  const options = { cell: 'gru', hidden: 2, embedding: 2, minCount: 1, epochs: 3, dropout: 0 };
  const result = await train(kernels, { train: corpus }, options, {
    onEpoch: ({ model, epoch }) => void (losses[epoch - 1] = inspect(kernels, model, corpus[0]).loss),
  });
  expect(losses).toHaveLength(3);
  expect(new Set(losses).size).toBe(3);
  expect(losses[2]).toBe(inspect(kernels, result.model, corpus[0]).loss);
  expect(result.history.every((record) => !('model' in record))).toBe(true);

  const { config, own, params, readers } = result.model;
  const network = networkOf(config, own);
  const features = readers.map((reader) => reader.read(['a', 'b']));
  const pass = modelForward(kernels, network, params, features, packingOf([2]));
  const grads = nestLike(params, zeroGrads(flatten(params))) as typeof params;
  const dLogits = viewOf(Float32Array.from([1, -1, 0.5, 0.25]), [2, 2]);
  const { dX, layers } = modelBackward(kernels, network, params, pass, [dLogits], grads);
  expect(dX.shape).toEqual([2, 2]);
  expect(layers[0].forward.stepGrads.da.shape).toEqual([2, 6]);
  const da = layers[0].forward.stepGrads.da.data;
  expect(grads.layers[0].forward.b.data[0]).toBeCloseTo(da[0] + da[6], 6);
});
