/** The backend in a browser, on WebGL 2, WebGL and WebGPU, which SwiftShader serves where there is no graphics card. */
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { contractChecks } from '../kernels/contract';

const FLAGS = [
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** WebGPU is there for pages of a secure origin alone, and localhost is one. */
const URL = 'http://localhost/';

let browser: Browser;
let page: Page;

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [`${__dirname}/page.ts`],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    resolveExtensions: ['.ts', '.js'],
    plugins: [sources],
  });
  browser = await chromium.launch({ executablePath: process.env.BPTT_CHROMIUM, args: FLAGS });
  page = await browser.newPage();
  await page.route('**/*', (route) =>
    route.request().url() === URL
      ? route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>bptt</title>' })
      : route.abort(),
  );
  await page.goto(URL);
  await page.addScriptTag({ content: outputFiles[0].text });
});

afterAll(() => browser?.close());

/** `./x.js` is read as `./x.ts`, as in the sources. */
const sources: Parameters<typeof build>[0] extends { plugins?: (infer P)[] } ? P : never = {
  name: 'sources',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, resolveDir, importer, kind }) =>
      importer.endsWith('.ts') ? resolve(path.replace(/\.js$/, ''), { resolveDir, kind }) : undefined,
    );
  },
};

/** Calls a function of the page's suite. */
function call<T>(name: string, ...args: unknown[]): Promise<T> {
  const run = ([method, values]: [string, unknown[]]) =>
    (globalThis as unknown as { suite: Record<string, (...values: unknown[]) => Promise<T>> }).suite[method](...values);
  return page.evaluate(run, [name, args] as [string, unknown[]]) as Promise<T>;
}

describe.each(['webgl2', 'webgl', 'webgpu'])('kernel contract: gpu.js:%s', (mode) => {
  it('runs on what was asked for, and knows a software rasterizer', async () => {
    expect(await call('describe', mode)).toMatchObject({
      backend: `gpu.js:${mode}`,
      dtypes: ['float32'],
      device: { mode, software: true, renderer: expect.stringMatching(/swiftshader/i) },
    });
  });

  it.each(contractChecks(['float32']).map((check) => check.name))('%s', async (name) => {
    await call('contract', mode, name);
  });
});
