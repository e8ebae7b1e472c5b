/** `bptt split`: its parts are the blocks of the input, counted and compared by plain loops over the text. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => (space = createWorkspace()));
afterAll(() => space.remove());

const split = (...args: string[]) => bpttHere(['split', ...args], space.folder);
const text = (name: string) => readFileSync(space.at(name), 'utf8');
let folders = 0;
const fresh = () => `out${++folders}`;

/** The parts of a split that must go well. */
async function parts(file: string, ...args: string[]): Promise<string[]> {
  const out = fresh();
  const { status, stderr } = await split(file, '-o', out, ...args);
  expect([status, stderr.replace(/^warning: .*\n/gm, '')]).toEqual([0, '']);
  const extension = /\.\w+$/.exec(file)?.[0] ?? '';
  return ['train', 'dev', 'test'].filter((name) => existsSync(space.at(`${out}/${name}${extension}`))).map((name) => text(`${out}/${name}${extension}`)); // prettier-ignore
}

/** Whether the parts are made of all blocks, each once, and each part in their order. */
function expectPartition(blocks: readonly string[], written: readonly string[]): void {
  const rest = [...written];
  for (const block of blocks) {
    const p = rest.findIndex((part) => part.startsWith(block));
    expect(p).toBeGreaterThanOrEqual(0);
    rest[p] = rest[p].slice(block.length);
  }
  expect(rest.join('')).toBe('');
}

const bare = (words: readonly string[]) => words.join(' ').normalize('NFC').toUpperCase().toLowerCase().normalize('NFC'); // prettier-ignore

test('the parts are a partition of the blocks in the original order, no equal sentences apart, the same for a seed', async () => {
  const word = fc.constantFrom('a', 'b', 'C', 'c', 'é', 'e\u0301', 'dd');
  const sentence = fc.array(fc.tuple(word, fc.constantFrom('X', 'Y', 'Z')), { minLength: 1, maxLength: 4 });
  const comment = fc.constantFrom('', '# note = 1\n', '# x = y\n# z = 2\n');
  const gap = fc.constantFrom('\n', '\n\n', ' \n\n');
  const blocks = fc.array(fc.tuple(comment, sentence, gap), { minLength: 25, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(blocks, fc.integer({ min: 0, max: 99 }), async (drawn, seed) => {
      const written = drawn.map(([head, words, tail], i) => `${head}w${i % 12}\tX\n${words.map((pair) => `${pair.join('\t')}\n`).join('')}${tail}`); // prettier-ignore
      // every block has its number in it, so that no two begin alike
      const numbered = written.map((block, i) => `# id = ${i};\n${block}`);
      space.write('law.tsv', numbered.join(''));
      const args = ['--format', 'two-column', '--comments', '#', '--ratio', '60/20/20', '--seed', String(seed)];
      const made = await parts('law.tsv', ...args);
      expect(made).toHaveLength(3);
      expectPartition(numbered, made);
      expect(await parts('law.tsv', ...args)).toEqual(made);
      const sentencesOf = (part: string) =>
        part.split(/# id = \d+;\n/).slice(1).map((block) => bare(block.split('\n').filter((line) => /\t/.test(line)).map((line) => line.split('\t')[0]))); // prettier-ignore
      const [train, dev, test] = made.map((part) => new Set(sentencesOf(part)));
      for (const [one, other] of [[train, dev], [train, test], [dev, test]]) for (const each of one) expect(other.has(each)).toBe(false); // prettier-ignore
      expect(made.flatMap(sentencesOf)).toHaveLength(drawn.length);
    }),
    { seed: 7, numRuns: 40 },
  );
});

test('shares of sentences and of labels are those that were asked for', async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => `w${i}\t${i % 10 === 0 ? 'RARE' : 'COMMON'}\n\n`);
  space.write('shares.tsv', rows.join(''));
  for (const [ratio, shares] of [
    ['80/10/10', [80, 10, 10]],
    ['50/30/20', [50, 30, 20]],
    ['90/0/10', [90, 10]],
  ] as const) {
    // prettier-ignore
    const made = await parts('shares.tsv', '--format', 'two-column', '--ratio', ratio);
    expect(made.map((part) => part.split('RARE').length - 1)).toEqual(shares.map((share) => share));
    expect(made.map((part) => part.split('COMMON').length - 1)).toEqual(shares.map((share) => 9 * share));
  }
});

test('a sentence is placed by its rarest label; spans by their type', async () => {
  const rows = Array.from({ length: 200 }, (_, i) => `w${i}\tO\nx\t${i % 20 === 0 ? 'B-ORG' : i % 4 === 0 ? 'B-PER' : 'O'}\ny\t${i % 40 === 0 ? 'I-ORG' : 'O'}\n\n`); // prettier-ignore
  space.write('spans.conll', rows.join(''));
  const made = await parts('spans.conll', '--ratio', '60/20/20');
  expect(made.map((part) => part.split('B-ORG').length - 1)).toEqual([6, 2, 2]);
  expect(made.map((part) => part.split('B-PER').length - 1)).toEqual([24, 8, 8]);
  expect(made.map((part) => part.split(/^w/m).length - 1)).toEqual([120, 40, 40]);
});

test('another seed is another split', async () => {
  space.write('seeds.tsv', Array.from({ length: 60 }, (_, i) => `w${i}\tX\n\n`).join(''));
  const [one, two] = [await parts('seeds.tsv', '--seed', '1'), await parts('seeds.tsv', '--seed', '2')];
  expect(one).not.toEqual(two);
  expect(one.map((part) => part.length)).not.toContain(0);
});

test('equal sentences may be kept apart only where that is allowed, and it is said', async () => {
  space.write('same.tsv', Array.from({ length: 20 }, (_, i) => `${i < 10 ? 'Same' : 'same'}\tX\n\n`).join(''));
  const refused = await split('same.tsv', '-o', fresh(), '--ratio', '60/20/20');
  expect(refused).toEqual({ status: 65, stdout: '', stderr: 'bptt: same.tsv: 20 sentences, 1 of them different, leave none for dev: add sentences, or choose another --ratio\n' }); // prettier-ignore
  const out = fresh();
  const { status, stderr } = await split('same.tsv', '-o', out, '--ratio', '60/20/20', '--allow-duplicates');
  expect([status, stderr]).toEqual([0, 'warning: same.tsv: 8 sentences of dev and test are the same, in NFC without case, as one of an earlier part\n']); // prettier-ignore
});

test('documents stay together, by the marks of each format', async () => {
  const row = (form: string) => `1\t${form}\t_\tX\t_\t_\t0\troot\t_\t_\n\n`;
  const documents = Array.from({ length: 10 }, (_, d) => `# newdoc id = d${d}\n${row(`a${d}`)}${row('same')}${row(`b${d}`)}`); // prettier-ignore
  space.write('docs.conllu', documents.join(''));
  const made = await parts('docs.conllu', '--by', 'document', '--ratio', '60/20/20');
  expectPartition(documents, made);
  expect(made.map((part) => part.split('newdoc').length - 1)).toEqual([6, 2, 2]);
  const cut = await split('docs.conllu', '-o', fresh(), '--ratio', '60/20/20');
  expect(cut.stderr).toMatch(/^warning: docs\.conllu: sentences of one document are in several parts/);

  const conll = documents.map((_, d) => `-DOCSTART- -X- O\n\na${d} x O\n\nb${d} x B-P\n\n`);
  space.write('docs.conll', conll.join(''));
  expectPartition(conll, await parts('docs.conll', '--by', 'document'));

  const lines = documents.flatMap((_, d) => [0, 1].map((i) => JSON.stringify({ tokens: [`t${d}${i}`], labels: ['X'], doc: d }))); // prettier-ignore
  space.write('docs.jsonl', `${lines.join('\n')}\n`);
  const objects = await parts('docs.jsonl', '--by', 'document', '--document-field', 'doc');
  const numbers = objects.map((part) => part.trim().split('\n').map((line) => (JSON.parse(line) as { doc: number }).doc)); // prettier-ignore
  expect(numbers.map((own) => own.length)).toEqual([16, 2, 2]);
  for (const own of numbers) expect(own.length).toBe(2 * new Set(own).size);
});

test('ranges, empty nodes, comments and the columns of CoNLL-U Plus', async () => {
  const block = (i: number) => `\n# sent_id = ${i}\n1-2\tw${i}x\t_\n1\tw${i}\tX\n# inside\n1.1\te\t_\n2\tx\tY\n\n`;
  const blocks = Array.from({ length: 12 }, (_, i) => block(i));
  const header = '# global.columns = ID FORM UPOS\n';
  // the blank line before a comment belongs to the sentence before
  space.write('plus.conllup', `${header}${blocks.join('')}\n\n# the end`);
  const made = await parts('plus.conllup', '--ratio', '50/25/25');
  for (const part of made) expect(part.startsWith(header)).toBe(true);
  const bodies = made.map((part) => part.slice(header.length));
  expect(bodies.join('')).toHaveLength(blocks.join('').length + '\n\n# the end'.length);
  for (let i = 0; i < 12; i++) expect(bodies.filter((body) => body.includes(block(i).trim()))).toHaveLength(1);
});

test('CRLF, a byte order mark, blanks, a missing line end, and names of columns in a first line', async () => {
  const lines = Array.from({ length: 20 }, (_, i) => `${i % 2 ? 'pos' : 'neg'}\tfilm ${i}\r\n${i === 3 ? '\r\n' : ''}`);
  space.write('r.tsv', `\ufefflabel\ttext\r\n${lines.join('')}`.replace(/\r\n$/, ''));
  const made = await parts('r.tsv', '--task', 'classify');
  expect(made.map((part) => part.startsWith('\ufefflabel\ttext\r\n'))).toEqual([true, true, true]);
  expect(made.map((part) => part.split('pos').length - 1)).toEqual([8, 1, 1]);
  const body = lines.join('').replace(/\r\n$/, '');
  expect(made.map((part) => part.slice('\ufefflabel\ttext\r\n'.length)).join('')).toHaveLength(body.length);
  for (let i = 0; i < 20; i++)
    expect(made.filter((part) => part.match(new RegExp(`film ${i}(\\r|$)`)))).toHaveLength(1);
});

test('parallel files of slots, and one file per label', async () => {
  mkdirSync(space.at('slots'));
  const count = (value: string) => value.split('\n').length - 1;
  const many = (one: (i: number) => string) => Array.from({ length: 20 }, (_, i) => `${one(i)}\n`).join('');
  space.write(
    'slots/seq.in',
    many((i) => `play song${i}`),
  );
  space.write(
    'slots/seq.out',
    many((i) => `O B-song${i % 2}`),
  );
  space.write(
    'slots/label',
    many((i) => `intent${i % 2}`),
  );
  const out = fresh();
  expect((await split('slots', '-o', out, '--task', 'slots-intent')).status).toBe(0);
  for (const [part, size] of [
    ['train', 16],
    ['dev', 2],
    ['test', 2],
  ] as const) {
    // prettier-ignore
    const [words, labels, intents] = ['seq.in', 'seq.out', 'label'].map((name) => text(`${out}/${part}/${name}`));
    expect([words, labels, intents].map(count)).toEqual([size, size, size]);
    words.trim().split('\n').forEach((line, i) => {
      const parity = Number(/\d+$/.exec(line)![0]) % 2;
      expect(labels.split('\n')[i]).toBe(`O B-song${parity}`);
      expect(intents.split('\n')[i]).toBe(`intent${parity}`);
    }); // prettier-ignore
  }
  space.write(
    'pos.txt',
    many((i) => `good ${i}`),
  );
  space.write(
    'neg.txt',
    many((i) => `bad ${i}`),
  );
  const both = fresh();
  const { stdout } = await split('pos=pos.txt,neg=neg.txt', '-o', both, '--json');
  expect(JSON.parse(stdout)).toMatchObject({ seed: 1, parts: [{ name: 'train', sentences: 32, shared: 0, files: [`${both}/train/pos.txt`, `${both}/train/neg.txt`] }, { sentences: 4 }, { sentences: 4 }] }); // prettier-ignore
  expect(count(text(`${both}/train/pos.txt`))).toBe(16);
  const again = await split('a=pos.txt,b=slots/../pos.txt', '-o', fresh());
  expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('two files of the input have this name')]);
});

test('every format comes out as it went in', async () => {
  const many = (one: (i: number) => string) => Array.from({ length: 20 }, (_, i) => `${one(i)}\n`);
  const files: [string, string[], string[]][] = [
    ['e.slashed', many((i) => `w${i}/X  b/Y`), []],
    ['e.jsonl', many((i) => `{"id": ${i},  "tokens": ["w${i}"], "labels": ["X"]}`), []],
    ['e.doccano', many((i) => `{"text": "Ann ${i}", "label": [[0, 3, "PER"]], "id": ${i}}`), ['--format', 'doccano']],
    ['e.prodigy', many((i) => `{"text": "Ann ${i}", "spans": [{"start": 0, "end": 3, "label": "PER"}]}`), []],
    ['e.txt', many((i) => `__label__x w${i} b`), ['--format', 'fasttext']],
  ];
  for (const [name, lines, args] of files) {
    space.write(name, lines.join(''));
    const made = await parts(name, ...args);
    expect([name, made.map((part) => part.split('\n').length - 1)]).toEqual([name, [16, 2, 2]]);
    expectPartition(lines, made);
  }
});

test('the table for people', async () => {
  space.write('t.tsv', Array.from({ length: 10 }, (_, i) => `w${i}\tX\nb\tY\n\n`).join(''));
  const out = fresh();
  const { stdout } = await split('t.tsv', '-o', out);
  expect(stdout).toBe(`part   sentences    share  tokens  file
train          8  80.00 %      16  ${out}/train.tsv
dev            1  10.00 %       2  ${out}/dev.tsv
test           1  10.00 %       2  ${out}/test.tsv

label  train    share  dev    share  test    share
X          8  50.00 %    1  50.00 %     1  50.00 %
Y          8  50.00 %    1  50.00 %     1  50.00 %
all       16             2              2

seed 1; equal sentences (NFC, no case) are in one part: 0 groups, the largest of
  1; placed by the rarest label
`);
});

test('files that are there are kept, unless --force is given', async () => {
  space.write('k.tsv', Array.from({ length: 20 }, (_, i) => `w${i}\tX\n\n`).join(''));
  expect((await split('k.tsv', '-o', 'kept')).status).toBe(0);
  const before = text('kept/train.tsv');
  const again = await split('k.tsv', '-o', 'kept', '--seed', '2');
  expect([again.status, again.stdout]).toEqual([2, '']);
  expect(again.stderr).toBe('bptt: kept/train.tsv exists: choose another folder (-o), or add --force to replace it\n');
  expect(text('kept/train.tsv')).toBe(before);
  const stale = await split('k.tsv', '-o', 'kept', '--force', '--ratio', '80/20/0', '--seed', '2');
  expect([stale.status, stale.stderr]).toEqual([0, 'warning: kept/test.tsv is not of this split, which has no part test: remove it\n']); // prettier-ignore
  expect(text('kept/train.tsv')).not.toBe(before);
  expect(readdirSync(space.at('kept')).sort()).toEqual(['dev.tsv', 'test.tsv', 'train.tsv']);
});

test('what cannot be done is one line, and leaves nothing behind', async () => {
  space.write('ok.tsv', Array.from({ length: 20 }, (_, i) => `w${i}\tX\n\n`).join(''));
  space.write('bad.conllu', '1\tx\t_\tNOUN\tNN\t_\t0\troot\t_\n\n');
  space.write('file', 'x');
  space.write('file.txt', 'Ann met Bo.\n');
  space.write('file.ann', 'T1\tPER 0 3\tAnn\n');
  space.write('ok.jsonl', '{"tokens":["a"],"labels":["X"]}\n');
  const cases: [number, string[], string][] = [
    [65, ['none.tsv', '-o', 'never'], 'none.tsv: no such file'],
    [65, ['bad.conllu', '--format', 'conllu', '-o', 'never'], 'bad.conllu:1: too few columns'],
    [65, ['ok.tsv', '--by', 'document', '-o', 'never'], 'expected documents'],
    [65, ['ok.jsonl', '--by', 'document', '--document-field', 'd', '-o', 'never'], 'ok.jsonl:1: expected "d"'],
    [65, ['file.ann', '-o', 'never'], 'got a text and its annotations (brat): convert them first'],
    [65, ['ok.jsonl', '-o', 'never'], '1 sentence, 1 of them different, leave none for dev'],
    [1, ['ok.tsv', '-o', 'file'], 'cannot make the folder'],
    [2, ['ok.tsv'], "required option '-o, --out <folder>' not specified"],
    [2, ['ok.tsv', '-o', '-'], '-o must name a folder'],
    [2, ['ok.tsv', '-o', ''], '-o must name a folder'],
    [2, ['ok.tsv', '-o', 'never', '--ratio', '80/10'], 'such as 80/10/10'],
    [2, ['ok.tsv', '-o', 'never', '--document-field', 'd'], '--document-field has no effect without --by document'],
    [2, ['ok.tsv', '-o', 'never', '--stratify'], "unknown option '--stratify'"],
  ];
  for (const [status, args, message] of cases) {
    const outcome = await split(...args);
    expect([outcome.status, outcome.stdout, outcome.stderr]).toEqual([status, '', expect.stringContaining(message)]);
    expect(outcome.stderr.split('\n').filter((line) => line.startsWith('bptt: '))).toHaveLength(1);
  }
  expect(existsSync(space.at('never'))).toBe(false);
  mkdirSync(space.at('in'));
  space.write('in/train.tsv', text('ok.tsv'));
  const own = await split('in/train.tsv', '-o', 'in', '--force');
  expect([own.status, own.stderr]).toEqual([2, expect.stringContaining('would overwrite the input')]);
  expect(readdirSync(space.at('in'))).toEqual(['train.tsv']);
});

test('a part that would be read in another way is refused', async () => {
  // In the whole, words stand in column 1; dev by itself has numbers there, and would be read as if they counted the words.
  const documents = [
    Array.from({ length: 8 }, (_, i) => `a${i}\tw\tX\n\n`).join(''),
    '1\tu\tX\n2\tv\tX\n\n',
    '1\ts\tX\n2\tt\tX\n3\tr\tX\n\n',
  ];
  space.write('odd.conll', documents.map((document) => `-DOCSTART-\t-X-\tO\n\n${document}`).join(''));
  const refused = await split('odd.conll', '-o', 'odd', '--by', 'document');
  expect([refused.status, refused.stdout]).toEqual([65, '']);
  expect(refused.stderr).toMatch(/^bptt: odd\.conll: the part dev would be read differently from the whole \(.*\(--format, /); // prettier-ignore
  expect(existsSync(space.at('odd'))).toBe(false);
  expect(await parts('odd.conll', '--by', 'document', '--token-column', '1')).toHaveLength(3);
});

test('where one file cannot be written, none is', async () => {
  space.write('w.tsv', Array.from({ length: 20 }, (_, i) => `w${i}\tX\n\n`).join(''));
  mkdirSync(space.at('blocked/dev.tsv'), { recursive: true });
  const { status, stderr } = await split('w.tsv', '-o', 'blocked', '--force');
  expect([status, stderr]).toEqual([1, expect.stringContaining('it is a directory')]);
  expect(readdirSync(space.at('blocked'))).toEqual(['dev.tsv']);
});

test('--help has the default ratio as it is written', async () => {
  expect((await split('--help')).stdout.replace(/\s+/g, ' ')).toContain('in each part (default: 80/10/10)');
});

test('standard input', () => {
  const input = Array.from({ length: 20 }, (_, i) => `w${i}\tX\n\n`).join('');
  const { status } = bptt(['split', '-', '-o', 'piped'], { input, cwd: space.folder });
  expect([status, readdirSync(space.at('piped')).sort()]).toEqual([0, ['dev.tsv', 'test.tsv', 'train.tsv']]);
});
