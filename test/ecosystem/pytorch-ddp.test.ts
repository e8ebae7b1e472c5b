/** Training past one machine: DistributedDataParallel over the shards of an export, two ranks on this machine, and back. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flatten, nestLike, zeroGrads } from '../../src/autograd';
import { importPyTorch } from '../../src/interchange';
import { createCpuKernels } from '../../src/kernels';
import { generateCorpus, loadModel, modelBackward, modelForward, networkOf, packBatch, packFeatures, packRows, predict, saveModel, train } from '../../src/labeling'; // prettier-ignore
import type { Model, TrainOptions } from '../../src/labeling';
import { createAdam, createSgd } from '../../src/optim';
import { zerosLike } from '../../src/tensor';
import { bpttHere } from '../support/cli-here';
import { conll } from '../support/workspace';
import { PYTHON } from './engines';

const kernels = createCpuKernels();
const corpus = generateCorpus({ sentences: 19, seed: 3 });
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-ddp-'));
  writeFileSync(join(folder, 'train.tsv'), conll(corpus));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Exports a trained model with the corpus as shards, by the command. */
async function exported(name: string, options: TrainOptions): Promise<Model> {
  const settings = { epochs: 1, batch: 8, lr: 0.01, hidden: 5, embedding: 6, dropout: 0, ...options };
  const { model } = await train(kernels, { train: corpus }, settings);
  writeFileSync(join(folder, `${name}.safetensors`), saveModel(model));
  const args = ['export', `${name}.safetensors`, '--torch', name, '--train', 'train.tsv', '--shards', '3'];
  const { status, stdout } = await bpttHere(args, folder);
  expect([status, stdout]).toEqual([0, expect.stringContaining('19 sentences of train.tsv in 3 shards\n')]);
  return model;
}

/** A port that is free now. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Starts a rank; `ended` has its status and what it printed, `said` resolves at its first line. */
function rank(name: string, args: readonly string[], r: number, world: number, port: number) {
  const env = { ...process.env, OMP_NUM_THREADS: '1', RANK: `${r}`, WORLD_SIZE: `${world}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${port}` }; // prettier-ignore
  const child = spawn(PYTHON, [join(folder, name, 'train_ddp.py'), '--seed', '7', ...args], { env });
  let [stdout, stderr] = ['', ''];
  const said = new Promise<void>((resolve) => child.stdout.on('data', (text) => ((stdout += text), resolve())));
  child.stderr.on('data', (text) => (stderr += text));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, said, ended };
}

/** Trains by so many ranks, which must go well, and returns the parameters by name. */
async function trained(name: string, world: number, args: readonly string[]) {
  const port = await freePort();
  const out = join(folder, name, `by-${world}.safetensors`);
  const ranks = Array.from({ length: world }, (_, r) => rank(name, [...args, '--out', out], r, world, port).ended);
  for (const { code, stderr } of await Promise.all(ranks)) expect([code, stderr]).toEqual([0, '']);
  const { status, stderr } = await bpttHere(['import', name, '--weights', out, '-o', `${name}-${world}.safetensors`], folder); // prettier-ignore
  expect([status, stderr]).toEqual([0, '']);
  return loadModel(readFileSync(join(folder, `${name}-${world}.safetensors`)));
}

/** One step of this package on the whole corpus as one batch. */
function stepHere(model: Model, optimizer: 'sgd' | 'adam', lr: number): void {
  const network = networkOf(model.config);
  const lengths = corpus.map(({ tokens }) => tokens.length);
  const batch = packBatch(lengths, [...lengths.keys()]);
  const features = model.readers.map((reader) => packFeatures(corpus.map(({ tokens }) => reader.read(tokens)), batch)); // prettier-ignore
  const gold = packRows(corpus.map((s) => model.labels.encode(s)), batch.members, batch.packing); // prettier-ignore
  const pass = modelForward(kernels, network, model.params, features, batch.packing);
  const [head] = network.heads;
  const own = model.params.heads.labels;
  const params = flatten(model.params);
  const flat = zeroGrads(params);
  const grads = nestLike(model.params, flat);
  const dLogits = zerosLike(pass.heads[0].logits);
  const loss = head.loss(kernels, own, pass.heads[0], gold);
  head.lossBackward(kernels, own, loss, dLogits, grads.heads.labels, 1);
  modelBackward(kernels, network, model.params, pass, [dLogits], grads);
  const create = optimizer === 'sgd' ? createSgd : createAdam;
  create(kernels, params, { lr }).step(flat);
}

function furthest(a: Model, b: Model): number {
  const [p, q] = [flatten(a.params), flatten(b.params)];
  return Math.max(...Object.keys(p).map((name) => Math.max(...Array.from(p[name].data, (x, i) => Math.abs(x - q[name].data[i]))))); // prettier-ignore
}

const CASES: Record<string, TrainOptions> = {
  lstm: { layers: 2, bidirectional: true },
  gru: { cell: 'gru', bidirectional: true },
  crf: { cell: 'rnn', head: 'crf', encoders: ['words', 'characters'], characterSize: 6, characterEmbedding: 4 },
};

test.each(Object.keys(CASES))(
  '%s: a step on two ranks is a step here on the joined batch, every parameter within 1e-6',
  async (name) => {
    const model = await exported(name, CASES[name]);
    const args = [
      '--steps',
      '1',
      '--batch',
      '19',
      '--optimizer',
      'sgd',
      '--momentum',
      '0',
      '--lr',
      '0.7',
      '--clip',
      '0',
    ];
    const [two, one] = [await trained(name, 2, args), await trained(name, 1, args)];
    expect(furthest(two, model)).toBeGreaterThan(1e-3); // it has moved
    stepHere(model, 'sgd', 0.7);
    expect(furthest(two, model)).toBeLessThanOrEqual(1e-6);
    expect(furthest(two, one)).toBeLessThanOrEqual(1e-6);
  },
);

test('two epochs in batches that no number of ranks divides: one rank is two ranks, and the weights come back and tag the same', async () => {
  await exported('epochs', { bidirectional: true });
  const args = ['--epochs', '2', '--batch', '5', '--optimizer', 'sgd', '--lr', '0.2'];
  const [one, two] = [await trained('epochs', 1, args), await trained('epochs', 2, args)];
  expect(furthest(one, two)).toBeLessThanOrEqual(1e-5);
  const sentences = generateCorpus({ sentences: 50, seed: 12 }).map(({ tokens }) => tokens);
  const labels = predict(kernels, two, sentences).map((each) => each.labels);
  expect(predict(kernels, one, sentences).map((each) => each.labels)).toEqual(labels);
  const script = spawn(PYTHON, [join(folder, 'epochs', 'model.py'), '--json', join(folder, 'epochs', 'by-2.safetensors')]); // prettier-ignore
  let text = '';
  script.stdout.on('data', (chunk) => (text += chunk));
  script.stdin.end(sentences.map((tokens) => `${JSON.stringify(tokens)}\n`).join(''));
  await new Promise((resolve) => script.on('close', resolve));
  expect(text.trim().split('\n').map((line) => JSON.parse(line) as string[])).toEqual(labels); // prettier-ignore
});

test('without --out the weights of the folder are trained further, and written whole', async () => {
  const model = await exported('further', {});
  const { code, stdout } = await rank('further', ['--epochs', '2', '--json'], 0, 1, 0).ended;
  expect(code).toBe(0);
  const said = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, number>); // prettier-ignore
  expect(said.map(({ epoch, updates, ranks, tokens }) => [epoch, updates, ranks, tokens])).toEqual([1, 2].map((epoch) => [epoch, 1, 1, corpus.reduce((sum, s) => sum + s.tokens.length, 0)])); // prettier-ignore
  expect(said[1].loss).toBeLessThan(said[0].loss);
  const files = Object.fromEntries(['config.json', 'vocabulary.json', 'labels.json', 'weights.safetensors'].map((name) => [name, new Uint8Array(readFileSync(join(folder, 'further', name)))])); // prettier-ignore
  expect(furthest(importPyTorch(files), model)).toBeGreaterThan(1e-4);
});

test('a rank that is killed ends the other with an error', async () => {
  await exported('killed', {});
  const port = await freePort();
  const args = ['--epochs', '1000000', '--timeout', '30'];
  const [first, second] = [0, 1].map((r) => rank('killed', args, r, 2, port));
  await first.said;
  second.child.kill('SIGKILL');
  const { code, stderr } = await first.ended;
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^train_ddp: rank 0 of 2: .+\n$/)]);
  expect((await second.ended).code).toBeNull();
  const weights = readFileSync(join(folder, 'killed', 'weights.safetensors'));
  expect(weights.length).toBeGreaterThan(1000);
  expect((await bpttHere(['import', 'killed', '-o', 'killed-back.safetensors'], folder)).status).toBe(0);
});

test('torchrun starts the ranks', async () => {
  await exported('run', {});
  const out = join(folder, 'run.safetensors');
  const launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2', '-r', '1', '-t', '1']; // without -r and -t Debian's crashes
  const script = [join(folder, 'run', 'train_ddp.py'), '--epochs', '1', '--out', out];
  const { status, stderr } = spawnSync(PYTHON, [...launch, ...script], { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1' } }); // prettier-ignore
  expect([status, stderr]).toEqual([0, expect.anything()]);
  const { status: imported } = await bpttHere(
    ['import', 'run', '--weights', out, '-o', 'run-back.safetensors'],
    folder,
  );
  expect(imported).toBe(0);
});

test.each([
  ['more ranks than shards', '0', 4, '4 ranks and 3 shards: export again with --shards 4'],
  ['a rank that is none', 'x', 2, "invalid literal for int() with base 10: 'x'"],
])('%s: refused before anything waits', async (_, r, world, message) => {
  const { code, stderr } = await rank('run', [], r as never, world, 1).ended;
  expect([code, stderr]).toEqual([1, `train_ddp: rank ${r} of ${world}: ${message}\n`]);
});
