/** When a training run takes checkpoints, and how it resumes from one. */
import { expectKnownKeys } from '../../tensor/checks.js';
import { show } from '../../tensor/describe.js';
import { expectRecord } from '../../tensor/arguments.js';
import { ArgumentError } from '../../tensor/errors.js';
import type { TrainState } from './checkpoint.js';
import { readCheckpoint, restoreTraining, saveCheckpoint } from './checkpoint.js';
import type { Fingerprint } from './fingerprint.js';
import { expectSameTraining, fingerprintOf } from './fingerprint.js';
import type { CheckpointInterval, TrainHooks, TrainPlace } from './record.js';
import type { Corpora, Run } from './run.js';
import { batchesPerEpoch } from './run.js';

/** The default: five minutes. */
const EVERY: CheckpointInterval = { seconds: 300 };

/** The checkpoints of one training run. */
export interface Checkpoints {
  /** Returns the initial state: that of a new run, or that of a checkpoint, which is also restored into the run. @throws as `train` does */
  begin(bytes?: Uint8Array): TrainState;
  /** Returns the bytes of a checkpoint of the current state. */
  readonly take: () => Uint8Array;
  /** Passes a checkpoint to the hook if one is due. */
  afterUpdate(): Promise<void>;
  /** Passes the last checkpoint to the hook. */
  last(): Promise<void>;
}

/**
 * Returns the checkpoints of a training run that has not started.
 *
 * @param complete copies into the run the parts of its state that other threads hold
 */
export function createCheckpoints(
  run: Run,
  corpora: Corpora,
  threads: number,
  hooks: TrainHooks,
  complete: () => void = () => undefined,
): Checkpoints {
  const { onCheckpoint, checkpointEvery = EVERY, onResume, device } = hooks;
  const state: TrainState = { begun: 0, epoch: null, history: [], best: null };
  const batches = batchesPerEpoch(run.lengths.length, run.settings);
  let own: Fingerprint | undefined;
  const fingerprint = (): Fingerprint => (own ??= fingerprintOf(run, corpora, threads, device));
  const taken = { updates: 0, at: performance.now() };
  const place = (): TrainPlace => placeOf(run, state, batches);
  const take = (): Uint8Array => {
    complete();
    return saveCheckpoint(run, state, fingerprint());
  };
  const hand = async (): Promise<void> => {
    if (onCheckpoint === undefined) return;
    await onCheckpoint(take(), place());
    Object.assign(taken, { updates: run.clock.updates, at: performance.now() });
  };
  return {
    begin(bytes) {
      if (bytes !== undefined) {
        const checkpoint = readCheckpoint(bytes);
        expectSameTraining(checkpoint.fingerprint, fingerprint());
        Object.assign(state, restoreTraining(run, checkpoint, batches));
        taken.updates = run.clock.updates;
        onResume?.({ ...place(), history: [...state.history] });
      }
      return state;
    },
    take,
    async afterUpdate() {
      const isDue =
        'updates' in checkpointEvery
          ? run.clock.updates - taken.updates >= checkpointEvery.updates
          : performance.now() - taken.at >= 1000 * checkpointEvery.seconds;
      if (isDue) await hand();
    },
    last: hand,
  };
}

/** Whether training is complete: all epochs are done, or too many without a better one. */
export function isFinished({ settings }: Run, { begun, epoch, best }: TrainState): boolean {
  if (epoch !== null) return false;
  return begun >= settings.epochs || (best !== null && begun - best.record.epoch >= settings.patience);
}

function placeOf(run: Run, state: TrainState, batches: number): TrainPlace {
  const { begun, epoch } = state;
  const batch = epoch?.done ?? (begun > 0 ? batches : 0);
  const between = epoch === null;
  return { epoch: begun, batch, batches, updates: run.clock.updates, between, finished: isFinished(run, state) };
}

/** @throws ArgumentError on an invalid interval, or one without its hook */
export function expectCheckpointHooks({ onCheckpoint, checkpointEvery: every }: TrainHooks): void {
  if (every === undefined) return;
  expectRecord('train', 'hooks.checkpointEvery', every, '{ updates } or { seconds }');
  expectKnownKeys('train', 'hooks.checkpointEvery', every, ['updates', 'seconds']);
  const given = Object.entries(every);
  const fits = ([name, value]: [string, unknown]): boolean =>
    typeof value === 'number' && value > 0 && (name === 'updates' ? Number.isSafeInteger(value) : value < Infinity);
  if (given.length !== 1 || !fits(given[0])) {
    throw new ArgumentError(
      `train: hooks.checkpointEvery must be { updates: n }, an integer of at least 1, or { seconds: x }, above 0; got ${show(every)}`,
    );
  }
  if (onCheckpoint !== undefined) return;
  throw new ArgumentError(
    'train: hooks.checkpointEvery has no effect without hooks.onCheckpoint: leave it out, or add that hook',
  );
}
