/** HDF5 files, read by jsfive, an optional peer: the format has three generations of structures, of which Keras files use all. */
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
  /** Of a group: names of its members. */
  readonly keys?: readonly string[];
  /** Of a group: a member. It throws where there is none, and gives null where a link leads nowhere. */
  get?(name: string): Hdf5Object | null;
  /** Of a dataset. */
  readonly shape?: readonly number[];
  readonly dtype?: unknown;
  readonly value?: ArrayLike<number>;
}

/** The module jsfive, as far as it is used. */
export interface Hdf5Library {
  readonly File: new (bytes: ArrayBuffer, name: string) => unknown;
}

/** A file that is open. */
export interface Hdf5File {
  /** Names of the members of a group; none where there is no such group. */
  members(path: string): readonly string[];
  /** A dataset of numbers. @throws DataError where there is none, or it holds something else */
  dataset(path: string): Hdf5Dataset;
  /** An attribute of a group, `''` being the file; undefined where there is none. */
  attribute(path: string, name: string): unknown;
}

/** Loads jsfive. @throws UnsupportedError where it is not installed, or cannot be loaded */
export async function loadHdf5Library(): Promise<Hdf5Library> {
  return (await loadPeer('jsfive', 'Keras files hold their weights in HDF5, which jsfive reads: ')) as Hdf5Library;
}

/** Opens a file. @throws DataError where it is none that can be read */
export function openHdf5({ File }: Hdf5Library, bytes: Uint8Array): Hdf5File {
  const root = attempted(
    'the file cannot be read',
    () => new File(new Uint8Array(bytes).buffer, 'weights') as Hdf5Object,
  );
  const at = (path: string): Hdf5Object | undefined => {
    try {
      const names = path.split('/').filter((name) => name !== '');
      // One at a time: jsfive takes a path apart at its first line break too.
      return names.reduce<Hdf5Object | undefined>((each, name) => each?.get?.(name) ?? undefined, root);
    } catch {
      return undefined; // jsfive throws where there is nothing
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

/** Floating-point numbers of 2, 4 and 8 bytes, of either order. */
const NUMBERS = /^[<>=|]?f[248]$/;

/** Axes of a dataset at most; the weights of these layers have 1 or 2. */
const MOST_AXES = 8;

/** Elements per byte of a file at most: what deflate can pack, 1,032 bytes of zeros in one. */
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

/** What jsfive throws on damaged files is anything, from range errors to texts. */
function attempted<R>(what: string, act: () => R): R {
  try {
    return act();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`HDF5: ${what} (${reason.split('\n')[0]}): it may be truncated or damaged`, { cause });
  }
}

const broken = (what: string): DataError => new DataError(`HDF5: ${what}`);
