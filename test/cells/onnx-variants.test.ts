/**
 * RNN and GRU with the activations and the clip of ONNX: the tape with activations of its own, finite differences, forward mode, chained
 * steps, lone sequences, every backward line broken, names and models.
 */
import { ACTIVATIONS } from '../../src/cells/activations';
import type { Activation, ActivationName } from '../../src/cells/activations';
import { gruPlanOf } from '../../src/cells/gru-plan';
import type * as before from '../../src/cells/gru-reset-before-variant';
import type * as after from '../../src/cells/gru-variant';
import { cellNamed, cells, createGru, createRnn, expectCell } from '../../src/cells/index';
import type { Cell } from '../../src/cells/index';
import type * as simple from '../../src/cells/rnn-variant';
import { rnnPlanOf } from '../../src/cells/rnn-variant';
import { createCpuKernels } from '../../src/kernels/index';
import { generateCorpus, loadModel, predict, saveModel, train } from '../../src/labeling/index';
import { ArgumentError } from '../../src/tensor/index';
import { casesOf, problemOf, relativeError, worstDifference } from '../support/cases';
import { differences, engine, proveCell } from '../support/engine';
import { forwardModeSolution } from '../support/forward-mode';
import { aloneSolution, chainedSolution } from '../support/laws';
import { brokenLines } from '../support/mutate';
import type { Around, TapeStep } from '../support/tape-cells';
import { tapeSolution } from '../support/tape-cells';
import { gruOnnx, rnnOnnx } from '../support/tape-variants';

type Act = ActivationName | Activation;

/** A variant, and its step on the tape, from the equations of ONNX. */
interface Variant {
  readonly cell: Cell;
  readonly step: Around;
}

/** A step of its own in place of the tape's. */
const inPlace =
  (step: TapeStep): Around =>
  (tape, _step, params, x, state) =>
    step(tape, params, x, state);

function rnnVariant(activation: Act, clip?: number): Variant {
  const cell = createRnn({ activation, ...(clip && { clip }) }) as unknown as Cell;
  return { cell, step: inPlace(rnnOnnx(activation, clip)) };
}

function gruVariant(resetBefore: boolean, activations: readonly [Act, Act], clip?: number): Variant {
  const cell = createGru({ resetBefore, activations, ...(clip && { clip }) });
  return { cell, step: inPlace(gruOnnx(resetBefore, activations, clip)) };
}

const ODD: Activation = { name: 'ScaledTanh', alpha: 1.2, beta: 0.9 };
const VARIANTS = [
  ...(Object.keys(ACTIVATIONS) as ActivationName[]).filter((name) => name !== 'Tanh').map((name) => rnnVariant(name)),
  rnnVariant('Tanh', 0.5),
  ...[false, true].flatMap((resetBefore) => [
    gruVariant(resetBefore, ['Sigmoid', 'Tanh'], 0.6),
    gruVariant(resetBefore, ['HardSigmoid', 'Softsign']),
    gruVariant(resetBefore, [{ name: 'Affine', alpha: 0.3, beta: 0.4 }, ODD], 0.9),
  ]),
];
for (const { cell } of VARIANTS) proveCell(cell);

describe.each(VARIANTS.map((each) => [each.cell.name, each] as const))('%s', (name, { cell, step }) => {
  const all = casesOf(name);

  test('is a cell, and its name gives it back', () => {
    expect(() => expectCell('here', cell)).not.toThrow();
    expect(cellNamed(name)).toBe(cell);
  });

  test('the tape, finite differences, chained steps and lone sequences agree', () => {
    for (const c of [all[6], all[17]]) {
      const problem = problemOf(c); // given forward; learned bidirectional with two layers
      const solution = engine(problem);
      expect(worstDifference(solution, tapeSolution(problem, step)).error).toBeLessThan(1e-10);
      expect(worstDifference(solution, chainedSolution(problem)).error).toBeLessThan(1e-12);
      expect(worstDifference(solution, aloneSolution(problem)).error).toBeLessThan(1e-12);
      const { failures } = differences(problem, solution.grads, { tolerance: 1e-8, elements: 2 });
      expect(failures.filter(({ kink }) => kink === undefined)).toEqual([]);
    }
  });

  test('forward mode agrees', () => {
    const problem = problemOf({ ...all[6], lengths: [3, 1] });
    expect(worstDifference(engine(problem), forwardModeSolution(problem, cell)).error).toBeLessThan(1e-10);
  });
});

test.each([
  ['rnn', createRnn() as unknown as Cell],
  ['rnn-relu', createRnn({ activation: 'Relu' }) as unknown as Cell],
  ['gru', createGru()],
  ['gru-reset-before', createGru({ resetBefore: true })],
])('with its own activations a variant is the cell %s', (name, variant) => {
  const problem = problemOf(casesOf(name)[6]);
  expect(worstDifference(engine(problem, variant), engine(problem, cells[name])).error).toBeLessThan(1e-14);
});

describe('every backward line, broken', () => {
  const isBackward = (name: string) => /StepBackward$/.test(name);
  const [rnn, gru, reset] = [rnnVariant('Softsign'), gruVariant(false, ['HardSigmoid', ODD]), gruVariant(true, ['HardSigmoid', ODD])]; // prettier-ignore
  const gruPlan = (resetBefore: boolean) => gruPlanOf({ resetBefore, activations: ['HardSigmoid', ODD] });
  type Steps = (...args: unknown[]) => void;
  const of = (variant: Variant, back: unknown, plan: unknown, takesPrev: boolean): Variant => ({
    ...variant,
    cell: {
      ...variant.cell,
      stepBackward: (k, params, prev, saved, next, dNext, dPrev) =>
        (back as Steps)(plan, k, params, ...(takesPrev ? [prev, saved] : [saved, next]), dNext, dPrev),
    },
  });
  const broken = [
    ...brokenLines<typeof simple>('src/cells/rnn-variant.ts', isBackward).map((line) => ({ file: 'rnn', line, load: () => of(rnn, line.load().rnnVariantStepBackward, rnnPlanOf({ activation: 'Softsign' }), false) })), // prettier-ignore
    ...brokenLines<typeof after>('src/cells/gru-variant.ts', isBackward).map((line) => ({ file: 'gru', line, load: () => of(gru, line.load().gruVariantStepBackward, gruPlan(false), true) })), // prettier-ignore
    ...brokenLines<typeof before>('src/cells/gru-reset-before-variant.ts', isBackward).map((line) => ({ file: 'reset', line, load: () => of(reset, line.load().gruResetBeforeVariantStepBackward, gruPlan(true), true) })), // prettier-ignore
  ];

  const worst = ({ cell, step }: Variant): number => {
    proveCell(cell);
    const problem = problemOf({ cell: cell.name, initial: 'given', direction: 'forward', hidden: [3], input: 2, lengths: [3, 1] }); // prettier-ignore
    const [{ grads }, expected] = [engine(problem, cell), tapeSolution(problem, step)];
    return Math.max(...Object.keys(grads).map((name) => relativeError(grads[name], expected.grads[name])));
  };

  test.each([
    ['rnn', [1, 2]],
    ['gru', [1, 2, 3, 4]],
    ['reset', [1, 2, 3, 4, 5]],
  ])('%s: there is one for every equation', (file, numbers) => {
    const lines = broken.filter((each) => each.file === file);
    expect([...new Set(lines.flatMap(({ line }) => line.equations))].sort()).toEqual(numbers);
  });

  test('unbroken they are right', () => {
    for (const variant of [rnn, gru, reset]) expect(worst(variant)).toBeLessThan(1e-10);
  });

  test.each(broken.map((each) => [`${each.file}: ${each.line.text}: ${each.line.mistake}`, each] as const))(
    '%s',
    (_, { load }) => expect(worst(load())).toBeGreaterThan(1e-9),
  );
});

describe('names', () => {
  test.each([
    ['rnn:activation=relu', 'rnn:activation=Relu'],
    ['rnn:clip=2,activation=leakyrelu(0.2)', 'rnn:activation=LeakyRelu(0.2),clip=2'],
    ['rnn:activation=Tanh', 'rnn'],
    ['gru:activations=Sigmoid/Tanh', 'gru'],
    ['gru-reset-before:clip=1,activations=hardsigmoid/tanh', 'gru-reset-before:activations=HardSigmoid/Tanh,clip=1'],
  ])('%s is %s', (given, name) => {
    expect(cellNamed(given)!.name).toBe(name);
    expect(cellNamed(name)).toBe(cellNamed(given));
  });

  test.each([
    ['rnn:', /got ''/],
    ['rnn:activations=Tanh', /expected activation=Tanh or clip=x after rnn:, separated by commas/],
    ['rnn:activation=Tan', /must be one of Relu, Tanh/],
    ['rnn:peepholes', /got 'peepholes'/],
    ['rnn:clip=0', /clip/],
    ['gru:activations=Tanh', /activations must list two/],
    ['gru:layernorm,clip=1', /layernorm cannot be combined with other options: leave out clip/],
    ['gru-reset-before:layernorm', /got 'layernorm'/],
  ])('%s is refused', (name, message) => {
    expect(() => cellNamed(name)).toThrow(ArgumentError);
    expect(() => cellNamed(name)).toThrow(message);
  });

  test('options of another kind are refused', () => {
    expect(() => createGru({ resetBefore: 1 as never })).toThrow(/resetBefore must be true or false/);
    expect(() => createGru({ peepholes: true } as never)).toThrow(/unknown key "peepholes"/);
    expect(() => createRnn({ activation: 'Tan' as never })).toThrow(/must be one of Relu/);
  });
});

test.each(['rnn:activation=Softsign', 'gru:activations=HardSigmoid/Tanh,clip=4', 'gru-reset-before:clip=4'])(
  'a model of %s is trained, saved, loaded and run',
  async (cell) => {
    const kernels = createCpuKernels();
    const corpus = generateCorpus({ sentences: 20, seed: 3 });
    const { model } = await train(kernels, { train: corpus }, { embedding: 5, hidden: 4, epochs: 1, batch: 8, cell });
    const loaded = loadModel(saveModel(model));
    expect([loaded.config.body.cell, loaded.config.body.ownCell]).toEqual([cell, undefined]);
    const tokens = corpus.map((s) => s.tokens);
    expect(predict(kernels, loaded, tokens)).toEqual(predict(kernels, model, tokens));
  },
);
