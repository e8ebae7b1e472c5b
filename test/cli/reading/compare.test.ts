import { bpttHere } from '../../support/cli-here';
import type { Trace } from '../../../src/inspect';
import { flow, jsonOf, plain, printed, SENTENCE, shows, widest } from './support';

interface Comparison {
  sentence: string[];
  variable: string;
  normalization: string;
  cells: {
    cell: string;
    hidden: number;
    parameters: number;
    seeds: number;
    retention: number[][];
    before?: number[][];
    swap?: { word: number; other: string; change: number; perSeed: number[] };
    perSeed: { seed: number; sha256: string; last: number[] }[];
  }[];
}

const ALL = ['compare', SENTENCE, '--cells', 'rnn,lstm,gru', '--hidden', '6', '--init', 'uniform'];

test('--json: the contract, and the numbers of bptt reach with the same seed', async () => {
  const report = await jsonOf<Comparison>([...ALL, '--seeds', '1', '--seed', '3']);
  expect(report).toMatchObject({ sentence: SENTENCE.split(' '), variable: 'x', normalization: 'retention' });
  expect(report.cells.map(({ cell }) => cell)).toEqual(['rnn', 'lstm', 'gru']);
  for (const { cell, hidden, parameters, seeds, retention } of report.cells) {
    const trace = await jsonOf<Trace>([
      'reach',
      SENTENCE,
      '--cell',
      cell,
      '--hidden',
      '6',
      '--init',
      'uniform',
      '--seed',
      '3',
    ]);
    expect({ hidden, parameters, seeds }).toEqual({ hidden: 6, parameters: trace.model.parameters, seeds: 1 });
    expect(retention).toEqual(trace.reach.retention.map((row) => row.map((each) => each ?? 0)));
  }
});

test('several seeds: each number is the middle one of theirs', async () => {
  const { cells } = await jsonOf<Comparison>([...ALL, '--seeds', '3']);
  for (const { retention, seeds, perSeed } of cells) {
    expect(seeds).toBe(3);
    expect(perSeed.map(({ seed }) => seed)).toEqual([1, 2, 3]);
    expect(new Set(perSeed.map(({ sha256 }) => sha256)).size).toBe(3);
    retention.at(-1)!.forEach((value, k) => {
      expect(value).toBe(perSeed.map(({ last }) => last[k]).sort((a, b) => a - b)[1]);
    });
  }
});

test('on the terminal: three matrices beside each other, and the share that arrives at each word', async () => {
  const args = [...ALL, '--seeds', '2'];
  const [text, { cells }] = [await printed(args), await jsonOf<Comparison>(args)];
  expect(widest(text)).toBeLessThanOrEqual(80);
  expect(text).toMatch(/^rnn \d+ parameters +lstm \d+ parameters +gru \d+ parameters$/m);
  const lines = text.split('\n');
  const table = lines.slice(lines.findIndex((line) => line.startsWith('word ')) + 1);
  SENTENCE.split(' ').forEach((word, k) => {
    const found = [...table[k].matchAll(/([\d.e−]+) %/g)].map(([, number]) => number);
    expect(table[k].startsWith(word)).toBe(true);
    expect(found.map((each, c) => shows(each, 100 * cells[c].retention.at(-1)![k]))).toEqual([true, true, true]);
  });
  expect(flow(text)).toContain('2 seeds, median of each');
  expect(await printed([...ALL, '--seed', '7'])).toContain('one seed, 7');
});

test('one scale: with absolute norms 100 % is the largest of all cells', async () => {
  const args = [...ALL, '--normalize', 'absolute'];
  const [text, { cells }] = [await printed(args), await jsonOf<Comparison>(args)];
  const largest = Math.max(...cells.flatMap(({ retention }) => retention.flat()));
  expect(shows(/100 % is the largest of all, (\S+)/.exec(text)![1], largest)).toBe(true);
});

describe('--train', () => {
  const args = ['compare', SENTENCE, '--cells', 'lstm', '--train', '30', '--seeds', '1', '--hidden', '8'];

  test('before is the untrained model with the same seed; after is another; both are shown', async () => {
    const { cells } = await jsonOf<Comparison>(args);
    const untrained = await jsonOf<Trace>(['reach', SENTENCE, '--cell', 'lstm', '--hidden', '8']);
    const trained = await jsonOf<Trace>(['reach', SENTENCE, '--cell', 'lstm', '--hidden', '8', '--train', '30']);
    const plainly = (trace: Trace) => trace.reach.retention.map((row) => row.map((each) => each ?? 0));
    expect(cells[0].before).toEqual(plainly(untrained));
    expect(cells[0].retention).toEqual(plainly(trained));
    expect(cells[0].retention).not.toEqual(cells[0].before);
    expect(await printed(args)).toMatch(/^cat +[\d.]+ % → [\d.]+ %$/m);
  });

  test('no update changes the weights that training begins with', async () => {
    const { createCpuKernels } = await import('../../../src/kernels');
    const { lstm } = await import('../../../src/cells');
    const { flatten } = await import('../../../src/autograd/grads');
    const { draw, trained } = await import('../../../src/cli/reading/draw');
    const waiting = { update: () => undefined, onProgress: () => undefined, stop: () => undefined };
    const weights = (model: { params: object }) =>
      Object.entries(flatten(model.params as never)).map(([name, x]) => [name, Array.from(x.data)]);
    const options = { hidden: 5, seed: 4 };
    const still = await trained(createCpuKernels(), lstm, { ...options, train: 25 }, waiting, 0);
    expect(weights(still)).toEqual(weights(draw(lstm, { tokens: [], labels: ['DET'] }, options)));
  });

  test('--swap: how far the margin moves is two readings apart', async () => {
    const swapped = [...args, '--swap', 'cat=cats'];
    const { swap } = (await jsonOf<Comparison>(swapped)).cells[0];
    const margin = async (sentence: string) => {
      const base = ['reach', sentence, '--cell', 'lstm', '--hidden', '8', '--train', '30'];
      const { losses } = await jsonOf<Trace>([
        ...base,
        '--loss-seed',
        'margin',
        '--label',
        'V.SG',
        '--contrast',
        'V.PL',
      ]);
      return losses.at(-1)!.seed;
    };
    const moved = (await margin(SENTENCE.replace('cat', 'cats'))) - (await margin(SENTENCE));
    expect(swap).toMatchObject({ word: 1, other: 'cats', change: moved, perSeed: [moved] });
    expect(plain(await printed(swapped))).toContain('cat→cats moves the margin at sat by');
  });
});

test.each([
  [['--cells', 'rnn,lsmt'], 'unknown cell "lsmt"'],
  [['--cells', 'rnn,rnn'], 'a cell is named twice'],
  [['--swap', 'cow=cows'], '"cow" is not in the sentence'],
  [['--swap', 'cat'], '--swap must be word=other'],
  [['--variable', 'c'], '--variable c: the cell rnn has'],
  [['--train', '1', '--untrained'], '--train and --untrained cannot be combined'],
])('%j is refused, status 2', async (more, message) => {
  const { status, stderr } = await bpttHere(['compare', SENTENCE, ...more]);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});
