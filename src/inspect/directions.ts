/** The directions of a study's layers, and their rows by word. A row of the scan is a step; a word is a position in the sentence. */
import type { Unrolled, BackwardPass } from '../autograd/layout.js';
import type { Tensor } from '../tensor/types.js';
import { columns } from '../tensor/view.js';
import type { Returned, Study } from './study.js';
import type { DirectionName } from './trace.js';

/** One direction of one layer of a study. */
export interface Direction {
  readonly layer: number;
  readonly name: DirectionName;
  readonly unrolled: Unrolled;
  /** H. */
  readonly hidden: number;
  /** T. */
  readonly words: number;
}

/** Every direction, first layer first, forward before reverse. */
export function directionsOf({ pass, tokens }: Study): Direction[] {
  return pass.stack.layers.flatMap(({ forward, reverse }, layer) =>
    [forward, reverse].flatMap((unrolled): Direction[] =>
      unrolled === undefined
        ? []
        : [{ layer, name: unrolled.direction, unrolled, hidden: unrolled.y.shape[1], words: tokens.length }],
    ),
  );
}

/** Dotted name of a direction's parameters: `layers.0.forward`. */
export const prefixOf = ({ layer, name }: Direction): string => `layers.${layer}.${name}`;

/** Maps word k to the row of the scan that reads it, and back: the mapping is its own inverse. */
export const stepOf = ({ name, words }: Pick<Direction, 'name' | 'words'>, k: number): number =>
  name === 'forward' ? k : words - 1 - k;

/** Results of a backward pass in one direction. */
export function unwoundOf({ layer, name }: Direction, returned: Returned): BackwardPass {
  return returned.layers[layer][name]!;
}

/** `[T, H]` gradient that arrived at a direction's outputs from above, in word order. */
export function arrivingAt({ layer, name, hidden }: Direction, returned: Returned): Tensor {
  return columns(returned.layers[layer].dY, name === 'forward' ? 0 : hidden, hidden);
}
