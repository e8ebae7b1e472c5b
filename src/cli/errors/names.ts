/** Names of errors on the page, and the numbers that filters use for labels. */
import type { ErrorKind, HeadErrors, OneError } from './collect.js';

/** Name of a kind of error. */
export const KIND_NAMES: Readonly<Record<ErrorKind, string>> = {
  type: 'wrong type',
  boundary: 'wrong boundary',
  'type-and-boundary': 'wrong type and boundary',
  missed: 'missed',
  spurious: 'spurious',
  label: 'label only',
};

/** Placeholder for no span. */
export const NONE = '(none)';

/** Gold and predicted labels, or types, of the errors; their indices are the filter values. */
export interface Names {
  readonly gold: readonly (string | null)[];
  readonly predicted: readonly (string | null)[];
}

/** The names that occur in the errors of a head, most frequent first. */
export function namesOf({ wrong }: HeadErrors): Names {
  const errors = wrong.flatMap((each) => each.errors);
  return { gold: ranked(errors, 'gold'), predicted: ranked(errors, 'predicted') };
}

function ranked(errors: readonly OneError[], side: 'gold' | 'predicted'): (string | null)[] {
  const counts = new Map<string | null, number>();
  for (const each of errors) counts.set(each[side], (counts.get(each[side]) ?? 0) + 1);
  return [...counts].sort(([, m], [, n]) => n - m).map(([name]) => name);
}
