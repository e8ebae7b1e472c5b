/** The scripts of bench/ as commands: how they end where the command line, a file or the engine is not what they need. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { mainFile } from '../support/cli';

const FOLDER = resolve(__dirname, '../../bench');

function script(name: string, args: readonly string[], flags: readonly string[] = []) {
  const env = { ...process.env, BPTT_MODULES: dirname(dirname(mainFile())), NODE_OPTIONS: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, join(FOLDER, name), ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr };
}

test.each([
  'targets.js',
  'tile.js',
  'ladder-docs.js',
  'gpu-check.js',
  'taps.js',
  'budget.js',
  'gradbench.js',
  'serve.js',
  'ranks.js',
  'native-product.js',
])('%s: usage errors end with 2, help with 0', (name) => {
  expect(script(name, ['--wings'])).toEqual({ status: 2, stdout: '', stderr: "error: unknown option '--wings'\n" });
  expect(script(name, ['--help'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(`Usage: node bench/${name}`),
    stderr: '',
  });
});

test('serve.js compares every answer, and counts requests and tokens', () => {
  const { status, stdout, stderr } = script('serve.js', [
    '--workers',
    '1',
    '--clients',
    '3',
    '--requests',
    '7',
    '--json',
  ]);
  expect([status, stderr]).toEqual([0, '']);
  const { clients, rows } = JSON.parse(stdout) as { clients: number; rows: Readonly<Record<string, number>>[] };
  expect([clients, rows.length, rows[0].workers]).toEqual([3, 1, 1]);
  expect(rows[0].tokens).toBeGreaterThan(rows[0].requests);
  expect(rows[0].p99).toBeGreaterThanOrEqual(rows[0].p50);
});

test('ranks.js prints what the model says of the constants that are given', () => {
  const args = ['--bytes', '8e6', '--batch', '1000', '--bandwidth', '1e8', '--latency', '1e-3', '--per-update', '0.01', '--per-word', '1e-4', '--json']; // prettier-ignore
  const { status, stdout } = script('ranks.js', args);
  const { ranks, rows } = JSON.parse(stdout) as { ranks: number[]; rows: { rates: number[]; best: number }[] };
  expect([status, ranks, rows.length]).toEqual([0, [1, 2, 4, 8, 16, 32, 64], 1]);
  // four ranks: 0.01 + 0.1/4 of computing, 1.5 times the gradient at 0.08 s, 12 messages of a millisecond
  expect([rows[0].rates[0], rows[0].rates[2]]).toEqual([
    expect.closeTo(1000 / 0.11, 6),
    expect.closeTo(1000 / 0.167, 6),
  ]);
  expect(script('ranks.js', ['--batch', 'x'])).toMatchObject({ status: 2, stdout: '' });
});

test('taps.js finds the hook in this build', () => {
  expect(script('taps.js', ['--cut'])).toEqual({
    status: 0,
    stdout: 'the hook can be cut out of this build\n',
    stderr: '',
  });
});

test('budget.js counts the operations of every product and scan, and all phases add up to an update', () => {
  const { status, stdout } = script('budget.js', ['gru', '--batch', '2', '--updates', '1', '--json']);
  const { table, whole } = JSON.parse(stdout) as {
    table: { phase: string; seconds: number; flops: number; bytes: number; floor: number }[];
    whole: { seconds: number; flops: number };
  };
  expect(status).toBe(0);
  const flopsOf = (name: string) => table.find(({ phase }) => phase === name)?.flops;
  // Two sentences of 32 tokens; 100 inputs, 2 directions of 100 units with 3 gates, 17 labels.
  const [N, E, H, K] = [2 * 32, 100, 100, 17];
  // x·Wx, dX, dWx, dWh in two directions (a GRU sums the dWh of its new state by itself: in two products); y·W, dY, dW.
  expect(flopsOf('products')).toBeCloseTo(2 * 2 * N * (3 * E + H) * 3 * H + 3 * 2 * N * 2 * H * K, -2);
  expect(flopsOf('scan forward')).toBe(2 * 2 * N * H * 3 * H);
  expect(flopsOf('scan backward')).toBe(2 * 2 * N * H * 3 * H);
  expect(whole.flops).toBeCloseTo(
    table.reduce((sum, { flops }) => sum + flops, 0),
    3,
  );
  expect(table.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(whole.seconds, 9);
  expect(table.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['rows', 'softmax', 'clip', 'update']));
});

test('values that are not values are usage errors too', () => {
  for (const [name, ...args] of [
    ['targets.js', '--runs', '0'],
    ['ladder-docs.js', '--check', '--from', 'x'],
    ['gpu-check.js', '--sizes', '32,x'],
    ['budget.js', '--batch', '0'],
    ['budget.js', 'leaky'],
  ]) {
    const { status, stderr } = script(name, args);
    expect([name, status, stderr.match(/\n/g)?.length]).toEqual([name, 2, 1]);
  }
});

test('ladder-docs.js --check: page, picture and headers have the figures of the kept run', () => {
  expect(script('ladder-docs.js', ['--check'])).toEqual({ status: 0, stdout: '', stderr: '' });
  const { status, stderr } = script('ladder-docs.js', ['--from', join(FOLDER, 'peers/peers.json')]);
  expect([status, stderr]).toEqual([65, expect.stringContaining('has no rows; it must hold what bptt bench --ladder')]);
});

describe('targets.js --from', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-targets-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const RESULT = '{"machine":{"cpu":"a processor","peak":null},"rows":[]}';

  test.each([
    ['is missing', undefined, 'there is no such file'],
    ['is broken', '{"machine":', 'is not JSON'],
    ['is foreign', '{}', 'has no machine and rows'],
    ['is of another program', '[1, 2]', 'has no machine and rows'],
  ])('a file that %s', (_, text, reason) => {
    const [right, path] = [join(folder, 'right.json'), join(folder, 'run.json')];
    writeFileSync(right, RESULT);
    if (text !== undefined) writeFileSync(path, text);
    const { status, stdout, stderr } = script('targets.js', ['--from', `${right},${path}`]);
    expect([status, stdout, stderr.match(/\n/g)?.length]).toEqual([65, '', 1]);
    expect(stderr).toMatch(
      new RegExp(`^targets: ${path}:? ${reason}; it must be the output of bptt bench --json$`, 'm'),
    );
  });

  test('a folder', () => {
    const { status, stderr } = script('targets.js', ['--from', folder]);
    expect([status, stderr]).toEqual([65, expect.stringMatching(/^targets: \S+ is a folder; [^\n]+\n$/)]);
  });

  test('a run in which nothing was measured reaches no target', () => {
    const path = join(folder, 'right.json');
    writeFileSync(path, RESULT);
    const { status, stdout, stderr } = script('targets.js', ['--from', path]);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toContain('a processor');
    expect(stdout).toMatch(/\| not measured +\| no +\|/);
  });
});

test('tile.js --relaxed on an engine without relaxed SIMD names the flag', () => {
  const without = ['--import', 'data:text/javascript,WebAssembly.validate=()=>false'];
  const { status, stdout, stderr } = script('tile.js', ['--relaxed'], without);
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^tile: .* node --experimental-wasm-relaxed-simd bench\/tile\.js --relaxed\n$/);
});

describe('targets.js beside a library', () => {
  const row = (system: string, p50: number, fields: object) => ({
    ...{
      suite: 'layer',
      case: 'forward+backward-lstm-64x32x128x256',
      system,
      version: '1',
      backend: 'cpu',
      threads: 1,
    },
    ...{ metric: 'tokens/s', p50, p95: p50, ...fields },
  });
  const judged = (fields: object) => {
    const folder = mkdtempSync(join(tmpdir(), 'bptt-targets-'));
    try {
      const path = join(folder, 'run.json');
      const rows = [row('bptt', 10, {}), row('pytorch', 1, fields)];
      writeFileSync(path, JSON.stringify({ machine: { cpu: 'c', peak: null }, rows }));
      return script('targets.js', ['--from', path]).stdout;
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const target = (text: string) => text.split('\n').find((line) => line.startsWith('| 4 '));

  test('says which BLAS ran and on how many threads, and judges', () => {
    const text = judged({ blas: 'OpenBLAS 0.3.21 (libopenblasp-r0.3.21.so)', ran: 1 });
    expect(text).toContain('pytorch (1 thread): OpenBLAS 0.3.21 (libopenblasp-r0.3.21.so), at most 1 seen at work.');
    expect(target(text)).toMatch(/10\.00× +\| yes +\|$/);
  });

  test.each([
    ['the reference BLAS', { blas: 'reference BLAS 3.11.0 (libblas.so.3.11.0)', ran: 1 }],
    ['one that nobody knows', { blas: 'unknown BLAS' }],
    ['one of an earlier file that did not say', { backend: 'cpu (BLAS)' }],
  ])('does not judge beside %s, and names the package', (_, fields) => {
    const text = judged(fields);
    expect(target(text)).toMatch(/10\.00× +\| not judged +\|$/);
    expect(text).toMatch(/^Not judged, because pytorch ran on .*BLAS.*: .* apt-get install -y libopenblas0\.$/m);
  });
});
