/** `bptt quantize`, from a model file to a smaller one, and the commands that read it. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { flatten } from '../../src/autograd';
import { loadModel, saveModel } from '../../src/labeling/model/file';
import { decodeSafetensors } from '../../src/serialize/safetensors';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
const run = (...args: string[]) => bpttHere(args, space.folder);
const bytesAt = (name: string) => readFileSync(space.at(name));

beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
});
afterAll(() => space.remove());

interface Report {
  readonly bytes: { readonly before: number; readonly after: number };
  readonly weights: { readonly matrices: number; readonly integers: number; readonly floats: number; readonly largest: number; readonly rms: number }; // prettier-ignore
  readonly scores: { readonly before: { readonly accuracy: number }; readonly after: { readonly accuracy: number } };
  readonly difference: Readonly<Record<string, { readonly accuracy: number; readonly labels: number; readonly differing: number }>>; // prettier-ignore
}

test('sizes, errors and scores, as they are', async () => {
  const { status, stdout } = await run('quantize', 'model.safetensors', '--out', 'q.safetensors', '--gold', 'test.tsv', '--json'); // prettier-ignore
  expect(status).toBe(0);
  const report = JSON.parse(stdout) as Report;
  expect(report.bytes).toEqual({ before: statSync(space.at('model.safetensors')).size, after: statSync(space.at('q.safetensors')).size }); // prettier-ignore
  expect(report.bytes.after).toBeLessThan(0.75 * report.bytes.before); // the words are most of so small a file
  const [before, after] = ['model.safetensors', 'q.safetensors'].map((name) => loadModel(bytesAt(name)));
  const { raw } = decodeSafetensors(bytesAt('q.safetensors'));
  const own = Object.entries(flatten(before.params));
  const isMatrix = ([, { shape }]: (typeof own)[number]) => shape.length === 2;
  expect(Object.keys(raw!).sort()).toEqual(own.filter(isMatrix).map(([name]) => name).sort()); // prettier-ignore
  let largest = 0;
  let numbers = 0;
  for (const [name, { data }] of own) {
    const other = flatten(after.params)[name].data;
    numbers += data.length;
    data.forEach((w, k) => (largest = Math.max(largest, Math.abs(w - other[k]))));
  }
  expect(report.weights).toMatchObject({ matrices: own.filter(isMatrix).length, largest });
  expect(report.weights.integers + report.weights.floats).toBe(numbers);
  expect(report.weights.rms).toBeLessThan(largest);
  const evaluated = await Promise.all(['model.safetensors', 'q.safetensors'].map((name) => run('eval', name, 'test.tsv', '--json'))); // prettier-ignore
  const accuracies = evaluated.map((each) => (JSON.parse(each.stdout) as { accuracy: number }).accuracy);
  expect([report.scores.before.accuracy, report.scores.after.accuracy]).toEqual(accuracies);
  expect(report.difference.labels.accuracy).toBeCloseTo(accuracies[1] - accuracies[0], 12);
  expect(report.difference.labels.differing).toBeLessThanOrEqual(report.difference.labels.labels);
});

test('lines for people; quiet says nothing', async () => {
  const { stdout } = await run('quantize', 'model.safetensors', '--out', 'p.safetensors', '--gold', 'test.tsv');
  expect(stdout).toMatch(
    /^before {2}model\.safetensors, [\d,]+ bytes\nafter {3}p\.safetensors, [\d,]+ bytes, [\d.]+ % of it\n/,
  );
  expect(stdout).toMatch(
    /^weights \d+ matrices of [\d,]+ numbers in int8, [\d,]+ numbers in float32\nerror {3}at most 0\.\d+, root mean square 0\.\d+$/m,
  );
  expect(stdout).toMatch(
    /^test\.tsv {2}accuracy [\d.]+ % → [\d.]+ % \([+−±][\d.]+\)\ntest\.tsv {2}\d+ labels? of [\d,]+ differ$/m,
  );
  const quiet = await run('quantize', 'model.safetensors', '--out', 'p.safetensors', '--quiet');
  expect(quiet).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(bytesAt('p.safetensors')).toEqual(bytesAt('q.safetensors')); // the same model, the same bytes
});

test('tag reads it; a training does not go on from it, and it is not quantized twice', async () => {
  const tagged = await run('tag', 'q.safetensors', 'test.tsv', '--format', 'conll');
  expect(tagged.status).toBe(0);
  const onward = await run('train', '--init', 'q.safetensors', '--train', 'train.tsv', '--out', 'no.safetensors');
  expect(onward.status).toBe(2);
  expect(onward.stderr).toMatch(/init must have the weights it was trained with; got weights rounded to int8: pass the model before quantization/); // prettier-ignore
  const twice = await run('quantize', 'q.safetensors', '--out', 'no.safetensors');
  expect(twice).toEqual({ status: 65, stdout: '', stderr: 'bptt: q.safetensors: its weights are already integers: quantize the original model\n' }); // prettier-ignore
});

test('what the file holds beside the model goes along', async () => {
  const foreign = { tensors: { 'x.scale': { dtype: 'F16', shape: [1], bytes: Uint8Array.of(0, 60) } }, metadata: { by: 'me' } }; // prettier-ignore
  writeFileSync(space.at('f.safetensors'), saveModel({ ...loadModel(bytesAt('model.safetensors')), foreign }));
  const { stdout } = await run('quantize', 'f.safetensors', '--out', 'fq.safetensors');
  expect(stdout).toContain('kept with the model: 1 tensor ("x.scale"), 1 field ("by")\n');
  expect(loadModel(bytesAt('fq.safetensors')).foreign).toEqual(foreign);
});

test.each<[string[], number, RegExp]>([
  [['none.safetensors', '--out', 'o.safetensors'], 65, /none\.safetensors/],
  [['model.safetensors'], 2, /--out/],
  [['model.safetensors', '--out', 'model.safetensors'], 2, /model\.safetensors/],
  [['model.safetensors', '--out', 'no/o.safetensors'], 1, /the folder .*no does not exist/],
  [['model.safetensors', '--out', 'o.safetensors', '--gold', 'none.tsv'], 65, /none\.tsv/],
  [
    ['model.safetensors', '--out', 'o.safetensors', '--gold', 'test.tsv', '--scheme', 'IOBES'],
    2,
    /--scheme has no effect/,
  ],
])('refuses %j', async (args, status, message) => {
  const found = await run('quantize', ...args);
  expect(found).toMatchObject({ status, stdout: '' });
  expect(found.stderr).toMatch(message);
});
