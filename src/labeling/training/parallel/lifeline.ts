/**
 * How a page learns that a web worker has ended. One that closes itself, or is terminated by whoever else has it, fires no
 * event. But a lock of the Web Locks API that it held is free then: so it takes one, keeps it, and the page waits for it.
 *
 * Locks live in the browser, not in the event loop of the worker, which stands still while a training runs. Node has them
 * from version 24.5 on; where there are none, or the origin may not use them, everything here does nothing.
 */

/** What this uses of `navigator.locks`: `whileHeld` is called once the lock is granted, which ends with its promise. */
interface Locks {
  request(name: string, whileHeld: () => Promise<void>): Promise<unknown>;
}

/** A name for the lock of one worker, or nothing where there are no locks. Pages of one origin share them, so it is unique. */
export function newLifeline(): string | undefined {
  // An engine with locks and shared memory has UUIDs too; they name a lock here, and no number of a training depends on them.
  const { crypto } = globalThis as { crypto?: { randomUUID?(): string } };
  return locksHere() && crypto?.randomUUID && `bptt-worker-${crypto.randomUUID()}`;
}

/** Takes a lock and keeps it until the thread that calls this ends. @returns whether it is held */
export function holdLifeline(name: string): Promise<boolean> {
  const locks = locksHere();
  if (!locks) return Promise.resolve(false);
  return new Promise((resolve) => {
    const whileHeld = (): Promise<void> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    locks.request(name, whileHeld).catch(() => resolve(false)); // an origin that may not have locks, as that of a data URL
  });
}

/** Calls `onFree` when a lock that another thread holds is free: that thread has ended. */
export function watchLifeline(name: string, onFree: () => void): void {
  const whileHeld = async (): Promise<void> => onFree();
  locksHere()
    ?.request(name, whileHeld)
    .catch(() => undefined); // a page that is being left, where no caller waits
}

function locksHere(): Locks | undefined {
  return (globalThis as { navigator?: { readonly locks?: Locks } }).navigator?.locks;
}
