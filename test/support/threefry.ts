/** Threefry-4x32 as the paper of Salmon et al. (SC 2011) writes it, in arbitrary integers: an oracle that shares no code with src. */

const MASK = 0xffffffffn;
/** Rotations of the first and the second pair of words in each of eight rounds. */
const ROTATIONS = [
  [10n, 26n],
  [11n, 21n],
  [13n, 27n],
  [23n, 5n],
  [6n, 20n],
  [17n, 11n],
  [25n, 10n],
  [18n, 20n],
] as const;

/** The four words at a counter after some rounds. */
export function threefryOracle(key: readonly bigint[], counter: readonly bigint[], rounds = 20): bigint[] {
  const schedule = [...key, key.reduce((parity, word) => parity ^ word, 0x1bd11bdan)];
  const injected = (x: readonly bigint[], s: number) =>
    x.map((word, i) => (word + schedule[(s + i) % 5] + (i === 3 ? BigInt(s) : 0n)) & MASK);
  let x = injected(counter, 0);
  for (let round = 0; round < rounds; round++) {
    const [first, second] = ROTATIONS[round % 8];
    const left = (word: bigint, by: bigint) => ((word << by) | (word >> (32n - by))) & MASK;
    const p = (x[0] + x[1]) & MASK;
    const q = (x[2] + x[3]) & MASK;
    // The words of the pairs change partners after each round.
    x = [p, left(x[3], second) ^ q, q, left(x[1], first) ^ p];
    if (round % 4 === 3) x = injected(x, (round + 1) / 4);
  }
  return rounds % 2 === 0 ? x : [x[0], x[3], x[2], x[1]];
}
