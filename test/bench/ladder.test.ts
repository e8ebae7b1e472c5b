/** The ladder of `bptt bench --ladder`: its rungs, its checks, its arithmetic and its pictures. Nothing is timed. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { headerOf, listRungs } from '../../src/bench/ladder/files';
import { faultOfStates, layerOperandsOf } from '../../src/bench/ladder/layer';
import { faultOfFirst, judge, operandsOf, workOf } from '../../src/bench/ladder/product';
import { raceRungs } from '../../src/bench/ladder/race';
import { roofOf, rowsOf } from '../../src/bench/ladder/rows';
import { drawLadder } from '../../src/bench/ladder/staircase';
import { describeLadder, markdownLadder, measuredLine } from '../../src/bench/ladder/text';
import type { LadderResult, ProductRung } from '../../src/bench/ladder/types';
import { bptt } from '../support/cli';

const FOLDER = resolve(__dirname, '../../bench/ladder');
const names = readdirSync(FOLDER).filter((name) => /^\d\d.*\.(js|ts)$/.test(name));
const textOf = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const MEASURED = JSON.parse(textOf('measured.json')) as LadderResult;

describe('the rungs of the clone', () => {
  test('are those of the plan, in order', () => {
    expect(names.map((name) => name.slice(0, -3))).toEqual([
      ...['01-triple-loop', '02-loop-order', '03-blocking', '04-typed-views', '05-wasm-scalar', '06-simd-dot'],
      ...['07-outer-product-tile', '08-packing', '09-cache-blocks', '10-fused-scan', '11-threads'],
      ...['12-gpu-naive', '13-gpu-tiled'],
    ]);
  });

  test.each(names)(
    '%s: at most 120 lines, a header that says what changes, what was predicted and what was measured',
    (name) => {
      const text = textOf(name);
      expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(120);
      const header = /^\/\*\*[^]*?\*\//.exec(text)![0];
      expect(header).toMatch(new RegExp(`^/\\*\\*\\n \\* Rung ${Number(name.slice(0, 2))}: [^.]+\\.`));
      for (const paragraph of ['Changes', 'Predicted', 'Measured'])
        expect(header).toMatch(new RegExp(`^ \\* ${paragraph} +\\S`, 'm'));
      expect(header).toMatch(
        /Measured +(\d[\d.]*×: )?[\d.]+ GFLOP\/s(, [\d.]+ % of the roof)? \(`bptt bench --ladder`|Measured +not here: /,
      );
    },
  );

  test('are listed with titles and predictions', () => {
    const rungs = listRungs();
    expect(rungs.map(({ name }) => `${name}`)).toEqual(names.map((name) => name.slice(0, -3)));
    expect(rungs[4]).toMatchObject({ title: 'WebAssembly scalar', predicted: 3 });
    expect(rungs[11].title).toBe('gpu.js naive');
  });
});

describe('bptt bench --ladder', () => {
  const { status, stdout, stderr } = bptt(['bench', '--ladder', '--quick', '--json'], { env: { DISPLAY: '' } });
  const result = JSON.parse(stdout) as LadderResult;

  test('runs every rung, finds each right and says which machine it cannot have', () => {
    expect([status, result.refused]).toEqual([0, []]);
    expect(result.rows.map(({ rung }) => rung)).toEqual([
      ...names.slice(0, 9).map(stem),
      'stepwise',
      '10-fused-scan',
      '11-threads',
    ]);
    expect(result.rows.map(({ checked }) => checked)).toEqual([
      ...[
        'reference',
        'same bits',
        'same bits',
        'same bits',
        'same bits',
        'within its bound',
        'same bits',
        'same bits',
        'same bits',
      ],
      ...['reference', 'same bits', 'same bits'],
    ]);
    expect(result.skipped.map(({ rung, reason }) => [rung, reason.startsWith('gpu.js ')])).toEqual([
      ['12-gpu-naive', true],
      ['13-gpu-tiled', true],
    ]);
    expect(stderr).not.toContain('wrong');
  });

  test('has gains over the rung before, in the same work, and roofs', () => {
    const over = result.rows.map((row) => row.over);
    expect(over).toEqual([undefined, ...names.slice(0, 8).map(stem), undefined, 'stepwise', '10-fused-scan']);
    for (const row of result.rows) {
      expect(row.ms / Math.min(...row.turns)).toBeCloseTo(1, 3);
      expect(row.gflops).toBeCloseTo(result.work[row.work].operations / row.ms / 1e6, 6);
      expect(row.share).toBeGreaterThan(0);
    }
  });
});

const stem = (name: string): string => name.slice(0, -3);

describe('a folder of rungs', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-ladder-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) => bptt(['bench', '--ladder', folder, '--quick', ...args], { env: { DISPLAY: '' } });
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const borrow = (name: string) => copyFileSync(join(FOLDER, name), join(folder, name));
  const spoil = (name: string, from: string | RegExp, to: string, as = name) => {
    const text = textOf(name);
    expect(text.replace(from, to)).not.toBe(text);
    put(as, text.replace(from, to));
  };

  test('a broken rung is refused and named with its first wrong element; the others are timed', () => {
    borrow('01-triple-loop.js');
    spoil('02-loop-order.js', '+= Math.fround(x * y)', '+= x * y', '02-unrounded.js');
    spoil('03-blocking.js', 'x2 * b.data', 'x1 * b.data');
    spoil('04-typed-views.js', 'k < K; k++', 'k < K - 1; k++');
    put('05-throws.js', 'export function addMatmul() { throw new RangeError("no such size"); }');
    put('06-empty.js', 'export const x = 1;');
    put('07-syntax.js', 'export function (');
    spoil('02-loop-order.js', 'Rung 2: loop order', 'Rung 8: again', '08-again.js');
    const { status, stdout, stderr } = run();
    expect(status).toBe(1);
    expect(stdout).toMatch(/^01 plain triple loop .* against float64/m);
    expect(stdout).toMatch(/^08 again .* same bits/m);
    expect(stdout).not.toMatch(/^0[2-7] /m);
    for (const name of ['02-unrounded', '03-blocking', '04-typed-views', '05-throws', '06-empty', '07-syntax']) {
      expect(stdout).toMatch(new RegExp(`^refused ${name}: `, 'm'));
      expect(stderr).toContain(`refused ${name}: `);
    }
    expect(stdout).toMatch(
      /^refused 02-unrounded: differs from rung 1 at \d+×\d+×\d+: element \(\d+, \d+\) is [-\d.]+, not [-\d.]+;/m,
    );
    expect(stdout).toMatch(/^refused 05-throws: RangeError: no such size$/m);
    expect(stdout).toMatch(/^refused 06-empty: it exports none of addMatmul, openProduct and openLstm/m);
  });

  test('another order of summation must be declared, and stay within its bound', () => {
    borrow('01-triple-loop.js');
    const backwards = (factor: string, more: string) => `${more}
      export function addMatmul(out, a, b) {
        const [[M, K], [, N]] = [a.shape, b.shape];
        for (let i = 0; i < M; i++)
          for (let j = 0; j < N; j++) {
            let sum = 0;
            for (let k = K - 1; k >= 0; k--) sum = Math.fround(sum + Math.fround(a.data[i * K + k] * b.data[k * N + j]));
            out.data[i * N + j] += ${factor}sum;
          }
      }`;
    put('02-undeclared.js', backwards('', ''));
    put('03-declared.js', backwards('', 'export const roundings = (K) => K + 1;'));
    put('04-far.js', backwards('1.001 * ', 'export const roundings = (K) => K + 1;'));
    put('05-anything.js', backwards('2 * ', 'export const roundings = () => Infinity;'));
    const { status, stdout } = run();
    expect(status).toBe(1);
    expect(stdout).toMatch(/^refused 02-undeclared: .* keep the order of each sum, or export roundings\(K\)$/m);
    expect(stdout).toMatch(/^03 declared .* within its bound/m);
    expect(stdout).toMatch(/^refused 04-far: differs from rung 1 .* allowed ±\d/m);
    expect(stdout).toMatch(/^refused 05-anything: /m);
  });

  test('a WebAssembly rung that does not compile, one that is wrong, and a layer that is', () => {
    for (const name of [
      '01-triple-loop.js',
      '05-wasm-scalar.ts',
      '07-outer-product-tile.ts',
      '08-packing.ts',
      'stepwise.js',
    ])
      borrow(name);
    put('06-broken.ts', 'export function multiply(M: i32): void { return M + ; }');
    spoil(
      '07-outer-product-tile.ts',
      'c31 = f32x4.add(c31, f32x4.mul(x, b1))',
      'c31 = f32x4.add(c31, f32x4.mul(x, b0))',
      '09-swapped.ts',
    );
    const assembly = resolve(FOLDER, '../../assembly');
    mkdirSync(join(folder, 'assembly'));
    for (const name of ['lanes.ts', 'math.ts']) copyFileSync(join(assembly, name), join(folder, 'assembly', name));
    const layer = textOf('10-fused-scan.ts').replaceAll('../../assembly/', './assembly/');
    put('10-fused-scan.ts', layer);
    put('11-wrong-gate.ts', layer.replace('const g = tanh4', 'const g = sigmoid4'));
    const { status, stdout } = run();
    expect(status).toBe(1);
    expect(stdout).toMatch(/^refused 06-broken: it does not compile: ERROR/m);
    expect(stdout).toMatch(/^refused 09-swapped: differs from rung 1 at /m);
    expect(stdout).toMatch(/^10 fused scan .* same bits/m);
    expect(stdout).toMatch(
      /^refused 11-wrong-gate: differs from its twin at T=3 B=5 H=6: h, step 1, sequence 0, unit 0 is /m,
    );
  });

  test('a first rung that is wrong ends the command, for all others are held to it', () => {
    spoil('01-triple-loop.js', 'k < K', 'k < K - 1');
    borrow('02-loop-order.js');
    const { status, stdout, stderr } = run();
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /01-triple-loop, the first rung, differs from the sum in float64 at 1×1×1: element \(0, 0\)/,
    );
  });

  test('usage: an empty folder, options of suites, several sizes; --case leaves rungs out, never the first', () => {
    expect(run()).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/has no rungs; pass a folder with files such as 01-/),
    });
    borrow('01-triple-loop.js');
    borrow('02-loop-order.js');
    borrow('03-blocking.js');
    for (const option of [
      ['--suite', 'gemm'],
      ['--kernel', 'x.mjs'],
      ['--plot', 'x.svg'],
      ['--steps', '3'],
      ['--csv'],
      ['--no-peers'],
    ]) {
      expect([option[0], run(...option).status]).toEqual([option[0], 2]);
    }
    expect(run('--sizes', '4,5')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--ladder times one product; --sizes names 2'),
    });
    expect(bptt(['bench', '--svg', 'x.svg'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('needs --ladder or --history'),
    });
    const { rows } = JSON.parse(run('--case', 'block', '--sizes', '5x6x7', '--json').stdout) as LadderResult;
    expect(rows.map(({ rung, over, predicted }) => [rung, over, predicted])).toEqual([
      ['01-triple-loop', undefined, undefined],
      ['03-blocking', '01-triple-loop', undefined],
    ]);
  });

  test('--svg writes the picture', () => {
    borrow('01-triple-loop.js');
    const path = join(folder, 'ladder.svg');
    expect(run('--svg', path).status).toBe(0);
    expect(readFileSync(path, 'utf8')).toContain('01 plain triple loop');
    expect(run('--svg', '-')).toMatchObject({ status: 2 });
  });
});

test('without a clone, rungs are refused by name with the reason', () => {
  expect(() => listRungs(undefined, '/nowhere/at/all')).toThrow(
    /^--ladder: the rungs are part of a clone, not of the package, because /,
  );
  expect(() => listRungs('/nowhere/at/all')).toThrow('--ladder /nowhere/at/all has no rungs');
});

describe('judgement', () => {
  const rung = (roundings?: (K: number) => number) => ({ roundings }) as ProductRung;
  const size = [2, 3, 5] as const;
  const operands = operandsOf(size);
  const expected = operands.out.map((x, i) => {
    let sum = x;
    for (let k = 0; k < 3; k++)
      sum = Math.fround(sum + Math.fround(operands.a[Math.floor(i / 5) * 3 + k] * operands.b[k * 5 + (i % 5)]));
    return sum;
  });

  test('a sum in order passes, bit for bit; NaN and a short answer do not', () => {
    expect(faultOfFirst(size, operands, expected)).toBeUndefined();
    expect(judge(rung(), { size, ...operands, expected }, expected.slice())).toEqual({ checked: 'same bits' });
    const nan = expected.slice().fill(NaN, 7, 8);
    for (const roundings of [undefined, (K: number) => K]) {
      expect(judge(rung(roundings), { size, ...operands, expected }, nan)).toMatchObject({
        fault: expect.stringContaining('element (1, 2) is NaN'),
      });
      expect(judge(rung(roundings), { size, ...operands, expected }, new Float32Array(0))).toHaveProperty('fault');
    }
    expect(faultOfFirst(size, operands, nan)).toContain('element (1, 2) is NaN');
  });

  test('one unit in the last place is other bits, and within the bound of a few roundings', () => {
    const bits = new Int32Array(expected.slice().buffer);
    bits[3]++;
    const near = new Float32Array(bits.buffer);
    expect(judge(rung(), { size, ...operands, expected }, near)).toHaveProperty('fault');
    expect(
      judge(
        rung((K) => K + 1),
        { size, ...operands, expected },
        near,
      ),
    ).toEqual({ checked: 'within its bound' });
    for (const none of [0, -4, NaN, 2 ** 24])
      expect(
        judge(
          rung(() => none),
          { size, ...operands, expected },
          near.map((x) => x + 1),
        ),
      ).toHaveProperty('fault');
  });

  test('states are named by step, sequence and unit', () => {
    const sizes = { T: 2, B: 3, H: 4 };
    const { h, c } = layerOperandsOf(sizes);
    expect(h.slice(12).every((x) => x === 0)).toBe(true);
    expect(faultOfStates(sizes, { h, c }, { h, c })).toBeUndefined();
    const other = c.slice();
    other[(2 * 3 + 1) * 4 + 3] = 5;
    expect(faultOfStates(sizes, { h, c: other }, { h, c })).toContain('c, step 2, sequence 1, unit 3 is 5, not 0');
  });
});

describe('turns', () => {
  /** A clock that a call moves on. */
  const raced = async (costs: Record<string, number>, stopAfter = Infinity) => {
    let clock = 0;
    const order: string[] = [];
    const runners = Object.entries(costs).map(([name, ms]) => ({
      name,
      run: () => void (order.push(name), (clock += ms)),
    }));
    const turns = await raceRungs(
      runners,
      { turns: 4, leastTurns: 2, turnMs: 10, mostMs: 60 },
      { now: () => clock, progress: () => undefined, stopped: () => order.length >= stopAfter },
    );
    return { turns: Object.fromEntries(turns), order };
  };

  test('rungs alternate; a slow one has fewer turns, spread over those of the others', async () => {
    const { turns, order } = await raced({ quick: 5, slow: 30, slowest: 90 });
    expect(turns).toEqual({ quick: [5, 5, 5, 5], slow: [30, 30], slowest: [90, 90] });
    const q = ['quick', 'quick'];
    expect(order).toEqual(['slowest', 'slow', ...q, ...q, 'slowest', 'slow', ...q, ...q, 'slowest', 'slow', ...q]);
  });

  test('end where they are stopped', async () => {
    expect((await raced({ quick: 5, slow: 30 }, 3)).turns).toEqual({ quick: [], slow: [] });
  });
});

describe('rows', () => {
  const work = { product: workOf([10, 20, 30]), lstm: { sizes: { T: 1, B: 1, H: 1 }, operations: 8e6, intensity: 2 } };
  const measured = (rung: string, turns: number[], more: object = {}) =>
    ({ rung, title: rung, work: 'product', checked: 'same bits', threads: 1, turns, ...more }) as const;

  test('the fastest turn, gains within one work, roofs of threads and none of devices', () => {
    expect(work.product).toEqual({
      sizes: { M: 10, K: 20, N: 30 },
      operations: 12000,
      intensity: 12000 / (4 * (200 + 600 + 600)),
    });
    const list = [
      measured('01-a', [4, 2, 3]),
      measured('02-none', []),
      measured('03-b', [1, 5]),
      measured('10-c', [4], { work: 'lstm', threads: 2 }),
      measured('12-d', [2], { device: 'a card' }),
    ];
    const rows = rowsOf(list, work, { peak: 3, bandwidth: 2 });
    expect(rows.map(({ rung, ms, gain, over }) => [rung, ms, gain, over])).toEqual([
      ['01-a', 2, undefined, undefined],
      ['03-b', 1, 2, '01-a'],
      ['10-c', 4, undefined, undefined],
      ['12-d', 2, 0.5, '03-b'],
    ]);
    expect(rows[0].gflops).toBeCloseTo(0.006, 12);
    expect(rows.map(({ share }) => share)).toEqual(
      [0.006 / 3, 0.012 / 3, 2 / 4, undefined].map((x) => x && expect.closeTo(x, 9)),
    );
    expect(rowsOf(list, work, { peak: null })[0]).not.toHaveProperty('share');
  });

  test('the roof is the memory where there are few operations per byte', () => {
    expect(roofOf({ peak: 40, bandwidth: 10 }, { ...work.lstm, intensity: 3 })).toBe(30);
    expect(roofOf({ peak: 40, bandwidth: 10 }, { ...work.lstm, intensity: 5 })).toBe(40);
    expect(roofOf({ peak: 40 }, { ...work.lstm, intensity: 5 }, 2)).toBe(80);
    expect(roofOf({ peak: null }, work.lstm)).toBeUndefined();
  });

  test('headers: a title up to its period and a space, a factor, or neither', () => {
    expect(headerOf('/**\n * Rung 12: gpu.js naive. More.\n *\n * Predicted  1.5×. Why.\n */', '12-x.js')).toEqual({
      title: 'gpu.js naive',
      predicted: 1.5,
    });
    expect(headerOf('/**\n * Rung 3: a\n */', '03-two-words.ts')).toEqual({ title: 'two words' });
    expect(headerOf('code', '03-two-words.ts')).toEqual({ title: 'two words' });
  });
});

describe('what is shown of a run', () => {
  test('the table: a line per rung, bars that grow with the rate, what was left out', () => {
    const text = describeLadder({
      ...MEASURED,
      refused: [{ rung: '07b-mine', reason: 'differs' }],
      skipped: [{ rung: '12-x', reason: 'no device' }],
    });
    const bars = text.split('\n').flatMap((line) => /█+$/.exec(line)?.[0].length ?? []);
    expect(bars).toHaveLength(MEASURED.rows.length);
    const sorted = MEASURED.rows.map(({ gflops }, i) => ({ gflops, bar: bars[i] })).sort((x, y) => x.gflops - y.gflops);
    expect(sorted.map(({ bar }) => bar)).toEqual(sorted.map(({ bar }) => bar).sort((x, y) => x - y));
    expect(text).toMatch(/^01 plain triple loop /m);
    expect(text.split('\n').slice(-2)).toEqual(['refused 07b-mine: differs', 'skipped 12-x: no device']);
    expect(describeLadder({ ...MEASURED, machine: { ...MEASURED.machine, peak: null } })).toContain(
      'no WebAssembly SIMD',
    );
  });

  test('Markdown and the line of a header', () => {
    const lines = markdownLadder(MEASURED).split('\n');
    expect(lines[0]).toBe('| rung | what | GFLOP/s | gain | predicted | of roof | checked |');
    expect(lines.filter((line) => line.startsWith('|'))).toHaveLength(MEASURED.rows.length + 2);
    const row = { ...MEASURED.rows[1], gain: 2.345, gflops: 0.7123, share: 0.01456, device: undefined };
    expect(measuredLine({ ...MEASURED, date: '2026-01-02', load: [3.4, 5] }, row)).toMatch(
      /^2\.3×: 0\.71 GFLOP\/s, 1\.5 % of the roof \(`bptt bench --ladder`, .+, Node [\d.]+, 2026-01-02, load 3\)\.$/,
    );
  });

  test('the picture: a step and a point per rung, the roof, both schemes', () => {
    const svg = drawLadder(MEASURED);
    expect(svg.match(/<circle /g)).toHaveLength(MEASURED.rows.length);
    expect(svg.match(/stroke-width="2.5"/g)!.length).toBeGreaterThanOrEqual(MEASURED.rows.length);
    expect(svg).toContain('@media(prefers-color-scheme:dark)');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const heights = [...svg.matchAll(/<circle cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => Number(y));
    const rates = MEASURED.rows.map(({ gflops }) => gflops);
    const rank = (values: number[]) => values.map((x) => values.filter((y) => y < x).length);
    expect(rank(heights.map((y) => -y))).toEqual(rank(rates));
    expect(drawLadder({ ...MEASURED, machine: { ...MEASURED.machine, peak: null } })).not.toContain('class="roof"');
  });
});
