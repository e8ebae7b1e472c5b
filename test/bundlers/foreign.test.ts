/** The packed package with an older TypeScript, and in Jest with the environment of a browser. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exactOptions } from '../support/foreign';
import { entryPoints, installPacked } from '../support/packed';
import type { Installation } from '../support/packed';

const JEST = resolve(__dirname, '../../node_modules/jest/bin/jest.js');
const TSC = resolve(__dirname, 'node_modules/typescript-5/bin/tsc');

let installation: Installation;

beforeAll(() => {
  installation = installPacked();
});

afterAll(() => installation?.remove());

describe('TypeScript 5.4', () => {
  const compiled = (name: string, text: string, options: object): string => {
    const all = { noEmit: true, strict: true, target: 'es2022', types: [], lib: ['es2022', 'dom'], ...options };
    writeFileSync(join(installation.folder, name), text);
    writeFileSync(join(installation.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: all, files: [name] }));
    return spawnSync(process.execPath, [TSC, '-p', installation.folder], { encoding: 'utf8' }).stdout;
  };

  it.each([
    ['node.ts', { module: 'commonjs', moduleResolution: 'node' }],
    ['bundler.ts', { module: 'esnext', moduleResolution: 'bundler' }],
    ['exact.mts', { module: 'nodenext', exactOptionalPropertyTypes: true }],
  ])('finds the types of every entry point: %s', (name, options) => {
    const imports = entryPoints.map((each, i) => `import * as m${i} from '${each}';\nvoid m${i};`).join('\n');
    expect(compiled(name, `${imports}\n${exactOptions}`, options)).toBe('');
    expect(compiled(name, "import 'bptt/tagger';\nimport { nothing } from 'bptt/tagger';", options)).toMatch(/TS2305/);
  });
});

describe('Jest with jsdom', () => {
  it('loads every entry point, and trains and labels', () => {
    const { folder } = installation;
    const environment = resolve(__dirname, 'node_modules/jest-environment-jsdom');
    writeFileSync(
      join(folder, 'page.test.js'),
      `test('runs', async () => {
        expect([typeof document, typeof TextDecoder]).toEqual(['object', 'undefined']);
        const names = ${JSON.stringify(entryPoints)};
        for (const name of names) expect(Object.keys(require(name)).length).toBeGreaterThan(0);
        const { generateCorpus, saveModel, train } = require('bptt/labeling');
        const { kernels } = await require('bptt/kernels').selectBackend();
        const corpora = { train: generateCorpus({ sentences: 20, seed: 1 }) };
        const { model } = await train(kernels, corpora, { embedding: 4, hidden: 3, epochs: 1 });
        const [{ labels }] = require('bptt/tagger').createTagger(saveModel(model), kernels).tag([['they', 'run']]);
        expect(labels).toHaveLength(2);
      });\n`,
    );
    const config = JSON.stringify({ rootDir: folder, testEnvironment: environment, transform: {} });
    const { status, stderr } = spawnSync(process.execPath, [JEST, '--config', config], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, expect.stringContaining('1 passed')]);
  });
});

describe('Vitest', () => {
  it('loads every entry point, and trains and labels', () => {
    const { folder } = installation;
    writeFileSync(
      join(folder, 'vite.test.mjs'),
      `import { train, generateCorpus, saveModel } from 'bptt/labeling';
      import { selectBackend } from 'bptt/kernels';
      import { createTagger } from 'bptt/tagger';
      test('runs', async () => {
        for (const name of ${JSON.stringify(entryPoints)}) expect(Object.keys(await import(name)).length).toBeGreaterThan(0);
        const { kernels } = await selectBackend();
        const { model } = await train(kernels, { train: generateCorpus({ sentences: 20, seed: 1 }) }, { embedding: 4, hidden: 3, epochs: 1 });
        const [{ labels }] = createTagger(saveModel(model), kernels).tag([['they', 'run']]);
        expect(labels).toHaveLength(2);
      });\n`,
    );
    const vitest = resolve(__dirname, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--root', folder, '--globals', '--no-color', '--no-cache', 'vite.test.mjs'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect([status, stdout + stderr]).toEqual([0, expect.stringMatching(/Tests +1 passed/)]);
  });
});
