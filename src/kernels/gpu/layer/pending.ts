/** Layers that ran forward on a device and stay there for their backward pass. */
import type { Run } from './layer.js';
import { release } from './layer.js';

/** Layers pending their backward pass, the oldest first. */
export interface PendingLayers {
  /** Number of layers. */
  readonly count: number;
  /** Frees all of them. */
  clear(): void;
  add(run: Run): void;
  /** Removes one; false if it is no longer there. */
  take(run: Run): boolean;
}

/** Layers that never get a backward pass, after a loss that was not finite or in an evaluation, are evicted by later ones. */
const LONGEST_WAIT = 64;

const TEXEL = 16;

/** Holds pending layers, up to a maximum number and `maximumBytes` of textures; the oldest are evicted. */
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
