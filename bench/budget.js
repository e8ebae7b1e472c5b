/**
 * The budget of an update: where its time goes, phase by phase, and the least that each phase can take on this machine: its operations
 * over the rate of the lanes, or its bytes over the bandwidth of the memory, whichever is longer. From the repository root:
 *
 *     npm run build && node bench/budget.js [lstm|gru|rnn] [--batch 32] [--updates 200] [--json]
 *
 * The tagger is that of `bptt bench --suite tagger`. A share of 0.8 says that a phase takes 1.25 times its floor. What lies in a cache
 * need not come from memory, so a phase of bytes may beat its floor. The gates of a scan are counted with their products only: their
 * arithmetic is what a scan takes beyond its floor. Before anything is timed, the losses of three updates are compared with those of
 * the backend `cpu`. The fastest of five runs counts.
 */
import { Argument, Command, InvalidArgumentError } from 'commander';
import { fail, load, parse } from './command.js';

const RUNS = 5;

const positive = (text) => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Pass an integer of at least 1.');
};
const command = parse(
  new Command('node bench/budget.js')
    .description('where the time of an update goes, and the least that each phase can take')
    .addArgument(new Argument('[cell]', 'cell of the tagger').choices(['lstm', 'gru', 'rnn']).default('lstm'))
    .option('--batch <n>', 'sentences of a batch', positive, 32)
    .option('--updates <n>', 'updates of a run', positive, 200)
    .option('--json', 'print JSON'),
);
const [cell] = command.processedArgs;
const { batch, updates, json } = command.opts();

const [{ createCpuKernels, profile, selectBackend }, { createProblem, createTrainer }, peaks] = await Promise.all(
  ['kernels/index.js', 'bench/problem.js', 'bench/peak.js'].map(load),
);

const elements = (x) => x.shape.reduce((a, b) => a * b, 1);
const bytes = (...tensors) => tensors.reduce((sum, x) => sum + elements(x) * x.data.BYTES_PER_ELEMENT, 0);
const rowsOf = (x, rows) => (rows ? (rows.length / x.shape[0]) * bytes(x) : bytes(x));

/** Of every row work the bytes that it must read and write. */
const ROW_BYTES = {
  setEveryRow: (out) => bytes(out),
  copyMatrix: (out, x) => bytes(out, x),
  addToEveryRow: (out) => 2 * bytes(out),
  addSumRows: (_out, x) => bytes(x),
  addMatrix: (out, x) => bytes(out, out, x),
  gather: (out) => 2 * bytes(out),
  scatterAdd: (_out, x) => 3 * bytes(x),
  addMasked: (out, x, factors) => bytes(out, out, x, factors),
  drawFactors: (factors) => bytes(factors),
  scale: (x, _factor, rows) => 2 * rowsOf(x, rows),
  addSquares: (_sum, x, rows) => rowsOf(x, rows),
  adam: (x, _grad, _m, _v, _factors, rows) => 7 * rowsOf(x, rows),
};
const ROW_PHASES = { addMasked: 'dropout', drawFactors: 'dropout', scale: 'clip', addSquares: 'clip', adam: 'update' };

/** Kernels that note operations and bytes of every phase in `work`. */
function counted(kernels, work) {
  const note = (phase, flops, moved) => {
    const sum = (work[phase] ??= { flops: 0, bytes: 0 });
    sum.flops += flops;
    sum.bytes += moved;
  };
  const product = (act) => (out, a, b) => {
    // M·K · K·N · M·N is (M·K·N)²
    note('products', 2 * Math.sqrt(elements(a) * elements(b) * elements(out)), bytes(out, out, a, b));
    return act(out, a, b);
  };
  const scan = (phase, act) => (tensors) => {
    const { Wh } = tensors.params;
    const N = tensors.batchSizes.reduce((sum, b) => sum + b, 0);
    note(phase, 2 * N * elements(Wh), bytes(...Object.values(tensors.cache), ...Object.values(tensors.states)));
    return act(tensors);
  };
  const fused = Object.entries(kernels.fused).map(([name, own]) => [
    name,
    { ...own, forward: scan('scan forward', own.forward), backward: scan('scan backward', own.backward) },
  ]);
  const rows = Object.entries(kernels.rows).map(([name, act]) => [
    name,
    (...args) => (note(ROW_PHASES[name] ?? 'rows', 0, ROW_BYTES[name](...args)), act(...args)),
  ]);
  return {
    ...kernels,
    addMatmul: product(kernels.addMatmul),
    addMatmulTA: product(kernels.addMatmulTA),
    addMatmulTB: product(kernels.addMatmulTB),
    fused: Object.fromEntries(fused),
    rows: Object.fromEntries(rows),
    softmax: {
      ...kernels.softmax,
      rows: (out, x) => (note('softmax', 0, bytes(out, x, x)), kernels.softmax.rows(out, x)),
      backward: (out, p, ...rest) => (
        note('softmax', 0, bytes(out, out, p)),
        kernels.softmax.backward(out, p, ...rest)
      ),
    },
  };
}

const problem = createProblem(cell, batch);
await (await load('kernels/wide-lanes.node.js')).enableWideLanes(); // as the command line does
const { kernels } = await selectBackend();

/** Trains as many updates and returns the losses. */
function run(on, count) {
  const trainer = createTrainer(on, problem);
  const losses = Array.from({ length: count }, (_, i) => trainer.step(i % problem.batches.length));
  trainer.close();
  return losses;
}

const [own, right] = [run(kernels, 3), run(createCpuKernels(), 3)];
if (own.some((loss, i) => !(Math.abs(loss - right[i]) <= 1e-5 * Math.abs(right[i])))) {
  fail('budget', `${kernels.backend} gives the losses ${own}, cpu ${right}: nothing is timed`);
}

const peak = peaks.measurePeak() * 1e9;
const bandwidth = peaks.measureBandwidth() * 1e9;
const work = {};
run(counted(kernels, work), 1);

/** Seconds of each phase, and of an update as a whole. */
function timed() {
  const clock = profile(kernels);
  const trainer = createTrainer(clock.kernels, problem);
  for (let i = 0; i < 20; i++) trainer.step(i % problem.batches.length);
  const before = new Map(clock.phases().map(({ name, seconds }) => [name, seconds]));
  const start = performance.now();
  for (let i = 0; i < updates; i++) trainer.step(i % problem.batches.length);
  const all = (performance.now() - start) / 1000 / updates;
  const phases = clock.phases().map(({ name, seconds }) => [name, (seconds - (before.get(name) ?? 0)) / updates]);
  trainer.close();
  return { all, phases: Object.fromEntries(phases) };
}
const best = Array.from({ length: RUNS }, timed).sort((a, b) => a.all - b.all)[0];
const rest = best.all - Object.values(best.phases).reduce((sum, seconds) => sum + seconds, 0);
const table = Object.entries({ ...best.phases, 'JavaScript between calls': rest }).map(([phase, seconds]) => {
  const { flops = 0, bytes: moved = 0 } = work[phase] ?? {};
  const floor = Math.max(flops / peak, moved / bandwidth);
  return { phase, seconds, flops, bytes: moved, floor, share: floor / seconds };
});
const flops = Object.values(work).reduce((sum, each) => sum + each.flops, 0);
const whole = { seconds: best.all, flops, floor: flops / peak, share: flops / peak / best.all };
const machine = { backend: kernels.backend, node: process.version, peak: peak / 1e9, bandwidth: bandwidth / 1e9 };

if (json) {
  console.log(JSON.stringify({ ...machine, cell, batch, updates, table, whole }));
} else {
  const us = (seconds) => (1e6 * seconds).toFixed(0).padStart(8);
  console.log(
    `${cell}, B = ${batch}, ${machine.backend}, Node ${machine.node}; lanes ${machine.peak.toFixed(1)} GFLOP/s, memory ${machine.bandwidth.toFixed(1)} GB/s`,
  );
  console.log('\n| phase | µs | MFLOP | MB | floor, µs | share of the floor |\n| --- | --: | --: | --: | --: | --: |');
  for (const row of table.sort((a, b) => b.seconds - a.seconds)) {
    const share = row.floor > 0 ? row.share.toFixed(2) : '';
    console.log(
      `| ${row.phase} | ${us(row.seconds)} | ${(row.flops / 1e6).toFixed(1)} | ${(row.bytes / 1e6).toFixed(2)} | ${us(row.floor)} | ${share} |`,
    );
  }
  console.log(
    `| all | ${us(whole.seconds)} | ${(flops / 1e6).toFixed(1)} | | ${us(whole.floor)} | ${whole.share.toFixed(2)} |`,
  );
}
