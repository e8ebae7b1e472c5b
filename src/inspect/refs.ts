/** Addresses of numbers in a trace: JSON Pointers (RFC 6901), such as `/layers/0/forward/steps/3/gates/i/2`. */
import { expectList, expectRecord, expectString } from '../tensor/arguments.js';
import { ArgumentError } from '../tensor/errors.js';
import type { Trace } from './trace.js';

/**
 * Returns the pointer to a value, from the keys and indices that lead to it: `refTo('layers', 0, 'forward', 'steps', 3)`. `~` and
 * `/` in a name are written `~0` and `~1`.
 */
export function refTo(...path: readonly (string | number)[]): string {
  expectList('refTo', 'path', path, 'names and numbers');
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Returns the value at a pointer: a number, a vector, or null for a structural zero.
 *
 * @throws ArgumentError if the pointer is malformed or leads nowhere, naming the part that is missing
 */
export function valueAt(trace: Trace, ref: string): unknown {
  expectRecord('valueAt', 'trace', trace, 'a trace, as inspect returns');
  expectString('valueAt', 'ref', ref);
  if (ref !== '' && !ref.startsWith('/')) {
    throw new ArgumentError(`valueAt: ref must begin with '/'; got ${JSON.stringify(ref)}: write it as refTo does`);
  }
  let here: unknown = trace;
  for (const part of ref.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) {
      throw new ArgumentError(
        `valueAt: ref ${JSON.stringify(ref)} points nowhere: there is no ${JSON.stringify(name)}`,
      );
    }
    here = (here as Readonly<Record<string, unknown>>)[name];
  }
  return here;
}

/** Returns the number at a pointer. @throws ArgumentError if the value there is missing or is not a number */
export function numberAt(trace: Trace, ref: string): number {
  const value = valueAt(trace, ref);
  if (typeof value === 'number') return value;
  throw new ArgumentError(`numberAt: ref ${JSON.stringify(ref)} must point to a number; it points to something else`);
}
