/** What truncation and clipping would leave of the gradient of a sentence. */
import type { Truncation } from '../autograd/truncate.js';
import { seedOf } from './losses.js';
import { cosine, dot, norm } from './numbers.js';
import type { Reading } from './reading.js';
import { backward, flatGrads } from './study.js';
import type { ClipTrace, TruncationTrace } from './trace.js';

/** Truncated BPTT, actually run: one more backward pass. */
export function truncationOf({ study, losses, full }: Reading, truncate: Truncation): TruncationTrace {
  const whole = flatGrads(full);
  const cut = flatGrads(backward(study, seedOf(losses), truncate));
  const params = Object.keys(whole).map((param) => {
    const [u, v] = [whole[param].data, cut[param].data];
    const size = norm(u);
    const along = dot(Array.from(v, (each) => each / size), Array.from(u, (each) => each / size)); // prettier-ignore
    return { param, norm: size, truncated: norm(v), cosine: cosine(u, v), lost: 1 - along };
  });
  return { every: truncate.every, back: truncate.back, params };
}

/** Clipping by the global norm, as in training. */
export function clipOf({ full }: Reading, threshold: number): ClipTrace {
  const all = Object.values(flatGrads(full)).flatMap(({ data }) => Array.from(data));
  const size = norm(all);
  const scale = size > threshold ? threshold / size : 1;
  return { threshold, norm: size, scale, cosine: cosine(all, all.map((each) => scale * each)) }; // prettier-ignore
}
