/** `examples/bptt-in-one-file.ts` is the engine in small: the same loss and gradients of the same weights. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as small from '../../examples/bptt-in-one-file';
import { packingOf, unroll, unrollBackward, zeroGrads } from '../../src/autograd/index';
import { lstm } from '../../src/cells/index';
import { createCpuKernels } from '../../src/kernels/index';
import { linearBackward, linearForward, softmaxLossBackward, softmaxLossForward } from '../../src/layers/index';
import { allocate, viewOf } from '../../src/tensor/index';

const ROOT = resolve(__dirname, '../..');
const FILE = join(ROOT, 'examples/bptt-in-one-file.ts');
const [V, H] = [5, 3];
const ids = [0, 3, 1, 4, 4, 2, 0, 1];
const zero = () => new Float64Array(H);

/** The same with `bptt`: one-hot inputs, `unroll`, a linear layer, a summed cross-entropy. */
function engine(params: small.Params) {
  const kernels = createCpuKernels();
  const T = ids.length - 1;
  const x = allocate([T, V], 'float64');
  for (let t = 0; t < T; t++) x.data[t * V + ids[t]] = 1;
  const cell = { Wx: viewOf(params.Wx, [V, 4 * H]), Wh: viewOf(params.Wh, [H, 4 * H]), b: viewOf(params.b, [4 * H]) };
  const linear = { W: viewOf(params.Wy, [H, V]), b: viewOf(params.by, [V]) };
  const pass = unroll(kernels, lstm, cell, x, packingOf([T]));
  const targets = Int32Array.from(ids.slice(1));
  const loss = softmaxLossForward(kernels, linearForward(kernels, linear, pass.y), targets, { reduction: 'sum' });
  const dLogits = allocate([T, V], 'float64');
  softmaxLossBackward(kernels, loss, dLogits);
  const [grads, dLinear, dY] = [zeroGrads(cell), zeroGrads(linear), allocate([T, H], 'float64')];
  linearBackward(kernels, linear, pass.y, dLogits, dLinear, dY);
  unrollBackward(kernels, pass, dY, grads);
  const all = { Wx: grads.Wx, Wh: grads.Wh, b: grads.b, Wy: dLinear.W, by: dLinear.b };
  return { loss: loss.loss, grads: all };
}

const params = small.initialize(V, H, small.randomFrom(3));
const { steps, loss } = small.forward(params, ids, zero(), zero());
const grads = small.backward(params, ids, steps, zero(), zero());

test('loss and gradients are those of the engine', () => {
  const expected = engine(params);
  expect(loss).toBeCloseTo(expected.loss, 12);
  for (const name of ['Wx', 'Wh', 'b', 'Wy', 'by'] as const) {
    const other = Array.from(expected.grads[name].data);
    expect(Math.max(...other.map(Math.abs))).toBeGreaterThan(0.01);
    grads[name].forEach((value, k) => expect(Math.abs(value - other[k])).toBeLessThan(1e-13));
  }
});

test('its gradient check passes, and finds a term that is missing', () => {
  expect(small.gradientCheck(params, ids, H, grads)).toBeLessThan(1e-5);
  const wrong = { ...grads, Wh: grads.Wh.map((value, k) => (k === 7 ? value * 1.01 + 1e-3 : value)) };
  expect(small.gradientCheck(params, ids, H, wrong)).toBeGreaterThan(1e-3);
});

test('it runs by itself, learns its text, and imports nothing', () => {
  expect(readFileSync(FILE, 'utf8')).not.toMatch(/^import /m);
  const args = ['--import', './scripts/typescript.mjs', FILE];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  expect(stderr).toBe('');
  const [check, nats, text] = stdout.trim().split('\n');
  expect(Number(/([\d.e-]+)$/.exec(check)![1])).toBeLessThan(1e-5);
  expect(Number(/([\d.]+)$/.exec(nats)![1])).toBeLessThan(0.5);
  expect(text).toContain('the dogs');
});
