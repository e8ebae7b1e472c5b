/**
 * Tracks which weights have changed, and when. A backward pass reads the weights of its forward pass; if an update came between
 * them, the gradient would belong to neither set of weights. Whatever changes weights by itself (an optimizer step, a training
 * run that restores its best weights) stamps the tensors it wrote. A pass records the stamps it saw and compares them in the
 * backward pass.
 *
 * A stamp belongs to the tensor object, so it costs one look-up per parameter and pass. Direct writes to `data` set no stamp and
 * go undetected, as do `addScaled`, `fromArray(…).set` and the like.
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

/** Records the weights that a pass read. Returns the pass. */
export function remember<P extends object>(pass: P, weights: Named): P {
  seen.set(pass, { weights: { ...weights }, stamps: Object.values(weights).map((x) => stamps.get(x)) });
  return pass;
}

/**
 * Rejects a backward pass if an update has changed its weights since the forward pass.
 *
 * @param pass the object given to `remember`; a copy of it carries no record, and is accepted
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
