/** Models between commands and disk. */
import { openBytes } from '../labeling/data/files.node.js';
import type { LoadOptions } from '../labeling/model/file.js';
import { loadModel } from '../labeling/model/file.js';
import type { Model } from '../labeling/model/model.js';
import { decodeSafetensors } from '../serialize/safetensors.js';
import { DataError } from '../tensor/index.js';

/** Reads a model file. @throws DataError that begins with the path */
export async function readModel(path: string, options: LoadOptions = {}): Promise<Model> {
  const bytes = await readBytes(path);
  return named(path, () => {
    try {
      return loadModel(bytes, options);
    } catch (error) {
      throw isCheckpoint(bytes) ? new DataError(NO_MODEL, { cause: error }) : error;
    }
  });
}

const NO_MODEL =
  'expected a model; got a checkpoint of a training: finish it with bptt train --resume, which writes the model';

/** Whether a file that is not a model is a whole checkpoint of a training. */
function isCheckpoint(bytes: Uint8Array): boolean {
  try {
    return decodeSafetensors(bytes).metadata.format === 'bptt-checkpoint';
  } catch {
    return false;
  }
}

/** Bytes of a model that are read at once: most models in one turn of waiting. */
const AT_ONCE = 1 << 23;

/** The bytes of a file. @throws DataError if it cannot be read */
export async function readBytes(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await openBytes(path, AT_ONCE)) chunks.push(chunk);
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
