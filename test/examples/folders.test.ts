/** Every folder of examples/ runs, on the sources, and prints what its README shows. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brokenLinks, codeBlocks, runChain } from '../support/markdown';
import { broken, markdownPassages } from '../support/prose';

const EXAMPLES = resolve(__dirname, '../../examples');
const folders = readdirSync(EXAMPLES).filter((name) => statSync(join(EXAMPLES, name)).isDirectory());

test.each(folders)('examples/%s', async (name) => {
  const readme = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
  const [command] = codeBlocks(readme).filter(({ language }) => language === 'sh');
  expect(command.code).toBe(`node examples/${name}/index.mjs`);
  const code = readFileSync(join(EXAMPLES, name, 'index.mjs'), 'utf8').replace(/^export /gm, '');
  const [printed] = await runChain([{ language: 'ts', mark: '', code, line: 1 }], 'ecmascript');
  expect(printed).toBe(command.shown);
  expect(brokenLinks(join(EXAMPLES, name, 'README.md'))).toEqual([]);
  expect(markdownPassages(readme).flatMap(({ text }) => broken(text))).toEqual([]);
});

test('every example is in examples/README.md, and its links lead somewhere', () => {
  const index = join(EXAMPLES, 'README.md');
  expect(existsSync(index)).toBe(true);
  for (const name of folders) expect(readFileSync(index, 'utf8')).toContain(`](${name}/README.md)`);
  expect(brokenLinks(index)).toEqual([]);
});
