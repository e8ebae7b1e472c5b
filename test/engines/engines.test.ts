/**
 * The built package in Node 20, 22, 24 and 26, in Deno, Bun and Chromium: the WebAssembly backend passes the contract there, its scans are
 * right, and without relaxed SIMD its bits are the same in every engine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserIt, bundleOf, MAIN, openBrowser } from './browser';
import { bun, bunIt } from './bun';
import { deno, denoIt } from './deno';
import type { report as run } from './suite';

type Outcome = Awaited<ReturnType<typeof run>>;

/** Node 20 has relaxed SIMD behind a flag. */
const NODES = [
  { version: 20, flags: ['--experimental-wasm-relaxed-simd'] },
  { version: 22, flags: [] },
  { version: 24, flags: [] },
  { version: 26, flags: [] },
].map((each) => ({ ...each, path: join(__dirname, `node_modules/node-${each.version}-${process.arch}/bin/node`) }));

let folder: string;
let bundle: string;

beforeAll(async () => {
  bundle = await bundleOf('suite.ts');
  folder = mkdtempSync(join(tmpdir(), 'bptt-engines-'));
  writeFileSync(
    join(folder, 'suite.cjs'),
    `${bundle}\nreport().then((outcome) => process.stdout.write(JSON.stringify(outcome)));\n`,
  );
});

afterAll(() => {
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const digests = new Map<string, number>();

function expectOutcome(engine: string, { chosen, reports }: Outcome): void {
  expect(chosen).toBe('wasm-simd');
  expect(reports.map(({ backend }) => backend)).toEqual(['wasm-simd', 'wasm-relaxed-simd']);
  for (const { checks, failures } of reports) {
    expect(failures).toEqual([]);
    expect(checks).toBeGreaterThan(200);
  }
  digests.set(engine, reports[0].digest);
}

function node(path: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(path, args, { encoding: 'utf8', maxBuffer: 1 << 24 });
}

describe.each(NODES)('Node $version', ({ version, flags, path }) => {
  const there = existsSync(path) ? it : it.skip;
  const note = existsSync(path) ? '' : `: skipped, there is no package of it for ${process.platform} ${process.arch}`;

  there(`passes the contract, and scans right${note}`, () => {
    const { status, stdout, stderr } = node(path, [...flags, join(folder, 'suite.cjs')]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expectOutcome(`Node ${version}`, JSON.parse(stdout) as Outcome);
  });

  there(`lists the backend in bptt doctor${note}`, () => {
    const { status, stdout } = node(path, [MAIN, 'doctor']);
    expect(status).toBe(0);
    expect(stdout).toContain(`node       ${version}.`);
    expect(stdout).toMatch(/^found +wasm: runs as wasm-simd, chosen by auto$/m);
    expect(stdout).toMatch(
      version === 20 ? /^declined +wasm-relaxed: /m : /^found +wasm-relaxed: runs as wasm-relaxed/m,
    );
  });
});

describe('Deno', () => {
  denoIt('passes the contract, and scans right', () => {
    const { status, stdout, stderr } = deno([join(folder, 'suite.cjs')], folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expectOutcome('Deno', JSON.parse(stdout) as Outcome);
  });

  denoIt('lists the backend in bptt doctor', () => {
    const { status, stdout } = deno(['--allow-read', '--allow-env', '--allow-sys', MAIN, 'doctor'], folder);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^found +wasm: runs as wasm-simd, chosen by auto$/m);
  });
});

describe('Bun', () => {
  bunIt('passes the contract, and scans right', () => {
    const { status, stdout, stderr } = bun([join(folder, 'suite.cjs')], folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expectOutcome('Bun', JSON.parse(stdout) as Outcome);
  });

  bunIt('lists the backend in bptt doctor', () => {
    const { status, stdout } = bun([MAIN, 'doctor'], folder);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^found +wasm: runs as wasm-simd, chosen by auto$/m);
  });
});

describe('Chromium', () => {
  browserIt('passes the contract, and scans right', async () => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ content: bundle });
      const outcome = await page.evaluate(() => (globalThis as unknown as { report: typeof run }).report());
      expectOutcome('Chromium', outcome);
    } finally {
      await browser.close();
    }
  });
});

it('gives the same bits in every engine', () => {
  expect(digests.size).toBeGreaterThan(0);
  expect(new Set(digests.values()).size).toBe(1);
});
