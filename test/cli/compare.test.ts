/** `bptt compare A B --gold F`. The other form, which reads a sentence, is tested in reading/. */
import { readFileSync } from 'node:fs';
import { createTagger } from '../../src/labeling/model/tagger';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, TINY, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

interface Report {
  measures: Record<string, { a: number; b: number; difference: number; interval: number[]; p: number }>;
  sentences: Record<string, number>;
  changed: { line: number; kind: string; mistakes: { a: number; b: number }; tokens: { line: number; token: string; gold: string; a: string; b: string }[] }[]; // prettier-ignore
  warnings: object[];
  [field: string]: unknown;
}

let space: Workspace;
beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
  const args = ['--train', 'train.tsv', '--epochs', '1', '--seed', '9', '--out', 'b.safetensors', '--quiet', ...TINY];
  await bpttHere(['train', ...args], space.folder);
  space.write('gold.conll', 'Ann\tB-PER\nLee\tI-PER\nran\tO\n\nto\tO\nOslo\tB-LOC\n\nhi\tO\n');
  space.write('a.conll', 'Ann\tB-PER\nLee\tO\nran\tO\n\nto\tO\nOslo\tB-LOC\n\nhi\tO\n');
  space.write('b.conll', 'Ann B-PER B-PER\nLee I-PER I-PER\nran O O\n\nto O B-LOC\nOslo B-LOC O\n\nhi O O\n');
});
afterAll(() => space.remove());

const compare = (...args: string[]) => bpttHere(['compare', ...args], space.folder);
const report = async (...args: string[]): Promise<Report> => {
  const { status, stdout, stderr } = await compare(...args, '--json');
  const read = /^(warning: moods\.tsv: read as tsv, .*\n)?$/; // which column holds the texts is a guess, and told
  expect([status, stderr]).toEqual([0, expect.stringMatching(read)]);
  return JSON.parse(stdout) as Report;
};

test('two files of predictions: scores, differences, and the sentences that changed', async () => {
  const found = await report('a.conll', 'b.conll', '--gold', 'gold.conll', '--samples', '500', '--seed', '4');
  expect(found).toMatchObject({
    a: { name: 'a.conll', readAs: 'two-column, words in column 1, labels in column 2' },
    b: { name: 'b.conll', readAs: 'conll, words in column 1, labels in column 3' },
    gold: { name: 'gold.conll', sentences: 3, tokens: 6 },
    ...{ unit: 'token', samples: 500, seed: 4, spanMode: 'conlleval', scheme: null },
    sentences: { same: 1, better: 1, worse: 1, bothWrong: 0 },
    warnings: [],
  });
  const { accuracy, spanF1 } = found.measures;
  expect([accuracy.a, accuracy.b]).toEqual([5 / 6, 4 / 6]);
  expect([spanF1.a, spanF1.b, spanF1.difference, spanF1.p]).toEqual([0.5, 0.5, 0, 1]);
  expect(found.changed).toEqual([
    { line: 1, kind: 'better', mistakes: { a: 2, b: 0 }, tokens: [{ line: 2, token: 'Lee', gold: 'I-PER', a: 'O', b: 'I-PER' }] }, // prettier-ignore
    { line: 5, kind: 'worse', mistakes: { a: 0, b: 2 }, tokens: [{ line: 5, token: 'to', gold: 'O', a: 'O', b: 'B-LOC' }, { line: 6, token: 'Oslo', gold: 'B-LOC', a: 'B-LOC', b: 'O' }] }, // prettier-ignore
  ]);
  const again = await report('a.conll', 'b.conll', '--gold', 'gold.conll', '--samples', '500', '--seed', '4');
  expect(again).toEqual(found);
});

test('predictions in any form say the same', async () => {
  const expected = await report('a.conll', 'b.conll', '--gold', 'gold.conll', '--samples', '50');
  space.write('b.labels', 'B-PER I-PER O\nB-LOC O\nO\n');
  space.write('b.column', 'B-PER\nI-PER\nO\n\nB-LOC\nO\n\nO\n');
  space.write('b.jsonl', '{"tokens":["Ann","Lee","ran"],"labels":["B-PER","I-PER","O"]}\n{"tokens":["to","Oslo"],"labels":["B-LOC","O"]}\n{"tokens":["hi"],"labels":["O"]}\n'); // prettier-ignore
  const row = (id: number, word: string, label: string) => [id, word, '_', label, ...'______'].join('\t');
  space.write('b.conllu', [row(1, 'Ann', 'B-PER'), row(2, 'Lee', 'I-PER'), row(3, 'ran', 'O'), '', row(1, 'to', 'B-LOC'), row(2, 'Oslo', 'O'), '', row(1, 'hi', 'O'), '', ''].join('\n')); // prettier-ignore
  for (const file of ['b.labels', 'b.column', 'b.jsonl', 'b.conllu']) {
    const found = await report('a.conll', file, '--gold', 'gold.conll', '--samples', '50');
    expect({ ...found, b: expected.b }).toEqual(expected);
  }
  const gold = await report('b.conll', 'b.conll', '--gold', 'gold.conll', '--predicted-column', '2', '--samples', '9');
  expect(gold.measures.accuracy).toMatchObject({ a: 1, b: 1, difference: 0, p: 1 });
  expect(gold.changed).toEqual([]);
});

test('a system whose labels the gold sentences do not have is told, and compared', async () => {
  space.write('alien.conll', 'Ann\tDET\nLee\tNOUN\nran\tO\n\nto\tADP\nOslo\tNOUN\n\nhi\tO\n');
  const { status, stderr } = await compare('a.conll', 'alien.conll', '--gold', 'gold.conll', '--samples', '20');
  expect(stderr).toMatch(
    /^warning: alien\.conll: 4 of 6 labels \(such as "DET", "NOUN", "ADP"\) do not occur in the gold sentences: check /,
  );
  expect([status, stderr.trim().split('\n').length]).toEqual([0, 1]);
});

test('models: their labels are those of a tagger; swapped, signs are swapped', async () => {
  const { measures } = await report('model.safetensors', 'b.safetensors', '--gold', 'test.tsv', '--samples', '200');
  const sentences = readFileSync(space.at('test.tsv'), 'utf8').trimEnd().split('\n\n').map((each) => each.split('\n').map((row) => row.split('\t'))); // prettier-ignore
  const accuracyOf = (model: string): number => {
    const tagged = createTagger(readFileSync(space.at(model))).tag(sentences.map((rows) => rows.map(([word]) => word)));
    const right = sentences.flatMap((rows, i) => rows.map(([, label], t) => label === tagged[i].labels[t]));
    return right.filter(Boolean).length / right.length;
  };
  expect([measures.accuracy.a, measures.accuracy.b]).toEqual(['model.safetensors', 'b.safetensors'].map((name) => expect.closeTo(accuracyOf(name), 12) as number)); // prettier-ignore
  expect(Object.keys(measures)).toEqual(['accuracy']);
  const swapped = await report('b.safetensors', 'model.safetensors', '--gold', 'test.tsv', '--samples', '200');
  expect(swapped.measures.accuracy.difference).toBe(-measures.accuracy.difference);
  expect(swapped.measures.accuracy.p).toBe(measures.accuracy.p);
  expect(await compare('model.safetensors', 'model.safetensors', '--gold', 'test.tsv', '--task', 'classify')).toMatchObject({ status: 2, stderr: expect.stringContaining('model.safetensors labels words, which is --task tag, not classify') as string }); // prettier-ignore
});

test('what would do nothing is refused, and so is a model of several heads', async () => {
  space.write('two.conllu', '1\tAnn\t_\tPROPN\tNNP\t_\t_\t_\t_\t_\n2\tran\t_\tVERB\tVBD\t_\t_\t_\t_\t_\n\n');
  await bpttHere(['train', '--train', 'two.conllu', '--column', 'upos,xpos', '--epochs', '1', '--out', 'two.safetensors', '--quiet', ...TINY], space.folder); // prettier-ignore
  const models = ['model.safetensors', 'b.safetensors', '--gold', 'test.tsv'];
  for (const [args, message] of [
    [['two.safetensors', 'two.safetensors', '--gold', 'two.conllu'], 'two.safetensors has the heads upos, xpos, and compare supports models with one head'],
    [[...models, '--predicted-column', '2'], '--predicted-column does not apply to two models'],
    [[...models, '--list', '3', '--json'], '--list has no effect with --json'],
    [[...models, '--tokenizer', 'characters'], '--tokenizer does not apply to word labels'],
    [['a.conll', 'b.conll', '--gold', 'gold.conll', '--column', '1,2'], '--column'],
  ] as const)
    expect([args, await compare(...args)]).toEqual([args, { status: 2, stdout: '', stderr: expect.stringContaining(message) as string }]); // prettier-ignore
});

test('labels of sentences, of files and of a model', async () => {
  space.write('moods.tsv', 'good\ta b c\nbad\td e f\ngood\tg h\nbad\ti j\n');
  space.write('a.txt', 'good\nbad\nbad\nbad\n');
  space.write('b.txt', 'good\t0.9\ngood\t0.8\ngood\t0.7\nbad\t1e-3\n');
  space.write('b.jsonl', '{"tokens":["a"],"label":"good"}\n{"tokens":["a"],"label":"good"}\n{"tokens":["a"],"label":"good"}\n{"tokens":["a"],"label":"bad"}\n'); // prettier-ignore
  for (const file of ['b.txt', 'b.jsonl']) {
    const found = await report('a.txt', file, '--gold', 'moods.tsv', '--task', 'classify', '--samples', '99');
    expect(found).toMatchObject({ unit: 'sentence', gold: { sentences: 4 }, sentences: { same: 2, better: 1, worse: 1, bothWrong: 0 } }); // prettier-ignore
    expect(found.measures.accuracy).toMatchObject({ a: 0.75, b: 0.75, p: 1 });
    expect(found.changed[0].tokens).toEqual([{ line: 2, token: 'd e f', gold: 'bad', a: 'bad', b: 'good' }]);
  }
  const args = [
    '--task',
    'classify',
    '--train',
    'moods.tsv',
    '--epochs',
    '2',
    '--hidden',
    '4',
    '--quiet',
    '--min-count',
    '1',
  ];
  await bpttHere(['train', ...args, '--out', 'moods.safetensors'], space.folder);
  expect((await report('a.txt', 'moods.safetensors', '--gold', 'moods.tsv')).unit).toBe('sentence');
  expect(await compare('a.txt', 'b.txt', '--gold', 'moods.tsv', '--task', 'classify', '--span-mode', 'strict')).toMatchObject({ status: 65 }); // prettier-ignore
});

test('as text: it fits 80 columns, and says how it was done', async () => {
  const { status, stdout } = await compare('a.conll', 'b.conll', '--gold', 'gold.conll', '--samples', '300', '--list', '1', '--span-mode', 'strict'); // prettier-ignore
  expect(status).toBe(0);
  expect(stdout).toMatch(/^A {5}a\.conll \(two-column, words in column 1, labels in column 2\)$/m);
  expect(stdout).toMatch(/^accuracy +83\.33 % +66\.67 % +-16\.67 +\S+ to \S+ +[\d.]+ +\d+\.\d\d %$/m);
  expect(stdout).toMatch(/^span F1 +50\.00 % +50\.00 % +0\.00 /m);
  expect(stdout).toContain('gold  gold.conll, 3 sentences, 6 tokens; spans by strict, IOB2');
  expect(stdout).toContain('300 samples of the sentences, seed 1. p is one-sided');
  expect(stdout).toMatch(/^B is better +1 +33\.33 % +2 +0$/m);
  expect(stdout).toMatch(/^ +2 +better +2 → 0 +1 +Lee +I-PER +O +I-PER$/m);
  expect(stdout).toContain('… and 1 more sentence: --list 2, or --json');
  for (const line of stdout.split('\n')) expect([line, line.length <= 80]).toEqual([line, true]);
});

test('wrong calls and wrong data: one line, and a status', async () => {
  space.write('short.conll', 'Ann\tB-PER\nLee\tO\n\nto\tO\nOslo\tB-LOC\n\nhi\tO\n');
  space.write('fewer.conll', 'Ann\tB-PER\nLee\tI-PER\nran\tO\n\nto\tO\nOslo\tB-LOC\n');
  space.write('other.conll', 'x\tB-PER\ny\tI-PER\nran\tO\n\nto\tO\nOslo\tB-LOC\n\nhi\tO\n');
  const gold = ['--gold', 'gold.conll'];
  const cases: [string[], number, string][] = [
    [['a.conll', 'b.conll'], 2, 'got two arguments and no --gold'],
    [['a.conll', ...gold], 2, 'expected two systems, A and B; got one'],
    [['a.conll', 'b.conll', ...gold, '--cells', 'rnn'], 2, '--cells applies only to bptt compare SENTENCE'],
    [['the cat sat', '--samples', '5'], 2, '--samples applies only to bptt compare A B --gold F'],
    [['a.conll', 'b.conll', ...gold, '--samples', '0'], 2, 'at least 1'],
    [['a.conll', 'b.conll', ...gold, '--samples', '1000001'], 2, 'at most 1000000'],
    [['a.conll', 'b.conll', ...gold, '--scheme', 'iob2'], 2, '--scheme has no effect with --span-mode conlleval'],
    [['-', '-', ...gold], 2, 'only one of A, B and --gold can be standard input'],
    [['a.conll', 'none.conll', ...gold], 65, 'none.conll: no such file'],
    [['a.conll', 'short.conll', ...gold], 65, 'short.conll: sentence 1 has 2 tokens at line 1, and in the gold file 3 tokens at line 1'],
    [['a.conll', 'fewer.conll', ...gold], 65, 'fewer.conll: sentence 3 has nothing, and in the gold file 1 token at line 8'],
    [['a.conll', 'other.conll', ...gold], 65, 'other.conll: 2 words of 6 differ from the gold file, the first at line 1 has "x" for "Ann"'],
    [['a.conll', 'b.conll', '--gold', 'none.conll'], 65, 'none.conll: no such file'],
  ]; // prettier-ignore
  for (const [args, status, message] of cases) {
    const { status: found, stdout, stderr } = await compare(...args);
    expect([args, found, stdout, stderr]).toEqual([args, status, '', expect.stringContaining(message)]);
    expect(stderr.trimEnd()).not.toContain('\n');
  }
});

test('another word here and there is a warning; A may be standard input; the other form is as it was', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => `w${i}\tO\nv${i}\tB-x\n`);
  space.write('long.conll', rows.join('\n'));
  space.write('slip.conll', rows.join('\n').replace('w3', 'W3'));
  const { status, stderr } = await compare('long.conll', 'slip.conll', '--gold', 'long.conll', '--samples', '9');
  expect([status, stderr]).toEqual([0, 'warning: slip.conll: 1 word of 40 differs from the gold file, the first at line 10 has "W3" for "w3"\n']); // prettier-ignore
  const args = ['compare', '-', 'b.conll', '--gold', 'gold.conll', '--samples', '9', '--json'];
  const piped = bptt(args, { cwd: space.folder, input: readFileSync(space.at('a.conll')) });
  expect(JSON.parse(piped.stdout)).toMatchObject({ a: { name: 'standard input' }, sentences: { better: 1, worse: 1 } });
  const read = JSON.parse((await compare('the cat sat', '--cells', 'rnn', '--json')).stdout) as { sentence: string[] };
  expect(read.sentence).toEqual(['the', 'cat', 'sat']);
});
