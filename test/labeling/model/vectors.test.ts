/** The encoder of pretrained vectors by itself: its definition on the tape, backward passes broken on purpose, what training may change. */
import { describeElement, gradcheck } from '../../../src/autograd/check/gradcheck.js';
import { createTape } from '../../../src/autograd/tape/tape.js';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { createWasmKernels } from '../../../src/kernels/wasm/index.js';
import { inspect } from '../../../src/inspect/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import type { EncoderLayer } from '../../../src/labeling/model/encoders/encoder.js';
import * as encoder from '../../../src/labeling/model/encoders/vectors.js';
import { loadModel, saveModel } from '../../../src/labeling/model/file.js';
import type { TrainOptions } from '../../../src/labeling/index.js';
import { TRAIN_DEFAULTS } from '../../../src/labeling/training/options.js';
import { train } from '../../../src/labeling/training/train.js';
import { ArgumentError } from '../../../src/tensor/errors.js';
import { createRng } from '../../../src/tensor/random.js';
import type { DType, Tensor } from '../../../src/tensor/types.js';
import { allocate } from '../../../src/tensor/view.js';
import { gradientsFrom } from './encoder-gradients.js';
import { distance, dot, matrix, numbers, random } from '../../layers/support.js';
import { brokenLines } from '../../support/mutate.js';
import { threads as threadsOf } from '../../support/threads.js';

const kernels = createCpuKernels();

/** V = 6 rows, of which one is not read and one is read twice; D = 5, E = 3. */
const [V, D, E] = [6, 5, 3];
const rows = Int32Array.of(4, 0, 2, 4, 1);
const config = (mode: encoder.VectorMode) =>
  encoder.vectorConfig({ width: E, size: V, dimensions: D, mode, scale: 0.3 });

function problemOf(mode: encoder.VectorMode, dtype: DType = 'float64', layerOf = encoder.vectors.layer) {
  const layer = layerOf(config(mode));
  const rng = createRng(7);
  const params = Object.fromEntries(
    Object.entries(layer.shapes).map(([name, shape]) => [name, random(shape, rng, dtype)]),
  );
  return { layer, params, features: { rows }, cotangent: random([rows.length, E], rng, dtype) };
}
type Problem = ReturnType<typeof problemOf>;

const outputOf = ({ layer, params, features }: Problem) => layer.forward(kernels, params, features).y;

const gradients = (problem: Problem, own?: EncoderLayer, k = kernels) => gradientsFrom(k, problem, own);

describe.each(['frozen', 'tuned'] as const)('%s', (mode) => {
  const problem = problemOf(mode);

  test('agrees with the tape', () => {
    const tape = createTape();
    const nodes = Object.fromEntries(Object.entries(problem.params).map(([name, x]) => [name, tape.variable(x)]));
    const scale = allocate([D, D], 'float64');
    for (let d = 0; d < D; d++) scale.data[d * D + d] = 0.3;
    const s = tape.matmul(tape.gatherRows(nodes.table, [...rows]), tape.constant(scale));
    const y = tape.add(tape.matmul(s, nodes.W), nodes.b);
    tape.backward(y, problem.cotangent);
    expect(distance(outputOf(problem), y.value)).toBeLessThan(1e-13);
    const grads = gradients(problem);
    for (const [name, node] of Object.entries(nodes)) expect(distance(grads[name], node.grad)).toBeLessThan(1e-12);
    expect(matrix(grads.table)[3]).toEqual(new Array(D).fill(0)); // no token has that row
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

  const lines = brokenLines<typeof encoder>('src/labeling/model/encoders/vectors.ts', (name) => name === 'backward');
  test('every line of the backward pass is broken below', () => {
    expect(lines.map(({ equations }) => equations).flat().sort()).toEqual([1, 2, 3]); // prettier-ignore
  });
  test.each(lines.map((line) => [`${line.text}: ${line.mistake}`, line] as const))(
    'finite differences reject the encoder with a broken line: %s',
    (_, line) => {
      const broken = problemOf(mode, 'float64', line.load().vectors.layer);
      const passes = () => {
        try {
          return check(gradients(problem, broken.layer)).passed;
        } catch {
          return false;
        }
      };
      expect(passes()).toBe(false);
    },
  );

  test('the inference half gives the same bits, on WebAssembly too, and a token the same wherever it stands', async () => {
    const wasm = await createWasmKernels();
    for (const backend of [kernels, wasm]) {
      const { layer, params, features } = problemOf(mode, 'float32');
      const y = numbers(layer.forward(backend, params, features).y);
      const half = encoder.inferenceVectors.layer(config(mode));
      expect(numbers(half.forward(backend, params, features).y)).toEqual(y);
      const alone = [...rows].flatMap((row) => numbers(half.forward(backend, params, { rows: Int32Array.of(row) }).y));
      expect(alone).toEqual(y);
    }
    const [plain, fast] = [problemOf(mode, 'float32'), problemOf(mode, 'float32')];
    const near = gradients(fast, fast.layer, wasm);
    for (const [name, g] of Object.entries(gradients(plain))) expect(distance(near[name], g)).toBeLessThan(1e-4);
    wasm.dispose();
  });

  test('gradients without the table: those of the map are the same', () => {
    const { layer, params, features, cotangent } = problem;
    const whole = gradients(problem);
    const grads = { W: allocate([D, E], 'float64'), b: allocate([E], 'float64') };
    layer.backward(kernels, params, layer.forward(kernels, params, features), cotangent, grads);
    expect(distance(grads.W, whole.W)).toBeLessThan(1e-13);
    expect(distance(grads.b, whole.b)).toBeLessThan(1e-13);
  });

  test('no tokens have no vectors; a row that is not there is refused', () => {
    const { layer, params } = problem;
    expect(layer.forward(kernels, params, { rows: new Int32Array(0) }).y.shape).toEqual([0, E]);
    expect(() => layer.forward(kernels, params, { rows: Int32Array.of(V) })).toThrow(ArgumentError);
  });
});

describe('in a training', () => {
  const corpus = generateCorpus({ sentences: 40, seed: 5 });
  const words = [...new Set(corpus.flatMap(({ tokens }) => tokens))];
  const rng = createRng(2);
  const known = words.slice(0, Math.ceil(words.length / 2));
  const vectors = {
    size: 4,
    words: [...known, 'New_York', '<unk>'],
    values: Float32Array.from({ length: 4 * (known.length + 2) }, () => 5 * rng.normal()),
  };
  const given = vectors.values.slice();

  test.each(['<unk>', 'New_York'])('%s twice is refused by name', async (word) => {
    const twice = { size: 1, words: [word, 'a', word], values: Float32Array.of(1, 2, 3) };
    const refused = train(kernels, { train: corpus }, { encoders: ['vectors'], vectors: twice, epochs: 1 });
    await expect(refused).rejects.toThrow(new ArgumentError(`train: vectors.words must differ; got "${word}" twice`));
  });
  const options: TrainOptions = { encoders: ['vectors'], vectors, vectorsSize: 3, hidden: 4, epochs: 2, lr: 0.02 };
  const tableOf = async (more: TrainOptions) => {
    const { model, parameters } = await train(kernels, { train: corpus }, { ...options, ...more });
    expect(vectors.values).toEqual(given); // what was passed is not written to
    return { model, parameters, table: model.params.encoders.vectors.table };
  };

  /** Row 0 has the numbers of <unk>, the others theirs, as they were read. */
  const original = [...given.slice(-4), ...given.slice(0, -4)];

  test('a frozen table stays as it was read, to the bit, and is not counted among what is learned', async () => {
    for (const threads of [undefined, threadsOf(2)]) {
      for (const optimizer of ['adam', 'adamw', 'sgd'] as const) {
        const { table, model, parameters } = await tableOf({ optimizer, ...(threads && { threads }) });
        expect([...table.data]).toEqual(original);
        const learned = (await tableOf({ vectorsMode: 'tuned', epochs: 1 })).parameters;
        expect(learned - parameters).toBe(original.length);
        expect([...loadModel(saveModel(model)).params.encoders.vectors.table.data]).toEqual(original);
        if (threads) break;
      }
    }
  });

  test('a tuned one changes where its words occur, and nowhere else', async () => {
    const { table } = await tableOf({ vectorsMode: 'tuned' });
    const changed = matrix(table).map((row, r) => row.some((x, d) => x !== original[4 * r + d]));
    expect(changed).toEqual([true, ...known.map(() => true), false]); // a word without a vector trains row 0; New York does not occur
  });

  test('the rows that are read have a mean squared length of 1', async () => {
    const { model } = await tableOf({ epochs: 1 });
    const { scale } = model.config.encoders[0];
    const squares = original.slice(4).reduce((sum, x) => sum + (x * Number(scale)) ** 2, 0);
    expect(squares / (known.length + 1)).toBeCloseTo(1, 12);
    const zeros = { size: 2, words: ['a'], values: new Float32Array(2) };
    const built = encoder.vectors.build([], { ...TRAIN_DEFAULTS, vectors: zeros });
    expect(built.config.scale).toBe(1);
  });

  test('a reading names words without a vector, and its checks agree', async () => {
    const { model } = await tableOf({ encoders: ['vectors'] });
    const trace = inspect(
      kernels,
      model,
      { tokens: [known[0], known[0].toUpperCase(), 'zzz', 'New York'] },
      { checks: 8 },
    );
    expect(trace.words.map((word) => word.known)).toEqual([true, true, false, true]);
    expect(trace.checks).toMatchObject({ checked: 8, agrees: true });
    const both = await train(kernels, { train: corpus }, { ...options, encoders: ['words', 'vectors'], minCount: 1 });
    const tokens = [words.at(-1)!, known[0], 'New York', 'zzz'];
    const trace2 = inspect(kernels, both.model, { tokens }, { checks: 0 });
    expect(trace2.words.map((word) => word.known)).toEqual([true, true, true, false]);
  });
});

test.each<[object, RegExp]>([
  [{ width: 0 }, /^model: vectors.width must be an integer of at least 1; got 0/],
  [{ size: 1.5 }, /^model: vectors.size must be an integer of at least 1/],
  [{ dimensions: -1 }, /^model: vectors.dimensions must be an integer of at least 1/],
  [{ mode: 'fixed' }, /^model: vectors.mode must be one of 'frozen', 'tuned'/],
  [{ scale: 0 }, /^model: vectors.scale must be/],
])('sizes %j are refused', (change, message) => {
  const sizes = { width: 2, size: 3, dimensions: 4, mode: 'tuned', scale: 1, ...change } as encoder.VectorConfig;
  expect(() => encoder.vectorConfig(sizes)).toThrow(ArgumentError);
  expect(() => encoder.vectorConfig(sizes)).toThrow(message);
});
