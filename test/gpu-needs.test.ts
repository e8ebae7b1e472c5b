/** What `scripts/gpu-needs.js` finds lacking on machines made up of folders of commands. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..');
const linux = process.platform === 'linux' ? describe : describe.skip;
const COMMANDS = ['chromium', 'xvfb-run', 'Xvfb', 'xauth', 'make', 'python3', 'pkg-config'];

linux('on Linux (elsewhere skipped: the packages are those of Debian)', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-needs-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A g++ that finds every header but those whose name contains `without`, and a loader that knows libGL. */
  function machine(commands: readonly string[], without = 'no such header'): void {
    const scripts: Record<string, string> = Object.fromEntries(commands.map((name) => [name, '']));
    scripts['g++'] = `case "$(/bin/cat)" in *"${without}"*) exit 1;; esac`;
    scripts.ldconfig = 'echo libGL.so.1';
    for (const [name, text] of Object.entries(scripts)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(folder, name), 0o755);
    }
  }

  function lacking(env: Record<string, string> = {}, compiled = false): string[] {
    const code = `import('${ROOT}/scripts/gpu-needs.js').then(({ lacking }) => {
      const list = lacking({ compiled: ${compiled}, display: Boolean(process.env.DISPLAY) });
      console.log(JSON.stringify(list.map(({ debian }) => debian).filter((name) => name !== 'libgl1-mesa-dri')));
    })`;
    const { stdout } = spawnSync(process.execPath, ['-e', code], { env: { PATH: folder, ...env }, encoding: 'utf8' });
    return JSON.parse(stdout) as string[];
  }

  test('nothing, where all is there', () => {
    machine(COMMANDS);
    expect(lacking()).toEqual([]);
  });

  test.each(COMMANDS)('%s, where it alone is missing', (name) => {
    machine(COMMANDS.filter((each) => each !== name));
    const packages: Record<string, string> = { 'xvfb-run': 'xvfb', Xvfb: 'xvfb' };
    expect(lacking()).toEqual([packages[name] ?? name]);
  });

  test.each([
    ['X11/Xlib.h', 'libx11-dev'],
    ['X11/extensions/XInput2.h', 'libxi-dev'],
    ['X11/extensions/Xext.h', 'libxext-dev'],
    ['GL/glx.h', 'libgl-dev'],
  ])('the header %s, where it alone is missing', (header, debian) => {
    machine(COMMANDS, header);
    expect(lacking()).toEqual([debian]);
  });

  test('no headers and tools where gl is compiled, no Xvfb where there is a display, no browser that is named', () => {
    machine([], 'include');
    expect(lacking({}, true)).toEqual(['chromium', 'xvfb', 'xauth']);
    expect(lacking({ DISPLAY: ':1', BPTT_CHROMIUM: '/opt/browser' }, true)).toEqual([]);
  });

  test('test:gpu ends with the things and the line that installs them, before anything is compiled', () => {
    machine(COMMANDS, 'GL/glx.h');
    const env = { PATH: folder, DISPLAY: ':1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/test-gpu.js')], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toBe('test:gpu: missing: GL/gl.h and GL/glx.h; on Debian: apt-get install -y libgl-dev\n');
  });

  test('.ci/run installs what the script names', () => {
    expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toContain('< <(node scripts/gpu-needs.js)');
  });
});
