/** How files are read, from the command line: columns that a model keeps, comments, bad lines, and what is said of each. */
import { readFileSync } from 'node:fs';
import { decodeSafetensors, encodeSafetensors } from '../../src/serialize/safetensors';
import { loadModel } from '../../src/labeling/model/file';
import { bpttHere } from '../support/cli-here';
import { createWorkspace, overriding, TINY } from '../support/workspace';
import type { Workspace } from '../support/workspace';

let space: Workspace;
beforeAll(() => {
  space = createWorkspace();
});
afterAll(() => space.remove());

const run = (...args: string[]) => bpttHere(args, space.folder);
const train = (...args: string[]) =>
  run('train', ...overriding([...TINY, '--epochs', '1', '--min-count', '1', '--backend', 'cpu', '--out', 'm.safetensors'], args)); // prettier-ignore
const model = () => loadModel(readFileSync(space.at('m.safetensors')));
const warningsOf = (stdout: string) => (JSON.parse(stdout) as { warnings: { kind: string }[] }).warnings;

const FRENCH = '1\tIl\tPRON\tx\n2\tva\tVERB\ty\n\n';

describe('columns', () => {
  test('are printed first, kept in the model, and used by eval and tag', async () => {
    space.write('fr.tsv', FRENCH.repeat(6));
    const { status, stderr } = await train('--train', 'fr.tsv', '--column', '3');
    expect(status).toBe(0);
    expect(stderr.split('\n')[0]).toContain(
      '; read as conll, words in column 2, labels in column 3, column 1 numbers the words; backend cpu',
    );
    expect(model().words.words).toEqual(['<unk>', 'Il', 'va']);
    expect(model().labels.labels).toEqual(['PRON', 'VERB']);
    expect(model().input).toEqual({ format: 'conll', tokenColumn: 2, column: 3, ids: true, comments: 'auto' });

    space.write('range.tsv', '1\tIl\tPRON\tx\n2-3\tau\t_\t_\n2\tva\tVERB\ty\n');
    const scored = await run('eval', 'm.safetensors', 'range.tsv', '--json', '--backend', 'cpu');
    expect(JSON.parse(scored.stdout)).toMatchObject({ tokens: 2, oovAccuracy: null, warnings: [] });
    const other = await run('eval', 'm.safetensors', 'range.tsv', '--column', '4', '--strict-labels');
    expect(other.status).toBe(65); // labels x and y were never seen
    const tagged = await run('tag', 'm.safetensors', 'range.tsv', '--format', 'conll', '--backend', 'cpu');
    expect(tagged.stdout).toMatch(/^Il\/\S+ va\/\S+\n$/);
    const first = await run('tag', 'm.safetensors', 'range.tsv', '--format', 'conll', '--token-column', '1');
    expect(first.stdout).toMatch(/^1\/\S+ 2-3\/\S+ 2\/\S+\n$/);
  });

  test('a file without them still loads, and a damaged one is told', async () => {
    await train('--train', 'fr.tsv', '--column', '3', '--quiet');
    const { tensors, metadata } = decodeSafetensors(readFileSync(space.at('m.safetensors')));
    const { input, ...older } = metadata;
    expect(JSON.parse(input)).toMatchObject({ tokenColumn: 2 });
    expect(loadModel(encodeSafetensors(tensors, older))).not.toHaveProperty('input');
    for (const wrong of ['7', '{"format":"xml"}', '{"format":"conll","column":0}', '{"format":"conll","ids":1}']) {
      const damaged = encodeSafetensors(tensors, { ...older, input: wrong });
      expect(() => loadModel(damaged)).toThrow(/model: expected input/);
    }
  });

  test('dev and test are read as the training data', async () => {
    space.write('dev.fr', '7\tIl\tPRON\tx\n4-5\tau\t_\t_\n1\tva\tVERB\ty\n');
    const { status, stdout } = await train(
      '--train',
      'fr.tsv',
      '--column',
      '3',
      '--dev',
      'dev.fr',
      '--json',
      '--quiet',
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dev: { tokens: 2, oovAccuracy: null }, warnings: [] });
  });

  test('a last column with one value is asked about', async () => {
    space.write('annotator.txt', 'the DT anna\ncat NN anna\nsat VB anna\n');
    const { status, stderr } = await train('--train', 'annotator.txt');
    expect(status).toBe(2);
    expect(stderr).toBe(
      'bptt: annotator.txt: the last column, 3, has the one value "anna": is it the label column? Set the right one ' +
        '(--column). The columns are 1 (the, cat, sat), 2 (DT, NN, VB), 3 (anna)\n',
    );
    expect((await train('--train', 'annotator.txt', '--column', '2', '--quiet')).status).toBe(0);
    expect(model().labels.size).toBe(3);
  });

  test('mean nothing to raw text', async () => {
    const { status, stderr } = await run('tag', 'm.safetensors', 'fr.tsv', '--token-column', '2');
    expect([status, stderr]).toEqual([
      2,
      'bptt: --token-column does not apply to raw text: set the format too (--format)\n',
    ]);
  });
});

describe('warnings', () => {
  test('of comments and white space, once on standard error and in --json', async () => {
    space.write(
      'c.txt',
      '# sent_id = 1\nEU NNP I-NP B-ORG\nis VBZ I-VP O\n\n# sent_id = 2\nBonn NNP I-NP B-LOC\u00a0\n',
    );
    const { stdout, stderr } = await train('--train', 'c.txt', '--json');
    expect(warningsOf(stdout).map(({ kind }) => kind)).toEqual(['white-space', 'comments']);
    expect(stderr.match(/^warning: c\.txt: /gm)).toHaveLength(2);
    expect(model().labels.labels).toEqual(['B-LOC', 'B-ORG', 'O']);
    const { stdout: without } = await train('--train', 'c.txt', '--comments', '#', '--json', '--quiet');
    expect(warningsOf(without).map(({ kind }) => kind)).toEqual(['white-space']);
    const none = await train('--train', 'c.txt', '--comments', 'none', '--quiet');
    expect(none.status).toBe(0);
    expect(model().words.words).toContain('#');
  });

  test('slashed words are read as such, and written to be read again', async () => {
    space.write('s.txt', 'the/DT cat/NN\na/DT dog/NN\n');
    const { stderr } = await train('--train', 's.txt');
    expect(stderr).toContain('; read as slashed; backend');
    expect(model().labels.labels).toEqual(['DT', 'NN']);
    space.write('in.jsonl', '{"tokens":["a b","1/2"]}\n');
    const tag = (...more: string[]) =>
      run('tag', 'm.safetensors', 'in.jsonl', '--format', 'jsonl', '--backend', 'cpu', ...more);
    expect((await tag('--output', 'slashed')).stdout).toMatch(/^a\\ b\/\S+ 1\\\/2\/\S+\n$/);
    const { status, stderr: refused } = await tag('--output', 'slashed', '--probabilities');
    expect([status, refused]).toEqual([2, 'bptt: --output slashed holds no --probabilities: leave one out\n']);
  });

  test('what a column cannot hold is spelled and counted, and the stream goes on', async () => {
    space.write('t.jsonl', '{"tokens":["a\\tb"]}\n{"tokens":[" "]}\n{"tokens":["c"]}\n');
    const { status, stdout, stderr } = await run(
      'tag',
      'm.safetensors',
      't.jsonl',
      '--format',
      'jsonl',
      '--output',
      'conll',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^a\\tb\t\S+\n\n\\u0020\t\S+\n\nc\t\S+\n\n$/);
    expect(stderr).toMatch(/^warning: 2 tokens that cannot be in a column were escaped .*\n$/);
  });
});

describe('bad lines', () => {
  const bad = Array.from({ length: 12 }, () => 'the\tDT\ncat\tNN\n\nodd\n\n').join('');

  test('the first ten and the number; --skip-bad goes on', async () => {
    space.write('bad.tsv', bad);
    const { status, stdout, stderr } = await train('--train', 'bad.tsv');
    expect([status, stdout]).toEqual([65, '']);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(11);
    expect(lines.slice(0, 10).every((line) => /^warning: bad\.tsv:\d+: too few columns/.test(line))).toBe(true);
    expect(lines[10]).toMatch(/^bptt: bad\.tsv:4: too few columns.*first of 12 bad lines.*--skip-bad\)$/);

    const skipped = await train('--train', 'bad.tsv', '--skip-bad', '--json', '--quiet');
    expect(skipped.status).toBe(0);
    const warnings = warningsOf(skipped.stdout);
    expect(warnings).toHaveLength(11);
    expect(warnings[10]).toMatchObject({ kind: 'bad-lines-left-out', count: 12, source: 'bad.tsv' });

    const scored = await run('eval', 'm.safetensors', 'bad.tsv', '--skip-bad', '--json');
    expect(JSON.parse(scored.stdout)).toMatchObject({ tokens: 24 });
    space.write('bad.jsonl', '{"tokens":["the"]}\n{"tokens":7}\n{"tokens":["cat"]}\n{\n');
    const tagged = await run('tag', 'm.safetensors', 'bad.jsonl', '--format', 'jsonl', '--skip-bad');
    expect([tagged.status, tagged.stdout]).toEqual([0, expect.stringMatching(/^the\/\S+\ncat\/\S+\n$/)]);
    expect(tagged.stderr).toMatch(/^warning: bad\.jsonl: 2 bad lines were left out, with 2 sentences/m);
    const stopped = await run('tag', 'm.safetensors', 'bad.jsonl', '--format', 'jsonl');
    expect([stopped.status, stopped.stdout]).toEqual([65, expect.stringMatching(/^the\/\S+\n$/)]);
    expect(stopped.stderr).toContain('first of 2 bad lines');
  });

  test('control bytes of a path never reach the terminal', async () => {
    space.write('evil\u001b[2J\u0007.tsv', 'the\tDT\nodd\n');
    const { stderr } = await train('--train', 'evil\u001b[2J\u0007.tsv');
    expect(stderr).toMatch(/^bptt: evil<U\+001B>\[2J<U\+0007>\.tsv:2: too few columns/);
    for (const args of [
      ['eval', 'm.safetensors', 'no\u001b\u009b'],
      ['tag', 'no\u001b\u009b'],
      ['train', '--train', 'train.tsv', '--out', 'no\u001b\u009b/x'],
      ['train', '--train', 'train.tsv', '--trian\u001b\u009b', 'x'],
    ]) {
      const outcome = await run(...args);
      expect(outcome.stderr + outcome.stdout).not.toMatch(/[\u001b\u009b\u0007]/);
      expect(outcome.stderr).toContain('<U+001B><U+009B>');
    }
    const { stdout } = await train('--train', 'train.tsv', '--out', 'odd\u009b.safetensors');
    expect(stdout).toContain('odd<U+009B>.safetensors');
    expect(stdout).not.toContain('\u009b');
  });
});
