/**
 * Holds exp, tanh, sigmoid and log of the WebAssembly module against the float32 functions of src/tensor/math.ts, bit for
 * bit, over the floats of all 2^32 patterns. Exits with 1 at a difference.
 *
 *     npm run build && node scripts/wasm-math.mjs [every]
 *
 * `every` = 1 takes every pattern; 101 takes one in 101.
 */
import { start } from '../dist/esm/kernels/wasm/module.js';
import { expf, logf, sigmoidf, tanhf } from '../dist/esm/tensor/math.js';

const twins = { exp32: expf, tanh32: tanhf, sigmoid32: sigmoidf, log32: logf };
const every = Number(process.argv[2] ?? 1);
const count = 1 << 16;
const { exports, memory } = await start(16);
memory.grow(8);
const x = new Float32Array(memory.buffer, 0, count);
const patterns = new Uint32Array(memory.buffer, 0, count);
const copy = new Float32Array(count);

for (const [name, twin] of Object.entries(twins)) {
  let differences = 0;
  let at = NaN;
  for (let base = 0; base < 2 ** 32; base += count * every) {
    for (let i = 0; i < count; i++) patterns[i] = Math.min(base + i * every, 2 ** 32 - 1);
    copy.set(x);
    exports[name](count, 0);
    for (let i = 0; i < count; i++) {
      if (!Object.is(x[i], twin(copy[i]))) [differences, at] = [differences + 1, copy[i]];
    }
  }
  console.log(`${name}: ${differences === 0 ? 'the same bits' : `${differences} differences, the last at ${at}`}`);
  if (differences > 0) process.exitCode = 1;
}
