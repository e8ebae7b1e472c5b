/** The engine under proof, driven by the problems of `cases.ts`. `cell` may be replaced by a broken one. */
import { packingOf } from '../../src/autograd/packing.js';
import { gradcheck } from '../../src/autograd/check/gradcheck.js';
import type { GradcheckReport } from '../../src/autograd/check/gradcheck.js';
import type { Unrolled, BackwardPass } from '../../src/autograd/layout.js';
import { unroll, unrollBackward } from '../../src/autograd/unroll.js';
import { cells } from '../../src/cells/index.js';
import type { Cell, CellParams, State } from '../../src/cells/index.js';
import { createCpuKernels } from '../../src/kernels/index.js';
import { stackBackward, stackForward } from '../../src/layers/stack.js';
import type { LayerParams } from '../../src/layers/stack.js';
import { createRng } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/types.js';
import { allocate, flatCopy, viewOf } from '../../src/tensor/view.js';
import type { Case, Problem, Solution } from './cases.js';
import { describeCell, directionsOf, part, sortedLengths } from './cases.js';

type Tensors = Readonly<Record<string, Tensor>>;
type Passes = { forward?: Unrolled; reverse?: Unrolled }[];
type Unwounds = { forward?: BackwardPass; reverse?: BackwardPass }[];

export const kernels = createCpuKernels();

const own = new Map<string, Cell>();

/** From now on there are problems for this cell of somebody's own, and it solves them. */
export function proveCell(cell: Cell): void {
  describeCell(cell);
  own.set(cell.name, cell);
}

/** The cell of a case: a built-in one, or one given to `proveCell`. */
export function cellNamed(name: string): Cell {
  const cell = own.get(name) ?? cells[name];
  if (cell === undefined) throw new Error(`there is no cell ${name}`);
  return cell;
}

/** Outputs of the engine. */
export function engineForward(problem: Problem, cell: Cell = cellNamed(problem.case.cell)): Tensors {
  const { y, passes } = forward(problem, cell);
  return outputsOf(problem.case, y, passes);
}

/** Outputs and gradients of the engine. */
export function engine(problem: Problem, cell: Cell = cellNamed(problem.case.cell)): Solution {
  const { case: c, tensors, cotangents } = problem;
  const { y, passes, backward } = forward(problem, cell);
  const grads = zerosLike(tensors);
  const finals = c.hidden.map((_, l) => perDirection(c, cotangents, `final.${l}`));
  const unwounds = backward(cotangents.y, perLayer(c, grads), finals, grads.x);
  for (const [name, gradient] of Object.entries(grads)) {
    const [kind, l, direction, state] = name.split('.');
    if (kind === 'initial') gradient.data.set(flatCopy(unwounds[Number(l)][direction as 'forward']!.dInitial[state]));
  }
  return { outputs: outputsOf(c, y, passes), grads };
}

/** The loss of a problem: every output times its cotangent. */
export function lossOf(outputs: Tensors, cotangents: Tensors): number {
  let loss = 0;
  for (const [name, cotangent] of Object.entries(cotangents)) {
    const { data } = outputs[name];
    for (let i = 0; i < cotangent.data.length; i++) loss += data[i] * cotangent.data[i];
  }
  return loss;
}

/** Finite differences of the engine's own forward pass against the gradients of its backward pass. */
export function differences(
  problem: Problem,
  grads: Tensors,
  { cell, ...options }: { cell?: Cell; tolerance?: number; elements?: number } = {},
): GradcheckReport {
  const loss = (): number => lossOf(engineForward(problem, cell), problem.cotangents);
  const stepOf = (name: string, [row]: readonly number[]): number | undefined => {
    return name === 'x' ? stepOfRow(problem.case, row) : undefined;
  };
  return gradcheck({ tensors: problem.tensors, grads, loss, stepOf, rng: createRng(20260804), ...options });
}

/** Zeros of the same names and shapes. */
export function zerosLike(tensors: Tensors): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name, allocate(x.shape, 'float64')]));
}

function stepOfRow(c: Case, row: number): number {
  let t = 0;
  for (let end = 0; ; t++) {
    end += sortedLengths(c).filter((length) => length > t).length;
    if (row < end) return t;
  }
}

interface Forward {
  readonly y: Tensor;
  readonly passes: Passes;
  backward(dY: Tensor, grads: Record<string, CellParams>[], finals: Tensors[][], dX: Tensor): Unwounds;
}

/** Forward and bidirectional networks run as a stack of layers; a lone reverse direction is chained by hand. */
function forward(problem: Problem, cell: Cell): Forward {
  const { case: c, tensors } = problem;
  const packing = packingOf(c.lengths);
  const params = perLayer(c, tensors);
  const initial = c.hidden.map((_, l) => {
    const states = directionsOf(c).map((d) => [
      d,
      c.initial === 'given' ? part(tensors, `initial.${l}.${d}`) : undefined,
    ]);
    return Object.fromEntries(states) as Record<string, State | undefined>;
  });
  const byName = (finals: Tensors[][]) =>
    finals.map((layer) => Object.fromEntries(directionsOf(c).map((d, k) => [d, layer[k] as State])));
  if (c.direction !== 'reverse') {
    const layers = c.hidden.map((hidden) => ({ cell, hidden, bidirectional: c.direction === 'bidirectional' }));
    const pass = stackForward(kernels, layers, params as LayerParams[], tensors.x, packing, { initial });
    return {
      y: pass.y,
      passes: [...pass.layers],
      backward: (dY, grads, finals, dX) =>
        stackBackward(kernels, pass, dY, grads as LayerParams[], { dX, dFinal: byName(finals) }),
    };
  }
  const passes: { reverse: Unrolled }[] = [];
  c.hidden.forEach((_, l) => {
    const x = l === 0 ? tensors.x : passes[l - 1].reverse.y;
    const options = { direction: 'reverse', initial: initial[l].reverse } as const;
    passes.push({ reverse: unroll(kernels, cell, params[l].reverse, x, packing, options) });
  });
  return {
    y: passes[passes.length - 1].reverse.y,
    passes,
    backward(dY, grads, finals, dX) {
      const unwounds: Unwounds = [];
      let above = dY;
      for (let l = passes.length - 1; l >= 0; l--) {
        const below = l === 0 ? dX : allocate(passes[l].reverse.x.shape, 'float64');
        const options = { dX: below, dFinal: finals[l][0] as State };
        unwounds[l] = { reverse: unrollBackward(kernels, passes[l].reverse, above, grads[l].reverse, options) };
        above = below;
      }
      return unwounds;
    },
  };
}

function perLayer(c: Case, tensors: Tensors): Record<string, CellParams>[] {
  return c.hidden.map((_, l) => {
    const directions = directionsOf(c).map((d) => [d, part(tensors, `layers.${l}.${d}`)]);
    return Object.fromEntries(directions) as Record<string, CellParams>;
  });
}

function perDirection(c: Case, tensors: Tensors, prefix: string): Tensors[] {
  return directionsOf(c).map((direction) => part(tensors, `${prefix}.${direction}`));
}

function outputsOf(c: Case, y: Tensor, passes: Passes): Tensors {
  const outputs: Record<string, Tensor> = { y: compact(y) };
  passes.forEach((pass, l) => {
    for (const direction of directionsOf(c)) {
      for (const [state, x] of Object.entries(pass[direction]!.final)) {
        outputs[`final.${l}.${direction}.${state}`] = compact(x);
      }
    }
  });
  return outputs;
}

const compact = (x: Tensor): Tensor => viewOf(flatCopy(x), x.shape);
