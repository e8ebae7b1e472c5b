/**
 * Loads TypeScript modules of the project, each load with modules of its own: nothing that a mutant left in a variable reaches the
 * next one. Compiled once, run as often as asked. Packages of node_modules are loaded once.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import vm from 'node:vm';
import { transformSync } from '@swc/core';

const ROOT = resolve(import.meta.dirname, '../..');
const swc = { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } };
const NAMES = 'exports, require, module, __filename, __dirname, __on, __seen';

/** Compiles TypeScript to the JavaScript of a module. */
export function transform(source, path) {
  return transformSync(source, { ...swc, filename: path }).code;
}

/**
 * @returns `loader(replaced, on, seen)`, which returns `load(path)`, the exports of a module: each loader has its own modules.
 *   `replaced` holds JavaScript that stands in place of files, by path from the project's folder; in it `__on` and `__seen` are
 *   the two functions
 */
export function createLoaders() {
  const scripts = new Map();
  const paths = new Map();

  const scriptOf = (path, code) => new vm.Script(`(function (${NAMES}) {${code}\n})`, { filename: path });
  const compile = (path) => {
    if (!scripts.has(path)) scripts.set(path, scriptOf(path, transform(readFileSync(path, 'utf8'), path)));
    return scripts.get(path);
  };

  const find = (from, name) => {
    const key = `${from}\0${name}`;
    if (!paths.has(key)) {
      const base = resolve(dirname(from), name);
      const stem = base.replace(/\.js$/, '');
      paths.set(
        key,
        [`${stem}.ts`, base, `${base}/index.ts`].find((path) => existsSync(path) && /\.(ts|json|m?js)$/.test(path)),
      );
    }
    return paths.get(key);
  };

  return (replaced, on, seen) => {
    const modules = new Map();
    const own = new Map(
      Object.entries(replaced).map(([path, code]) => [join(ROOT, path), scriptOf(join(ROOT, path), code)]),
    );
    const load = (path) => {
      if (modules.has(path)) return modules.get(path).exports;
      const module = { exports: {} };
      modules.set(path, module);
      const native = createRequire(path);
      const require = (name) => {
        if (!/^[./]/.test(name)) return native(name);
        const found = find(path, name);
        if (found === undefined) throw new Error(`${path}: there is no module ${name}`);
        return found.endsWith('.ts') ? load(found) : native(found);
      };
      require.resolve = native.resolve;
      const run = (own.get(path) ?? compile(path)).runInThisContext();
      run(module.exports, require, module, path, dirname(path), on, seen);
      return module.exports;
    };
    return (path) => load(join(ROOT, path));
  };
}
