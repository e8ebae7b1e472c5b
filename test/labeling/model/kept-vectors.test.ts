import fc from 'fast-check';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { createWasmKernels } from '../../../src/kernels/wasm/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { keptVectors } from '../../../src/labeling/model/encoders/kept-vectors.js';
import { predict } from '../../../src/labeling/model/predict.js';
import { createTagger } from '../../../src/labeling/model/tagger.js';
import { train } from '../../../src/labeling/training/train.js';
import { viewOf } from '../../../src/tensor/view.js';
import { matrix } from '../../layers/support.js';

/** The vector of a word: its number, and its double. */
const vectorOf = (word: string) => [Number(word), 2 * Number(word)];

/** Computes vectors in the reverse order, and remembers which. */
function computer(words: readonly string[], seen: string[]) {
  return (missing: readonly number[]) => {
    seen.push(...missing.map((i) => words[i]));
    const reversed = [...missing].reverse().flatMap((i) => vectorOf(words[i]));
    const rowOf = Int32Array.from(missing, (_, j) => missing.length - 1 - j);
    return { v: viewOf(Float64Array.from(reversed), [missing.length, 2]), rowOf };
  };
}

const lists = fc.array(fc.uniqueArray(fc.nat(12).map(String), { maxLength: 7 }), { maxLength: 8 });

test('every word gets its own vector, whatever came before and however few are kept', () => {
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 10 }), (batches, most) => {
      const kept = keptVectors(2, 'float64', most);
      for (const words of batches) {
        const seen: string[] = [];
        const found = kept.find({}, words, computer(words, seen));
        expect(found === undefined).toBe(words.length > most && seen.length === 0);
        if (found === undefined) continue;
        const table = matrix(found.table);
        expect(Array.from(found.rows, (row) => table[row])).toEqual(words.map(vectorOf));
        expect(found.table.shape[0]).toBeLessThanOrEqual(most);
      }
    }),
    { seed: 19, numRuns: 300 },
  );
});

test('a word is computed once; what a batch brought is computed again where the same batch asks again', () => {
  const kept = keptVectors(2, 'float64', 10);
  const seen: string[] = [];
  const ask = (batch: object, ...words: string[]) => {
    kept.find(batch, words, computer(words, seen));
    return seen.splice(0);
  };
  const [first, second] = [{}, {}];
  expect(ask(first, '1', '2')).toEqual(['1', '2']);
  expect(ask(second, '2', '3')).toEqual(['3']);
  expect(ask(second, '2', '3')).toEqual(['3']);
  expect(ask(first, '1', '2', '3')).toEqual([]);
  expect(ask({}, '4', '5', '6', '7', '8', '9', '1')).toEqual(['4', '5', '6', '7', '8', '9']);
  expect(ask({}, '1', '10', '11')).toEqual(['1', '10', '11']); // no room for all: it begins anew
});

test('a tagger gives the same bits with words kept and without, in batches of any history', async () => {
  const kernels = createCpuKernels();
  const corpus = generateCorpus({ sentences: 90, seed: 4 });
  const options = { encoders: ['words', 'characters'] as const, embedding: 4, hidden: 5, epochs: 1 };
  const { model } = await train(kernels, { train: corpus }, { ...options, characterSize: 6, characterEmbedding: 3 });
  const texts = corpus.map((s) => s.tokens);
  const wasm = await createWasmKernels();
  for (const backend of [kernels, wasm]) {
    const plain = predict(backend, model, texts, { probabilities: true, keepWords: false });
    expect(predict(backend, model, texts, { probabilities: true })).toEqual(plain);
    const tagger = createTagger(model, backend);
    tagger.tag(texts.slice(40));
    expect(tagger.tag(texts, { probabilities: true })).toEqual(plain);
    tagger.dispose();
  }
  wasm.dispose();
});
