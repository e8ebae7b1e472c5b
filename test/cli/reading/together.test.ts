/** Readings of models that choose labels together: every command works, and says what it reads. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCpuKernels } from '../../../src/kernels/index.js';
import { saveModel, train } from '../../../src/labeling/index.js';
import type { TrainOptions } from '../../../src/labeling/index.js';
import type { Trace } from '../../../src/inspect/index.js';
import { bpttHere } from '../../support/cli-here';

const folder = mkdtempSync(join(tmpdir(), 'bptt-together-'));
const file = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const sentences = [
  { tokens: ['ann', 'lee', 'met', 'bo'], labels: ['B-X', 'I-X', 'O', 'B-X'] },
  { tokens: ['bo', 'met', 'ann', 'lee'], labels: ['B-X', 'O', 'B-X', 'I-X'] },
];
const tiny: TrainOptions = { embedding: 3, hidden: 3, bidirectional: false, epochs: 2, minCount: 1, dropout: 0, affixSize: 3 }; // prettier-ignore

beforeAll(async () => {
  const models = {
    crf: { head: 'crf', scheme: 'IOBES' },
    masked: { decode: 'constrained' },
    spelled: { encoders: ['affixes'] },
  } as const;
  for (const [name, options] of Object.entries(models)) {
    const { model } = await train(createCpuKernels(), { train: sentences }, { ...tiny, ...options });
    writeFileSync(file(name), saveModel(model));
  }
});

const commands: readonly (readonly [string, ...string[]])[] = [
  ['inspect'],
  ['reach'],
  ['gates'],
  ['ledger', '--param', 'Wh'],
  ['check', '--random', '3'],
  ['salience'],
  ...['strip', 'reach', 'stepper', 'equation', 'check', 'ledger', 'gates', 'saliency', 'norms'].map((view): [string, string] => ['figure', view]), // prettier-ignore
];

test.each(commands)('%s %s reads a CRF by its logits, and says so', async (name, ...more) => {
  const view = name === 'figure' ? more[0] : undefined;
  const options = name === 'figure' ? [] : more;
  const svg = file(`${view}.svg`);
  const args = view === undefined ? [name] : [name, view];
  const { status, stderr } = await bpttHere([...args, 'ann lee met bo', file('crf'), ...options, ...(view === undefined ? [] : ['--svg', svg])]); // prettier-ignore
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr:
      'warning: the model chooses labels jointly, by a CRF: here each word is read separately, in the labels it learned, IOBES; ' +
      'gradients are those of logits, or of margins with --loss-seed margin. bptt tag may choose other labels\n',
  });
  if (view !== undefined) expect(readFileSync(svg, 'utf8')).toContain('data-ref=');
});

test('a report of a CRF is a page, and its comparison asks the same', async () => {
  const { status } = await bpttHere(['report', 'ann lee met bo', file('crf'), '-o', file('crf.html')]);
  expect(status).toBe(0);
  const { stdout } = await bpttHere(['inspect', 'ann lee met bo', file('crf'), '--json']);
  expect((JSON.parse(stdout) as Trace).conventions.seed).toBe('logit');
});

test('a softmax with permitted transitions has its loss, and the warning', async () => {
  const { status, stdout, stderr } = await bpttHere(['inspect', 'ann lee', file('masked'), '--json']);
  expect(status).toBe(0);
  expect((JSON.parse(stdout) as Trace).conventions.seed).toBe('loss');
  expect(stderr).toBe('warning: the model chooses labels jointly, along permitted transitions: here each word is read separately. bptt tag may choose other labels\n'); // prettier-ignore
});

test('a model that spells its words has a vector for each', async () => {
  const { status, stdout, stderr } = await bpttHere(['inspect', 'ann zyx', file('spelled'), '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect((JSON.parse(stdout) as Trace).words.map(({ known }) => known)).toEqual([true, true]);
});

test('its unknown word has no letters: <unk> would be spelled', async () => {
  const swap = async (...more: string[]) => {
    const { status, stdout } = await bpttHere(['salience', 'ann zyx', file('spelled'), '--json', ...more]);
    expect(status).toBe(0);
    return (JSON.parse(stdout) as { methods: { swap: number[] } }).methods.swap;
  };
  const unknown = await swap();
  expect(unknown.every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
  expect(unknown).not.toEqual(await swap('--swaps', '<unk> <unk>'));
  const { stdout } = await bpttHere(['salience', 'ann zyx', file('spelled')]);
  expect(stdout).toMatch(/\(unknown\)/);
  expect(stdout).not.toContain('<unk>');
});
