/**
 * Whether the mutation tests can tell: a survivor that nobody judged fails, one that is judged does not, and what is judged still
 * stands in the sources. They themselves are not part of the tests: `npm run test:mutation`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Judged {
  readonly file: string;
  readonly function: string;
  readonly mutant: string;
  readonly reason: string;
}

const root = resolve(__dirname, '..');
const judged = JSON.parse(readFileSync(join(root, 'test/mutation/survivors.json'), 'utf8')) as Judged[];

function run(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${script}`, ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A report as Stryker writes it, of one mutant per status: `i < 3 → i <= 3` in `count`. */
function reported(statuses: readonly string[], file = 'src/none.ts'): string {
  const source = 'function count() {\n  let i = 0;\n  while (i < 3) i++;\n  return i;\n}\n';
  const location = { start: { line: 3, column: 10 }, end: { line: 3, column: 15 } };
  const mutants = statuses.map((status, id) => ({ id: String(id), replacement: 'i <= 3', status, location }));
  return JSON.stringify({ files: { [file]: { source, mutants } } });
}

describe('the verdict on a report', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-mutation-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function verdict(text: string) {
    const path = join(folder, 'room.json');
    writeFileSync(path, text);
    return run('test-mutation.js', '--report', path);
  }

  test('a survivor that nobody judged fails, and is named by its function and its text', () => {
    const { status, stdout } = verdict(reported(['Killed', 'Survived', 'Timeout', 'NoCoverage']));
    expect(stdout.split('\n')).toEqual([
      'room: 4 mutants, 2 killed, 0 judged, 2 open; 50.0 % of those that change something',
      '  src/none.ts:3 count: i < 3 → i <= 3',
      '  src/none.ts:3 count: i < 3 → i <= 3 (no test runs it)',
      '',
    ]);
    expect(status).toBe(1);
  });

  test('without survivors it passes; what does not run is not counted', () => {
    const { status, stdout } = verdict(reported(['Killed', 'RuntimeError']));
    expect(stdout).toBe(
      'room: 1 mutants, 1 killed, 0 judged, 0 open, 1 that do not run; 100.0 % of those that change something\n',
    );
    expect(status).toBe(0);
  });

  test('a wrong command line is one line, and 2', () => {
    for (const args of [['nowhere'], ['--report', 'none.json'], ['--fast']]) {
      const { status, stderr } = run('test-mutation.js', ...args);
      expect([status, stderr.trim().split('\n')]).toEqual([2, [expect.stringMatching(/^test:mutation: /)]]);
    }
  });
});

describe('the list of judged survivors', () => {
  test('has a reason for each, and each once', () => {
    for (const { reason } of judged) expect(reason.length).toBeGreaterThan(20);
    const keys = judged.map(({ file, function: name, mutant }) => JSON.stringify([file, name, mutant]));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('still stands in the sources', () => {
    // assembly/tile.ts is written by assembly/tiles.js, which has no such text.
    for (const { file, function: name, mutant } of judged.filter((each) => each.file !== 'assembly/tile.ts')) {
      const source = readFileSync(join(root, file), 'utf8').replace(/\s+/g, ' ');
      const [before] = mutant.split(' → ')[0].split(' … ');
      expect([file, mutant, source.includes(before)]).toEqual([file, mutant, true]);
      if (name !== 'module') expect(source).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });
});

describe('the mutator of assembly/', () => {
  test('draws the same sample from the same seed, and knows every kind of change', () => {
    const list = (...args: string[]) =>
      run('mutate-wasm.js', '--list', ...args)
        .stdout.trim()
        .split('\n');
    const sample = list('--count', '5', '--seed', '3');
    expect(sample).toHaveLength(5);
    expect(list('--count', '5', '--seed', '3')).toEqual(sample);
    expect(list('--count', '5', '--seed', '4')).not.toEqual(sample);
    const kinds = list('--file', 'math.ts').map((line) => line.split(' ')[1]);
    expect(new Set(kinds)).toEqual(new Set(['sign', 'drop', 'shift', 'bound']));
  });

  test('tells a mutant that a suite notices from one that it does not', () => {
    // The edges of products never call a sigmoid, and do call the tiles.
    const lines = run('mutate-wasm.js', '--list').stdout.split('\n');
    const ids = [/ drop multiplyStrided: c \+/, / sign sigmoid4: /].map(
      (wanted) => String(lines.find((line) => wanted.test(line))).split(' ')[0],
    );
    const { status, stdout } = run('mutate-wasm.js', '--suites', 'wasm-edges', '--id', ids.join(','));
    expect(stdout).toMatch(new RegExp(`^killed +${ids[0]} `, 'm'));
    expect(stdout).toMatch(new RegExp(`^survived +${ids[1]} `, 'm'));
    expect(stdout).toContain('2 mutants: 1 killed, 0 judged, 1 open');
    expect(status).toBe(1);
  }, 600_000); // two compilations and four runs of jest

  test('a wrong command line is one line, and 2', () => {
    for (const args of [
      ['--count', 'many'],
      ['--file', 'none.ts'],
      ['--id', 'lstm.ts#99999'],
      ['--suites', 'all'],
      ['x'],
    ]) {
      const { status, stderr } = run('mutate-wasm.js', ...args);
      expect([status, stderr.trim().split('\n')]).toEqual([2, [expect.stringMatching(/^mutate-wasm: /)]]);
    }
  });
});
