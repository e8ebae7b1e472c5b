/** What `.ci/run` adds up: `scripts/ci-summary` on made-up reports. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SCRIPT = resolve(__dirname, '../scripts/ci-summary');

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-ci-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A report of jest, as far as it is read. */
function report(name: string, numPassedTests: number, numFailedTests: number, numPendingTests: number): void {
  const counts = { numPassedTests, numFailedTests, numPendingTests, numTodoTests: 0, numRuntimeErrorTestSuites: 0 };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(counts));
}

function summary(...complete: string[]) {
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, folder, ...complete], { encoding: 'utf8' });
  return { status, lines: stdout.trimEnd().split('\n') };
}

test('adds up reports and checks', () => {
  report('test', 20, 0, 3);
  writeFileSync(join(folder, 'lint.check'), '0\n');
  expect(summary()).toEqual({
    status: 0,
    lines: ['passed  lint', 'passed  test: 20 passed, 0 failed, 3 skipped', '21 passed, 0 failed, 3 skipped'],
  });
});

test('a failure of a test, of a check, or of a report to appear is a failure', () => {
  report('test', 20, 1, 0);
  writeFileSync(join(folder, 'lint.check'), '1\n');
  writeFileSync(join(folder, 'gpu.json'), '');
  const { status, lines } = summary();
  expect([status, lines.at(-1)]).toEqual([1, '20 passed, 3 failed, 0 skipped']);
});

test('a skipped test is a failure where nothing is to be skipped', () => {
  report('gpu', 7, 0, 2);
  report('test', 5, 0, 1);
  const { status, lines } = summary('gpu');
  expect(status).toBe(1);
  expect(lines).toEqual([
    'FAILED  gpu: 7 passed, 2 failed, of which 2 were skipped, 0 skipped',
    'passed  test: 5 passed, 0 failed, 1 skipped',
    '12 passed, 2 failed, 1 skipped',
  ]);
});

test('nothing at all is not a success', () => {
  expect(summary()).toMatchObject({ status: 1 });
});
