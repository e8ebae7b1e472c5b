/**
 * Where threads meet. Steps are numbered from 1, and so are the barriers that all of them arrive at. A quick thread may arrive at the
 * next barrier before a slow one has seen that all arrived at this one, so a count is reached when it is reached or passed; counts wrap
 * around at 2³², differences do not.
 *
 * A thread that may not block (a page's main thread) polls `arrivedAll`; the others block in `awaitStep` and
 * `awaitArrivals`, after a time of looking: a core that sleeps for a moment is not at once awake again, on a virtual machine above all. Whoever finds the team broken calls `stop`, and every wait ends. Waits end by themselves from time to
 * time to look again, so that no lost notification can hang a thread.
 */

/** Words of the control memory that threads wait on. */
export const CONTROL = {
  /** The step that all shall compute. */
  step: 0,
  /** How often any thread has arrived at the barrier since the beginning. */
  arrived: 1,
  /** Not 0: the team is dissolved. */
  stop: 2,
  /** Not 0: thread 0 sleeps, and the last to arrive must send it a message. */
  asleep: 3,
} as const;

/** Words before those of the job; a cache line. */
export const CONTROL_WORDS = 16;

/** After so long a wait looks again whether the team still stands. */
const SLICE_MS = 1000;

/** Thread 0: lets everyone begin the next step. */
export function beginStep(control: Int32Array, step: number): void {
  Atomics.store(control, CONTROL.step, step);
  Atomics.notify(control, CONTROL.step);
}

/** Blocks until the step has begun, after `patience` milliseconds of looking. @returns whether it has; false: the team is dissolved */
export function awaitStep(control: Int32Array, step: number, patience = 0): boolean {
  return block(control, CONTROL.step, step, patience);
}

/** Arrives at a barrier. @returns whether this was the last arrival, and thread 0 sleeps */
export function arrive(control: Int32Array, barrier: number, threads: number): boolean {
  const before = Atomics.add(control, CONTROL.arrived, 1);
  Atomics.notify(control, CONTROL.arrived);
  // Read after the arrival, as thread 0 looks for arrivals after lying down: one of the two sees the other.
  return ((before + 1) | 0) === ((barrier * threads) | 0) && Atomics.load(control, CONTROL.asleep) !== 0;
}

/** Whether all threads have arrived at a barrier. */
export function arrivedAll(control: Int32Array, barrier: number, threads: number): boolean {
  return reached(Atomics.load(control, CONTROL.arrived), barrier * threads);
}

/** Blocks until all have arrived, likewise. @returns whether they have; false: the team is dissolved */
export function awaitArrivals(control: Int32Array, barrier: number, threads: number, patience = 0): boolean {
  return block(control, CONTROL.arrived, barrier * threads, patience);
}

/** Dissolves the team: every wait ends. */
export function stop(control: Int32Array): void {
  Atomics.store(control, CONTROL.stop, 1);
  for (const word of [CONTROL.step, CONTROL.arrived]) Atomics.notify(control, word);
}

const reached = (count: number, wanted: number): boolean => ((count - wanted) | 0) >= 0;

function block(control: Int32Array, word: number, wanted: number, patience: number): boolean {
  const until = performance.now() + patience;
  for (;;) {
    if (Atomics.load(control, CONTROL.stop) !== 0) return false;
    const now = Atomics.load(control, word);
    if (reached(now, wanted)) return true;
    if (performance.now() >= until) Atomics.wait(control, word, now, SLICE_MS);
  }
}
