/**
 * Threefry-4x32-20: four random words from a key of four words and a counter of four. There is no stream to advance: the same key
 * and counter give the same words in any order, on any thread. It uses only additions, rotations and exclusive ors of 32-bit
 * integers, so the bits are the same on every machine. assembly/draw.ts does the same in SIMD.
 *
 * For a fixed key it is a bijection of counters. J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as
 * 1, 2, 3", SC 2011: rounds, rotations and key injections. It passes BigCrush from 12 rounds on; the authors recommend 20. It
 * derives from Threefish, the cipher in the hash function Skein (N. Ferguson et al., 2010).
 */

/** Rotations of the two words in each of four rounds. The two sets alternate. */
const ROTATIONS = Int32Array.of(10, 26, 11, 21, 13, 27, 23, 5, 6, 20, 17, 11, 25, 10, 18, 20);

/** The fifth word of a key is the exclusive or of the others and Skein's constant, so that even a key of zeros mixes. */
const PARITY = 0x1bd11bda;

/**
 * Sets `out[0 … 3]` to the words at the counter `c0 c1 c2 c3`.
 *
 * @param key four words
 */
export function threefry(out: Uint32Array, key: Int32Array, c0: number, c1: number, c2: number, c3: number): void {
  let [k0, k1, k2, k3] = [key[0], key[1], key[2], key[3]];
  let k4 = PARITY ^ k0 ^ k1 ^ k2 ^ k3;
  let a = (c0 + k0) | 0;
  let b = (c1 + k1) | 0;
  let c = (c2 + k2) | 0;
  let d = (c3 + k3) | 0;
  for (let s = 1; s <= 5; s++) {
    const r = s % 2 === 1 ? 0 : 8;
    a = (a + b) | 0;
    b = rotated(b, ROTATIONS[r]) ^ a;
    c = (c + d) | 0;
    d = rotated(d, ROTATIONS[r + 1]) ^ c;
    a = (a + d) | 0;
    d = rotated(d, ROTATIONS[r + 2]) ^ a;
    c = (c + b) | 0;
    b = rotated(b, ROTATIONS[r + 3]) ^ c;
    a = (a + b) | 0;
    b = rotated(b, ROTATIONS[r + 4]) ^ a;
    c = (c + d) | 0;
    d = rotated(d, ROTATIONS[r + 5]) ^ c;
    a = (a + d) | 0;
    d = rotated(d, ROTATIONS[r + 6]) ^ a;
    c = (c + b) | 0;
    b = rotated(b, ROTATIONS[r + 7]) ^ c;
    const first = k0;
    k0 = k1;
    k1 = k2;
    k2 = k3;
    k3 = k4;
    k4 = first;
    a = (a + k0) | 0;
    b = (b + k1) | 0;
    c = (c + k2) | 0;
    d = (d + k3 + s) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

function rotated(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/**
 * The threshold below which a random word lies with probability p, to within 2⁻³²: an integer in 0 … 2³² − 1.
 *
 * @param p 0 ≤ p < 1
 */
export function limitOf(p: number): number {
  return Math.min(2 ** 32 - 1, Math.ceil(p * 2 ** 32));
}
