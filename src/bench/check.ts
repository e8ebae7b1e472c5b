/** Selects the systems to time: those with correct results. */
import { DeviceError } from '../tensor/index.js';
import { messageOf } from '../tensor/errors.js';
import type { Answer, Peer } from './peers.js';
import type { Context, SuiteName } from './types.js';

/** Reports that a system does not take part in a case, and why. */
export function skip({ note }: Pick<Context, 'note'>, label: string, system: string, reason: string): void {
  note(`skipped ${system} in ${label}: ${reason}`);
}

/** Whether a system is skipped, for a reason that becomes known only by running it, or because its device was lost. */
export async function skips(
  context: Context,
  label: string,
  system: string,
  find: () => Promise<string | undefined>,
): Promise<boolean> {
  const reason = await find().catch((error: unknown) => {
    if (error instanceof DeviceError) return messageOf(error);
    throw error;
  });
  if (reason !== undefined) skip(context, label, system, reason);
  return reason !== undefined;
}

/**
 * Whether a system of this package passes a check. A wrong system is reported by name and makes the command fail at the end; a
 * lost device is skipped for that reason.
 *
 * @param check returns what is wrong
 */
export function passes(context: Context, label: string, system: string, check: () => string | undefined): boolean {
  let fault: string | undefined;
  try {
    fault = check();
  } catch (error) {
    if (error instanceof DeviceError) {
      skip(context, label, system, messageOf(error));
      return false;
    }
    fault = messageOf(error);
  }
  if (fault !== undefined) context.wrong(`${label}: ${system} is wrong and was not timed: ${fault}`);
  return fault === undefined;
}

/**
 * Returns the peers whose answers are right. The others are reported by name with the reason; a wrong peer that runs this package
 * in another engine makes the command fail at the end.
 *
 * @param label the suite and its case
 * @param check returns what is wrong with an answer
 */
export async function rightPeers(
  context: Context,
  suite: SuiteName,
  label: string,
  request: object,
  check: (answer: Answer) => string | undefined,
): Promise<Peer[]> {
  const right: Peer[] = [];
  for (const peer of await context.peers.of(suite, context.note)) {
    context.progress(`${label}: checking ${peer.system}`, 0, 1);
    try {
      const answer = await peer.prepare({ suite, slowestMs: context.budget.slowestMs, ...request });
      const fault = answer.declined === undefined ? check(answer) : undefined;
      if (answer.declined !== undefined) skip(context, label, peer.system, String(answer.declined));
      else if (fault === undefined) right.push(typeof answer.ran === 'number' ? { ...peer, ran: answer.ran } : peer);
      else if (peer.own) context.wrong(`${label}: ${peer.system} is wrong and was not timed: ${fault}`);
      else skip(context, label, peer.system, fault);
    } catch (error) {
      skip(context, label, peer.system, messageOf(error));
    }
  }
  return right;
}
