/** `bptt train --card`: front matter that a reader of YAML reads, tables that stay whole, hashes, scores, settings, limits; refusals. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { load } from 'js-yaml';
import { plain, table } from '../../../src/cli/card/markdown';
import { visible } from '../../../src/tensor/visible';
import { bptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, overriding, TINY } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());

const sha256 = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(space.at(name)))
    .digest('hex');
const run = (...args: string[]) => bpttHere(['train', ...overriding([...TINY, '--epochs', '2', '--backend', 'cpu'], args)], space.folder); // prettier-ignore

interface Metric {
  readonly type: string;
  readonly name: string;
  readonly value: number;
}
interface Front {
  readonly language?: string[];
  readonly library_name: string;
  readonly tags: string[];
  readonly pipeline_tag: string;
  readonly metrics?: string[];
  readonly 'model-index'?: [{ name: string; results: { task: object; dataset: object; metrics: Metric[] }[] }];
}

/** A card taken apart: its front matter, and its sections by their headings. */
function cardOf(name: string): { front: Front; sections: Record<string, string>; text: string } {
  const text = readFileSync(space.at(name), 'utf8');
  const [, yaml, body] = /^---\n(.*?)\n---\n\n(.*)$/s.exec(text)!;
  const sections = body.split(/^## /m).map((part) => part.split('\n\n').map((each) => each.trim()));
  return {
    front: load(yaml) as Front,
    sections: Object.fromEntries(sections.map(([title, ...rest]) => [title, rest.join('\n\n')])),
    text,
  };
}

/** The cells of the tables of a text, row by row, as GitHub's Markdown splits them; rules between head and body left out. */
function cellsOf(text: string): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.flatMap((row) => {
    const cells = row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()); // prettier-ignore
    return cells.every((cell) => /^-+:?$/.test(cell)) ? [] : [cells];
  });
}

/** A text as a reader of Markdown shows it, by its escapes alone. */
const shown = (markdown: string): string => markdown.replace(/&#124;/g, '|').replace(/\\([\x21-\x7e])/g, '$1');

test('a tagger: hashes, sizes, scores, settings and limits are those of the run', async () => {
  const said = await run('--train', 'train.tsv', '--dev', 'dev.tsv', '--test', 'test.tsv', '--card', 'card.md', '--language', 'en,no', '--json'); // prettier-ignore
  expect(said.status).toBe(0);
  const report = JSON.parse(said.stdout) as { card: string; parameters: number; dev: Record<string, number>; test: Record<string, number> }; // prettier-ignore
  expect(report.card).toBe('card.md');
  const { front, sections } = cardOf('card.md');
  expect(front).toMatchObject({
    language: ['en', 'no'],
    library_name: 'bptt',
    tags: ['bptt', 'recurrent-network', 'lstm'],
    pipeline_tag: 'token-classification',
    metrics: ['accuracy', 'f1'],
  });
  const [{ name, results }] = front['model-index']!;
  expect(name).toBe('model');
  expect(results.map(({ task, dataset }) => [task, dataset])).toEqual(
    [['dev.tsv', 'validation'], ['test.tsv', 'test']].map(([file, split]) => [
      { type: 'token-classification' },
      { type: file, name: file, split, args: { sha256: sha256(file) } },
    ]),
  ); // prettier-ignore
  for (const [i, part] of (['dev', 'test'] as const).entries()) {
    expect(results[i].metrics[0]).toEqual({ type: 'accuracy', name: 'Accuracy', value: Number(report[part].accuracy.toFixed(6)) }); // prettier-ignore
    expect(results[i].metrics[1]).toMatchObject({ type: 'f1', name: 'F1, unweighted mean over labels' });
  }
  const tokens = (file: string) => readFileSync(space.at(file), 'utf8').split('\n').filter((line) => line.trim() !== '').length; // prettier-ignore
  const data = cellsOf(sections.Data);
  expect(data.slice(1, 4).map((row) => row.slice(0, 4))).toEqual(
    [['train', '80'], ['dev', '30'], ['test', '40']].map(([part, sentences]) => [part, `${part}.tsv`, sentences, String(tokens(`${part}.tsv`))]),
  ); // prettier-ignore
  expect(data.slice(5)).toEqual(['train', 'dev', 'test'].map((part) => [`./${part}.tsv`, part, sha256(`${part}.tsv`)]));
  const config = readFileSync(space.at('model.config.json'), 'utf8');
  expect(sections.Settings).toContain(`\n\n\`\`\`json\n${config}\`\`\``);
  expect(Object.values(sections)[0]).toContain(`| model.safetensors | ${report.parameters.toLocaleString('en-US')} | ${sha256('model.safetensors')} |`); // prettier-ignore
  expect(sections.Training).toMatch(/- seed 1\n- 2 epochs, the weights are those of epoch \d\n/);
  expect(sections.Training).toContain(`Node ${process.versions.node}, bptt `);
  expect(sections.Limits).toContain(`trained on 80 sentences (${tokens('train.tsv')} tokens) of train.tsv; it was tested on dev (30 sentences) and test (40 sentences) and on nothing else.`); // prettier-ignore
  expect(sections.Limits).toContain('Dev chose the epoch that was kept');
  expect(readdirSync(space.folder).filter((file) => file.startsWith('.bptt'))).toEqual([]);
});

test('limits count what is rare, unseen, repeated and out of its scheme', async () => {
  const sentence = (...pairs: string[]) => `${pairs.map((pair) => pair.replace(' ', '\t')).join('\n')}\n\n`;
  const common = sentence('Ann B-PER', 'Lee I-PER', 'saw O', 'it O');
  space.write('spans.tsv', common.repeat(12) + sentence('Oslo B-LOC', 'won O'));
  space.write('spans-dev.tsv', common + sentence('Oslo I-LOC', 'zzz O', 'Rome B-GPE'));
  await run(
    '--train',
    'spans.tsv',
    '--dev',
    'spans-dev.tsv',
    '--card',
    'card.md',
    '--out',
    'spans.safetensors',
    '--quiet',
  );
  const { front, sections } = cardOf('card.md');
  expect(front.metrics).toEqual(['f1', 'precision', 'recall', 'accuracy']);
  expect(sections.Data).toContain('Learned from train: 4 labels, 2 types of spans.');
  for (const limit of [
    '- 1 type has fewer than 10 training examples: LOC (1).\n',
    '- 2 labels of dev do not occur in training and are never predicted: I-LOC (1), B-GPE (1).\n',
    '- Of the tokens of dev, 28.57 % do not occur in the training data; on these the accuracy is ',
    '- Of the sentences of dev, 1 (50.00 %) occur word for word in the training data.\n',
    '- 1 label of dev breaks the scheme IOB2 of the training data.\n',
    '- The longest training sentence has 4 tokens; none longer than 4 was scored.\n',
  ]) {
    expect(sections.Limits).toContain(limit);
  }
  const types = cellsOf(sections.Scores);
  expect(types[0]).toEqual(['type', 'precision', 'recall', 'F1', 'gold', 'in train']);
  expect(types.slice(1).map(([type, , , , gold, trained]) => [type, gold, trained])).toEqual(
    expect.arrayContaining([['PER', '1', '12'], ['LOC', '1', '1'], ['GPE', '1', '0']]),
  ); // prettier-ignore
  expect(sections.Limits).toMatch(/Training reported: spans-dev\.tsv: .*never/);
});

test('sentences with one label each; a split; labels and names that Markdown and YAML would obey', async () => {
  mkdirSync(space.at('sub'));
  const texts = (words: string[]) =>
    Array.from({ length: 20 }, (_, i) => `${words[i % words.length]} film ${i}\n`).join('');
  space.write('good #1: *fine*.txt', texts(['fine', 'great']));
  space.write('bad|`no`.txt', texts(['poor', 'dull']));
  const { status, stderr } = await run('--task', 'classify', '--train', 'a|b *x*=good #1: *fine*.txt,no=bad|`no`.txt', '--split', '80/10/10', '--card', 'sub/card.md', '--out', 'it\'s: "no".safetensors'); // prettier-ignore
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  const { front, sections } = cardOf('sub/card.md');
  expect(front).toMatchObject({ pipeline_tag: 'text-classification', metrics: ['accuracy', 'f1'] });
  expect(front).not.toHaveProperty('language');
  const [{ name, results }] = front['model-index']!;
  expect(name).toBe('it\'s: "no"');
  expect(results.map(({ dataset }) => dataset)).toEqual(
    ['validation', 'test'].map((split) => ({ type: 'good #1: *fine*.txt, bad|`no`.txt', name: 'good #1: *fine*.txt, bad|`no`.txt', split })),
  ); // prettier-ignore
  const files = cellsOf(sections.Data).slice(5);
  expect(files.map(([file, role, hash]) => [shown(file), role, hash])).toEqual(
    ['good #1: *fine*.txt', 'bad|`no`.txt'].map((file) => [`../${file}`, 'train', sha256(file)]),
  );
  expect(cellsOf(sections.Scores).map(([label]) => shown(label))).toEqual(expect.arrayContaining(['a|b *x*', 'no']));
  expect(sections.Limits).toContain('Train, dev and test are parts of one file, drawn with seed 1');
});

test('several heads: a result for each, by its unit', async () => {
  mkdirSync(space.at('frames'));
  const frames = [['play|jazz', 'O|B-music', 'Play'], ['book|a|table', 'O|O|B-thing', 'Book'], ['play|rock', 'O|B-music', 'Play']]; // prettier-ignore
  const lines = (i: number) => Array.from({ length: 8 }, () => frames.map((frame) => frame[i].replace(/\|/g, ' '))).flat().join('\n'); // prettier-ignore
  for (const [i, file] of ['seq.in', 'seq.out', 'label'].entries()) space.write(`frames/${file}`, `${lines(i)}\n`);
  await run('--task', 'slots-intent', '--head', 'crf', '--train', 'frames', '--dev', 'frames', '--card', 'card.md', '--out', 'frames.safetensors', '--quiet'); // prettier-ignore
  const { front, sections } = cardOf('card.md');
  expect(front).toMatchObject({ pipeline_tag: 'token-classification', tags: expect.arrayContaining(['crf']) as string[] }); // prettier-ignore
  expect(front['model-index']![0].results.map(({ task, dataset }) => [task, dataset])).toEqual([
    [{ type: 'token-classification', name: 'slots' }, { type: 'frames', name: 'frames', split: 'validation', config: 'slots' }],
    [{ type: 'text-classification', name: 'intent' }, { type: 'frames', name: 'frames', split: 'validation', config: 'intent' }],
  ]); // prettier-ignore
  expect(cellsOf(sections.Data).slice(4).map(([file, role, hash]) => [file, role, hash])).toEqual(
    ['train', 'dev'].flatMap((role) => ['seq.in', 'seq.out', 'label'].map((file) => [`./frames/${file}`, role, sha256(`frames/${file}`)])),
  ); // prettier-ignore
  expect(sections.Scores).toMatch(/\*\*slots\*\*\n\n\| type .*\*\*intent\*\*\n\n\| label /s);
  expect(sections.Limits).toContain('Of the sentences of dev, 24 (100.00 %) occur word for word in the training data.');
});

test('a text and its annotations: both are hashed', async () => {
  mkdirSync(space.at('pairs'));
  space.write('pairs/a.txt', 'Ann met Bo.\nBo met Ann.\n');
  space.write('pairs/a.ann', 'T1\tPER 0 3\tAnn\nT2\tPER 8 10\tBo\n');
  await run('--train', 'pairs', '--card', 'card.md', '--out', 'pairs.safetensors', '--quiet');
  expect(cellsOf(cardOf('card.md').sections.Data).slice(3).map(([file, role, hash]) => [file, role, hash])).toEqual(
    ['a.txt', 'a.ann'].map((file) => [`./pairs/${file}`, 'train', sha256(`pairs/${file}`)]),
  ); // prettier-ignore
});

test('several seeds: the card is that of the model that was kept; an ensemble: of the whole', async () => {
  const files = ['--train', 'train.tsv', '--dev', 'dev.tsv', '--card', 'card.md', '--json'];
  const seeds = JSON.parse((await run(...files, '--seeds', '2', '--seed', '7')).stdout) as { seed: number; dev: { accuracy: number } }; // prettier-ignore
  const card = cardOf('card.md');
  const accuracyOf = ({ front }: typeof card) => front['model-index']![0].results[0].metrics[0].value;
  expect(accuracyOf(card)).toBe(Number(seeds.dev.accuracy.toFixed(6)));
  expect(card.sections.Training).toContain(`- seed ${seeds.seed}, chosen among 7, 8\n`);
  expect(card.sections.Scores).toMatch(/### Seeds\n\nAll seeds; .*\n\n```text\nseed 7 .*\nseed 8 .*\nmean ± standard deviation of 2 seeds/); // prettier-ignore
  expect(card.sections.Limits).toContain('Dev chose the epoch, and the model among 2 seeds, that was kept');
  const ensemble = JSON.parse((await run(...files, '--ensemble', '2')).stdout) as { parameters: number; dev: { accuracy: number } }; // prettier-ignore
  const whole = cardOf('card.md');
  expect(accuracyOf(whole)).toBe(Number(ensemble.dev.accuracy.toFixed(6)));
  expect(whole.sections.Training).toContain('- seeds 1, 2, a member each\n');
  expect(whole.sections.Training).toContain(`- ${ensemble.parameters.toLocaleString('en-US')} parameters\n`);
});

test('without dev and test there is no score, and it says so', async () => {
  await run('--train', 'train.tsv', '--card', 'card.md', '--quiet');
  const { front, sections } = cardOf('card.md');
  expect(Object.keys(front)).toEqual(['library_name', 'tags', 'pipeline_tag']);
  expect(sections.Scores.trim()).toBe('No corpus was scored.');
  expect(sections.Limits).toMatch(/it was not tested at all\.\n.*\n- There was no dev score to choose an epoch by/);
});

test.each([
  [['--language', 'en'], '--language has no effect without --card: leave it out, or add --card FILE'],
  [['--card', 'c.md', '--language', 'english language'], 'It must be codes of languages, such as da or en,de, or multilingual.'],
  [['--card', 'c.md', '--language', 'da,da'], 'It must name each language once; da is given twice.'],
  [['--card', 'train.tsv'], '--card train.tsv would overwrite the input train.tsv'],
  [['--card', 'model.safetensors'], '--out and --card are the same file'],
  [['--card', '-'], '--card - would write a file named "-"'],
  [['--card', ''], '--card must name a file'],
  [['--card', 'c.md', '--dev', '-'], '--card states the SHA-256 of every input, and standard input cannot be read twice; expected a file: write it to one first'],
  [['--card', 'c.md', '--dev', '/dev/null'], '--card states the SHA-256 of every input, and /dev/null cannot be read twice'],
])('%j is refused before anything is read', async (flags, message) => {
  const { status, stderr } = await run('--train', 'train.tsv', ...flags);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(existsSync(space.at('c.md'))).toBe(false);
}); // prettier-ignore

test('a file that is missing, and a folder that is, are told as without a card', async () => {
  const missing = await run('--train', 'none.tsv', '--card', 'c.md');
  expect([missing.status, missing.stderr]).toEqual([65, expect.stringContaining('none.tsv: no such file')]);
  const folder = await run('--train', 'train.tsv', '--card', 'nowhere/c.md');
  expect([folder.status, folder.stderr]).toEqual([
    1,
    expect.stringMatching(/cannot write nowhere\/c\.md: the folder .* does not exist/),
  ]);
});

test('the help names both options', async () => {
  const { status, stdout } = bptt(['train', '--help']);
  expect([status, stdout]).toEqual([0, expect.stringMatching(/--card <file>[\s\S]*--language <codes>/)]);
});

test('any word keeps a table whole, and shows as it is', () => {
  const word = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: fc.constantFrom('|', '\\', '`', '*', '_', '<', '&', '#', '1', ';', 'a', '\n') })); // prettier-ignore
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 4 }), (pairs) => {
      const cells = cellsOf(table(pairs.map((pair) => pair.map((each) => `.${plain(each)}.`))));
      expect(cells.map((row) => row.map(shown))).toEqual(pairs.map((pair) => pair.map((each) => `.${visible(each)}.`)));
    }),
    { numRuns: 500, seed: 13 },
  );
  expect(cellsOf('| a | b|c |')[0]).toHaveLength(3); // what is not escaped does break it
});
