/**
 * Builds both module formats into dist/: `esm` (the command line included) and `cjs`, which says so in a package.json. The
 * JavaScript of the library keeps its comments and reads like its source, so there are no source maps: they would double the
 * package. CommonJS, the command line and the benchmarks, which nobody imports, have no comments.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { acceptUndefined } from './declarations.js';

const require = createRequire(import.meta.url);
const tsc = require.resolve('typescript/bin/tsc');

rmSync('dist', { recursive: true, force: true });
for (const project of ['tsconfig.build.json', 'tsconfig.cjs.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const { ModuleKind, ScriptTarget, transpile } = require('typescript');
const bare = { module: ModuleKind.ESNext, target: ScriptTarget.ESNext, removeComments: true };
for (const folder of ['dist/esm/cli', 'dist/esm/bench', 'dist/cjs']) {
  for (const name of existsSync(folder) ? readdirSync(folder, { recursive: true }) : []) {
    const file = `${folder}/${name}`;
    if (!name.endsWith('.js')) continue;
    const text = readFileSync(file, 'utf8');
    const mixed = folder === 'dist/cjs' && text.includes('import.meta'); // would be taken for an ES module
    if (!mixed) writeFileSync(file, transpile(text, bare));
  }
}
/** Replaces the one occurrence of a text in a compiled file. */
function replace(file, from, to) {
  const parts = readFileSync(file, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`${file}: '${from}' was expected once; found ${parts.length - 1} times`);
  writeFileSync(file, parts.join(to));
}
// Bundlers cannot see that a call from another file has no side effects, and would keep the lists of options of all that is left out.
for (const name of readdirSync('dist', { recursive: true })) {
  if (!name.endsWith('.js')) continue;
  const text = readFileSync(`dist/${name}`, 'utf8');
  const told = text.replace(
    /^((?:export )?const \w+ = )((?:checks_js_\d+\.)?keysOf\(|\(0, checks_js_\d+\.keysOf\)\()/gm,
    '$1/* @__PURE__ */ $2',
  );
  if (told !== text) writeFileSync(`dist/${name}`, told);
}
// CommonJS has no import.meta; the one module that asks where it lies is told in the words of CommonJS.
const located = 'dist/cjs/labeling/training/parallel/threads.node.js';
replace(located, 'here = import.meta.url', "here = require('node:url').pathToFileURL(__filename).href");
// CommonJS has import(). As require() of an unknown name, which the compiler makes of it, bundlers would report the optional peers.
const required = 'Promise.resolve(`${name}`).then(s => __importStar(require(s)))';
replace('dist/cjs/tensor/peer.js', required, 'import(/* webpackIgnore: true */ /* @vite-ignore */ name)');
for (const name of readdirSync('dist', { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = `dist/${name}`;
  writeFileSync(file, acceptUndefined(readFileSync(file, 'utf8')));
}
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
const main = 'dist/esm/cli/main.js';
if (existsSync(main)) chmodSync(main, 0o755);
