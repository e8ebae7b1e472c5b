/** The work of each thread between the barriers of an update: the same on thread 0 and in a worker. */
import { globalNorm } from '../../../autograd/norms.js';
import { scaleGrads, zeroInPlace } from '../../../autograd/grads.js';
import { stampChanged } from '../../../tensor/versions.js';
import type { Replica, Shard } from '../replica.js';
import { addShardGradient } from '../replica.js';
import type { Exchange } from './exchange.js';
import { addToOwnPart, publishPart, takeParts, touchAll, writeGradients } from './exchange.js';
import type { Job, SharedJob } from './job.js';
import { normOfParts, writeLosses, writeNorm } from './job.js';
import type { Owners, OwnPart } from './owners.js';
import { ownPartOf } from './owners.js';

/** A thread of a team, and the data that it shares with the others. */
export interface Member {
  readonly replica: Replica;
  readonly index: number;
  readonly owners: Owners;
  readonly exchange: Exchange;
  readonly sharedJob: SharedJob;
}

/** Before the first barrier: computes the gradient of the thread's own shard, if it has one. */
export function giveGradient(member: Member, { shards, totals, moment }: Job): Shard | undefined {
  const { replica, index, owners, exchange, sharedJob } = member;
  if (index >= shards.length) return undefined;
  const shard = addShardGradient(replica, shards[index], totals, moment);
  writeGradients(replica.kernels, exchange, owners, index, replica.flatGrads);
  writeLosses(sharedJob, index, shard.losses, shard.decisions);
  return shard;
}

/** Between the first and the second barrier: sums the thread's own part, and computes its norm. */
export function sumOwnPart({ replica, index, owners, exchange, sharedJob }: Member, shards: number): OwnPart {
  const { kernels, flatGrads, average } = replica;
  addToOwnPart(kernels, exchange, owners, index, flatGrads, shards);
  const part = ownPartOf(owners, index, flatGrads);
  writeNorm(sharedJob, index, globalNorm(kernels, part.grads));
  if (average) touchAll(exchange, flatGrads, shards); // the average follows the rows of all threads
  return part;
}

/**
 * Between the second and the third barrier: clips the gradient and updates the thread's own part. If the norm of the whole gradient is not
 * finite, nothing is updated, and the summed gradients are published instead, for a diagnosis.
 */
export function updateOwnPart(member: Member, part: OwnPart, lr: number): void {
  const { replica, index, owners, exchange, sharedJob } = member;
  const { kernels, settings, flatGrads, params, optimizer } = replica;
  const norm = normOfParts(sharedJob);
  const finite = Number.isFinite(norm);
  if (finite) {
    if (norm > settings.clip) scaleGrads(kernels, part.grads, settings.clip / norm);
    optimizer.step(flatGrads, lr, part.rows);
  }
  publishPart(kernels, exchange, owners, index, part, finite ? params : flatGrads);
}

/**
 * After the third barrier: copies what the other threads have updated, and zeroes the gradients.
 *
 * @returns the norm before clipping; if it is not finite, the summed gradients are kept
 */
export function takeOtherParts({ replica, index, owners, exchange, sharedJob }: Member): number {
  const { flatGrads, unusedGrads, params } = replica;
  const norm = normOfParts(sharedJob);
  if (!Number.isFinite(norm)) {
    takeParts(exchange, owners, index, flatGrads);
    return norm;
  }
  takeParts(exchange, owners, index, params);
  for (const p of Object.values(params)) stampChanged(p);
  zeroInPlace(flatGrads);
  zeroInPlace(unusedGrads);
  return norm;
}
