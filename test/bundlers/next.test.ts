/** The packed package in an application of Next.js: server component, route handlers, client component in a browser. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, parse, resolve } from 'node:path';
import { ERRORS, installPacked } from '../support/packed';
import type { Installation } from '../support/packed';

/** Of playwright-core, what is used here. */
interface Playwright {
  readonly chromium: { launch(options: object): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }> };
}
interface Page {
  on(event: 'pageerror', hear: (error: Error) => void): void;
  on(event: 'request', hear: (request: { url(): string }) => void): void;
  goto(url: string): Promise<unknown>;
  waitForFunction(expression: string): Promise<{ jsonValue(): Promise<string> }>;
}

const executablePath = process.env.BPTT_CHROMIUM;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];

const env = { ...process.env, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' };

let installation: Installation;
let expected: readonly string[];
let built: string;
let server: ChildProcess;
let url: string;

/** What the command `next` is started with. */
const next = (...args: string[]) => [join(installation.folder, 'node_modules/next/dist/bin/next'), ...args];

/** The URL that a server prints, which chose its port. */
function started(): Promise<string> {
  server = spawn(process.execPath, next('start', '-H', '127.0.0.1', '-p', '0'), { cwd: installation.folder, env });
  return new Promise((found, fail) => {
    let printed = '';
    const hear = (text: Buffer): void => {
      printed += text.toString();
      const [, place] = /Local:\s+(http:\/\/127\.0\.0\.1:\d+)[^]*Ready/.exec(printed) ?? [];
      if (place) found(place);
    };
    server.stdout!.on('data', hear);
    server.stderr!.on('data', hear);
    server.on('exit', () => fail(new Error(printed)));
  });
}

beforeAll(async () => {
  installation = installPacked();
  const { folder } = installation;
  cpSync(join(__dirname, 'next-app'), folder, { recursive: true });
  for (const name of ['next', 'react', 'react-dom']) {
    symlinkSync(resolve(__dirname, 'node_modules', name), join(folder, 'node_modules', name), 'junction');
  }
  // the one setting is for those links: Turbopack reads no file outside of its root
  const config = { turbopack: { root: parse(folder).root } };
  writeFileSync(join(folder, 'next.config.mjs'), `export default ${JSON.stringify(config)};\n`);
  expected = JSON.parse(installation.run(process.execPath, ['train.mjs'])) as readonly string[];
  const { status, stdout, stderr } = spawnSync(process.execPath, next('build'), { cwd: folder, encoding: 'utf8', env });
  built = stdout + stderr;
  if (status !== 0) throw new Error(built);
  url = await started();
}, 900_000); // half a minute; a loaded machine is no failure

afterAll(async () => {
  if (server?.exitCode === null) {
    const ended = new Promise((done) => server.once('exit', done));
    server.kill();
    await ended;
  }
  installation?.remove();
});

const ask = async (path: string, question: object = {}): Promise<unknown> =>
  (await fetch(url + path, { method: 'POST', body: JSON.stringify(question) })).json();

const SENTENCE = ['the', 'cats', 'near', 'the', 'dog', 'sat'];

describe('Next.js', () => {
  it('builds without a warning', () => {
    expect(built).toContain('Compiled successfully');
    expect(built).not.toMatch(/warning|error|can't resolve/i);
    expect(expected).toEqual(expect.arrayContaining(['DET', 'NOUN', 'ADP']));
  });

  it('labels in a server component as Node does', async () => {
    const page = await (await fetch(url)).text();
    const [, labels] = /<output id="server">(.*?)<\/output>/.exec(page)!;
    expect(JSON.parse(labels.replaceAll('&quot;', '"'))).toEqual(expected);
  });

  it('labels in a route handler, and errors keep their names', async () => {
    expect(await ask('/label', { tokens: SENTENCE })).toEqual({ backend: 'wasm-simd', labels: expected });
    expect(await ask('/label', { tokens: ['the', 'dog'] })).not.toEqual({ backend: 'wasm-simd', labels: expected });
    expect(await ask('/label', { file: 'no model' })).toEqual({
      name: 'DataError',
      message: expect.stringContaining('safetensors'),
    });
  });

  it('trains on worker threads in a route handler', async () => {
    expect(await ask('/train')).toEqual({ threads: 2 });
  });

  const browserIt = executablePath === undefined ? it.skip : it;
  browserIt('labels in a client component, in Chromium, and errors keep their names', async () => {
    const { chromium } = createRequire(__filename)('playwright-core') as Playwright;
    const browser = await chromium.launch({ executablePath, args: FLAGS });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      const asked: string[] = [];
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('request', (request) => asked.push(new URL(request.url()).origin));
      await page.goto(url);
      const text = await page.waitForFunction("document.getElementById('browser')?.textContent");
      const found = JSON.parse(await text.jsonValue()) as unknown;
      expect(found).toEqual({ backend: 'wasm-simd', labels: expected, names: ERRORS });
      expect(complaints).toEqual([]);
      expect([...new Set(asked)]).toEqual([url]);
    } finally {
      await browser.close();
    }
  });
});
