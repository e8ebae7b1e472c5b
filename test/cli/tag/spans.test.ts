/** `bptt tag --output spans` and `--output conllu`: places in text, and bytes of files. */
import { readFileSync } from 'node:fs';
import { createTagger } from '../../../src/labeling/index';
import type { Tagger } from '../../../src/labeling/index';
import { bptt } from '../../support/cli';
import { bpttHere } from '../../support/cli-here';
import { createWorkspace, TINY, trainTiny } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

interface Line {
  readonly line: number;
  readonly text: string;
  readonly spans: { start: number; end: number; type: string; text: string; score: number; sentence: number }[];
  readonly sentences: number;
  readonly [field: string]: unknown;
}

let space: Workspace;
let ner: Tagger;
const CONLLU_MODEL = 'upos.safetensors';
beforeAll(async () => {
  space = createWorkspace();
  const names = ['Ann', 'Lee', 'Bo', 'Kay'];
  const block = (a: string, b: string) => `met\tO\n${a}\tB-PER\n${b}\tI-PER\nin\tO\nOslo\tB-LOC\n\n`;
  space.write('ner.conll', names.flatMap((a) => names.map((b) => block(a, b))).join(''));
  await trainTiny(space);
  const train = (...args: string[]) => bpttHere(['train', ...TINY, '--lr', '0.03', '--min-count', '1', '--quiet', '--backend', 'cpu', ...args], space.folder); // prettier-ignore
  await train('--train', 'ner.conll', '--head', 'crf', '--epochs', '12', '--out', 'ner.safetensors');
  space.write('a.conllu', Array.from({ length: 8 }, () => '1\tthe\t_\tDET\t_\t_\t_\t_\t_\t_\n2\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n').join('')); // prettier-ignore
  await train('--train', 'a.conllu', '--epochs', '8', '--out', CONLLU_MODEL);
  ner = createTagger(readFileSync(space.at('ner.safetensors')));
});
afterAll(() => space.remove());

const tag = (args: string[], input?: string) =>
  bptt(['tag', ...args, '--backend', 'cpu'], { cwd: space.folder, input });
const linesOf = (stdout: string): Line[] => stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Line); // prettier-ignore

test('one object a line of text: blank lines, CRLF, a byte order mark; the fields in their order', () => {
  const { status, stdout, stderr } = tag(['ner.safetensors', '--output', 'spans'], '\ufeffmet Ann Lee. In Oslo met Bo.\r\n\r\n  met 😀 Kay\n'); // prettier-ignore
  expect([status, stderr]).toEqual([0, '']);
  const lines = linesOf(stdout);
  expect(lines.map(({ line, text, sentences }) => [line, text, sentences])).toEqual([
    [1, 'met Ann Lee. In Oslo met Bo.', 2],
    [2, '', 0],
    [3, '  met 😀 Kay', 1],
  ]);
  expect(stdout).toMatch(/^\{"line":1,"text":"[^"]*","spans":\[\{"start":\d+,"end":\d+,"type":"\w+","text":"[^"]*","score":[\d.e-]+,"sentence":1\}/); // prettier-ignore
  for (const { text, spans } of lines) {
    expect(spans.map(({ sentence: _, ...span }) => span)).toEqual(ner.entities(text).map(({ sentence: _, ...span }) => span)); // prettier-ignore
    for (const { start, end, text: own } of spans) expect(text.slice(start, end)).toBe(own);
  }
  expect(lines[2].spans.every(({ sentence }) => sentence === 3)).toBe(true);
});

test('--offsets codepoints counts as Array.from does', () => {
  const input = '😀😀 met Ann 😀 Lee\n';
  const [utf16] = linesOf(tag(['ner.safetensors', '--output', 'spans'], input).stdout);
  const [points] = linesOf(tag(['ner.safetensors', '--output', 'spans', '--offsets', 'codepoints'], input).stdout);
  expect(points.spans.length).toBeGreaterThan(0);
  expect(points.spans.map(({ text }) => text)).toEqual(utf16.spans.map(({ text }) => text));
  for (const { start, end, text } of points.spans) expect(Array.from(input).slice(start, end).join('')).toBe(text);
  expect(points.spans).not.toEqual(utf16.spans);
});

test('JSON lines keep their fields; those the output has itself are left out, which is said', () => {
  const input = '{"id": 7, "text": "met Ann", "meta": {"a": [1]}}\n\n{"tokens": ["met", "Ann"], "spans": [1]}\n';
  const { status, stdout, stderr } = tag(['ner.safetensors', '--format', 'jsonl', '--output', 'spans'], input);
  expect(status).toBe(0);
  const [first, second] = linesOf(stdout);
  expect(first).toMatchObject({ line: 1, text: 'met Ann', id: 7, meta: { a: [1] } });
  expect(second).toMatchObject({ line: 3, text: 'met Ann', spans: first.spans.map(({ start, end }) => ({ start, end })) }); // prettier-ignore
  expect(stderr).toContain('fields of the input called spans are not copied in 1 line');
  expect(tag(['ner.safetensors', '--output', 'spans'], input).stderr).toContain('add --format jsonl');
  for (const wrong of ['{"text": 1}\n', '[1]\n', '{"text": "a"\n', '{"id": 3}\n']) {
    const refused = tag(['ner.safetensors', '--format', 'jsonl', '--output', 'spans'], wrong);
    expect([refused.status, refused.stdout]).toEqual([65, '']);
    expect(refused.stderr).toMatch(/^bptt: standard input:1: expected .*\n$/);
  }
});

test('tokens are joined by a space; SpaceAfter=No, ranges and empty nodes as CoNLL-U has them', () => {
  space.write('es.conllu', '# x\n1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_\n1\tvamos\t_\t_\t_\t_\t_\t_\t_\t_\n2\tnos\t_\t_\t_\t_\t_\t_\t_\t_\n3\tAnn\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n3.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n4-5\tdel\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n4\tde\t_\t_\t_\t_\t_\t_\t_\t_\n5\tl\t_\t_\t_\t_\t_\t_\t_\t_\n6\t.\t_\t_\t_\t_\t_\t_\t_\t_\n\n'); // prettier-ignore
  const args = ['--format', 'conllu', '--output', 'spans'];
  const [{ line, text, spans }] = linesOf(tag([CONLLU_MODEL, 'es.conllu', ...args]).stdout);
  expect([line, text]).toEqual([3, 'vámonos Anndel.']);
  expect(spans.map(({ start, end, text: own }) => [start, end, own])).toEqual([
    [0, 7, 'vámonos'],
    [0, 7, 'vámonos'],
    [8, 11, 'Ann'],
    [11, 13, 'de'],
    [13, 14, 'l'],
    [14, 15, '.'],
  ]);
});

test('CoNLL-U: nothing but the column changes, byte for byte', () => {
  const row = (id: string, form: string, upos: string, misc = '_') => `${id}\t${form}\tlem ma\t${upos}\tX\tA=b|C=d\t0\troot\t0:root\t${misc}`; // prettier-ignore
  const file = (tag: (upos: string) => string, end: string) =>
    [`\ufeff# newdoc id = 1`, '', '# a  comment ', row('1-2', 'thecat', '_'), row('1', 'the', tag('DET'), 'SpaceAfter=No'), row('2', 'cat', tag('NOUN'), 'x'), row('2.1', 'gone', 'VERB'), '', '', '# after', row('1', 'cat', tag('NOUN')), '', '# the end'].join(end); // prettier-ignore
  for (const end of ['\n', '\r\n']) {
    for (const args of [
      ['--output', 'conllu'],
      ['--output', 'conllu', '--format', 'conllu'],
    ]) {
      space.write('kept.conllu', file(() => '_', end)); // prettier-ignore
      const { status, stdout } = tag([CONLLU_MODEL, 'kept.conllu', ...args]);
      expect([status, stdout]).toEqual([0, file((upos) => upos, end)]);
    }
  }
  space.write(
    'kept.conllu',
    file((upos) => upos, '\r\n'),
  );
  const { stdout } = tag([CONLLU_MODEL, 'kept.conllu', '--output', 'conllu', '--column', 'misc']);
  expect(stdout).toBe(file((upos) => upos, '\r\n').replace('SpaceAfter=No', 'DET').replace('\tx\r', '\tNOUN\r').replace(/_(\r\n\r\n# the end)/, 'NOUN$1')); // prettier-ignore
});

test('CoNLL-U: raw text becomes new lines; bad lines and columns are refused or left out', () => {
  expect(tag([CONLLU_MODEL, '--output', 'conllu'], 'the cat').stdout).toBe(
    '1\tthe\t_\tDET\t_\t_\t_\t_\t_\t_\n2\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n',
  );
  space.write('bad.conllu', '1\tthe\t_\t_\t_\t_\t_\t_\t_\t_\n\n1\tcat\n\n# c\n1\tcat\t_\t_\t_\t_\t_\t_\t_\t_\n\n1\tx');
  expect(tag([CONLLU_MODEL, 'bad.conllu', '--output', 'conllu']).status).toBe(65);
  const { stdout, stderr } = tag([CONLLU_MODEL, 'bad.conllu', '--output', 'conllu', '--skip-bad']);
  expect(stdout).toBe('1\tthe\t_\tDET\t_\t_\t_\t_\t_\t_\n\n# c\n1\tcat\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n');
  expect(stderr).toContain('2 bad lines were left out');
  for (const [args, message] of [
    [['--output', 'conllu', '--column', 'form'], 'counts or holds the words'],
    [['--output', 'conllu', '--column', 'upos,xpos'], 'set 1 column'],
    [['--output', 'conllu', '--column', 'nothing'], 'does not exist'],
    [['--output', 'spans', '--probabilities'], 'has a score for each span'],
    [['--offsets', 'codepoints'], '--offsets needs --output spans'],
    [['--column', 'upos'], '--column names the column that --output conllu writes'],
  ] as [string[], string][]) {
    const refused = tag([CONLLU_MODEL, 'a.conllu', ...args]);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining(message)]);
  }
  expect(tag(['ner.safetensors', 'a.conllu', '--output', 'conllu']).stderr).toContain('set the column to write (--column)'); // prettier-ignore
  expect(tag(['ner.safetensors', 'a.conllu', '--output', 'conllu', '--column', 'xpos']).status).toBe(0);
});

test('empty and binary inputs are bad data', () => {
  space.write('empty', '');
  space.write('binary', Buffer.from([0, 1, 255, 10, 0]));
  for (const file of ['empty', 'binary', 'missing']) {
    for (const args of [['--output', 'spans'], ['--output', 'spans', '--format', 'jsonl'], ['--output', 'conllu', '--format', 'conllu']]) {
      const { status, stdout, stderr } = tag([CONLLU_MODEL, file, ...args]);
      expect([status, stdout]).toEqual([65, '']);
      expect(stderr).toMatch(/^bptt: .*\n$/);
    }
  } // prettier-ignore
});
