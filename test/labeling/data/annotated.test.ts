/** Exports of doccano and Prodigy: spans of characters to labels of tokens. */
import fc from 'fast-check';
import { detectFormat, inputSpecOf, readSentences } from '../../../src/labeling/index';
import type { Note, Reading, ReadOptions, Sentence } from '../../../src/labeling/index';

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

describe('what places count', () => {
  const text = '😀 Ann Lee sang.';
  const expected = ['O', 'B-PER', 'I-PER', 'O', 'O'];
  const lines = {
    doccano: (start: number) => ({ text, label: [[start, start + 7, 'PER']] }),
    prodigy: (start: number) => ({ text, spans: [{ start, end: start + 7, label: 'PER' }] }),
  };

  test.each([
    ['doccano', 3, []],
    ['doccano', 2, ['annotated-units 1 1']],
    ['prodigy', 2, []],
    ['prodigy', 3, ['annotated-units 1 1']],
  ] as const)('%s, from %i: its own unit, or the other where that alone fits', async (format, start, found) => {
    const { sentences, notes } = await read([lines[format](start)]);
    expect([sentences[0].tokens, sentences[0].labels]).toEqual([['😀', 'Ann', 'Lee', 'sang', '.'], expected]);
    expect(notes).toEqual(found);
  });

  test.each([
    ['utf16', 3],
    ['codepoints', 2],
  ] as const)('%s by name: nothing else is tried, and a model remembers it', async (offsetUnit, start) => {
    for (const format of ['doccano', 'prodigy'] as const) {
      const read1 = async (at: number, options: ReadOptions = { offsetUnit }) => {
        const { sentences, notes } = await read([lines[format](at)], options);
        return [sentences[0].labels, notes];
      };
      expect(await read1(start)).toEqual([expected, []]);
      expect(await read1(5 - start)).toEqual([['O', 'O', 'O', 'O', 'O'], ['annotated-misaligned 1 1']]);
      let reading: Reading | undefined;
      await read([lines[format](start)], { offsetUnit, onReading: (found) => (reading = found) });
      expect(reading).toEqual({ format, offsetUnit });
      expect(await read1(5 - start, { like: inputSpecOf(reading!) })).toEqual([expect.not.arrayContaining(['B-PER']), ['annotated-misaligned 1 1']]); // prettier-ignore
    }
    await expect(read([{ tokens: ['a'], labels: ['X'] }], { offsetUnit })).rejects.toThrow('offsetUnit does not apply to the format jsonl'); // prettier-ignore
  });

  test('a span beyond the end of its text is bad data, in whatever unit', async () => {
    const beyond = (start: number, end: number, options: ReadOptions = {}) => read([lines.doccano(3), { text, label: [[0, 2, 'A'], [start, end, 'E']] }], options); // prettier-ignore
    await expect(beyond(8, 99)).rejects.toThrow('input:2: the span [8, 99] (E) ends beyond its text, which has 16 UTF-16 code units: correct its offsets, or set their unit (--offset-unit)'); // prettier-ignore
    await expect(beyond(15, 16, { offsetUnit: 'codepoints' })).rejects.toThrow('which has 15 code points');
    expect((await beyond(15, 16)).sentences[1].labels).toEqual(['B-A', 'O', 'O', 'O', 'B-E']);
    await expect(beyond(9, 8)).rejects.toThrow('a list of spans whose end is not before their start');
  });
});

test('misaligned and overlapping spans and answers are counted, and left out', async () => {
  const spans = [[0, 7, 'A'], [4, 7, 'B'], [0, 3, 'C'], [9, 11, 'D'], [3, 3, 'F']] as [number, number, string][]; // prettier-ignore
  const lines = [
    { text: 'x', spans: [{ start: 0, end: 1, label: 'X' }], answer: 'accept', tokens: [{ text: 'x', start: 0, end: 1, id: 0 }] },
    { text: 'Ann Lee sang', spans: spans.map(([start, end, label]) => ({ start, end, label })) },
    { text: 'no', spans: [], answer: 'reject' },
    { text: 'no', spans: [], answer: 'ignore' },
  ]; // prettier-ignore
  const { sentences, notes } = await read(lines);
  expect(sentences.map(({ labels }) => labels)).toEqual([['B-X'], ['B-A', 'I-A', 'O']]);
  expect(notes).toEqual([
    'annotated-overlapping 2 2',
    'annotated-empty 1 2',
    'annotated-misaligned 1 2',
    'annotated-answers 2 3',
  ]);
  const tokens = [{ text: 'ab', start: 0, end: 2 }, { text: '.c', start: 2, end: 4 }]; // prettier-ignore
  const own = await read([{ text: 'ab.c', tokens, spans: [{ start: 2, end: 4, label: 'T' }] }]);
  expect([own.sentences[0].tokens, own.sentences[0].labels]).toEqual([
    ['ab', '.c'],
    ['O', 'B-T'],
  ]);
});

test('texts are cut as asked, and as the training data was', async () => {
  const line = { text: "Ann's here.", label: [[0, 5, 'X']] };
  const cut = async (options: ReadOptions) => (await read([line], options)).sentences[0].tokens;
  expect(await cut({ cutting: { tokenizer: 'whitespace' } })).toEqual(["Ann's", 'here.']);
  expect(await cut({ like: { format: 'doccano', tokenizer: 'whitespace' } })).toEqual(["Ann's", 'here.']);
  expect(await cut({})).toEqual(["Ann's", 'here', '.']);
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
        const end = at + each.length;
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
