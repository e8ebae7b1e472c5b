import {
  createSharedJob,
  meanLosses,
  normOfParts,
  readAct,
  readJob,
  writeAct,
  writeJob,
  writeLosses,
  writeNorm,
} from '../../../../src/labeling/training/parallel/job.js';

test('a job arrives as it was written, also after a longer one, and a copy of it lasts', () => {
  const sharedJob = createSharedJob(3, 7, 2);
  const there = createSharedJob(3, 7, 2, sharedJob.buffer);
  const long = { shards: [[4, 0, 9], [1, 2], [8, 3]], totals: [61.25, 7], lr: 0.1, moment: { epoch: 2, batch: 5 } }; // prettier-ignore
  const short = { shards: [[6], [5]], totals: [9, 2], lr: 1e-300, moment: { epoch: 3, batch: 1 } };
  writeJob(sharedJob, long);
  const copy = readJob(there);
  expect(copy).toEqual(long);
  writeJob(sharedJob, short);
  expect(readJob(there)).toEqual(short);
  expect(copy).toEqual(long);
});

test('the loss of a batch is the mean over its decisions, over the shards there are', () => {
  const sharedJob = createSharedJob(3, 4, 2);
  for (const i of [0, 1, 2]) writeNorm(sharedJob, i, 0.5);
  writeLosses(sharedJob, 0, [2, 8], [10, 1]);
  writeLosses(sharedJob, 1, [5, 4], [5, 3]);
  writeLosses(sharedJob, 2, [100, 100], [1, 1]);
  expect(meanLosses(sharedJob, 2)).toEqual([3, 5]);
  expect(normOfParts(sharedJob)).toBe(0.5 * Math.sqrt(3));
  writeLosses(sharedJob, 0, [0, 3], [0, 2]);
  expect(meanLosses(sharedJob, 1)).toEqual([0, 3]);
  writeLosses(sharedJob, 0, [4, 3], [0.25, 0.5]); // class weights may be small
  expect(meanLosses(sharedJob, 1)).toEqual([4, 3]);
});

test('a step is for an update, or for a state', () => {
  const sharedJob = createSharedJob(3, 7, 2);
  const there = createSharedJob(3, 7, 2, sharedJob.buffer);
  expect(readAct(there)).toBe('update');
  for (const act of ['state', 'update'] as const) {
    writeAct(sharedJob, act);
    expect(readAct(there)).toBe(act);
  }
});

test.each([
  [[3, 0, 4], 5],
  [[0, 0, 0], 0],
  [[3e200, 4e200, 0], 5e200], // squares would overflow
  [[3e-200, 0, 4e-200], 5e-200], // and vanish
  [[1, Infinity, 2], Infinity],
  [[1, 2, NaN], NaN],
  [[NaN, Infinity, 1], NaN],
])('the norm of parts of the norms %j is %p', (norms, whole) => {
  const sharedJob = createSharedJob(3, 4, 2);
  norms.forEach((norm, i) => writeNorm(sharedJob, i, norm));
  if (whole > 0 && whole < Infinity) expect(normOfParts(sharedJob) / whole).toBeCloseTo(1, 14);
  else expect(normOfParts(sharedJob)).toBe(whole);
});
