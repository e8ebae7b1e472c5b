/**
 * The interface of every optimizer: a function from gradients to a change of parameters, and a state that can be saved.
 *
 * An update is always a separate, visible call, after the backward pass and after everything the caller does to the gradients
 * (clipping, printing, checking). No backward pass in this package updates anything. Parameters and gradients are flat records
 * with dotted names (`flatten` of `autograd/grads`), so the state of a model is a flat record of tensors too.
 */
import { rowsInUse, type TensorRecord } from '../autograd/grads.js';
import { sameShape } from '../tensor/checks.js';
import { ArgumentError, ShapeError } from '../tensor/errors.js';
import type { Real, Tensor } from '../tensor/types.js';
import { stampChanged } from '../tensor/versions.js';
import { allocate, dtypeOf, isContiguous, sizeOf } from '../tensor/view.js';
import { expectRecord, expectTensor, expectTensors } from '../tensor/arguments.js';

/** A snapshot: the whole state of an optimizer, as plain data for a checkpoint. */
export interface OptimizerState {
  /** Updates made so far. */
  readonly step: number;
  /** Moments, named `<moment>.<parameter>`; each has the shape and element type of its parameter. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Turns gradients into updates. It holds the parameters it was made for, and its moments. */
export interface Optimizer {
  /** `sgd`, `adam`, `adamw`. */
  readonly name: string;
  /**
   * Updates the parameters in place. Call it after the backward pass, which reads them. Gradients are read, never changed;
   * zeroing them is up to the caller.
   *
   * @param grads one gradient per parameter; gradients of other tensors are ignored, so you freeze a parameter by not passing it
   * to the optimizer
   * @param lr learning rate of this update; the optimizer's own by default
   * @param rows by name of a parameter, the only rows of it to update; none if the list is empty
   * @throws ArgumentError when the gradient of a parameter is missing, or `lr` is negative or not finite
   * @throws ShapeError when a gradient does not have the shape and element type of its parameter
   */
  step(grads: TensorRecord, lr?: number, rows?: Readonly<Record<string, Int32Array>>): void;
  /**
   * The optimizer's moments themselves, for a backend that adopts them: the same number for each parameter, in the order of the
   * parameters.
   */
  readonly tensors: readonly Tensor[];
  /** A copy of the state. */
  state(): OptimizerState;
  /**
   * Restores a saved state, as if later updates had not happened. The state is copied.
   *
   * @throws ArgumentError when a moment is missing or unknown, or the step is not an integer of at least 0
   * @throws ShapeError when a moment does not have the shape and element type of its parameter
   */
  restore(state: OptimizerState): void;
}

/** One tensor of the update: a parameter, its gradient, its moments; all of one shape. */
export interface Slot {
  readonly param: Tensor;
  readonly moments: readonly Tensor[];
}

/** The update of one run of `count` elements; index i of tensor X is `X.start + i·X.step`. */
export type RunUpdate = (count: number, param: Run, grad: Run, moments: readonly Run[]) => void;

/** A run of equally spaced elements. */
export interface Run {
  readonly data: Real;
  readonly start: number;
  readonly step: number;
}

/** Zero moments for every parameter: `names.length` tensors each. */
export function createSlots(params: TensorRecord, names: readonly string[]): Record<string, Slot> {
  const slots: Record<string, Slot> = {};
  for (const [name, param] of Object.entries(params)) {
    slots[name] = { param, moments: names.map(() => allocate(param.shape, dtypeOf(param.data))) };
  }
  return slots;
}

/** The update of a whole parameter, or of some of its rows. */
export type SlotUpdate = (slot: Slot, grad: Tensor, rows?: Int32Array) => void;

/**
 * Updates every parameter: only the rows that `only` names; else, if `lazy` and the gradient lists its touched rows, only these;
 * else all.
 */
export function updateSlots(
  slots: Record<string, Slot>,
  grads: TensorRecord,
  lazy: boolean,
  update: SlotUpdate,
  only: Readonly<Record<string, Int32Array>> = {},
): void {
  expectRecord('optimizer step', 'grads', grads, 'a record of gradients by name');
  expectRecord('optimizer step', 'rows', only, 'lists of rows by name');
  for (const [name, { param }] of Object.entries(slots)) expectGradient(name, param, grads[name]);
  for (const [name, slot] of Object.entries(slots)) {
    const rows = Object.hasOwn(only, name) ? only[name] : lazy ? rowsInUse(grads[name]) : undefined;
    if (rows?.length === 0) continue;
    stampChanged(slot.param);
    update(slot, grads[name], rows);
  }
}

/** Applies an update run by run. */
export function byRuns(update: RunUpdate): SlotUpdate {
  return ({ param, moments }, grad, rows) => {
    if (rows === undefined) updateRuns(param, grad, moments, update);
    else updateRows(param, grad, moments, update, rows);
  };
}

function updateRows(
  param: Tensor,
  grad: Tensor,
  moments: readonly Tensor[],
  update: RunUpdate,
  rows: Int32Array,
): void {
  const [, E] = param.shape;
  const line = ({ data, stride, offset }: Tensor, row: number): Run => ({
    data,
    start: offset + row * stride[0],
    step: stride[1],
  });
  for (const row of rows) {
    update(
      E,
      line(param, row),
      line(grad, row),
      moments.map((m) => line(m, row)),
    );
  }
}

/** Splits tensors of one shape into runs: a single one if all are row-major, else one per line of the last axis. */
export function updateRuns(param: Tensor, grad: Tensor, moments: readonly Tensor[], update: RunUpdate): void {
  const { shape } = param;
  const last = shape.length - 1;
  const run = (step: number) => (x: Tensor) => ({ data: x.data, start: x.offset, step });
  if (isContiguous(param) && isContiguous(grad) && moments.every(isContiguous)) {
    return update(sizeOf(shape), run(1)(param), run(1)(grad), moments.map(run(1)));
  }
  if (last === 0) {
    const line = (x: Tensor) => run(x.stride[0])(x);
    return update(shape[0], line(param), line(grad), moments.map(line));
  }
  for (let i = 0; i < shape[0]; i++) {
    const part = (x: Tensor) => slice(x, i);
    updateRuns(part(param), part(grad), moments.map(part), update);
  }
}

/** Element i of the first axis. */
export function slice(x: Tensor, i: number): Tensor {
  const { data, shape, stride, offset } = x;
  return { data, shape: shape.slice(1), stride: stride.slice(1), offset: offset + i * stride[0] };
}

function expectGradient(name: string, param: Tensor, grad: Tensor | undefined): void {
  if (grad === undefined) {
    throw new ArgumentError(`optimizer step: the gradient of '${name}' is missing; every parameter needs one`);
  }
  expectTensor('optimizer step', `grads.${name}`, grad);
  expectLike(`optimizer step: the gradient of '${name}'`, grad, param);
}

function expectLike(what: string, got: Tensor, param: Tensor): void {
  if (sameShape(got.shape, param.shape) && dtypeOf(got.data) === dtypeOf(param.data)) return;
  const describe = (x: Tensor) => `${dtypeOf(x.data)} [${x.shape.join(', ')}]`;
  throw new ShapeError(`${what} must be ${describe(param)}, like its parameter; got ${describe(got)}`);
}

/** A copy of all moments under `<moment>.<parameter>`. */
export function snapshot(step: number, slots: Record<string, Slot>, names: readonly string[]): OptimizerState {
  const tensors: Record<string, Tensor> = {};
  for (const [name, { moments }] of Object.entries(slots)) {
    // Moments are contiguous, made by `allocate`, so a copy of the data is a copy of the tensor.
    names.forEach((kind, i) => (tensors[`${kind}.${name}`] = { ...moments[i], data: moments[i].data.slice() }));
  }
  return { step, tensors };
}

/** Copies a saved state into the moments; nothing changes when it does not fit. Returns its step. */
export function restoreSlots(state: OptimizerState, slots: Record<string, Slot>, names: readonly string[]): number {
  expectRecord('optimizer restore', 'state', state, 'what state() returned');
  if (!Number.isSafeInteger(state.step) || state.step < 0) {
    throw new ArgumentError(`optimizer restore: step must be an integer of at least 0; got ${state.step}`);
  }
  expectTensors('optimizer restore', 'state.tensors', state.tensors);
  const expected = new Map<string, Tensor>();
  for (const [name, { moments }] of Object.entries(slots)) {
    names.forEach((kind, i) => expected.set(`${kind}.${name}`, moments[i]));
  }
  expectSameTensors('optimizer restore', state.tensors, expected);
  for (const [name, moment] of expected) updateRuns(moment, state.tensors[name], [], copyRun);
  return state.step;
}

/** Copies one run of elements. */
export function copyRun(count: number, to: Run, from: Run): void {
  for (let i = 0; i < count; i++) to.data[to.start + i * to.step] = from.data[from.start + i * from.step];
}

/** Requires saved tensors to have the expected names, shapes and element types. @throws ArgumentError, ShapeError */
export function expectSameTensors(where: string, got: TensorRecord, expected: ReadonlyMap<string, Tensor>): void {
  for (const name of Object.keys(got)) {
    if (!expected.has(name)) {
      throw new ArgumentError(`${where}: '${name}' is not a parameter; the state is from another model`);
    }
  }
  for (const [name, tensor] of expected) {
    if (got[name] === undefined) throw new ArgumentError(`${where}: '${name}' is missing`);
    expectLike(`${where}: '${name}'`, got[name], tensor);
  }
}
