/** The first lanes of a vector: the rest of a row whose length is not a multiple of 4. */

/** Four float32 at `at`; if only `count` of 4 are left, those, and zeros. */
// @ts-ignore: decorator
@inline
export function read(at: usize, count: i32): v128 {
  return count >= 4 ? v128.load(at) : part(at, count);
}

/** Stores the first `count` lanes, at most 4. */
// @ts-ignore: decorator
@inline
export function write(at: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(at, x);
  else writePart(at, x, count);
}

/**
 * Stores two adjacent vectors. An engine that joins such stores into one of 256 bits also joins the operations that produce their
 * values.
 */
// @ts-ignore: decorator
@inline
export function pair(at: usize, x: v128, next: v128): void {
  v128.store(at, x);
  v128.store(at, next, 16);
}

function part(at: usize, count: i32): v128 {
  let x = v128.load32_zero(at);
  if (count > 1) x = f32x4.replace_lane(x, 1, load<f32>(at, 4));
  if (count > 2) x = f32x4.replace_lane(x, 2, load<f32>(at, 8));
  return x;
}

function writePart(at: usize, x: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(x, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(x, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(x, 2), 8);
}
