/**
 * State dicts of PyTorch. The networks and what PyTorch computed of them are in test/golden/recurrent.json; their weights are written
 * here under PyTorch's names and in its layout, as torch.nn's parameter lists say, and must come back as the same networks.
 */
import { packingOf } from '../../src/autograd/index.js';
import { cells } from '../../src/cells/index.js';
import { fromPyTorch, inspect, layersFromPyTorch } from '../../src/inspect/index.js';
import { stackForward } from '../../src/layers/index.js';
import { encodeSafetensors } from '../../src/labeling/index.js';
import type { Tensor } from '../../src/tensor/index.js';
import { createRng, flatCopy, viewOf } from '../../src/tensor/index.js';
import { caseName, part, relativeError } from '../support/cases.js';
import type { Problem } from '../support/cases.js';
import { goldenCases } from '../support/golden.js';
import { kernels } from './support.js';

type Tensors = Record<string, Tensor>;

/** [R, C] → [C, R]. */
function turned({ data, shape: [R, C] }: Tensor): Tensor {
  const out = new Float64Array(R * C);
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) out[c * R + r] = data[r * C + c];
  return viewOf(out, [C, R]);
}

/** What torch.nn.LSTM(…).state_dict() holds: any two biases of the same sum, but the GRU's n, where each has its place. */
function stateDictOf({ case: { cell, hidden, direction }, tensors }: Problem, prefix = ''): Tensors {
  const rng = createRng(1);
  const dict: Tensors = {};
  hidden.forEach((H, l) => {
    for (const way of direction === 'bidirectional' ? ['forward', 'reverse'] : ['forward']) {
      const { Wx, Wh, b, bn } = part(tensors, `layers.${l}.${way}`);
      const suffix = `l${l}${way === 'reverse' ? '_reverse' : ''}`;
      const second = Float64Array.from(b.data, () => rng.normal());
      if (cell === 'gru') for (let j = 0; j < H; j++) second[2 * H + j] = bn.data[j];
      const first = Float64Array.from(b.data, (each, j) => (cell === 'gru' && j >= 2 * H ? each : each - second[j]));
      dict[`${prefix}weight_ih_${suffix}`] = turned(Wx);
      dict[`${prefix}weight_hh_${suffix}`] = turned(Wh);
      dict[`${prefix}bias_ih_${suffix}`] = viewOf(first, b.shape);
      dict[`${prefix}bias_hh_${suffix}`] = viewOf(second, b.shape);
    }
  });
  return dict;
}

const golden = goldenCases().map(({ problem, solution }) => ({ name: caseName(problem.case), problem, solution }));

it.each(golden)('$name: forward as PyTorch has it, to 1e-12', ({ problem, solution }) => {
  const { case: c, tensors } = problem;
  const { cell, layers } = layersFromPyTorch(stateDictOf(problem), c.cell === 'rnn-relu' ? { cell: 'rnn-relu' } : {});
  expect(cell).toBe(c.cell);
  const specs = c.hidden.map((hidden) => ({
    cell: cells[cell],
    hidden,
    bidirectional: c.direction === 'bidirectional',
  }));
  const initial = c.hidden.map((_, l) => ({
    forward: part(tensors, `initial.${l}.forward`) as never,
    ...(c.direction === 'bidirectional' && { reverse: part(tensors, `initial.${l}.reverse`) as never }),
  }));
  const { y } = stackForward(kernels, specs, layers, tensors.x, packingOf(c.lengths), { initial });
  expect(relativeError(viewOf(flatCopy(y), y.shape), solution.outputs.y)).toBeLessThan(1e-12);
});

describe('a whole model', () => {
  const lstm = golden.find(({ name }) =>
    name.startsWith('lstm, given initial state, bidirectional, 2 layers'),
  )!.problem;
  const [D, H] = [3, 2];
  const words = ['<unk>', 'the', 'cat', 'sat'];
  const matrix = (R: number, C: number): Tensor =>
    viewOf(
      Float64Array.from({ length: R * C }, (_, i) => ((i * 7) % 11) / 10 - 0.5),
      [R, C],
    );
  const dict = {
    ...stateDictOf(lstm, 'encoder.lstm.'),
    'embedding.weight': matrix(4, D),
    'fc.weight': matrix(5, 2 * H),
    'fc.bias': viewOf(Float64Array.from([1, 2, 3, 4, 5]), [5]),
  };
  const labels = ['A', 'B', 'C', 'D', 'E'];
  const sentence = { tokens: ['the', 'cat', 'slept'], labels: ['A', 'B', 'C'] };

  it('is read from a safetensors file: its words, its layers, its labels', () => {
    const model = fromPyTorch(encodeSafetensors(dict), [], { words, labels });
    const trace = inspect(kernels, model, sentence);
    expect(trace.model).toMatchObject({ cell: 'lstm', hidden: [2, 2], bidirectional: true, source: 'pytorch', labels });
    expect(trace.words.map(({ known }) => known)).toEqual([true, true, false]);
    expect(trace.words[1].x).toEqual([...dict['embedding.weight'].data].slice(2 * D, 3 * D));
    expect(trace.words[2].x).toEqual([...dict['embedding.weight'].data].slice(0, D)); // row 0: unknown
    expect(trace.head.weights.b).toEqual([[1, 2, 3, 4, 5]]);
    const y = [...trace.layers[1].forward.steps[0].states.h, ...trace.layers[1].reverse!.steps[0].states.h];
    const W = dict['fc.weight'].data;
    const logits = labels.map((_, k) => y.reduce((sum, each, j) => sum + each * W[k * 2 * H + j], k + 1));
    trace.losses[0].logits.forEach((each, k) => expect(each).toBeCloseTo(logits[k], 14));
    expect(trace.checks.agrees).toBe(true);
  });

  it('refuses a file with tensors that hold no floating-point numbers, by name and type', () => {
    const raw = { 'bn.num_batches_tracked': { dtype: 'I64', shape: [], bytes: new Uint8Array(8) } } as const;
    expect(() => fromPyTorch(encodeSafetensors(dict, {}, raw), [], { words, labels })).toThrow(
      "'bn.num_batches_tracked' has the type I64; expected floating-point numbers",
    );
  });

  it('has an embedding and an output layer drawn where the file has none', () => {
    const bare = stateDictOf(lstm);
    const model = fromPyTorch(bare, [sentence], { labels, seed: 3 });
    expect(model.params.encoders.words.weight.shape).toEqual([4, D]);
    const again = inspect(kernels, fromPyTorch(bare, [sentence], { labels, seed: 3 }), sentence);
    expect(inspect(kernels, model, sentence)).toEqual(again);
  });

  it.each<[string, Tensors, object, string]>([
    ['no recurrent weights', { x: matrix(2, 2) }, {}, 'it has no weight_hh_l0'],
    ['two recurrent parts', { ...stateDictOf(lstm, 'a.'), ...stateDictOf(lstm, 'b.') }, {}, 'choose one with prefix'],
    ['a missing matrix', { weight_hh_l0: matrix(8, 2) }, {}, 'it has no weight_ih_l0'],
    ['another number of gates', { ...stateDictOf(lstm), weight_hh_l0: matrix(10, 2) }, {}, 'G = 1, 3 or 4 gates'],
    ['projections', { ...stateDictOf(lstm), weight_hr_l0: matrix(2, 2) }, {}, 'projections (weight_hr_l0)'],
    ['no list of words', dict, { labels }, 'its embedding has 4 rows; expected as many words'],
    ['another number of words', dict, { words: ['a'], labels }, 'got 1'],
    ['another number of labels', dict, { words, labels: ['A'] }, 'its output layer has 5 labels; got 1'],
    ['an output layer of another name', dict, { words, output: 'head.weight' }, "it has no matrix 'head.weight'"],
    ['a bias of another size', { ...dict, 'fc.bias': matrix(2, 2) }, { words, labels }, 'the bias of fc.weight'],
    ['two embeddings', { ...dict, 'emb2.weight': matrix(4, D) }, { words, labels }, 'it is not clear which of'],
    ['a cell of another size', stateDictOf(lstm), { cell: 'gru' }, 'gates'],
  ])('is refused with %s', (_, tensors, options, message) => {
    expect(() => fromPyTorch(tensors, [], options)).toThrow(message);
  });
});
