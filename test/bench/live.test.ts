/** `bptt bench` while it runs: rows as they are finished, Ctrl-C, an earlier build in the race, kernels of other people. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CSV_HEAD, csvOf } from '../../src/bench/csv';
import type { Machine } from '../../src/bench/machine';
import { createProduct } from '../../src/bench/product';
import type { Result } from '../../src/bench/report';
import { createReport } from '../../src/bench/report';
import { checkKernel } from '../../src/bench/user-kernel-check';
import type { Row } from '../../src/bench/types';
import { createCpuKernels } from '../../src/kernels';
import type { Tensor } from '../../src/tensor';
import { bptt, mainFile } from '../support/cli';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-bench-live-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const CPU = ['bench', '--suite', 'gemm', '--backend', 'cpu'];
const row = (fields: Partial<Row> = {}): Row => ({
  ...{ suite: 'gemm', case: 'c', system: 'bptt', version: '1', backend: 'b', threads: 1, metric: 'GFLOP/s' },
  ...{ p50: 2, p95: 1, ...fields },
});
const machine: Machine = {
  ...{ cpu: 'c', cores: 2, memoryGiB: 3, os: 'o', node: 'n', v8: 'v', bptt: 'b', peak: 4 },
};

describe('Ctrl-C', () => {
  /** A peer that answers the first case, and instead of answering the second one interrupts the command. */
  const PEER = `
    process.stdout.write('{"system":"x","version":"9","backend":"theirs","threads":1}\\n');
    const f32 = (text) => { const b = Buffer.from(text, 'base64'); return new Float32Array(b.buffer, b.byteOffset, b.length / 4); };
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { op, product, size: [M, K, N] = [], a, b } = JSON.parse(line);
      if (op === 'prepare' && product !== 'addMatmul') return process.kill(process.ppid, process.env.SENT);
      if (op === 'sample') return process.stdout.write('{"ms":2,"cost":4}\\n');
      const [x, y, out] = [f32(a), f32(b), new Float32Array(M * N)];
      for (let i = 0; i < M; i++) for (let k = 0; k < K; k++) for (let j = 0; j < N; j++) out[i * N + j] += x[i * K + k] * y[k * N + j];
      process.stdout.write(JSON.stringify({ out: Buffer.from(out.buffer).toString('base64') }) + '\\n');
    });`;
  const run = (sent: string, ...args: string[]) => {
    const entry = { system: 'right', programs: ['node'], arguments: ['peer.cjs'], threads: 1, suites: ['gemm'] };
    const peers = dirname(file('peers/peers.json', JSON.stringify([entry])));
    file('peers/peer.cjs', PEER);
    return bptt([...CPU, '--quick', '--sizes', '32', '--peers-folder', peers, ...args], { env: { SENT: sent } });
  };

  test('prints the rows that are finished, and says how many cases they are', () => {
    const { status, stdout, stderr } = run('SIGINT');
    expect([status, stderr]).toEqual([130, 'bptt: interrupted; 1 case was finished and printed\n']);
    expect(stdout).toMatch(/^gemm\ncase .*\naddMatmul-32x32x32 +bptt-cpu .*\naddMatmul-32x32x32 +right .*\n$/m);
    expect(stdout).not.toContain('addMatmulTA');
  });

  test('prints the object of --json, which says so; another signal has its own status', () => {
    const { status, stdout } = run('SIGTERM', '--json');
    const result = JSON.parse(stdout) as Result;
    expect([status, result.interrupted]).toEqual([143, true]);
    expect(result.rows.map((each) => [each.case, each.system])).toEqual([
      ['addMatmul-32x32x32', 'bptt-cpu'],
      ['addMatmul-32x32x32', 'right'],
    ]);
  });
});

describe('--against a build', () => {
  const build = dirname(dirname(mainFile()));
  const run = (...args: string[]) => bptt([...CPU, '--no-peers', '--sizes', '8', '--against', build, ...args]);

  test('takes turns with it: its rows are named, and each of ours has an interval', () => {
    const { status, stdout } = run('--time', '40', '--json', '--fail-below', '0.0001');
    const { rows } = JSON.parse(stdout) as Result;
    expect(status).toBe(0);
    expect(rows.map((each) => each.system)).toEqual(new Array(3).fill(['bptt-cpu', 'earlier:bptt-cpu']).flat());
    for (const { toEarlier } of rows.filter((each) => each.system === 'bptt-cpu')) {
      expect(toEarlier).toMatchObject({ paired: true });
      expect(toEarlier!.low! <= toEarlier!.ratio && toEarlier!.ratio <= toEarlier!.high!).toBe(true);
    }
  });

  test('--fail-below fails what is slower, and where nothing can be told', () => {
    const slow = run('--time', '40', '--fail-below', '1e6');
    expect([slow.status, slow.stdout.match(/ bptt-cpu /g)?.length]).toEqual([1, 3]);
    expect(slow.stderr).toMatch(
      /^bptt: slower than 1000000× of the earlier program: gemm addMatmul-8x8x8 bptt-cpu at /m,
    );
    const quick = run('--quick', '--fail-below', '0.9');
    expect([quick.status, quick.stdout.includes('no interval')]).toEqual([1, true]);
    expect(quick.stderr).toMatch(/^bptt: --fail-below: no row has an interval; /m);
  });

  test('usage', () => {
    expect(bptt([...CPU, '--fail-below', '0.9'])).toMatchObject({
      status: 2,
      stderr: 'bptt: --fail-below 0.9 needs an earlier program: add --against FILE|FOLDER\n',
    });
    expect(bptt([...CPU, '--fail-below', '-1']).status).toBe(2);
    const other = dirname(dirname(file('other/bench/build.js', 'export const PAIRING = 0;')));
    file('other/package.json', '{"type":"module"}');
    expect(bptt([...CPU, '--no-peers', '--against', other])).toMatchObject({
      status: 65,
      stderr: expect.stringMatching(/has the timing interface 0; expected 1; rebuild it or pass the JSON/),
    });
  });
});

describe('kernels of other people', () => {
  const LOOP = `for (let i = 0; i < a.shape[0]; i++)
    for (let j = 0; j < b.shape[1]; j++)
      for (let k = 0; k < a.shape[1]; k++)
        out.data[out.offset + i * out.stride[0] + j] += a.data[a.offset + i * a.stride[0] + k] * b.data[b.offset + k * b.stride[0] + j];`;

  test('several, one with memory of its own and one that prints, leave --csv whole', () => {
    const plain = file('one/mine.mjs', `export function addMatmul(out, a, b) { ${LOOP} }`);
    const owner = file(
      'two/mine.mjs',
      `const heap = new Float32Array(4096); let used = 0; let given = new Set();
       export function allocate(shape) {
         const x = { data: heap, shape, stride: [shape[1], 1], offset: used };
         used += shape[0] * shape[1]; given.add(x);
         return x;
       }
       export function release() { used = 0; given.clear(); console.log('released'); }
       export function addMatmul(out, a, b) {
         if (![out, a, b].every((x) => given.has(x))) throw new Error('not mine');
         process.stdout.write('busy\\n'); ${LOOP}
       }`,
    );
    const { status, stdout, stderr } = bptt([
      ...[...CPU, '--no-peers', '--quick', '--csv', '--sizes', '4x3x2,4×3×2,5'],
      ...['--kernel', plain, '--kernel', owner],
    ]);
    expect([status, stderr.includes('busy'), stderr.match(/^released$/gm)?.length]).toEqual([0, true, 2]);
    const lines = stdout.split('\r\n');
    expect([lines[0], lines.at(-1)]).toEqual([CSV_HEAD, '']);
    expect(lines.slice(1, -1).map((line) => line.split(',').slice(1, 3))).toEqual([
      ...['bptt-cpu', 'mine.mjs', owner].map((system) => ['addMatmul-4x3x2', system]),
      ...['addMatmulTA-4x3x2', 'addMatmulTB-4x3x2'].map((name) => [name, 'bptt-cpu']),
      ...['bptt-cpu', 'mine.mjs', owner].map((system) => ['addMatmul-5x5x5', system]),
      ...['addMatmulTA-5x5x5', 'addMatmulTB-5x5x5'].map((name) => [name, 'bptt-cpu']),
    ]);
  });

  test('one that ends the process, in a call or later, does not end it, and the object of --json is whole', () => {
    const leave = file('leave.mjs', 'export function addMatmul() { process.exit(0); }');
    const later = file(
      'later.mjs',
      `console.log('loaded'); setTimeout(process.exit, 0); setTimeout(() => { throw new Error('stray'); }, 0);
       export function addMatmul(out, a, b) { ${LOOP} }`,
    );
    const args = [...CPU, '--no-peers', '--quick', '--json', '--sizes', '4', '--kernel', leave, '--kernel', later];
    const { status, stdout, stderr } = bptt(args);
    expect((JSON.parse(stdout) as Result).rows.map((each) => each.system)).toContain('later.mjs');
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('leave.mjs is wrong and was not timed: throws BpttError'),
    ]);
    expect(stderr).toContain('called process.exit(0), which would end the run');
    expect(stderr).toContain('a --kernel threw Error: stray outside any call');
  });

  describe('that never return', () => {
    /** Kernels of which one product sends a signal in one of its calls, and loops for ever. The first call is the check. */
    const stuck = (product: string, call: number, signal: string) =>
      file(
        `${signal}-${product}-${call}.mjs`,
        `let calls = 0;
         function wait() { process.kill(process.pid, '${signal}'); try { for (;;); } catch {} finally { for (;;); } }
         export function addMatmul(out, a, b) { ${LOOP} }
         export function addMatmulTA(out, a, b) {
           if ('${product}' === 'addMatmulTA' && ++calls === ${call}) wait();
           for (let i = 0; i < a.shape[1]; i++)
             for (let j = 0; j < b.shape[1]; j++)
               for (let k = 0; k < a.shape[0]; k++)
                 out.data[out.offset + i * out.stride[0] + j] += a.data[a.offset + k * a.stride[0] + i] * b.data[b.offset + k * b.stride[0] + j];
         }
         export function release() { if ('${product}' === 'release' && ++calls === ${call}) wait(); }`,
      );
    const run = (kernel: string, ...args: string[]) =>
      bptt([...CPU, '--no-peers', '--quick', '--sizes', '4', '--kernel', kernel, ...args]);

    test.each([
      ['while it is checked', 'addMatmulTA', 1],
      ['while it is timed', 'addMatmulTA', 5],
      ['while it takes its memory back', 'release', 2],
    ])('Ctrl-C %s ends it, and what there is is printed', (_, product, call) => {
      const { status, stdout, stderr } = run(stuck(product, call, 'SIGINT'), '--json');
      const { interrupted, rows } = JSON.parse(stdout) as Result;
      expect([status, interrupted]).toEqual([130, true]);
      expect(stderr).toBe('bptt: interrupted; 1 case was finished and printed\n');
      expect(rows.map((each) => [each.case, each.system])).toEqual([
        ['addMatmul-4x4x4', 'bptt-cpu'],
        ['addMatmul-4x4x4', `SIGINT-${product}-${call}.mjs`],
      ]);
    });

    test('another signal ends the process, whose rows are printed by then', () => {
      const { status, stdout } = run(stuck('addMatmulTA', 5, 'SIGTERM'));
      expect(status).toBeNull();
      expect(stdout).toMatch(/^addMatmul-4x4x4 +SIGTERM-addMatmulTA-5\.mjs .*\n$/m);
    });

    test('Ctrl-C while a module is loaded ends the process', () => {
      const path = file('loading.mjs', `process.kill(process.pid, 'SIGINT'); for (;;);`);
      expect(run(path)).toMatchObject({ status: null, stdout: '' });
    });
  });

  test('one that leaves a timer, and throws when the process ends, changes nothing after the results', () => {
    const path = file(
      'lasting.mjs',
      `setInterval(() => undefined, 1000);
       process.on('exit', () => { console.log('late'); throw new Error('at the end'); });
       export function addMatmul(out, a, b) { ${LOOP} }`,
    );
    const args = [...CPU, '--no-peers', '--quick', '--json', '--sizes', '4', '--kernel'];
    const { status, stdout, stderr } = bptt([...args, path]);
    expect([status, stderr]).toEqual([0, 'late\n']);
    expect((JSON.parse(stdout) as Result).rows.map((each) => each.system)).toContain('lasting.mjs');
    const wrong = file('wrong.mjs', `setInterval(() => undefined, 1000); export function addMatmul() {}`);
    expect(bptt([...args, wrong])).toMatchObject({ status: 1, stderr: expect.stringMatching(/^bptt: .*wrong.mjs/m) });
  });

  test('usage: the same one twice, sizes that are none', () => {
    const path = file('mine.mjs', 'export function addMatmul() {}');
    expect(bptt([...CPU, '--no-peers', '--kernel', path, '--kernel', path])).toMatchObject({
      status: 2,
      stderr: `bptt: --kernel ${path} is given twice; give it once\n`,
    });
    for (const sizes of ['3x4', '0', '2x-1x3', 'a', '1.5', '', '100000']) {
      const { status, stderr } = bptt([...CPU, '--sizes', sizes]);
      expect([sizes, status, stderr.match(/\n/g)?.length]).toEqual([sizes, 2, 1]);
    }
    const none = bptt(['bench', '--suite', 'cold', '--sizes', '4']);
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('--sizes applies only to the suite gemm')]);
    expect(bptt([...CPU, '--csv', '--json']).status).toBe(2);
  });

  test.each([
    ['nothing', () => undefined, 'must return {data, shape, stride, offset} whose data is a Float32Array'],
    ['float64', (s: number[]) => view(s, { data: new Float64Array(99) }), 'whose data is a Float32Array'],
    ['no memory', (s: number[]) => view(s, { data: new Float32Array(0) }), 'has lost its memory'],
    ['another shape', (s: number[]) => view(s, { shape: [s[1], s[0]] }), 'must have shape [3, 5]; it has [5,3]'],
    ['columns', (s: number[]) => view(s, { stride: [1, s[0]] }), 'must lie row by row, stride [5, 1]'],
    ['too far', (s: number[]) => view(s, { offset: 90 }), 'must have an offset at which 15 elements fit'],
    ['one place', (s: number[]) => view(s), 'overlaps another matrix'],
  ])('memory that is %s is refused', (_, allocate, reason) => {
    const kernel = createCpuKernels().addMatmul;
    const released = jest.fn();
    const act = () =>
      checkKernel(kernel, createProduct('addMatmul', 3, 4, 5), { allocate: allocate as never, release: released });
    expect(act).toThrow(reason);
    expect(released).toHaveBeenCalledTimes(1);
  });

  const SHARED = new Float32Array(99);
  const view = (shape: readonly number[], fields: Partial<Tensor> = {}): Tensor =>
    ({ data: SHARED, shape, stride: [shape[1], 1], offset: 0, ...fields }) as Tensor;
});

describe('a report that grows', () => {
  test('shows each case under the columns of its suite, and what libraries ran on below it', () => {
    const report = createReport(machine);
    const reference = 'reference BLAS 3.11.0 (libblas.so.3.11.0)';
    const first = report.add([row(), row({ system: 'pytorch', blas: reference, threads: 2, ran: 1 })]).split('\n');
    expect(first.slice(0, 2)).toEqual(['', 'gemm']);
    expect(first[2]).toMatch(/^case +system +version +backend +threads/);
    expect(first[4]).toMatch(/ pytorch .* 2 \(1 ran\) /);
    expect(report.add([row({ case: 'd' })])).toMatch(/^d +bptt [^\n]+$/);
    const next = report.add([row({ suite: 'cold', metric: 'ms' })]).split('\n');
    expect(next[0]).toBe(
      `pytorch: b with ${reference}: plain loops, not a fair measure of that system; install another BLAS, on Debian: apt-get install -y libopenblas0`,
    );
    expect(next.slice(1, 3)).toEqual(['', 'cold']);
    expect(report.end()).toBe('');
  });

  test('commas, quotes and line ends in CSV', () => {
    const [line] = csvOf([
      row({ system: 'a,"b"\n', toEarlier: { ratio: 2, low: 1, high: 3, verdict: 'unclear', paired: false } }),
    ]).split('\r\n');
    expect(line).toBe('gemm,c,"a,""b""\n",1,b,1,,GFLOP/s,2,1,,,,,2,1,3,unclear');
  });
});
