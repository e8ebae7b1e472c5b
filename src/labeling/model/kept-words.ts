/**
 * Words that occurred, kept for the next time: what the encoders make of a word is a row of a table, and what the first layer
 * makes of a row may be kept too (`layers/inference.ts`). Most words of a text have occurred before, and a word of which all is kept
 * costs no spelling and no projection. Its row has the bits it had the first time, which are those it would have in any batch.
 */
import { flatten } from '../../autograd/grads.js';
import type { Kernels } from '../../kernels/types.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { allocate, columns, dtypeOf, rows } from '../../tensor/view.js';
import type { Features } from '../data/features.js';
import { pickFeatures } from '../data/features.js';
import { tokenNumbers } from './encoders/token-numbers.js';
import type { InferenceNetwork, ModelParams } from './network.js';

/** Words and bytes of their vectors that are kept at most. */
const MOST_WORDS = 2 ** 14;
const MOST_BYTES = 2 ** 25;

/** Vectors of words, one row each. */
export interface KeptWords {
  /** `[most, E]`: what the encoders make of a word. */
  readonly table: Tensor;
  /**
   * Of every token its row of the table; rows of new words are computed.
   *
   * @param features one record per encoder. Where the same list asks twice in a row, a frame was run again: what the first one
   *   brought is forgotten, because it may have gone the slower way.
   * @param changing hears from which row on the table is about to change
   * @returns undefined where there are too many words at once
   */
  find(features: readonly Features[], N: number, changing: (from: number) => void): Int32Array | undefined;
}

/**
 * The words of a labeler, where what its encoders make of a token depends on nothing else. When the table is full, it begins anew.
 *
 * @param most words that are kept at most
 */
export function keptWords(
  kernels: Kernels,
  { encoders, width }: InferenceNetwork,
  params: ModelParams,
  most = Math.min(MOST_WORDS, Math.floor(MOST_BYTES / (8 * width))),
): KeptWords | undefined {
  if (most === 0 || !encoders.every((each) => each.contextFree)) return undefined;
  const numbers = tokenNumbers(most);
  const table = allocate([most, width], dtypeOfParams(params));
  let last: { readonly features: readonly Features[]; readonly from: number; done: boolean } | undefined;

  const forget = (from: number, changing: (from: number) => void): void => {
    numbers.forget(from);
    changing(from);
  };
  const numbered = (features: readonly Features[], N: number): Int32Array | undefined => {
    last = { features, from: numbers.size, done: false };
    return numbers.of(features, N);
  };
  const compute = (features: readonly Features[], tokens: readonly number[], first: number): void => {
    const target = rows(table, first, tokens.length);
    let at = 0;
    encoders.forEach((each, i) => {
      const own = params.encoders[each.config.kind];
      const { y } = each.forward(kernels, own, pickFeatures(features[i], tokens));
      kernels.rows.copyMatrix(columns(target, at, each.config.width), y);
      at += each.config.width;
    });
  };

  return {
    table,
    find(features, N, changing) {
      if (last && (!last.done || last.features === features)) forget(last.from, changing);
      let found = numbered(features, N);
      if (found === undefined) {
        forget(0, changing);
        found = numbered(features, N);
      }
      if (found === undefined) return undefined;
      const fresh = firstOf(found, last!.from);
      if (fresh.length > 0) compute(features, fresh, last!.from);
      last!.done = true;
      return found;
    },
  };
}

/** Of the numbers from `from` on, the tokens that have them first. */
function firstOf(numbers: Int32Array, from: number): number[] {
  const first: number[] = [];
  numbers.forEach((number, n) => {
    if (number === from + first.length) first.push(n);
  });
  return first;
}

function dtypeOfParams({ encoders }: ModelParams): DType {
  const [first] = Object.values(flatten(encoders));
  return first === undefined ? 'float32' : dtypeOf(first.data);
}
