/** `bptt stats`: its numbers against counts made by hand or by plain loops over the text, its listings, and what it refuses. */
import { mkdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => (space = createWorkspace()));
afterAll(() => space.remove());

const stats = (...args: string[]) => bpttHere(['stats', ...args], space.folder);

/** The object of `--json`, as far as the tests look at it. */
interface Told {
  corpora: {
    name: string;
    file: string;
    sentences: number;
    tokens: number;
    documents: number | null;
    lengths: Record<string, number>;
    histogram: { from: number; to: number | null; count: number }[];
    types: number;
    singletons: number;
    unknown?: Record<string, number>;
    labels: {
      name: string;
      of: string;
      scheme: string | null;
      unlabeled: number;
      labels: { label: string; count: number; share: number }[];
      spans: { type: string; count: number; share: number; meanLength: number }[] | null;
      unseen?: { label: string; count: number; file: string; line: number }[];
    }[];
    duplicates: { exact: number; folded: number; shown: { line: number; same: { line: number } }[] };
  }[];
  shared: { corpus: string; in: string; exact: number; folded: number; shown: object[] }[];
  suspicious: { kind: string; count: number; shown: { file: string; line: number; detail: string }[] }[];
  warnings: { kind: string }[];
}

const told = async (...args: string[]): Promise<Told> => {
  const { status, stdout, stderr } = await stats(...args, '--json');
  expect([status, stderr.replace(/^warning: .*\n/gm, '')]).toEqual([0, '']);
  return JSON.parse(stdout) as Told;
};
const kindsOf = ({ suspicious }: Told) => Object.fromEntries(suspicious.map(({ kind, count }) => [kind, count]));
const suspects = ({ suspicious }: Told, kind: string) => suspicious.find((each) => each.kind === kind)?.shown ?? [];

test('sizes, lengths, spans and out-of-vocabulary shares, counted by hand', async () => {
  space.write('a.conll', 'Ann\tB-PER\nLee\tI-PER\nmet\tO\nBo\tB-PER\n\nin\tO\nOslo\tB-LOC\n\nin\tO\nBo\tB-PER\n\n');
  space.write('b.conll', 'Ann\tB-PER\nsaw\tO\nsaw\tO\nUN\tB-ORG\n\n');
  const { corpora, suspicious, warnings } = await told('a.conll', '--dev', 'b.conll');
  expect([suspicious, warnings]).toEqual([[], []]);
  const [train, dev] = corpora;
  expect(train).toMatchObject({ name: 'train', file: 'a.conll', sentences: 3, tokens: 8, documents: null });
  expect([train.types, train.singletons]).toEqual([6, 4]); // Ann Lee met Bo in Oslo; Bo and in twice
  expect(train.lengths).toEqual({ min: 2, lowerQuartile: 2, median: 2, upperQuartile: 4, max: 4, mean: 8 / 3 });
  expect(train.histogram.filter(({ count }) => count > 0)).toEqual([
    { from: 2, to: 2, count: 2 },
    { from: 4, to: 4, count: 1 },
  ]);
  expect(train.labels).toHaveLength(1);
  expect(train.labels[0]).toMatchObject({ name: 'column2', of: 'token', scheme: 'IOB2', unlabeled: 0 });
  expect(train.labels[0].spans).toEqual([
    { type: 'PER', count: 3, share: 3 / 4, meanLength: 4 / 3 },
    { type: 'LOC', count: 1, share: 1 / 4, meanLength: 1 },
  ]);
  expect(train.labels[0].labels).toEqual([
    { label: 'B-PER', count: 3, share: 3 / 8 },
    { label: 'O', count: 3, share: 3 / 8 },
    { label: 'B-LOC', count: 1, share: 1 / 8 },
    { label: 'I-PER', count: 1, share: 1 / 8 },
  ]);
  expect(dev.unknown).toEqual({ tokens: 3, tokenShare: 3 / 4, types: 2, typeShare: 2 / 3 });
  expect(dev.labels[0].unseen).toEqual([{ label: 'B-ORG', count: 1, file: 'b.conll', line: 4 }]);
});

test('of any corpus the counts are those of plain loops over its text', async () => {
  const word = fc.constantFrom('a', 'b', 'c', 'A', 'é', 'e\u0301', 'dd', 'ﬀ');
  const sentence = fc.array(fc.tuple(word, fc.constantFrom('X', 'Y', 'Z')), { minLength: 1, maxLength: 6 });
  const corpus = fc.array(sentence, { minLength: 1, maxLength: 12 });
  const text = (sentences: [string, string][][]) =>
    sentences.map((words) => words.map((pair) => pair.join('\t')).join('\n')).join('\n\n') + '\n\n';
  await fc.assert(
    fc.asyncProperty(corpus, corpus, async (train, test) => {
      space.write('p.tsv', text(train));
      space.write('q.tsv', text(test));
      const { corpora, shared } = await told('p.tsv', '--test', 'q.tsv', '--format', 'two-column', '--show', 'all');
      const known = new Set(train.flat().map(([w]) => w.normalize('NFC')));
      const lines = (sentences: [string, string][][]) => sentences.map((words) => words.map(([w]) => w).join(' '));
      const bare = (line: string) => line.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
      for (const [c, sentences] of [train, test].entries()) {
        const words = sentences.flat().map(([w]) => w.normalize('NFC'));
        const sizes = sentences.map(({ length }) => length).sort((x, y) => x - y);
        expect(corpora[c]).toMatchObject({ sentences: sentences.length, tokens: words.length });
        expect(corpora[c].types).toBe(new Set(words).size);
        expect(corpora[c].singletons).toBe([...new Set(words)].filter((w) => words.indexOf(w) === words.lastIndexOf(w)).length); // prettier-ignore
        expect([corpora[c].lengths.min, corpora[c].lengths.max]).toEqual([sizes[0], sizes.at(-1)]);
        const half = sizes.find((size) => 2 * sizes.filter((other) => other <= size).length >= sizes.length);
        expect(corpora[c].lengths.median).toBe(half);
        for (const { from, to, count } of corpora[c].histogram)
          expect(count).toBe(sizes.filter((size) => size >= from && size <= (to ?? Infinity)).length);
        expect(corpora[c].histogram.reduce((sum, { count }) => sum + count, 0)).toBe(sentences.length);
        for (const { label, count } of corpora[c].labels[0].labels)
          expect(count).toBe(sentences.flat().filter(([, own]) => own === label).length);
        const seen = lines(sentences);
        expect(corpora[c].duplicates.exact).toBe(seen.length - new Set(seen).size);
        expect(corpora[c].duplicates.folded).toBe(seen.length - new Set(seen.map(bare)).size);
        expect(corpora[c].duplicates.shown).toHaveLength(corpora[c].duplicates.folded);
      }
      const unknown = test.flat().filter(([w]) => !known.has(w.normalize('NFC'))).length;
      expect(corpora[1].unknown?.tokens).toBe(unknown);
      const here = lines(train);
      expect(shared).toMatchObject([
        {
          ...{ corpus: 'test', in: 'train' },
          exact: lines(test).filter((line) => here.includes(line)).length,
          folded: lines(test).filter((line) => here.map(bare).includes(bare(line))).length,
        },
      ]);
    }),
    { seed: 5, numRuns: 60 },
  );
});

test('each kind of suspicious line, with its line', async () => {
  const often = Array.from({ length: 24 }, () => 'the\tDET\n\n').join(''); // lines 1, 3, …, 47
  const odd = [
    'the\tNOUN',
    'wa<s>\tVERB',
    'wa\u200bs\tVERB',
    'ice cream\tNOUN',
    `${'x'.repeat(51)}\tNOUN`,
    '\u200b\tX',
  ];
  space.write('odd.tsv', `${often}${odd.join('\n\n')}\n\n${'w\tNOUN\n'.repeat(101)}\n`);
  const found = await told('odd.tsv');
  const line = (i: number) => 49 + 2 * i;
  expect(kindsOf(found)).toEqual({ contradiction: 1, 'rare-label': 1, invisible: 2, 'blank-token': 1, 'white-space': 1, 'long-token': 1, 'long-sentence': 1 }); // prettier-ignore
  expect(suspects(found, 'rare-label')).toEqual([
    { file: 'odd.tsv', line: line(0), detail: '"the" NOUN; 24 of 25 are DET' },
  ]);
  expect(suspects(found, 'contradiction')).toEqual([
    { file: 'odd.tsv', line: line(0), detail: '"the" NOUN, but DET', same: { file: 'odd.tsv', line: 1 } },
  ]);
  expect(suspects(found, 'invisible').map((each) => each.line)).toEqual([line(2), line(5)]);
  expect(suspects(found, 'white-space')).toMatchObject([{ line: line(3), detail: '"ice cream"' }]);
  expect(suspects(found, 'long-token')).toMatchObject([{ line: line(4) }]);
  expect(suspects(found, 'blank-token')).toMatchObject([{ line: line(5) }]);
  expect(suspects(found, 'long-sentence')).toMatchObject([{ line: line(6), detail: '101 tokens; the median is 1' }]);
});

test('a word is judged from 20 occurrences and 95 % on, and not with less', async () => {
  const corpus = (det: number, noun: number) =>
    `${'a\tDET\n'.repeat(det)}${'a\tNOUN\n'.repeat(noun)}`.replaceAll('\n', '\n\n');
  for (const [det, noun, count] of [
    [19, 1, 1], // 95 % of 20
    [18, 1, 0], // 19
    [18, 2, 0], // 90 %
    [94, 6, 0],
    [95, 5, 5],
  ]) {
    space.write('n.tsv', corpus(det, noun));
    expect([det, noun, kindsOf(await told('n.tsv'))['rare-label'] ?? 0]).toEqual([det, noun, count]);
  }
});

test('transitions that the scheme of training forbids, in every corpus', async () => {
  space.write('s.conll', 'a\tB-X\nb\tI-X\n\nc\tO\nd\tI-X\ne\tI-Y\n\nf\tB-Y\n\n');
  space.write('t.conll', 'a\tI-X\n\n');
  const found = await told('s.conll', '--test', 't.conll');
  expect(suspects(found, 'transition')).toEqual([
    { file: 's.conll', line: 5, detail: 'I-X after O is not IOB2' },
    { file: 's.conll', line: 6, detail: 'I-Y after I-X is not IOB2' },
    { file: 't.conll', line: 1, detail: 'I-X at the beginning is not IOB2' },
  ]);
  space.write('u.conll', 'a\tB-X\nb\tE-X\n\nc\tS-X\nd\tB-X\n\n');
  expect(suspects(await told('u.conll'), 'transition')).toMatchObject([{ line: 5, detail: 'B-X at the end is not IOBES' }]); // prettier-ignore
});

test('listings are cut, counts are not', async () => {
  space.write('many.tsv', 'ice cream\tN\n\n'.repeat(9));
  const cut = await told('many.tsv', '--show', '2');
  expect([kindsOf(cut)['white-space'], suspects(cut, 'white-space')]).toMatchObject([9, [{ line: 1 }, { line: 3 }]]);
  expect(cut.corpora[0].duplicates).toMatchObject({ exact: 8, folded: 8 });
  const { stdout } = await stats('many.tsv', '--show', '2');
  expect(stdout).toContain('white-space: 9 (a token with white space inside)\n  many.tsv:1: "ice cream"\n  many.tsv:3: "ice cream"\n  … and 7 more: --show all\n'); // prettier-ignore
  expect(stdout).toContain('  many.tsv:5 = line 1: "ice cream"\n  … and 6 more: --show all\n');
});

test('documents of CoNLL-U, of CoNLL-2003, and by a field of JSON lines', async () => {
  const row = (form: string, upos: string) => `1\t${form}\t_\t${upos}\t_\t_\t0\troot\t_\t_\n\n`;
  space.write('d.conllu', `# newdoc id = a\n# sent_id = 1\n${row('x', 'X')}${row('y', 'X')}# newdoc\n${row('z', '_')}`);
  const conllu = await told('d.conllu');
  expect(conllu.corpora[0]).toMatchObject({ documents: 2, sentences: 3, labels: [{ name: 'upos', unlabeled: 1 }] });
  space.write('d.conll', '-DOCSTART- -X- O\n\na x B-P\n\nb x O\n\n-DOCSTART- -X- O\n\nc x O\n\n');
  expect((await told('d.conll')).corpora[0]).toMatchObject({ documents: 2, sentences: 3 });
  space.write(
    'd.jsonl',
    ['p', 'q', 'p'].map((d) => JSON.stringify({ tokens: ['a'], labels: ['X'], doc: d })).join('\n'),
  );
  expect((await told('d.jsonl')).corpora[0].documents).toBeNull();
  expect((await told('d.jsonl', '--document-field', 'doc')).corpora[0].documents).toBe(2);
  const refused = await stats('d.jsonl', '--document-field', 'page');
  expect(refused).toEqual({ status: 65, stdout: '', stderr: 'bptt: d.jsonl:1: expected "page", the name or the number of a document; got no such field (tokens, labels, doc): set the field (--document-field)\n' }); // prettier-ignore
});

test('every format is read: labels of words, of sentences, of both', async () => {
  space.write('f.slashed', 'the/DT cat/NN\na/DT dog/NN\n');
  space.write('f.doccano', '{"text": "Ann sang", "label": [[0, 3, "PER"]]}\n');
  space.write('f.prodigy', '{"text": "Ann sang", "spans": [{"start": 0, "end": 3, "label": "PER"}]}\n');
  space.write('f.txt', '__label__pos good\n__label__neg bad\n\n');
  space.write('f.tsv', 'pos\tgood film\nneg\tbad film\n');
  space.write('pos', 'good film\n\nfine film\n');
  space.write('neg', 'bad film\n');
  const labels = async (...args: string[]) =>
    (await told(...args)).corpora[0].labels.map((each) => each.labels.map(({ label, count }) => `${label} ${count}`));
  expect(await labels('f.slashed')).toEqual([['DT 2', 'NN 2']]);
  expect(await labels('f.doccano')).toEqual([['B-PER 1', 'O 1']]);
  expect(await labels('f.prodigy')).toEqual([['B-PER 1', 'O 1']]);
  expect(await labels('f.txt', '--format', 'fasttext')).toEqual([['neg 1', 'pos 1']]);
  expect(await labels('f.tsv', '--task', 'classify')).toEqual([['neg 1', 'pos 1']]);
  const both = await told('pos=pos,neg=neg');
  expect(both.corpora[0].labels[0]).toMatchObject({ name: 'sentence', of: 'sentence', labels: [{ label: 'pos', count: 2 }, { label: 'neg', count: 1 }] }); // prettier-ignore
  expect(suspects(both, 'blank-line')).toMatchObject([{ file: 'pos', line: 2 }]);
});

test('several columns of labels, and a folder of slots', async () => {
  space.write('two.conllu', '1\tx\t_\tNOUN\tNN\t_\t0\troot\t_\t_\n2\ty\t_\tVERB\tVB\t_\t1\tdep\t_\t_\n\n');
  const { corpora } = await told('two.conllu', '--column', 'upos,xpos');
  expect(corpora[0].labels.map(({ name, labels }) => [name, labels.map(({ label }) => label)])).toEqual([
    ['upos', ['NOUN', 'VERB']],
    ['xpos', ['NN', 'VB']],
  ]);
  const { mkdirSync } = await import('node:fs');
  mkdirSync(space.at('slots'));
  space.write('slots/seq.in', 'play jazz\nrain now\n');
  space.write('slots/seq.out', 'O B-genre\nO B-time\n');
  space.write('slots/label', 'Play\nWeather\n');
  const slots = await told('slots', '--dev', 'slots');
  expect(slots.corpora[0].labels.map(({ name, of }) => [name, of])).toEqual([
    ['label', 'token'],
    ['sentence', 'sentence'],
  ]);
  expect(slots.shared).toMatchObject([{ corpus: 'dev', in: 'train', exact: 2, shown: [{ file: 'slots/seq.in' }, {}] }]);
});

test('the tables for people', async () => {
  space.write('s1.conll', 'Ann\tB-PER\nsang\tO\n\nBo\tB-PER\n\n');
  space.write('s2.conll', 'Ann\tB-PER\nsang\tO\n\n');
  const { status, stdout, stderr } = await stats('s1.conll', '--dev', 's2.conll');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`train  s1.conll: two-column, words in column 1, labels in column 2
dev  s2.conll: two-column, words in column 1, labels in column 2

corpus  sentences  tokens  words  seen once  OOV tokens  OOV words
train           2       3      3          3           -          -
dev             1       2      2          2      0.00 %     0.00 %

tokens a sentence  min  25 %  median  75 %  max  mean
train                1     1       1     2    2   1.5
dev                  2     2       2     2    2   2.0

tokens a sentence  train  dev  of train
1                      1    0  ██████████████████████████████
2                      1    1  ██████████████████████████████

span  train     share  dev     share  mean length
PER       2  100.00 %    1  100.00 %         1.00
all       2              1
scheme IOB2: 2 of 2 spans begin with B

column2  train    share  dev    share
B-PER        2  66.67 %    1  50.00 %
O            1  33.33 %    1  50.00 %
all          3             2

duplicate sentences    exact     share  NFC, no case     share
train, again in train      0    0.00 %             0    0.00 %
dev, again in dev          0    0.00 %             0    0.00 %
dev, also in train         1  100.00 %             1  100.00 %
dev, also in train:
  s2.conll:1 = s1.conll:1: "Ann sang"

no suspicious lines
`);
});

test('standard input', () => {
  const { status, stdout } = bptt(['stats', '-', '--json'], { input: 'a\tX\nb\tY\n\n' });
  expect([status, (JSON.parse(stdout) as Told).corpora[0]]).toMatchObject([0, { file: '-', tokens: 2 }]);
});

test('what cannot be read, or is no option, is one line and an empty output', async () => {
  space.write('bad.conllu', '1\tx\t_\tNOUN\tNN\t_\t0\troot\t_\n\n1\tx\n\n');
  space.write('raw.txt', 'This is text.\nAnd more of it here.\n');
  space.write('ok.tsv', 'a\tX\n\n');
  mkdirSync(space.at('pairs'));
  space.write('pairs/a.txt', 'Ann met Bo.\n');
  space.write('pairs/a.ann', 'T1\tPER 0 3\tAnn\n');
  const cases: [number, string[], string][] = [
    [65, ['none.conll'], 'none.conll: no such file'],
    [65, ['bad.conllu', '--format', 'conllu'], 'bad.conllu:1: too few columns'],
    [65, ['raw.txt'], 'raw.txt: cannot tell the format'],
    [65, ['ok.tsv', '--dev', 'none.tsv'], 'none.tsv: no such file'],
    [65, ['pairs/a.ann'], 'pairs/a.ann: expected one file of labeled sentences; got a text and its annotations (brat)'],
    [65, ['pairs'], 'convert them first, with bptt convert pairs --output jsonl'],
    [65, ['pairs/a.txt', '--format', 'brat'], 'got a text and its annotations'],
    [2, ['ok.tsv', '--documents'], "unknown option '--documents'"],
    [2, ['ok.tsv', '--show', '0'], 'It must be an integer of at least 1, or all.'],
    [2, ['ok.tsv', '--task', 'parse'], 'It must be one of tag, classify, slots-intent.'],
    [2, ['ok.tsv', '--document-field', 'x'], '--document-field applies only to JSON lines'],
    [2, ['ok.tsv', '--document-field', ''], '--document-field must be the name of a field'],
    [2, ['ok.tsv', '--text-column', '1'], '--text-column does not apply'],
    [2, [], "missing required argument 'file'"],
  ];
  for (const [status, args, message] of cases) {
    const outcome = await stats(...args);
    expect([outcome.status, outcome.stdout, outcome.stderr]).toEqual([status, '', expect.stringContaining(message)]);
    expect(outcome.stderr.split('\n').filter((line) => line.startsWith('bptt: '))).toHaveLength(1);
  }
});

test('bad lines are left out where that is asked for, and said', async () => {
  space.write('skip.conllu', '1\tx\t_\tNOUN\t_\t_\t0\troot\t_\t_\n\n1\tbad\n\n');
  const { stderr, stdout, status } = await stats('skip.conllu', '--skip-bad', '--json');
  expect([status, (JSON.parse(stdout) as Told).corpora[0].sentences]).toEqual([0, 1]);
  expect(stderr).toContain('1 bad line was left out');
});

test('a last column that may not be the labels is a warning', async () => {
  space.write('last.tsv', 'a\tX\ts\nb\tY\ts\n\n');
  const { stderr } = await stats('last.tsv');
  expect(stderr).toMatch(/^warning: last\.tsv: the last column, 3, has the one value "s"/);
});
