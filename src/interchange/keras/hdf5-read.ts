/**
 * Reads HDF5 files with jsfive, an optional peer dependency: the format has three generations of structures, and Keras files use
 * all of them.
 */
import { DataError } from '../../tensor/errors.js';
import { loadPeer } from '../../tensor/peer.js';
import { quoted } from '../../tensor/visible.js';
import { attributeOf } from './hdf5-attributes.js';
import type { Hdf5Messages } from './hdf5-attributes.js';
import type { Hdf5Dataset } from './hdf5-write.js';

/** A group or a dataset of jsfive. */
interface Hdf5Object {
  /** The messages of its header. */
  readonly _dataobjects: Hdf5Messages;
  /** Names of the members of a group. */
  readonly keys?: readonly string[];
  /** Returns a member of a group. It throws if there is none, and returns null if a link is broken. */
  get?(name: string): Hdf5Object | null;
  /** Values of a dataset. */
  readonly shape?: readonly number[];
  readonly dtype?: unknown;
  readonly value?: ArrayLike<number>;
}

/** The part of the module jsfive that is used. */
export interface Hdf5Library {
  readonly File: new (bytes: ArrayBuffer, name: string) => unknown;
}

/** An open file. */
export interface Hdf5File {
  /** Names of the members of a group; empty if there is no such group. */
  members(path: string): readonly string[];
  /** Returns a numeric dataset. @throws DataError if there is none, or it holds something else */
  dataset(path: string): Hdf5Dataset;
  /** Returns an attribute of a group (`''` for the root group); undefined if there is none. */
  attribute(path: string, name: string): unknown;
}

/** Loads jsfive. @throws UnsupportedError if it is not installed, or cannot be loaded */
export async function loadHdf5Library(): Promise<Hdf5Library> {
  return (await loadPeer('jsfive', 'Keras files hold their weights in HDF5, which jsfive reads: ')) as Hdf5Library;
}

/** Opens a file. @throws DataError if it is not a readable HDF5 file */
export function openHdf5({ File }: Hdf5Library, bytes: Uint8Array): Hdf5File {
  const root = attempted(
    'the file cannot be read',
    () => new File(new Uint8Array(bytes).buffer, 'weights') as Hdf5Object,
  );
  const at = (path: string): Hdf5Object | undefined => {
    try {
      const names = path.split('/').filter((name) => name !== '');
      // One component at a time: jsfive also splits a path at its first line break.
      return names.reduce<Hdf5Object | undefined>((each, name) => each?.get?.(name) ?? undefined, root);
    } catch {
      return undefined; // jsfive throws if there is no such member
    }
  };
  return {
    members: (path) => attempted(`${quoted(path)} cannot be read`, () => [...(at(path)?.keys ?? [])]),
    dataset: (path) => datasetAt(path, at(path), bytes),
    attribute: (path, name) =>
      attempted(`the attribute ${quoted(name)} of ${quoted(path)} cannot be read`, () => {
        const found = at(path);
        return found && attributeOf(found._dataobjects, bytes, name);
      }),
  };
}

/** Floating-point numbers of 2, 4 and 8 bytes, in either byte order. */
const NUMBERS = /^[<>=|]?f[248]$/;

/** Maximum number of axes of a dataset; the weights of these layers have 1 or 2. */
const MOST_AXES = 8;

/** Maximum number of elements per byte of a file: deflate packs at most 1,032 bytes of zeros into one. */
const MOST_PER_BYTE = 1032;

function datasetAt(path: string, found: Hdf5Object | undefined, bytes: Uint8Array): Hdf5Dataset {
  const unreadable = `${quoted(path)} cannot be read`;
  // Every property is a getter that parses, and may fail.
  const shape = found && attempted(unreadable, () => found.shape && [...found.shape]);
  if (shape === undefined) throw broken(`it has no dataset ${quoted(path)}`);
  if (shape.length > MOST_AXES) throw broken(`${quoted(path)} has ${shape.length} axes, the limit is ${MOST_AXES}: it may be damaged`); // prettier-ignore
  const count = shape.reduce((product, n) => product * n, 1);
  if (!(count <= MOST_PER_BYTE * bytes.length)) throw broken(`${quoted(path)} claims ${count} numbers, more than the file can hold: it may be damaged`); // prettier-ignore
  const { value, bfloat } = attempted(unreadable, () => {
    const isBfloat = attributeOf(found!._dataobjects, bytes, 'dtype') === 'bfloat16';
    const plain = typeof found!.dtype === 'string' && NUMBERS.test(found!.dtype);
    return { value: plain ? found!.value : undefined, bfloat: isBfloat };
  });
  if (bfloat) throw broken(`${quoted(path)} is in bfloat16: save the model with a policy of float32`);
  if (value === undefined || value.length !== count) throw broken(`${quoted(path)} does not hold ${count} floating-point numbers`); // prettier-ignore
  return { shape, values: Float32Array.from(value) };
}

/** On damaged files jsfive throws anything from range errors to strings. */
function attempted<R>(what: string, act: () => R): R {
  try {
    return act();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`HDF5: ${what} (${reason.split('\n')[0]}): it may be truncated or damaged`, { cause });
  }
}

const broken = (what: string): DataError => new DataError(`HDF5: ${what}`);
