#!/usr/bin/env node
/**
 * The tests of the built package in other people's builds: bundlers, Next.js, Jest with jsdom, an older TypeScript. Installs the
 * packages of test/bundlers where they are lacking (590 MB), and runs jest. Arguments go to jest.
 *
 *     npm run build && npm run test:bundlers
 *
 * BPTT_CHROMIUM names the browser where it is not found by itself; without one its test is skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { browser } from './gpu-needs.js';

const FOLDER = 'test/bundlers';

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) process.stderr.write(`test:bundlers: ${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

const { devDependencies } = JSON.parse(readFileSync(`${FOLDER}/package.json`, 'utf8'));
if (!Object.keys(devDependencies).every((name) => existsSync(`${FOLDER}/node_modules/${name}`))) {
  run('npm', ['ci', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund']);
}
const jest = ['node_modules/jest/bin/jest.js', '--config', `${FOLDER}/jest.config.js`, ...process.argv.slice(2)];
run(process.execPath, jest, browser() === undefined ? {} : { BPTT_CHROMIUM: browser() });
