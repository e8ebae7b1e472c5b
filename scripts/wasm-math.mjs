/**
 * Holds exp, tanh, sigmoid and log of the WebAssembly module against the float32 functions of src/tensor/math.ts, bit for
 * bit, over the floats of all 2^32 patterns. Exits with 1 at a difference. So the errors that scripts/math-error.mjs finds
 * are those of either.
 *
 *     npm run build && node scripts/wasm-math.mjs [every] [name…]
 *
 * `every` = 1 takes every pattern, in a few minutes; 101 takes one in 101. Names, as exp32, choose some of the functions.
 */
import { start } from '../dist/esm/kernels/wasm/module.js';
import { expf, logf, sigmoidf, tanhf } from '../dist/esm/tensor/math.js';

const COUNT = 1 << 16;

/** One loop per function: V8 then compiles the function into it. */
const twins = {
  exp32(x, y) {
    for (let i = 0; i < COUNT; i++) y[i] = expf(x[i]);
  },
  tanh32(x, y) {
    for (let i = 0; i < COUNT; i++) y[i] = tanhf(x[i]);
  },
  sigmoid32(x, y) {
    for (let i = 0; i < COUNT; i++) y[i] = sigmoidf(x[i]);
  },
  log32(x, y) {
    for (let i = 0; i < COUNT; i++) y[i] = logf(x[i]);
  },
};

const every = Number(process.argv[2] ?? 1);
const names = process.argv.length > 3 ? process.argv.slice(3) : Object.keys(twins);
const { wasm, memory } = await start(16);
memory.grow(8);
const got = new Float32Array(memory.buffer, 0, COUNT);
const gotBits = new Int32Array(memory.buffer, 0, COUNT);
const want = new Float32Array(COUNT);
const wantBits = new Int32Array(want.buffer);
const x = new Float32Array(COUNT);
const bits = new Uint32Array(x.buffer);

/** The arguments from a pattern on. */
function fill(base) {
  for (let i = 0; i < COUNT; i++) bits[i] = Math.min(base + i * every, 2 ** 32 - 1);
}

/** Index of the first result from `from` on that differs, or COUNT; two NaN are the same, whatever their bits. */
function nextDifference(from) {
  for (let i = from; i < COUNT; i++) {
    if (gotBits[i] !== wantBits[i] && !(Number.isNaN(got[i]) && Number.isNaN(want[i]))) return i;
  }
  return COUNT;
}

/** How many results differ, and the last argument where one does. */
function compare(name) {
  let differences = 0;
  let at = NaN;
  for (let base = 0; base < 2 ** 32; base += COUNT * every) {
    fill(base);
    got.set(x);
    wasm[name](COUNT, 0);
    twins[name](x, want);
    for (let i = nextDifference(0); i < COUNT; i = nextDifference(i + 1)) {
      differences++;
      at = x[i];
    }
  }
  return { differences, at };
}

for (const name of names) {
  const { differences, at } = compare(name);
  console.log(`${name}: ${differences === 0 ? 'the same bits' : `${differences} differences, the last at ${at}`}`);
  if (differences > 0) process.exitCode = 1;
}
