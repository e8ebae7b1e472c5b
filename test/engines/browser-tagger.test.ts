/**
 * examples/browser-tagger as its reader builds it: from the packed package, trained in Node, built by Vite, served by its preview
 * with the policy of the example, and used in Chromium.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Installation } from '../support/packed';
import { installPacked } from '../support/packed';
import { browserIt, openBrowser } from './browser';

const VITE = join(__dirname, 'node_modules/vite/bin/vite.js');

let installation: Installation;
let server: ChildProcess | undefined;
let browser: Browser | undefined;
let url: string;

beforeAll(async () => {
  installation = installPacked();
  const { folder } = installation;
  for (const name of ['names.txt', 'browser-tagger']) {
    cpSync(join(folder, 'node_modules/bptt/examples', name), join(folder, 'examples', name), { recursive: true });
  }
  installation.run(process.execPath, ['examples/browser-tagger/train.mjs']);
  installation.run(process.execPath, [VITE, 'build', 'examples/browser-tagger']);
  url = await served(folder);
});

/** Starts `vite preview`, and returns where it says that it listens. */
function served(cwd: string): Promise<string> {
  const child = spawn(process.execPath, [VITE, 'preview', 'examples/browser-tagger', '--host', '127.0.0.1'], { cwd });
  server = child;
  return new Promise((resolve, reject) => {
    let printed = '';
    const listen = (chunk: Buffer): void => {
      printed += chunk.toString().replace(/\x1b\[\d+m/g, '');
      const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed);
      if (found) resolve(found[0]);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('exit', (status) => reject(new Error(`vite preview ended with ${status}: ${printed}`)));
  });
}

afterAll(async () => {
  await browser?.close();
  server?.kill();
  installation?.remove();
});

/** The page, and what it and its policy complain about. */
async function opened(): Promise<{ page: Page; complaints: string[]; policy: string | undefined }> {
  browser ??= await openBrowser();
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  const response = await page.goto(url);
  return { page, complaints, policy: response!.headers()['content-security-policy'] };
}

const POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'";

browserIt('finds entities in a worker, with their places, under the policy', async () => {
  const { page, complaints, policy } = await opened();
  expect(policy).toBe(POLICY);
  const text = await page.inputValue('textarea');
  await page.click('button');
  await page.waitForSelector('li');
  const found = await page.locator('li').allTextContents();
  const entities = found.map((line) => /^(\d+)-(\d+) (.+): (PER|LOC), [01]\.\d\d$/.exec(line)!.slice(1));
  expect(entities.map(([, , name, type]) => [name, type])).toEqual([
    ['Greta Lind', 'PER'],
    ['Bonn', 'LOC'],
    ['Emil', 'PER'],
    ['New York', 'LOC'],
  ]);
  for (const [start, end, name] of entities) expect(text.slice(Number(start), Number(end))).toBe(name);
  expect(await page.locator('#text').textContent()).toBe(text);
  expect(await page.locator('mark').allTextContents()).toEqual(entities.map(([, , name]) => name));
  expect(page.workers()).toHaveLength(1);
  expect(complaints).toEqual([]);
});

browserIt('shows text as text, whatever it holds', async () => {
  const { page, complaints } = await opened();
  const text = '<img src=x onerror=alert(1)> Olga 😀 in Malmö.';
  await page.fill('textarea', text);
  await page.click('button');
  await page.waitForSelector('li');
  expect(await page.locator('#text').textContent()).toBe(text);
  expect(await page.locator('#text img').count()).toBe(0);
  const places = (await page.locator('li').allTextContents()).map((line) => line.replace(/:.*/, ''));
  expect(places).toContain(`${text.indexOf('Malmö')}-${text.indexOf('Malmö') + 5} Malmö`);
  expect(complaints).toEqual([]);
});

browserIt('the policy is in force: the page may not evaluate text', async () => {
  const { page } = await opened();
  // In a task of its own: what the driver itself evaluates is exempt.
  const refused = await page.evaluate(
    () =>
      new Promise<string>((answer) =>
        setTimeout(() => {
          try {
            answer(String(new Function('return 1')()));
          } catch (error) {
            answer((error as Error).name);
          }
        }),
      ),
  );
  expect(refused).toBe('EvalError');
});

browserIt('a model that is missing is reported in the page', async () => {
  const { page } = await opened();
  await page.route('**/names.safetensors', (route) => route.fulfill({ status: 404, body: '' }));
  await page.reload();
  await page.click('button');
  await page.waitForFunction(() => {
    const { document } = globalThis as unknown as {
      document: { querySelector(name: string): { textContent: string } };
    };
    return document.querySelector('[role=alert]').textContent !== '';
  });
  expect(await page.locator('[role=alert]').textContent()).toContain('answered 404: run train.mjs before the build');
});
