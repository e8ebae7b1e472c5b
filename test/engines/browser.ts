/** What the tests in a browser need: bundles of the built package, the browser, and a page that is served. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const ROOT = resolve(__dirname, '../..');

/** The built command line. */
export const MAIN = join(ROOT, 'dist/esm/cli/main.js');

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `../../src/x` is read as the built `dist/esm/x.js`. */
const built: Plugin = {
  name: 'built',
  setup({ onResolve }) {
    onResolve({ filter: /\/src\// }, ({ path }) => ({
      path: join(ROOT, 'dist/esm', `${path.replace(/^.*\/src\//, '').replace(/\.js$/, '')}.js`),
    }));
  },
};

/** A module of this folder and all it imports, as one script. */
export async function bundleOf(module: string): Promise<string> {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: npm run build');
  const { outputFiles } = await build({
    entryPoints: [join(__dirname, module)],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    resolveExtensions: ['.ts', '.js'],
    plugins: [built],
  });
  return outputFiles[0].text;
}

const executablePath = process.env.BPTT_CHROMIUM;

/** A test in the browser; skipped, and says so, where there is none. */
export function browserIt(name: string, run: () => Promise<void>): void {
  if (executablePath === undefined) it.skip(`${name}: skipped, it is not installed`, run);
  else it(name, run);
}

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath, args: FLAGS });

/** Serves scripts beside an empty page, as one that may share memory must be served. */
export async function serve(
  scripts: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(({ url = '/' }, response) => {
    const script = Object.hasOwn(scripts, url) ? scripts[url] : undefined;
    response.writeHead(url === '/' || script !== undefined ? 200 : 404, {
      'Content-Type': script === undefined ? 'text/html' : 'text/javascript',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    response.end(script ?? '<!doctype html><title>bptt</title>');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}
