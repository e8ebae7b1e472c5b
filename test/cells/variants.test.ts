/**
 * Layer-normalized LSTM and GRU, and the LSTM with a projection: PyTorch, the tape, finite differences, forward mode, chained steps,
 * lone sequences, every backward line broken, their lists of quantities, models on every backend and any number of threads.
 */
import {
  createTape,
  packingOf,
  quantityGradient,
  quantityValue,
  unroll,
  unrollBackward,
} from '../../src/autograd/index';
import { forwardCellNamed } from '../../src/cells/forward';
import type * as gru from '../../src/cells/gru-layer-norm';
import { cellNamed, createLstmProjection, expectCell, gruLayerNorm, lstmLayerNorm } from '../../src/cells/index';
import { recurrentDropout, zoneout } from '../../src/cells/index';
import type { Cell } from '../../src/cells/index';
import type * as norm from '../../src/cells/layer-norm';
import type * as lstm from '../../src/cells/lstm-layer-norm';
import type * as projection from '../../src/cells/lstm-projection';
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index';
import { generateCorpus, loadModel, predict, saveModel, train } from '../../src/labeling/index';
import { drawMasks } from '../../src/layers/index';
import { gradcheck } from '../../src/autograd/check/gradcheck';
import { ArgumentError, createKey, createRng, dot, flatCopy, normal } from '../../src/tensor/index';
import { allocate } from '../../src/tensor/view';
import type { Problem } from '../support/cases';
import { caseName, casesOf, problemOf, relativeError, worstDifference } from '../support/cases';
import { differences, engine, proveCell } from '../support/engine';
import { forwardModeSolution } from '../support/forward-mode';
import { goldenCases } from '../support/golden';
import { aloneSolution, chainedSolution } from '../support/laws';
import { brokenLines } from '../support/mutate';
import { tapeSolution } from '../support/tape-cells';
import { layerNorm } from '../support/tape-variants';
import { threads } from '../support/threads';

const NAMES = ['lstm:layernorm', 'gru:layernorm', 'lstm:projection=2', 'lstm:projection=3'];
const kernels = createCpuKernels();
for (const name of NAMES) proveCell(cellNamed(name)!);

const golden = goldenCases(process.cwd(), 'variants').map(
  ({ problem, solution }) => [caseName(problem.case), problem, solution] as const,
);

test('PyTorch has an answer for each of them', () => {
  expect([...new Set(golden.map(([, problem]) => problem.case.cell))].sort()).toEqual([...NAMES].sort());
});

test.each(golden)('PyTorch agrees: %s', (_, problem, solution) => {
  expect(worstDifference(engine(problem), solution).error).toBeLessThan(1e-12);
});

describe.each(NAMES)('%s', (name) => {
  const cell = cellNamed(name)!;
  const all = casesOf(name);
  const some = [all[6], all[9], all[17]]; // given forward, given reverse with two layers, learned bidirectional with two layers

  test('is a cell, found by its name, for inference too', () => {
    expect(() => expectCell('here', cell)).not.toThrow();
    expect([cellNamed(name), forwardCellNamed(name), cell.name]).toEqual([cell, cell, name]);
  });

  test.each(some.map((c) => [`${c.initial} ${c.direction} ${c.hidden.length}`, c] as const))(
    'the tape, finite differences, chained steps and lone sequences agree: %s',
    (_, c) => {
      const problem = problemOf(c);
      const solution = engine(problem);
      expect(worstDifference(solution, tapeSolution(problem)).error).toBeLessThan(1e-10);
      expect(worstDifference(solution, chainedSolution(problem)).error).toBeLessThan(1e-12);
      expect(worstDifference(solution, aloneSolution(problem)).error).toBeLessThan(1e-12);
      expect(differences(problem, solution.grads, { tolerance: 1e-8, elements: 4 }).failures).toEqual([]);
    },
  );

  test('forward mode agrees', () => {
    const problem = problemOf({ ...all[6], lengths: [3, 1] });
    expect(worstDifference(engine(problem), forwardModeSolution(problem, cell)).error).toBeLessThan(1e-10);
  });

  test('its quantities are where the list says, and as large as it says', () => {
    const params = cell.initialize(3, 4, createRng(2), { dtype: 'float64' });
    const pass = unroll(kernels, cell, params, normal([7, 3], 1, createRng(3), 'float64'), packingOf([4, 3]));
    const grads = Object.fromEntries(Object.entries(params).map(([k, x]) => [k, allocate(x.shape, 'float64')]));
    const back = unrollBackward(kernels, pass, normal([7, 4], 1, createRng(4), 'float64'), grads as never);
    for (const quantity of cell.quantities) {
      for (const x of flatCopy(quantityValue(pass, quantity))) {
        expect(x >= quantity.range[0] && x <= quantity.range[1]).toBe(true);
      }
      const gradient = quantityGradient(pass, back, quantity);
      if (quantity.gradient) expect(flatCopy(gradient!).some((x) => x !== 0)).toBe(true);
    }
  });

  test('with zoneout and recurrent dropout around it, its gradients stay right', () => {
    const rates = Object.fromEntries(cell.states.map((state, k) => [state, 0.2 + 0.1 * k]));
    const noisy = zoneout(recurrentDropout(cell, 0.4), rates);
    const packing = packingOf([3, 2]);
    const x = normal([5, 2], 1, createRng(5), 'float64');
    const cotangent = normal([5, 3], 1, createRng(6), 'float64');
    const params = cell.initialize(2, 3, createRng(7), { dtype: 'float64' });
    const masks = drawMasks(kernels, noisy, 3, 'float64', packing, { key: createKey(8) });
    const run = () => unroll(kernels, noisy, params, x, packing, { masks });
    const loss = () => dot(run().y, cotangent);
    const grads = Object.fromEntries(Object.entries(params).map(([k, p]) => [k, allocate(p.shape, 'float64')]));
    unrollBackward(kernels, run(), cotangent, grads as never);
    const { failures } = gradcheck({ tensors: params, grads, loss, rng: createRng(9), tolerance: 1e-7, elements: 6 });
    expect(failures).toEqual([]);
  });

  test('a model of it is trained, saved, loaded and run, alike on every backend and any number of threads', async () => {
    const corpus = generateCorpus({ sentences: 24, seed: 3 });
    const options = { embedding: 5, hidden: 4, epochs: 1, batch: 8, cell: name } as const;
    const tokens = corpus.map((s) => s.tokens);
    const { model } = await train(kernels, { train: corpus }, options);
    const bytes = saveModel(model);
    const loaded = loadModel(bytes);
    expect([loaded.config.body.cell, loaded.config.body.ownCell]).toEqual([name, undefined]);
    expect(saveModel(loaded)).toEqual(bytes);
    const labels = predict(kernels, loaded, tokens);
    expect(labels).toEqual(predict(kernels, model, tokens));
    const threaded = await train(kernels, { train: corpus }, { ...options, threads: threads(2) });
    expect(threaded.threads).toBe(2);
    expect(predict(kernels, threaded.model, tokens).map((p) => p.labels)).toEqual(labels.map((p) => p.labels));
    const wasm = await createWasmKernels();
    const other = await train(wasm, { train: corpus }, options);
    expect(predict(wasm, other.model, tokens).map((p) => p.labels)).toEqual(labels.map((p) => p.labels));
    wasm.dispose();
  });
});

describe('every backward line, broken', () => {
  const isBackward = (name: string) => /StepBackward$|WeightGradients$/.test(name);
  const problems = new Map<string, Problem>();
  const problemFor = (cell: string): Problem => {
    const made = problemOf({ cell, initial: 'given', direction: 'forward', hidden: [3], input: 2, lengths: [3, 1] });
    return problems.get(cell) ?? (problems.set(cell, made), made);
  };
  const worst = (cell: Cell): number => {
    const problem = problemFor(cell.name);
    const [{ grads }, expected] = [engine(problem, cell), tapeSolution(problem)];
    return Math.max(...Object.keys(grads).map((each) => relativeError(grads[each], expected.grads[each])));
  };
  const withSteps = (cell: Cell, back: unknown, weights: unknown, first: readonly unknown[] = []): Cell => ({
    ...cell,
    stepBackward(k, params, prev, saved, _next, dNext, dPrev) {
      (back as (...args: unknown[]) => void)(...first, k, params, prev, saved, dNext, dPrev);
    },
    weightGradients: weights as Cell['weightGradients'],
  });
  const files = [
    ...brokenLines<typeof lstm>('src/cells/lstm-layer-norm.ts', isBackward).map((line) => ({ file: 'lstm', line, cell: () => withSteps(lstmLayerNorm as unknown as Cell, line.load().lstmLayerNormStepBackward, line.load().lstmLayerNormWeightGradients) })), // prettier-ignore
    ...brokenLines<typeof gru>('src/cells/gru-layer-norm.ts', isBackward).map((line) => ({ file: 'gru', line, cell: () => withSteps(gruLayerNorm as unknown as Cell, line.load().gruLayerNormStepBackward, line.load().gruLayerNormWeightGradients) })), // prettier-ignore
    ...brokenLines<typeof projection>('src/cells/lstm-projection.ts', isBackward).map((line) => ({ file: 'projection', line, cell: () => withSteps(createLstmProjection(2) as unknown as Cell, line.load().lstmProjectionStepBackward, line.load().lstmProjectionWeightGradients, [2]) })), // prettier-ignore
  ];

  test.each([
    ['lstm', [1, 2, 3, 4, 5, 6]],
    ['gru', [1, 2, 3, 4, 5]],
    ['projection', [1, 2, 3, 4, 5]],
  ])('%s: there is one for every equation', (file, numbers) => {
    const lines = files.filter((each) => each.file === file);
    expect([...new Set(lines.flatMap(({ line }) => line.equations))].sort()).toEqual(numbers);
  });

  test('unbroken they are right', () => {
    for (const name of NAMES.slice(0, 3)) expect(worst(cellNamed(name)!)).toBeLessThan(1e-10);
  });

  test.each(files.map((each) => [`${each.file}: ${each.line.text}: ${each.line.mistake}`, each] as const))(
    '%s',
    (_, { cell }) => expect(worst(cell())).toBeGreaterThan(1e-9),
  );

  const [v, dy] = [1, 2].map((seed) => normal([2, 4], 1, createRng(seed), 'float64'));
  const [gain, bias] = [3, 4].map((seed) => normal([4], 1, createRng(seed), 'float64'));
  const normGradients = ({ normBackward, normWeightGradients }: typeof norm) => {
    const [dv, dGain, dBias] = [[2, 4], [4], [4]].map((shape) => allocate(shape, 'float64'));
    normBackward(dv, dy, v, { gain, bias });
    normWeightGradients({ gain: dGain, bias: dBias }, dy, v);
    return [dv, dGain, dBias];
  };
  const expected = () => {
    const tape = createTape();
    const nodes = [v, gain, bias].map((x) => tape.variable(x));
    const rows = [0, 1].map((b) => layerNorm(tape, tape.gatherRows(nodes[0], [b]), nodes[1], nodes[2]));
    tape.backward(tape.dot(tape.concatRows(rows), dy));
    return nodes.map(({ grad }) => grad);
  };
  const wrong = (module: typeof norm) =>
    Math.max(...normGradients(module).map((x, k) => relativeError(x, expected()[k])));

  test.each(
    brokenLines<typeof norm>('src/cells/layer-norm.ts', (name) => /Backward$|WeightGradients$/.test(name)).map(
      (line) => [`${line.text}: ${line.mistake}`, line] as const,
    ),
  )('layer normalization: %s', (_, line) => expect(wrong(line.load())).toBeGreaterThan(1e-9));

  test('layer normalization, unbroken', async () => {
    expect(wrong(await import('../../src/cells/layer-norm'))).toBeLessThan(1e-12);
  });
});

describe('what is senseless is refused', () => {
  test.each([
    ['lstm:layernorm,clip=3', /layernorm cannot be combined with other options: leave out clip/],
    ['lstm:peepholes,projection=2', /projection cannot be combined with other options: leave out peepholes/],
    ['lstm:projection=1', /must be at least 2/],
    ['lstm:projection=2.5', /integer/],
    ['lstm:projection', /expected peepholes/],
    ['gru:layernorm=1', /expected/],
    ['gru:projection=2', /expected/],
  ])('%s', (name, message) => {
    expect(() => cellNamed(name)).toThrow(ArgumentError);
    expect(() => cellNamed(name)).toThrow(message);
  });

  test('a single unit cannot be normalized', () => {
    for (const cell of [lstmLayerNorm, gruLayerNorm]) {
      expect(() => cell.initialize(2, 1, createRng(1))).toThrow(/hiddenSize must be at least 2; got 1/);
    }
  });
});
