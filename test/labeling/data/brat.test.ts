/** brat standoff: pairs of a text and its annotations, as labels of tokens. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Note, Reading, ReadOptions } from '../../../src/labeling/index';
import { openSentences } from '../../../src/labeling/data/files.node';
import { createWorkspace } from '../../support/workspace';
import type { Workspace } from '../../support/workspace';

let space: Workspace;
let folder: string;
let cases = 0;
beforeAll(() => void (space = createWorkspace()));
afterAll(() => space.remove());
beforeEach(() => mkdirSync((folder = space.at(`case${cases++}`))));

const write = (name: string, text: string | Uint8Array) => writeFileSync(join(folder, name), text);

async function read(path: string, options: ReadOptions = {}) {
  const notes: Note[] = [];
  const found: string[] = [];
  let reading: Reading | undefined;
  const heard = { onNote: (note: Note) => notes.push(note), onReading: (said: Reading) => (reading = said) };
  for await (const { tokens, labels, line } of openSentences(path, { ...options, ...heard }))
    found.push(`${line}: ${tokens.map((token, t) => (labels ? `${token}/${labels[t]}` : token)).join(' ')}`);
  return { found, reading, notes: notes.map(({ kind, count, line }) => `${kind} ${count} ${line}`), messages: notes.map(({ message }) => message) }; // prettier-ignore
}

const pair = (text: string, annotations: string, options: ReadOptions = {}) => {
  write('a.txt', text);
  write('a.ann', annotations);
  return read(join(folder, 'a.ann'), options);
};

test('a line is a sentence, places count code points, and line ends among them', async () => {
  const { found, notes, reading } = await pair('😀 Ann Lee sang.\n\nIn 北京 Bo\n', 'T1\tPER 2 9\tAnn Lee\nT2\tLOC 20 22\t北京\nT3\tPER 23 25\tBo\n'); // prettier-ignore
  expect(found).toEqual(['1: 😀/O Ann/B-PER Lee/I-PER sang/O ./O', '3: In/O 北京/B-LOC Bo/B-PER']);
  expect([notes, reading]).toEqual([[], { format: 'brat' }]);
});

test.each([
  ['CR LF counts two', 'a Ann\r\nBo\r\n', 'T1\tP 7 9\tBo\n'],
  ['CR LF counts one', 'a Ann\r\nBo\r\n', 'T1\tP 6 8\tBo\r\n'],
  ['a byte order mark counts', '\ufeffa Ann\nBo\n', 'T1\tP 7 9\tBo\n'],
  ['a byte order mark does not count', '\ufeffa Ann\nBo\n', 'T1\tP 6 8\tBo\n'],
])('%s: the text of an annotation tells', async (_, text, annotations) => {
  expect((await pair(text, annotations)).found).toEqual(['1: a/O Ann/O', '2: Bo/B-P']);
});

test('UTF-16 code units where they alone fit, which is noted; or by name', async () => {
  const utf16 = ['😀 Ann', 'T1\tP 3 6\tAnn\n'] as const;
  const { found, notes } = await pair(...utf16);
  expect([found, notes]).toEqual([['1: 😀/O Ann/B-P'], ['annotated-units 1 1']]);
  expect((await pair(...utf16, { offsetUnit: 'utf16' })).notes).toEqual([]);
  await expect(pair(...utf16, { offsetUnit: 'codepoints' })).rejects.toThrow(/a\.ann:1: the span 3 6 \(P\) ends beyond .*a\.txt, which has 5 code points/); // prettier-ignore
});

test('what labels of tokens cannot hold is counted', async () => {
  const lines = [
    'T1\tA 0 3\tAnn',
    'T2\tB 0 7\tAnn Lee',
    'T3\tC 4 6\tLe',
    'T4\tD 8 10;14 16\tin in',
    'T5\tE 8 10;11 13\tin by',
    'T6\tF 17 22\tby an',
    'R1\tKnows Arg1:T1 Arg2:T2',
    '*\tEquiv T1 T2',
    'E1\tMeet:T1 Who:T2',
    'A1\tSure T1',
    'M1\tSure T1',
    'N1\tReference T1 Wikipedia:1\tAnn',
    '#1\tAnnotatorNotes T1\ta note',
    '',
  ];
  const { found, notes, messages } = await pair('Ann Lee in by in by\nan', `${lines.join('\n')}\n`);
  expect(found).toEqual(['1: Ann/B-B Lee/I-B in/B-E by/I-E in/O by/O', '2: an/O']);
  expect([...notes].sort()).toEqual(
    ['relations 2 7', 'events 1 9', 'attributes 2 10', 'normalizations 1 12', 'notes 1 13', 'discontinuous 1 4', 'crossing 1 6', 'overlapping 1 1', 'misaligned 1 3'].map((note) => `annotated-${note}`).sort(), // prettier-ignore
  );
  expect(messages).toContainEqual(expect.stringMatching(/a\.ann: 1 span left out: continued on another line, the first in line 6 \(F\)$/)); // prettier-ignore
});

test.each([
  ['T1\tP 0 3\tAnn\nT2\tP 4 99\tLee\n', /a\.ann:2: the span 4 99 \(P\) ends beyond .*a\.txt, which has 8 code points: correct its offsets/],
  ['T1\tP 1 4\tAnn\n', /a\.ann:1: the text at 1 4 of .*a\.txt is "nn ", not "Ann": correct the offsets/],
  ['T1\tP 3 3\t\n', /a\.ann:1: expected places from left to right, each end after its start; got "3 3"/],
  ['T1\tP 4 7;0 3\tLee Ann\n', /a\.ann:1: expected places from left to right/],
  ['T1 P 0 3 Ann\n', /a\.ann:1: expected T1, a tab, a type, places/],
  ['Ann\tPER\n', /a\.ann:1: expected a brat annotation, .*; got "Ann\\tPER"/],
  ['T1\tP 0 3\tA\xff\n', /a\.ann:1: expected UTF-8/],
])('bad data: %j', async (annotations, message) => {
  write('a.txt', 'Ann Lee\n');
  write('a.ann', Uint8Array.from(annotations, (character) => character.charCodeAt(0)));
  await expect(read(join(folder, 'a.ann'))).rejects.toThrow(message);
}); // prettier-ignore

test('a folder of pairs, in the order of their names; bad documents are left out on demand', async () => {
  write('b.txt', 'Bo\n');
  write('b.ann', 'T1\tP 0 2\tBo\n');
  write('a.txt', 'Ann sang\n');
  write('a.ann', '');
  expect((await read(folder)).found).toEqual(['1: Ann/O sang/O', '1: Bo/B-P']);
  write('a.ann', 'T1\tP 0 99\tAnn\nT2\tP 0 98');
  await expect(read(folder, { badLines: 'list' })).rejects.toThrow(/a\.ann:1: .* That is the first of 2 bad lines/);
  const skipped = await read(folder, { badLines: 'skip' });
  expect(skipped.found).toEqual(['1: Bo/B-P']);
  expect(skipped.messages.at(-1)).toContain('2 bad lines were left out, with 1 sentence and 2 readable tokens');
  write('b.ann', 'x');
  await expect(read(folder, { badLines: 'skip' })).rejects.toThrow('no sentences: the input has only documents with bad lines'); // prettier-ignore
});

test('files that are missing', async () => {
  await expect(read(folder, { format: 'brat' })).rejects.toThrow(/expected pairs of files such as a\.txt and a\.ann; got none/); // prettier-ignore
  write('a.txt', 'Ann\n');
  await expect(read(join(folder, 'a.txt'), { format: 'brat' })).rejects.toThrow(/a\.ann: no such file: .*annotations of .*a\.txt/); // prettier-ignore
  expect((await read(join(folder, 'a.txt'), { format: 'brat', labels: 'ignored' })).found).toEqual(['1: Ann']);
  write('b.ann', '');
  await expect(read(folder, { format: 'brat' })).rejects.toThrow(/a\.ann: no such file/);
  write('a.ann', '');
  await expect(read(folder)).rejects.toThrow(/b\.txt: no such file: .*text of .*b\.ann/);
  await expect(read('-', { format: 'brat' })).rejects.toThrow('the format brat is two files');
});

test('texts are cut as asked, and labels ignored where nothing is asked of them', async () => {
  const { found, reading } = await pair("Ann's here.", 'T1\tP 0 5\n', { cutting: { tokenizer: 'whitespace' } });
  expect([found, reading]).toEqual([["1: Ann's/B-P here./O"], { format: 'brat', tokenizer: 'whitespace' }]);
  expect((await pair('Ann', 'nonsense', { labels: 'ignored' })).found).toEqual(['1: Ann']);
});

test('spans over random texts come back, whatever they hold', async () => {
  const word = fc.constantFrom('Ann', '😀', 'é', 'שלום', 'x', '42', '👨‍👩‍👧');
  const sentence = fc.array(fc.tuple(word, fc.nat(2)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(sentence, { minLength: 1, maxLength: 4 }), async (sentences) => {
      const [text, annotations, expected]: [string[], string[], string[]] = [[], [], []];
      let at = 0;
      sentences.forEach((words, line) => {
        const said = words.map(([token, kind], t) => {
          const length = Array.from(token).length;
          if (kind > 0) annotations.push(`T${line}${t}\tK${kind} ${at} ${at + length}\t${token}`);
          at += length + 1;
          return `${token}/${kind > 0 ? `B-K${kind}` : 'O'}`;
        });
        text.push(words.map(([token]) => token).join(' '));
        expected.push(`${line + 1}: ${said.join(' ')}`);
      });
      const { found, notes } = await pair(text.join('\n'), annotations.join('\n'), { cutting: { tokenizer: 'whitespace' } }); // prettier-ignore
      expect([found, notes]).toEqual([expected, []]);
    }),
    { numRuns: 60, seed: 8 },
  );
});
