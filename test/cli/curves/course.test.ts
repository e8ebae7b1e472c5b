/** The progress of a training: over all epochs and seeds, with the best so far, and a curve on terminals alone. */
import { Writable } from 'node:stream';
import { createProgress } from '../../../src/cli/progress';
import { courseAfter, NO_COURSE, progressOf } from '../../../src/cli/train/report';
import type { Course } from '../../../src/cli/train/report';
import type { EpochRecord } from '../../../src/labeling/training/record';

const STATE = { epoch: 3, epochs: 4, tokens: 50, totalTokens: 100, loss: 0.5, tokensPerSecond: 10 };
type Dev = NonNullable<EpochRecord['dev']>;
const record = (epoch: number, dev: Partial<Dev> | null, best: boolean): EpochRecord =>
  ({ epoch, loss: 3 - epoch, dev, best }) as EpochRecord;
const tag = (accuracy: number, spanF1: number | null = null): Partial<Dev> => ({ unit: 'token', accuracy, spanF1 });
const course = (...records: EpochRecord[]): Course => records.reduce(courseAfter, NO_COURSE);

test('what is done and what is left are those of all epochs, and of all seeds', () => {
  expect(progressOf(STATE)).toMatchObject({ label: 'epoch 3/4  loss 0.500', done: 250, total: 400, more: '' });
  const second = progressOf(STATE, NO_COURSE, { place: 1, count: 3 });
  expect(second).toMatchObject({ label: 'run 2/3  epoch 3/4  loss 0.500', done: 650, total: 1200 });
});

test('the best so far is the last epoch that was one, by the score that counts', () => {
  const done = course(record(1, tag(0.5), true), record(2, tag(0.75), true), record(3, tag(0.6), false));
  expect(progressOf(STATE, done).more).toBe('best 75.00 %, epoch 2');
  expect(progressOf(STATE, course(record(1, tag(0.9, 0.25), true))).more).toBe('best F1 25.00 %, epoch 1');
  const sentence = { unit: 'sentence', accuracy: 1, macroF1: 0.5, spanF1: null } as Partial<Dev>;
  expect(progressOf(STATE, course(record(1, sentence, true))).more).toBe('best 100.00 %, epoch 1');
});

test('of several heads the best epoch is named, and no score, for which of them counts is another question', () => {
  const several = { ...tag(0.9), heads: {} } as Partial<Dev>;
  const done = course(record(1, several, true), record(2, several, true));
  expect(progressOf(STATE, done, undefined, true).more).toBe('best epoch 2  █▁');
});

test('the curve is drawn on a terminal alone: of dev scores, else of losses, which no epoch is best by', () => {
  const done = course(record(1, tag(0), true), record(2, tag(1), true));
  expect(progressOf(STATE, done, undefined, true).more).toBe('best 100.00 %, epoch 2  ▁█');
  expect(progressOf(STATE, done, undefined, false).more).toBe('best 100.00 %, epoch 2');
  expect(progressOf(STATE, course(record(1, null, true), record(2, null, true)), undefined, true).more).toBe('█▁');
});

test('a plain line says the time left over all epochs', () => {
  let [text, clock] = ['', 0];
  const stream = new Writable({ write: (chunk, _, done) => ((text += String(chunk)), done()) });
  const progress = createProgress(stream, () => clock);
  progress.update(progressOf(STATE));
  expect(text).toBe('');
  clock = 2000;
  progress.update(progressOf(STATE, course(record(1, tag(0.5), true))));
  expect(text).toBe('epoch 3/4  loss 0.500   62 %  10 tokens/s, 15 s left  best 50.00 %, epoch 1\n');
});
