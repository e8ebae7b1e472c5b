/** Raw text that looks like a format is labeled as it stands, and that is said. */
import { looksLike } from '../../../src/cli/tag/raw';
import { createCpuKernels } from '../../../src/kernels/cpu/index';
import type { Model } from '../../../src/labeling/model/model';
import { train } from '../../../src/labeling/training/train';
import { bptt } from '../../support/cli';
import { createWorkspace, trainTiny } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

const small = { embedding: 2, hidden: 2, epochs: 1, batch: 2 };
const conllu = '1\tAnn\tAnn\tPROPN\t_\t_\t0\t_\t_\t_';
let words: Model;
let sentences: Model;
beforeAll(async () => {
  const kernels = createCpuKernels();
  words = (await train(kernels, { train: [{ tokens: ['Ann', 'sang'], labels: ['B-PER', 'O'] }] }, small)).model;
  const classes = [{ tokens: ['good'], category: 'pos' }, { tokens: ['bad'], category: 'neg' }]; // prettier-ignore
  sentences = (await train(kernels, { train: classes }, { ...small, task: 'classify' })).model;
});

test.each([
  ['conllu', [conllu]],
  ['two-column', ['Ann\tB-PER', 'sang\tO']],
  ['conll', ['Ann PROPN B-PER', 'sang VERB O', '. PUNCT O']],
  ['slashed', ['Ann/B-PER sang/O']],
])('%s', (format, rows) => {
  expect(looksLike(rows, words)).toBe(`looks like ${format}, and is read as raw text: add --format ${format} to label the words in it`); // prettier-ignore
});

test('JSON lines: of spans, the format that keeps the other fields', () => {
  const rows = ['{"text": "Ann sang", "label": [[0, 3, "PER"]]}'];
  expect(looksLike(rows, words)).toBe('looks like JSON lines, and is read as raw text: add --format doccano to label the texts in it'); // prettier-ignore
  expect(looksLike(rows, words, 'spans')).toMatch(/add --format jsonl to label the texts/);
  expect(looksLike(['[{"text": "Ann sang"}]'], words)).toMatch(/^looks like a JSON list/);
});

test.each([
  ['tsv', ['pos\tgood morning', 'neg\tbad']],
  ['jsonl', ['{"text": "good"}']],
  ['fasttext', ['__label__pos good']],
])('a model of sentences: %s', (format, rows) => {
  expect(looksLike(rows, sentences)).toContain(`add --format ${format} to label`);
});

test.each([
  [['They run.', 'The run was long.']],
  [['A B C', 'D E F', 'G H O']], // one line of three ends in a label
  [['Ann O']],
  [['price\t12', 'size\t3']], // tabs, and no label of the model
  [['either/or and/or']],
  [['{a set}']],
  [['[1] A footnote.']],
  [[]],
])('%j is text', (rows) => {
  expect(looksLike(rows, words)).toBeUndefined();
  expect(looksLike(rows, sentences)).toBeUndefined();
});

describe('the command', () => {
  let space: Workspace;
  beforeAll(async () => {
    space = createWorkspace();
    await trainTiny(space);
  });
  afterAll(() => space.remove());
  const tag = (args: string[], input: string) => bptt(['tag', 'model.safetensors', ...args], { cwd: space.folder, input }); // prettier-ignore
  const warning = 'warning: standard input: looks like conllu, and is read as raw text: add --format conllu to label the words in it\n'; // prettier-ignore

  test('warns once, and labels what is there', () => {
    for (const output of ['text', 'jsonl', 'conll']) {
      const { status, stderr, stdout } = tag(['--output', output], `# text = Ann\n${conllu}\n\n${conllu}\n`);
      expect([status, stderr]).toEqual([0, warning]);
      expect(stdout).toContain('Ann');
    }
    expect(tag(['--format', 'conllu'], `${conllu}\n\n`)).toMatchObject({ status: 0, stderr: '' });
    expect(tag([], 'They run.\n')).toMatchObject({ status: 0, stderr: '' });
  });
});
