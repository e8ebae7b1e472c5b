/** What keeps lines and tables within a terminal. */
import fc from 'fast-check';
import stringWidth from 'string-width';
import { tableOf } from '../../../src/cli/reading/matrix';
import { paperFor, shortened, wrapped } from '../../../src/cli/reading/paper';
import type { Terminal } from '../../../src/cli/terminal';

const paper = paperFor({ stdout: {}, env: {} } as unknown as Terminal, {});
const words = fc.array(fc.oneof(fc.string(), fc.constantFrom('漢字漢字', 'a', 'x'.repeat(200), '漢'.repeat(90), '')), { maxLength: 30 }); // prettier-ignore

test('wrapped text keeps its words, its first blanks, and the width', () => {
  expect(wrapped(paper, '  rnn  +1 (2 … 3)')).toEqual(['  rnn  +1 (2 … 3)']);
  expect(wrapped(paper, `abc ${'b'.repeat(90)} c`, '    ')).toEqual([`abc ${'b'.repeat(75)}…`, '    c']);
  fc.assert(
    fc.property(words, (list) => {
      const plain = list.map((word) => word.replace(/\s|\p{C}|\p{M}/gu, '.'));
      const lines = wrapped(paper, plain.join(' '));
      for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(80);
      if (plain.every((word) => stringWidth(word) <= 78)) {
        expect(lines.join(' ').replace(/ +/g, ' ').trim()).toBe(plain.join(' ').replace(/ +/g, ' ').trim());
      }
    }),
    { seed: 31 },
  );
});

test('what is cut says so', () => {
  expect(shortened(paper, 'Donaudampfschiff', 8)).toBe('Donauda…');
  expect(shortened(paper, '漢字漢字', 5)).toBe('漢字…');
  expect(shortened(paper, 'cat', 3)).toBe('cat');
});

test('a table that is too wide cuts its text, then goes on below with the first column again', () => {
  const wide = tableOf(paper, [['word', 'label'], ['x'.repeat(70), 'y'.repeat(70)]], 'll'); // prettier-ignore
  expect(wide.map((line) => line.length)).toEqual([46, 80]);
  const many = tableOf(paper, [['word', ...'abcdefghij'], ['cat', ...'abcdefghij'.split('').map((c) => c.repeat(12))]], 'l'); // prettier-ignore
  expect(many.every((line) => line.length <= 80)).toBe(true);
  expect(many.filter((line) => line.startsWith('cat'))).toHaveLength(2);
  expect(many.join(' ')).toContain('jjjjjjjjjjjj');
});
