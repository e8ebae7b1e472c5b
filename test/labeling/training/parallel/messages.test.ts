import { listsOf, rowsOf } from '../../../../src/labeling/data/features.js';
import { sentencesOf, shareSentences } from '../../../../src/labeling/training/parallel/messages.js';

const sentences = {
  lengths: Int32Array.of(2, 0, 1),
  features: [
    [{ ids: Int32Array.of(5, 6) }, { ids: new Int32Array(0) }, { ids: Int32Array.of(7) }],
    [
      { rows: rowsOf(2, [[1, 2], [3, 4]]), lists: listsOf([[9, 8, 7], []]) }, // prettier-ignore
      { rows: rowsOf(2, []), lists: listsOf([]) },
      { rows: rowsOf(2, [[5, 6]]), lists: listsOf([[6]]) },
    ],
  ],
  targets: [[Int32Array.of(0, 1), new Int32Array(0), Int32Array.of(2)]],
};

test('features of every form are the same in a worker, and lie in shared memory', () => {
  const shared = shareSentences(sentences);
  const there = sentencesOf(structuredClone(shared));
  expect(there).toEqual(sentences);
  for (const { rows } of there.features[1] as unknown as { rows: { values: Int32Array } }[]) {
    expect(Object.prototype.toString.call(rows.values.buffer)).toBe('[object SharedArrayBuffer]');
  }
});

test('no sentences are none', () => {
  const none = { lengths: new Int32Array(0), features: [[]], targets: [[]] };
  expect(sentencesOf(shareSentences(none))).toEqual(none);
});
