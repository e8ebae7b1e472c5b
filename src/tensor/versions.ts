/**
 * Which weights were changed since when. A backward pass reads the weights of its forward pass; where an update came in
 * between, the gradient would belong to neither. What changes weights by itself (the step of an optimizer, a training that goes
 * back to its best weights) stamps the tensors it wrote; a pass remembers the stamps it saw and compares them on the way back.
 *
 * A stamp belongs to the tensor object, so it costs one look-up per parameter and pass. What writes to `data` by hand stamps
 * nothing and cannot be told: so do `addScaled`, `fromArray(…).set` and the like.
 */
import { ArgumentError } from './errors.js';
import type { Tensor } from './types.js';

type Named = Readonly<Record<string, Tensor>>;

let updates = 0;
const stamps = new WeakMap<Tensor, number>();
const seen = new WeakMap<object, { readonly weights: Named; readonly stamps: readonly (number | undefined)[] }>();

/** Stamps a tensor whose elements were just changed. */
export function stampChanged(x: Tensor): void {
  stamps.set(x, ++updates);
}

/** Has a pass remember the weights it read. Returns the pass. */
export function remember<P extends object>(pass: P, weights: Named): P {
  seen.set(pass, { weights: { ...weights }, stamps: Object.values(weights).map((x) => stamps.get(x)) });
  return pass;
}

/**
 * Refuses a backward pass whose weights an update has changed since its forward pass.
 *
 * @param pass what `remember` was given; a copy of it remembers nothing, and passes
 * @throws ArgumentError naming the weight
 */
export function expectUnchanged(where: string, pass: object): void {
  const then = seen.get(pass);
  if (then === undefined) return;
  Object.entries(then.weights).forEach(([name, x], i) => {
    if (stamps.get(x) === then.stamps[i]) return;
    throw new ArgumentError(
      `${where}: ${name} was updated after the forward pass, so its gradient would be wrong. ` +
        'Run the forward pass again, or update after the backward pass.',
    );
  });
}
