/** Reads models from disk for commands. */
import { openBytes } from '../labeling/data/files.node.js';
import type { LoadOptions } from '../labeling/model/file.js';
import { loadModel } from '../labeling/model/file.js';
import type { Model } from '../labeling/model/model.js';
import { decodeSafetensors } from '../serialize/safetensors.js';
import { DataError } from '../tensor/index.js';

/** Reads a model file. @throws DataError, starting with the path */
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
  'expected a model; got a training checkpoint: finish it with bptt train --resume, which writes the model';

/** Whether a file that is not a model is a complete training checkpoint. */
function isCheckpoint(bytes: Uint8Array): boolean {
  try {
    return decodeSafetensors(bytes).metadata.format === 'bptt-checkpoint';
  } catch {
    return false;
  }
}

/** Bytes read at once: enough for most models in a single read. */
const AT_ONCE = 1 << 23;

/** The bytes of a file. @throws DataError if it cannot be read */
export async function readBytes(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await openBytes(path, AT_ONCE)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Returns the result of `make`; a DataError from it is prefixed with the path. */
export function named<V>(path: string, make: () => V): V {
  try {
    return make();
  } catch (error) {
    if (error instanceof DataError) throw new DataError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
