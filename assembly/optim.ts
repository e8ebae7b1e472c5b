/**
 * Updates of float32 parameters, computed in float64 two lanes at a time: the operations of src/optim/adam.ts and
 * src/autograd/grads.ts in the same order, so the bits are the same. Only the sum of squares has a different order.
 */

import { pair } from './lanes';
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

/** The factors of an update, in both lanes or as scalars. */
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

/**
 * Numbers of a block: large enough that when a stage loads what another one stored, the stores have reached the cache, so that
 * wider vectors can load them whole.
 */
const BLOCK: i32 = 16;

/** Scratch bytes for four numbers during an update: the numerators of their steps in float64, then their mean squares. */
const ROOM_OF_4: usize = 64;

/**
 * One Adam update of `count` elements; equations as numbered in src/optim/adam.ts.
 *
 * @param room 768 bytes, three blocks, aligned to 64
 */
export function adam(count: i32, p: usize, g: usize, m: usize, v: usize, room: usize): void {
  const whole = count >= 2 * BLOCK ? count & -BLOCK : 0;
  if (whole > 0) blocks(whole, p, g, m, v, room);
  const at = <usize>whole << 2;
  pairs(count - whole, p + at, g + at, m + at, v + at);
}

/**
 * The same for two blocks or more. Roots and quotients take longest, and everything else overlaps with them. While those of a
 * block are computed, so are the moments of the next block, and the parameters of the previous one are stored. It calls no
 * function, so V8 keeps the factors in registers.
 */
function blocks(count: i32, p: usize, g: usize, m: usize, v: usize, room: usize): void {
  const b1 = f64x2.splat(beta1);
  const b2 = f64x2.splat(beta2);
  const rest1 = f64x2.splat(1 - beta1);
  const rest2 = f64x2.splat(1 - beta2);
  const eps = f64x2.splat(epsilon);
  const decay = f64x2.splat(l2);
  const kept = f64x2.splat(keep);
  const lr = f64x2.splat(rate);
  const correction = f64x2.splat(rootCorrection);
  let next = room;
  let block = room + 4 * ROOM_OF_4;
  let last = room + 8 * ROOM_OF_4;
  for (let i = 0; i < BLOCK; i += 4) {
    momentsOf(p, g, m, v, last, b1, b2, rest1, rest2, decay, lr);
    momentsOf(p + 8, g + 8, m + 8, v + 8, last + 16, b1, b2, rest1, rest2, decay, lr);
    p += 16;
    g += 16;
    m += 16;
    v += 16;
    last += ROOM_OF_4;
  }
  last -= 4 * ROOM_OF_4;
  for (let i = 0; i < BLOCK; i += 4) {
    quotientsOf(last, correction, eps);
    momentsOf(p, g, m, v, block, b1, b2, rest1, rest2, decay, lr);
    momentsOf(p + 8, g + 8, m + 8, v + 8, block + 16, b1, b2, rest1, rest2, decay, lr);
    p += 16;
    g += 16;
    m += 16;
    v += 16;
    last += ROOM_OF_4;
    block += ROOM_OF_4;
  }
  last -= 4 * ROOM_OF_4;
  block -= 4 * ROOM_OF_4;
  for (count -= 2 * BLOCK; count > 0; count -= BLOCK) {
    for (let i = 0; i < BLOCK; i += 4) {
      quotientsOf(block, correction, eps);
      momentsOf(p, g, m, v, next, b1, b2, rest1, rest2, decay, lr);
      momentsOf(p + 8, g + 8, m + 8, v + 8, next + 16, b1, b2, rest1, rest2, decay, lr);
      moveBy(p - 8 * BLOCK, last, kept);
      moveBy(p - 8 * BLOCK + 8, last + 16, kept);
      p += 16;
      g += 16;
      m += 16;
      v += 16;
      next += ROOM_OF_4;
      block += ROOM_OF_4;
      last += ROOM_OF_4;
    }
    const free = last - 4 * ROOM_OF_4;
    last = block - 4 * ROOM_OF_4;
    block = next - 4 * ROOM_OF_4;
    next = free;
  }
  p -= 8 * BLOCK;
  for (let i = 0; i < BLOCK; i += 4) {
    quotientsOf(block, correction, eps);
    moveBy(p, last, kept);
    moveBy(p + 8, last + 16, kept);
    p += 16;
    block += ROOM_OF_4;
    last += ROOM_OF_4;
  }
  block -= 4 * ROOM_OF_4;
  for (let i = 0; i < BLOCK; i += 4) {
    moveBy(p, block, kept);
    moveBy(p + 8, block + 16, kept);
    p += 16;
    block += ROOM_OF_4;
  }
}

/** (1) of Adam, (2) and (3) of two numbers: moments, numerators of the steps, mean squares. */
// @ts-ignore: decorator
@inline
function momentsOf(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  to: usize,
  b1: v128,
  b2: v128,
  rest1: v128,
  rest2: v128,
  decay: v128,
  lr: v128,
): void {
  const slope = f64x2.add(low(v128.load64_zero(g)), f64x2.mul(decay, low(v128.load64_zero(p)))); // (1) Adam
  const mean = f64x2.add(f64x2.mul(b1, low(v128.load64_zero(m))), f64x2.mul(rest1, slope)); // (2)
  const fresh = f64x2.mul(f64x2.mul(rest2, slope), slope);
  const square = f64x2.add(f64x2.mul(b2, low(v128.load64_zero(v))), fresh); // (3)
  v128.store64_lane(m, f32x4.demote_f64x2_zero(mean), 0);
  v128.store64_lane(v, f32x4.demote_f64x2_zero(square), 0);
  v128.store(to, f64x2.mul(lr, mean));
  v128.store(to, square, ROOM_OF_4 / 2);
}

/** The steps of (5) of four numbers, written over their numerators. */
// @ts-ignore: decorator
@inline
function quotientsOf(at: usize, correction: v128, eps: v128): void {
  const first = f64x2.add(f64x2.mul(f64x2.sqrt(v128.load(at, 32)), correction), eps); // (4)
  const second = f64x2.add(f64x2.mul(f64x2.sqrt(v128.load(at, 48)), correction), eps);
  pair(at, f64x2.div(v128.load(at), first), f64x2.div(v128.load(at, 16), second)); // (5)
}

/** (1) of AdamW, and the difference of (5), of two numbers. */
// @ts-ignore: decorator
@inline
function moveBy(p: usize, steps: usize, kept: v128): void {
  const next = f64x2.sub(f64x2.mul(kept, low(v128.load64_zero(p))), v128.load(steps));
  v128.store64_lane(p, f32x4.demote_f64x2_zero(next), 0);
}

/** The same for less than two blocks. */
function pairs(count: i32, p: usize, g: usize, m: usize, v: usize): void {
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

/** The same for `rows` rows of `W` elements, whose indices are at `map`; all four tensors without gaps. */
export function adamRows(rows: i32, W: i32, p: usize, g: usize, m: usize, v: usize, map: usize, room: usize): void {
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
    adam(W, p + at, g + at, m + at, v + at, room);
  }
}
