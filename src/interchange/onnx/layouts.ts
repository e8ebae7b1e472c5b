/** Operators that move axes and compute sizes, for graphs from other programs. */
import { refused } from './operators.js';
import type { OnnxNode, OnnxTensor } from './proto.js';
import { FLOAT, INT64 } from './proto.js';
import type { AxisName, Fixed, Reading, Value } from './values.js';
import { integersAt, isZero, rowsAt, widthOf } from './values.js';

/** Returns the value of a node's first output. @throws DataError if the node is unsupported */
export type Handler = (node: OnnxNode, reading: Reading) => Value;

const first: Handler = (node, reading) => reading.input(node, 0) ?? { is: 'other', what: 'nothing' };

/** Integers as a list of sizes. */
function sizesOf(value: Value | undefined): readonly (number | AxisName | '?')[] | undefined {
  if (value?.is === 'sizes') return value.of;
  return value?.is === 'constant' && value.tensor.data ? [...value.tensor.data] : undefined;
}

const unknownSizes: Handler = (node, reading) => {
  const all = node.inputs.map((_, i) => sizesOf(reading.input(node, i)));
  if (all.some((each) => each === undefined)) throw refused(node, 'arithmetic on rows of words');
  return { is: 'sizes', of: ['?'] };
};

/** The product of two known sizes: exporters compute the number of columns of both directions this way. */
const product: Handler = (node, reading) => {
  const unknown = unknownSizes(node, reading);
  const [p, q, ...more] = node.inputs.map((_, i) => integersAt(reading, node, i));
  return p?.length === 1 && q?.length === 1 && more.length === 0 ? { is: 'sizes', of: [p[0] * q[0]] } : unknown;
};

const constant: Handler = (node) => {
  const { value, value_int, value_ints, value_float } = node.attributes;
  const of = (type: number, numbers: readonly number[], shape: number[]): Value => {
    const data = type === FLOAT ? Float32Array.from(numbers) : Float64Array.from(numbers);
    return { is: 'constant', tensor: { name: node.outputs[0], type, shape, data } };
  };
  if (typeof value === 'object' && 'tensor' in value) return { is: 'constant', tensor: value.tensor };
  if (typeof value_int === 'number') return of(INT64, [value_int], []);
  if (Array.isArray(value_ints)) return of(INT64, value_ints.map(Number), [value_ints.length]);
  if (typeof value_float === 'object' && 'float' in value_float) return of(FLOAT, [value_float.float], []);
  throw refused(node, 'a constant of this kind');
};

/** Sizes of the axes of a value, as far as they are known. */
function sizesOfAxes(value: Value | undefined, { fixed }: Reading): readonly (number | AxisName | '?')[] | undefined {
  if (value?.is === 'constant') return value.tensor.shape;
  if (value?.is === 'ids') return value.axes.map((axis) => fixed[axis] ?? axis);
  if (value?.is !== 'rows') return undefined;
  const { axes, way } = value;
  // Axis d holds the directions of the last layer, and f then holds the columns of one of them.
  const directions = axes.includes('d') ? way.layers[way.layers.length - 1].directions.length : 1;
  const known: Fixed = { ...fixed, d: directions, f: widthOf(way) / directions };
  return axes.map((axis) => known[axis] ?? axis);
}

const shape: Handler = (node, reading) => {
  const value = reading.input(node, 0);
  const all = sizesOfAxes(value, reading);
  if (all === undefined) return { is: 'sizes', of: ['?'] };
  const { start = 0, end = all.length } = node.attributes;
  if (typeof start !== 'number' || typeof end !== 'number') throw refused(node, 'this part of a shape');
  return { is: 'sizes', of: all.slice(start, end) };
};

const transpose: Handler = (node, reading) => {
  const value = reading.input(node, 0);
  if (value?.is === 'constant') return { is: 'constant', tensor: transposed(node, value.tensor) };
  if (value?.is !== 'ids' && value?.is !== 'rows') throw refused(node, 'something other than words and their rows');
  const n = value.axes.length;
  const perm = integersAt(reading, node, 1, 'perm') ?? Array.from({ length: n }, (_, i) => n - 1 - i);
  if (perm.length !== n || new Set(perm).size !== n || perm.some((i) => !(i >= 0 && i < n))) {
    throw refused(node, `perm ${perm.join(', ')}`);
  }
  return { ...value, axes: perm.map((i) => value.axes[i]) };
};

/** A matrix that is transposed in the graph. */
function transposed(
  node: OnnxNode,
  { name, type, shape: [rows, columns, ...more], data: all }: OnnxTensor,
): OnnxTensor {
  if (more.length > 0 || columns === undefined || type !== FLOAT) throw refused(node, 'this constant');
  const data = all as Float32Array;
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j];
  return { name, type, shape: [columns, rows], data: out };
}

const squeeze: Handler = (node, reading) => {
  const value = reading.input(node, 0);
  if (value?.is !== 'rows') return sizesOf(value) ? value! : refuse(node, 'something other than rows of words');
  const axes = integersAt(reading, node, 1, 'axes')?.map((i) => (i < 0 ? i + value.axes.length : i));
  const { layers } = value.way;
  const one = value.axes[axes?.[0] ?? -1] === 'd' && layers[layers.length - 1].directions.length === 1;
  if (axes?.length !== 1 || !one) throw refused(node, 'an axis that is not that of one direction');
  return { ...value, axes: value.axes.filter((axis) => axis !== 'd') };
};

const refuse = (node: OnnxNode, what: string): never => {
  throw refused(node, what);
};

const unsqueeze: Handler = (node, reading) => {
  const value = reading.input(node, 0);
  return sizesOf(value) ? value! : refuse(node, 'a new axis of rows');
};

/** Merges directions with components, flattens words into one list, or leaves everything unchanged. */
const reshape: Handler = (node, reading) => {
  const given = sizesOf(reading.input(node, 1));
  const value = reading.input(node, 0);
  if (value?.is !== 'rows')
    return sizesOf(value) || (value && isZero(value)) ? value! : refuse(node, 'something other than rows');
  if (given === undefined) throw refused(node, 'an unknown shape');
  const { axes } = value;
  const width = widthOf(value.way);
  const known = (to: number | string, axis: AxisName): boolean =>
    to === axis || to === (axis === 'f' ? width : reading.fixed[axis]);
  const goes = (target: readonly AxisName[], zero: boolean): boolean =>
    given.length === target.length &&
    given.filter((to) => to === -1).length <= 1 &&
    target.every((axis, i) => given[i] === -1 || (zero && given[i] === 0 && axis === axes[i]) || known(given[i], axis));
  const merged = axes.slice(-2).join('') === 'df' ? [...axes.slice(0, -2), 'f' as const] : axes;
  if (goes(merged, true)) return { ...value, axes: merged };
  const flat: AxisName[] = ['ab', 'f'];
  if (merged.length === 3 && merged[2] === 'f' && goes(flat, false)) return { ...value, axes: flat };
  throw refused(node, `the shape ${given.join(', ')} of rows with the axes ${axes.join(', ')}`);
};

const gatherSizes: Handler = (node, reading) => {
  const all = sizesOf(reading.input(node, 0));
  const at = integersAt(reading, node, 1);
  if (all === undefined || at === undefined) throw refused(node, 'a choice among rows');
  return { is: 'sizes', of: at.map((i) => all[i < 0 ? i + all.length : i] ?? '?') };
};

const slice: Handler = (node, reading) => {
  const all = sizesOf(reading.input(node, 0));
  const [start, end] = [integersAt(reading, node, 1, 'starts'), integersAt(reading, node, 2, 'ends')];
  if (all === undefined) throw refused(node, 'a part of rows');
  if (start?.length !== 1 || end?.length !== 1 || node.inputs.length > 4) return { is: 'sizes', of: ['?'] };
  return { is: 'sizes', of: all.slice(start[0], Math.min(end[0], all.length)) };
};

const concat: Handler = (node, reading) => {
  const all = node.inputs.map((_, i) => sizesOf(reading.input(node, i)));
  if (all.some((each) => each === undefined)) throw refused(node, 'rows side by side');
  return { is: 'sizes', of: all.flatMap((each) => [...each!]) };
};

const constantOfShape: Handler = (node) => {
  const { value } = node.attributes;
  const data = typeof value === 'object' && 'tensor' in value ? value.tensor.data : undefined;
  const zero = value === undefined || (data?.every((x: number) => x === 0) ?? false);
  return zero ? { is: 'zeros' } : { is: 'sizes', of: ['?'] };
};

const expand: Handler = (node, reading) => {
  const value = reading.input(node, 0);
  if (value && isZero(value)) return { is: 'zeros' };
  return sizesOf(value) ? { is: 'sizes', of: ['?'] } : refuse(node, 'rows repeated');
};

/** Looks up a row of a table for every word, or selects sizes. */
const gather: Handler = (node, reading) => {
  const [table, ids] = [reading.input(node, 0), reading.input(node, 1)];
  if (ids?.is !== 'ids') return gatherSizes(node, reading);
  const axis = node.attributes.axis ?? 0;
  if (table?.is !== 'constant' || table.tensor.shape.length !== 2 || table.tensor.type !== FLOAT || axis !== 0) {
    throw refused(node, 'a table that is not a float32 constant of 2 axes');
  }
  return { is: 'rows', axes: [...ids.axes, 'f'], way: { table: table.tensor, layers: [] } };
};

const cast: Handler = (node, reading) => {
  const value = first(node, reading);
  if (value.is === 'rows' && node.attributes.to !== FLOAT) throw refused(node, 'rows in another element type');
  return value;
};

const dropout: Handler = (node, reading) => {
  const training = node.inputs.length > 2 ? reading.input(node, 2) : undefined;
  if (training && !isZero(training)) throw refused(node, 'dropout while a model is run');
  return rowsAt(reading, node);
};

/** Zeros stay zeros, however they are sliced and transposed; initial states are made this way. */
const ofZeros =
  (handler: Handler): Handler =>
  (node, reading) => {
    const value = reading.input(node, 0);
    const zeros = value?.is === 'zeros' || (value?.is === 'constant' && value.tensor.type === FLOAT && isZero(value));
    return zeros ? { is: 'zeros' } : handler(node, reading);
  };

/** Handlers by operator. */
export const layouts: Readonly<Record<string, Handler>> = {
  ...{ Constant: constant, Identity: first, Cast: cast, Dropout: dropout, Shape: shape, Gather: gather },
  ...{ Transpose: ofZeros(transpose), Squeeze: ofZeros(squeeze), Unsqueeze: ofZeros(unsqueeze) },
  ...{ Reshape: ofZeros(reshape), Slice: ofZeros(slice), Expand: ofZeros(expand) },
  ...{ Concat: concat, ConstantOfShape: constantOfShape },
  ...{ Mul: product, Div: unknownSizes, Sub: unknownSizes },
};
