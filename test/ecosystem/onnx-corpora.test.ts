/**
 * Whole test sets: ONNX Runtime, in Node and as WebAssembly, and `bptt` give every token the same label. A synthetic corpus always;
 * treebanks where they are: parts of speech by words, characters and affixes, and names by a CRF that is given back in another scheme.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnxFiles } from '../../src/interchange/onnx/index';
import { createCpuKernels } from '../../src/kernels/index';
import { readCorpus } from '../../src/labeling/data/files.node';
import { generateCorpus, predict, train } from '../../src/labeling/index';
import type { Sentence, TrainOptions } from '../../src/labeling/index';
import { dataPath, describeWithData } from '../support/data';
import { ROOT } from './engines';

const BATCH = 40;
const SMALL: TrainOptions = { epochs: 1, embedding: 12, batch: 4, lr: 0.01, seed: 3 };
const kernels = createCpuKernels();

/** How many labels of tokens ONNX Runtime gives otherwise, of how many; by runtime. */
async function differing(trained: readonly Sentence[], test: readonly Sentence[], options: TrainOptions) {
  const { model } = await train(kernels, { train: trained }, { ...SMALL, ...options });
  const folder = mkdtempSync(join(tmpdir(), 'bptt-onnx-'));
  try {
    for (const [name, bytes] of Object.entries(onnxFiles(model, 'm'))) writeFileSync(join(folder, name), bytes);
    const sentences = test.map(({ tokens }) => tokens);
    const batches = Array.from({ length: Math.ceil(sentences.length / BATCH) }, (_, k) => sentences.slice(k * BATCH, (k + 1) * BATCH)); // prettier-ignore
    writeFileSync(join(folder, 'cases.json'), JSON.stringify([{ name: 'all', stem: 'm', batches, brief: true }]));
    const ours = predict(kernels, model, sentences).flatMap(({ labels }) => labels);
    const counts = ['node', 'web'].map((runtime) => {
      const ran = spawnSync(process.execPath, [`${ROOT}/test/ecosystem/onnx-run.mjs`, runtime, folder], { encoding: 'utf8', maxBuffer: 1 << 28 }); // prettier-ignore
      if (ran.status !== 0) throw new Error(ran.stderr);
      const [answer] = JSON.parse(ran.stdout) as { batches: { tags: { labels: string[] }[] }[] }[];
      const theirs = answer.batches.flatMap(({ tags }) => tags.flatMap(({ labels }) => labels));
      expect(theirs).toHaveLength(ours.length);
      return theirs.filter((label, i) => label !== ours[i]).length;
    });
    return { tokens: ours.length, labels: new Set(ours).size, node: counts[0], web: counts[1] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const NONE = { node: 0, web: 0 };

test('a synthetic corpus', async () => {
  const trained = generateCorpus({ sentences: 150, seed: 1 });
  const test = generateCorpus({ sentences: 200, seed: 2 });
  const options: TrainOptions = { hidden: 12, layers: 2, encoders: ['words', 'characters', 'affixes'], head: 'crf' };
  const found = await differing(trained, test, options);
  expect(found).toMatchObject(NONE);
  expect(found.labels).toBeGreaterThan(3);
});

describeWithData('ud-ga-idt-r1.3', 'the Irish treebank', () => {
  test('parts of speech by words with signatures, characters and affixes, two LSTM layers', async () => {
    const read = (part: string) => readCorpus(dataPath('ud-ga-idt-r1.3', `ga-ud-${part}.conllu`));
    const options: TrainOptions = {
      hidden: 20,
      layers: 2,
      encoders: ['words', 'characters', 'affixes'],
      signatures: true,
    };
    const found = await differing((await read('train')).slice(0, 200), await read('test'), options);
    expect(found).toMatchObject(NONE);
    expect(found.tokens).toBeGreaterThan(3000);
    expect(found.labels).toBeGreaterThan(3);
  });
});

describeWithData('ud-da-ddt-r1.3-2col', 'the Danish treebank', () => {
  test('parts of speech by a GRU', async () => {
    const read = (part: string) => readCorpus(dataPath('ud-da-ddt-r1.3-2col', `da-ud-${part}.conllu`));
    const found = await differing((await read('train')).slice(0, 300), await read('test'), { cell: 'gru', hidden: 24 });
    expect(found).toMatchObject(NONE);
    expect(found.tokens).toBeGreaterThan(5000);
    expect(found.labels).toBeGreaterThan(8);
  });
});

describeWithData('ner-uner-da-ddt', 'Danish names', () => {
  test('spans by a CRF over IOBES, given back in the scheme of the data', async () => {
    const read = (part: string) => readCorpus(dataPath('ner-uner-da-ddt', `da_ddt-ud-${part}.iob2`), { column: 3 });
    const options: TrainOptions = {
      head: 'crf',
      scheme: 'IOBES',
      hidden: 16,
      epochs: 2,
      encoders: ['words', 'affixes'],
    };
    const found = await differing((await read('train')).slice(0, 300), await read('test'), options);
    expect(found).toMatchObject(NONE);
    expect(found.labels).toBeGreaterThan(2);
  });
});
