/**
 * Adversarial training: in addition to a sentence as it is, the model learns from its vectors moved slightly in the most harmful direction.
 *
 *   (1)  g = ∂L(x)/∂x                        x [N,E] what the stack reads: the vectors of all encoders, after dropout
 *   (2)  r[n] = α·‖x_s‖/‖g_s‖ · g[n]         s the sentence of row n, ‖·‖ over all of its rows; r[n] = 0 where g_s = 0 or x_s = 0
 *   (3)  x' = x + r                          r is a constant: nothing flows back into g
 *   (4)  L = ½·L(x) + ½·L(x')                the masks of dropout are those of x
 *   (5)  dx = ½·∂L(x)/∂x + ½·∂L(x')/∂x'
 *
 * r is the first-order answer to `which r of norm α·‖x_s‖ raises the loss of the sentence most`. It grows with x, so that vectors cannot
 * outgrow it. A factor on g, such as the ½ of (4) or a thread's share of its batch, does not change r.
 *
 * Sources: Goodfellow, Shlens & Szegedy, Explaining and Harnessing Adversarial Examples (ICLR 2015); Miyato, Dai & Goodfellow,
 * Adversarial Training Methods for Semi-Supervised Text Classification (ICLR 2017), who normalize the word vectors instead; Yasunaga,
 * Kasai & Radev, Robust Multilingual Part-of-Speech Tagging via Adversarial Training (NAACL 2018), per sentence, γ = ½ in (4).
 */
import type { Packing } from '../../autograd/packing.js';
import type { Kernels } from '../../kernels/types.js';
import { expectShape } from '../../tensor/checks.js';
import type { Tensor } from '../../tensor/types.js';

/**
 * Computes the vectors as the adversary moves them: x' of equation (3), a new tensor.
 *
 * @param x `[N, E]` in packed order; not modified
 * @param g `[N, E]`, the gradient at x of a loss of these sentences, with any positive scale
 * @param alpha α, at least 0
 * @throws ShapeError if the rows of `x` are not those of the packing, or the shape of `g` differs
 */
export function adversary(kernels: Kernels, x: Tensor, g: Tensor, packing: Packing, alpha: number): Tensor {
  expectShape('adversary', 'x', x, [{ N: packing.total }, 'E']);
  expectShape('adversary', 'g', g, x.shape);
  const factors = factorsOf(x, g, packing, alpha);
  const moved = kernels.empty([...x.shape], x);
  eachRow(packing, (n, s) => {
    const [to, from, along] = [moved, x, g].map((tensor) => tensor.offset + n * tensor.stride[0]);
    for (let e = 0; e < x.shape[1]; e++) {
      const r = factors[s] * g.data[along + e * g.stride[1]];
      moved.data[to + e * moved.stride[1]] = x.data[from + e * x.stride[1]] + r; // (3)
    }
  });
  return moved;
}

/** `[B]`, α·‖x_s‖/‖g_s‖ of every sentence, in packed order (2). */
function factorsOf(x: Tensor, g: Tensor, packing: Packing, alpha: number): Float64Array {
  const squares = { x: new Float64Array(packing.batch), g: new Float64Array(packing.batch) };
  eachRow(packing, (n, s) => {
    squares.x[s] += squareOf(x, n);
    squares.g[s] += squareOf(g, n);
  });
  return squares.g.map((square, s) => (square > 0 ? alpha * Math.sqrt(squares.x[s] / square) : 0));
}

/** Sum of the squares of row n. */
function squareOf({ data, offset, stride, shape }: Tensor, n: number): number {
  const from = offset + n * stride[0];
  let sum = 0;
  for (let e = 0; e < shape[1]; e++) sum += data[from + e * stride[1]] ** 2;
  return sum;
}

/** Visits every row of a packed batch, with its sentence. */
function eachRow({ steps, batchSizes, offsets }: Packing, visit: (n: number, s: number) => void): void {
  for (let t = 0; t < steps; t++) for (let s = 0; s < batchSizes[t]; s++) visit(offsets[t] + s, s);
}
