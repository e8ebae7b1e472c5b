/** `--kernel FILE`: products that somebody wrote, to be timed beside those of this package. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError } from '../../tensor/index.js';
import type { UserKernel } from './types.js';

const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'] as const;

/**
 * Loads a module, ES or CommonJS, that exports `addMatmul(out, a, b)`, and `addMatmulTA` and `addMatmulTB` if it has them;
 * by name, as fields of its default export, or `addMatmul` alone as the default export.
 *
 * @throws ArgumentError when it exports no such function; what the module throws while it is loaded
 */
export async function loadUserKernel(path: string): Promise<UserKernel> {
  if (!existsSync(path)) throw new ArgumentError(`--kernel ${path}: there is no such file`);
  const loaded = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  const inner = (typeof loaded.default === 'object' && loaded.default !== null ? loaded.default : {}) as object;
  const exported: Record<string, unknown> = { ...inner, ...loaded };
  if (typeof loaded.default === 'function') exported.addMatmul ??= loaded.default;
  const kernels = Object.fromEntries(
    PRODUCTS.filter((name) => typeof exported[name] === 'function').map((name) => [name, exported[name]]),
  ) as UserKernel['kernels'];
  if (kernels.addMatmul === undefined) {
    throw new ArgumentError(
      `${path} must export a function addMatmul(out, a, b) that adds a·b to out, where each is {data, shape, stride, offset}; ` +
        `it exports ${Object.keys(loaded).join(', ') || 'nothing'}`,
    );
  }
  return { system: basename(path), kernels };
}
