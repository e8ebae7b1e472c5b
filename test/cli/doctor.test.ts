import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readPackageInfo } from '../../src/bench/package-info';
import { BpttError } from '../../src/tensor';
import { bptt } from '../support/cli';

const { version } = JSON.parse(readFileSync(resolve(__dirname, '../../package.json'), 'utf8')) as { version: string };

test('names versions, the backend, and every backend that was declined', () => {
  const { status, stdout, stderr } = bptt(['doctor']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^bptt +${version.replaceAll('.', '\\.')}$`, 'm'));
  expect(stdout).toContain(`${process.versions.node}, V8 ${process.versions.v8}`);
  expect(stdout).toMatch(/^found +wasm: runs as wasm-simd, chosen by auto$/m);
  // Node 20 has relaxed SIMD behind a flag, later ones without.
  expect(stdout).toMatch(
    /^(found +wasm-relaxed: runs as wasm-relaxed-simd; .*by name|declined +wasm-relaxed: .*no WebAssembly relaxed SIMD.*)$/m,
  );
  expect(stdout).toMatch(/^declined +gpu: gpu\.js is not installed; install it: npm i gpu\.js$/m);
  expect(stdout).toMatch(/^missing +gpu\.js: npm i gpu\.js$/m);
  expect(stdout).toMatch(/^found +cpu: runs as cpu$/m);
  expect(stdout).toMatch(/^segmenter +Intl\.Segmenter, ICU \d/m);
});

test('--calibrate says that there is nothing to measure without a device', () => {
  const { status, stdout } = bptt(['doctor', '--calibrate']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^calibrated +nothing: there is no device; see above$/m);
});

test('takes no arguments', () => {
  const { status, stderr } = bptt(['doctor', 'x']);
  expect(stderr).toMatch(/^bptt: too many arguments for 'doctor'.*\n$/);
  expect(status).toBe(2);
});

test('a damaged installation is named', () => {
  expect(() => readPackageInfo('/nowhere/at/all')).toThrow(BpttError);
});
