import { readFileSync, writeFileSync } from 'node:fs';
import { decodeSafetensors, encodeSafetensors } from '../../src/serialize/safetensors';
import { createTagger } from '../../src/labeling/model/tagger';
import { bptt } from '../support/cli';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, trainTiny } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(async () => {
  space = createWorkspace();
  await trainTiny(space);
});
afterAll(() => space.remove());

const evaluate = (...args: string[]) => bpttHere(['eval', 'model.safetensors', ...args], space.folder);

test('a file is told how it is read, where the model does not remember it', async () => {
  const { tensors, metadata } = decodeSafetensors(readFileSync(space.at('model.safetensors')));
  const { input, ...rest } = metadata;
  expect(input).toBeDefined();
  space.write('forgetful.safetensors', encodeSafetensors(tensors, rest));
  const { status, stderr } = await bpttHere(['eval', 'forgetful.safetensors', 'test.tsv'], space.folder);
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr:
      'warning: test.tsv: the model does not remember how such files are read; read as two-column, words in column 1, labels in column 2\n',
  });
  expect((await evaluate('test.tsv')).stderr).toBe('');
});

/** Gold labels and the model's own, token by token, read and compared without the scorer. */
function pairs(): { token: string; gold: string; predicted: string }[] {
  const tagger = createTagger(readFileSync(space.at('model.safetensors')));
  const sentences = readFileSync(space.at('test.tsv'), 'utf8').trimEnd().split('\n\n');
  return sentences.flatMap((sentence) => {
    const rows = sentence.split('\n').map((row) => row.split('\t'));
    const [{ labels }] = tagger.tag([rows.map(([token]) => token)]);
    return rows.map(([token, gold], i) => ({ token, gold, predicted: labels[i] }));
  });
}

test('--json has exactly the fields of the contract, and they are right', async () => {
  const { status, stdout, stderr } = await evaluate('test.tsv', '--json');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const all = pairs();
  const right = all.filter(({ gold, predicted }) => gold === predicted).length;
  const seen = new Set(
    readFileSync(space.at('train.tsv'), 'utf8')
      .split('\n')
      .map((row) => row.split('\t')[0]),
  );
  const oov = all.filter(({ token }) => !seen.has(token));
  const oovRight = oov.filter(({ gold, predicted }) => gold === predicted).length;
  expect(JSON.parse(stdout)).toEqual({
    accuracy: right / all.length,
    oovAccuracy: oov.length > 0 ? oovRight / oov.length : null,
    spanF1: null,
    tokens: all.length,
    warnings: [],
  });
});

test('a label the model was never trained on counts as an error, and is told once', async () => {
  const gold = readFileSync(space.at('test.tsv'), 'utf8');
  writeFileSync(space.at('unseen.tsv'), `${gold}\nnew\tNEVER\nnewer\tNEVER\n`);
  const [known, unseen] = [await evaluate('test.tsv', '--json'), await evaluate('unseen.tsv', '--json')];
  expect(unseen.status).toBe(0);
  const [before, after] = [known, unseen].map(({ stdout }) => JSON.parse(stdout) as Record<string, number>);
  expect(after.tokens).toBe(before.tokens + 2);
  expect(Math.round(after.accuracy * after.tokens)).toBe(Math.round(before.accuracy * before.tokens));
  expect(unseen.stderr).toMatch(/^warning: unseen\.tsv: 2 tokens have labels .* count as errors: "NEVER" 2: .*\n$/);
  expect(after.warnings).toMatchObject([{ kind: 'unknown-labels', source: 'unseen.tsv', count: 2 }]);
  expect((await evaluate('unseen.tsv', '--strict-labels')).status).toBe(65);
});

test('--confusion and --errors as JSON', async () => {
  const { stdout } = await evaluate('test.tsv', '--json', '--confusion', '--errors', '2');
  const { confusion, errors } = JSON.parse(stdout) as {
    confusion: { labels: string[]; counts: number[][] };
    errors: { token: string; gold: string; predicted: string; count: number; line: number }[];
  };
  const all = pairs();
  confusion.labels.forEach((gold, g) =>
    confusion.labels.forEach((predicted, p) => {
      expect(confusion.counts[g][p]).toBe(all.filter((x) => x.gold === gold && x.predicted === predicted).length);
    }),
  );
  expect(errors).toHaveLength(2);
  expect(errors[0].count).toBeGreaterThanOrEqual(errors[1].count);
  for (const { token, gold, predicted, count } of errors) {
    const same = all.filter((x) => x.token === token && x.gold === gold && x.predicted === predicted);
    expect(same).toHaveLength(count);
    expect(gold).not.toBe(predicted);
  }
});

test('as text: scores, a row per label, and what was asked for', async () => {
  const { status, stdout, stderr } = await evaluate('test.tsv', '--confusion', '--errors', '1');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^accuracy [\d.]+ % .* tokens$/m);
  expect(stdout).toMatch(/^label +precision +recall +F1 +gold$/m);
  expect(stdout).toMatch(/^NOUN( +[\d.]+ %){3} +\d+$/m);
  expect(stdout).toMatch(/^gold \\ predicted( +\S+)+$/m);
  expect(stdout).toMatch(/^token +gold +predicted +count +first in line\n\S+ +\S+ +\S+ +\d+ +\d+$/m);
  expect((await evaluate('test.tsv')).stdout).not.toMatch(/gold \\|count/);
});

test('span labels get a span F1, in both forms', async () => {
  space.write('spans.tsv', 'New\tB-LOC\nYork\tI-LOC\nsleeps\tO\n\n'.repeat(9));
  const args = ['--train', 'spans.tsv', '--epochs', '40', '--hidden', '8', '--lr', '0.05', '--dropout', '0'];
  await bpttHere(['train', ...args, '--quiet', '--out', 'spans.safetensors'], space.folder);
  const run = async (...more: string[]) =>
    (await bpttHere(['eval', 'spans.safetensors', 'spans.tsv', ...more], space.folder)).stdout;
  expect(JSON.parse(await run('--json'))).toEqual({
    accuracy: 1,
    oovAccuracy: null,
    spanF1: 1,
    tokens: 27,
    warnings: [],
  });
  expect(await run()).toMatch(/span F1 100\.00 %/);
  expect(await run()).toMatch(/^span LOC +100\.00 % +100\.00 % +100\.00 % +9$/m);
  expect(await run('--errors', '3')).toContain('no mistakes');
});

test('--format and --column choose the labels; - is standard input', async () => {
  const input = 'the x DET\ncat y NOUN\n';
  const run = (...more: string[]) =>
    bptt(['eval', 'model.safetensors', '-', '--json', ...more], { cwd: space.folder, input });
  expect(JSON.parse(run('--format', 'conll', '--column', '3').stdout)).toMatchObject({ tokens: 2 });
  expect(run('--format', 'conll', '--column', '2', '--strict-labels').status).toBe(65);
});

test('messages call standard input by its name', () => {
  const { status, stderr } = bptt(['eval', 'model.safetensors', '-', '--strict-labels'], {
    cwd: space.folder,
    input: 'a\tNEVER\n',
  });
  expect(status).toBe(65);
  expect(stderr).toMatch(/^bptt: standard input: sentence at line 1, token 1, "a": label "NEVER" was never seen/);
});
