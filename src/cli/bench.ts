/** `bptt bench`: the speed of products, layers and whole taggers on this machine, compared with other systems. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { loadavg } from 'node:os';
import { saveFile } from '../serialize/save.node.js';
import { ArgumentError, BpttError } from '../tensor/index.js';
import { positiveInteger } from './arguments.js';
import type { Report } from '../bench/report.js';
import type { Listener, Outcome, RunOptions } from '../bench/run.js';
import type { Row, SuiteName } from '../bench/types.js';
import { SUITES } from '../bench/types.js';
import { NOT_FOR_HISTORY, prepareRecord, record, runHistoryCommand } from './bench/history.js';
import { NOT_FOR_LADDER, runLadderCommand } from './bench/ladder.js';
import { InterruptedError } from './failure.js';
import type { Interrupt } from './interrupt.js';
import { watchInterrupt } from './interrupt.js';
import { checkOutputs } from './outputs.js';
import { readPackageInfo } from '../bench/package-info.js';
import { createProgress } from './progress.js';
import { collects } from './repeats.js';
import type { Terminal } from './terminal.js';
import { print, printJson, write } from './terminal.js';

interface Options {
  readonly suite?: SuiteName[];
  readonly case?: string[];
  readonly backend?: string[];
  readonly kernel?: string[];
  readonly sizes?: Size[];
  readonly against?: string;
  readonly failBelow?: number;
  readonly plot?: string;
  readonly flame?: string;
  readonly history?: string | true;
  readonly record?: string;
  readonly ladder?: string | true;
  readonly svg?: string;
  readonly peers?: string[] | boolean;
  readonly peersFolder?: string;
  readonly browser?: boolean;
  readonly steps: number;
  readonly time?: number;
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly csv?: boolean;
}

const HELP = `
Suites:
  gemm     the three products, on squares and on the shapes of a tagger, in GFLOP/s
  layer    one LSTM, GRU or RNN layer, forward, and forward with backward, in tokens/s
  crf      the loss of a linear-chain CRF with its gradients, and the best path, in tokens/s
  tagger   updates and inference of a BiLSTM, BiGRU or BiRNN tagger, in tokens/s
  threads  updates of the tagger on one thread, two, and so on
  cold     import, compilation and the first sentence in a fresh process, in milliseconds
  memory   the resident set over --steps updates, in MiB

Everything is checked before it is timed: products against the plain triple loop, models against the cpu backend in float64. A
system that computes something else is named and not timed, and the exit status is 1. Systems take turns. p50 is the median; p95
is what 95 % of the samples reach: the 95th percentile of a time, the 5th of a rate.

Your own kernel is a module, ES or CommonJS, that exports addMatmul(out, a, b), which adds a·b to out, and optionally
addMatmulTA (aᵀ·b) and addMatmulTB (a·bᵀ). Arguments are float32 matrices {data, shape, stride, offset}. It must not change a or
b, and must be synchronous; this is checked before and after it is timed. If it also exports allocate(shape), that function
allocates its operands {data, shape, stride, offset}, so that a WebAssembly kernel has them in its own memory. release(), if
exported, is called after each case and may free them all.

On a GPU, through gpu.js, products run on the device, and everything else on the CPU. The device is named, and whether it is a
software rasterizer; if there is none, the reason is printed on standard error. A case that would take the device longer than 5 s
per call (with --quick, 1 s) is skipped with that reason. --browser adds this package in Chromium, as bptt-browser, bptt-webgl2,
bptt-webgl and bptt-webgpu; both come with a clone: npm ci --prefix test/gpu.

--against FOLDER, a built checkout or an installed package, also loads that build; both take turns, so that other load on the
machine affects both alike. --against FILE compares with an earlier run, which is weaker: if the whole machine has become slower,
a comparison is unclear. The interval is at 99 %: of 100 comparisons of a program with itself, one is reported as a change. "no
difference": it contains 1, or the change is below 2 %; "unclear": it contains 1 and its ends differ by more than a factor of
1.25. --fail-below 0.9 ends with status 1 if a whole interval lies below 0.9 of the earlier speed.

Rows appear as they are finished. Ctrl-C prints the finished rows, also with --json, and ends with status 130. It also ends a
--kernel that never returns.

--record FOLDER keeps a finished run as a file named by its release and machine, with the load average, so that a later release
can be compared: --history shows a table and, with --svg, a chart. --against accepts such a file like any run.

--flame samples the first system of one case every 250 µs. Frames are functions of this package; those of WebAssembly are
numbered. Sampling costs a few percent, so do not compare its figures.

--ladder times the numbered files of a folder, each a product or an LSTM layer in JavaScript or AssemblyScript. The first is
checked against a sum in float64, the others against the first, bit for bit or within the error bound of their own order of
summation. A rung that differs is refused, named, and makes the status 1. Only --case, --sizes (one), --time, --quick, --svg and
--json can be combined with it.

Peers are other systems, each in its own process; they come with a clone: npm ci --prefix bench/peers.

Example:
  bptt bench --suite gemm --kernel ./mine.js
  bptt bench --suite tagger --case b32-lstm --json > before.json
  bptt bench --suite tagger --case b32-lstm --against before.json
  bptt bench --suite gemm,tagger --against ../before --fail-below 0.9
  bptt bench --suite gemm,tagger --backend auto,gpu --browser --no-peers
  bptt bench --suite tagger --case train-b32-lstm --flame train.cpuprofile
  bptt bench --ladder --svg ladder.svg
  bptt bench --suite gemm,tagger --backend auto --no-peers --record history
  bptt bench --history history --svg history.svg`;

/** Adds the command. */
export function addBench(program: Command, terminal: Terminal): void {
  addModes(program.command('bench'))
    .description('time products, layers and taggers, after checking them')
    .option('--suite <names>', `suites, separated by commas: ${SUITES.join(', ')}; default: all`, suites)
    .option('--case <text>', 'only cases whose name contains this; repeat for more', collects(collect))
    .option(
      '--backend <names>',
      'backends, auto for the one that runs by default; default: all that auto considers, and the graphics device',
      names,
    )
    .option('--kernel <file>', 'a JavaScript module with your own addMatmul; repeat for more', collects(collect))
    .option(
      '--sizes <M×K×N,…>',
      'time products of these sizes, such as 64x100x400,512; default: squares, and a tagger’s; repeat for more',
      collects(sizes),
    )
    .option(
      '--against <path>',
      'compare with an earlier program: the folder of a build, timed in turns with this one, or what a run printed with --json',
    )
    .option('--fail-below <x>', 'with --against: fail where something is slower than x times the earlier speed', ratio)
    .option('--plot <file>', 'write an SVG: GFLOP/s over the size, tokens/s over the batch')
    .option('--peers [names]', 'other systems, separated by commas; default: all that are there', names)
    .option('--no-peers', 'no other systems')
    .option('--browser', 'gemm and tagger in a browser too: WebAssembly, WebGL 2, WebGL, WebGPU')
    .option('--peers-folder <folder>', 'folder of peers.json; default: bench/peers of the checkout')
    .option('--time <ms>', 'milliseconds for each system in each case; default: 1350', positiveInteger)
    .option('--steps <n>', 'updates of the suite memory', positiveInteger, 10_000)
    .option('--quick', 'few repetitions, no large products: to check that everything runs')
    .option('--json', 'print one JSON object: machine and rows')
    .addOption(new Option('--csv', 'print rows as comma-separated values, as they are finished').conflicts('json'))
    .addHelpText('after', HELP)
    .action((options: Options) => runBench(options, terminal));
}

/** Outputs other than tables of suites: profile, ladder. */
function addModes(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--record <folder>',
        'record the run in this folder, one file per release and machine, for --history',
      ).conflicts(['quick', 'flame']),
    )
    .addOption(
      new Option(
        '--history [folder]',
        'show the speed of recorded runs, release by release; default: bench/history of the clone',
      ).conflicts(NOT_FOR_HISTORY),
    )
    .addOption(
      new Option('--flame <file>', 'write a CPU profile of one --case, named in full, as DevTools opens it').conflicts([
        'peers',
        'browser',
        'against',
        'kernel',
      ]),
    )
    .addOption(
      new Option(
        '--ladder [folder]',
        'time the rungs of a folder of kernels instead of suites, from three loops to the limit; default: bench/ladder of the clone',
      ).conflicts(NOT_FOR_LADDER),
    )
    .option(
      '--svg <file>',
      'with --ladder or --history: write a picture: the rungs next to the roofline, or the speed over releases',
    );
}

/** The suites and their statistics are loaded here, so that other commands need not load them. */
async function runBench(options: Options, terminal: Terminal): Promise<void> {
  const { ladder, history } = options;
  if (history !== undefined) return runHistoryCommand({ ...options, history }, terminal);
  if (ladder !== undefined) return runLadderCommand({ ...options, ladder }, terminal);
  const chosen = SUITES.filter((suite) => options.suite?.includes(suite) ?? true);
  checkTogether(options, chosen);
  await checkOutputs({ '--plot': options.plot, '--flame': options.flame }, [
    options.against,
    ...(options.kernel ?? []),
  ]);
  if (options.record !== undefined) await prepareRecord(options.record);
  const { loadUserKernels } = await import('../bench/run.js');
  const stray: string[] = [];
  const { guardProcess } = await import('../bench/guard.js');
  const guard = options.kernel === undefined ? undefined : guardProcess((line) => void stray.push(line));
  const guarded =
    guard === undefined || terminal.stdout !== process.stdout ? terminal : { ...terminal, stdout: guard.stdout };
  try {
    const userKernels = await loadUserKernels(options.kernel ?? []);
    await runWatched(options, { ...settingsOf(options, chosen), userKernels }, guarded, stray);
  } finally {
    if (terminal.endHere === undefined) guard?.release();
    else if (guard !== undefined) {
      terminal.endHere(); // timers of a kernel may throw until then, so the guard stays
      await guard.flush();
    }
  }
}

/** Rejects combinations of options that make no sense. @throws ArgumentError */
function checkTogether(options: Options, chosen: readonly SuiteName[]): void {
  if (options.svg !== undefined)
    throw new ArgumentError(
      `--svg ${options.svg} needs --ladder or --history; add one of them, or use --plot for suites`,
    );
  if (options.sizes !== undefined && !chosen.includes('gemm'))
    throw new ArgumentError(`--sizes applies only to the suite gemm; got --suite ${chosen.join(',')}`);
  if (options.kernel !== undefined && !chosen.includes('gemm')) {
    throw new ArgumentError(
      `--kernel ${options.kernel.join(', ')} applies only to the suite gemm; got --suite ${chosen.join(',')}`,
    );
  }
  if (options.flame !== undefined && options.case?.length !== 1) {
    throw new ArgumentError(
      `--flame ${options.flame} profiles one case; give its full name once, such as --case train-b32-lstm`,
    );
  }
  if (options.failBelow !== undefined && options.against === undefined) {
    throw new ArgumentError(`--fail-below ${options.failBelow} needs an earlier program: add --against FILE|FOLDER`);
  }
}

/** Runs the suites until they end or a signal arrives. */
async function runWatched(
  options: Options,
  settings: RunOptions,
  terminal: Terminal,
  stray: readonly string[],
): Promise<void> {
  const interrupt = watchInterrupt();
  const output = outputOf(options, terminal);
  const load = loadavg()[0];
  const { runSuites } = await import('../bench/run.js');
  try {
    const outcome = await runSuites(settings, output.listener, interrupt);
    output.stop();
    await report(options, { ...outcome, wrong: [...outcome.wrong, ...new Set(stray)], load }, output, interrupt);
  } finally {
    output.stop();
    interrupt.release();
  }
}

/** The end of a run: remaining output, the plot, and faults that make the command fail. */
async function report(
  options: Options,
  outcome: Outcome & { readonly load: number },
  output: Output,
  interrupt: Interrupt,
): Promise<void> {
  const { result, wrong } = outcome;
  if (interrupt.signal.aborted) {
    await output.end(outcome);
    throw new InterruptedError(stoppedLine(result.rows), interrupt.exitCode());
  }
  if (options.case !== undefined && result.rows.length === 0 && wrong.length === 0) {
    throw new ArgumentError(
      `--case ${options.case.join(', ')}: no timed case has this in its name; run without --case to list all`,
    );
  }
  if (options.plot !== undefined) {
    const { plot } = await import('../bench/plot.js');
    await saveFile(options.plot, new TextEncoder().encode(plot(result)));
  }
  await output.end(outcome);
  if (options.flame !== undefined) output.note(await saveFlame(options.flame, outcome));
  if (wrong.length > 0) throw new BpttError(wrong.join('; '));
  if (options.record !== undefined) output.note(await record(options.record, result, outcome.load));
  if (options.failBelow !== undefined) await checkSpeed(result.rows, options.failBelow);
}

/** Writes the profile; returns a line about its contents. */
async function saveFlame(path: string, { profile, result }: Outcome): Promise<string> {
  if (profile === undefined) {
    throw new BpttError(
      `--flame: nothing was sampled; profile a case of gemm, layer, crf, tagger or threads, which run here`,
    );
  }
  const { heaviest } = await import('../bench/flame.js');
  await saveFile(path, new TextEncoder().encode(JSON.stringify(profile)));
  const most = heaviest(profile, 3).map(({ name, share }) => `${name} ${(100 * share).toFixed(0)} %`);
  const [{ suite, case: name, system }] = result.rows;
  return `${path}: ${suite} ${name} of ${system}, ${profile.samples.length} samples, most in ${most.join(', ')}; open it in the Performance panel of DevTools`;
}

function settingsOf(options: Options, suites: readonly SuiteName[]): Omit<RunOptions, 'userKernels'> {
  return {
    version: readPackageInfo().version,
    suites,
    cases: options.case ?? [],
    backends: options.backend ?? (options.flame === undefined ? [] : ['auto']),
    flame: options.flame !== undefined,
    quick: options.quick ?? false,
    plotting: options.plot !== undefined,
    steps: options.steps,
    time: options.time,
    against: options.against,
    sizes: options.sizes,
    peers: options.flame === undefined ? options.peers : false,
    peersFolder: options.peersFolder,
    browser: options.browser,
  };
}

/** How rows are shown: an incremental table, or one object at the end. */
interface Output {
  readonly listener: Listener;
  /** Reports something other than results. */
  note(line: string): void;
  /** Removes the progress display. */
  stop(): void;
  /** Prints the remaining output. */
  end(outcome: Outcome): Promise<void>;
}

function outputOf(options: Options, terminal: Terminal): Output {
  const progress = createProgress(terminal.stderr, terminal.now);
  const say: Listener = {
    progress: (label, done, total) => progress.update({ label, done, total, rate: 0, unit: '' }),
    note: (line) => progress.line(line),
  };
  const { note } = say;
  if (options.json)
    return { listener: say, note, stop: progress.stop, end: ({ result }) => printJson(terminal, result) };
  if (options.csv) return csvOutput(say, terminal, progress.stop);
  let report: Report | undefined;
  const show = async (text: string): Promise<void> => {
    progress.stop(); // the bar makes way for rows
    if (text !== '') await print(terminal, text);
  };
  return {
    note,
    listener: {
      ...say,
      async started(machine, earlier) {
        const { createReport } = await import('../bench/report.js');
        report = createReport(machine, earlier);
        await show(report.head());
      },
      rows: (rows) => show(report?.add(rows) ?? ''),
    },
    stop: progress.stop,
    end: () => show(report?.end() ?? ''),
  };
}

function csvOutput(say: Listener, terminal: Terminal, stop: () => void): Output {
  const show = async (lines: string): Promise<void> => {
    stop();
    await write(terminal.stdout, `${lines}\r\n`);
  };
  const listener: Listener = {
    ...say,
    started: async () => show((await import('../bench/csv.js')).CSV_HEAD),
    rows: async (rows) => show((await import('../bench/csv.js')).csvOf(rows)),
  };
  return { listener, note: say.note, stop, end: async () => undefined };
}

function stoppedLine(rows: readonly Row[]): string {
  const cases = new Set(rows.map((row) => `${row.suite} ${row.case}`)).size;
  return `interrupted; ${cases === 0 ? 'no case was' : cases === 1 ? '1 case was' : `${cases} cases were`} finished and printed`;
}

/** `--fail-below`: fails if a row is significantly slower than that, or if nothing could be decided. */
async function checkSpeed(rows: readonly Row[], least: number): Promise<void> {
  const { speedOf } = await import('../bench/compare.js');
  const compared = rows.flatMap((row) => {
    const { ratio, low, high } = row.toEarlier === undefined ? {} : speedOf(row.toEarlier, row.metric);
    return ratio === undefined || low === undefined || high === undefined ? [] : [{ row, ratio, low, high }];
  });
  if (compared.length === 0) {
    throw new BpttError(
      '--fail-below: no row has an interval; compare cases that both programs time, with at least 5 turns (without --quick)',
    );
  }
  const slow = compared.filter(({ high }) => high < least);
  if (slow.length === 0) return;
  const lines = slow.map(({ row, ratio, low, high }) => {
    return `${row.suite} ${row.case} ${row.system} at ${ratio.toFixed(2)}× [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  });
  throw new BpttError(`slower than ${least}× of the earlier program: ${lines.join('; ')}`);
}

function suites(text: string, before: readonly SuiteName[] = []): SuiteName[] {
  const given = text.split(',');
  const unknown = given.filter((name) => !SUITES.some((suite) => suite === name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`Unknown suite ${unknown.join(', ')}; expected ${SUITES.join(', ')}.`);
  return [...before, ...(given as SuiteName[])];
}

function ratio(text: string): number {
  const x = Number(text);
  if (!(x > 0 && x < Infinity)) throw new InvalidArgumentError(`Give a ratio above 0, such as 0.9; got ${text}.`);
  return x;
}

type Size = readonly [M: number, K: number, N: number];

/** `64x100x400`, with x, × or *; `512` for a square. Repeated sizes are timed once. */
function sizes(text: string, before: readonly Size[] = []): Size[] {
  const given = text.split(',').map((each): Size => {
    const parts = each.trim().split(/[x×*]/i).map(Number);
    const [M, K, N] = parts.length === 1 ? [parts[0], parts[0], parts[0]] : parts;
    const right = (parts.length === 1 || parts.length === 3) && [M, K, N].every((n) => Number.isInteger(n) && n > 0);
    if (!right) throw new InvalidArgumentError(`Give sizes M×K×N such as 64x100x400, or N for a square; got ${each}.`);
    if (Math.max(M * K, K * N, M * N) > 2 ** 28)
      throw new InvalidArgumentError(`A matrix of ${each} has more than 2^28 elements (1 GiB); give smaller sizes.`);
    return [M, K, N];
  });
  return [...new Map([...before, ...given].map((size) => [size.join('x'), size])).values()];
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function names(text: string): string[] {
  return text.split(',').filter(Boolean);
}
