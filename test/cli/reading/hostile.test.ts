/** What a newcomer or a hostile user types: every option is used or refused, whatever is printed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArray } from '../../../src/tensor';
import { encodeSafetensors } from '../../../src/serialize/safetensors';
import { bpttHere } from '../../support/cli-here';
import { flow, jsonOf, printed } from './support';

const SENTENCE = 'the cat near the dogs sat';
const SMALL = ['--hidden', '3', '--embedding', '2'];
const folder = mkdtempSync(join(tmpdir(), 'bptt-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function refusal(args: readonly string[]) {
  const { status, stdout, stderr } = await bpttHere(args);
  expect({ stdout, lines: stderr.split('\n').length }).toEqual({ stdout: '', lines: 2 });
  return `${status} ${stderr.trim()}`;
}

test.each([
  [['inspect', SENTENCE, '--layer', '7', '--json'], '--layer must be at most 0; got 7'],
  [['reach', SENTENCE, '--layer', '7'], '--layer must be at most 0; got 7'],
  [['reach', SENTENCE, '--direction', 'reverse', '--json'], '--direction reverse: the model reads forward alone'],
  [['reach', SENTENCE, '--cell', 'rnn', '--variable', 'c', '--json'], '--variable c: the cell rnn has'],
  [['compare', SENTENCE, '--layer', '7'], '--layer must be at most 0; got 7'],
  [['figure', 'reach', SENTENCE, '--svg', join(folder, 'f.svg'), '--layer', '7'], '--layer must be at most 0; got 7'],
  [['inspect', SENTENCE, '--label', 'V.SG'], '--label is for --loss-seed logit or margin; got loss'],
  [
    ['check', SENTENCE, '--loss-seed', 'logit', '--contrast', 'V.SG'],
    '--contrast is for --loss-seed margin; got logit',
  ],
  [['compare', SENTENCE, '--contrast', 'V.SG'], '--contrast is for --loss-seed margin; got loss'],
  [
    ['reach', SENTENCE, '--loss-seed', 'margin', '--label', 'V.SG', '--contrast', 'V.SG'],
    '--contrast must be another label than --label; got "V.SG" twice',
  ],
  [['salience', SENTENCE, '--label', 'V.SG', '--contrast', 'V.SG'], '--contrast must be another label than --label'],
  [['compare', SENTENCE, '--cells', 'rnn,gru', '--forget-bias', '2'], '--forget-bias is for the cell lstm'],
  [['ledger', SENTENCE, '--at', '99,0', '--json'], 'counted from 0; got [99, 0]'],
  [
    ['figure', 'reach', SENTENCE, '--svg', join(folder, 'f.svg'), '--language', 'constructor'],
    '--language constructor',
  ],
])('%j is refused by name', async (args, message) => {
  const found = await refusal(args);
  expect(found.startsWith('2 bptt: ')).toBe(true);
  expect(found).toContain(message);
});

test.each([
  ['inspect', '--checks'],
  ['check', '--random'],
  ['inspect', '--layers'],
  ['inspect', '--hidden'],
  ['inspect', '--embedding'],
  ['inspect', '--train'],
  ['compare', '--seeds'],
])('%s %s 9007199254740991 is refused at once', async (command, option) => {
  expect(await refusal([command, SENTENCE, option, '9007199254740991'])).toMatch(/^2 bptt: .*It must be at most \d+\./);
});

test('a gradient that is 0 has no shares, and says so', async () => {
  expect(flow(await printed(['ledger', 'cat', ...SMALL]))).toContain(
    'the gradient dWh is 0 at this sentence: it has no',
  );
  const text = await printed(['inspect', 'cat', ...SMALL, '--checks', '1']);
  expect(flow(text)).toContain('dWh is 0 here: it has no shares');
  expect(text).toContain('1 weight checked');
  expect(text).not.toMatch(/NaN|✕/);
});

test('ledger --at: the weight is in --json, its uses add up to its total', async () => {
  const args = ['ledger', SENTENCE, ...SMALL, '--at', '1,2'];
  const { element } = await jsonOf<{ element: { index: number[]; uses: number[]; total: number } }>(args);
  expect(element.index).toEqual([1, 2]);
  expect(element.uses.reduce((sum, each) => sum + each, 0)).toBeCloseTo(element.total, 12);
});

/** A state dict of an RNN with D = 3 and H = 2. */
function stateDict(name: string, change: Parameters<typeof encodeSafetensors>[0] = {}): string {
  const path = join(folder, name);
  const weights = {
    weight_ih_l0: fromArray([1, 2, 3, 4, 5, 6], [2, 3]),
    weight_hh_l0: fromArray([1, 2, 3, 4], [2, 2]),
  };
  writeFileSync(path, encodeSafetensors({ ...weights, ...change }));
  return path;
}

test('weights that are not finite: no word is named, and the difference is not 0', async () => {
  const file = stateDict('nan.safetensors', { weight_hh_l0: fromArray([NaN, NaN, NaN, NaN], [2, 2]) });
  expect(flow(await printed(['salience', 'the cat sat', file]))).toContain('no word is named');
  expect((await jsonOf<{ agrees: boolean }>(['salience', 'the cat sat', file])).agrees).toBe(false);
  expect(flow(await printed(['inspect', 'the cat sat', file]))).toContain('worst relative difference ✕ from forward');
});

test.each([
  ['flat', { weight_hh_l0: fromArray([1, 2], [2]) }, 'weight_hh_l0 is [2]; expected a matrix'],
  ['empty', { weight_ih_l0: fromArray([], [2, 0]) }, 'weight_ih_l0 has no columns'],
])('a state dict whose weights are %s is bad data', async (name, change, message) => {
  const file = stateDict(`${name}.safetensors`, change);
  const found = await refusal(['inspect', 'the cat sat', file]);
  expect(found).toContain(message);
  expect(found.startsWith(`65 bptt: ${file}: `)).toBe(true);
});

test('a word that occurs twice: the file of the words is named', async () => {
  const words = join(folder, 'words.txt');
  writeFileSync(words, '<unk>\nthe\nthe\n');
  const found = await refusal(['inspect', 'the cat', stateDict('plain.safetensors'), '--words', words]);
  expect(found).toBe(`65 bptt: ${words}: "the" occurs twice; expected each word once: remove one`);
});

test('a state dict has a cell of its own', async () => {
  expect(await refusal(['inspect', 'the cat', stateDict('own.safetensors'), '--cell', './mine.mjs'])).toMatch(
    /^2 .*leave it out$/,
  );
});
