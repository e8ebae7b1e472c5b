/** What a student asks first, each one command, from an empty folder with the packed package. Build first: `npm run check:package`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPacked } from '../support/packed';
import type { Installation } from '../support/packed';

const SENTENCE = 'the cat near the dogs by the trees sat';
const T = SENTENCE.split(' ').length;

let installation: Installation;
beforeAll(() => (installation = installPacked()));
afterAll(() => installation?.remove());

const bptt = (...args: string[]) => installation.run('npx', ['--no-install', 'bptt', ...args]);
const json = (...args: string[]) => JSON.parse(bptt(...args, '--json')) as Record<string, unknown>;

interface Cell {
  cell: string;
  retention: number[][];
  before?: number[][];
}

test('how much of the last word’s gradient reaches each word, for three cells', () => {
  const { cells } = json('compare', SENTENCE, '--cells', 'rnn,lstm,gru', '--seeds', '2') as unknown as {
    cells: Cell[];
  };
  expect(cells.map(({ cell }) => cell)).toEqual(['rnn', 'lstm', 'gru']);
  for (const { retention } of cells) {
    expect(retention.at(-1)).toHaveLength(T);
    expect(retention.at(-1)!.every((share) => share > 0)).toBe(true);
    expect(retention.at(-1)!.at(-1)).toBe(1);
  }
});

test('the gates per step', () => {
  const gates = json('gates', SENTENCE, '--cell', 'lstm') as Record<string, number[][]>;
  expect(Object.keys(gates)).toEqual(['i', 'f', 'g', 'o']);
  for (const steps of Object.values(gates)) expect(steps.map((units) => units.length)).toEqual(Array(T).fill(16));
});

test('the gradient of one weight as a sum over time, checked', () => {
  const text = bptt('ledger', SENTENCE, '--cell', 'rnn', '--param', 'Wh', '--at', '0,2');
  expect(text).toMatch(/dWh\[0\]\[2\] = \S+ = .*\(k=1\)/);
  expect(text).toMatch(/^agrees {2}central difference/m);
  expect(json('check', SENTENCE, '--cell', 'rnn', '--random', '50')).toMatchObject({ checked: 50, agrees: true });
});

test('a figure for a thesis, with its numbers, which can be verified', () => {
  bptt('figure', 'reach', SENTENCE, '--cell', 'lstm', '--theme', 'print', '--svg', 'reach.svg', '--csv', 'reach.csv');
  expect(readFileSync(join(installation.folder, 'reach.csv'), 'utf8').split('\r\n').length).toBe((T * (T + 1)) / 2 + 2);
  expect(json('verify', 'reach.svg')).toMatchObject({ differing: 0 });
});

test('what changes after training', () => {
  const args = ['compare', SENTENCE, '--cells', 'rnn,lstm', '--train', '50', '--loss-seed', 'margin'];
  const { cells } = json(...args) as unknown as { cells: Cell[] };
  for (const { retention, before } of cells) expect(retention).not.toEqual(before);
});
