/** What a reader gives and says does not depend on how its input is cut into chunks; its steps are linear in the input. */
import fc from 'fast-check';
import { collectNotes } from '../../../src/labeling/data/notes.js';
import { splitColumns } from '../../../src/labeling/data/formats/detect.js';
import { readSentences, type ReadOptions } from '../../../src/labeling/data/formats/index.js';
import { stepsOf, stepsOfExec } from '../../support/steps.js';
import { chunked } from '../support.js';

const seed = 17;

/** All that can be observed of one reading: the sentences before an error, the error, the notes, how it is read. */
async function observed(input: Uint8Array, size: number, options: ReadOptions) {
  const { notes, add } = collectNotes();
  const seen: unknown[] = [];
  try {
    const onReading = (reading: unknown) => void seen.push(reading);
    for await (const s of readSentences(chunked(input, size), { ...options, onNote: add, onReading })) seen.push(s);
  } catch (error) {
    seen.push(String(error));
  }
  return { seen, notes };
}

describe('chunks', () => {
  const good = [
    'a\tX',
    'b\tY',
    '#\tX',
    '# a = b',
    '# note',
    '1\ta\tX',
    '2\tb\tY',
    '{"tokens":["a"],"labels":["X"]}',
    'a/X b/Y',
    '',
  ];
  const bad = ['one', 'a\tX\tY\tZ', '\ufeffa\tX ', 'x'.repeat(40), '\0', 'a\tX\r', '{"tokens":'];
  const line = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...good.map((text) => Buffer.from(text))) },
    { weight: 1, arbitrary: fc.constantFrom(...bad.map((text) => Buffer.from(text)), Buffer.of(0xe9, 0x09, 0x58)) },
  );
  const file = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n', '\r', '\n\n'), fc.boolean());

  test.each(['stop', 'list', 'skip'] as const)('bad lines: %s', async (badLines) => {
    const format = fc.constantFrom(undefined, 'conll', 'two-column', 'jsonl', 'conllu', 'slashed');
    await fc.assert(
      fc.asyncProperty(file, format, fc.integer({ min: 1, max: 9 }), async ([lines, end, last], format, size) => {
        const input = Buffer.concat(
          lines.flatMap((each, i) => (i < lines.length - 1 || last ? [each, Buffer.from(end)] : [each])),
        );
        const options: ReadOptions = { badLines, maxLineBytes: 32, ...(format && { format: format as 'conll' }) };
        const whole = await observed(input, Math.max(input.length, 1), options);
        expect(await observed(input, size, options)).toEqual(whole);
      }),
      { seed, numRuns: 400 },
    );
  });

  test('blank lines at the begin count in the message, also where they are a block of their own', async () => {
    const input = Buffer.from('\n \na/X b/Y\none\n');
    for (const size of [1, 2, 3, 99]) {
      const { seen } = await observed(input, size, {});
      expect(seen).toEqual([expect.stringContaining('cannot tell the format from the first 4 lines')]);
    }
  });

  test('an error comes after the sentences before it, also where the first lines are looked at', async () => {
    const input = Buffer.concat([Buffer.from('a\tX\n\nb\tY\n\n'), Buffer.of(0xe9, 0x09, 0x58, 0x0a)]);
    for (const size of [1, 3, 99]) {
      const { seen } = await observed(input, size, {});
      expect(seen).toHaveLength(4);
      expect(seen[3]).toContain('input:5: expected UTF-8, but byte 1 of the line (0xe9)');
    }
  });
});

describe('the work is linear', () => {
  /** A string that counts how often it is looked at. */
  function counting(text: string) {
    const state = { steps: 0 };
    const string = {
      length: text.length,
      charCodeAt(i: number) {
        state.steps++;
        return text.charCodeAt(i);
      },
      slice(start: number, end: number) {
        state.steps += end - start;
        return text.slice(start, end);
      },
    };
    return { state, string: string as unknown as string };
  }

  test.each(['tab', 'spaces'] as const)('columns separated by %s: three steps a character at most', (separator) => {
    for (const n of [1000, 2000, 4000]) {
      for (const text of [
        `a${' '.repeat(n)}b`,
        `${' '.repeat(n)}a`,
        `a${' \t'.repeat(n)}`,
        'a '.repeat(n),
        'a'.repeat(n),
      ]) {
        const { state, string } = counting(text);
        splitColumns(string, separator);
        expect(state.steps).toBeLessThanOrEqual(3 * text.length);
      }
    }
  });

  /** Requires that eight times the input costs about eight times the steps; a quadratic reader takes 64 times as many. */
  async function expectLinear(make: (n: number) => string, read: (text: string) => unknown): Promise<void> {
    const [small, large] = [await stepsOf(() => read(make(N))), await stepsOf(() => read(make(8 * N)))];
    expect(small).toBeGreaterThan(N / 8);
    expect(large).toBeLessThan(9 * small);
  }

  const N = 1 << 9;
  test.each<[string, (n: number) => string, ReadOptions]>([
    ['conll, a run of blanks', (n) => `a${' '.repeat(n)}X\n`, { format: 'conll' }],
    ['conll, many columns', (n) => `${'a '.repeat(n)}\n`, { format: 'conll' }],
    ['conll, a long comment', (n) => `a X\n#${' a'.repeat(n)}\n`, { format: 'conll' }],
    ['two-column, outer marks', (n) => `a${'\u200b'.repeat(n)}x${'\u200b'.repeat(n)}\tX\n`, { format: 'two-column' }],
    ['conllu, a long id', (n) => `${'1'.repeat(n)}${'\t_'.repeat(9)}\n`, { format: 'conllu' }],
    ['conllu, declared columns', (n) => `# global.columns = ${'x '.repeat(n / 8)}\n`, { format: 'conllu' }],
    ['slashed, slashes and backslashes', (n) => `${'\\'.repeat(n)}${'/'.repeat(n)}X\n`, { format: 'slashed' }],
    ['slashed, many words', (n) => `${'a/X '.repeat(n / 4)}\n`, { format: 'slashed', maxTokens: 1 << 20 }],
    ['jsonl, blanks', (n) => `{${' '.repeat(n)}"tokens":["a"],"labels":["X"]}\n`, {}],
    ['no format at all', (n) => `${' .'.repeat(n)}\n`, {}],
  ])('%s: eight times the input costs eight times the steps', async (_, text, options) => {
    await expectLinear(text, (input) => observed(Buffer.from(input), input.length, options));
  });

  test.each<[string, (text: string) => unknown]>([
    ['looks for the end of every run of blanks', (text) => text.replace(/ +$/, '')],
    ['goes back to the start for every column', (text) => Array.from(text, (_, i) => text.slice(0, i).indexOf('\t'))],
    [
      'copies the rest at every character',
      (text) => {
        for (let rest = text; rest !== ''; rest = rest.slice(1)) rest.charCodeAt(0);
      },
    ],
  ])('a reader that %s is not linear, and is seen', async (_, read) => {
    await expect(expectLinear((n) => `a${' '.repeat(n / 8)}X`, read)).rejects.toThrow('toBeLessThan');
  });

  test('the matcher that counts takes the steps of a backtracking engine', () => {
    expect(stepsOfExec(/ +$/, 'a  X')).toBe(14);
    expect(stepsOfExec(/^a/, 'bbbb')).toBe(2);
    expect(stepsOfExec(/b/g, 'abb')).toBe(2);
  });
});
