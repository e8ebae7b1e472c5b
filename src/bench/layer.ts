/**
 * The suite `layer`: one recurrent layer over sequences of equal length, forward, and forward with backward (the gradients
 * of input and parameters), in tokens (T·B) per second.
 */
import { flatten, packingOf, unroll, unrollBackward, zeroGrads } from '../autograd/index.js';
import type { Packing, TensorRecord } from '../autograd/index.js';
import { cells } from '../cells/index.js';
import type { CellParams } from '../cells/index.js';
import { createCpuKernels } from '../kernels/index.js';
import type { Kernels } from '../kernels/index.js';
import { allocate, copy, createRng, maxAbs } from '../tensor/index.js';
import type { DType, Tensor } from '../tensor/index.js';
import { passes, rightPeers } from './check.js';
import { decode, elements, encode, matrix, randomNumbers } from './numbers.js';
import type { Peer } from './peers.js';
import type { Expected } from './reference.js';
import { expected, faultIn } from './reference.js';
import { sampling } from './timing.js';
import type { Backend, Contestant, Context, SuiteParts } from './types.js';
import { backendsOf } from './types.js';

const CELLS = ['lstm', 'gru', 'rnn'];
/** [T, B, I, H] */
const SHAPES: readonly Shape[] = [
  [30, 32, 128, 128],
  [50, 64, 256, 256],
  [20, 1, 128, 128],
  [64, 32, 128, 256],
];
const PHASES = ['forward', 'both'] as const;
type Shape = readonly [T: number, B: number, I: number, H: number];
type Phase = (typeof PHASES)[number];

interface Layer {
  readonly cell: string;
  readonly shape: Shape;
  readonly params: CellParams;
  readonly packing: Packing;
  readonly x: Tensor;
  readonly dY: Tensor;
}

/** The races of the suite. Cases are named `forward-lstm-30x32x128x128`: T×B×I×H. */
export async function* layer(context: Context): SuiteParts {
  for (const cell of CELLS) {
    for (const shape of SHAPES) {
      const label = (phase: Phase): string =>
        `${phase === 'both' ? 'forward+backward' : phase}-${cell}-${shape.join('x')}`;
      const large = shape[0] * shape[1] * (shape[2] + shape[3]) * shape[3] > 2 ** 25;
      const phases = PHASES.filter((phase) => context.wants(label(phase)) && !(context.quick && large));
      if (phases.length === 0) continue;
      context.progress(`layer ${label(phases[0])}: checking`, 0, 1);
      const problem = createLayer(cell, shape);
      const reference = referenceOf(problem);
      const able = ownBackends(context, problem, reference);
      for (const phase of phases) {
        const own = able.map(({ system, backend, kernels, graphics }): Contestant => {
          const { act, close } = actOf(kernels, problem, phase);
          return {
            system,
            version: context.version,
            backend,
            threads: 1,
            ...graphics?.place,
            sample: sampling(act),
            close,
          };
        });
        const contestants = [...own, ...(await peerContestants(context, label(phase), phase, problem, reference))];
        const work = shape[0] * shape[1];
        yield { suite: 'layer', case: label(phase), metric: 'tokens/s', work, contestants };
      }
    }
  }
}

function createLayer(cell: string, shape: Shape): Layer {
  const [T, B, I, H] = shape;
  return {
    cell,
    shape,
    params: cells[cell].initialize(I, H, createRng(7)),
    packing: packingOf(new Int32Array(B).fill(T)),
    x: matrix(randomNumbers(T * B * I, 8), T * B, I),
    dY: matrix(randomNumbers(T * B * H, 9), T * B, H),
  };
}

/**
 * One pass over copies in the backend's own memory, if it has one, as in training. With `both`, gradients of parameters
 * accumulate from call to call.
 */
function actOf(kernels: Kernels, problem: Layer, phase: Phase): { act: () => void; close: () => void } {
  const { cell, packing } = problem;
  const params = copies(problem.params, 'float32');
  const grads = zeroGrads(params);
  const [x, dY] = [copy(problem.x), copy(problem.dY)];
  const [T, B, I, H] = problem.shape;
  const tensors = [...Object.values(params), ...Object.values(grads), x, dY];
  const frameBytes = 4 * T * B * (2 * I + 16 * H); // more than any cell stores, plus gradients of the same size
  const close = kernels.adopt(tensors, frameBytes);
  const pass = (): void => {
    const keep = phase === 'forward' ? 'nothing' : 'gradients';
    const unrolled = unroll(kernels, cells[cell], params as CellParams, x, packing, { keep });
    if (phase === 'forward') return;
    const dX = kernels.zeros(x.shape, x);
    unrollBackward(kernels, unrolled, dY, grads as CellParams, { dX });
  };
  return { act: () => kernels.frame(pass), close };
}

/** Output, gradient of the input, and gradients of the parameters, by name. */
function answersOf(kernels: Kernels, problem: Layer, dtype: DType): Record<string, Tensor> {
  const { cell, packing } = problem;
  const [x, dY] = [copy(problem.x, dtype), copy(problem.dY, dtype)];
  const params = copies(problem.params, dtype);
  const grads = zeroGrads(params);
  const dX = allocate(x.shape as number[], dtype);
  const unrolled = unroll(kernels, cells[cell], params as CellParams, x, packing, { keep: 'gradients' });
  unrollBackward(kernels, unrolled, dY, grads as CellParams, { dX });
  return { y: unrolled.y, dX, ...grads };
}

function copies(params: CellParams, dtype: DType): TensorRecord {
  return Object.fromEntries(Object.entries(flatten(params)).map(([name, p]) => [name, copy(p, dtype)]));
}

function referenceOf(problem: Layer): Readonly<Record<string, Expected>> {
  const kernels = createCpuKernels();
  const [exact, rounded] = (['float64', 'float32'] as const).map((dtype) => answersOf(kernels, problem, dtype));
  const of = (name: string) =>
    expected(elements(copy(exact[name])), elements(copy(rounded[name])), maxAbs(exact[name]));
  return Object.fromEntries(Object.keys(exact).map((name) => [name, of(name)]));
}

/** The backends whose values and gradients are right. */
function ownBackends(context: Context, problem: Layer, reference: Readonly<Record<string, Expected>>): Backend[] {
  const label = `layer ${problem.cell} ${problem.shape.join('x')}`;
  return backendsOf(context, 'layer').filter(({ system, kernels }) => {
    if (kernels.backend === 'cpu') return true; // the float32 side of the reference itself
    return passes(context, label, system, () => {
      const answers = Object.entries(answersOf(kernels, problem, 'float32'));
      const faults = answers.map(([name, x]) => faultIn(`values of ${name}`, elements(copy(x)), reference[name]));
      return faults.find((each) => each !== undefined);
    });
  });
}

/** The peers whose output and input gradient are right. */
function peerContestants(
  context: Context,
  label: string,
  phase: Phase,
  problem: Layer,
  reference: Readonly<Record<string, Expected>>,
): Promise<Peer[]> {
  const text = (x: Tensor) => encode(elements(x) as Float32Array);
  const [T, B, I, H] = problem.shape;
  const params = Object.fromEntries(Object.entries(problem.params).map(([name, p]) => [name, text(p as Tensor)]));
  const request = { phase, cell: problem.cell, T, B, I, H, x: text(problem.x), dY: text(problem.dY), params };
  return rightPeers(context, 'layer', `layer ${label}`, request, ({ y, dX }) => {
    const fault = faultIn('values of y', decode(y), reference.y);
    return fault ?? (phase === 'both' ? faultIn('values of dX', decode(dX), reference.dX) : undefined);
  });
}
