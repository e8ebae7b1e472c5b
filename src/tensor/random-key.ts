/**
 * Random numbers by place: a key says what they are for, and a place in it which one is meant. Nothing is drawn in turn, so
 * the numbers depend neither on what was drawn before nor on who draws. `random.ts` has streams, for what is made once.
 *
 * Keys are made of keys: the words of `key.fold(part)` are Threefry of `key` at a counter that says the part. At one key no two
 * integers share a counter. Two names can share a key by chance alone, 2⁻¹²⁸ for a pair. The words of a key are computed when they
 * are first read: a key that nothing is drawn at costs nothing.
 */
import { ArgumentError } from './errors.js';
import { show } from './describe.js';
import { threefry } from './threefry.js';

/** What random numbers are for. */
export interface RandomKey {
  /** The four words of the key, as `threefry` takes them. */
  readonly words: Int32Array;
  /**
   * The key of a part: an epoch, a layer, a purpose.
   *
   * @param part a name, or an integer of at least 0
   * @throws ArgumentError where it is something else
   */
  fold(part: string | number): RandomKey;
}

/** Last word of a counter: what it counts. Elements have 0, see `drawFactors` of the kernels. */
const INTEGER = 1;
const CHARACTER = 2;

/**
 * The key of a seed. Every seed has its own.
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
  /** The key it was made of, and as which part. */
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

/** One UTF-16 code unit after the other. The length is in every counter, so that no name is the beginning of another. */
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
