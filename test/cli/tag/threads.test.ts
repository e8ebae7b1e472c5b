/** `bptt tag --threads`: the bytes of one thread, in every format; errors, pauses, readers that leave, and workers that end. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';
import { conlluFlow } from '../../../src/cli/tag/conllu.js';
import { bptt, startBptt } from '../../support/cli.js';
import { bpttHere } from '../../support/cli-here.js';
import { conll, createWorkspace, TINY, trainTiny } from '../../support/workspace.js';
import type { Workspace } from '../../support/workspace.js';

const SENTENCES = 3500; // groups for each worker

let space: Workspace;
const here = (args: readonly string[], input?: string) => bptt(args, { cwd: space.folder, input });
const tag = (args: readonly string[], input?: string) => here(['tag', 'model.safetensors', ...args], input);

beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
  const corpus = generateCorpus({ sentences: SENTENCES, seed: 8 });
  space.write('long.tsv', conll(corpus));
  space.write('long.txt', corpus.map(({ tokens }, i) => `${tokens.join(' ')}\n${i % 7 === 0 ? '\n' : ''}`).join(''));
  space.write('long.jsonl', corpus.map(({ tokens }, id) => `${JSON.stringify({ id, text: tokens.join(' ') })}\n`).join('')); // prettier-ignore
  const rows = (tokens: readonly string[], i: number) =>
    [`# sent_id = ${i}`, ...tokens.map((token, t) => `${t + 1}\t${token}\t_\tX\t_\t_\t_\t_\t_\t_`), '', ''].join('\n');
  space.write('long.conllu', corpus.map(({ tokens }, i) => rows(tokens, i)).join(''));
  const spans = corpus.slice(0, 80).map(({ tokens }) => tokens.map((token, t) => `${token}\t${['B-A', 'I-A', 'O'][t % 3]}\n`).join('')); // prettier-ignore
  space.write('spans.tsv', spans.join('\n'));
  space.write('classes.tsv', corpus.slice(0, 80).map(({ tokens }, i) => `${i % 2 ? 'a' : 'b'}\t${tokens.join(' ')}\n`).join('')); // prettier-ignore
  const train = (file: string, out: string, ...more: string[]) => {
    const args = ['train', '--train', file, '--epochs', '1', '--quiet', ...TINY, '--out', out, ...more];
    expect(here(args)).toMatchObject({ status: 0, stdout: '' });
  };
  train('spans.tsv', 'spans.safetensors');
  train('classes.tsv', 'classes.safetensors', '--task', 'classify');
});
afterAll(() => space.remove());

test.each([
  ['text', 'model', ['long.txt']],
  ['text with probabilities', 'model', ['long.txt', '--probabilities']],
  ['slashed', 'model', ['long.tsv', '--format', 'two-column', '--output', 'slashed']],
  ['conll', 'model', ['long.tsv', '--format', 'two-column', '--output', 'conll', '--probabilities']],
  ['jsonl', 'model', ['long.conllu', '--format', 'conllu', '--output', 'jsonl', '--probabilities']],
  ['conllu of its own lines', 'model', ['long.conllu', '--output', 'conllu', '--column', 'upos']],
  ['new conllu', 'model', ['long.tsv', '--format', 'two-column', '--output', 'conllu', '--column', 'upos']],
  ['spans of text', 'spans', ['long.txt', '--output', 'spans', '--offsets', 'codepoints']],
  ['spans of JSON lines', 'spans', ['long.jsonl', '--format', 'jsonl', '--output', 'spans']],
  ['spans of sentences', 'spans', ['long.tsv', '--format', 'two-column', '--output', 'spans']],
  ['jsonl with spans', 'spans', ['long.tsv', '--format', 'two-column', '--output', 'jsonl', '--spans']],
  ['labels of sentences', 'classes', ['long.txt']],
  ['labels of sentences, jsonl', 'classes', ['long.txt', '--output', 'jsonl']],
])('%s: the bytes of one thread', async (_, model, args) => {
  const one = await bpttHere(['tag', `${model}.safetensors`, ...args], space.folder);
  expect(one).toMatchObject({ status: 0, stderr: '' });
  expect(one.stdout.length).toBeGreaterThan(30_000);
  const two = here(['tag', `${model}.safetensors`, ...args, '--threads', '2']);
  expect(two.stdout === one.stdout).toBe(true);
  expect(two).toMatchObject({ status: 0, stderr: '' });
});

test('auto, three threads, and standard input give the same bytes', () => {
  const input = readFileSync(space.at('long.txt'), 'utf8');
  const { stdout } = tag([], input);
  for (const threads of ['auto', '3']) expect(tag(['--threads', threads], input).stdout === stdout).toBe(true);
});

test('what cannot be read fails as on one thread: the same sentences before, line and exit status', () => {
  const text = readFileSync(space.at('long.conllu'), 'utf8').split('\n');
  const row = text.findIndex((line, i) => i > 25_000 && line.startsWith('2\t'));
  text[row] = text[row].replace('2\t', '3\t');
  space.write('wrong.conllu', text.join('\n'));
  const args = ['wrong.conllu', '--format', 'conllu', '--output', 'jsonl'];
  const one = tag(args);
  expect(one.stdout.length).toBeGreaterThan(100_000);
  expect(one).toMatchObject({ status: 65, stderr: expect.stringContaining(`wrong.conllu:${row + 1}: expected word number 2`) }); // prettier-ignore
  expect(tag([...args, '--threads', '2'])).toEqual(one);
  const skipped = tag([...args, '--skip-bad']);
  expect(skipped.stderr).toMatch('2 bad lines were left out');
  expect(tag([...args, '--skip-bad', '--threads', '2'])).toEqual(skipped);
  expect(tag(['--threads', '2'], '\n').stderr).toMatch('no sentences');
});

test('a note about the whole input counts all of it', () => {
  const input = '{"tokens":["a b","c\\td"]}\n'.repeat(4000);
  const args = ['--format', 'jsonl', '--output', 'conll'];
  const one = tag(args, input);
  expect(one.stderr).toMatch('4,000 tokens that cannot be in a column were escaped');
  expect(tag([...args, '--threads', '2'], input)).toEqual(one);
});

test('each line is answered while the input pauses', async () => {
  const child = startBptt(['tag', 'model.safetensors', '--threads', '2'], { cwd: space.folder });
  for (const word of ['cat', 'run', 'they']) {
    child.stdin.write(`${word}\n`);
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(new RegExp(`^${word}/[A-Z]+\n$`));
  }
  child.stdin.end();
  expect(await once(child, 'close')).toEqual([0, null]);
});

test('a reader that leaves, and Ctrl-C, end the command with its threads', async () => {
  for (const leave of ['close', 'SIGINT', 'SIGTERM'] as const) {
    const child = startBptt(['tag', 'model.safetensors', 'long.txt', '--threads', '2'], { cwd: space.folder });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child.stdout, 'data');
    if (leave === 'close') child.stdout.destroy();
    else child.kill(leave);
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect([code, signal, stderr]).toEqual(leave === 'close' ? [0, null, ''] : [null, leave, '']);
  }
});

test('a worker that ends is one line and exit status 1, also while the input goes on', async () => {
  // A cell of one's own runs in each worker, and nowhere else.
  const leaky = readFileSync(join(__dirname, '../../support/leaky.mjs'), 'utf8');
  space.write(
    'ends.mjs',
    `import { isMainThread } from 'node:worker_threads';\nif (!isMainThread) process.exit(9);\n${leaky}`,
  );
  const args = ['train', '--train', 'train.tsv', '--epochs', '1', '--quiet', ...TINY, '--cell', './ends.mjs', '--out', 'own.safetensors']; // prettier-ignore
  expect(here(args).stderr).toBe('');
  const child = startBptt(['tag', 'own.safetensors', '--cell', './ends.mjs', '--threads', '2'], { cwd: space.folder });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined); // the child is gone
  child.stdout.on('data', () => void child.stdin.write('They run.\n')); // the first thread goes on until it hears of the other
  child.stdin.write('They run.\n');
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(stderr).toBe('bptt: thread 2 of 2 failed: it exited with code 9\n');
});

test('lines of CoNLL-U are written once each, also where they are written before their chunk is read to its end', async () => {
  const text = readFileSync(space.at('long.conllu'), 'utf8')
    .slice(0, 1500)
    .replace(/[^\n]*$/, '');
  const flow = conlluFlow([Buffer.from(text)], { source: 'x' }, [{ column: 'upos', labels: () => Array<string>(99).fill('X') }]); // prettier-ignore
  const written: Uint8Array[] = [];
  for await (const sentence of flow.sentences) written.push(flow.write([sentence], [{ labels: [] }]));
  expect(written.length).toBeGreaterThan(3);
  expect(Buffer.concat([...written, flow.end()]).toString()).toBe(text);
});

test('a line of invisible marks ends a sentence of CoNLL-U as a blank one does', async () => {
  const row = (n: number, word: string, upos: string) => `${n}\t${word}\t_\t${upos}\t_\t_\t_\t_\t_\t_\r\n`;
  const text = (a: string, b: string) =>
    `# é\r\n${row(1, 'a', a)}\u00a0\r\n${row(1, 'é', b)}${row(2, 'c', b)}\u200b \n# end`;
  const chunks = [...Buffer.from(text('X', 'X'))].map((byte) => Uint8Array.of(byte));
  for (const input of [[Buffer.from(text('X', 'X'))], chunks]) {
    const flow = conlluFlow(input, { source: 'x' }, [{ column: 'upos', labels: ({ labels }) => labels }]);
    const sentences: Sentence[] = [];
    for await (const sentence of flow.sentences) sentences.push(sentence);
    const said = [{ labels: ['P\tQ'] }, { labels: ['Y', 'Y'] }];
    expect(Buffer.concat([flow.write(sentences, said), flow.end()]).toString()).toBe(text('P\\tQ', 'Y'));
  }
});

test('--threads takes a count or auto', () => {
  for (const wrong of ['0', '1.5', 'many', '']) expect(tag(['--threads', wrong], 'a\n').status).toBe(2);
});
