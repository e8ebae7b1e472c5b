/** Progress for work that usually takes less than two seconds: shown only after that time. */
import type { InspectProgress } from '../../inspect/index.js';
import { createProgress, PATIENCE_MS } from '../progress.js';
import type { ProgressState } from '../progress.js';
import type { Terminal } from '../terminal.js';

/** Shows the progress once the work has taken two seconds. */
export interface Waiting {
  update(state: ProgressState): void;
  /** The same for a part of an inspection: pass it to `inspect`. */
  readonly onProgress: (progress: InspectProgress) => void;
  stop(): void;
}

/** Names of the parts, and their units. */
const PARTS: Readonly<Record<InspectProgress['part'], readonly [label: string, unit: string]>> = {
  losses: ['backward passes', 'losses'],
  checks: ['checking weights', 'derivatives'],
  jacobian: ['Jacobians', 'steps'],
  replacements: ['words to swap', 'words'],
  integrated: ['integrated gradients', 'points'],
  swap: ['swap test', 'words'],
};

/** @param now clock in milliseconds; passed by tests */
export function waitingOn(
  terminal: Pick<Terminal, 'stderr' | 'now'>,
  { quiet = false }: { readonly quiet?: boolean } = {},
  now: () => number = terminal.now ?? (() => performance.now()),
): Waiting {
  const { stderr } = terminal;
  const begun = now();
  const progress = createProgress(stderr, now);
  let part = { label: '', since: begun };
  const update = (state: ProgressState): void => {
    if (quiet || now() - begun < PATIENCE_MS) return;
    progress.update(state);
  };
  return {
    update,
    onProgress({ part: name, done, total }) {
      const [label, unit] = PARTS[name];
      if (part.label !== label || done === 0) part = { label, since: now() };
      const seconds = (now() - part.since) / 1000;
      update({ label, done, total, unit, rate: seconds > 0 ? done / seconds : 0 });
    },
    stop: () => progress.stop(),
  };
}
