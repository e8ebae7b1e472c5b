/** The files of a ladder, and the statements in their headers. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError } from '../../tensor/index.js';
import { folderOfPackage } from '../package-info.js';
import type { RungFile } from './types.js';

/** `07-outer-product-tile.ts`: two digits, a name, JavaScript or AssemblyScript. */
const NAME = /^(\d\d[a-z]?)-([a-z0-9-]+)\.(js|mjs|ts)$/;

/**
 * Returns the rungs of a folder, sorted by name; without a folder, those of the clone.
 *
 * @param home the folder of the package
 * @throws ArgumentError if there are none
 */
export function listRungs(folder?: string, home = folderOfPackage()): RungFile[] {
  const path = folder ?? join(home, 'bench/ladder');
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (!isFolder && folder === undefined) {
    throw new ArgumentError(
      '--ladder: the rungs are part of a clone, not of the package, because WebAssembly rungs are compiled when they run; clone the repository, run npm ci and npm run build there, or pass a folder with your own rungs',
    );
  }
  const files = isFolder ? readdirSync(path).filter((name) => NAME.test(name)) : [];
  if (files.length === 0) {
    throw new ArgumentError(
      `--ladder ${folder ?? path} has no rungs; pass a folder with files such as 01-triple-loop.js (JavaScript) or 05-wasm-scalar.ts (AssemblyScript)`,
    );
  }
  return files.sort().map((name) => ({
    ...headerOf(readFileSync(join(path, name), 'utf8'), name),
    name: name.replace(/\.\w+$/, ''),
    path: join(path, name),
  }));
}

/** Reads the statements of a header: `Rung 7: title. …`, and a paragraph `Predicted  3×. …`. */
export function headerOf(text: string, name: string): Pick<RungFile, 'title' | 'predicted'> {
  const header = /^\/\*\*[^]*?\*\//.exec(text)?.[0] ?? '';
  const title = /^ \* Rung \w+: (.+?)\.(?: |$)/m.exec(header)?.[1];
  const predicted = /^ \* Predicted +(\d+(?:\.\d+)?)×/m.exec(header)?.[1];
  const spoken = NAME.exec(name)?.[2].replaceAll('-', ' ') ?? name;
  return { title: title ?? spoken, ...(predicted === undefined ? {} : { predicted: Number(predicted) }) };
}
