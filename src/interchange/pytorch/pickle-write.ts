/** Writes the pickle of a state dict with the opcodes that `torch.save` uses and `torch.load(…, weights_only=True)` accepts. */
import { encodeUtf8 } from '../../serialize/utf8.js';
import { dtypeOf, sizeOf, stridesOf } from '../../tensor/view.js';
import type { StateDict } from './state-dict.js';

type Op = number | Uint8Array;

const ORDERED_DICT = 'ccollections\nOrderedDict\n)R';
const REBUILD = 'ctorch._utils\n_rebuild_tensor_v2\n';

/** Returns the bytes of `data.pkl`; storage i belongs to the tensor at index i. */
export function pickleState(state: Readonly<StateDict>): Uint8Array {
  const ops: Op[] = [0x80, 2, encodeUtf8(`${ORDERED_DICT}(`)];
  Object.entries(state).forEach(([name, { data, shape }], i) => {
    const type = dtypeOf(data) === 'float32' ? 'FloatStorage' : 'DoubleStorage';
    const integers = (list: readonly number[]): Op[] => [encodeUtf8('('), ...list.flatMap(integer), encodeUtf8('t')];
    ops.push(...text(name), encodeUtf8(`${REBUILD}((`), ...text('storage'), encodeUtf8(`ctorch\n${type}\n`));
    ops.push(...text(String(i)), ...text('cpu'), ...integer(sizeOf(shape)), encodeUtf8('tQ'), ...integer(0));
    ops.push(...integers(shape), ...integers(stridesOf(shape)), 0x89, encodeUtf8(`${ORDERED_DICT}tR`));
  });
  ops.push(encodeUtf8('u.'));
  return Uint8Array.from(ops.flatMap((op) => (typeof op === 'number' ? [op] : [...op])));
}

/** BINUNICODE. */
function text(value: string): Op[] {
  const bytes = encodeUtf8(value);
  return [0x58, ...little(bytes.length), bytes];
}

/** BININT, for sizes below 2³¹; LONG1 of eight bytes above. */
function integer(value: number): Op[] {
  return value < 2 ** 31 ? [0x4a, ...little(value)] : [0x8a, 8, ...little(value % 2 ** 32), ...little(Math.floor(value / 2 ** 32))]; // prettier-ignore
}

const little = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
