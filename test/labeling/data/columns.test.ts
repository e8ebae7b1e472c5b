/** Several columns of labels: read from every format that has them, written, and read back. */
import fc from 'fast-check';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { formatSentence, inputSpecFromJson, inputSpecOf } from '../../../src/labeling/data/formats/index.js';
import type { InputSpec, Reading, ReadOptions } from '../../../src/labeling/data/formats/index.js';
import { describeReading } from '../../../src/labeling/data/formats/reading.js';
import { collectNotes } from '../../../src/labeling/data/notes.js';
import { read } from '../support.js';

const conllu = `# sent_id = 1
1-2	don't	_	_	_	_	_	_	_	_
1	do	do	AUX	VBP	Mood=Ind	2	aux	_	_
2	n't	not	PART	RB	_	0	root	_	_
2.1	x	_	_	_	_	_	_	_	_

`;
const columns = { upos: ['AUX', 'PART'], xpos: ['VBP', 'RB'], feats: ['Mood=Ind', '_'] };

describe('reading several columns', () => {
  test('CoNLL-U, by name or number', async () => {
    const expected = [{ tokens: ['do', "n't"], labels: columns.xpos, columns: { xpos: columns.xpos, upos: columns.upos }, line: 3 }]; // prettier-ignore
    expect(await read(conllu, { column: ['xpos', 'UPOS'] })).toEqual(expected);
    expect(await read(conllu, { column: [5, '4'] })).toEqual(expected);
    const [{ columns: one, labels }] = await read(conllu, { column: ['feats'] });
    expect([one, labels]).toEqual([undefined, columns.feats]);
  });

  test('columns of a file', async () => {
    const text = 'a\tX\tB-P\nb\tY\tI-P\n\nc\tX\tO\n';
    expect(await read(text, { column: [-1, 2] })).toEqual([
      {
        tokens: ['a', 'b'],
        labels: ['B-P', 'I-P'],
        columns: { column3: ['B-P', 'I-P'], column2: ['X', 'Y'] },
        line: 1,
      },
      { tokens: ['c'], labels: ['O'], columns: { column3: ['O'], column2: ['X'] }, line: 4 },
    ]);
    await expect(read('a\tX\tB\nb\tY\t\n', { column: [2, 3] })).rejects.toThrow('f:2: expected a label in column 3');
    await expect(read('a\tX\nb\tY\n', { column: [2, 3] })).rejects.toThrow('column 3 does not exist');
    await expect(read('a\tX\tY\n', { column: [2, 1] })).rejects.toThrow('words and labels would both be column 1');
  });

  test('JSON lines: fields, or an object of labels', async () => {
    const fields = '{"tokens": ["a"], "upos": ["X"], "ner": ["O"]}\n';
    const object = '{"tokens": ["a"], "labels": {"upos": ["X"], "ner": ["O"]}}\n';
    for (const text of [fields, object]) {
      expect(await read(text, { column: ['ner', 'upos'] })).toEqual([
        { tokens: ['a'], labels: ['O'], columns: { ner: ['O'], upos: ['X'] }, line: 1 },
      ]);
      expect((await read(text, { column: 'upos' }))[0].labels).toEqual(['X']);
    }
    await expect(read(object)).rejects.toThrow('choose some of its columns (--column upos,ner)');
    await expect(read('{"tokens": ["a"], "x": ["X"], "y": ["X", "Y"]}', { column: ['x', 'y'] })).rejects.toThrow(
      'expected one label per token in "y", 1; got 2',
    );
    await expect(read('{"tokens": ["a"], "labels": {"__proto__": ["X"]}}', { column: ['toString', 'x'] })).rejects.toThrow(DataError); // prettier-ignore
  });

  test('JSON lines: a label of the sentence beside those of the words', async () => {
    const line = '{"tokens": ["a"], "labels": ["O"], "label": "greet"}\n';
    expect(await read(line)).toEqual([{ tokens: ['a'], labels: ['O'], category: 'greet', line: 1 }]);
    expect(await read(line, { labels: 'ignored' })).toEqual([{ tokens: ['a'], line: 1 }]);
  });

  test.each<[string, ReadOptions]>([
    [conllu, { column: ['upos', 'xpos', 4] }],
    ['a\tX\tY\n', { column: [2, 3, -1] }],
    ['{"tokens": ["a"], "x": ["X"]}', { column: ['x', 'x'] }],
  ])('a column that is named twice is refused: %#', async (text, options) => {
    await expect(read(text, options)).rejects.toThrow(ArgumentError);
    await expect(read(text, options)).rejects.toThrow('is named twice: leave one out');
  });

  test.each<[string, ReadOptions['column']]>([
    ['an empty list', []],
    ['null at place 1', ['upos', null as never]],
  ])('%s is not a list of columns', async (got, column) => {
    await expect(read(conllu, { column })).rejects.toThrow(`a number or a name, or a list of them; got ${got}`);
  });

  test('optional labels: what the input lacks is noted, what is not annotated is empty', async () => {
    const notes = collectNotes();
    const options = { labels: 'optional', onNote: notes.add } as const;
    const partly = conllu.replace('\tRB\t', '\t_\t');
    expect((await read(partly, { ...options, column: ['xpos', 'upos'] }))[0]).toEqual({
      tokens: ['do', "n't"],
      labels: ['VBP', ''],
      columns: { xpos: ['VBP', ''], upos: columns.upos },
      line: 3,
    });
    expect(notes.notes).toEqual([]);
    const plus = '# global.columns = ID FORM UPOS\n1\ta\tX\n\n';
    expect((await read(plus, { ...options, column: ['upos', 'xpos'] }))[0].columns).toEqual({ upos: ['X'] });
    expect((await read('a\tX\n', { ...options, format: 'conll', column: [2, 3] }))[0].columns).toEqual({
      column2: ['X'],
    });
    expect(notes.notes.map(({ kind, message }) => [kind, message])).toEqual([
      ['column-missing', 'f: column "xpos" does not exist: the names are id, form, upos'],
      ['column-missing', 'f: column 3 does not exist: the input has 2 columns, 1 to 2'],
    ]);
    await expect(read(plus, { ...options, column: ['a', 'b'] })).rejects.toThrow('column "a" does not exist');
    await expect(read(plus, { ...options, column: 'xpos' })).rejects.toThrow('column "xpos" does not exist');
  });
});

describe('how several columns are read', () => {
  const readingOf = async (text: string, options: ReadOptions): Promise<Reading> => {
    const found: Reading[] = [];
    await read(text, { ...options, onReading: (reading) => void found.push(reading) });
    return found[0];
  };

  test('is remembered, and followed', async () => {
    const reading = await readingOf(conllu, { column: ['upos', 6] });
    const like = inputSpecFromJson(JSON.parse(JSON.stringify(inputSpecOf(reading))));
    expect(like).toEqual({ format: 'conllu', tokenColumn: 'form', column: ['upos', 'feats'] });
    expect(describeReading(like)).toBe('conllu, words in form, labels in upos, feats');
    expect((await read(conllu, { like }))[0].columns).toEqual({ upos: columns.upos, feats: columns.feats });
    const conll = inputSpecOf(await readingOf('a\tX\tY\n', { column: [3, 2] }));
    expect(conll.column).toEqual([3, 2]);
    expect((await read('b\tX\tY\n', { like: conll }))[0].columns).toEqual({ column3: ['Y'], column2: ['X'] });
    expect((await read('b\tX\n', { format: 'conll', like: conll, labels: 'optional' }))[0].columns).toEqual({
      column2: ['X'],
    });
    await expect(read('b\tX\n', { format: 'conll', like: conll })).rejects.toThrow(
      'the training data had its labels in column 3, 2, but this input has 2 columns',
    );
  });

  test.each([[[]], [[0]], [['upos', null]], [[['upos']]], [{}]])('%j is not a place of labels', (column) => {
    expect(() => inputSpecFromJson({ format: 'conllu', column })).toThrow('model: expected input.column');
    expect(() => inputSpecOf({ format: 'conllu', column: {} as InputSpec['column'] })).toThrow(ArgumentError);
  });
});

describe('writing several heads', () => {
  const heads = { upos: { labels: ['AUX', 'X'] }, xpos: { labels: ['VBP', 'Y'] } };
  const tokens = ['do', "n't"];
  const sentence = { tokens, labels: heads.upos.labels, heads };
  const sure = {
    ...sentence,
    heads: {
      upos: { ...heads.upos, probabilities: [0.5, 0.25] },
      xpos: { ...heads.xpos, probabilities: [1, 0.125] },
    },
  };

  test('a column for each, then their probabilities', () => {
    expect(formatSentence(sentence, 'conll')).toBe("do\tAUX\tVBP\nn't\tX\tY\n\n");
    expect(formatSentence(sure, 'conll')).toBe("do\tAUX\tVBP\t0.5000\t1.0000\nn't\tX\tY\t0.2500\t0.1250\n\n");
    expect(formatSentence(sentence, 'text')).toBe("do/AUX/VBP n't/X/Y\n");
    expect(() => formatSentence(sentence, 'slashed')).toThrow('slashed holds one label per word');
    const short = { ...sentence, heads: { ...heads, xpos: { labels: ['X'] } } };
    expect(() => formatSentence(short, 'conll')).toThrow('labels must have one entry per token, 2; got 1');
  });

  test('JSON lines are keyed by head, and read back', async () => {
    expect(JSON.parse(formatSentence(sure, 'jsonl'))).toEqual({
      tokens,
      labels: { upos: heads.upos.labels, xpos: heads.xpos.labels },
      probabilities: { upos: [0.5, 0.25], xpos: [1, 0.125] },
    });
    const [back] = await read(formatSentence(sentence, 'jsonl'), { column: ['upos', 'xpos'] });
    expect(back.columns).toEqual({ upos: heads.upos.labels, xpos: heads.xpos.labels });
  });

  test('CoNLL-U keeps its lines', async () => {
    const [kept] = await read(conllu, { labels: 'ignored', keepLines: true });
    expect(formatSentence({ ...kept, labels: [], heads }, 'conllu')).toBe(
      conllu.replace('AUX\tVBP', 'AUX\tVBP').replace('PART\tRB', 'X\tY'),
    );
    expect(formatSentence(sentence, 'conllu')).toBe(
      "1\tdo\t_\tAUX\tVBP\t_\t_\t_\t_\t_\n2\tn't\t_\tX\tY\t_\t_\t_\t_\t_\n\n",
    );
    expect(() => formatSentence({ ...sentence, heads: { ner: { labels: ['O', 'O'] } } }, 'conllu')).toThrow(
      'the output conllu has no column ner (id, form,',
    );
    expect(() => formatSentence(sure, 'conllu')).toThrow('conllu holds no probabilities');
    const lines = { columns: ['id', 'form', 'upos'], lines: ['1\ta\tX'] };
    expect(() => formatSentence({ ...sentence, heads: { upos: heads.upos }, conllu: lines }, 'conllu')).toThrow(
      'must have one word per token, 2; got 1',
    );
    await expect(read('a\tX\n', { keepLines: true })).rejects.toThrow(
      'keepLines does not apply to the format two-column',
    );
  });

  test('a label of the sentence beside those of its words', async () => {
    const slots = { labels: ['O', 'B-city'] };
    const frame = { tokens: ['to', 'Paris'], labels: slots.labels, heads: { slots, intent: { labels: [], category: 'fly', categoryProbability: 0.75 } } }; // prettier-ignore
    expect(formatSentence(frame, 'text')).toBe('fly\t0.7500\tto/O Paris/B-city\n');
    expect(formatSentence(frame, 'conll')).toBe('# label = fly\n# probability = 0.7500\nto\tO\nParis\tB-city\n\n');
    const line = formatSentence(frame, 'jsonl');
    expect(JSON.parse(line)).toEqual({ tokens: frame.tokens, labels: slots.labels, label: 'fly', probability: 0.75 });
    expect(await read(line)).toEqual([{ tokens: frame.tokens, labels: slots.labels, category: 'fly', line: 1 }]);
    expect(() => formatSentence(frame, 'slashed')).toThrow('none for the sentence');
  });

  test('words that count, 0 1 2, are taken for numbers of tokens unless their column is named', async () => {
    const text = '0\tX\tA\n1\tY\tB\n';
    const refused = read(text, { format: 'conll', column: [2, 3] });
    await expect(refused).rejects.toThrow('words and labels would both be column 2: set both columns');
    const [{ tokens }] = await read(text, { format: 'conll', column: [2, 3], tokenColumn: 1 });
    expect(tokens).toEqual(['0', '1']);
  });

  test('law: what is written in columns is read back', () => {
    const cell = fc.stringMatching(/^[a-zA-Z0-9=|.-]{1,6}$/);
    const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
    return fc.assert(
      fc.asyncProperty(rows, async (table) => {
        const [words, a, b] = [0, 1, 2].map((c) => table.map((row) => row[c]));
        const tagged = { tokens: words, labels: a, heads: { feats: { labels: a }, xpos: { labels: b } } };
        const column = ['feats', 'xpos'];
        const [u] = await read(formatSentence(tagged, 'conllu'), { format: 'conllu', column });
        const [c] = await read(formatSentence(tagged, 'conll'), {
          format: 'conll',
          column: [2, 3],
          tokenColumn: 1,
          comments: 'none',
        });
        const [j] = await read(formatSentence(tagged, 'jsonl'), { column });
        expect([u.tokens, u.columns]).toEqual([words, { feats: a, xpos: b }]);
        expect([c.tokens, c.columns]).toEqual([words, { column2: a, column3: b }]);
        expect([j.tokens, j.columns]).toEqual([words, { feats: a, xpos: b }]);
      }),
      { seed: 4 },
    );
  });
});
