import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { CommanderError, InvalidArgumentError } from 'commander';
import * as parse from '../../src/cli/arguments';
import { exitCodeOf, InterruptedError } from '../../src/cli/failure';
import { messageOf } from '../../src/tensor/errors';
import { createProgress, formatDuration, formatRate } from '../../src/cli/progress';
import type { ProgressState } from '../../src/cli/progress';
import { colorsFor, commandOf, write } from '../../src/cli/terminal';
import type { OutputStream } from '../../src/cli/terminal';
import { ArgumentError, BpttError, DataError, NonFiniteError } from '../../src/tensor';

describe('values on the command line', () => {
  const refused: [string, (text: string) => unknown, string[]][] = [
    [
      'positiveInteger',
      parse.positiveInteger,
      ['0', '-1', '1.5', '', ' 1', '1e3', '0x10', 'nan', '9007199254740993', '１'],
    ],
    ['count', parse.count, ['-1', '0.5', '', 'inf', '1_000']],
    ['integer', parse.integer, ['', '1.0', '--1', '1e400', '9007199254740992']],
    [
      'positiveNumber',
      parse.positiveNumber,
      ['nan', 'NaN', '0', '-0.1', 'Infinity', '1e999', '', '1,5', '.', 'e5', '1e', '0x1'],
    ],
    ['dropProbability', parse.dropProbability, ['1', '1.5', '-0.1', 'nan', '', '50%']],
    ['truncation', parse.truncation, ['10', '20,10', '0,5', '5,', ',5', '1,2,3', '1.5,2', 'a,b', '1,9007199254740993']],
    ['elementIndex', parse.elementIndex, ['', '1,', '-1', '1,2,3', 'a', '1.5']],
    ['oneOf', parse.oneOf('a', 'b'), ['c', '', 'A', 'toString']],
  ];
  for (const [name, parser, texts] of refused) {
    test.each(texts)(`${name} refuses '%s'`, (text) => expect(() => parser(text)).toThrow(InvalidArgumentError));
  }

  test('and what they accept', () => {
    expect(['1', '+7', '0100'].map(parse.positiveInteger)).toEqual([1, 7, 100]);
    expect(['0', '12'].map(parse.count)).toEqual([0, 12]);
    expect(['-5', '0'].map(parse.integer)).toEqual([-5, 0]);
    expect(['1', '1e-3', '.5', '2.', '1E2'].map(parse.positiveNumber)).toEqual([1, 0.001, 0.5, 2, 100]);
    expect(['0', '0.5', '1e-1'].map(parse.dropProbability)).toEqual([0, 0.5, 0.1]);
    expect(['1,1', '10,20'].map(parse.truncation)).toEqual([
      { every: 1, back: 1 },
      { every: 10, back: 20 },
    ]);
    expect(['3', '3,7'].map(parse.elementIndex)).toEqual([[3], [3, 7]]);
    expect(parse.oneOf('a', 'b')('b')).toBe('b');
  });
});

test('errors become exit statuses', () => {
  expect(exitCodeOf(new CommanderError(0, 'commander.help', ''))).toBe(0);
  expect(exitCodeOf(new CommanderError(1, 'commander.unknownOption', ''))).toBe(2);
  expect(exitCodeOf(new ArgumentError('x'))).toBe(2);
  expect(exitCodeOf(new DataError('x'))).toBe(65);
  expect(exitCodeOf(new NonFiniteError('x'))).toBe(1);
  expect(exitCodeOf(new InterruptedError('x', 143))).toBe(143);
  expect(exitCodeOf('x')).toBe(1);
});

test('errors become one line', () => {
  expect(messageOf(new BpttError('two\n  lines\n'))).toBe('two lines');
  expect(messageOf(new TypeError('x is not a function'))).toBe('unexpected TypeError: x is not a function');
  expect(messageOf(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }))).toBe(
    'ENOSPC: no space left',
  );
  expect(messageOf(7)).toBe('unexpected: 7');
});

const stream = (isTTY: boolean): OutputStream & PassThrough => Object.assign(new PassThrough(), { isTTY, columns: 80 });
const shown = (output: PassThrough): string => ((output.read() as Buffer | null) ?? '').toString();

test('a command to paste is called as the program was', () => {
  expect(commandOf(undefined, {})).toBe('bptt');
  expect(commandOf('/usr/local/bin/bptt', {})).toBe('bptt');
  expect(commandOf('/usr/local/bin/bptt', { npm_command: 'exec' })).toBe('npx bptt');
  expect(commandOf(resolve('dist/esm/cli/main.js'), { npm_command: 'exec' })).toBe(
    `node ${join('dist/esm/cli/main.js')}`,
  );
  expect(commandOf(resolve('a folder/main.js'), {})).toBe(`node ${JSON.stringify(join('a folder/main.js'))}`);
});

test('colors need a terminal and no objection', () => {
  const colored = (isTTY: boolean, env: Record<string, string>): boolean =>
    colorsFor(stream(isTTY), env).bold('x') !== 'x';
  expect(colored(true, {})).toBe(true);
  expect(colored(true, { NO_COLOR: '' })).toBe(true); // no-color.org: only when not an empty string
  expect(colored(true, { NO_COLOR: '1' })).toBe(false);
  expect(colored(true, { TERM: 'dumb' })).toBe(false);
  expect(colored(false, {})).toBe(false);
});

test('writing waits for a slow reader', async () => {
  const slow = new PassThrough({ highWaterMark: 4 });
  let done = false;
  const writing = write(slow, 'longer than four bytes').then(() => (done = true));
  await Promise.resolve();
  expect(done).toBe(false);
  slow.resume();
  await writing;
  expect(done).toBe(true);
});

describe('progress', () => {
  const state = (over: Partial<ProgressState> = {}): ProgressState => ({
    label: 'epoch 1/3',
    done: 25_000,
    total: 100_000,
    rate: 12_500,
    unit: 'tokens',
    ...over,
  });

  test('plain lines, the first after two seconds, then at most one every half minute', () => {
    let now = 0;
    const out = stream(false);
    const progress = createProgress(out, () => now);
    progress.update(state());
    now = 1999;
    progress.update(state());
    expect(shown(out)).toBe('');
    now = 2000;
    progress.update(state());
    expect(shown(out)).toBe('epoch 1/3   25 %  12.5k tokens/s, 6 s left\n');
    now = 31_000;
    progress.update(state());
    progress.line('epoch 1 done');
    now = 60_500;
    progress.update(state());
    expect(shown(out)).toBe('epoch 1 done\n');
    now = 61_000;
    progress.update(state({ done: 50_000 }));
    progress.stop();
    expect(shown(out)).toBe('epoch 1/3   50 %  12.5k tokens/s, 4 s left\n');
  });

  test('a bar on a terminal, which makes room for lines and goes away', () => {
    const out = stream(true);
    const progress = createProgress(out);
    progress.update(state());
    expect(shown(out)).toContain('epoch 1/3');
    progress.line('epoch 1 done');
    expect(shown(out)).toContain('epoch 1 done\n');
    progress.update(state({ done: 1 }));
    progress.update(state({ done: 2, total: 3 }));
    progress.stop();
    progress.stop();
    expect(shown(out)).toContain('\u001b[?25h'); // the cursor is back
  });

  test('numbers for people', () => {
    expect([0.84, 950.4, 12_345, 2_345_678].map(formatRate)).toEqual(['0.84', '950', '12.3k', '2.3M']);
    expect([0, -1, 59.6, 127, 3727].map(formatDuration)).toEqual(['0 s', '0 s', '1:00 min', '2:07 min', '1:02:07 h']);
  });

  test('an unknown rate and an empty job are not a division by zero', () => {
    let now = 0;
    const out = stream(false);
    const progress = createProgress(out, () => now);
    now = 1e5;
    progress.update(state({ done: 0, total: 0, rate: 0 }));
    expect(shown(out)).toBe('epoch 1/3  100 %\n');
  });
});
