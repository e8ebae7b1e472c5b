import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { mkdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { groupsOf } from '../../src/cli/groups';
import type { Sentence } from '../../src/labeling/data/sentence';
import { createWasmKernels } from '../../src/kernels/index';
import { createTagger } from '../../src/labeling/model/tagger';
import type { Tagger } from '../../src/labeling/model/tagger';
import { DataError } from '../../src/tensor/errors';
import { bptt, startBptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, TINY, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
let tagger: Tagger;
beforeAll(async () => {
  space = createWorkspace();
  const bytes = readFileSync(await trainTiny(space));
  tagger = createTagger(bytes, await createWasmKernels()); // what the command selects too
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

test('--tokenizer and --locale say how raw text is cut, and are refused where it is tokenized already', () => {
  expect(tag(['--tokenizer', 'whitespace'], 'They run.')).toMatchObject({
    status: 0,
    stdout: `${slashed('They run.')}\n`,
  });
  expect(tag(['--locale', 'de'], 'They run.')).toMatchObject({ status: 0, stdout: `${slashed('They run .')}\n` });
  expect(tag(['--locale', 'not a locale'], 'a').status).toBe(2);
  expect(tag(['--tokenizer', 'letters'], 'a').status).toBe(2);
  const { status, stderr } = tag(['--format', 'two-column', '--locale', 'de'], 'a\n');
  expect([status, stderr]).toEqual([
    2,
    'bptt: --locale applies only to raw text: leave it out, or leave out --format\n',
  ]);
});

test('a model remembers how raw text is to be cut', () => {
  const more = ['--epochs', '1', '--quiet', '--tokenizer', 'whitespace', '--locale', 'de', '--out', 'cut.safetensors'];
  expect(bptt(['train', '--train', 'train.tsv', ...TINY, ...more], { cwd: space.folder }).status).toBe(0);
  const cut = (...args: string[]) =>
    bptt(['tag', 'cut.safetensors', ...args], { cwd: space.folder, input: 'They run.' })
      .stdout.trim()
      .split(' ').length;
  expect(cut()).toBe(2);
  expect(cut('--tokenizer', 'unicode')).toBe(3);
  const wrong = ['--epochs', '1', '--locale', 'not a locale', '--out', 'never.safetensors'];
  expect(bptt(['train', '--train', 'train.tsv', ...TINY, ...wrong], { cwd: space.folder }).status).toBe(2);
});

test('raw text from a file', () => {
  space.write('raw.txt', '\ufeffthe cat sat\r\n');
  expect(tag(['raw.txt'])).toEqual({ status: 0, stdout: `${slashed('the cat sat')}\n`, stderr: '' });
});

test('what gzip has compressed is named, and not taken for UTF-16', () => {
  space.write('text.gz', gzipSync('They run.\n'.repeat(50)));
  const message = 'text.gz: expected text in UTF-8; got gzip-compressed data: unpack it with gunzip';
  for (const args of [
    [],
    ['--threads', '2'],
    ['--format', 'conllu', '--skip-bad'],
    ['--format', 'conll'],
    ['--output', 'spans', '--format', 'jsonl'],
  ])
    // prettier-ignore
    expect(tag(['text.gz', ...args])).toEqual({ status: 65, stdout: '', stderr: `bptt: ${message}\n` });
  const { status, stderr } = bptt(['train', '--train', 'text.gz', '--out', 'x'], { cwd: space.folder });
  expect([status, stderr]).toEqual([65, `bptt: ${message}\n`]);
});

test('raw text and corpora in UTF-16 without a mark, or with CR alone at line ends, are bad data', async () => {
  space.write('utf16.txt', Buffer.from('they run.\n', 'utf16le'));
  space.write('mac.tsv', 'they\tX\rrun\tX\r');
  const nul =
    'utf16.txt:1: expected text in UTF-8, but byte 2 of the line is NUL: the file is probably UTF-16 or binary';
  const cr = 'mac.tsv:1: expected lines that end in LF or CRLF; got lines that end in CR only';
  for (const [file, message] of [
    ['utf16.txt', nul],
    ['mac.tsv', cr],
  ]) {
    for (const args of [
      ['tag', 'model.safetensors', file],
      ['eval', 'model.safetensors', file],
      ['train', '--train', file],
    ]) {
      const { status, stdout, stderr } = await bpttHere(args, space.folder);
      expect([status, stdout]).toEqual([65, '']);
      expect(stderr).toContain(`bptt: ${message}`);
    }
  }
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

describe('input that pauses', () => {
  test.each([
    ['raw', [], 'they run\n', 'the cat\n'],
    ['jsonl', ['-', '--format', 'jsonl'], '{"tokens":["they","run"]}\n', '{"tokens":["the","cat"]}\n'],
    ['two-column', ['-', '--format', 'two-column'], 'they\tX\nrun\tX\n\n', 'the\tX\ncat\tX\n\n'],
  ])('%s: what is complete is answered before more is written', async (_, args, one, two) => {
    const child = startBptt(['tag', 'model.safetensors', ...args], { cwd: space.folder });
    child.stdin.write(one);
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    expect(first.toString()).toBe(`${slashed('they run')}\n`);
    child.stdin.write(two);
    const [second] = (await once(child.stdout, 'data')) as [Buffer];
    expect(second.toString()).toBe(`${slashed('the cat')}\n`);
    child.stdin.end();
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  test('an error ends it, also while the writer keeps the pipe open', async () => {
    const child = startBptt(['tag', 'model.safetensors', '-', '--format', 'jsonl', '--output', 'conll'], {
      cwd: space.folder,
    });
    const stderr = text(child.stderr);
    child.stdin.on('error', () => undefined);
    child.stdin.write('{"tokens":["they","run"]}\n{"tokens":7}\n');
    expect(await once(child, 'close')).toEqual([65, null]);
    expect(await stderr).toBe(
      'bptt: standard input:2: expected "tokens", an array of strings that are not empty; got 7\n',
    );
  });
});

describe('groups of sentences', () => {
  const sentence = (...tokens: string[]) => ({ tokens });
  const groups = async (source: AsyncIterable<Sentence>, tokens: number): Promise<number[]> => {
    const sizes: number[] = [];
    for await (const group of groupsOf(source, tokens)) sizes.push(group.length);
    return sizes;
  };

  test('have about so many tokens each', async () => {
    async function* source() {
      for (let i = 0; i < 7; i++) yield sentence('a', 'b');
    }
    expect(await groups(source(), 3)).toEqual([2, 2, 2, 1]);
    expect(await groups(source(), 14)).toEqual([7]);
  });

  test('before an error come the sentences that were read, then the error', async () => {
    async function* source() {
      yield sentence('a');
      yield sentence('b');
      throw new DataError('line 3');
    }
    const found = groupsOf(source(), 99);
    expect((await found.next()).value).toHaveLength(2);
    await expect(found.next()).rejects.toThrow('line 3');
  });

  test('whoever stops early closes the source', async () => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield sentence('a');
      } finally {
        closed = true;
      }
    }
    for await (const group of groupsOf(source(), 2)) if (group.length > 0) break;
    expect(closed).toBe(true);
  });
});

test('the seq.in of a slot-filling folder is raw text unless told otherwise, which is said', () => {
  mkdirSync(space.at('slots'));
  space.write('slots/seq.in', "they can't run\n");
  const hint = 'warning: slots/seq.in is read as raw text; with --format slots its words are used as they are\n';
  const alone = `${slashed("they can't run")}\n`;
  expect(tag(['slots/seq.in'])).toEqual({ status: 0, stdout: alone, stderr: '' });
  space.write('slots/seq.out', 'O O O\n');
  expect(tag(['slots/seq.in'])).toEqual({ status: 0, stdout: alone, stderr: hint });
  expect(tag(['slots/seq.in', '--format', 'slots'])).toEqual({ status: 0, stdout: alone, stderr: '' });
  const folder = tag(['slots']);
  expect(folder.status).toBe(65);
  expect(folder.stderr).toBe(
    'bptt: slots: expected a file, got a folder: set its format to slots, or pass a file in it\n',
  );
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
