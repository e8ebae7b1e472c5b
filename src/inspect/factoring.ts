/**
 * Determines whether the gradient of a recurrent weight is an outer product per step, and of which vectors. Only the code of a
 * cell defines this, so the code is tested: it gets one row of random numbers for each input, and each block of H columns of its
 * result is compared with the products of the inputs. A match up to rounding on random numbers always holds; without a match,
 * addends are formed step by step.
 */
import type { Unrolled } from '../autograd/layout.js';
import type { Kernels } from '../kernels/types.js';
import { createRng } from '../tensor/random.js';
import type { Tensor } from '../tensor/types.js';
import { rowOf, zeros, zerosOf } from './numbers.js';

/** A block of H numbers from the saved values or the results of a step. */
export interface BlockOf {
  readonly tensor: string;
  readonly block: number;
}

/** Per block of H columns: the left factor (h of the previous step, a saved value or the number 1) and the right factor. */
export type Factoring = readonly { readonly left: 'h' | 'one' | BlockOf; readonly right: BlockOf }[];

const FITS = 1e-12;

/** Returns how one step computes a parameter's gradient; null if it is not a product of two vectors per block of H columns. */
export function factoringOf(kernels: Kernels, { cell, params }: Unrolled, param: string): Factoring | null {
  const H = params.Wh.shape[0];
  const rng = createRng(1).split('factoring');
  const random = (width: number): Tensor<Float64Array> => {
    const x = zeros([1, width]);
    for (let j = 0; j < width; j++) x.data[j] = rng.normal();
    return x;
  };
  const record = (widths: Readonly<Record<string, number>>): Record<string, Tensor<Float64Array>> =>
    Object.fromEntries(Object.entries(widths).map(([name, width]) => [name, random(width * H)]));
  const [h, saved, left] = [random(H), record(cell.saved), record(cell.stepGrads)];
  const made = zerosOf(params);
  cell.weightGradients(kernels, h, { ...saved, ...left } as never, made);
  const found = (made as Readonly<Record<string, Tensor>>)[param];
  const [R, C] = found.shape.length === 1 ? [1, found.shape[0]] : found.shape;
  if (C % H !== 0) return null;
  const rights = blocksIn(left, H);
  const lefts = leftsOf(found.shape, H, h, saved);
  const blocks: { left: 'h' | 'one' | BlockOf; right: BlockOf }[] = [];
  for (let start = 0; start < C; start += H) {
    const fits = lefts.flatMap((u) =>
      rights.flatMap((v) => (isProduct(found, [R, C], start, u.values, v.values) ? [{ left: u.of, right: v.of }] : [])),
    );
    if (fits.length === 0) return null;
    blocks.push(fits[0]);
  }
  return blocks;
}

/** Candidates for the left factor: only 1 for a vector; for a matrix of H rows, everything with one number per row. */
function leftsOf(
  shape: readonly number[],
  H: number,
  h: Tensor,
  saved: Readonly<Record<string, Tensor>>,
): { of: 'h' | 'one' | BlockOf; values: number[] }[] {
  if (shape.length === 1) return [{ of: 'one', values: [1] }];
  return shape[0] === H ? [{ of: 'h', values: rowOf(h, 0) }, ...blocksIn(saved, H)] : [];
}

function blocksIn(record: Readonly<Record<string, Tensor>>, H: number): { of: BlockOf; values: number[] }[] {
  return Object.entries(record).flatMap(([tensor, x]) =>
    Array.from({ length: x.shape[1] / H }, (_, block) => ({
      of: { tensor, block },
      values: rowOf(x, 0, block * H, H),
    })),
  );
}

function isProduct(
  { data, offset }: Tensor,
  [R, C]: readonly [number, number],
  start: number,
  u: readonly number[],
  v: readonly number[],
): boolean {
  for (let r = 0; r < R; r++) {
    for (let j = 0; j < v.length; j++) {
      const product = u[r] * v[j];
      if (!(Math.abs(data[offset + r * C + start + j] - product) <= FITS * Math.abs(product))) return false;
    }
  }
  return true;
}
