/** `bptt train --ensemble n`: what is printed, the file that other commands read, what is refused, what Ctrl-C keeps. */
import { readFileSync } from 'node:fs';
import { formatSentence, generateCorpus, loadModel } from '../../src/labeling/index.js';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

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

test('a row for each member, the scores of all together, and one file that every reader takes', async () => {
  const { status, stdout } = await train('--dev', 'dev.tsv', '--seed', '4', '--ensemble', '3');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^seed 4 .*\nseed 5 .*\nseed 6 .*\nensemble of 3, the mean of their probabilities, .*\ndev +accuracy [\d.]+ %.*\n +each +accuracy [\d.]+ ± [\d.]+ %.*\nmodel +m.safetensors, [\d,]+ parameters/); // prettier-ignore
  expect(loadModel(readFileSync(space.at('m.safetensors'))).members).toHaveLength(3);
  const accuracy = /^dev +accuracy ([\d.]+) %/m.exec(stdout)![1];
  expect((await run('eval', 'm.safetensors', 'dev.tsv')).stdout).toContain(`${accuracy} %`);
  expect((await run('tag', 'm.safetensors', 'dev.tsv')).status).toBe(0);
  expect((await run('compare', 'm.safetensors', 'm.safetensors', '--gold', 'dev.tsv')).status).toBe(0);
  const report = JSON.parse((await train('--dev', 'dev.tsv', '--ensemble', '2', '--json', '--out', 'j')).stdout) as object; // prettier-ignore
  expect(report).toMatchObject({ seed: 1, ensemble: 2, runs: [{ seed: 1 }, { seed: 2 }] });
});

test('readings are of one member, which is chosen', async () => {
  await train('--ensemble', '2', '--out', 'two.safetensors');
  const asked = ['reach', 'the cat sat', 'two.safetensors'];
  expect(await run(...asked)).toMatchObject({ status: 2, stderr: expect.stringContaining('is an ensemble of 2models: choose one with --member 0 to 1') }); // prettier-ignore
  expect((await run(...asked, '--member', '1')).status).toBe(0);
  expect((await run(...asked, '--member', '2')).stderr).toContain('--member 2: two.safetensors is an ensemble of 2');
  await train('--out', 'one.safetensors');
  expect((await run('reach', 'the cat sat', 'one.safetensors', '--member', '0')).stderr).toContain('is not an ensemble'); // prettier-ignore
});

test.each([
  [['--ensemble', '1'], 'integer from 2 to 100'],
  [['--ensemble', '101'], 'integer from 2 to 100'],
  [['--ensemble', '2', '--seeds', '2'], '--seeds and --ensemble both train several times'],
])('%j is refused', async (args, message) => {
  const { status, stderr } = await train(...args, '--out', 'none.safetensors');
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});
