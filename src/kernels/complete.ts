/**
 * Completing a backend. One product is enough: the two others are the same product on transposed views. What else it does not do
 * itself, plain loops over arrays of their own do.
 */
import type { Tensor } from '../tensor/types.js';
import { allocate } from '../tensor/view.js';
import { checkProduct } from './check.js';
import { plainRows } from './cpu/rows.js';
import type { AsyncKernels, Kernels, OwnRows, Products, RowKernels } from './types.js';

/** Memory of a backend that computes in any array: nothing to plan, nothing to move. */
export const plainMemory: Pick<Kernels, 'zeros' | 'empty' | 'frame' | 'adopt'> = {
  zeros: allocate,
  empty: allocate,
  frame: (step) => step(),
  adopt: () => () => undefined,
};

/** What has to be written of a backend. @inline */
type Needed = 'backend' | 'dtypes' | 'addMatmul';

/** A backend of one's own: `addMatmul`, for any strides, and as much of the rest as it has. */
export type OwnKernels = Pick<Products, Needed> & Partial<Kernels>;

/** The same of an asynchronous device. */
export type OwnAsyncKernels = Pick<AsyncKernels, Needed> & Partial<AsyncKernels>;

/**
 * A whole backend from one function. `addMatmulTA` and `addMatmulTB` are made of `addMatmul`; rows, memory and
 * `dispose` are completed with those of the CPU.
 */
export function completeKernels(own: OwnKernels): Kernels {
  const { addMatmulTA, addMatmulTB } = transposing(own);
  return completeProducts({ addMatmulTA, addMatmulTB, ...own });
}

/** `completeKernels` where all three products are there: an application that uses built-in backends alone bundles this much. */
export function completeProducts(own: Products & Partial<Kernels>): Kernels {
  return { rows: plainRows, dispose: () => undefined, ...plainMemory, ...own };
}

/** The same of an asynchronous device, whose products and layers are all there is to it. */
export function completeAsyncKernels(own: OwnAsyncKernels): AsyncKernels {
  const { addMatmulTA, addMatmulTB } = transposing(own);
  return {
    dispose: () => Promise.resolve(),
    addMatmulTA: async (out, a, b) => addMatmulTA(out, a, b),
    addMatmulTB: async (out, a, b) => addMatmulTB(out, a, b),
    ...own,
  };
}

/** The two transposed products from the plain one, whether it answers now or later; their arguments are checked under their own names. */
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

/** Row work of a backend that may decline, made total by the plain loops. */
export function completeRows(own: OwnRows): RowKernels {
  const complete = (name: Exclude<keyof RowKernels, 'addSquares'>): Acting<void> => {
    const [fast, plain] = [own[name], plainRows[name]] as [Acting<boolean>, Acting<void>];
    // Six arguments are the most there are. A list of them would be made anew in every call.
    return (a, b, c, d, e, f) => void (fast(a, b, c, d, e, f) || plain(a, b, c, d, e, f));
  };
  const names = Object.keys(plainRows) as Exclude<keyof RowKernels, 'addSquares'>[];
  return {
    ...(Object.fromEntries(names.map((name) => [name, complete(name)])) as unknown as RowKernels),
    addSquares: (sum, x, rows) => own.addSquares(sum, x, rows) ?? plainRows.addSquares(sum, x, rows),
  };
}

type Acting<R> = (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown, f?: unknown) => R;
