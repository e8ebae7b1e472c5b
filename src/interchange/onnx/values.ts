/**
 * What is known of a value while a graph from another program is read: constants, sizes, and the position on the path from words
 * to labels. Sizes that a file leaves open have names, so that axes stay distinguishable wherever they are moved.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import { DataError } from '../../tensor/errors.js';
import { viewOf } from '../../tensor/view.js';
import { refused } from './operators.js';
import type { OnnxNode, OnnxTensor } from './proto.js';
import { FLOAT } from './proto.js';

/** A recurrent layer that was read. */
export interface LayerRead {
  readonly cell: string;
  /** One entry for each direction. */
  readonly directions: readonly TensorRecord[];
}

/** A linear map that was read. */
export interface LinearRead {
  readonly W: OnnxTensor;
  readonly b?: OnnxTensor;
}

/** The parts that a value has passed through, in this order. */
export interface Way {
  readonly table: OnnxTensor;
  readonly layers: readonly LayerRead[];
  readonly dense?: LinearRead;
  /** The last linear map; if a tanh follows, it becomes `dense`. */
  readonly linear?: LinearRead;
  /** Whether scores have been turned into probabilities or a choice. */
  readonly ended?: boolean;
}

/** An axis: words (`a`, `b`, in the order of the input), both (`ab`), directions (`d`), components (`f`). */
export type AxisName = 'a' | 'b' | 'ab' | 'd' | 'f';

/** A value of the graph. */
export type Value =
  | { readonly is: 'constant'; readonly tensor: OnnxTensor }
  /** Integers, some of which are sizes of axes. */
  | { readonly is: 'sizes'; readonly of: readonly (number | AxisName | '?')[] }
  /** Ids of words. */
  | { readonly is: 'ids'; readonly axes: readonly AxisName[] }
  /** Lengths of sentences. */
  | { readonly is: 'lengths' }
  | { readonly is: 'zeros' }
  | { readonly is: 'rows'; readonly axes: readonly AxisName[]; readonly way: Way }
  /** A value that belongs to no part of a model; an error only if something reads it. */
  | { readonly is: 'other'; readonly what: string };

/** Sizes of axes as far as they are known: `a` and `b` only if the file fixes them. */
export type Fixed = Readonly<Partial<Record<AxisName, number>>>;

/** Context passed to handlers. */
export interface Reading {
  /** The value of input i of a node; undefined if it is omitted. @throws DataError on an unknown value */
  input(node: OnnxNode, i: number): Value | undefined;
  readonly fixed: Fixed;
}

/** The rows of input i. @throws DataError if it is something else */
export function rowsAt(reading: Reading, node: OnnxNode, i = 0): Extract<Value, { is: 'rows' }> {
  const value = reading.input(node, i);
  if (value?.is === 'rows') return value;
  throw refused(node, value?.is === 'other' ? value.what : `input ${i} as something other than the rows of words`);
}

/** A float32 constant with the given number of axes. @throws DataError if it is something else */
export function weightAt(reading: Reading, node: OnnxNode, i: number, ...ranks: readonly number[]): OnnxTensor {
  const value = reading.input(node, i);
  const tensor = value?.is === 'constant' ? value.tensor : undefined;
  if (tensor?.type === FLOAT && tensor.data && ranks.includes(tensor.shape.length)) return tensor;
  throw refused(node, `input ${i} as something other than a float32 constant of ${ranks.join(' or ')} axes`);
}

/** Integers of an input, or of an attribute in older operator sets; undefined if they are not known. */
export function integersAt(
  reading: Reading,
  node: OnnxNode,
  i: number,
  attribute?: string,
): readonly number[] | undefined {
  const given = attribute === undefined ? undefined : node.attributes[attribute];
  if (typeof given === 'number') return [given];
  if (Array.isArray(given)) return given.map(Number);
  const value = i < node.inputs.length ? reading.input(node, i) : undefined;
  if (value?.is === 'constant' && value.tensor.data) return [...value.tensor.data];
  const sizes = value?.is === 'sizes' ? value.of : undefined;
  return sizes?.every((n): n is number => typeof n === 'number') ? sizes : undefined;
}

/** Whether a value is zero everywhere. */
export const isZero = (value: Value): boolean =>
  value.is === 'zeros' || (value.is === 'constant' && (value.tensor.data?.every((x: number) => x === 0) ?? false));

/** Number of columns of the rows, if known. */
export function widthOf({ table, layers, dense, linear }: Way): number {
  if (linear) return linear.W.shape[1];
  if (dense) return dense.W.shape[1];
  const last = layers[layers.length - 1];
  return last ? last.directions.length * last.directions[0].Wh.shape[0] : table.shape[1];
}

/** Returns a matrix as a model parameter. @throws DataError if it is not finite */
export function parameter({ name, shape, data }: OnnxTensor) {
  const odd = data!.findIndex((x: number) => !Number.isFinite(x));
  if (odd < 0) return viewOf(data as Float32Array, shape);
  throw new DataError(
    `onnx: tensor ${name}: expected finite numbers; got ${data![odd]} at element ${odd}: train the model again`,
  );
}
