/** `--cell FILE`: a cell that somebody wrote, on the command line. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatSentence, generateCorpus } from '../../src/labeling';
import { bptt } from '../support/cli';

const folder = mkdtempSync(join(tmpdir(), 'bptt-own-cell-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const here = (...args: string[]) => bptt(args, { cwd: folder });

const SOURCE = readFileSync(join(__dirname, '../support/leaky.mjs'), 'utf8');
write('leaky.mjs', SOURCE);

describe('gradcheck --cell FILE', () => {
  it('checks every parameter of the cell', () => {
    const { status, stdout, stderr } = here('gradcheck', '--cell', './leaky.mjs', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const report = JSON.parse(stdout) as { agrees: boolean; elements: { param: string }[] };
    expect(report.agrees).toBe(true);
    expect(report.elements.map(({ param }) => param)).toEqual(['Wx', 'Wh', 'b', 'h0']);
  });

  it('finds a wrong backward, and names the parameters', () => {
    write('broken.mjs', SOURCE.replace('dPrev.h.data[before + j] += d;', ''));
    const { status, stderr } = here('gradcheck', '--cell', './broken.mjs');
    expect(status).toBe(1);
    expect(stderr).toContain('the gradient of Wx, Wh, b, h0 is not confirmed');
  });

  it.each([
    ['./gone.mjs', '', 2, 'there is no such file'],
    ['./empty.mjs', 'export const other = 1;', 2, 'it exports other'],
    ['./wrong.mjs', 'export default { name: "x" };', 2, 'cell.gates must be an integer of at least 1; got nothing'],
    ['./throws.mjs', 'throw new Error("no luck");', 1, 'loading it throws no luck'],
    ['./text.txt', 'x', 1, 'Node cannot load .txt'],
    ['leeky', '', 2, 'It must be one of'],
  ] as const)('refuses %s in one line', (name, text, status, message) => {
    if (text !== '') write(name, text);
    const outcome = here('gradcheck', '--cell', name);
    expect(outcome).toMatchObject({ status, stdout: '' });
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('takes a cell by the name `cell`, from a CommonJS module too', () => {
    write('named.cjs', SOURCE.replace('export default', 'exports.cell ='));
    expect(here('gradcheck', '--cell', './named.cjs').status).toBe(0);
  });
});

describe('npm run proof -- --cell FILE', () => {
  const proof = (path: string) =>
    spawnSync(
      process.execPath,
      ['--import', './scripts/typescript.mjs', 'scripts/proof.ts', '--json', '--cell', path],
      {
        cwd: join(__dirname, '../..'),
        encoding: 'utf8',
      },
    );
  const JUDGES = ['finite differences', 'forward mode', 'one-step calls chained', 'each sequence alone'];
  type Report = { passed: boolean; rows: { oracle: string; networks: number; unavailable?: string }[] };

  it('proves it in every network of the table, from that file alone', () => {
    const { status, stdout } = proof(join(folder, 'leaky.mjs'));
    const { passed, rows } = JSON.parse(stdout) as Report;
    expect({ status, passed }).toEqual({ status: 0, passed: true });
    const judged = rows.filter(({ unavailable }) => unavailable === undefined);
    expect(judged.map(({ oracle, networks }) => [oracle, networks])).toEqual(JUDGES.map((oracle) => [oracle, 18]));
    expect(rows.find(({ oracle }) => oracle === 'tape')!.unavailable).toContain('no text of the cell leaky');
  });

  it('finds a wrong backward, and says where', () => {
    write('wrong-state.mjs', SOURCE.replace('dPrev.h.data[before + j] += d;', ''));
    const { status, stderr } = proof(join(folder, 'wrong-state.mjs'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/leaky disagrees with finite differences: .* at layers\.0\.forward\.\w+/);
    expect(stderr).toContain('leaky disagrees with forward mode');
  });

  it('refuses what is not a cell', () => {
    expect(proof('./gone.mjs')).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no such file') });
  });
});

it('ends with its command, whatever timers the module of the cell has left', () => {
  write('ticking.mjs', `setInterval(() => {}, 1e6);\n${SOURCE}`);
  const ticking = ['--cell', './ticking.mjs'];
  expect(here('gradcheck', ...ticking, '--param', 'b')).toMatchObject({ status: 0, stderr: '' });
  expect(here('inspect', 'the cat sat', ...ticking, '--hidden', '2')).toMatchObject({ status: 0, stderr: '' });
});

describe('a model of such a cell', () => {
  const corpus = generateCorpus({ sentences: 30, seed: 3, maxPhrases: 1 });
  write('train.txt', corpus.map(({ tokens, labels = [] }) => formatSentence({ tokens, labels }, 'conll')).join(''));
  const options = ['--embedding', '6', '--hidden', '5', '--epochs', '1', '--quiet'];

  it('is trained, scored and used with --cell, and refused by name without', () => {
    const trained = here('train', '--train', 'train.txt', '--out', 'm.st', '--cell', './leaky.mjs', ...options);
    expect(trained).toMatchObject({ status: 0, stderr: '' });
    copyFileSync(join(folder, 'leaky.mjs'), join(folder, 'elsewhere.mjs'));
    for (const args of [
      ['eval', 'm.st', 'train.txt'],
      ['tag', 'm.st', 'train.txt', '--format', 'conll'],
    ]) {
      const without = here(...args);
      expect(without).toMatchObject({ status: 65, stdout: '' });
      expect(without.stderr).toMatch(/m\.st: model: it was trained with a custom cell 'leaky'.*--cell FILE/);
      expect(here(...args, '--cell', './elsewhere.mjs')).toMatchObject({ status: 0, stderr: '' });
    }
  });
});
