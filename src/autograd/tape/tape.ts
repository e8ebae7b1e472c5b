/**
 * A small reverse-mode tape over whole tensors: every operation records how to send a gradient back, and `backward` replays the
 * records in reverse (Wengert 1964; Griewank & Walther 2008, chapter 3). The operations are in `tape-ops.ts`, built from
 * `tape-primitives.ts`.
 *
 * It serves two purposes. If you embed this engine, you can try your own cell without deriving its gradient by hand. And it is an
 * oracle for the hand-written cells, with which it shares no code: no kernels, no cells, no unrolling.
 *
 * One LSTM step in ten lines, for `x [B, D]`, `h [B, H]`, `c [B, H]`:
 *
 *     function lstmStep(tape, { Wx, Wh, b }, x, h, c) {
 *       const H = h.value.shape[1];
 *       const a = tape.add(tape.add(tape.matmul(x, Wx), tape.matmul(h, Wh)), b);
 *       const i = tape.sigmoid(tape.sliceColumns(a, 0, H));
 *       const f = tape.sigmoid(tape.sliceColumns(a, H, H));
 *       const g = tape.tanh(tape.sliceColumns(a, 2 * H, H));
 *       const o = tape.sigmoid(tape.sliceColumns(a, 3 * H, H));
 *       const cNext = tape.add(tape.mul(f, c), tape.mul(i, g));
 *       return { h: tape.mul(o, tape.tanh(cNext)), c: cNext };
 *     }
 *
 * and its gradients:
 *
 *     const tape = createTape();
 *     const params = { Wx: tape.variable(Wx), Wh: tape.variable(Wh), b: tape.variable(b) };
 *     …
 *     tape.backward(tape.softmaxCrossEntropy(logits, labels));
 *     params.Wx.grad // [D, 4H]
 */
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { ArgumentError, ShapeError } from '../../tensor/errors.js';
import type { Transcendentals } from '../../tensor/math.js';
import { transcendentals } from '../../tensor/math.js';
import type { DType, Real, Tensor } from '../../tensor/types.js';
import { allocate, dtypeOf, sizeOf } from '../../tensor/view.js';
import type { TapeOps } from './tape-ops.js';
import { tapeOps } from './tape-ops.js';
import { compact } from './tape-primitives.js';

/**
 * A value on a tape, and the gradient with respect to it of the node that `backward` was called with. Both are row-major from
 * offset 0.
 */
export interface TapeNode {
  readonly value: Tensor;
  /** Of the shape of `value`; zeros before `backward`, and always for constants and what depends only on constants. */
  readonly grad: Tensor;
  /** Whether the value was computed from at least one variable. */
  readonly tracked: boolean;
}

/** Options of a tape. */
export interface TapeOptions {
  /** Implementation of `exp tanh sigmoid log`, by element type; default `transcendentals` of `tensor/math`. */
  readonly math?: (dtype: DType) => Transcendentals;
}

const KEYS = keysOf<TapeOptions>({ math: true });

/** The core on which operations are built: recording variables, constants and new nodes. */
export interface TapeCore {
  /** A value to differentiate with respect to. Its data is read now: a tensor that changes later needs a new tape. */
  variable(x: Tensor): TapeNode;
  /** A value to compute with; no gradient is kept for it. */
  constant(x: Tensor): TapeNode;
  /**
   * A custom operation. `backward` is called at most once, with the gradient of `value` (flat, row-major), and adds to
   * `inputs[k].grad.data` for every tracked input.
   *
   * @param value the result, in new row-major storage
   * @throws ArgumentError if an input belongs to another tape; ShapeError if element types are mixed
   */
  record(value: Tensor, inputs: readonly TapeNode[], backward: (gradient: Real) => void): TapeNode;
  /**
   * Adds ∂root/∂v to the gradient of every variable v, and of every node in between. Call it once per tape: a second call would
   * count every node twice.
   *
   * @param cotangent ∂L/∂root if the loss L is computed elsewhere, of the shape of `root`; default 1, for which `root` must have
   * one element
   * @throws ArgumentError on the second call, if `root` is not of this tape, or if it has several elements and no cotangent
   * @throws ShapeError if the shape of the cotangent differs from that of `root`
   */
  backward(root: TapeNode, cotangent?: Tensor): void;
}

/** A tape: records values as they are computed, and sends one gradient back through them. */
export type Tape = TapeCore & TapeOps;

/** A new, empty tape. Tapes are for one backward pass: make one per evaluation. */
export function createTape(options: TapeOptions = {}): Tape {
  expectKnownKeys('createTape', 'options', options, KEYS);
  const { math = transcendentals } = options;
  const notes: Note[] = [];
  const place = new Map<TapeNode, number>();
  let played = false;

  const put = (value: Tensor, tracked: boolean, backward?: (gradient: Real) => void): TapeNode => {
    const node: TapeNode = { value, grad: allocate(value.shape, dtypeOf(value.data)), tracked };
    place.set(node, notes.length);
    notes.push({ node, backward });
    return node;
  };

  const core: TapeCore = {
    variable: (x) => put(compact(x), true),
    constant: (x) => put(compact(x), false),
    record(value, inputs, backward) {
      for (const input of inputs) {
        if (!place.has(input)) throw new ArgumentError('tape: an input belongs to another tape; values cannot cross');
        if (dtypeOf(input.value.data) !== dtypeOf(inputs[0].value.data)) {
          throw new ShapeError('tape: inputs must share one element type; got float32 and float64');
        }
      }
      const tracked = inputs.some((input) => input.tracked);
      return put(value, tracked, tracked ? backward : undefined);
    },
    backward(root, cotangent) {
      const last = place.get(root);
      if (last === undefined) throw new ArgumentError('tape: backward must start at a value of this tape');
      if (played) throw new ArgumentError('tape: backward was called already; make a new tape for another gradient');
      seed(root, cotangent);
      played = true;
      // Nodes are recorded after their inputs, so in reverse order a node's gradient is complete when its turn comes.
      for (let k = last; k >= 0; k--) notes[k].backward?.(notes[k].node.grad.data);
    },
  };
  return { ...core, ...tapeOps(core, math) };
}

interface Note {
  readonly node: TapeNode;
  /** Absent for variables, constants, and what depends only on constants. */
  readonly backward?: (gradient: Real) => void;
}

/** Starts the backward pass: ∂L/∂root. */
function seed(root: TapeNode, cotangent: Tensor | undefined): void {
  const { shape } = root.value;
  if (cotangent === undefined) {
    if (sizeOf(shape) !== 1) {
      throw new ArgumentError(`tape: backward of a [${shape.join(', ')}] value needs a cotangent of that shape`);
    }
    root.grad.data[0] += 1;
    return;
  }
  if (cotangent.shape.join() !== shape.join()) {
    throw new ShapeError(`tape: the cotangent must be [${shape.join(', ')}]; got [${cotangent.shape.join(', ')}]`);
  }
  const { data } = compact(cotangent);
  for (let i = 0; i < data.length; i++) root.grad.data[i] += data[i];
}
