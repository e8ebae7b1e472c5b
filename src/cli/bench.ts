/** `bptt bench`: how fast this machine runs the products, the layers and whole taggers, and how fast others run them. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { saveFile } from '../serialize/save.node.js';
import { ArgumentError, BpttError } from '../tensor/index.js';
import { positiveInteger } from './arguments.js';
import type { Outcome } from '../bench/run.js';
import type { SuiteName } from '../bench/types.js';
import { SUITES } from '../bench/types.js';
import { checkOutputs } from './outputs.js';
import { readPackageInfo } from '../bench/package-info.js';
import { createProgress } from './progress.js';
import type { Terminal } from './terminal.js';
import { print, printJson } from './terminal.js';

interface Options {
  readonly suite?: SuiteName[];
  readonly case?: string[];
  readonly backend?: string[];
  readonly kernel?: string;
  readonly against?: string;
  readonly plot?: string;
  readonly peers?: string[] | boolean;
  readonly peersFolder?: string;
  readonly browser?: boolean;
  readonly steps: number;
  readonly time?: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

const HELP = `
Suites:
  gemm     the three products, on squares and on the shapes of a tagger, in GFLOP/s
  layer    one LSTM, GRU or RNN layer, forward, and forward with backward, in tokens/s
  tagger   updates and inference of a BiLSTM, BiGRU or BiRNN tagger, in tokens/s
  threads  updates of the tagger on one thread, two, and so on
  cold     import, compilation and the first sentence in a fresh process, in milliseconds
  memory   the resident set over --steps updates, in MiB

What is timed is checked first: products against the plain triple loop, models against the cpu backend in float64. Who
computes something else is named and not timed, and the exit status is 1. Contestants take turns. p50 is the median; p95
is what 95 % of the samples do at least as well as: of a time its 95th percentile, of a rate its 5th.

A kernel of your own is a module, ES or CommonJS, that exports addMatmul(out, a, b), which adds a·b to out, and
addMatmulTA (aᵀ·b) and addMatmulTB (a·bᵀ) if it has them. Arguments are float32 matrices {data, shape, stride, offset}.
It leaves a and b alone and is done when it returns; this is checked before it is timed, and once more after.

On a graphics device by gpu.js, products are those of the device, and what is no product runs on the CPU. The device is
named, and whether it is a software rasterizer; without one, the reason is given on standard error. A case that would take
a device longer than 5 s a call (with --quick, 1 s) is skipped with that reason. --browser adds this package in Chromium,
as bptt-browser, bptt-webgl2, bptt-webgl and bptt-webgpu; both come with a checkout: npm ci --prefix test/gpu.

Peers are other systems, each in a process of its own; they come with a checkout: npm ci --prefix bench/peers.

Example:
  bptt bench --suite gemm --kernel ./mine.js
  bptt bench --suite tagger --case b32-lstm --json > before.json
  bptt bench --suite tagger --case b32-lstm --against before.json
  bptt bench --suite gemm,tagger --backend auto,gpu --browser --no-peers`;

/** Adds the command. */
export function addBench(program: Command, terminal: Terminal): void {
  program
    .command('bench')
    .description('time products, layers and taggers, after checking them')
    .option('--suite <names>', `suites, separated by commas: ${SUITES.join(', ')}; default: all`, suites)
    .option('--case <text>', 'only cases whose name contains this; repeat for more', collect)
    .option(
      '--backend <names>',
      'backends, auto for the one that runs by default; default: all that auto considers, and the graphics device',
      names,
    )
    .option('--kernel <file>', 'a JavaScript module with an addMatmul of your own, timed in the same table')
    .option('--against <file>', 'compare with what an earlier run printed with --json')
    .option('--plot <file>', 'write an SVG: GFLOP/s over the size, tokens/s over the batch')
    .option('--peers [names]', 'other systems, separated by commas; default: all that are there', names)
    .option('--no-peers', 'no other systems')
    .option('--browser', 'gemm and tagger in a browser too: WebAssembly, WebGL 2, WebGL, WebGPU')
    .option('--peers-folder <folder>', 'where peers.json lies; default: bench/peers of the checkout')
    .option('--time <ms>', 'milliseconds for each system in each case; default: 1350', positiveInteger)
    .option('--steps <n>', 'updates of the suite memory', positiveInteger, 10_000)
    .option('--quick', 'few repetitions, no large products: to see whether everything runs')
    .option('--json', 'print one JSON object: machine and rows')
    .addHelpText('after', HELP)
    .action((options: Options) => runBench(options, terminal));
}

/** The suites and their statistics are loaded here, so that no other command waits for them. */
async function runBench(options: Options, terminal: Terminal): Promise<void> {
  const chosen = SUITES.filter((suite) => options.suite?.includes(suite) ?? true);
  if (options.kernel !== undefined && !chosen.includes('gemm')) {
    throw new ArgumentError(
      `--kernel ${options.kernel} has products, which no suite but gemm times; --suite ${chosen.join(',')} leaves it out`,
    );
  }
  const { runSuites } = await import('../bench/run.js');
  const { describeResult, readResult } = await import('../bench/report.js');
  const earlier = options.against === undefined ? undefined : readResult(options.against);
  await checkOutputs({ '--plot': options.plot }, [options.against, options.kernel]);
  const progress = createProgress(terminal.stderr);
  let outcome: Outcome;
  try {
    outcome = await runSuites(
      {
        version: readPackageInfo().version,
        suites: chosen,
        cases: options.case ?? [],
        backends: options.backend ?? [],
        quick: options.quick ?? false,
        plotting: options.plot !== undefined,
        steps: options.steps,
        time: options.time,
        kernel: options.kernel,
        peers: options.peers,
        peersFolder: options.peersFolder,
        browser: options.browser,
      },
      {
        progress: (label, done, total) => progress.update({ label, done, total, rate: 0, unit: '' }),
        note: (line) => progress.line(line),
      },
    );
  } finally {
    progress.stop();
  }
  const { result, wrong } = outcome;
  if (options.case !== undefined && result.rows.length === 0 && wrong.length === 0) {
    throw new ArgumentError(
      `--case ${options.case.join(', ')}: no case was timed that has this in its name; without --case all are listed`,
    );
  }
  if (options.plot !== undefined) {
    const { plot } = await import('../bench/plot.js');
    await saveFile(options.plot, new TextEncoder().encode(plot(result)));
  }
  if (options.json) await printJson(terminal, result);
  else await print(terminal, describeResult(result, earlier));
  if (wrong.length > 0) throw new BpttError(wrong.join('; '));
}

function suites(text: string, before: readonly SuiteName[] = []): SuiteName[] {
  const given = text.split(',');
  const unknown = given.filter((name) => !SUITES.some((suite) => suite === name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`There is no suite ${unknown.join(', ')}; there are ${SUITES.join(', ')}.`);
  return [...before, ...(given as SuiteName[])];
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function names(text: string): string[] {
  return text.split(',').filter(Boolean);
}
