/**
 * Saves a training run as one `.safetensors` file, from which it can resume after any interruption.
 *
 *     params.<name>              the trained parameters
 *     optimizer.<moment>.<name>  the moments of the optimizer
 *     average.mean.<name>        with `ema`: the average, each row as of its last update,
 *     average.settled.<name>     and Σ log dᵢ up to that update, float64 (optim/average.ts)
 *     best.<name>                the parameters, or their average, of the best epoch so far
 *
 * The metadata has `state`, everything else that the run has to remember, and `fingerprint`, everything that it depends on. No random
 * number generator has a state: random values are determined by their position (docs/adr/randomness-by-place.md). Parameters that are not
 * trained, such as frozen vectors, are read again and compared by their digest.
 *
 * `digest` is the SHA-256 of the file with 64 zeros in its place. It covers every byte, so a truncated file is never taken for a complete one.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import type { WeightAverage } from '../../optim/average.js';
import type { OptimizerState } from '../../optim/optimizer.js';
import { decodeSafetensors, encodeSafetensors } from '../../serialize/safetensors.js';
import { sha256 } from '../../serialize/sha256.js';
import { decodeUtf8, encodeUtf8 } from '../../serialize/utf8.js';
import { describe, typedArrayName } from '../../tensor/describe.js';
import { ArgumentError, BpttError, DataError } from '../../tensor/errors.js';
import { addTo, allFinite, fill } from '../../tensor/rows.js';
import { stampChanged } from '../../tensor/versions.js';
import { dtypeOf } from '../../tensor/view.js';
import type { SavedState } from './checkpoint-state.js';
import { damaged, expectCourse, objectOf, parsed, stateFromText, stateToText } from './checkpoint-state.js';
import type { EpochSums } from './epoch-sums.js';
import type { Fingerprint } from './fingerprint.js';
import type { EpochRecord } from './record.js';
import type { Replica } from './replica.js';
import type { Run } from './run.js';

/** The progress of a training run. */
export interface TrainState {
  /** Epochs started. */
  begun: number;
  /** The sums of the current epoch; null between epochs. */
  epoch: EpochSums | null;
  /** Records of the finished epochs. */
  readonly history: EpochRecord[];
  best: { readonly record: EpochRecord; readonly weights: TensorRecord } | null;
}

/** The trained parameters of a replica and the state of its optimizer: the same in every thread of the run. */
export interface ReplicaState {
  readonly params: TensorRecord;
  readonly optimizer: OptimizerState;
}

const FORMAT = 'bptt-checkpoint';
const VERSION = 1;
const BLANK = '0'.repeat(64);

/** The contents of a checkpoint, checked as far as possible without the run that it belongs to. */
export interface Checkpoint {
  readonly fingerprint: Fingerprint;
  readonly state: SavedState;
  readonly tensors: TensorRecord;
}

/** Returns the bytes of a checkpoint. Call it between updates, while the parameters hold the weights, not their average. */
export function saveCheckpoint(
  { replica, clock, schedule }: Run,
  state: TrainState,
  fingerprint: Fingerprint,
): Uint8Array {
  const { params, optimizer, average } = replica;
  const { step: steps, tensors: moments } = optimizer.state();
  const averaged = average?.state();
  const { seconds, tokens, updates } = clock;
  const saved: SavedState = {
    begun: state.begun,
    epoch: state.epoch,
    history: state.history,
    best: state.best?.record.epoch ?? null,
    clock: { seconds, tokens, updates },
    schedule: schedule.state(),
    steps,
    average: averaged ? { updates: averaged.updates, logs: averaged.logs } : null,
  };
  const tensors = {
    ...under('params', params),
    ...under('optimizer', moments),
    ...under('average', averaged?.tensors ?? {}),
    ...under('best', state.best?.weights ?? {}),
  };
  return sealed(
    encodeSafetensors(tensors, {
      format: FORMAT,
      version: String(VERSION),
      digest: BLANK,
      fingerprint: JSON.stringify(fingerprint),
      state: stateToText(saved),
    }),
  );
}

/**
 * Reads a checkpoint.
 *
 * @throws ArgumentError if `bytes` are not bytes; DataError if they are not a checkpoint, of a newer version, damaged or truncated
 */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  if (typedArrayName(bytes) !== 'Uint8Array')
    throw new ArgumentError(`train: resume must be the bytes of a checkpoint, a Uint8Array; got ${describe(bytes)}`);
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.format !== FORMAT) {
    const got = metadata.format === 'bptt' ? 'a model' : 'another safetensors file';
    throw new DataError(`expected a training checkpoint; got ${got}: pass what --checkpoint or onCheckpoint wrote`);
  }
  if (!/^[1-9]\d{0,8}$/.test(metadata.version ?? '')) throw damaged('it has no version');
  if (Number(metadata.version) > VERSION) {
    throw new DataError(
      `checkpoint: expected version ${VERSION} or older; got version ${metadata.version}, made by a newer bptt: update bptt`,
    );
  }
  if (!isSealed(bytes, metadata.digest)) throw damaged('its digest is not that of its contents');
  const fingerprint = objectOf(parsed(metadata.fingerprint, 'fingerprint'), 'fingerprint');
  for (const [name, value] of Object.entries(fingerprint))
    if (typeof value !== 'string') throw damaged(`fingerprint.${name.slice(0, 60)} is not a text`);
  return { fingerprint: fingerprint as Fingerprint, state: stateFromText(metadata.state), tensors };
}

/**
 * Restores a training run from a checkpoint that belongs to it.
 *
 * @param batches number of batches in an epoch
 * @returns the progress of the run
 * @throws DataError if the parts of the checkpoint do not fit together, or do not fit the model
 */
export function restoreTraining(run: Run, { state, tensors }: Checkpoint, batches: number): TrainState {
  const { replica, clock, schedule, settings } = run;
  expectCourse(state, batches, settings.epochs, replica.weights.length);
  const [params, moments, average, weights] = PARTS.map((part) => within(part, tensors));
  const known = PARTS.reduce((sum, part) => sum + Object.keys(within(part, tensors)).length, 0);
  if (known < Object.keys(tensors).length) throw damaged('it has a tensor that belongs to no part');
  for (const [name, tensor] of Object.entries(tensors))
    if (!allFinite(tensor)) throw damaged(`a number of the tensor ${name.slice(0, 60)} is not finite`);
  expectLikeParams(params, replica.params);
  if (state.best === null) expectLikeParams(weights, {});
  else expectLikeParams(weights, replica.params);
  asData(() => restoreReplica(replica, { params, optimizer: { step: state.steps, tensors: moments } }));
  restoreAverage(replica.average, state.average, average);
  asData(() => schedule.restore(state.schedule));
  Object.assign(clock, state.clock);
  const history = [...state.history];
  const best = state.best === null ? null : { record: history[state.best - 1], weights };
  return { begun: state.begun, epoch: state.epoch, history, best };
}

/** Restores a replica from a saved state, bit for bit. @throws ArgumentError and ShapeError if it does not fit */
export function restoreReplica({ params, optimizer }: Replica, state: ReplicaState): void {
  optimizer.restore(state.optimizer);
  for (const [name, p] of Object.entries(params)) {
    fill(p, -0); // −0 + x is x, even if x is −0
    addTo(p, state.params[name]);
    stampChanged(p);
  }
}

function restoreAverage(average: WeightAverage | undefined, saved: SavedState['average'], tensors: TensorRecord): void {
  if ((average === undefined) !== (saved === null))
    throw damaged('its average of the weights is missing or unexpected');
  if (average === undefined || saved === null) return expectLikeParams(tensors, {});
  asData(() => average.restore({ ...saved, tensors }));
}

const PARTS = ['params', 'optimizer', 'average', 'best'] as const;

const under = (part: (typeof PARTS)[number], tensors: TensorRecord): TensorRecord =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${part}.${name}`, tensor]));

const within = (part: (typeof PARTS)[number], tensors: TensorRecord): TensorRecord =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, x]) =>
      name.startsWith(`${part}.`) ? [[name.slice(part.length + 1), x]] : [],
    ),
  );

/** @throws DataError unless the tensors have the names, shapes and types of parameters */
function expectLikeParams(tensors: TensorRecord, params: TensorRecord): void {
  const wrong = [...new Set([...Object.keys(tensors), ...Object.keys(params)])].find((name) => {
    const [x, p] = [tensors, params].map((all) => (Object.hasOwn(all, name) ? all[name] : undefined));
    return x?.shape.join() !== p?.shape.join() || (x && dtypeOf(x.data)) !== (p && dtypeOf(p.data));
  });
  if (wrong !== undefined) throw damaged(`its tensor ${wrong.slice(0, 60)} is missing or does not match its parameter`);
}

/** The offset of the digest in a file: after its key, which occurs in no text of a header, because quotes are escaped there. */
function digestAt(bytes: Uint8Array): number {
  const key = encodeUtf8('"digest":"');
  const end = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  for (let at = 8; at + key.length + 64 <= end; at++)
    if (key.every((byte, i) => bytes[at + i] === byte)) return at + key.length;
  return -1;
}

/** Writes the digest over the zeros in a file. */
function sealed(bytes: Uint8Array): Uint8Array {
  bytes.set(encodeUtf8(sha256(bytes)), digestAt(bytes));
  return bytes;
}

function isSealed(bytes: Uint8Array, digest: string | undefined): boolean {
  const at = digestAt(bytes);
  if (at < 0 || digest === undefined || decodeUtf8(bytes.subarray(at, at + 64)) !== digest) return false;
  const blank = new Uint8Array(bytes); // a copy; `slice` of a Buffer does not copy
  blank.set(encodeUtf8(BLANK), at);
  return sha256(blank) === digest;
}

/** Turns errors about an invalid state into errors about the file. */
function asData(restore: () => void): void {
  try {
    restore();
  } catch (error) {
    if (!(error instanceof BpttError)) throw error;
    throw damaged(error.message);
  }
}
