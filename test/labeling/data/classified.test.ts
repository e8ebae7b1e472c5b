import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { labeledFiles, openClassified, openLines, readClassifiedCorpus } from '../../../src/labeling/data/files.node';
import { formatClassified, readClassified } from '../../../src/labeling/data/formats';
import type { ClassifiedOptions, InputSpec, Reading } from '../../../src/labeling/data/formats';
import { inputSpecFromJson, inputSpecOf } from '../../../src/labeling/data/formats/reading';
import type { Note } from '../../../src/labeling/data/notes';
import { createSegmenter } from '../../../src/labeling/data/segment';
import { ArgumentError, DataError } from '../../../src/tensor';
import { all, bytes, chunked } from '../support';

const read = (text: string, options: ClassifiedOptions = {}) =>
  all(readClassified([bytes(text)], { source: 'f', ...options }));
/** `label: token token` of each sentence. */
const said = async (text: string, options: ClassifiedOptions = {}) =>
  (await read(text, options)).map(({ category, tokens }) => `${category}: ${tokens.join(' ')}`);

/** Sentences, with what the reader says about them. */
async function heard(text: string, options: ClassifiedOptions = {}) {
  const notes: Note[] = [];
  const readings: Reading[] = [];
  const onReading = (reading: Reading) => void readings.push(reading);
  const sentences = await said(text, { ...options, onNote: (note) => void notes.push(note), onReading });
  return { sentences, notes, input: inputSpecOf(readings[0]) };
}

const WANTED = ['pos: a good film', 'neg: bad , bad'];

describe('tsv', () => {
  test('label and text in either order; the guess is a note, and later inputs follow it', async () => {
    for (const text of ['pos\ta good film\nneg\tbad, bad\n', 'a good film\tpos\r\n\r\nbad, bad\tneg']) {
      const { sentences, notes, input } = await heard(text);
      expect(sentences).toEqual(WANTED);
      expect(notes.map(({ kind }) => kind)).toEqual(['columns']);
      expect(notes[0].message).toMatch(
        /^f: read as tsv, text in column \d, labels in column \d, tokens by unicode: if that is wrong, set/,
      );
      const again = await heard(text, { like: input });
      expect(again.sentences).toEqual(WANTED);
      expect(again.notes).toEqual([]);
    }
  });

  test('a text is cut as later texts are, marks without width included', async () => {
    const { sentences } = await heard('pos\tgood\u200b film\nneg\tbad film\n', { tokenizer: 'whitespace' });
    const cut = createSegmenter({ tokenizer: 'whitespace' })('good\u200b film');
    expect(sentences[0]).toContain(cut[0].tokens.join(' '));
  });

  test('columns by number and by the names of the first line', async () => {
    const text = 'id\tlabel\tsource\ttext\n1\tpos\tx\ta good film\n2\tneg\tx\tbad, bad\n';
    const named = await heard(text);
    expect(named.sentences).toEqual(WANTED);
    expect(named.input).toMatchObject({ column: 2, tokenColumn: 4 });
    expect(named.notes[0].message).toContain('the first line names the columns');
    const asked = await heard(text, { column: 'LABEL', textColumn: 'text' });
    expect(asked.sentences).toEqual(WANTED);
    expect(asked.notes).toEqual([]);
    expect(asked.input).toMatchObject({ column: 'LABEL', tokenColumn: 'text' });
    const plain = 'x\tpos\ta good film\ny\tneg\tbad, bad\n';
    expect(await said(plain, { column: 2, textColumn: -1 })).toEqual(WANTED);
    await expect(read(plain, { column: 4 })).rejects.toThrow(/^column 4 does not exist: the input has 3 columns/);
    await expect(read(text, { column: 'mood' })).rejects.toThrow(
      /column "mood" does not exist: the names are id, label/,
    );
    await expect(read(plain, { column: 2, textColumn: 2 })).rejects.toThrow('label and text are the same column, 2');
  });

  test('a file sorted by label, and a text of one word', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => `${i < 250 ? 'spam' : 'ham'}\tw${i}`);
    const sentences = await read(rows.join('\n'));
    expect(sentences).toHaveLength(300);
    expect(new Set(sentences.map(({ category }) => category))).toEqual(new Set(['spam', 'ham']));
  });

  test('bad lines: another number of columns, no label, no text', async () => {
    const good = 'pos\ta\nneg\tb\n';
    await expect(read(`${good}pos\ta\tb\n`)).rejects.toThrow(
      'f:3: expected 2 columns separated by tabs; got 3: correct',
    );
    await expect(read(`${good}\tb\n`, { column: 1 })).rejects.toThrow(
      'f:3: expected a label; got an empty one: add it',
    );
    await expect(read(`${good}pos\t \n`, { column: 1 })).rejects.toThrow('f:3: expected a text; got only white');
    await expect(read(good, { maxTokens: 0 as never })).rejects.toThrow(ArgumentError);
    await expect(read('pos\ta b c\nneg\tb', { maxTokens: 2 })).rejects.toThrow(
      'f:1: the text has 3 tokens, more than 2',
    );
    const { sentences, notes } = await heard(`${good}pos\ta\tb\nneg\tc\n`, { badLines: 'skip' });
    expect(sentences).toEqual(['pos: a', 'neg: b', 'neg: c']);
    expect(notes.map(({ kind }) => kind)).toEqual(['bad-line', 'bad-lines-left-out', 'columns']);
    await expect(read(`${good}x\nx\n${good}`, { badLines: 'list' })).rejects.toThrow(/first of 2 bad lines/);
  });
});

describe('JSON lines', () => {
  test('text or tokens; numbers and booleans are labels', async () => {
    expect(await said('{"text":"a good film","label":"pos"}\n{"text":"bad, bad","label":"neg"}')).toEqual(WANTED);
    expect(await said('{"tokens":["a b","c"],"label":1}\n{"tokens":["d"],"label":true}')).toEqual([
      '1: a b c',
      'true: d',
    ]);
  });

  test('other fields are found, which is a note, or named', async () => {
    const text = '{"category":"pos","texts":"a good film"}\n{"category":"neg","texts":"bad, bad"}\n';
    const { sentences, notes, input } = await heard(text);
    expect(sentences).toEqual(WANTED);
    expect(notes[0].message).toContain('read as jsonl, text in texts, labels in category');
    expect(input).toMatchObject({ format: 'jsonl', column: 'category', tokenColumn: 'texts' });
    const asked = await heard('{"a":"pos","b":"a good film","label":"x"}', { column: 'a', textColumn: 'b' });
    expect(asked.sentences).toEqual(WANTED.slice(0, 1));
    expect(asked.notes).toEqual([]);
  });

  test('bad lines name the field and what there is', async () => {
    await expect(read('{"text":"a"}')).rejects.toThrow(
      /f:1: expected "label", a string, a number or a boolean; got no such/,
    );
    await expect(read('{"label":"a"}')).rejects.toThrow(/f:1: expected "tokens", a string or an array of strings/);
    await expect(read('{"text":"a","label":["b","c"]}')).rejects.toThrow(/f:1: expected "label"/);
    await expect(read('{"text":"a","label":"b"}\n[1]')).rejects.toThrow(/f:2: expected a JSON object/);
    await expect(read('{"text":"a","label":"b"}\n{')).rejects.toThrow(/f:2: expected a JSON object/);
  });

  test('what is written is read back', async () => {
    const line = formatClassified({ tokens: ['a b', 'c'], category: 'x', categoryProbability: 0.5 }, 'jsonl');
    expect(await said(line)).toEqual(['x: a b c']);
    expect(formatClassified({ tokens: ['a'], category: 'x', categoryProbability: 0.5 }, 'text')).toBe('x\t0.5000\n');
    expect(formatClassified({ tokens: [] }, 'text')).toBe('\n');
    expect(() => formatClassified({ tokens: ['a'], category: 'x' }, 'conll')).toThrow(ArgumentError);
  });
});

describe('fastText', () => {
  test('the label may stand anywhere; one a line', async () => {
    expect(await said('__label__pos a good film\nbad, bad __label__neg\n')).toEqual(WANTED);
    await expect(read('__label__a __label__b c')).rejects.toThrow(/f:1: .*got 2 \(__label__a, __label__b\)/);
    await expect(read('__label__a c\nd', { format: 'fasttext' })).rejects.toThrow(/f:2: .*got none/);
    await expect(read('__label__ c')).rejects.toThrow('f:1: expected a label');
  });
});

test('chunks may be cut anywhere', async () => {
  const text = bytes('pos\tça va 😀\nneg\tnon, non\n');
  const whole = await all(readClassified([text]));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (size) => {
      expect(await all(readClassified(chunked(text, size)))).toEqual(whole);
    }),
    { seed: 52 },
  );
});

test('a format that cannot be told, or takes no such option', async () => {
  await expect(read('just a text')).rejects.toThrow(
    /cannot tell where the labels are .*--format tsv, jsonl, fasttext, slots/,
  );
  await expect(read('\n \n')).rejects.toThrow('f: no sentences: the input is empty');
  await expect(read('__label__a b', { column: 1 })).rejects.toThrow('column does not apply to the format fasttext');
  await expect(read('a\tb', { format: 'conllu' as never })).rejects.toThrow(ArgumentError);
  await expect(read('one column', { format: 'tsv' })).rejects.toThrow('got one column: choose another format');
  await expect(read('a\tb', { format: 'slots' })).rejects.toThrow(DataError);
});

test('labels that are ignored need not be there', async () => {
  const tokens = async (text: string, options: ClassifiedOptions = {}) =>
    (await read(text, { labels: 'ignored', ...options })).map((sentence) => sentence.tokens.join(' '));
  expect(await tokens('a b\nc')).toEqual(['a b', 'c']);
  expect(await tokens('{"text":"a b"}')).toEqual(['a b']);
  expect(await tokens('__label__x a b')).toEqual(['a b']);
  expect(await tokens('x\ta b', { like: { format: 'tsv', column: 1, tokenColumn: 2 } })).toEqual(['a b']);
  expect(await tokens('a b', { format: 'tsv' })).toEqual(['a b']);
});

describe('characters', () => {
  const cut = (text: string) => createSegmenter({ tokenizer: 'characters' })(text).flatMap(({ tokens }) => tokens);

  test('each grapheme that is not white space is a token', () => {
    expect(cut('ab c\u0301 👩‍👧. ก็ดี')).toEqual(['a', 'b', 'c\u0301', '👩‍👧', '.', 'ก็', 'ดี']);
  });

  test('a long run is cut as a short one, and offsets find each token', () => {
    const text = 'e\u0301x👍🏽'.repeat(1000);
    expect(cut(text)).toEqual(Array.from({ length: 1000 }, () => ['e\u0301', 'x', '👍🏽']).flat());
    const [sentence] = createSegmenter({ tokenizer: 'characters' })('aé b');
    expect(sentence.offsets.map(([from, to]) => 'aé b'.slice(from, to))).toEqual([...sentence.tokens]);
  });

  test('the model remembers it', async () => {
    const { sentences, input } = await heard('pos\tab c\nneg\td', { tokenizer: 'characters', locale: 'th' });
    expect(sentences).toEqual(['pos: a b c', 'neg: d']);
    expect(inputSpecFromJson(JSON.parse(JSON.stringify(input)))).toEqual(input);
    expect(await said('neg\tab\npos\tc', { like: input })).toEqual(['neg: a b', 'pos: c']);
    for (const wrong of [{ tokenizer: 'x' }, { locale: 1 }, { format: 'x' }]) {
      expect(() => inputSpecFromJson({ ...input, ...wrong } as unknown as InputSpec)).toThrow(DataError);
    }
  });
});

describe('files', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bptt-'));
    writeFileSync(at('good'), 'a good film\n\nfine\n');
    writeFileSync(at('bad'), 'bad, bad\n');
    mkdirSync(at('slots'));
    writeFileSync(at('slots/seq.in'), 'play a-ha\nrain ?\n');
    writeFileSync(at('slots/seq.out'), 'O B-artist\nO O\n');
    writeFileSync(at('slots/label'), 'PlayMusic\nGetWeather\n');
    mkdirSync(at('bare'));
    writeFileSync(at('bare/seq.in'), 'a\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('one file for each label', async () => {
    expect(labeledFiles('pos=a,b.txt,neg=c=d')).toEqual([
      { category: 'pos', path: 'a,b.txt' },
      { category: 'neg', path: 'c=d' },
    ]);
    expect(labeledFiles('plain.tsv')).toBeUndefined();
    const sentences = await readClassifiedCorpus(`pos=${at('good')},neg=${at('bad')}`);
    expect(sentences.map(({ category, tokens, line }) => [category, tokens.length, line])).toEqual([
      ['pos', 3, 1],
      ['pos', 1, 3],
      ['neg', 3, 1],
    ]);
    await expect(readClassifiedCorpus(`a=${at('good')},b=${at('none')}`)).rejects.toThrow(/none: no such file/);
    await expect(readClassifiedCorpus(`a=${at('good')}`, { format: 'tsv' })).rejects.toThrow(
      /not tsv: leave the format/,
    );
    await expect(readClassifiedCorpus(at('good'), { format: 'lines' })).rejects.toThrow(
      /one file per label \(pos=FILE/,
    );
  });

  test('the intents of a slots folder', async () => {
    const readings: Reading[] = [];
    const sentences = await all(openClassified(at('slots'), { onReading: (reading) => void readings.push(reading) }));
    expect(sentences).toEqual([
      { tokens: ['play', 'a-ha'], category: 'PlayMusic', line: 1 },
      { tokens: ['rain', '?'], category: 'GetWeather', line: 2 },
    ]);
    expect(readings).toEqual([{ format: 'slots', tokenizer: 'whitespace' }]);
    await expect(readClassifiedCorpus(at('bare'), { format: 'slots' })).rejects.toThrow(
      /expected a file named label next to/,
    );
    await expect(readClassifiedCorpus(at('slots'), { tokenizer: 'characters' })).rejects.toThrow(/does not apply to/);
  });

  test('lines of raw text, blank ones without tokens', async () => {
    expect((await all(openLines(at('good')))).map(({ tokens }) => tokens.length)).toEqual([3, 0, 1]);
    writeFileSync(at('blank'), '\n \n');
    await expect(all(openLines(at('blank')))).rejects.toThrow(/no sentences/);
  });
});
