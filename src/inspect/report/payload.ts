/**
 * The data that a report embeds to recompute its own numbers: the weights, the word vectors, and the options. All of it comes
 * from the trace. All numbers are in one base64 string, little-endian: as float32 if every number fits exactly, else as float64.
 */
import { cells } from '../../cells/index.js';
import type { Trace, Vector } from '../trace.js';
import { base64Of } from '../views/base64.js';

/** One direction of a layer: D and H, and the shapes of its parameters. */
export interface PayloadDirection {
  readonly name: 'forward' | 'reverse';
  readonly inputs: number;
  readonly hidden: number;
  readonly params: readonly string[];
  readonly states: readonly string[];
}

/** The page's JSON. */
export interface Payload {
  readonly cell: string;
  readonly layers: readonly (readonly PayloadDirection[])[];
  /** T, D of the first layer, K. */
  readonly sizes: readonly [number, number, number];
  /** Per loss, the index of its gold label, or of the label and contrast of a logit or a margin. */
  readonly seed: 'loss' | 'logit' | 'margin';
  readonly gold: readonly number[];
  readonly label: readonly number[];
  readonly contrast: readonly number[];
  /** Per word, the first word with the same vector: words that share a row of the table. */
  readonly same: readonly number[];
  /** Name of the head, and of the parameter that holds the word vectors; null if it also holds something else. */
  readonly head: string;
  readonly table: string | null;
  /** Parameter and gate of the ledger entries, in order. */
  readonly ledger: readonly (readonly [string, string | null])[];
  readonly elements: readonly (readonly [string, readonly number[]])[];
  /** Bytes per number: 4 or 8. */
  readonly bytes: 4 | 8;
  readonly numbers: string;
}

/** Parameters of the head that the page can run: `z = y·W + b`. */
const HEAD = ['W', 'b'];

/** Returns the payload of a trace; undefined if the page has no code for its cell, its body or its head. */
export function payloadOf(trace: Trace): Payload | undefined {
  const { model, head, words, losses } = trace;
  const one = head.kind === 'softmax' && HEAD.every((name) => name in head.weights);
  if (!Object.hasOwn(cells, model.cell) || model.extras !== undefined || !one) return undefined;
  const directions = trace.layers.map(({ forward, reverse }) => (reverse ? [forward, reverse] : [forward]));
  const all = directions
    .flat()
    .flatMap(({ weights, initial }) => [...Object.values(weights).flat(), ...Object.values(initial)]);
  const numbers = [...all, ...HEAD.flatMap((name) => head.weights[name]), ...words.map(({ x }) => x)].flat();
  const bytes = numbers.every((x) => Object.is(Math.fround(x), x)) ? 4 : 8;
  const label = (name: string | null): number => (name === null ? -1 : model.labels.indexOf(name));
  return {
    cell: model.cell,
    layers: directions.map((each) =>
      each.map(({ inputs, hidden, weights, initial }, d) => ({
        ...{ name: d === 0 ? 'forward' : 'reverse', inputs, hidden },
        ...{ params: Object.keys(weights), states: Object.keys(initial) },
      })),
    ),
    sizes: [words.length, model.embedding, model.labels.length],
    seed: trace.conventions.seed,
    gold: losses.map(({ gold }) => label(gold)),
    label: losses.map((each) => label(each.label)),
    contrast: losses.map((each) => label(each.contrast)),
    same: words.map(({ x }) => words.findIndex((other) => equal(x, other.x))),
    head: head.name,
    table: tableOf(trace),
    ledger: trace.ledger.map(({ param, gate }) => [param, gate]),
    elements: trace.elements.map(({ param, index }) => [param, index]),
    bytes,
    numbers: base64(numbers, bytes),
  };
}

/** The parameter whose rows are the word vectors: the only encoder parameter. */
function tableOf({ ledger }: Trace): string | null {
  const tables = ledger.filter(({ param }) => param.startsWith('encoders.'));
  return tables.length === 1 ? tables[0].param : null;
}

const equal = (u: Vector, v: Vector): boolean => u.every((x, i) => Object.is(x, v[i]));

/** Little-endian numbers as base64 (RFC 4648). */
function base64(numbers: Vector, size: 4 | 8): string {
  const view = new DataView(new ArrayBuffer(numbers.length * size));
  numbers.forEach((x, i) => (size === 4 ? view.setFloat32(4 * i, x, true) : view.setFloat64(8 * i, x, true)));
  return base64Of(new Uint8Array(view.buffer));
}
