/** Selects the part of a trace that a command shows. */
import type { DirectionName, DirectionTrace, ReachTrace, Trace } from '../../inspect/index.js';
import type { Model } from '../../labeling/model/model.js';
import { ArgumentError } from '../../tensor/index.js';
import { visible } from '../../tensor/visible.js';
import type { ConventionOptions } from './options.js';

/** One direction of one layer. */
export interface Place {
  readonly layer: number;
  readonly direction: DirectionName;
  readonly trace: DirectionTrace;
}

/** The layer and direction given by --layer and --direction; default: the last layer, forward. */
export function placeOf(trace: Trace, { layer, direction = 'forward' }: ConventionOptions): Place {
  const last = trace.layers.length - 1;
  if (layer !== undefined && layer > last) throw new ArgumentError(`--layer must be at most ${last}; got ${layer}`);
  const found = trace.layers[layer ?? last][direction];
  if (found !== undefined) return { layer: layer ?? last, direction, trace: found };
  throw new ArgumentError('--direction reverse: the model is unidirectional: leave it out');
}

/** Rejects a layer, direction, variable or label that a model does not have, before any computation. @throws ArgumentError */
export function expectPlace(model: Model, options: ConventionOptions): void {
  const { config, network } = model;
  const { layer, direction, variable = 'x' } = options;
  expectLabels(model, options);
  const { cell } = network.layers[0];
  const last = network.layers.length - 1;
  if (layer !== undefined && layer > last) throw new ArgumentError(`--layer must be at most ${last}; got ${layer}`);
  if (direction === 'reverse' && !config.body.bidirectional)
    throw new ArgumentError('--direction reverse: the model is unidirectional: leave it out');
  const known = ['x', ...cell.states, 'state', 'a'];
  if (known.includes(variable)) return;
  throw new ArgumentError(`--variable ${variable}: the cell ${cell.name} has ${known.join(', ')}: choose one of them`);
}

/** Rejects labels that the model does not have. @throws ArgumentError naming the option and the available labels */
export function expectLabels({ heads }: Model, options: Pick<ConventionOptions, 'label' | 'contrast'>): void {
  const known = heads[0].labels.labels;
  for (const name of ['label', 'contrast'] as const) {
    const label = options[name];
    if (label !== undefined && !known.includes(label)) throw unknownLabel(`--${name}`, label, known);
  }
}

/** Maximum number of labels that a message lists. */
const LISTED = 20;

/** The error of a label that the model does not have. */
export function unknownLabel(flag: string, label: string, known: readonly string[]): ArgumentError {
  const list = known.slice(0, LISTED).map(visible).join(', ');
  const more = known.length > LISTED ? ` and ${known.length - LISTED} more` : '';
  return new ArgumentError(`${flag}: the model has no label ${JSON.stringify(visible(label))}, it has ${list}${more}: choose one of them`); // prettier-ignore
}

/** The reach at the variable of --variable. A nonexistent layer or direction is rejected even for x, which has neither. */
export function reachOf(trace: Trace, options: ConventionOptions): { reach: ReachTrace; name: string } {
  const { variable = 'x' } = options;
  const place = placeOf(trace, options);
  if (variable === 'x') return { reach: trace.reach, name: 'x' };
  if (Object.hasOwn(place.trace.reach, variable)) return { reach: place.trace.reach[variable], name: variable };
  const known = ['x', ...Object.keys(place.trace.reach)].join(', ');
  throw new ArgumentError(`--variable ${variable}: the cell ${trace.model.cell} has ${known}: choose one of them`);
}

/** Names of the losses: the word each is about, or the sentence. */
export const lossNames = (trace: Trace): string[] =>
  trace.losses.map(({ word }) => (word === null ? 'sentence' : trace.words[word].text));
