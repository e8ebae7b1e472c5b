/**
 * The recurrent layers that Keras and this package share, and how their weights correspond.
 *
 *     here                    Keras                       gates here   gates there   bias there
 *     lstm                    LSTM                        i f g o      i f c o       [4H]
 *     gru                     GRU, reset_after=True       r z n        z r h         [2, 3H]: b, and the recurrent one, of which bn is the last third
 *     gru-reset-before        GRU, reset_after=False      r z n        z r h         [3H]
 *     rnn, rnn-relu           SimpleRNN, tanh or relu     one          one           [H]
 *
 * Matrices have the same layout: `[inputs, gates · H]`.
 *
 * Source: keras 3, keras/src/layers/rnn/{lstm,gru,simple_rnn}.py.
 */
import { DataError, UnsupportedError } from '../../tensor/errors.js';
import type { Hdf5Dataset } from './hdf5-write.js';

/** Weights of one direction of a layer, as a model file has them; row-major float32. */
export interface Direction {
  readonly Wx: Hdf5Dataset;
  readonly Wh: Hdf5Dataset;
  readonly b: Hdf5Dataset;
  readonly bn?: Hdf5Dataset;
}

/** The Keras counterpart of a cell of this package. */
export interface KerasCell {
  readonly className: string;
  /** Configuration values that identify this cell. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly gates: number;
  /** For each Keras gate, the index of our gate. */
  readonly order: readonly number[];
  /** Whether there is a separate recurrent bias. */
  readonly twoBiases: boolean;
}

const GRU_ORDER = [1, 0, 2];
const GATED = { activation: 'tanh', recurrent_activation: 'sigmoid' };

/** Cells by their name in this package. */
export const KERAS_CELLS: Readonly<Record<string, KerasCell>> = {
  lstm: { className: 'LSTM', config: GATED, gates: 4, order: [0, 1, 2, 3], twoBiases: false },
  gru: { className: 'GRU', config: { ...GATED, reset_after: true }, gates: 3, order: GRU_ORDER, twoBiases: true },
  'gru-reset-before': { className: 'GRU', config: { ...GATED, reset_after: false }, gates: 3, order: GRU_ORDER, twoBiases: false }, // prettier-ignore
  rnn: { className: 'SimpleRNN', config: { activation: 'tanh' }, gates: 1, order: [0], twoBiases: false },
  'rnn-relu': { className: 'SimpleRNN', config: { activation: 'relu' }, gates: 1, order: [0], twoBiases: false },
};

/** @throws UnsupportedError naming a cell that Keras does not have */
export function kerasCellOf(name: string): KerasCell {
  if (Object.hasOwn(KERAS_CELLS, name)) return KERAS_CELLS[name];
  throw new UnsupportedError(`Keras has no layer for the cell ${name}; it has ${Object.keys(KERAS_CELLS).join(', ')}`); // prettier-ignore
}

/** Reorders the columns of a matrix, or the elements of a vector, in blocks of H. */
function reordered({ shape, values }: Hdf5Dataset, order: readonly number[]): Hdf5Dataset {
  const width = shape[shape.length - 1];
  const H = width / order.length;
  const out = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += width) {
    order.forEach((from, to) => out.set(values.subarray(row + from * H, row + (from + 1) * H), row + to * H));
  }
  return { shape, values: out };
}

const inverse = (order: readonly number[]): number[] => order.map((_, gate) => order.indexOf(gate));

/** kernel, recurrent kernel, bias, in Keras order. */
export function toKeras({ order, twoBiases, gates }: KerasCell, { Wx, Wh, b, bn }: Direction): Hdf5Dataset[] {
  const bias = reordered(b, order);
  if (!twoBiases) return [reordered(Wx, order), reordered(Wh, order), bias];
  const H = Wh.shape[0];
  const both = new Float32Array(2 * gates * H);
  both.set(bias.values);
  both.set(bn!.values, both.length - H);
  return [reordered(Wx, order), reordered(Wh, order), { shape: [2, gates * H], values: both }];
}

/**
 * The inverse conversion; a missing bias is 0. For a GRU with two biases, the recurrent biases of r and z are added to the
 * others, which is equivalent.
 *
 * @param where names the layer in messages
 * @throws DataError if a shape is not that of the cell
 */
export function fromKeras(cell: KerasCell, weights: readonly Hdf5Dataset[], where: string): Direction {
  const [kernel, recurrent, bias] = weights;
  const H = recurrent?.shape[0] ?? 0;
  const width = cell.gates * H;
  const fits = (x: Hdf5Dataset | undefined, ...shape: number[]): boolean => String(x?.shape) === String(shape);
  if (!(H > 0 && fits(kernel, kernel?.shape[0] ?? 0, width) && fits(recurrent, H, width))) {
    throw misshapen(where, `[inputs, ${width}] and [${H}, ${width}]`, [kernel, recurrent]);
  }
  const back = inverse(cell.order);
  const matrices = { Wx: reordered(kernel, back), Wh: reordered(recurrent, back) };
  if (!cell.twoBiases) {
    if (bias && !fits(bias, width)) throw misshapen(where, `a bias [${width}]`, [bias]);
    return { ...matrices, b: reordered(bias ?? { shape: [width], values: new Float32Array(width) }, back) };
  }
  if (bias && !fits(bias, 2, width)) throw misshapen(where, `a bias [2, ${width}]`, [bias]);
  const values = bias?.values ?? new Float32Array(2 * width);
  const summed = values.slice(0, width);
  for (let j = 0; j < width - H; j++) summed[j] += values[width + j];
  const b = reordered({ shape: [width], values: summed }, back);
  return { ...matrices, b, bn: { shape: [H], values: values.slice(2 * width - H) } };
}

function misshapen(where: string, expected: string, got: readonly (Hdf5Dataset | undefined)[]): DataError {
  const shapes = got.map((x) => (x ? `[${x.shape.join(', ')}]` : 'nothing')).join(' and ');
  return new DataError(`Keras model: ${where}: expected weights ${expected}; got ${shapes}`);
}
