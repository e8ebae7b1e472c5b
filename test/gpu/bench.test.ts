/** `bptt bench` on devices: rows of headless GL in Node, of every mode in a browser, and of gpu.js by itself. */
import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import type { LadderResult } from '../../src/bench/ladder/types';
import type { Result } from '../../src/bench/report';
import { bptt, mainFile } from '../support/cli';

const ROOT = resolve(__dirname, '../..');
const GEMM = ['--case', 'addMatmul-32x32x32'];
const TAGGER = ['--suite', 'gemm,tagger', '--case', 'b1-rnn'];
const CASES = ['addMatmul-32x32x32', 'train-b1-rnn', 'infer-b1-rnn'];
const DEVICE = { device: expect.stringMatching(/\S/), software: expect.any(Boolean) };

function bench(...args: string[]) {
  const { status, stdout, stderr } = bptt(['bench', '--quick', '--json', ...args]);
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('gave up')]);
  return { rows: (JSON.parse(stdout) as Result).rows, stderr };
}

const columns = (rows: Result['rows']) => rows.map((row) => [row.case, row.system, row.backend]);

test('--backend gpu: products and taggers on headless GL, with the device', () => {
  const { rows } = bench(...GEMM, ...TAGGER, '--backend', 'gpu', '--no-peers');
  expect(columns(rows)).toEqual(CASES.map((name) => [name, 'bptt', 'gpu.js:headlessgl']));
  for (const row of rows) expect(row).toMatchObject({ threads: 1, ...DEVICE });
  expect(rows.every(({ p50, p95 }) => p50 >= p95 && p95 > 0)).toBe(true);
});

test('layers run whole on the device, and are right there before they are timed', () => {
  const { rows, stderr } = bench('--suite', 'layer', '--case', 'lstm-20x1x128x128', '--backend', 'gpu', '--no-peers');
  expect(columns(rows)).toEqual(
    ['forward', 'forward+backward'].map((part) => [`${part}-lstm-20x1x128x128`, 'bptt', 'gpu.js:headlessgl']),
  );
  expect(stderr).not.toContain('wrong');
});

test('without --backend the device takes part, and gpu.js with its own kernel on the same', () => {
  const { rows } = bench('--suite', 'gemm', ...GEMM, '--peers', 'gpu.js-headlessgl');
  expect(columns(rows)).toEqual([
    [CASES[0], 'bptt', 'wasm-simd'],
    [CASES[0], 'bptt-cpu', 'cpu'],
    [CASES[0], 'bptt-gpu', 'gpu.js:headlessgl'],
    [CASES[0], 'gpu.js-headlessgl', 'HeadlessGLKernel'],
  ]);
  expect(rows.map(({ device }) => device)).toEqual([undefined, undefined, rows[2].device, rows[2].device]);
  expect(rows[2]).toMatchObject(DEVICE);
});

test('--ladder: the rungs of gpu.js run on the device, each within its bound', () => {
  const { status, stdout } = bptt(['bench', '--ladder', '--quick', '--json', '--case', 'gpu']);
  const { rows, refused, skipped } = JSON.parse(stdout) as LadderResult;
  expect([status, refused, skipped]).toEqual([0, [], []]);
  expect(rows.map(({ rung, checked, over }) => [rung, checked, over])).toEqual([
    ['01-triple-loop', 'reference', undefined],
    ['12-gpu-naive', 'within its bound', '01-triple-loop'],
    ['13-gpu-tiled', 'within its bound', '12-gpu-naive'],
  ]);
  for (const { device, share } of rows.slice(1)) expect([device, share]).toEqual([DEVICE.device, undefined]);
});

describe('bench/gpu-check.js', () => {
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'bench/gpu-check.js'), '--no-rows', '--sizes', '32', '--time', '300', ...args],
      { encoding: 'utf8', env: { ...process.env, BPTT_MODULES: dirname(dirname(mainFile())), NODE_OPTIONS: '' } },
    );
    return { status, stderr, lines: stdout.split('\n') };
  };
  const VERDICT = /^(\S+) +[\d.]+ +[\d.]+ … [\d.]+ +\d+ {2}(PASS|FAIL|UNCLEAR)$/;

  test('compares what auto takes with the CPU, case by case', () => {
    const { status, stderr, lines } = run('--case', 'b1-rnn');
    expect(stderr).toBe('');
    const verdicts = lines.map((line) => VERDICT.exec(line)).filter((found) => found !== null);
    expect(verdicts.map(([, name]) => name)).toEqual(['train-b1-rnn', 'infer-b1-rnn']);
    const count = (wanted: string) => verdicts.filter(([, , verdict]) => verdict === wanted).length;
    const counts = ['PASS', 'FAIL', 'UNCLEAR'].map((verdict) => `${count(verdict)} ${verdict}`);
    expect(lines).toContain(`auto takes at most 1.05 times the CPU's time: ${counts.join(', ')}`);
    expect(status).toBe(count('FAIL') === 0 ? 0 : 1);
  });

  test('fails where the device takes products that it is slow at', () => {
    const { status, lines } = run('--case', 'addMatmul-32x32x32', '--from', '8');
    expect(lines.join('\n')).toMatch(/^addMatmul-32x32x32 .* FAIL$/m);
    expect(status).toBe(1);
  });
});

test('--browser: products and taggers on WebAssembly, WebGL 2, WebGL and WebGPU', () => {
  // Inference is a part of every update; a rasterizer takes its time for each.
  const cases = [CASES[0], 'train-b1-rnn'];
  const tagger = ['--suite', 'gemm,tagger', '--case', cases[1]];
  const { rows } = bench(...GEMM, ...tagger, '--backend', 'cpu', '--no-peers', '--browser');
  const own = rows.filter(({ system }) => system !== 'bptt-cpu');
  const systems = [
    ['bptt-browser', 'wasm-simd'],
    ...['webgl2', 'webgl', 'webgpu'].map((mode) => [`bptt-${mode}`, `gpu.js:${mode}`]),
  ];
  expect(columns(own)).toEqual(cases.flatMap((name) => systems.map((system) => [name, ...system])));
  for (const row of own) {
    expect(row).toMatchObject({ engine: expect.stringMatching(/^Chromium \d/) });
    if (row.system === 'bptt-browser') expect(row).not.toHaveProperty('device');
    else expect(row).toMatchObject(DEVICE);
  }
});
