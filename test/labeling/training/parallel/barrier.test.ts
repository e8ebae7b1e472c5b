import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  arrive,
  arrivedAll,
  awaitArrivals,
  awaitStep,
  beginStep,
  CONTROL,
  CONTROL_WORDS,
  stop,
} from '../../../../src/labeling/training/parallel/barrier.js';
import { moduleUrl } from '../../../support/threads.js';

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));

/** A thread that calls one wait of the barrier, says that it is about to, and then what came of it. */
function waiting(control: Int32Array, call: string): Worker {
  const code = `
    const { parentPort, workerData: control } = require('node:worker_threads');
    import(${JSON.stringify(moduleUrl('labeling/training/parallel/barrier.ts').href)}).then((barrier) => {
      parentPort.postMessage('waits');
      parentPort.postMessage(barrier.${call});
    });`;
  return new Worker(code, { eval: true, workerData: control });
}

test('a thread whose peer is dead waits until the team is dissolved, and no longer', async () => {
  const control = words();
  const worker = waiting(control, 'awaitArrivals(control, 1, 3)');
  expect(await once(worker, 'message')).toEqual(['waits']);
  arrive(control, 1, 3); // the second of three; the third is dead
  stop(control);
  expect(await once(worker, 'message')).toEqual([false]);
});

test('a stop without a notification is seen too', async () => {
  const control = words();
  const worker = waiting(control, 'awaitStep(control, 1)');
  expect(await once(worker, 'message')).toEqual(['waits']);
  Atomics.store(control, CONTROL.stop, 1);
  expect(await once(worker, 'message')).toEqual([false]);
});

test('the last arrival wakes the others', async () => {
  const control = words();
  const worker = waiting(control, 'awaitArrivals(control, 4, 2)');
  expect(await once(worker, 'message')).toEqual(['waits']);
  for (let i = 0; i < 8; i++) arrive(control, 4, 2);
  expect(await once(worker, 'message')).toEqual([true]);
});

test.each([
  ['awaitArrivals(control, 1, 2, 1e9)', true, (control: Int32Array) => [1, 2].forEach(() => arrive(control, 1, 2))],
  ['awaitStep(control, 1, 1e9)', true, (control: Int32Array) => beginStep(control, 1)],
  ['awaitStep(control, 1, 1e9)', false, stop],
])('who only looks sees it too: %s is %s', async (call, result, act) => {
  const control = words();
  const worker = waiting(control, call);
  expect(await once(worker, 'message')).toEqual(['waits']);
  act(control);
  expect(await once(worker, 'message')).toEqual([result]);
});

test('a step begins for everyone', async () => {
  const control = words();
  const worker = waiting(control, 'awaitStep(control, 7)');
  expect(await once(worker, 'message')).toEqual(['waits']);
  beginStep(control, 7);
  expect(await once(worker, 'message')).toEqual([true]);
});

test('only the last arrival is told to wake thread 0, and only when that sleeps', () => {
  const control = words();
  expect([arrive(control, 1, 2), arrivedAll(control, 1, 2)]).toEqual([false, false]);
  expect([arrive(control, 1, 2), arrivedAll(control, 1, 2)]).toEqual([false, true]);
  Atomics.store(control, CONTROL.asleep, 1);
  expect(arrive(control, 2, 2)).toBe(false);
  expect(arrive(control, 2, 2)).toBe(true);
});

test('a slow thread still sees that all had arrived when a quick one has arrived for the next step', () => {
  const control = words();
  for (let i = 0; i < 2; i++) arrive(control, 1, 2);
  arrive(control, 2, 2);
  expect(awaitArrivals(control, 1, 2)).toBe(true); // in place: it does not block
  expect(arrivedAll(control, 2, 2)).toBe(false);
});

test('counts wrap around: steps beyond 2³¹ arrivals still meet', () => {
  const control = words();
  const step = 2 ** 31; // after it, 2³² arrivals of two threads
  Atomics.store(control, CONTROL.arrived, ((step - 1) * 2) | 0);
  arrive(control, step, 2);
  expect(arrivedAll(control, step, 2)).toBe(false);
  arrive(control, step, 2);
  expect(arrivedAll(control, step, 2)).toBe(true);
  expect(awaitArrivals(control, step, 2)).toBe(true);
  beginStep(control, step);
  expect(awaitStep(control, step)).toBe(true);
});
