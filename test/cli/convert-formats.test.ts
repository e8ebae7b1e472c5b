/** `bptt convert` between formats: there and back again, what is lost and counted, and what is refused. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { bpttHere } from '../support/cli-here';
import { createWorkspace } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());

const convert = (...args: string[]) => bpttHere(['convert', ...args], space.folder);
const written = (name: string) => readFileSync(space.at(name), 'utf8');

/** How each format is read, so that its words and labels are those that were written. */
const READ: Readonly<Record<string, readonly string[]>> = {
  conll: ['--format', 'conll'],
  conllu: ['--format', 'conllu', '--column', 'misc'],
  slashed: ['--format', 'slashed'],
  jsonl: ['--format', 'jsonl'],
  doccano: ['--format', 'doccano', '--tokenizer', 'whitespace'],
  prodigy: ['--format', 'prodigy'],
  brat: ['--format', 'brat', '--tokenizer', 'whitespace'],
  spans: ['--format', 'spans', '--tokenizer', 'whitespace'],
};
const FORMATS = Object.keys(READ);
const fileOf = (stem: string, format: string): string => `${stem}.${format === 'brat' ? 'ann' : format}`;
const bytesOf = (stem: string, format: string): string[] =>
  format === 'brat' ? [written(`${stem}.ann`), written(`${stem}.txt`)] : [written(fileOf(stem, format))];

/** Sentences of words that every format holds, with spans in IOB2 that do not break it. */
function randomSentences(seed: number): { tokens: string[]; labels: string[] }[] {
  const word = fc.oneof(
    fc.constantFrom('😀', '👨‍👩‍👧', 'é', 'שלום', 'ا', '北京', '#', '#x', '_', 'a/b', '\\', '\\u0020', '1', "don't", '"', '[', '-', 'T1', 'B-PER'),
    fc.stringMatching(/^[a-zA-Z0-9.,:;!?]{1,6}$/),
  ); // prettier-ignore
  const part = fc.oneof(
    fc.tuple(fc.constant('O'), fc.array(word, { minLength: 1, maxLength: 1 })),
    fc.tuple(fc.constantFrom('PER', 'LOC', 'Größe', 'a-b'), fc.array(word, { minLength: 1, maxLength: 3 })),
  );
  const sentence = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => ({
    tokens: parts.flatMap(([, words]) => words),
    labels: parts.flatMap(([type, words]) => words.map((_, t) => (type === 'O' ? 'O' : `${t === 0 ? 'B' : 'I'}-${type}`))),
  })); // prettier-ignore
  const spanned = { tokens: ['Ann', 'Lee', 'sang'], labels: ['B-PER', 'I-PER', 'O'] }; // so that there is a scheme to find
  return [spanned, ...fc.sample(sentence, { seed, numRuns: 40 })];
}

describe.each(FORMATS)('there and back again from %s', (from) => {
  beforeAll(async () => {
    const rows = randomSentences(FORMATS.indexOf(from) + 1).map((row) => `${JSON.stringify(row)}\n`);
    space.write('base.jsonl', rows.join(''));
    await convert('--output', from, ...READ.jsonl, 'base.jsonl', fileOf('one', from));
  });

  test.each(FORMATS)('%s', async (to) => {
    const there = await convert('--json', '--output', to, ...READ[from], fileOf('one', from), fileOf('two', to));
    expect([there.status, there.stderr]).toEqual([0, '']);
    const back = await convert('--json', '--output', from, ...READ[to], fileOf('two', to), fileOf('three', from));
    expect([back.status, back.stderr]).toEqual([0, '']);
    for (const { stdout } of [there, back])
      expect(JSON.parse(stdout)).toMatchObject({ sentences: 41, changed: 0, repairs: 0, losses: {}, warnings: [] });
    expect(bytesOf('three', from)).toEqual(bytesOf('one', from));
    await convert('--output', 'jsonl', ...READ[to], fileOf('two', to), 'end.jsonl');
    expect(written('end.jsonl')).toBe(written('base.jsonl'));
  });
});

test.each(['IOB1', 'IOE1', 'IOE2', 'IOBES', 'BILOU'])('spans of %s come back in IOB2 from an output of spans', async (scheme) => {
  space.write('base.jsonl', randomSentences(99).map((row) => `${JSON.stringify(row)}\n`).join(''));
  await convert('--scheme', scheme, 'base.jsonl', 'scheme.jsonl');
  for (const output of ['doccano', 'prodigy', 'brat', 'spans']) {
    await convert('--output', output, '--from', scheme, 'scheme.jsonl', fileOf('spans', output));
    await convert('--output', 'jsonl', ...READ[output], fileOf('spans', output), 'end.jsonl');
    expect(written('end.jsonl')).toBe(written('base.jsonl'));
  }
}); // prettier-ignore

test('CoNLL-U to CoNLL-U keeps its bytes beside the labels', async () => {
  const lines = ['# sent_id = 1', '1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\tNE=O', '1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\tB-X', '2\tnos\tnos\tPRON\t_\t_\t1\tobj\t_\tSpaceAfter=No', '2.1\te\te\tX\t_\t_\t_\t_\t_\t_', '', ''];
  space.write('a.conllu', lines.join('\n'));
  const same = await convert('--output', 'conllu', 'a.conllu', 'b.conllu');
  expect([same.status, same.stdout, same.stderr]).toEqual([0, 'a.conllu: conllu → conllu: 1 sentence\n', '']);
  expect(written('b.conllu')).toBe(written('a.conllu'));
  const { stderr, stdout } = await convert('--output', 'jsonl', 'a.conllu');
  expect(stdout).toBe('{"tokens":["vamos","nos"],"labels":["VERB","PRON"]}\n');
  expect(stderr).toContain('warning: a.conllu: left out, because jsonl cannot hold them: 1 comment, 1 range of words, 1 empty node, 8 values of other columns, 1 text with other spaces between words\n');
}); // prettier-ignore

test.each([
  ['five.conll', '-DOCSTART-\t-\tO\n\n# a comment\na\tNN\tB-X\n\n', ['--output', 'jsonl'], { comments: 1, documents: 1, columns: 1 }],
  ['fields.jsonl', '{"id":7,"tokens":["a"],"labels":["B-X"],"category":"c","meta":{}}\n', ['--output', 'conll'], { fields: 2, categories: 1 }],
  ['gaps.jsonl', '{"tokens":["a","b","c"],"labels":["B-X",null,"odd"]}\n', ['--output', 'prodigy', '--from', 'iob2'], { unlabeled: 1, spanless: 1 }],
  ['words.jsonl', '{"tokens":["New York","b"],"labels":["B-X","O"]}\n', ['--output', 'doccano'], { cuts: 1 }],
  ['d.jsonl', '{"id":1,"text":"Ann, Bo","label":[[0,3,"X"]]}\n', ['--output', 'conll'], { fields: 1, spaces: 1 }],
])('%s loses %j', async (name, text, args, losses) => {
  space.write(name, text);
  const { status, stdout, stderr } = await convert('--json', ...args, name, 'o.out');
  const said = JSON.parse(stdout) as { losses: object; warnings: { kind: string; count: number }[] };
  expect([status, said.losses]).toEqual([0, losses]);
  const count = Object.values(losses).reduce((sum, each) => sum + (each ?? 0), 0);
  expect(said.warnings).toContainEqual(expect.objectContaining({ kind: 'losses', count }));
  expect(stderr.split('\n').filter((line) => line.includes('left out, because'))).toHaveLength(1);
}); // prettier-ignore

test('spans without a type stay out of formats that need one', async () => {
  space.write('bare.jsonl', '{"tokens":["a","b"],"labels":["B","I"]}\n');
  const { status, stderr } = await convert('--output', 'doccano', 'bare.jsonl');
  expect([status, stderr]).toEqual([65, expect.stringContaining('bare.jsonl:1: spans of doccano need a type')]);
});

test('null stays null in JSON lines', async () => {
  space.write('n.jsonl', '{"tokens":["a","b"],"labels":["B-X",null]}\n');
  expect((await convert('--output', 'jsonl', 'n.jsonl')).stdout).toBe(written('n.jsonl'));
  expect((await convert('--output', 'conll', 'n.jsonl')).stdout).toBe('a\tB-X\nb\t_\n\n');
});

const ROW = '{"tokens":["a"],"labels":["B-X"]}\n';
test.each([
  ['{"tokens":["a\\tb"],"labels":["B-X"]}\n', 'conll', 65, 'r.jsonl:2: the word "a\\tb" cannot be in a column of conll, because it contains a tab or a line end: choose another output'],
  ['{"tokens":["a\\nb"],"labels":["B-X"]}\n', 'conllu', 65, 'r.jsonl:2: the word "a\\nb" cannot be in a column of conllu'],
  ['{"tokens":["\\u200b"],"labels":["B-X"]}\n', 'conll', 65, 'would be lost'],
  ['{"tokens":["-DOCSTART-"],"labels":["O"]}\n', 'conll', 65, 'r.jsonl:2: the word -DOCSTART- would be read as the start of a document'],
  ['{"tokens":["a"],"labels":["a\\tb"]}\n', 'conll', 65, 'r.jsonl:2: the label "a\\tb" cannot be'],
  ['{"tokens":["a\\nb"],"labels":["O"]}\n', 'brat', 65, 'r.jsonl:2: the text "a\\nb" cannot be a line of brat'],
  ['{"tokens":["a"],"labels":["B-X Y"]}\n', 'brat', 65, 'r.jsonl:2: the type "X Y" cannot be in brat'],
])('what would be wrong is refused with its line: %s in %s', async (row, output, expected, message) => {
  space.write('r.jsonl', ROW + row);
  const { status, stdout, stderr } = await convert('--output', output, 'r.jsonl', 'never.ann');
  expect([status, stdout, stderr]).toEqual([expected, '', expect.stringContaining(message)]);
  expect([existsSync(space.at('never.ann')), existsSync(space.at('never.txt'))]).toEqual([false, false]);
}); // prettier-ignore

test.each([
  [['pos.tsv', '--output', 'doccano'], 65, 'choose another column (--column), or another output: doccano holds only spans'],
  [['r.jsonl'], 2, 'expected --output or --scheme; got neither'],
  [['r.jsonl', '--output', 'brat'], 2, '--output brat writes two files, such as out.ann and out.txt; got -'],
  [['r.jsonl', 'x.brat', '--output', 'brat'], 2, 'got x.brat: pass one of them'],
  [['r.txt', 'r.ann', '--output', 'brat'], 2, 'would overwrite the input r.'],
  [['r.jsonl', '--output', 'doccano', '--scheme', 'iobes'], 2, '--scheme does not apply to doccano'],
  [['r.jsonl', '--output', 'conll', '--from', 'iobes'], 2, '--from has no effect without --scheme'],
  [['r.jsonl', '--output', 'conll', '--offsets', 'utf16'], 2, '--offsets does not apply to conll'],
  [['r.jsonl', '--output', 'conll', '--to-column', 'misc'], 2, '--to-column does not apply to conll'],
  [['r.jsonl', '--output', 'conllu', '--to-column', 'form'], 2, 'It must be one of lemma, upos'],
  [['r.jsonl', '--output', 'tsv', '--task', 'tag'], 2, '--output tsv holds one label per sentence'],
  [['c.jsonl', '--output', 'conll', '--task', 'classify'], 2, '--output conll has one label per word'],
  [['c.jsonl', '--output', 'tsv', '--scheme', 'iobes'], 2, '--scheme does not apply to sentence labels'],
])('refused: %j', async (args, expected, message) => {
  space.write('r.jsonl', ROW);
  space.write('r.txt', 'a\tB-X\n\n');
  space.write('pos.tsv', 'the\tDET\ncat\tNOUN\n\n');
  space.write('c.jsonl', '{"text":"a","label":"b"}\n');
  const { status, stdout, stderr } = await convert(...args);
  expect([status, stdout, stderr]).toEqual([expected, '', expect.stringContaining(message)]);
}); // prettier-ignore

test('labels of parts of speech go to CoNLL-U under upos, spans under misc; offsets by name', async () => {
  expect((await convert('--output', 'conllu', 'pos.tsv')).stdout).toBe('1\tthe\t_\tDET\t_\t_\t_\t_\t_\t_\n2\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n'); // prettier-ignore
  expect((await convert('--output', 'conllu', '--to-column', 'xpos', 'pos.tsv')).stdout).toContain('1\tthe\t_\t_\tDET');
  space.write('e.jsonl', '{"tokens":["😀","a"],"labels":["O","B-X"]}\n');
  expect((await convert('--output', 'doccano', 'e.jsonl')).stdout).toBe('{"text":"😀 a","label":[[3,4,"X"]]}\n');
  expect((await convert('--output', 'doccano', '--offsets', 'codepoints', 'e.jsonl')).stdout).toContain('[[2,3,"X"]]');
  expect((await convert('--output', 'spans', 'e.jsonl')).stdout).toBe('{"line":1,"text":"😀 a","spans":[{"start":3,"end":4,"type":"X","text":"a"}],"sentences":1}\n'); // prettier-ignore
});

describe('sentences with one label each', () => {
  const CLASSES = { tsv: 'c.tsv', jsonl: 'c.jsonl', fasttext: 'c.ft' } as const;
  const names = Object.keys(CLASSES) as (keyof typeof CLASSES)[];
  const text = fc.stringMatching(/^[a-z😀é.,!"]{1,5}( {1,2}[a-z😀é.,!"]{1,5}){0,4}$/u);

  test.each(names.flatMap((from) => names.map((to) => [from, to] as const)))('%s to %s and back', async (from, to) => {
    const rows = fc.sample(fc.record({ text, label: fc.constantFrom('pos', 'neg', '1') }), { seed: 3, numRuns: 40 });
    space.write('k.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const run = (...args: string[]) => convert('--task', 'classify', '--json', ...args);
    await run('--output', from, 'k.jsonl', 'k1');
    const there = await run('--output', to, 'k1', 'k2');
    const back = await run('--output', from, 'k2', 'k3');
    for (const { status, stdout } of [there, back])
      expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ sentences: 40, losses: {} })]);
    expect(written('k3')).toBe(written('k1'));
    await run('--output', 'jsonl', 'k2', 'k4');
    expect(written('k4')).toBe(written('k.jsonl'));
  });

  test('losses are counted, and what would be wrong is refused', async () => {
    space.write('w.jsonl', '{"text":"so good","label":"a b","id":3}\n');
    expect((await convert('--output', 'tsv', 'w.jsonl')).stdout).toBe('label\ttext\na b\tso good\n');
    expect((await convert('--output', 'tsv', 'w.jsonl')).stderr).toContain('left out, because tsv cannot hold them: 1 other field\n'); // prettier-ignore
    for (const [row, output, message] of [
      ['{"text":"so","label":"a b"}', 'fasttext', 'w.jsonl:1: a label of fasttext cannot contain a space; got "a b"'],
      ['{"text":"__label__x y","label":"a"}', 'fasttext', 'a text of fasttext cannot contain a word that begins with __label__'],
      ['{"text":"a\\nb","label":"a"}', 'fasttext', 'a text of fasttext cannot contain a line end'],
      ['{"text":"a\\tb","label":"a"}', 'tsv', 'w.jsonl:1: a label or text of tsv cannot contain a tab or line end; got "a\\tb"'],
    ] as const) {
      space.write('w.jsonl', `${row}\n`);
      const { status, stderr } = await convert('--output', output, 'w.jsonl', 'never');
      expect([status, stderr, existsSync(space.at('never'))]).toEqual([65, expect.stringContaining(message), false]);
    } // prettier-ignore
  });
});
