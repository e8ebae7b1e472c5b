#!/usr/bin/env node
/**
 * The tests that need a device: headless GL under an X display, and a browser on WebGL 2 and WebGPU. Installs the packages of
 * test/gpu where they are lacking (gl is compiled: three minutes), names what else is missing, and runs jest, under Xvfb
 * where there is no display. Arguments go to jest.
 *
 *     npm run test:gpu
 *     npm run test:gpu -- headless        # one file
 *
 * BPTT_CHROMIUM names the browser where it is not found by itself.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const MODULES = 'test/gpu/node_modules';
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const DEBIAN =
  'apt-get install -y chromium xvfb xauth libgl1-mesa-dri libgl1 libx11-dev libxi-dev libxext-dev libgl-dev pkg-config python3 make g++';

/** Path of a command, or nothing. */
function which(name) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function fail(message) {
  process.stderr.write(`test:gpu: ${message}\n`);
  process.exit(1);
}

const browser = process.env.BPTT_CHROMIUM ?? BROWSERS.map(which).find((path) => path !== undefined);
const display = Boolean(process.env.DISPLAY) || process.platform !== 'linux';
const missing = [
  browser === undefined && 'a browser (Chromium; or set BPTT_CHROMIUM)',
  !display && which('xvfb-run') === undefined && 'an X display (xvfb-run)',
].filter(Boolean);
if (missing.length > 0) fail(`${missing.join(' and ')} is missing; on Debian: ${DEBIAN}`);

const { devDependencies } = JSON.parse(readFileSync('test/gpu/package.json', 'utf8'));
const wanted = [...Object.keys(devDependencies), 'gl/build/Release/webgl.node'];
if (!wanted.every((name) => existsSync(`${MODULES}/${name}`))) {
  run('npm', ['ci', '--prefix', 'test/gpu', '--no-audit', '--no-fund']);
}
if (!existsSync(`${MODULES}/gl/build/Release/webgl.node`)) fail(`gl was not compiled; on Debian: ${DEBIAN}`);

run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test/gpu']);
const jest = ['node_modules/jest/bin/jest.js', '--config', 'test/gpu/jest.config.js', ...process.argv.slice(2)];
const env = { BPTT_CHROMIUM: browser };
if (display) run(process.execPath, jest, env);
else run('xvfb-run', ['-a', process.execPath, ...jest], env);
