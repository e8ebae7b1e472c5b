/**
 * The poolings behind one interface: each reduces the packed rows of a batch, `[N, D]`, to one row per sequence, `[B, D]`. Each
 * is a separate layer with its equations: pool-last.ts, pool-mean.ts, pool-max.ts, pool-attention.ts.
 */
import type { TensorRecord } from '../autograd/grads.js';
import type { Packing } from '../autograd/packing.js';
import type { Kernels } from '../kernels/types.js';
import type { Rng } from '../tensor/random.js';
import type { DType, Tensor } from '../tensor/types.js';
import type { AttentionPool, AttentionPoolParams } from './pool-attention.js';
import { attentionPoolBackward, attentionPoolForward, initAttentionPool } from './pool-attention.js';
import type { LastPool, LastPoolOptions } from './pool-last.js';
import { lastPoolBackward, lastPoolForward } from './pool-last.js';
import type { MaxPool } from './pool-max.js';
import { maxPoolBackward, maxPoolForward } from './pool-max.js';
import type { MeanPool } from './pool-mean.js';
import { meanPoolBackward, meanPoolForward } from './pool-mean.js';

/** Names of the poolings. */
export type PoolingName = 'last' | 'mean' | 'max' | 'attention';

/** One vector per sequence; a pooling adds what its backward pass needs. */
export interface PoolPass {
  /** `[B, D]` in packed order: row b belongs to the caller's sequence `packing.order[b]`. */
  readonly y: Tensor;
  readonly packing: Packing;
}

/** The half of a pooling that a forward pass needs; inference uses only this half. Every `Pooling` is also a `PoolingForward`. */
export interface PoolingForward<P extends PoolPass = PoolPass> {
  readonly name: PoolingName;

  /** Shapes of its parameters, by name; empty if the pooling has none. `width` is A of attention; default D. */
  shapes(D: number, width?: number): Readonly<Record<string, readonly number[]>>;

  /**
   * @param x `[N, D]`, packed rows
   * @param options.bidirectional whether the rows are those of a bidirectional layer; used only by `last`
   * @throws ShapeError when a tensor does not fit; ArgumentError naming a sequence without rows
   */
  forward(kernels: Kernels, params: TensorRecord, x: Tensor, packing: Packing, options?: LastPoolOptions): P;
}

/** One pooling. */
export interface Pooling<P extends PoolPass = PoolPass> extends PoolingForward<P> {
  /**
   * New parameters for rows of width D; an empty record if the pooling has none.
   *
   * @param options.width A of attention; default D
   * @throws ArgumentError when D or A is not a positive integer
   */
  initialize(D: number, rng: Rng, options?: { readonly width?: number; readonly dtype?: DType }): TensorRecord;

  /**
   * Adds to `grads`, which mirrors the parameters, and to `dX`.
   *
   * @param dY `[B, D]` in packed order
   * @param dX `[N, D]`; omit it if nothing before the layer is trained
   * @throws ShapeError when a tensor does not fit
   */
  backward(kernels: Kernels, params: TensorRecord, pass: P, dY: Tensor, grads: TensorRecord, dX?: Tensor): void;
}

const lastForward: PoolingForward<LastPool> = {
  name: 'last',
  shapes: () => ({}),
  forward: (kernels, _params, x, packing, options) => lastPoolForward(kernels, x, packing, options),
};

const meanForward: PoolingForward<MeanPool> = {
  name: 'mean',
  shapes: () => ({}),
  forward: (kernels, _params, x, packing) => meanPoolForward(kernels, x, packing),
};

const maxForward: PoolingForward<MaxPool> = {
  name: 'max',
  shapes: () => ({}),
  forward: (kernels, _params, x, packing) => maxPoolForward(kernels, x, packing),
};

const attentionForward: PoolingForward<AttentionPool> = {
  name: 'attention',
  shapes: (D, width = D) => ({ W: [D, width], b: [width], v: [width] }),
  forward: (kernels, params, x, packing) => attentionPoolForward(kernels, params as AttentionPoolParams, x, packing),
};

/** The forward half of every pooling, by name. */
export const poolingForwards: Readonly<Record<PoolingName, PoolingForward>> = {
  last: lastForward,
  mean: meanForward,
  max: maxForward,
  attention: attentionForward,
};

/** Every pooling, by name. Pass a `PoolPass` to the `backward` of the pooling that made it. */
export const poolings: Readonly<Record<PoolingName, Pooling>> = /* @__PURE__ */ wholePoolings();

function wholePoolings(): Record<PoolingName, Pooling> {
  const nothing = { initialize: () => ({}) };
  const last: Pooling<LastPool> = {
    ...{ ...lastForward, ...nothing },
    backward: (kernels, _params, pass, dY, _grads, dX) => dX && lastPoolBackward(kernels, pass, dY, dX),
  };
  const mean: Pooling<MeanPool> = {
    ...{ ...meanForward, ...nothing },
    backward: (kernels, _params, pass, dY, _grads, dX) => dX && meanPoolBackward(kernels, pass, dY, dX),
  };
  const max: Pooling<MaxPool> = {
    ...{ ...maxForward, ...nothing },
    backward: (kernels, _params, pass, dY, _grads, dX) => dX && maxPoolBackward(kernels, pass, dY, dX),
  };
  const attention: Pooling<AttentionPool> = {
    ...attentionForward,
    initialize: (D, rng, { width = D, dtype } = {}) => initAttentionPool(D, width, rng, { dtype }),
    backward: (kernels, params, pass, dY, grads, dX) =>
      attentionPoolBackward(kernels, params as AttentionPoolParams, pass, dY, grads as AttentionPoolParams, dX),
  };
  return { last, mean, max, attention } as Record<PoolingName, Pooling>;
}
