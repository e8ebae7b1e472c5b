#!/usr/bin/env node
/**
 * Screenshots of every view and of a report, light, dark and print, to be looked at: in a folder outside of the repository, by default
 * bptt-screenshots in the system's folder for temporary files.
 *
 *     npm run build && npm run screenshots -- FOLDER
 *
 * Needs the packages of test/engines (`npm ci --prefix test/engines`) and a Chromium; BPTT_CHROMIUM names it where it is not found by
 * itself. The report is also printed to a PDF.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const SENTENCE = 'the cat near the dogs by the trees near the boys sat';
const VIEWS = ['strip', 'reach', 'stepper', 'equation', 'check', 'ledger', 'gates', 'saliency', 'norms', 'compare'];
const THEMES = ['light', 'dark', 'print'];
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const folder = resolve(process.argv[2] ?? join(tmpdir(), 'bptt-screenshots'));
const { chromium } = createRequire(resolve('test/engines/package.json'))('playwright-core');

function which(name) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function bptt(...args) {
  const { status, stderr } = spawnSync(process.execPath, ['dist/esm/cli/main.js', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`bptt ${args.join(' ')}: ${stderr}`);
}

/** Draws everything, and gives the names of the pages. */
function draw(theme) {
  for (const view of VIEWS) {
    const model = view === 'compare' ? ['--seeds', '5'] : ['--cell', 'lstm'];
    bptt('figure', view, SENTENCE, ...model, '--theme', theme, '--svg', join(folder, `${view}-${theme}.svg`));
  }
  bptt('report', SENTENCE, '--cell', 'lstm', '--theme', theme, '-o', join(folder, `report-${theme}.html`));
  return [...VIEWS.map((view) => `${view}-${theme}.svg`), `report-${theme}.html`];
}

mkdirSync(folder, { recursive: true });
const executablePath = process.env.BPTT_CHROMIUM ?? BROWSERS.map(which).find((path) => path !== undefined);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const theme of THEMES) {
    for (const name of draw(theme)) {
      const page = await browser.newPage({ viewport: { width: 1300, height: 700 } });
      await page.goto(pathToFileURL(join(folder, name)).href);
      const path = join(folder, name.replace(/\.\w+$/, '.png'));
      const picture = name.endsWith('.svg') ? page.locator('svg').first() : page;
      await picture.screenshot({ path, ...(name.endsWith('.html') && { fullPage: true }) });
      if (name === 'report-print.html') await page.pdf({ path: join(folder, 'report-print.pdf'), format: 'A4' });
      await page.close();
    }
  }
} finally {
  await browser.close();
}
process.stdout.write(`${folder}\n`);
