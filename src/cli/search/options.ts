/** What the command line says of a search. */
import { InvalidArgumentError } from 'commander';
import type { CorporaOptions } from '../corpora.js';

/** As commander hands it over: its own options, and those of a training. */
export interface SearchOptions extends CorporaOptions, Readonly<Record<string, unknown>> {
  readonly random?: number;
  readonly grid?: string;
  readonly space?: string;
  readonly out: string;
  /** Filled in: beside `out`. */
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

/** The most trials of a search. */
export const MOST_TRIALS = 1000;

/** How many trials are drawn: an integer from 1 to 1,000. */
export function trialCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count >= 1 && count <= MOST_TRIALS) return count;
  throw new InvalidArgumentError(`It must be an integer from 1 to ${MOST_TRIALS}.`);
}

/** How many trials there are for each that goes on: an integer of at least 2. */
export function halvingRate(text: string): number {
  const rate = /^\d+$/.test(text) ? Number(text) : NaN;
  if (rate >= 2 && Number.isSafeInteger(rate)) return rate;
  throw new InvalidArgumentError('It must be an integer of at least 2. With --no-halving every trial has all epochs.');
}
