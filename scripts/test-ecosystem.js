#!/usr/bin/env node
/**
 * The tests of the built package beside other engines: PyTorch, ONNX Runtime, HDF5, queues and schedulers. Installs the packages
 * of test/ecosystem where they are lacking, compiles the tests against their types, and runs jest. Arguments go to jest.
 *
 *     npm run build && npm run test:ecosystem
 *
 * BPTT_PYTHON names the Python that has the modules, where it is neither `python3` nor /usr/bin/python3. On Linux the command ends
 * before any test where something is lacking, and says what installs it; elsewhere the tests are skipped that lack something.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { lacking, python } from './ecosystem-needs.js';

const FOLDER = 'test/ecosystem';

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) process.stderr.write(`test:ecosystem: ${command}: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 1);
}

const missing = lacking();
if (missing.length > 0 && process.platform === 'linux') {
  const [what, debian] = ['what', 'debian'].map((key) => missing.map((each) => each[key]));
  const install = `on Debian: apt-get install -y ${[...new Set(debian)].join(' ')}`;
  process.stderr.write(`test:ecosystem: missing: ${what.join(', ')}; ${install}\n`);
  process.exit(1);
}
const { devDependencies } = JSON.parse(readFileSync(`${FOLDER}/package.json`, 'utf8'));
if (!Object.keys(devDependencies).every((name) => existsSync(`${FOLDER}/node_modules/${name}`))) {
  // without scripts: that of onnxruntime-node downloads libraries for graphics cards
  run('npm', ['ci', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund']);
}
run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', FOLDER]);
const jest = 'node_modules/jest/bin/jest.js';
const { path, lacks } = python();
run(process.execPath, [jest, '--config', `${FOLDER}/jest.config.js`, ...process.argv.slice(2)], {
  ...(lacks.length === 0 ? { BPTT_PYTHON: path } : {}),
  OMP_NUM_THREADS: '1',
});
