/**
 * What Node can find out about the graphics of its machine: the renderer, which headless-gl does not report, and what is missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The graphics driver that this process has loaded, once a context is open. Linux only: it is derived from the files mapped into
 * the process.
 *
 * @param maps contents of `/proc/self/maps`; replaced in tests
 */
export function loadedRenderer(maps = readMaps()): string | undefined {
  const nvidia = /libnvidia-glcore\.so\.([\d.]+)/.exec(maps);
  if (nvidia) return `NVIDIA driver ${nvidia[1]}`;
  const driver = /\/(\w+)_dri\.so/.exec(maps)?.[1];
  const device = /\/dev\/dri\/\w+/.exec(maps)?.[0];
  if (driver?.includes('swrast')) return 'llvmpipe (Mesa, swrast)';
  if (driver !== undefined) return `Mesa ${driver}`;
  if (!maps.includes('libgallium')) return undefined;
  return device === undefined ? 'llvmpipe (Mesa, no device)' : `Mesa on ${device}`;
}

function readMaps(): string {
  try {
    return readFileSync('/proc/self/maps', 'utf8');
  } catch {
    return ''; // another operating system: unknown
  }
}

/** What `gl` is compiled with, by platform. */
const COMPILERS: Readonly<Record<string, string>> = {
  linux: 'apt-get install libx11-dev libxi-dev libxext-dev libgl-dev pkg-config python3 make g++ (on Debian)',
  darwin: 'xcode-select --install',
  win32: 'Visual Studio Build Tools with C++, and Python',
};

/**
 * What is missing for `--backend gpu` in Node, each with the command that installs it. Without gpu.js, nothing else is checked.
 *
 * @param from file from which packages are resolved
 */
export function missingForGpu(
  from: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): string[] {
  const found = (name: string, beside: string): string | undefined => {
    try {
      return createRequire(pathToFileURL(beside)).resolve(name);
    } catch {
      return undefined;
    }
  };
  const gpu = found('gpu.js', from);
  if (gpu === undefined) return ['gpu.js: npm i gpu.js'];
  const missing: string[] = [];
  const compiler = COMPILERS[platform] ?? COMPILERS.linux;
  const gl = found('gl/package.json', gpu);
  if (gl === undefined) missing.push(`gl, WebGL for Node, which must be compiled: ${compiler}, npm i gl`);
  else if (!existsSync(join(dirname(gl), 'build/Release/webgl.node'))) {
    missing.push(`gl is installed, but not compiled (install scripts may be disabled): ${compiler}, npm rebuild gl`);
  }
  if (platform === 'linux' && !env.DISPLAY) {
    missing.push('an X display: apt-get install xvfb xauth libgl1-mesa-dri (on Debian), xvfb-run -a bptt …');
  }
  return missing;
}
