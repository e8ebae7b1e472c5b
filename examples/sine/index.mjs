import { clipByGlobalNorm, packFloats, packingOf, unroll, unrollBackward, zeroGrads } from 'bptt/autograd';
import { lstm } from 'bptt/cells';
import { createCpuKernels } from 'bptt/kernels';
import { initLinear, linearBackward, linearForward, mseLossBackward, mseLossForward } from 'bptt/layers';
import { createAdam } from 'bptt/optim';
import { createRng, fill, fromArray, zeros } from 'bptt/tensor';

const kernels = createCpuKernels();
const rng = createRng(1);
const NOISE = 0.1; // the standard deviation of what is added to each value
const [H, PERIOD] = [16, 20];

/** A sine with noise from a random phase, `T + 1` values; clean is the same without noise. */
function wave(T) {
  const phase = 2 * Math.PI * rng.next();
  const clean = Array.from({ length: T + 1 }, (_, t) => Math.sin(phase + (2 * Math.PI * t) / PERIOD));
  return { clean, noisy: clean.map((value) => value + NOISE * rng.normal()) };
}

const column = (values) => fromArray(values.map((value) => [value])); // [T, 1]
/** Waves of unequal length as one packed batch: the inputs x[t], and the next values x[t+1] as targets. */
function batchOf(waves) {
  const packing = packingOf(waves.map(({ noisy }) => noisy.length - 1));
  const packed = (part) =>
    packFloats(
      packing,
      waves.map(({ noisy }) => column(part(noisy))),
    );
  return { packing, x: packed((values) => values.slice(0, -1)), next: packed((values) => values.slice(1)) };
}

const [cell, head] = [lstm.initialize(1, H, rng), initLinear(H, 1, rng)];
const [dCell, dHead] = [zeroGrads(cell), zeroGrads(head)];
const all = (c, h) => ({ Wx: c.Wx, Wh: c.Wh, b: c.b, W: h.W, bias: h.b });
const grads = all(dCell, dHead);
const optimizer = createAdam(kernels, all(cell, head), { lr: 0.01 });

function predict({ packing, x }, keep) {
  const pass = unroll(kernels, lstm, cell, x, packing, { keep });
  return { pass, y: linearForward(kernels, head, pass.y) };
}
function update(batch) {
  const { pass, y } = predict(batch);
  const loss = mseLossForward(kernels, y, batch.next);
  const [dY, dH] = [zeros([batch.packing.total, 1]), zeros([batch.packing.total, H])];
  mseLossBackward(kernels, loss, dY);
  linearBackward(kernels, head, pass.y, dY, dHead, dH);
  unrollBackward(kernels, pass, dH, dCell);
  clipByGlobalNorm(kernels, grads, 1);
  optimizer.step(grads);
  Object.values(grads).forEach((g) => fill(g, 0));
}

const unseen = batchOf(Array.from({ length: 20 }, () => wave(60)));
const test = () => mseLossForward(kernels, predict(unseen, 'nothing').y, unseen.next).loss;
const before = test();
for (let step = 0; step < 200; step++) update(batchOf(Array.from({ length: 8 }, () => wave(30 + rng.integer(31)))));
console.log(`mean squared error on new waves: ${before.toFixed(3)} before, ${test().toFixed(3)} after`);
console.log(`the noise alone: ${(NOISE * NOISE).toFixed(3)}`);

const shown = wave(40);
const { y } = predict(batchOf([shown]), 'nothing');
const height = (value) => Math.round(4 - 3.5 * value);
const plot = Array.from({ length: 9 }, () => new Array(40).fill(' '));
shown.noisy.slice(1).forEach((value, t) => (plot[Math.min(8, Math.max(0, height(value)))][t] = '.')); // what came
y.data.forEach((value, t) => (plot[height(value)][t] = 'o')); // what was predicted
console.log(plot.map((row) => row.join('').trimEnd()).join('\n'));
