/**
 * Counter-based random numbers: a key identifies their purpose, and an index selects one of them. There is no sequence, so a
 * number depends neither on earlier draws nor on the thread that draws it. `random.ts` has streams, for what is drawn once.
 *
 * Keys are derived from keys: the words of `key.fold(part)` are Threefry of `key` at a counter that encodes the part. Under one
 * key no two integers share a counter. Two names can collide only by chance, with probability 2⁻¹²⁸ for a pair. The words of a
 * key are computed when they are first read, so an unused key costs nothing.
 */
import { ArgumentError } from './errors.js';
import { show } from './describe.js';
import { threefry } from './threefry.js';

/** The purpose of random numbers. */
export interface RandomKey {
  /** The four words of the key, as `threefry` takes them. */
  readonly words: Int32Array;
  /**
   * The key of a part: an epoch, a layer, a purpose.
   *
   * @param part a name, or an integer of at least 0
   * @throws ArgumentError if it is anything else
   */
  fold(part: string | number): RandomKey;
}

/** Last word of a counter: what it counts. Elements have 0, see `drawFactors` of the kernels. */
const INTEGER = 1;
const CHARACTER = 2;

/**
 * The key of a seed. Different seeds have different keys.
 *
 * @throws ArgumentError unless `seed` is a safe integer
 */
export function createKey(seed: number): RandomKey {
  if (!Number.isSafeInteger(seed)) {
    throw new ArgumentError(`seed must be an integer of magnitude at most 2^53 - 1; got ${show(seed)}`);
  }
  return { __proto__: lazy, computed: Int32Array.of(seed % 2 ** 32, Math.floor(seed / 2 ** 32), 0, 0) } as never;
}

/** A key whose words are computed when they are first read. */
interface LazyKey extends RandomKey {
  computed?: Int32Array;
  /** The key it was derived from, and as which part. */
  readonly whole?: LazyKey;
  readonly part?: string | number;
}

const lazy = {
  get words(): Int32Array {
    const own = this as unknown as LazyKey;
    return (own.computed ??= folded((own.whole as LazyKey).words, own.part as string | number));
  },
  fold(part: string | number): RandomKey {
    expectPart(part);
    return { __proto__: lazy, computed: undefined, whole: this, part } as never;
  },
};

function folded(words: Int32Array, part: string | number): Int32Array {
  if (typeof part === 'string') return foldedName(words, part);
  return at(words, part % 2 ** 32, Math.floor(part / 2 ** 32), 0, INTEGER);
}

function expectPart(part: unknown): void {
  if (typeof part === 'string' || (Number.isSafeInteger(part) && (part as number) >= 0)) return;
  throw new ArgumentError(`fold: part must be a name or an integer of at least 0; got ${show(part)}`);
}

/** One UTF-16 code unit after another. The length is in every counter, so no name is a prefix of another. */
function foldedName(words: Int32Array, name: string): Int32Array {
  if (name.length === 0) return at(words, 0, 0, 0, CHARACTER);
  let folded = words;
  for (let i = 0; i < name.length; i++) folded = at(folded, name.charCodeAt(i), i, name.length, CHARACTER);
  return folded;
}

function at(key: Int32Array, c0: number, c1: number, c2: number, c3: number): Int32Array {
  const out = new Uint32Array(4);
  threefry(out, key, c0, c1, c2, c3);
  return new Int32Array(out.buffer);
}
