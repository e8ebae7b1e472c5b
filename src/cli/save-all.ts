/** Writes several files that belong together: all of them, or none. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { saveFile } from '../serialize/save.node.js';
import { BpttError } from '../tensor/index.js';
import { checkOutputs } from './outputs.js';

/**
 * Writes files and the folders they need. If one cannot be written, new files and folders are removed again; a file that was
 * already replaced stays replaced.
 *
 * @param inputs files that are read, which must not be overwritten
 * @throws ArgumentError if an input would be overwritten; BpttError if a file or a folder cannot be written
 */
export async function saveAll(
  files: readonly { readonly path: string; readonly bytes: Uint8Array }[],
  inputs: readonly string[],
): Promise<void> {
  const made: string[] = [];
  try {
    for (const folder of new Set(files.map(({ path }) => dirname(path)))) {
      const first = makeFolder(folder);
      if (first !== undefined) made.push(first);
    }
    await checkOutputs(Object.fromEntries(files.map(({ path }) => [path, path])), inputs);
    for (const { path, bytes } of files) {
      if (!existsSync(path)) made.push(path);
      await saveFile(path, bytes);
    }
  } catch (error) {
    for (const path of made.reverse()) rmSync(path, { recursive: true, force: true });
    throw error;
  }
}

/** Creates a folder and its parents. @returns the first folder created, undefined if all exist. @throws BpttError */
function makeFolder(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new BpttError(`cannot make the folder ${folder}: ${(error as Error).message}`, { cause: error });
  }
}
