import fc from 'fast-check';
import { createCpuKernels } from '../../../src/kernels/index.js';
import type { Kernels } from '../../../src/kernels/types.js';
import { createWasmKernels } from '../../../src/kernels/wasm/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import type { Features } from '../../../src/labeling/data/features.js';
import { listsOf, rowsOf } from '../../../src/labeling/data/features.js';
import { tokenNumbers } from '../../../src/labeling/model/encoders/token-numbers.js';
import { inferenceOf } from '../../../src/labeling/model/inference.js';
import { keptWords } from '../../../src/labeling/model/kept-words.js';
import { joined } from '../../../src/labeling/model/model.js';
import type { InferenceNetwork } from '../../../src/labeling/model/network.js';
import { batchesToPredict, predict } from '../../../src/labeling/model/predict.js';
import { createTagger } from '../../../src/labeling/model/tagger.js';
import { train } from '../../../src/labeling/training/train.js';
import { matrix } from '../../layers/support.js';
import { viewOf } from '../../../src/tensor/view.js';

/** Tokens as three encoders read them: an integer, a row of two, a list. */
type Token = readonly [number, readonly [number, number], readonly number[]];
const small = fc.integer({ min: -1, max: 1 });
const token: fc.Arbitrary<Token> = fc.tuple(small, fc.tuple(small, small), fc.array(small, { maxLength: 3 }));
const batches = fc.array(fc.array(token, { maxLength: 7 }), { maxLength: 8 });

const featuresOf = (tokens: readonly Token[]): Features[] => [
  { ids: Int32Array.from(tokens, ([id]) => id) },
  { rows: rowsOf(2, tokens.map(([, row]) => row)), lists: listsOf(tokens.map(([, , list]) => list)) }, // prettier-ignore
];

describe('numbers of tokens', () => {
  test('are those of a list of distinct texts, whatever is forgotten in between', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 12 }), fc.array(fc.nat(12)), (many, most, forgotten) => {
        const numbers = tokenNumbers(most);
        const texts: string[] = [];
        many.forEach((tokens, i) => {
          const got = numbers.of(featuresOf(tokens), tokens.length);
          const wanted: number[] = [];
          for (const text of tokens.map((each) => JSON.stringify(each))) {
            if (!texts.includes(text) && texts.length === most) break;
            if (!texts.includes(text)) texts.push(text);
            wanted.push(texts.indexOf(text));
          }
          expect(got && [...got]).toEqual(wanted.length === tokens.length ? wanted : undefined);
          expect(numbers.size).toBe(texts.length);
          numbers.forget(forgotten[i] ?? 99);
          texts.length = Math.min(texts.length, forgotten[i] ?? 99);
        });
      }),
      { seed: 19, numRuns: 500 },
    );
  });

  test('do not confuse features of other names, in another order', () => {
    const numbers = tokenNumbers(9);
    const one = (a: number, b: number) => [{ a: Int32Array.of(a), b: Int32Array.of(b) }];
    expect(numbers.of(one(1, 2), 1)).toEqual(Int32Array.of(0));
    expect(numbers.of(one(2, 1), 1)).toEqual(Int32Array.of(1));
    expect(numbers.of([{ b: Int32Array.of(2), a: Int32Array.of(1) }], 1)).toEqual(Int32Array.of(0));
  });

  test('take tokens of any length', () => {
    const numbers = tokenNumbers(9);
    const long = (last: number) => [{ lists: listsOf([new Int32Array(5000).fill(7, 0, 4999).fill(last, 4999)]) }];
    expect([1, 2, 1].map((last) => numbers.of(long(last), 1)![0])).toEqual([0, 1, 0]);
  });
});

/** An encoder whose vector of a token is its integer and its double; it notes what it is asked. */
function counting(seen: number[], contextFree = true, width = 2): InferenceNetwork {
  const forward = (_: Kernels, _params: unknown, { ids }: Features) => {
    seen.push(...(ids as Int32Array));
    const values = Array.from(ids as Int32Array).flatMap((id) => [id, 2 * id]);
    return { y: viewOf(Float64Array.from(values), [values.length / 2, 2]) };
  };
  const layer = { config: { kind: 'own', width: 2 }, shapes: {}, contextFree, forward };
  return { encoders: [layer], width, layers: [], heads: [] } as unknown as InferenceNetwork;
}

const params = { encoders: { own: { weight: viewOf(new Float64Array(1), [1]) } }, layers: [], heads: {} };
const cpu = createCpuKernels();

describe('kept words', () => {
  test('every word gets its own vector, whatever came before and however few are kept', () => {
    const lists = fc.array(fc.array(fc.nat(12), { maxLength: 7 }), { maxLength: 8 });
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 10 }), (many, most) => {
        const kept = keptWords(cpu, counting([]), params, most)!;
        for (const words of many) {
          const rows = kept.find([{ ids: Int32Array.from(words) }], words.length, () => {});
          expect(rows === undefined).toBe(new Set(words).size > most);
          if (rows === undefined) continue;
          const table = matrix(kept.table);
          expect(Array.from(rows, (row) => table[row])).toEqual(words.map((word) => [word, 2 * word]));
        }
      }),
      { seed: 19, numRuns: 300 },
    );
  });

  test('a word is computed once; what a batch brought is computed again where the same batch asks again', () => {
    const seen: number[] = [];
    const changed: number[] = [];
    const kept = keptWords(cpu, counting(seen), params, 10)!;
    const batch = (...words: number[]) => [{ ids: Int32Array.from(words) }];
    const ask = (features: Features[]) => {
      kept.find(features, (features[0].ids as Int32Array).length, (from) => changed.push(from));
      return [seen.splice(0), changed.splice(0)];
    };
    const second = batch(2, 3, 2);
    expect(ask(batch(1, 2, 1))).toEqual([[1, 2], []]);
    expect(ask(second)).toEqual([[3], []]);
    expect(ask(second)).toEqual([[3], [2]]);
    expect(ask(batch(1, 2, 3))).toEqual([[], []]);
    expect(ask(batch(4, 5, 6, 7, 8, 9, 1))).toEqual([[4, 5, 6, 7, 8, 9], []]);
    expect(ask(batch(1, 10, 11))).toEqual([[1, 10, 11], [0]]); // no room for all: it begins anew
    expect(ask(batch(...Array.from({ length: 11 }, (_, i) => i)))).toEqual([[], [0]]); // too many at once
    expect(ask(batch(1))).toEqual([[1], [0]]);
  });

  test('what an encoder failed to compute is not taken for known', () => {
    const seen: number[] = [];
    const network = counting(seen);
    let fails = true;
    const kept = keptWords(
      { ...cpu, rows: { ...cpu.rows, copyMatrix: (...args) => { if (fails) throw new Error('short'); cpu.rows.copyMatrix(...args); } } }, // prettier-ignore
      network,
      params,
      10,
    )!;
    expect(() => kept.find([{ ids: Int32Array.of(4) }], 1, () => {})).toThrow('short');
    fails = false;
    const rows = kept.find([{ ids: Int32Array.of(4, 5) }], 2, () => {})!;
    expect(Array.from(rows, (row) => matrix(kept.table)[row])).toEqual([[4, 8], [5, 10]]); // prettier-ignore
  });

  test.each([
    [2, 16_384],
    [256, 16_384], // 2²⁵ bytes: 8 · 256 each
    [257, 16_320],
    [2 ** 21 + 1, 1],
    [2 ** 22, 1],
  ])('with vectors of %i numbers are %i words at most', (width, most) => {
    expect(keptWords(cpu, counting([], true, width), params)!.table.shape).toEqual([most, width]);
  });

  test('are none where one vector is larger than all of them may be', () => {
    expect(keptWords(cpu, counting([], true, 2 ** 22 + 1), params)).toBeUndefined();
  });

  test('are none where a vector may depend on the words around', () => {
    expect(keptWords(cpu, counting([], false), params, 10)).toBeUndefined();
  });
});

describe('a tagger', () => {
  const corpus = generateCorpus({ sentences: 90, seed: 4 });
  const texts = corpus.map((s) => s.tokens);
  const sizes = { embedding: 4, hidden: 5, characterSize: 6, characterEmbedding: 3, affixSize: 4, affixRows: 50 };
  const learned = async (encoders: readonly ('words' | 'affixes' | 'characters')[]) =>
    (await train(cpu, { train: corpus }, { ...sizes, encoders, epochs: 1, layers: 2 })).model;

  test.each([[['words', 'affixes', 'characters'] as const], [['characters'] as const], [['affixes'] as const]])(
    'with %p gives the same bits with words kept and without, in batches of any history',
    async (encoders) => {
      const model = await learned(encoders);
      const wasm = await createWasmKernels();
      for (const backend of [cpu, wasm]) {
        const plain = predict(backend, model, texts, { probabilities: true, keepWords: false });
        expect(predict(backend, model, texts, { probabilities: true })).toEqual(plain);
        const tagger = createTagger(model, backend);
        tagger.tag(texts.slice(40));
        expect(tagger.tag(texts, { probabilities: true })).toEqual(plain);
        expect(tagger.tag(texts, { probabilities: true })).toEqual(plain);
        tagger.dispose();
      }
      wasm.dispose();
    },
  );

  test('labels the same, however little memory there is', async () => {
    const model = await learned(['words', 'characters']);
    for (let maximumBytes = 2 ** 20; maximumBytes <= 2 ** 23; maximumBytes *= 1.5) {
      const said = await Promise.all(
        [true, false].map(async (keepWords) => {
          const tagger = createTagger(model, await createWasmKernels({ maximumBytes }), { keepWords });
          const own = [0, 1].map(() => tagger.tag(texts, { probabilities: true }));
          tagger.dispose();
          return own;
        }),
      );
      expect(said[0]).toEqual(said[1]);
    }
  });

  test('forgets what a backend keeps of rows that change', async () => {
    const model = await learned(['words', 'characters']);
    const wasm = await createWasmKernels();
    const inference = inferenceOf(wasm, model.network, model.params);
    const plain = inferenceOf(wasm, model.network, model.params, { keepWords: false });
    for (const { batch, features } of batchesToPredict(model, texts.slice(0, 20))) {
      const run = (by: typeof inference) =>
        wasm.frame(() => matrix(by.run(features, batch.packing)[0].logits).map((row) => [...row]));
      const wanted = run(plain);
      expect(run(inference)).toEqual(wanted);
      expect(run(inference)).toEqual(wanted); // the same batch again: forgotten, and made anew
    }
    wasm.dispose();
  });
});

test('what is kept is what the encoders make of the words', async () => {
  const corpus = generateCorpus({ sentences: 5, seed: 4 });
  const { model } = await train(cpu, { train: corpus }, { encoders: ['words', 'characters'], hidden: 3, embedding: 4, characterSize: 6, epochs: 1 }); // prettier-ignore
  const kept = keptWords(cpu, model.network, model.params)!;
  const tokens = corpus[0].tokens;
  const features = model.readers.map((reader) => reader.read(tokens));
  const rows = kept.find(features, tokens.length, () => {})!;
  const { encoders, width } = model.network;
  const encoded = encoders.map((each, i) => each.forward(cpu, model.params.encoders[each.config.kind], features[i]));
  const table = matrix(kept.table);
  expect(Array.from(rows, (row) => table[row])).toEqual(matrix(joined(cpu, encoded, width)));
});
