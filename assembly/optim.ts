/**
 * Updates of float32 parameters, formed in float64 two lanes at a time: the operations of src/optim/adam.ts and
 * src/autograd/grads.ts in their order, so the bits are theirs. Only the sum of squares has an order of its own.
 */

import { AHEAD, touchRows } from './rows';
import { both, high, low } from './wide';

/** Σ x² of `count` elements, in four partial sums. */
export function sumOfSquares(count: i32, x: usize): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (; count >= 4; count -= 4, x += 16) {
    const all = v128.load(x);
    const a = low(all);
    const b = high(all);
    s0 = f64x2.add(s0, f64x2.mul(a, a));
    s1 = f64x2.add(s1, f64x2.mul(b, b));
  }
  s0 = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
  for (; count > 0; count--, x += 4) {
    const one = <f64>load<f32>(x);
    sum += one * one;
  }
  return sum;
}

/** `x *= factor`. */
export function scale(count: i32, x: usize, factor: f64): void {
  const f = f64x2.splat(factor);
  for (; count >= 4; count -= 4, x += 16) {
    const all = v128.load(x);
    v128.store(x, both(f64x2.mul(low(all), f), f64x2.mul(high(all), f)));
  }
  for (; count > 0; count--, x += 4) store<f32>(x, <f32>(<f64>load<f32>(x) * factor));
}

/** The factors of an update, in both lanes or alone. */
let beta1: f64 = 0;
let beta2: f64 = 0;
let epsilon: f64 = 0;
let l2: f64 = 0;
let keep: f64 = 0;
let rate: f64 = 0;
let rootCorrection: f64 = 0;

/** Sets the factors of the updates that follow. */
export function adamFactors(b1: f64, b2: f64, eps: f64, decay: f64, kept: f64, lr: f64, correction: f64): void {
  beta1 = b1;
  beta2 = b2;
  epsilon = eps;
  l2 = decay;
  keep = kept;
  rate = lr;
  rootCorrection = correction;
}

/** One Adam update of `count` elements; equations as numbered in src/optim/adam.ts. */
export function adam(count: i32, p: usize, g: usize, m: usize, v: usize): void {
  const b1 = f64x2.splat(beta1);
  const b2 = f64x2.splat(beta2);
  const rest1 = f64x2.splat(1 - beta1);
  const rest2 = f64x2.splat(1 - beta2);
  const eps = f64x2.splat(epsilon);
  const decay = f64x2.splat(l2);
  const kept = f64x2.splat(keep);
  const lr = f64x2.splat(rate);
  const correction = f64x2.splat(rootCorrection);
  for (; count >= 2; count -= 2, p += 8, g += 8, m += 8, v += 8) {
    const value = low(v128.load64_zero(p));
    const slope = f64x2.add(low(v128.load64_zero(g)), f64x2.mul(decay, value)); // (1) Adam
    const mean = f64x2.add(f64x2.mul(b1, low(v128.load64_zero(m))), f64x2.mul(rest1, slope)); // (2)
    const fresh = f64x2.mul(f64x2.mul(rest2, slope), slope);
    const square = f64x2.add(f64x2.mul(b2, low(v128.load64_zero(v))), fresh); // (3)
    v128.store64_lane(m, f32x4.demote_f64x2_zero(mean), 0);
    v128.store64_lane(v, f32x4.demote_f64x2_zero(square), 0);
    const root = f64x2.add(f64x2.mul(f64x2.sqrt(square), correction), eps);
    const next = f64x2.sub(f64x2.mul(kept, value), f64x2.div(f64x2.mul(lr, mean), root)); // (1) AdamW, (4, 5)
    v128.store64_lane(p, f32x4.demote_f64x2_zero(next), 0);
  }
  if (count > 0) {
    const value = <f64>load<f32>(p);
    const slope = <f64>load<f32>(g) + l2 * value;
    const mean = beta1 * <f64>load<f32>(m) + (1 - beta1) * slope;
    const square = beta2 * <f64>load<f32>(v) + (1 - beta2) * slope * slope;
    store<f32>(m, <f32>mean);
    store<f32>(v, <f32>square);
    store<f32>(p, <f32>(keep * value - (rate * mean) / (sqrt<f64>(square) * rootCorrection + epsilon)));
  }
}

/** The same for `rows` rows of `W` elements, whose numbers are at `map`; all four tensors without gaps. */
export function adamRows(rows: i32, W: i32, p: usize, g: usize, m: usize, v: usize, map: usize): void {
  const line = <usize>W << 2;
  for (let r = 0; r < rows; r++, map += 4) {
    if (r % AHEAD == 0) {
      const count = min(AHEAD, rows - r);
      touchRows(count, p, line, map);
      touchRows(count, g, line, map);
      touchRows(count, m, line, map);
      touchRows(count, v, line, map);
    }
    const at = <usize>load<i32>(map) * line;
    adam(W, p + at, g + at, m + at, v + at);
  }
}
