/** The backend in a browser, on WebGL 2, WebGL and WebGPU, which SwiftShader serves where there is no graphics card. */
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { contractChecks } from '../kernels/contract';
import { DEVICE_CASES, layerName } from '../kernels/layers';

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

describe.each(['webgl2', 'webgl', 'webgpu'])('gpu.js:%s', (mode) => {
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

  it('has gates as exact as the balls of layers take them to be', async () => {
    const { worst, allowed } = await call<Record<string, Record<string, number>>>('gates', mode);
    expect(worst.logistic).toBeLessThanOrEqual(allowed.logistic);
    expect(worst.hyperbolic).toBeLessThanOrEqual(allowed.hyperbolic);
  });

  it.each(DEVICE_CASES.map((c, i) => [layerName(c), i] as const))('keeps a layer in its balls: %s', async (_, i) => {
    const answers = ['forward true', 'backward true'];
    expect(await call('layer', mode, i)).toEqual({ outside: [], answers, lost: [] });
  });

  it('trains to the losses of the CPU, batch by batch, and tags', async () => {
    const { backend, warnings, onDevice, onCpu } = await call<Record<string, unknown>>('train', mode);
    expect({ backend, warnings }).toEqual({ backend: `gpu.js:${mode}+wasm-simd`, warnings: [] });
    expect(onDevice).toEqual(onCpu);
  });

  it('keeps the number of textures and buffers flat over 10,000 products, and frees them all', async () => {
    const { some, many, end } = await call<Record<string, number>>('leak', mode, 10_000);
    expect(some).toBeGreaterThan(0);
    expect(many).toBe(some);
    expect(end).toBe(0);
  });

  it('keeps the number of textures and buffers flat over 100 layers, and frees them all', async () => {
    const { some, many, end } = await call<Record<string, number>>('leakLayers', mode, 100);
    expect(some).toBeGreaterThan(0);
    expect(many).toBe(some);
    expect(end).toBe(0);
  });

  it('goes on without a device that is lost, to the losses of the CPU, with one warning', async () => {
    const { backend, warnings } = await call<{ backend: string; warnings: string[] }>('lose', mode);
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`^gpu\\.js:${mode}.*(lost|Invalid|context)`))]);
    expect(backend).toBe('wasm-simd');
  });
});
