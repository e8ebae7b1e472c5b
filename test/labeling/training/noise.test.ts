/** Everything random in a training is drawn by its place: seed, epoch, sentence, token, layer. */
import fc from 'fast-check';
import { createCpuKernels, createWasmKernels } from '../../../src/kernels/index.js';
import type { Kernels } from '../../../src/kernels/index.js';
import { generateCorpus } from '../../../src/labeling/data/corpus.js';
import { shardsOf } from '../../../src/labeling/training/parallel/shards.js';
import type { TrainOptions } from '../../../src/labeling/training/options.js';
import { addShardGradient, applyGradient } from '../../../src/labeling/training/replica.js';
import { batchesOfEpoch, prepareRun } from '../../../src/labeling/training/run.js';
import type { Run } from '../../../src/labeling/training/run.js';
import { train } from '../../../src/labeling/training/train.js';
import { reversal } from '../../../src/autograd/packing.js';
import { zeroInPlace } from '../../../src/autograd/grads.js';
import type { TensorRecord } from '../../../src/autograd/grads.js';
import { flatten } from '../../../src/autograd/grads.js';
import type { Tensor } from '../../../src/tensor/index.js';

fc.configureGlobal({ seed: 17, numRuns: 20 });

const cpu = createCpuKernels();
const sentences = generateCorpus({ sentences: 70, seed: 31, maxPhrases: 2 });
const options: TrainOptions = {
  embedding: 12,
  hidden: 9,
  layers: 2,
  batch: 16,
  epochs: 4,
  lr: 0.02,
  dropout: 0.5,
  wordDropout: 0.4,
  seed: 8,
};
const runOf = (kernels: Kernels = cpu, more: TrainOptions = {}): Run =>
  prepareRun(kernels, { train: sentences }, { ...options, ...more });

const counts = ({ lengths }: Run, members: readonly number[]) => [members.reduce((sum, m) => sum + lengths[m], 0)];

/** What was drawn for every token of some sentences, by sentence and token: its word, and its masks in three parts of the model. */
function drawsOf(run: Run, members: readonly number[], epoch: number): Map<string, Record<string, string>> {
  const moment = { epoch, batch: 1 };
  const { pass, batch } = addShardGradient(run.replica, members, counts(run, members), moment);
  zeroInPlace(run.replica.flatGrads);
  const { packing } = batch;
  const row = ({ data, offset, shape }: Tensor, n: number) =>
    data.slice(offset + n * shape[1], offset + (n + 1) * shape[1]).join();
  const draws = new Map<string, Record<string, string>>();
  for (let t = 0; t < packing.steps; t++) {
    for (let b = 0; b < packing.batchSizes[t]; b++) {
      const n = packing.offsets[t] + b;
      draws.set(`${members[packing.order[b]]}/${t}`, {
        word: String((pass.encoded[0] as unknown as { ids: Int32Array }).ids[n]),
        input: row(pass.xMask!.factors, n),
        between: row(pass.stack.layers[0].mask!.factors, n),
        output: row(pass.yMask!.factors, n),
        ...maskRows(pass, n),
      });
    }
  }
  return draws;
}

/** Masks of the cells in both directions of the upper layer, where they have any: of the word in row n. */
function maskRows({ stack }: ReturnType<typeof addShardGradient>['pass'], n: number): Record<string, string> {
  const { forward, reverse } = stack.layers[1];
  const back = reversal(forward.packing);
  const own = [forward, reverse!].flatMap(({ cell, saved, direction }) =>
    Object.keys(cell.masks ?? {}).map((name) => {
      const [at, { data, offset, shape }] = [direction === 'forward' ? n : back[n], saved[name]];
      return [`${direction}.${name}`, data.slice(offset + at * shape[1], offset + (at + 1) * shape[1]).join()];
    }),
  );
  return Object.fromEntries(own) as Record<string, string>;
}

const merged = (parts: readonly Map<string, Record<string, string>>[]) =>
  Object.fromEntries(parts.flatMap((part) => [...part]).sort(([p], [q]) => (p < q ? -1 : 1)));

const masked = { recurrentDropout: 0.3, zoneout: { h: 0.2, c: 0.4 } };

describe.each([
  ['dropout', {}],
  ['dropout, recurrent dropout and zoneout', masked],
] as const)('the noise of a token: %s', (_what, more) => {
  const everyone = sentences.map((_, s) => s);

  test('is the same on one, two, three and eight threads: in the shards of a batch', () => {
    const run = runOf(cpu, more);
    const { lengths } = run;
    for (const members of batchesOfEpoch(run, 1).slice(0, 3)) {
      const whole = merged([drawsOf(run, members, 1)]);
      for (const threads of [1, 2, 3, 8]) {
        const shards = shardsOf(lengths, members, threads);
        expect(merged(shards.map((shard) => drawsOf(run, shard, 1)))).toEqual(whole);
      }
    }
  });

  test('is the same in any batch, whatever was drawn before', () => {
    const run = runOf(cpu, more);
    const whole = merged([drawsOf(run, everyone, 2)]);
    fc.assert(
      fc.property(fc.subarray(everyone, { minLength: 1 }), fc.integer({ min: 1, max: 3 }), (members, epoch) => {
        drawsOf(runOf(cpu, more), members, epoch);
        for (const [at, draw] of drawsOf(run, members, 2)) expect(draw).toEqual(whole[at]);
      }),
    );
  });

  test('is the same on every backend', async () => {
    const wasm = await createWasmKernels();
    expect(merged([drawsOf(runOf(wasm, more), everyone, 3)])).toEqual(merged([drawsOf(runOf(cpu, more), everyone, 3)]));
    wasm.dispose();
  });
});

describe('noise that is drawn by place', () => {
  const everyone = sentences.map((_, s) => s);

  test('variational: all words of a sentence share the masks of dropout, two sentences do not', () => {
    const run = runOf(cpu, { dropoutKind: 'variational', embedding: 36, hidden: 18, bidirectional: false });
    const moment = { epoch: 1, batch: 1 };
    const { pass, batch } = addShardGradient(run.replica, everyone, counts(run, everyone), moment);
    for (const mask of [pass.xMask, pass.yMask, pass.stack.layers[0].mask]) {
      const { shape, data, offset } = mask!.factors;
      expect(shape[0]).toBe(batch.packing.batch);
      const rows = Array.from({ length: shape[0] }, (_, b) => data.slice(offset + b * shape[1], offset + (b + 1) * shape[1]).join()); // prettier-ignore
      expect(new Set(rows).size).toBe(shape[0]);
    }
  });

  test('recurrent dropout: all words of a sentence share a mask; zoneout: none does; the directions differ', () => {
    const draws = drawsOf(runOf(cpu, { ...masked, hidden: 40 }), everyone, 1);
    const ofSentence = [...draws].filter(([at]) => at.startsWith('3/')).map(([, draw]) => draw);
    const different = (name: string) => new Set(ofSentence.map((draw) => draw[name])).size;
    expect([different('forward.mask_h'), different('reverse.mask_h')]).toEqual([1, 1]);
    expect(different('forward.keep_h')).toBe(ofSentence.length);
    expect(ofSentence[0]['forward.mask_h']).not.toBe(ofSentence[0]['reverse.mask_h']);
    expect(ofSentence[0]['forward.keep_h']).not.toBe(ofSentence[0]['forward.keep_c']);
  });

  test('differs from epoch to epoch, seed to seed, token to token and part to part', () => {
    const seen = new Set<string>();
    let count = 0;
    for (const seed of [8, 9]) {
      const run = runOf(cpu, { seed, embedding: 36, hidden: 18 }); // three masks of 36 columns: 2⁻³⁶ that two are equal
      for (const epoch of [1, 2, 3]) {
        for (const { input, between, output } of drawsOf(run, everyone, epoch).values()) {
          for (const mask of [input, between, output]) seen.add(mask);
          count += 3;
        }
      }
    }
    expect(seen.size).toBe(count);
  });

  test('hides other words in other epochs, about as many as asked for', () => {
    const run = runOf();
    const plain = drawsOf(runOf(cpu, { wordDropout: 0 }), everyone, 1);
    const hidden = [1, 2].map((epoch) => {
      const draws = drawsOf(run, everyone, epoch);
      return new Set([...draws.keys()].filter((at) => draws.get(at)!.word !== plain.get(at)!.word));
    });
    const tokens = plain.size;
    for (const own of hidden) {
      expect(Math.abs(own.size - 0.4 * tokens)).toBeLessThan(5 * Math.sqrt(tokens * 0.4 * 0.6));
    }
    const both = [...hidden[0]].filter((at) => hidden[1].has(at)).length;
    expect(Math.abs(both - 0.16 * tokens)).toBeLessThan(5 * Math.sqrt(tokens * 0.16 * 0.84));
  });
});

describe('the order of an epoch', () => {
  test('depends on seed and epoch alone', () => {
    const run = runOf();
    const third = batchesOfEpoch(run, 3);
    batchesOfEpoch(run, 1);
    expect(batchesOfEpoch(run, 3)).toEqual(third);
    expect(batchesOfEpoch(runOf(), 3)).toEqual(third);
    expect(batchesOfEpoch(run, 2)).not.toEqual(third);
    expect(batchesOfEpoch(runOf(cpu, { seed: 9 }), 3)).not.toEqual(third);
    expect(third.flat().sort((p, q) => p - q)).toEqual(sentences.map((_, s) => s));
  });
});

/** Trains some epochs as `train` does. */
function trainEpochs(run: Run, epochs: readonly number[]): void {
  for (const epoch of epochs) {
    batchesOfEpoch(run, epoch).forEach((members, i) => {
      addShardGradient(run.replica, members, counts(run, members), { epoch, batch: i + 1 });
      applyGradient(run.replica, options.lr!);
    });
  }
}

const bitsOf = (params: TensorRecord) =>
  Object.fromEntries(
    Object.entries(params).map(([name, { data, offset, shape }]) => [
      name,
      data.slice(offset, offset + shape.reduce((size, n) => size * n, 1)),
    ]),
  );

describe.each(['cpu', 'wasm'])('a training that goes on from its third epoch, on %s', (backend) => {
  test('has the bits of one that was never interrupted', async () => {
    const open = async () => (backend === 'cpu' ? createCpuKernels() : createWasmKernels());
    const whole = runOf(await open());
    trainEpochs(whole, [1, 2]);
    const weights = bitsOf(whole.replica.params);
    const moments = whole.replica.optimizer.state();
    trainEpochs(whole, [3, 4]);
    const resumed = runOf(await open());
    for (const [name, { data, offset }] of Object.entries(resumed.replica.params)) data.set(weights[name], offset);
    resumed.replica.optimizer.restore(moments);
    trainEpochs(resumed, [3, 4]);
    expect(bitsOf(resumed.replica.params)).toEqual(bitsOf(whole.replica.params));
    const { model } = await train(await open(), { train: sentences }, options);
    expect(bitsOf(flatten(model.params))).toEqual(bitsOf(whole.replica.params));
  });
});
