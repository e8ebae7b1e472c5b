/**
 * Exhaustive check of the float32 functions of src/tensor/math.ts: every one of the 2^32 − 2^24 + 2 floats is an argument.
 * Reports, for each function, the largest error in units in the last place of the exact result, where it occurs, and how
 * often a larger argument gave a smaller result. Reference: Math.* in float64, whose own error is below 2^-28 of a float32
 * ulp; test/tensor/math.test.ts checks that reference against arbitrary precision.
 *
 *     npm run build && node scripts/math-error.mjs [every]
 *
 * `every` = 1 takes every float, half an hour; 101 takes one in 101.
 */
import { expf, logf, sigmoidf, tanhf } from '../dist/esm/tensor/math.js';

const FUNCTIONS = {
  exp: [expf, Math.exp],
  tanh: [tanhf, Math.tanh],
  sigmoid: [sigmoidf, (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)))],
  log: [logf, Math.log],
};
const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** The float32 with the given bits. */
function floatOf(pattern) {
  bits[0] = pattern;
  return float[0];
}

/** Distance between float32 neighbours at the magnitude of y: 2^-149 and up. */
function ulp(y) {
  float[0] = Math.abs(y);
  const exponent = Math.max(bits[0] >>> 23, 1);
  bits[0] = exponent << 23;
  return Math.fround(float[0]) * 2 ** -23;
}

/** Walks all floats from −Infinity to Infinity and holds `f` against `reference`. */
function sweep(f, reference, every) {
  let worst = 0;
  let at = NaN;
  let reversals = 0;
  let reversalAt = NaN;
  let previous = -Infinity;
  const visit = (x) => {
    const y = f(x);
    const exact = reference(x);
    if (Number.isNaN(exact) || Number.isNaN(y)) {
      if (Number.isNaN(exact) !== Number.isNaN(y)) [worst, at] = [Infinity, x];
      return;
    }
    if (y < previous) [reversals, reversalAt] = [reversals + 1, x];
    previous = y;
    const off = Math.abs(y - exact);
    // An ulp is at least 2^-24 of its number: most arguments need no closer look.
    if (off < worst * 2 ** -24 * Math.abs(exact)) return;
    const agree = y === Math.fround(exact);
    const error = Number.isFinite(y) ? off / ulp(exact) : agree ? 0 : Infinity;
    if (error > worst) [worst, at] = [error, x];
  };
  for (let pattern = 0x7f800000; pattern >= 0; pattern -= every) visit(-floatOf(pattern));
  for (let pattern = 0; pattern <= 0x7f800000; pattern += every) visit(floatOf(pattern));
  return { worst, at, reversals, reversalAt };
}

const every = Number(process.argv[2] ?? 1);
for (const [name, [f, reference]] of Object.entries(FUNCTIONS)) {
  const { worst, at, reversals, reversalAt } = sweep(f, reference, every);
  const order = reversals === 0 ? 'monotone' : `${reversals} reversals, the last at ${reversalAt}`;
  console.log(`${name}f: at most ${worst.toFixed(4)} ulp, at x = ${at}; ${order}`);
}
