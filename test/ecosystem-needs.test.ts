/** What `scripts/ecosystem-needs.js` finds lacking on machines made up of folders of commands. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..');
const linux = process.platform === 'linux' ? describe : describe.skip;

linux('on Linux (elsewhere skipped: the packages are those of Debian)', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-needs-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A command that prints `text` and succeeds. */
  function command(name: string, text = ''): string {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\necho ${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  function run(script: string, env: Record<string, string> = {}) {
    return spawnSync(process.execPath, [join(ROOT, 'scripts', script)], {
      env: { PATH: folder, ...env },
      encoding: 'utf8',
    });
  }
  const lacking = (env?: Record<string, string>) => run('ecosystem-needs.js', env).stdout.split('\n').filter(Boolean);

  test('nothing, where all is there', () => {
    ['munged', 'parallel', 'redis-server', 'sbatch', 'slurmctld', 'slurmd'].forEach((name) => command(name));
    command('python3');
    expect(lacking()).toEqual([]);
  });

  test('commands, and the modules that the named Python lacks', () => {
    command('parallel');
    const env = { BPTT_PYTHON: command('my-python', 'onnx h5py') };
    const found = lacking(env);
    expect(found).toContain('redis-server');
    expect(found).not.toContain('parallel');
    // /usr/bin/python3 may have more of them: the one that lacks fewest counts
    expect(['python3-onnx python3-h5py', '']).toContain(found.filter((each) => /^python3-/.test(each)).join(' '));
  });

  test('test:ecosystem ends with the things and the line that installs them', () => {
    ['munged', 'parallel', 'sbatch', 'slurmctld', 'slurmd'].forEach((name) => command(name));
    command('python3');
    const { status, stdout, stderr } = run('test-ecosystem.js');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toBe('test:ecosystem: missing: redis-server; on Debian: apt-get install -y redis-server\n');
  });

  test('.ci/run installs what the script names', () => {
    expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toContain('< <(node scripts/ecosystem-needs.js)');
  });
});
