/** κ, the clip of ONNX's recurrent operators: v, or the nearer end of ±clip. */
import type { Transcendentals } from '../tensor/math.js';
import type { ActivationOf } from './activations.js';
import type { Algebra } from './equations.js';

/** κ(v). */
export const cut = (v: number, clip: number): number => (v > clip ? clip : v < -clip ? -clip : v);

/** φ′(κ(v)) · κ′(v), the slope of an activation after a clip; `y` is its value there. κ′ is 1 inside the clip, 0 outside. */
export const slopeBehind = (by: ActivationOf, math: Transcendentals, v: number, y: number, clip: number): number =>
  v > clip || v < -clip ? 0 : by.slope(math, cut(v, clip), y);

/** κ over an algebra. */
export function cutOver<V>(ops: Algebra<V>, x: V, clip: number): V {
  if (clip === Infinity) return x;
  return ops.shift(ops.sub(ops.relu(ops.shift(x, clip)), ops.relu(ops.shift(x, -clip))), -clip);
}
