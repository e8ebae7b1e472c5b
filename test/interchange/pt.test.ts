/** The reader of `torch.save` files: pickles written by hand here, one opcode at a time; no code of theirs runs. */
import * as fc from 'fast-check';
import { decodePt, encodePt, readStateDict } from '../../src/interchange';
import { DataError, zeros } from '../../src/tensor';
import type { Tensor } from '../../src/tensor';
import { archive, bytesOf, floats, stateDict, tensor } from './pickles';

const list = (x: Tensor) => [x.shape, [...x.data]];
const one = (said: Partial<Parameters<typeof tensor>[0]> = {}) =>
  tensor({ elements: 6, shape: [2, 3], strides: [3, 1], ...said });
const six = floats(1, 2, 3, 4, 5, 6);

test('tensors are read in every stride, several from one storage', () => {
  const pickle = stateDict({ w: one(), t: one({ shape: [3, 2], strides: [1, 3] }), b: one({ offset: 4, shape: [2], strides: [1] }) }); // prettier-ignore
  const state = readStateDict(archive(pickle, { 0: six }));
  expect(Object.keys(state)).toEqual(['w', 't', 'b']);
  expect(list(state.w)).toEqual([[2, 3], [1, 2, 3, 4, 5, 6]]); // prettier-ignore
  expect(list(state.t)).toEqual([[3, 2], [1, 4, 2, 5, 3, 6]]); // prettier-ignore
  expect(list(state.b)).toEqual([[2], [5, 6]]);
});

test.each<[string, Uint8Array, number[], string]>([
  ['HalfStorage', new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff).buffer), [1, -2, 2 ** -24, 65504], 'Float32Array'], // prettier-ignore
  ['BFloat16Storage', new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x4049, 0x0080).buffer), [1, -2, 3.140625, 2 ** -126], 'Float32Array'], // prettier-ignore
  ['DoubleStorage', new Uint8Array(Float64Array.of(0.1, -3, 1e300, 0).buffer), [0.1, -3, 1e300, 0], 'Float64Array'],
  ['LongStorage', new Uint8Array(BigInt64Array.of(1n, -2n, 2n ** 53n - 1n, 0n).buffer), [1, -2, 2 ** 53 - 1, 0], 'Float64Array'], // prettier-ignore
  ['IntStorage', new Uint8Array(Int32Array.of(1, -2, 3, 2 ** 31 - 1).buffer), [1, -2, 3, 2 ** 31 - 1], 'Float64Array'],
  ['BoolStorage', Uint8Array.of(1, 0, 1, 1), [1, 0, 1, 1], 'Float64Array'],
])('%s becomes numbers, each exactly', (type, bytes, values, array) => {
  const { x } = decodePt(archive(stateDict({ x: tensor({ type, elements: 4, shape: [4], strides: [1] }) }), { 0: bytes })); // prettier-ignore
  expect([...x.data]).toEqual(values);
  expect(x.data.constructor.name).toBe(array);
});

test('a part of a checkpoint is read where it is named, and named where it is not', () => {
  const inner = stateDict({ w: one() }).slice(2, -1);
  const pickle = bytesOf(0x80, 2, '}(X', [5, 0, 0, 0], 'epoch', 0x4b, 3, 'X', [5, 0, 0, 0], 'model', inner, 'u.');
  const bytes = archive(pickle, { 0: six });
  expect(list(decodePt(bytes, { part: 'model' }).w)).toEqual([[2, 3], [1, 2, 3, 4, 5, 6]]); // prettier-ignore
  expect(() => decodePt(bytes)).toThrow('"epoch" is not a tensor: choose a part, "model"');
  expect(() => decodePt(bytes, { part: 'weights' })).toThrow('it has no dictionary "weights"');
});

const read = (pickle: Uint8Array) => () => decodePt(archive(pickle, { 0: six }));
const start = [0x80, 2];

test.each<[string, () => unknown, RegExp]>([
  [
    'a function of the system',
    read(bytesOf(start, 'cos\nsystem\n(X', [4, 0, 0, 0], 'ruintR.')),
    /the global "os\.system"/,
  ],
  ['eval', read(bytesOf(start, 'cbuiltins\neval\n(X', [1, 0, 0, 0], '1tR.')), /the global "builtins\.eval"/],
  [
    'a class of a user',
    read(bytesOf(start, 'c__main__\nTagger\n)R.')),
    /the global "__main__\.Tagger".*save model\.state_dict\(\)/,
  ],
  ['NEWOBJ', read(bytesOf(start, 'ccollections\nOrderedDict\n)', 0x81, '.')), /the opcode NEWOBJ \(0x81\) at byte 28/],
  ['INST', read(bytesOf(start, '(ios\nsystem\n.')), /the opcode INST \(0x69\)/],
  ['STACK_GLOBAL', read(bytesOf(start, 0x93, '.')), /the opcode STACK_GLOBAL \(0x93\)/],
  ['an unknown opcode', read(bytesOf(start, 0xff, '.')), /the opcode unknown \(0xff\)/],
  ['protocol 4', read(bytesOf(0x80, 4, '}.')), /protocol 4; expected 2/],
  [
    'an OrderedDict of arguments',
    read(bytesOf(start, 'ccollections\nOrderedDict\n(]tR.')),
    /an OrderedDict of arguments/,
  ],
  ['a storage type that is none', read(stateDict({ w: one({ type: 'UntypedStorage' }) })), /the global "torch\.UntypedStorage"/], // prettier-ignore
  ['a storage that is missing', read(stateDict({ w: one({ key: '7' }) })), /no data\/7; it may be truncated/],
  ['a storage of another size', read(stateDict({ w: one({ elements: 5 }) })), /data\/0 has 24 bytes; expected 20/],
  ['strides that leave it', read(stateDict({ w: one({ strides: [4, 1] }) })), /\[2, 3\] with strides \[4, 1\] from 0 leaves its storage of 6/], // prettier-ignore
  ['an offset that leaves it', read(stateDict({ w: one({ offset: 1 }) })), /from 1 leaves its storage/],
  [
    'a shape of many elements',
    read(stateDict({ w: one({ shape: [9000, 9000], strides: [0, 0] }) })),
    /leaves its storage/,
  ],
  ['one key twice', read(bytesOf(stateDict({ w: one() }).slice(0, -1), '(X', [1, 0, 0, 0], 'w', one(), 'u.')), /the key "w" twice/], // prettier-ignore
  ['a name that is a number', read(bytesOf(start, '}K', 1, one(), 's.')), /"1" is not a tensor/],
  [
    'a value that is none',
    read(bytesOf(start, '}X', [1, 0, 0, 0], 'wNs.')),
    /"w" is not a tensor: save only model\.state_dict\(\)/,
  ],
  ['a pickle cut short', read(stateDict({ w: one() }).slice(0, -30)), /ends in the middle of a value|stack/],
  ['an empty pickle', read(new Uint8Array()), /ends in the middle of a value, at byte 0/],
  [
    'an integer of nine bytes',
    read(bytesOf(start, 0x8a, 9, [1, 2, 3, 4, 5, 6, 7, 8, 9], '.')),
    /an integer of 9 bytes/,
  ],
  ['a memo that is empty', read(bytesOf(start, 'h', 3, '.')), /place 3 of its memory/],
  ['an archive without a pickle', () => decodePt(archive(new Uint8Array()).slice(0, 40)), /truncated/],
])('%s is refused', (_, run, message) => {
  expect(run).toThrow(DataError);
  expect(run).toThrow(message);
});

test('tensors that share few bytes cannot take all memory', () => {
  const many = Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`w${i}`, one()]));
  expect(Object.keys(readStateDict(archive(stateDict(many), { 0: six })))).toHaveLength(1200);
  const shared = new Uint8Array(4 * 60000);
  const big = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`w${i}`, tensor({ elements: 60000, shape: [60000], strides: [1] })])); // prettier-ignore
  expect(() => decodePt(archive(stateDict(big), { 0: shared }))).toThrow('its tensors share so few bytes');
});

test('whatever byte is changed, the reader returns or says what is wrong', () => {
  const whole = archive(stateDict({ w: one() }), { 0: six });
  const pickle = stateDict({ w: one() });
  for (let n = 0; n < whole.length; n += 3) expect(() => readStateDict(whole.slice(0, n))).toThrow(DataError);
  fc.assert(
    fc.property(fc.nat(pickle.length - 1), fc.nat(255), (at, byte) => {
      const spoilt = pickle.slice();
      spoilt[at] = byte;
      try {
        decodePt(archive(spoilt, { 0: six }));
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    }),
    { seed: 56 },
  );
});

test('what is written is read back, the same bytes every time', () => {
  const w = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2], stride: [1, 3], offset: 0 };
  const d = { data: Float64Array.of(0.1, 1e300), shape: [2], stride: [1], offset: 0 };
  const bytes = encodePt({ 'a.weight': w, d, empty: zeros([0, 4]) });
  const state = decodePt(bytes);
  expect(list(state['a.weight'])).toEqual([[3, 2], [1, 4, 2, 5, 3, 6]]); // prettier-ignore
  expect(list(state.d)).toEqual([[2], [0.1, 1e300]]); // prettier-ignore
  expect(state.empty.shape).toEqual([0, 4]);
  expect(Buffer.from(encodePt({ 'a.weight': w, d, empty: zeros([0, 4]) })).equals(Buffer.from(bytes))).toBe(true);
});
