/**
 * Checks a product of `--kernel`. Its author may not know what a kernel must leave unchanged, so the check covers more than the
 * result. It is repeated after timing: a kernel may be right at first and fail later.
 */
import type { Tensor } from '../tensor/index.js';
import { BpttError, oneLine } from '../tensor/errors.js';
import { deviation, elements, placeAll } from './numbers.js';
import type { Product } from './product.js';
import { createProduct, faultOf } from './product.js';
import type { UserKernel } from './types.js';

/** Seed of the operands after timing, so that they differ from those already used. */
const FRESH = 11;

/** A user's product, with its own operands. */
export interface KernelCheck {
  /** One call, as timed. */
  act(): void;
  /** Returns what is wrong with the first call. */
  faultAtFirst(): string | undefined;
  /** Returns what is wrong after all timed calls. */
  faultAtLast(): string | undefined;
  /** Releases its operands, if they are in its own memory. */
  close(): void;
}

/** Systems that can allocate their own operands. */
type Owner = Pick<UserKernel, 'allocate' | 'release'>;

/**
 * Prepares the check of a kernel; it may return anything, whatever its type says.
 *
 * @throws BpttError if it allocates operands that are not what they should be
 */
export function checkKernel(
  kernel: (out: Tensor, a: Tensor, b: Tensor) => unknown,
  product: Product,
  owner: Owner = {},
): KernelCheck {
  const given = [product.out, product.a, product.b];
  const [out, a, b] = owner.allocate === undefined ? placeAll({}, given, 0) : placeIn(owner, given);
  const faultNow = (expected: Product): string | undefined => {
    const answer = kernel(out, a, b);
    if (isPromise(answer)) {
      answer.then(undefined, () => undefined); // its rejection adds no information and would end the process
      return 'returns a Promise; it must have added the product to out when it returns: export a function that is not async';
    }
    return inputFault(expected, a, b) ?? faultOf(expected, elements(out), elements(expected.expected));
  };
  return {
    act: () => void kernel(out, a, b),
    faultAtFirst: () => guarded(() => faultNow(product)),
    faultAtLast: () =>
      guarded(() => {
        const changed = inputFault(product, a, b);
        if (changed !== undefined) return changed;
        const fresh = createProduct(product.name, ...product.size, FRESH);
        elements(out).set(elements(fresh.out));
        elements(a).set(elements(fresh.a));
        elements(b).set(elements(fresh.b));
        return faultNow(fresh);
      }),
    close: () => void guarded(() => void owner.release?.()),
  };
}

/** Copies of matrices in the owner's memory; all are allocated before any is filled, because memory may move as it grows. */
function placeIn(owner: Owner, matrices: readonly Tensor[]): Tensor[] {
  const placed = matrices.map(({ shape }) => owner.allocate?.(shape) as Tensor);
  for (const [i, x] of placed.entries()) {
    const fault = placeFault(x, matrices[i].shape, placed.slice(0, i));
    if (fault === undefined) continue;
    owner.release?.();
    throw new BpttError(`its allocate([${matrices[i].shape.join(', ')}]) ${fault}`);
  }
  matrices.forEach((from, i) => elements(placed[i]).set(elements(from)));
  return placed;
}

/** What is wrong with a matrix allocated by a user's code. */
function placeFault(x: Tensor | undefined, [M, N]: readonly number[], others: readonly Tensor[]): string | undefined {
  const { data, shape, stride, offset } = (x ?? {}) as Partial<Tensor>;
  if (Object.prototype.toString.call(data) !== '[object Float32Array]' || data === undefined)
    return 'must return {data, shape, stride, offset} whose data is a Float32Array';
  if (data.length === 0) return 'has lost its memory: data has length 0; grow the memory before returning views of it';
  const isRight = (list: readonly number[] | undefined, wanted: readonly number[]): boolean =>
    list?.length === 2 && wanted.every((size, i) => list[i] === size);
  if (!isRight(shape, [M, N])) return `must have shape [${M}, ${N}]; it has [${String(shape)}]`;
  if (!isRight(stride, [N, 1])) return `must lie row by row, stride [${N}, 1]; it has [${String(stride)}]`;
  const start = offset ?? NaN;
  if (!Number.isInteger(start) || start < 0 || start + M * N > data.length)
    return `must have an offset at which ${M * N} elements fit into data of length ${data.length}; it has ${String(offset)}`;
  const at = (y: Tensor): number => y.data.byteOffset + 4 * y.offset;
  const mine = { data, offset: start } as Tensor;
  const overlaps = others.some(
    (y) =>
      y.data.buffer === data.buffer && at(y) < at(mine) + 4 * M * N && at(mine) < at(y) + 4 * y.shape[0] * y.shape[1],
  );
  return overlaps ? 'overlaps another matrix that it returned before' : undefined;
}

/** An error thrown by user code, as one line: it is not a fault of this program, so only its class and message are given. */
export function thrownBy(error: unknown): string {
  return oneLine(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

function guarded(find: () => string | undefined): string | undefined {
  try {
    return find();
  } catch (error) {
    return `throws ${thrownBy(error)}`;
  }
}

function inputFault(product: Product, a: Tensor, b: Tensor): string | undefined {
  const names = (['a', 'b'] as const).filter(
    (name) => deviation(elements({ a, b }[name]), elements(product[name])) > 0,
  );
  return names.length === 0 ? undefined : `changes its input ${names.join(' and ')}; it may write only to out`;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
