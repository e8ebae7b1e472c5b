/**
 * A CRF's loss with its gradient, and Viterbi, on every backend and beside PyTorch written as NCRF++ writes it:
 *
 *     npm run build && node bench/crf.js [--time 500] [--turns 5] [--python /usr/bin/python3]
 *
 * T = 20, B = 32, K = 9, 39 and 64; float32 in, one thread each. What is timed is checked first: backends must give the same bits, PyTorch
 * the same loss and gradients to 1e-4 of the largest, and the same labels. Turns alternate; a row is
 * the median of the turns, in processor time, which other work on the machine changes least.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { packingOf } from '../dist/esm/autograd/index.js';
import { createCpuKernels, createWasmKernels } from '../dist/esm/kernels/index.js';
import { crfLossBackward, crfLossForward, crfViterbi } from '../dist/esm/layers/index.js';
import { createRng, zeros } from '../dist/esm/tensor/index.js';

const [T, B] = [20, 32];
const { values } = parseArgs({ options: { time: { type: 'string', default: '500' }, turns: { type: 'string', default: '5' }, python: { type: 'string', default: 'python3' } } }); // prettier-ignore
const [ms, turns] = [Number(values.time), Number(values.turns)];
const median = (x) => [...x].sort((p, q) => p - q)[x.length >> 1];

function problemOf(K) {
  const rng = createRng(K);
  const drawn = (...shape) => {
    const x = zeros(shape, 'float32');
    for (let i = 0; i < x.data.length; i++) x.data[i] = rng.normal();
    return x;
  };
  const targets = Int32Array.from({ length: T * B }, () => rng.integer(K));
  return {
    K,
    targets,
    emissions: drawn(T * B, K),
    params: { transitions: drawn(K, K), start: drawn(K), end: drawn(K) },
  };
}

const packing = packingOf(new Int32Array(B).fill(T));

function both(kernels, { params, emissions, targets }) {
  const loss = crfLossForward(kernels, params, emissions, packing, targets);
  const grads = Object.fromEntries(Object.entries(params).map(([name, x]) => [name, zeros(x.shape, 'float32')]));
  const dEmissions = zeros(emissions.shape, 'float32');
  crfLossBackward(kernels, params, loss, dEmissions, grads);
  return { loss: loss.loss, grads: { emissions: dEmissions, ...grads } };
}

const viterbi = (kernels, { params, emissions }) => crfViterbi(kernels, params, emissions, packing).labels;

/** Milliseconds of processor time of one call, those of the collector of garbage included: the mean over `ms` of it. */
function timed(act) {
  const spent = (start) => Object.values(process.cpuUsage(start)).reduce((sum, each) => sum + each, 0) / 1000;
  for (const warm = process.cpuUsage(); spent(warm) < 2 * ms;) act(); // until the engine has compiled what it will
  const start = process.cpuUsage();
  let calls = 0;
  do {
    act();
    calls++;
  } while (spent(start) < ms);
  return spent(start) / calls;
}

/** The largest difference of a list from another, as a share of the largest. */
function apart(x, y) {
  const largest = y.reduce((most, each) => Math.max(most, Math.abs(each)), 0) || 1;
  return x.reduce((most, each, i) => Math.max(most, Math.abs(each - y[i])), 0) / largest;
}

function check(name, right) {
  if (right) return;
  console.error(`bench/crf: ${name}: it gives other numbers, so that it is not timed`);
  process.exit(1);
}

function pytorch() {
  const child = spawn(values.python, [fileURLToPath(new URL('peers/crf_pytorch.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] }); // prettier-ignore
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${values.python} ended: it needs PyTorch`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

const backends = { 'bptt wasm': await createWasmKernels(), 'bptt cpu': createCpuKernels() };
const peer = pytorch();
console.log('| K | work | system | CPU ms | to PyTorch |\n|--:|---|---|--:|--:|');
for (const K of [9, 39, 64]) {
  const problem = problemOf(K);
  const { emissions, params, targets } = problem;
  const plain = Object.fromEntries(Object.entries({ emissions, ...params }).map(([name, x]) => [name, [...x.data]]));
  const question = { K, T, B, ...plain, targets: [...targets], ms };
  const right = both(backends['bptt cpu'], problem);
  const labels = viterbi(backends['bptt cpu'], problem);
  const fast = both(backends['bptt wasm'], problem);
  check('wasm', fast.loss === right.loss && Object.entries(right.grads).every(([name, g]) => apart(g.data, fast.grads[name].data) === 0) && apart(labels, viterbi(backends['bptt wasm'], problem)) === 0); // prettier-ignore
  const found = { both: {}, viterbi: {} };
  let version = '';
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, kernels] of Object.entries(backends)) {
      (found.both[name] ??= []).push(timed(() => both(kernels, problem)));
      (found.viterbi[name] ??= []).push(timed(() => viterbi(kernels, problem)));
    }
    const answer = await peer.ask(question);
    const close = Object.entries(right.grads).every(([name, g]) => apart([...g.data], answer.grads[name]) < 1e-4);
    check('PyTorch', close && Math.abs(answer.loss - right.loss) < 1e-4 * right.loss && apart([...labels], answer.labels) === 0); // prettier-ignore
    version = `PyTorch ${answer.version}, ${answer.threads} thread`;
    for (const work of ['both', 'viterbi']) (found[work][version] ??= []).push(answer[work]);
  }
  for (const [work, systems] of Object.entries(found)) {
    const base = median(systems[version]);
    for (const [name, samples] of Object.entries(systems)) {
      console.log(`| ${K} | ${work === 'both' ? 'loss + gradient' : work} | ${name} | ${median(samples).toFixed(2)} | ${(base / median(samples)).toFixed(2)}× |`); // prettier-ignore
    }
  }
}
peer.end();
