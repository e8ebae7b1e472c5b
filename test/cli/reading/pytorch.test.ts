import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trace } from '../../../src/inspect';
import { encodeSafetensors } from '../../../src/serialize/safetensors';
import { encodePt } from '../../../src/interchange';
import { createRng, normal } from '../../../src/tensor';
import { bpttHere } from '../../support/cli-here';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-pytorch-'));
  const rng = createRng(3);
  const random = (...shape: number[]) => normal(shape, 0.5, rng, 'float32');
  const [D, H] = [3, 4];
  const gru = {
    'gru.weight_ih_l0': random(3 * H, D),
    'gru.weight_hh_l0': random(3 * H, H),
    'gru.bias_ih_l0': random(3 * H),
    'gru.bias_hh_l0': random(3 * H),
  };
  const around = { 'emb.weight': random(3, D), 'out.weight': random(2, H), 'out.bias': random(2) };
  writeFileSync(join(folder, 'gru.safetensors'), encodeSafetensors(gru));
  writeFileSync(join(folder, 'tagger.safetensors'), encodeSafetensors({ ...gru, ...around }));
  writeFileSync(join(folder, 'tagger.pt'), encodePt({ ...gru, ...around }));
  writeFileSync(join(folder, 'cut.pt'), encodePt(gru).slice(0, -9));
  writeFileSync(join(folder, 'words.txt'), '<unk>\nthe\ncat\n');
  const broken = { ...gru, 'gru.bias_ih_l0': random(5) };
  writeFileSync(join(folder, 'broken.safetensors'), encodeSafetensors(broken));
});
afterAll(() => rmSync(folder, { recursive: true }));

const json = async (...args: string[]) => {
  const { status, stdout, stderr } = await bpttHere([...args, '--json'], folder);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Trace;
};

test('its recurrent layers alone: the words of the sentence get vectors that are drawn', async () => {
  const { status, stdout, stderr } = await bpttHere(['inspect', 'the cat sat', 'gru.safetensors', '--json'], folder);
  expect(status).toBe(0);
  expect(stderr).toBe(
    'warning: gru.safetensors has no embedding and no output layer: drawn at random, so labels and losses are meaningless; gradients are those of the layers\n',
  );
  const { model, checks, words } = JSON.parse(stdout) as Trace;
  expect(model).toMatchObject({ cell: 'gru', hidden: [4], embedding: 3, source: 'pytorch' });
  expect(checks.agrees).toBe(true);
  expect(words.every(({ known }) => known)).toBe(true);
});

test('with its embedding and output layer: --words and --labels name their rows', async () => {
  const named = ['tagger.safetensors', '--words', 'words.txt', '--labels', 'D N'];
  const { model, words } = await json('inspect', 'the cat', ...named);
  expect(model).toMatchObject({ source: 'pytorch', labels: ['D', 'N'], vocabulary: 3 });
  expect(words.map(({ known }) => known)).toEqual([true, true]);
  const { stdout } = await bpttHere(['inspect', 'the cat', ...named, '--tags', 'D N'], folder);
  expect(stdout).toContain('from PyTorch');
});

test('a .pt of torch.save reads as the same safetensors file does', async () => {
  const named = ['--words', 'words.txt', '--labels', 'D N'];
  const [pt, safetensors] = [await json('inspect', 'the cat', 'tagger.pt', ...named), await json('inspect', 'the cat', 'tagger.safetensors', ...named)]; // prettier-ignore
  expect(pt).toEqual(safetensors);
});

test.each([
  [['the cat', 'cut.pt'], 65, /^bptt: cut\.pt: ZIP archive: the file cannot be read: .*truncated/],
  [['the cat', 'broken.safetensors'], 65, /^bptt: broken\.safetensors: .*bias of l0/],
  [['the cat', 'tagger.safetensors'], 65, /words/],
  [['the cat', 'tagger.safetensors', '--words', 'gone.txt'], 65, /gone\.txt/],
  [['the cat', '--words', 'words.txt'], 2, /--words applies only to a state dict of PyTorch/],
  [['the cat', '--labels', 'A B'], 2, /--labels applies only to a state dict of PyTorch/],
  [['the cat', 'gru.safetensors', '--cell', 'lstm'], 65, /weight_hh_l0/],
  [['the cat', 'gru.safetensors', '--hidden', '4'], 2, /--hidden applies only to an untrained model/],
] as const)('%j: status %i, one line', async (args, code, message) => {
  const { status, stdout, stderr } = await bpttHere(['inspect', ...args], folder);
  expect({ status, stdout }).toEqual({ status: code, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});
