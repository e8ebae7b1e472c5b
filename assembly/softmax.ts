/**
 * Softmax cross-entropy over rows of float32: equations (1) and (2) of src/layers/softmax-loss.ts and their derivatives.
 * Exponentials are computed four or two at a time, sums over labels sequentially in order, so that the bits are those of the
 * TypeScript loops. Steps between rows in bytes; `targets` holds int32, tables and results float64.
 */
import { exp4 } from './math';
import { exp2, log1 } from './math64';
import { both, high, low } from './wide';

/** The largest of K numbers at `x`. NaN is skipped, except in first position. */
// @ts-ignore: decorator
@inline
function maximum(K: i32, x: usize): f32 {
  let max = load<f32>(x);
  for (let k = 1; k < K; k++) {
    const value = load<f32>(x + (<usize>k << 2));
    if (value > max) max = value;
  }
  return max;
}

/** The next `count` numbers at `x`, 1 to 3 of them, and zeros. */
// @ts-ignore: decorator
@inline
function few(count: i32, x: usize): v128 {
  let v = v128.load32_zero(x);
  if (count > 1) v = v128.load_lane<f32>(x + 4, v, 1);
  if (count > 2) v = v128.load_lane<f32>(x + 8, v, 2);
  return v;
}

// @ts-ignore: decorator
@inline
function storeFew(count: i32, out: usize, v: v128): void {
  v128.store_lane<f32>(out, v, 0);
  if (count > 1) v128.store_lane<f32>(out + 4, v, 1);
  if (count > 2) v128.store_lane<f32>(out + 8, v, 2);
}

/** `out[n] = softmax(x[n])` for R rows of K elements; `out` may be `x`. */
export function softmaxRows(R: i32, K: i32, out: usize, ldOut: usize, x: usize, ldx: usize): void {
  for (let r = 0; r < R; r++, out += ldOut, x += ldx) {
    const max = f32x4.splat(maximum(K, x));
    let Z: f64 = 0;
    let k = K;
    let from = x;
    let to = out;
    for (; k >= 4; k -= 4, from += 16, to += 16) {
      const e = exp4(f32x4.sub(v128.load(from), max));
      v128.store(to, e);
      Z += <f64>f32x4.extract_lane(e, 0);
      Z += <f64>f32x4.extract_lane(e, 1);
      Z += <f64>f32x4.extract_lane(e, 2);
      Z += <f64>f32x4.extract_lane(e, 3);
    }
    if (k > 0) {
      const e = exp4(f32x4.sub(few(k, from), max));
      storeFew(k, to, e);
      Z += <f64>f32x4.extract_lane(e, 0);
      if (k > 1) Z += <f64>f32x4.extract_lane(e, 1);
      if (k > 2) Z += <f64>f32x4.extract_lane(e, 2);
    }
    const all = f64x2.splat(Z);
    to = out;
    for (k = K; k >= 4; k -= 4, to += 16) {
      const e = v128.load(to);
      v128.store(to, both(f64x2.div(low(e), all), f64x2.div(high(e), all)));
    }
    for (; k > 0; k--, to += 4) store<f32>(to, <f32>(<f64>load<f32>(to) / Z));
  }
}

/** Two float64 per row: its maximum m, and log Σ_k exp(x[n,k] − m). */
export function softmaxLogs(R: i32, K: i32, out: usize, x: usize, ldx: usize): void {
  for (let r = 0; r < R; r++, out += 16, x += ldx) {
    const max = <f64>maximum(K, x);
    const all = f64x2.splat(max);
    let Z: f64 = 0;
    let k = K;
    let from = x;
    for (; k >= 2; k -= 2, from += 8) {
      const e = exp2(f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(from)), all));
      Z += f64x2.extract_lane(e, 0);
      Z += f64x2.extract_lane(e, 1);
    }
    if (k > 0) Z += f64x2.extract_lane(exp2(f64x2.splat(<f64>load<f32>(from) - max)), 0);
    store<f64>(out, max);
    store<f64>(out, log1(Z), 8);
  }
}

/**
 * `out[n,k] += d · (p[n,k] · mass[y] − rest[k])`, with `own[y]` in place of `rest[y]`, where y = `targets[n]`; rows whose target
 * is negative are unchanged. Computed in float64, rounded once. `tables`: mass, rest and own, K float64 each.
 */
export function softmaxBackward(
  R: i32,
  K: i32,
  out: usize,
  ldOut: usize,
  p: usize,
  ldp: usize,
  targets: usize,
  tables: usize,
  d: f64,
): void {
  const size = <usize>K << 3;
  for (let r = 0; r < R; r++, out += ldOut, p += ldp, targets += 4) {
    const y = load<i32>(targets);
    if (y < 0) continue;
    const at = <usize>y << 3;
    const mass = load<f64>(tables + at);
    const chosen = out + (at >> 1);
    const before = <f64>load<f32>(chosen);
    addRow(K, out, p, tables + size, mass, d);
    store<f32>(chosen, <f32>(before + d * (<f64>load<f32>(p + (at >> 1)) * mass - load<f64>(tables + 2 * size + at))));
  }
}

/** `out[k] += d · (p[k] · mass − rest[k])`. */
// @ts-ignore: decorator
@inline
function addRow(K: i32, out: usize, p: usize, rest: usize, mass: f64, d: f64): void {
  const masses = f64x2.splat(mass);
  const ds = f64x2.splat(d);
  let k = K;
  for (; k >= 4; k -= 4, out += 16, p += 16, rest += 32) {
    const sum = v128.load(out);
    const share = v128.load(p);
    const first = f64x2.mul(ds, f64x2.sub(f64x2.mul(low(share), masses), v128.load(rest)));
    const second = f64x2.mul(ds, f64x2.sub(f64x2.mul(high(share), masses), v128.load(rest, 16)));
    v128.store(out, both(f64x2.add(low(sum), first), f64x2.add(high(sum), second)));
  }
  for (; k > 0; k--, out += 4, p += 4, rest += 8) {
    store<f32>(out, <f32>(<f64>load<f32>(out) + d * (<f64>load<f32>(p) * mass - load<f64>(rest))));
  }
}
