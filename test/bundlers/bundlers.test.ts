/** The packed package in an application that a bundler builds: nothing is reported, and what comes out does what it should. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ERRORS, installPacked } from '../support/packed';
import type { Installation } from '../support/packed';

const BUILD = resolve(__dirname, 'build.js');
const BUNDLERS = ['esbuild', 'webpack', 'rollup', 'vite', 'parcel'] as const;
type Bundler = (typeof BUNDLERS)[number];

let installation: Installation;

beforeAll(() => {
  installation = installPacked();
});

afterAll(() => installation?.remove());

/** What `build.js` says of a build. */
interface Built {
  readonly files: readonly string[];
  readonly complaints: readonly string[];
}

function build(bundler: Bundler, name: string, text: string, platform = 'browser'): Built {
  writeFileSync(join(installation.folder, name), text);
  const out = `built-${bundler}-${platform}-${name.replace(/\W/g, '-')}`;
  const env = { ...process.env, NODE_ENV: 'production' };
  const args = [BUILD, bundler, installation.folder, name, out, platform];
  const printed = execFileSync(process.execPath, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  return JSON.parse(printed.trim().split('\n').at(-1)!) as Built;
}

/** Runs the script of a build as a page would, and returns what it prints as JSON. */
function ran({ files }: Built): unknown {
  const named = (pattern: RegExp) => files.find((file) => pattern.test(basename(file)));
  const main = (named(/^(main|app|index)\b/) ?? named(/^(?!binary-relaxed)/))!; // Parcel names the script after the folder
  const page = `globalThis.self = globalThis;\nawait import(${JSON.stringify(pathToFileURL(main).href)});`;
  mkdirSync(join(installation.folder, 'runs'), { recursive: true });
  return installation.script('runs/page.mjs', page);
}

/** Learns and labels, meets an error of every class, and asks for a graphics device that nobody brought. */
const APPLICATION = `
  import * as bptt from 'bptt';
  import { packingOf } from 'bptt/autograd';
  import { createGpuKernels, selectBackend } from 'bptt/kernels';
  import { generateCorpus, saveModel, train } from 'bptt/labeling';
  import { createTagger } from 'bptt/tagger';

  const errors = Object.values(bptt).filter((each) => typeof each === 'function' && each.prototype instanceof Error);
  const names = errors.map((Class) => new Class('message').name).sort();
  const thrown = (() => { try { packingOf([-1]); } catch (error) { return [error.name, error instanceof bptt.ArgumentError]; } })();
  (async () => {
    const { kernels } = await selectBackend();
    const corpora = { train: generateCorpus({ sentences: 20, seed: 1 }) };
    const { model } = await train(kernels, corpora, { embedding: 4, hidden: 3, epochs: 1 });
    const [{ labels }] = createTagger(saveModel(model), kernels).tag([['the', 'cats', 'sat']]);
    const device = await createGpuKernels({ mode: 'webgl2' }).catch(({ name, message }) => [name, message.slice(0, 6)]);
    console.log(JSON.stringify({ backend: kernels.backend, labels: labels.length, names, thrown, device }));
  })();
`;

describe.each(BUNDLERS)('%s', (bundler) => {
  it('builds a page without a word about the optional gpu.js, and errors keep their names', () => {
    const built = build(bundler, 'app.mjs', APPLICATION);
    expect(built.complaints).toEqual([]);
    expect(ran(built)).toEqual({
      backend: 'wasm-simd',
      labels: 3,
      names: ERRORS,
      thrown: ['ArgumentError', true],
      device: ['UnsupportedError', 'gpu.js'],
    });
  });

  it('has its complaints heard: a package that is not there is one', () => {
    const built = (): readonly string[] => build(bundler, 'lacks.mjs', "import 'nowhere-to-be-found';").complaints;
    let complaints: readonly string[];
    try {
      complaints = built();
    } catch (error) {
      complaints = [String((error as { stderr: string }).stderr)];
    }
    expect(complaints.join('\n')).toContain('nowhere-to-be-found');
  });
});

describe('a bundled server that trains on threads', () => {
  const server = (options: string) => `
    import { createCpuKernels } from 'bptt/kernels';
    import { generateCorpus, train } from 'bptt/labeling';
    import { nodeThreads } from 'bptt/threads';
    const corpora = { train: generateCorpus({ sentences: 20, seed: 1 }) };
    const threads = () => nodeThreads(2${options});
    (async () => {
      const { threads: count } = await train(createCpuKernels(), corpora, { embedding: 4, hidden: 3, epochs: 1, threads: threads() });
      console.log(JSON.stringify(count));
    })().catch(({ name, message }) => console.log(JSON.stringify({ name, message })));
  `;

  /** Builds with esbuild for Node, which leaves the worker behind, and runs the server. */
  function served(options: string, format: 'esm' | 'cjs', entries: readonly string[] = []): unknown {
    const { folder, run } = installation;
    const extension = format === 'esm' ? 'mjs' : 'cjs';
    writeFileSync(join(folder, 'server.mjs'), server(options));
    const files = ['server.mjs', ...entries].map((entry) => JSON.stringify(entry)).join(', ');
    const settings = `bundle: true, minify: true, platform: 'node', format: '${format}', outdir: 'served', logLevel: 'error'`;
    const script = `require(${JSON.stringify(resolve(__dirname, 'node_modules/esbuild'))}).buildSync({
      entryPoints: [${files}], ${settings}, entryNames: '[name]', outExtension: { '.js': '.${extension}' }, logOverride: { 'empty-import-meta': 'silent' } });`;
    run(process.execPath, ['-e', script]);
    return JSON.parse(run(process.execPath, [`served/server.${extension}`]));
  }

  it.each(['esm', 'cjs'] as const)(
    'is told that the module of the workers was left out, and what to do (%s)',
    (format) => {
      expect(served('', format)).toEqual({
        name: 'WorkerError',
        message: expect.stringMatching(
          /(Cannot find module .*worker\.node\.js'.*; |^worker threads cannot start: .* because )this code was bundled without it\. Build bptt\/threads\/worker as a separate file and pass its URL/,
        ),
      });
    },
  );

  it('trains as it is where webpack builds it, on the worker of the installed package', () => {
    const { files, complaints } = build('webpack', 'threads.mjs', server(''), 'node');
    expect(complaints).toEqual([]);
    expect(installation.run(process.execPath, [files.find((file) => basename(file) === 'main.js')!])).toBe('2\n');
  });

  it('trains with that module built beside it', () => {
    writeFileSync(join(installation.folder, 'worker.mjs'), "import 'bptt/threads/worker';\n");
    const module = (url: string) => `, { module: ${url} }`;
    expect(served(module("new URL('./worker.mjs', import.meta.url)"), 'esm', ['worker.mjs'])).toBe(2);
    expect(served(module("__dirname + '/worker.cjs'"), 'cjs', ['worker.mjs'])).toBe(2);
  });
});

describe('a page that brings gpu.js', () => {
  it('passes it, and it is used', () => {
    const stub = join(installation.folder, 'node_modules/gpu.js');
    mkdirSync(stub, { recursive: true });
    writeFileSync(join(stub, 'package.json'), '{ "name": "gpu.js", "version": "2.24.0", "main": "index.js" }');
    writeFileSync(join(stub, 'index.js'), "exports.GPU = class { constructor() { throw new Error('reached'); } };");
    const text = `
      import * as library from 'gpu.js';
      import { selectBackend } from 'bptt/kernels';
      selectBackend({ backend: 'gpu', gpu: { library, mode: 'webgl2' } }).catch(({ message }) => console.log(JSON.stringify(message)));`;
    expect(ran(build('esbuild', 'device.mjs', text))).toMatch(/gpu\.js cannot use webgl2.*reached/);
  });
});
