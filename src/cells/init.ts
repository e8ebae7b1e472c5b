/**
 * Initial values of weight matrices. A matrix `[D, G·H]` holds one block of H columns per gate, and each block is initialized as
 * a matrix `[D, H]`. Drawing the four gates of an LSTM as one wide matrix would make the weights of each too small.
 */
import { expectKnownKeys, keysOf } from '../tensor/checks.js';
import { zeros } from '../tensor/create.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Rng } from '../tensor/random.js';
import type { Tensor } from '../tensor/types.js';
import { columns } from '../tensor/view.js';
import type { CellParams, InitOptions } from './cell.js';
import { expectRecord, expectRng } from '../tensor/arguments.js';
import { expectPositiveInteger, expectShape } from '../tensor/checks.js';
import { describe, show } from '../tensor/describe.js';

/**
 * - `glorot`: uniform on ±√(6 / (rows + H)) (Glorot & Bengio 2010, equation 16)
 * - `orthogonal`: orthonormal rows or columns, whichever are fewer (Saxe et al. 2014, section 4): repeated products with
 *   such a matrix neither grow nor shrink a state
 * - `uniform`: uniform on ±1/√H (PyTorch's default for recurrent layers)
 */
export type InitScheme = 'glorot' | 'orthogonal' | 'uniform';

const KEYS = keysOf<InitOptions>({
  input: true,
  recurrent: true,
  forgetBias: true,
  learnedInitialState: true,
  dtype: true,
});

/** Shapes of the parameters every cell has. */
export function commonShapes(D: number, H: number, gates: number) {
  return { Wx: [D, gates * H], Wh: [H, gates * H], b: [gates * H] };
}

/** The parameters every cell has: `Wx [D, G·H]` and `Wh [H, G·H]` by the schemes of the options, `b [G·H]` zero. */
export function initCommon(D: number, H: number, gates: number, rng: Rng, options: InitOptions = {}) {
  for (const [name, size] of Object.entries({ inputSize: D, hiddenSize: H })) {
    if (!Number.isInteger(size) || size < 1) {
      throw new ArgumentError(`${name} must be an integer of at least 1; got ${show(size)}`);
    }
  }
  expectKnownKeys('initialize', 'options', options, KEYS);
  expectRng('initialize', 'rng', rng);
  expectRecord('initialize', 'options', options);
  const { dtype = 'float32', input = 'glorot', recurrent = 'orthogonal' } = options;
  const shapes = commonShapes(D, H, gates);
  const Wx = zeros(shapes.Wx, dtype);
  const Wh = zeros(shapes.Wh, dtype);
  for (let g = 0; g < gates; g++) {
    fillWeights(columns(Wx, g * H, H), input, rng, H);
    fillWeights(columns(Wh, g * H, H), recurrent, rng, H);
  }
  return { Wx, Wh, b: zeros(shapes.b, dtype) } satisfies CellParams;
}

/** Learned initial states, one zero vector `[H]` per state name; empty unless the option is set. */
export function initStates(names: readonly string[], H: number, options: InitOptions = {}): Record<string, Tensor> {
  if (!options.learnedInitialState) return {};
  return Object.fromEntries(names.map((name) => [`${name}0`, zeros([H], options.dtype ?? 'float32')]));
}

/** Fills a weight matrix `[rows, cols]` in place; H is the hidden size by which the `uniform` scheme scales. */
export function fillWeights(w: Tensor, scheme: InitScheme, rng: Rng, H: number): void {
  expectShape('fillWeights', 'w', w, ['rows', 'columns']);
  expectRng('fillWeights', 'rng', rng);
  const [rows, cols] = w.shape;
  if (scheme === 'orthogonal') return fillOrthogonal(w, rng);
  if (scheme !== 'glorot' && scheme !== 'uniform') {
    throw new ArgumentError(`initialization: scheme must be glorot, orthogonal or uniform; got ${describe(scheme)}`);
  }
  if (scheme === 'uniform') expectPositiveInteger('fillWeights', 'H', H);
  const bound = scheme === 'glorot' ? Math.sqrt(6 / (rows + cols)) : 1 / Math.sqrt(H);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      w.data[w.offset + i * w.stride[0] + j * w.stride[1]] = (2 * rng.next() - 1) * bound;
    }
  }
}

/**
 * Orthonormalizes a Gaussian matrix by Gram–Schmidt, in double precision, each vector twice ("twice is enough", Giraud et
 * al. 2005). The factor R has a positive diagonal, so the result is uniform over orthogonal matrices (Stewart 1980).
 */
function fillOrthogonal(w: Tensor, rng: Rng): void {
  const [rows, cols] = w.shape;
  const count = Math.min(rows, cols);
  const length = Math.max(rows, cols);
  const basis: Float64Array[] = [];
  for (let k = 0; k < count; k++) {
    const v = Float64Array.from({ length }, () => rng.normal());
    for (let pass = 0; pass < 2; pass++) {
      for (const u of basis) {
        const along = dot(u, v);
        for (let i = 0; i < length; i++) v[i] -= along * u[i];
      }
      const norm = Math.sqrt(dot(v, v));
      for (let i = 0; i < length; i++) v[i] /= norm;
    }
    basis.push(v);
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      w.data[w.offset + i * w.stride[0] + j * w.stride[1]] = rows <= cols ? basis[i][j] : basis[j][i];
    }
  }
}

function dot(u: Float64Array, v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
  return sum;
}
