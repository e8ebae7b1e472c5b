/** `--label-names`: in every command that reads labels, from every kind of file. */
import { readFileSync } from 'node:fs';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
const NAMES = 'O,B-PER,I-PER,B-LOC';
const LINE = '{"id":"0","tokens":["Ann","Lee","in","Oslo"],"ner_tags":[1,2,0,3]}\n';
beforeAll(() => {
  space = createWorkspace();
  space.write('a.jsonl', LINE.repeat(8));
  space.write('names.txt', NAMES.replaceAll(',', '\n') + '\n');
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);
const convert = (...args: string[]) => run('convert', '--scheme', 'iobes', 'a.jsonl', ...args);

const FEATURES = { ner_tags: { feature: { names: NAMES.split(','), _type: 'ClassLabel' }, _type: 'Sequence' }, tokens: { feature: { dtype: 'string' } } }; // prettier-ignore

test.each([
  ['a line each', `${NAMES.replaceAll(',', '\r\n')}\r\n`],
  ['a JSON list', JSON.stringify(NAMES.split(','))],
  ['features', JSON.stringify(FEATURES)],
  ['dataset_info.json', JSON.stringify({ features: FEATURES, splits: {} })],
  ['dataset_infos.json', JSON.stringify({ a: { features: FEATURES }, b: { features: FEATURES } })],
])('names from a file: %s', async (_, text) => {
  space.write('n', text);
  const { status, stdout } = await convert('--label-names', 'n');
  expect([status, stdout.split('\n')[0]]).toEqual([0, '{"tokens":["Ann","Lee","in","Oslo"],"labels":["B-PER","E-PER","O","S-LOC"]}']); // prettier-ignore
});

test.each([
  [['--label-names', 'no-file'], 65, 'bptt: --label-names no-file: no such file: pass a file, or the labels separated by commas (O,B-PER,I-PER)\n'],
  [['--label-names', 'O,,B'], 2, 'It must be names separated by commas'],
  [['--label-names', 'O,B-PER'], 65, 'a.jsonl:1: expected an integer from 0 to 1 in "ner_tags"'],
  [[], 2, 'a.jsonl:1: "ner_tags" holds integers'],
  [['--label-names', NAMES, '--format', 'conll'], 2, 'labelNames does not apply to the format conll'],
])('refused: %j', async (args, status, message) => {
  const outcome = await convert('o.jsonl', ...args);
  expect([outcome.status, outcome.stdout, outcome.stderr]).toEqual([status, '', expect.stringContaining(message)]);
  expect(() => readFileSync(space.at('o.jsonl'))).toThrow(/ENOENT/);
}); // prettier-ignore

test.each([
  ['["O", "O"]', 'expected names of labels, each once'],
  ['["O"', 'write a JSON list, or one name a line'],
  ['O\n\nB', 'expected names of labels'],
  [JSON.stringify({ a: { features: FEATURES }, b: { features: { ner_tags: { names: ['x'] } } } }), 'two lists of names for the column ner_tags'],
])('a file of names that is refused: %s', async (text, message) => {
  space.write('n', text);
  const { status, stderr } = await convert('--label-names', 'n');
  expect([status, stderr]).toEqual([65, expect.stringContaining(`bptt: --label-names n: `)]);
  expect(stderr).toContain(message);
}); // prettier-ignore

test('train remembers the names: eval, tag and a repeated run need none', async () => {
  const trained = await run('train', '--train', 'a.jsonl', '--dev', 'a.jsonl', '--label-names', 'names.txt', '--epochs', '2', ...TINY); // prettier-ignore
  expect([trained.status, trained.stderr]).toEqual([0, expect.not.stringContaining('warning')]);
  expect(trained.stderr).toContain('read as jsonl, labels in ner_tags, integers by their names');
  expect((await run('eval', 'model.safetensors', 'a.jsonl')).stdout).toContain('PER');
  expect((await run('tag', 'model.safetensors', 'a.jsonl', '--format', 'jsonl')).status).toBe(0);
  const again = await run('train', '--config', 'model.config.json', '--out', 'again.safetensors', '--quiet');
  expect(again.status).toBe(0);
  expect(readFileSync(space.at('again.safetensors'))).toEqual(readFileSync(space.at('model.safetensors')));
  space.write('c.jsonl', '{"text":"so good","label":1}\n{"text":"so bad","label":0}\n'.repeat(4));
  const classes = await run('train', '--task', 'classify', '--train', 'c.jsonl', '--label-names', 'neg,pos', '--epochs', '2', ...TINY, '--out', 'c.safetensors'); // prettier-ignore
  expect([classes.status, classes.stderr]).toEqual([0, expect.not.stringContaining('unused-names')]);
  expect((await run('eval', 'c.safetensors', 'c.jsonl')).stdout).toMatch(/neg|pos/);
});
