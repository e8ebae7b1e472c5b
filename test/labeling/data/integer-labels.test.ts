/** Labels that stand in JSON lines as integers, as Hugging Face datasets have them, and their names. */
import fc from 'fast-check';
import { inputSpecFromJson } from '../../../src/labeling/data/formats/reading';
import { inputSpecOf, readClassified, readSentences } from '../../../src/labeling/index';
import type { ClassifiedOptions, Note, Reading, ReadOptions, Sentence } from '../../../src/labeling/index';

const NAMES = ['O', 'B-PER', 'I-PER', 'B-LOC'];

async function read(lines: object[], options: ReadOptions = {}) {
  const bytes = new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const [notes, sentences]: [Note[], Sentence[]] = [[], []];
  let reading: Reading | undefined;
  const heard = { onNote: (note: Note) => notes.push(note), onReading: (found: Reading) => (reading = found) };
  for await (const sentence of readSentences([bytes], { ...options, ...heard })) sentences.push(sentence);
  return { sentences, reading: reading!, kinds: notes.map(({ kind }) => kind) };
}

const ANN = { id: '0', tokens: ['Ann', 'Lee', 'in', 'Oslo'], ner_tags: [1, 2, 0, 3] };

test('integers become the names at their places, and ner_tags is found', async () => {
  const { sentences, reading, kinds } = await read([ANN], { labelNames: NAMES });
  expect(sentences[0].labels).toEqual(['B-PER', 'I-PER', 'O', 'B-LOC']);
  expect(reading).toEqual({ format: 'jsonl', column: 'ner_tags', labelNames: NAMES });
  expect(kinds).toEqual([]);
  const own = await read([{ tokens: ['a'], labels: ['X'], ner_tags: [1] }], { labelNames: NAMES });
  expect([own.sentences[0].labels, own.reading.column, own.kinds]).toEqual([['X'], 'labels', ['unused-names']]);
});

test('any integers come back as what stands at their place', async () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }).filter((name) => name.trim() === name), { minLength: 1, maxLength: 20 }); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(names, fc.array(fc.nat(100), { minLength: 1, maxLength: 9 }), async (labelNames, places) => {
      const tags = places.map((place) => place % labelNames.length);
      const visible = labelNames.every((name) => /^[\x21-\x7e]+$/.test(name));
      fc.pre(visible); // what surrounds a label is removed in every format
      const { sentences } = await read([{ tokens: tags.map(() => 'x'), ner_tags: tags }], { labelNames });
      expect(sentences[0].labels).toEqual(tags.map((tag) => labelNames[tag]));
    }),
    { numRuns: 100, seed: 4 },
  );
});

test('a model remembers the names, and later inputs are read by them', async () => {
  const { reading } = await read([ANN], { labelNames: NAMES });
  const like = inputSpecFromJson(JSON.parse(JSON.stringify(inputSpecOf(reading))));
  expect(like).toEqual(inputSpecOf(reading));
  expect((await read([ANN], { like })).sentences[0].labels![0]).toBe('B-PER');
  for (const labelNames of [[], ['O', 'O'], ['O', 1], 'O,B', { ner: ['O', ' '] }, {}])
    expect(() => inputSpecFromJson({ format: 'jsonl', labelNames })).toThrow(/input\.labelNames/);
});

test('several columns have names each', async () => {
  const line = { ...ANN, pos_tags: [1, 1, 0, 1] };
  const labelNames = { ner_tags: NAMES, pos_tags: ['IN', 'NNP'] };
  const { sentences } = await read([line], { column: ['ner_tags', 'pos_tags'], labelNames });
  expect(sentences[0].columns).toEqual({ ner_tags: ['B-PER', 'I-PER', 'O', 'B-LOC'], pos_tags: ['NNP', 'NNP', 'IN', 'NNP'] }); // prettier-ignore
  const column = ['ner_tags', 'pos_tags'];
  await expect(read([line], { column, labelNames: NAMES })).rejects.toThrow('give the label names of each in a file of features'); // prettier-ignore
  await expect(read([line], { column, labelNames: { ner_tags: NAMES } })).rejects.toThrow('names are given only for ner_tags: add those of pos_tags'); // prettier-ignore
});

test('null is a token without label; without labels nothing is asked', async () => {
  const { sentences } = await read([{ ...ANN, ner_tags: [1, null, 0, 3] }], { labelNames: NAMES });
  expect(sentences[0].labels).toEqual(['B-PER', '', 'O', 'B-LOC']);
  expect((await read([ANN], { labels: 'ignored' })).sentences[0].labels).toBeUndefined();
});

test.each([
  [[1, 2, 0, 4], /^input:2: expected an integer from 0 to 3 in "ner_tags", .*; got 4 for token 4: /],
  [[1, -100, 0, 3], /^input:2: .*; got -100 for token 2: correct it, write null if there is no label, or add names/],
  [[1.5, 2, 0, 3], /^input:2: .*; got 1\.5 for token 1/],
  [[1, '2', 0, 3], /^input:2: .*; got "2" for token 2/],
  [[1, 2, 0], /^input:2: expected one label per token, 4; got 3/],
])('%j is bad data', async (tags, message) => {
  await expect(read([ANN, { ...ANN, ner_tags: tags }], { labelNames: NAMES })).rejects.toThrow(message);
}); // prettier-ignore

test('without names integers are refused, and so are names that are none', async () => {
  await expect(read([ANN])).rejects.toThrow('input:1: "ner_tags" holds integers, but the label names are unknown: list them from 0 on (--label-names O,B-PER,… or a file)'); // prettier-ignore
  await expect(read([ANN], { labelNames: ['O', 'O'] })).rejects.toThrow('labelNames must be a list of names');
  await expect(read([ANN], { labelNames: NAMES, format: 'doccano' })).rejects.toThrow('labelNames does not apply to the format doccano'); // prettier-ignore
});

test('one label a sentence', async () => {
  const read1 = async (label: unknown, options: ClassifiedOptions = {}) => {
    const bytes = new TextEncoder().encode(`{"text":"Fine.","label":0}\n${JSON.stringify({ text: 'Bad.', label })}\n`);
    const found: unknown[] = [];
    for await (const { category } of readClassified([bytes], options)) found.push(category);
    return found;
  };
  expect(await read1(1)).toEqual(['0', '1']);
  expect(await read1(1, { labelNames: ['neg', 'pos'] })).toEqual(['neg', 'pos']);
  expect(await read1(1, { labelNames: { label: ['neg', 'pos'] } })).toEqual(['neg', 'pos']);
  await expect(read1(2, { labelNames: ['neg', 'pos'] })).rejects.toThrow(/^input:2: expected an integer from 0 to 1 in "label", .*; got 2: correct it, or add names/); // prettier-ignore
  await expect(read1(1, { labelNames: ['neg', 'pos'], format: 'fasttext' })).rejects.toThrow('labelNames does not apply to the format fasttext'); // prettier-ignore
});
