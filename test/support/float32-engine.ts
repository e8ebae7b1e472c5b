/** The engine on the problems of `cases.ts` with all numbers rounded to float32. Kernels and cell may be replaced. */
import { completeKernels } from '../../src/kernels/complete.js';
import { packingOf } from '../../src/autograd/packing.js';
import type { Keep, Unrolled } from '../../src/autograd/layout.js';
import { unrollAsync, unrollBackwardAsync } from '../../src/autograd/devices.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { cells } from '../../src/cells/index.js';
import type { Cell, CellParams, State } from '../../src/cells/index.js';
import type { AsyncKernels, Kernels } from '../../src/kernels/types.js';
import type { DType, Tensor } from '../../src/tensor/types.js';
import { allocate, columns, flatCopy, transpose, viewOf } from '../../src/tensor/view.js';
import type { Case, Problem, Solution } from './cases.js';
import { directionsOf, part, problemOf } from './cases.js';
import { kernels as cpu } from './engine.js';

type Tensors = Readonly<Record<string, Tensor>>;

export interface Choices {
  readonly kernels?: Kernels;
  readonly cell?: Cell;
  /** Whether layers may run whole, their steps out of sight. */
  readonly keep?: Keep;
}

/** A forward pass: what it found, and each `unroll` by layer and direction. */
export interface Pass {
  readonly outputs: Tensors;
  readonly unrolled: readonly (readonly Unrolled[])[];
}

/** The problem of a case with all numbers rounded to float32; in `float64` the rounded numbers are stored wide. */
export function roundedProblem(c: Case, dtype: DType = 'float32'): Problem {
  const { tensors, cotangents } = problemOf(c);
  const round = ({ data, shape }: Tensor): Tensor => {
    const narrow = Float32Array.from(data);
    return viewOf(dtype === 'float32' ? narrow : Float64Array.from(narrow), shape);
  };
  return { case: c, tensors: mapTensors(tensors, round), cotangents: mapTensors(cotangents, round) };
}

/** Outputs and gradients. */
export function float32Engine(problem: Problem, choices: Choices = {}): Solution {
  const pass = float32Forward(problem, choices);
  return { outputs: pass.outputs, grads: float32Backward(problem, pass, problem.cotangents, choices) };
}

/** `float32Engine` with products and layers on an asynchronous device. */
export async function float32EngineAsync(problem: Problem, device: AsyncKernels, choices: Choices): Promise<Solution> {
  const { case: c, tensors, cotangents } = problem;
  const { kernels = cpu, keep } = choices;
  const packing = packingOf(c.lengths);
  const outputs: Record<string, Tensor> = {};
  const unrolled: Unrolled[][] = [];
  let x = tensors.x;
  for (let l = 0; l < c.hidden.length; l++) {
    unrolled[l] = [];
    for (const direction of directionsOf(c)) {
      const initial = c.initial === 'given' ? (part(tensors, `initial.${l}.${direction}`) as State) : undefined;
      const params = part(tensors, `layers.${l}.${direction}`) as CellParams;
      const options = { direction, initial, keep };
      const run = await unrollAsync(device, kernels, cells[c.cell], params, x, packing, options);
      for (const [state, final] of Object.entries(run.final)) outputs[`final.${l}.${direction}.${state}`] = final;
      unrolled[l].push(run);
    }
    x = beside(unrolled[l].map(({ y }) => y));
  }
  const grads = mapTensors(tensors, ({ shape }) => allocate(shape, 'float32'));
  let dY = cotangents.y;
  for (let l = unrolled.length - 1; l >= 0; l--) {
    const dX = l === 0 ? grads.x : allocate(unrolled[l][0].x.shape, 'float32');
    const H = c.hidden[l];
    for (const [k, direction] of directionsOf(c).entries()) {
      const options = { dX, dFinal: part(cotangents, `final.${l}.${direction}`) };
      const into = part(grads, `layers.${l}.${direction}`) as CellParams;
      const dH = columns(dY, k * H, H);
      const { dInitial } = await unrollBackwardAsync(device, kernels, unrolled[l][k], dH, into, options);
      const given = part(grads, `initial.${l}.${direction}`);
      for (const [state, gradient] of Object.entries(given)) gradient.data.set(flatCopy(dInitial[state]));
    }
    dY = dX;
  }
  return { outputs: { ...outputs, y: x }, grads };
}

/** One `unroll` per layer and direction, directions side by side. */
export function float32Forward(
  { case: c, tensors }: Problem,
  { kernels = cpu, cell = cells[c.cell], keep }: Choices,
): Pass {
  const packing = packingOf(c.lengths);
  const outputs: Record<string, Tensor> = {};
  const unrolled: Unrolled[][] = [];
  let x = tensors.x;
  c.hidden.forEach((_, l) => {
    unrolled[l] = directionsOf(c).map((direction) => {
      const initial = c.initial === 'given' ? (part(tensors, `initial.${l}.${direction}`) as State) : undefined;
      const params = part(tensors, `layers.${l}.${direction}`) as CellParams;
      const run = unroll(kernels, cell, params, x, packing, { direction, initial, keep });
      for (const [state, final] of Object.entries(run.final)) outputs[`final.${l}.${direction}.${state}`] = final;
      return run;
    });
    x = beside(unrolled[l].map(({ y }) => y));
  });
  return { outputs: { ...outputs, y: x }, unrolled };
}

/** Gradients of all tensors of the problem; final states without a cotangent count for nothing. */
export function float32Backward(
  { case: c, tensors }: Problem,
  { unrolled }: Pass,
  cotangents: Tensors,
  { kernels = cpu }: Choices,
): Tensors {
  const grads = mapTensors(tensors, ({ shape }) => allocate(shape, 'float32'));
  let dY = cotangents.y;
  for (let l = unrolled.length - 1; l >= 0; l--) {
    const dX = l === 0 ? grads.x : allocate(unrolled[l][0].x.shape, 'float32');
    const H = c.hidden[l];
    directionsOf(c).forEach((direction, k) => {
      const options = { dX, dFinal: part(cotangents, `final.${l}.${direction}`) };
      const into = part(grads, `layers.${l}.${direction}`) as CellParams;
      const { dInitial } = unrollBackward(kernels, unrolled[l][k], columns(dY, k * H, H), into, options);
      const given = part(grads, `initial.${l}.${direction}`);
      for (const [state, gradient] of Object.entries(given)) gradient.data.set(flatCopy(dInitial[state]));
    });
    dY = dX;
  }
  return grads;
}

/** Matrices of N rows side by side. */
function beside(parts: readonly Tensor[]): Tensor {
  const out = allocate([parts[0].shape[0], parts.reduce((width, { shape }) => width + shape[1], 0)], 'float32');
  const [N, width] = out.shape;
  let start = 0;
  for (const x of parts) {
    const W = x.shape[1];
    for (let n = 0; n < N; n++) out.data.set(flatCopy(x).subarray(n * W, (n + 1) * W), n * width + start);
    start += W;
  }
  return out;
}

function mapTensors(tensors: Tensors, f: (x: Tensor) => Tensor): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, f(x)]));
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Cuts off all but the 11 leading bits of the significand. */
export function cutToTf32(x: number): number {
  float[0] = x;
  bits[0] &= 0xffffe000;
  return float[0];
}

/** Kernels that round every product and every sum to float32 and sum from the last term; `factor` is applied to factors. */
export function rounding(factor: (x: number) => number): Kernels {
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
  return completeKernels({
    backend: 'rounding',
    dtypes: ['float32'],
    addMatmul,
    addMatmulTA: (out, a, b) => addMatmul(out, transpose(a), b),
    addMatmulTB: (out, a, b) => addMatmul(out, a, transpose(b)),
    dispose: () => {},
  });
}
