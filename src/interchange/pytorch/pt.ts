/**
 * State dicts as `torch.save` writes them: an uncompressed ZIP archive with a pickle and the bytes of each storage. No code is
 * executed: everything allowed is listed here, and anything else is rejected by name.
 *
 *     NAME/data.pkl     {name: _rebuild_tensor_v2(storage, offset, shape, strides, …)}
 *     NAME/data/0 …     the elements of a storage, one after another
 *     NAME/byteorder    little, or absent
 *
 * Source: torch/serialization.py and torch/_utils.py of PyTorch 1.13 to 2.x.
 */
import { expectBytes } from '../../serialize/bytes.js';
import { encodeUtf8, decodeUtf8 } from '../../serialize/utf8.js';
import { expectKnownKeys, keysOf } from '../../tensor/checks.js';
import { typedArrayName } from '../../tensor/describe.js';
import type { Real, Tensor } from '../../tensor/types.js';
import { quoted } from '../../tensor/visible.js';
import { dtypeOf, flatCopy, sizeOf, viewOf } from '../../tensor/view.js';
import { readZip, writeZip } from '../zip.js';
import type { PickledGlobal } from './pickle.js';
import { broken, readPickle } from './pickle.js';
import { pickleState } from './pickle-write.js';
import type { StateDict } from './state-dict.js';
import type { StorageKind } from './storage.js';
import { numbersOf, STORAGES, WIDTHS } from './storage.js';

/** Selects the part of a file to read. */
export interface PtOptions {
  /** Key of the state dict in a checkpoint, such as `model_state_dict`; default: the file itself is the state dict. */
  readonly part?: string;
}

const KEYS = keysOf<PtOptions>({ part: true });

/**
 * Maximum number of elements of all tensors per byte of the file: tensors that share a storage can have more elements than it has
 * bytes.
 */
const MOST_PER_BYTE = 8;

/** A storage of the archive. */
interface Storage {
  readonly kind: StorageKind;
  readonly elements: number;
  readonly bytes: Uint8Array;
  /** Its numbers, decoded on first use: the weights of a whole network can be views of one storage. */
  numbers?: Real;
}

/**
 * Returns the tensors of a state dict that `torch.save` wrote. Half, bfloat16 and float become float32; double, and integers up
 * to 2⁵³, become float64.
 *
 * @throws DataError naming an opcode or a global that a state dict does not need, a tensor that does not fit its storage, or a
 *   defect of the archive
 */
export function decodePt(source: Uint8Array | ArrayBuffer, options: PtOptions = {}): StateDict {
  expectKnownKeys('decodePt', 'options', options, KEYS);
  const { part } = options;
  const bytes = expectBytes('decodePt', source);
  const files = readZip(bytes);
  const pickle = [...files.keys()].filter((name) => /(^|\/)data\.pkl$/.test(name));
  if (pickle.length !== 1) throw broken(`it has ${pickle.length} files data.pkl; expected one, as torch.save writes`);
  const prefix = pickle[0].slice(0, -'data.pkl'.length);
  const order = files.get(`${prefix}byteorder`);
  if (order && decodeUtf8(order) !== 'little') throw broken('its numbers are not little-endian');
  const budget = { elements: MOST_PER_BYTE * bytes.length };
  const storages = new Map<string, Storage>();
  const value = readPickle(files.get(pickle[0])!, {
    global: (name) => globalNamed(name, budget),
    persistent: (id) => storageOf(id, files, prefix, storages),
  });
  return stateIn(value, part);
}

/** The tensors by name, from the value itself or from a part of it. */
function stateIn(value: unknown, part: string | undefined): StateDict {
  const dict = part === undefined ? value : (value as Map<unknown, unknown> | null)?.get?.(part);
  if (!(dict instanceof Map)) throw broken(part === undefined ? 'it is not a dictionary of tensors' : `it has no dictionary ${quoted(part)}`); // prettier-ignore
  const state: StateDict = {};
  for (const [name, x] of dict as Map<unknown, unknown>) {
    if (typeof name === 'string' && isTensor(x) && name !== '__proto__') state[name] = x;
    else throw broken(notTensor(dict as Map<unknown, unknown>, name));
  }
  return state;
}

function notTensor(dict: Map<unknown, unknown>, name: unknown): string {
  const inner = [...dict].filter(([, each]) => each instanceof Map && [...each.values()].some(isTensor));
  const hint = inner.length > 0 ? `: choose a part, ${inner.map(([key]) => quoted(String(key))).join(' or ')}` : ': save only model.state_dict()'; // prettier-ignore
  return `${quoted(String(name))} is not a tensor${hint}`;
}

const isTensor = (x: unknown): x is Tensor => typeof x === 'object' && x !== null && 'stride' in x;

type Budget = { elements: number };

/** The allowed globals. @throws DataError on every other global */
function globalNamed(name: string, budget: Budget): PickledGlobal {
  if (name === 'collections.OrderedDict') return { name, call: emptyDict };
  if (name === 'torch._utils._rebuild_tensor_v2') return { name, call: (args) => rebuilt(args, budget) };
  if (name === 'torch._utils._rebuild_parameter') return { name, call: ([data]) => data };
  const kind = /^torch\.(\w+Storage)$/.exec(name)?.[1];
  if (kind !== undefined && Object.hasOwn(STORAGES, kind)) return { name: kind };
  throw broken(
    `it has the global ${quoted(name)}, which a state dict does not need and which is never run: save model.state_dict() of floating-point or integer tensors`,
  );
}

function emptyDict(args: readonly unknown[]): Map<unknown, unknown> {
  if (args.length > 0) throw broken('it makes an OrderedDict of arguments; expected none');
  return new Map();
}

/** The storage of `('storage', type, key, location, elements)`. */
function storageOf(
  id: unknown,
  files: ReadonlyMap<string, Uint8Array>,
  prefix: string,
  known: Map<string, Storage>,
): Storage {
  const [word, type, key, , elements] = (Array.isArray(id) ? id : []) as unknown[];
  const kind = (type as PickledGlobal | undefined)?.name;
  if (word !== 'storage' || typeof key !== 'string' || kind === undefined || !Object.hasOwn(STORAGES, kind)) {
    throw broken('it refers to something other than a storage');
  }
  const bytes = files.get(`${prefix}data/${key}`);
  if (bytes === undefined) throw broken(`it has no data/${key}; it may be truncated`);
  const expected = Number(elements) * WIDTHS[STORAGES[kind as StorageKind]];
  if (!isSize(elements) || bytes.length !== expected)
    throw broken(
      `data/${key} has ${bytes.length} bytes; expected ${expected}, ${String(elements)} elements of ${kind}`,
    );
  const storage = known.get(key) ?? { kind: kind as StorageKind, elements, bytes };
  if (storage.kind !== kind) throw broken(`data/${key} is read as ${storage.kind} and as ${kind}`);
  known.set(key, storage);
  return storage;
}

const isSize = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

/** An independent row-major tensor, from `(storage, offset, shape, strides, …)`. */
function rebuilt(args: readonly unknown[], budget: Budget): Tensor {
  const [storage, offset, shape, strides] = args as [Storage, unknown, unknown, unknown];
  const sizes = (x: unknown): x is number[] => Array.isArray(x) && x.every(isSize);
  if (
    typedArrayName(storage?.bytes) !== 'Uint8Array' ||
    !isSize(offset) ||
    !sizes(shape) ||
    !sizes(strides) ||
    shape.length !== strides.length
  ) {
    throw broken('a tensor in it is not (storage, offset, shape, strides)');
  }
  const count = shape.reduce((product, n) => product * n, 1);
  const last = count === 0 ? offset - 1 : shape.reduce((at, n, i) => at + (n - 1) * strides[i], offset);
  if (!(count <= storage.elements) || !(last < storage.elements)) {
    throw broken(
      `a tensor [${shape.join(', ')}] with strides [${strides.join(', ')}] from ${offset} leaves its storage of ${storage.elements} elements`,
    );
  }
  budget.elements -= count;
  if (budget.elements < 0) throw broken('its tensors share so few bytes that it is damaged or malicious');
  const data = (storage.numbers ??= numbersOf({
    dtype: STORAGES[storage.kind],
    shape: [storage.elements],
    bytes: storage.bytes,
  }).data);
  const view = { data, shape, stride: strides, offset };
  return viewOf(flatCopy(view), shape);
}

/**
 * Encodes a state dict as `torch.save` does, for `torch.load(file, weights_only=True)`. The same tensors give the same bytes.
 *
 * @param state float32 or float64, any strides
 */
export function encodePt(state: Readonly<StateDict>): Uint8Array {
  const names = Object.keys(state);
  const files: Record<string, Uint8Array> = { 'archive/data.pkl': pickleState(state) };
  names.forEach((name, i) => {
    const flat = flatCopy(state[name]);
    const width = dtypeOf(flat) === 'float32' ? 4 : 8;
    const view = new DataView(new ArrayBuffer(sizeOf(state[name].shape) * width));
    flat.forEach((x: number, j: number) => (width === 4 ? view.setFloat32(4 * j, x, true) : view.setFloat64(8 * j, x, true))); // prettier-ignore
    files[`archive/data/${i}`] = new Uint8Array(view.buffer);
  });
  files['archive/version'] = encodeUtf8('3\n');
  return writeZip(files, 64);
}
