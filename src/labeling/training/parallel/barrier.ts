/**
 * A barrier for threads. Steps are numbered from 1, and so are the barriers at which all threads arrive. A fast thread may arrive at the
 * next barrier before a slow one has seen that all arrived at this one. So the test is whether a count has been reached or passed. Counts
 * wrap around at 2³²; their differences do not.
 *
 * A thread that may not block (a page's main thread) polls `arrivedAll`; the others block in `awaitStep` and `awaitArrivals` after spinning
 * for a while, because a core that has gone to sleep takes time to wake up, above all on a virtual machine. A thread that finds the team
 * broken calls `stop`, which ends every wait. Waits time out periodically and check again, so that a lost notification cannot hang a
 * thread.
 */

/** Words of the control memory that threads wait on. */
export const CONTROL = {
  /** The step that all threads are to compute. */
  step: 0,
  /** The number of arrivals at barriers since the beginning, over all threads. */
  arrived: 1,
  /** Nonzero: the team is dissolved. */
  stop: 2,
  /** Nonzero: thread 0 sleeps, and the last thread to arrive must send it a message. */
  asleep: 3,
} as const;

/** Words before those of the job; one cache line. */
export const CONTROL_WORDS = 16;

/** After this time, a wait checks again whether the team still exists. */
const SLICE_MS = 1000;

/** Called by thread 0: lets all threads begin the next step. */
export function beginStep(control: Int32Array, step: number): void {
  Atomics.store(control, CONTROL.step, step);
  Atomics.notify(control, CONTROL.step);
}

/** Blocks until the step has begun, after spinning for `patience` milliseconds. @returns true if it has; false if the team is dissolved */
export function awaitStep(control: Int32Array, step: number, patience = 0): boolean {
  return block(control, CONTROL.step, step, patience);
}

/** Arrives at a barrier. @returns whether this was the last arrival and thread 0 sleeps */
export function arrive(control: Int32Array, barrier: number, threads: number): boolean {
  const before = Atomics.add(control, CONTROL.arrived, 1);
  Atomics.notify(control, CONTROL.arrived);
  // Read after arriving, just as thread 0 checks for arrivals after setting the flag: at least one of the two sees the other.
  return ((before + 1) | 0) === ((barrier * threads) | 0) && Atomics.load(control, CONTROL.asleep) !== 0;
}

/** Whether all threads have arrived at a barrier. */
export function arrivedAll(control: Int32Array, barrier: number, threads: number): boolean {
  return reached(Atomics.load(control, CONTROL.arrived), barrier * threads);
}

/** Blocks until all have arrived, likewise. @returns true if they have; false if the team is dissolved */
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
