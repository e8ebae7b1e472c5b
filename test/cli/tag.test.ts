import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { createTagger } from '../../src/labeling/tagger';
import type { Tagger } from '../../src/labeling/tagger';
import { bptt, startBptt } from '../support/cli';
import { createWorkspace, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
let tagger: Tagger;
beforeAll(async () => {
  space = createWorkspace();
  tagger = createTagger(readFileSync(await trainTiny(space)));
});
afterAll(() => space.remove());

const tag = (args: string[], input?: string) =>
  bptt(['tag', 'model.safetensors', ...args], { cwd: space.folder, input });
const slashed = (sentence: string): string => {
  const tokens = sentence.split(' ');
  const [{ labels }] = tagger.tag([tokens]);
  return tokens.map((token, i) => `${token}/${labels[i]}`).join(' ');
};

test('raw text from standard input is split into sentences and tokens', () => {
  const expected = `${slashed('They run .')}\n${slashed("Don't !")}\n${slashed('the cat')}\n`;
  for (const args of [[], ['-']]) {
    expect(tag(args, "They run. Don't!\n\nthe cat")).toEqual({ status: 0, stdout: expected, stderr: '' });
  }
});

test('raw text from a file', () => {
  space.write('raw.txt', '\ufeffthe cat sat\r\n');
  expect(tag(['raw.txt'])).toEqual({ status: 0, stdout: `${slashed('the cat sat')}\n`, stderr: '' });
});

test('tokenized input by --format, its labels ignored; --output jsonl with --probabilities', () => {
  const { status, stdout } = tag(['test.tsv', '--format', 'two-column', '--output', 'jsonl', '--probabilities']);
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(40);
  const first = JSON.parse(lines[0]) as { tokens: string[]; labels: string[]; probabilities: number[] };
  const [expected] = tagger.tag([first.tokens], { probabilities: true });
  expect(first.labels).toEqual(expected.labels);
  expect(first.probabilities).toEqual(Array.from(expected.probabilities ?? []));
});

test('--output conll is what eval reads: full marks for its own labels', () => {
  const { stdout } = tag(
    ['--format', 'jsonl', '--output', 'conll'],
    '{"tokens":["they","run"]}\n{"tokens":["the","run"]}\n',
  );
  expect(stdout).toMatch(/^they\t\S+\nrun\t\S+\n\nthe\t\S+\nrun\t\S+\n\n$/);
  const own = bptt(['eval', 'model.safetensors', '-', '--json'], { cwd: space.folder, input: stdout });
  expect(JSON.parse(own.stdout)).toMatchObject({ accuracy: 1, tokens: 4 });
});

test('--output text is the default', () => {
  expect(tag(['--output', 'text'], 'the cat').stdout).toBe(tag([], 'the cat').stdout);
  expect(tag(['--probabilities'], 'cat').stdout).toMatch(/^cat\/\S+\/0\.\d{4}\n$/);
});

test('a text without sentence ends is cut, not held', () => {
  const { status, stdout } = tag([], 'run '.repeat(5000));
  expect(status).toBe(0);
  const lengths = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').length);
  expect(lengths).toEqual([2048, 2048, 904]);
});

test('sentences come out while input still comes in', async () => {
  const child = startBptt(['tag', 'model.safetensors'], { cwd: space.folder });
  child.stdin.write('they run the run\n'.repeat(3000));
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  expect(first.toString()).toContain(`${slashed('they run the run')}\n`);
  child.stdin.end('the last\n');
  const rest = await text(child.stdout);
  expect(rest.endsWith(`${slashed('the last')}\n`)).toBe(true);
});

test('a reader that has seen enough ends it quietly', async () => {
  const child = startBptt(['tag', 'model.safetensors'], { cwd: space.folder });
  const stderr = text(child.stderr);
  child.stdin.on('error', () => undefined); // the child is gone before it has read everything
  child.stdin.end('they run the run\n'.repeat(60_000));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [status] = (await once(child, 'close')) as [number];
  expect({ status, stderr: await stderr }).toEqual({ status: 0, stderr: '' });
});
