/** Tokens without label from the command line: train, eval, compare, convert. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
  space.write('a.conll', 'ann\tB-PER\nlee\t?\nmet\tO\n\nbo\tB-PER\nkay\tI-PER\nsat\tO\n\n'.repeat(6));
  const word = (i: number, form: string, upos: string, feats: string) => `${i}\t${form}\t_\t${upos}\t_\t${feats}\t_\t_\t_\t_\n`; // prettier-ignore
  space.write('a.conllu', `${word(1, 'the', 'DET', '_')}${word(2, 'cat', '_', 'Number=Sing')}\n`.repeat(6));
  space.write('a.jsonl', '{"tokens":["a","b"],"labels":["X",null]}\n'.repeat(6));
  space.write('a.tsv', 'good\tfine\nbad\tawful\n'.repeat(6));
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);
const BASE = overriding(TINY, ['--min-count', '1', '--backend', 'cpu', '--out', 'm.safetensors']);
const train = (...args: string[]) => run('train', ...overriding(BASE, args));
interface Report {
  readonly dev: object;
  readonly warnings: readonly { readonly kind: string; readonly message: string }[];
}
const parsed = (text: string) => JSON.parse(text) as Report;
const kinds = ({ warnings }: Report) => warnings.map(({ kind }) => kind);

test('a mark: counted in training and scores, remembered by the model, refused nowhere later', async () => {
  const trained = await train('--train', 'a.conll', '--dev', 'a.conll', '--unlabeled', '?', '--head', 'crf');
  expect(trained.stderr).toContain('"?" means no label');
  expect(trained.stderr).toContain('a.conll: 6 tokens without label are left out of the loss');
  expect(trained.stdout).toMatch(/dev .* 30 tokens, 6 without label left out/);
  const scored = await run('eval', 'm.safetensors', 'a.conll', '--json', '--backend', 'cpu');
  expect(parsed(scored.stdout)).toMatchObject({ tokens: 30, unlabeled: 6 });
  expect(kinds(parsed(scored.stdout))).toEqual(['unlabeled']);
  expect(Object.keys((JSON.parse(scored.stdout) as { labels: object }).labels)).not.toContain('?');
  const wrong = await run('eval', 'm.safetensors', 'a.conll', '--errors', 'all', '--backend', 'cpu');
  expect(wrong.stdout).not.toContain('?');
  const compared = await run('compare', 'm.safetensors', 'm.safetensors', '--gold', 'a.conll', '--json', '--samples', '9'); // prettier-ignore
  expect(JSON.parse(compared.stdout)).toMatchObject({ gold: { tokens: 30, unlabeled: 6 } });
});

test('_ in CoNLL-U: no label in upos, a label in feats, which is said', async () => {
  const upos = parsed((await train('--train', 'a.conllu', '--json')).stdout);
  expect(upos.warnings[0]).toMatchObject({ kind: 'unlabeled', count: 6, line: 2 });
  const feats = parsed((await train('--train', 'a.conllu', '--column', 'feats', '--json')).stdout);
  expect(feats.warnings[0]).toMatchObject({ kind: 'underscore-label', count: 6, line: 1 });
  const marked = parsed((await train('--train', 'a.conllu', '--column', 'feats', '--unlabeled', '_', '--json')).stdout);
  expect(kinds(marked)).toContain('unlabeled');
  const both = parsed((await train('--train', 'a.conllu', '--dev', 'a.conllu', '--column', 'upos,feats', '--json')).stdout); // prettier-ignore
  expect(both.dev).toMatchObject({ tokens: 6, unlabeled: 6, heads: { feats: { tokens: 12 } }, together: { decisions: 6 } }); // prettier-ignore
  const none = await train('--train', 'a.conllu', '--column', 'xpos');
  expect([none.status, none.stderr]).toEqual([65, expect.stringMatching(/a.conllu: none of 12 tokens has a label/)]);
});

test('null in JSON lines', async () => {
  const report = parsed((await train('--train', 'a.jsonl', '--json')).stdout);
  expect(report.warnings[0]).toMatchObject({ kind: 'unlabeled', count: 6 });
});

test.each<[string[], number, string]>([
  [['--train', 'a.conll', '--unlabeled', '#'], 0, 'a.conll: no label is "#": check --unlabeled'],
  [['--train', 'a.conll', '--unlabeled', ' '], 2, 'It must be a mark that is not blank'],
  [['--train', 'a.tsv', '--task', 'classify', '--unlabeled', '_'], 2, '--unlabeled does not apply to sentence'],
])('%j: status %d', async (args, status, message) => {
  const found = await train(...args);
  expect([found.status, found.stderr]).toEqual([status, expect.stringContaining(message)]);
});

test('convert writes the mark, and leaves out what depends on it', async () => {
  const done = await run('convert', '--scheme', 'iobes', '--unlabeled', '?', 'a.conll', 'b.conll');
  expect(done.stderr).toMatch(
    /6 tokens without label are written as \?, and so are 6 labels next to them, which depend/,
  );
  const [first, second] = readFileSync(join(space.folder, 'b.conll'), 'utf8').split('\n\n');
  expect(first).toBe('ann\t?\nlee\t?\nmet\tO');
  expect(second).toBe('bo\tB-PER\nkay\tE-PER\nsat\tO');
});
