/**
 * Lets a page notice that a web worker has ended. A worker that closes itself, or is terminated by other code, fires no event, but any lock
 * of the Web Locks API that it holds is released. So the worker acquires a lock and keeps it, and the page waits for that lock.
 *
 * Locks are managed by the browser, not by the event loop of the worker, which is blocked during training. Node has them from version 24.5
 * on. If they do not exist, or the origin may not use them, everything here does nothing.
 */

/**
 * The part of `navigator.locks` that is used: `whileHeld` is called once the lock is granted; the lock is released when its promise
 * settles.
 */
interface Locks {
  request(name: string, whileHeld: () => Promise<void>): Promise<unknown>;
}

/** A name for the lock of one worker; undefined if there are no locks. Pages of one origin share lock names, so it is unique. */
export function newLifeline(): string | undefined {
  // An engine with locks and shared memory also has UUIDs; they only name a lock, and no number in training depends on them.
  const { crypto } = globalThis as { crypto?: { randomUUID?(): string } };
  return locksHere() && crypto?.randomUUID && `bptt-worker-${crypto.randomUUID()}`;
}

/** Acquires a lock and keeps it until the calling thread ends. @returns whether it is held */
export function holdLifeline(name: string): Promise<boolean> {
  const locks = locksHere();
  if (!locks) return Promise.resolve(false);
  return new Promise((resolve) => {
    const whileHeld = (): Promise<void> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    locks.request(name, whileHeld).catch(() => resolve(false)); // an origin that may not use locks, such as that of a data URL
  });
}

/** Calls `onFree` when a lock held by another thread is released, which means that the thread has ended. */
export function watchLifeline(name: string, onFree: () => void): void {
  const whileHeld = async (): Promise<void> => onFree();
  locksHere()
    ?.request(name, whileHeld)
    .catch(() => undefined); // the page is being unloaded, and no caller waits
}

function locksHere(): Locks | undefined {
  return (globalThis as { navigator?: { readonly locks?: Locks } }).navigator?.locks;
}
