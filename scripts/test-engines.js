#!/usr/bin/env node
/**
 * The tests of the built package in other engines: Node 20, 22 and 24 and Deno from their npm packages, and Chromium
 * where one is installed. Installs the packages of test/engines where they are lacking (700 MB), and runs jest. Arguments go to jest.
 *
 *     npm run build && npm run test:engines
 *
 * BPTT_CHROMIUM names the browser where it is not found by itself; without one its tests are skipped, and say so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const FOLDER = 'test/engines';
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of a command, or nothing. */
function which(name) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) process.stderr.write(`test:engines: ${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

const { devDependencies } = JSON.parse(readFileSync(`${FOLDER}/package.json`, 'utf8'));
if (!Object.keys(devDependencies).every((name) => existsSync(`${FOLDER}/node_modules/${name}`))) {
  run('npm', ['ci', '--prefix', FOLDER, '--no-audit', '--no-fund']);
}
const browser = process.env.BPTT_CHROMIUM ?? BROWSERS.map(which).find((path) => path !== undefined);
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', FOLDER]);
run(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--config', `${FOLDER}/jest.config.js`, ...process.argv.slice(2)],
  browser === undefined ? {} : { BPTT_CHROMIUM: browser },
);
