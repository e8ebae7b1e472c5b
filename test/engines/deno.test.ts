/** The examples of the packed package in Deno: they print what their READMEs show. */
import { cpSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { codeBlocks } from '../support/markdown';
import type { Installation } from '../support/packed';
import { installPacked } from '../support/packed';
import { deno, denoIt } from './deno';

const EXAMPLES = resolve(__dirname, '../../examples');
const folders = readdirSync(EXAMPLES).filter((name) => statSync(join(EXAMPLES, name)).isDirectory());

/** What an example may do beside computing; nothing where it is not named. */
const PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  'browser-tagger': ['--allow-read=.', '--allow-write=examples/browser-tagger/public'],
  classify: ['--allow-read=.'],
  'text-service': ['--allow-read=.', '--allow-net=127.0.0.1'],
};

let installation: Installation;
beforeAll(() => {
  installation = installPacked();
  const { folder } = installation;
  cpSync(join(folder, 'node_modules/bptt/examples'), join(folder, 'examples'), { recursive: true });
});
afterAll(() => installation?.remove());

describe.each(folders)('examples/%s', (name) => {
  const readme = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
  const [command] = codeBlocks(readme).filter(({ language }) => language === 'sh');
  const program = command.code.split('\n')[0].replace(/^node /, '');

  denoIt('prints in Deno what it prints in Node', () => {
    const { status, stdout, stderr } = deno([...(PERMISSIONS[name] ?? []), program], installation.folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trimEnd()).toBe(command.shown);
  });
});

denoIt('a program without permission to read is refused', () => {
  const { status, stderr } = deno(['examples/classify/index.mjs'], installation.folder);
  expect(status).not.toBe(0);
  expect(stderr).toContain('Requires read access');
});
