/**
 * What a native library for the products could gain: the three products as ONNX `Gemm` in onnxruntime-node on the CPU, everything else
 * of an update in WebAssembly as it is. From the repository root:
 *
 *     npm ci --prefix bench/peers && npm run build && node bench/native-product.js
 *
 * `run` is the documented `session.run`: it answers in a later turn of the event loop, while the passes of a layer are synchronous calls.
 * `sync` is the call of the binding beneath it, which is private to that package: it returns when the output is written. Both read and write
 * the memory of the backend in place (outputs are preallocated, no copies) and have one thread, as has `wasm`. Every product is first
 * compared with the float64 product of the backend `cpu`, and the losses of three updates with those of `wasm`. All take turns, and
 * the fastest of 15 counts; of updates, the medians.
 */
import { createRequire } from 'node:module';
import { Command } from 'commander';
import { fail, load, parse } from './command.js';

const [TURNS, TURN_MS, UPDATES] = [15, 25, 10];
/** Products of the tagger of `bptt bench --suite tagger`: how `out [M, N] += …` comes of sums of K terms. */
const SHAPES = [
  ['addMatmul', 1024, 100, 400],
  ['addMatmulTA', 100, 1024, 400],
  ['addMatmulTB', 1024, 400, 100],
  ['addMatmul', 1024, 200, 17],
];
const FLAGS = { addMatmul: {}, addMatmulTA: { transA: 1 }, addMatmulTB: { transB: 1 } };
const NAMES = Object.keys(FLAGS);

parse(new Command('node bench/native-product.js').description('what products by onnxruntime-node gain in training'));

const from = createRequire(new URL('./peers/package.json', import.meta.url));
let ort, binding;
try {
  ort = from('onnxruntime-node');
  ({ binding } = from('onnxruntime-node/dist/binding.js'));
} catch {
  fail('native-product', 'onnxruntime-node is missing: run npm ci --prefix bench/peers');
}
const { createCpuKernels, selectBackend } = await load('kernels/index.js');
const { createProblem, createTrainer } = await load('bench/problem.js');
const { quantile } = await load('bench/statistics.js');
const { createRng, uniform } = await load('tensor/index.js');
const { isContiguous, viewOf } = await load('tensor/view.js');
const { graphBuilder } = await load('interchange/onnx/builder.js');
const { encodeOnnx, FLOAT } = await load('interchange/onnx/proto.js');

/** A model `y = a·b + c` of any sizes, either factor transposed. */
function modelOf(attributes) {
  const builder = graphBuilder();
  const matrix = (name) => builder.input({ name, type: FLOAT, shape: [`${name}0`, `${name}1`] });
  builder.add('Gemm', ['a', 'b', 'c'].map(matrix), attributes, 'y');
  builder.output({ name: 'y', type: FLOAT, shape: ['c0', 'c1'] });
  return encodeOnnx({ irVersion: 8, opset: 14, producer: 'bptt', graph: builder.graph('product'), metadata: {} });
}

const OPTIONS = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };
const [sessions, natives] = [{}, {}];
for (const name of NAMES) {
  const bytes = modelOf(FLAGS[name]);
  sessions[name] = await ort.InferenceSession.create(bytes, OPTIONS); // initializes the binding, too
  natives[name] = new binding.InferenceSession();
  natives[name].loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, OPTIONS);
}

/** Inputs and output as ONNX Runtime takes them: the elements where they lie. What is added and the output are one. */
function operandsOf(...matrices) {
  const [c, a, b] = matrices.map(({ data, offset, shape: [M, N] }) => new ort.Tensor('float32', data.subarray(offset, offset + M * N), [M, N])); // prettier-ignore
  return [{ a, b, c }, { y: c }];
}

await (await load('kernels/wide-lanes.node.js')).enableWideLanes(); // as the command line does
const { kernels: wasm } = await selectBackend();

/** The products that are matrices without gaps natively, all else as it is. */
const hybrid = { ...wasm };
for (const name of NAMES) {
  hybrid[name] = (...operands) => {
    if (operands.every(isContiguous)) natives[name].run(...operandsOf(...operands), {});
    else wasm[name](...operands);
  };
}

/** GFLOP/s of one shape by each way, after each was compared with float64. */
async function race([name, M, K, N]) {
  const rng = createRng(7);
  const sizes = [[M, N], name === 'addMatmulTA' ? [K, M] : [M, K], name === 'addMatmulTB' ? [N, K] : [K, N]];
  const operands = sizes.map((shape) => uniform(shape, -0.5, 0.5, rng));
  const expected = operands.map((x) => viewOf(Float64Array.from(x.data), x.shape));
  createCpuKernels()[name](...expected);
  const [out] = operands;
  const begin = out.data.slice();
  const release = wasm.adopt(operands, 2 ** 24); // with room for packed panels
  const ways = {
    wasm: () => wasm[name](...operands),
    run: () => sessions[name].run(...operandsOf(...operands)),
    sync: () => hybrid[name](...operands),
  };
  for (const [way, act] of Object.entries(ways)) {
    out.data.set(begin, out.offset);
    await act();
    const off = expected[0].data.reduce((most, x, i) => Math.max(most, Math.abs(x - out.data[out.offset + i])), 0);
    if (!(off <= 1e-6 * K)) fail('native-product', `${way} is off by ${off} in ${name}: nothing is timed`);
  }
  const best = { wasm: 0, run: 0, sync: 0 };
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [way, act] of Object.entries(ways)) {
      out.data.set(begin, out.offset);
      const start = performance.now();
      let calls = 0;
      for (; performance.now() - start < TURN_MS; calls++) {
        if (way === 'run') await act();
        else act();
      }
      best[way] = Math.max(best[way], (2e-6 * M * K * N * calls) / (performance.now() - start));
    }
  }
  release();
  return { product: `${name} ${M}×${K}×${N}`, rates: Object.values(best) };
}

/** Milliseconds of an update by each, in turns. */
function updatesOf() {
  const problem = createProblem('lstm', 32);
  const trainers = [wasm, hybrid].map((kernels) => createTrainer(kernels, problem));
  const [own, other] = trainers.map((trainer) => [0, 1, 2].map((i) => trainer.step(i)));
  if (own.some((loss, i) => !(Math.abs(loss - other[i]) <= 1e-5 * loss))) {
    fail('native-product', `losses ${other} where wasm has ${own}: nothing is timed`);
  }
  const times = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [which, trainer] of trainers.entries()) {
      const start = performance.now();
      for (let i = 0; i < UPDATES; i++) trainer.step(i % problem.batches.length);
      times[which].push((performance.now() - start) / UPDATES);
    }
  }
  trainers.forEach((trainer) => trainer.close());
  return times.map((each) => quantile(each, 0.5));
}

const products = [];
for (const shape of SHAPES) products.push(await race(shape));
const [own, other] = updatesOf();
const version = from('onnxruntime-node/package.json').version;
console.log(`Node ${process.version}, onnxruntime-node ${version}, one thread each; GFLOP/s\n`);
console.log('| product | wasm | session.run | the binding |\n| --- | --: | --: | --: |');
for (const { product, rates } of products) {
  console.log(`| ${product} | ${rates.map((rate) => rate.toFixed(1)).join(' | ')} |`);
}
const [ms, otherMs, gain] = [own, other, own / other].map((x) => x.toFixed(2));
console.log(`\nAn update: ${ms} ms, with native products ${otherMs} ms, ${gain}×`);
