/** Which word decided a label: against a model whose answer is known, and against sums made here. */
import fc from 'fast-check';
import { inspect, saliency, untrained } from '../../src/inspect/index.js';
import { rowOf } from '../../src/inspect/numbers.js';
import { withWord } from '../../src/inspect/replacements.js';
import { studyOf } from '../../src/inspect/study.js';
import { logitsAt, logitsOf, readVariants, vectorGradients, vectorsOf } from '../../src/inspect/variants.js';
import { predict, train } from '../../src/labeling/index.js';
import { CELLS, gap, kernels } from './support.js';

const sentence = { tokens: ['the', 'cat', 'near', 'dogs', 'sat'], labels: ['D', 'N', 'P', 'N', 'V'] };
const vocabulary = { tokens: ['cats', 'dog', 'ran'], labels: ['N', 'N', 'V'] };
const model = untrained([sentence, vocabulary], { cell: 'gru', hidden: 4, embedding: 3 });

it('inspect has one answer per target that is asked for', () => {
  const { saliency: two } = inspect(kernels, model, sentence, { saliency: [1, 4] });
  expect(two.map(({ target }) => target)).toEqual([1, 4]);
  expect(saliency(kernels, model, sentence)).toHaveLength(5);
  expect(inspect(kernels, model, sentence).saliency).toEqual([]);
  expect(() => saliency(kernels, model, sentence, { saliency: [5] })).toThrow('target must be a loss, 0 … 4; got 5');
});

it('the gradient is that of the logit, by differences of forward passes', () => {
  const [{ methods, label }] = saliency(kernels, model, sentence, { saliency: [3] });
  const trace = inspect(kernels, model, sentence, { seed: 'logit', label, vectors: true });
  trace.reach.norms[3].forEach((each, k) => expect(methods.gradient[k]).toBeCloseTo(each ?? 0, 14));
  trace.words.forEach(({ x }, k) => {
    const arrived = trace.reach.vectors![3][k];
    const product = arrived === null ? 0 : x.reduce((sum, each, i) => sum + each * arrived[i], 0);
    expect(methods.inputTimesGradient[k]).toBeCloseTo(product, 14);
  });
});

it('integrated gradients add up to the logit over that of zero vectors, within the gap', () => {
  for (const { methods, gap, target, label } of saliency(kernels, model, sentence)) {
    const silent = structuredClone(model.params.encoders.words.weight.data).fill(0);
    const { weight } = model.params.encoders.words;
    const silentModel = {
      ...model,
      params: { ...model.params, encoders: { words: { weight: { ...weight, data: silent } } } },
    };
    const k = model.labels.lookup(label);
    const due =
      inspect(kernels, model, sentence).losses[target].logits[k] -
      inspect(kernels, silentModel as never, sentence).losses[target].logits[k];
    const total = methods.integrated!.reduce((sum, each) => sum + each, 0);
    expect(Math.abs(total - due)).toBeCloseTo(gap * Math.abs(due), 12);
    expect(gap).toBeLessThan(0.01);
  }
});

it('are not shown where they never become complete', () => {
  const wild = untrained([sentence], { cell: 'rnn', hidden: 2, embedding: 2, seed: 5 });
  wild.params.encoders.words.weight.data.forEach((each, i, data) => (data[i] = each * 1e6)); // a step between two points
  wild.params.layers[0].forward.b.data.fill(300);
  const [{ methods, gap, points }] = saliency(kernels, wild, sentence, { saliency: [0] });
  expect({ integrated: methods.integrated, points }).toEqual({ integrated: null, points: 4096 });
  expect(gap).toBeGreaterThan(0.01);
});

it('the swap test is two forward passes', () => {
  const replacements = ['ran', 'dogs', 'the', 'dog', 'cats'];
  const [{ methods, label, rules }] = saliency(kernels, model, sentence, { saliency: [4], replacements });
  const logit = (tokens: string[]) => inspect(kernels, model, { tokens }).losses[4].logits[model.labels.lookup(label)];
  replacements.forEach((word, k) => {
    const other = sentence.tokens.map((each, place) => (place === k ? word : each));
    expect(methods.swap[k]).toBe(logit(sentence.tokens) - logit(other));
  });
  expect(rules).toEqual(['given', 'given', 'given', 'given', 'given']);
  expect(() => saliency(kernels, model, sentence, { replacements: ['a'] })).toThrow('one per word, 5; got 1');
});

it('replaces by the other number, else by a word with the same label there, else by the unknown word', () => {
  const [{ replacements, rules }] = saliency(kernels, model, sentence, { saliency: [0] });
  expect([replacements[1], rules[1]]).toEqual(['cats', 'number']);
  expect([replacements[3], rules[3]]).toEqual(['dog', 'number']);
  [0, 2, 4].forEach((k) => {
    if (rules[k] === 'unknown') expect(replacements[k]).toBe('<unk>');
    else {
      const other = sentence.tokens.map((each, place) => (place === k ? replacements[k] : each));
      const [before, after] = predict(kernels, model, [sentence.tokens, other]);
      expect([rules[k], after.labels[k]]).toEqual(['same-label', before.labels[k]]);
    }
  });
});

it('the words that decide a sentence are found in a model that learned them', async () => {
  const noise = ['a', 'b', 'c', 'd'];
  const corpus = Array.from({ length: 120 }, (_, i) => {
    const tokens = Array.from({ length: 5 }, (__, k) => noise[(i * 7 + k * 3) % 4]);
    tokens[i % 5] = i % 2 === 0 ? 'good' : 'bad';
    return { tokens, category: i % 2 === 0 ? 'yes' : 'no' };
  });
  const { model: trained } = await train(kernels, { train: corpus }, { task: 'classify', cell: 'gru', hidden: 8, embedding: 8, epochs: 8, dropout: 0, wordDropout: 0, minCount: 1 }); // prettier-ignore
  const tokens = ['a', 'good', 'c', 'd', 'b'];
  const [{ methods, label }] = saliency(
    kernels,
    trained,
    { tokens },
    { contrast: 'no', replacements: ['a', 'bad', 'c', 'd', 'b'] },
  );
  expect(label).toBe('yes');
  expect(methods.swap.map(Math.sign)).toEqual([0, 1, 0, 0, 0]);
});

describe('versions of a sentence read at once', () => {
  const shapes = fc.record({
    cell: fc.constantFrom(...CELLS),
    hidden: fc.integer({ min: 1, max: 4 }),
    embedding: fc.integer({ min: 1, max: 3 }),
    layers: fc.integer({ min: 1, max: 2 }),
    bidirectional: fc.boolean(),
    task: fc.constantFrom('tag' as const, 'classify' as const),
    seed: fc.integer({ min: 0, max: 99 }),
  });
  const others = ['cats', 'dog', 'ran', 'the'];

  it('are those read one by one: logits, gradients, and a word in its own row by one step', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 0, max: 4 }), (shape, k) => {
        const study = studyOf(
          kernels,
          untrained([sentence, vocabulary], { ...shape, labels: ['D', 'N', 'V'] }),
          sentence,
        );
        const decision = shape.task === 'tag' ? k : 0;
        const vectors = others.map((word) => vectorsOf(study, withWord(sentence.tokens, k, word)));
        const many = readVariants(study, vectors);
        const each = vectors.map((own) => readVariants(study, [own]));
        const rows = each.map((one) => logitsOf(one, decision)[0]);
        expect(gap(logitsOf(many, decision), rows)).toBeLessThan(1e-14);
        if (shape.task === 'tag') expect(gap(logitsAt(study, k, vectors), rows)).toBeLessThan(1e-14);
        const weights = [1, 0, -1];
        const together = vectorGradients(many, decision, weights);
        each.forEach((one, b) => {
          const alone = vectorGradients(one, decision, weights);
          for (let word = 0; word < 5; word++) {
            expect(gap(rowOf(together, word * others.length + b), rowOf(alone, word))).toBeLessThan(1e-13);
          }
        });
      }),
      { seed: 48, numRuns: 25 },
    );
  });
});

it('progress names its parts: words to swap, points, swaps, derivatives', () => {
  const told: string[] = [];
  const onProgress = ({ part, done, total }: { part: string; done: number; total: number }) => {
    expect(done).toBeLessThanOrEqual(total);
    told.push(part);
  };
  inspect(kernels, model, sentence, { saliency: [4], checks: 2, onProgress });
  expect(new Set(told)).toEqual(new Set(['losses', 'replacements', 'integrated', 'swap', 'checks']));
});
