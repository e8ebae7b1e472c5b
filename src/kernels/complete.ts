/** Completing a backend: what it does not do itself, plain loops over arrays of their own do. */
import { allocate } from '../tensor/view.js';
import { plainRows } from './cpu/rows.js';
import type { Kernels, OwnRows, Products, RowKernels } from './types.js';

/** Memory of a backend that computes in any array: nothing to plan, nothing to move. */
export const plainMemory: Pick<Kernels, 'zeros' | 'empty' | 'frame' | 'adopt'> = {
  zeros: allocate,
  empty: allocate,
  frame: (step) => step(),
  adopt: () => () => undefined,
};

/**
 * A whole backend from the part that somebody wrote: the three products, and as much of the rest as it has. Rows, memory and
 * `dispose` are completed with those of the CPU.
 */
export function completeKernels(own: Products & Partial<Kernels>): Kernels {
  return { rows: plainRows, dispose: () => undefined, ...plainMemory, ...own };
}

/** Row work of a backend that may decline, made total by the plain loops. */
export function completeRows(own: OwnRows): RowKernels {
  const complete = (name: Exclude<keyof RowKernels, 'addSquares'>) => {
    const [fast, plain] = [own[name], plainRows[name]] as [Acting<boolean>, Acting<void>];
    return (...args: unknown[]): void => void (fast(...args) || plain(...args));
  };
  const names = Object.keys(plainRows) as Exclude<keyof RowKernels, 'addSquares'>[];
  return {
    ...(Object.fromEntries(names.map((name) => [name, complete(name)])) as unknown as RowKernels),
    addSquares: (sum, x, rows) => own.addSquares(sum, x, rows) ?? plainRows.addSquares(sum, x, rows),
  };
}

type Acting<R> = (...args: unknown[]) => R;
