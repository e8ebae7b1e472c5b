/** Progress for work that usually takes less than two seconds: shown from then on. */
import { createProgress } from '../progress.js';
import type { Progress, ProgressState } from '../progress.js';
import type { Terminal } from '../terminal.js';

/** Shows how far the work is, once it has taken two seconds. */
export interface Waiting {
  update(state: ProgressState): void;
  stop(): void;
}

const PATIENCE_MS = 2000;

/** @param now milliseconds of a clock; given by tests */
export function waitingOn({ stderr }: Terminal, now: () => number = () => performance.now()): Waiting {
  const begun = now();
  let progress: Progress | undefined;
  return {
    update(state) {
      if (now() - begun < PATIENCE_MS) return;
      progress ??= createProgress(stderr, now);
      progress.update(state);
    },
    stop: () => progress?.stop(),
  };
}
