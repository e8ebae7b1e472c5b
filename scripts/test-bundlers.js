#!/usr/bin/env node
/**
 * The tests of the built package in other people's builds: bundlers, Jest with jsdom, an older TypeScript. Installs the packages
 * of test/bundlers where they are lacking (250 MB), and runs jest. Arguments go to jest.
 *
 *     npm run build && npm run test:bundlers
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const FOLDER = 'test/bundlers';

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) process.stderr.write(`test:bundlers: ${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

const { devDependencies } = JSON.parse(readFileSync(`${FOLDER}/package.json`, 'utf8'));
if (!Object.keys(devDependencies).every((name) => existsSync(`${FOLDER}/node_modules/${name}`))) {
  run('npm', ['ci', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund']);
}
const jest = 'node_modules/jest/bin/jest.js';
run(process.execPath, [jest, '--config', `${FOLDER}/jest.config.js`, ...process.argv.slice(2)]);
