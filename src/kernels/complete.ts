/**
 * Completes a backend. One product is enough: the two others are the same product on transposed views. Plain loops over separate
 * arrays do everything else that it does not implement.
 */
import type { Tensor } from '../tensor/types.js';
import { allocate } from '../tensor/view.js';
import { checkProduct } from './check.js';
import { plainRows } from './cpu/rows.js';
import type { AsyncKernels, Kernels, OwnRows, Products, RowKernels } from './types.js';

/** Memory functions of a backend that computes in any array: there is nothing to plan or move. */
export const plainMemory: Pick<Kernels, 'zeros' | 'empty' | 'frame' | 'adopt'> = {
  zeros: allocate,
  empty: allocate,
  frame: (step) => step(),
  adopt: () => () => undefined,
};

/** The required part of a backend. @inline */
type Needed = 'backend' | 'dtypes' | 'addMatmul';

/** A custom backend: `addMatmul`, for any strides, and any other members it implements. */
export type OwnKernels = Pick<Products, Needed> & Partial<Kernels>;

/** The same for an asynchronous device. */
export type OwnAsyncKernels = Pick<AsyncKernels, Needed> & Partial<AsyncKernels>;

/**
 * A complete backend from one function. `addMatmulTA` and `addMatmulTB` are derived from `addMatmul`; rows, memory and `dispose`
 * default to those of the CPU.
 */
export function completeKernels(own: OwnKernels): Kernels {
  const { addMatmulTA, addMatmulTB } = transposing(own);
  return completeProducts({ addMatmulTA, addMatmulTB, ...own });
}

/**
 * `completeKernels` for backends with all three products: an application that uses only built-in backends bundles no more than
 * this.
 */
export function completeProducts(own: Products & Partial<Kernels>): Kernels {
  return { rows: plainRows, dispose: () => undefined, ...plainMemory, ...own };
}

/** The same for an asynchronous device, which has only products and layers. */
export function completeAsyncKernels(own: OwnAsyncKernels): AsyncKernels {
  const { addMatmulTA, addMatmulTB } = transposing(own);
  return {
    dispose: () => Promise.resolve(),
    addMatmulTA: async (out, a, b) => addMatmulTA(out, a, b),
    addMatmulTB: async (out, a, b) => addMatmulTB(out, a, b),
    ...own,
  };
}

/**
 * The two transposed products from the plain one, synchronous or asynchronous; their arguments are checked under their own names.
 */
function transposing<R>(own: {
  readonly backend: string;
  readonly dtypes: Products['dtypes'];
  addMatmul(out: Tensor, a: Tensor, b: Tensor): R;
}) {
  return {
    addMatmulTA(out: Tensor, a: Tensor, b: Tensor): R {
      checkProduct('addMatmulTA', out, a, b, own.backend, own.dtypes);
      return own.addMatmul(out, transposed(a), b);
    },
    addMatmulTB(out: Tensor, a: Tensor, b: Tensor): R {
      checkProduct('addMatmulTB', out, a, b, own.backend, own.dtypes);
      return own.addMatmul(out, a, transposed(b));
    },
  };
}

/** A matrix read by columns: the same elements under swapped strides. */
function transposed({ data, shape, stride, offset }: Tensor): Tensor {
  return { data, shape: [shape[1], shape[0]], stride: [stride[1], stride[0]], offset };
}

/** Row operations of a backend that may decline; the plain loops run what it declines. */
export function completeRows(own: OwnRows): RowKernels {
  const complete = (name: Exclude<keyof RowKernels, 'addSquares'>): Acting<void> => {
    const [fast, plain] = [own[name], plainRows[name]] as [Acting<boolean>, Acting<void>];
    // No function has more than six arguments. Rest parameters would allocate a list in every call.
    return (a, b, c, d, e, f) => void (fast(a, b, c, d, e, f) || plain(a, b, c, d, e, f));
  };
  const names = Object.keys(plainRows) as Exclude<keyof RowKernels, 'addSquares'>[];
  return {
    ...(Object.fromEntries(names.map((name) => [name, complete(name)])) as unknown as RowKernels),
    addSquares: (sum, x, rows) => own.addSquares(sum, x, rows) ?? plainRows.addSquares(sum, x, rows),
  };
}

type Acting<R> = (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown, f?: unknown) => R;
