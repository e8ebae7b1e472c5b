/** Pickles of state dicts, written by hand in the opcodes of Lib/pickletools.py, as `torch.save` orders them. */
import { writeZip } from '../../src/interchange/zip';

export const bytesOf = (...parts: readonly (string | number | readonly number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'string' ? [...new TextEncoder().encode(part)] : typeof part === 'number' ? [part] : [...part],
    ),
  );

const word = (text: string) => [
  0x58,
  new TextEncoder().encode(text).length,
  0,
  0,
  0,
  ...new TextEncoder().encode(text),
];
const tuple = (sizes: readonly number[]) => [0x28, ...sizes.flatMap((n) => [0x4a, n & 255, n >> 8, 0, 0]), 0x74];

/** What a tensor is said to be. */
export interface Said {
  readonly type?: string;
  readonly key?: string;
  readonly elements: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** `_rebuild_tensor_v2((storage), offset, shape, strides, False, OrderedDict())`. */
export function tensor({ type = 'FloatStorage', key = '0', elements, offset = 0, shape, strides }: Said): Uint8Array {
  const storage = bytesOf('(', word('storage'), `ctorch\n${type}\n`, word(key), word('cuda:0'), 0x4d, [elements & 255, elements >> 8], 'tQ'); // prettier-ignore
  return bytesOf('ctorch._utils\n_rebuild_tensor_v2\n(', storage, 0x4b, offset, tuple(shape), tuple(strides), 0x89, 'ccollections\nOrderedDict\n)RtR'); // prettier-ignore
}

/** A state dict, with the versions of modules that `state_dict()` has as an attribute. */
export function stateDict(items: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const pairs = Object.entries(items).map(([name, value]) => bytesOf(word(name), value, 'q', 7));
  const attributes = bytesOf('}', word('_metadata'), 'ccollections\nOrderedDict\n)Rs', 'b');
  return bytesOf(0x80, 2, 'ccollections\nOrderedDict\n)Rq', 0, '(', ...pairs, 'u', attributes, '.');
}

/** The archive around a pickle. */
export const archive = (pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = {}): Uint8Array =>
  writeZip({
    'best/data.pkl': pickle,
    ...Object.fromEntries(Object.entries(storages).map(([key, bytes]) => [`best/data/${key}`, bytes])),
    'best/version': bytesOf('3\n'),
  });

export const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
