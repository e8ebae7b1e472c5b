/** Files that `bptt bench` is given: those it must not overwrite, and those that are not what they should be. */
import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bptt } from '../support/cli';

const QUICK = ['bench', '--quick', '--no-peers', '--suite', 'gemm', '--case', 'addMatmul-32x32x32'];
const RESULT = `{"machine":{},"rows":[]}`;
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
