/** Files of strangers: whatever the bytes, a model or one clear error of this package. */
import fc from 'fast-check';
import { exportOnnx, importOnnx } from '../../../src/interchange/onnx/index';
import { decodeOnnx, encodeOnnx } from '../../../src/interchange/onnx/proto';
import {
  bytesField,
  fieldsOf,
  floatField,
  integerField,
  integersOf,
  joined,
  textField,
} from '../../../src/interchange/onnx/wire';
import { BpttError, DataError } from '../../../src/tensor/index';
import { foreignTagger } from '../../support/onnx-foreign';
import { wholeModel } from '../../support/whole-models';

const own = exportOnnx(wholeModel());
const foreign = foreignTagger();
const names = foreign.names;

/** Nothing, or the error. */
function errorOf(bytes: Uint8Array, options = {}): unknown {
  try {
    importOnnx(bytes, options);
    return undefined;
  } catch (error) {
    return error;
  }
}

const isClear = (error: unknown): boolean =>
  error === undefined || (error instanceof BpttError && !/\n/.test(error.message) && error.message.length < 600);

test.each([
  ['a file of this package', own, {}],
  ['one of another program', foreign.bytes, names],
] as const)('%s, cut anywhere or with bytes changed', (_, whole, options) => {
  fc.assert(fc.property(fc.nat(whole.length - 1), (end) => errorOf(whole.subarray(0, end), options) instanceof BpttError), { seed: 59, numRuns: 150 }); // prettier-ignore
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = whole.slice();
      for (const [place, byte] of changes) bytes[place] = byte;
      return isClear(errorOf(bytes, options));
    }),
    { seed: 60, numRuns: 300 },
  );
});

test('a name with a line break keeps its message in one line', () => {
  const file = decodeOnnx(own);
  const [first, ...others] = file.graph.nodes;
  const graph = { ...file.graph, nodes: [{ ...first, name: 'a\nb', operator: 'Sq\nueeze' }, ...others] };
  const error = errorOf(encodeOnnx({ ...file, graph }));
  expect(error).toBeInstanceOf(DataError);
  expect(isClear(error)).toBe(true);
  expect(isClear(new DataError('in one line'))).toBe(true);
  expect(isClear(new Error('of another class'))).toBe(false);
});

test('any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => errorOf(bytes) instanceof BpttError),
    { seed: 61 },
  );
});

test('varints and fields come back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 2 ** 29 - 1 }), (value, field) => {
      const [found] = fieldsOf(joined(integerField(field, value)), 'x');
      return found.number === field && found.value === value;
    }),
    { seed: 62 },
  );
});

/** A model with one tensor, of these fields. */
const withTensor = (...pieces: Uint8Array[][]): Uint8Array =>
  joined([...integerField(1, 8), ...bytesField(7, bytesField(5, pieces.flat())), ...bytesField(8, integerField(2, 14))]); // prettier-ignore
const list = (pieces: readonly Uint8Array[]): Uint8Array[] => [...pieces];
const float = list(integerField(2, 1));
const nested = (depth: number): Uint8Array[] => {
  let graph: Uint8Array[] = list(textField(2, 'g'));
  for (let i = 0; i < depth; i++) {
    const attribute = [...textField(1, 'body'), ...bytesField(6, graph), ...integerField(20, 5)];
    graph = list(bytesField(1, bytesField(5, attribute)));
  }
  return graph;
};

test.each<[string, Uint8Array, RegExp]>([
  ['nothing', new Uint8Array(0), /model: expected a graph; got none/],
  ['no operators', joined(bytesField(7, [])), /a version of the operators; got none/],
  ['a length beyond the bytes', Uint8Array.of(0x3a, 0xff, 0x7f), /expected at most 0 bytes in a field; got a length of 16383/],
  ['a negative length', Uint8Array.of(0x3a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), /a length of -1/],
  ['a number without end', Uint8Array.of(8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255), /a number of at most 10 bytes/],
  ['a number that is cut', Uint8Array.of(8, 255), /a whole number; got the end of the bytes/],
  ['field 0', Uint8Array.of(0, 0), /a field number from 1/],
  ['a group', Uint8Array.of(0x0b), /a wire type of 0, 1, 2 or 5; got 3/],
  ['huge sizes', withTensor(list(integerField(1, 2 ** 40)), list(integerField(1, 2 ** 40)), float, list(bytesField(9, [new Uint8Array(8)]))), /elements for its shape .*; got 2/],
  ['a negative size', withTensor(list(integerField(1, -3)), float, list(bytesField(9, []))), /sizes of at least 0; got -3/],
  ['raw data of another length', withTensor(list(integerField(1, 2)), float, list(bytesField(9, [new Uint8Array(7)]))), /raw data of 4 bytes an element; got 7 bytes/],
  ['raw data too short', withTensor(list(integerField(1, 2)), float, list(bytesField(9, [new Uint8Array(4)]))), /2 elements for its shape \[2\]; got 1/],
  ['floats that are integers', withTensor(list(integerField(1, 1)), float, list(integerField(4, 1))), /float32 numbers, of 4 bytes each/],
  ['tensors elsewhere', withTensor(list(integerField(14, 1)), float), /lies in another file/],
  ['sparse tensors', joined([...bytesField(7, bytesField(15, [])), ...bytesField(8, integerField(2, 14))]), /sparse tensors are not read/],
  ['a name that is not text', withTensor(list(bytesField(8, [Uint8Array.of(255)])), float), /text in UTF-8/],
  ['graphs without end', joined([...bytesField(7, nested(40)), ...bytesField(8, integerField(2, 14))]), /at most 8 graphs within each other/],
])('%s', (_, bytes, message) => {
  expect(errorOf(bytes, names)).toBeInstanceOf(BpttError);
  expect(() => importOnnx(bytes, names)).toThrow(message);
}); // prettier-ignore

test('numbers may be packed or not, and may lie outside of raw data', () => {
  const dims = bytesField(1, [Uint8Array.of(1, 2)]);
  const bytes = withTensor(
    list(dims),
    float,
    list(floatField(4, 1.5)),
    list(floatField(4, -2)),
    list(textField(8, 't')),
  );
  expect(decodeOnnx(bytes).graph.initializers).toEqual([
    { name: 't', type: 1, shape: [1, 2], data: Float32Array.of(1.5, -2) },
  ]);
  expect(
    integersOf(fieldsOf(joined([...integerField(1, 3), ...bytesField(1, [Uint8Array.of(4, 5)])]), 'x'), 'x'),
  ).toEqual([3, 4, 5]);
});

test('metadata under the names of Object.prototype stays data', () => {
  const file = decodeOnnx(own);
  const metadata = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
  const again = decodeOnnx(encodeOnnx({ ...file, metadata }));
  expect(again.metadata.constructor).toBe('y');
  expect(errorOf(encodeOnnx({ ...file, metadata: { ...metadata } }))).not.toBeInstanceOf(DataError);
});
