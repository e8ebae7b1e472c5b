/** The selection: one selection drives every view. */
import { ArgumentError } from '../../tensor/errors.js';
import type { DirectionName, DirectionTrace, ReachTrace, Trace } from '../trace.js';
import type { Path } from './mark.js';

/** Variable at which a gradient is shown. */
export type Variable = 'x' | 'h' | 'c' | 'state' | 'a';

/** The subject of a view. Every field is optional; a view ignores the fields that it does not need. */
export interface Selection {
  /** Layer, from 0; default the last. */
  readonly layer?: number;
  /** Default `forward`. */
  readonly direction?: DirectionName;
  /** Index of a loss; default the last. */
  readonly loss?: number;
  /** Index of a word; default the first. */
  readonly word?: number;
  /** A gate by name; default all, or the first. */
  readonly gate?: string;
  /** A hidden unit; default 0. */
  readonly unit?: number;
  /** A parameter by its dotted name, for the ledger; default the recurrent weights of the layer. */
  readonly param?: string;
  /** For the reach: the variable; default `x`, which means the same in every cell. */
  readonly variable?: Variable;
  /** For the reach: the share of the gradient at the loss's own word, or the norm itself; default `retention`. */
  readonly normalization?: 'retention' | 'absolute';
  /** For the check: index of an element in `checks.elements`; default the worst. */
  readonly check?: number;
  /** For saliency: index of a target in `saliency`; default the last. */
  readonly target?: number;
  /** For the equation: JSON Pointer to the opened number. */
  readonly ref?: string;
  /** For the equation: the numbers opened on the way to `ref`, outermost first. */
  readonly trail?: readonly string[];
}

/** Checks an index into a list; default the first or last element. */
export function indexIn(name: string, value: number | undefined, length: number, otherwise: 'first' | 'last'): number {
  if (length === 0) throw new ArgumentError(`selection.${name}: the trace has none`);
  if (value === undefined) return otherwise === 'first' ? 0 : length - 1;
  if (Number.isInteger(value) && value >= 0 && value < length) return value;
  throw new ArgumentError(`selection.${name} must be an integer from 0 to ${length - 1}; got ${String(value)}`);
}

/** Checks that a name is one of several. */
export function oneOf<T extends string>(name: string, value: T | undefined, allowed: readonly T[]): T {
  if (value === undefined) return allowed[0];
  if (allowed.includes(value)) return value;
  throw new ArgumentError(`selection.${name} must be one of ${allowed.join(', ')}; got ${JSON.stringify(value)}`);
}

/** One direction of one layer, and the path to it. */
export interface Place {
  readonly layer: number;
  readonly name: DirectionName;
  readonly path: Path;
  readonly trace: DirectionTrace;
}

/** The selected direction. */
export function placeOf(trace: Trace, selection: Selection): Place {
  const layer = indexIn('layer', selection.layer, trace.layers.length, 'last');
  const both: readonly DirectionName[] = trace.layers[layer].reverse ? ['forward', 'reverse'] : ['forward'];
  const name = oneOf('direction', selection.direction, both);
  return { layer, name, path: ['layers', layer, name], trace: trace.layers[layer][name] as DirectionTrace };
}

/** The selected reach, and the path to it. */
export function reachOf(
  trace: Trace,
  selection: Selection,
): { readonly reach: ReachTrace; readonly path: Path; readonly variable: Variable } {
  if ((selection.variable ?? 'x') === 'x') {
    if (trace.reach.norms.length > 0) return { reach: trace.reach, path: ['reach'], variable: 'x' };
    throw new ArgumentError('selection.variable: the trace has no reach into x: request it from inspect');
  }
  const place = placeOf(trace, selection);
  const variable = oneOf('variable', selection.variable, ['x', ...Object.keys(place.trace.reach)] as Variable[]);
  return { reach: place.trace.reach[variable], path: [...place.path, 'reach', variable], variable };
}

/** The previous word in reading direction; undefined at the start. */
export function wordBefore(trace: Trace, name: DirectionName, word: number): number | undefined {
  const before = name === 'forward' ? word - 1 : word + 1;
  return before >= 0 && before < trace.words.length ? before : undefined;
}
