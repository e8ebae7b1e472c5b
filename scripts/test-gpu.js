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
import { browser, BROWSER, COMPILED, lacking } from './gpu-needs.js';

const MODULES = 'test/gpu/node_modules';

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function fail(message) {
  process.stderr.write(`test:gpu: ${message}\n`);
  process.exit(1);
}

/** Ends with what is lacking and the line that installs it. */
function failLacking(missing) {
  const things = missing.map(({ what }) => what).join(', ');
  const packages = missing.map(({ debian }) => debian).join(' ');
  fail(`missing: ${things}; on Debian: apt-get install -y ${packages}`);
}

const missing = process.platform === 'linux' ? lacking() : browser() === undefined ? [BROWSER] : [];
if (missing.length > 0) failLacking(missing);

const { devDependencies } = JSON.parse(readFileSync('test/gpu/package.json', 'utf8'));
const wanted = [...Object.keys(devDependencies).map((name) => `${MODULES}/${name}`), COMPILED];
if (!wanted.every((path) => existsSync(path))) {
  run('npm', ['ci', '--prefix', 'test/gpu', '--no-audit', '--no-fund']);
}
if (!existsSync(COMPILED)) fail('gl was not compiled, and what it needs is here; see what npm said above');

run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test/gpu']);
const jest = ['node_modules/jest/bin/jest.js', '--config', 'test/gpu/jest.config.js', ...process.argv.slice(2)];
const env = { BPTT_CHROMIUM: browser() };
if (process.env.DISPLAY || process.platform !== 'linux') run(process.execPath, jest, env);
else run('xvfb-run', ['-a', process.execPath, ...jest], env);
