/** A training as an iterator: the bits of `train`, every update seen, left at any time with nothing running. */
import { createCpuKernels } from '../../../src/kernels/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { saveModel } from '../../../src/labeling/model/file.js';
import type { Model } from '../../../src/labeling/model/model.js';
import { evaluate } from '../../../src/labeling/scoring/evaluate.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import type { EpochStep, TrainStep, UpdateStep } from '../../../src/labeling/training/steps.js';
import { trainSteps } from '../../../src/labeling/training/steps.js';
import { train } from '../../../src/labeling/training/train.js';
import { ArgumentError, NonFiniteError, WorkerError } from '../../../src/tensor/errors.js';
import { watchedThreads } from '../../support/threads.js';

const cpu = createCpuKernels();
const corpus = generateCorpus({ sentences: 50, seed: 13, maxPhrases: 1 });
const corpora = { train: corpus.slice(0, 35), dev: corpus.slice(35) };
const small: TrainOptions = {
  embedding: 6,
  hidden: 5,
  epochs: 2,
  lr: 0.02,
  dropout: 0.3,
  batch: 8,
  clip: 0.4,
  ema: 0.9,
};

async function all(options: TrainOptions): Promise<TrainStep[]> {
  const steps: TrainStep[] = [];
  for await (const step of trainSteps(cpu, corpora, options)) steps.push(step);
  return steps;
}
const bytes = (model: Model) => Buffer.from(saveModel(model)).toString('base64');
const isUpdate = (step: TrainStep): step is UpdateStep => step.kind === 'update';

test('every update, every epoch, the end: what they say is what train says, and the model has its bits', async () => {
  const steps = await all(small);
  const result = await train(cpu, corpora, small);
  const epoch = [...new Array<string>(5).fill('update'), 'epoch'];
  expect(steps.map(({ kind }) => kind)).toEqual([...epoch, ...epoch, 'end']);
  const updates = steps.filter(isUpdate);
  expect(updates.map(({ update }) => update)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(updates.map(({ epoch: e, batch, batches }) => [e, batch, batches])).toEqual(
    [1, 2].flatMap((e) => [1, 2, 3, 4, 5].map((batch) => [e, batch, 5])),
  );
  const [first, second] = [1, 2].map((e) => updates.filter((step) => step.epoch === e));
  for (const [e, own] of [first, second].entries()) {
    const record = result.history[e];
    const sum = (of: (step: UpdateStep) => number) => own.reduce((total, step) => total + of(step), 0);
    const tokens = corpora.train.reduce((total, s) => total + s.tokens.length, 0);
    expect([sum((s) => s.sentences), sum((s) => s.tokens)]).toEqual([35, tokens]);
    expect(sum((s) => s.loss * s.tokens) / tokens).toBeCloseTo(record.loss, 12);
    expect(sum((s) => s.gradientNorm) / 5).toBeCloseTo(record.gradientNorm, 12);
    expect(sum((s) => Number(s.clipped)) / 5).toBe(record.clipped);
    expect(Math.max(...own.map((s) => s.gradientNorm))).toBe(record.largestGradientNorm);
    expect(own[4].lr).toBe(record.lr);
  }
  const clipped = new Set(updates.map((step) => step.clipped));
  expect(clipped.size).toBe(2); // else the test above would not see it
  const epochs = steps.filter((step): step is EpochStep => step.kind === 'epoch');
  expect(epochs.map(({ dev, best, epoch: e }) => ({ dev, best, epoch: e }))).toEqual(
    result.history.map(({ dev, best, epoch: e }) => ({ dev, best, epoch: e })),
  );
  const end = steps[steps.length - 1];
  expect(end.kind === 'end' && bytes(end.result.model)).toBe(bytes(result.model));
});

test('losses of several heads are those of each', async () => {
  const columns = ['a', 'b'];
  const sentences = corpora.train.map((s) => ({
    ...s,
    columns: { a: s.labels!, b: s.tokens.map((w) => String(w.length % 2)) },
  }));
  for await (const step of trainSteps(cpu, { train: sentences }, { ...small, columns, headWeights: { b: 0.25 } })) {
    if (step.kind !== 'update') break;
    expect(Object.keys(step.losses!)).toEqual(columns);
    expect(step.loss).toBeCloseTo(step.losses!.a + 0.25 * step.losses!.b, 12);
  }
});

test('the model of an epoch is what was judged: with an average that', async () => {
  let seen = 0;
  for await (const step of trainSteps(cpu, corpora, small)) {
    if (step.kind !== 'epoch') continue;
    expect(evaluate(cpu, step.model, corpora.dev).accuracy).toBe(step.dev!.accuracy);
    step.checkpoint(); // changes nothing
    expect(evaluate(cpu, step.model, corpora.dev).accuracy).toBe(step.dev!.accuracy);
    seen++;
  }
  expect(seen).toBe(2);
});

test('a checkpoint of any step: a training that is left there goes on to the same bits', async () => {
  const { model } = await train(cpu, corpora, small);
  for (const stop of [0, 4, 5, 8, 11]) {
    let place = 0;
    let resume: Uint8Array | undefined;
    for await (const step of trainSteps(cpu, corpora, small)) {
      if (step.kind === 'end') throw new Error('left too late');
      if (place++ < stop) continue;
      resume = step.checkpoint();
      break;
    }
    const steps = await all({ ...small, resume });
    const end = steps[steps.length - 1];
    expect(end.kind === 'end' && bytes(end.result.model)).toBe(bytes(model));
    expect(steps.filter(isUpdate).length).toBe([9, 5, 5, 2, 0][[0, 4, 5, 8, 11].indexOf(stop)]);
  }
});

describe('a checkpoint of a training on threads', () => {
  const stepsOf = async (options: TrainOptions, until: number): Promise<UpdateStep> => {
    for await (const step of trainSteps(cpu, corpora, options)) {
      if (step.kind === 'update' && step.update === until) return step;
    }
    throw new Error('too few updates');
  };

  test('has the moments of all of them, also once they have ended', async () => {
    const options = { ...small, threads: watchedThreads(3) };
    const whole = bytes((await train(cpu, corpora, options)).model);
    const left = await stepsOf(options, 7); // the loop was left, and its threads with it
    const { model } = await train(cpu, corpora, { ...options, resume: left.checkpoint() });
    expect(bytes(model)).toBe(whole);
  });

  test('is refused where a thread took its moments with it', async () => {
    const threads = watchedThreads(2);
    const seen: UpdateStep[] = [];
    const loop = async (): Promise<void> => {
      for await (const step of trainSteps(cpu, corpora, { ...small, epochs: 50, threads })) {
        if (step.kind === 'update') seen.push(step);
        if (seen.length === 3) await threads.workers[0].terminate();
      }
    };
    await expect(loop()).rejects.toThrow(WorkerError);
    expect(() => seen[2].checkpoint()).toThrow(WorkerError);
  });

  test('is refused where the training ended in the midst of an update', async () => {
    const seen: UpdateStep[] = [];
    const wild: TrainOptions = { ...small, cell: 'rnn-relu', lr: 1e30, optimizer: 'sgd', clip: Infinity };
    const loop = async (): Promise<void> => {
      for await (const step of trainSteps(cpu, corpora, { ...wild, ema: undefined, threads: watchedThreads(2) }))
        if (step.kind === 'update') seen.push(step);
    };
    await expect(loop()).rejects.toThrow(NonFiniteError);
    expect(() => seen[0].checkpoint()).toThrow(/during an update; take checkpoints between updates/);
  });
});

describe('left early', () => {
  const options = () => ({ ...small, epochs: 50, threads: watchedThreads(2) });
  /** Resolves when each worker has ended; a worker that runs on would keep the test from its end. */
  const ended = (team: ReturnType<typeof watchedThreads>) =>
    Promise.all(team.workers.map((worker) => worker.terminate()));

  test('by break: the threads are closed before what stands behind the loop', async () => {
    const own = options();
    const closed = jest.fn();
    const start = own.threads.start;
    const threads = { ...own.threads, start: () => spied(start(), closed) };
    for await (const step of trainSteps(cpu, corpora, { ...own, threads })) {
      if (step.kind === 'update' && step.update === 3) break;
      expect(closed).not.toHaveBeenCalled();
    }
    expect(closed).toHaveBeenCalledTimes(1);
    await ended(own.threads);
  });

  test('by an error in the loop, which is passed on', async () => {
    const own = options();
    const closed = jest.fn();
    const start = own.threads.start;
    const threads = { ...own.threads, start: () => spied(start(), closed) };
    const mine = new Error('mine');
    const loop = async (): Promise<void> => {
      for await (const step of trainSteps(cpu, corpora, { ...own, threads })) if (step.kind === 'epoch') throw mine;
    };
    await expect(loop()).rejects.toBe(mine);
    expect(closed).toHaveBeenCalledTimes(1);
    await ended(own.threads);
  });

  test('by a signal: the end is the last step, with the best weights so far', async () => {
    const stop = new AbortController();
    const steps: TrainStep[] = [];
    for await (const step of trainSteps(cpu, corpora, { ...small, epochs: 50 }, { signal: stop.signal })) {
      steps.push(step);
      if (step.kind === 'update' && step.update === 7) stop.abort();
    }
    const end = steps[steps.length - 1];
    expect(steps.filter(isUpdate)).toHaveLength(7);
    expect(end.kind === 'end' && [end.result.interrupted, end.result.bestEpoch, end.result.epochs]).toEqual([
      true,
      1,
      2,
    ]);
    const { model } = await train(cpu, corpora, { ...small, epochs: 1 });
    expect(end.kind === 'end' && bytes(end.result.model)).toBe(bytes(model));
  });

  function spied<W extends { terminate(): Promise<void> }>(worker: W, closed: () => void): W {
    const terminate = async (): Promise<void> => {
      closed();
      await worker.terminate();
    };
    return { ...worker, terminate };
  }
});

test('wrong arguments are refused when the first step is asked for', async () => {
  await expect(trainSteps(cpu, corpora, { ...small, batch: 0 }).next()).rejects.toThrow(ArgumentError);
  await expect(trainSteps(cpu, corpora, small, { onstep: 1 } as never).next()).rejects.toThrow(ArgumentError);
});
