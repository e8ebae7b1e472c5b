import fc from 'fast-check';
import { packingOf } from '../../../src/autograd/packing.js';
import type { Feature } from '../../../src/labeling/data/features.js';
import { expectFeature, listsOf, packFeature, rowsOf, tokensOf } from '../../../src/labeling/data/features.js';
import { ArgumentError } from '../../../src/tensor/errors.js';

fc.configureGlobal({ seed: 14, numRuns: 150 });

/** What a feature says of its tokens, one list for each. */
function listed(feature: Feature): number[][] {
  if (feature instanceof Int32Array) return Array.from(feature, (value) => [value]);
  const { values } = feature;
  if ('ends' in feature) {
    return Array.from(feature.ends, (end, t) => [...values.slice(t === 0 ? 0 : feature.ends[t - 1], end)]);
  }
  const { columns } = feature;
  return Array.from({ length: values.length / columns }, (_, t) => [...values.slice(t * columns, (t + 1) * columns)]);
}

/** Sentences, each with one list of integers per token, as features of one form. */
const batch = fc
  .tuple(fc.constantFrom('one', 'rows', 'lists'), fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(6), { maxLength: 6 }))
  .chain(([form, k, lengths]) =>
    fc
      .tuple(
        ...lengths.map((length) => {
          const size = form === 'one' ? 1 : k;
          const list = fc.array(fc.integer(), { minLength: form === 'lists' ? 0 : size, maxLength: size });
          return fc.array(list, { minLength: length, maxLength: length });
        }),
      )
      .map((sentences) => ({ form, k, sentences })),
  );

const featureOf = (form: string, k: number, lists: number[][]): Feature =>
  form === 'one' ? Int32Array.from(lists.flat()) : form === 'rows' ? rowsOf(k, lists) : listsOf(lists);

test('packed rows of every form are those of the sentences, step after step, the longest sentence first', () => {
  fc.assert(
    fc.property(batch, ({ form, k, sentences }) => {
      const features = sentences.map((lists) => featureOf(form, k, lists));
      features.forEach((feature, s) => {
        expectFeature('test', 'feature', feature);
        expect(listed(feature)).toEqual(sentences[s]);
        expect(tokensOf(feature)).toBe(sentences[s].length);
      });
      const packing = packingOf(sentences.map((s) => s.length));
      const members = sentences.map((_, s) => s);
      const sorted = members.sort((p, q) => sentences[q].length - sentences[p].length || p - q);
      const steps = Math.max(0, ...sentences.map((s) => s.length));
      const expected = Array.from({ length: steps }, (_, t) =>
        sorted.filter((s) => sentences[s].length > t).map((s) => sentences[s][t]),
      ).flat();
      const packed = packFeature(
        'f',
        (place) => features[place],
        sentences.map((_, s) => s),
        packing,
      );
      if (sentences.length > 0) expect(listed(packed)).toEqual(expected);
      expect(tokensOf(packed)).toBe(packing.total);
    }),
  );
});

test('one sentence packs to itself', () => {
  const packing = packingOf([2]);
  const lists = listsOf([[1, 2], []]);
  expect(packFeature('f', () => lists, [0], packing)).toEqual(lists);
  const rows = rowsOf(2, [[1, 2], [3, 4]]); // prettier-ignore
  expect(packFeature('f', () => rows, [0], packing)).toEqual(rows);
});

test.each([
  [[1, 2], /feature must be a record|must be an Int32Array/],
  [new Float32Array(2), /feature must be an Int32Array/],
  [{ columns: 2, values: [1, 2] }, /feature\.values must be an Int32Array/],
  [{ columns: 0, values: new Int32Array(0) }, /feature\.columns must be a number of integers per token.*got 0/],
  [{ columns: 2, values: new Int32Array(3) }, /divides 3, the length of values; got 2/],
  [{ values: new Int32Array(3) }, /feature\.columns must be/],
  [{ ends: [1], values: new Int32Array(1) }, /feature\.ends must be an Int32Array/],
  [{ ends: Int32Array.of(2, 1), values: new Int32Array(1) }, /feature\.ends must not fall; got 1 after 2/],
  [{ ends: Int32Array.of(-1), values: new Int32Array(1) }, /must not fall; got -1 after 0/],
  [{ ends: Int32Array.of(1), values: new Int32Array(2) }, /feature\.ends must end at 2, the length of values; got 1/],
  [null, /feature must be/],
])('%j is not a feature', (feature, message) => {
  expect(() => expectFeature('test', 'feature', feature)).toThrow(ArgumentError);
  expect(() => expectFeature('test', 'feature', feature)).toThrow(message);
});

test('what does not pack is refused by name', () => {
  const packing = packingOf([1, 2]);
  const pack =
    (...features: unknown[]) =>
    () =>
      packFeature('ids', (place) => features[place] as Feature, [0, 1], packing);
  expect(pack(Int32Array.of(1), Int32Array.of(1, 2, 3))).toThrow('ids[1] must have one entry per token, 2; got 3');
  expect(pack(listsOf([[1]]), Int32Array.of(1, 2))).toThrow(
    'packRows: ids[0] must be an Int32Array, as in the first sentence; got lists of integers',
  );
  expect(pack(rowsOf(2, [[1, 2]]), rowsOf(3, [[1, 2, 3], [4, 5, 6]]))).toThrow('ids[0] must be 3 integers per token'); // prettier-ignore
  expect(pack([1], Int32Array.of(1, 2))).toThrow('ids[0] must be an Int32Array');
  expect(() => packFeature('ids', () => Int32Array.of(1), [0], packing)).toThrow(
    'packRows: members must be one per sequence of packing, 2; got 1',
  );
});
