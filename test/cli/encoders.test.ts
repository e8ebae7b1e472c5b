/** `--encoders` from the command line to a model file, its scores and its labels. */
import { readFileSync } from 'node:fs';
import { loadModel } from '../../src/labeling/model/file';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
const run = (...args: string[]) => bpttHere(args, space.folder);
const TRAIN = ['train', '--train', 'train.tsv', '--dev', 'dev.tsv', ...TINY, '--epochs', '2', '--quiet'];
const AFFIXES = ['--affix-size', '5', '--affix-rows', '40', '--prefixes', '1', '--suffixes', '2'];
const CHARACTERS = ['--character-embedding', '3', '--character-size', '4'];
const config = (name: string) => loadModel(readFileSync(space.at(name))).config;

beforeAll(() => {
  space = createWorkspace();
});
afterAll(() => space.remove());

test('the sizes reach the model; eval and tag read it', async () => {
  const args = [...TRAIN, '--encoders', 'words,affixes', ...AFFIXES, '--out', 'a.safetensors'];
  expect(await run(...args)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(config('a.safetensors').encoders).toEqual([
    { kind: 'words', width: 6, size: expect.any(Number) as number },
    { kind: 'affixes', width: 5, rows: 40, prefixes: 1, suffixes: 2 },
  ]);
  const { stdout, status } = await run('eval', 'a.safetensors', 'test.tsv', '--json');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ accuracy: expect.any(Number) as number });
  const tagged = bptt(['tag', 'a.safetensors'], { cwd: space.folder, input: 'They walked unseenly .\n' });
  expect(tagged.status).toBe(0);
  expect(tagged.stdout).toMatch(/^They\/\S+ walked\/\S+ unseenly\/\S+ \.\/\S+\n$/);
});

test.each([
  [['--characters', 'lstm'], { network: 'lstm', window: 3 }],
  [['--characters', 'cnn', '--character-window', '5', '--character-unit', 'grapheme'], { network: 'cnn', window: 5 }],
])(
  'characters %j: the sizes reach the model; eval and tag read it',
  async (choice, expected) => {
    const args = [...TRAIN, '--encoders', 'words,affixes,characters', ...AFFIXES, ...CHARACTERS, ...choice];
    expect(await run(...args, '--out', 'k.safetensors')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(config('k.safetensors').encoders[2]).toEqual({
      ...{ kind: 'characters', width: 4, embedding: 3, size: expect.any(Number) as number },
      ...expected,
    });
    const { stdout, status } = await run('eval', 'k.safetensors', 'test.tsv', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ accuracy: expect.any(Number) as number });
    const input = `They walked unseenly .\n${'x'.repeat(10_000)} 😀 e\u0301\n`;
    const tagged = bptt(['tag', 'k.safetensors', '--output', 'conll'], { cwd: space.folder, input });
    expect(tagged.status).toBe(0);
    expect(tagged.stdout.trim().split('\n').filter(Boolean)).toHaveLength(7);
  },
  60_000,
);

test('--affix-rows all: a row for each affix; eval reads it', async () => {
  const args = [...TRAIN, '--encoders', 'words,affixes', ...AFFIXES.with(3, 'all'), '--out', 'e.safetensors'];
  expect(await run(...args)).toEqual({ status: 0, stdout: '', stderr: '' });
  const [, { rows, exact }] = config('e.safetensors').encoders as unknown as { rows: number; exact: boolean }[];
  expect(exact).toBe(true);
  expect(rows).toBeGreaterThan(40);
  const { stdout, status } = await run('eval', 'e.safetensors', 'test.tsv', '--json');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ accuracy: expect.any(Number) as number });
});

test('the default is words alone', async () => {
  await run(...TRAIN, '--out', 'b.safetensors');
  await run(...TRAIN, '--encoders', 'words', '--out', 'c.safetensors');
  expect(config('b.safetensors').encoders.map(({ kind }) => kind)).toEqual(['words']);
  expect(readFileSync(space.at('c.safetensors')).equals(readFileSync(space.at('b.safetensors')))).toBe(true);
});

test('two threads: the same bytes twice', () => {
  const args = [
    ...TRAIN,
    '--encoders',
    'affixes,words,characters',
    ...AFFIXES,
    ...CHARACTERS,
    '--threads',
    '2',
    '--json',
  ];
  for (const out of ['d.safetensors', 'e.safetensors']) {
    const { stdout, status } = bptt([...args, '--out', out], { cwd: space.folder });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ threads: 2 });
  }
  expect(readFileSync(space.at('e.safetensors')).equals(readFileSync(space.at('d.safetensors')))).toBe(true);
  expect(config('d.safetensors').encoders.map(({ kind }) => kind)).toEqual(['affixes', 'words', 'characters']);
});

test('a classifier takes encoders too', async () => {
  space.write('moods.tsv', 'pos\tgood good film\nneg\tbad film\n'.repeat(8));
  const args = ['train', '--task', 'classify', '--train', 'moods.tsv', ...TINY, '--epochs', '1', '--quiet'];
  const { status } = await run(...args, '--encoders', 'words,affixes', ...AFFIXES, '--out', 'm.safetensors');
  expect(status).toBe(0);
  expect(config('m.safetensors').heads[0].kind).toBe('sentence');
});

test.each([
  [
    ['--encoders', 'runes'],
    /--encoders <names>' argument 'runes' is invalid. It must be a list of words, affixes, characters/,
  ],
  [['--encoders', 'words,words'], /each at most once, such as words,affixes/],
  [['--encoders', ''], /It must be a list of/],
  [['--encoders', 'words, affixes'], /It must be a list of/],
  [
    ['--affix-size', '8'],
    /^bptt: --affix-size has no effect without the encoder affixes: leave it out, or add affixes/,
  ],
  [['--prefixes', '3'], /--prefixes has no effect without the encoder affixes/],
  [['--encoders', 'affixes', '--min-count', '2'], /--min-count has no effect without the encoder words/],
  [['--encoders', 'affixes', '--no-signatures'], /--no-signatures has no effect without the encoder words/],
  [['--characters', 'cnn'], /--characters has no effect without the encoder characters/],
  [
    ['--encoders', 'words,affixes', '--character-unit', 'grapheme'],
    /--character-unit has no effect without the encoder/,
  ],
  [['--encoders', 'characters', '--character-window', '5'], /--character-window has no effect with --characters lstm/],
  [['--encoders', 'characters', '--character-size', '5'], /--character-size must be even for --characters lstm.*got 5/],
  [['--encoders', 'characters', '--characters', 'gru'], /It must be one of lstm, cnn/],
  [['--encoders', 'characters', '--character-unit', 'byte'], /It must be one of code-point, grapheme/],
  [['--encoders', 'affixes', '--prefixes', '11'], /It must be an integer from 0 to 10/],
  [['--encoders', 'affixes', '--suffixes', '1.5'], /It must be an integer from 0 to 10/],
  [['--encoders', 'affixes', '--affix-rows', '0'], /It must be an integer of at least 1/],
  [['--encoders', 'affixes', '--affix-rows', 'every'], /It must be an integer of at least 1, or all\./],
  [['--encoders', 'affixes', '--affix-min-count', '0'], /It must be an integer of at least 1/],
  [['--affix-min-count', '2'], /--affix-min-count has no effect without the encoder affixes/],
  [
    ['--encoders', 'affixes', '--affix-dropout', '0.2'],
    /^bptt: --affix-dropout .* without rare affixes: add --affix-min-count 2/,
  ],
])('%j is refused', async (args, message) => {
  const { status, stderr, stdout } = await run('train', '--train', 'train.tsv', ...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
