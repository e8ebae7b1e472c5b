/** Every folder of examples/ runs, on the sources, and prints what its README shows. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Copy } from '../support/examples';
import { copyExamples, EXAMPLES } from '../support/examples';
import { brokenLinks, codeBlocks } from '../support/markdown';
import { broken, markdownPassages } from '../support/prose';

const folders = readdirSync(EXAMPLES).filter((name) => statSync(join(EXAMPLES, name)).isDirectory());

let copy: Copy;
beforeAll(() => void (copy = copyExamples()));
afterAll(() => copy?.remove());

test.each(folders)('examples/%s', (name) => {
  const readme = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
  const [command] = codeBlocks(readme).filter(({ language }) => language === 'sh');
  const program = command.code.split('\n')[0];
  expect(program).toMatch(new RegExp(`^node examples/${name}/(index|train)\\.mjs$`));
  const { status, stdout, stderr } = copy.node(program.slice('node examples/'.length));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.trimEnd()).toBe(command.shown);
  expect(brokenLinks(join(EXAMPLES, name, 'README.md'))).toEqual([]);
  expect(markdownPassages(readme).flatMap(({ text }) => broken(text))).toEqual([]);
});

test('every example is in examples/README.md, and its links lead somewhere', () => {
  const index = join(EXAMPLES, 'README.md');
  expect(existsSync(index)).toBe(true);
  for (const name of folders) expect(readFileSync(index, 'utf8')).toContain(`](${name}/README.md)`);
  expect(brokenLinks(index)).toEqual([]);
});
