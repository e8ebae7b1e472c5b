/**
 * A report in Chromium: the pixels of its cells are the colors of its numbers, axe finds nothing in it, it asks no network, it is whole
 * without scripts, and with them it says whether its numbers are those of its weights.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Trace } from '../../src/inspect';
import { batlow } from '../../src/inspect/views/colors/batlow';
import { berlin } from '../../src/inspect/views/colors/berlin';
import { vik } from '../../src/inspect/views/colors/vik';
import { browserIt, MAIN, openBrowser } from './browser';

const SENTENCE = 'the cat near the dogs by the trees near the boys sat';
const THEMES = ['light', 'dark'] as const;
const AXE = createRequire(__filename).resolve('axe-core/axe.min.js');

let folder: string;
let trace: Trace;
let browser: Browser | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-report-'));
  for (const theme of THEMES) {
    const args = [
      'report',
      SENTENCE,
      '--cell',
      'lstm',
      '--theme',
      theme,
      '--quiet',
      '-o',
      join(folder, `${theme}.html`),
    ];
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }
  const args = ['inspect', SENTENCE, '--cell', 'lstm', '--checks', '0', '--json', '--quiet'];
  const { stdout } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', maxBuffer: 1e9 });
  trace = JSON.parse(stdout) as Trace;
});

afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Opens a page from the disk, and notes every request and every complaint. */
async function opened(name: string, options: BrowserContextOptions = {}) {
  browser ??= await openBrowser();
  const context = await browser.newContext({ viewport: { width: 1500, height: 900 }, ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  const url = pathToFileURL(join(folder, name)).href;
  await page.goto(url);
  return { page, requests, complaints, url };
}

const verdictOf = (page: Page) =>
  page.evaluate(() => {
    const { document } = globalThis as unknown as { document: { getElementById(id: string): { className: string; textContent: string } } }; // prettier-ignore
    const { className, textContent } = document.getElementById('verdict');
    return { className, textContent };
  });

/** A cell of a grid on the page: its number, the reference of its row, and a point in it where nothing else is drawn. */
interface Cell {
  readonly v: number;
  readonly ref: string;
  readonly x: number;
  readonly y: number;
}

/** Every cell that the paths of a page draw, with the number that stands in the row of its name. Runs in the page. */
function cellsInPage(): Cell[] {
  interface Matrix {
    readonly a: number;
    readonly d: number;
    readonly e: number;
    readonly f: number;
  }
  interface Element {
    readonly children: readonly Element[];
    readonly previousElementSibling: Element;
    readonly parentElement: Element | null;
    getAttribute(name: string): string | null;
    querySelectorAll(selector: string): Iterable<Element>;
    getScreenCTM(): Matrix;
  }
  const { document, scrollX, scrollY } = globalThis as unknown as {
    document: Element;
    scrollX: number;
    scrollY: number;
  };
  const cells: Cell[] = [];
  for (const grid of document.querySelectorAll('g.cells')) {
    const names = grid.previousElementSibling;
    let base = '';
    for (let at: Element | null = names; at; at = at.parentElement) base = (at.getAttribute('data-base') ?? '') + base;
    const rows = [...names.children].map((row) => {
      const packed = row.getAttribute('data-f');
      const from = Number(row.getAttribute('data-from') ?? 0);
      if (packed === null) return { from: 0, values: (row.getAttribute('data-v') ?? '').split(' ').map(Number) };
      const bytes = Uint8Array.from(atob(packed), (each) => each.charCodeAt(0));
      return { from, values: [...new Float64Array(bytes.buffer)] };
    });
    const { a, d, e, f } = grid.getScreenCTM();
    for (const path of grid.querySelectorAll('path')) {
      for (const [, x, y, n] of (path.getAttribute('d') ?? '').matchAll(/M(\d+),(\d+)h(\d+)/g)) {
        for (let c = Number(x); c < Number(x) + Number(n); c++) {
          const { from, values } = rows[Number(y)];
          const at = { x: e + (c + 0.22) * a + scrollX, y: f + (Number(y) - 0.25) * d + scrollY };
          cells.push({ v: values[c - from], ref: base + names.children[Number(y)].getAttribute('data-ref'), ...at });
        }
      }
    }
  }
  return cells;
}

/** The colors of a PNG at some points, read by the browser itself. */
async function colorsAt(png: Buffer, points: readonly { x: number; y: number }[]): Promise<number[][]> {
  const page = await browser!.newPage();
  try {
    return await page.evaluate(
      async ([base64, all]) => {
        interface Context {
          drawImage(image: unknown, x: number, y: number): void;
          getImageData(x: number, y: number, w: number, h: number): { readonly data: ArrayLike<number> };
        }
        const { createImageBitmap, OffscreenCanvas } = globalThis as unknown as {
          createImageBitmap(blob: Blob): Promise<{ readonly width: number; readonly height: number }>;
          OffscreenCanvas: new (w: number, h: number) => { getContext(kind: '2d'): Context };
        };
        const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
        const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
        const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
        context.drawImage(image, 0, 0);
        return all.map(({ x, y }) => [...Array.from(context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data)].slice(0, 3)); // prettier-ignore
      },
      [png.toString('base64'), points.map(({ x, y }) => ({ x, y }))] as const,
    );
  } finally {
    await page.close();
  }
}

/** Colors of a map's hexadecimal text. */
const colorsOf = (hex: string): number[][] =>
  Array.from({ length: 256 }, (_, i) => [0, 2, 4].map((at) => parseInt(hex.slice(6 * i + at, 6 * i + at + 2), 16)));

/** 1, 2 or 5 times a power of ten, at least as large as every size. */
const roundUp = (values: readonly number[]): number => {
  const most = Math.max(...values.map(Math.abs));
  const power = Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((factor) => Number(`${factor}e${power}`)).find((each) => each >= most)!;
};

/** Numbers of the pictures by the view that shows them. */
const VIEWS = {
  gates: /^\/layers\/0\/forward\/steps\/\{?\d*\}?\/gates\//,
  slopes: /\/slopes\//,
  reach: /^\/reach\/retention/,
  compare: /^\/cells\/.*\/reach\/retention/,
  stepper: /\/gradients\//,
  ledger: /^\/ledger\/.*\/shares/,
  norms: /^\/ledger\/.*\/uses/,
} as const;
type View = keyof typeof VIEWS;
const viewOf = ({ ref }: Cell): View | undefined =>
  (Object.keys(VIEWS) as View[]).find((view) => VIEWS[view].test(ref));

/** The step of the map, not rounded, that each number calls for: the scales of all views, written once more. */
function stepsFor(cells: readonly Cell[], trace: Trace, theme: (typeof THEMES)[number]) {
  const signed = colorsOf(theme === 'dark' ? berlin : vik);
  const sizes = colorsOf(batlow);
  const shown = (view: View) => cells.filter((cell) => viewOf(cell) === view).map(({ v }) => v);
  const decades = (values: readonly number[], [low, high] = [Infinity, -Infinity]) => {
    const all = values.filter((each) => each !== 0).map((each) => Math.log10(Math.abs(each)));
    return [Math.min(low, Math.floor(Math.min(...all))), Math.max(high, Math.ceil(Math.max(...all)))] as const;
  };
  const byDecades =
    ([low, high]: readonly [number, number]) =>
    (v: number) =>
      (Math.log10(v) - low) / (high - low);
  const bySign = (limit: number) => (v: number) =>
    0.5 + (0.5 * Math.sign(v) * Math.log(1 + (100 * Math.abs(v)) / limit)) / Math.log(101);
  const gradients = trace.layers[0].forward.steps.flatMap(({ gradients: { states, preActivations } }) => [
    ...Object.values(states).flatMap(({ direct, recurrent, total }) => [...direct, ...recurrent, ...total]),
    ...Object.values(preActivations).flat(),
  ]);
  const places: Readonly<Record<View, (v: number, ref: string) => number>> = {
    gates: (v, ref) => (/\/gates\/g/.test(ref) ? (v + 1) / 2 : v),
    slopes: (v) => v,
    reach: byDecades(decades(shown('reach'), [-4, 0])),
    compare: byDecades(decades(shown('compare'), [-4, 0])),
    stepper: bySign(roundUp(gradients)),
    ledger: bySign(roundUp([...shown('ledger'), 1])),
    norms: byDecades(decades(shown('norms'))),
  };
  return cells.flatMap((cell) => {
    const view = viewOf(cell);
    if (view === undefined) return [];
    const both = view === 'stepper' || view === 'ledger' || /\/gates\/g/.test(cell.ref);
    const place = cell.v === 0 && !both ? 0 : places[view](cell.v, cell.ref); // log of 0: the end of the map
    return [{ ...cell, view, map: both ? signed : sizes, step: Math.min(255, Math.max(0, place * 255)) }];
  });
}

describe.each(THEMES)('a report, %s', (theme) => {
  browserIt('has the colors of its numbers, to one step of the map, in every view that colors them', async () => {
    const { page } = await opened(`${theme}.html`, { deviceScaleFactor: 1 });
    const cells = await page.evaluate(cellsInPage);
    const known = stepsFor(cells, trace, theme);
    const unknown = cells.filter((cell) => viewOf(cell) === undefined).map(({ ref }) => ref);
    expect(unknown).toEqual([]);
    const counts = Object.fromEntries(Object.keys(VIEWS).map((view) => [view, known.filter((each) => each.view === view).length])); // prettier-ignore
    expect(counts).toEqual({ gates: 768, slopes: 768 + 64, reach: 78, compare: 234, stepper: 160, ledger: 78, norms: 180 }); // prettier-ignore
    const pixels = await colorsAt(await page.screenshot({ fullPage: true }), known);
    const wrong = known.filter(({ map, step }, i) => {
      const near = [Math.floor(step), Math.ceil(step)]; // no more than one step from where the number stands
      return !near.some((each) => map[each].every((byte, c) => byte === pixels[i][c]));
    });
    expect(wrong.slice(0, 5).map(({ view, ref, v, x, y }) => ({ view, ref, v, x, y }))).toEqual([]);
    expect(new Set(pixels.map(String)).size).toBeGreaterThan(100);
    await page.context().close();
  });

  browserIt('is whole without scripts', async () => {
    const { page, requests, complaints, url } = await opened(`${theme}.html`, { javaScriptEnabled: false });
    expect(await page.locator('section').count()).toBe(11);
    expect(await page.locator('figure > svg').count()).toBe(10);
    expect(await page.locator('table').count()).toBeGreaterThan(20);
    expect(await page.locator('math').count()).toBeGreaterThan(8);
    expect(await page.locator('#verdict').innerText()).toMatch(/^Scripts are off/);
    expect({ requests, complaints }).toEqual({ requests: [url], complaints: [] });
    await page.context().close();
  });

  browserIt('asks no network, and says that its numbers agree', async () => {
    const { page, requests, complaints, url } = await opened(`${theme}.html`);
    const { className, textContent } = await verdictOf(page);
    expect(className).toBe('agrees');
    const [, checked, marks] = /: (\d+) of (\d+) numbers/.exec(textContent)!.map(Number);
    expect(checked).toBeGreaterThan(2000);
    expect(marks).toBeGreaterThan(checked);
    expect({ requests, complaints }).toEqual({ requests: [url], complaints: [] });
    await page.context().close();
  });

  browserIt('says that they disagree where one weight is another, or one number', async () => {
    const text = readFileSync(join(folder, `${theme}.html`), 'utf8');
    const weight = text.replace(/("numbers":".{4000})(.)/, (_, before: string, each: string) => before + (each === 'A' ? 'B' : 'A')); // prettier-ignore
    const number = text.replace(/(data-v="?[01]\.\d{3})(\d)/, (_, before: string, each: string) => before + ((Number(each) + 1) % 10)); // prettier-ignore
    for (const [name, spoiled] of Object.entries({ weight, number })) {
      expect([name, spoiled === text]).toEqual([name, false]);
      writeFileSync(join(folder, `${name}.html`), spoiled);
      const { page } = await opened(`${name}.html`);
      expect([name, (await verdictOf(page)).className]).toEqual([name, 'disagrees']);
      await page.context().close();
    }
  });

  browserIt('runs no script but its own', async () => {
    const text = readFileSync(join(folder, `${theme}.html`), 'utf8');
    writeFileSync(
      join(folder, 'foreign.html'),
      text.replace('</main>', '<script>document.title="foreign"</script></main>'),
    );
    const { page, complaints } = await opened('foreign.html');
    expect(await page.title()).not.toBe('foreign');
    expect(complaints.join()).toMatch(/Content Security Policy/);
    await page.context().close();
  });

  browserIt('has nothing that axe finds', async () => {
    const { page } = await opened(`${theme}.html`, { bypassCSP: true });
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
});
