/** `bptt train --seeds n`: rows, mean ± standard deviation, the model that is kept, JSON, log, refusals. */
import { readFileSync } from 'node:fs';
import { formatSentence, generateCorpus } from '../../../src/labeling/index.js';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, overriding, TINY } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
  for (const [seed, name] of ['train', 'dev'].entries()) {
    const sentences = generateCorpus({ sentences: 20, seed });
    space.write(`${name}.tsv`, sentences.map((s) => formatSentence({ ...s, labels: s.labels! }, 'conll')).join(''));
  }
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);
const BASE = overriding(TINY, ['--epochs', '2', '--backend', 'cpu', '--out', 'm.safetensors']);
const train = (...args: string[]) => run('train', '--train', 'train.tsv', ...overriding(BASE, args));

interface Report {
  readonly seed: number;
  readonly dev: { readonly accuracy: number };
  readonly runs: readonly { readonly seed: number; readonly dev: { readonly accuracy: number } }[];
  readonly spread: { readonly dev: { readonly accuracy: { mean: number; sd: number } }; readonly test: null };
}

test('a row for each, the mean, and the best model: the bytes of its seed alone', async () => {
  const { status, stdout, stderr } = await train('--dev', 'dev.tsv', '--seed', '4', '--seeds', '3', '--log', 'log');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^seed 4 +epoch \d of 2 +dev accuracy [\d.]+ %.*\nseed 5 .*\nseed 6 .*\nmean ± standard deviation of 3 seeds, .*\ndev +accuracy [\d.]+ ± [\d.]+ %/); // prettier-ignore
  const best = /model +m.safetensors, of seed (\d) \(the best dev score\)/.exec(stdout)![1];
  expect(stderr).toMatch(/seed 5 {2}epoch/);
  await train('--dev', 'dev.tsv', '--seed', best, '--out', 'alone.safetensors');
  expect(readFileSync(space.at('m.safetensors')).equals(readFileSync(space.at('alone.safetensors')))).toBe(true);
  const events = readFileSync(space.at('log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { event: string; seed?: number }); // prettier-ignore
  expect(events.map(({ event }) => event).join()).toBe('start,epoch,epoch,run,epoch,epoch,run,epoch,epoch,run,end');
  expect(events.slice(1, 4).map(({ seed }) => seed)).toEqual([4, 4, 4]);

  const report = JSON.parse((await train('--dev', 'dev.tsv', '--seed', '4', '--seeds', '3', '--json')).stdout) as Report; // prettier-ignore
  expect(report.seed).toBe(Number(best));
  expect(report.runs.map(({ seed }) => seed)).toEqual([4, 5, 6]);
  const accuracies = report.runs.map(({ dev }) => dev.accuracy);
  expect(report.dev.accuracy).toBe(Math.max(...accuracies));
  expect(report.spread.dev.accuracy.mean).toBeCloseTo(accuracies.reduce((a, b) => a + b) / 3, 12);
  expect(report.spread.test).toBeNull();
});

test('without dev the first is kept, which is said', async () => {
  expect((await train('--seeds', '2')).stdout).toContain('of seed 1 (the first, since there is no dev)');
});

test.each(['1', '0', '1,2,3', '2.5', '-3', 'x'])('--seeds %s is refused', async (count) => {
  const { status, stderr } = await train(`--seeds=${count}`);
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining('It must be the number of seeds, an integer of at least 2'),
  ]);
});
