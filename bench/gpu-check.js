/**
 * All that is to be known of a graphics device, by one command: from which size it pays, whether `auto` keeps its promise to be
 * at most 5 % slower than the best backend of the CPU, and the rows of `bptt bench` on every mode. From the repository root:
 *
 *     npm ci && npm ci --prefix test/gpu && npm run build
 *     node bench/gpu-check.js [--save FILE] [--case TEXT] [--time MS] [--sizes N,N] [--from N] [--no-rows]
 *
 * On Linux without a display, put `xvfb-run -a` before node: the device is then a software rasterizer, from which `auto` keeps
 * everything away. `--case` takes the cases whose name contains the text, `--time` is for each case of the promise (8000).
 * `--sizes` are those at which device and CPU are compared, 64 to 2048 by default, on a software rasterizer to 512.
 * `--from` sends products to the device from that size on, whatever was measured: to see what a wrong choice would cost.
 * `--save` writes everything as JSON. The exit status is 1 where the promise is broken, or there is no device.
 *
 * The two backends are checked, then timed in turns in this process. A turn gives one ratio, that of the fastest calls, because
 * another load on the machine only ever lengthens one; the median of the ratios counts, and turns are taken until its 95 %
 * interval lies on one side of the limit, or the time is over. A median above the limit whose interval is not is UNCLEAR: the
 * machine is too busy to tell.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { fail, load, MODULES, parse } from './command.js';

const { calibrate, createGpuKernels, describeCalibration, selectBackend } = await load('kernels/index.js');
const { positiveInteger } = await load('cli/arguments.js');
const { nodeOptions } = await load('kernels/select.node.js');
const { SQUARES, TAGGER } = await load('bench/gemm.js');
const { libraryOfCheckout } = await load('bench/graphics.js');
const { elements, placeAll } = await load('bench/numbers.js');
const { createInference, createProblem, createTrainer } = await load('bench/problem.js');
const { inferenceFault, referenceOf, trainingFault } = await load('bench/reference.js');
const { createProduct, faultOf } = await load('bench/product.js');
const { describeResult } = await load('bench/report.js');
const { quantile } = await load('bench/statistics.js');
const { sampling } = await load('bench/timing.js');
const { describeMachine } = await load('bench/machine.js');
const { readPackageInfo } = await load('bench/package-info.js');

/** `auto` may take this many times the time of the CPU. */
const LIMIT = 1.05;
const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'];
/** Least time and calls of one turn of either side, least turns for an interval. */
const TURN_MS = 20;
const LEAST_CALLS = 3;
const LEAST_TURNS = 6;
/** Times as long is measured before a verdict is left open. */
const PATIENCE = 4;

const command = new Command('node bench/gpu-check.js')
  .description(
    'From which size a graphics device pays, whether auto keeps its promise there, and the rows of every mode',
  )
  .option('--save <file>', 'everything as JSON')
  .option('--case <text>', 'cases whose name contains the text')
  .option('--time <ms>', 'milliseconds for each case of the promise', positiveInteger, 8000)
  .option('--sizes <n,n>', 'sizes at which device and CPU are compared', (text) => text.split(',').map(positiveInteger))
  .option('--from <n>', 'send products of that size and more to the device, whatever was measured', positiveInteger)
  .option('--no-rows', 'leave the rows of the modes out');
const options = parse(command).opts();
const wanted = (name) => name.includes(options.case ?? '');

/** The device, and from which sizes it pays. */
async function survey() {
  const gpu = { ...nodeOptions.gpu, library: libraryOfCheckout() };
  const device = await createGpuKernels(gpu);
  const { kernels: host } = await selectBackend();
  const { software } = device.device;
  const sizes = options.sizes ?? (software ? [64, 128, 256, 512] : undefined);
  // Of a software rasterizer, which gets nothing, a little is measured to be seen.
  const layers = software ? [[8, 64]] : undefined;
  const calibration = calibrate(device, host, { sizes, layers });
  device.dispose();
  host.dispose();
  return { gpu, calibration };
}

function describeSurvey({ device, host, samples, layers }) {
  const ms = (s) => (1000 * s).toPrecision(3).padStart(12);
  const lines = samples.map((each) => {
    return `${each.product.padEnd(12)}${String(each.size).padStart(5)}${ms(each.device)}${ms(each.host)}`;
  });
  const ofLayers = layers.map(({ B, H, ...each }) => {
    return `${'lstm, B × H'.padEnd(12)}${`${B}×${H}`.padStart(9)}${ms(each.device).slice(4)}${ms(each.host)}`;
  });
  return [
    `device: ${device.renderer}${device.software ? ', a software rasterizer' : ''}; CPU: ${host}`,
    `${'product'.padEnd(12)}${'size'.padStart(5)}${'device, ms'.padStart(12)}${'CPU, ms'.padStart(12)}`,
    ...lines,
    ...ofLayers,
  ].join('\n');
}

/** Median of ratios with its 95 % interval, from order statistics. */
function interval(ratios) {
  const sorted = [...ratios].sort((x, y) => x - y);
  const n = sorted.length;
  const k = Math.max(0, Math.floor(n / 2 - 0.98 * Math.sqrt(n)));
  return { ratio: quantile(sorted, 0.5), low: sorted[k], high: sorted[n - 1 - k] };
}

/** Milliseconds of the fastest call of a turn. */
function fastest(act) {
  const end = performance.now() + TURN_MS;
  const sample = sampling(act);
  let best = Infinity;
  for (let calls = 0; calls < LEAST_CALLS || performance.now() < end; calls++) best = Math.min(best, sample().ms);
  return best;
}

/** Ratios of both; turns go both ways round, so that no side always follows the other. */
function inTurns(auto, cpu, budget) {
  const ratios = [];
  const start = performance.now();
  fastest(auto);
  fastest(cpu);
  for (;;) {
    const first = ratios.length % 2 === 0;
    const before = first ? fastest(auto) : fastest(cpu);
    const after = first ? fastest(cpu) : fastest(auto);
    ratios.push(first ? before / after : after / before);
    if (ratios.length < LEAST_TURNS) continue;
    const found = interval(ratios);
    const clear = found.high <= LIMIT || found.low > LIMIT;
    const spent = performance.now() - start;
    if (clear || spent > (found.ratio <= LIMIT ? 1 : PATIENCE) * budget) return { ...found, turns: ratios.length };
  }
}

/** Cases by name, each a function from kernels to what is timed; it throws where they are wrong. */
function cases(software) {
  const squares = software ? SQUARES : [...SQUARES, 2048];
  const shapes = [...squares.flatMap((n) => PRODUCTS.map((product) => [product, n, n, n])), ...TAGGER];
  const products = shapes.map(([product, M, K, N]) => ({
    name: `${product}-${M}x${K}x${N}`,
    prepare() {
      const problem = createProduct(product, M, K, N);
      return (kernels) => prepareProduct(kernels, problem);
    },
  }));
  const taggers = ['lstm', 'gru', 'rnn'].flatMap((cell) =>
    [32, 1].flatMap((B) =>
      ['train', 'infer'].map((phase) => ({
        name: `${phase}-b${B}-${cell}`,
        prepare() {
          const problem = createProblem(cell, B);
          const reference = referenceOf(problem);
          return (kernels) => prepareTagger(kernels, phase, problem, reference);
        },
      })),
    ),
  );
  return [...products, ...taggers].filter(({ name }) => wanted(name));
}

function prepareProduct(kernels, product) {
  const { name, size, out, a, b, expected } = product;
  const spare = 8 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2]) + 2 ** 20;
  const operands = placeAll(kernels, [out, a, b], spare);
  kernels[name](...operands);
  refuse(kernels, faultOf(product, elements(operands[0]), elements(expected)));
  return { act: () => kernels[name](...operands), close: () => undefined };
}

function prepareTagger(kernels, phase, problem, reference) {
  const check = phase === 'infer' ? inferenceFault : trainingFault;
  refuse(kernels, check(kernels, problem, reference));
  let next = 0;
  const rounds = problem.batches.length;
  const { logits, step, close } =
    phase === 'infer' ? createInference(kernels, problem) : createTrainer(kernels, problem);
  return { act: () => (logits ?? step)(next++ % rounds), close };
}

function refuse({ backend }, fault) {
  if (fault !== undefined) throw new Error(`${backend}: ${fault}`);
}

/** Whether `auto`, with this calibration, keeps its promise in every case. */
async function checkPromise(gpu, calibration) {
  const auto = await selectBackend({ gpu, calibration });
  const cpu = await selectBackend();
  const why = [auto.reason, ...auto.rejected.filter(({ backend }) => backend === 'gpu').map(({ reason }) => reason)];
  console.log(`\nauto: ${auto.kernels.backend} (${why.join('; ')})\nCPU: ${cpu.kernels.backend}\n`);
  console.log(`${'case'.padEnd(28)}auto / CPU  95 % interval  turns`);
  const found = [];
  for (const { name, prepare } of cases(calibration.device.software)) {
    const on = prepare();
    const [mine, theirs] = [on(auto.kernels), on(cpu.kernels)];
    const result = inTurns(mine.act, theirs.act, options.time);
    mine.close();
    theirs.close();
    const verdict = result.ratio <= LIMIT ? 'PASS' : result.low > LIMIT ? 'FAIL' : 'UNCLEAR';
    found.push({ case: name, ...result, verdict });
    const [ratio, low, high] = [result.ratio, result.low, result.high].map((x) => x.toFixed(3));
    const numbers = `${ratio.padStart(10)}  ${`${low} … ${high}`.padStart(13)}  ${String(result.turns).padStart(5)}`;
    console.log(`${name.padEnd(28)}${numbers}  ${verdict}`);
  }
  auto.kernels.dispose();
  cpu.kernels.dispose();
  return found;
}

/** The rows of the modes, from the command line itself. */
function rowsOf() {
  const args = ['bench', '--suite', 'gemm,tagger', '--backend', 'auto,gpu', '--browser', '--no-peers', '--json'];
  const only = options.case;
  const main = fileURLToPath(new URL('cli/main.js', MODULES));
  const { status, stdout } = spawnSync(process.execPath, [main, ...args, ...(only ? ['--case', only] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`bptt ${args.join(' ')} ended with status ${status}`);
  return JSON.parse(stdout);
}

const { gpu, calibration: measured } = await survey().catch((error) => fail('gpu-check', error.message));
const { from } = options;
const { cpu, cores, node } = describeMachine(readPackageInfo().version);
console.log(`${cpu}, ${cores} cores; Node ${node}`);
console.log(describeSurvey(measured));
console.log(from === undefined ? describeCalibration(measured) : `from ${from} on products go to the device`);
const forced = Object.fromEntries(PRODUCTS.map((product) => [product, from]));
const calibration = from === undefined ? measured : { ...measured, crossover: { ...forced, layer: null } };
const promise = await checkPromise(gpu, calibration);
const count = (verdict) => promise.filter((each) => each.verdict === verdict).length;
const counts = ['PASS', 'FAIL', 'UNCLEAR'].map((verdict) => `${count(verdict)} ${verdict}`);
console.log(`\nauto takes at most ${LIMIT} times the CPU's time: ${counts.join(', ')}`);
const result = options.rows ? rowsOf() : undefined;
if (result !== undefined) console.log(`\n${describeResult(result)}`);
const file = options.save;
if (file !== undefined) writeFileSync(file, `${JSON.stringify({ calibration, promise, ...result }, null, 2)}\n`);
process.exitCode = count('FAIL') > 0 ? 1 : 0;
