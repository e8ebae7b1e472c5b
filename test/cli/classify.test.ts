/** `--task classify` from a file of labeled sentences to labels of new ones. */
import { mkdirSync, readFileSync } from 'node:fs';
import { loadModel } from '../../src/labeling/model/file';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
const run = (...args: string[]) => bpttHere(args, space.folder);
const train = (...args: string[]) =>
  run('train', '--task', 'classify', ...overriding([...TINY, '--min-count', '1'], args));

/** Sentences whose label is the word that shows their mood. */
const rows = Array.from({ length: 120 }, (_, i) => {
  const [mood, word] = i % 3 === 0 ? ['neg', 'bad'] : ['pos', 'good'];
  return { mood, text: `film ${i % 7} is ${word} , ${'really '.repeat(i % 4)}` };
});
const tsv = rows.map(({ mood, text }) => `${mood}\t${text}\n`).join('');

beforeAll(async () => {
  space = createWorkspace();
  space.write('moods.tsv', tsv);
  const only = (wanted: string) => rows.flatMap(({ mood, text }) => (mood === wanted ? [`${text}\n`] : [])).join('');
  space.write('good.txt', only('pos'));
  space.write('bad.txt', only('neg'));
  mkdirSync(space.at('slots'));
  space.write('slots/seq.in', rows.map(({ text }) => `${text}\n`).join(''));
  space.write(
    'slots/seq.out',
    rows
      .map(
        ({ text }) =>
          `${text
            .trim()
            .split(/ +/)
            .map(() => 'O')
            .join(' ')}\n`,
      )
      .join(''),
  );
  space.write('slots/label', rows.map(({ mood }) => `${mood}\n`).join(''));
  const { status, stderr } = await train(
    '--train',
    'moods.tsv',
    '--epochs',
    '8',
    '--lr',
    '0.02',
    '--out',
    'm.safetensors',
  );
  if (status !== 0) throw new Error(stderr);
});
afterAll(() => space.remove());

describe('train', () => {
  test('--split: sizes are printed, scores are of sentences, and the log reads so', async () => {
    const args = [
      '--train',
      'moods.tsv',
      '--split',
      '80/10/10',
      '--epochs',
      '1',
      '--seed',
      '2',
      '--out',
      's.safetensors',
    ];
    const { status, stdout, stderr } = await train(...args, '--log', 's.jsonl');
    expect(status).toBe(0);
    expect(stderr).toMatch(/train 96 sentences, .*dev 12 sentences, .*test 12 sentences, /);
    expect(stderr).toMatch(/^epoch 1\/1 .*dev \d+\.\d\d % {2}macro F1 \d+\.\d\d % .* tokens\/s/m);
    expect(stdout).toMatch(/^test {4}accuracy \d+\.\d\d % {3}macro F1 \d+\.\d\d % {3}12 sentences$/m);
    const { stdout: json } = await train(...args, '--json');
    const report = JSON.parse(json) as Record<string, unknown>;
    expect(report.test).toEqual({ accuracy: expect.any(Number), macroF1: expect.any(Number), sentences: 12 });
    const kinds = (report.warnings as { kind: string }[]).map(({ kind }) => kind);
    expect(kinds).toEqual(['columns', 'leaked-sentences', 'leaked-sentences']); // moods repeat themselves, in every part
    const events = readFileSync(space.at('s.jsonl'), 'utf8').trim().split('\n');
    expect(JSON.parse(events[1])).toMatchObject({ event: 'epoch', dev: { sentences: 12 } });
  });

  test('--split for --task tag, too', async () => {
    const args = ['--train', 'train.tsv', '--split', '70/30/0', ...TINY, '--epochs', '1', '--out', 't.safetensors'];
    const { stderr, stdout } = await run('train', ...args);
    expect(stderr).toMatch(/train 56 sentences, .*dev 24 sentences, \d+ tokens; read as two-column/);
    expect(stdout).not.toMatch(/^test/m);
  });

  test('--split beside --dev or --test, and shares that are none', async () => {
    const split = ['--train', 'moods.tsv', '--split', '80/10/10'];
    for (const part of ['--dev', '--test']) {
      const { status, stderr } = await train(...split, part, 'moods.tsv');
      expect(status).toBe(2);
      expect(stderr).toContain(`leave out --split, or ${part}`);
    }
    for (const shares of ['80/20', '80/10/20', '0/50/50', '80/10/10/0', 'x', '80/-10/30']) {
      const { status, stderr } = await train('--train', 'moods.tsv', '--split', shares);
      expect([status, stderr]).toEqual([2, expect.stringContaining('add up to 100, such as 80/10/10')]);
    }
    const { status, stderr } = await train('--train', 'pos=one.txt', '--split', '80/10/10');
    expect([status, stderr]).toEqual([65, expect.stringContaining('one.txt: no such file')]);
  });

  test('one file for each label', async () => {
    const files = 'pos=good.txt,neg=bad.txt';
    const { status, stderr } = await train('--train', files, '--dev', files, '--epochs', '1', '--out', 'f.safetensors');
    expect(status).toBe(0);
    expect(stderr).toContain('train 120 sentences');
    expect(loadModel(readFileSync(space.at('f.safetensors'))).input).toEqual({ format: 'lines', tokenizer: 'unicode' });
    const clash = await train('--train', files, '--out', 'bad.txt');
    expect([clash.status, clash.stderr]).toEqual([2, expect.stringContaining('would overwrite the input bad.txt')]);
  });

  test('a slots folder trains its slots, and its intents with --task classify', async () => {
    const args = ['--train', 'slots', ...TINY, '--epochs', '1', '--out', 'i.safetensors'];
    await run('train', ...args);
    expect(loadModel(readFileSync(space.at('i.safetensors'))).labels.labels).toEqual(['O']);
    await train(...args);
    expect(loadModel(readFileSync(space.at('i.safetensors'))).labels.labels).toEqual(['pos', 'neg']);
  });

  test.each(['last', 'mean', 'max', 'attention'])('--pooling %s is in the model', async (pooling) => {
    await train('--train', 'moods.tsv', '--epochs', '1', '--pooling', pooling, '--out', 'p.safetensors', '--quiet');
    const { heads } = loadModel(readFileSync(space.at('p.safetensors'))).config;
    expect(heads).toEqual([{ kind: 'sentence', name: 'category', size: 2, pooling }]);
  });

  test('options of the other task are refused by name', async () => {
    const cases: [string[], string][] = [
      [['train', '--train', 'train.tsv', '--pooling', 'max'], '--pooling does not apply to --task tag'],
      [['train', '--train', 'train.tsv', '--format', 'fasttext'], '--format fasttext is for sentence labels'],
      [
        ['train', '--task', 'classify', '--train', 'moods.tsv', '--format', 'conllu'],
        '--format conllu has one label per',
      ],
      [
        ['train', '--task', 'classify', '--train', 'moods.tsv', '--comments', '#'],
        '--comments does not apply to sentence',
      ],
      [['train', '--task', 'nap', '--train', 'moods.tsv'], 'must be one of tag, classify'],
      [['tag', 'm.safetensors', 'moods.tsv', '--output', 'conll'], '--output conll has one label per word'],
      [['tag', 'm.safetensors', 'moods.tsv', '--text-column', '2'], '--text-column does not apply to raw text'],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await run(...args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  test('notes speak of sentences', async () => {
    space.write('dull.txt', 'a b\n'.repeat(5));
    const args = ['--train', 'x=dull.txt', '--dev', 'y=dull.txt', '--epochs', '1', '--out', 'd.safetensors', '--json'];
    const { warnings } = JSON.parse((await train(...args)).stdout) as { warnings: { message: string }[] };
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('every sentence has the label "x"'),
      expect.stringContaining('all 5 sentences are "a b"'),
      expect.stringContaining('5 sentences have labels that never occur in training'),
    ]);
  });
});

describe('eval', () => {
  test('accuracy, macro F1, a table of labels and the confusion', async () => {
    const { status, stdout } = await run('eval', 'm.safetensors', 'moods.tsv', '--errors', '3');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^accuracy 100\.00 % {3}macro F1 100\.00 % {3}120 sentences$/m);
    expect(stdout).toMatch(/^label +precision +recall +F1 +support$/m);
    expect(stdout).toMatch(/^gold \\ predicted +neg +pos$/m);
    expect(stdout).toContain('no mistakes');
  });

  test('--json has all of it, and mistakes with the sentence', async () => {
    space.write('odd.tsv', 'neg\tfilm 1 is good\npos\tfilm 2 is good\npos\tfilm 3 is good\nneg\tfilm 4 is bad\n');
    const { stdout, stderr } = await run('eval', 'm.safetensors', 'odd.tsv', '--json', '--errors', '9');
    expect(stderr).toBe(''); // the columns are those of the training data
    expect(JSON.parse(stdout)).toEqual({
      accuracy: 0.75,
      macroF1: expect.closeTo((2 / 3 + 4 / 5) / 2, 10),
      sentences: 4,
      warnings: [],
      labels: {
        neg: { precision: 1, recall: 0.5, f1: expect.closeTo(2 / 3, 10), correct: 1, predicted: 1, gold: 2 },
        pos: {
          precision: expect.closeTo(2 / 3, 10),
          recall: 1,
          f1: expect.closeTo(0.8, 10),
          correct: 2,
          predicted: 3,
          gold: 2,
        },
      },
      confusion: { labels: ['neg', 'pos'], counts: [[1, 1], [0, 2]] }, // prettier-ignore
      errors: [{ token: 'film 1 is good', gold: 'neg', predicted: 'pos', count: 1, line: 1, lines: [1] }],
      correct: 3,
      macro: { precision: expect.closeTo(5 / 6, 10), recall: 0.75, f1: expect.closeTo((2 / 3 + 4 / 5) / 2, 10) },
      lengths: [{ from: 1, to: 5, sentences: 4, correct: 3, accuracy: 0.75 }],
    });
  });

  test('one file for each label', async () => {
    const { stdout } = await run('eval', 'm.safetensors', 'pos=good.txt,neg=bad.txt', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ accuracy: 1, sentences: 120 });
  });
});

describe('tag', () => {
  test('a label and its probability for each line, a blank line for a blank one', () => {
    const input = 'film 3 is good\n\nit is bad . really bad .\n';
    const tag = (...args: string[]) => bptt(['tag', 'm.safetensors', ...args], { cwd: space.folder, input });
    const { status, stdout } = tag();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^pos\t0\.\d{4}\n\nneg\t0\.\d{4}\n$/);
    const lines = tag('--output', 'jsonl')
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      { tokens: ['film', '3', 'is', 'good'], label: 'pos', probability: expect.any(Number) },
      { tokens: [], label: null },
      expect.objectContaining({ label: 'neg' }),
    ]);
  });

  test('a file in a format, its labels ignored', async () => {
    const { stdout } = await run('tag', 'm.safetensors', 'moods.tsv', '--format', 'tsv');
    expect(stdout.trim().split('\n').map((line) => line.split('\t')[0])).toEqual(rows.map(({ mood }) => mood)); // prettier-ignore
  });

  test('raw text is cut as the training data was', async () => {
    await train(
      '--train',
      'moods.tsv',
      '--tokenizer',
      'characters',
      '--epochs',
      '1',
      '--out',
      'c.safetensors',
      '--quiet',
    );
    space.write('raw.txt', 'ab c\n');
    const { stdout } = await run('tag', 'c.safetensors', 'raw.txt', '--output', 'jsonl');
    expect(JSON.parse(stdout)).toMatchObject({ tokens: ['a', 'b', 'c'] });
  });
});
