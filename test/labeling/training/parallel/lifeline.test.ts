/** Web workers that end without an event: both sides of the lock that tells, on a `navigator.locks` made for the purpose. */
import { createCpuKernels } from '../../../../src/kernels/index.js';
import { generateCorpus } from '../../../../src/labeling/data/corpus.js';
import { stop } from '../../../../src/labeling/training/parallel/barrier.js';
import { createSharedJob } from '../../../../src/labeling/training/parallel/job.js';
import { holdLifeline, newLifeline } from '../../../../src/labeling/training/parallel/lifeline.js';
import type { StartMessage, WorkerMessage } from '../../../../src/labeling/training/parallel/messages.js';
import { serveTraining } from '../../../../src/labeling/training/parallel/serve.js';
import { webThreads } from '../../../../src/labeling/training/parallel/web.js';
import type { WebWorker } from '../../../../src/labeling/training/parallel/web.js';
import { train } from '../../../../src/labeling/training/train.js';
import { WorkerError } from '../../../../src/tensor/errors.js';

const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
const setNavigator = (value: object): void =>
  void Object.defineProperty(globalThis, 'navigator', { value, configurable: true });

afterEach(() => {
  if (own) Object.defineProperty(globalThis, 'navigator', own);
  else Reflect.deleteProperty(globalThis, 'navigator');
});

const corpora = { train: generateCorpus({ sentences: 23, seed: 12, maxPhrases: 1 }) };
const trainOn = (open: () => WebWorker) =>
  train(createCpuKernels(), corpora, { embedding: 6, hidden: 7, epochs: 2, batch: 16, threads: webThreads(2, open) });

/** The event loop, once around: everything that was already granted or posted has come. */
const around = () => new Promise((resolve) => setImmediate(resolve));

describe('a worker that ends without a word', () => {
  test('is a WorkerError of the training', async () => {
    const locks = installLocks();
    const worker = silentWorker(locks);
    await expect(trainOn(() => worker)).rejects.toThrow(WorkerError);
    await expect(trainOn(() => silentWorker(locks))).rejects.toThrow(
      /^thread 2 of 2 ended: it ended without a message;/,
    );
    expect(worker.said).toEqual(['held', 'ready']);
    expect(locks.waiting()).toBe(0);
  });

  test('is reported once; one that lives, or was ended by `terminate`, is not', async () => {
    const locks = installLocks();
    const [ends, lives, terminated] = [0, 1, 2].map(() => {
      const handle = webThreads(2, () => holdingWorker(locks)).start();
      const onEnd = jest.fn();
      handle.listen(() => undefined, onEnd);
      handle.post({ lifeline: handle.lifeline });
      return { handle, onEnd };
    });
    await around();
    locks.endHolder(ends.handle.lifeline!);
    await terminated.handle.terminate();
    await around();
    expect(ends.onEnd.mock.calls).toEqual([['it ended without a message']]);
    expect(lives.onEnd).not.toHaveBeenCalled();
    expect(terminated.onEnd).not.toHaveBeenCalled();
    expect(locks.waiting()).toBe(1); // for the one that lives: the end of the terminated one was granted, and kept quiet
  });
});

describe('the lock', () => {
  test('is not given back', async () => {
    const locks = installLocks();
    expect(await holdLifeline('mine')).toBe(true);
    const second = jest.fn(async () => undefined);
    void locks.request('mine', second);
    await around();
    expect(second).not.toHaveBeenCalled();
    locks.endHolder('mine');
    await around();
    expect(second).toHaveBeenCalledTimes(1);
  });

  test('has a name of its own for every worker', () => {
    installLocks();
    const names = Array.from({ length: 50 }, newLifeline);
    expect(new Set(names).size).toBe(50);
    expect(names[0]).toMatch(/^bptt-worker-./);
  });

  test.each([
    ['there are none', {}],
    ['the origin may not have them', { locks: { request: () => Promise.reject(new Error('SecurityError')) } }],
  ])('is done without where %s: all else is as ever', async (_, navigator) => {
    setNavigator(navigator);
    expect(await holdLifeline('mine')).toBe(false);
    const worker = silentWorker({ endHolder: () => undefined });
    const training = trainOn(() => worker);
    await worker.closed;
    expect(worker.said).toEqual(['ready']);
    worker.fail('out of memory');
    await expect(training).rejects.toThrow('thread 2 of 2 ended: out of memory');
  });
});

/** What a browser's locks do: one holder per name, the others in line; and what becomes of them when a holder's thread ends. */
function installLocks() {
  type Request = { readonly whileHeld: () => Promise<void>; readonly done: (value?: unknown) => void };
  const lines = new Map<string, Request[]>();
  const grant = (name: string): void => {
    const [first] = lines.get(name)!;
    if (first)
      void Promise.resolve()
        .then(first.whileHeld)
        .then(() => leave(name, first));
  };
  const leave = (name: string, request: Request): void => {
    const line = lines.get(name)!;
    if (line[0] !== request) return;
    line.shift();
    request.done();
    grant(name);
  };
  const locks = {
    request: (name: string, whileHeld: () => Promise<void>) =>
      new Promise((done) => {
        const line = lines.get(name) ?? [];
        lines.set(name, line);
        if (line.push({ whileHeld, done }) === 1) grant(name);
      }),
    endHolder: (name: string): void => leave(name, lines.get(name)![0]),
    /** Requests that are not granted yet. */
    waiting: (): number => [...lines.values()].reduce((sum, line) => sum + Math.max(0, line.length - 1), 0),
  };
  setNavigator({ locks });
  return locks;
}

type Ending = Pick<ReturnType<typeof installLocks>, 'endHolder'>;

/** The listeners of a worker, and a way to call them. */
function listeners() {
  const all: Record<string, ((event: { data?: unknown; message?: string }) => void)[]> = {};
  return {
    addEventListener: (kind: string, listener: (typeof all)[string][number]) => void (all[kind] ??= []).push(listener),
    emit: (kind: string, event: { data?: unknown; message?: string }) => all[kind]?.forEach((each) => each(event)),
  };
}

/** A worker that takes its lock, says so, and lives. */
function holdingWorker({ endHolder }: Ending): WebWorker {
  const { addEventListener, emit } = listeners();
  let lifeline = '';
  return {
    addEventListener,
    postMessage: (message) => {
      lifeline = (message as StartMessage).lifeline!;
      void holdLifeline(lifeline).then(() => emit('message', { data: { kind: 'held', lifeline } }));
    },
    terminate: () => endHolder(lifeline),
  };
}

/**
 * The worker's real side in this thread, which must not block: its team is a dissolved one, so it is ready, closes itself,
 * and ends while thread 0 waits for its gradient.
 */
function silentWorker({ endHolder }: Ending) {
  const { addEventListener, emit } = listeners();
  const said: string[] = [];
  let begin: (message: unknown) => void;
  let lifeline: string | undefined;
  let hasClosed: () => void;
  const closed = new Promise<void>((resolve) => (hasClosed = resolve));
  serveTraining({
    post: (message) => {
      said.push((message as WorkerMessage).kind);
      emit('message', { data: message });
    },
    listen: (onMessage) => void (begin = onMessage),
    close: () =>
      void setImmediate(() => {
        if (lifeline !== undefined) endHolder(lifeline);
        hasClosed();
      }),
  });
  return {
    addEventListener,
    said,
    closed,
    fail: (message: string) => emit('error', { message }),
    postMessage: (message: unknown) => {
      const start = message as StartMessage;
      const sharedJob = createSharedJob(start.threads, start.plan.settings.batch, 1);
      stop(sharedJob.control);
      lifeline = start.lifeline;
      begin({ ...start, sharedJob: sharedJob.buffer });
    },
    terminate: () => undefined,
  };
}
