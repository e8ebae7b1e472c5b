/**
 * Diagnoses a loss or gradient that is no longer finite: which tensor became non-finite first, in which layer and at which time step. Runs
 * once, before training stops; costs nothing until then.
 */
import type { TensorRecord } from '../../autograd/grads.js';
import { NonFiniteError } from '../../tensor/errors.js';
import { findNonFinite } from '../../tensor/rows.js';
import type { Tensor } from '../../tensor/types.js';
import type { Batch } from '../data/batches.js';
import type { HeadPass } from '../model/heads/head.js';
import type { ModelPass } from '../model/model.js';
import type { Network } from '../model/network.js';
import type { Unrolled } from '../../autograd/layout.js';

/** What the error says in addition to the tensor: where in training it happened. */
export interface Occasion {
  readonly epoch: number;
  readonly batch: number;
  /** `loss` or `gradient norm`, and its value. */
  readonly what: string;
  readonly value: number;
}

/**
 * The error for a non-finite loss: names the first bad tensor of the forward pass, in the order of computation.
 *
 * @param params flat record of parameters
 */
export function badLoss(
  occasion: Occasion,
  network: Network,
  params: TensorRecord,
  pass: ModelPass,
  batch: Batch,
): NonFiniteError {
  return report(occasion, firstBad(params, 'parameter') ?? firstBadActivation(network, pass, batch));
}

/** The error for a non-finite gradient norm: parameters, then activations, then gradients from the output down. */
export function badGradient(
  occasion: Occasion,
  network: Network,
  params: TensorRecord,
  pass: ModelPass,
  batch: Batch,
  grads: TensorRecord,
): NonFiniteError {
  const reversed = Object.fromEntries(Object.entries(grads).reverse());
  return report(
    occasion,
    firstBad(params, 'parameter') ?? firstBadActivation(network, pass, batch) ?? firstBad(reversed, 'gradient of'),
  );
}

/** The error for parameters that are non-finite at the end of an epoch, possibly since its last update; undefined if they are finite. */
export function badParameters(epoch: number, params: TensorRecord): NonFiniteError | undefined {
  const found = firstBad(params, 'parameter');
  return found === null ? undefined : new NonFiniteError(`${found} is not finite after epoch ${epoch}. ${ADVICE}`);
}

const ADVICE = 'Lower the learning rate (--lr), or clip gradients harder (--clip)';

function report({ epoch, batch, what, value }: Occasion, found: string | null): NonFiniteError {
  const where = found ?? 'no single tensor: the sum itself overflowed';
  return new NonFiniteError(
    `${what} became ${value} in epoch ${epoch}, batch ${batch}; first bad tensor: ${where}. ${ADVICE}`,
  );
}

function firstBad(tensors: TensorRecord, kind: string): string | null {
  for (const [name, x] of Object.entries(tensors)) {
    const place = findNonFinite(x);
    if (place) return `${kind} ${name} at [${place.join(', ')}]`;
  }
  return null;
}

function firstBadActivation({ encoders, heads }: Network, pass: ModelPass, batch: Batch): string | null {
  for (let i = 0; i < encoders.length; i++) {
    const bad = badRow(`the vectors of encoder ${encoders[i].config.kind}`, pass.encoded[i].y, batch);
    if (bad) return bad;
  }
  for (let l = 0; l < pass.stack.layers.length; l++) {
    const { forward, reverse } = pass.stack.layers[l];
    const found = badState(`layers.${l}.forward`, forward) ?? (reverse && badState(`layers.${l}.reverse`, reverse));
    if (found) return found;
  }
  for (let i = 0; i < heads.length; i++) {
    const what = `the logits of head ${heads[i].config.name}`;
    const bad =
      heads[i].unit === 'token' ? badRow(what, pass.heads[i].logits, batch) : badSentence(what, pass.heads[i]);
    if (bad) return bad;
  }
  return null;
}

/** The first non-finite state of one direction, in the order of its time loop. */
function badState(name: string, { states, cell, packing, direction }: Unrolled): string | null {
  let earliest: { state: string; t: number; unit: number } | null = null;
  for (const state of cell.states) {
    const place = findNonFinite(states[state]);
    if (!place) continue;
    const t = place[0] < packing.batch ? -1 : stepOfRow(packing.offsets, place[0] - packing.batch);
    if (!earliest || t < earliest.t) earliest = { state, t, unit: place[1] };
  }
  if (!earliest) return null;
  const { state, t, unit } = earliest;
  const when = t < 0 ? 'in the initial state' : `at time step ${t}${direction === 'reverse' ? ' from the end' : ''}`;
  return `${name}.${state} ${when}, unit ${unit}`;
}

function badRow(name: string, x: Tensor, { packing }: Batch): string | null {
  const place = findNonFinite(x);
  return place && `${name} at time step ${stepOfRow(packing.offsets, place[0])}, column ${place[1]}`;
}

function badSentence(name: string, { logits }: HeadPass): string | null {
  const place = findNonFinite(logits);
  return place && `${name} at sentence ${place[0]} of the batch, column ${place[1]}`;
}

function stepOfRow(offsets: Int32Array, row: number): number {
  let t = 0;
  while (offsets[t + 1] <= row) t++;
  return t;
}
