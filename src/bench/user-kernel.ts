/** `--kernel FILE`: a user's products, to be timed together with those of this package. */
import { existsSync, statSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError, BpttError } from '../tensor/index.js';
import { thrownBy } from './user-kernel-check.js';
import type { UserKernel } from './types.js';

const PRODUCTS = ['addMatmul', 'addMatmulTA', 'addMatmulTB'] as const;

/**
 * Loads a module, ES or CommonJS, that exports `addMatmul(out, a, b)`, and `addMatmulTA` and `addMatmulTB` if it has them; by
 * name, as fields of its default export, or just `addMatmul` as the default export. It may export `allocate(shape)`, for operands
 * in its own memory, and `release()`, which frees them all.
 *
 * @param names names of the kernels already loaded
 * @throws ArgumentError if there is no such file or it exports no such function; BpttError if it cannot be loaded
 */
export async function loadUserKernel(path: string, names: readonly string[] = []): Promise<UserKernel> {
  const loaded = await load(path);
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
  const system = names.includes(basename(path)) ? path : basename(path);
  const optional = (name: 'allocate' | 'release') =>
    typeof exported[name] === 'function' ? { [name]: exported[name] as (...args: unknown[]) => unknown } : {};
  return { system, kernels, ...optional('allocate'), ...optional('release') };
}

async function load(path: string): Promise<Record<string, unknown>> {
  if (path === '' || !existsSync(path)) throw new ArgumentError(`--kernel ${path || "''"}: there is no such file`);
  if (statSync(path).isDirectory())
    throw new ArgumentError(`--kernel ${path} is a folder; give the file of a JavaScript module`);
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (error) {
    const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
    const foreign = code === 'ERR_UNKNOWN_FILE_EXTENSION' && message?.includes(`"${extname(path)}"`);
    const why = foreign
      ? `Node cannot load ${extname(path)}; pass a JavaScript module, .mjs, .cjs or .js`
      : `loading it throws ${thrownBy(error)}`;
    throw new BpttError(`--kernel ${path}: ${why}`, { cause: error });
  }
}
