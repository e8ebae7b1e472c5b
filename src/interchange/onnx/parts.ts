/** Operators that are parts of a model: recurrent layers, linear maps, tanh, and operators at the end of a graph. */
import { ArgumentError, DataError } from '../../tensor/errors.js';
import { fromOnnx } from './gates.js';
import type { Handler } from './layouts.js';
import { cellOfOperator, refused } from './operators.js';
import { fits } from './own.js';
import type { OnnxNode, OnnxTensor } from './proto.js';
import { FLOAT } from './proto.js';
import type { Reading, Value, Way } from './values.js';
import { isZero, parameter, rowsAt, weightAt, widthOf } from './values.js';

const recurrent: Handler = (node, reading) => {
  const { axes, way } = rowsAt(reading, node);
  const [time, batch, f] = axes;
  if (axes.length !== 3 || f !== 'f' || way.linear || way.dense)
    throw refused(node, `rows with the axes ${axes.join(', ')}`);
  if ((node.attributes.layout ?? 0) !== 0) throw refused(node, 'layout 1');
  const directions = weightsOf(node, reading);
  const { D } = directions;
  if (D !== widthOf(way)) throw refused(node, `${D} input columns after ${widthOf(way)}`);
  expectStart(node, reading);
  const layers = [...way.layers, { cell: directions.cell, directions: directions.own }];
  return { is: 'rows', axes: [time, 'd', batch, 'f'], way: { ...way, layers } };
};

/** The weights of a layer, and its cell. */
function weightsOf(node: OnnxNode, reading: Reading) {
  const at = (i: number, rank: number): OnnxTensor | undefined =>
    node.inputs[i] ? weightAt(reading, node, i, rank) : undefined;
  const [W, R, B] = [weightAt(reading, node, 1, 3), weightAt(reading, node, 2, 3), at(3, 2)];
  const P = node.operator === 'LSTM' ? at(7, 2) : undefined;
  const dirs = W.shape[0];
  const way = node.attributes.direction ?? 'forward';
  if (way !== (dirs === 2 ? 'bidirectional' : 'forward')) throw refused(node, `the direction ${JSON.stringify(way)}`);
  let cell;
  try {
    cell = cellOfOperator(node, dirs, P !== undefined);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new DataError(`onnx: node ${node.name}, operator ${node.operator}: ${error.message}`, { cause: error });
  }
  const own = { W: parameter(W), R: parameter(R), ...(B && { B: parameter(B) }), ...(P && { P: parameter(P) }) };
  if (!fits(cell.order, [own.W, own.R, own.B, own.P])) throw refused(node, 'weights whose shapes do not go together');
  return { cell: cell.name, own: fromOnnx(cell.order, own), D: W.shape[2] };
}

/** Requires that a layer starts from zero states and reads whole sentences. */
function expectStart(node: OnnxNode, reading: Reading): void {
  for (const i of node.operator === 'LSTM' ? [5, 6] : [5]) {
    const value = node.inputs[i] ? reading.input(node, i) : undefined;
    if (value && !isZero(value)) throw refused(node, 'an initial state other than zeros');
  }
  const lengths = node.inputs[4] ? reading.input(node, 4) : undefined;
  if (lengths && lengths.is !== 'lengths') throw refused(node, 'lengths of sentences that are not an input');
}

/** Extends a path by a linear map; the path must not have one yet. */
function linear(node: OnnxNode, way: Way, W: OnnxTensor, b?: OnnxTensor): Way {
  if (way.layers.length === 0) throw refused(node, 'a linear map in front of the recurrent layers');
  if (way.linear || way.ended) throw refused(node, 'a second linear map without tanh between them');
  if (W.shape[0] !== widthOf(way)) throw refused(node, `a matrix of ${W.shape[0]} rows after ${widthOf(way)} columns`);
  return { ...way, linear: { W, ...(b && { b }) } };
}

function expectComponentsLast(node: OnnxNode, axes: readonly string[]): void {
  if (axes[axes.length - 1] !== 'f' || axes.includes('d')) throw refused(node, `rows with the axes ${axes.join(', ')}`);
}

const matmul: Handler = (node, reading) => {
  const rows = rowsAt(reading, node);
  expectComponentsLast(node, rows.axes);
  return { ...rows, way: linear(node, rows.way, weightAt(reading, node, 1, 2)) };
};

/** Adds a bias, on either side, or sizes. */
const add: Handler = (node, reading) => {
  const sides = [0, 1].map((i) => reading.input(node, i));
  const i = sides.findIndex((each) => each?.is === 'rows');
  if (i < 0) return { is: 'sizes', of: ['?'] };
  const rows = rowsAt(reading, node, i);
  const b = weightAt(reading, node, 1 - i, 1);
  const { way } = rows;
  if (!way.linear || way.linear.b || way.ended || b.shape[0] !== widthOf(way)) throw refused(node, 'this sum');
  return { ...rows, way: { ...way, linear: { ...way.linear, b } } };
};

const gemm: Handler = (node, reading) => {
  const rows = rowsAt(reading, node);
  expectComponentsLast(node, rows.axes);
  const { attributes } = node;
  const one = (key: string): boolean => {
    const value = attributes[key];
    return value === undefined || (typeof value === 'object' && 'float' in value && value.float === 1);
  };
  if (!one('alpha') || !one('beta') || (attributes.transA ?? 0) !== 0) throw refused(node, 'alpha, beta or transA');
  const given = weightAt(reading, node, 1, 2);
  const W = attributes.transB === 1 ? turned(given) : given;
  const b = node.inputs[2] ? weightAt(reading, node, 2, 1) : undefined;
  if (b && b.shape[0] !== W.shape[1]) throw refused(node, 'a bias of another size');
  return { ...rows, way: linear(node, rows.way, W, b) };
};

function turned({ name, shape: [rows, columns], data }: OnnxTensor): OnnxTensor {
  const out = new Float32Array(data!.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data![i * columns + j];
  return { name, type: FLOAT, shape: [columns, rows], data: out };
}

const tanh: Handler = (node, reading) => {
  const rows = rowsAt(reading, node);
  const { linear: dense, ...way } = rows.way;
  if (dense === undefined || way.dense || way.ended) throw refused(node, 'tanh that is not after the one dense layer');
  return { ...rows, way: { ...way, dense } };
};

/** An operator that does not change the choice of a label: it ends the path. */
const end: Handler = (node, reading): Value => {
  const rows = rowsAt(reading, node);
  const axis = node.attributes.axis ?? (node.operator === 'ArgMax' ? 0 : -1);
  const place = typeof axis === 'number' && axis < 0 ? axis + rows.axes.length : axis;
  if (rows.axes[place as number] !== 'f' || !rows.way.linear)
    throw refused(node, 'another axis than that of the labels');
  return { ...rows, way: { ...rows.way, ended: true } };
};

/** Handlers by operator. */
export const parts: Readonly<Record<string, Handler>> = {
  ...{ LSTM: recurrent, GRU: recurrent, RNN: recurrent },
  ...{ MatMul: matmul, Add: add, Gemm: gemm, Tanh: tanh },
  ...{ Softmax: end, LogSoftmax: end, ArgMax: end },
};
