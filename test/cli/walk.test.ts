/** `bptt train --backend reference` runs the files of docs/reading-order.md, and no faster twin of any of them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatSentence, generateCorpus } from '../../src/labeling';
import { bptt } from '../support/cli';

const folder = mkdtempSync(join(tmpdir(), 'bptt-walk-'));
afterAll(() => rmSync(folder, { recursive: true }));
const corpus = generateCorpus({ sentences: 12, seed: 3, maxPhrases: 1 });
writeFileSync(
  join(folder, 'train.txt'),
  corpus.map(({ tokens, labels = [] }) => formatSentence({ tokens, labels }, 'conll')).join(''),
);

/** The functions entered in a training, by file of src: what V8 counts of the process. */
function entered(backend: string): Map<string, string[]> {
  const coverage = join(folder, backend);
  const args = ['train', '--train', 'train.txt', '--embedding', '4', '--hidden', '3', '--epochs', '1', '--quiet'];
  const outcome = bptt([...args, '--backend', backend], { cwd: folder, env: { NODE_V8_COVERAGE: coverage } });
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  const found = new Map<string, string[]>();
  for (const file of readdirSync(coverage)) {
    const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as {
      result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[];
    };
    for (const { url, functions } of result) {
      const path = /bptt-cli\/[0-9a-f]+\/(.*)\.js$/.exec(url)?.[1];
      const names = functions.filter((f) => f.functionName !== '' && f.ranges[0].count > 0).map((f) => f.functionName);
      if (path !== undefined && names.length > 0) found.set(`src/${path}.ts`, names);
    }
  }
  return found;
}

const page = readFileSync(join(__dirname, '../../docs/reading-order.md'), 'utf8');
const stops = [...page.matchAll(/^## \d\. \[`(.*?)`\]/gm)].map(([, path]) => path);

/** Functions the page tells to read, where a name of the page is one of a file's functions. */
const TO_READ: Readonly<Record<string, readonly string[]>> = {
  'src/cli/train.ts': ['runTrain'],
  'src/labeling/training/train.ts': ['trainBatch', 'trainEpochs'],
  'src/labeling/model/model.ts': ['modelForward', 'modelBackward'],
  'src/layers/softmax-loss.ts': ['softmaxLossForward', 'softmaxLossBackward'],
  'src/autograd/unroll.ts': ['scanForward', 'sweep'],
  'src/cells/lstm.ts': ['lstmStepForward', 'lstmStepBackward'],
  'src/kernels/cpu/matmul1.ts': ['addMatmul1', 'addMatmulTA1', 'addMatmulTB1'],
};

it('enters the functions of every stop, in the files the page names', () => {
  expect(stops).toEqual(Object.keys(TO_READ));
  const files = entered('reference');
  for (const [stop, names] of Object.entries(TO_READ)) {
    expect(files.get(stop)).toEqual(expect.arrayContaining([...names]));
  }
});

it('enters no product but rung 1, no time loop but the one of unroll, no memory of a backend', () => {
  const fast = (files: Map<string, string[]>): string[] =>
    [...files.keys()].filter((path) =>
      /kernels\/(wasm\/(arena|scan|product|rows|inference)|gpu\/(layer|product|resident)|cpu\/matmul[23])/.test(path),
    );
  expect(fast(entered('reference'))).toEqual([]);
  // The same look at the default finds them: what is seen to be absent above would be seen.
  expect(fast(entered('wasm')).sort()).toEqual(
    expect.arrayContaining(['arena', 'product', 'rows', 'scan'].map((name) => `src/kernels/wasm/${name}.ts`)),
  );
});
