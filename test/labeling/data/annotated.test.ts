/** Exports of doccano and Prodigy: spans of characters to labels of tokens. */
import fc from 'fast-check';
import { detectFormat, readSentences } from '../../../src/labeling/index';
import type { Note, ReadOptions, Sentence } from '../../../src/labeling/index';

async function read(lines: unknown[], options: ReadOptions = {}): Promise<{ sentences: Sentence[]; notes: string[] }> {
  const bytes = new TextEncoder().encode(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')); // prettier-ignore
  const notes: Note[] = [];
  const sentences: Sentence[] = [];
  for await (const sentence of readSentences([bytes], { ...options, onNote: (note) => notes.push(note) })) sentences.push(sentence); // prettier-ignore
  return { sentences, notes: notes.map(({ kind, count, line }) => `${kind} ${count} ${line}`) };
}

test('doccano and Prodigy are found by their first line', () => {
  const of = (object: unknown) => detectFormat([JSON.stringify(object)]);
  expect(of({ text: 'a', label: [[0, 1, 'X']] })).toBe('doccano');
  expect(of({ id: 1, text: 'a', labels: [] })).toBe('doccano');
  expect(of({ text: 'a', spans: [] })).toBe('prodigy');
  expect(of({ tokens: ['a'], labels: ['X'], text: 'a' })).toBe('jsonl');
  expect(of({ text: 'a', label: 'pos' })).toBe('jsonl');
});

test('spans become labels; code points, or code units where these alone fit', async () => {
  const text = '😀 Ann Lee sang.';
  const expected = ['O', 'B-PER', 'I-PER', 'O', 'O'];
  for (const [start, note] of [[2, []], [3, ['annotated-units 1 1']]] as const) {
    const { sentences, notes } = await read([{ text, label: [[start, start + 7, 'PER']] }]);
    expect([sentences[0].tokens, sentences[0].labels]).toEqual([['😀', 'Ann', 'Lee', 'sang', '.'], expected]);
    expect(notes).toEqual(note);
  } // prettier-ignore
});

test('misaligned and overlapping spans and answers are counted, and left out', async () => {
  const spans = [[0, 7, 'A'], [4, 7, 'B'], [0, 3, 'C'], [9, 11, 'D'], [8, 99, 'E'], [3, 3, 'F']] as [number, number, string][]; // prettier-ignore
  const lines = [
    { text: 'x', spans: [{ start: 0, end: 1, label: 'X' }], answer: 'accept', tokens: [{ text: 'x', start: 0, end: 1, id: 0 }] },
    { text: 'Ann Lee sang', spans: spans.map(([start, end, label]) => ({ start, end, label })) },
    { text: 'no', spans: [], answer: 'reject' },
    { text: 'no', spans: [], answer: 'ignore' },
  ]; // prettier-ignore
  const { sentences, notes } = await read(lines);
  expect(sentences.map(({ labels }) => labels)).toEqual([['B-X'], ['B-A', 'I-A', 'O']]);
  expect(notes).toEqual(['annotated-overlapping 2 2', 'annotated-misaligned 3 2', 'annotated-answers 2 3']);
  const tokens = [{ text: 'ab', start: 0, end: 2 }, { text: '.c', start: 2, end: 4 }]; // prettier-ignore
  const own = await read([{ text: 'ab.c', tokens, spans: [{ start: 2, end: 4, label: 'T' }] }]);
  expect([own.sentences[0].tokens, own.sentences[0].labels]).toEqual([
    ['ab', '.c'],
    ['O', 'B-T'],
  ]);
});

test('lines that are something else are bad data, by their number', async () => {
  const good = { text: 'a', label: [[0, 1, 'X']] };
  for (const wrong of ['{"text": "a"', '[1]', { text: 1, label: [] }, { text: 'a' }, { text: 'a', label: [[0, 1]] }, { text: 'a', label: [[-1, 1, 'X']] }, { text: ' ', label: [] }]) {
    await expect(read([good, wrong])).rejects.toThrow(/^input:2: /);
  } // prettier-ignore
  expect((await read([good, { text: 'a' }], { labels: 'optional' })).sentences[1].labels).toBeUndefined();
});

test('spans of words come back as they were given', async () => {
  const word = fc.constantFrom('Ann', '😀', 'é', 'שלום', 'x', '42');
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 9 }), fc.array(fc.nat(2), { minLength: 9, maxLength: 9 }), async (words, cuts) => {
      const labels = words.map((_, t) => (cuts[t] === 0 ? 'O' : cuts[t] === 1 || cuts[t - 1] === 0 || t === 0 ? 'B-T' : 'I-T'));
      const spans: [number, number, string][] = [];
      let at = 0;
      words.forEach((each, t) => {
        const end = at + Array.from(each).length;
        if (labels[t] === 'B-T') spans.push([at, end, 'T']);
        if (labels[t] === 'I-T') spans.at(-1)![1] = end;
        at = end + 1;
      });
      const { sentences, notes } = await read([{ text: words.join(' '), labels: spans }]);
      expect([sentences[0].tokens, sentences[0].labels, notes]).toEqual([words, labels, []]);
    }),
    { numRuns: 100, seed: 2 },
  ); // prettier-ignore
});
