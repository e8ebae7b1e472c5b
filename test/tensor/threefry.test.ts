/** Threefry against the answers its authors publish, against an oracle, and as a source of random bits. */
import fc from 'fast-check';
import { limitOf, threefry } from '../../src/tensor/threefry.js';
import { threefryOracle } from '../support/threefry.js';

fc.configureGlobal({ seed: 4321 });

type Words = readonly [number, number, number, number];
type Generator = (key: Words, counter: Words) => Uint32Array;

const ours: Generator = (key, [c0, c1, c2, c3]) => {
  const out = new Uint32Array(4);
  threefry(out, Int32Array.from(key), c0, c1, c2, c3);
  return out;
};
const oracle =
  (rounds: number): Generator =>
  (key, counter) =>
    Uint32Array.from(threefryOracle(key.map(BigInt), counter.map(BigInt), rounds), Number);

const ones: Words = [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff];
const pi: Words = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
const morePi: Words = [0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89];

describe('the answers that the authors publish (Random123, kat_vectors)', () => {
  const twenty: [Words, Words, Words][] = [
    [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0x9c6ca96a, 0xe17eae66, 0xfc10ecd4, 0x5256a7d8],
    ],
    [ones, ones, [0x2a881696, 0x57012287, 0xf6c7446e, 0xa16a6732]],
    [pi, morePi, [0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84]],
  ];
  test.each(twenty)('counter %j and key %j give %j', (counter, key, words) => {
    expect([...ours(key, counter)]).toEqual(words);
    expect([...oracle(20)(key, counter)]).toEqual(words);
  });

  test('the oracle gives those of 13 rounds too', () => {
    expect([...oracle(13)(morePi, pi)]).toEqual([0x4aa71d8f, 0x734738c2, 0x431fc6a8, 0xae6debf1]);
  });
});

test('is the oracle at any key and counter', () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  const words = fc.tuple(word, word, word, word);
  fc.assert(
    fc.property(words, words, (key, counter) => {
      expect(ours(key, counter)).toEqual(oracle(20)(key, counter));
    }),
  );
});

/** The places that a training asks for: neighbouring blocks, tokens and sentences of one key. */
function nearby(count: number): Words[] {
  return Array.from({ length: count }, (_, i) => [i % 8, Math.floor(i / 8) % 32, Math.floor(i / 256), 0] as const);
}

/** Largest distance of a count of 256 bytes from its expectation, in standard deviations; of each of the 16 bytes of a block. */
function worstByte(generate: Generator, blocks: number): number {
  const counts = Array.from({ length: 16 }, () => new Uint32Array(256));
  for (const counter of nearby(blocks)) {
    new Uint8Array(generate([1, 0, 0, 0], counter).buffer).forEach((byte, b) => counts[b][byte]++);
  }
  const deviation = Math.sqrt((blocks * 255) / 65536);
  return Math.max(...counts.map((own) => Math.max(...own.map((n) => Math.abs(n - blocks / 256))))) / deviation;
}

/** Largest distance of a frequency from 1/2, in standard deviations: that bit j flips where bit i of the input does. */
function worstFlip(generate: Generator, trials: number): number {
  const places = nearby(trials);
  let worst = 0;
  for (let i = 0; i < 256; i++) {
    const flips = new Uint32Array(128);
    for (const counter of places) {
      const [key, moved] = [[1, 0, 0, 0], [...counter]];
      const input = i < 128 ? key : moved;
      const before = generate(key as never as Words, counter);
      const word = (i % 128) >> 5;
      input[word] = (input[word] ^ (1 << (i % 32))) >>> 0;
      const after = generate(key as never as Words, moved as never as Words);
      for (let j = 0; j < 128; j++) flips[j] += ((before[j >> 5] ^ after[j >> 5]) >>> (j % 32)) & 1;
    }
    for (const n of flips) worst = Math.max(worst, Math.abs(n - trials / 2) / Math.sqrt(trials / 4));
  }
  return worst;
}

/** Largest correlation of a number with the one at a neighbouring place, in standard errors. */
function worstCorrelation(generate: Generator, count: number): number {
  const half = (counter: Words) => generate([1, 0, 0, 0], counter)[0] / 2 ** 32 - 0.5;
  const steps: Words[] = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ];
  return Math.max(
    ...steps.map((step) => {
      let sum = 0;
      for (const c of nearby(count)) sum += half(c) * half(c.map((word, i) => word + step[i]) as never as Words);
      return Math.abs((12 * sum) / Math.sqrt(count)); // the variance of a uniform number is 1/12
    }),
  );
}

/** Too few rounds; a sum that mixes nothing; a stream that lacks the sentence. Each fails one of the three. */
const broken: [string, Generator][] = [
  ['four rounds', oracle(4)],
  ['a multiplication', (key, c) => Uint32Array.from(c, (word) => Math.imul(word + key[0], 0x9e3779b1))],
  ['no sentence', (key, [c0, c1, , c3]) => ours(key, [c0, c1, 0, c3])],
];

// Of n frequencies one may lie as far out as √(2·ln n) deviations: 4.1 of 4096 bytes, 4.6 of 32,768 bits, and 1.7 of 4
// correlations. Six deviations happen once in 500 million.
describe('as random bits', () => {
  test('bytes are uniform', () => expect(worstByte(ours, 60_000)).toBeLessThan(6));
  test('each bit of key and counter flips each bit of the words half of the time', () =>
    expect(worstFlip(ours, 400)).toBeLessThan(6));
  test('neighbouring places do not correlate', () => expect(worstCorrelation(ours, 60_000)).toBeLessThan(6));

  test.each(broken)('the tests see %s', (_, generate) => {
    const found = [worstByte(generate, 2_000), worstFlip(generate, 100), worstCorrelation(generate, 2_000)];
    expect(Math.max(...found)).toBeGreaterThan(6);
  });
});

test('no two counters of a key share their words', () => {
  const seen = new Set(nearby(60_000).map((counter) => ours([7, 0, 0, 0], counter).join()));
  expect(seen.size).toBe(60_000);
});

test('the limit of a probability is the number of words below it', () => {
  expect([0, 0.25, 0.5, 2 ** -32].map(limitOf)).toEqual([0, 2 ** 30, 2 ** 31, 1]);
  expect(limitOf(2 ** -40)).toBe(1);
  expect(limitOf(1 - 2 ** -53)).toBe(2 ** 32 - 1);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1 - 2 ** -33, noNaN: true }), (p) => {
      expect(Math.abs(limitOf(p) / 2 ** 32 - p)).toBeLessThanOrEqual(2 ** -32);
    }),
  );
});
