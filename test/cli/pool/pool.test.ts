/** Worker threads that run jobs: order, how many start, errors and their classes, threads that end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { receivedError, sentError } from '../../../src/cli/pool/errors.js';
import { inOrder } from '../../../src/cli/pool/in-order.js';
import { openPool } from '../../../src/cli/pool/pool.js';
import type { Pool } from '../../../src/cli/pool/pool.js';
import { ArgumentError, DataError, WorkerError } from '../../../src/tensor/errors.js';
import { moduleUrl } from '../../support/threads.js';

interface Job {
  readonly act: 'double' | 'data' | 'wrong' | 'type' | 'exit' | 'who' | 'meet' | 'memory' | 'uncopied';
  readonly x?: number;
  readonly shared?: SharedArrayBuffer;
}

/** A worker of the tests: `meet` waits until two jobs are there at once. */
const worker = () => `
import { threadId, workerData } from 'node:worker_threads';
import { serveJobs } from ${JSON.stringify(moduleUrl('cli/pool/serve-jobs.ts').href)};
import { DataError } from ${JSON.stringify(moduleUrl('tensor/errors.ts').href)};
serveJobs(async ({ factor, refuse }) => {
  if (refuse) throw new DataError('no such model');
  return ({ act, x, shared }) => {
    if (act === 'double') return x * factor;
    if (act === 'data') return workerData.factor;
    if (act === 'wrong') throw new DataError('line 3: wrong');
    if (act === 'type') return undefined.x;
    if (act === 'exit') process.exit(7);
    if (act === 'who') return threadId;
    if (act === 'uncopied') return () => 1;
    if (act === 'memory') { const kept = []; for (;;) kept.push(new Array(1e5).fill(kept.length + 0.5)); }
    const met = new Int32Array(shared);
    Atomics.add(met, 0, 1);
    Atomics.notify(met, 0);
    while (Atomics.load(met, 0) < 2) Atomics.wait(met, 0, 1);
    return threadId;
  };
});`;

let folder: string;
let program: URL;
const pools: { close(): Promise<void> }[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-pool-'));
  writeFileSync(join(folder, 'worker.mjs'), worker());
  program = pathToFileURL(join(folder, 'worker.mjs'));
});
afterEach(async () => {
  for (const each of pools.splice(0)) await each.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

function pool(
  size: number,
  more: { ahead?: number; beside?: number; refuse?: boolean; limit?: number } = {},
): Pool<Job, number> {
  const { ahead, beside, refuse = false, limit } = more;
  const resourceLimits = limit === undefined ? undefined : { maxOldGenerationSizeMb: limit };
  const made = openPool<object, Job, number>(program, {
    size,
    ahead,
    beside,
    data: { factor: 2, refuse },
    resourceLimits,
  });
  pools.push(made);
  return made;
}

test('jobs run on workers, each result goes to its own job', async () => {
  const { run } = pool(2, { ahead: 1 });
  const results = await Promise.all(Array.from({ length: 20 }, (_, x) => run({ act: 'double', x })));
  expect(results).toEqual(Array.from({ length: 20 }, (_, x) => 2 * x));
});

test('two jobs are at work at once on two workers', async () => {
  const { run } = pool(2);
  const shared = new SharedArrayBuffer(4);
  const [a, b] = await Promise.all([run({ act: 'meet', shared }), run({ act: 'meet', shared })]);
  expect(a).not.toBe(b);
});

test('a worker starts when none is free, and not before', async () => {
  const { run, ...rest } = pool(3);
  const one = await run({ act: 'who' });
  expect(await run({ act: 'who' })).toBe(one);
  expect(rest.size).toBe(3);
  const others = await Promise.all([run({ act: 'who' }), run({ act: 'who' })]);
  expect(new Set([one, ...others]).size).toBe(2);
});

test('start gets every worker ready', async () => {
  const made = pool(2);
  await made.start();
  expect(made.load).toBe(0);
  const both = [made.run({ act: 'double', x: 1 }), made.run({ act: 'double', x: 2 })];
  expect(made.load).toBe(2);
  expect(await Promise.all(both)).toEqual([2, 4]);
});

test('what a job throws keeps its class, and the worker goes on', async () => {
  const { run } = pool(1);
  await expect(run({ act: 'wrong' })).rejects.toThrow(new DataError('line 3: wrong'));
  await expect(run({ act: 'wrong' })).rejects.toBeInstanceOf(DataError);
  await expect(run({ act: 'type' })).rejects.toMatchObject({ name: 'TypeError' });
  await expect(run({ act: 'uncopied' })).rejects.toMatchObject({ name: 'DataCloneError' });
  await expect(run({ act: 'double', x: (() => 1) as never })).rejects.toMatchObject({ name: 'DataCloneError' });
  expect(await run({ act: 'double', x: 4 })).toBe(8);
});

test('a worker that ends fails its jobs; the next job gets another one', async () => {
  const { run } = pool(1, { ahead: 1 });
  const jobs = [run({ act: 'exit' }), run({ act: 'double', x: 1 })];
  const results = await Promise.allSettled(jobs);
  for (const each of results) {
    expect(each).toMatchObject({
      status: 'rejected',
      reason: new WorkerError('thread 1 of 1 failed: it exited with code 7'),
    });
  }
  expect(await run({ act: 'double', x: 5 })).toBe(10);
});

test('a worker that ends is named by its place among all threads, as is the one in its place', async () => {
  const { run } = pool(2, { beside: 1 });
  const shared = new SharedArrayBuffer(4);
  const meeting = run({ act: 'meet', shared }); // keeps the first worker
  for (let i = 0; i < 2; i++) {
    await expect(run({ act: 'exit' })).rejects.toThrow(new WorkerError('thread 3 of 3 failed: it exited with code 7'));
  }
  await Promise.all([meeting, run({ act: 'meet', shared })]);
  await expect(run({ act: 'exit' })).rejects.toThrow(/^thread [23] of 3 failed/);
});

test('a worker that has no memory left is named, with what to do', async () => {
  const { run } = pool(1, { limit: 16 });
  const failure = /^thread 1 of 1 failed: .*memory.*: use fewer threads, or raise Node's --max-old-space-size$/;
  await expect(run({ act: 'memory' })).rejects.toThrow(failure);
});

test('a worker that cannot get ready says why, to start and to jobs', async () => {
  const { run, start } = pool(2, { refuse: true });
  await expect(start()).rejects.toThrow(new DataError('no such model'));
  await expect(run({ act: 'data' })).rejects.toBeInstanceOf(DataError);
});

test('close ends workers whatever they do; later jobs are refused', async () => {
  const made = pool(1);
  const jobs = [made.run({ act: 'meet', shared: new SharedArrayBuffer(4) }), made.run({ act: 'data' })]; // waits for ever
  const results = Promise.allSettled(jobs);
  await made.close();
  const closed = { status: 'rejected', reason: new WorkerError('the pool of worker threads is closed') };
  expect(await results).toEqual([closed, closed]);
  await expect(made.run({ act: 'data' })).rejects.toThrow('closed');
});

test('errors keep class and code from one thread to another', () => {
  const again = (error: unknown) => receivedError(sentError(error));
  expect(again(new ArgumentError('a'))).toBeInstanceOf(ArgumentError);
  expect(again(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toMatchObject({ message: 'gone', code: 'ENOENT' }); // prettier-ignore
  expect(again(new RangeError('r'))).toMatchObject({ name: 'RangeError', message: 'r' });
  expect(again('text')).toMatchObject({ name: 'Error', message: 'text' });
  expect(again(Object.assign(new Error('x'), { name: 'toString' }))).toMatchObject({ name: 'toString' });
});

/** Jobs that come when the test says so. */
async function* counted(n: number, taken: number[]): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) {
    taken.push(i);
    yield i;
  }
}

describe('results in order', () => {
  test('whichever job ends first, never more than so many at once', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 30 }),
        async (most, turns) => {
          let open = 0;
          let highest = 0;
          const run = async (i: number): Promise<number> => {
            highest = Math.max(highest, ++open);
            for (let t = 0; t < turns[i]; t++) await Promise.resolve();
            open--;
            return i;
          };
          const out: number[] = [];
          for await (const each of inOrder(counted(turns.length, []), run, most)) out.push(each);
          expect(out).toEqual(turns.map((_, i) => i));
          expect(highest).toBeLessThanOrEqual(most);
        },
      ),
      { numRuns: 200, seed: 3 },
    ));

  test('no job is taken while so many results are not', async () => {
    const taken: number[] = [];
    const results = inOrder(counted(50, taken), (i) => Promise.resolve(i), 4);
    await results.next();
    expect(taken.length).toBeLessThanOrEqual(5);
    await results.return(undefined);
  });

  test('a result is given while the next job is still on its way', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    async function* slow(): AsyncGenerator<number> {
      yield 1;
      await held;
      yield 2;
    }
    const results = inOrder(slow(), (i) => Promise.resolve(i), 3);
    expect(await results.next()).toEqual({ done: false, value: 1 });
    release();
    expect(await results.next()).toEqual({ done: false, value: 2 });
    expect(await results.next()).toMatchObject({ done: true });
  });

  test('an error of the input comes after the results of all before it; one of a job in its place', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      yield 2;
      throw new DataError('line 3');
    }
    const seen: number[] = [];
    const all = async (run: (i: number) => Promise<number>) => {
      for await (const each of inOrder(failing(), run, 4)) seen.push(each);
    };
    const late = async (i: number) => {
      for (let t = 0; t < 20; t++) await Promise.resolve();
      return i;
    };
    await expect(all(late)).rejects.toThrow('line 3');
    expect(seen).toEqual([1, 2]);
    await expect(all((i) => (i === 2 ? Promise.reject(new DataError('job 2')) : late(i)))).rejects.toThrow('job 2');
    expect(seen).toEqual([1, 2, 1]);
  });
});
