/**
 * A cache of words: the encoders' vector for a word is one row of a table, and the first layer's result for a row may be cached too
 * (`layers/inference.ts`). Most words of a text have occurred before, and a fully cached word needs neither its spelling read nor a
 * projection. A cached row has the same bits as when it was computed, and those do not depend on the batch.
 */
import { flatten } from '../../autograd/grads.js';
import type { Kernels } from '../../kernels/types.js';
import type { DType, Tensor } from '../../tensor/types.js';
import { allocate, columns, dtypeOf, rows } from '../../tensor/view.js';
import type { Features } from '../data/features.js';
import { pickFeatures } from '../data/features.js';
import { tokenNumbers } from './encoders/token-numbers.js';
import type { InferenceNetwork, ModelParams } from './network.js';

/** The most words, and bytes of their vectors, that are cached. */
const MOST_WORDS = 2 ** 14;
const MOST_BYTES = 2 ** 25;

/** Vectors of words, one row each. */
export interface KeptWords {
  /** `[most, E]`: the encoders' vectors of the words. */
  readonly table: Tensor;
  /**
   * Returns each token's row in the table; rows of new words are computed.
   *
   * @param features one record per encoder. If the same list is passed twice in a row, a frame was rerun: the entries added by the first
   *   run are dropped, because it may have taken the slower path.
   * @param changing called with the first row of the table that is about to change
   * @returns undefined if there are too many words at once
   */
  find(features: readonly Features[], N: number, changing: (from: number) => void): Int32Array | undefined;
}

/**
 * Caches the words of a labeler, if the encoders' vector of a token depends on nothing else. When the table is full, it starts over empty.
 *
 * @param most the most words that are cached
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

/** The first token of each number from `from` on. */
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
