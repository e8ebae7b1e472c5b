/**
 * A seeded generator for sequential draws: initial weights, the order of sentences, synthetic corpora. It computes in exact
 * 32-bit integer arithmetic, so one seed gives the same bits on every machine. `random-key.ts` has counter-based numbers.
 *
 * Generator: xoshiro128** 1.1, period 2^128 − 1. D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators",
 * ACM TOMS 47(4), 2021. Seeding: SplitMix64, as its authors advise. G. Steele, D. Lea, C. Flood, "Fast Splittable
 * Pseudorandom Number Generators", OOPSLA 2014.
 */
import { ArgumentError } from './errors.js';
import { log } from './math.js';
import { describe, show } from './describe.js';

const { imul, sqrt } = Math; // looked up once: see math.ts

/** A seeded stream of random numbers. */
export interface Rng {
  /** Uniform in [0, 1): an integer multiple of 2^−53. */
  next(): number;
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number;
  /**
   * Uniform integer in 0 … n − 1, without modulo bias.
   * @throws ArgumentError unless n is an integer in 1 … 2^32
   */
  integer(n: number): number;
  /**
   * A new stream for one purpose. It depends on this stream's seed and on `name`, never on how many numbers were drawn: drawing
   * more dropout masks does not change the initial weights.
   */
  split(name: string): Rng;
  /** Shuffles `xs` in place (Fisher–Yates) and returns it. */
  shuffle<T extends Shuffleable>(xs: T): T;
  /** The state of the stream as plain JSON; `restoreRng` continues from there. */
  state(): RngState;
}

/** What `shuffle` permutes: an array or a typed array of numbers. */
export type Shuffleable = unknown[] | Int32Array | Uint32Array | Float32Array | Float64Array;

/** A stream's seed and position. */
export interface RngState {
  /** The 64-bit key that named streams are derived from, as 16 hexadecimal digits. */
  readonly key: string;
  /** The four 32-bit words of xoshiro128**, unsigned, not all zero. */
  readonly words: readonly number[];
}

const MASK64 = (1n << 64n) - 1n;
const GOLDEN_GAMMA = 0x9e3779b97f4a7c15n;

/**
 * A stream of random numbers from an integer seed.
 * @throws ArgumentError unless `seed` is a safe integer
 */
export function createRng(seed: number): Rng {
  if (!Number.isSafeInteger(seed)) {
    throw new ArgumentError(`seed must be an integer of magnitude at most 2^53 - 1; got ${show(seed)}`);
  }
  return fromKey(BigInt.asUintN(64, BigInt(seed)));
}

/**
 * Restores a stream from its `state()`: it continues with the same numbers.
 * @throws ArgumentError when `state` is not what `state()` returns
 */
export function restoreRng(state: RngState): Rng {
  const { key, words } = (typeof state === 'object' && state !== null ? state : {}) as RngState;
  const valid =
    typeof key === 'string' &&
    /^[0-9a-f]{16}$/.test(key) &&
    Array.isArray(words) &&
    words.length === 4 &&
    words.every((w) => Number.isInteger(w) && w >= 0 && w < 2 ** 32) &&
    words.some((w) => w !== 0);
  if (!valid) {
    throw new ArgumentError(
      'the state of a generator must be { key, words }, a key of 16 hexadecimal digits and four 32-bit words, not all zero; ' +
        `got ${describe(state)}`,
    );
  }
  return fromState(BigInt(`0x${key}`), Uint32Array.from(words));
}

/** SplitMix64's output function: a bijection of 64-bit integers. */
function mix64(z: bigint): bigint {
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK64;
  return z ^ (z >> 31n);
}

/** The first `count` outputs of SplitMix64 from a seed. */
export function splitMix64(seed: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => mix64((seed + GOLDEN_GAMMA * BigInt(i + 1)) & MASK64));
}

/** Key of a named stream: FNV-1a over the UTF-16 code units of the name, started at the mixed parent key, mixed again. */
function childKey(key: bigint, name: string): bigint {
  let hash = mix64((key + GOLDEN_GAMMA) & MASK64);
  for (let i = 0; i < name.length; i++) {
    hash = ((hash ^ BigInt(name.charCodeAt(i))) * 0x100000001b3n) & MASK64;
  }
  return mix64((hash + GOLDEN_GAMMA) & MASK64);
}

function fromKey(key: bigint): Rng {
  const [a, b] = splitMix64(key, 2);
  return fromState(key, Uint32Array.of(...[a, a >> 32n, b, b >> 32n].map((w) => Number(w & 0xffffffffn))));
}

/** xoshiro128** 1.1: advances the four words and returns the next 32 bits, unsigned. */
function nextWord(s: Uint32Array): number {
  const x = imul(s[1], 5);
  const result = imul((x << 7) | (x >>> 25), 9) >>> 0;
  const t = s[1] << 9;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = (s[3] << 11) | (s[3] >>> 21);
  return result;
}

function fromState(key: bigint, s: Uint32Array): Rng {
  const next = () => {
    const high = nextWord(s) >>> 5;
    const low = nextWord(s) >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };
  const integer = (n: number) => {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new ArgumentError(`integer(n): n must be an integer in 1 ... 2^32; got ${n}`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let word = nextWord(s);
    while (word >= limit) word = nextWord(s);
    return word % n;
  };
  return {
    next,
    integer,
    normal: () => polarNormal(next),
    split: (name) => fromKey(childKey(key, name)),
    shuffle: (xs) => {
      for (let i = xs.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        const x = xs[i];
        xs[i] = xs[j];
        xs[j] = x;
      }
      return xs;
    },
    state: () => ({ key: key.toString(16).padStart(16, '0'), words: [...s] }),
  };
}

/**
 * Marsaglia's polar method (SIAM Review 6, 1964). The second normal of each pair is discarded, so that a stream's state is just
 * its four words.
 */
function polarNormal(next: () => number): number {
  for (;;) {
    const u = 2 * next() - 1;
    const v = 2 * next() - 1;
    const r = u * u + v * v;
    if (r > 0 && r < 1) return u * sqrt((-2 * log(r)) / r);
  }
}
