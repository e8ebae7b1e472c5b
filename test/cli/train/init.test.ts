/** `bptt train --init MODEL` and `--freeze`, from files to a model file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { flatten } from '../../../src/autograd';
import { loadModel, saveModel } from '../../../src/labeling/model/file';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, TINY } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
const run = (...args: string[]) => bpttHere(args, space.folder);
const modelAt = (name: string) => loadModel(readFileSync(space.at(name)));
const BASE = ['train', '--train', 'train.tsv', '--dev', 'dev.tsv', ...TINY, '--epochs', '2', '--quiet'];
const NEW = ['--train', 'new.tsv', '--epochs', '2', '--lr', '0.01', '--out', 'next.safetensors'];

beforeAll(async () => {
  space = createWorkspace();
  const lines = ['zorp\tNEW', 'zorp\tNEW', 'runs\tNEW', ''];
  writeFileSync(space.at('new.tsv'), `${[...lines, ...lines].join('\n')}\n`);
  expect(await run(...BASE, '--encoders', 'words,characters', '--character-embedding', '3', '--character-size', '4', '--out', 'base.safetensors')).toMatchObject({ status: 0 }); // prettier-ignore
});
afterAll(() => space.remove());

test('says what grew, and keeps architecture, rows and labels of the model', async () => {
  const { status, stderr, stdout } = await run('train', '--init', 'base.safetensors', ...NEW, '--json');
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stderr).toMatch(/^init base\.safetensors: 2 new words(, \d new characters?)?$/m);
  expect(stderr).toMatch(/^labels: 1 new label: "NEW"$/m);
  const report = JSON.parse(stdout) as Record<string, unknown>;
  expect(report).toMatchObject({ init: 'base.safetensors', grown: { encoders: { words: ['zorp', 'runs'] }, labels: { labels: ['NEW'] } } }); // prettier-ignore
  const [base, next] = [modelAt('base.safetensors'), modelAt('next.safetensors')];
  expect(next.config.body).toEqual(base.config.body);
  expect(next.labels.labels).toEqual([...base.labels.labels, 'NEW']);
  expect(next.words.size).toBe(base.words.size + 2);
  const tagged = await run('eval', 'next.safetensors', 'new.tsv', '--json');
  expect(tagged.status).toBe(0);
});

test('the settings beside the model repeat the training, to the byte', async () => {
  const settings = JSON.parse(readFileSync(space.at('next.config.json'), 'utf8')) as Record<string, unknown>;
  expect(settings).toMatchObject({ init: './base.safetensors', encoders: ['words', 'characters'], characterSize: 4 });
  const again = await run('train', '--config', 'next.config.json', '--out', 'again.safetensors', '--quiet');
  expect(again).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(space.at('again.safetensors'))).toEqual(readFileSync(space.at('next.safetensors')));
});

test('the size is that of the whole model, and what was trained of it', async () => {
  const args = ['--init', 'base.safetensors', '--freeze', 'encoders,layers.0', ...NEW];
  const { stdout } = await run('train', ...args);
  const sizes = Object.entries(flatten(modelAt('next.safetensors').params)).map(
    ([name, { data }]) => [name.startsWith('heads.'), data.length] as const,
  );
  const [all, trained] = [sizes, sizes.filter(([head]) => head)].map((some) => some.reduce((sum, [, n]) => sum + n, 0));
  const [whole, part] = [all, trained].map((n) => n.toLocaleString('en-US'));
  expect(stdout).toContain(`\nmodel   next.safetensors, ${whole} parameters, ${part} of them trained\n`);
});

test('frozen parts are named, and stay', async () => {
  const args = ['--init', 'base.safetensors', '--freeze', 'encoders,layers.0', ...NEW, '--json'];
  const { status, stderr, stdout } = await run('train', ...args);
  expect(status).toBe(0);
  expect(stderr).toContain('to freeze: encoders, layers.0\n');
  expect(stderr).toContain('init base.safetensors: no new words\n'); // a frozen encoder does not grow
  expect(JSON.parse(stdout)).toMatchObject({ freeze: ['encoders', 'layers.0'] });
  const [base, next] = ['base.safetensors', 'next.safetensors'].map((name) => flatten(modelAt(name).params));
  const same = Object.keys(base).filter((name) => base[name].data.join() === next[name].data.join());
  expect(same.sort()).toEqual(Object.keys(base).filter((name) => !name.startsWith('heads.')).sort()); // prettier-ignore
});

test('several columns and classes are read as the model has them', async () => {
  const conllu = ['1\tzorp\tzorp\tX\tY\t_\t0\troot\t_\t_', ''];
  writeFileSync(space.at('new.conllu'), `${[...conllu, ...conllu, ...conllu].join('\n')}\n`);
  const columns = ['1\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_', '2\tnow\tnow\tADV\tRB\t_\t1\tadvmod\t_\t_', ''];
  writeFileSync(space.at('old.conllu'), `${[...columns, ...columns, ...columns].join('\n')}\n`);
  const first = [
    '--column',
    'upos,xpos',
    '--train',
    'old.conllu',
    ...TINY,
    '--epochs',
    '1',
    '--out',
    'two.safetensors',
  ];
  expect(await run('train', ...first, '--quiet')).toMatchObject({ status: 0 });
  const next = await run('train', '--init', 'two.safetensors', '--train', 'new.conllu', '--epochs', '1', '--out', 'two-next.safetensors'); // prettier-ignore
  expect(next.stderr).toMatch(/^upos: 1 new label: "X"$/m);
  expect(next.stderr).toMatch(/^xpos: 1 new label: "Y"$/m);
  writeFileSync(space.at('old.txt'), 'good\tfine day\nbad\trainy day\n'.repeat(4));
  writeFileSync(space.at('new.txt'), 'good\tfine day\nodd\tfoggy day\n'.repeat(4));
  const classes = ['--task', 'classify', '--train', 'old.txt', ...TINY, '--epochs', '1', '--out', 'c.safetensors'];
  expect(await run('train', ...classes, '--quiet')).toMatchObject({ status: 0 });
  const more = await run('train', '--init', 'c.safetensors', '--train', 'new.txt', '--epochs', '1', '--out', 'c-next.safetensors'); // prettier-ignore
  expect(more.stderr).toMatch(/^category: 1 new label: "odd"$/m);
});

test('tensors of other programs in the file are kept, and named', async () => {
  const foreign = { tensors: { extra: { dtype: 'I8', shape: [2], bytes: Uint8Array.of(1, 255) } }, metadata: { by: 'me' } }; // prettier-ignore
  writeFileSync(space.at('kept.safetensors'), saveModel({ ...modelAt('base.safetensors'), foreign }));
  const { stderr } = await run('train', '--init', 'kept.safetensors', ...NEW);
  expect(stderr).toContain('kept with the model: 1 tensor ("extra"), 1 field ("by")\n');
  expect(modelAt('next.safetensors').foreign).toEqual(foreign);
});

test.each<[string[], number, RegExp]>([
  [['--init', 'none.safetensors'], 65, /none\.safetensors: .*no such file/],
  [['--init', 'train.tsv'], 65, /train\.tsv: safetensors/],
  [
    ['--init', 'base.safetensors', '--hidden', '50'],
    2,
    /hidden must be that of init, \d+; got 50: leave it out \(--hidden\)/,
  ],
  [['--init', 'base.safetensors', '--no-bidirectional'], 2, /bidirectional must be that of init, true; got false/],
  [['--init', 'base.safetensors', '--head', 'crf'], 2, /head must be that of init, softmax; got crf/],
  [['--init', 'base.safetensors', '--task', 'classify'], 2, /task must be that of init, tag; got classify/],
  [['--init', 'base.safetensors', '--affix-size', '4'], 2, /affixSize does not apply to init.*\(--affix-size\)/],
  [
    ['--init', 'base.safetensors', '--freeze', 'layers.7'],
    2,
    /freeze \(--freeze\) names "layers\.7", which the model lacks; it has encoders, /,
  ],
  [['--freeze', 'a,,b'], 2, /names separated by commas/],
  [['--freeze', 'layers,layers'], 2, /layers is given twice/],
  [['--init', 'base.safetensors', '--out', 'base.safetensors'], 2, /base\.safetensors/],
])('refuses %j', async (args, status, message) => {
  const out = args.includes('--out') ? [] : ['--out', 'no.safetensors'];
  const found = await run('train', '--train', 'new.tsv', '--epochs', '1', ...out, ...args);
  expect(found).toMatchObject({ status, stdout: '' });
  expect(found.stderr).toMatch(message);
});

test('a search refuses a model to go on from', async () => {
  const found = await run('search', '--random', '2', '--train', 'train.tsv', '--dev', 'dev.tsv', '--init', 'base.safetensors'); // prettier-ignore
  expect(found).toMatchObject({ status: 2, stderr: expect.stringContaining('--init: a search chooses the architecture') as string }); // prettier-ignore
});
