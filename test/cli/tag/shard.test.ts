/** `bptt tag --shard i/n`: joined in order, the pieces are the whole, byte for byte; outputs that appear when they are whole; `bptt join`. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { bptt, startBptt } from '../../support/cli.js';
import { bpttHere } from '../../support/cli-here.js';
import { conll, createWorkspace, TINY, trainTiny } from '../../support/workspace.js';
import type { Workspace } from '../../support/workspace.js';

let space: Workspace;
const here = (...args: string[]) => bpttHere(args, space.folder);
const read = (name: string): string => readFileSync(space.at(name), 'utf8');

beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
  const corpus = generateCorpus({ sentences: 90, seed: 9 });
  space.write('x.tsv', conll(corpus));
  space.write('x.txt', `\ufeff${corpus.map(({ tokens }, i) => `${tokens.join(' ')}\n${i % 7 === 0 ? '\n' : ''}`).join('')}and the end`); // prettier-ignore
  space.write('x.jsonl', corpus.map(({ tokens }, id) => `${JSON.stringify({ id, tokens })}\n`).join(''));
  space.write('texts.jsonl', corpus.map(({ tokens }, id) => `${JSON.stringify({ id, text: `${tokens.join(' ')}. The end.` })}\n`).join('')); // prettier-ignore
  const rows = (tokens: readonly string[], i: number) =>
    [`# sent_id = ${i}`, ...tokens.map((token, t) => `${t + 1}\t${token}\t_\tX\t_\t_\t_\t_\t_\t_`), '', ''].join(
      '\r\n',
    );
  space.write('x.conllu', `${corpus.map(({ tokens }, i) => rows(tokens, i)).join('')}# the end`);
  space.write('plus.conllu', `# global.columns = FORM UPOS\n${corpus.map(({ tokens }) => `${tokens.map((token) => `${token}\tX\n`).join('')}\n`).join('')}`); // prettier-ignore
  space.write('x.slashed', corpus.map(({ tokens }) => `${tokens.map((token) => `${token}/X`).join(' ')}\n`).join(''));
  space.write('header.tsv', `class\tmessage\n${corpus.map(({ tokens }, i) => `${i % 2 ? 'a' : 'b'}\t${tokens.join(' ')}\n`).join('')}`); // prettier-ignore
  mkdirSync(space.at('slots'));
  space.write('slots/seq.in', corpus.map(({ tokens }) => `${tokens.join(' ')}\n`).join(''));
  space.write('slots/seq.out', corpus.map(({ tokens }) => `${tokens.map(() => 'O').join(' ')}\n`).join(''));
  mkdirSync(space.at('brat'));
  for (const [d, { tokens }] of corpus.slice(0, 7).entries()) {
    space.write(`brat/${d}.txt`, `${tokens.join(' ')}\nThe end.\n`);
    space.write(`brat/${d}.ann`, '');
  }
  const args = ['train', '--train', 'header.tsv', '--task', 'classify', '--epochs', '1', '--quiet', ...TINY];
  expect(await here(...args, '--out', 'classes.safetensors')).toMatchObject({ status: 0 });
});
afterAll(() => space.remove());

async function joined(n: number, model: string, args: readonly string[]): Promise<string> {
  let all = '';
  for (let i = 1; i <= n; i++) {
    const piece = await here('tag', `${model}.safetensors`, ...args, '--shard', `${i}/${n}`);
    expect(piece).toMatchObject({ status: 0, stderr: '' });
    all += piece.stdout;
  }
  return all;
}

test.each([
  ['raw text', 'model', ['x.txt', '--probabilities']],
  ['columns', 'model', ['x.tsv', '--format', 'two-column', '--output', 'conll']],
  ['columns by content', 'model', ['x.tsv', '--format', 'conll', '--output', 'slashed']],
  ['JSON lines', 'model', ['x.jsonl', '--format', 'jsonl', '--output', 'jsonl', '--probabilities']],
  ['words with slashes', 'model', ['x.slashed', '--format', 'slashed']],
  ['CoNLL-U', 'model', ['x.conllu', '--format', 'conllu', '--output', 'jsonl']],
  ['CoNLL-U with its own lines', 'model', ['x.conllu', '--output', 'conllu', '--column', 'upos']],
  ['CoNLL-U Plus', 'model', ['plus.conllu', '--format', 'conllu', '--output', 'conllu', '--column', 'upos']],
  ['raw text as CoNLL-U', 'model', ['x.txt', '--output', 'conllu', '--column', 'upos']],
  ['spans of raw text', 'model', ['x.txt', '--output', 'spans']],
  ['spans of columns', 'model', ['x.tsv', '--format', 'two-column', '--output', 'spans']],
  ['spans of texts in JSON', 'model', ['texts.jsonl', '--format', 'jsonl', '--output', 'spans']],
  ['slots', 'model', ['slots', '--format', 'slots']],
  ['documents of brat', 'model', ['brat', '--format', 'brat', '--output', 'jsonl']],
  ['labels of sentences', 'classes', ['x.txt']],
  ['labels of sentences in a table', 'classes', ['header.tsv', '--format', 'tsv', '--output', 'jsonl']],
] as const)('%s: the pieces are the whole', async (_, model, args) => {
  const whole = await here('tag', `${model}.safetensors`, ...args);
  expect(whole).toMatchObject({ status: 0, stderr: '' });
  for (const n of [1, 2, 5, 11]) expect(await joined(n, model, args)).toBe(whole.stdout);
});

test('any text, any number of pieces: joined they are the whole', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('', ' ', 'the cat sat.', 'They run. Do they?', 'é #x', '日本語', '\t'), { minLength: 1, maxLength: 12 }), // prettier-ignore
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom('text', 'spans', 'conllu'),
      async (lines, end, last, n, output) => {
        space.write('any.txt', `a${lines.join(end)}${last ? end : ''}`);
        const args = ['any.txt', '--output', output, ...(output === 'conllu' ? ['--column', 'upos'] : [])];
        const whole = await here('tag', 'model.safetensors', ...args);
        expect(await joined(n, 'model', args)).toBe(whole.stdout);
      },
    ),
    { numRuns: 15, seed: 6 },
  ));

test('more pieces than sentences, and pieces of blank lines alone, are empty and right', async () => {
  space.write('few.txt', `${'\n'.repeat(60)}the cat\n`);
  const whole = await here('tag', 'model.safetensors', 'few.txt');
  expect(await joined(9, 'model', ['few.txt'])).toBe(whole.stdout);
  space.write('empty.txt', '');
  expect(await here('tag', 'model.safetensors', 'empty.txt', '--shard', '1/2')).toMatchObject({ status: 65, stdout: '' }); // prettier-ignore
});

test('a bad line keeps its number', async () => {
  const lines = Array.from({ length: 900 }, (_, i) => `{"tokens": ["a${i}"]}\n`);
  lines[700] = '{"tokens": 1}\n';
  space.write('bad.jsonl', lines.join(''));
  const args = ['tag', 'model.safetensors', 'bad.jsonl', '--format', 'jsonl', '--shard'];
  expect((await here(...args, '2/3')).status).toBe(0);
  const { status, stderr } = await here(...args, '3/3');
  expect([status, stderr]).toEqual([65, expect.stringContaining('bad.jsonl:701: ')]);
});

test('the number of a piece from the environment', async () => {
  const args = ['tag', 'model.safetensors', 'x.txt', '--shard'];
  const second = await here(...args, '2/3');
  const env = { SLURM_ARRAY_TASK_ID: '2', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '3', SLURM_ARRAY_TASK_COUNT: '3' }; // prettier-ignore
  expect(await bpttHere([...args, 'slurm/3'], space.folder, { env })).toEqual(second);
  expect(await bpttHere([...args, 'kubernetes/3'], space.folder, { env: { JOB_COMPLETION_INDEX: '1' } })).toEqual(second); // prettier-ignore
  expect((await here(...args, 'slurm/3')).status).toBe(2);
});

test('standard input, pipes and what is not there are refused', () => {
  const tag = (...args: string[]) => bptt(['tag', 'model.safetensors', ...args], { cwd: space.folder, input: 'a\n' });
  for (const path of ['-', '/dev/stdin'])
    expect(tag(path, '--shard', '1/2')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('--shard cuts a file') }); // prettier-ignore
  expect(tag('gone.txt', '--shard', '1/2')).toMatchObject({ status: 65, stdout: '' });
  expect(tag('brat', '--format', 'brat', '--output', 'spans', '--shard', '1/2').status).toBe(2);
});

describe('--out', () => {
  const piece = (i: number, n: number, ...more: string[]) =>
    here('tag', 'model.safetensors', 'x.conllu', '--format', 'conllu', '--output', 'conllu', '--column', 'upos', '--shard', `${i}/${n}`, '--out', `p${i}.conllu`, ...more); // prettier-ignore

  test('without a shard: the whole, and no manifest', async () => {
    const { stdout } = await here('tag', 'model.safetensors', 'x.txt');
    const told = await here('tag', 'model.safetensors', 'x.txt', '--out', 'all.txt');
    expect(told.stdout).toMatch(/^all\.txt: \d+ sentences, \d+ tokens\n$/);
    expect(read('all.txt')).toBe(stdout);
    expect(existsSync(space.at('all.txt.manifest.json'))).toBe(false);
  });

  test('a manifest tells what a piece was made from; a finished piece stays as it is', async () => {
    expect((await piece(2, 3)).stdout).toMatch(/^p2\.conllu: piece 2 of 3, \d+ sentences, \d+ tokens\n$/);
    const manifest = JSON.parse(read('p2.conllu.manifest.json')) as Record<string, Record<string, unknown>>;
    const sha256 = (name: string) =>
      createHash('sha256')
        .update(readFileSync(space.at(name)))
        .digest('hex');
    const bytes = readFileSync(space.at('x.conllu')).length;
    const { begin, end } = manifest.range as { begin: number; end: number };
    const text = readFileSync(space.at('x.conllu')).subarray(begin, end).toString();
    expect(manifest).toMatchObject({
      format: 'bptt-piece',
      version: 1,
      shard: { i: 2, n: 3 },
      input: { bytes, sha256: sha256('x.conllu') },
      model: { sha256: sha256('model.safetensors') },
      options: { output: 'conllu', format: 'conllu', column: 'upos' },
      counts: { sentences: text.match(/# sent_id/g)!.length, tokens: text.match(/^\d/gm)!.length },
      output: { bytes: readFileSync(space.at('p2.conllu')).length, sha256: sha256('p2.conllu') },
    });
    expect((await piece(2, 3)).stdout).toBe('p2.conllu: piece 2 of 3 is already finished\n');
    expect((await piece(2, 3, '--threads', 'auto')).stdout).toMatch('is already finished');
  });

  test('it is made again where anything it was made from, or the output, is another', async () => {
    const again = async (...more: string[]) => (await piece(2, 3, ...more)).stdout.includes('already finished');
    await again();
    expect(await again('--backend', 'cpu')).toBe(false);
    expect(await again()).toBe(false);
    writeFileSync(space.at('p2.conllu'), read('p2.conllu').replace('a', 'b'));
    expect(await again()).toBe(false);
    rmSync(space.at('p2.conllu'));
    expect(await again()).toBe(false);
    writeFileSync(space.at('p2.conllu.manifest.json'), '{}');
    expect(await again()).toBe(false);
    const whole = read('x.conllu');
    space.write('x.conllu', whole.replace('# the end', '# The end'));
    expect(await again()).toBe(false);
    space.write('x.conllu', whole);
    copyFileSync(space.at('model.safetensors'), space.at('kept'));
    expect(await again()).toBe(false);
    expect(await again()).toBe(true);
  });

  test('an error leaves the earlier file, and no draft', async () => {
    space.write('half.jsonl', '{"tokens": ["a"]}\n{"tokens": 1}\n');
    space.write('out.txt', 'earlier');
    const { status } = await here('tag', 'model.safetensors', 'half.jsonl', '--format', 'jsonl', '--out', 'out.txt');
    expect([status, read('out.txt')]).toEqual([65, 'earlier']);
    expect(readdirSync(space.folder).filter((name) => name.startsWith('.bptt'))).toEqual([]);
  });

  test('an output that is an input, and one that cannot be written, are refused', async () => {
    const tag = (...args: string[]) => here('tag', 'model.safetensors', 'x.txt', ...args);
    expect((await tag('--out', 'x.txt')).stderr).toMatch('--out x.txt would overwrite the input x.txt');
    expect((await tag('--out', 'model.safetensors')).status).toBe(2);
    expect((await tag('--out', 'no/folder')).status).toBe(1);
    expect((await tag('--out', '-')).status).toBe(2);
    copyFileSync(space.at('x.txt'), space.at('y.txt.manifest.json'));
    const manifest = await here('tag', 'model.safetensors', 'y.txt.manifest.json', '--shard', '1/1', '--out', 'y.txt');
    expect(manifest.stderr).toMatch('the manifest of --out y.txt.manifest.json would overwrite the input');
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    '%s leaves the earlier file; the next run ends in the same bytes',
    async (signal) => {
      const args = ['tag', 'model.safetensors', 'big.txt', '--shard', '1/2', '--out', 'big-1.txt'];
      if (!existsSync(space.at('big.txt'))) space.write('big.txt', 'the cat sat on the mat.\n'.repeat(6000));
      space.write('big-1.txt', 'earlier');
      const child = startBptt(args, { cwd: space.folder });
      const drafts = () => readdirSync(space.folder).filter((name) => name.startsWith('.bptt'));
      while (drafts().length === 0 && child.exitCode === null) await new Promise(setImmediate);
      child.kill(signal);
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGKILL: null }[signal]);
      expect(read('big-1.txt')).toBe('earlier');
      expect(existsSync(space.at('big-1.txt.manifest.json'))).toBe(false);
      expect(drafts()).toHaveLength(signal === 'SIGKILL' ? 1 : 0);
      if (signal !== 'SIGKILL') return;
      expect((await here(...args)).status).toBe(0);
      expect(drafts()).toEqual([]);
      expect(read('big-1.txt')).toBe((await here('tag', 'model.safetensors', 'big.txt', '--shard', '1/2')).stdout);
    },
  );
});

describe('bptt join', () => {
  const make = async (i: number, n: number, name = `j${i}`, ...more: string[]) =>
    expect(await here('tag', 'model.safetensors', 'x.txt', '--shard', `${i}/${n}`, '--out', name, ...more)).toMatchObject({ status: 0 }); // prettier-ignore
  beforeAll(async () => {
    for (const i of [1, 2, 3, 4]) await make(i, 4);
  });

  test('the whole, whatever the order of the names', async () => {
    const { stdout } = await here('tag', 'model.safetensors', 'x.txt');
    expect(await here('join', 'j3', 'j1', 'j4', 'j2')).toEqual({ status: 0, stdout, stderr: '' });
    expect((await here('join', 'j1', 'j2', 'j3', 'j4', '--out', 'j.txt')).stdout).toMatch(/^j\.txt: \d+ sentences/);
    expect(read('j.txt')).toBe(stdout);
    expect((await here('join', 'j1', 'j2', 'j3', 'j4', '--check')).stdout).toMatch(/^4 pieces, \d+ sentences, \d+ tokens: all there, once each\n$/); // prettier-ignore
  });

  test('names what is missing, there twice, changed, or does not belong', async () => {
    const refused = async (message: string, ...names: string[]) => {
      const { status, stdout, stderr } = await here('join', ...names);
      expect([status, stdout, stderr]).toEqual([65, '', expect.stringContaining(message)]);
    };
    await refused('pieces 2, 4 of 4 missing: run them', 'j1', 'j3');
    await refused('piece 4 of 4 missing: run it', 'j1', 'j2', 'j3');
    copyFileSync(space.at('j2'), space.at('k2'));
    copyFileSync(space.at('j2.manifest.json'), space.at('k2.manifest.json'));
    await refused('piece 2 of 4 is given twice: j2 and k2', 'j1', 'j2', 'k2', 'j3', 'j4');
    await make(3, 5, 'five');
    await refused('pieces of 5 and of 4', 'j1', 'j2', 'five', 'j4');
    await make(3, 4, 'other', '--probabilities');
    await refused('made from other options', 'j1', 'j2', 'other', 'j4');
    writeFileSync(space.at('k2'), 'changed');
    await refused('k2: not the output that its manifest describes', 'j1', 'k2', 'j3', 'j4');
    rmSync(space.at('k2'));
    await refused('k2: no such file, though there is a manifest', 'j1', 'k2', 'j3', 'j4');
    await refused('no manifest of x.txt', 'j1', 'x.txt');
    space.write('k2.manifest.json', '[]');
    await refused('not a manifest', 'j1', 'k2');
    expect((await here('join', 'j1', '--check', '--out', 'z')).status).toBe(2);
    expect((await here('join', 'j1', '--out', 'j1')).status).toBe(2);
  });
});
