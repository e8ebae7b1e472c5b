/** `bptt bench --record` and `--history`: kept runs, their form, trends over releases. Numbers are given; nothing is timed for its speed. */
import Ajv from 'ajv';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Kept } from '../../src/bench/history';
import {
  compareVersions,
  fileNameOf,
  keep,
  machineName,
  readHistory,
  readKept,
  trendsOf,
} from '../../src/bench/history';
import type { Result } from '../../src/bench/report';
import type { Row } from '../../src/bench/types';
import { describeHistory, drawHistory } from '../../src/cli/bench/history';
import { bptt } from '../support/cli';

const HISTORY = resolve(__dirname, '../../bench/history');
const schema = JSON.parse(readFileSync(resolve(HISTORY, '../history.schema.json'), 'utf8')) as object;
const files = readdirSync(HISTORY);
const valid = new Ajv().compile(schema);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-history-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const MACHINE: Result['machine'] = {
  ...{
    cpu: 'A <fast> CPU',
    cores: 4,
    memoryGiB: 8,
    os: 'linux x64 6',
    node: '20.1.2',
    v8: '11',
    bptt: '0.1.0',
    peak: 40,
  },
};
const row = (p50: number, more: Partial<Row> = {}): Row => ({
  ...{ suite: 'tagger', case: 'train-b32-lstm', system: 'bptt', version: '0.1.0', backend: 'wasm-simd', threads: 1 },
  ...{
    metric: 'tokens/s',
    p50,
    p95: p50,
    turns: [1, 1.01, 0.99, 1.02, 0.98, 1, 1].map((x) => x * p50),
    pace: Array<number>(7).fill(40),
  },
  ...more,
});
const kept = (bptt: string, rows: Row[], load = 0.3, machine: object = {}): Kept =>
  keep({ machine: { ...MACHINE, ...machine, bptt }, rows }, '2026-01-02', [0.1, load]);
const put = (file: Kept) => writeFileSync(join(folder, fileNameOf(file.machine)), JSON.stringify(file));

describe('what is kept', () => {
  test.each(files)('%s has the form of the schema and the name of its release and machine', (name) => {
    const file = JSON.parse(readFileSync(join(HISTORY, name), 'utf8')) as Kept;
    valid(file);
    expect(valid.errors).toBeNull();
    expect(readKept(join(HISTORY, name))).toEqual(file);
    expect(fileNameOf(file.machine)).toBe(name);
    expect(file.rows.some(({ turns }) => (turns?.length ?? 0) >= 5)).toBe(true);
  });

  const good = JSON.parse(JSON.stringify(kept('0.1.0', [row(5)]))) as Record<string, never> & Kept;
  test.each<[string, object]>([
    ['another format', { ...good, format: 2 }],
    ['no day', { ...good, recorded: { load: [1, 2] } }],
    ['a day in words', { ...good, recorded: { date: 'today', load: [1, 2] } }],
    ['one load', { ...good, recorded: { date: '2026-01-02', load: [1] } }],
    ['a load below 0', { ...good, recorded: { date: '2026-01-02', load: [1, -2] } }],
    ['no release', { ...good, machine: { ...good.machine, bptt: undefined } }],
    ['half a core', { ...good, machine: { ...good.machine, cores: 0.5 } }],
    ['a row without a median', { ...good, rows: [{ ...good.rows[0], p50: undefined }] }],
    ['rows that are words', { ...good, rows: ['fast'] }],
    ['no rows', { ...good, rows: undefined }],
  ])('%s is refused, by the schema and by the command', (_, value) => {
    expect(valid(good)).toBe(true);
    const text = JSON.stringify(value);
    expect(valid(JSON.parse(text))).toBe(false);
    writeFileSync(join(folder, 'bad.json'), text);
    expect(() => readKept(join(folder, 'bad.json'))).toThrow(
      /bad\.json (is not a recorded run|has no machine and rows)/,
    );
    expect(bptt(['bench', '--history', folder]).status).toBe(65);
  });

  test('names: one per release and machine', () => {
    expect(machineName(MACHINE)).toBe('A <fast> CPU, 4 cores, Node 20');
    expect(fileNameOf(MACHINE)).toBe('0.1.0-a-fast-cpu-4-cores-node-20.json');
    expect(fileNameOf({ ...MACHINE, cpu: 'Intel(R) Xeon(R) 5', cores: 1 })).toBe(
      '0.1.0-intel-xeon-5-1-core-node-20.json',
    );
  });

  test('releases are in order of their numbers, a pre-release before its release', () => {
    const versions = ['0.10.0', '0.2.0', '1.0.0', '1.0.0-rc.10', '0.2.1', '1.0.0-rc.9'];
    expect(versions.sort(compareVersions)).toEqual(['0.2.0', '0.2.1', '0.10.0', '1.0.0-rc.9', '1.0.0-rc.10', '1.0.0']);
    expect(compareVersions('1.2.3', '1.2.3')).toBe(0);
    for (const version of ['0.10.0', '0.9.0']) put(kept(version, [row(5)]));
    expect(readHistory(folder).map(({ machine }) => machine.bptt)).toEqual(['0.9.0', '0.10.0']);
  });
});

describe('trends', () => {
  const slow = { case: 'all', suite: 'cold', metric: 'ms' } as const;
  const history = [
    kept('0.1.0', [row(100), row(30, slow), row(7, { system: 'pytorch' })]),
    kept('0.2.0', [row(150), row(20, slow), row(9, { case: 'new' })], 12.5),
    kept('0.2.0', [row(1000)], 0, { cpu: 'Other' }),
    kept('0.3.0', [row(150.5), row(40, slow)]),
  ];

  test('by machine and case, our own rows alone, each release beside the one before with an interval', () => {
    const trends = trendsOf(history);
    expect(
      trends.map(({ machine, case: name, points }) => [machine.slice(0, 5), name, points.map(({ p50 }) => p50)]),
    ).toEqual([
      ['A <fa', 'train-b32-lstm', [100, 150, 150.5]],
      ['A <fa', 'all', [30, 20, 40]],
      ['A <fa', 'new', [9]],
      ['Other', 'train-b32-lstm', [1000]],
    ]);
    const [first, second, third] = trends[0].points;
    expect(first.toEarlier).toBeUndefined();
    expect(second.toEarlier).toMatchObject({ verdict: 'better', paired: false, ratio: expect.closeTo(1.5, 6) });
    expect(second.toEarlier!.low).toBeGreaterThan(1.4);
    expect(second.toEarlier!.high).toBeLessThan(1.6);
    expect(third.toEarlier!.verdict).toBe('no difference');
    expect(trends[1].points[2].toEarlier!.verdict).toBe('worse');
    expect(trendsOf(history, (name) => name === 'new')).toHaveLength(1);
  });

  test('as a table: a machine each, releases as columns, a curve, runs beside other programs marked', () => {
    const text = describeHistory(trendsOf(history));
    const lines = text.split('\n');
    expect(lines[0]).toBe('A <fast> CPU, 4 cores, Node 20');
    expect(lines[1]).toMatch(/^case +system +metric +0\.1\.0 +0\.2\.0\* +0\.3\.0 +all +last by the one before$/);
    expect(lines[2]).toMatch(
      /^tagger train-b32-lstm +bptt +tokens\/s +100 +150 +151 +▁[▇█]█ +1\.00× \[0\.\d\d, 1\.\d\d\] no difference$/,
    );
    expect(lines[3]).toMatch(/^cold all +bptt +ms +30\.0 +20\.0 +40\.0 +▅▁█ +2\.00× \[.*\] worse$/);
    expect(lines[4]).toMatch(/^tagger new +bptt +tokens\/s +9\.00 /);
    expect(text).toContain('* 0.2.0: other programs ran, load 12.5');
    expect(text).toContain('\n\nOther, 4 cores, Node 20\n');
  });

  test('as a picture: a chart per machine and suite, speeds by the first release, a ring where other programs ran', () => {
    const svg = drawHistory(trendsOf(history));
    expect(svg).toContain('tagger: A &#60;fast&#62; CPU');
    expect(svg).toContain('cold: A &#60;fast&#62; CPU');
    expect(svg.match(/class="ring"\/>/g)).toHaveLength(3);
    expect(svg).toContain('train-b32-lstm bptt 1.50×');
    expect(svg).toContain('all bptt 0.75×');
    expect(svg).not.toMatch(/NaN|undefined/);
    const many = trendsOf([
      kept(
        '0.1.0',
        Array.from({ length: 43 }, (_, i) => row(i + 1, { case: `c${i}` })),
      ),
    ]);
    expect(() => drawHistory(many)).toThrow('43 cases cannot be told apart in one picture');
  });
});

describe('bptt bench', () => {
  const QUICK = [
    'bench',
    '--suite',
    'gemm',
    '--backend',
    'cpu',
    '--no-peers',
    '--sizes',
    '4x3x2',
    '--case',
    'addMatmul-',
    '--time',
    '60',
  ];

  test('--record writes a file that --history shows and --against compares with, intervals included', () => {
    const path = join(folder, 'new/history');
    const { status, stderr } = bptt([...QUICK, '--record', path]);
    expect([status, readdirSync(path).length]).toEqual([0, 1]);
    const [name] = readdirSync(path);
    expect(stderr).toContain(`${join(path, name)}: 1 row kept`);
    const file = readKept(join(path, name));
    valid(file);
    expect(valid.errors).toBeNull();
    expect(file.rows[0].turns).toHaveLength(21);
    const shown = bptt(['bench', '--history', path]);
    expect([shown.status, shown.stdout]).toEqual([
      0,
      expect.stringMatching(/^gemm addMatmul-4x3x2 +bptt-cpu +GFLOP\/s /m),
    ]);
    const against = bptt([...QUICK, '--against', join(path, name), '--json']);
    const [{ toEarlier }] = (JSON.parse(against.stdout) as Result).rows;
    expect(Object.keys(toEarlier!)).toEqual(['ratio', 'low', 'high', 'verdict', 'paired']);
    const again = bptt([...QUICK, '--record', path]);
    expect(again.stderr).toContain('1 row kept, replacing the earlier run');
    expect(readdirSync(path)).toEqual([name]);
  });

  test('--history --svg and --json', () => {
    for (const version of ['0.1.0', '0.2.0']) put(kept(version, [row(5)]));
    const svg = join(tmpdir(), `bptt-history-${process.pid}.svg`);
    const { status, stdout } = bptt(['bench', '--history', folder, '--svg', svg, '--json']);
    const { trends } = JSON.parse(stdout) as { trends: ReturnType<typeof trendsOf> };
    expect([status, trends.length, trends[0].points.length]).toEqual([0, 1, 2]);
    expect(readFileSync(svg, 'utf8')).toContain('Speed over releases');
    rmSync(svg);
  });

  test('usage: no folder, an empty one, a case that none has, options of other modes', () => {
    expect(() => readHistory(undefined, '/nowhere')).toThrow(
      /^--history: the runs of earlier releases are part of a clone, not of the package/,
    );
    expect(bptt(['bench', '--history', join(folder, 'gone')])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('there is no such folder'),
    });
    expect(bptt(['bench', '--history', folder])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('has no runs; write one: bptt bench --record'),
    });
    put(kept('0.1.0', [row(5)]));
    expect(bptt(['bench', '--history', folder, '--case', 'x'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no recorded run has a case'),
    });
    for (const option of ['--suite=gemm', '--ladder', '--quick', '--csv', `--record=${folder}`]) {
      expect([option, bptt(['bench', '--history', folder, option]).status]).toEqual([option, 2]);
    }
    expect(bptt([...QUICK, '--quick', '--record', folder]).status).toBe(2);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(bptt([...QUICK, '--record', file])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('is not a folder'),
    });
  });

  test('the kept runs of the clone are shown', () => {
    mkdirSync(join(folder, 'copy'));
    cpSync(HISTORY, join(folder, 'copy'), { recursive: true });
    const { status, stdout } = bptt(['bench', '--history', '--case', 'train-b32-lstm']);
    expect([status, stdout]).toEqual([
      0,
      bptt(['bench', '--history', join(folder, 'copy'), '--case', 'train-b32-lstm']).stdout,
    ]);
    expect(stdout).toMatch(/^tagger train-b32-lstm +bptt +tokens\/s +\d+/m);
  });
});
