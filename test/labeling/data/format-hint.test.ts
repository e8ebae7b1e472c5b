/** Files of annotation tools and spreadsheets that are not read as they are: what the message says to do. */
import { detectFormat, readClassified, readSentences } from '../../../src/labeling/index';
import type { Note, ReadOptions, Sentence } from '../../../src/labeling/index';

const bytes = (text: string) => [new TextEncoder().encode(text)];
async function all(read: AsyncIterable<Sentence>): Promise<Sentence[]> {
  const found: Sentence[] = [];
  for await (const each of read) found.push(each);
  return found;
}
const read = (text: string, options: ReadOptions = {}) => all(readSentences(bytes(text), options));
const classify = (text: string) => all(readClassified(bytes(text)));
const json = (...lines: unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('a JSON list', () => {
  const labelStudio = [{ id: 1, data: { text: 'Ann sang in May' }, annotations: [{ result: [] }] }];

  test.each([
    ['on one line', JSON.stringify(labelStudio)],
    ['over several', JSON.stringify(labelStudio, null, 2)],
    ['of spaCy', JSON.stringify([['Ann sang', { entities: [[0, 3, 'PER']] }]])],
  ])('%s is no format of columns, whatever its spaces', async (_, text) => {
    expect(detectFormat(text.split('\n'))).toBeUndefined();
    const message =
      /it is one JSON list; expected JSON lines, one object per line: convert it, for example with jq -c '\.\[\]'$/;
    await expect(read(text)).rejects.toThrow(message);
    await expect(classify(text)).rejects.toThrow(message);
  });

  test('on every line asks for objects', async () => {
    const lines = json(['Ann sang', { entities: [[0, 3, 'PER']] }], ['Bo', { entities: [] }]);
    await expect(read(lines)).rejects.toThrow('each line is a JSON list; expected an object: write {"text": "…"');
  });

  test('a bracket as the first word is a word', () => {
    expect(detectFormat(['[\t[\tPUNCT', 'a\ta\tDET'])).toBe('conll');
    expect(detectFormat(['[ ( x', '1 2 3'])).toBe('conll');
    expect(detectFormat(['[/X "/Y', 'a/X'])).toBe('slashed');
  });
});

test('comma-separated values are named, with what to do', async () => {
  const advice =
    /it looks like comma-separated values; expected columns separated by tabs: convert it, for example with csvformat -T/;
  await expect(read('word,pos,tag\nAnn,NOUN,B-PER\n"in, on",VERB,O\n')).rejects.toThrow(advice);
  await expect(classify('text,label\n"good, really",pos\nbad,neg\n')).rejects.toThrow(advice);
  await expect(classify('One, two, three.\nNo commas here\n')).rejects.toThrow('set the format (--format');
});

describe('JSON lines whose fields have other names', () => {
  test.each([
    [{ tokens: ['a', 'b'], tags: ['X', 'Y'] }, 'set the label field (--column tags)'],
    [{ tokens: ['a', 'b'] }, 'set the label field (--column)'],
    [{ words: ['a'], ner: ['X'] }, 'rename the word field to "tokens", for example with jq -c \'.tokens = .words\''],
    [{ data: { text: 'a' }, annotations: [] }, 'from Label Studio, export CoNLL2003, which is read as conll'],
    [{ text: 'a b', tags: 3 }, 'write {"text": "…", "label": [[start, end, "TYPE"], …]}, or the words as "tokens"'],
  ])('%j: %s', async (line, advice) => {
    await expect(read(json(line))).rejects.toThrow(advice);
  });
});

describe('doccano', () => {
  const labels = ['B-PER', 'O', 'O', 'B-TIME'];
  const entities = [
    { id: 1, label: 'PER', start_offset: 0, end_offset: 3 },
    { id: 2, label: 'TIME', start_offset: 12, end_offset: 15 },
  ];

  test.each([
    ['entities of a project with relations', entities],
    ['entities by start and end', entities.map((each) => ({ start: each.start_offset, end: each.end_offset, label: each.label }))], // prettier-ignore
    ['entities as lists', entities.map((each) => [each.start_offset, each.end_offset, each.label])],
  ])('%s', async (_, own) => {
    const [sentence] = await read(json({ id: 7, text: 'Ann sang in May', entities: own }));
    expect(sentence.labels).toEqual(labels);
  });

  test('relations are counted', async () => {
    const notes: Note[] = [];
    const relations = [{ id: 1, from_id: 1, to_id: 2, type: 'when' }, { id: 2, from_id: 2, to_id: 1, type: 'who' }]; // prettier-ignore
    await read(json({ text: 'Ann sang in May', entities, relations }), { onNote: (note) => void notes.push(note) });
    expect(notes).toMatchObject([{ kind: 'annotated-relations', count: 2, line: 1 }]);
    expect(notes[0].message).toContain('2 relations left out');
  });

  test('an entity without places is bad data', async () => {
    const broken = { text: 'Ann', entities: [{ start_offset: 0, label: 'PER' }] };
    await expect(read(json(broken))).rejects.toThrow(
      'expected "entities", a list of spans whose end is not before their start',
    );
  });

  test('the class of a text is a list of one', async () => {
    expect(await classify(json({ text: 'good', label: ['pos'] }, { text: 'bad', label: 'neg' }))).toMatchObject([
      { category: 'pos' },
      { category: 'neg' },
    ]);
    const two = json({ text: 'mixed', label: ['pos', 'neg'] });
    await expect(classify(two)).rejects.toThrow('got ["pos","neg"]: a sentence has one label');
  });
});
