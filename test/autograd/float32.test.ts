/**
 * float32 judged by a derived bound: every output and every gradient of every cell lies within the running error bound of
 * `support/balls.ts` around the exact result of the same float32 inputs. No tolerance is chosen: the bound follows from the
 * formulas, the sizes and the numbers. Then, that it is able to fail, and what it does and does not forgive.
 */
import { cells } from '../../src/cells/index.js';
import type { Cell } from '../../src/cells/index.js';
import { linearBackward, linearForward, softmaxLossBackward, softmaxLossForward } from '../../src/layers/index.js';
import type { SoftmaxLossOptions } from '../../src/layers/index.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, columns, sizeOf, viewOf } from '../../src/tensor/view.js';
import { audit } from '../support/ball-audit.js';
import { ballNetwork, ballSolution, nodesOf, solutionOf } from '../support/ball-cells.js';
import type { BallSolution } from '../support/ball-cells.js';
import { linear, softmaxLoss } from '../support/ball-loss.js';
import type { Ball } from '../support/balls.js';
import { gradientOf } from '../support/balls.js';
import type { Case, CellName, Problem, Solution } from '../support/cases.js';
import { caseName, cases, CELLS, worstDifference } from '../support/cases.js';
import { kernels as cpu } from '../support/engine.js';
import {
  cutToTf32,
  float32Backward,
  float32Engine,
  float32Forward,
  rounding,
  roundedProblem,
} from '../support/float32-engine.js';
import { tapeSolution } from '../support/tape-cells.js';

/** One network for the tests that plant an error. */
const small = (cell: CellName, initial: Case['initial'] = 'given'): Case => {
  return { cell, initial, direction: 'forward', hidden: [3], input: 5, lengths: [2, 4, 1, 3, 6, 1] };
};

/** The exact results: the centres of the balls, as tensors of the problem's shapes. */
function centres({ outputs, grads }: BallSolution, { tensors, cotangents }: Problem): Solution {
  const tensorsOf = (balls: BallSolution['grads'], like: Problem['tensors']): Record<string, Tensor> => {
    const named = Object.entries(balls).map(([name, list]): [string, Tensor] => {
      const values = list.map(({ value }) => value);
      return [name, viewOf(Float64Array.from(values), like[name].shape)];
    });
    return Object.fromEntries(named);
  };
  return { outputs: tensorsOf(outputs, cotangents), grads: tensorsOf(grads, tensors) };
}

describe('every output and every gradient lies in its ball', () => {
  it.each(cases.map((c) => [caseName(c), c] as const))('%s', (_, c) => {
    const problem = roundedProblem(c);
    const balls = ballSolution(problem);
    const inFloat64 = tapeSolution(roundedProblem(c, 'float64'));
    expect(worstDifference(centres(balls, problem), inFloat64).error).toBeLessThan(1e-13);
    const { outside, used, width } = audit(float32Engine(problem), balls);
    expect(outside).toEqual([]);
    // Cells and products round less often than the bound allows for: they use 4 to 44 % of it.
    expect(used).toBeGreaterThan(0.02);
    // The balls are small. Over all cases: 1.6e-5 of the largest element of a tensor in the median, below 1e-4 in nine
    // tensors of ten, 3.2e-3 at most, where a sum nearly cancels.
    const widths = Object.values(width).sort((p, q) => p - q);
    expect(widths[widths.length >> 1]).toBeLessThan(2e-4);
    expect(widths[widths.length - 1]).toBeLessThan(5e-3);
  });
});

describe('what the bound does not forgive', () => {
  it.each(CELLS)('%s: an error of four radii in a single element, and it names the tensor', (name) => {
    for (const initial of ['given', 'learned'] as const) {
      const problem = roundedProblem(small(name, initial));
      const balls = ballSolution(problem);
      for (const kind of ['outputs', 'grads'] as const) {
        for (const [tensor, list] of Object.entries(balls[kind])) {
          const solution = float32Engine(problem);
          const label = kind === 'grads' ? `gradient of ${tensor}` : tensor;
          const element = indexOfWidest(list);
          solution[kind][tensor].data[element] += 4 * list[element].radius;
          const { outside, at, used } = audit(solution, balls);
          expect({ outside, at }).toEqual({ outside: [label], at: `${label} [${element}]` });
          expect(used).toBeGreaterThan(3);
          expect(used).toBeLessThan(5);
        }
      }
    }
  });

  it('a NaN, an element too few and a tensor too many', () => {
    const problem = roundedProblem(small('lstm'));
    const balls = ballSolution(problem);
    const { outputs, grads } = float32Engine(problem);
    const b = 'layers.0.forward.b';
    const withB = (data: Float32Array): Solution => ({
      outputs,
      grads: { ...grads, [b]: viewOf(data, [data.length]) },
    });
    const undone = Float32Array.from(grads[b].data);
    undone[7] = NaN;
    expect(audit(withB(undone), balls)).toMatchObject({ outside: [`gradient of ${b}`], used: Infinity });
    expect(() => audit(withB(new Float32Array(11)), balls)).toThrow('11 elements, 12 balls');
    expect(() => audit({ outputs: { ...outputs, z: outputs.y }, grads }, balls)).toThrow('other outputs than expected');
  });

  const FACTOR = 1.001;
  const scale = ({ data, shape: [R, W], stride, offset }: Tensor): void => {
    for (let r = 0; r < R; r++) for (let j = 0; j < W; j++) data[offset + r * stride[0] + j * stride[1]] *= FACTOR;
  };
  const forwardOff = (cell: Cell): Cell => ({
    ...cell,
    stepForward(kernels, params, prev, saved, next) {
      cell.stepForward(kernels, params, prev, saved, next);
      scale(next.h);
    },
  });
  const backwardOff = (cell: Cell): Cell => ({
    ...cell,
    stepBackward(kernels, params, prev, saved, next, dNext, dPrev) {
      cell.stepBackward(kernels, params, prev, saved, next, dNext, dPrev);
      scale(columns(saved.da, 0, prev.h.shape[1]));
    },
  });

  it.each(CELLS)('%s: outputs that are a thousandth too large', (name) => {
    const problem = roundedProblem(small(name));
    const { outside } = audit(float32Engine(problem, { cell: forwardOff(cells[name]) }), ballSolution(problem));
    expect(outside).toEqual(expect.arrayContaining(['final.0.forward.h', 'y']));
  });

  it.each(CELLS)(
    '%s: the gradient of one gate that is a thousandth too large, and it names what comes of it',
    (name) => {
      const problem = roundedProblem(small(name));
      const { outside } = audit(float32Engine(problem, { cell: backwardOff(cells[name]) }), ballSolution(problem));
      const wrong = name === 'gru' ? ['Wx', 'b'] : ['Wx', 'Wh', 'b']; // the GRU's dWh comes of another tensor
      expect(outside).toEqual(['x', ...wrong.map((p) => `layers.0.forward.${p}`)].map((p) => `gradient of ${p}`));
    },
  );

  it.each(CELLS)('%s: products of factors cut to 11 significant bits, the TF32 of some accelerators', (name) => {
    const problem = roundedProblem(small(name));
    const { outside } = audit(float32Engine(problem, { kernels: rounding(cutToTf32) }), ballSolution(problem));
    expect(outside).toEqual(expect.arrayContaining(['y', 'gradient of x', 'gradient of layers.0.forward.Wh']));
  });
});

it.each(CELLS)('%s: the bound does forgive products rounded at every step, and summed backward', (name) => {
  const problem = roundedProblem(small(name));
  const balls = ballSolution(problem);
  const kernels = rounding((x) => x);
  expect(audit(float32Engine(problem, { kernels }), balls).outside).toEqual([]);
});

describe('with linear layer and softmax loss, from the inputs to the loss and back', () => {
  const rng = createRng(20260805);
  const [K, width] = [5, 4];
  const normal = (shape: number[]): Tensor => {
    const values = Array.from({ length: sizeOf(shape) }, () => rng.normal());
    return viewOf(Float32Array.from(values), shape);
  };
  const head = { W: normal([width, K]), b: normal([K]) };
  const targets = [3, 0, -1, 2, 4, 1, 1, -1, 0, 3, 2, 4, 4, 0, 2, -1, 1];
  const loss = { labelSmoothing: 0.1, classWeights: [0.5, 1.3, 0.7, 2, 1] };
  const problemFor = (name: CellName): Problem =>
    roundedProblem({ ...small(name, 'learned'), direction: 'bidirectional', hidden: [3, width / 2] });

  function found(problem: Problem, options: SoftmaxLossOptions): Solution {
    const pass = float32Forward(problem, {});
    const { y } = pass.outputs;
    const logits = linearForward(cpu, head, y);
    const forward = softmaxLossForward(cpu, logits, Int32Array.from(targets), options);
    const dLogits = allocate(logits.shape, 'float32');
    softmaxLossBackward(cpu, forward, dLogits);
    const dHead = { W: allocate([width, K], 'float32'), b: allocate([K], 'float32') };
    const dY = allocate(y.shape, 'float32');
    linearBackward(cpu, head, y, dLogits, dHead, dY);
    const { probabilities } = forward;
    return {
      outputs: { ...pass.outputs, logits, probabilities, loss: viewOf(Float64Array.of(forward.loss), [1]) },
      grads: { ...float32Backward(problem, pass, { y: dY }, {}), ...dHead, logits: dLogits },
    };
  }

  function expected(problem: Problem): BallSolution {
    const network = ballNetwork(problem);
    const { W, b } = nodesOf(network.tape, head);
    const y = targets.map((_, n) => network.outputs.y.slice(n * width, (n + 1) * width));
    const logits = linear(network.tape, y, W.nodes, b.nodes);
    const scalars = softmaxLoss(logits, targets, loss);
    network.tape.backward();
    const { outputs, grads } = solutionOf(network);
    const { probabilities } = scalars;
    const values = logits.flat().map(({ ball }) => ball);
    return {
      outputs: { ...outputs, logits: values, probabilities, loss: [scalars.loss] },
      grads: {
        ...grads,
        W: W.nodes.map(gradientOf),
        b: b.nodes.map(gradientOf),
        logits: logits.flat().map(gradientOf),
      },
    };
  }

  it.each(CELLS)('%s', (name) => {
    const problem = problemFor(name);
    const { outside, used, width } = audit(found(problem, loss), expected(problem));
    expect(outside).toEqual([]);
    expect(used).toBeGreaterThan(0.02);
    expect(width.loss).toBeLessThan(1e-3);
  });

  it('a smoothing of 0.101 instead of 0.1 is rejected, in the loss and in what comes of its gradient', () => {
    const problem = problemFor('lstm');
    const { outside } = audit(found(problem, { ...loss, labelSmoothing: 0.101 }), expected(problem));
    expect(outside.slice(0, 2)).toEqual(['loss', 'gradient of x']);
    expect(outside.slice(-3)).toEqual(['gradient of W', 'gradient of b', 'gradient of logits']);
  });
});

const indexOfWidest = (balls: readonly Ball[]): number =>
  balls.reduce((widest, { radius }, i) => (radius > balls[widest].radius ? i : widest), 0);
