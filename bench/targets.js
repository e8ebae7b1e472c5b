/**
 * The ratios that docs/performance.md states: each run of `bptt bench` gives every ratio once, with all systems in turns on
 * one machine; the median over three runs counts. Prints tables in Markdown. From the repository root, with the peers
 * installed (`npm ci --prefix bench/peers`, and a python3 that has torch):
 *
 *     npm run build && node bench/targets.js [--runs 3] [--time 500] [--save FOLDER] [--from FILE,FILE,…]
 *
 * A target beside a library on the reference BLAS, or on one that is not known, is not judged: any loop is faster than that one.
 *
 * `--from` takes what earlier runs saved, or printed with `--json`, and times nothing. The status is 1 when a target was not
 * reached, or could not be measured; 2 for a command line that is wrong, 65 for a file of `--from` that is none of these.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { EXIT, fail, load, MODULES, parse } from './command.js';

const { positiveInteger } = await load('cli/arguments.js');
const { ADVICE, isReference, readResult } = await load('bench/report.js');
const { messageOf } = await load('tensor/errors.js');

const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'];
const SQUARES = [128, 256, 512].flatMap((n) => PRODUCTS.map((product) => `${product}-${n}x${n}x${n}`));
const SHAPES = [
  'addMatmul-1024x100x400',
  'addMatmulTA-100x1024x400',
  'addMatmulTB-1024x400x100',
  'addMatmul-1024x200x17',
  'addMatmul-32x100x400',
  'addMatmulTB-32x400x100',
  'addMatmul-1x100x400',
  'addMatmulTB-1x400x100',
];
const GEMM = [...SQUARES, ...SHAPES];
const LAYER = 'forward+backward-lstm-64x32x128x256';

/** Calls of the command line that make one run. */
const CALLS = [
  ['--suite', 'gemm', ...GEMM.flatMap((name) => ['--case', name]), '--peers', 'pytorch,tfjs-wasm,jax-js'],
  ['--suite', 'tagger', '--peers', 'pytorch,pytorch-sparse-adam,onnxruntime-node,onnxruntime-web'],
  ['--suite', 'layer', '--case', LAYER, '--peers', 'pytorch'],
  ['--suite', 'threads', '--no-peers'],
];

/** Who is meant: a system on one thread, on all of more than one, or the better of both. */
const one = (system) => ({ system, name: system, fits: (row) => row.threads === 1 });
const many = (system) => ({ system, name: `${system}, all cores`, fits: (row) => row.threads > 1 });
const best = (system) => ({ system, name: `${system} (the better of 1 thread and all)`, fits: () => true });
const exactly = (system, n) => ({ system, name: `${system}, ${n} threads`, fits: (row) => row.threads === n });

/** Each target: in every case, `us` by `them` must be at least `least`. */
const TARGETS = [
  { id: '1', what: 'products', cases: GEMM, us: one('bptt'), them: one('tfjs-wasm'), least: 1.3 },
  { id: '1', what: 'products', cases: GEMM, us: one('bptt'), them: one('jax-js'), least: 1.5 },
  {
    id: '1',
    what: 'products',
    cases: GEMM,
    us: one('bptt'),
    them: { ...one('pytorch'), byBlas: true },
    least: 0.35,
  },
  { id: '2', what: 'training, B = 32', cases: ['train-b32-lstm'], us: one('bptt'), them: one('pytorch'), least: 0.9 },
  { id: '2', what: 'training, B = 32', cases: ['train-b32-lstm'], us: many('bptt'), them: best('pytorch'), least: 1.3 },
  { id: '2', what: 'training, B = 1', cases: ['train-b1-lstm'], us: best('bptt'), them: best('pytorch'), least: 2.5 },
  ...['gru', 'rnn'].flatMap((cell) => [
    {
      id: '2',
      what: 'training, B = 32',
      cases: [`train-b32-${cell}`],
      us: one('bptt'),
      them: one('pytorch'),
      least: 0.7,
    },
    {
      id: '2',
      what: 'training, B = 32',
      cases: [`train-b32-${cell}`],
      us: many('bptt'),
      them: best('pytorch'),
      least: 0.7,
    },
    {
      id: '2',
      what: 'training, B = 1',
      cases: [`train-b1-${cell}`],
      us: best('bptt'),
      them: best('pytorch'),
      least: 0.7,
    },
  ]),
  {
    id: '3',
    what: 'inference, B = 32',
    cases: ['infer-b32-lstm'],
    us: one('bptt'),
    them: one('onnxruntime-web'),
    least: 1.5,
  },
  {
    id: '3',
    what: 'inference, B = 1',
    cases: ['infer-b1-lstm'],
    us: one('bptt'),
    them: one('onnxruntime-web'),
    least: 1.3,
  },
  {
    ...{ id: '3', what: 'inference', cases: ['infer-b32-lstm', 'infer-b1-lstm'] },
    ...{ us: one('bptt'), them: one('onnxruntime-node'), least: 0.4 },
  },
  { id: '4', what: 'layer', cases: [LAYER], us: one('bptt'), them: one('pytorch'), least: 0.5 },
  {
    id: '6',
    what: 'threads, B = 64',
    cases: ['train-b64-lstm'],
    us: exactly('bptt', 2),
    them: one('bptt'),
    least: 1.6,
  },
];

/**
 * Ratios without a target: other cells, and like with like where another system does not do what bptt does, lazy updates of
 * embeddings in training, known words in inference.
 */
const ALSO = [
  ...['b32', 'b1'].flatMap((batch) =>
    ['onnxruntime-web', 'onnxruntime-node'].map((system) => {
      return {
        what: 'each word made anew',
        cases: [`infer-${batch}-lstm`],
        us: one('bptt-new-words'),
        them: one(system),
      };
    }),
  ),
  ...['lstm', 'gru', 'rnn'].flatMap((cell) =>
    ['b32', 'b1'].flatMap((batch) => [
      {
        what: 'both Adams sparse',
        cases: [`train-${batch}-${cell}`],
        us: one('bptt'),
        them: one('pytorch-sparse-adam'),
      },
      { what: 'both Adams dense', cases: [`train-${batch}-${cell}`], us: one('bptt-dense-adam'), them: one('pytorch') },
    ]),
  ),
  ...['gru', 'rnn'].flatMap((cell) =>
    ['b32', 'b1'].flatMap((batch) =>
      ['onnxruntime-web', 'onnxruntime-node'].map((system) => {
        return { what: 'inference', cases: [`infer-${batch}-${cell}`], us: one('bptt'), them: one(system) };
      }),
    ),
  ),
];

const median = (values) => [...values].sort((x, y) => x - y)[Math.floor((values.length - 1) / 2)];

/** Most of what a contestant reached in a case; undefined where it was not timed. */
function reached(run, name, who) {
  const rows = run.rows.filter((row) => row.case === name && row.system === who.system && who.fits(row));
  return rows.length === 0 ? undefined : Math.max(...rows.map((row) => row.p50));
}

/** The BLAS with which a contestant ran, as its rows say; of runs from before rows had it, what the backend tells. */
function blasOf(runs, who, cases) {
  const rows = runs
    .flatMap((run) => run.rows)
    .filter(({ system, case: name }) => system === who.system && cases.includes(name));
  const named = rows.map(({ blas, backend }) => blas ?? /^cpu \((.+)\)$/.exec(backend)?.[1]);
  return [...new Set(named.filter((name) => name !== undefined))];
}

/** Why a target says nothing: a library that had no BLAS worth the name, or one that nobody knows. */
function obstacle(runs, { them, cases }) {
  const bad = blasOf(runs, them, cases).find((name) => isReference(name) || /^(unknown )?BLAS$/.test(name));
  return bad === undefined ? undefined : `${them.system} ran on ${bad}`;
}

/** What a table calls a contestant: where the product is that of a BLAS, by its name. */
function nameOf(runs, who, cases) {
  const [blas] = who.byBlas ? blasOf(runs, who, cases) : [];
  return blas === undefined ? who.name : `${who.name}, ${blas.replace(/ \(.*/, '')}`;
}

/** Median ratio of a case over the runs; undefined where a run lacks it. */
function ratioOf(runs, name, { us, them }) {
  const ratios = runs.map((run) => [reached(run, name, us), reached(run, name, them)]).map(([x, y]) => x && y && x / y);
  return ratios.some((ratio) => ratio === undefined) ? undefined : median(ratios);
}

/** Median of what a contestant reached. */
function figureOf(runs, name, who) {
  const values = runs.map((run) => reached(run, name, who));
  if (values.some((value) => value === undefined)) return '–';
  const value = median(values);
  return value >= 100 ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',') : value.toFixed(1);
}

/** The target with its worst case. */
function judge(runs, target) {
  const found = target.cases.map((name) => ({ name, ratio: ratioOf(runs, name, target) }));
  const missing = found.filter((each) => each.ratio === undefined);
  const worst = found.reduce((least, each) => (least.ratio <= each.ratio ? least : each));
  const count = found.filter((each) => each.ratio >= target.least).length;
  const why = obstacle(runs, target);
  return {
    ...target,
    found,
    missing,
    worst,
    count,
    why,
    passed: !why && missing.length === 0 && count === found.length,
  };
}

function table(head, lines) {
  const widths = head.map((cell, j) => Math.max(cell.length, ...lines.map((line) => line[j].length)));
  const row = (cells) => `| ${cells.map((cell, j) => cell.padEnd(widths[j])).join(' | ')} |`;
  return [row(head), `| ${widths.map((n) => '-'.repeat(n)).join(' | ')} |`, ...lines.map(row)].join('\n');
}

function report(runs) {
  const judged = TARGETS.map((target) => judge(runs, target));
  const times = (ratio) => (ratio === undefined ? 'not measured' : `${ratio.toFixed(2)}×`);
  const summary = judged.map(({ id, what, cases, us, them, least, worst, missing, count, why, passed }) => [
    id,
    cases.length === 1
      ? `${what}: \`${cases[0]}\``
      : `${what}, worst of ${cases.length}: \`${(missing[0] ?? worst).name}\``,
    us.name,
    nameOf(runs, them, cases),
    `${least}×`,
    times(missing.length > 0 ? undefined : worst.ratio),
    why ? 'not judged' : passed ? 'yes' : cases.length > 1 ? `in ${count} of ${cases.length}` : 'no',
  ]);
  const detail = [...judged.filter((target) => target.cases.length > 1), ...ALSO].flatMap((target) =>
    target.cases.map((name) => [
      `\`${name}\``,
      target.us.name,
      figureOf(runs, name, target.us),
      nameOf(runs, target.them, target.cases),
      figureOf(runs, name, target.them),
      times(ratioOf(runs, name, target)),
    ]),
  );
  const { cpu, cores, memoryGiB, node, v8, peak, bptt } = runs[0].machine;
  const versions = new Map(runs[0].rows.map((row) => [row.system, `${row.system} ${row.version}`]));
  for (const system of [...versions.keys()].filter((name) => name.startsWith('bptt'))) versions.delete(system);
  return {
    passed: judged.every((target) => target.passed),
    text: [
      `${cpu}, ${cores} cores, ${memoryGiB} GiB; Node ${node}, V8 ${v8}; bptt ${bptt}; ${[...versions.values()].join(', ')}.`,
      ...libraries(runs),
      ...refusals(judged),
      `Median of ${runs.length} runs. Peak of one core in 128-bit lanes: ${peak === null ? 'none' : `${peak.toFixed(1)} GFLOP/s`}.`,
      '',
      table(['target', 'what', 'who', 'by whom', 'at least', 'measured', 'reached'], summary),
      '',
      table(['case', 'who', 'GFLOP/s or tokens/s', 'by whom', 'GFLOP/s or tokens/s', 'ratio'], detail),
    ].join('\n'),
  };
}

/** A line per system that multiplies by a BLAS: which one, and how many threads were set and seen. */
function libraries(runs) {
  const lines = new Map();
  for (const { system, threads, ran, blas } of runs.flatMap((each) => each.rows)) {
    if (blas === undefined) continue;
    const key = `${system} (${threads} ${threads === 1 ? 'thread' : 'threads'}): ${blas}`;
    lines.set(key, Math.max(lines.get(key) ?? 0, ran ?? 0));
  }
  return [...lines].map(
    ([line, ran]) => `${line}${ran > 0 ? `, at most ${ran} seen at work` : ', threads at work unknown'}.`,
  );
}

/** Which targets are not judged, and what to do. */
function refusals(judged) {
  const reasons = [...new Set(judged.flatMap(({ why }) => (why ? [why] : [])))];
  return reasons.map((why) => `Not judged, because ${why}: ${ADVICE}.`);
}

/** What one call of the command line prints with `--json`. */
async function bench(args) {
  const main = fileURLToPath(new URL('cli/main.js', MODULES));
  const child = spawn(process.execPath, [main, 'bench', ...args, '--backend', 'auto', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) fail('targets', `bptt bench ${args.join(' ')} ended with status ${status}`);
  return JSON.parse(text);
}

async function run(time) {
  const parts = [];
  for (const args of CALLS) parts.push(await bench([...args, '--time', String(time)]));
  return { machine: parts[0].machine, rows: parts.flatMap((part) => part.rows) };
}

/** Runs that were saved. */
function saved(paths) {
  try {
    return paths.map(readResult);
  } catch (error) {
    return fail('targets', messageOf(error), EXIT.data);
  }
}

const command = new Command('node bench/targets.js')
  .description('The ratios of docs/performance.md, measured: some minutes a run')
  .option('--runs <n>', 'runs, of whose ratios the median counts', positiveInteger, 3)
  .option('--time <ms>', 'milliseconds per system and turn', positiveInteger, 500)
  .option('--save <folder>', 'where the runs go, as JSON')
  .option('--from <files>', 'runs that were saved, separated by commas, in the place of new ones');
const options = parse(command).opts();
const runs = options.from === undefined ? [] : saved(options.from.split(','));
if (runs.length === 0) {
  const folder = options.save;
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  const count = options.runs;
  for (let i = 1; i <= count; i++) {
    const started = performance.now();
    console.error(`run ${i} of ${count}`);
    runs.push(await run(options.time));
    if (folder !== undefined) writeFileSync(join(folder, `run-${i}.json`), JSON.stringify(runs.at(-1)));
    console.error(`run ${i} took ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
}
const { text, passed } = report(runs);
console.log(text);
process.exitCode = passed ? 0 : 1;
