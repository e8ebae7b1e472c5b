/** Training on several threads: the bits, the fallbacks, and threads that end. */
import { Worker } from 'node:worker_threads';
import type { Kernels } from '../../../../src/kernels/index.js';
import { createCpuKernels, createWasmKernels } from '../../../../src/kernels/index.js';
import { generateCorpus } from '../../../../src/labeling/data/corpus.js';
import { evaluate } from '../../../../src/labeling/scoring/evaluate.js';
import { saveModel } from '../../../../src/labeling/model/file.js';
import type { TrainOptions } from '../../../../src/labeling/training/options.js';
import { chooseThreads, sharingObstacle } from '../../../../src/labeling/training/parallel/threads.js';
import type { ThreadChoice, Threads, WorkerHandle } from '../../../../src/labeling/training/parallel/threads.js';
import { nodeThreads } from '../../../../src/labeling/training/parallel/threads.node.js';
import { webThreads } from '../../../../src/labeling/training/parallel/web.js';
import type { WebWorker } from '../../../../src/labeling/training/parallel/web.js';
import type { TrainHooks, TrainResult } from '../../../../src/labeling/training/record.js';
import { train } from '../../../../src/labeling/training/train.js';
import { ArgumentError, NonFiniteError, WorkerError } from '../../../../src/tensor/errors.js';
import { moduleUrl, threads, watchedThreads } from '../../../support/threads.js';

const cpu = createCpuKernels();
const corpus = generateCorpus({ sentences: 130, seed: 12, maxPhrases: 1 });
const corpora = { train: corpus.slice(0, 101), dev: corpus.slice(101) }; // batches of 16, and one of 5
const small: TrainOptions = { embedding: 6, hidden: 7, epochs: 2, lr: 0.02, dropout: 0.2, wordDropout: 0.1, batch: 16 };
const run = (options: TrainOptions, hooks?: TrainHooks, kernels: Kernels = cpu) =>
  train(kernels, corpora, { ...small, ...options }, hooks);
const bytes = async (options: TrainOptions, kernels?: Kernels) =>
  saveModel((await run(options, undefined, kernels)).model);

describe('the bits', () => {
  test('same seed and same number of threads: the same model, twice; another number, another model', async () => {
    const two = await bytes({ threads: threads(2) });
    expect(await bytes({ threads: threads(2) })).toEqual(two);
    const three = await bytes({ threads: threads(3) });
    expect(await bytes({ threads: threads(3) })).toEqual(three);
    expect(three).not.toEqual(two);
  });

  test('one thread is a training without the option', async () => {
    expect(await bytes({ threads: threads(1) })).toEqual(await bytes({}));
  });

  test('sentence labels train on one thread and on two, each with its own bits', async () => {
    const label = (s: (typeof corpus)[number]) => ({
      ...s,
      category: s.labels?.includes('PRON') ? 'action' : 'clause',
    });
    const labeled = { train: corpora.train.map(label), dev: corpora.dev.map(label) };
    const classify = (n: number) =>
      train(cpu, labeled, { ...small, task: 'classify', pooling: 'attention', threads: threads(n) });
    const [one, two, again] = [await classify(1), await classify(2), await classify(2)];
    expect([one.threads, two.threads]).toEqual([1, 2]);
    expect(saveModel(two.model)).toEqual(saveModel(again.model));
    expect(saveModel(two.model)).not.toEqual(saveModel(one.model));
    for (const { dev } of [one, two]) expect(dev?.accuracy).toBeGreaterThan(0.9);
  });

  test('in WebAssembly too', async () => {
    const wasm = await createWasmKernels();
    const two = await bytes({ threads: threads(2) }, wasm);
    expect(await bytes({ threads: threads(2) }, wasm)).toEqual(two);
    wasm.dispose();
  });

  test('web workers give what threads of Node give', async () => {
    expect(await bytes({ threads: webThreads(2, openWebWorker) })).toEqual(await bytes({ threads: threads(2) }));
  });

  // Another dropout would move the losses by far more than rounding does, as another seed shows.
  test.each([2, 3])('the losses of an epoch on %i threads are those of one, but for rounding', async (count) => {
    const noisy = { dropout: 0.5, wordDropout: 0.3, layers: 2, clip: 0.6 };
    const [one, more] = [await run(noisy), await run({ ...noisy, threads: threads(count) })];
    expect(more.threads).toBe(count);
    more.history.forEach(({ loss, gradientNorm, largestGradientNorm }, i) => {
      expect(loss).toBeCloseTo(one.history[i].loss, 4);
      expect(gradientNorm).toBeCloseTo(one.history[i].gradientNorm, 4);
      expect(largestGradientNorm).toBeCloseTo(one.history[i].largestGradientNorm, 4);
    });
    expect(more.dev!.tokens).toBe(one.dev!.tokens);
    const other = await run({ ...noisy, seed: 2 });
    expect(Math.abs(other.history[0].loss - one.history[0].loss)).toBeGreaterThan(1e-2);
  });
});

describe('fewer threads than asked for, with a reason', () => {
  const chosen = async (options: TrainOptions, kernels?: Kernels): Promise<[ThreadChoice, TrainResult]> => {
    const choices: ThreadChoice[] = [];
    const result = await run({ ...options, epochs: 1 }, { onThreads: (choice) => choices.push(choice) }, kernels);
    expect(choices).toHaveLength(1);
    return [choices[0], result];
  };

  test('without shared memory, as in a page that is not isolated', async () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'SharedArrayBuffer')!;
    try {
      Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
      const [choice, { threads: count }] = await chosen({ threads: threads(2) });
      expect(choice).toEqual({ threads: 1, reason: expect.stringMatching(/SharedArrayBuffer.*Opener-Policy/) });
      expect(count).toBe(1);
    } finally {
      Object.defineProperty(globalThis, 'SharedArrayBuffer', own);
    }
    expect(sharingObstacle()).toBeUndefined();
  });

  test('on a backend that a worker cannot open for itself', async () => {
    const [choice] = await chosen({ threads: threads(2) }, { ...cpu, backend: 'gpu.js:gpu' });
    expect(choice).toEqual({ threads: 1, reason: expect.stringContaining('gpu.js:gpu runs on one thread only') });
  });

  test('with batches of fewer sentences', async () => {
    const [choice, { threads: count }] = await chosen({ threads: threads(3), batch: 2 });
    expect(choice).toEqual({ threads: 2, reason: 'a batch of 2 sentences uses no more threads' });
    expect(count).toBe(2);
    expect(chooseThreads(threads(3), cpu, 1).reason).toBe('a batch of 1 sentence uses no more threads');
  });

  test('no reason where there is none to give', async () => {
    expect(chooseThreads(undefined, cpu, 8)).toEqual({ threads: 1 });
    expect(chooseThreads(threads(1), cpu, 8)).toEqual({ threads: 1 });
    expect((await chosen({ threads: threads(2) }))[0]).toEqual({ threads: 2 });
  });

  test.each([0, 1.5, NaN])('a count of %p is refused', async (count) => {
    expect(() => nodeThreads(count)).toThrow(ArgumentError);
    expect(() => webThreads(count, openWebWorker)).toThrow(ArgumentError);
    await expect(run({ threads: { ...threads(2), count } })).rejects.toThrow(ArgumentError);
  });
});

describe('a thread that ends', () => {
  test('in mid-training is an error that names it; the best weights so far are handed over', async () => {
    const team = watchedThreads(3);
    const rescued: TrainResult[] = [];
    const training = run(
      { threads: team, epochs: 9 },
      {
        onProgress: ({ epoch, tokens, totalTokens }) => {
          if (epoch === 2 && tokens < totalTokens) void team.workers[1].terminate();
        },
        onRescue: (result, error) => {
          expect(error).toBeInstanceOf(WorkerError);
          rescued.push(result);
        },
      },
    );
    await expect(training).rejects.toThrow(WorkerError);
    await expect(training).rejects.toThrow(/^thread 3 of 3 ended: it exited with code 1; train again/);
    expect(rescued).toHaveLength(1);
    expect(rescued[0]).toMatchObject({ bestEpoch: 1, epochs: 2, interrupted: true, test: null, threads: 3 });
    const { model } = await run({ threads: threads(3), epochs: 1 });
    expect(saveModel(rescued[0].model)).toEqual(saveModel(model));
  });

  test('in the first epoch leaves the weights as they stand', async () => {
    const team = watchedThreads(2);
    const rescued: TrainResult[] = [];
    const hooks = {
      onProgress: () => void team.workers[0].terminate(),
      onRescue: (r: TrainResult) => void rescued.push(r),
    };
    await expect(run({ threads: team }, hooks)).rejects.toThrow(WorkerError);
    expect(rescued[0]).toMatchObject({ bestEpoch: 0, dev: null, history: [] });
    expect(evaluate(cpu, rescued[0].model, corpora.dev).tokens).toBeGreaterThan(0);
  });

  test('or never starts: nothing is rescued, nothing keeps running', async () => {
    const onRescue = jest.fn();
    const gone = nodeThreads(2, { module: moduleUrl('labeling/training/parallel/nowhere.ts') });
    await expect(run({ threads: gone }, { onRescue })).rejects.toThrow(
      /^thread 2 of 2 ended: Cannot find module .*nowhere\.js'[^;]*; pass the URL of bptt\/threads\/worker, .*\)$/,
    );
    const bundled = nodeThreads(2); // these sources have no worker.node.js beside them, as a bundle has none
    await expect(run({ threads: bundled }, { onRescue })).rejects.toThrow(WorkerError);
    await expect(run({ threads: bundled }, { onRescue })).rejects.toThrow(
      /^thread 2 of 2 ended: Cannot find module .*worker\.node\.js'[^;]*; this code was bundled without it.*pass its URL/,
    );
    const refuses: Threads = { count: 2, start: () => { throw new RangeError('no more threads'); } }; // prettier-ignore
    await expect(run({ threads: refuses }, { onRescue })).rejects.toThrow(/it could not be started: .*no more threads/);
    expect(onRescue).not.toHaveBeenCalled();
  });

  test('because it has no memory', async () => {
    const module = moduleUrl('labeling/training/parallel/worker.node.ts');
    const starved = nodeThreads(2, { module, resourceLimits: { maxOldGenerationSizeMb: 2 } });
    await expect(run({ threads: starved })).rejects.toThrow(
      /^thread 2 of 2 ended: .*memory.*; train with fewer threads, or raise/,
    );
  });

  test('on an error of its own, which is told; all workers are ended then', async () => {
    const fails = told({ kind: 'failed', nonFinite: false, message: 'memory is unavailable' });
    await expect(run({ threads: fails })).rejects.toThrow(WorkerError);
    await expect(run({ threads: fails })).rejects.toThrow('thread 2 of 2 ended: memory is unavailable');
    expect(fails.terminated).toBe(2);
  });
});

describe('a loss that is not a number', () => {
  test('on all threads', async () => {
    const blowUp: TrainOptions = { cell: 'rnn-relu', lr: 1e30, optimizer: 'sgd', clip: Infinity, threads: threads(2) };
    await expect(run(blowUp)).rejects.toThrow(NonFiniteError);
    await expect(run(blowUp)).rejects.toThrow(/became (NaN|-?Infinity) in epoch \d+, batch \d+; first bad tensor: /);
  });

  test('on a worker alone: its own diagnosis', async () => {
    const diagnosis = 'the loss became NaN in epoch 1, batch 1; first bad tensor: logits';
    const training = run({ threads: told({ kind: 'failed', nonFinite: true, message: diagnosis }) });
    await expect(training).rejects.toThrow(NonFiniteError);
    await expect(training).rejects.toThrow(diagnosis);
  });
});

test('an abort, and progress, work as on one thread', async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const stopped = await run(
    { threads: threads(2), epochs: 9 },
    {
      signal: controller.signal,
      onProgress: ({ epoch, tokens }) => {
        seen.push(tokens);
        if (epoch === 2) controller.abort();
      },
    },
  );
  expect(stopped).toMatchObject({ interrupted: true, bestEpoch: 1, epochs: 2, test: null });
  expect(seen).toHaveLength(8); // seven batches of the first epoch, one of the second
});

/** A thread that is ready, and then says one thing. */
function told(message: object): Threads & { terminated: number } {
  const team = {
    count: 2,
    terminated: 0,
    start: (): WorkerHandle => {
      let tell: (message: unknown) => void = () => undefined;
      return {
        listen: (onMessage) => void (tell = onMessage),
        post: () => {
          setImmediate(() => {
            tell({ kind: 'ready' });
            setImmediate(() => tell(message));
          });
        },
        terminate: async () => void team.terminated++,
      };
    },
  };
  return team;
}

/** A worker of Node in the clothes of a browser's: its module finds the global scope of a web worker. */
function openWebWorker(): WebWorker {
  const code = `
    const { parentPort } = require('node:worker_threads');
    globalThis.postMessage = (message) => parentPort.postMessage(message);
    globalThis.addEventListener = (kind, listener) => parentPort.on(kind, (data) => listener({ data }));
    globalThis.close = () => parentPort.close();
    import(${JSON.stringify(moduleUrl('labeling/index.ts').href)}).then(({ serveTraining }) => serveTraining());`;
  const worker = new Worker(code, { eval: true });
  return {
    postMessage: (message) => worker.postMessage(message),
    addEventListener(kind, listener) {
      worker.on(kind, (value: unknown) =>
        listener(kind === 'message' ? { data: value } : { message: (value as Error).message }),
      );
    },
    terminate: () => void worker.terminate(),
  };
}
