/** Bun, from the npm package of its binary. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const BUN = join(__dirname, `node_modules/bun-${process.arch}/bin/bun`);

/** Runs a program, with a cache in `folder`. Nothing is fetched. */
export function bun(args: readonly string[], folder: string) {
  const env = { ...process.env, BUN_INSTALL_CACHE_DIR: join(folder, 'bun-cache'), NO_COLOR: '1' };
  return spawnSync(BUN, ['run', '--no-install', ...args], { cwd: folder, env, encoding: 'utf8', maxBuffer: 1 << 24 });
}

/** A test in Bun; skipped, and says so, where there is no package of it. */
export function bunIt(name: string, run: () => void): void {
  if (existsSync(BUN)) it(name, run);
  else it.skip(`${name}: skipped, there is no package of it for ${process.platform} ${process.arch}`, run);
}
