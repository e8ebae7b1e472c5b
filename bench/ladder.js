/**
 * The ladder of src/kernels/cpu: GFLOP/s (2·M·N·K operations per product) of each rung on the shapes a tagger multiplies.
 * A rung that differs from rung 1 in one bit is not timed. From the repository root:
 *
 *     npm run build && node bench/ladder.js [float32|float64] [--json]
 *
 * Rungs take turns and the fastest turn counts: another load on the machine lengthens some turns, never shortens one.
 */
import { cpus } from 'node:os';
import { Argument, Command } from 'commander';
import { load, parse } from './command.js';

const products = { addMatmul: 'N', addMatmulTA: 'TA', addMatmulTB: 'TB' };
const files = await Promise.all([1, 2, 3].map((i) => load(`kernels/cpu/matmul${i}.js`)));
const rungs = files.map((file, i) => ({
  name: `matmul${i + 1}`,
  run: (product, out, a, b) => file[`${product}${i + 1}`](out, a, b),
}));
/** [product, M, K, N]: E = H = 100, four gates, 32 sequences of about 22 tokens. */
const shapes = [
  ['addMatmul', 700, 100, 400],
  ['addMatmul', 32, 100, 400],
  ['addMatmul', 8, 100, 400],
  ['addMatmul', 4, 100, 400],
  ['addMatmul', 3, 100, 400],
  ['addMatmul', 1, 100, 400],
  ['addMatmul', 700, 200, 17],
  ['addMatmulTA', 100, 700, 400],
  ['addMatmulTA', 100, 32, 400],
  ['addMatmulTB', 32, 400, 100],
  ['addMatmulTB', 700, 400, 100],
  ['addMatmulTB', 4, 400, 100],
  ['addMatmulTB', 1, 400, 100],
];

const turns = 12;
const turnMs = 8;

function filled(Type, rows, columns) {
  const data = Type.from({ length: rows * columns }, (_, i) => ((i * 7919) % 1009) / 1009 - 0.5);
  return { data, shape: [rows, columns], stride: [columns, 1], offset: 0 };
}

function measure(Type, [product, M, K, N]) {
  const a = product === 'addMatmulTA' ? filled(Type, K, M) : filled(Type, M, K);
  const b = product === 'addMatmulTB' ? filled(Type, N, K) : filled(Type, K, N);
  const outs = rungs.map((rung) => {
    const out = filled(Type, M, N);
    rung.run(product, out, a, b);
    return out;
  });
  outs.forEach((out, i) => {
    const wrong = out.data.findIndex((x, at) => !Object.is(x, outs[0].data[at]));
    if (wrong >= 0) throw new Error(`${rungs[i].name} ${product} differs from matmul1 at element ${wrong}`);
  });
  const best = rungs.map(() => Infinity);
  for (let turn = 0; turn < turns; turn++) {
    rungs.forEach((rung, i) => {
      const start = performance.now();
      let calls = 0;
      let elapsed = 0;
      do {
        rung.run(product, outs[i], a, b);
        calls++;
        elapsed = performance.now() - start;
      } while (elapsed < turnMs);
      best[i] = Math.min(best[i], elapsed / calls);
    });
  }
  return best.map((ms) => (2 * M * N * K) / ms / 1e6);
}

const command = new Command('node bench/ladder.js')
  .description('The rungs of src/kernels/cpu on the shapes a tagger multiplies: GFLOP/s')
  .addArgument(new Argument('[dtype]', 'element type').choices(['float32', 'float64']).default('float32'))
  .option('--json', 'one object for scripts');
parse(command);
const [dtype] = command.processedArgs;
const Type = dtype === 'float64' ? Float64Array : Float32Array;
const machine = { cpu: cpus()[0]?.model.trim(), node: process.version, v8: process.versions.v8, dtype };
const results = shapes.map((shape) => {
  const [product, M, K, N] = shape;
  return { product, M, K, N, gflops: measure(Type, shape) };
});
if (command.opts().json) {
  console.log(JSON.stringify({ ...machine, results }, null, 2));
} else {
  console.log(`${machine.cpu}, Node ${machine.node}, V8 ${machine.v8}, ${dtype}, GFLOP/s`);
  console.log(`${'product'.padEnd(20)}${rungs.map((rung) => rung.name.padStart(10)).join('')}`);
  for (const { product, M, K, N, gflops } of results) {
    const label = `${products[product].padEnd(3)} M=${M} K=${K} N=${N}`;
    console.log(label.padEnd(20) + gflops.map((x) => x.toFixed(2).padStart(10)).join(''));
  }
}
