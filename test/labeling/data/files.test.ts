import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ArgumentError, DataError } from '../../../src/tensor/errors.js';
import { openSentences, openText, readCorpus } from '../../../src/labeling/data/files.node.js';
import { readSlots, type ReadOptions } from '../../../src/labeling/data/formats/index.js';
import { all, bytes } from '../support.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const fails = async (path: string, message: string, options: ReadOptions = {}, kind = DataError) => {
  await expect(readCorpus(path, options)).rejects.toThrow(message);
  await expect(readCorpus(path, options)).rejects.toThrow(kind);
};

describe('files', () => {
  test('a file in the format its content has, whatever its name', async () => {
    const path = file('two.conllu', '\ufeffa\tX\r\n\r\nb c\tY');
    const expected = [
      { tokens: ['a'], labels: ['X'], line: 1 },
      { tokens: ['b c'], labels: ['Y'], line: 3 },
    ];
    expect(await readCorpus(path)).toEqual(expected);
    expect(await all(openSentences(path))).toEqual(expected);
    await fails(path, `${path}:1: too few columns`, { format: 'conllu' });
    await fails(path, `given:1: too few columns`, { format: 'conllu', source: 'given' });
  });

  test('raw text', async () => {
    const path = file('raw.txt', 'One. Two three.\n');
    expect((await all(openText(path, { locale: 'en' }))).map(({ tokens }) => tokens)).toEqual([
      ['One', '.'],
      ['Two', 'three', '.'],
    ]);
    await expect(all(openText(file('blank.txt', '\n')))).rejects.toThrow('blank.txt: no sentences');
    await expect(all(openText(folder))).rejects.toThrow('expected a file, got a folder');
  });

  test('standard input', async () => {
    const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!;
    try {
      const give = (text: string) =>
        Object.defineProperty(process, 'stdin', { value: Readable.from([bytes(text)]), configurable: true });
      give('a\tX\n');
      expect(await readCorpus('-')).toEqual([{ tokens: ['a'], labels: ['X'], line: 1 }]);
      give('a\tX\nb\n');
      await expect(readCorpus('-')).rejects.toThrow('standard input:2: too few columns');
      give('One.');
      expect((await all(openText('-')))[0].tokens).toEqual(['One', '.']);
    } finally {
      Object.defineProperty(process, 'stdin', stdin);
    }
  });

  test('what cannot be read', async () => {
    await fails(join(folder, 'absent'), 'absent: no such file: check the path');
    await fails('', 'expected a file path; got an empty one');
    await fails(
      folder,
      `${folder}: expected a file, got a folder: pass a file in it or, for labeled sentences, a folder with seq.in`,
    );
    await fails(folder, 'expected a file in the format conll; got a folder', { format: 'conll' });
    await fails(file('empty', ''), 'empty: no sentences: the input is empty');
    await fails(
      file('bad', Uint8Array.of(0x61, 0x09, 0xff, 0x0a)),
      'bad:1: expected UTF-8, but byte 3 of the line (0xff)',
    );
    await fails(join(file('plain', 'x'), 'under'), 'cannot be read: ENOTDIR');
  });

  test('a named pipe is read as it is written', async () => {
    const pipe = join(folder, 'pipe');
    if (spawnSync('mkfifo', [pipe]).status !== 0) return; // no such command on this system
    spawn('sh', ['-c', `printf 'a\\tX\\n' > '${pipe}'`], { stdio: 'ignore' });
    expect(await readCorpus(pipe)).toEqual([{ tokens: ['a'], labels: ['X'], line: 1 }]);
  });
});

describe('slots', () => {
  const triple = (name: string, input: string, output?: string, label?: string) => {
    const path = file(join(name, 'seq.in'), input);
    if (output !== undefined) file(join(name, 'seq.out'), output);
    if (label !== undefined) file(join(name, 'label'), label);
    return join(path, '..');
  };

  test('three parallel files, with runs of spaces, trailing ones and no final newline', async () => {
    const path = triple('good', 'play  a song \r\nstop', 'O O B-song \nO ', 'Play\nStop \n');
    const expected = [
      { tokens: ['play', 'a', 'song'], labels: ['O', 'O', 'B-song'], category: 'Play', line: 1 },
      { tokens: ['stop'], labels: ['O'], category: 'Stop', line: 2 },
    ];
    expect(await readCorpus(path)).toEqual(expected);
    expect(await readCorpus(path, { format: 'slots' })).toEqual(expected);
    expect(await readCorpus(join(path, 'seq.in'), { format: 'slots' })).toEqual(expected);
    expect(await readCorpus(join(path, 'seq.in'))).toEqual(expected);
    const [unlabeled] = await readCorpus(path, { labels: 'ignored' });
    expect(unlabeled).toEqual({ tokens: ['play', 'a', 'song'], category: 'Play', line: 1 });
  });

  test('label is optional; seq.out is where labels are', async () => {
    expect(await readCorpus(triple('pair', 'cafe\u0301', 'O'), { normalize: 'NFC' })).toEqual([
      { tokens: ['caf\u00e9'], labels: ['O'], line: 1 },
    ]);
    const alone = triple('alone', 'a b\n');
    await fails(alone, `${alone}: expected seq.out next to seq.in: add it`);
    expect((await readCorpus(alone, { labels: 'optional' }))[0].labels).toBeUndefined();
  });

  test.each([
    [
      'length',
      'a b\na b\n',
      'O O\nO\n',
      'seq.out:2: expected one label per word of seq.in, 2; got 1: correct the line',
    ],
    ['zero', 'a\n\nb\n', 'O\n\nO\n', 'seq.in:2: a sentence without tokens: remove the line'],
    ['unlabeled', 'a\nb\n', 'O\n\n', 'seq.out:2: expected one label per word of seq.in, 1; got 0'],
    ['short', 'a\nb\n', 'O\n', 'seq.out:2: expected a line for each line of seq.in; got the end of the file'],
    ['long', 'a\n', 'O\nO\n', 'seq.out:2: expected 1 line, like seq.in; got more'],
    ['none', '', '', 'seq.in: no sentences: the file is empty'],
  ])('%s', async (name, input, output, message) => {
    await fails(triple(name, input, output), `${join(folder, name)}/${message}`);
  });

  test('label must be as long as seq.in too', async () => {
    await fails(triple('label1', 'a\nb', 'O\nO', 'x'), 'label:2: expected a line for each line of seq.in');
    await fails(triple('label2', 'a', 'O', 'x\ny'), 'label:2: expected 1 line');
  });

  test('options that do not apply, files that are not triples', async () => {
    const path = triple('options', 'a b', 'O O');
    await fails(path, 'column does not apply to the format slots', { column: 1 }, ArgumentError);
    await fails(path, 'seq.in:1: the sentence has 2 tokens, more than 1', { maxTokens: 1 });
    await fails(path, 'seq.in:1: the line is longer than 2 bytes', { maxLineBytes: 2 });
    await fails(
      file('other', 'a'),
      'is a folder with seq.in and seq.out: pass the folder',
      { format: 'slots' },
      ArgumentError,
    );
    mkdirSync(join(folder, 'void'));
    await fails(join(folder, 'void'), 'seq.in: no such file', { format: 'slots' });
    const [sentence] = await all(readSlots({ tokens: [bytes('a')], labels: [bytes('O')] }));
    expect(sentence).toEqual({ tokens: ['a'], labels: ['O'], line: 1 });
  });
});
