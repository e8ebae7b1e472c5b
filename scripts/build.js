/** Builds both module formats into dist/: `esm` (the command line included) and `cjs`, which says so in a package.json. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync('dist', { recursive: true, force: true });
for (const project of ['tsconfig.build.json', 'tsconfig.cjs.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
// CommonJS has no import.meta; the one module that asks where it lies is told in the words of CommonJS.
const located = 'dist/cjs/labeling/training/parallel/threads.node.js';
const text = readFileSync(located, 'utf8');
if (!text.includes('import.meta.url')) throw new Error(`${located}: import.meta.url was expected`);
writeFileSync(located, text.replace('import.meta.url', "require('node:url').pathToFileURL(__filename).href"));
// The source map of an embedded module would hold it a second time, and lead to nothing readable.
for (const format of ['esm', 'cjs']) {
  for (const name of ['binary', 'binary-relaxed']) {
    const file = `dist/${format}/kernels/wasm/${name}.js`;
    rmSync(`${file}.map`);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/\/\/# sourceMappingURL=.*\n?/, ''));
  }
}
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
const main = 'dist/esm/cli/main.js';
if (existsSync(main)) chmodSync(main, 0o755);
