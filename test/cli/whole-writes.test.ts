/** Results on standard output are whole, or the command says that they are not. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bptt, mainFile } from '../support/cli';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'bptt-whole-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const KIB = 1024;

/** Runs a command with its standard output in a file that may grow to `limit` KiB: a disk that fills up in the middle of a write. */
function limited(
  limit: number,
  args: readonly string[],
  cwd?: string,
): { status: number | null; stderr: string; path: string } {
  const path = join(folder, 'out');
  const script = `trap '' XFSZ; ulimit -f ${limit * 2}; out=$0; exec "$@" > "$out"`; // POSIX: blocks of 512 bytes
  const { status, stderr } = spawnSync('sh', ['-c', script, path, process.execPath, mainFile(), ...args], {
    encoding: 'utf8',
    cwd,
    env: { ...process.env, ...(cwd !== undefined && { TMPDIR: cwd, HOME: cwd }) },
  });
  return { status, stderr, path };
}

const words = (count: number): string => Array.from({ length: count }, (_, i) => `word${i}\tX\n`).join('') + '\n';

describe('standard output in a file on a disk that fills up', () => {
  test.each([
    ['one long line', ['stats', 'in.tsv', '--json', '--show', 'all']],
    ['many lines', ['convert', 'in.tsv', '--output', 'conllu']],
  ])('%s: cut short, the command fails and says why', (_, args) => {
    const path = join(folder, 'in.tsv');
    writeFileSync(path, words(2500) + `${'y'.repeat(60)}\tX\n\n`.repeat(200));
    const run = args.map((arg) => (arg === 'in.tsv' ? path : arg));
    const whole = bptt(run).stdout.length;
    expect(whole).toBeGreaterThan(9 * KIB);
    const { status, stderr, path: out } = limited(8, run);
    expect(stderr.split('\n').filter((line) => line.startsWith('bptt: '))).toEqual([
      expect.stringMatching(/^bptt: cannot write to standard output: EFBIG/),
    ]);
    expect(status).toBe(1);
    expect(statSync(out).size).toBe(8 * KIB);
  });

  test('with room, the file has what a pipe has', () => {
    const path = join(folder, 'in.tsv');
    writeFileSync(path, words(2500));
    const args = ['convert', path, '--output', 'conllu'];
    const { status, path: out } = limited(KIB, args);
    expect(status).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(bptt(args).stdout);
  });

  test('a file that is appended to keeps what it had', () => {
    const path = join(folder, 'in.tsv');
    writeFileSync(path, words(3));
    const out = join(folder, 'log');
    writeFileSync(out, 'before\n');
    const file = openSync(out, 'a');
    spawnSync(process.execPath, [mainFile(), 'convert', path, '--output', 'conll'], {
      stdio: ['ignore', file, 'ignore'],
    });
    closeSync(file);
    expect(readFileSync(out, 'utf8')).toBe(`before\n${words(3)}`);
  });
});

test('a model that fits nowhere is reported as lost, and leaves no folder behind', () => {
  const cwd = join(folder, 'work');
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'in.tsv'), words(500));
  const args = ['train', '--train', 'in.tsv', '--epochs', '1', '--hidden', '4', '--min-count', '1', '--no-save-config'];
  const { status, stderr } = limited(8, args, cwd);
  expect(stderr).toMatch(/^bptt: cannot write model\.safetensors: EFBIG.*; the model is lost: .*EFBIG/m);
  expect(status).toBe(1);
  expect(readdirSync(cwd)).toEqual(['in.tsv']);
});
