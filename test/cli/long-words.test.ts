/** Words that are far too long: a stated rule up to 100,000 characters, a clear error beyond, and never a message as long as the word. */
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

const LONG = 'x'.repeat(10_000);
const HUGE = 'y'.repeat(10_000_000);
/** Raw text is cut by rules, which takes its time. */
const LARGE = 'y'.repeat(200_000);
let space: Workspace;
const run = (...args: string[]) => bpttHere(args, space.folder);

beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
  space.write('long.tsv', `They\tPRON\n${LONG}\tNOUN\n\n`);
  space.write('huge.tsv', `They\tPRON\n${HUGE}\tNOUN\n\nthey\tPRON\n\n`);
  space.write('huge.conllu', `1\t${HUGE}\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n`);
  space.write('huge.jsonl', `{"tokens": ["${HUGE}"], "labels": ["NOUN"]}\n`);
  space.write('huge.slashed', `they/PRON ${HUGE}/NOUN\n`);
  space.write('moods.tsv', `pos\tgood ${LARGE}\nneg\tbad\n`);
});
afterAll(() => space.remove());

test('a word of 10,000 characters is read as others are, and messages cut it', async () => {
  const commands = [
    ['train', '--train', 'long.tsv', '--epochs', '1', '--hidden', '3', '--embedding', '3', '--out', 'l.safetensors'],
    ['eval', 'model.safetensors', 'long.tsv', '--errors', '5'],
    ['inspect', `They ${LONG}`, 'model.safetensors'],
  ];
  for (const command of commands) {
    const { status, stdout, stderr } = await run(...command);
    expect({ command: command[0], status }).toEqual({ command: command[0], status: 0 });
    for (const line of `${stdout}${stderr}`.split('\n')) expect(line.length).toBeLessThan(400);
  }
  const { status, stdout } = bptt(['tag', 'model.safetensors'], { cwd: space.folder, input: `They ${LONG}\n` });
  expect(status).toBe(0);
  expect(stdout).toContain(`${LONG}/`); // an answer is whole
});

const PLACES: readonly (readonly [string, string])[] = [
  ['huge.tsv', 'huge.tsv:2'],
  ['huge.conllu', 'huge.conllu:1'],
  ['huge.jsonl', 'huge.jsonl:1'],
  ['huge.slashed', 'huge.slashed:1'],
];
test.each(PLACES)(
  'a token of 10 MB in %s is refused by train and eval, in one short line',
  async (file, place) => {
    for (const command of [
      ['train', '--train', file, '--quiet', '--out', 'never.safetensors'],
      ['eval', 'model.safetensors', file],
    ]) {
      const { status, stdout, stderr } = await run(...command);
      expect({ status, stdout }).toEqual({ status: 65, stdout: '' });
      const message = 'the token "y{27}…" has 10000000 characters: expected at most 100000; separate the words';
      expect(stderr).toMatch(new RegExp(`^bptt: ${place}: ${message}`, 'm'));
      for (const line of stderr.split('\n')) expect(line.length).toBeLessThan(400);
    }
  },
  60_000,
);

test('a token of 200,000 characters in raw text, and in a text to classify, is refused', async () => {
  const tagged = bptt(['tag', 'model.safetensors'], { cwd: space.folder, input: `They walk\n${LARGE} .\n` });
  expect(tagged.status).toBe(65);
  expect(tagged.stderr).toMatch(/^bptt: standard input:2: the token "y{27}…" has 200000 characters/m);
  expect(tagged.stderr.length).toBeLessThan(400);
  const { status, stderr } = await run('train', '--task', 'classify', '--train', 'moods.tsv', '--quiet');
  expect(status).toBe(65);
  expect(stderr).toMatch(/^bptt: moods.tsv:1: the token "y{27}…" has 200000 characters/m);
});

test('--skip-bad leaves such a line out and says so', async () => {
  const { status, stderr } = await run('eval', 'model.safetensors', 'huge.tsv', '--skip-bad');
  expect(status).toBe(0);
  expect(stderr).toMatch(/^warning: huge.tsv:2: the token "y{27}…" has 10000000 characters/m);
  expect(stderr).toMatch(/1 bad line was left out/);
  for (const line of stderr.split('\n')) expect(line.length).toBeLessThan(400);
});
