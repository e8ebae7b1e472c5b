/** The encoder of characters by itself: its definition on the tape, one token after the other, and backward passes broken on purpose. */
import fc from 'fast-check';
import { describeElement, gradcheck } from '../../../src/autograd/check/gradcheck.js';
import { createTape } from '../../../src/autograd/tape/tape.js';
import type { Tape, TapeNode } from '../../../src/autograd/tape/tape.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { createWasmKernels } from '../../../src/kernels/wasm/index.js';
import { listsOf } from '../../../src/labeling/data/features.js';
import * as encoder from '../../../src/labeling/model/encoders/characters.js';
import type { CharacterNetworkName } from '../../../src/labeling/model/encoders/character-network.js';
import { characterCnn } from '../../../src/labeling/model/encoders/character-cnn.js';
import { characterLstm } from '../../../src/labeling/model/encoders/character-lstm.js';
import { distinctWords } from '../../../src/labeling/model/encoders/distinct.js';
import type { EncoderLayer } from '../../../src/labeling/model/encoders/encoder.js';
import { packingOf } from '../../../src/autograd/packing.js';
import { ArgumentError } from '../../../src/tensor/errors.js';
import { createRng } from '../../../src/tensor/random.js';
import type { DType, Tensor } from '../../../src/tensor/types.js';
import { allocate, dtypeOf } from '../../../src/tensor/view.js';
import { gradientsFrom } from './encoder-gradients.js';
import { distance, dot, matrix, numbers, random } from '../../layers/support.js';
import { brokenLines } from '../../support/mutate.js';
import { rowsOf } from '../../support/poolings.js';
import { tapeSteps } from '../../support/tape-cells.js';

fc.configureGlobal({ seed: 18, numRuns: 60 });

const kernels = createCpuKernels();

/** C = 7 characters, D = 3, E = 4, K = 3; tokens that occur twice, of one and of five characters. */
const [C, D, E, K] = [7, 3, 4, 3];
const tokens = [[1, 2, 3], [4], [1, 2, 3], [5, 5, 0, 2, 1], [4], [3, 2]];
const configOf = (network: CharacterNetworkName) =>
  encoder.characterConfig({ network, size: C, embedding: D, width: E, window: K });

/** An encoder with numbers; biases are not zero. */
function problemOf(network: CharacterNetworkName, dtype: DType = 'float64', layerOf = encoder.characters.layer) {
  const layer = layerOf(configOf(network));
  const rng = createRng(7);
  const params = Object.fromEntries(
    Object.entries(layer.shapes).map(([name, shape]) => [name, random(shape, rng, dtype)]),
  );
  const features = { characters: listsOf(tokens) };
  return { network, layer, params, features, cotangent: random([tokens.length, E], rng, dtype) };
}

type Problem = ReturnType<typeof problemOf>;

const outputOf = ({ layer, params, features }: Problem) => layer.forward(kernels, params, features).y;

const gradients = (problem: Problem, own?: EncoderLayer, k = kernels) => gradientsFrom(k, problem, own);

/** Whether a check fails, or what is broken does not even run. */
function rejects(check: () => { passed: boolean }): boolean {
  try {
    return !check().passed;
  } catch {
    return true;
  }
}

type Nodes = Readonly<Record<string, TapeNode>>;

/** The vector of one token, from its characters. */
const tapeNetworks: Readonly<Record<CharacterNetworkName, (tape: Tape, p: Nodes, ids: number[]) => TapeNode>> = {
  lstm(tape, p, ids) {
    const zero = () => tape.constant(allocate([1, E / 2], 'float64'));
    const last = (way: string, order: number[]) => {
      const own = { Wx: p[`${way}.Wx`], Wh: p[`${way}.Wh`], b: p[`${way}.b`] };
      let state: Nodes = { h: zero(), c: zero() };
      for (const id of order) state = tapeSteps.lstm(tape, own, tape.gatherRows(p.embedding, [id]), state);
      return state.h;
    };
    return tape.concatColumns([last('forward', ids), last('reverse', [...ids].reverse())]);
  },
  cnn(tape, p, ids) {
    const filtered = ids.map((_, t) => {
      let z = tape.add(tape.constant(allocate([1, E], 'float64')), p.b);
      for (let k = 0; k < K; k++) {
        const id = ids[t - 1 + k];
        if (id === undefined) continue;
        z = tape.add(z, tape.matmul(tape.gatherRows(p.embedding, [id]), tape.sliceRows(p.W, k * D, D)));
      }
      return tape.tanh(z);
    });
    return filtered.reduce((max, row) => tape.add(max, tape.relu(tape.sub(row, max))));
  },
};

describe.each(['lstm', 'cnn'] as const)('%s', (network) => {
  const problem = problemOf(network);

  test('agrees with the tape, which spells every token anew', () => {
    const tape = createTape();
    const nodes = Object.fromEntries(Object.entries(problem.params).map(([name, x]) => [name, tape.variable(x)]));
    const y = tape.concatRows(tokens.map((ids) => tapeNetworks[network](tape, nodes, ids)));
    tape.backward(y, problem.cotangent);
    expect(distance(outputOf(problem), y.value)).toBeLessThan(1e-13);
    const grads = gradients(problem);
    for (const [name, node] of Object.entries(nodes)) expect(distance(grads[name], node.grad)).toBeLessThan(1e-12);
  });

  const check = (grads: Readonly<Record<string, Tensor>>) =>
    gradcheck({
      tensors: problem.params,
      grads,
      loss: () => dot(problem.cotangent, outputOf(problem)),
      tolerance: 1e-7,
    });

  test('agrees with finite differences', () => {
    expect(check(gradients(problem)).failures.map(describeElement)).toEqual([]);
  });

  const lines = brokenLines<typeof encoder>('src/labeling/model/encoders/characters.ts', (name) => name === 'backward');
  const tagged = lines.map((line) => [`${line.text}: ${line.mistake}`, line] as const);
  test.each(tagged)('finite differences reject the encoder with a broken line: %s', (_, line) => {
    const broken = problemOf(network, 'float64', line.load().characters.layer);
    expect(rejects(() => check(gradients(problem, broken.layer)))).toBe(true);
  });

  test('the inference half gives the same bits, on WebAssembly too, and a token the same wherever it stands', async () => {
    const wasm = await createWasmKernels();
    for (const backend of [kernels, wasm]) {
      const { layer, params, features } = problemOf(network, 'float32');
      const y = numbers(layer.forward(backend, params, features).y);
      const half = encoder.inferenceCharacters.layer(configOf(network));
      expect(numbers(half.forward(backend, params, features).y)).toEqual(y);
      const alone = tokens.flatMap((ids) => numbers(half.forward(backend, params, { characters: listsOf([ids]) }).y));
      expect(alone).toEqual(y);
    }
    const [plain, fast] = [problemOf(network, 'float32'), problemOf(network, 'float32')];
    const near = gradients(fast, fast.layer, wasm);
    for (const [name, g] of Object.entries(gradients(plain))) expect(distance(near[name], g)).toBeLessThan(1e-4);
    wasm.dispose();
  });

  test('initial parameters have their shapes, in float32', () => {
    const params = problem.layer.initialize(createRng(3));
    for (const [name, shape] of Object.entries(problem.layer.shapes)) {
      expect([params[name].shape, dtypeOf(params[name].data)]).toEqual([shape, 'float32']);
    }
    expect(Object.keys(params).sort()).toEqual(Object.keys(problem.layer.shapes).sort());
  });

  test('no tokens have no vectors', () => {
    const { layer, params } = problemOf(network);
    expect(layer.forward(kernels, params, { characters: listsOf([]) }).y.shape).toEqual([0, E]);
  });

  test('an empty word is refused by name', () => {
    const { layer, params } = problemOf(network);
    expect(() => layer.forward(kernels, params, { characters: listsOf([[1], []]) })).toThrow(
      /every sequence must have at least one row; got none for sequence 1/,
    );
  });
});

describe.each([
  ['lstm', 'src/labeling/model/encoders/character-lstm.ts', characterLstm],
  ['cnn', 'src/labeling/model/encoders/character-cnn.ts', characterCnn],
] as const)('the network %s', (name, path, whole) => {
  const sizes = { embedding: D, width: E, window: K };
  const lengths = [2, 5, 1, 3];
  const packing = packingOf(lengths);
  const rng = createRng(9);
  const shapes = Object.entries(whole.shapes(sizes));
  const params = Object.fromEntries(shapes.map(([each, shape]) => [each, random(shape, rng)]));
  const x = random([packing.total, D], rng);
  const dV = random([lengths.length, E], rng);
  const gradientsOf = (network: typeof whole) => {
    const grads = Object.fromEntries(Object.entries(params).map(([each, p]) => [each, allocate(p.shape, 'float64')]));
    const dX = allocate(x.shape, 'float64');
    network.backward(kernels, params, network.forward(kernels, params, x, packing) as never, dV, grads, dX);
    return { ...grads, x: dX };
  };
  const check = (network: typeof whole) =>
    gradcheck({
      tensors: { ...params, x },
      grads: gradientsOf(network),
      loss: () => dot(dV, whole.forward(kernels, params, x, packing).v),
      tolerance: 1e-7,
    });

  test('agrees with finite differences', () => {
    expect(check(whole).failures.map(describeElement)).toEqual([]);
  });

  type Module = Record<string, typeof whole>;
  const lines = brokenLines<Module>(path, (each) => each === 'backward');
  test.each(lines.map((line) => [`${line.text}: ${line.mistake}`, line] as const))('rejects %s', (_, line) => {
    const broken = line.load()[name === 'lstm' ? 'characterLstm' : 'characterCnn'];
    expect(rejects(() => check(broken))).toBe(true);
  });

  test('every equation is among the broken lines', () => {
    expect(new Set(lines.flatMap(({ equations }) => equations))).toEqual(new Set([1, 2, 3]));
  });
});

test('distinct words: every token finds its own characters again', () => {
  const lists = fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  fc.assert(
    fc.property(lists, (drawn) => {
      const { packing, characters, wordOf } = distinctWords(listsOf(drawn));
      expect(packing.batch).toBe(new Set(drawn.map(String)).size);
      drawn.forEach((ids, n) => {
        const rows = rowsOf({ lengths: [...packing.lengths] }, wordOf[n]);
        expect(rows.map((row) => characters[row])).toEqual(ids);
      });
    }),
  );
});

test('impossible sizes are refused by name', () => {
  const sizes = { network: 'lstm' as const, size: C, embedding: D, width: E, window: K };
  const layer = (change: object) => () => encoder.characters.layer(encoder.characterConfig({ ...sizes, ...change }));
  expect(layer({ width: 5 })).toThrow(ArgumentError);
  expect(layer({ width: 5 })).toThrow(
    'model: characters.width must be even for an LSTM, one half for each direction; got 5',
  );
  expect(layer({ network: 'cnn', width: 5 })).not.toThrow();
  expect(layer({ network: 'gru' })).toThrow(/characters.network must be one of 'lstm', 'cnn'; got 'gru'/);
  for (const name of ['size', 'embedding', 'width', 'window']) {
    expect(layer({ [name]: 0 })).toThrow(`model: characters.${name} must be an integer of at least 1; got 0`);
  }
});

test('a sum of gradients reaches every character of the words', () => {
  const grads = gradients(problemOf('lstm'));
  matrix(grads.embedding).forEach((row, id) => expect(row.some((value) => value !== 0)).toBe(id !== 6));
});
