/** The prose follows the rules of `support/prose.ts`: documents, comments and texts of the sources, and the help of every command. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createProgram } from '../src/cli/program';
import type { Terminal } from '../src/cli/terminal';
import { broken, markdownPassages, RULES, sentencesOf, sourcePassages, wordsIn } from './support/prose';
import type { Passage } from './support/prose';

const ROOT = resolve(__dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const under = (folder: string, end: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end) && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .sort();

/** Written by programs: WebAssembly modules and the script of a report. */
const GENERATED = /kernels\/wasm\/binary|inspect\/report\/scripts\.ts$|colors\//;
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CODE_OF_CONDUCT.md',
  ...under('docs', '.md'),
  ...under('examples', '.md'),
];
const SOURCES = under('src', '.ts').filter((path) => !GENERATED.test(path) && !/strings\/(?!en\.)\w+\.ts$/.test(path));
/** Pages for first visits: every sentence is short. */
const FIRST = ['README.md', 'docs/README.md', 'docs/proof.md', 'docs/building.md'];

const faults = (path: string, passages: readonly Passage[]) =>
  passages.flatMap(({ line, text }) => broken(text).map((fault) => `${path}:${line}: ${fault}`));
const long = (path: string, passages: readonly Passage[], most: number) =>
  passages.flatMap(({ line, text }) =>
    sentencesOf(text)
      .filter((sentence) => wordsIn(sentence) > most)
      .map((sentence) => `${path}:${line}: ${wordsIn(sentence)} words: ${sentence}`),
  );

test.each(DOCUMENTS)('%s', (path) => {
  expect(faults(path, markdownPassages(read(path)))).toEqual([]);
});

test.each(FIRST)('%s: no sentence has more than 25 words', (path) => {
  expect(long(path, markdownPassages(read(path)), 25)).toEqual([]);
});

test('no sentence of a document has more than 50 words', () => {
  expect(DOCUMENTS.flatMap((path) => long(path, markdownPassages(read(path)), 50))).toEqual([]);
});

test('comments, docstrings and messages of src', () => {
  expect(SOURCES.length).toBeGreaterThan(300);
  expect(SOURCES.flatMap((path) => faults(path, sourcePassages(read(path))))).toEqual([]);
});

test('the help of every command', async () => {
  const stream = { write: () => true } as unknown as Terminal['stdout'];
  const program = await createProgram({ stdout: stream, stderr: stream, env: {} } as Terminal);
  expect(program.commands.length).toBeGreaterThan(15);
  const helps = [program, ...program.commands].map((each) => [each.name(), each.helpInformation()] as const);
  const found = helps.flatMap(([name, help]) => broken(help.replace(/\s+/g, ' ')).map((fault) => `${name}: ${fault}`));
  expect(found).toEqual([]);
});

describe('every rule finds what it is for', () => {
  test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (name, { wrong, right }) => {
    expect(broken(wrong).some((fault) => fault.startsWith(`${name}: `))).toBe(true);
    expect(broken(right)).toEqual([]);
  });

  test('a sentence that is too long; code is one word', () => {
    const words = (n: number) => Array.from({ length: n }, (_, i) => `w${i}`).join(' ');
    expect(long('x', [{ line: 3, text: `${words(26)}. ${words(25)}.` }], 25)).toHaveLength(1);
    expect(wordsIn('Run `npm ci && npm test -- --watch` first.')).toBe(3);
  });

  test('in a list item, a table cell and a heading, and not in code', () => {
    const text = '# Simply\n\n- It is no\n  number.\n\n| a | to be had |\n\n```\nis no code\n```\n\n    is no tree\n';
    expect(faults('x', markdownPassages(text)).map((fault) => fault.split(':')[1])).toEqual(['1', '3', '6']);
  });

  test('in a comment, a docstring over two lines, a message and a template, and not in code', () => {
    const text = [
      'const who = 1; // nobody reads it',
      '/**\n * It is no\n * number.\n */',
      "throw new Error('it cannot be had here');",
      'throw new Error(`the ${a} is no ${b} or is no number`);',
      'const nobody = 2;',
    ].join('\n');
    expect(faults('x', sourcePassages(text)).map((fault) => fault.split(':')[1])).toEqual(['1', '2', '6', '7']);
  });
});
