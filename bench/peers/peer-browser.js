/**
 * bptt itself in a browser: peer-browser.js --mode wasm|webgl2|webgl|webgpu. The modules that run the bench are bundled with
 * gpu.js and page.js and opened in Chromium; what the bench asks goes to the page. Browser, bundler and gpu.js are those of
 * test/gpu. BPTT_CHROMIUM names the browser where it is not found by itself, BPTT_CHROMIUM_FLAGS adds flags, which the tables name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { absent, option, say } from './adapter.js';

const TESTS = new URL('../../test/gpu/', import.meta.url);
const COMMON = ['--no-sandbox', '--no-first-run', '--disable-background-networking', '--ignore-gpu-blocklist'];
const GPU = [...COMMON, '--enable-unsafe-webgpu', '--enable-unsafe-swiftshader'];

/** Linux has a device for every graphics card, those of NVIDIA and of WSL among them. */
const linux = process.platform === 'linux';
const hardware = !linux || ['/dev/dri', '/dev/nvidia0', '/dev/dxg'].some((path) => existsSync(path));
/** Ways to reach a device, the last one a software rasterizer that is always there. */
const WAYS = [
  ...(linux && hardware ? [[...GPU, '--use-angle=vulkan', '--enable-features=Vulkan']] : []),
  ...(hardware ? [GPU] : []),
  [...GPU, '--use-angle=swiftshader', '--use-webgpu-adapter=swiftshader'],
];

/** Flags of your own, such as --js-flags=--experimental-wasm-revectorize. */
const EXTRA = (process.env.BPTT_CHROMIUM_FLAGS ?? '').split(/\s+/).filter(Boolean);

/** WebGPU is there for pages of a secure origin alone, and localhost is one. */
const ORIGIN = 'http://localhost/';
/** Isolated pages have a clock with steps of 5 µs. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

const mode = option('--mode');

/** A package of test/gpu. */
function tested(name) {
  try {
    return createRequire(TESTS)(name);
  } catch (error) {
    return absent(
      error.code === 'MODULE_NOT_FOUND'
        ? `${name} is not installed: npm ci --prefix test/gpu`
        : `${name}: ${error.message}`,
    );
  }
}

/** The browser: a path, or a channel that the driver looks for. */
function browserPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const find = (name) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout?.trim();
  const path = process.env.BPTT_CHROMIUM || names.map(find).find(Boolean);
  return path ? { executablePath: path } : { channel: 'chrome' };
}

/** page.js with everything it imports, as one script. `bptt:` stands for the modules that run the bench. */
async function bundle() {
  const { outputFiles } = await tested('esbuild').build({
    entryPoints: [fileURLToPath(new URL('page.js', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
    nodePaths: [fileURLToPath(new URL('node_modules', TESTS))],
    plugins: [
      {
        name: 'modules',
        setup({ onResolve }) {
          onResolve({ filter: /^bptt:/ }, ({ path }) => ({ path: join(process.env.BPTT_MODULES, path.slice(5)) }));
        },
      },
    ],
  });
  return outputFiles[0].text;
}

/** A page that runs the script in a new browser. */
async function openPage(args, script) {
  const browser = await tested('playwright-core').chromium.launch({ ...browserPath(), args: [...args, ...EXTRA] });
  const page = await browser.newPage();
  await page.route('**/*', (route) =>
    route.request().url() === ORIGIN
      ? route.fulfill({ contentType: 'text/html', headers: ISOLATED, body: '<!doctype html><title>bptt</title>' })
      : route.abort(),
  );
  await page.goto(ORIGIN);
  await page.addScriptTag({ content: script });
  return { browser, page };
}

const ask = (page, method, value) => page.evaluate(([name, given]) => globalThis.bench[name](given), [method, value]);
const firstLine = (error) =>
  String(error?.message ?? error)
    .split('\n')[0]
    .replace(/^page\.evaluate: /, '');

/** The mode on the best device there is: one of hardware, or else the software rasterizer. */
async function open() {
  const script = await bundle();
  const ways = mode === 'wasm' ? [COMMON] : WAYS;
  let reason;
  for (const [i, args] of ways.entries()) {
    let opened;
    try {
      opened = await openPage(args, script);
      const hello = await ask(opened.page, 'open', mode);
      if (!hello.software || i === ways.length - 1) return { ...opened, hello };
    } catch (error) {
      reason = firstLine(error);
    }
    await opened?.browser.close();
  }
  return absent(reason);
}

const { browser, page, hello } = await open();
const engine = [`Chromium ${browser.version()}`, ...EXTRA].join(' ');
say({ threads: 1, engine, ...hello });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  try {
    say(await ask(page, request.op, request));
  } catch (error) {
    say({ error: firstLine(error) });
  }
}
await browser.close();
process.exit(0);
