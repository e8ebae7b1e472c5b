/** Programs that use the package under other rules than those of this repository. */
import ts from 'typescript';

/** TypeScript that passes on values it may not have, as a project with `exactOptionalPropertyTypes` does. */
export const exactOptions = `
  import { packingOf, unroll } from 'bptt/autograd';
  import { lstm, type State } from 'bptt/cells';
  import { createCpuKernels, selectBackend } from 'bptt/kernels';
  import { train, type Corpora } from 'bptt/labeling';
  import { createAdam } from 'bptt/optim';
  import { createRng, normal } from 'bptt/tensor';
  const kernels = createCpuKernels();
  const params = lstm.initialize(2, 3, createRng(1));
  export const next = (initial: State | undefined): State =>
    unroll(kernels, lstm, params, normal([2, 2], 1, createRng(2)), packingOf([2]), { initial }).final;
  export const optimizer = (lr: number | undefined) => createAdam(kernels, params, { lr });
  export const backend = (name: string | undefined) => selectBackend({ backend: name, onLost: undefined });
  export const model = (corpora: Corpora, epochs: number | undefined) => train(kernels, corpora, { epochs, cell: undefined });
`;

/** The optional properties of declarations that do not take undefined, by name. */
export function undeclaredUndefined(text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)) && node.questionToken) {
      const type = node.type?.getText() ?? 'any';
      if (!/(^|\| )(undefined|unknown|any)$/.test(type) && !/^(unknown|any|undefined) ?(\||$)/.test(type))
        found.push(node.name.getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.ES2022, true));
  return found;
}

/** Names that engines of JavaScript have beside the language, or may have been built without. */
export const BESIDE_THE_LANGUAGE = [
  'Atomics',
  'Buffer',
  'Intl',
  'SharedArrayBuffer',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'WebAssembly',
  'console',
  'crypto',
  'navigator',
  'performance',
  'process',
  'setTimeout',
];

/**
 * A CommonJS script that loads modules in a context of its own, which lacks `BESIDE_THE_LANGUAGE`, labels there by the model
 * `bare.safetensors`, and prints what modules of Node were asked for on the way.
 */
export const bareScript = (names: readonly string[]): string => `
  const { readFileSync } = require('node:fs');
  const { createRequire, isBuiltin } = require('node:module');
  const { dirname } = require('node:path');
  const vm = require('node:vm');
  const context = vm.createContext({});
  vm.runInContext(${JSON.stringify(BESIDE_THE_LANGUAGE.map((name) => `delete globalThis.${name};`).join(' '))}, context);
  const [loaded, builtins] = [new Map(), []];
  function load(path) {
    if (loaded.has(path)) return loaded.get(path).exports;
    const module = { exports: {} };
    loaded.set(path, module);
    const wrapped = '(function (exports, require, module, __filename, __dirname) {' + readFileSync(path, 'utf8') + '\\n})';
    const here = createRequire(path);
    const ask = (name) => (isBuiltin(name) ? (builtins.push(name), require(name)) : load(here.resolve(name)));
    vm.runInContext(wrapped, context, { filename: path })(module.exports, ask, module, path, dirname(path));
    return module.exports;
  }
  const present = ${JSON.stringify(BESIDE_THE_LANGUAGE)}.filter((name) => vm.runInContext('typeof ' + name, context) !== 'undefined');
  const modules = ${JSON.stringify(names)}.map((name) => load(require.resolve(name)));
  const tagger = load(require.resolve('bptt/tagger')).createTagger(readFileSync('bare.safetensors'));
  const [{ labels }] = tagger.tag([['they', 'run', 'it']]);
  console.log(JSON.stringify({ present, builtins, loaded: modules.length, labels: labels.length }));
`;
