/** The shards of a training: every sentence once, gold labels as ids, and what no loss counts is counted. */
import { createCpuKernels } from '../../src/kernels';
import { trainingShards } from '../../src/interchange';
import { generateCorpus, train } from '../../src/labeling';
import type { Sentence, TrainOptions } from '../../src/labeling';
import { ArgumentError, DataError } from '../../src/tensor';

const kernels = createCpuKernels();
const made = async (sentences: readonly Sentence[], options: TrainOptions = {}) =>
  (await train(kernels, { train: sentences }, { epochs: 1, batch: 8, lr: 0.01, hidden: 3, embedding: 4, ...options })).model; // prettier-ignore
const corpus = generateCorpus({ sentences: 11, seed: 3 });

interface Line {
  readonly tokens: string[];
  readonly gold: Record<string, number[]>;
}

const linesOf = (files: Record<string, Uint8Array>): Line[][] => {
  const text = (name: string) => new TextDecoder().decode(files[name]);
  const { files: names } = JSON.parse(text('shards/shards.json')) as { files: string[] };
  return names.map((name) => text(`shards/${name}`).split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line)); // prettier-ignore
};

test('sentence i is in shard i modulo their number, with the ids of its labels', async () => {
  const model = await made(corpus);
  const { files, empty, unknown } = trainingShards(model, corpus, 4);
  const shards = linesOf(files);
  expect(shards.map((each) => each.length)).toEqual([3, 3, 3, 2]);
  corpus.forEach(({ tokens, labels }, i) => {
    const line = shards[i % 4][Math.floor(i / 4)];
    expect(line.tokens).toEqual(tokens);
    expect(line.gold.labels.map((id) => model.labels.labels[id])).toEqual(labels);
  });
  expect([empty, unknown]).toEqual([0, {}]);
});

test('empty sentences are left out, and labels without an id count for nothing: both are counted', async () => {
  const model = await made(corpus);
  const [first] = corpus;
  const odd = { tokens: ['a', 'b', 'c'], labels: ['NEW', '', first.labels![0]] };
  const { files, empty, unknown } = trainingShards(model, [{ tokens: [], labels: [] }, odd], 1);
  expect(linesOf(files)[0].map(({ gold }) => gold.labels)).toEqual([[-1, -1, model.labels.lookup(first.labels![0])]]);
  expect([empty, unknown]).toEqual([1, { labels: 1 }]);
});

test('labels are in the scheme that the model learned, and of several heads each has its own', async () => {
  const spans = corpus.map(({ tokens }) => ({ tokens, labels: tokens.map((_, t) => (t % 3 ? 'O' : 'B-X')), category: tokens.length > 6 ? 'l' : 's' })); // prettier-ignore
  const model = await made(spans, { head: 'crf', scheme: 'IOBES' });
  const ids = linesOf(trainingShards(model, spans, 1).files)[0][0].gold.labels;
  expect(ids.map((id) => model.labels.labels[id])).toEqual(spans[0].labels.map((label) => label.replace('B', 'S')));
  const both = await made(spans, { task: 'slots-intent' });
  const [[{ gold }]] = linesOf(trainingShards(both, spans, 1).files);
  expect(Object.keys(gold)).toEqual(both.config.heads.map(({ name }) => name));
  expect(gold.intent).toHaveLength(1);
});

test('labels that a CRF never takes, too many shards and missing labels are refused', async () => {
  const spans = corpus.map(({ tokens }) => ({ tokens, labels: tokens.map((_, t) => ['O', 'B-X', 'I-X'][t % 3]) }));
  const model = await made(spans, { head: 'crf' });
  const broken = [{ tokens: ['a', 'b'], labels: ['O', 'I-X'], line: 7 }];
  expect(() => trainingShards(model, broken, 1)).toThrow(DataError);
  expect(() => trainingShards(model, broken, 1)).toThrow('the label of "b" of the sentence at line 7 breaks the scheme of the head labels'); // prettier-ignore
  expect(() => trainingShards(model, spans, 12)).toThrow(ArgumentError);
  expect(() => trainingShards(model, [{ tokens: ['a'] }], 1)).toThrow(DataError);
});
