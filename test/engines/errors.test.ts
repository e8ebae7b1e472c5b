/** The page of `bptt errors` in Chromium: whole without scripts, filtered by mouse and by keys with them, no network, and axe finds nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { browserIt, MAIN, openBrowser } from './browser';

const SCHEMES = ['light', 'dark'] as const;
const AXE = createRequire(__filename).resolve('axe-core/axe.min.js');

/** The model says LOC LOC O PER of all of these but the last, whose words it does not know. */
const GOLD = [
  ['New\tB-PER', 'York\tI-PER', 'and\tO', 'Ann\tB-PER'],
  ['New\tB-LOC', 'York\tO', 'and\tO', 'Ann\tO'],
  ['New\tO', 'York\tI-LOC', 'and\tB-PER', 'Ann\tB-PER'],
  ['</script><script>document.title="foreign"</script>\tB-<img>', 'שלום\tO', `${'long'.repeat(200)}\tB-${'LONG'.repeat(40)}`],
]; // prettier-ignore

let folder: string;
let browser: Browser | undefined;

function bptt(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', cwd: folder });
  expect([args[0], status, stderr.replace(/^warning: .*\n/gm, '')]).toEqual([args[0], 0, '']);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-errors-'));
  writeFileSync(join(folder, 'two.tsv'), 'New\tB-LOC\nYork\tI-LOC\nand\tO\nAnn\tB-PER\n\n'.repeat(9));
  writeFileSync(join(folder, 'odd.tsv'), GOLD.map((rows) => `${rows.join('\n')}\n\n`).join(''));
  const args = ['--epochs', '60', '--hidden', '8', '--lr', '0.05', '--dropout', '0', '--quiet', '--out', 'm.safetensors']; // prettier-ignore
  bptt('train', '--train', 'two.tsv', ...args);
  bptt('errors', 'm.safetensors', 'odd.tsv', '-o', 'errors.html');
});

afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Opens the page from the disk, and notes every request and every complaint. */
async function opened(options: BrowserContextOptions = {}) {
  browser ??= await openBrowser();
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
  const page = await context.newPage();
  const [requests, complaints]: [string[], string[]] = [[], []];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  const url = pathToFileURL(join(folder, 'errors.html')).href;
  await page.goto(url);
  return { page, requests, complaints, url };
}

/** The errors that can be seen. */
const shown = async (page: Page): Promise<string[]> =>
  (await page.locator('.error:visible').allInnerTexts()).map((text) => text.replace(/[⁨⁩]| confidence.*| holds.*| line.*/g, '')); // prettier-ignore

const FIRST = [
  'wrong type: gold PER “New York”, predicted LOC “New York”',
  'wrong boundary: gold LOC “New”, predicted LOC “New York”',
  'spurious: predicted PER “Ann”',
  'wrong boundary: gold LOC “York”, predicted LOC “New York”',
  'missed: gold PER “and”',
];

browserIt('is whole without scripts, and offers no controls that do nothing', async () => {
  const { page, requests, complaints, url } = await opened({ javaScriptEnabled: false });
  expect((await shown(page)).slice(0, 5)).toEqual(FIRST);
  expect(await page.locator('.sentence:visible').count()).toBe(4);
  expect(await page.locator('form:visible, button:visible').count()).toBe(0);
  expect(await page.locator('svg:visible').count()).toBe(2);
  expect({ requests, complaints }).toEqual({ requests: [url], complaints: [] });
  await page.context().close();
});

browserIt('asks no network, and runs no script of the data', async () => {
  const { page, requests, complaints, url } = await opened();
  expect(await page.title()).toBe('Errors of m.safetensors on odd.tsv');
  expect({ requests, complaints }).toEqual({ requests: [url], complaints: [] });
  const html = readFileSync(join(folder, 'errors.html'), 'utf8');
  writeFileSync(
    join(folder, 'foreign.html'),
    html.replace('</main>', '<script>document.title="foreign"</script></main>'),
  );
  await page.goto(pathToFileURL(join(folder, 'foreign.html')).href);
  expect(await page.title()).not.toBe('foreign');
  expect(complaints.join()).toMatch(/Content Security Policy/);
  await page.context().close();
});

browserIt('filters by mouse: controls, and cells of the heat map', async () => {
  const { page } = await opened();
  const all = await shown(page);
  await page.locator('select[name=kind]').selectOption('boundary');
  expect(await shown(page)).toEqual([FIRST[1], FIRST[3]]);
  expect(await page.locator('[role=status]').innerText()).toBe(
    `Shown: 2 of ${all.length} errors, in 2 of 4 sentences.`,
  );
  await page.locator('input[name=text]').fill('AND');
  expect(await shown(page)).toEqual([FIRST[1], FIRST[3]]);
  await page.locator('input[name=text]').fill('nowhere');
  expect(await shown(page)).toEqual([]);
  await page.locator('button[type=reset]').click();
  await page.waitForFunction(() => true); // what the reset empties is shown in the task after it
  expect(await shown(page)).toEqual(all);
  await page.locator('select[name=words]').selectOption('known');
  expect(await shown(page)).toEqual(FIRST);
  await page.locator('button[type=reset]').click();
  const cell = page.locator('td[data-kind=missed] button').first();
  expect(await cell.innerText()).toBe('1');
  await cell.click();
  expect(await page.locator('select[name=kind]').inputValue()).toBe('missed');
  expect(await page.locator('.error:visible').count()).toBe(1);
  await page.context().close();
});

browserIt('filters by keys alone', async () => {
  const { page } = await opened();
  const all = await shown(page);
  const focused = () => page.evaluate(() => {
    const { document } = globalThis as unknown as { document: { activeElement: { className: string; textContent: string; name?: string } } }; // prettier-ignore
    const { className, textContent, name } = document.activeElement;
    return name ?? `${className} ${/sentence \d/.exec(textContent)?.[0]}`;
  }); // prettier-ignore
  await page.keyboard.press('j');
  expect(await focused()).toBe('sentence sentence 1');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  expect(await focused()).toBe('sentence sentence 3');
  await page.keyboard.press('k');
  expect(await focused()).toBe('sentence sentence 2');
  await page.keyboard.press('/');
  expect(await focused()).toBe('text');
  await page.keyboard.type('jx'); // typed, and no command
  expect(await shown(page)).toEqual([]);
  expect(await page.locator('input[name=text]').inputValue()).toBe('jx');
  await page.keyboard.press('Tab'); // the button
  await page.keyboard.press('x');
  expect(await page.locator('input[name=text]').inputValue()).toBe('');
  expect(await shown(page)).toEqual(all);
  await page.locator('select[name=kind]').focus();
  await page.keyboard.press('ArrowDown');
  expect(await page.locator('select[name=kind]').inputValue()).toBe('type');
  const ofType = all.filter((error) => error.startsWith('wrong type:'));
  expect(await shown(page)).toEqual(ofType);
  expect(ofType.length).toBeLessThan(all.length);
  await page.locator('input[name=keys]').focus();
  await page.keyboard.press('Space'); // off
  await page.keyboard.press('x');
  expect(await shown(page)).toEqual(ofType);
  await page.context().close();
});

describe.each(SCHEMES)('%s', (colorScheme) => {
  browserIt('has nothing that axe finds', async () => {
    const { page } = await opened({ bypassCSP: true, colorScheme });
    await page.evaluate(() => {
      const { document } = globalThis as unknown as { document: { querySelectorAll(all: string): Iterable<{ open: boolean }> } }; // prettier-ignore
      for (const each of document.querySelectorAll('details')) each.open = true;
    });
    await page.addScriptTag({ path: AXE });
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }> } }; // prettier-ignore
      return (await axe.run()).violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)) })); // prettier-ignore
    });
    expect(violations).toEqual([]);
    await page.context().close();
  });

  browserIt('fits a screen of 360 pixels', async () => {
    const { page } = await opened({ viewport: { width: 360, height: 700 }, colorScheme });
    const width = await page.evaluate(() => {
      const { document } = globalThis as unknown as { document: { documentElement: { scrollWidth: number } } };
      return document.documentElement.scrollWidth;
    });
    expect(width).toBe(360);
    await page.context().close();
  });
});
