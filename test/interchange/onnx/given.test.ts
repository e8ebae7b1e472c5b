/** The tables with which a decoder gives labels back in another scheme say what `convertLabels` says, of any labels. */
import fc from 'fast-check';
import { convertLabels, SCHEMES } from '../../../src/labeling/index';
import { tablesGivenBack } from '../../../src/labeling/model/heads/converted';

const LABELS = ['O', 'B-X', 'I-X', 'E-X', 'S-X', 'B-Y', 'I-Y', 'E-Y', 'S-Y', 'L-X', 'U-X', 'B', 'I', 'other'];

test('of every path, permitted or not', () => {
  const path = fc.array(fc.nat(LABELS.length - 1), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(path, fc.constantFrom(...SCHEMES), fc.constantFrom(...SCHEMES), (ids, learned, data) => {
      const tables = tablesGivenBack(LABELS, { learned, data });
      const K = LABELS.length;
      const given = ids.map((j, t) => {
        const { before, behind, labels } = tables[j];
        return labels[before[ids[t - 1] ?? K]][behind[ids[t + 1] ?? K]];
      });
      const expected = convertLabels(ids.map((j) => LABELS[j]), learned, data).labels; // prettier-ignore
      expect(given).toEqual(expected);
    }),
    { seed: 58, numRuns: 120 },
  );
});
