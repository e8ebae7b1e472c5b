/** Models between commands and disk. */
import { openBytes } from '../labeling/data/files.node.js';
import type { LoadOptions } from '../labeling/model/file.js';
import { loadModel } from '../labeling/model/file.js';
import type { Model } from '../labeling/model/model.js';
import { DataError } from '../tensor/index.js';

/** Reads a model file. @throws DataError that begins with the path */
export async function readModel(path: string, options: LoadOptions = {}): Promise<Model> {
  const bytes = await readBytes(path);
  return named(path, () => loadModel(bytes, options));
}

/** The bytes of a file. @throws DataError where it cannot be read */
export async function readBytes(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await openBytes(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What `make` returns; a DataError of it begins with the path. */
export function named<V>(path: string, make: () => V): V {
  try {
    return make();
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
