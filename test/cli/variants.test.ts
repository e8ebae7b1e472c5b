/** Variants of cells on the command line: proved, read, compared, trained and used by their names, and refused by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatSentence, generateCorpus } from '../../src/labeling';
import { bptt } from '../support/cli';

const folder = mkdtempSync(join(tmpdir(), 'bptt-variants-'));
afterAll(() => rmSync(folder, { recursive: true }));
const here = (...args: string[]) => bptt(args, { cwd: folder });
const corpus = generateCorpus({ sentences: 20, seed: 1 });
writeFileSync(
  join(folder, 'train.txt'),
  corpus.map(({ tokens, labels = [] }) => formatSentence({ tokens, labels }, 'conll')).join(''),
);

const NAMES = [
  'lstm:peepholes,coupled,clip=3',
  'lstm:layernorm',
  'gru:layernorm',
  'lstm:projection=2',
  'gru-reset-before:activations=HardSigmoid/Tanh',
  'rnn:activation=Softsign',
];

test.each(NAMES)('%s: gradcheck agrees', (name) => {
  const { status, stdout, stderr } = here('gradcheck', '--cell', name, '--hidden', '3', '--steps', '3', '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ cell: name, agrees: true });
});

test.each(['lstm:layernorm', 'lstm:projection=2', 'rnn:activation=Softsign'])('%s: inspect and check', (name) => {
  for (const command of ['inspect', 'check']) {
    const outcome = here(command, 'the cats sat', '--cell', name, '--hidden', '3', '--json');
    expect([command, outcome.status]).toEqual([command, 0]);
    expect(outcome.stdout).toContain(command === 'inspect' ? name : '"agrees":true');
  }
});

test('compare takes variants, whose own commas stay with them', () => {
  const outcome = here('compare', 'cats sat', '--cells', 'gru, lstm:clip=3,peepholes,rnn:clip=2', '--hidden', '3', '--json'); // prettier-ignore
  expect(outcome.status).toBe(0);
  const { cells } = JSON.parse(outcome.stdout) as { cells: { cell: string }[] };
  expect(cells.map(({ cell }) => cell)).toEqual(['gru', 'lstm:peepholes,clip=3', 'rnn:clip=2']);
});

test('a model of a variant is trained, and used without naming it again', () => {
  const sizes = ['--hidden', '4', '--embedding', '4', '--epochs', '1'];
  const trained = here('train', '--train', 'train.txt', '--cell', 'gru:layernorm', ...sizes, '--out', 'm.st');
  expect(trained.status).toBe(0);
  expect(here('eval', 'm.st', 'train.txt').status).toBe(0);
  expect(here('inspect', 'the cats sat', 'm.st').status).toBe(0);
});

test.each([
  [['gradcheck', '--cell', 'lstm:bogus'], "got 'bogus'"],
  [['gradcheck', '--cell', 'lstm:layernorm,clip=3'], 'layernorm cannot be combined with other options: leave out clip'],
  [['train', '--train', 'train.txt', '--cell', 'rnn:activation=Tan'], 'must be one of Relu, Tanh'],
  [['inspect', 'a b', '--cell', 'lstm:projection=1'], 'must be at least 2'],
  [['compare', 'a b', '--cells', 'lstm,gru:peepholes'], "got 'peepholes'"],
] as const)('%j is refused in one line', (args, message) => {
  const outcome = here(...args);
  expect(outcome).toMatchObject({ status: 2, stdout: '' });
  expect(outcome.stderr).toContain(message);
  expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
});
