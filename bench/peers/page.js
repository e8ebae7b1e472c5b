/** What peer-browser.js runs in its page: one mode of bptt, asked case by case. */
import * as gpujs from 'gpu.js';
import { matrix, placeAll } from 'bptt:bench/numbers.js';
import { rateOf, secondCall, slowProduct, slowTagger } from 'bptt:bench/timeouts.js';
import {
  createAsyncInference,
  createAsyncTrainer,
  createInference,
  createProblem,
  createTrainer,
} from 'bptt:bench/problem.js';
import { withoutFallback } from 'bptt:bench/no-fallback.js';
import { createGpuAsyncKernels, createGpuKernels, selectBackend } from 'bptt:kernels/index.js';

/** Least time of the calls behind one sample: the clock of a page is coarse. */
const BATCH_MS = 5;

const library = gpujs.default ?? gpujs;
/** What runs: `kernels` for the products, on `host` what is none; `later` where products are promised. */
let running;
let act;
let close = () => undefined;

const decode = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

/** Elements of a contiguous tensor, as base64 of their little-endian bytes. */
function encode({ data, offset, shape }) {
  const own = data.slice(offset, offset + shape[0] * shape[1]);
  const bytes = new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

/** Opens a mode, and says what it runs on. */
async function open(mode) {
  const { kernels: host } = await selectBackend();
  if (mode === 'wasm') {
    running = { kernels: host, host, later: false };
    return { backend: host.backend };
  }
  const later = mode === 'webgpu';
  const device = later ? await createGpuAsyncKernels({ library }) : await createGpuKernels({ library, mode });
  const { renderer, software } = device.device;
  running = { kernels: later ? device : withoutFallback(device, host), host, later, rate: await rateOf(device) };
  return { backend: device.backend, device: renderer, software };
}

async function prepareProduct({ product, size, a, b, slowestMs }) {
  const { kernels, rate = Infinity } = running;
  const declined = slowProduct(size, rate, slowestMs);
  if (declined !== undefined) return { declined };
  const [M, K, N] = size;
  const x = product === 'addMatmulTA' ? matrix(decode(a), K, M) : matrix(decode(a), M, K);
  const y = product === 'addMatmulTB' ? matrix(decode(b), N, K) : matrix(decode(b), K, N);
  const spare = 8 * (M * K + K * N + M * N) + 2 ** 20;
  const operands = placeAll(kernels, [matrix(new Float32Array(M * N), M, N), x, y], spare);
  await kernels[product](...operands);
  act = () => kernels[product](...operands);
  return { out: encode(operands[0]) };
}

async function prepareTagger({ phase, cell, B, V, E, H, K, T, steps, slowestMs }) {
  const { kernels, host, later, rate } = running;
  const problem = createProblem(cell, B, { V, E, H, K, T });
  const inference = later
    ? { logits: createAsyncInference(kernels, host, problem), close: () => undefined }
    : createInference(kernels, problem);
  close = inference.close;
  const ms = rate === undefined ? 0 : await secondCall(() => inference.logits(0));
  const declined = slowTagger(phase, ms, slowestMs);
  if (declined !== undefined) return { declined };
  if (phase === 'infer') {
    act = overBatches(problem, inference.logits);
    return { logits: encode(await inference.logits(0)) };
  }
  inference.close();
  const trainer = later ? createAsyncTrainer(kernels, host, problem) : createTrainer(kernels, problem);
  close = trainer.close;
  const losses = [];
  for (let i = 0; i < steps; i++) losses.push(await trainer.step(0));
  act = overBatches(problem, trainer.step);
  return { losses };
}

function overBatches({ batches }, run) {
  let next = 0;
  return () => run(next++ % batches.length);
}

/** Computes the answer to a case, and keeps it for `sample`. */
async function prepare(request) {
  close();
  close = () => undefined;
  return request.suite === 'gemm' ? prepareProduct(request) : prepareTagger(request);
}

/** Times the case that was prepared. */
async function sample() {
  const start = performance.now();
  let calls = 0;
  let cost = 0;
  do {
    const pending = act();
    if (pending instanceof Promise) await pending;
    calls++;
    cost = performance.now() - start;
  } while (cost < BATCH_MS);
  return { ms: cost / calls, cost };
}

globalThis.bench = { open, prepare, sample };
