/**
 * Gradient records: plain objects of tensors that mirror a record of parameters, name by name and shape by shape.
 *
 * A backward pass only ever adds to them, so shared weights, several batches per update and truncated windows all work without a
 * special case. `zeroInPlace` is the one visible place where gradients are reset.
 *
 * A model's parameters are nested records (`{ layers: [{ forward: { Wx, … } }] }`). `flatten` names every tensor of such a
 * nest by its dotted path, `layers.0.forward.Wx`, without copying; everything else here works on flat records.
 *
 * The gradient of an embedding touches a few rows of a large matrix. `RowSparseGradient` stores it densely, together with the
 * list of touched rows: all rows outside the list are zero, and every function here visits only the listed ones.
 */
import type { Kernels } from '../kernels/types.js';
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import { zeros } from '../tensor/create.js';
import { ArgumentError, ShapeError } from '../tensor/errors.js';
import { fill } from '../tensor/rows.js';
import type { DType, Real, Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';
import { expectNumber, expectRecord, expectStrings, expectTensor, expectTensors } from '../tensor/arguments.js';
import { expectNonNegativeInteger } from '../tensor/checks.js';
import { expectKernels } from './entry-checks.js';
import { describe } from '../tensor/describe.js';

/** Tensors by name: parameters, or gradients that mirror them. */
export type TensorRecord = Readonly<Record<string, Tensor>>;

/** Nested plain objects and arrays whose leaves are tensors: the parameters of a whole model. */
export type NestedTensors = Tensor | { readonly [name: string]: NestedTensors } | readonly NestedTensors[];

/**
 * The gradient of an embedding matrix: dense row-major storage `[V, E]` of which only some rows are in use. Rows outside
 * `touched[0 … count − 1]` are zero; call `touch` for a row before you write to it.
 */
export interface RowSparseGradient extends Tensor {
  /** `[V]` the rows in use, in the order in which they were first touched; only the first `count` entries are valid. */
  readonly touched: Int32Array;
  /** Number of rows in use. */
  count: number;
  /** `[V]` 1 for a row in use. */
  readonly used: Uint8Array;
}

/** A new gradient `[V, E]` of zeros with no row in use. */
export function createRowSparseGradient(V: number, E: number, dtype: DType = 'float32'): RowSparseGradient {
  expectNonNegativeInteger('createRowSparseGradient', 'V', V);
  expectNonNegativeInteger('createRowSparseGradient', 'E', E);
  const dense = zeros([V, E], dtype);
  return Object.assign(dense, { touched: new Int32Array(V), count: 0, used: new Uint8Array(V) });
}

/** Whether a gradient keeps a list of touched rows. */
export function isRowSparseGradient(g: Tensor): g is RowSparseGradient {
  expectTensor('isRowSparseGradient', 'g', g);
  return 'touched' in g && 'used' in g;
}

/**
 * Marks a row as in use. Touching a row twice is harmless.
 *
 * @throws ArgumentError if there is no such row
 */
export function touch(g: RowSparseGradient, row: number): void {
  if (g.used[row] === 1) return;
  if (!(Number.isInteger(row) && row >= 0 && row < g.shape[0])) {
    throw new ArgumentError(`touch: row must be an integer in [0, ${g.shape[0]}); got ${row}`);
  }
  g.used[row] = 1;
  g.touched[g.count++] = row;
}

/** Marks rows as in use, if the gradient of a matrix keeps a list of them. @throws ArgumentError if one is not a row */
export function touchRows(g: Tensor, rows: Int32Array): void {
  if (!isRowSparseGradient(g)) return;
  for (const row of rows) touch(g, row);
}

/**
 * Every tensor of a nest under its dotted path (`layers.0.forward.Wx`), in the order in which the nest lists them. The
 * tensors are the same objects, so writing to the flat record writes to the nest.
 *
 * @throws ArgumentError if a leaf is not a tensor, or if one tensor is reached by two paths: an update would apply twice
 */
export function flatten(nested: NestedTensors): Record<string, Tensor> {
  const record: Record<string, Tensor> = {};
  const paths = new Map<object, string>();
  const visit = (node: NestedTensors, path: string): void => {
    if (typeof node !== 'object' || node === null) {
      throw new ArgumentError(
        `flatten: ${path ? `nested.${path}` : 'nested'} must be a tensor or a record of tensors; got ${describe(node)}`,
      );
    }
    const earlier = paths.get(node);
    if (earlier !== undefined) {
      throw new ArgumentError(`flatten: ${path} is the same object as ${earlier}; list a shared tensor under one name`);
    }
    paths.set(node, path);
    if (isTensor(node)) record[path] = node;
    else for (const [name, child] of Object.entries(node)) visit(child, path === '' ? name : `${path}.${name}`);
  };
  visit(nested, '');
  return record;
}

function isTensor(node: object): node is Tensor {
  return 'data' in node && ArrayBuffer.isView(node.data) && 'stride' in node && 'shape' in node;
}

/**
 * The inverse of `flatten`: a nest of the form of `like` whose tensors are those of the flat record, by dotted path.
 *
 * @throws ArgumentError if the record lacks a path
 */
export function nestLike<N extends NestedTensors>(like: N, flat: TensorRecord): N {
  expectRecord('nestLike', 'flat', flat, 'a flat record of tensors');
  const build = (node: NestedTensors, path: string): NestedTensors => {
    if (typeof node !== 'object' || node === null) {
      throw new ArgumentError(
        `nestLike: like${path ? `.${path}` : ''} must be a tensor or a record of tensors; got ${describe(node)}`,
      );
    }
    if (isTensor(node)) {
      if (flat[path] === undefined)
        throw new ArgumentError(`nestLike: there is no tensor '${path}' in the flat record`);
      return flat[path];
    }
    const entries = Object.entries(node).map(
      ([key, child]) => [key, build(child, path ? `${path}.${key}` : key)] as const,
    );
    return Array.isArray(node) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
  };
  return build(like, '') as N;
}

/**
 * Gradients of zeros that mirror `params`, a flat record: the same names, shapes and element types, hence the same type.
 *
 * @param options.rowGradients names of matrices whose gradient keeps a list of touched rows
 * @throws ArgumentError if a name in `rowGradients` is not a parameter
 * @throws ShapeError if such a parameter is not a matrix
 */
export function zeroGrads<P extends TensorRecord>(params: P, options?: { rowGradients?: readonly string[] }): P;
export function zeroGrads(params: TensorRecord, options: { rowGradients?: readonly string[] } = {}): TensorRecord {
  expectTensors('zeroGrads', 'params', params);
  expectRecord('zeroGrads', 'options', options);
  if (options.rowGradients !== undefined) expectStrings('zeroGrads', 'rowGradients', options.rowGradients);
  expectKnownKeys('zeroGrads', 'options', options, keysOf<typeof options>({ rowGradients: true }));
  const byRow = new Set(options.rowGradients);
  for (const name of byRow) {
    const p = params[name];
    if (p === undefined) throw new ArgumentError(`zeroGrads: rowGradients names '${name}', which is not a parameter`);
    if (p.shape.length !== 2) {
      throw new ShapeError(`zeroGrads: row gradient '${name}' needs a matrix [V, E]; got [${p.shape.join(', ')}]`);
    }
  }
  const grads: Record<string, Tensor> = {};
  for (const [name, p] of Object.entries(params)) {
    const dtype = dtypeOf(p.data);
    grads[name] = byRow.has(name) ? createRowSparseGradient(p.shape[0], p.shape[1], dtype) : zeros(p.shape, dtype);
  }
  return grads;
}

/** Sets every gradient to zero. A row gradient clears the rows in use and its list. */
export function zeroInPlace(grads: TensorRecord): void {
  expectTensors('zeroInPlace', 'grads', grads);
  for (const g of Object.values(grads)) {
    // Assigned, not scaled by 0: NaN · 0 is NaN, and a corrupt gradient must not survive into the next update.
    if (!isRowSparseGradient(g)) fill(g, 0);
    else {
      forEachRun(g, zeroRun);
      for (let k = 0; k < g.count; k++) g.used[g.touched[k]] = 0;
      g.count = 0;
    }
  }
}

function zeroRun(data: Real, start: number, count: number, step: number): void {
  if (step === 1) data.fill(0, start, start + count);
  else for (let n = 0, i = start; n < count; n++, i += step) data[i] = 0;
}

/**
 * `into += from`, tensor by tensor. Tensors of `into` that `from` lacks are unchanged.
 *
 * @throws ArgumentError if `from` has a name that `into` lacks, or if a dense gradient is added to a row gradient: the list of
 * touched rows could not be maintained
 * @throws ShapeError if two gradients of one name differ in shape
 */
export function addGrads(into: TensorRecord, from: TensorRecord): void {
  expectTensors('addGrads', 'into', into);
  expectTensors('addGrads', 'from', from);
  for (const [name, source] of Object.entries(from)) {
    const target = into[name];
    if (target === undefined) throw new ArgumentError(`addGrads: there is no gradient '${name}' to add to`);
    if (target.shape.join() !== source.shape.join()) {
      throw new ShapeError(
        `addGrads: '${name}' must be [${target.shape.join(', ')}] on both sides; got [${source.shape.join(', ')}]`,
      );
    }
    if (isRowSparseGradient(target)) {
      if (!isRowSparseGradient(source)) {
        throw new ArgumentError(`addGrads: '${name}' is a row gradient and takes only row gradients; got a dense one`);
      }
      for (let k = 0; k < source.count; k++) touch(target, source.touched[k]);
    }
    addElements(target, source);
  }
}

/** Multiplies every gradient by one number. */
export function scaleGrads(kernels: Kernels, grads: TensorRecord, factor: number): void {
  expectTensors('scaleGrads', 'grads', grads);
  expectNumber('scaleGrads', 'factor', factor);
  expectKernels('scaleGrads', kernels);
  for (const g of Object.values(grads)) kernels.rows.scale(g, factor, rowsInUse(g));
}

/** The rows in use of a row gradient; undefined for any other tensor, whose rows are all in use. */
export function rowsInUse(g: Tensor): Int32Array | undefined {
  return isRowSparseGradient(g) ? g.touched.subarray(0, g.count) : undefined;
}

/** Visits `count` elements: `data[start], data[start + step], …`. */
type Run = (data: Real, start: number, count: number, step: number) => void;

/** Calls `f` for every run along the last axis: only those of the touched rows, if the gradient keeps a list of them. */
export function forEachRun(g: Tensor, f: Run): void {
  if (!isRowSparseGradient(g)) return walk(g, 0, g.offset, f);
  for (let k = 0; k < g.count; k++) walk(g, 1, g.offset + g.touched[k] * g.stride[0], f);
}

function walk(g: Tensor, axis: number, start: number, f: Run): void {
  const { data, shape, stride } = g;
  const last = shape.length - 1;
  if (last < 0) return f(data, start, 1, 1);
  if (axis === last) return f(data, start, shape[last], stride[last]);
  for (let i = 0; i < shape[axis]; i++) walk(g, axis + 1, start + i * stride[axis], f);
}

/** `target += source` over the elements in use of `source`. */
function addElements(target: Tensor, source: Tensor): void {
  const visit = (axis: number, to: number, from: number): void => {
    if (axis === source.shape.length) {
      target.data[to] += source.data[from];
      return;
    }
    for (let i = 0; i < source.shape[axis]; i++) {
      visit(axis + 1, to + i * target.stride[axis], from + i * source.stride[axis]);
    }
  };
  if (!isRowSparseGradient(source)) return visit(0, target.offset, source.offset);
  for (let k = 0; k < source.count; k++) {
    const row = source.touched[k];
    visit(1, target.offset + row * target.stride[0], source.offset + row * source.stride[0]);
  }
}
