/** The package's own description, read from the `package.json` it was installed with. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BpttError } from '../tensor/errors.js';

/** The part of `package.json` that commands show. */
export interface PackageInfo {
  readonly name: string;
  readonly version: string;
}

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * Finds the `package.json` named `bptt` in the folders above this file.
 *
 * @param from folder to start in
 * @throws BpttError if no such file exists: the installation is damaged
 */
export function readPackageInfo(from: string = HERE): PackageInfo {
  return find(from).info;
}

/** The folder of that `package.json`. @throws BpttError as `readPackageInfo` does */
export function folderOfPackage(from: string = HERE): string {
  return find(from).folder;
}

function find(from: string): { readonly info: PackageInfo; readonly folder: string } {
  for (let folder = from; ; folder = dirname(folder)) {
    const info = parse(join(folder, 'package.json'));
    if (info?.name === 'bptt') return { info, folder };
    if (folder === dirname(folder)) throw new BpttError(`no package.json of bptt above ${from}; install it again`);
  }
}

function parse(path: string): PackageInfo | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PackageInfo;
  } catch {
    return undefined; // a folder without one, or with one of another package
  }
}
