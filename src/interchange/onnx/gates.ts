/**
 * Converts the weights of a recurrent layer to the ONNX layout and back. (https://onnx.ai/onnx/operators/onnx__LSTM.html)
 *
 *     ours, per direction                          ONNX, the directions one behind the other
 *     Wx [D, G·H]   Wh [H, G·H]   b [G·H]          W [dirs, G·H, D]   R [dirs, G·H, H]   B [dirs, 2·G·H] = [Wb | Rb]
 *     LSTM i f g o  GRU r z n                      LSTM i o f c       GRU z r h
 *     p [3H], i f o                                P [dirs, 3H], i o f
 *
 * b goes to Wb. Rb is zero, except for the candidate of a GRU whose reset gate is applied after the product: there it is `bn`. An
 * LSTM with coupled gates has three gates here and four in ONNX, where the weights of f are not read and are set to zero.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import type { Tensor } from '../../tensor/types.js';
import { flatCopy, viewOf } from '../../tensor/view.js';

/** The operator that a cell corresponds to, and the layout of its weights. */
export interface GateOrder {
  readonly operator: 'LSTM' | 'GRU' | 'RNN';
  /** For each ONNX gate, its index among ours; −1 for a gate that we do not have. */
  readonly gates: readonly number[];
  /** The same for the peepholes; empty if there are none. */
  readonly peepholes: readonly number[];
  /** Whether the candidate has a bias inside the reset gate, `bn`. */
  readonly inner: boolean;
}

/** The tensors of a layer in ONNX. */
export interface OnnxWeights {
  readonly W: Tensor;
  readonly R: Tensor;
  readonly B: Tensor;
  readonly P?: Tensor;
}

/** Number of our gates. */
const ours = ({ gates }: GateOrder): number => gates.filter((place) => place >= 0).length;

/** One direction, or both. */
type Directions = readonly TensorRecord[];

const joinedAs = (parts: readonly Float32Array[], shape: readonly number[]): Tensor => {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return viewOf(data, [parts.length, ...shape]);
};

/** Returns the tensors in the ONNX layout. */
export function toOnnx(order: GateOrder, directions: Directions): OnnxWeights {
  const [{ Wx, Wh }] = directions;
  const [D, H, G] = [Wx.shape[0], Wh.shape[0], order.gates.length];
  const all = (of: (own: TensorRecord) => Float32Array, ...shape: number[]) => joinedAs(directions.map(of), shape);
  return {
    W: all((own) => rowsOfGates(order, flat(own.Wx), D, H), G * H, D),
    R: all((own) => rowsOfGates(order, flat(own.Wh), H, H), G * H, H),
    B: all((own) => biases(order, own, H), 2 * G * H),
    ...(order.peepholes.length > 0 && { P: all((own) => blocks(order.peepholes, flat(own.p), H), 3 * H) }),
  };
}

const flat = (x: Tensor): Float32Array => flatCopy(x) as Float32Array;

/** Converts `[rows, G·H]` in our gate order to `[G·H, rows]` in the ONNX order. */
function rowsOfGates(order: GateOrder, x: Float32Array, rows: number, H: number): Float32Array {
  const [wide, G] = [ours(order) * H, order.gates.length];
  const out = new Float32Array(G * H * rows);
  order.gates.forEach((from, to) => {
    if (from < 0) return;
    for (let j = 0; j < H; j++) {
      for (let i = 0; i < rows; i++) out[(to * H + j) * rows + i] = x[i * wide + from * H + j];
    }
  });
  return out;
}

/** Blocks of H in the ONNX order; zero for a gate that we do not have. */
function blocks(places: readonly number[], x: Float32Array, H: number): Float32Array {
  const out = new Float32Array(places.length * H);
  places.forEach((from, to) => {
    if (from >= 0) out.set(x.subarray(from * H, (from + 1) * H), to * H);
  });
  return out;
}

function biases(order: GateOrder, { b, bn }: TensorRecord, H: number): Float32Array {
  const G = order.gates.length;
  const out = new Float32Array(2 * G * H);
  out.set(blocks(order.gates, flat(b), H));
  if (order.inner) out.set(flat(bn), (2 * G - 1) * H);
  return out;
}

/** Returns our tensors for every direction. The two biases are added; a zero bias leaves the bits of the other unchanged. */
export function fromOnnx(
  order: GateOrder,
  { W, R, B, P }: Omit<OnnxWeights, 'B'> & { readonly B?: Tensor },
): Directions {
  const [dirs, wide, D] = W.shape;
  const [H, G] = [R.shape[2], order.gates.length];
  const part = (x: Tensor, d: number): Float32Array => {
    const size = x.data.length / dirs;
    return (x.data as Float32Array).subarray(d * size, (d + 1) * size);
  };
  return Array.from({ length: dirs }, (_, d) => {
    const both = B === undefined ? new Float32Array(2 * wide) : part(B, d);
    const [Wb, Rb] = [both.subarray(0, wide), both.subarray(wide).slice()];
    const bn = Rb.slice((G - 1) * H);
    if (order.inner) Rb.fill(0, (G - 1) * H);
    const b = Rb.every((x) => x === 0) ? Wb : Wb.map((x, i) => x + Rb[i]);
    const size = ours(order) * H;
    return {
      Wx: viewOf(columnsOfGates(order, part(W, d), D, H), [D, size]),
      Wh: viewOf(columnsOfGates(order, part(R, d), H, H), [H, size]),
      b: viewOf(backIn(order.gates, b, H), [size]),
      ...(order.inner && { bn: viewOf(bn, [H]) }),
      ...(P && { p: peepholesOf(order, part(P, d), H) }),
    };
  });
}

function peepholesOf({ peepholes }: GateOrder, P: Float32Array, H: number): Tensor {
  const p = backIn(peepholes, P, H);
  return viewOf(p, [p.length]);
}

function columnsOfGates(order: GateOrder, x: Float32Array, rows: number, H: number): Float32Array {
  const wide = ours(order) * H;
  const out = new Float32Array(rows * wide);
  order.gates.forEach((to, from) => {
    if (to < 0) return;
    for (let j = 0; j < H; j++) {
      for (let i = 0; i < rows; i++) out[i * wide + to * H + j] = x[(from * H + j) * rows + i];
    }
  });
  return out;
}

/** Blocks of H back in our order. */
function backIn(places: readonly number[], x: Float32Array, H: number): Float32Array {
  const out = new Float32Array(places.filter((to) => to >= 0).length * H);
  places.forEach((to, from) => {
    if (to >= 0) out.set(x.subarray(from * H, (from + 1) * H), to * H);
  });
  return out;
}
