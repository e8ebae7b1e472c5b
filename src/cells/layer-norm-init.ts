/** Initial parameters of the layer-normalized cells. */
import { zeros } from '../tensor/create.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Tensor } from '../tensor/types.js';
import type { InitOptions } from './cell.js';

/** Gains of one and biases of zero, `gainX [n]` and `biasX [n]` for `X: n`. */
export function initNorms(sizes: Readonly<Record<string, number>>, { dtype = 'float32' }: InitOptions) {
  const norms: Record<string, Tensor> = {};
  for (const [name, n] of Object.entries(sizes)) {
    norms[`gain${name}`] = zeros([n], dtype);
    norms[`gain${name}`].data.fill(1);
    norms[`bias${name}`] = zeros([n], dtype);
  }
  return norms;
}

/** @throws ArgumentError for a single unit, which normalization reduces to zero */
export function expectTwoUnits(cell: string, H: number): void {
  if (H > 1) return;
  throw new ArgumentError(
    `${cell}: hiddenSize must be at least 2; got ${H}: the normalization of a single unit is always 0`,
  );
}
