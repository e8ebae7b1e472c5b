import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measurePeak } from '../../src/bench/peak';
import { plot } from '../../src/bench/plot';
import { createProblem, createTrainer } from '../../src/bench/problem';
import { inferenceFault, referenceOf, trainingFault } from '../../src/bench/reference';
import { describeResult, readResult } from '../../src/bench/report';
import type { Result } from '../../src/bench/report';
import { quantile, slopeOf } from '../../src/bench/statistics';
import type { Row } from '../../src/bench/types';
import { createCpuKernels, createWasmKernels } from '../../src/kernels';
import type { Kernels } from '../../src/kernels';
import { DataError } from '../../src/tensor';
import { bptt } from '../support/cli';

/** Without a display there is no graphics device, also where gpu.js is installed. */
const NO_DEVICE = { env: { DISPLAY: '' } };
const QUICK = ['bench', '--quick', '--no-peers', '--suite', 'gemm', '--case', 'addMatmul-32x32x32'];

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-bench-test-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file into the test's folder and returns its path. */
function file(name: string, text: string): string {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const RIGHT = `function addMatmul(out, a, b) {
  for (let i = 0; i < a.shape[0]; i++)
    for (let j = 0; j < b.shape[1]; j++)
      for (let k = 0; k < a.shape[1]; k++)
        out.data[out.offset + i * out.stride[0] + j * out.stride[1]] +=
          a.data[a.offset + i * a.stride[0] + k * a.stride[1]] * b.data[b.offset + k * b.stride[0] + j * b.stride[1]];
}`;

describe('the object of --json', () => {
  const { status, stdout, stderr } = bptt([...QUICK, '--json'], NO_DEVICE);
  const result = JSON.parse(stdout) as Result;

  test('has the machine and rows of the promised form', () => {
    expect({ status, faults: stderr.includes('wrong') }).toEqual({ status: 0, faults: false });
    expect(stderr).toMatch(/^skipped the backend gpu: gpu\.js (is not installed|has no headlessgl here)/m);
    expect(Object.keys(result)).toEqual(['machine', 'rows']);
    const { cpu, cores, node, v8, bptt: version, peak } = result.machine;
    expect([typeof cpu, typeof cores, node, v8]).toEqual([
      'string',
      'number',
      process.versions.node,
      process.versions.v8,
    ]);
    expect(result.rows.map((row) => [row.system, row.backend])).toEqual([
      ['bptt', 'wasm-simd'],
      ['bptt-cpu', 'cpu'],
    ]);
    for (const row of result.rows) {
      const keys = [
        'suite',
        'case',
        'system',
        'version',
        'backend',
        'threads',
        'metric',
        'p50',
        'p95',
        'turns',
        'pace',
      ];
      expect(Object.keys(row)).toEqual(keys);
      expect(row).toMatchObject({ suite: 'gemm', case: 'addMatmul-32x32x32', version, threads: 1, metric: 'GFLOP/s' });
      expect(row.p50).toBeGreaterThanOrEqual(row.p95);
      expect(row.p95).toBeGreaterThan(0);
    }
    expect(peak).toBeGreaterThan(0);
  });

  test('is what --against reads', () => {
    const before = file('before.json', stdout);
    const again = bptt([...QUICK, '--against', before]);
    expect(again.status).toBe(0);
    expect(again.stdout).toMatch(/to earlier$/m);
    // How fast the machine is decides how many digits a ratio has.
    expect(again.stdout).toMatch(/ bptt-cpu .* [\d.,]+× +\d+ % +\d+\.\d\d× no interval$/m);
    expect(readResult(before).rows).toHaveLength(2);
  });
});

test('tagger rows: the cases and systems that scripts look for', () => {
  const args = ['bench', '--quick', '--no-peers', '--suite', 'tagger', '--case', 'b1-rnn', '--json'];
  const { status, stdout } = bptt(args, NO_DEVICE);
  const { rows } = JSON.parse(stdout) as Result;
  expect(status).toBe(0);
  expect(rows.map((row) => [row.case, row.system])).toEqual([
    ['train-b1-rnn', 'bptt'],
    ['train-b1-rnn', 'bptt-dense-adam'],
    ['train-b1-rnn', 'bptt-cpu'],
    ['infer-b1-rnn', 'bptt'],
    ['infer-b1-rnn', 'bptt-new-words'],
    ['infer-b1-rnn', 'bptt-cpu'],
  ]);
  expect(rows.every((row) => row.suite === 'tagger' && row.metric === 'tokens/s')).toBe(true);
});

test('threads: one row per number of threads, each with right losses', () => {
  const args = ['bench', '--quick', '--no-peers', '--suite', 'threads', '--backend', 'auto', '--json'];
  const { status, stdout, stderr } = bptt(args);
  const { rows } = JSON.parse(stdout) as Result;
  expect([status, stderr.includes('skipped')]).toEqual([0, false]);
  const cores = availableParallelism();
  const counts = [1, 2, 4, 8, 16, 32, 64, 128].filter((n) => n < cores).concat(cores);
  expect(rows.map((row) => row.threads)).toEqual(counts);
  for (const row of rows)
    expect(row).toMatchObject({ suite: 'threads', case: 'train-b64-lstm', system: 'bptt', metric: 'tokens/s' });
});

test('layer, crf, cold and memory run', () => {
  const args = ['bench', '--quick', '--no-peers', '--suite', 'layer,crf,cold,memory', '--steps', '60', '--json'];
  const { status, stdout } = bptt([
    ...args,
    '--case',
    'rnn-20x1x',
    '--case',
    'all',
    '--case',
    'rss',
    '--case',
    'viterbi-k9',
  ]);
  const { rows } = JSON.parse(stdout) as Result;
  expect(status).toBe(0);
  const found = new Set(rows.map((row) => `${row.suite} ${row.case} ${row.metric}`));
  expect([...found]).toEqual([
    'layer forward-rnn-20x1x128x128 tokens/s',
    'layer forward+backward-rnn-20x1x128x128 tokens/s',
    'crf viterbi-k9 tokens/s',
    'cold all ms',
    'memory rss-start MiB',
    'memory rss-max MiB',
    'memory rss-end MiB',
    'memory rss-slope KiB/1000 steps',
  ]);
});

describe('--backend', () => {
  test.each([
    ['cpu', [['bptt-cpu', 'cpu']]],
    ['auto', [['bptt', 'wasm-simd']]],
    [
      'wasm,wasm-relaxed,auto',
      [
        ['bptt', 'wasm-simd'],
        ['bptt-wasm-relaxed', 'wasm-relaxed-simd'],
      ],
    ],
  ])('%s runs alone', (names, expected) => {
    const { status, stdout } = bptt([...QUICK, '--backend', names, '--time', '20', '--json']);
    const { rows } = JSON.parse(stdout) as Result;
    expect([status, rows.map((row) => [row.system, row.backend])]).toEqual([0, expected]);
  });

  test('unknown ones are named', () => {
    const { status, stderr } = bptt([...QUICK, '--backend', 'cpu,abacus']);
    expect([status, stderr]).toEqual([2, expect.stringContaining('got abacus')]);
  });
});

describe('--kernel', () => {
  test.each([
    ['mine.mjs', `export ${RIGHT}`],
    ['default.mjs', `export default { addMatmul };\n${RIGHT}`],
    ['single.mjs', `export default addMatmul;\n${RIGHT}`],
    ['mine.cjs', `${RIGHT}\nmodule.exports = { addMatmul };`],
  ])('%s stands in the table', (name, text) => {
    const { status, stdout } = bptt([...QUICK, '--kernel', file(name, text)]);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^addMatmul-32x32x32 +${name.replace('.', '\\.')} .* user `, 'm'));
  });

  test.each([
    ['assigns', RIGHT.replace('+=', '='), 'differs from matmul1 by'],
    ['nan', RIGHT.replace('+=', '+= NaN *'), 'differs from matmul1 by Infinity'],
    ['throws', 'function addMatmul() { throw new RangeError("no such size"); }', 'no such size'],
  ])('one that %s is reported as wrong and not timed', (name, text, reason) => {
    const { status, stdout, stderr } = bptt([...QUICK, '--kernel', file(`${name}.mjs`, `export ${text}`)]);
    expect(status).toBe(1);
    expect(stdout).not.toContain(`${name}.mjs`);
    expect(stdout).toMatch(/ bptt-cpu /);
    expect(stderr).toContain(`gemm addMatmul-32x32x32: ${name}.mjs is wrong and was not timed: `);
    expect(stderr).toContain(reason);
  });

  test('a module without addMatmul, and none at all', () => {
    const none = bptt([...QUICK, '--kernel', file('none.mjs', 'export const x = 1;')]);
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringContaining('must export a function addMatmul(out, a, b)'),
    ]);
    const absent = bptt([...QUICK, '--kernel', join(folder, 'absent.mjs')]);
    expect([absent.status, absent.stderr]).toEqual([2, expect.stringContaining('there is no such file')]);
  });
});

describe('peers', () => {
  /** An adapter that answers every product with `answer`, a JavaScript expression over the request. */
  const adapter = (answer: string) => `
    process.stdout.write('a greeting of some library\\n{"system":"x","version":"9.8","backend":"theirs","threads":1}\\n');
    const f32 = (text) => { const b = Buffer.from(text, 'base64'); return new Float32Array(b.buffer, b.byteOffset, b.length / 4); };
    const multiply = ({ size: [M, K, N], a, b }) => {
      const [x, y, out] = [f32(a), f32(b), new Float32Array(M * N)];
      for (let i = 0; i < M; i++) for (let k = 0; k < K; k++) for (let j = 0; j < N; j++) out[i * N + j] += x[i * K + k] * y[k * N + j];
      return { out: Buffer.from(out.buffer).toString('base64') };
    };
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const request = JSON.parse(line);
      const answer = request.op === 'sample' ? { ms: 2, cost: 4 } : ${answer};
      process.stdout.write(JSON.stringify(answer) + '\\n');
    });`;
  const entry = (system: string, script: string, programs = ['node']) => {
    return { system, programs, arguments: [script], threads: 1, suites: ['gemm'] };
  };

  test('a right one is timed; an absent, a wrong, a dying and a declining one are skipped with their reasons', () => {
    const list = [
      entry('right', 'right.cjs'),
      entry('wrong', 'wrong.cjs'),
      entry('dying', 'dying.cjs'),
      entry('declining', 'declining.cjs'),
      entry('absent', 'absent.cjs'),
      entry('nowhere', 'right.cjs', ['no-such-program-anywhere']),
    ];
    const path = join(file('peers/peers.json', JSON.stringify(list)), '..');
    file('peers/right.cjs', adapter('multiply(request)'));
    file('peers/wrong.cjs', adapter('multiply({ ...request, a: request.b })'));
    file('peers/dying.cjs', adapter('process.exit(3)'));
    file('peers/declining.cjs', adapter("{ declined: 'no products here' }"));
    file('peers/absent.cjs', `console.log('{"absent":"not installed: npm ci --prefix bench/peers"}');`);
    const args = [...QUICK.filter((arg) => arg !== '--no-peers'), '--peers-folder', path];
    const { status, stdout, stderr } = bptt([...args, '--json']);
    expect(status).toBe(0);
    const rows = (JSON.parse(stdout) as Result).rows.filter((row) => !row.system.startsWith('bptt'));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ system: 'right', version: '9.8', backend: 'theirs', threads: 1 });
    expect(rows[0].p50).toBe((2 * 32 ** 3) / 2 / 1e6);
    expect(stderr).toMatch(/^skipped wrong in gemm addMatmul-32x32x32: differs from matmul1 by /m);
    expect(stderr).toMatch(/^skipped dying in gemm addMatmul-32x32x32: ended with status 3: /m);
    expect(stderr).toMatch(/^skipped declining in gemm addMatmul-32x32x32: no products here$/m);
    expect(stderr).toMatch(/^skipped absent \(threads: 1\): not installed: npm ci --prefix bench\/peers$/m);
    expect(stderr).toMatch(/^skipped nowhere \(threads: 1\): .*ENOENT$/m);
    const some = bptt([...args, '--peers', 'right', '--json']);
    expect([some.status, some.stderr.includes('wrong')]).toEqual([0, false]);
  });

  test('unknown names, and a folder without peers, are usage errors', () => {
    const path = join(file('few/peers.json', JSON.stringify([entry('right', 'right.cjs')])), '..');
    const unknown = bptt(['bench', '--quick', '--peers-folder', path, '--peers', 'wrong']);
    expect([unknown.status, unknown.stderr]).toEqual([2, 'bptt: unknown peer wrong; expected right\n']);
    const none = bptt(['bench', '--quick', '--peers-folder', folder, '--peers']);
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringContaining(`--peers-folder ${folder} has no peers.json`),
    ]);
  });
});

test('suites that do not exist are named', () => {
  const { status, stderr } = bptt(['bench', '--suite', 'gemm,speed']);
  expect([status, stderr]).toEqual([2, expect.stringContaining('Unknown suite speed; expected gemm, layer')]);
});

describe('statistics', () => {
  test('quantiles are interpolated', () => {
    expect([0, 0.5, 0.95, 1].map((q) => quantile([4, 1, 3, 2], q))).toEqual([1, 2.5, 3.8499999999999996, 4]);
    expect(quantile([7], 0.95)).toBe(7);
  });

  test('the slope of memory, in KiB per 1,000 steps', () => {
    const points = [1000, 2000, 4000].map((step) => ({ step, rss: 50 + step / 2000 }));
    expect(slopeOf(points)).toBeCloseTo(512, 9);
    expect(slopeOf([{ step: 5, rss: 3 }])).toBe(0);
  });

  const row = (p50: number, p95: number, metric: Row['metric'] = 'tokens/s'): Row => {
    return {
      suite: 'tagger',
      case: 'train-b1-gru',
      system: 'bptt',
      version: '1',
      backend: 'b',
      threads: 1,
      metric,
      p50,
      p95,
    };
  };

  test('a file that is not a result is refused', () => {
    for (const text of ['no JSON', '{}', '{"machine":{},"rows":[{"case":"x"}]}', 'null']) {
      expect(() => readResult(file('bad.json', text))).toThrow(DataError);
    }
    expect(bptt([...QUICK, '--against', join(folder, 'bad.json')]).status).toBe(65);
    for (const [args, status, message] of [
      [['--against', 'gone.json'], 65, /gone\.json: there is no such file/],
      [['--kernel', 'gone.mjs'], 2, /--kernel gone\.mjs: there is no such file/],
      [['--plot', 'gone/x.svg'], 1, /cannot write gone\/x\.svg/],
      [['--case', 'nothing-like-it'], 2, /--case .*nothing-like-it: no timed case/],
    ] as const) {
      const answer = bptt([
        ...(status === 2 && args[0] === '--case' ? ['bench', '--quick', '--no-peers', '--suite', 'cold'] : QUICK),
        ...args,
      ]);
      expect([answer.status, answer.stderr]).toEqual([status, expect.stringMatching(message)]);
    }
  });

  test('the table without a peak', () => {
    const machine = { cpu: 'c', cores: 2, memoryGiB: 3, os: 'o', node: 'n', v8: 'v', bptt: 'b', peak: null };
    const shown = describeResult({ machine, rows: [row(1234.5, 1000), { ...row(617.25, 3.14159), system: 'other' }] });
    expect(shown).toContain('no WebAssembly SIMD');
    expect(shown).toMatch(/ 1,235 +1,000$/m);
    expect(shown).toMatch(/ other .* 617 +3\.14 +0\.50×$/m);
    const slow = describeResult({ machine, rows: [row(100, 90), { ...row(0.25, 0.0375), system: 'slow' }] });
    expect(slow).toMatch(/ slow .* 0\.25 +0\.037 +0\.0025×$/m);
  });
});

test('the peak is measured', () => {
  expect(measurePeak(3)).toBeGreaterThan(0.1);
});

describe('--plot', () => {
  const machine = { cpu: 'a<b', cores: 2, memoryGiB: 3, os: 'o', node: 'n', v8: 'v', bptt: 'b', peak: 1 };
  const row = (name: string, system: string, p50: number) => {
    return {
      suite: 'gemm',
      case: name,
      system,
      version: '1',
      backend: 'b',
      threads: 1,
      metric: 'GFLOP/s',
      p50,
      p95: p50,
    } as Row;
  };

  test('draws a line per system through its points, in order', () => {
    const rows = [
      row('addMatmul-64x64x64', 'bptt', 20),
      row('addMatmul-32x32x32', 'bptt', 10),
      row('addMatmul-32x32x32', 'mine', 5),
    ];
    const others = [row('addMatmul-32x100x400', 'bptt', 1), row('addMatmulTA-32x32x32', 'bptt', 1)];
    const svg = plot({ machine, rows: [...rows, ...others] });
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg.match(/stroke-width="2"/g)).toHaveLength(4); // two lines, two marks in the legend
    expect(svg).toContain('a&#60;b');
    const [, x1, y1, x2, y2] = /d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/.exec(svg)!.map(Number);
    expect([x1 < x2, y1 > y2]).toEqual([true, true]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('is well-formed XML, also with a single point and with none', () => {
    for (const rows of [[row('addMatmul-32x32x32', 'bptt', 10)], []]) {
      const path = file('plot.svg', plot({ machine, rows }));
      expect(tagsOf(readFileSync(path, 'utf8'))).toEqual([]);
    }
  });

  test('is written by the command', () => {
    const path = join(folder, 'out.svg');
    expect(bptt([...QUICK, '--plot', path]).status).toBe(0);
    expect(readFileSync(path, 'utf8')).toContain('Product of square matrices');
  });
});

/** Elements left open, or closed without having been opened. */
function tagsOf(xml: string): string[] {
  const open: string[] = [];
  for (const [, closing, name, own] of xml.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (own === '/') continue;
    if (closing === '') open.push(name);
    else if (open.at(-1) === name) open.pop();
    else open.push(`/${name}`);
  }
  return open;
}

describe('taggers are checked before they are timed', () => {
  const problem = createProblem('gru', 3, { V: 11, E: 5, H: 4, K: 3, T: 6 });
  const reference = referenceOf(problem);
  const cpu = createCpuKernels();

  test('right ones pass, on both backends', async () => {
    for (const kernels of [cpu, await createWasmKernels()]) {
      expect(inferenceFault(kernels, problem, reference)).toBeUndefined();
      expect(trainingFault(kernels, problem, reference)).toBeUndefined();
    }
  });

  test('a wrong product is found in the logits, a wrong gradient by its name', () => {
    const half: Kernels = {
      ...cpu,
      addMatmul: (out, a, b) => cpu.addMatmul(out, { ...a, data: a.data.map((x) => x / 2) }, b),
    };
    expect(inferenceFault(half, problem, reference)).toMatch(/^logits differ from the cpu backend in float64 by /);
    const noInputGradient: Kernels = { ...cpu, addMatmulTB: () => undefined };
    expect(trainingFault(noInputGradient, problem, reference)).toMatch(/^gradients of encoders\.words\.weight differ/);
    const noWeightGradient: Kernels = { ...cpu, addMatmulTA: () => undefined };
    expect(trainingFault(noWeightGradient, problem, reference)).toMatch(/^gradients of .*W.* differ/);
  });

  test('so are those that read characters too', async () => {
    const spelled = createProblem('lstm', 2, { V: 11, E: 5, H: 4, K: 3, T: 4 }, true);
    const right = referenceOf(spelled);
    for (const kernels of [cpu, await createWasmKernels()]) {
      expect(inferenceFault(kernels, spelled, right)).toBeUndefined();
      expect(trainingFault(kernels, spelled, right)).toBeUndefined();
    }
    const unscattered: Kernels = { ...cpu, rows: { ...cpu.rows, scatterAdd: () => undefined } };
    expect(trainingFault(unscattered, spelled, right)).toMatch(/^gradients of encoders\.words\.weight differ/);
    expect(spelled.spellings).toHaveLength(11);
  });

  test('an update learns, and leaves the problem as it was', () => {
    const before = problem.params.heads.labels.W.data.slice();
    const trainer = createTrainer(cpu, problem);
    const losses = Array.from({ length: 20 }, () => trainer.step(0));
    expect(losses[19]).toBeLessThan(losses[0]);
    expect(problem.params.heads.labels.W.data).toEqual(before);
  });
});
