/**
 * Reads a PyTorch recurrent network from its state dict, saved as safetensors.
 *
 *   weight_ih_l0 [G·H, D]     Wx = its transpose      gates stand in our order: LSTM i f g o, GRU r z n
 *   weight_hh_l0 [G·H, H]     Wh = its transpose
 *   bias_ih_l0, bias_hh_l0    b = their sum           but the GRU's n: b from the first, bn from the second, inside the reset product
 *   …_l1, …_l0_reverse        the next layer, the other direction
 *
 * Source: the parameter lists of torch.nn.RNN, LSTM and GRU. A GRU of PyTorch applies the reset gate after the recurrent product: `gru`.
 */
import type { CellParams } from '../cells/cell.js';
import type { LayerParams } from '../layers/stack.js';
import { expectTensors } from '../tensor/arguments.js';
import { DataError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import { copied, transposed, zeros } from './numbers.js';

/** Selects one recurrent part of a state dict. */
export interface PyTorchCell {
  /** Default: `rnn`, `lstm` or `gru`, by the number of gates. An RNN with ReLU has the same weights: pass `rnn-relu`. */
  readonly cell?: 'rnn' | 'rnn-relu' | 'lstm' | 'gru';
  /** Prefix of the names of the recurrent weights, such as `encoder.lstm.`; default: detected. */
  readonly prefix?: string;
}

/** G by the name of the cell. */
export const GATES: Readonly<Record<string, number>> = { rnn: 1, 'rnn-relu': 1, lstm: 4, gru: 3 };
const NAME = /^(.*?)weight_hh_l0$/;

/** The recurrent layers of a state dict. */
export interface PyTorchLayers {
  readonly cell: string;
  readonly layers: readonly LayerParams[];
  /** Names of the tensors that were used. */
  readonly used: readonly string[];
}

/**
 * Returns only the recurrent layers of a state dict.
 *
 * @throws DataError if a weight is missing, has another shape, or belongs to an unsupported network: one with projections
 *   (`weight_hr`), or several recurrent parts without a `prefix`
 */
export function layersFromPyTorch(tensors: Readonly<Record<string, Tensor>>, options: PyTorchCell = {}): PyTorchLayers {
  expectTensors('fromPyTorch', 'tensors', tensors);
  const prefix = options.prefix ?? prefixIn(tensors);
  const take = takerOf(tensors, prefix);
  const { shape } = take('weight_hh_l0');
  if (shape.length !== 2) throw broken(`${prefix}weight_hh_l0 is [${shape.join(', ')}]; expected a matrix`);
  const [rows, H] = shape;
  const cell = options.cell ?? Object.keys(GATES).find((name) => GATES[name] * H === rows);
  if (cell === undefined || GATES[cell] * H !== rows) {
    throw broken(`${prefix}weight_hh_l0 is [${rows}, ${H}]; expected [G·${H}, ${H}] with G = 1, 3 or 4 gates`);
  }
  if (tensors[`${prefix}weight_hr_l0`])
    throw broken(`it has projections (${prefix}weight_hr_l0), which are not supported`);
  const layers: LayerParams[] = [];
  for (let l = 0; tensors[`${prefix}weight_hh_l${l}`]; l++) {
    const forward = paramsOf(take, cell, `l${l}`);
    const both = tensors[`${prefix}weight_hh_l${l}_reverse`] !== undefined;
    layers.push(both ? { forward, reverse: paramsOf(take, cell, `l${l}_reverse`) } : { forward });
  }
  if (new Set(layers.map((layer) => 'reverse' in layer)).size > 1)
    throw broken('some of its layers are bidirectional and some are not');
  return { cell, layers, used: take.used };
}

function prefixIn(tensors: Readonly<Record<string, Tensor>>): string {
  const found = Object.keys(tensors).flatMap((name) => NAME.exec(name)?.[1] ?? []);
  if (found.length === 1) return found[0];
  if (found.length === 0) throw broken('it has no weight_hh_l0: expected the state dict of an RNN, LSTM or GRU');
  throw broken(
    `it has several recurrent parts, ${found.map((each) => `'${each}'`).join(', ')}: choose one with prefix`,
  );
}

interface Taker {
  (name: string): Tensor;
  /** A vector that may be absent, as without biases. */
  maybe(name: string, size: number): Tensor;
  readonly used: string[];
}

function takerOf(tensors: Readonly<Record<string, Tensor>>, prefix: string): Taker {
  const used: string[] = [];
  const take = (name: string): Tensor => {
    const found = tensors[prefix + name];
    if (found === undefined) throw broken(`it has no ${prefix}${name}`);
    used.push(prefix + name);
    return copied(found);
  };
  const maybe = (name: string, size: number): Tensor => (tensors[prefix + name] ? take(name) : zeros([size]));
  return Object.assign(take, { maybe, used });
}

function paramsOf(take: Taker, cell: string, suffix: string): CellParams {
  const [Wx, Wh] = [transposed(take(`weight_ih_${suffix}`)), transposed(take(`weight_hh_${suffix}`))];
  const H = Wh.shape[0];
  const W = GATES[cell] * H;
  const [b, second] = [take.maybe(`bias_ih_${suffix}`, W), take.maybe(`bias_hh_${suffix}`, W)];
  for (const [name, x] of Object.entries({ weight_ih: Wx, weight_hh: Wh })) {
    if (x.shape[0] < 1) throw broken(`${name}_${suffix} has no columns; expected at least one`);
    if (x.shape[1] !== W)
      throw broken(`${name}_${suffix} has ${x.shape[1]} rows; expected ${GATES[cell]} gates of ${H}, ${W}`);
  }
  for (const x of [b, second])
    if (x.shape.join() !== String(W)) throw broken(`a bias of ${suffix} is [${x.shape}]; expected [${W}]`);
  const shared = cell === 'gru' ? 2 * H : W;
  for (let j = 0; j < shared; j++) b.data[j] += second.data[j];
  if (cell !== 'gru') return { Wx, Wh, b };
  const bn = zeros([H]);
  for (let j = 0; j < H; j++) bn.data[j] = second.data[2 * H + j];
  return { Wx, Wh, b, bn } as CellParams;
}

/** Returns the error for an invalid state dict. */
export function broken(what: string): DataError {
  return new DataError(`PyTorch state dict: the file cannot be read: ${what}`);
}
