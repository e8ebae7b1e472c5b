/** Command-line options of a search. */
import { InvalidArgumentError } from 'commander';
import type { CorporaOptions } from '../corpora.js';

/** As passed by commander: the options of the search, and those of training. */
export interface SearchOptions extends CorporaOptions, Readonly<Record<string, unknown>> {
  readonly random?: number;
  readonly grid?: string;
  readonly space?: string;
  readonly out: string;
  /** Default: next to `out`. */
  readonly state?: string;
  readonly parallel?: number;
  readonly eta: number;
  readonly halving: boolean;
  readonly threads: number | 'auto';
  readonly preset?: string;
  readonly config?: string;
  readonly bestBy?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Maximum number of trials in a search. */
export const MOST_TRIALS = 1000;

/** Number of sampled trials: an integer from 1 to 1,000. */
export function trialCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count >= 1 && count <= MOST_TRIALS) return count;
  throw new InvalidArgumentError(`It must be an integer from 1 to ${MOST_TRIALS}.`);
}

/** Number of trials per promoted trial: an integer of at least 2. */
export function halvingRate(text: string): number {
  const rate = /^\d+$/.test(text) ? Number(text) : NaN;
  if (rate >= 2 && Number.isSafeInteger(rate)) return rate;
  throw new InvalidArgumentError('It must be an integer of at least 2. With --no-halving every trial has all epochs.');
}
