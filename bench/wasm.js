/**
 * The WebAssembly backend beside the cpu backend, one thread, float32: GFLOP/s of the products on the shapes of a tagger and
 * on squares, and tokens per second of a BiLSTM tagger (10,000 words × 100, 100 per direction, 17 labels, sentences of 32
 * tokens, Adam). A product that leaves the error bound around matmul1 is not timed. From the repository root:
 *
 *     npm run build && node bench/wasm.js [gemm|tagger] [--cell lstm|gru|rnn] [--json]
 *
 * Backends take turns and the fastest turn counts: another load on the machine lengthens some turns, never shortens one.
 */
import { cpus } from 'node:os';
import { clipByGlobalNorm, flatten, nestLike, zeroGrads, zeroInPlace } from '../dist/esm/autograd/grads.js';
import { packingOf } from '../dist/esm/autograd/index.js';
import { createCpuKernels, createWasmKernels } from '../dist/esm/kernels/index.js';
import * as rung1 from '../dist/esm/kernels/cpu/matmul1.js';
import { softmaxLossBackward, softmaxLossForward } from '../dist/esm/layers/index.js';
import { initModel, modelBackward, modelForward } from '../dist/esm/labeling/model.js';
import { createAdam } from '../dist/esm/optim/index.js';
import { createRng } from '../dist/esm/tensor/index.js';
import { allocate } from '../dist/esm/tensor/view.js';

const backends = [createCpuKernels(), await createWasmKernels()];

/** [product, M, K, N] */
const shapes = [
  ...[32, 64, 128, 256, 512].map((n) => ['addMatmul', n, n, n]),
  ['addMatmul', 1024, 100, 400],
  ['addMatmulTA', 100, 1024, 400],
  ['addMatmulTB', 1024, 400, 100],
  ['addMatmul', 1024, 200, 17],
  ['addMatmul', 32, 100, 400],
  ['addMatmulTB', 32, 400, 100],
  ['addMatmul', 1, 100, 400],
  ['addMatmulTB', 1, 400, 100],
];

function filled(rows, columns, seed) {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => ((i * 7919 + seed) % 1009) / 1009 - 0.5);
  return { data, shape: [rows, columns], stride: [columns, 1], offset: 0 };
}

/** Milliseconds of one call: the fastest of many turns of at least `turnMs`. */
function fastest(acts, turns, turnMs) {
  const best = acts.map(() => Infinity);
  for (let turn = 0; turn < turns; turn++) {
    acts.forEach((act, i) => {
      const start = performance.now();
      let calls = 0;
      let elapsed = 0;
      do {
        act();
        calls++;
        elapsed = performance.now() - start;
      } while (elapsed < turnMs);
      best[i] = Math.min(best[i], elapsed / calls);
    });
  }
  return best;
}

function gemm([product, M, K, N]) {
  const a = product === 'addMatmulTA' ? filled(K, M, 1) : filled(M, K, 1);
  const b = product === 'addMatmulTB' ? filled(N, K, 2) : filled(K, N, 2);
  const want = filled(M, N, 3);
  rung1[`${product}1`](want, a, b);
  const outs = backends.map((kernels) => {
    const out = filled(M, N, 3);
    kernels[product](out, a, b);
    // Σ|a||b| ≤ K/4, |out| ≤ 1/2: the bound of a sum of K + 1 terms in float32, twice for two sums.
    const allowed = 2 * (K + 2) * 2 ** -24 * (K / 4 + 0.5);
    const wrong = out.data.findIndex((x, i) => !(Math.abs(x - want.data[i]) <= allowed));
    if (wrong >= 0) throw new Error(`${kernels.backend} ${product} differs from matmul1 at element ${wrong}`);
    return out;
  });
  const acts = backends.map((kernels, i) => () => kernels[product](outs[i], a, b));
  const gflops = fastest(acts, 60, 1).map((ms) => (2 * M * N * K) / ms / 1e6);
  return { case: `${product} ${M}x${K}x${N}`, metric: 'GFLOP/s', values: gflops };
}

/** Training and inference steps of the tagger with one batch. */
function tagger(kernels, cell, B) {
  const [V, K, T] = [10000, 17, 32];
  const config = { cell, embedding: 100, hidden: [100], bidirectional: true, dropout: 0 };
  const params = initModel(config, V, K, createRng(5));
  const weights = flatten(params);
  const flatGrads = zeroGrads(weights, { rowGradients: ['embedding.weight'] });
  const grads = nestLike(params, flatGrads);
  const optimizer = createAdam(weights, { lr: 0.001 });
  const packing = packingOf(Array.from({ length: B }, () => T));
  const ids = Int32Array.from({ length: B * T }, (_, i) => (i * 7919) % V);
  const targets = Int32Array.from(ids, (id) => id % K);
  const infer = () => modelForward(kernels, { config, params }, ids, packing);
  const train = () => {
    const pass = infer();
    const loss = softmaxLossForward(pass.logits, targets);
    const dLogits = allocate(pass.logits.shape, 'float32');
    softmaxLossBackward(loss, dLogits);
    modelBackward(kernels, params, pass, dLogits, grads);
    clipByGlobalNorm(flatGrads, 5);
    optimizer.step(flatGrads);
    zeroInPlace(flatGrads);
  };
  return { train, infer, tokens: B * T };
}

function taggerRows(cell) {
  return [32, 1].flatMap((B) => {
    const models = backends.map((kernels) => tagger(kernels, cell, B));
    return ['train', 'infer'].map((phase) => {
      const times = fastest(
        models.map((model) => model[phase]),
        8,
        150,
      );
      const values = times.map((ms) => (1000 * B * 32) / ms);
      return { case: `${phase}-b${B}-${cell}`, metric: 'tokens/s', values };
    });
  });
}

const option = process.argv.indexOf('--cell');
const cell = option < 0 ? 'lstm' : process.argv[option + 1];
const suites = ['gemm', 'tagger'].filter(
  (name) => process.argv.includes(name) || !/^(gemm|tagger)$/m.test(process.argv.join('\n')),
);
const rows = suites.flatMap((suite) => (suite === 'gemm' ? shapes.map(gemm) : taggerRows(cell)));
const machine = { cpu: cpus()[0]?.model.trim(), node: process.version, v8: process.versions.v8 };
const systems = backends.map((kernels) => kernels.backend);
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ machine, systems, rows }, null, 2));
} else {
  console.log(`${machine.cpu}, Node ${machine.node}, V8 ${machine.v8}, float32, one thread`);
  console.log(`${''.padEnd(26)}${systems.map((name) => name.padStart(12)).join('')}`);
  for (const { case: name, metric, values } of rows) {
    const shown = values.map((x) => x.toFixed(metric === 'GFLOP/s' ? 1 : 0).padStart(12)).join('');
    console.log(`${name.padEnd(26)}${shown}  ${metric}`);
  }
}
