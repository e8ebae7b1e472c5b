/** `bptt report`: one file, whole or not at all, for every kind of model. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArray } from '../../../src/tensor';
import { encodeSafetensors } from '../../../src/serialize/safetensors';
import { bptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';

const SENTENCE = 'the cat near the dogs sat';
const SMALL = ['--hidden', '3', '--embedding', '2'];

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-report-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => bpttHere(['report', '--quiet', ...args], folder);
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

test('12 words, 16 units: at most 250 kB in each language, and its size is printed', async () => {
  const sentence = 'the cat near the dogs by the trees near the boys sat';
  for (const language of ['en', 'de']) {
    const { status, stdout, stderr } = await run(sentence, '--cell', 'lstm', '--language', language, '-o', 'r.html');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const bytes = readFileSync(join(folder, 'r.html')).length;
    expect(bytes).toBeLessThanOrEqual(250_000);
    expect(stdout).toBe(`r.html: ${Math.ceil(bytes / 1000)} kB\n`);
    expect(read('r.html').match(/<section /g)).toHaveLength(11);
  }
  expect(read('r.html')).toContain(`bptt report &#39;${sentence}&#39; --cell lstm --language de`);
});

test('the same command writes the same bytes', async () => {
  await run(SENTENCE, ...SMALL, '-o', 'a.html');
  await run(SENTENCE, ...SMALL, '-o', 'b.html');
  expect(read('a.html')).toBe(read('b.html'));
});

test('a model that was trained, a state dict of PyTorch, a cell of one’s own', async () => {
  expect(await run(SENTENCE, ...SMALL, '--cell', 'gru', '--train', '2', '-o', 'trained.html')).toMatchObject({
    status: 0,
  });
  const file = join(folder, 'torch.safetensors');
  const weights = {
    weight_ih_l0: fromArray([1, 2, 3, 4, 5, 6], [2, 3]),
    weight_hh_l0: fromArray([0.1, 0.2, 0.3, 0.4], [2, 2]),
  };
  writeFileSync(file, encodeSafetensors(weights));
  expect(await run('the cat sat', file, '-o', 'torch.html')).toMatchObject({ status: 0 });
  expect(read('torch.html')).toContain('weights from PyTorch');
  writeFileSync(file, encodeSafetensors({ ...weights, weight_hh_l0: fromArray([NaN, NaN, NaN, NaN], [2, 2]) }));
  expect(await run('the cat sat', file, '-o', 'nan.html')).toMatchObject({ status: 0 });
  expect(read('nan.html')).toContain('✕');
  copyFileSync(join(__dirname, '../../support/leaky.mjs'), join(folder, 'leaky.mjs'));
  const own = bptt(['report', '--quiet', 'the cat sat', ...SMALL, '--cell', './leaky.mjs', '-o', 'own.html'], {
    cwd: folder,
  });
  expect(own).toMatchObject({ status: 0, stderr: '' });
  expect(read('own.html')).not.toContain('<script');
});

test.each([
  ['one word, one unit', 'cat', ['--hidden', '1', '--embedding', '1', '--cell', 'rnn']],
  ['right-to-left and Chinese', 'שלום مرحبا 猫が', SMALL],
  ['both directions, two layers', SENTENCE, [...SMALL, '--bidirectional', '--layers', '2', '--cell', 'gru']],
  [
    'what is looked at',
    SENTENCE,
    [...SMALL, '--word', '2', '--loss', '4', '--target', '1', '--variable', 'c', '--gate', 'f'],
  ],
  ['a margin', SENTENCE, [...SMALL, '--loss-seed', 'margin', '--normalize', 'absolute']],
] as const)('%s', async (_, sentence, more) => {
  const { status, stderr } = await run(sentence, ...more, '-o', 'x.html');
  expect({ status, stderr: stderr.replace(/^warning: .*\n/gm, '') }).toEqual({ status: 0, stderr: '' });
  expect(read('x.html').replace(/<script>.*?<\/script>/s, '')).not.toMatch(/undefined|\[object/);
});

test('a word that is markup stays a word', async () => {
  await run('</script><img onerror=alert(1)> sat', ...SMALL, '-o', 'x.html');
  expect(read('x.html')).not.toContain('<img');
  expect(read('x.html').match(/<\/script/g)).toHaveLength(2);
});

test.each([
  [[], '-o is missing'],
  [['-o', 'no/such/r.html'], 'no/such'],
  [['-o', 'y.html', '--theme', 'pink'], 'theme'],
  [['-o', 'y.html', '--language', 'constructor'], 'language'],
  [['-o', 'y.html', '--target', '9'], '--target must be at most 5; got 9'],
  [['-o', 'y.html', '--layer', '3'], '--layer must be at most 0'],
  [['-o', 'y.html', '--label', 'V.SG'], '--label applies only to --loss-seed'],
  [['-o', 'y.html', '--word', '99'], 'word'],
])('%j is refused with one line, and no file', async (more, message) => {
  const { status, stdout, stderr } = await run(SENTENCE, ...SMALL, ...more);
  expect([1, 2]).toContain(status);
  expect({ stdout, lines: stderr.split('\n').length }).toEqual({ stdout: '', lines: 2 });
  expect(stderr).toContain(message);
  expect(readdirSync(folder).filter((name) => name === 'y.html' || name.startsWith('.bptt'))).toEqual([]);
});

test('--help names the example', async () => {
  const { status, stdout } = await run('--help');
  expect(status).toBe(0);
  expect(stdout).toContain('bptt report "the cat near the dogs by the trees sat" --cell lstm -o report.html');
});
