/**
 * The published package, as somebody else meets it: packed, installed without install scripts into an empty folder, used
 * from an ES module, a CommonJS module, a strict TypeScript file and the command line. Build first: `npm run check:package`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { entryPoints, installPacked, manifest } from '../support/packed';
import type { Installation } from '../support/packed';
import { brokenLinks, codeBlocks, linksOf } from '../support/markdown';
import { bareScript, exactOptions, undeclaredUndefined } from '../support/foreign';

const ROOT = resolve(__dirname, '../..');
const README = codeBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8')).filter(({ language }) => language === 'ts');
const TSC = createRequire(__filename).resolve('typescript/bin/tsc');

let installation: Installation;
let folder: string;
let packed: readonly string[];

beforeAll(() => {
  installation = installPacked();
  ({ folder, packed } = installation);
});

afterAll(() => installation?.remove());

const run = (command: string, args: readonly string[]): string => installation.run(command, args);
const script = (name: string, text: string, flags?: readonly string[]): unknown =>
  installation.script(name, text, flags);

/** What a strict compiler without the types of Node says of a file. */
function compiled(name: string, text: string, options: object): string {
  const all = { noEmit: true, strict: true, target: 'es2022', types: [], lib: ['es2023', 'dom'], ...options };
  writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: all, files: [name] }));
  return spawnSync(process.execPath, [TSC, '-p', folder], { cwd: folder, encoding: 'utf8' }).stdout;
}

/** One time step of an LSTM, and a product: the same lines whichever way the modules came in. */
const STEP = `
  const out = zeros([2, 2], 'float64');
  createCpuKernels().addMatmul(out, fromArray([[1, 2, 3], [4, 5, 6]], undefined, 'float64'), fromArray([[1, 0], [0, 1], [2, 2]], undefined, 'float64'));
  console.log(JSON.stringify({ product: [...out.data], cells: Object.keys(cells), entries: modules.map((each) => Object.keys(each).length > 0) }));
`;
const EXPECTED = {
  product: [7, 8, 16, 17],
  cells: ['rnn', 'rnn-relu', 'lstm', 'gru', 'gru-reset-before'],
  entries: entryPoints.map(() => true),
};

describe('the packed package', () => {
  it('holds what it needs, and nothing of the workshop', () => {
    const folders = new Set(packed.map((path) => path.split('/')[0]));
    expect([...folders].sort()).toEqual([
      'CHANGELOG.md',
      'CODE_OF_CONDUCT.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'dist',
      'docs',
      'examples',
      'package.json',
      'schema',
      'src',
    ]);
    for (const file of ['dist/esm/index.js', 'dist/cjs/index.js', 'dist/cjs/package.json', 'dist/esm/cli/main.js']) {
      expect(packed).toContain(file);
    }
  });

  it('is at most 1.85 MB packed, and its JavaScript names no source map that it lacks', () => {
    expect(installation.size).toBeGreaterThan(500_000);
    expect(installation.size).toBeLessThanOrEqual(1_850_000);
    const scripts = packed.filter((path) => /^dist\/.*\.js$/.test(path));
    const read = (path: string) => readFileSync(join(folder, 'node_modules/bptt', path), 'utf8');
    expect(scripts.filter((path) => read(path).includes('sourceMappingURL'))).toEqual([]);
    expect(scripts.length).toBeGreaterThan(500);
  });

  it('installs no native code and nothing that asks to be built', () => {
    const installed = readdirSync(join(folder, 'node_modules'), { recursive: true, encoding: 'utf8' });
    expect(installed.length).toBeGreaterThan(packed.length);
    expect(installed.filter((path) => /\.node$|binding\.gyp$|\.(so|dylib|dll)$/.test(path))).toEqual([]);
    const scripts = installed
      .filter((path) => /^(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
      .filter((path) => {
        const text = readFileSync(join(folder, 'node_modules', path), 'utf8');
        const { scripts = {} } = JSON.parse(text) as { scripts?: Record<string, string> };
        return ['preinstall', 'install', 'postinstall'].some((name) => name in scripts);
      });
    expect(scripts).toEqual([]);
  });

  it('carries at most 42 kB, compressed, in order to be fast', () => {
    const lines = execFileSync(process.execPath, ['scripts/size.mjs'], { cwd: ROOT, encoding: 'utf8' }).split('\n');
    const [, size] = /^speed +\d+ files +([\d.]+) kB$/.exec(lines.find((line) => line.startsWith('speed'))!)!;
    expect(Number(size)).toBeGreaterThan(10);
    expect(Number(size)).toBeLessThanOrEqual(42);
  });

  it('has the JSON Schema of a trace under its own path', () => {
    const text = `console.log(JSON.stringify(require('bptt/schema/trace-1.json').title))`;
    expect(script('schema.cjs', text)).toBe(
      (JSON.parse(readFileSync(join(ROOT, 'schema/trace-1.json'), 'utf8')) as { title: string }).title,
    );
  });

  it('serves an ES module from every entry point', () => {
    const imports = entryPoints.map((name, i) => `import * as m${i} from '${name}';`).join('\n');
    const modules = `const modules = [${entryPoints.map((_, i) => `m${i}`).join(', ')}];`;
    const text = `${imports}\nimport { createCpuKernels } from 'bptt';\nimport { cells } from 'bptt/cells';\nimport { fromArray, zeros } from 'bptt/tensor';\n${modules}${STEP}`;
    expect(script('use.mjs', text)).toEqual(EXPECTED);
  });

  it('serves a CommonJS module from every entry point', () => {
    const modules = `const modules = [${entryPoints.map((name) => `require('${name}')`).join(', ')}];`;
    const text = `const { createCpuKernels } = require('bptt');\nconst { cells } = require('bptt/cells');\nconst { fromArray, zeros } = require('bptt/tensor');\n${modules}${STEP}`;
    expect(script('use.cjs', text)).toEqual(EXPECTED);
  });

  it.each([
    ['threads.mjs', (name: string) => `import * as ${name} from 'bptt/${name}';`],
    ['threads.cjs', (name: string) => `const ${name} = require('bptt/${name}');`],
  ])('trains on two threads: %s', (file, load) => {
    const text = `${['kernels', 'labeling', 'threads'].map(load).join(' ')}
      const corpora = { train: labeling.generateCorpus({ sentences: 20, seed: 1 }) };
      const options = { embedding: 4, hidden: 3, epochs: 1, threads: threads.nodeThreads(2) };
      const training = labeling.train(kernels.createCpuKernels(), corpora, options);
      training.then(({ threads, epochs }) => console.log(JSON.stringify({ threads, epochs })));`;
    expect(script(file, text)).toEqual({ threads: 2, epochs: 1 });
  });

  it.each([
    ['wasm.mjs', (name: string) => `import * as ${name} from 'bptt/${name}';`],
    ['wasm.cjs', (name: string) => `const ${name} = require('bptt/${name}');`],
  ])('trains and labels on WebAssembly: %s', (file, load) => {
    const text = `${['kernels', 'labeling', 'tagger'].map(load).join(' ')}
      (async () => {
        const { kernels: chosen } = await kernels.selectBackend();
        const corpora = { train: labeling.generateCorpus({ sentences: 30, seed: 1 }) };
        const { model } = await labeling.train(chosen, corpora, { embedding: 4, hidden: 5, epochs: 2 });
        const bytes = labeling.saveModel(model);
        const sentences = [['the', 'cats', 'sat'], ['they', 'run']];
        const labels = (backend) => tagger.createTagger(bytes, backend).tag(sentences).map((each) => each.labels);
        const same = JSON.stringify(labels(chosen)) === JSON.stringify(labels(kernels.createCpuKernels()));
        console.log(JSON.stringify({ backend: chosen.backend, same }));
      })();`;
    expect(script(file, text)).toEqual({ backend: 'wasm-simd', same: true });
  });

  it.each(['use.mts', 'use.cts'])('gives types to strict TypeScript, without those of Node: %s', (name) => {
    const imports = entryPoints.map((each, i) => `import * as m${i} from '${each}';`).join('\n');
    const uses = entryPoints.map((_, i) => `void m${i};`).join(' ');
    const right = `import { createCpuKernels, type Kernels } from 'bptt';
      import { zeros, type Tensor } from 'bptt/tensor';
      import { createTagger, type Tagger } from 'bptt/tagger';
      const kernels: Kernels = createCpuKernels();
      const out: Tensor = zeros([2, 3], 'float32');
      kernels.addMatmul(out, zeros([2, 4]), zeros([4, 3]));
      export const tagger = (bytes: Uint8Array): Tagger => createTagger(bytes);`;
    expect(compiled(name, `${imports}\n${uses}\n${right}`, { module: 'nodenext' })).toBe('');
    expect(compiled(name, `${right}\nkernels.addMatmul(out, 1, 2);`, { module: 'nodenext' })).toMatch(/TS2345/);
  });

  it('has types where modules are resolved as Node 10 did, for every entry point', () => {
    const text = entryPoints.map((name, i) => `import * as m${i} from '${name}';\nvoid m${i};`).join('\n');
    const node10 = { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' };
    expect(compiled('node10.ts', text, node10)).toBe('');
    expect(compiled('node10.ts', `${text}\nimport 'bptt/nothing';`, node10)).toMatch(/TS(2307|2882)/);
  });

  it('takes undefined for an option that is left out, under exactOptionalPropertyTypes', () => {
    const exact = { module: 'nodenext', exactOptionalPropertyTypes: true };
    expect(compiled('exact.mts', exactOptions, exact)).toBe('');
    const wrong = `${exactOptions}\nconst own: { a?: number } = { a: undefined };\nvoid own;`;
    expect(compiled('exact.mts', wrong, exact)).toMatch(/TS2375/);
  });

  it('says so of every optional property', () => {
    const declared = packed.filter((path) => /^dist\/.*\.d\.c?ts$/.test(path));
    expect(declared.length).toBeGreaterThan(100);
    const found = declared.flatMap((path) => {
      const text = readFileSync(join(folder, 'node_modules/bptt', path), 'utf8');
      return undeclaredUndefined(text).map((name) => `${path}: ${name}`);
    });
    expect(found).toEqual([]);
    const wrong = 'interface A { a?: number; b?: number | undefined; readonly c: { d?: string } }';
    expect(undeclaredUndefined(wrong)).toEqual(['a', 'd']);
  });

  it('loads and labels in an engine that has the language and nothing else', () => {
    const train = `import { createCpuKernels } from 'bptt/kernels';
      import { generateCorpus, saveModel, train } from 'bptt/labeling';
      import { writeFileSync } from 'node:fs';
      const corpora = { train: generateCorpus({ sentences: 20, seed: 1 }) };
      const { model } = await train(createCpuKernels(), corpora, { embedding: 4, hidden: 3, epochs: 1 });
      writeFileSync('bare.safetensors', saveModel(model));
      console.log('null');`;
    expect(script('model.mjs', train)).toBeNull();
    const portable = entryPoints.filter((name) => !['bptt/threads', 'bptt/wide-lanes'].includes(name));
    expect(script('bare.cjs', bareScript(portable))).toEqual({
      present: [],
      builtins: [],
      loaded: entryPoints.length - 2,
      labels: 3,
    });
  });

  it.each(README.map((block, i) => [i + 1, block] as const))(
    'runs block %i of its README as JavaScript',
    (i, block) => {
      writeFileSync(join(folder, `readme-${i}.mjs`), block.code);
      expect(run(process.execPath, [`readme-${i}.mjs`])).toBe(`${block.shown}\n`);
    },
  );

  it('holds what its pages link to', () => {
    const pages = packed.filter((path) => path.endsWith('.md'));
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'docs/README.md']));
    const dead = pages.flatMap((path) => {
      const file = join(folder, 'node_modules/bptt', path);
      const outside = linksOf(readFileSync(file, 'utf8')).filter((link) =>
        relative('.', join(path, '..', link)).startsWith('..'),
      );
      return [...brokenLinks(file), ...outside].map((link) => `${path}: ${link}`);
    });
    expect(dead).toEqual([]);
    expect(linksOf(readFileSync(join(ROOT, 'README.md'), 'utf8')).length).toBeGreaterThan(10);
  });

  it('answers on the command line', () => {
    expect(run('npx', ['--no-install', 'bptt', '--help'])).toMatch(/^Usage: bptt/);
    expect(run('npx', ['--no-install', 'bptt', '--version']).trim()).toBe(manifest.version);
  });

  it('labels under a policy that forbids code from strings, which the rest of the engine does not', () => {
    const sentences = 'they\tPRON\nrun\tVERB\n\nthe\tDET\nrun\tNOUN\n';
    writeFileSync(join(folder, 'train.tsv'), sentences);
    const sizes = ['--embedding', '4', '--hidden', '3', '--epochs', '2', '--seed', '1', '--quiet'];
    run('npx', ['--no-install', 'bptt', 'train', '--train', 'train.tsv', '--out', 'tagger.safetensors', ...sizes]);
    const text = `import { readFileSync } from 'node:fs';
      import { createTagger } from 'bptt/tagger';
      const tagger = createTagger(readFileSync('tagger.safetensors'));
      console.log(JSON.stringify(tagger.tag([['they', 'run'], ['the', 'run']]).map(({ labels }) => labels.length)));`;
    const strict = ['--disallow-code-generation-from-strings'];
    expect(script('strict.mjs', text, strict)).toEqual([2, 2]);
    expect(() => script('other.mjs', "import 'bptt/tensor';", strict)).toThrow(/EvalError/);
  });
});
