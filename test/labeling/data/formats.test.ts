import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import {
  CONLLU_COLUMNS,
  detectFormat,
  formatOf,
  readSentences,
  readSlots,
  type ReadOptions,
} from '../../../src/labeling/data/formats/index.js';
import { bytes, pairs, read } from '../support.js';

const row = (id: string, form: string, upos: string, xpos = '_', feats = '_') =>
  [id, form, form.toLowerCase(), upos, xpos, feats, '0', 'root', '_', '_'].join('\t');

const CONLLU = [
  '# sent_id = 1',
  "# text = Don't go",
  row('1-2', "Don't", '_'),
  row('1', 'Do', 'AUX', 'VBP', 'Mood=Imp'),
  row('2', "n't", 'PART', 'RB'),
  row('2.1', 'hidden', 'VERB'),
  row('3', 'go', 'VERB', 'VB'),
  '',
  '# sent_id = 2',
  row('1', 'chủ tịch', 'NOUN', 'N'),
  '',
].join('\n');

const fails = async (text: string, message: string, options: ReadOptions = {}, kind = DataError) => {
  await expect(read(text, options)).rejects.toThrow(message);
  await expect(read(text, options)).rejects.toThrow(kind);
};

describe('conllu', () => {
  test('words only: ranges, empty nodes and comments are not tokens; a word may contain spaces', async () => {
    expect(await read(CONLLU)).toEqual([
      { tokens: ['Do', "n't", 'go'], labels: ['AUX', 'PART', 'VERB'], line: 4 },
      { tokens: ['chủ tịch'], labels: ['NOUN'], line: 10 },
    ]);
  });

  test('any column, by name in any case, or number from either end', async () => {
    for (const column of ['xpos', 'XPOS', 5, '5', -6, '-6']) {
      const [first] = await read(CONLLU, { column });
      expect(first.labels).toEqual(['VBP', 'RB', 'VB']);
    }
    expect((await read(CONLLU, { column: 'feats' }))[0].labels).toEqual(['Mood=Imp', '_', '_']);
    expect((await read(CONLLU, { column: 'lemma' }))[0].labels).toEqual(['do', "n't", 'go']);
    for (const column of ['tag', 11, 0, -11]) await fails(CONLLU, `column `, { column }, ArgumentError);
    await fails(CONLLU, `the names are ${CONLLU_COLUMNS.join(', ')}`, { column: 'tag' }, ArgumentError);
    await fails(CONLLU, 'column 11 does not exist: the input has 10 columns, 1 to 10', { column: 11 }, ArgumentError);
  });

  test('a label that is not annotated is empty; a missing one is an error, or tolerated, or not looked at', async () => {
    const text = `${row('1', 'a', 'X')}\n${row('2', 'b', '_')}\n\n${row('1', 'c', 'Y')}\n`;
    for (const labels of ['required', 'optional'] as const) {
      expect(pairs(await read(text, { labels }))).toEqual([
        [
          ['a', 'b'],
          ['X', ''],
        ],
        [['c'], ['Y']],
      ]);
    }
    const empty = text.replace('\t_\t', '\t\t').replace(/b\t([^\t]*)\t_/, 'b\t$1\t');
    await fails(empty, 'f:2: expected a label in column upos; got nothing: fill it in, write _ if there is none');
    expect(pairs(await read(empty, { labels: 'optional' }))[0]).toEqual([['a', 'b'], undefined]);
    expect(pairs(await read(text, { labels: 'ignored' }))).toEqual([
      [['a', 'b'], undefined],
      [['c'], undefined],
    ]);
  });

  test.each([
    ['1\ta\tX', 'f:1: too few columns: expected 10 separated by tabs; got 3 in "1\\ta\\tX"'],
    [`${row('1', 'a', 'X')}\textra`, 'f:1: too many columns: expected 10 separated by tabs; got 11'],
    [`${row('1', 'a', 'X')}\n${row('1', 'b', 'X')}`, 'f:2: expected word number 2 in column 1; got 1: number words'],
    [
      row('x', 'a', 'X'),
      'f:1: expected a word number, a range such as 8-9 or a decimal such as 5.1 in column 1; got "x"',
    ],
    [row('1', '', 'X'), 'f:1: expected a word in column form; got nothing'],
    ['# only\n# comments\n', 'f: no sentences: the input has only comments or blank lines'],
  ])('%j', (text, message) => fails(text, message, { format: 'conllu' }));
});

describe('conll', () => {
  test('tabs or runs of spaces, -DOCSTART-, blank lines that hold spaces', async () => {
    const spaces = '-DOCSTART- -X- O O\n\nEU NNP I-NP  B-ORG\nrejects   VBZ I-VP O \n \t \nPeter NNP I-NP B-PER';
    const expected = [
      [
        ['EU', 'rejects'],
        ['B-ORG', 'O'],
      ],
      [['Peter'], ['B-PER']],
    ];
    expect(pairs(await read(spaces))).toEqual(expected);
    const tabs = spaces.replace(/ +$/gm, '').replace(/(\S) +(?=\S)/g, '$1\t');
    expect(tabs).toContain('\t');
    expect(pairs(await read(tabs))).toEqual(expected);
    expect(pairs(await read(tabs.replace(/\n/g, '\r\n')))).toEqual(expected);
  });

  test('label and token by number from either end, and by name', async () => {
    const text = 'a p1 c1 X\nb p2 c2 Y\n';
    const columns = ['form', 'pos', 'chunk', 'ner'];
    const labels = async (options: ReadOptions) => (await read(text, options))[0].labels;
    expect(await labels({})).toEqual(['X', 'Y']);
    expect(await labels({ column: 2 })).toEqual(['p1', 'p2']);
    expect(await labels({ column: '-2' })).toEqual(['c1', 'c2']);
    expect(await labels({ column: 'POS', columns })).toEqual(['p1', 'p2']);
    expect((await read(text, { tokenColumn: 'chunk', columns }))[0].tokens).toEqual(['c1', 'c2']);
    expect((await read(text, { tokenColumn: -1, column: 1 }))[0]).toMatchObject({
      tokens: ['X', 'Y'],
      labels: ['a', 'b'],
    });
    await fails(text, 'the columns have no names, so give a number', { column: 'pos' }, ArgumentError);
    await fails(
      text,
      'column x is number 5, but the input has 4',
      { column: 'x', columns: [...columns, 'x'] },
      ArgumentError,
    );
  });

  test('a first column that counts is passed over; comments before a sentence are kept out', async () => {
    const text = '# text = a b\n1\tchủ tịch\tB\t-\tw\n2\t#b\tO\t-\tw\n\n# x\ty\n1\tc\tO\t-\tw\n';
    expect(pairs(await read(text, { column: 3 }))).toEqual([
      [
        ['chủ tịch', '#b'],
        ['B', 'O'],
      ],
      [['c'], ['O']],
    ]);
    expect((await read(text, { column: 3, tokenColumn: 1 }))[0].tokens).toEqual(['1', '2']);
  });

  test('a hashtag is a token, a comment is not', async () => {
    const text = '#tag O\n# O\n#\tO\n\n# a comment of five words\n#\nb O\n';
    expect(pairs(await read(text))).toEqual([
      [
        ['#tag', '#', '#'],
        ['O', 'O', 'O'],
      ],
      [['b'], ['O']],
    ]);
    await fails('a\tX\t1\n#lost\n', 'f:2: too few columns: expected 3 separated by tabs; got 1 in "#lost"');
  });

  test('a no-break space is part of a token', async () => {
    expect((await read('10\u00a0000 NUM\nkr NOUN\n'))[0].tokens).toEqual(['10\u00a0000', 'kr']);
  });

  test('a column counted from the left asks for no more than itself; one from the right for equal lines', async () => {
    const text = 'a X 1\nb Y 2 more\nc Z 3\n';
    expect((await read(text, { column: 2 }))[0].labels).toEqual(['X', 'Y', 'Z']);
    await fails(text, 'f:2: too many columns: expected 3 separated by spaces; got 4 in "b Y 2 more"');
    await fails('a X 1\nb\nc Z 3\n', 'f:2: too few columns: expected at least 2 separated by spaces; got 1', {
      column: 2,
    });
    await fails('a X 1\nb Y\nc Z 3\n', 'f:2: too few columns: expected 3 separated by spaces; got 2 in "b Y"');
  });

  test('tokens alone, where labels are not asked for', async () => {
    const options = { format: 'conll' } as const;
    for (const labels of ['optional', 'ignored'] as const) {
      expect(pairs(await read('a\nb\n\nc', { ...options, labels }))).toEqual([
        [['a', 'b'], undefined],
        [['c'], undefined],
      ]);
    }
    await fails('a\nb\n', 'f:1: too few columns: expected 2 separated by spaces; got 1 in "a"', options);
    expect((await read('a\tX\nb\tY', { labels: 'optional' }))[0].labels).toEqual(['X', 'Y']);
  });

  test.each([
    ['a\t1\tX\n\t1\tX\n', 'f:2: expected a token in column 1; got nothing'],
    ['a\t1\tX\nb\t1\t\n', 'f:2: expected a label in column 3; got nothing'],
  ])('%j', (text, message) => fails(text, message));
});

describe('two-column', () => {
  test('a token may contain spaces and be a number sign', async () => {
    const text = 'chủ tịch\tNOUN\n#\tSYM\n\nx\tX';
    for (const format of ['two-column', undefined] as const) {
      expect(pairs(await read(text, { format }))).toEqual([
        [
          ['chủ tịch', '#'],
          ['NOUN', 'SYM'],
        ],
        [['x'], ['X']],
      ]);
    }
  });

  test('columns are separated by a tab and nothing else', async () => {
    await fails('a\tX\nb Y\n', 'f:2: too few columns: expected 2 separated by tabs; got 1 in "b Y"');
    await fails('a\tX\nb\tY\tZ\n', 'f:2: too many columns: expected 2', { format: 'two-column' });
    await fails('a\tX', 'column 3 does not exist: the input has 2 columns', { column: 3 }, ArgumentError);
    expect((await read('X\ta', { column: 1, tokenColumn: 2 }))[0]).toMatchObject({ tokens: ['a'], labels: ['X'] });
  });
});

describe('jsonl', () => {
  test('tokens, labels, category; other fields and blank lines are passed over', async () => {
    const text =
      '{"id": 7, "tokens": ["a b", "\\t"], "labels": ["X", "Y"], "category": "q"}\n\n{"tokens":["c"],"labels":["X"]}';
    expect(await read(text)).toEqual([
      { tokens: ['a b', '\t'], labels: ['X', 'Y'], category: 'q', line: 1 },
      { tokens: ['c'], labels: ['X'], line: 3 },
    ]);
    expect((await read('{"tokens":["a"],"ner":["O"]}', { column: 'ner' }))[0].labels).toEqual(['O']);
    expect((await read('{"tokens":["a"]}', { labels: 'optional' }))[0].labels).toBeUndefined();
    expect((await read('{"tokens":["a"],"labels":["X"]}', { labels: 'optional' }))[0].labels).toEqual(['X']);
    expect((await read('{"tokens":["a"],"labels":7}', { labels: 'ignored' }))[0].labels).toBeUndefined();
  });

  test.each([
    ['{"tokens": []}', 'f:1: a sentence without tokens: remove the line'],
    ['{"tokens": ["a"], "labels": ["X", "Y"]}', 'f:1: expected one label per token, 1; got 2'],
    [
      '{"tokens": ["a"], "tags": ["X"]}',
      'f:1: expected "labels", an array of strings that are not empty; got no such field',
    ],
    ['{"tokens": ["a"], "tags": ["X"]}', '(the fields are tokens, tags)'],
    [
      '{"tokens": ["a"], "labels": [true]}',
      'f:1: expected "labels", an array of strings that are not empty; got [true]',
    ],
    ['{"text": "a b"}', 'f:1: expected "tokens", an array of strings that are not empty; got no such field'],
    ['{"tokens": "a"}', 'got "a"'],
    [`{"tokens": ${'['.repeat(33)}`, 'f:1: expected a JSON object; got brackets nested deeper than 32 levels'],
    [`{"tokens": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'brackets nested deeper than 32 levels'],
    [`{"tokens": [${'[1,[2]],'.repeat(9)}3]}`, 'got [[1,[2]],[1,[2]],'],
    ['{"tokens": ["a", ""]}', 'f:1: expected "tokens", an array of strings that are not empty'],
    ['{"tokens": ["a"], "labels": ["X"]}\n{"tokens": ', 'f:2: expected a JSON object; got "{\\"tokens\\": "'],
  ])('%j', (text, message) => fails(text, message));

  test('what is not an object is refused', async () => {
    for (const text of ['[1]', 'null', '"a"', '7'])
      await fails(text, 'f:1: expected a JSON object', { format: 'jsonl' });
    expect(await read('{"__proto__": 1, "tokens": ["a"], "labels": ["X"]}')).toHaveLength(1);
  });
});

describe('every format', () => {
  test('normal forms: tokens stay as they stand unless asked for', async () => {
    const [nfd, nfc] = ['e\u0301', '\u00e9'];
    const text = `${nfd}\tX\n${nfc}\tX\n`;
    expect((await read(text))[0].tokens).toEqual([nfd, nfc]);
    expect((await read(text, { normalize: 'none' }))[0].tokens).toEqual([nfd, nfc]);
    expect((await read(text, { normalize: 'NFC' }))[0].tokens).toEqual([nfc, nfc]);
    expect((await read(text, { normalize: 'NFD' }))[0].tokens).toEqual([nfd, nfd]);
  });

  test('no sentences', async () => {
    for (const text of ['', '\n', ' \n\t\n', '\ufeff']) await fails(text, 'f: no sentences: the input is empty');
    await fails('-DOCSTART- O\n\n', 'f: no sentences', { format: 'conll' });
  });

  test('a sentence that never ends is refused at the limit', async () => {
    const text = 'a\tX\n'.repeat(4);
    expect(await read(text, { maxTokens: 4 })).toHaveLength(1);
    await fails(text, 'f:4: the sentence that begins at line 1 has more than 3 tokens', { maxTokens: 3 });
    await fails('{"tokens":["a","b"],"labels":["X","Y"]}', 'f:1: the sentence has 2 tokens, more than 1', {
      maxTokens: 1,
    });
    await fails('abc\tX\n', 'f:1: the line is longer than 4 bytes', { maxLineBytes: 4 });
  });

  test('options that do not exist', async () => {
    for (const wrong of [{ labels: 'some' }, { normalize: 'nfc' }, { maxTokens: 0 }, { maxTokens: 1.5 }]) {
      await fails('a\tX', `${Object.keys(wrong)[0]} must be`, wrong as ReadOptions, ArgumentError);
    }
    await fails('a\tX', 'use readSlots, or give the folder', { format: 'slots' }, ArgumentError);
    await fails('a\tX', 'columns does not apply to the format two-column', { columns: ['a'] }, ArgumentError);
    expect(formatOf('conllu')).toBe('conllu');
    expect(() => formatOf('xml')).toThrow(
      'unknown format "xml": use one of conllu, conll, two-column, slashed, jsonl, doccano, prodigy, spans, brat, slots',
    );
  });
});

describe('whoever stops early closes the input', () => {
  /** Chunks that note when they are closed before their end. */
  function watched(text: string) {
    const state = { closed: false };
    async function* chunks() {
      try {
        for (;;) yield bytes(text);
      } finally {
        state.closed = true;
      }
    }
    return { state, chunks: chunks() };
  }

  test.each([
    ['in the first lines', 'a\tX\n\n', 1],
    ['later', 'a\tX\n\n', 1000],
  ])('by a break %s', async (_, text, after) => {
    const { state, chunks } = watched(text);
    let count = 0;
    for await (const sentence of readSentences(chunks)) {
      expect(sentence.tokens).toEqual(['a']);
      if (++count === after) break;
    }
    expect(state.closed).toBe(true);
  });

  test('by an error', async () => {
    for (const [text, options] of [
      ['Raw text.\nOf no format that is known.\n', {}],
      ['a\n', { format: 'two-column' }],
      ['a\tX\n\n', { format: 'conll', column: 3 }],
    ] as const) {
      const { state, chunks } = watched(text);
      await expect(read(chunks, options)).rejects.toThrow();
      expect(state.closed).toBe(true);
    }
  });

  test('all three files of a triple', async () => {
    const files = [watched('a\n'), watched('O\n'), watched('q\n')];
    const [tokens, labels, categories] = files.map(({ chunks }) => chunks);
    for await (const sentence of readSlots({ tokens, labels, categories })) {
      expect(sentence.category).toBe('q');
      break;
    }
    expect(files.map(({ state }) => state.closed)).toEqual([true, true, true]);
  });
});

describe('the format is told by content', () => {
  test.each([
    ['conllu', CONLLU],
    ['conllu', `1\ta\n${CONLLU}`],
    ['two-column', 'a\tX\nb\tY\n'],
    ['two-column', '# comment\n\na b\tX\n'],
    ['two-column', 'a\tX\nb'],
    ['conll', 'a\tX\tY\n'],
    ['conll', 'a X\nb Y\n\nc Z\n'],
    ['conll', '#tag O\n#tag O\n'],
    ['conll', Array.from({ length: 3 }, () => 'ten\tcolumns' + '\t-'.repeat(8)).join('\n')],
    ['conllu', Array.from({ length: 3 }, () => 'ten\tcolumns' + '\t_'.repeat(8)).join('\n')],
    ['jsonl', '\n{"tokens": ["a"]}'],
    ['jsonl', '{"tokens": broken'],
    ['two-column', '{\tPUNCT\n'],
    [undefined, 'This is a text.\nIt has lines of different lengths, as texts do.\n'],
    [undefined, 'word\nword\n'],
    [undefined, ''],
  ])('%s: %j', (format, text) => {
    expect(detectFormat(text.split('\n'))).toBe(format);
  });

  test('what cannot be told is said so', async () => {
    await fails(
      'Some text.\nMore text is here.',
      'f: cannot tell the format from the first 2 lines: choose one of conllu',
    );
  });

  test('a long preface of blank lines and comments does not hide it', async () => {
    const text = `${'\n'.repeat(500)}${'# comment\n'.repeat(500)}${CONLLU}`;
    const sentences = await read(text, { format: 'conllu' });
    expect(sentences.map(({ line }) => line)).toEqual([1004, 1010]);
    expect(pairs(await read(text))).toEqual(pairs(sentences));
  });
});
