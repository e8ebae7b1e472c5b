/** The checks that every backend makes before it computes: once per product, never per element, in O(1) and without allocating. */
import { ArgumentError, ShapeError, UnsupportedError } from '../tensor/errors.js';
import type { DType, Tensor } from '../tensor/types.js';
import { dtypeOf } from '../tensor/view.js';

/** The three products of `Kernels`, by name. */
export type Product = 'addMatmul' | 'addMatmulTA' | 'addMatmulTB';

/** A record with one value per product, made from its name. */
export function eachProduct<R>(of: (product: Product) => R): Record<Product, R> {
  return { addMatmul: of('addMatmul'), addMatmulTA: of('addMatmulTA'), addMatmulTB: of('addMatmulTB') };
}

const SHAPES: Readonly<Record<Product, string>> = {
  addMatmul: 'out [M, N], a [M, K], b [K, N]',
  addMatmulTA: 'out [M, N], a [K, M], b [K, N]',
  addMatmulTB: 'out [M, N], a [M, K], b [N, K]',
};

const show = (x: Tensor): string => `[${x.shape.join(', ')}]`;

/**
 * Checks the arguments of one product.
 *
 * @param dtypes element types the backend computes in
 * @throws ShapeError when ranks, sizes or element types do not fit together, or a view reaches past its data
 * @throws UnsupportedError when the element type is not one of `dtypes`
 * @throws ArgumentError when `out` shares elements with `a` or `b`, or with itself (a stride of 0). Views of one buffer are
 * accepted if their ranges are disjoint, or if they are different columns of one row-major matrix; any other interleaving is
 * rejected.
 */
export function checkProduct(
  product: Product,
  out: Tensor,
  a: Tensor,
  b: Tensor,
  backend: string,
  dtypes: readonly DType[],
): void {
  checkShapes(product, out, a, b);
  const dtype = dtypeOf(out.data);
  if (dtypeOf(a.data) !== dtype || dtypeOf(b.data) !== dtype) {
    throw new ShapeError(
      `${product}: out, a and b must share one element type; got ${dtype}, ${dtypeOf(a.data)}, ${dtypeOf(b.data)}. ` +
        'Convert them to one type first.',
    );
  }
  if (!dtypes.includes(dtype)) {
    throw new UnsupportedError(
      `${product}: backend ${backend} computes in ${dtypes.join(', ')}; got ${dtype}. Choose another backend, for example cpu.`,
    );
  }
  checkReach(product, 'out', out);
  checkReach(product, 'a', a);
  checkReach(product, 'b', b);
  if (overlap(out, a)) throw overlapError(product, 'a');
  if (overlap(out, b)) throw overlapError(product, 'b');
  const [M, N] = out.shape;
  if ((out.stride[0] === 0 && M > 1 && N > 0) || (out.stride[1] === 0 && N > 1 && M > 0)) {
    throw new ArgumentError(`${product}: out must hold distinct elements; got a stride of 0 (strides ${out.stride})`);
  }
}

function checkShapes(product: Product, out: Tensor, a: Tensor, b: Tensor): void {
  let fits = out.shape.length === 2 && a.shape.length === 2 && b.shape.length === 2;
  if (fits) {
    const ta = product === 'addMatmulTA' ? 1 : 0;
    const tb = product === 'addMatmulTB' ? 1 : 0;
    fits = a.shape[ta] === out.shape[0] && b.shape[1 - tb] === out.shape[1] && a.shape[1 - ta] === b.shape[tb];
  }
  if (!fits) {
    throw new ShapeError(`${product}: expected ${SHAPES[product]}; got out ${show(out)}, a ${show(a)}, b ${show(b)}`);
  }
}

/** Lowest index minus the offset: the reach of the negative strides. */
function below(x: Tensor): number {
  return Math.min(0, (x.shape[0] - 1) * x.stride[0]) + Math.min(0, (x.shape[1] - 1) * x.stride[1]);
}

/** Highest index minus the offset: the reach of the positive strides. */
function above(x: Tensor): number {
  return Math.max(0, (x.shape[0] - 1) * x.stride[0]) + Math.max(0, (x.shape[1] - 1) * x.stride[1]);
}

/** Reading past a typed array yields `undefined`, hence NaN, without an error, so the corners are checked here. */
function checkReach(product: Product, name: string, x: Tensor): void {
  if (x.shape[0] === 0 || x.shape[1] === 0) return;
  const low = x.offset + below(x);
  const high = x.offset + above(x);
  if (low < 0 || high >= x.data.length) {
    throw new ShapeError(
      `${product}: ${name} ${show(x)} with strides [${x.stride.join(', ')}] and offset ${x.offset} must lie within its ` +
        `data of length ${x.data.length}; it reaches from ${low} to ${high}`,
    );
  }
}

function overlap(x: Tensor, y: Tensor): boolean {
  if (x.data !== y.data && x.data.buffer !== y.data.buffer) return false;
  if (x.shape[0] === 0 || x.shape[1] === 0 || y.shape[0] === 0 || y.shape[1] === 0) return false;
  const shift = (y.data.byteOffset - x.data.byteOffset) / x.data.BYTES_PER_ELEMENT;
  const start = y.offset + shift;
  if (x.offset + above(x) < start + below(y) || start + above(y) < x.offset + below(x)) return false;
  return !disjointColumns(x, y, start - x.offset);
}

/**
 * Whether two views of a row-major matrix use different columns of it; `distance` = start of y − start of x. Each may be read by
 * rows or by columns: the axis along which its elements are contiguous is that of the columns.
 */
function disjointColumns(x: Tensor, y: Tensor, distance: number): boolean {
  const [p, q] = [x.stride[1] === 1 ? 1 : 0, y.stride[1] === 1 ? 1 : 0];
  const width = x.stride[1 - p];
  if (width <= 0 || y.stride[1 - q] !== width || x.stride[p] !== 1 || y.stride[q] !== 1) return false;
  if (x.shape[p] > width || y.shape[q] > width) return false;
  const column = ((distance % width) + width) % width;
  return x.shape[p] <= column && column + y.shape[q] <= width;
}

function overlapError(product: Product, name: string): ArgumentError {
  return new ArgumentError(`${product}: out must not overlap ${name}; copy ${name}, or write to another tensor`);
}
