/**
 * A product of `--kernel` on trial. Its author may not know what a kernel must leave alone, so more is looked at than its
 * answer, and once more when it has been timed: a kernel may be right at first and not for long.
 */
import type { Tensor } from '../tensor/index.js';
import { oneLine } from '../tensor/errors.js';
import { deviation, elements, placeAll } from './numbers.js';
import type { Product } from './product.js';
import { createProduct, faultOf } from './product.js';

/** Seed of the operands after timing: other numbers than those a kernel has seen. */
const FRESH = 11;

/** A product of a user's, with operands of its own. */
export interface Trial {
  /** One call, as it is timed. */
  act(): void;
  /** What is wrong with the first call. */
  faultAtFirst(): string | undefined;
  /** What is wrong after all the calls that were timed. */
  faultAtLast(): string | undefined;
}

/** Puts a kernel on trial; it may return anything, whatever its type says. */
export function tryKernel(kernel: (out: Tensor, a: Tensor, b: Tensor) => unknown, product: Product): Trial {
  const [out, a, b] = placeAll({}, [product.out, product.a, product.b], 0);
  const faultNow = (expected: Product): string | undefined => {
    const answer = kernel(out, a, b);
    if (isPromise(answer)) {
      answer.then(undefined, () => undefined); // its rejection says no more, and would end the process
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
  };
}

/** What somebody else's code threw, as one line: no fault of this program, so its class is named without another word. */
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
  return names.length === 0 ? undefined : `changes its input ${names.join(' and ')}; it may write to out alone`;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
