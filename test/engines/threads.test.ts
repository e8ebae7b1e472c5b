/** Training on two threads in Chromium: the bits of two threads of Node, and an error when a worker ends without an event. */
import type { Browser } from 'playwright-core';
import { threads } from '../support/threads';
import { browserIt, bundleOf, openBrowser, serve } from './browser';
import type { Ending, trainInPage } from './page';
import { trainedBytes } from './training';

describe('Chromium', () => {
  browserIt('trains on two threads to the model of two threads of Node', async () => {
    const { choice, bytes, error } = await inPage('/worker.js');
    expect({ choice, error }).toEqual({ choice: { threads: 2 }, error: undefined });
    expect(Uint8Array.from(bytes!)).toEqual(await trainedBytes(threads(2)));
  });

  browserIt('ends a training whose worker closes itself', async () => {
    const { batches, error } = await inPage('/closing-worker.js');
    expect({ batches, error }).toEqual({ batches: 1, error: SILENT });
  });

  browserIt('ends a training whose worker is terminated by the page', async () => {
    const { error } = await inPage('/worker.js', 3);
    expect(error).toEqual(SILENT);
  });
});

const SILENT = {
  name: 'WorkerError',
  message: expect.stringMatching(/^thread 2 of 2 ended: it ended without a message;/) as string,
};

let site: Awaited<ReturnType<typeof serve>>;
let browser: Browser | undefined;

beforeAll(async () => {
  const names = ['page', 'worker', 'closing-worker'];
  const scripts = names.map(async (name) => [`/${name}.js`, await bundleOf(`${name}.ts`)] as const);
  site = await serve(Object.fromEntries(await Promise.all(scripts)));
});

// Not by the test itself: one that waits forever, which is what these are to catch, would leave its browser running.
afterEach(() => browser?.close());
afterAll(() => site?.close());

/** Runs a training in a browser of its own. */
async function inPage(...args: Parameters<typeof trainInPage>): Promise<Ending> {
  browser = await openBrowser();
  const page = await browser.newPage();
  await page.goto(site.url);
  await page.addScriptTag({ url: '/page.js' });
  const run = (values: Parameters<typeof trainInPage>) =>
    (globalThis as unknown as { trainInPage: typeof trainInPage }).trainInPage(...values);
  return await page.evaluate(run, args);
}
