#!/usr/bin/env node
/**
 * What the tests on devices need of the machine, each thing with the Debian package that has it, and which of them are lacking.
 *
 *     node scripts/gpu-needs.js        # names of the packages that are lacking, one a line; nothing where all is there
 *
 * scripts/test-gpu.js names them to people, `.ci/run` installs them. The packages of headers and tools are needed only until gl is
 * compiled.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { delimiter, join } from 'node:path';

/** gl, compiled: what compiling needs is needed no more. */
export const COMPILED = 'test/gpu/node_modules/gl/build/Release/webgl.node';

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What is needed on every system. */
export const BROWSER = { what: 'a browser (Chromium; or set BPTT_CHROMIUM)', debian: 'chromium' };

/** Each thing: what people call it, its package, and how it is looked for. */
const NEEDS = [
  { ...BROWSER, found: () => browser() !== undefined },
  { what: 'an X display (xvfb-run)', debian: 'xvfb', display: true, commands: ['xvfb-run', 'Xvfb'] },
  { what: 'xauth', debian: 'xauth', display: true, commands: ['xauth'] },
  { what: 'libGL.so.1', debian: 'libgl1', library: 'libGL.so.1' },
  { what: 'a driver of Mesa', debian: 'libgl1-mesa-dri', display: true, found: hasDriver },
  { what: 'g++', debian: 'g++', compile: true, commands: ['g++', 'c++'], any: true },
  { what: 'make', debian: 'make', compile: true, commands: ['make'] },
  { what: 'python3', debian: 'python3', compile: true, commands: ['python3'] },
  { what: 'pkg-config', debian: 'pkg-config', compile: true, commands: ['pkg-config'] },
  { what: 'X11/Xlib.h', debian: 'libx11-dev', compile: true, header: 'X11/Xlib.h' },
  { what: 'X11/extensions/XInput2.h', debian: 'libxi-dev', compile: true, header: 'X11/extensions/XInput2.h' },
  { what: 'X11/extensions/Xext.h', debian: 'libxext-dev', compile: true, header: 'X11/extensions/Xext.h' },
  { what: 'GL/gl.h and GL/glx.h', debian: 'libgl-dev', compile: true, header: 'GL/glx.h' },
];

/** Path of a command, or nothing. */
export function which(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Path of the browser: BPTT_CHROMIUM, or what is installed under a known name. */
export function browser() {
  return process.env.BPTT_CHROMIUM || BROWSERS.map(which).find((path) => path !== undefined);
}

/** Whether the compiler finds a header, wherever it looks; false without a compiler. */
function hasHeader(header) {
  const compiler = which('g++') ?? which('c++');
  if (compiler === undefined) return false;
  const input = `#if !__has_include(<${header}>)\n#error lacking\n#endif\n`;
  return spawnSync(compiler, ['-E', '-x', 'c++', '-'], { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
}

/** Whether the loader knows a library. */
function hasLibrary(name) {
  const ldconfig = which('ldconfig') ?? ['/sbin/ldconfig', '/usr/sbin/ldconfig'].find((path) => existsSync(path));
  if (ldconfig === undefined) return true; // not to be told here: what needs it will say so
  return spawnSync(ldconfig, ['-p'], { encoding: 'utf8' }).stdout.includes(name);
}

/** Whether Mesa has a software rasterizer, where Debian and its kin keep it. */
function hasDriver() {
  const roots = ['/usr/lib', '/usr/lib64'].filter((root) => existsSync(root));
  const folders = roots.flatMap((root) => [root, ...readdirSync(root).map((name) => join(root, name))]);
  return folders.some((folder) => existsSync(join(folder, 'dri', 'swrast_dri.so')));
}

function has({ found, commands, any = false, header, library }) {
  if (found !== undefined) return found();
  if (commands !== undefined) return any ? commands.some(which) : commands.every(which);
  return header === undefined ? hasLibrary(library) : hasHeader(header);
}

/** What is lacking here: `{ what, debian }` each. Things of a display are not looked for where there is one. */
export function lacking({ compiled = existsSync(COMPILED), display = Boolean(process.env.DISPLAY) } = {}) {
  return NEEDS.filter((need) => !(need.compile && compiled) && !(need.display && display) && !has(need)).map(
    ({ what, debian }) => ({ what, debian }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.platform === 'linux') for (const { debian } of lacking()) console.log(debian);
}
