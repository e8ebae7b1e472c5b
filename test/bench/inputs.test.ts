/** Files that `bptt bench` is given: those it must not overwrite, and those that are not what they should be. */
import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readResult } from '../../src/bench/report';
import { DataError } from '../../src/tensor';
import { bptt } from '../support/cli';

const QUICK = ['bench', '--quick', '--no-peers', '--suite', 'gemm', '--case', 'addMatmul-32x32x32'];
const RESULT = '{"machine":{"cpu":"c","peak":null},"rows":[]}';
const KERNEL = 'export function addMatmul() {}';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-bench-inputs-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes a file into the test's folder and returns its path. */
function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('--plot does not overwrite an input', () => {
  test.each([
    ['--against', 'before.json', RESULT],
    ['--kernel', 'mine.mjs', KERNEL],
  ])('of %s', (option, name, text) => {
    const input = file(name, text);
    const [hard, soft] = [join(folder, 'hard'), join(folder, 'soft')];
    linkSync(input, hard);
    symlinkSync(input, soft);
    for (const plot of [input, join(folder, '.', 'x', '..', name), hard, soft]) {
      const { status, stdout, stderr } = bptt([...QUICK, option, input, '--plot', plot]);
      expect([status, stdout, stderr]).toEqual([2, '', `bptt: --plot ${plot} would overwrite the input ${input}\n`]);
      expect(readFileSync(input, 'utf8')).toBe(text);
    }
  });
});

describe('--kernel: a kernel is wrong', () => {
  const CASE = 'gemm addMatmul-32x32x32: mine.mjs is wrong';
  /** A right product, with something done at the start of each call; `calls` counts from 1. */
  const kernel = (act: string, kind = '') => `let calls = 0;
    export ${kind} function addMatmul(out, a, b) {
      calls++;
      ${act}
      for (let i = 0; i < 32; i++)
        for (let j = 0; j < 32; j++)
          for (let k = 0; k < 32; k++) out.data[32 * i + j] += a.data[32 * i + k] * b.data[32 * k + j];
    }`;
  const bench = (text: string) => bptt([...QUICK, '--backend', 'cpu', '--kernel', file('mine.mjs', text)]);

  test('not if it does what it should', () => {
    const { status, stdout, stderr } = bench(kernel(''));
    expect([status, stdout, stderr]).toEqual([
      0,
      expect.stringContaining(' mine.mjs '),
      expect.not.stringMatching('wrong'),
    ]);
  });

  const ONE = 'and was not timed: changes its input a; it may write only to out';
  const BOTH = 'and was not timed: changes its input a and b; it may write only to out';
  test.each([
    // The products stay right: what is changed is not read again before the next call.
    ['if it changes a', 'const x = a.data; a = { data: x.slice() }; x[5] = 0;', ONE],
    [
      'if it changes a and b',
      'const [x, y] = [a.data, b.data]; a = { data: x.slice() }; b = { data: y.slice() }; x[1023]++; y[0]++;',
      BOTH,
    ],
    ['if it throws something', 'throw { toString: () => "two\\nlines" };', 'and was not timed: throws two lines'],
    ['if it changes b later', 'if (calls === 3) b.data[7] += 1;', 'after it was timed: changes its input b; it'],
    ['if it does nothing later', 'if (calls > 2) return;', 'after it was timed: differs from matmul1 by'],
    [
      'if it keeps what it has read',
      'if (calls === 1) globalThis.kept = [{ data: a.data.slice() }, { data: b.data.slice() }]; [a, b] = globalThis.kept;',
      'after it was timed: differs from matmul1 by',
    ],
    [
      'if it throws later',
      'if (calls > 2) throw new RangeError("tired");',
      ': it threw RangeError: tired while it was timed',
    ],
  ])('%s', (_, act, fault) => {
    const { status, stdout, stderr } = bench(kernel(act));
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(`bptt: ${CASE}${fault[0] === ':' ? '' : ' '}${fault}`),
    ]);
    expect(stdout).not.toContain('mine.mjs');
    expect(stdout).toContain(' bptt-cpu ');
  });

  test('if it is async, also where it fails in the end', () => {
    for (const act of ['', 'throw new Error("no");', 'await null; throw new Error("no");']) {
      const { status, stdout, stderr } = bench(kernel(act, 'async'));
      expect([status, stdout]).toEqual([1, expect.not.stringContaining('mine.mjs')]);
      expect(stderr).toContain(
        `bptt: ${CASE} and was not timed: returns a Promise; it must have added the product to out`,
      );
    }
  });
});

describe('--kernel: a module that cannot be loaded', () => {
  const mine = (name: string) => join(folder, name);

  test.each([
    ['is missing', 'none.mjs', undefined, 2, 'there is no such file'],
    ['lies in a file', 'mine.mjs/x.mjs', undefined, 2, 'there is no such file'],
    ['has a syntax error', 'mine.mjs', 'export function (', 1, /^loading it throws SyntaxError: [^\n]+$/],
    ['has one in CommonJS', 'mine.cjs', 'exports.addMatmul = (', 1, /^loading it throws SyntaxError: [^\n]+$/],
    ['throws', 'mine.mjs', 'throw new RangeError("one\\n  two");', 1, 'loading it throws RangeError: one two'],
    ['throws nothing', 'mine.mjs', 'throw undefined;', 1, 'loading it throws undefined'],
    ['imports what is missing', 'mine.mjs', 'import "./gone.mjs";', 1, /^loading it throws Error: .*gone\.mjs/],
    ['is not JavaScript', 'mine.txt', KERNEL, 1, 'Node cannot load .txt; pass a JavaScript module, .mjs, .cjs or .js'],
  ])('it %s', (_, name, text, status, reason) => {
    file('mine.mjs', KERNEL);
    if (text !== undefined) file(name, text);
    const answer = bptt([...QUICK, '--kernel', mine(name)]);
    const start = `bptt: --kernel ${mine(name)}: `;
    expect([answer.status, answer.stdout, answer.stderr.slice(0, start.length)]).toEqual([status, '', start]);
    const rest = answer.stderr.slice(start.length);
    expect(rest.trimEnd()).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason));
    expect(rest.match(/\n/g)).toHaveLength(1);
  });

  test('it is a folder, or nothing', () => {
    const directory = bptt([...QUICK, '--kernel', folder]);
    expect(directory).toEqual({
      status: 2,
      stdout: '',
      stderr: `bptt: --kernel ${folder} is a folder; give the file of a JavaScript module\n`,
    });
    const nothing = bptt([...QUICK, '--kernel', '']);
    expect(nothing).toEqual({ status: 2, stdout: '', stderr: "bptt: --kernel '': there is no such file\n" });
  });

  test('no suite that is wanted has products', () => {
    const { status, stderr } = bptt(['bench', '--kernel', file('mine.mjs', KERNEL), '--suite', 'cold,memory']);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/applies only to the suite gemm; got --suite cold,memory/),
    ]);
  });
});

describe('--against', () => {
  test('a folder, and no name', () => {
    const refused = (path: string) => bptt([...QUICK, '--against', path]);
    expect(refused(folder)).toEqual({
      status: 65,
      stdout: '',
      stderr: expect.stringMatching(
        /is a folder without a build of bptt that can be timed against; pass the JSON of an earlier run/,
      ),
    });
    expect(refused('')).toMatchObject({
      status: 65,
      stderr: expect.stringMatching(/^bptt: '': there is no such file;/),
    });
  });

  test('what lacks a field is not a result', () => {
    const row = {
      suite: 's',
      case: 'c',
      system: 'x',
      version: '1',
      backend: 'b',
      threads: 1,
      metric: 'ms',
      p50: 1,
      p95: 1,
    };
    const machine = { cpu: 'c', peak: 1 };
    const read = (value: unknown) => readResult(file('result.json', JSON.stringify(value)));
    expect(read({ machine, rows: [row] }).rows).toEqual([row]);
    const without = (key: string) => ({ ...row, [key]: undefined });
    for (const rows of [null, {}, 5, [null], ...Object.keys(row).map((key) => [row, without(key)])])
      expect(() => read({ machine, rows })).toThrow(DataError);
    for (const other of [null, [], {}, { cpu: 'c' }, { peak: 1 }, 'text'])
      expect(() => read({ machine: other, rows: [row] })).toThrow(DataError);
  });
});

describe('--peers-folder', () => {
  const bench = (path: string) =>
    bptt(['bench', '--quick', '--suite', 'gemm', '--case', 'x32x32', '--peers-folder', path]);

  test('that does not exist, also where nobody asks for peers by name', () => {
    const path = join(folder, 'gone');
    const stderr = `bptt: --peers-folder ${path} has no peers.json; pass the folder that contains it\n`;
    expect(bench(path)).toEqual({ status: 2, stdout: '', stderr });
  });

  test.each([
    ['no JSON', '[', /^bptt: \S+peers\.json must be a list of peers; it cannot be read: (?!unexpected)[^\n]+\n$/],
    ['no list', '{}', /^bptt: \S+peers\.json must be a list of peers; it is not a list\n$/],
  ])('whose list is %s', (_, text, line) => {
    file('peers.json', text);
    expect(bench(folder)).toEqual({ status: 65, stdout: '', stderr: expect.stringMatching(line) });
  });
});
