import {
  createSharedJob,
  meanLoss,
  readJob,
  strayThread,
  writeJob,
  writeLoss,
  writeNorm,
} from '../../../../src/labeling/training/parallel/job.js';

test('a job arrives as it was written, also after a longer one, and a copy of it lasts', () => {
  const sharedJob = createSharedJob(3, 7);
  const there = createSharedJob(3, 7, sharedJob.buffer);
  const long = { shards: [[4, 0, 9], [1, 2], [8, 3]], totals: { token: 61, sentence: 7 }, lr: 0.1, moment: { epoch: 2, batch: 5 } }; // prettier-ignore
  const short = { shards: [[6], [5]], totals: { token: 9, sentence: 2 }, lr: 1e-300, moment: { epoch: 3, batch: 1 } };
  writeJob(sharedJob, long);
  const copy = readJob(there);
  expect(copy).toEqual(long);
  writeJob(sharedJob, short);
  expect(readJob(there)).toEqual(short);
  expect(copy).toEqual(long);
});

test('the loss of a batch is the mean over its decisions, over the shards there are', () => {
  const sharedJob = createSharedJob(3, 4);
  writeLoss(sharedJob, 0, 2, 10);
  writeLoss(sharedJob, 1, 5, 5);
  writeLoss(sharedJob, 2, 100, 1);
  expect(meanLoss(sharedJob, 2)).toBe(3);
  writeLoss(sharedJob, 0, 0, 0);
  expect(meanLoss(sharedJob, 1)).toBe(0);
});

test('a thread whose update had another norm is found', () => {
  const sharedJob = createSharedJob(3, 4);
  expect(strayThread(sharedJob)).toBeUndefined();
  for (const i of [0, 1, 2]) writeNorm(sharedJob, i, 0.75);
  expect(strayThread(sharedJob)).toBeUndefined();
  writeNorm(sharedJob, 2, 0.75 + 2 ** -53);
  expect(strayThread(sharedJob)).toBe(2);
});
