/** What the examples with a file to edit promise: the file as it is passes, and a mistake in it is found and named. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Copy } from '../support/examples';
import { copyExamples, EXAMPLES } from '../support/examples';
import { codeBlocks } from '../support/markdown';

let copy: Copy;
beforeAll(() => void (copy = copyExamples()));
afterAll(() => copy?.remove());

/** Edits a file of the copy, starting from the one in the repository. @throws where the text does not stand there once */
function edited(path: string, text: string, replacement: string): void {
  const source = readFileSync(join(EXAMPLES, path), 'utf8');
  if (source.split(text).length !== 2) throw new Error(`${path} must hold '${text}' exactly once`);
  writeFileSync(join(copy.folder, 'examples', path), source.replace(text, replacement));
}

describe('examples/edit-a-gate', () => {
  const STEP = 'edit-a-gate/lstm-step.mjs';
  const run = () => copy.node('edit-a-gate/index.mjs');
  /** What is named in front of `, unit`. */
  const named = (stdout: string) => [...stdout.matchAll(/^(\S+), unit \d: backward says/gm)].map(([, name]) => name);

  afterAll(() => copyFileSync(join(EXAMPLES, STEP), join(copy.folder, 'examples', STEP)));

  it.each([
    ['i', 'i[j] = sigmoid(a[j])', 'i[j] = Math.tanh(a[j])', ['i']],
    ['f', 'f[j] = sigmoid(a[H + j])', 'f[j] = sigmoid(2 * a[H + j])', ['f']],
    ['g', 'Math.tanh(a[2 * H + j])', 'sigmoid(a[2 * H + j])', ['g']],
    ['o', 'o[j] = sigmoid(a[3 * H + j])', 'o[j] = sigmoid(a[3 * H + j] / 2)', ['o']],
    ['backward i', 'd * g[j] * i[j] * (1 - i[j])', 'd * i[j] * (1 - i[j])', ['i']],
    ['backward f', 'd * before[j] * f[j] * (1 - f[j])', '-d * before[j] * f[j] * (1 - f[j])', ['f']],
    ['backward g', '(1 - g[j] * g[j])', '(1 - g[j])', ['g']],
    ['backward o', 'dh[j] * t * o[j]', 'dc[j] * t * o[j]', ['o']],
    ["backward c'", 'dBefore[j] = d * f[j]', 'dBefore[j] = d', ["c'"]],
    ['dc, which all but o read', 'dc[j] + dh[j] * o[j] * (1 - t * t)', 'dc[j]', ['i', 'f', 'g', "c'"]],
    ['not a number', 'd * i[j] * (1 - g[j] * g[j])', 'NaN', ['g']],
  ])('a mistake in %s is named', (_, text, replacement, names) => {
    edited(STEP, text, replacement);
    const { status, stdout, stderr } = run();
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    expect(named(stdout)).toEqual(names);
    expect(stdout).toMatch(new RegExp(`^${names.length} of 5 disagree$`, 'm'));
  });

  it('prints what its README shows after the edit named there', () => {
    const [, shown] = codeBlocks(readFileSync(join(EXAMPLES, 'edit-a-gate/README.md'), 'utf8')).filter(
      ({ language }) => language === 'text',
    );
    edited(STEP, 'Math.tanh(a[2 * H + j])', 'sigmoid(a[2 * H + j])');
    expect(run().stdout.trimEnd()).toBe(shown.code);
  });

  it('imports nothing but its own file', () => {
    const imports = ['index.mjs', 'lstm-step.mjs'].flatMap((name) => [
      ...readFileSync(join(EXAMPLES, 'edit-a-gate', name), 'utf8').matchAll(/\bfrom '([^']+)'/g),
    ]);
    expect(imports.map(([, name]) => name)).toEqual(['./lstm-step.mjs']);
  });
});

describe('examples/own-cell', () => {
  const CELL = 'own-cell/ugrnn.mjs';
  const PATH = `examples/${CELL}`;

  afterEach(() => copyFileSync(join(EXAMPLES, CELL), join(copy.folder, PATH)));

  it('passes bptt gradcheck and bptt check', () => {
    const found = copy.bptt('gradcheck', '--cell', PATH, '--json');
    expect({ status: found.status, stderr: found.stderr }).toEqual({ status: 0, stderr: '' });
    const { elements } = JSON.parse(found.stdout) as { elements: { param: string; forwardMode: number | null }[] };
    expect(elements.map(({ param }) => param)).toEqual(['Wx', 'Wh', 'b', 'h0']);
    expect(elements.every(({ forwardMode }) => forwardMode !== null)).toBe(true);
    const args = ['check', 'the cat near the dogs sat', '--cell', PATH, '--hidden', '4', '--json', '--quiet'];
    const check = copy.bptt(...args);
    expect({ status: check.status, stderr: check.stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(check.stdout)).toMatchObject({ checked: 50, agrees: true });
  });

  it.each([
    ['the state that stays', '+= d * Z;', '+= d;'],
    ['the update gate', '(prev.h.data[before + j] - N) * Z', 'prev.h.data[before + j] * Z'],
    ['the new part', 'd * (1 - Z) * (1 - N * N)', 'd * (1 - N * N)'],
  ])('a mistake in %s is found by bptt gradcheck', (_, text, replacement) => {
    edited(CELL, text, replacement);
    const { status, stderr } = copy.bptt('gradcheck', '--cell', PATH);
    expect(status).toBe(1);
    expect(stderr).toContain('is not confirmed');
  });

  it('a mistake is found by its own check', () => {
    edited(CELL, '+= d * Z;', '+= d;');
    expect(copy.node('own-cell/index.mjs').stdout).toMatch(/^64 derivatives agree: false$/m);
  });
});
