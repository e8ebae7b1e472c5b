/**
 * Builds an application with one of the bundlers of this folder, as its own documentation says, and prints what came of it as
 * one line of JSON: `{ "files": [paths of the scripts], "complaints": [warnings and errors] }`.
 *
 *     node test/bundlers/build.js BUNDLER FOLDER ENTRY OUT [platform]
 *
 * `platform` is `browser` (the default) or `node`.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const require = createRequire(import.meta.url);
const [bundler, folder, entry, out, platform = 'browser'] = process.argv.slice(2);
process.chdir(folder);
const input = resolve(entry);
const output = resolve(out);
const complaints = [];

const BUNDLERS = { esbuild, parcel, rollup, vite, webpack };
await BUNDLERS[bundler]();
const names = existsSync(output)
  ? readdirSync(output, { recursive: true }).filter((name) => /\.[cm]?js$/.test(name))
  : [];
console.log(JSON.stringify({ files: names.sort().map((name) => join(output, name)), complaints }));
process.exit(0);

async function esbuild() {
  const { build } = require('esbuild');
  const options = { entryPoints: [input], outdir: output, bundle: true, minify: true, logLevel: 'silent', platform };
  const { warnings } = await build({ ...options, format: 'esm', outExtension: { '.js': '.mjs' } });
  complaints.push(...warnings.map(({ text }) => text));
}

async function webpack() {
  const build = require('webpack');
  const { promise, resolve: done, reject } = withResolvers();
  const target = platform === 'node' ? 'node20' : ['web', 'es2022'];
  const settings = {
    mode: 'production',
    context: resolve('.'),
    entry: input,
    target,
    devtool: false,
    performance: false,
  };
  build({ ...settings, output: { path: output, publicPath: '', filename: 'main.js' } }, (error, stats) => {
    if (error) reject(error);
    else done(stats.toJson({ all: false, errors: true, warnings: true }));
  });
  const { errors, warnings } = await promise;
  complaints.push(...[...errors, ...warnings].map(({ message }) => message));
}

async function rollup() {
  const { rollup: build } = require('rollup');
  const load = (name) => require(`@rollup/plugin-${name}`).default ?? require(`@rollup/plugin-${name}`);
  const plugins = [load('node-resolve')({ browser: platform === 'browser' }), load('commonjs')()];
  const onwarn = ({ message }) => void complaints.push(message);
  const bundle = await build({ input, plugins, onwarn });
  await bundle.write({ dir: output, format: 'es', entryFileNames: 'main.mjs', chunkFileNames: '[name].mjs' });
}

async function vite() {
  const { build, createLogger } = await import('vite');
  const customLogger = createLogger('silent');
  const complain = (message) => void complaints.push(message);
  Object.assign(customLogger, { warn: complain, warnOnce: complain, error: complain });
  const options = { formats: ['es'], entry: input, fileName: () => 'main.mjs' };
  await build({ root: '.', configFile: false, customLogger, build: { outDir: output, minify: true, lib: options } });
}

async function parcel() {
  const { Parcel } = require('@parcel/core');
  const page = resolve('index.html');
  writeFileSync(page, `<!doctype html><script type="module" src="./${entry}"></script>\n`);
  const mode = { mode: 'production', defaultTargetOptions: { distDir: output, sourceMaps: false } };
  const build = new Parcel({
    entries: page,
    defaultConfig: require.resolve('@parcel/config-default'),
    ...mode,
    shouldDisableCache: true,
  });
  try {
    await build.run();
  } catch (error) {
    complaints.push(...(error.diagnostics ?? [error]).map(({ message }) => message));
  }
}

function withResolvers() {
  let functions;
  const promise = new Promise((fulfill, reject) => (functions = { resolve: fulfill, reject }));
  return { promise, ...functions };
}
