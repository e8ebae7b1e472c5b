/** What Node finds out of graphics: the renderer by the files of the process, and what is missing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSoftware } from '../../src/kernels/gpu/device/device';
import { loadedRenderer, missingForGpu } from '../../src/kernels/gpu/device/machine.node';

const line = (file: string): string => `7f0000000000-7f0000001000 r-xp 00000000 fe:00 1234   ${file}\n`;

describe('loadedRenderer', () => {
  it.each([
    [['/usr/lib/x86_64-linux-gnu/dri/swrast_dri.so', '/usr/lib/libLLVM-15.so.1'], 'llvmpipe (Mesa, swrast)', true],
    [['/usr/lib/x86_64-linux-gnu/dri/kms_swrast_dri.so'], 'llvmpipe (Mesa, swrast)', true],
    [['/usr/lib/x86_64-linux-gnu/dri/iris_dri.so', '/dev/dri/renderD128'], 'Mesa iris', false],
    [['/usr/lib/libgallium-25.0.so', '/dev/dri/renderD128'], 'Mesa on /dev/dri/renderD128', false],
    [['/usr/lib/libgallium-25.0.so'], 'llvmpipe (Mesa, no device)', true],
    [['/usr/lib/libnvidia-glcore.so.550.54.14'], 'NVIDIA driver 550.54.14', false],
  ])('of %j is %s', (files, name, software) => {
    expect(loadedRenderer(files.map(line).join(''))).toBe(name);
    expect(isSoftware(name)).toBe(software);
  });

  it('is unknown where no driver is loaded', () => {
    expect(loadedRenderer(line('/usr/lib/libc.so.6'))).toBeUndefined();
    expect(loadedRenderer()).toBeUndefined();
  });
});

describe('missingForGpu', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-gpu-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A file beside which these packages are installed. */
  const beside = (...packages: string[]): string => {
    for (const name of packages) {
      mkdirSync(join(folder, 'node_modules', name), { recursive: true });
      writeFileSync(join(folder, 'node_modules', name, 'index.js'), '');
      writeFileSync(join(folder, 'node_modules', name, 'package.json'), JSON.stringify({ name }));
    }
    return join(folder, 'main.js');
  };

  it('names gpu.js, with the command that brings it', () => {
    expect(missingForGpu(beside(), {})).toEqual(['gpu.js: npm i gpu.js']);
  });

  it('names what gl is compiled with', () => {
    const missing = missingForGpu(beside('gpu.js'), { DISPLAY: ':0' });
    expect(missing).toEqual([expect.stringMatching(/^gl, .*, npm i gl$/)]);
  });

  it.each([
    ['linux', /apt-get install .*g\+\+ \(on Debian\), npm rebuild gl$/],
    ['darwin', /xcode-select --install, npm rebuild gl$/],
    ['win32', /Build Tools with C\+\+, and Python, npm rebuild gl$/],
  ])('names a gl that was not compiled, and what compiles it on %s', (platform, what) => {
    const missing = missingForGpu(beside('gpu.js', 'gl'), { DISPLAY: ':0' }, platform);
    expect(missing).toEqual([expect.stringMatching(what)]);
    expect(missing[0]).toMatch(/^gl is installed, but not compiled/);
  });

  it('names the display, and nothing where all is there', () => {
    const from = beside('gpu.js', 'gl');
    mkdirSync(join(folder, 'node_modules/gl/build/Release'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/gl/build/Release/webgl.node'), '');
    expect(missingForGpu(from, { DISPLAY: ':0' })).toEqual([]);
    expect(missingForGpu(from, {}, 'linux')).toEqual([expect.stringMatching(/an X display.*xvfb-run -a bptt/)]);
    expect(missingForGpu(from, { DISPLAY: '' }, 'linux')).toHaveLength(1);
    expect(missingForGpu(from, {}, 'darwin')).toEqual([]);
  });
});
