/** Augmentation: what sentences are read as in an epoch, in which case and with which mentions, and that their labels stay true. */
import { createCpuKernels } from '../../../src/kernels/index.js';
import { augmentedFrom, readingOf } from '../../../src/labeling/training/augment.js';
import { mentionsOf } from '../../../src/labeling/training/mentions.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { addShardGradient } from '../../../src/labeling/training/replica.js';
import { prepareRun } from '../../../src/labeling/training/run.js';
import { buildLabels } from '../../../src/labeling/data/labels.js';
import { train } from '../../../src/labeling/training/train.js';
import type { Sentence } from '../../../src/labeling/data/sentence.js';

const cpu = createCpuKernels();

const NAMES = ['Ada', 'Bo', 'CERN', 'Ægir', 'McCoy', 'Zoë', 'ǆ-Kino', '𐐨𐐩'];
const VERBS = ['saw', 'met', 'left', 'called'];
const sentences: Sentence[] = Array.from({ length: 48 }, (_, s) => ({
  tokens: ['Then', NAMES[s % 8], VERBS[s % 4], NAMES[(3 * s + 1) % 8], ...(s % 3 === 0 ? ['again', '.'] : [])],
  labels: ['O', 'B-PER', 'O', 'B-PER', ...(s % 3 === 0 ? ['O', 'O'] : [])],
}));

/** The same text in a case, by rules that share no code with the training. */
const inCase: readonly ((token: string) => string)[] = [
  (token) => token,
  (token) => Array.from(token, (c) => c.toLowerCase()).join(''),
  (token) => token.replace(/^./u, (c) => c.toUpperCase()),
];

const options: TrainOptions = {
  ...{ encoders: ['words', 'affixes', 'characters'], embedding: 5, affixSize: 4, affixRows: 97, minCount: 1 },
  ...{ characterEmbedding: 3, characterSize: 4, hidden: 6, dropout: 0, wordDropout: 0, batch: 7, epochs: 2, seed: 4 },
};

const settings = (augmentCase: number, augmentMentions = 0, seed = 4) => ({ seed, augmentCase, augmentMentions });

/** Whether so many of `count` are within five standard deviations of a share. */
const expectShare = (found: number, p: number, count: number): void =>
  expect(Math.abs(found - p * count)).toBeLessThan(5 * Math.sqrt(p * (1 - p) * count));

test('sentences are drawn with the probability that the option says: three of four in lower case', () => {
  const count = 4000;
  const drawn = (seed: number, epoch: number) =>
    Array.from({ length: count }, (_, s) => readingOf({}, settings(0.4, 0, seed), epoch, s).casing);
  const draws = drawn(3, 2);
  [0.6, 0.3, 0.1].forEach((p, casing) => expectShare(draws.filter((each) => each === casing).length, p, count));
  expect(drawn(3, 2)).toEqual(draws);
  expect(drawn(3, 1)).not.toEqual(draws);
  expect(drawn(4, 2)).not.toEqual(draws);
});

/** A reader that remembers what it read. */
function listening() {
  const heard: string[] = [];
  const read = (tokens: readonly string[]) => {
    heard.push(tokens.join(' '));
    return { ids: Int32Array.from(tokens, (token) => token.length) };
  };
  return { heard, reader: { read, toJSON: () => null } };
}

test('a sentence is read in lower case, and with a capital at every word; one that no case changes is not read again', () => {
  const { heard, reader } = listening();
  const own = ['The ȺBC of Ada', 'น้ำ 12 !', 'all of it', ''].map((text) => ({ tokens: text.split(' ') }));
  const features = [own.map(({ tokens }) => reader.read(tokens))];
  heard.length = 0;
  const { readings } = augmentedFrom({ augmentCase: 0.1 }, [reader], own, features);
  expect(heard).toEqual(['the ⱥbc of ada', 'The ȺBC Of Ada', 'All Of It']);
  const [plain, lower, capitals] = readings.map(([of]) => of);
  expect(plain).toEqual(features[0]);
  for (const s of [1, 3]) expect([lower[s], capitals[s]].map((each) => each === features[0][s])).toEqual([true, true]);
  expect([lower[2] === features[0][2], capitals[2] === features[0][2]]).toEqual([true, false]);
  expect(augmentedFrom({ augmentCase: 0 }, [reader], own, features).readings).toHaveLength(1);
});

/** Mentions of sentences with labels of two heads, one of which has no spans. */
function mentionsWith(list: readonly (readonly [text: string, names: string, tags: string])[]) {
  const columns = [1, 2].map((h) => list.map((each) => ({ tokens: each[0].split(' '), labels: each[h].split(' ') })));
  const heads = columns.map((own) => {
    const labels = buildLabels(own);
    return { labels, targets: own.map((each) => labels.encode(each)) };
  });
  return mentionsOf(columns[0], [heads[1], heads[0]], 5);
}

test('mentions are of one kind where all labels are the same; texts that occur twice count once', () => {
  const { of, kinds, pools } = mentionsWith([
    ['Ada saw Bo Li', 'B-PER O B-PER I-PER', 'N V N N'],
    ['Eva met Ada .', 'B-PER O B-PER O', 'N V N .'],
    ['Oslo Ash', 'B-LOC B-PER', 'N V'],
    ['Jo Ek and Bo Li', 'B-PER I-PER O B-PER I-PER', 'N N C N N'],
    ['nothing', 'O', 'N'],
  ]);
  expect(of.map((own) => own.map(({ start }) => start))).toEqual([[0, 2], [0, 2], [0, 1], [0, 3], []]); // prettier-ignore
  expect(of.map((own) => own.map(({ kind }) => kind))).toEqual([[0, 1], [0, 0], [2, 3], [1, 1], []]); // prettier-ignore
  expect(kinds.map(({ sources }) => sources)).toEqual([[[0, 0], [1, 0]], [[0, 2], [3, 0]], [[2, 0]], [[2, 1]]]); // prettier-ignore
  expect(kinds.map(({ pools: own }) => own)).toEqual([[0], [0, 1], [2], [3]]);
  expect(pools).toHaveLength(4);
});

test('a made-up word begins like one word of the label and ends like another, about as long and in the case of the first', () => {
  const names = ['Ireland', 'MONTANA', 'perú', 'Ægypt', 'of', 'McDonald'];
  const { pools } = mentionsWith(names.map((name) => [name, 'B-LOC', 'N']));
  expect(pools).toHaveLength(1);
  expect(pools[0]).toHaveLength(200);
  const fold = (text: string): string => text.toLowerCase();
  for (const word of pools[0]) {
    if (word === 'of') continue;
    const made = names.some((first) =>
      names.some((second) =>
        [...word].some((_, cut) => {
          const [head, tail] = [[...word].slice(0, cut).join(''), [...word].slice(cut).join('')];
          const isCased = first === first.toUpperCase() ? tail === tail.toUpperCase() : tail === fold(tail);
          const near = Math.abs([...word].length - [...first].length) <= 1 || second.length < first.length;
          return cut > 0 && first.startsWith(head) && fold(second).endsWith(fold(tail)) && isCased && near;
        }),
      ),
    );
    expect([word, made]).toEqual([word, true]);
  }
  expect(new Set(pools[0]).size).toBeGreaterThan(40);
});

test('mentions are swapped, and their words made up, as often as the option says; a swap has the same labels', () => {
  const gold = sentences.map(({ labels }) => labels!);
  const labels = buildLabels(sentences);
  const mentions = mentionsOf(sentences, [{ labels, targets: sentences.map((each) => labels.encode(each)) }], 5);
  let [count, swapped, made] = [0, 0, 0];
  for (let epoch = 1; epoch <= 40; epoch++) {
    sentences.forEach((_, s) => {
      const { swaps, casing } = readingOf({ mentions }, settings(0, 0.5), epoch, s);
      expect(casing).toBe(0);
      count += gold[s].filter((label) => label !== 'O').length;
      for (const [t, [from, at]] of swaps) {
        if (from >= sentences.length) made++;
        else swapped++;
        if (from < sentences.length) expect(gold[from][at]).toBe(gold[s][t]);
        expect(at).toBeLessThan(
          (from < sentences.length ? gold[from] : mentions.pools[from - sentences.length]).length,
        );
        expect(gold[s][t]).not.toBe('O');
      }
    });
  }
  expectShare(made, 0.3, count);
  expectShare(swapped, 0.7 * 0.5, count);
});

test('an update reads each sentence as it is drawn for the epoch, whatever the batch, and in one case', () => {
  const run = prepareRun(cpu, { train: sentences }, { ...options, augmentCase: 0.6, augmentMentions: 0.7 });
  const { augmented } = run.replica.sentences;
  const { pools } = augmented!.mentions!;
  const seen = new Set<string>();
  for (const [epoch, members] of [
    [1, [5, 3, 17, 40, 2, 9]],
    [2, [9, 5]],
    [7, [1, 5, 30, 31, 32, 33, 34, 35]],
  ] as const) {
    // prettier-ignore
    const tokens = members.map((m) => {
      const { casing, swaps } = readingOf(augmented!, settings(0.6, 0.7), epoch, m);
      seen.add(`${casing}`);
      const own = sentences[m].tokens.map((_, t) => {
        const [from, at] = swaps.get(t) ?? [m, t];
        seen.add(from === m ? 'as it is' : from < sentences.length ? 'swapped' : 'made up');
        return (from < sentences.length ? sentences[from].tokens : pools[from - sentences.length])[at];
      });
      return own.map(inCase[casing]);
    });
    const count = tokens.reduce((sum, own) => sum + own.length, 0);
    const { pass, batch } = addShardGradient(run.replica, members, [count], { epoch, batch: 1 });
    const { ids } = pass.encoded[0] as unknown as { ids: Int32Array };
    const { rows } = pass.encoded[1] as unknown as { rows: { values: Int32Array; columns: number } };
    const { packing } = batch;
    packing.order.forEach((place, b) => {
      const wanted = run.model.readers.map((reader) => reader.read(tokens[place]));
      const at = tokens[place].map((_, t) => packing.offsets[t] + b);
      expect(at.map((n) => ids[n])).toEqual([...(wanted[0] as unknown as { ids: Int32Array }).ids]);
      const own = at.flatMap((n) => [...rows.values.subarray(n * rows.columns, (n + 1) * rows.columns)]);
      expect(own).toEqual([...(wanted[1] as unknown as { rows: { values: Int32Array } }).rows.values]);
    });
  }
  expect([...seen].sort()).toEqual(['0', '1', '2', 'as it is', 'made up', 'swapped']);
});

test('0 is a training without it, to the bit, and text without case is what it was', async () => {
  const bits = async (train_: readonly Sentence[], more: TrainOptions) => {
    const { model } = await train(cpu, { train: train_ }, { ...options, ...more });
    return [...model.params.encoders.words.weight.data, ...model.params.heads.labels.W.data];
  };
  expect(await bits(sentences, { augmentCase: 0, augmentMentions: 0 })).toEqual(await bits(sentences, {}));
  expect(await bits(sentences, { augmentCase: 0.5 })).not.toEqual(await bits(sentences, {}));
  expect(await bits(sentences, { augmentMentions: 0.5 })).not.toEqual(await bits(sentences, {}));
  const thai = sentences.map(({ labels }) => ({
    labels,
    tokens: labels!.map((label, t) => (label === 'O' ? 'ที่' : `ภ${t}`)),
  }));
  expect(await bits(thai, { augmentCase: 0.5 })).toEqual(await bits(thai, {}));
});

/** Words in any order: neither place nor neighbors tell a name. */
const shuffled: Sentence[] = Array.from({ length: 60 }, (_, s) => {
  const words = [...NAMES, ...VERBS, 'then', 'and'];
  const tokens = Array.from({ length: 5 }, (_, t) => words[(7 * s * s + 5 * t * t + 3 * s * t + s) % words.length]);
  return { tokens, labels: tokens.map((token) => (NAMES.includes(token) ? 'B-PER' : 'O')) };
});

test('names that training has with capitals alone are found in lower case too', async () => {
  const dev = shuffled.map(({ tokens, labels }) => ({ tokens: tokens.map(inCase[1]), labels }));
  const f1 = async (augmentCase: number) => {
    const more: TrainOptions = {
      encoders: ['characters'],
      characterEmbedding: 8,
      characterSize: 16,
      epochs: 12,
      lr: 0.02,
      hidden: 10,
    };
    return (await train(cpu, { train: shuffled, dev }, { ...options, ...more, augmentCase })).dev!.spanF1!;
  };
  const [without, augmented] = [await f1(0), await f1(0.5)];
  expect(augmented).toBeGreaterThan(without + 0.05);
});

test.each([1, -0.1, NaN, '0.2' as never])('a probability of %p is refused by name', (p) => {
  for (const name of ['augmentCase', 'augmentMentions'] as const) {
    const run = () => prepareRun(cpu, { train: sentences }, { ...options, [name]: p });
    expect(run).toThrow(new RegExp(`^train: ${name} must be`));
  }
});

test('swapping mentions needs spans', () => {
  const tags = sentences.map(({ tokens }) => ({ tokens, labels: tokens.map((_, t) => (t % 2 === 0 ? 'N' : 'V')) }));
  const sources = { train: 'tags.conllu' };
  const run = () => prepareRun(cpu, { train: tags, sources }, { ...options, augmentMentions: 0.5 });
  expect(run).toThrow(/^tags\.conllu: swapping mentions needs span labels, such as B-PER and O/);
});
