/** `bptt convert`: what it writes, what it says of it, and what it refuses. */
import { readFileSync } from 'node:fs';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
  space.write('a.conll', 'Ann\tB-PER\nLee\tI-PER\nmet\tO\nBo\tB-PER\n\nin\tO\nOslo\tB-LOC\n\n');
});
afterAll(() => space.remove());

const convert = (...args: string[]) => bpttHere(['convert', ...args], space.folder);
const written = (name: string) => readFileSync(space.at(name), 'utf8');

test('writes another scheme, and says what it found and did', async () => {
  expect(await convert('--scheme', 'iobes', 'a.conll', 'b.conll')).toEqual({
    status: 0,
    stdout: 'a.conll: IOB2 (3 of 3 spans begin with B) → IOBES: 2 sentences, 3 labels changed, 0 repaired\n',
    stderr: '',
  });
  expect(written('b.conll')).toBe('Ann\tB-PER\nLee\tE-PER\nmet\tO\nBo\tS-PER\n\nin\tO\nOslo\tS-LOC\n\n');
  await convert('--scheme', 'BIO', 'b.conll', 'back.conll');
  expect(written('back.conll')).toBe(written('a.conll'));
});

test('without a file the result goes to standard output, and the report to standard error', async () => {
  const { status, stdout, stderr } = await convert('--scheme', 'IOB1', 'a.conll', '--output', 'slashed');
  expect([status, stdout]).toEqual([0, 'Ann/I-PER Lee/I-PER met/O Bo/I-PER\nin/O Oslo/I-LOC\n']);
  expect(stderr).toMatch(/^a\.conll: IOB2 .* → IOB1/);
  const piped = bptt(['convert', '--scheme', 'bilou', '-'], { cwd: space.folder, input: written('a.conll') });
  expect(piped.stdout.split('\n')[0]).toBe('Ann\tB-PER');
  expect(piped.stderr).toMatch(/^standard input: IOB2/);
});

test('repairs, counts and places what breaks the scheme', async () => {
  space.write('bad.conll', 'a\tB-X\nb\tO\n\nc\tI-X\nd\tI-Y\ne\tB-X\nf\tB-X\n\n');
  const { stdout } = await convert('--scheme', 'IOB2', 'bad.conll', 'good.conll', '--json');
  expect(JSON.parse(stdout)).toEqual({
    from: 'IOB2',
    to: 'IOB2',
    evidence: '2 of 4 spans begin with B',
    format: 'two-column',
    sentences: 2,
    changed: 2,
    repairs: 2,
    output: 'conll',
    out: 'good.conll',
    losses: {},
    warnings: [],
  });
  expect(written('good.conll')).toBe('a\tB-X\nb\tO\n\nc\tB-X\nd\tB-Y\ne\tB-X\nf\tB-X\n\n');
  const named = await convert('--from', 'IOBES', '--scheme', 'IOBES', 'bad.conll', 'good.conll');
  expect(named.stdout).toBe(
    'bad.conll: IOBES (as named) → IOBES: 2 sentences, 5 labels changed, 5 repaired, the first in the sentence at line 1\n',
  );
});

test('says what is not copied', async () => {
  space.write('five.conll', '# c\n1\tAnn\tB-PER\tx\ty\n\n');
  const { status, stderr } = await convert('--scheme', 'iobes', 'five.conll', 'o.conll', '--column', '3');
  expect([status, stderr]).toEqual([
    0,
    'warning: five.conll: left out, because conll cannot hold them: 1 comment, 2 values of other columns\n',
  ]);
  space.write('c.jsonl', '{"tokens":["Ann"],"labels":["B-PER"],"category":"who"}\n');
  const lines = await convert('--scheme', 'iobes', 'c.jsonl');
  expect(lines.stdout).toBe('{"tokens":["Ann"],"labels":["S-PER"],"category":"who"}\n');
  expect((await convert('--scheme', 'iobes', 'c.jsonl', '--output', 'conll')).stderr).toContain(
    '1 label of a sentence',
  );
});

test('what places of characters count, and how texts are cut, by name', async () => {
  space.write('d.jsonl', '{"text":"😀 Ann\'s here.","label":[[2,7,"PER"]]}\n');
  const run = (...args: string[]) => convert('--output', 'slashed', 'd.jsonl', ...args); // prettier-ignore
  expect((await run('--offset-unit', 'codepoints')).stdout).toBe("😀/O Ann's/B-PER here/O ./O\n");
  expect((await run('--offset-unit', 'utf16')).stderr).toContain('1 span left out');
  expect((await run('--offset-unit', 'codepoints', '--tokenizer', 'whitespace')).stdout).toBe("😀/O Ann's/B-PER here./O\n"); // prettier-ignore
  const bytes = await run('--offset-unit', 'bytes');
  expect([bytes.status, bytes.stderr]).toEqual([2, expect.stringContaining('It must be one of utf16, codepoints')]);
  const idle = await convert('--scheme', 'iobes', 'a.conll', '--tokenizer', 'whitespace');
  expect([idle.status, idle.stderr]).toEqual([2, 'bptt: --tokenizer does not apply to word labels: leave it out\n']); // prettier-ignore
});

test('labels without spans stay as they are under a named scheme, and that is said', async () => {
  space.write('plain.tsv', 'the\tDET\ncat\tNOUN\n\n');
  const { status, stderr } = await convert('--scheme', 'iobes', '--from', 'IOB2', 'plain.tsv', 'plain.out');
  expect(status).toBe(0);
  expect(stderr).toMatch(/plain\.tsv: its labels are not spans, so nothing was converted/);
  expect(written('plain.out')).toBe(written('plain.tsv'));
});

test('refuses what it cannot do, and leaves the output alone', async () => {
  space.write('pos.tsv', 'the\tDET\ncat\tNOUN\n\n');
  const refused = await convert('--scheme', 'iobes', 'pos.tsv', 'never.conll');
  expect([refused.status, refused.stdout]).toEqual([65, '']);
  expect(refused.stderr).toBe(
    'bptt: pos.tsv: its labels are not spans: expected O, B-PER, I-PER and the like; choose another column (--column), or set their scheme (--from)\n',
  );
  expect(() => written('never.conll')).toThrow();
  const cases: [string[], string][] = [
    [['a.conll', 'b.conll'], 'expected --output or --scheme; got neither: pass one'],
    [['--scheme', 'iob3', 'a.conll'], 'It must be one of IOB1, IOB2, IOE1, IOE2, IOBES, BILOU.'],
    [['--scheme', 'iobes', 'a.conll', 'a.conll'], 'would overwrite the input'],
    [['--scheme', 'iobes', 'a.conll', '--output', 'text'], 'conll, conllu, slashed, jsonl'],
    [['--scheme', 'iobes', 'a.conll', '--json'], '--json: standard output is used for the labels'],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = await convert(...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  }
});
