/**
 * ONNX beside other engines: every export passes the checker of ONNX and is decoded alike by onnx-proto; ONNX Runtime, in Node and as
 * WebAssembly, gives the same scores and labels as `bptt`, whatever a sentence is padded to; the decoder in Python does what that in
 * JavaScript does.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { exportOnnx, onnxFiles } from '../../src/interchange/onnx/index';
import { decodeOnnx } from '../../src/interchange/onnx/proto';
import { createCpuKernels } from '../../src/kernels/index';
import { modelForward, networkOf, packBatch, packFeatures, predict } from '../../src/labeling/index';
import type { Model, Prediction } from '../../src/labeling/index';
import { CASES } from '../support/onnx-cases';
import { OTHERS, SENTENCES, wholeModel } from '../support/whole-models';
import { PYTHON, python, ROOT } from './engines';

type Plain = Record<string, { type: string; dims: number[]; data: number[] }>;
type Ran = { name: string; batches: { tags: Record<string, unknown>[]; feeds: Plain; outputs: Plain }[] }[];

const folder = mkdtempSync(join(tmpdir(), 'bptt-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));

const kernels = createCpuKernels();
const tokens = SENTENCES.map((each) => [...each.tokens]);
const batches = [tokens, OTHERS.map((each) => [...each]), [tokens[2]], [tokens[1], []]];
const all = Object.entries(CASES).map(([name, options], i) => ({ name, stem: `m${i}`, model: wholeModel(options) }));

/** What a program prints, as JSON. */
function json(command: string, ...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Ran;
}

const run = (runtime: 'node' | 'web'): Ran =>
  json(process.execPath, `${ROOT}/test/ecosystem/onnx-run.mjs`, runtime, folder);

const ran: Partial<Record<'node' | 'web' | 'python', Ran>> = {};
beforeAll(() => {
  for (const { stem, model } of all) {
    for (const [name, bytes] of Object.entries(onnxFiles(model, stem))) writeFileSync(join(folder, name), bytes);
  }
  const cases = all.map(({ name, stem }) => ({ name, stem, batches }));
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
  ran.node = run('node');
  ran.web = run('web');
  writeFileSync(join(folder, 'node.json'), JSON.stringify(ran.node));
  ran.python = json(PYTHON, `${ROOT}/test/ecosystem/onnx-decode.py`, folder);
});

/** The labels of every head, as the decoders give them: nothing for a sentence without tokens. */
function tagsOf({ config }: Model, predictions: readonly Prediction[]): Record<string, unknown>[] {
  return predictions.map((each) =>
    Object.fromEntries(
      config.heads.map(({ name, kind }) => {
        const own = each.heads?.[name] ?? each;
        return [name, kind === 'sentence' ? own.category : own.labels];
      }),
    ),
  );
}

const withoutGaps = (tags: readonly Record<string, unknown>[]): unknown => JSON.parse(JSON.stringify(tags));

/** Scores of every head and sentence, by `modelForward`. */
function scoresOf(model: Model, sentences: readonly (readonly string[])[]): number[][][] {
  const { config, own, params, readers } = model;
  const lengths = sentences.map((each) => each.length);
  const batch = packBatch(lengths, [...lengths.keys()]);
  const features = readers.map((reader) => packFeatures(sentences.map((each) => reader.read(each)), batch)); // prettier-ignore
  const { heads } = modelForward(kernels, networkOf(config, own), params, features, batch.packing);
  return heads.map(({ logits }, h) =>
    sentences.map((_, i) => {
      const b = batch.packing.order.indexOf(i);
      const rows = config.heads[h].kind === 'sentence' ? [b] : Array.from({ length: lengths[i] }, (_, t) => batch.packing.offsets[t] + b); // prettier-ignore
      const K = logits.shape[1];
      return rows.flatMap((row) => [...logits.data.subarray(logits.offset + row * K, logits.offset + row * K + K)]);
    }),
  );
}

describe.each(['node', 'web'] as const)('ONNX Runtime, %s', (runtime) => {
  test.each(all.map((each, i) => [each.name, i] as const))('%s: labels and scores', (_, i) => {
    const { model } = all[i];
    batches.forEach((sentences, k) => {
      const { tags, outputs } = ran[runtime]![i].batches[k];
      expect(tags).toEqual(withoutGaps(tagsOf(model, predict(kernels, model, sentences))));
      const full = sentences.filter((each) => each.length > 0);
      scoresOf(model, full).forEach((sentencesOf, h) => {
        const { name, kind, size } = model.config.heads[h];
        const { data, dims } = outputs[`${name}.${kind === 'crf' ? 'emissions' : 'logits'}`];
        const stride = kind === 'sentence' ? size : dims[1] * size;
        const worst = sentencesOf.flatMap((scores, b) => scores.map((x, j) => Math.abs(x - data[b * stride + j])));
        expect(Math.max(...worst)).toBeLessThan(5e-6);
      });
    });
  });

  test('probabilities are the softmax of the scores', () => {
    const i = all.findIndex(({ name }) => name === 'sentence heads');
    const { outputs } = ran[runtime]![i].batches[0];
    const p = outputs['mean.probabilities'].data.slice(0, 3);
    const e = outputs['mean.logits'].data.slice(0, 3).map((x) => Math.exp(x));
    p.forEach((x, j) => expect(x).toBeCloseTo(e[j] / (e[0] + e[1] + e[2]), 6));
  });
});

test.each(all.map((each, i) => [each.name, i] as const))('the decoder in Python: %s', (_, i) => {
  ran.python![i].batches.forEach(({ tags, feeds }, k) => {
    const other = ran.node![i].batches[k];
    const some = tags.map((each) => Object.fromEntries(Object.entries(each).filter(([, label]) => label !== null)));
    expect(some).toEqual(other.tags);
    expect(feeds).toEqual(other.feeds);
  });
});

test('the checker of ONNX accepts every file, with shapes', () => {
  const code = `
import onnx, sys
for i in range(int(sys.argv[2])):
    model = onnx.load('%s/m%d.onnx' % (sys.argv[1], i))
    onnx.checker.check_model(model, full_check=True)
print(onnx.__version__, model.ir_version, model.opset_import[0].version)`;
  expect(python(code, folder, String(all.length))).toMatch(/^1\.\d+\.\d+ 8 14\n$/);
});

test.each(all.map((each) => [each.name, each] as const))(
  'onnx-proto decodes %s as it was written',
  (_, { stem, model }) => {
    // prettier-ignore
    const bytes = readFileSync(join(folder, `${stem}.onnx`));
    expect(Buffer.compare(bytes, exportOnnx(model))).toBe(0);
    const theirs = onnx.ModelProto.decode(bytes);
    const ours = decodeOnnx(bytes);
    const { graph } = theirs;
    expect(Number(theirs.irVersion)).toBe(ours.irVersion);
    expect(graph?.node?.map(({ opType, input, output, name }) => [opType, input, output, name])).toEqual(
      ours.graph.nodes.map(({ operator, inputs, outputs, name }) => [operator, inputs, outputs, name]),
    );
    expect(graph?.initializer?.map(({ name, dims, dataType }) => [name, dims?.map(Number), dataType])).toEqual(
      ours.graph.initializers.map(({ name, shape, type }) => [name, shape, type]),
    );
    expect(Object.fromEntries(theirs.metadataProps?.map(({ key, value }) => [key, value]) ?? [])).toEqual({
      ...ours.metadata,
    });
  },
);
