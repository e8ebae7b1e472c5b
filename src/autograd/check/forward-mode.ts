/**
 * Forward mode: a network run once over dual numbers gives the derivative of its loss along one direction,
 *
 *   (1)  L̇ = ⟨∇L, ẋ⟩ = Σ_i ∂L/∂x_i · ẋ_i
 *
 * whereas backpropagation gives all of ∇L at once. For a direction with a single 1 in it, L̇ is one element of the gradient. It
 * complements finite differences as an oracle: those lose a derivative below their noise, some 10⁻¹¹ of the loss; forward mode
 * computes it to rounding, however small, at every distance in time.
 *
 * It runs every sequence separately, step by step, by the equations in `Cell.equations`. So it shares neither the steps of the
 * cells, nor the packed scan, nor any backward pass. It does not support truncation: what truncated BPTT returns is not the
 * gradient of any loss.
 */
import type { Cell, CellEquations } from '../../cells/cell.js';
import { ArgumentError, ShapeError, UnsupportedError } from '../../tensor/errors.js';
import type { Tensor } from '../../tensor/types.js';
import { allocate, sizeOf, viewOf } from '../../tensor/view.js';
import type { Dual } from './dual.js';
import { dual, dualOps as ops } from './dual.js';
import type { TensorRecord } from '../grads.js';
import type { Packing } from '../packing.js';
import { rowOf } from '../packing.js';
import type { Direction } from '../layout.js';
import { expectFunction, expectRecord, expectString, expectTensor, expectTensors } from '../../tensor/arguments.js';
import { expectKnownKeys, expectSameShape, keysOf } from '../../tensor/checks.js';

/** Dual numbers by name: parameters, or states. */
export type DualRecord = Readonly<Record<string, Dual>>;

/** One direction of a layer, run over dual numbers. */
export interface DualUnrolled {
  /** `[N, H]` h after every step, rows as packed. */
  readonly y: Dual;
  /** Per state name `[B, H]`: the state after the last step of each sequence. */
  readonly final: DualRecord;
}

/** A recurrent layer: its directions by name, one or both. */
export interface DualLayer {
  readonly cell: Cell;
  readonly params: Readonly<Partial<Record<Direction, DualRecord>>>;
  /** Per direction and state name `[B, H]`, in packed order; default: learned, else zero. */
  readonly initial?: Readonly<Partial<Record<Direction, DualRecord>>>;
}

/** A stack of layers, run over dual numbers. */
export interface DualStack {
  /** `[N, W]` the outputs of the last layer: its directions side by side. */
  readonly y: Dual;
  /** Per layer and direction, the final states. */
  readonly final: readonly Readonly<Partial<Record<Direction, DualRecord>>>[];
}

/** How a layer runs over dual numbers. */
export interface UnrollDualOptions {
  readonly direction?: Direction;
  /** Per state name `[B, H]`; default: learned (`h0`), else zero. */
  readonly initial?: DualRecord;
  /**
   * Called with every quantity that the equations name, `[1, H]`, and its packed row. It returns the quantity, or one with
   * another tangent; a tangent added here gives the derivative with respect to that quantity.
   */
  readonly onName?: (symbol: string, x: Dual, row: number) => Dual;
}

const DUAL_KEYS = keysOf<UnrollDualOptions>({ direction: true, initial: true, onName: true });

/**
 * What `unroll` computes, over dual numbers.
 *
 * @param params the parameters of the cell by name
 * @param x `[N, D]`, packed rows
 * @throws UnsupportedError for a cell without `equations`, or one that replaced the step of another cell but kept its equations
 * @throws ShapeError when a tensor does not fit
 */
export function unrollDual(
  cell: Cell,
  params: DualRecord,
  x: Dual,
  packing: Packing,
  options: UnrollDualOptions = {},
): DualUnrolled {
  expectKnownKeys('unrollDual', 'options', options, DUAL_KEYS);
  const { direction = 'forward', initial, onName } = options;
  const equations = equationsOf(cell);
  if (x.value.shape[0] !== packing.total) {
    throw new ShapeError(`unrollDual: x must be [N, D] with N = ${packing.total}; got [${x.value.shape.join(', ')}]`);
  }
  const H = params.Wh.value.shape[0];
  const outputs: Dual[] = new Array(packing.total);
  const finals = Array.from(packing.lengths, (length, b) => {
    let state: DualRecord = initialState(cell, params, initial, H, b);
    for (let k = 0; k < length; k++) {
      const row = rowOf(packing, direction === 'forward' ? k : length - 1 - k, b);
      const algebra = onName ? { ...ops, name: (symbol: string, value: Dual) => onName(symbol, value, row) } : ops;
      state = equations(algebra, params, ops.gatherRows(x, [row]), state, H);
      outputs[row] = state.h;
    }
    return state;
  });
  const empty = dual(allocate([0, H], 'float64'));
  const below = (parts: readonly Dual[]) => (parts.length === 0 ? empty : ops.concatRows(parts));
  return {
    y: below(outputs),
    final: Object.fromEntries(cell.states.map((name) => [name, below(finals.map((state) => state[name]))])),
  };
}

/** @throws UnsupportedError for a cell that has none, or one that replaced the step of another cell but kept its equations */
function equationsOf({ name, equations, stepForward, original }: Cell): CellEquations {
  const reason =
    equations === undefined
      ? 'it has no equations'
      : original !== undefined && equations === original.equations && stepForward !== original.stepForward
        ? `its equations are still those of '${original.name}', but its stepForward is not`
        : undefined;
  if (equations !== undefined && reason === undefined) return equations;
  throw new UnsupportedError(
    `forward mode is not available for the cell '${name}': ${reason}. Give the cell its own 'equations'.`,
  );
}

/** Row b of the given state; else the learned one; else zero. Each `[1, H]`. */
function initialState(cell: Cell, params: DualRecord, initial: DualRecord | undefined, H: number, b: number) {
  const zero = dual(allocate([1, H], 'float64'));
  const entries = cell.states.map((name): [string, Dual] => {
    if (initial) return [name, ops.gatherRows(initial[name], [b])];
    const learned = params[`${name}0`];
    return [name, learned ? ops.add(zero, learned) : zero];
  });
  return Object.fromEntries(entries);
}

/**
 * Runs a stack of layers over dual numbers, without dropout: each layer reads the outputs of the one below, both directions side
 * by side, forward first.
 *
 * @param x `[N, D]`, packed rows
 * @throws ArgumentError for a layer without directions
 * @throws UnsupportedError for a cell without `equations`; ShapeError when a tensor does not fit
 */
export function stackDual(layers: readonly DualLayer[], x: Dual, packing: Packing): DualStack {
  let y = x;
  const final = layers.map(({ cell, params, initial }, l) => {
    const directions = (['forward', 'reverse'] as const).filter((direction) => params[direction]);
    if (directions.length === 0)
      throw new ArgumentError(`stackDual: layer ${l} must have at least one direction; got none`);
    const runs = directions.map((direction) =>
      unrollDual(cell, params[direction]!, y, packing, { direction, initial: initial?.[direction] }),
    );
    y = ops.concatColumns(runs.map((run) => run.y));
    return Object.fromEntries(runs.map((run, k) => [directions[k], run.final]));
  });
  return { y, final };
}

/** A loss over dual tensors by name; it returns one number, of shape `[]`. */
export type DualLoss = (tensors: DualRecord) => Dual;

/**
 * The derivative of a loss along a direction: equation (1).
 *
 * @param tensors everything the loss reads
 * @param direction ẋ by name, each of the shape of its tensor; an omitted name counts as zero
 * @throws ArgumentError if the direction has an unknown name; ShapeError if a tensor of it has another shape, or the loss is not
 * of shape []
 */
export function directionalDerivative(tensors: TensorRecord, direction: TensorRecord, loss: DualLoss): number {
  expectTensors('directionalDerivative', 'tensors', tensors);
  expectTensors('directionalDerivative', 'direction', direction);
  expectFunction('directionalDerivative', 'loss', loss);
  for (const name of Object.keys(direction)) {
    if (tensors[name] === undefined) {
      throw new ArgumentError(`directionalDerivative: unknown tensor '${name}' in direction. ${knownNames(tensors)}`);
    }
    expectSameShape('directionalDerivative', `direction.${name}`, direction[name], `tensors.${name}`, tensors[name]);
  }
  const duals = Object.entries(tensors).map(([name, x]) => [name, dual(x, direction[name])] as const);
  return tangentOf(loss(Object.fromEntries(duals)));
}

/**
 * The full gradient of a loss with respect to one tensor, with one run of the loss per element.
 *
 * @returns a new row-major tensor, float64
 * @throws ArgumentError if there is no such tensor; ShapeError if the loss is not a number
 */
export function forwardGradient(tensors: TensorRecord, name: string, loss: DualLoss): Tensor {
  expectTensors('forwardGradient', 'tensors', tensors);
  expectString('forwardGradient', 'name', name);
  expectFunction('forwardGradient', 'loss', loss);
  const x = tensors[name];
  if (x === undefined)
    throw new ArgumentError(`forwardGradient: name '${name}' is not a tensor. ${knownNames(tensors)}`);
  const duals = Object.fromEntries(Object.entries(tensors).map(([each, value]) => [each, dual(value)]));
  const unit = duals[name].tangent.data;
  const gradient = new Float64Array(sizeOf(x.shape));
  for (let i = 0; i < gradient.length; i++) {
    unit[i] = 1;
    gradient[i] = tangentOf(loss(duals));
    unit[i] = 0;
  }
  return viewOf(gradient, x.shape);
}

const knownNames = (tensors: TensorRecord): string => `Pass one of ${Object.keys(tensors).join(', ')}.`;

function tangentOf(loss: Dual): number {
  expectRecord('forward mode', 'what loss returns', loss, 'a dual number');
  const { tangent } = loss;
  expectTensor('forward mode', 'the tangent of the loss', tangent);
  if (tangent.data.length === 1) return tangent.data[0];
  throw new ShapeError(`forward mode: the loss must be one number, []; got [${tangent.shape.join(', ')}]`);
}
