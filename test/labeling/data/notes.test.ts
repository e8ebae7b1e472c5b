import { messageOf, DataError } from '../../../src/tensor/errors.js';
import { quoted, visible } from '../../../src/tensor/visible.js';
import { collectNotes } from '../../../src/labeling/data/notes.js';
import { inputName } from '../../../src/labeling/data/files.node.js';

describe('notes', () => {
  test('are kept in order, each once, and told as they come', () => {
    const heard: string[] = [];
    const { notes, add } = collectNotes(({ message }) => heard.push(message));
    add({ kind: 'a', message: 'one' });
    add({ kind: 'a', message: 'two', line: 3 });
    add({ kind: 'a', message: 'one', count: 9 });
    add({ kind: 'b', message: 'one' });
    expect(notes).toEqual([
      { kind: 'a', message: 'one' },
      { kind: 'a', message: 'two', line: 3 },
      { kind: 'b', message: 'one' },
    ]);
    expect(heard).toEqual(['one', 'two', 'one']);
  });
});

describe('visible', () => {
  test.each([
    ['plain text, with spaces', 'plain text, with spaces'],
    ['chủ tịch 東京 😀', 'chủ tịch 東京 😀'],
    ['\ufeffa', '<U+FEFF>a'],
    ['10\u00a0000', '10<U+00A0>000'],
    ['\u001b[31mred\u0007', '<U+001B>[31mred<U+0007>'],
    ['\u0085\u009b\u007f', '<U+0085><U+009B><U+007F>'],
    ['a\u200bb\u200e\u202e', 'a<U+200B>b<U+200E><U+202E>'],
    ['\u2028\u3000', '<U+2028><U+3000>'],
    ['\ud800x', '<U+D800>x'],
    ['\u{e0001}', '<U+E0001>'],
  ])('%j', (text, shown) => expect(visible(text)).toBe(shown));

  test('in quotes, cut between characters and never inside one', () => {
    expect(quoted('a\tb "c"\ufeff')).toBe('"a\\tb \\"c\\"<U+FEFF>"');
    expect(quoted('x'.repeat(60))).toBe(JSON.stringify('x'.repeat(60)));
    expect(quoted('x'.repeat(61))).toBe(`"${'x'.repeat(57)}…"`);
    expect(quoted(`${'x'.repeat(56)}😀${'y'.repeat(9)}`)).toBe(`"${'x'.repeat(56)}…"`);
  });

  test('control bytes of a path reach no terminal', () => {
    const path = 'a\u001b]0;evil\u0007.tsv';
    expect(inputName(path)).toBe('a<U+001B>]0;evil<U+0007>.tsv');
    expect(messageOf(new DataError(`${path}: no such file`))).toBe('a<U+001B>]0;evil<U+0007>.tsv: no such file');
  });
});
