/** Several columns, and slots with an intent, from the command line: train, eval, tag, read. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
const rows = ['the\tDET\tDT', 'cat\tNOUN\tNN', 'dogs\tNOUN\tNNS', 'sat\tVERB\tVBD'].map((row) => row.split('\t'));
const conllu = Array.from({ length: 12 }, (_, s) => {
  const words = [rows[0], rows[1 + (s % 2)], rows[3]];
  return `# sent_id = ${s}\n${words.map(([form, upos, xpos], i) => `${i + 1}\t${form}\t_\t${upos}\t${xpos}\t_\t_\t_\t_\t_`).join('\n')}\n\n`;
}).join('');
beforeAll(() => {
  space = createWorkspace();
  space.write('a.conllu', conllu);
  mkdirSync(join(space.folder, 'slots'));
  space.write('slots/seq.in', 'fly to oslo\nbook rome\n'.repeat(8));
  space.write('slots/seq.out', 'O O B-city\nO B-city\n'.repeat(8));
  space.write('slots/label', 'Fly\nBook\n'.repeat(8));
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);
const SIZES = ['--epochs', '30', '--patience', '30', '--hidden', '12', '--embedding', '12', '--dropout', '0', '--batch', '4', '--lr', '0.03']; // prettier-ignore
const BASE = overriding(TINY, [...SIZES, '--min-count', '1', '--backend', 'cpu', '--out', 'm.safetensors']);
const train = (...args: string[]) => run('train', ...overriding(BASE, args));

test('columns: train, eval, tag, inspect', async () => {
  const trained = await train('--train', 'a.conllu', '--dev', 'a.conllu', '--column', 'upos,xpos', '--head', 'xpos=crf', '--head-weights', 'xpos=0.5', '--best-by', 'upos', '--log', 'log'); // prettier-ignore
  expect(trained.stderr).toContain('labels in upos, xpos');
  expect([trained.status, trained.stdout]).toEqual([0, expect.stringMatching(/dev +upos +accuracy 100.00 %[^]+xpos +accuracy 100.00 %[^]+all right  100.00 % of 36 tokens/)]); // prettier-ignore
  const epoch = readFileSync(join(space.folder, 'log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, never>)[1]; // prettier-ignore
  expect(Object.keys(epoch.losses)).toEqual(['upos', 'xpos']);
  expect(Object.keys((epoch.dev as { heads: object }).heads)).toEqual(['upos', 'xpos']);

  const scored = JSON.parse((await run('eval', 'm.safetensors', 'a.conllu', '--json', '--backend', 'cpu')).stdout) as Record<string, unknown>; // prettier-ignore
  expect(scored).toMatchObject({ accuracy: 1, heads: { upos: { accuracy: 1 }, xpos: { accuracy: 1 } }, warnings: [] });
  expect(scored.together).toEqual({ unit: 'token', decisions: 36, correct: 36, accuracy: 1 });
  expect((await run('eval', 'm.safetensors', 'a.conllu', '--backend', 'cpu')).stdout).toMatch(
    /^head upos[^]+head xpos/,
  );
  space.write('part.conllu', conllu.replace(/\t(DT|NNS?|VBD)\t/g, '\t_\t'));
  const part = JSON.parse((await run('eval', 'm.safetensors', 'part.conllu', '--json', '--backend', 'cpu')).stdout) as { heads: object; warnings: { kind: string }[] }; // prettier-ignore
  expect([Object.keys(part.heads), part.warnings.map(({ kind }) => kind)]).toEqual([['upos'], ['head-left-out']]);

  const tag = async (...args: string[]) =>
    (await run('tag', 'm.safetensors', 'a.conllu', '--backend', 'cpu', ...args)).stdout;
  expect(await tag('--format', 'conllu', '--output', 'conllu')).toBe(conllu);
  expect((await tag('--format', 'conllu', '--output', 'conll')).split('\n\n')[0]).toBe('the\tDET\tDT\ncat\tNOUN\tNN\nsat\tVERB\tVBD'); // prettier-ignore
  const [line] = (await tag('--format', 'conllu', '--output', 'jsonl', '--probabilities')).split('\n');
  expect(JSON.parse(line)).toMatchObject({ labels: { upos: ['DET', 'NOUN', 'VERB'], xpos: ['DT', 'NN', 'VBD'] }, probabilities: { upos: expect.any(Array) } }); // prettier-ignore
  for (const [args, message] of [
    [['--output', 'slashed'], 'slashed has one label per word; this model has upos, xpos'],
    [['--output', 'conllu', '--probabilities'], 'conllu holds no --probabilities'],
    [['--output', 'jsonl', '--spans'], 'are not spans'],
  ] as const) {
    const refused = await run('tag', 'm.safetensors', 'a.conllu', '--format', 'conllu', ...args);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining(message)]);
  }

  const read = await run('inspect', 'the cat sat', 'm.safetensors');
  expect([read.status, read.stderr]).toEqual([0, expect.stringContaining('the model has the heads upos, xpos: upos is read')]); // prettier-ignore
  const wrong = await run('inspect', 'the cat sat', 'm.safetensors', '--head', 'feats');
  expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('--head feats: this model has upos, xpos')]);
  expect((await run('inspect', 'the cat sat', 'm.safetensors', '--head', 'upos')).stderr).toBe('');
});

test('slots and an intent: train, eval, tag', async () => {
  const trained = await train('--task', 'slots-intent', '--train', 'slots', '--dev', 'slots');
  expect([trained.status, trained.stdout]).toEqual([0, expect.stringMatching(/dev +slots +accuracy [^]+span F1[^]+intent +accuracy 100.00 %[^]+whole frames  100.00 % of 16 sentences/)]); // prettier-ignore
  const scored = JSON.parse(
    (await run('eval', 'm.safetensors', 'slots', '--json', '--backend', 'cpu')).stdout,
  ) as object;
  expect(scored).toMatchObject({ spanF1: 1, heads: { intent: { accuracy: 1, sentences: 16 } }, together: { unit: 'sentence', accuracy: 1 } }); // prettier-ignore
  const tag = async (...args: string[]) => (await run('tag', 'm.safetensors', 'slots', '--format', 'slots', '--backend', 'cpu', ...args)).stdout.split('\n')[0]; // prettier-ignore
  expect(await tag()).toBe('Fly\tfly/O to/O oslo/B-city');
  expect(JSON.parse(await tag('--output', 'jsonl'))).toEqual({ tokens: ['fly', 'to', 'oslo'], labels: ['O', 'O', 'B-city'], label: 'Fly' }); // prettier-ignore
  space.write('a.jsonl', (await run('tag', 'm.safetensors', 'slots', '--format', 'slots', '--output', 'jsonl', '--backend', 'cpu')).stdout); // prettier-ignore
  const again = await train('--task', 'slots-intent', '--train', 'a.jsonl', '--out', 'n.safetensors');
  expect(again.status).toBe(0);
});

test.each<[string[], string]>([
  [['--column', 'upos,upos'], 'the label column upos is named twice'],
  [['--column', 'upos,'], 'It must be a name or a number'],
  [['--column', 'upos,xpos', '--head', 'ner=crf'], "a name in head (--head) must be one of 'upos', 'xpos'"],
  [['--column', 'upos,xpos', '--head', 'upos=xyz'], 'It must be one of softmax, crf'],
  [['--column', 'upos,xpos', '--head-weights', 'upos'], 'numbers of at least 0 by head'],
  [['--column', 'upos,xpos', '--head-weights', 'upos=-1'], 'numbers of at least 0 by head'],
  [['--column', 'upos,xpos', '--head-weights', 'upos=1,upos=2'], 'Each at most once'],
  [['--column', 'upos,xpos', '--best-by', 'feats'], "bestBy (--best-by) must be one of 'upos', 'xpos'"],
  [['--task', 'slots-intent'], 'expected a label for the sentence'],
  [['--column', 'upos,xpos', '--best-by', 'xpos'], 'bestBy (--best-by) needs scores on a development set'],
  [
    ['--column', 'upos,xpos', '--head', 'xpos=crf', '--label-smoothing', '0.1'],
    '--label-smoothing has no effect with --head crf',
  ],
])('%j is refused in one line', async (options, message) => {
  const { status, stderr } = await train('--train', 'a.conllu', ...options);
  expect([status === 2 || status === 65, stderr]).toEqual([true, expect.stringContaining(message)]);
  expect(stderr).not.toContain('    at ');
});
