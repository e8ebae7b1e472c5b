/** Deno, from the npm package of its binary. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const DENO = join(__dirname, `node_modules/deno-${process.arch}/deno`);

/** Runs a program with no permission but those that are named, and with a cache in `folder`. Nothing is fetched. */
export function deno(args: readonly string[], folder: string) {
  const env = { ...process.env, DENO_DIR: join(folder, 'deno-cache'), DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  const command = ['run', '--no-prompt', '--cached-only', ...args];
  return spawnSync(DENO, command, { cwd: folder, env, encoding: 'utf8', maxBuffer: 1 << 24 });
}

/** A test in Deno; skipped, and says so, where there is no package of it. */
export function denoIt(name: string, run: () => void): void {
  if (existsSync(DENO)) it(name, run);
  else it.skip(`${name}: skipped, there is no package of it for ${process.platform} ${process.arch}`, run);
}
