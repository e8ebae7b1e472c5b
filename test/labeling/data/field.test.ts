/** Files as people have them, complete and small: what each must be read as, or what must be said of it. */
import { collectNotes } from '../../../src/labeling/data/notes.js';
import {
  describeReading,
  detectFormat,
  doubtfulLabels,
  inputSpecOf,
  readSentences,
  type ReadOptions,
  type Reading,
} from '../../../src/labeling/data/formats/index.js';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { all, bytes, pairs } from '../support.js';

/** Sentences of a text as pairs, how it was read, and what was said. */
async function field(text: string, options: ReadOptions = {}) {
  const { notes, add } = collectNotes();
  let reading: Reading | undefined;
  const onReading = (r: Reading) => void (reading = r);
  const sentences = await all(readSentences([bytes(text)], { source: 'f', onNote: add, onReading, ...options }));
  return { pairs: pairs(sentences), sentences, reading: reading!, notes, kinds: notes.map(({ kind }) => kind) };
}

const fails = async (text: string, message: string, options: ReadOptions = {}, kind = DataError) => {
  await expect(field(text, options)).rejects.toThrow(message);
  await expect(field(text, options)).rejects.toThrow(kind);
};

describe('lines that begin with #', () => {
  const NER = 'EU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n';

  test('a header with as many columns as the data is a comment, which is said', async () => {
    const { pairs, notes } = await field(`# sent_id = 1\n${NER}# sent_id = 2\n${NER}`);
    const sentence = [
      ['EU', 'rejects'],
      ['B-ORG', 'O'],
    ];
    expect(pairs).toEqual([sentence, sentence]);
    expect(notes).toMatchObject([{ kind: 'comments', line: 1, count: 2, source: 'f' }]);
    expect(notes[0].message).toContain('2 lines read as comments (first line 1, "# sent_id = 1")');
  });

  test('a header of tab-separated fields whose label is empty', async () => {
    const text =
      '#\thttp://e.org\t[2010]\t\n1\tBerlin\tB-LOC\tO\n2\tis\tO\tO\n\n#\thttp://e.org\t[2011]\t\n1\tBonn\tB-LOC\tO\n';
    const read = await field(text, { column: 3 });
    expect(read.pairs).toEqual([
      [
        ['Berlin', 'is'],
        ['B-LOC', 'O'],
      ],
      [['Bonn'], ['B-LOC']],
    ]);
    const plain = await field('#\thttp://e.org\t[2010]\t\nBerlin\tx\ty\tB-LOC\nis\tx\ty\tO\n');
    expect(plain.pairs).toEqual([
      [
        ['Berlin', 'is'],
        ['B-LOC', 'O'],
      ],
    ]);
    expect(plain.kinds).toEqual(['comments']);
  });

  test('a note inside a two-column sentence is not a word labeled note', async () => {
    const { pairs, notes } = await field('the DT\n# note\ncat NN\n');
    expect(pairs).toEqual([
      [
        ['the', 'cat'],
        ['DT', 'NN'],
      ],
    ]);
    expect(notes[0].message).toContain('1 line read as a comment (first line 2, "# note")');
    const longer = await field('the DT\n# a longer note\ncat NN\n');
    expect(longer.pairs).toEqual(pairs);
    expect(longer.kinds).toEqual(['comments']);
  });

  test('a token # stays a token, and hashtags do', async () => {
    for (const text of ['# O\n#tag O\nx B-X\n', '#\t#\nof\tIN\n', '#\tSYM\na\tNOUN\n', '# SYM\na NOUN\n']) {
      const { sentences } = await field(text);
      expect(sentences[0].tokens[0]).toBe('#');
    }
    expect((await field('# O\nx O\n')).notes).toEqual([]);
    expect((await field('#\tSYM\na\tNOUN\n')).notes[0].message).toContain('1 line read as a token');
  });

  test('--comments decides', async () => {
    const text = '# O\n#tag O\nx O\n\n# sent_id = 1\ny O\n';
    const tokens = async (comments: ReadOptions['comments'], more = {}) =>
      (await field(text, { comments, ...more })).sentences.map((s) => s.tokens);
    expect(await tokens('auto')).toEqual([['#', '#tag', 'x'], ['y']]);
    expect(await tokens('#')).toEqual([['x'], ['y']]);
    await fails(text, 'f:5: too many columns', { comments: 'none' });
    expect((await field('# = 1 2\nx a b 3\n', { comments: 'none' })).sentences[0].tokens).toEqual(['#', 'x']);
    await fails('{"tokens":["a"]}', 'comments does not apply to the format jsonl', { comments: '#' }, ArgumentError);
    await fails(text, "comments must be 'auto', 'none' or '#'", { comments: '%' as 'none' }, ArgumentError);
  });
});

describe('CoNLL-U with a bad line stays CoNLL-U', () => {
  const good = '1\tA\ta\tX\t_\t_\t0\troot\t_\t_\n';

  test('one malformed id is an error of its line', async () => {
    await fails(`${good}2 \tB\tb\tY\t_\t_\t1\tdep\t_\tM\n`, 'f:2: expected a word number, a range such as 8-9');
    await fails(`${good}2 \tB\tb\tY\t_\t_\t1\tdep\t_\tM\n`, 'got "2 ": correct the number');
  });

  test.each([
    ['ids that are none', 'w1\tA\ta\tX\t_\t_\t0\troot\t_\tM\nw2\tB\tb\tY\t_\t_\t1\tdep\t_\tN\n'],
    ['ids with blanks throughout', '1 \tA\ta\tX\t_\t_\t0\troot\t_\tM\n2 \tB\tb\tY\t_\t_\t1\tdep\t_\tN\n'],
  ])('%s', (_, text) => fails(text, 'f:1: expected a word number'));

  test('blanks for tabs throughout', () =>
    fails(
      '1 A a X _ _ 0 root _ _\n2 B b Y _ _ 1 dep _ _\n',
      'f:1: too few columns: expected 10 separated by tabs; got 1 in "1 A a X _ _ 0 root _ _": replace the spaces between the columns with tabs',
    ));

  test('two joined files with marks are read, which is said', async () => {
    const { pairs, reading, notes } = await field(`\ufeff# a\n${good}\n\ufeff# b\n${good}\n\ufeff${good}`);
    expect(pairs).toEqual([
      [['A'], ['X']],
      [['A'], ['X']],
      [['A'], ['X']],
    ]);
    expect(reading.format).toBe('conllu');
    expect(notes).toMatchObject([{ kind: 'white-space', count: 2, line: 4 }]);
    expect(notes[0].message).toContain('first in line 4, "<U+FEFF># b"');
  });

  test('no message advises the format conll', async () => {
    const error = await field(`${good}2\tB\n`, { format: 'conllu' }).catch((e: Error) => e);
    expect(String(error)).toContain(
      'f:2: too few columns: expected 10 separated by tabs; got 2 in "2\\tB": correct the line',
    );
    expect(String(error)).not.toContain('conll');
  });
});

describe('CoNLL-U Plus', () => {
  const PLUS =
    '# global.columns = ID FORM UPOS NE\n# sent_id = 1\n1-2\tau\t_\t_\n1\tà\tADP\tO\n2\tle\tDET\tB\n\n1\tva\tVERB\tO\n';

  test('the first line names the columns', async () => {
    const { pairs, reading } = await field(PLUS);
    expect(pairs).toEqual([
      [
        ['à', 'le'],
        ['ADP', 'DET'],
      ],
      [['va'], ['VERB']],
    ]);
    expect(reading).toMatchObject({ format: 'conllu', tokenColumn: 'form', column: 'upos', width: 4 });
    expect((await field(PLUS, { column: 'ne' })).sentences[0].labels).toEqual(['O', 'B']);
    expect((await field(PLUS, { column: 4, tokenColumn: 'UPOS' })).sentences[0].tokens).toEqual(['ADP', 'DET']);
  });

  test('what it does not name is asked for', async () => {
    const text = '# global.columns = ID FORM NE\n1\ta\tO\n';
    await fails(text, 'column "upos" does not exist: the names are id, form, ne', {}, ArgumentError);
    expect((await field(text, { labels: 'ignored' })).pairs).toEqual([[['a'], undefined]]);
    await fails(`${PLUS}\n# global.columns = ID FORM\n1\ta\n`, 'f:9: the columns are not those that line 1 declares');
    expect((await field(`${PLUS}\n${PLUS}`)).sentences).toHaveLength(4);
    expect((await field('# global.columns = FORM UPOS\na\tX\nb\tY\n')).sentences[0].tokens).toEqual(['a', 'b']);
  });
});

describe('the token column', () => {
  test.each<[string, string, string[][], string[][] | undefined, ReadOptions]>([
    [
      'a range line',
      '1\tIl\tPRON\n2-3\tau\t_\n2\tà\tADP\n3\tle\tDET\n',
      [['Il', 'à', 'le']],
      [['PRON', 'ADP', 'DET']],
      {},
    ],
    ['zero-based ids', '0\ta\tX\n1\tb\tY\n\n0\tc\tX\n', [['a', 'b'], ['c']], [['X', 'Y'], ['X']], {}],
    [
      'ids through the file',
      '1\ta\tX\n2\tb\tY\n\n3\tc\tX\n4\td\tX\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
      [
        ['X', 'Y'],
        ['X', 'X'],
      ],
      {},
    ],
    ['separated by spaces', '1 Los O\n2 Angeles B\n', [['Los', 'Angeles']], [['O', 'B']], {}],
    ['no labels', '1\tAnna\n2\tva\n\n1\tOui\n', [['Anna', 'va'], ['Oui']], undefined, { labels: 'ignored' }],
    ['set', '1\tIl\tPRON\n2\tva\tVERB\n', [['1', '2']], [['PRON', 'VERB']], { tokenColumn: 1 }],
    ['set, the label first', 'PRON\tIl\nVERB\tva\n', [['Il', 'va']], [['PRON', 'VERB']], { tokenColumn: 2, column: 1 }],
  ])('%s', async (_, text, tokens, labels, options) => {
    const { sentences } = await field(text, options);
    expect(sentences.map((s) => s.tokens)).toEqual(tokens);
    if (labels) expect(sentences.map((s) => s.labels)).toEqual(labels);
    else expect(sentences.every((s) => s.labels === undefined)).toBe(true);
  });

  test('ids and words alone have no labels: said, not trained on', async () => {
    const text = '1\tAnna\n2\tva\n\n1\tOui\n';
    await fails(text, 'f: column 1 of 2 numbers the words, so column 2 has the words', {}, ArgumentError);
    expect((await field(text, { tokenColumn: 1 })).sentences[0]).toMatchObject({
      tokens: ['1', '2'],
      labels: ['Anna', 'va'],
    });
    expect((await field(text, { labels: 'optional' })).pairs[0]).toEqual([['Anna', 'va'], undefined]);
  });

  test('an id that is none is an error of its line', () =>
    fails('1\ta\tX\n2\tb\tY\n3x\tc\tY\n', 'f:3: expected a number in column 1, which numbers the words; got "3x"'));

  test('words and labels are two columns', async () => {
    await fails('a b X\nc d Y\n', 'f: words and labels would both be column 3', { tokenColumn: 3 }, ArgumentError);
    const conllu = '1\ta\t_\tX\t_\t_\t0\troot\t_\t_\n';
    await fails(conllu, 'f: words and labels would both be column upos', { tokenColumn: 'upos' }, ArgumentError);
    await fails(conllu, 'f: words and labels would both be column form', { column: 'form' }, ArgumentError);
    const { sentences } = await field('X a\nY b\n', { tokenColumn: 2 });
    expect(sentences[0]).toMatchObject({ tokens: ['a', 'b'], labels: ['X', 'Y'] });
  });
});

describe('as in training', () => {
  test('the columns of the training file are those of the others', async () => {
    const { reading } = await field('1\tIl\tPRON\tx\n2\tva\tVERB\ty\n', { column: 3 });
    const like = inputSpecOf(reading);
    expect(like).toEqual({ format: 'conll', tokenColumn: 2, column: 3, ids: true, comments: 'auto' });
    // By itself, this file would be read with the words in column 1.
    const dev = '7\tIl\tPRON\tx\n4-5\tau\t_\t_\n3\tva\tVERB\ty\n';
    expect((await field(dev, { like })).pairs).toEqual([
      [
        ['Il', 'va'],
        ['PRON', 'VERB'],
      ],
    ]);
    expect((await field(dev, { like, column: 4 })).sentences[0].labels).toEqual(['x', 'y']);
  });

  test('what does not fit is asked for, or told', async () => {
    const like = { format: 'conll', tokenColumn: 2, column: 4 } as const;
    await fails(
      'a b X\nc d Y\n',
      'the training data had its labels in column 4, but this input has 3 columns',
      { like },
      ArgumentError,
    );
    const { sentences, notes } = await field('a\nb\n', { like, labels: 'ignored', format: 'conll' });
    expect(sentences[0].tokens).toEqual(['a', 'b']);
    expect(notes[0].message).toContain('the training data had its words in column 2, but this input has 1');
    const other = await field('a b X\nc d Y\n', { like: { format: 'conllu', column: 'xpos' } });
    expect(other.notes[0].message).toContain(
      'f: read as conll, words in column 1, labels in column 3, unlike the training data (conllu, labels in xpos)',
    );
  });

  test('the column of CoNLL-U and the field of objects, too', async () => {
    const row = '1\tA\ta\tX\tP\t_\t0\troot\t_\t_\n';
    expect((await field(row, { like: { format: 'conllu', column: 'xpos' } })).sentences[0].labels).toEqual(['P']);
    const object = '{"tokens":["a"],"ner":["O"],"labels":["X"]}';
    expect((await field(object, { like: { format: 'jsonl', column: 'ner' } })).sentences[0].labels).toEqual(['O']);
  });
});

describe('a last column that is not a label', () => {
  test('one value, or one in each sentence, is asked about with three values of each column', async () => {
    const one = await field('the DT anna\ncat NN anna\nsat VB anna\n');
    expect(doubtfulLabels(one.reading, one.sentences)).toBe(
      'the last column, 3, has the one value "anna": is it the label column? Set the right one (--column). ' +
        'The columns are 1 (the, cat, sat), 2 (DT, NN, VB), 3 (anna)',
    );
    const documents = await field('the DT d1\ncat NN d1\n\n'.repeat(3) + 'a DT d2\ncat NN d2\n\n'.repeat(3));
    expect(doubtfulLabels(documents.reading, documents.sentences)).toContain('has one value in each sentence');
  });

  test('labels that vary, a column that was named, and two columns are not', async () => {
    for (const [text, options] of [
      ['the DT x\ncat NN y\n', {}],
      ['the DT x\ncat NN x\n', { column: 3 }],
      ['the DT\ncat DT\n', {}],
      ['the\tDT\ncat\tDT\n', {}],
    ] as const) {
      const { reading, sentences } = await field(text, options);
      expect(doubtfulLabels(reading, sentences)).toBeUndefined();
    }
  });
});

describe('white space and invisible marks', () => {
  test('around tokens and labels they make no others', async () => {
    const text =
      'Bob\tB-PER \nBob\tB-PER\nMH17 \tO\r\r\n\u200bx\u00a0\tO\n\r\r\n\ufeff-DOCSTART-\tO\n\n\ufeffy\t\ufeffO\na b\tO\n';
    const { pairs, notes } = await field(text);
    expect(pairs).toEqual([
      [
        ['Bob', 'Bob', 'MH17', 'x'],
        ['B-PER', 'B-PER', 'O', 'O'],
      ],
      [
        ['y', 'a b'],
        ['O', 'O'],
      ],
    ]);
    expect(notes).toEqual([
      {
        kind: 'white-space',
        source: 'f',
        line: 1,
        count: 8,
        message:
          'f: white space or invisible marks were removed around 2 tokens and 2 labels and 4 lines, first in line 1, "B-PER "',
      },
    ]);
  });

  test('in every format', async () => {
    const conllu = '1\tA \ta\tX\u00a0\t_\t_\t0\troot\t_\t_\n';
    expect((await field(conllu)).pairs).toEqual([[['A'], ['X']]]);
    expect((await field('{"tokens":["MH17 "],"labels":[" O"]}')).pairs).toEqual([[['MH17'], ['O']]]);
    expect((await field('a\u00a0/X\ufeff b/Y')).pairs).toEqual([
      [
        ['a', 'b'],
        ['X', 'Y'],
      ],
    ]);
  });

  test('a token of nothing else stays, a label of nothing else is missing', async () => {
    expect((await field('1\t \t_\tX\t_\t_\t0\troot\t_\t_\n')).pairs).toEqual([[[' '], ['X']]]);
    expect((await field('{"tokens":["\\t"],"labels":["X"]}')).pairs).toEqual([[['\t'], ['X']]]);
    await fails('a\tX\nb\t \n', 'f:2: expected a label in column 2; got nothing');
    await fails('{"tokens":["a"],"labels":[" "]}', 'f:1: expected "labels"');
  });

  test('what shapes letters is left alone', async () => {
    expect((await field('a\u200d\tX\n\u200cb\tX\n')).pairs[0][0]).toEqual(['a\u200d', '\u200cb']);
  });
});

describe('slashed', () => {
  test('is told from two columns, and read', async () => {
    for (const text of ['the/DT cat/NN\n', 'the/DT cat/NN\n\na/DT dog/NN barks/VB\n', '1/2/NUM x/X\n']) {
      expect(detectFormat(text.split('\n'))).toBe('slashed');
    }
    const { pairs, reading } = await field('the/DT cat/NN\n\n1/2/NUM a\\/b/X \\\\o\\/Y/Z c\\ d/N \\u0041\\n/N\n');
    expect(pairs).toEqual([
      [
        ['the', 'cat'],
        ['DT', 'NN'],
      ],
      [
        ['1/2', 'a/b', '\\o/Y', 'c d', 'A\\n'],
        ['NUM', 'X', 'Z', 'N', 'N'],
      ],
    ]);
    expect(describeReading(reading)).toBe('slashed');
  });

  test.each([
    ['a word without a label', 'a/X b\n', 'f:1: expected a token, a slash and a label; got "b", word 2 of the line'],
    ['nothing before the slash', 'a/X /Y\n', 'got "/Y", word 2'],
    ['nothing behind it', 'a/X b/\n', 'got "b/", word 2'],
    ['probabilities', 'a/X/0.9876 b/Y/1.0000\n', 'f:1: expected labels after the last slashes; got probabilities'],
  ])('%s', (_, text, message) => fails(text, message, { format: 'slashed' }));

  test('labels may be absent where they are not needed', async () => {
    const read = async (labels: ReadOptions['labels']) => (await field('a/X b\n', { format: 'slashed', labels })).pairs;
    expect(await read('ignored')).toEqual([[['a', 'b'], undefined]]);
    expect(await read('optional')).toEqual([[['a', 'b'], undefined]]);
    await fails('a/X', 'column does not apply to the format slashed', { format: 'slashed', column: 1 }, ArgumentError);
    await fails('a/X b/Y', 'f:1: the sentence has 2 tokens, more than 1', { format: 'slashed', maxTokens: 1 });
  });

  test('addresses, dates in prose and columns with slashes are something else', () => {
    expect(detectFormat(['http://a.b/c', 'http://a.b/d'])).toBeUndefined();
    expect(detectFormat(['on 12/05 he left', 'and/or stayed there'])).toBeUndefined();
    expect(detectFormat(['and/or CC', 'cat NN'])).toBe('conll');
  });
});

describe('bad lines', () => {
  const rows = (n: number) => Array.from({ length: n }, (_, i) => `a\tX\nb${i}\n\nc\tY\n\n`).join('');

  test('stop: the first one ends it', async () => {
    await expect(field(rows(3))).rejects.toThrow(/^f:2: too few columns: .*the column$/);
  });

  test('list: the first ten are told, and the number', async () => {
    const { notes, add } = collectNotes();
    const reading = field(rows(12), { badLines: 'list', onNote: add });
    await expect(reading).rejects.toThrow(
      /^f:2: too few columns.*\. That is the first of 12 bad lines, the first 10 of them reported: correct them, or leave them out \(--skip-bad\)$/,
    );
    expect(notes.map(({ kind, line }) => [kind, line])).toEqual(
      Array.from({ length: 10 }, (_, i) => ['bad-line', 2 + 5 * i]),
    );
    await expect(field(rows(1), { badLines: 'list' })).rejects.toThrow(/^f:2: too few columns: .*the column$/);
  });

  test('skip: the sentence of a bad line is left out, and what was is said', async () => {
    const { pairs, notes } = await field(rows(12), { badLines: 'skip' });
    expect(pairs).toEqual(Array.from({ length: 12 }, () => [['c'], ['Y']]));
    expect(notes).toHaveLength(11);
    expect(notes[10]).toEqual({
      kind: 'bad-lines-left-out',
      message: 'f: 12 bad lines were left out, with 12 sentences and 12 readable tokens',
      source: 'f',
      count: 12,
    });
    await fails('a\n', 'f: no sentences: the input has only bad lines', { badLines: 'skip', format: 'two-column' });
  });

  test('every word that is too long is a bad line, and none of them is a readable token', async () => {
    const long = 'x'.repeat(100_001);
    const input = [Buffer.from(`a\tX\n${long}\tY\nb\tX\n${long}\tX\n\nc\tY\n`)];
    const { add, notes } = collectNotes();
    const given = await all(readSentences(input, { badLines: 'skip', source: 'f', onNote: add }));
    expect(pairs(given)).toEqual([[['c'], ['Y']]]);
    expect(notes.filter(({ kind }) => kind === 'bad-line').map(({ line }) => line)).toEqual([2, 4]);
    expect(notes[notes.length - 1].message).toBe('f: 2 bad lines were left out, with 1 sentence and 2 readable tokens');
  });

  test('bytes that are not text, lines that are too long, and bad objects are bad lines', async () => {
    const input = Buffer.from('a\tX\n\ncaf\xe9\tX\n\nb\tY\n', 'latin1');
    const { add, notes } = collectNotes();
    const skip: ReadOptions = { badLines: 'skip', source: 'f', onNote: add };
    expect(pairs(await all(readSentences([input], skip)))).toEqual([
      [['a'], ['X']],
      [['b'], ['Y']],
    ]);
    expect(notes[0].message).toContain(
      'f:3: expected UTF-8, but byte 4 of the line (0xe9) is not part of a valid sequence',
    );
    expect(notes[0].message).toContain('iconv -f ISO-8859-1 -t UTF-8');
    expect((await field('a\tX\n\nlonger\tX\n\nb\tY\n', { ...skip, maxLineBytes: 4 })).pairs).toHaveLength(2);
    expect(
      (await field('{"tokens":["a"],"labels":["X"]}\n{\n{"tokens":["b"],"labels":["X"]}\n', skip)).pairs,
    ).toHaveLength(2);
  });

  test('a sentence that never ends is one bad line, not thousands', async () => {
    const text = `${'a\tX\n'.repeat(50)}\nb\tY\n`;
    const { pairs, notes } = await field(text, { badLines: 'skip', maxTokens: 5 });
    expect(pairs).toEqual([[['b'], ['Y']]]);
    expect(notes.filter(({ kind }) => kind === 'bad-line')).toHaveLength(1);
  });

  test('what says something of the whole file ends it in any case', async () => {
    const utf16 = Buffer.from('a\tX\nb\tY\n', 'utf16le');
    await expect(all(readSentences([utf16], { badLines: 'skip' }))).rejects.toThrow('probably UTF-16');
    await fails('a\tX\rb\tY\r', 'end in CR only', { badLines: 'skip' });
    await fails(
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n',
      'f: expected sentences; got a Git LFS pointer',
    );
  });
});

test('unknown options are refused by name', () =>
  fails('a\tX', 'unknown key "colum"', { colum: 1 } as ReadOptions, ArgumentError));
