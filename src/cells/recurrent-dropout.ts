/**
 * Recurrent dropout for any cell, as in Gal & Ghahramani (2016, section 4): it drops the state that the recurrence reads, with
 * one mask for all steps of a sequence, shared by all gates. What a cell reads of its state outside a product (the leak z ∘ h' of
 * a GRU, the cell state of an LSTM) is not masked. This is what Keras calls `recurrent_dropout`.
 *
 * Forward, in every product of a step, whose left factor u is h' or what the step made of it (r ∘ h')
 *   (1)  û = u ∘ m / (1 − p)      [B_t, H]    m = 1 with probability 1 − p, else 0
 *   (2)  a += û·W
 *
 * Backward, the same numbers in reverse
 *   (2)  dû = da·Wᵀ               and, over all steps at once,  dW += ûᵀ·da
 *   (1)  du += dû ∘ m / (1 − p)
 *
 * A factor of another width is not a state, and is not masked: the output of an LSTM before its projection is wider.
 *
 * Kept for backward: m, a mask.
 *
 * It applies only in training: evaluation uses the cell itself.
 */
import type { Kernels } from '../kernels/types.js';
import { expectProbability } from '../tensor/checks.js';
import { ArgumentError } from '../tensor/errors.js';
import { fill } from '../tensor/rows.js';
import type { Tensor } from '../tensor/types.js';
import { rowStart } from '../tensor/view.js';
import type { Cell } from './cell.js';
import { expectCell } from './check.js';

/** Its saved tensors: the mask, û, and dû. */
const [MASK, READ, D_READ] = ['mask_h', 'read_h', 'dread_h'];

/**
 * A cell whose recurrent products read a masked state.
 *
 * @param p probability that a component is dropped, in [0, 1); with 0 the cell itself is returned
 * @throws ArgumentError on another p, or a cell that has recurrent dropout already
 */
export function recurrentDropout(cell: Cell, p: number): Cell {
  expectCell('recurrentDropout', cell);
  expectProbability('recurrentDropout', 'p', p);
  if (p === 0) return cell;
  if (Object.hasOwn(cell.saved, MASK)) {
    throw new ArgumentError(`recurrentDropout: the cell '${cell.name}' already has recurrent dropout: apply it once`);
  }
  const scale = 1 / (1 - p);
  const { stepForward, stepBackward, weightGradients } = cell;
  return {
    ...cell,
    saved: { ...cell.saved, [MASK]: 1, [READ]: 1 },
    masks: { ...cell.masks, [MASK]: { mean: 1 - p, per: 'sequence' } },
    stepGrads: { ...cell.stepGrads, [D_READ]: 1 },
    stepForward: (kernels, params, prev, saved, next) =>
      stepForward(maskedProducts(kernels, saved, scale), params, prev, saved, next),
    stepBackward: (kernels, params, prev, saved, next, dNext, dPrev) =>
      stepBackward(maskedProducts(kernels, saved, scale), params, prev, saved, next, dNext, dPrev),
    weightGradients: (kernels, hPrev, saved, grads) =>
      weightGradients(maskedProducts(kernels, saved, scale), hPrev, saved, grads),
    equations: undefined, // they have no masks
  };
}

/** A backend whose products mask the state's side; everything else is unchanged. */
function maskedProducts(kernels: Kernels, saved: Readonly<Record<string, Tensor>>, scale: number): Kernels {
  const { [MASK]: m, [READ]: read, [D_READ]: dRead } = saved;
  const isState = (u: Tensor): boolean => u.shape[1] === m.shape[1];
  return {
    ...kernels,
    addMatmul(a, u, W) {
      if (!isState(u)) return kernels.addMatmul(a, u, W);
      writeMasked(read, u, m, scale); //                                                   (1)
      kernels.addMatmul(a, read, W); //                                                    (2)
    },
    addMatmulTA(dW, u, da) {
      if (!isState(u)) return kernels.addMatmulTA(dW, u, da);
      writeMasked(read, u, m, scale); //                                                   (1)
      kernels.addMatmulTA(dW, read, da); //                                                (2)
    },
    addMatmulTB(du, da, W) {
      if (!isState(du)) return kernels.addMatmulTB(du, da, W);
      fill(dRead, 0);
      kernels.addMatmulTB(dRead, da, W); //                                                (2)
      addMasked(du, dRead, m, scale); //                                                   (1)
    },
  };
}

/** out = x ∘ m · scale */
function writeMasked(out: Tensor, x: Tensor, m: Tensor, scale: number): void {
  const [B, H] = out.shape;
  for (let b = 0; b < B; b++) {
    const [to, from, mask] = [rowStart(out, b), rowStart(x, b), rowStart(m, b)];
    for (let j = 0; j < H; j++) out.data[to + j] = x.data[from + j] * m.data[mask + j] * scale;
  }
}

/** out += x ∘ m · scale */
function addMasked(out: Tensor, x: Tensor, m: Tensor, scale: number): void {
  const [B, H] = out.shape;
  for (let b = 0; b < B; b++) {
    const [to, from, mask] = [rowStart(out, b), rowStart(x, b), rowStart(m, b)];
    for (let j = 0; j < H; j++) out.data[to + j] += x.data[from + j] * m.data[mask + j] * scale;
  }
}
