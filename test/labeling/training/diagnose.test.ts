import { createCpuKernels } from '../../../src/kernels/index.js';
import { flatten } from '../../../src/autograd/index.js';
import { packBatch, packRows } from '../../../src/labeling/data/batches.js';
import { badGradient, badLoss } from '../../../src/labeling/training/diagnose.js';
import { modelForward } from '../../../src/labeling/model/model.js';
import { initNetwork, networkOf } from '../../../src/labeling/model/network.js';
import { createRng, NonFiniteError } from '../../../src/tensor/index.js';
import { featuresOf, taggerConfig } from '../../support/models.js';

const kernels = createCpuKernels();
const sizes = { cell: 'lstm', embedding: 3, hidden: [4, 2], bidirectional: true, dropout: 0 };
const network = networkOf(taggerConfig(sizes, 9, 5));
const occasion = { epoch: 2, batch: 7, what: 'the loss', value: NaN };

/** A forward pass over sentences of 4, 1 and 2 tokens, to be spoiled by the test. */
function scene() {
  const params = initNetwork(network, createRng(1));
  const ids = [Int32Array.of(1, 2, 3, 4), Int32Array.of(5), Int32Array.of(6, 7)];
  const batch = packBatch([4, 1, 2], [0, 1, 2]);
  const features = featuresOf(packRows(ids, [0, 1, 2], batch.packing));
  const pass = modelForward(kernels, network, params, features, batch.packing);
  return { params: flatten(params), batch, pass };
}

describe('the first bad tensor, in the order of computation', () => {
  test('a parameter, by name and element', () => {
    const { params, batch, pass } = scene();
    params['layers.1.reverse.Wh'].data[8 * 1 + 3] = Infinity;
    pass.heads[0].logits.data[0] = NaN;
    const error = badLoss(occasion, network, params, pass, batch);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(error.message).toBe(
      'the loss became NaN in epoch 2, batch 7; first bad tensor: parameter layers.1.reverse.Wh at [1, 3]. ' +
        'Lower the learning rate (--lr), or clip gradients harder (--clip)',
    );
  });

  test('the embedded words, with the time step of the row', () => {
    const { params, batch, pass } = scene();
    pass.encoded[0].y.data[3 * 3 + 1] = NaN; // row 3 is the first row of step 1
    expect(badLoss(occasion, network, params, pass, batch).message).toMatch(
      'the vectors of encoder words at time step 1, column 1',
    );
  });

  test('a state of a layer: the earliest step of its own direction, whichever state it is', () => {
    const { params, batch, pass } = scene();
    const { states } = pass.stack.layers[1].reverse!;
    states.h.data[(3 + 5) * 2 + 1] = Infinity; // block of step 2, in a matrix that starts with 3 initial rows
    states.c.data[(3 + 3) * 2 + 0] = NaN; // block of step 1
    pass.stack.layers[1].forward.states.h.data[(3 + 6) * 2] = NaN;
    expect(badLoss(occasion, network, params, pass, batch).message).toMatch(
      'layers.1.forward.h at time step 3, unit 0',
    );
    pass.stack.layers[1].forward.states.h.data[(3 + 6) * 2] = 0;
    expect(badLoss(occasion, network, params, pass, batch).message).toMatch(
      'layers.1.reverse.c at time step 1 from the end, unit 0',
    );
  });

  test('the logits, last of all', () => {
    const { params, batch, pass } = scene();
    pass.heads[0].logits.data[6 * 5 + 2] = NaN;
    expect(badLoss(occasion, network, params, pass, batch).message).toMatch(
      'the logits of head labels at time step 3, column 2',
    );
  });

  test('a gradient, from the output down, where everything before it is finite', () => {
    const { params, batch, pass } = scene();
    const grads = Object.fromEntries(Object.entries(params).map(([n, p]) => [n, { ...p, data: p.data.slice() }]));
    grads['encoders.words.weight'].data[0] = NaN;
    grads['heads.labels.W'].data[4] = NaN;
    expect(badGradient(occasion, network, params, pass, batch, grads).message).toMatch(
      'gradient of heads.labels.W at [0, 4]',
    );
  });

  test('none: every tensor is finite, and only the sum is not', () => {
    const { params, batch, pass } = scene();
    expect(badLoss(occasion, network, params, pass, batch).message).toMatch(
      'no single tensor: the sum itself overflowed',
    );
  });
});
