/** Layers that ran forward on a device and wait there for their backward pass. */
import type { Run } from './layer.js';
import { release } from './layer.js';

/** Layers that wait for their backward pass, the oldest first. */
export interface PendingLayers {
  /** How many there are. */
  readonly count: number;
  /** Frees all of them. */
  clear(): void;
  add(run: Run): void;
  /** Takes one out; false where it is no longer there. */
  take(run: Run): boolean;
}

/** Layers that never see a backward pass, after a loss that was no number or in an evaluation, give way to later ones. */
const LONGEST_WAIT = 64;

const TEXEL = 16;

/** Room for layers that wait: a number of them, and `maximumBytes` of textures; the oldest give way. */
export function createPendingLayers(maximumBytes = 2 ** 29): PendingLayers {
  const pending = new Map<Run, { readonly bytes: number; readonly end: () => void }>();
  let bytes = 0;
  const drop = (run: Run): void => {
    bytes -= pending.get(run)?.bytes ?? 0;
    pending.get(run)?.end();
    pending.delete(run);
  };
  return {
    get count() {
      return pending.size;
    },
    clear() {
      for (const run of pending.keys()) {
        release(run);
        drop(run);
      }
    },
    add(run) {
      const mine = bytesOf(run);
      bytes += mine;
      pending.set(run, { bytes: mine, end: run.cache.hold() });
      for (const oldest of pending.keys()) {
        if (oldest === run || (pending.size <= LONGEST_WAIT && bytes <= maximumBytes)) break;
        release(oldest);
        drop(oldest);
      }
    },
    take(run) {
      const there = pending.has(run);
      drop(run);
      return there;
    },
  };
}

const bytesOf = ({ textures }: Run): number =>
  [...textures].reduce((sum, { output: [width, height] }) => sum + TEXEL * width * height, 0);
