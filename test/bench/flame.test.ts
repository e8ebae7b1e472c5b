/** `bptt bench --flame`: a CPU profile in the form that DevTools opens, with the functions of this package. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CpuProfile } from '../../src/bench/flame';
import { heaviest, openFlame } from '../../src/bench/flame';
import type { Contestant, Race } from '../../src/bench/types';
import { bptt } from '../support/cli';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bptt-flame-'))));
afterAll(() => rmSync(folder, { recursive: true }));
const CPU = ['bench', '--quick', '--backend', 'cpu', '--suite', 'tagger'];

test('a profile of one case: nodes, samples, times, and names of our functions', () => {
  const path = join(folder, 'train.cpuprofile');
  const { status, stdout, stderr } = bptt([...CPU, '--case', 'train-b1-rnn', '--flame', path]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^train-b1-rnn +bptt-cpu /m);
  expect(stdout).not.toContain('bptt-dense-adam');
  expect(stderr).toMatch(
    /train\.cpuprofile: tagger train-b1-rnn of bptt-cpu, \d+ samples, most in .+; open it in the Performance panel/,
  );
  const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile;
  expect(Object.keys(profile).sort()).toEqual(['endTime', 'nodes', 'samples', 'startTime', 'timeDeltas']);
  expect(profile.endTime).toBeGreaterThan(profile.startTime);
  expect(profile.samples.length).toBeGreaterThan(3);
  expect(profile.timeDeltas).toHaveLength(profile.samples.length);
  const ids = new Set(profile.nodes.map(({ id }) => id));
  expect(profile.samples.every((id) => ids.has(id))).toBe(true);
  expect(profile.nodes.flatMap(({ children = [] }) => children).every((id) => ids.has(id))).toBe(true);
  const names = profile.nodes.map(({ callFrame }) => callFrame.functionName);
  for (const name of ['addShardGradient', 'runForward', 'runBackward']) expect(names).toContain(name);
  expect(profile.nodes.some(({ callFrame }) => callFrame.url.endsWith('/autograd/unroll.js'))).toBe(true);
});

test('usage: one case, named in full; no peers, kernels or earlier programs beside it', () => {
  const path = join(folder, 'none.cpuprofile');
  for (const cases of [[], ['--case', 'train-b1-rnn', '--case', 'infer-b1-rnn']]) {
    const { status, stderr } = bptt([...CPU, ...cases, '--flame', path]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('profiles one case; give its full name')]);
  }
  const part = bptt([...CPU, '--case', 'b1-rnn', '--flame', path]);
  expect([part.status, part.stderr]).toEqual([2, expect.stringContaining('--case b1-rnn: no timed case')]);
  for (const option of ['--peers', '--browser', '--against=x', '--kernel=x.mjs', '--ladder']) {
    expect([option, bptt([...CPU, '--case', 'train-b1-rnn', '--flame', path, option]).status]).toEqual([option, 2]);
  }
  const apart = bptt(['bench', '--quick', '--suite', 'cold', '--case', 'all', '--flame', path]);
  expect([apart.status, apart.stderr]).toEqual([
    1,
    expect.stringContaining('--flame: nothing was sampled; profile a case of gemm'),
  ]);
  expect(existsSync(path)).toBe(false);
});

test('one contestant runs alone; the others are closed', async () => {
  const closed: string[] = [];
  const who = (system: string) => ({ system, close: () => void closed.push(system) }) as unknown as Contestant;
  const flame = await openFlame();
  const { contestants } = await flame.joined({ contestants: ['a', 'b', 'c'].map(who) } as unknown as Race);
  flame.close();
  expect([contestants.map(({ system }) => system), closed, flame.profile()]).toEqual([['a'], ['b', 'c'], undefined]);
});

test('the heaviest functions are those whose samples took longest, without the profiler itself', () => {
  const node = (id: number, functionName: string) => ({ id, callFrame: { functionName, url: '', lineNumber: 0 } });
  const profile = {
    nodes: [node(1, '(root)'), node(2, 'dispatch'), node(3, 'gates'), node(4, ''), node(5, 'gates')],
    samples: [2, 3, 4, 5, 3],
    timeDeltas: [1000, 10, 60, 20, 10],
    startTime: 0,
    endTime: 1100,
  };
  expect(heaviest(profile, 2)).toEqual([
    { name: '(anonymous)', share: 0.6 },
    { name: 'gates', share: 0.4 },
  ]);
  expect(heaviest({ ...profile, samples: [], timeDeltas: [] }, 2)).toEqual([]);
});
