/** `auto`: which number of threads is chosen by a clock that the test turns, and that the trial leaves no trace. */
import { createCpuKernels } from '../../../../src/kernels/index.js';
import { generateCorpus } from '../../../../src/labeling/data/corpus.js';
import { saveModel } from '../../../../src/labeling/model/file.js';
import type { TrainOptions } from '../../../../src/labeling/training/options.js';
import { trainSeeds } from '../../../../src/labeling/training/seeds.js';
import type { ThreadChoice, Threads } from '../../../../src/labeling/training/parallel/threads.js';
import { nodeThreads } from '../../../../src/labeling/training/parallel/threads.node.js';
import type { TrainHooks } from '../../../../src/labeling/training/record.js';
import { train } from '../../../../src/labeling/training/train.js';
import { ArgumentError } from '../../../../src/tensor/errors.js';
import { moduleUrl, threads, watchedThreads } from '../../../support/threads.js';

const cpu = createCpuKernels();
beforeAll(() => void moduleUrl('labeling/training/parallel/worker.node.ts')); // transpiles the sources
const corpora = { train: generateCorpus({ sentences: 50, seed: 12, maxPhrases: 1 }) };
const small: TrainOptions = { embedding: 5, hidden: 4, epochs: 2, lr: 0.02, batch: 8, ema: 0.9 };
const bytes = async (options: TrainOptions, hooks?: TrainHooks) =>
  saveModel((await train(cpu, corpora, { ...small, ...options }, hooks)).model);

/**
 * A clock that advances by what it is told whenever it is read: around the second update on one thread, then before the rounds, then in
 * every round before them, around one thread and around several.
 */
function clockOf({ first = 1000, one = 100, several = 100 }): () => number {
  let [time, reads] = [0, 0];
  return () => {
    const at = reads++;
    if (at === 1) time += first;
    // 0, 1: the estimate; 2: the start of the rounds; then per round two readings for each, and from the fourth round on one before them.
    const round = at < 3 ? -1 : at < 15 ? (at - 3) % 4 : ((at - 15) % 5) - 1;
    if (round === 1) time += one;
    if (round === 3) time += several;
    return time;
  };
}

async function chosen(options: TrainOptions, clock: () => number, count = 2) {
  const choices: ThreadChoice[] = [];
  const team = { ...watchedThreads(count), measure: { now: clock } };
  const model = await bytes({ ...options, threads: team }, { onThreads: (choice) => choices.push(choice) });
  expect(choices).toHaveLength(1);
  return { choice: choices[0], model, team };
}

test('several threads where they are faster, and the model is that of their number', async () => {
  const { choice, model } = await chosen({}, clockOf({ one: 300, several: 180 }));
  expect(choice).toEqual({ threads: 2, reason: 'an update takes 180.0 ms on 2 threads, 300.0 on one' });
  expect(model).toEqual(await bytes({ threads: threads(2) }));
});

test.each([100, 96, 250])('one thread where several take %i ms instead of 100; its model', async (several) => {
  const { choice, model } = await chosen({}, clockOf({ one: 100, several }));
  expect(choice).toEqual({ threads: 1, reason: `an update takes ${several}.0 ms on 2 threads, 100.0 on one` });
  expect(model).toEqual(await bytes({}));
});

/** The same of several trials of three rounds each, in the order in which they are made. */
function clockOfTrials(one: number, several: readonly number[]): () => number {
  let [time, reads] = [0, 0];
  return () => {
    const at = reads++;
    if (at === 1) time += 1000;
    // Each trial: its start, four readings in each round, its end.
    const [trial, place] = at < 2 ? [0, 0] : [Math.floor((at - 2) / 14), (at - 2) % 14];
    if (place > 0 && place < 13 && place % 4 === 2) time += one;
    if (place > 0 && place < 13 && place % 4 === 0) time += several[trial];
    return time;
  };
}

test.each([
  { several: [100, 150], threads: 5, words: '100.0 ms on 5 threads, 150.0 on 2' },
  { several: [149, 150], threads: 2, words: '149.0 ms on 5 threads, 150.0 on 2' }, // not worth three more cores
  { several: [800, 150], threads: 2, words: '800.0 ms on 5 threads, 150.0 on 2' },
  { several: [400, 290], threads: 1, words: '400.0 ms on 5 threads, 290.0 on 2' },
])('$threads of five threads, two and one where an update takes $words', async ({ several, threads, words }) => {
  const { choice, team } = await chosen({}, clockOfTrials(300, several), 5);
  expect(choice).toEqual({ threads, reason: `an update takes ${words}, 300.0 on one` });
  expect(team.workers).toHaveLength(4 + 1 + (threads - 1)); // both trials, then the training
});

test('half as many threads, and half of these', async () => {
  const { choice } = await chosen({ epochs: 1 }, clockOfTrials(300, [290, 200, 150]), 8);
  expect(choice).toEqual({
    threads: 2,
    reason: 'an update takes 290.0 ms on 8 threads, 200.0 on 4, 150.0 on 2, 300.0 on one',
  });
});

test('one thread without a worker where the training is short', async () => {
  const { choice, team } = await chosen({}, clockOf({ first: 350 })); // 14 updates
  expect(choice).toEqual({ threads: 1, reason: 'a run this short is faster on one' });
  expect(team.workers).toHaveLength(0);
});

test('one thread where workers do not start', async () => {
  const gone = nodeThreads(2, { module: new URL('file:///nowhere.js') });
  const choices: ThreadChoice[] = [];
  const hooks: TrainHooks = { onThreads: (choice) => choices.push(choice) };
  await bytes({ threads: { ...gone, measure: { now: clockOf({}) } } }, hooks);
  expect(choices).toEqual([{ threads: 1, reason: expect.stringMatching(/^thread 2 of 2 ended: Cannot find module/) }]);
});

test('seeds share one trial, and a checkpoint keeps its number', async () => {
  const choices: ThreadChoice[] = [];
  const clock = jest.fn(clockOf({ one: 300, several: 180 }));
  const team: Threads = { ...threads(2), measure: { now: clock } };
  const own = { ...corpora, dev: corpora.train.slice(0, 9) };
  const { best } = await trainSeeds(cpu, own, { ...small, epochs: 1, threads: team }, 2);
  expect(best.threads).toBe(2);
  expect(clock).toHaveBeenCalledTimes(16); // 3, then 4 in each of 3 rounds, and the end

  const taken: Uint8Array[] = [];
  await bytes({}, { onCheckpoint: (each) => void taken.push(each), checkpointEvery: { updates: 5 } });
  const fast: Threads = { ...threads(2), measure: { now: clockOf({ one: 300, several: 10 }) } };
  const resumed = await bytes({ threads: fast, resume: taken[0] }, { onThreads: (choice) => choices.push(choice) });
  expect(choices[0]).toEqual({ threads: 1, reason: 'as in the checkpoint' });
  expect(resumed).toEqual(await bytes({}));
});

test('nodeThreads("auto") measures by the clock of the machine', () => {
  const { count, cores, measure } = nodeThreads('auto');
  expect(count).toBe(cores);
  const before = performance.now();
  expect(measure!.now()).toBeGreaterThanOrEqual(before);
  expect(nodeThreads(2).measure).toBeUndefined();
  expect(() => nodeThreads('all' as 'auto')).toThrow(ArgumentError);
});
