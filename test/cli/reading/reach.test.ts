import { jsonOf, printed, SENTENCE, shows, widest } from './support';

/** The class of a share, by this test's own thresholds. */
function glyph(share: number): string {
  if (Number.isNaN(share)) return '✕';
  if (share >= 0.1) return '█';
  if (share >= 0.01) return '▓';
  if (share >= 0.001) return '▒';
  return share >= 0.0001 ? '░' : '·';
}

/** The rows of the matrix: what follows its title, up to the legend. */
function rowsOf(text: string): string[] {
  const lines = text.split('\n');
  const title = lines.findIndex((line) => line.startsWith('‖R[t,k]‖'));
  return lines.slice(
    title + 1,
    lines.findIndex((line) => line.includes('≥ 10 %')),
  );
}

test.each(['rnn', 'lstm', 'gru'])('%s: every cell of the matrix is the class of its number', async (cell) => {
  const args = ['reach', SENTENCE, '--cell', cell, '--init', 'uniform', '--hidden', '8'];
  const [text, { reach, words }] = [await printed(args), await jsonOf(args)];
  const rows = rowsOf(text);
  expect(rows).toHaveLength(words.length);
  rows.forEach((row, m) => {
    const [word, cells] = row.trim().split(' ');
    expect(word).toBe(words[m].text);
    const expected = reach.retention[m].flatMap((share) => (share === null ? [] : [glyph(share).repeat(2)]));
    expect(cells).toBe(expected.join(''));
  });
});

test('the numbers under it are those of the trace', async () => {
  const args = ['reach', SENTENCE, '--cell', 'rnn', '--init', 'uniform'];
  const [text, { reach, words }] = [await printed(args), await jsonOf(args)];
  const last = words.length - 1;
  const places = words.map(({ text: word }, k) => `${k}${word}`);
  const rows = text.split('\n').map((line) => [...line.matchAll(/ {2}(\S+) +([\d.e−]+) % +([\d.e−]+)/g)]);
  const found = [0, 1, 2].flatMap((column) => rows.flatMap((row) => (row.length > column ? [row[column]] : [])));
  expect(found.map(([, word], k) => `${k}${word}`)).toEqual(places);
  found.forEach(([, , share, norm], k) => {
    expect(shows(share, 100 * reach.retention[last][k]!)).toBe(true);
    expect(shows(norm, reach.norms[last][k]!)).toBe(true);
  });
});

test('variables and absolute norms', async () => {
  const base = ['reach', 'the cat sat', '--cell', 'lstm', '--hidden', '3'];
  for (const variable of ['h', 'c', 'a', 'state']) {
    const text = await printed([...base, '--variable', variable, '--normalize', 'absolute']);
    expect(text).toContain(`‖R[t,k]‖ at ${variable}`);
    const { reach } = (await jsonOf(base)).layers[0].forward;
    const largest = Math.max(...reach[variable].norms.flat().map((each) => each ?? 0));
    expect(shows(/100 % is the largest norm, (\S+)/.exec(text)![1], largest)).toBe(true);
  }
});

test('both directions: the upper triangle belongs to the reverse one', async () => {
  const args = ['reach', 'the cat sat', '--cell', 'gru', '--bidirectional', '--hidden', '3'];
  const rows = (text: string) => rowsOf(text).map((row) => row.replace(/^ *\S+ /, ''));
  expect(rows(await printed(args)).every((row) => row.length === 6)).toBe(true);
  const reverse = rows(await printed([...args, '--variable', 'h', '--direction', 'reverse']));
  expect(reverse.map((row) => row.trimStart().length)).toEqual([6, 4, 2]);
});

describe('extremes', () => {
  test('one word, one unit', async () => {
    const text = await printed(['reach', 'cat', '--cell', 'rnn', '--hidden', '1', '--embedding', '1']);
    expect(rowsOf(text)).toEqual([' cat ██']);
  });

  test('500 words share cells by a stated rule, and fit', async () => {
    const words = Array.from({ length: 500 }, (_, k) => ['the', 'cat', 'near'][k % 3]).join(' ');
    const text = await printed(['reach', words, '--cell', 'rnn', '--hidden', '2', '--embedding', '2']);
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toMatch(/(\d+) × \1 neighbours share a cell, which shows the largest of them/);
    expect(rowsOf(text).length).toBeLessThan(80);
  });

  test('Hebrew, Arabic, Chinese and emoji: every row of cells begins in the same column', async () => {
    const { default: stringWidth } = await import('string-width');
    const words = 'הילד رأى 猫猫 🐱 the';
    const text = await printed(['reach', words, '--cell', 'rnn', '--tokenizer', 'whitespace']);
    const rows = rowsOf(text);
    expect(rows).toHaveLength(5);
    const starts = rows.map((row) => stringWidth(row.slice(0, row.indexOf('█')).replace(/[\u2068\u2069]/g, '')));
    expect(new Set(starts).size).toBe(1);
    expect(rows[0]).toContain('\u2068הילד\u2069');
  });

  test('what a terminal would obey is spelled out', async () => {
    const text = await printed(['reach', 'a\u001b[31mb c', '--cell', 'rnn', '--tokenizer', 'whitespace']);
    expect(text).not.toContain('\u001b');
    expect(text).toContain('<U+001B>');
  });
});
