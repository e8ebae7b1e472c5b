/**
 * Words per second of `train_ddp.py` by the number of ranks. Without `--measure` it computes them by the model of src/bench/ranks.ts, for
 * sizes, batches and links; with it two ranks on this machine check that model, by constants that one rank and one link give.
 *
 *     npm run build && node bench/ranks.js
 *     node bench/ranks.js --bytes 40e6 --batch 4096 --bandwidth 1.25e9 --latency 30e-6 --per-update 5e-3 --per-word 20e-6
 *     node bench/ranks.js --measure
 *
 * --measure needs Python with torch: BPTT_PYTHON, or the one that scripts/ecosystem-needs.js finds. It first holds the weights of one step
 * on two ranks to those on one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { python } from '../scripts/ecosystem-needs.js';
import { fail, load, parse } from './command.js';

const SCRIPT = 'ranks.js';
const RANKS = [1, 2, 4, 8, 16, 32, 64];

const positive = (text) => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Pass a number greater than 0.');
};
const count = (text) => {
  if (Number.isInteger(positive(text))) return Number(text);
  throw new InvalidArgumentError('Pass an integer of at least 1.');
};
const command = parse(
  new Command(`node bench/${SCRIPT}`)
    .description('words per second of train_ddp.py by the number of ranks: a model, and two ranks that check it')
    .option('--bytes <n>', 'bytes of the gradient (default: 4e6, 40e6 and 400e6)', positive)
    .option('--batch <n>', 'words of a batch (default: 1024, 8192 and 65536)', positive)
    .option('--bandwidth <n>', 'bytes per second of a link (default: 125e6 and 12.5e9, 1 and 100 Gbit/s)', positive)
    .option('--latency <n>', 'seconds of a message', positive, 50e-6)
    .option('--per-update <n>', 'seconds of an update, whatever its words', positive, 10e-3)
    .option('--per-word <n>', 'seconds of a word', positive, 50e-6)
    .option('--per-exchange <n>', 'seconds of an update of several ranks beyond the above', positive)
    .option('--measure', 'measure the constants and two ranks on this machine')
    .option('--epochs <n>', 'with --measure: epochs of 512 sentences; the median of their updates counts', count, 4)
    .option('--json', 'print JSON'),
);
const options = command.opts();
const { bestRanks, lineThrough, rate, stepSeconds } = await load('bench/ranks.js');
const lines = (rows) => {
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  return rows.map((row) => row.map((cell, j) => cell.padStart(widths[j])).join('  ')).join('\n');
};
const grouped = (n) => Math.round(n).toLocaleString('en-US');

function simulate() {
  const { latency, perUpdate, perWord, perExchange = 0 } = options;
  const given = (value, others) => (value === undefined ? others : [value]);
  const rows = given(options.bandwidth, [125e6, 12.5e9]).flatMap((bandwidth) =>
    given(options.bytes, [4e6, 40e6, 400e6]).flatMap((bytes) =>
      given(options.batch, [1024, 8192, 65536]).map((words) => {
        const constants = { bytes, words, bandwidth, latency, perUpdate, perWord, perExchange };
        return { ...constants, rates: RANKS.map((ranks) => rate(ranks, constants)), best: bestRanks(constants) };
      }),
    ),
  );
  if (options.json) return console.log(JSON.stringify({ ranks: RANKS, rows }));
  const head = ['Gbit/s', 'gradient MB', 'words', ...RANKS.map(String), 'best'];
  const table = rows.map(({ bandwidth, bytes, words, rates, best }) => [
    ...[(bandwidth * 8) / 1e9, bytes / 1e6].map((x) => x.toLocaleString('en-US')),
    ...[words, ...rates].map(grouped),
    best === 1024 ? '1024+' : String(best),
  ]);
  console.log(
    `words per second by ranks; an update takes ${perUpdate} s and ${perWord} s a word, a message ${latency} s\n`,
  );
  console.log(lines([head, ...table]));
}

/** A port that is free now. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The Python that has torch, found once. */
let found;
const interpreter = () => (found ??= python().path ?? 'python3');

/** Runs a script of Python as so many ranks; what rank 0 prints. */
async function ranksOf(world, args) {
  const port = await freePort();
  const runs = Array.from({ length: world }, (_, rank) => {
    const env = { ...process.env, OMP_NUM_THREADS: '1', RANK: `${rank}`, WORLD_SIZE: `${world}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${port}` }; // prettier-ignore
    return new Promise((resolve) => {
      const child = spawn(interpreter(), args, { env });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (text) => (stdout += text));
      child.stderr.on('data', (text) => (stderr += text));
      child.on('close', (status) => resolve({ status, stdout, stderr }));
    });
  });
  const ended = await Promise.all(runs);
  const failed = ended.find(({ status }) => status !== 0);
  if (failed) fail(SCRIPT, `a rank ended with ${failed.status}: ${failed.stderr.trim().split('\n').pop()}`);
  return ended[0].stdout;
}

/** Seconds of a sum of so many floats over two ranks, the fastest of several. */
const REDUCE = `
import sys, time, torch, torch.distributed as dist
dist.init_process_group("gloo")
for size in map(int, sys.argv[1:]):
    x, times = torch.zeros(size), []
    for _ in range(40):
        dist.barrier()
        begun = time.perf_counter()
        dist.all_reduce(x)
        times.append(time.perf_counter() - begun)
    if dist.get_rank() == 0:
        print(min(times))`;

/**
 * Times batches of train_ddp.py in one process, after an epoch that is not counted: the wall's median and the processor's least seconds of
 * an update, and its words.
 */
const TIMED = `
import argparse, contextlib, io, json, os, statistics, sys
sys.path.insert(0, sys.argv[1])
import train_ddp, torch, torch.distributed as dist
rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
torch.set_num_threads(1)
if world > 1:
    dist.init_process_group("gloo")
train_ddp.save = lambda *_: None
for batch in map(int, sys.argv[3:]):
    asked = argparse.Namespace(epochs=1 + int(sys.argv[2]), batch=batch, optimizer="sgd", lr=0.01, momentum=0.9, clip=5.0, dropout=0.0,
                               seed=1, steps=None, out=os.devnull, json=True)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        train_ddp.train(asked, train_ddp.Shards(rank, world), rank, world, torch.device("cpu"))
    if rank == 0:
        epochs = [json.loads(line) for line in said.getvalue().splitlines()][1:]
        total = lambda name: sum(epoch[name] for epoch in epochs)
        print(json.dumps({"batch": batch, "words": total("tokens") / total("updates"), "bytes": epochs[0]["bytes"],
                          "wall": statistics.median(epoch["median"] for epoch in epochs), "cpu": min(epoch["cpu"] for epoch in epochs)}))`;

async function exported(folder, hidden) {
  const [{ createCpuKernels }, { generateCorpus, train }, { exportPyTorch, trainingShards }] = await Promise.all(
    ['kernels/index.js', 'labeling/index.js', 'interchange/index.js'].map(load),
  );
  const corpus = generateCorpus({ sentences: 512, seed: 1 });
  const settings = { epochs: 1, batch: 32, lr: 0.001, hidden, embedding: 100, dropout: 0, seed: 1 };
  const { model } = await train(createCpuKernels(), { train: corpus.slice(0, 32) }, settings);
  const files = { ...exportPyTorch(model), ...trainingShards(model, corpus, 2).files };
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
}

async function measure() {
  const probe = spawnSync(interpreter(), ['-c', 'import torch'], { encoding: 'utf8' });
  if (probe.status !== 0) fail(SCRIPT, `${interpreter()} has no torch: install python3-torch, or name another Python in BPTT_PYTHON`); // prettier-ignore
  const home = mkdtempSync(join(tmpdir(), 'bptt-ranks-'));
  try {
    const sizes = [1, 1 << 20];
    const [short, long] = (await ranksOf(2, ['-c', REDUCE, ...sizes.map(String)])).trim().split('\n').map(Number);
    // Of two ranks, (2) is S/W + 2·L.
    const [latency, bandwidth] = [short / 2, (4 * (sizes[1] - sizes[0])) / (long - short)];
    const rows = [];
    for (const hidden of [64, 256]) rows.push(...(await measuredSize(home, hidden, { latency, bandwidth })));
    const load1 = loadavg()[0];
    if (options.json) return console.log(JSON.stringify({ latency, bandwidth, load: load1, rows }));
    console.log(`two ranks on this machine: a message ${(1e6 * latency).toFixed(0)} µs, ${(bandwidth / 1e6).toFixed(0)} MB/s; load ${load1.toFixed(1)}\n`); // prettier-ignore
    for (const [clock, title] of [
      ['wall', 'words per second'],
      ['cpu', 'words per second of processor time'],
    ]) {
      const head = ['hidden', 'gradient MB', 'words', '1 rank', 'd, ms', '2 by the model', '2 measured', 'difference', 'with d = 0']; // prettier-ignore
      const percent = (predicted, two) => `${(100 * (predicted / two - 1)).toFixed(0)} %`;
      const table = rows.map((row) => {
        const { one, two, predicted, without, perExchange } = row[clock];
        const [alone, byModel, measured] = [one, predicted, two].map((seconds) => grouped(row.words / seconds));
        const difference = row.batch === 32 ? 'fitted' : percent(predicted, two);
        return [String(row.hidden), (row.bytes / 1e6).toFixed(2), grouped(row.words), alone, (1e3 * perExchange).toFixed(1), byModel, measured, difference, percent(without, two)]; // prettier-ignore
      });
      console.log(`${title}\n${lines([head, ...table])}\n`);
    }
    if (load1 > availableParallelism()) console.error(`${SCRIPT}: the machine is busy (load ${load1.toFixed(1)}): the ranks wait for a processor, and the first table says little`); // prettier-ignore
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** One rank at six batches, two at three. */
async function measuredSize(home, hidden, link) {
  const folder = join(home, String(hidden));
  await exported(folder, hidden);
  const run = async (world, batch, steps, out) => {
    const args = [
      '--batch',
      String(batch),
      '--steps',
      String(steps),
      '--epochs',
      '1000',
      '--optimizer',
      'sgd',
      '--json',
    ];
    const said = await ranksOf(world, [join(folder, 'train_ddp.py'), ...args, '--out', join(folder, out)]);
    return said.trim().split('\n').map((line) => JSON.parse(line)); // prettier-ignore
  };
  await run(1, 64, 1, 'one.safetensors');
  await run(2, 64, 1, 'two.safetensors');
  expectClose(join(folder, 'one.safetensors'), join(folder, 'two.safetensors'));
  const timed = async (world, batches) => {
    const said = await ranksOf(world, ['-c', TIMED, folder, String(options.epochs), ...batches.map(String)]);
    return said.trim().split('\n').map((line) => JSON.parse(line)); // prettier-ignore
  };
  const one = await timed(1, [16, 32, 64, 128, 256, 512]);
  const two = await timed(2, [32, 128, 512]);
  // The processor's time has no part of the link.
  const links = { wall: link, cpu: { latency: 0, bandwidth: Infinity } };
  const byClock = (clock) => {
    const [perUpdate, perWord] = lineThrough(one.map((each) => [each.words, each[clock]]));
    const steps = (row, perExchange) => stepSeconds(2, { ...links[clock], words: row.words, bytes: row.bytes, perUpdate, perWord, perExchange }); // prettier-ignore
    const perExchange = Math.max(0, two[0][clock] - steps(two[0], 0)); // fitted by the smallest batch, checked by the others
    return two.map((row) => ({
      ...{ one: one.find(({ batch }) => batch === row.batch)[clock], two: row[clock] },
      ...{ predicted: steps(row, perExchange), without: steps(row, 0), perUpdate, perWord, perExchange },
    }));
  };
  const [wall, cpu] = [byClock('wall'), byClock('cpu')];
  return two.map(({ batch, words, bytes }, i) => ({ hidden, batch, words, bytes, wall: wall[i], cpu: cpu[i] }));
}

/** What is timed must be right: the weights of both, byte for byte of the same length, within 1e-6. */
function expectClose(one, two) {
  const floats = (path) => {
    const bytes = readFileSync(path);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    return Float32Array.from({ length: (bytes.length - start) / 4 }, (_, i) => bytes.readFloatLE(start + 4 * i));
  };
  const [p, q] = [floats(one), floats(two)];
  const worst = p.reduce((most, x, i) => Math.max(most, Math.abs(x - q[i])), 0);
  if (p.length !== q.length || !(worst <= 1e-6))
    fail(SCRIPT, `two ranks differ from one by ${worst}: nothing is timed`);
}

if (options.measure) await measure();
else simulate();
