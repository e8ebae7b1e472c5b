/**
 * float32 judged by a derived bound: every output and every gradient of every cell lies within the running error bound of
 * `support/balls.ts` around the exact result of the same float32 inputs. No tolerance is chosen: the bound follows from the
 * formulas, the sizes and the numbers. Then, that it is able to fail, and what it does and does not forgive.
 */
import { cells } from '../../src/cells/index.js';
import type { Cell } from '../../src/cells/index.js';
import type { Kernels } from '../../src/kernels/types.js';
import { linearBackward, linearForward, softmaxLossBackward, softmaxLossForward } from '../../src/layers/index.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, columns, transpose, viewOf } from '../../src/tensor/view.js';
import { audit } from '../support/ball-audit.js';
import { ballNetwork, ballSolution, nodesOf, solutionOf } from '../support/ball-cells.js';
import type { BallSolution } from '../support/ball-cells.js';
import { linear, softmaxLoss } from '../support/ball-loss.js';
import type { Ball } from '../support/balls.js';
import { gradientOf } from '../support/balls.js';
import type { Case, CellName, Problem, Solution } from '../support/cases.js';
import { caseName, cases, CELLS, worstDifference } from '../support/cases.js';
import { kernels as cpu } from '../support/engine.js';
import { float32Backward, float32Engine, float32Forward, roundedProblem } from '../support/float32-engine.js';
import { tapeSolution } from '../support/tape-cells.js';

/** One network for the tests that plant an error. */
const small = (cell: CellName, initial: Case['initial'] = 'given'): Case => {
  return { cell, initial, direction: 'forward', hidden: [3], input: 5, lengths: [2, 4, 1, 3, 6, 1] };
};

/** The exact results: the centres of the balls, as tensors of the problem's shapes. */
function centres({ outputs, grads }: BallSolution, { tensors, cotangents }: Problem): Solution {
  const tensorsOf = (balls: BallSolution['grads'], like: Problem['tensors']): Record<string, Tensor> => {
    const named = Object.entries(balls).map(([name, list]): [string, Tensor] => {
      return [
        name,
        viewOf(
          Float64Array.from(list, ({ value }) => value),
          like[name].shape,
        ),
      ];
    });
    return Object.fromEntries(named);
  };
  return { outputs: tensorsOf(outputs, cotangents), grads: tensorsOf(grads, tensors) };
}

describe('every output and every gradient lies in its ball', () => {
  const widths: number[] = [];

  it.each(cases.map((c) => [caseName(c), c] as const))('%s', (_, c) => {
    const problem = roundedProblem(c);
    const balls = ballSolution(problem);
    expect(worstDifference(centres(balls, problem), tapeSolution(roundedProblem(c, 'float64'))).error).toBeLessThan(
      1e-13,
    );
    const { outside, used, width } = audit(float32Engine(problem), balls);
    expect(outside).toEqual([]);
    // Cells and products round less often than the bound allows for; they use a twentieth to a half of it.
    expect(used).toBeGreaterThan(0.02);
    widths.push(...Object.values(width));
  });

  it('and the balls are small: most below 1e-4 of the largest element of their tensor, the widest below 1e-2', () => {
    const wide = widths.filter((width) => width >= 1e-4).length;
    expect(wide / widths.length).toBeLessThan(0.15);
    expect(Math.max(...widths)).toBeLessThan(1e-2);
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
    stepForward(kernels, params, prev, cache, next) {
      cell.stepForward(kernels, params, prev, cache, next);
      scale(next.h);
    },
  });
  const backwardOff = (cell: Cell): Cell => ({
    ...cell,
    stepBackward(kernels, params, prev, cache, next, dNext, dPrev) {
      cell.stepBackward(kernels, params, prev, cache, next, dNext, dPrev);
      scale(columns(cache.da, 0, prev.h.shape[1]));
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

it.each(CELLS)('%s with linear layer and softmax loss, from the inputs to the loss and back', (name) => {
  const c: Case = { ...small(name, 'learned'), direction: 'bidirectional', hidden: [3, 2] };
  const problem = roundedProblem(c);
  const K = 4;
  const rng = createRng(20260805);
  const normal = (shape: number[]): Tensor =>
    viewOf(
      Float32Array.from({ length: shape.reduce((m, n) => m * n) }, () => rng.normal()),
      shape,
    );
  const head = { W: normal([4, K]), b: normal([K]) };
  const targets = Int32Array.from(problem.tensors.x.data.slice(0, 17), () => rng.integer(K + 1) - 1);
  const options = { labelSmoothing: 0.1, classWeights: [0.5, 1.3, 0.7, 2] };

  const pass = float32Forward(problem, {});
  const logits = linearForward(cpu, head, pass.outputs.y);
  const forward = softmaxLossForward(logits, targets, options);
  const dLogits = allocate(logits.shape, 'float32');
  softmaxLossBackward(forward, dLogits);
  const dHead = { W: allocate([4, K], 'float32'), b: allocate([K], 'float32') };
  const dY = allocate(pass.outputs.y.shape, 'float32');
  linearBackward(cpu, head, pass.outputs.y, dLogits, dHead, dY);
  const grads = float32Backward(problem, pass, { y: dY }, {});

  const network = ballNetwork(problem);
  const y = Array.from({ length: targets.length }, (_, n) => network.outputs.y.slice(4 * n, 4 * n + 4));
  const nodes = nodesOf(network.tape, head);
  const rows = linear(network.tape, y, nodes.W.nodes, nodes.b.nodes);
  const found = softmaxLoss(rows, [...targets], options);
  network.tape.backward();
  const solution = solutionOf(network);
  const balls: BallSolution = {
    outputs: {
      ...solution.outputs,
      logits: rows.flat().map(({ ball }) => ball),
      loss: [found.loss],
      probabilities: found.probabilities,
    },
    grads: {
      ...solution.grads,
      W: nodes.W.nodes.map(gradientOf),
      b: nodes.b.nodes.map(gradientOf),
      logits: rows.flat().map(gradientOf),
    },
  };
  const { probabilities } = forward;
  const outputs = { ...pass.outputs, logits, probabilities, loss: viewOf(Float64Array.of(forward.loss), [1]) };
  const { outside, used } = audit({ outputs, grads: { ...grads, ...dHead, logits: dLogits } }, balls);
  expect(outside).toEqual([]);
  expect(used).toBeGreaterThan(0.02);
});

const indexOfWidest = (balls: readonly Ball[]): number =>
  balls.reduce((widest, { radius }, i) => (radius > balls[widest].radius ? i : widest), 0);

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Cuts off all but the 11 leading bits of the significand. */
function cutToTf32(x: number): number {
  float[0] = x;
  bits[0] &= 0xffffe000;
  return float[0];
}

/** Kernels that round every product and every sum to float32 and sum from the last term; `factor` is applied to factors. */
function rounding(factor: (x: number) => number): Kernels {
  const addMatmul = (out: Tensor, a: Tensor, b: Tensor): void => {
    const at = (x: Tensor, i: number, j: number): number => x.offset + i * x.stride[0] + j * x.stride[1];
    for (let m = 0; m < out.shape[0]; m++) {
      for (let n = 0; n < out.shape[1]; n++) {
        for (let k = a.shape[1] - 1; k >= 0; k--) {
          out.data[at(out, m, n)] += Math.fround(factor(a.data[at(a, m, k)]) * factor(b.data[at(b, k, n)]));
        }
      }
    }
  };
  return {
    backend: 'rounding',
    dtypes: ['float32'],
    addMatmul,
    addMatmulTA: (out, a, b) => addMatmul(out, transpose(a), b),
    addMatmulTB: (out, a, b) => addMatmul(out, a, transpose(b)),
    dispose: () => {},
  };
}
