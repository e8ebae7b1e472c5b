/**
 * The LSTM of ONNX in its variants: finite differences, forward mode, the tape with activations of its own, chained steps, lone
 * sequences, every backward line broken, names, files, and what is refused.
 */
import fc from 'fast-check';
import { ACTIVATIONS, activationOf, parseActivation } from '../../src/cells/activations';
import type { ActivationName } from '../../src/cells/activations';
import { cellNamed, cells, createLstm, expectCell } from '../../src/cells/index';
import type { Cell, LstmVariantOptions } from '../../src/cells/index';
import { planOf } from '../../src/cells/lstm-plan';
import type * as steps from '../../src/cells/lstm-variant';
import { forwardCellNamed } from '../../src/cells/forward';
import { createCpuKernels, createWasmKernels } from '../../src/kernels/index';
import { generateCorpus, loadModel, predict, saveModel, train } from '../../src/labeling/index';
import { ArgumentError } from '../../src/tensor/index';
import { transcendentals } from '../../src/tensor/math';
import type { Problem } from '../support/cases';
import { casesOf, problemOf, relativeError, worstDifference } from '../support/cases';
import { differences, engine, proveCell } from '../support/engine';
import { forwardModeSolution } from '../support/forward-mode';
import { aloneSolution, chainedSolution } from '../support/laws';
import { brokenLines } from '../support/mutate';
import { SCALAR } from '../support/tape-activations';
import type { Around } from '../support/tape-cells';
import { tapeSolution } from '../support/tape-cells';
import { lstmOnnx } from '../support/tape-variants';

const NAMES = Object.keys(ACTIVATIONS) as ActivationName[];
const CONSTANTS: Readonly<Partial<Record<ActivationName, readonly number[]>>> = {
  Affine: [0.6, 0.1],
  LeakyRelu: [0.2],
  ThresholdedRelu: [0.15],
  ScaledTanh: [1.3, 0.7],
  HardSigmoid: [0.3, 0.4],
  Elu: [0.8],
};
const withConstants = (name: ActivationName) => {
  const [alpha, beta] = CONSTANTS[name] ?? [];
  return { name, ...(alpha !== undefined && { alpha }), ...(beta !== undefined && { beta }) };
};

const VARIANTS: readonly LstmVariantOptions[] = [
  {},
  { peepholes: true },
  { coupled: true },
  { clip: 0.6 },
  { peepholes: true, coupled: true },
  {
    peepholes: true,
    clip: 0.8,
    activations: ['HardSigmoid', 'Softsign', { name: 'ScaledTanh', alpha: 1.2, beta: 0.9 }],
  },
  ...NAMES.map((name): LstmVariantOptions => ({ activations: ['Sigmoid', withConstants(name), withConstants(name)] })),
  { activations: ['HardSigmoid', 'Elu', 'Softplus'], peepholes: true },
];
const named = VARIANTS.map((options) => [createLstm(options).name, options] as const);
for (const options of VARIANTS)
  if (createLstm(options).name !== 'lstm:') proveCell(createLstm(options) as unknown as Cell);

/** The step of a variant on the tape, from the equations of ONNX. */
const tapeStep = (options: LstmVariantOptions): Around => {
  const step = lstmOnnx(options);
  return (tape, _step, params, x, state) => step(tape, params, x, state);
};

describe.each(named.filter(([name]) => name !== 'lstm:'))('%s', (name, options) => {
  const cell = createLstm(options) as unknown as Cell;
  const all = casesOf(name);
  const some = [all[6], all[9], all[17]]; // given forward, given reverse with two layers, learned bidirectional with two layers

  test('is a cell', () => expect(() => expectCell('here', cell)).not.toThrow());

  test.each(some.map((c) => [`${c.initial} ${c.direction} ${c.hidden.length}`, c] as const))(
    'the tape, finite differences, chained steps and lone sequences agree: %s',
    (_, c) => {
      const problem = problemOf(c);
      const solution = engine(problem, cell);
      expect(worstDifference(solution, tapeSolution(problem, tapeStep(options))).error).toBeLessThan(1e-10);
      expect(worstDifference(solution, chainedSolution(problem)).error).toBeLessThan(1e-12);
      expect(worstDifference(solution, aloneSolution(problem)).error).toBeLessThan(1e-12);
      const { failures } = differences(problem, solution.grads, { cell, tolerance: 1e-8, elements: 3 });
      expect(failures.filter(({ kink }) => kink === undefined)).toEqual([]);
    },
  );

  test('forward mode agrees', () => {
    const problem = problemOf({ ...all[6], lengths: [3, 1] });
    expect(worstDifference(engine(problem, cell), forwardModeSolution(problem, cell)).error).toBeLessThan(1e-10);
  });

  test('its equations name its quantities', () => {
    const symbols = cell.quantities.map(({ symbol }) => symbol);
    expect(symbols).toEqual(options.coupled ? ['i', 'g', 'c', 'o', 'q', 'h'] : ['i', 'f', 'g', 'c', 'o', 'q', 'h']);
  });

  test('its name gives it back, for inference too', () => {
    expect(cellNamed(name)).toBe(cell);
    expect(forwardCellNamed(name)).toBe(cell);
  });
});

test('without options it is the LSTM', () => {
  const problem: Problem = problemOf({ ...casesOf('lstm')[6] });
  expect(worstDifference(engine(problem, createLstm() as unknown as Cell), engine(problem, cells.lstm)).error).toBeLessThan(1e-14); // prettier-ignore
});

test.each(NAMES)('%s has the values and slopes of its definition', (name) => {
  const { value, slope, range } = activationOf('here', withConstants(name));
  const [f, df] = SCALAR[name](...((CONSTANTS[name] ?? [0, 0]) as [number, number]));
  const math = transcendentals('float64');
  for (let v = -4.03; v < 4; v += 0.13) {
    const y = value(math, v);
    expect(Math.abs(y - f(v))).toBeLessThan(1e-14);
    expect(Math.abs(slope(math, v, y) - df(v))).toBeLessThan(1e-14);
    expect(y >= range[0] && y <= range[1]).toBe(true);
  }
  expect(Number.isFinite(value(math, 1000)) && Number.isFinite(value(math, -1000))).toBe(true);
});

describe('every backward line, broken', () => {
  const isBackward = (name: string) => /StepBackward$|WeightGradients$/.test(name);
  const lines = brokenLines<typeof steps>('src/cells/lstm-variant.ts', isBackward);
  const probes = [{ peepholes: true }, { peepholes: true, coupled: true }] as const;
  const problems = probes.map((options) => {
    const { name } = createLstm(options);
    return problemOf({ cell: name, initial: 'given', direction: 'forward', hidden: [3], input: 2, lengths: [3, 1] });
  });
  const expected = problems.map((problem, k) => tapeSolution(problem, tapeStep(probes[k])));

  const withSteps = (module: typeof steps, options: LstmVariantOptions): Cell => {
    const plan = planOf(options);
    const { lstmVariantStepBackward: back, lstmVariantWeightGradients: weights } = module;
    return {
      ...createLstm(options),
      stepBackward: (...args: unknown[]) => back(...([plan, ...args] as unknown as Parameters<typeof back>)),
      weightGradients: (...args: unknown[]) => weights(...([plan, ...args] as unknown as Parameters<typeof weights>)),
    } as unknown as Cell;
  };

  test('there is one for every equation', () => {
    expect([...new Set(lines.flatMap(({ equations }) => equations))].sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test.each(lines.map((line) => [`${line.text}: ${line.mistake}`, line] as const))('%s', (_, line) => {
    const worst = problems.map((problem, k) => {
      const { grads } = engine(problem, withSteps(line.load(), probes[k]));
      return Math.max(...Object.keys(grads).map((name) => relativeError(grads[name], expected[k].grads[name])));
    });
    expect(Math.max(...worst)).toBeGreaterThan(1e-9);
  });
});

describe('names', () => {
  const activation = fc.constantFrom(...NAMES).map(withConstants);
  const options = fc.record(
    { peepholes: fc.constant(true), coupled: fc.constant(true), clip: fc.double({ min: 0.01, max: 9, noNaN: true }), activations: fc.tuple(activation, activation, activation) }, // prettier-ignore
    { requiredKeys: [] },
  );

  test('are read back to the same cell, whatever the options', () => {
    fc.assert(
      fc.property(options, (own) => {
        const cell = createLstm(own);
        if (cell.name !== 'lstm:') expect(cellNamed(cell.name)).toBe(cell);
      }),
      { seed: 35, numRuns: 50 },
    );
  });

  test('in another order are the same cell', () => {
    expect(cellNamed('lstm:clip=3,peepholes')).toBe(cellNamed('lstm:peepholes,clip=3'));
    expect(cellNamed('lstm:peepholes,activations=Sigmoid/Tanh/Tanh')).toBe(createLstm({ peepholes: true }));
  });

  test('of activations are read in any case', () => {
    expect(cellNamed('lstm:activations=hardsigmoid/TANH/relu')!.name).toBe('lstm:activations=HardSigmoid/Tanh/Relu');
  });

  test('whose options change nothing are the cell itself', () => {
    expect(cellNamed('lstm:activations=Sigmoid/Tanh/Tanh')).toBe(cells.lstm);
  });

  test.each([
    ['lstm:', /got ''/],
    ['lstm:peephole', /got 'peephole'/],
    ['lstm:peepholes=1', /got 'peepholes=1'/],
    ['lstm:clip', /got 'clip'/],
    ['lstm:clip=0', /clip/],
    ['lstm:clip=x', /clip/],
    ['lstm:peepholes,peepholes', /peepholes is given twice/],
    ['lstm:activations=Tanh/Tanh', /activations must list three/],
    ['lstm:activations=Tanh/Tanh/tan', /must be one of Relu, Tanh/],
    ['lstm:activations=Tanh(1)/Tanh/Tanh', /Tanh has no alpha/],
    ['lstm:activations=Elu(x)/Tanh/Tanh', /alpha of Elu must be a finite number/],
    ['lstm:activations=Elu(1/Tanh/Tanh', /is written/],
    ['lstm:depth=3', /got 'depth=3'/],
  ])('%s is refused', (name, message) => {
    expect(() => cellNamed(name)).toThrow(ArgumentError);
    expect(() => cellNamed(name)).toThrow(message);
  });

  test('options of another kind are refused', () => {
    expect(() => createLstm({ peepholes: 1 as never })).toThrow(/peepholes must be true or false/);
    expect(() => createLstm({ gates: 3 } as never)).toThrow(/unknown key "gates"/);
    expect(() => createLstm({ activations: 'Tanh' as never })).toThrow(/activations must list three/);
    expect(parseActivation('here', 'Affine(0.5;0.1)')).toEqual({ name: 'Affine', alpha: 0.5, beta: 0.1 });
  });
});

test('a model of a variant is trained, saved, loaded and run, on either backend', async () => {
  const corpus = generateCorpus({ sentences: 30, seed: 3 });
  const small = { embedding: 6, hidden: 5, epochs: 1, batch: 8 };
  const wasm = await createWasmKernels();
  for (const kernels of [createCpuKernels(), wasm]) {
    for (const cell of [
      'lstm:clip=3,coupled,peepholes',
      createLstm({ activations: ['HardSigmoid', 'Tanh', 'Tanh'] }) as unknown as Cell,
    ]) {
      const { model } = await train(kernels, { train: corpus }, { ...small, cell });
      const bytes = saveModel(model);
      const loaded = loadModel(bytes);
      expect(loaded.config.body.cell).toBe(typeof cell === 'string' ? 'lstm:peepholes,coupled,clip=3' : cell.name);
      expect(loaded.config.body.ownCell).toBeUndefined();
      const tokens = corpus.map((s) => s.tokens);
      expect(predict(kernels, loaded, tokens)).toEqual(predict(kernels, model, tokens));
      expect(saveModel(loaded)).toEqual(bytes);
    }
  }
  wasm.dispose();
});
